-- Who asked for a replay: the id of a key, a user or a link; empty for replays that are older than this column.
ALTER TABLE replay ADD COLUMN asked_by TEXT NOT NULL DEFAULT '';

-- Bodies in quarantine by the touchpoint they became: one may have been repaired, so that nothing in it tells whose it is.
CREATE INDEX quarantine_became ON quarantine (publisher_id, touchpoint_id) WHERE touchpoint_id <> '';
