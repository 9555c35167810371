-- Rules about leads that a marketplace keeps from publishers.

CREATE TABLE withhold_rule (
    publisher_id TEXT NOT NULL,
    source TEXT NOT NULL,
    domain TEXT NOT NULL,
    PRIMARY KEY (publisher_id, source, domain)
) STRICT, WITHOUT ROWID;
