-- Which passages are of titles and descriptions, and of which videos: they count for more, and each passage that is found
-- is asked whether it is one. There are few, so this is small and stays in memory.
CREATE INDEX ix_passages_metadata ON passages (id, video_id) WHERE language IS NULL;
