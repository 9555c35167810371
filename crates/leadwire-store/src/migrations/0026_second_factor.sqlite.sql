-- The language that somebody chose for their pages; empty: what their browser asks for.
ALTER TABLE portal_user ADD COLUMN language TEXT NOT NULL DEFAULT '';

-- The second factor of a user: a secret that their phone has too, sealed by the program with the master key that is named.
-- `last_step` is the newest half minute whose code was used, so that each counts once; `confirmed_at` is 0 until its owner has
-- typed a first code.
CREATE TABLE portal_factor (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    master_key_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    last_step INTEGER NOT NULL DEFAULT 0,
    made_at INTEGER NOT NULL,
    confirmed_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, user_id)
) STRICT, WITHOUT ROWID;

-- What opens an account once when the phone is gone: hashes of codes. A row that is used is removed.
CREATE TABLE portal_recovery (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (publisher_id, user_id, hash)
) STRICT, WITHOUT ROWID;

-- Whose password was right and whose code is still awaited. It shows nothing to anybody: it is no session.
CREATE TABLE portal_half (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    ends_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, user_id, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX portal_half_hash ON portal_half (hash);
