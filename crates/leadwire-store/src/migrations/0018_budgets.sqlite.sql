-- The calls of an account that count in a window: made, reserved, and what the service said of others. Destinations that call
-- the same account share the row.
CREATE TABLE budget (
    publisher_id TEXT NOT NULL,
    account TEXT NOT NULL,
    window_ms INTEGER NOT NULL CHECK (window_ms > 0),
    spent TEXT NOT NULL DEFAULT '[]',
    told_at INTEGER NOT NULL DEFAULT 0,
    told_limit INTEGER NOT NULL DEFAULT 0,
    told_used INTEGER NOT NULL DEFAULT 0,
    looked_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, account, window_ms)
) STRICT, WITHOUT ROWID;
