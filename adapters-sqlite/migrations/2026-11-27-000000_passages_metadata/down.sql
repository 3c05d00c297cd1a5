DROP INDEX ix_passages_metadata;
