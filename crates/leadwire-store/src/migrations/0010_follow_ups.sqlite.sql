-- Follow-ups: what is said to customers and to the team, which step of interest a customer reached in which offer, and
-- which deliveries bring such words in place of the lead.

CREATE TABLE follow_up (
    publisher_id TEXT NOT NULL,
    follow_up_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    step INTEGER NOT NULL,
    audience TEXT NOT NULL CHECK (audience IN ('customer', 'team')),
    destination_no INTEGER NOT NULL,
    digest_at INTEGER NOT NULL DEFAULT -1,
    words TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, follow_up_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE lead_step (
    publisher_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    step INTEGER NOT NULL,
    touchpoint_id TEXT NOT NULL,
    PRIMARY KEY (publisher_id, lead_id, offer_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE delivery ADD COLUMN follow_up_id TEXT NOT NULL DEFAULT '';
