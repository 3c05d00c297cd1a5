CREATE TABLE playlists (
    id TEXT NOT NULL CONSTRAINT pk_playlists PRIMARY KEY,
    channel_id TEXT CONSTRAINT fk_playlists_channel_id REFERENCES channels (id),
    title TEXT NOT NULL,
    url TEXT,
    video_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    revision BIGINT NOT NULL,
    -- What may be long stands last, so that reading what is before it does not read it too.
    description TEXT,
    videos TEXT NOT NULL
);
-- Whether a playlist is deleted stands in the indexes, so that counting does not read the playlists themselves.
CREATE INDEX ix_playlists_title ON playlists (title, id, deleted_at);
CREATE INDEX ix_playlists_channel_id_title ON playlists (channel_id, title, id, deleted_at);
CREATE INDEX ix_playlists_channel_id ON playlists (channel_id, id, deleted_at);

-- By which videos a playlist is found, each once, in the catalogue or not. The order stands in the playlist itself: it is
-- written and read as a whole, which a row for each place makes several times as dear.
CREATE TABLE playlist_videos (
    video_id TEXT NOT NULL,
    playlist_id TEXT NOT NULL CONSTRAINT fk_playlist_videos_playlist_id
        REFERENCES playlists (id) ON DELETE CASCADE,
    CONSTRAINT pk_playlist_videos PRIMARY KEY (video_id, playlist_id)
) WITHOUT ROWID;
CREATE INDEX ix_playlist_videos_playlist_id ON playlist_videos (playlist_id);
