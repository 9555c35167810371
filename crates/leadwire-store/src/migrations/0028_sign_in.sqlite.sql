-- What a session is more than its token: when its user last showed who they are, which is asked for again before what would help
-- a thief; on what it runs, in words and never by its address; and whether a provider said that a second factor was shown.
ALTER TABLE portal_session ADD COLUMN proved_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE portal_session ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE portal_session ADD COLUMN is_vouched INTEGER NOT NULL DEFAULT 0;

-- The account at a provider by which a user signs in: one for each user. Who it is there `issuer` and `subject` say together.
CREATE TABLE portal_bond (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    bound_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX portal_bond_subject ON portal_bond (subject, issuer);

-- Whoever was sent to a provider and is awaited back, once. `publisher_id` is empty: nobody knows yet whose user comes. `session`
-- is the hash of the session whose user shows again who they are; empty for whoever signs in.
CREATE TABLE portal_errand (
    publisher_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    provider TEXT NOT NULL,
    next TEXT NOT NULL,
    session BLOB NOT NULL,
    begun_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX portal_errand_begun ON portal_errand (publisher_id, begun_at);
