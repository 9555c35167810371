-- How far a store that was elsewhere has come over; see `moving`. While a row is here no service starts on it. The part is a
-- table, and the empty text is the whole, whose place is where it came from. The publisher is the empty text.
CREATE TABLE moving (
    publisher_id TEXT NOT NULL,
    part TEXT NOT NULL,
    place BLOB NOT NULL,
    count INTEGER NOT NULL,
    is_over INTEGER NOT NULL CHECK (is_over IN (0, 1)),
    PRIMARY KEY (publisher_id, part)
) STRICT, WITHOUT ROWID;
