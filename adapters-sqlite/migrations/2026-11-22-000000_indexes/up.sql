-- A claim asks whether any lease has expired; without this index it would look through all tasks that run.
CREATE INDEX ix_processing_tasks_lease_expires_at ON processing_tasks (lease_expires_at)
    WHERE lease_expires_at IS NOT NULL;

-- Whether a video is deleted stands in the indexes, so that counting does not read the videos themselves.
DROP INDEX ix_videos_channel_id_published_at;
DROP INDEX ix_videos_channel_id;
DROP INDEX ix_videos_published_at;
CREATE INDEX ix_videos_channel_id_published_at ON videos (channel_id, published_at, id, deleted_at);
CREATE INDEX ix_videos_channel_id ON videos (channel_id, id, deleted_at);
CREATE INDEX ix_videos_published_at ON videos (published_at, id, deleted_at);
