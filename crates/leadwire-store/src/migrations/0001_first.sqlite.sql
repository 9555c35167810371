-- Every primary key and unique key starts with the publisher, so that the tables can be spread by it.
-- Times are milliseconds since 1970 UTC; ids are texts made in Rust; JSON is opaque text.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('setup_version', 1);

CREATE TABLE publisher (
    publisher_id TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE offer (
    publisher_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, offer_id)
) STRICT, WITHOUT ROWID;

-- A removed destination keeps its row: its number is never used twice, and its deliveries keep their name.
CREATE TABLE destination (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    settings TEXT NOT NULL,
    secrets BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    removed_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX destination_name ON destination (publisher_id, name) WHERE removed_at = 0;

-- A destination's queue of work: who works on it, fenced by the token, and whether it may send.
CREATE TABLE lane (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    token INTEGER NOT NULL DEFAULT 0,
    holder TEXT NOT NULL DEFAULT '',
    leased_until INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paused')),
    pause_cause TEXT NOT NULL DEFAULT '',
    pause_message TEXT NOT NULL DEFAULT '',
    pause_fix TEXT NOT NULL DEFAULT '',
    paused_at INTEGER NOT NULL DEFAULT 0,
    probe_at INTEGER NOT NULL DEFAULT 0,
    probes INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE route (
    publisher_id TEXT NOT NULL,
    route_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, route_id)
) STRICT, WITHOUT ROWID;

-- An intake address. Only the hash of the token is kept.
CREATE TABLE intake_token (
    publisher_id TEXT NOT NULL,
    token_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    tail TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, token_id)
) STRICT, WITHOUT ROWID;

-- An API key. The publisher of an operator's key is the empty text.
CREATE TABLE api_key (
    publisher_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    title TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('operator', 'publisher', 'sender', 'reader')),
    hash BLOB NOT NULL,
    tail TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL DEFAULT 0,
    revoked_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, key_id)
) STRICT, WITHOUT ROWID;

-- A rowid table: its rows are wide, and SQLite keeps wide rows well only there.
CREATE TABLE touchpoint (
    publisher_id TEXT NOT NULL,
    touchpoint_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('api', 'partner_center', 'form')),
    offer_id TEXT NOT NULL,
    source TEXT NOT NULL,
    action TEXT NOT NULL,
    test INTEGER NOT NULL,
    routed INTEGER NOT NULL,
    body BLOB NOT NULL,
    body_sha256 BLOB NOT NULL,
    PRIMARY KEY (publisher_id, touchpoint_id)
) STRICT;

CREATE INDEX touchpoint_of_lead ON touchpoint (publisher_id, lead_id, touchpoint_id);
CREATE INDEX touchpoint_unrouted ON touchpoint (publisher_id, touchpoint_id) WHERE routed = 0;

CREATE TABLE lead (
    publisher_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    identity BLOB NOT NULL,
    test INTEGER NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT NOT NULL,
    phone TEXT NOT NULL,
    country TEXT NOT NULL,
    company TEXT NOT NULL,
    title TEXT NOT NULL,
    touchpoints INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, lead_id)
) STRICT, WITHOUT ROWID;

-- A lead that names neither an e-mail nor a phone has an empty identity and is alone.
CREATE UNIQUE INDEX lead_identity ON lead (publisher_id, identity) WHERE identity <> x'';

CREATE TABLE idempotency (
    publisher_id TEXT NOT NULL,
    idempotency_key BLOB NOT NULL,
    body BLOB NOT NULL,
    touchpoint_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, idempotency_key)
) STRICT, WITHOUT ROWID;

-- What leaves no row of its own, such as repeated sends of one body, is counted.
CREATE TABLE counter (
    publisher_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, name)
) STRICT, WITHOUT ROWID;

-- The duty to bring one touchpoint to one destination. The five states always add up to what was accepted.
-- A pending delivery carries in `claim` the token of the lane that tries it; 0 when it is free to be tried; -1 when
-- it is behind another pending one of its lead.
CREATE TABLE delivery (
    publisher_id TEXT NOT NULL,
    touchpoint_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    lead_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'parked', 'suppressed', 'erased')),
    due_at INTEGER NOT NULL,
    claim INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    cause TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    fix TEXT NOT NULL DEFAULT '',
    record TEXT NOT NULL DEFAULT '',
    ended_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, touchpoint_id, destination_no)
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_due ON delivery (publisher_id, destination_no, claim, due_at, touchpoint_id)
    WHERE state = 'pending';
CREATE INDEX delivery_in_order ON delivery (publisher_id, destination_no, lead_id, touchpoint_id)
    WHERE state = 'pending';
CREATE INDEX delivery_parked ON delivery (publisher_id, destination_no, touchpoint_id)
    WHERE state = 'parked';
CREATE INDEX delivery_held ON delivery (publisher_id, destination_no, state, touchpoint_id)
    WHERE state IN ('suppressed', 'erased');

CREATE TABLE attempt (
    publisher_id TEXT NOT NULL,
    touchpoint_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    number INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    evidence TEXT NOT NULL,
    PRIMARY KEY (publisher_id, touchpoint_id, destination_no, number)
) STRICT, WITHOUT ROWID;

-- Bodies that came with a good token and could not be parsed, kept whole.
CREATE TABLE quarantine (
    publisher_id TEXT NOT NULL,
    quarantine_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    offer_id TEXT NOT NULL,
    content_type TEXT NOT NULL,
    code TEXT NOT NULL,
    pointer TEXT NOT NULL,
    message TEXT NOT NULL,
    body BLOB NOT NULL,
    body_sha256 BLOB NOT NULL,
    PRIMARY KEY (publisher_id, quarantine_id)
) STRICT;
