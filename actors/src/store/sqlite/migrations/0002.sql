-- An idempotency key goes with its operation, however young it is.
DELETE FROM keys WHERE operation NOT IN (SELECT id FROM operations);
CREATE INDEX keys_of ON keys (operation);
-- The columns of operations whose rows could not be read, as they were found, one row a column.
CREATE TABLE set_aside (
    operation INTEGER NOT NULL,
    field TEXT NOT NULL,
    value ANY,
    PRIMARY KEY (operation, field)
) STRICT, WITHOUT ROWID;
-- One that waited for a time, or came back to the queue, says since when it could run; `due` is -1 once
-- its time has come. The others have 0 there, and could run since they were created.
ALTER TABLE operations ADD COLUMN since INTEGER;
UPDATE operations SET since = MAX(created_at, due) WHERE due > 0;
-- By priority the first of those with 0 there is the oldest one too.
DROP INDEX queue;
CREATE INDEX queue ON operations (lane, due, priority DESC, id) WHERE due IS NOT NULL;
-- The oldest of the others.
CREATE INDEX late ON operations (lane, since) WHERE since IS NOT NULL;
-- Pages of those that wait for their time, whose number is in `counters` under the status -1.
CREATE INDEX scheduled ON operations (kind, id) WHERE due > 0;
INSERT INTO counters SELECT kind, -1, COUNT(*) FROM operations WHERE due > 0 GROUP BY kind;
-- How many ended in an hour, by status.
DROP INDEX ended;
CREATE INDEX ended ON operations (completed_at, id, status) WHERE completed_at IS NOT NULL;
