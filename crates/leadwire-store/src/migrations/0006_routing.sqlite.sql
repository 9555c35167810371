-- Routes have an order, a condition, and may end the search. Routes that were there come first, oldest first, as before.
ALTER TABLE route ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE route ADD COLUMN filter TEXT NOT NULL DEFAULT '';
ALTER TABLE route ADD COLUMN stop INTEGER NOT NULL DEFAULT 0;

-- Filters that could not be told of a touchpoint when it came, and why; empty when all could.
ALTER TABLE touchpoint ADD COLUMN routing_trouble TEXT NOT NULL DEFAULT '';

CREATE INDEX touchpoint_troubled ON touchpoint (publisher_id, touchpoint_id) WHERE routing_trouble <> '';

-- Routing touchpoints anew, step by step. What is behind `done_to` is done; a step and its mark are one transaction.
CREATE TABLE replay (
    publisher_id TEXT NOT NULL,
    replay_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    destination_no INTEGER NOT NULL,
    offers TEXT NOT NULL,
    first_id TEXT NOT NULL,
    last_id TEXT NOT NULL,
    force INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'stopped')),
    done_to TEXT NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0,
    added INTEGER NOT NULL DEFAULT 0,
    again INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    unrouted INTEGER NOT NULL DEFAULT 0,
    ended_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, replay_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX replay_running ON replay (publisher_id, replay_id) WHERE state = 'running';
