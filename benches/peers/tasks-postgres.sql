INSERT INTO processing_tasks
SELECT 'task-' || lpad(i::text, 6, '0'), 'transcript', 'v' || i, 'pending', 0, NULL,
  to_timestamp(1700000000 + (i * 7919) % 10007) AT TIME ZONE 'UTC', NULL, NULL FROM generate_series(0, 9999) AS k(i);
ANALYZE processing_tasks;
