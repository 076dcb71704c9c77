-- Those that were cancelled (7, the place in the list of shown statuses) and have checkpoints, by their end.
CREATE INDEX cancelled ON operations (completed_at, id) WHERE status = 7 AND checkpoints > 0;
