-- An idempotency key goes with its operation, however young it is.
DELETE FROM keys WHERE operation NOT IN (SELECT id FROM operations);
CREATE INDEX keys_of ON keys (operation);
