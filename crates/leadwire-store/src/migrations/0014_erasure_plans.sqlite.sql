-- Bodies in quarantine whose bytes are there, for retention, and those whose bytes are gone, for the list of erasures: neither
-- reads past the other's rows again and again.
CREATE INDEX quarantine_held ON quarantine (publisher_id, quarantine_id) WHERE LENGTH(body) > 0;
CREATE INDEX quarantine_wiped ON quarantine (publisher_id, quarantine_id) WHERE LENGTH(body) = 0;

-- The leads of one erasure, without reading those of others: the index did not hold what is asked for, so it was not used.
DROP INDEX erased_lead_of_erasure;
CREATE INDEX erased_lead_of_erasure
    ON erased_lead (publisher_id, erasure_id, is_wiped, touchpoint_id, lead_id, wiped_to);
