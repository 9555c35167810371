-- A bulk job of a lane: deliveries that a destination was handed in one file, or will be. A lane has one at a time. `handle` is
-- what the service calls it; empty while that is not known. A delivery in it carries 2147483647 in `claim`, which is the
-- token of no lane: whoever takes the lane leaves it there.
CREATE TABLE bulk_job (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('gathering', 'sending', 'running')),
    handle TEXT NOT NULL DEFAULT '',
    begun_at INTEGER NOT NULL,
    looks INTEGER NOT NULL DEFAULT 0,
    look_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_in_job ON delivery (publisher_id, destination_no, claim, state, touchpoint_id)
    WHERE claim = 2147483647;
