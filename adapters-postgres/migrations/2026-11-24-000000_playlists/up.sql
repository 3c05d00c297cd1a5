CREATE TABLE playlists (
    id TEXT COLLATE "C" NOT NULL CONSTRAINT pk_playlists PRIMARY KEY,
    channel_id TEXT COLLATE "C" CONSTRAINT fk_playlists_channel_id REFERENCES channels (id),
    title TEXT COLLATE "C" NOT NULL,
    url TEXT,
    video_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    revision BIGINT NOT NULL,
    description TEXT,
    -- In their order, in the catalogue or not.
    videos TEXT[] COLLATE "C" NOT NULL
);
-- Whether a playlist is deleted stands in the indexes, so that counting does not read the playlists themselves.
CREATE INDEX ix_playlists_title ON playlists (title, id, deleted_at);
CREATE INDEX ix_playlists_channel_id_title ON playlists (channel_id, title, id, deleted_at);
CREATE INDEX ix_playlists_channel_id ON playlists (channel_id, id, deleted_at);
-- Without a list of pending entries, which every look-up would have to read, and every write conflict with.
CREATE INDEX ix_playlists_videos ON playlists USING gin (videos) WITH (fastupdate = off);
