-- One whose time had come before there was `since` had 0 in `due`; it has -1, as all have that could run
-- only later. A state that is no JSON belongs to a damaged row, which is set aside when it is met.
UPDATE operations SET due = -1, since = created_at
WHERE due = 0 AND CASE
    WHEN json_valid(state)
    THEN COALESCE(state ->> '$.not_before', state ->> '$.backoff_until') IS NOT NULL
    ELSE 0
END;
