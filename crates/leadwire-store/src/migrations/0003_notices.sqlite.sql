-- What somebody should be told of a destination, kept until it was. A lane's pause and its notice are one transaction.
-- `told_at` is 0 while nobody was told, and -1 when there is nobody to tell.
CREATE TABLE notice (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('paused', 'resumed', 'check_failed', 'check_passed', 'ends_soon')),
    at INTEGER NOT NULL,
    cause TEXT NOT NULL,
    message TEXT NOT NULL,
    fix TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    told_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, destination_no, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX notice_due ON notice (due_at, publisher_id, destination_no, number) WHERE told_at = 0;

-- What is known of a destination without a lead: when it was looked at, how that went, and of which end it was warned.
CREATE TABLE watch (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    checked_at INTEGER NOT NULL DEFAULT 0,
    is_failing INTEGER NOT NULL DEFAULT 0,
    warned_of INTEGER NOT NULL DEFAULT 0,
    warned_days INTEGER NOT NULL DEFAULT -1,
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

-- When a lead last arrived there, by the lane's clock.
ALTER TABLE lane ADD COLUMN delivered_at INTEGER NOT NULL DEFAULT 0;
