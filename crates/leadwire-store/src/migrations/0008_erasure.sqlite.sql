-- Erasing people. What is erased stays as a counted row without any personal value, and says when.
ALTER TABLE lead ADD COLUMN erased_at INTEGER NOT NULL DEFAULT 0;
-- The touchpoint that tells destinations of the erasure; empty while there is none.
ALTER TABLE lead ADD COLUMN erased_by TEXT NOT NULL DEFAULT '';
ALTER TABLE touchpoint ADD COLUMN erased_at INTEGER NOT NULL DEFAULT 0;

CREATE INDEX touchpoint_erased ON touchpoint (publisher_id, touchpoint_id) WHERE erased_at <> 0;

-- One wish to erase: who asked and why, and what was wiped. `words` finds the person in bodies that nobody could read,
-- and is emptied with the last of them. `quarantine_to` and `keys_to` say how far the wiping is.
CREATE TABLE erasure (
    publisher_id TEXT NOT NULL,
    erasure_id TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('person', 'retention')),
    crm TEXT NOT NULL CHECK (crm IN ('delete', 'keep')),
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('wiping', 'wiped')),
    words TEXT NOT NULL,
    quarantine_to TEXT NOT NULL DEFAULT '',
    keys_to BLOB NOT NULL DEFAULT x'',
    leads INTEGER NOT NULL DEFAULT 0,
    touchpoints INTEGER NOT NULL DEFAULT 0,
    deliveries INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    decisions INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0,
    idempotency_keys INTEGER NOT NULL DEFAULT 0,
    wiped_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, erasure_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX erasure_wiping ON erasure (publisher_id, erasure_id) WHERE state = 'wiping';

-- A lead of an erasure, by the touchpoint that tells of it. `needs` is what destinations must know to find their record:
-- nobody reads it but the lanes, and it is emptied as the last of them is done.
CREATE TABLE erased_lead (
    publisher_id TEXT NOT NULL,
    touchpoint_id TEXT NOT NULL,
    erasure_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    needs TEXT NOT NULL,
    wiped_to TEXT NOT NULL DEFAULT '',
    is_wiped INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, touchpoint_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX erased_lead_of_erasure ON erased_lead (publisher_id, erasure_id, touchpoint_id);

-- What keeps old data of erased people out: salted hashes of identities and bodies, and the lead that was erased.
CREATE TABLE tombstone (
    publisher_id TEXT NOT NULL,
    tombstone_key BLOB NOT NULL,
    erased_at INTEGER NOT NULL,
    lead_id TEXT NOT NULL,
    PRIMARY KEY (publisher_id, tombstone_key)
) STRICT, WITHOUT ROWID;

-- How long a publisher keeps people (0 days: for ever), and the salt of its tombstones, made with the first of them.
CREATE TABLE retention (
    publisher_id TEXT NOT NULL PRIMARY KEY,
    days INTEGER NOT NULL DEFAULT 0,
    salt BLOB NOT NULL DEFAULT x''
) STRICT, WITHOUT ROWID;
