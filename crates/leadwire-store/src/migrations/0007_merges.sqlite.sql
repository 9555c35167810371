-- Leads that a person made one. `merged_into` is the lead that a merged one is part of, always one that stands for itself;
-- empty for every other. `members` is how many leads are part of this one, itself not counted.
ALTER TABLE lead ADD COLUMN merged_into TEXT NOT NULL DEFAULT '';
ALTER TABLE lead ADD COLUMN members INTEGER NOT NULL DEFAULT 0;

-- The lead under which a delivery was begun whose lead was merged meanwhile: what may have arrived is repeated under the
-- same one. Empty when it goes by its own lead.
ALTER TABLE delivery ADD COLUMN known_as TEXT NOT NULL DEFAULT '';

-- Which touchpoint said each field, so that one that is stored late overwrites nothing newer: empty when the first one
-- said all of them, one id when one did, else an id for each field. Fields of leads that were there are by their newest
-- touchpoint, as far as anybody knows.
ALTER TABLE lead ADD COLUMN said_by TEXT NOT NULL DEFAULT '';
UPDATE lead SET said_by = COALESCE((
    SELECT MAX(t.touchpoint_id) FROM touchpoint t
    WHERE t.publisher_id = lead.publisher_id AND t.lead_id = lead.lead_id), '')
WHERE touchpoints > 1;

-- By which rule leads were made one: `person`, or what they were suggested for.
ALTER TABLE lead_act ADD COLUMN rule TEXT NOT NULL DEFAULT '';

-- Each lead of several that are one, the one that stands for them too, as its own touchpoints and acts fold: taken out
-- again, it is what it would have been. `parent_id` is the lead it was merged into, empty for the one that stands.
CREATE TABLE member (
    publisher_id TEXT NOT NULL,
    root_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    act_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT NOT NULL,
    phone TEXT NOT NULL,
    country TEXT NOT NULL,
    company TEXT NOT NULL,
    title TEXT NOT NULL,
    said_by TEXT NOT NULL,
    touchpoints INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    interest INTEGER NOT NULL,
    interest_by TEXT NOT NULL,
    interest_rule TEXT NOT NULL,
    interest_set TEXT NOT NULL,
    refused_at INTEGER NOT NULL,
    refused_by TEXT NOT NULL,
    permitted_at INTEGER NOT NULL,
    permitted_by TEXT NOT NULL,
    consent_at INTEGER NOT NULL,
    consent_by TEXT NOT NULL,
    PRIMARY KEY (publisher_id, root_id, lead_id)
) STRICT, WITHOUT ROWID;

-- A publisher's rules of identity; the delivered ones hold where there is no row. Lists have a line for each entry.
CREATE TABLE identity_rules (
    publisher_id TEXT NOT NULL PRIMARY KEY,
    rules TEXT NOT NULL,
    scope TEXT NOT NULL,
    shared TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What leads have that others may have too, hashed, and pairs of leads that have it in common.
CREATE TABLE near_key (
    publisher_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    near_key BLOB NOT NULL,
    rule TEXT NOT NULL,
    PRIMARY KEY (publisher_id, lead_id, near_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX near_key_leads ON near_key (publisher_id, near_key, lead_id);

CREATE TABLE suggestion (
    publisher_id TEXT NOT NULL,
    suggestion_id TEXT NOT NULL,
    one_id TEXT NOT NULL,
    other_id TEXT NOT NULL,
    rules TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'dismissed', 'merged')),
    decided_at INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    who TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (publisher_id, suggestion_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX suggestion_pair ON suggestion (publisher_id, one_id, other_id);
CREATE INDEX suggestion_other ON suggestion (publisher_id, other_id);
CREATE INDEX suggestion_open ON suggestion (publisher_id, suggestion_id) WHERE state = 'open';

-- How far the search for near matches has come: what is behind `done_to` is done.
CREATE TABLE suggesting (
    publisher_id TEXT NOT NULL PRIMARY KEY,
    done_to TEXT NOT NULL
) STRICT, WITHOUT ROWID;
