-- What people changed, each bound to all before it by its hash. Only ever added to. A publisher has a chain of its own; that
-- of the empty text is the operator's. Ids and names only: no secret, and no personal value.
CREATE TABLE audit (
    publisher_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    role TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (publisher_id, number)
) STRICT, WITHOUT ROWID;

-- How far a chain was signed: the hash of the entry with this number, and a mark that only this installation makes.
CREATE TABLE audit_checkpoint (
    publisher_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    hash BLOB NOT NULL,
    mark BLOB NOT NULL,
    PRIMARY KEY (publisher_id, number)
) STRICT, WITHOUT ROWID;

-- What came on a day and where it went, as JSON, with a mark. It stays as it was when retention wipes rows.
CREATE TABLE statement (
    publisher_id TEXT NOT NULL,
    day TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    mark BLOB NOT NULL,
    PRIMARY KEY (publisher_id, day)
) STRICT, WITHOUT ROWID;
