-- The words by which a search finds a lead: of its name, its company and its e-mail address. They are written behind intake, by
-- the step that looks for near matches, and go with the lead.
CREATE TABLE lead_word (
    publisher_id TEXT NOT NULL,
    word TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    PRIMARY KEY (publisher_id, word, lead_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX lead_word_of_lead ON lead_word (publisher_id, lead_id);

-- A lead is found by the id of its record at a destination, too.
CREATE INDEX delivery_record ON delivery (publisher_id, record) WHERE record <> '';

-- Leads that are there are looked at once more, for their words.
DELETE FROM suggesting;
