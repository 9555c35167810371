-- The nodes that share a database, by the server's clock. A node whose time is over has stopped sending by itself, and its
-- lanes may be taken. The publisher is the empty text: nodes are the operator's.
CREATE TABLE node (
    publisher_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    alive_until INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, node_id)
) STRICT, WITHOUT ROWID;
