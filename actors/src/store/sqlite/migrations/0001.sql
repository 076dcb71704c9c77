-- One row an operation. What is searched for has a column, the rest is JSON: `start` never
-- changes after the insert, `state` changes with every command.
CREATE TABLE operations (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    lane TEXT NOT NULL,
    priority INTEGER NOT NULL,
    -- The place in the list of shown statuses.
    status INTEGER NOT NULL,
    -- In its lane's queue: 0 may go now, else the time before which it may not. NULL: does not wait.
    due INTEGER,
    created_at INTEGER NOT NULL,
    completed_at INTEGER,
    -- The text that no other live operation may have; NULL once it has ended.
    held TEXT,
    seq INTEGER NOT NULL,
    checkpoints INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    start TEXT NOT NULL,
    output TEXT
) STRICT;
-- Who goes next.
CREATE INDEX queue ON operations (lane, due, priority DESC, id, created_at) WHERE due IS NOT NULL;
-- Pages by kind and status.
CREATE INDEX shelves ON operations (kind, status, id);
-- The last four characters of an id.
CREATE INDEX endings ON operations (id & 0xfffff);
-- What ended long ago.
CREATE INDEX ended ON operations (completed_at, id) WHERE completed_at IS NOT NULL;
CREATE UNIQUE INDEX holders ON operations (held) WHERE held IS NOT NULL;

CREATE TABLE labels (
    value TEXT NOT NULL,
    key TEXT NOT NULL,
    operation INTEGER NOT NULL,
    PRIMARY KEY (key, value, operation)
) STRICT, WITHOUT ROWID;
CREATE INDEX label_values ON labels (value, operation);

-- Logs and metrics are kinds of event.
CREATE TABLE events (
    cursor INTEGER PRIMARY KEY,
    operation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    type INTEGER NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX history ON events (operation, seq, type);

CREATE TABLE checkpoints (
    number INTEGER PRIMARY KEY,
    operation INTEGER NOT NULL,
    about TEXT NOT NULL,
    value BLOB NOT NULL
) STRICT;
CREATE INDEX checkpoints_of ON checkpoints (operation, number);

CREATE TABLE keys (
    key TEXT PRIMARY KEY,
    operation INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_age ON keys (at);

CREATE TABLE counters (
    kind TEXT NOT NULL,
    status INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (kind, status)
) STRICT, WITHOUT ROWID;

-- One row: the last event's cursor, the newest id ever made, and the time of the last commit.
CREATE TABLE progress (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    cursor INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
INSERT INTO progress VALUES (1, 0, 0, 0);
