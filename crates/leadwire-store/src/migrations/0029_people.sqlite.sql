-- Whether a publisher's readers, who see people masked, may have a lead revealed.
ALTER TABLE retention ADD COLUMN readers_reveal INTEGER NOT NULL DEFAULT 1;

-- How many leads somebody had revealed in an hour, which is counted from 1970; `who` is the id of a user or a key. Which leads they
-- were the audit log tells.
CREATE TABLE reveal (
    publisher_id TEXT NOT NULL,
    who TEXT NOT NULL,
    hour INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, who, hour)
) STRICT, WITHOUT ROWID;

-- The newest letter to each user, with the link by which they choose a password. The link is made when the letter is sent, so that
-- no row ever holds one. `state` is waiting, sent or failed; while it waits, `due_at` is when it is tried next, and the time until
-- which it belongs to whoever tries it.
CREATE TABLE user_letter (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    language TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    asked_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL DEFAULT 0,
    cause TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    fix TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (publisher_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_letter_due ON user_letter (due_at) WHERE state = 'waiting';

-- What the newest look at each destination came to, step by step, for whoever left before it ended. `told` is JSON.
CREATE TABLE proof_told (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    what TEXT NOT NULL,
    settings_no INTEGER NOT NULL,
    told TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;
