-- What an import has found out about each file. The path is the key, and rows are short, so it stands in the row alone.
CREATE TABLE source_files (
    path TEXT NOT NULL CONSTRAINT pk_source_files PRIMARY KEY,
    size_bytes BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    hash BLOB CONSTRAINT ck_source_files_hash CHECK (length(hash) = 32),
    reader_version BIGINT NOT NULL,
    verdict TEXT NOT NULL CONSTRAINT ck_source_files_verdict
        CHECK (verdict IN ('imported', 'refused', 'ignored')),
    note TEXT,
    gives_kind TEXT,
    gives_key TEXT,
    memo TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT ck_source_files_note CHECK ((verdict = 'imported') = (note IS NULL)),
    CONSTRAINT ck_source_files_gives CHECK ((gives_kind IS NULL) = (gives_key IS NULL))
) WITHOUT ROWID;
CREATE INDEX ix_source_files_verdict ON source_files (verdict, path);
