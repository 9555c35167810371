-- What became of leads, as people say it (destination 0) or as a destination does. Only ever added to. `at` is when it became
-- so, `noted_at` when it was written down. All free text about it is here.
CREATE TABLE feedback (
    publisher_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    feedback_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    noted_at INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('qualified', 'disqualified', 'converted', 'lost')),
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (publisher_id, lead_id, feedback_id)
) STRICT, WITHOUT ROWID;

-- One word is kept once, however often it is said.
CREATE UNIQUE INDEX feedback_once ON feedback (publisher_id, lead_id, destination_no, at, kind);

-- How far feedback was read from a destination. What is before `position` is written down: they change in one transaction.
CREATE TABLE feedback_reading (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    position TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    read_at INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    cause TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    fix TEXT NOT NULL DEFAULT '',
    seen INTEGER NOT NULL DEFAULT 0,
    noted INTEGER NOT NULL DEFAULT 0,
    unknown INTEGER NOT NULL DEFAULT 0,
    unmatched INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;
