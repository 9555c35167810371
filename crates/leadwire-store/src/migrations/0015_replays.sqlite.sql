-- What a replay takes up beside offers and time; whether it only counts; whether somebody paused it; how much there is to
-- look at (0: more than is counted), and how much of it was. `only_state` is parked, delivered or missing, empty for all.
ALTER TABLE replay ADD COLUMN filter TEXT NOT NULL DEFAULT '';
ALTER TABLE replay ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE replay ADD COLUMN action TEXT NOT NULL DEFAULT '';
ALTER TABLE replay ADD COLUMN only_state TEXT NOT NULL DEFAULT '';
ALTER TABLE replay ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE replay ADD COLUMN mapping_no INTEGER NOT NULL DEFAULT 0;
ALTER TABLE replay ADD COLUMN dry_run INTEGER NOT NULL DEFAULT 0;
ALTER TABLE replay ADD COLUMN paused_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE replay ADD COLUMN total INTEGER NOT NULL DEFAULT 0;
ALTER TABLE replay ADD COLUMN looked INTEGER NOT NULL DEFAULT 0;

-- What a replay did or would do, by destination (0: none) and reason. A step and its counts are one transaction.
CREATE TABLE replay_tally (
    publisher_id TEXT NOT NULL,
    replay_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('added', 'again', 'held', 'skipped')),
    why TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, replay_id, destination_no, what, why)
) STRICT, WITHOUT ROWID;

-- Each version of a destination's mapping: the rows that differ from the kind's own, as JSON, and who wrote them when. The
-- mapping of destinations that were there is their first.
CREATE TABLE mapping_version (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    mapping_no INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    mapping TEXT NOT NULL,
    PRIMARY KEY (publisher_id, destination_no, mapping_no)
) STRICT, WITHOUT ROWID;

INSERT INTO mapping_version (publisher_id, destination_no, mapping_no, created_at, created_by, mapping)
SELECT publisher_id, destination_no, 1, created_at, '', COALESCE(json_extract(settings, '$.mapping'), '{}')
FROM destination
WHERE removed_at = 0;

-- Deliveries that are to be mapped by another version than the current one, and whether a destination has any.
CREATE TABLE delivery_mapping (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    touchpoint_id TEXT NOT NULL,
    mapping_no INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, destination_no, touchpoint_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE destination ADD COLUMN pins_mappings INTEGER NOT NULL DEFAULT 0;

-- What came of a body in quarantine that was read again: the touchpoint it became; empty while it cannot be read.
ALTER TABLE quarantine ADD COLUMN touchpoint_id TEXT NOT NULL DEFAULT '';

CREATE INDEX quarantine_waiting ON quarantine (publisher_id, quarantine_id) WHERE touchpoint_id = '';
