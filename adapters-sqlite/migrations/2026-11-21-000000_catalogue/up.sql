-- The catalogue. Times are microseconds since 1970 in UTC, UUIDs 16 bytes, lists and objects JSON text.
-- Every constraint has a name: pk_, fk_, uq_, ck_; every index begins with ix_.

-- 'TbAt': by this number a file is known to be ours.
PRAGMA application_id = 1415725428;

-- One row: the sequence from which all revisions come, so that none is given twice, also after a purge.
CREATE TABLE store_state (
    id INTEGER NOT NULL CONSTRAINT pk_store_state PRIMARY KEY
        CONSTRAINT ck_store_state_single_row CHECK (id = 1),
    revision BIGINT NOT NULL CONSTRAINT ck_store_state_revision CHECK (revision >= 0)
);
INSERT INTO store_state (id, revision) VALUES (1, 0);

CREATE TABLE channels (
    id TEXT NOT NULL CONSTRAINT pk_channels PRIMARY KEY,
    title TEXT NOT NULL,
    handle TEXT,
    url TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX ix_channels_title ON channels (title, id);

CREATE TABLE videos (
    id TEXT NOT NULL CONSTRAINT pk_videos PRIMARY KEY,
    channel_id TEXT CONSTRAINT fk_videos_channel_id REFERENCES channels (id),
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
    -- What may be long stands last, so that reading what is before it does not read it too.
    tags TEXT NOT NULL,
    chapters TEXT NOT NULL,
    extra TEXT NOT NULL,
    description TEXT
);
CREATE INDEX ix_videos_channel_id_published_at ON videos (channel_id, published_at, id);
CREATE INDEX ix_videos_channel_id ON videos (channel_id, id);
CREATE INDEX ix_videos_published_at ON videos (published_at, id);

CREATE TABLE transcripts (
    video_id TEXT NOT NULL CONSTRAINT fk_transcripts_video_id REFERENCES videos (id),
    language TEXT NOT NULL,
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
    id BLOB NOT NULL CONSTRAINT pk_knowledge_graphs PRIMARY KEY,
    video_id TEXT CONSTRAINT fk_knowledge_graphs_video_id REFERENCES videos (id),
    channel_id TEXT CONSTRAINT fk_knowledge_graphs_channel_id REFERENCES channels (id),
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
    id BLOB NOT NULL CONSTRAINT pk_processing_tasks PRIMARY KEY,
    kind TEXT NOT NULL,
    target TEXT,
    status TEXT NOT NULL CONSTRAINT ck_processing_tasks_status
        CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
    progress INTEGER NOT NULL CONSTRAINT ck_processing_tasks_progress CHECK (progress BETWEEN 0 AND 100),
    attempts INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    available_at BIGINT NOT NULL,
    lease_token BLOB,
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
CREATE INDEX ix_processing_tasks_target ON processing_tasks (target, created_at, id);

CREATE TABLE media_files (
    id BLOB NOT NULL CONSTRAINT pk_media_files PRIMARY KEY,
    video_id TEXT NOT NULL CONSTRAINT fk_media_files_video_id REFERENCES videos (id),
    path TEXT NOT NULL CONSTRAINT uq_media_files_path UNIQUE,
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
    CONSTRAINT ck_media_files_frame_rate CHECK
        ((frame_rate_numerator IS NULL) = (frame_rate_denominator IS NULL))
);
CREATE INDEX ix_media_files_video_id ON media_files (video_id, path);

-- The normalised words of a media file's path.
CREATE TABLE media_file_words (
    word TEXT NOT NULL,
    media_file_id BLOB NOT NULL CONSTRAINT fk_media_file_words_media_file_id
        REFERENCES media_files (id) ON DELETE CASCADE,
    CONSTRAINT pk_media_file_words PRIMARY KEY (word, media_file_id)
) WITHOUT ROWID;
CREATE INDEX ix_media_file_words_media_file_id ON media_file_words (media_file_id);

-- What is searched: passages of transcripts, and of titles with descriptions (no language).
CREATE TABLE passages (
    id INTEGER NOT NULL CONSTRAINT pk_passages PRIMARY KEY,
    video_id TEXT NOT NULL CONSTRAINT fk_passages_video_id REFERENCES videos (id),
    language TEXT,
    ordinal INTEGER NOT NULL
);
CREATE INDEX ix_passages_video_id_language ON passages (video_id, language);

-- Their normalised tokens, separated by spaces. The tokenizer `ascii` splits at ASCII characters that are
-- neither letters nor digits and leaves all others alone, and tokens hold no such character: so the index has
-- exactly the domain's tokens. The text itself is not kept: it follows from the transcripts.
CREATE VIRTUAL TABLE passages_fts USING fts5 (
    tokens, content = '', contentless_delete = 1, tokenize = 'ascii'
);
