-- Entries of the audit log are found by who did something, by what was done, and by when, each in an index alone.
CREATE INDEX audit_who ON audit (publisher_id, who, number, at, action);
CREATE INDEX audit_action ON audit (publisher_id, action, number, at);
CREATE INDEX audit_at ON audit (publisher_id, at, number);

-- What somebody looks for on a page again and again, under a name of their own. It names no person who is a lead.
CREATE TABLE saved_view (
    publisher_id TEXT NOT NULL,
    who TEXT NOT NULL,
    page TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, who, page, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX saved_view_who ON saved_view (who);
