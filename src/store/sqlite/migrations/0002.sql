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
