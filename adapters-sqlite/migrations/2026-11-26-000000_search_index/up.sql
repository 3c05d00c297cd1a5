-- One row: by which version of the domain the passages were made. It is not known of those that are there; of none it does not
-- matter, and opening the database writes the present one.
CREATE TABLE search_index (
    id INTEGER NOT NULL CONSTRAINT pk_search_index PRIMARY KEY
        CONSTRAINT ck_search_index_single_row CHECK (id = 1),
    version BIGINT NOT NULL CONSTRAINT ck_search_index_version CHECK (version >= 0)
);
INSERT INTO search_index (id, version) VALUES (1, 0);
