-- The catalogue. Times are microseconds since 1970 in UTC, lists and objects JSON text (`jsonb` would change their
-- numbers). Texts that decide an order are compared byte by byte. Every constraint has a name: pk_, fk_, uq_, ck_;
-- every index begins with ix_.

-- From here all revisions come. Not cached: of two that are drawn one after the other the later is the larger, on
-- whatever connections. A number that was drawn and not used is a gap.
CREATE SEQUENCE store_revision AS BIGINT MINVALUE 1 CACHE 1 NO CYCLE;

CREATE TABLE channels (
    id TEXT COLLATE "C" NOT NULL CONSTRAINT pk_channels PRIMARY KEY,
    title TEXT COLLATE "C" NOT NULL,
    handle TEXT,
    url TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX ix_channels_title ON channels (title, id);

CREATE TABLE videos (
    id TEXT COLLATE "C" NOT NULL CONSTRAINT pk_videos PRIMARY KEY,
    channel_id TEXT COLLATE "C" CONSTRAINT fk_videos_channel_id REFERENCES channels (id),
    title TEXT NOT NULL,
    url TEXT,
    published_at BIGINT,
    duration_ms BIGINT,
    view_count BIGINT,
    like_count BIGINT,
    dislike_count BIGINT,
    comment_count BIGINT,
    category_id TEXT,
    category_name TEXT,
    thumbnail_url TEXT,
    live_status TEXT CONSTRAINT ck_videos_live_status
        CHECK (live_status IN ('not_live', 'is_upcoming', 'is_live', 'post_live', 'was_live')),
    availability TEXT CONSTRAINT ck_videos_availability CHECK (availability IN
        ('public', 'unlisted', 'private', 'premium_only', 'subscriber_only', 'needs_auth')),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    revision BIGINT NOT NULL,
    tags TEXT NOT NULL,
    chapters TEXT NOT NULL,
    extra TEXT NOT NULL,
    description TEXT
);
CREATE INDEX ix_videos_channel_id_published_at ON videos (channel_id, published_at, id, deleted_at);
CREATE INDEX ix_videos_channel_id ON videos (channel_id, id, deleted_at);
CREATE INDEX ix_videos_published_at ON videos (published_at, id, deleted_at);

CREATE TABLE transcripts (
    video_id TEXT COLLATE "C" NOT NULL CONSTRAINT fk_transcripts_video_id REFERENCES videos (id),
    language TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL
        CONSTRAINT ck_transcripts_kind CHECK (kind IN ('manual', 'automatic', 'translated')),
    cue_count BIGINT NOT NULL,
    text_bytes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    cues TEXT NOT NULL,
    CONSTRAINT pk_transcripts PRIMARY KEY (video_id, language)
);

CREATE TABLE knowledge_graphs (
    id UUID NOT NULL CONSTRAINT pk_knowledge_graphs PRIMARY KEY,
    video_id TEXT COLLATE "C" CONSTRAINT fk_knowledge_graphs_video_id REFERENCES videos (id),
    channel_id TEXT COLLATE "C" CONSTRAINT fk_knowledge_graphs_channel_id REFERENCES channels (id),
    model TEXT,
    processing_time_ms BIGINT,
    version INTEGER NOT NULL CONSTRAINT ck_knowledge_graphs_version CHECK (version >= 1),
    entity_count BIGINT NOT NULL,
    relation_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    entities TEXT NOT NULL,
    relations TEXT NOT NULL,
    CONSTRAINT ck_knowledge_graphs_owner CHECK ((video_id IS NULL) <> (channel_id IS NULL))
);
CREATE INDEX ix_knowledge_graphs_created_at ON knowledge_graphs (created_at, id);
CREATE INDEX ix_knowledge_graphs_video_id ON knowledge_graphs (video_id, created_at, id);
CREATE INDEX ix_knowledge_graphs_channel_id ON knowledge_graphs (channel_id, created_at, id);

CREATE TABLE processing_tasks (
    id UUID NOT NULL CONSTRAINT pk_processing_tasks PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    target TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL CONSTRAINT ck_processing_tasks_status
        CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
    progress INTEGER NOT NULL CONSTRAINT ck_processing_tasks_progress CHECK (progress BETWEEN 0 AND 100),
    attempts INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    available_at BIGINT NOT NULL,
    lease_token UUID,
    lease_worker TEXT,
    lease_expires_at BIGINT,
    error TEXT,
    started_at BIGINT,
    finished_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    payload TEXT NOT NULL,
    CONSTRAINT ck_processing_tasks_attempts CHECK (attempts BETWEEN 0 AND max_attempts),
    CONSTRAINT ck_processing_tasks_lease CHECK (
        (status = 'running') = (lease_token IS NOT NULL)
        AND (lease_token IS NULL) = (lease_worker IS NULL)
        AND (lease_token IS NULL) = (lease_expires_at IS NULL)
    )
);
CREATE INDEX ix_processing_tasks_created_at ON processing_tasks (created_at, id);
CREATE INDEX ix_processing_tasks_status ON processing_tasks (status, created_at, id);
CREATE INDEX ix_processing_tasks_finished_at ON processing_tasks (finished_at, id);
CREATE INDEX ix_processing_tasks_kind ON processing_tasks (kind, created_at, id);
-- An entry of a B-tree has at most 2,704 bytes, and a target may have more.
CREATE INDEX ix_processing_tasks_target ON processing_tasks USING hash (target);
CREATE INDEX ix_processing_tasks_lease_expires_at ON processing_tasks (lease_expires_at)
    WHERE lease_expires_at IS NOT NULL;

CREATE TABLE media_files (
    id UUID NOT NULL CONSTRAINT pk_media_files PRIMARY KEY,
    video_id TEXT COLLATE "C" NOT NULL CONSTRAINT fk_media_files_video_id REFERENCES videos (id),
    path TEXT COLLATE "C" NOT NULL,
    file_name TEXT NOT NULL,
    size_bytes BIGINT,
    frame_rate_numerator INTEGER,
    frame_rate_denominator INTEGER,
    frame_count BIGINT,
    width INTEGER,
    height INTEGER,
    video_codec TEXT,
    audio_codec TEXT,
    thumbnail_path TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    -- UNIQUE for texts of any length: an entry of a B-tree has at most 2,704 bytes, and a path may have 4,096.
    CONSTRAINT uq_media_files_path EXCLUDE USING hash (path WITH =),
    CONSTRAINT ck_media_files_frame_rate CHECK
        ((frame_rate_numerator IS NULL) = (frame_rate_denominator IS NULL))
);
-- The order of paths is that of their first characters, and among equal ones that of the paths.
CREATE INDEX ix_media_files_path ON media_files (left(path, 500));
CREATE INDEX ix_media_files_video_id ON media_files (video_id, left(path, 500));

-- The normalised words of a media file's path.
CREATE TABLE media_file_words (
    word TEXT COLLATE "C" NOT NULL,
    media_file_id UUID NOT NULL CONSTRAINT fk_media_file_words_media_file_id
        REFERENCES media_files (id) ON DELETE CASCADE,
    CONSTRAINT pk_media_file_words PRIMARY KEY (word, media_file_id)
);
CREATE INDEX ix_media_file_words_media_file_id ON media_file_words (media_file_id);

-- What is searched: passages of transcripts, and of titles with descriptions (no language). `tokens` are the
-- domain's tokens, separated by spaces, from which the score is computed; `words` the same with their positions,
-- as a literal: to_tsvector would cut them again.
CREATE TABLE passages (
    id BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_passages PRIMARY KEY,
    video_id TEXT COLLATE "C" NOT NULL CONSTRAINT fk_passages_video_id REFERENCES videos (id),
    language TEXT COLLATE "C",
    ordinal INTEGER NOT NULL,
    tokens TEXT NOT NULL,
    words TSVECTOR NOT NULL
);
CREATE INDEX ix_passages_video_id_language ON passages (video_id, language);
-- Without a list of pending entries, which every search would have to read, and every write conflict with.
CREATE INDEX ix_passages_words ON passages USING gin (words) WITH (fastupdate = off);
