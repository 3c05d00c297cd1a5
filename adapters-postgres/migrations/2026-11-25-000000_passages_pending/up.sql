-- What is written goes to a list of pending entries first, and from there to the index many rows at a time: word by word for
-- each row was four fifths of writing a text. Each search reads the list, so it is short.
ALTER INDEX ix_passages_words SET (fastupdate = on, gin_pending_list_limit = 1024);
