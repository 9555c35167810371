-- Links that open the portal of one publisher once, without a user, and the session that each has opened. `hash` is that of the
-- link's token; `session` that of the session's, and empty until the link was used. `used_at` is 0 until then.
CREATE TABLE portal_link (
    publisher_id TEXT NOT NULL,
    link_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    role TEXT NOT NULL,
    accent TEXT NOT NULL DEFAULT '',
    language TEXT NOT NULL DEFAULT '',
    made_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL DEFAULT 0,
    seen_at INTEGER NOT NULL DEFAULT 0,
    session BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (publisher_id, link_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX portal_link_hash ON portal_link (hash) WHERE used_at = 0;
CREATE INDEX portal_link_session ON portal_link (session) WHERE used_at <> 0;
CREATE INDEX portal_link_made ON portal_link (publisher_id, made_at);
