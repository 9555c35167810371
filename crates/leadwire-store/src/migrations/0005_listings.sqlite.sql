-- What an offer shows to the world. `content` is what is worked on, as JSON; `live_content` is what everybody sees, and is
-- empty while nobody does. Of the preview's token only the hash is kept.
CREATE TABLE listing (
    publisher_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'preview', 'live')),
    content TEXT NOT NULL DEFAULT '',
    live_content TEXT NOT NULL DEFAULT '',
    preview_hash BLOB NOT NULL DEFAULT x'',
    changed_at INTEGER NOT NULL,
    live_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, offer_id)
) STRICT, WITHOUT ROWID;

-- Raised whenever somebody changes a destination's settings, so that a proof can say which of them it is of.
ALTER TABLE destination ADD COLUMN settings_no INTEGER NOT NULL DEFAULT 1;

-- With which settings a destination last proved itself, and when; 0: never, or not any more.
CREATE TABLE proof (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    validated_no INTEGER NOT NULL DEFAULT 0,
    validated_at INTEGER NOT NULL DEFAULT 0,
    test_lead_no INTEGER NOT NULL DEFAULT 0,
    test_lead_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

-- Touchpoints come from listing pages too. The column is made anew without the list of channels, which the program knows:
-- with a list each new channel would have every touchpoint written again. By columns, and not by a second table, so that
-- whatever else the table has stays.
ALTER TABLE touchpoint ADD COLUMN came_by TEXT NOT NULL DEFAULT 'api';
UPDATE touchpoint SET came_by = channel WHERE channel <> 'api';
ALTER TABLE touchpoint DROP COLUMN channel;
ALTER TABLE touchpoint RENAME COLUMN came_by TO channel;
