DROP INDEX ix_videos_published_at;
DROP INDEX ix_videos_channel_id;
DROP INDEX ix_videos_channel_id_published_at;
CREATE INDEX ix_videos_channel_id_published_at ON videos (channel_id, published_at, id);
CREATE INDEX ix_videos_channel_id ON videos (channel_id, id);
CREATE INDEX ix_videos_published_at ON videos (published_at, id);
DROP INDEX ix_processing_tasks_lease_expires_at;
