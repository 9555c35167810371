-- Keys that seal the secrets of a publisher's destinations, wrapped by a master key that is never in the store.
-- The greatest number is the current one, and is never taken away, so that no number is used twice.
CREATE TABLE publisher_key (
    publisher_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    master_key_id TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, number)
) STRICT, WITHOUT ROWID;
