-- People who sign in to the portal. `publisher_id` is empty for the operator's. `password` is empty until a person has chosen
-- one; it is never the password, but what Argon2id makes of it. `link_hash` belongs to the link by which a password is chosen:
-- it works once, and not after `link_ends_at`, which is 0 when there is none. `signed_in_at` is 0 when nobody did yet.
CREATE TABLE portal_user (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password TEXT NOT NULL DEFAULT '',
    link_hash BLOB NOT NULL,
    link_ends_at INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    signed_in_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX portal_user_email ON portal_user (email);
CREATE INDEX portal_user_link ON portal_user (link_hash) WHERE link_ends_at <> 0;

-- Who is signed in. The token is with the browser; its hash alone is here.
CREATE TABLE portal_session (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    begun_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, user_id, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX portal_session_hash ON portal_session (hash);

-- Keys have the roles of users, one more than before. Which roles there are the program says, in one place.
CREATE TABLE api_key_new (
    publisher_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    title TEXT NOT NULL,
    role TEXT NOT NULL,
    hash BLOB NOT NULL,
    tail TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL DEFAULT 0,
    revoked_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, key_id)
) STRICT, WITHOUT ROWID;

INSERT INTO api_key_new (publisher_id, key_id, title, role, hash, tail, created_at, expires_at, revoked_at)
SELECT publisher_id, key_id, title, role, hash, tail, created_at, expires_at, revoked_at
FROM api_key;

DROP TABLE api_key;
ALTER TABLE api_key_new RENAME TO api_key;
