-- A lane that is shut because call after call failed is told apart from one that waits for a person.
ALTER TABLE lane ADD COLUMN tripped INTEGER NOT NULL DEFAULT 0 CHECK (tripped IN (0, 1));

-- Until when a request of a lead that was given up may still arrive at a destination.
CREATE TABLE doubt (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    lead_id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, destination_no, lead_id)
) STRICT, WITHOUT ROWID;
