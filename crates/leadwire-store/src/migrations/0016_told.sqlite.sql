-- What somebody should be told, of a destination, of an offer or of the service itself, kept until it was. The table is made
-- anew: it has more kinds than it had, and notices go out in messages.
-- `destination_no` is 0 when it is about no destination, and `publisher_id` empty when it is the operator's; `about` then
-- says what it is about. `due_at` is when it is to be told (again), and 0 when it is not. `message_no` is the message it went
-- into last. `told_at` is 0 while nobody was told, -1 when there is nobody to tell, -2 when it was over before, and -3 when it
-- was muted. `lasts` is 1 while the trouble goes on.
CREATE TABLE notice_new (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL DEFAULT '',
    at INTEGER NOT NULL,
    cause TEXT NOT NULL,
    message TEXT NOT NULL,
    fix TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    told INTEGER NOT NULL DEFAULT 0,
    told_at INTEGER NOT NULL DEFAULT 0,
    message_no INTEGER NOT NULL DEFAULT 0,
    lasts INTEGER NOT NULL DEFAULT 0,
    ended_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, destination_no, number)
) STRICT, WITHOUT ROWID;

INSERT INTO notice_new (publisher_id, destination_no, number, kind, at, cause, message, fix, due_at, told, told_at)
SELECT publisher_id, destination_no, number, kind, at, cause, message, fix, due_at,
    CASE WHEN told_at > 0 THEN 1 ELSE 0 END, told_at
FROM notice;

DROP TABLE notice;
ALTER TABLE notice_new RENAME TO notice;

CREATE INDEX notice_due ON notice (due_at, publisher_id) WHERE due_at <> 0;
CREATE INDEX notice_untold ON notice (publisher_id, due_at, destination_no, number) WHERE due_at <> 0;
CREATE INDEX notice_newest ON notice (publisher_id, at, destination_no, number);
CREATE INDEX notice_lasting ON notice (publisher_id, destination_no, about, kind) WHERE lasts = 1;
CREATE INDEX notice_of_message ON notice (publisher_id, message_no, destination_no, number) WHERE message_no <> 0;

-- One message to one receiver, which stands for many notices. `tell` is the way that the destinations in it name, and empty
-- for the publisher's own receivers. `told_at` is 0 until it got through, and -1 when there is nobody to tell any more.
CREATE TABLE notice_message (
    publisher_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    tell TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    told_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX notice_message_due ON notice_message (due_at, publisher_id, number) WHERE told_at = 0;
CREATE INDEX notice_message_open ON notice_message (publisher_id, tell) WHERE told_at = 0;
CREATE INDEX notice_message_made ON notice_message (publisher_id, tell, made_at);

-- Through which destinations a publisher, or with an empty id the operator, is told: the first that works.
CREATE TABLE notice_receiver (
    publisher_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    via_publisher_id TEXT NOT NULL,
    via_destination_no INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, place)
) STRICT, WITHOUT ROWID;

-- What is not to be told for a while: of a destination, or with 0 of all, and of a kind, or with an empty text of all.
CREATE TABLE notice_mute (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    kind TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, destination_no, kind)
) STRICT, WITHOUT ROWID;

-- How telling somebody through a destination went last.
CREATE TABLE notice_way (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    told_at INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER NOT NULL DEFAULT 0,
    cause TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

-- What was told of parked deliveries: the highest mark, and how many there were at the beginning of the hour.
ALTER TABLE watch ADD COLUMN parked_mark INTEGER NOT NULL DEFAULT 0;
ALTER TABLE watch ADD COLUMN parked_seen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE watch ADD COLUMN parked_seen_at INTEGER NOT NULL DEFAULT 0;

-- The hours, counted from 1970, in which touchpoints of an offer came by a channel, and how far they were counted. Tests are
-- left out.
CREATE TABLE arrival (
    publisher_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    hour INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, offer_id, channel, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE arrivals_counted (
    publisher_id TEXT NOT NULL PRIMARY KEY,
    done_to TEXT NOT NULL
) STRICT, WITHOUT ROWID;
