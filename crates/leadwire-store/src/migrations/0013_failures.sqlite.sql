-- What is parked is told by cause, and put back by cause: both read the index alone, in the order in which it came.
DROP INDEX delivery_parked;
CREATE INDEX delivery_parked ON delivery (publisher_id, destination_no, touchpoint_id, cause, ended_at)
    WHERE state = 'parked';
