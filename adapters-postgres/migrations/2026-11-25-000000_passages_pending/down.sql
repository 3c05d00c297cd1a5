ALTER INDEX ix_passages_words SET (fastupdate = off);
ALTER INDEX ix_passages_words RESET (gin_pending_list_limit);
-- What is still in the list would stay there.
SELECT gin_clean_pending_list('ix_passages_words');
