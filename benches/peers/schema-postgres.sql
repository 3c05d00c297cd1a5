CREATE TABLE IF NOT EXISTS videos(
  id TEXT PRIMARY KEY NOT NULL, channel_id TEXT NOT NULL, title TEXT NOT NULL, description TEXT,
  published_at TIMESTAMP NOT NULL, duration_seconds BIGINT NOT NULL, view_count BIGINT NOT NULL, like_count BIGINT NOT NULL,
  dislike_count BIGINT NOT NULL, comment_count BIGINT NOT NULL, category_id TEXT NOT NULL, category_name TEXT NOT NULL,
  tags TEXT NOT NULL, thumbnail_url TEXT NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL);
CREATE INDEX IF NOT EXISTS videos_channel ON videos(channel_id, published_at DESC, id);
CREATE INDEX IF NOT EXISTS videos_published ON videos(published_at);
CREATE TABLE IF NOT EXISTS transcripts(
  video_id TEXT NOT NULL REFERENCES videos(id), language TEXT NOT NULL, content TEXT NOT NULL, kind TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL,
  words TSVECTOR NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', content)) STORED, PRIMARY KEY(video_id, language));
CREATE INDEX IF NOT EXISTS transcripts_words ON transcripts USING gin(words);
CREATE TABLE IF NOT EXISTS processing_tasks(
  id TEXT PRIMARY KEY NOT NULL, task_type TEXT NOT NULL, target_id TEXT NOT NULL, status TEXT NOT NULL,
  progress_percent BIGINT NOT NULL, error_message TEXT, created_at TIMESTAMP NOT NULL, started_at TIMESTAMP, completed_at TIMESTAMP);
CREATE INDEX IF NOT EXISTS tasks_status ON processing_tasks(status, created_at);
