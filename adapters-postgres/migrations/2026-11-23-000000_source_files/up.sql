-- What an import has found out about each file.
CREATE TABLE source_files (
    path TEXT COLLATE "C" NOT NULL,
    size_bytes BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    hash BYTEA CONSTRAINT ck_source_files_hash CHECK (length(hash) = 32),
    reader_version BIGINT NOT NULL,
    verdict TEXT COLLATE "C" NOT NULL CONSTRAINT ck_source_files_verdict
        CHECK (verdict IN ('imported', 'refused', 'ignored')),
    note TEXT,
    gives_kind TEXT,
    gives_key TEXT,
    memo TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    -- The key, of any length: an entry of a B-tree has at most 2,704 bytes, and a path may have 4,096.
    CONSTRAINT uq_source_files_path EXCLUDE USING hash (path WITH =),
    CONSTRAINT ck_source_files_note CHECK ((verdict = 'imported') = (note IS NULL)),
    CONSTRAINT ck_source_files_gives CHECK ((gives_kind IS NULL) = (gives_key IS NULL))
);
-- The order of paths is that of their first characters, and among equal ones that of the paths.
CREATE INDEX ix_source_files_path ON source_files (left(path, 500));
CREATE INDEX ix_source_files_verdict ON source_files (verdict, left(path, 500));
