-- How a lead stands: interest (0 none, 1 initial, 2 active) and who says so; when the customer asked not to be contacted
-- and when they permitted it; which consent counts. Moments are 0 and texts empty where there is none. What is stored
-- here can always be folded again from the touchpoints and acts.
ALTER TABLE lead ADD COLUMN interest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lead ADD COLUMN interest_by TEXT NOT NULL DEFAULT '';
ALTER TABLE lead ADD COLUMN interest_rule TEXT NOT NULL DEFAULT '';
ALTER TABLE lead ADD COLUMN interest_set TEXT NOT NULL DEFAULT '';
ALTER TABLE lead ADD COLUMN do_not_contact INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lead ADD COLUMN refused_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lead ADD COLUMN refused_by TEXT NOT NULL DEFAULT '';
ALTER TABLE lead ADD COLUMN permitted_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lead ADD COLUMN permitted_by TEXT NOT NULL DEFAULT '';
ALTER TABLE lead ADD COLUMN consent_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lead ADD COLUMN consent_by TEXT NOT NULL DEFAULT '';

-- What the touchpoint showed of the customer's interest, by the rules of that day.
ALTER TABLE touchpoint ADD COLUMN interest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE touchpoint ADD COLUMN interest_rule TEXT NOT NULL DEFAULT '';

-- Tests and previews, which count nowhere as leads, are few.
CREATE INDEX touchpoint_test ON touchpoint (publisher_id, touchpoint_id) WHERE test = 1;

-- What was accepted before stands by the delivered rules. Consent is in the bodies, which SQL does not read.
UPDATE touchpoint SET
    interest = CASE WHEN action = 'DNC' THEN 0 WHEN action IN ('PLT', 'Create') THEN 2 ELSE 1 END,
    interest_rule = CASE
        WHEN action = 'DNC' THEN ''
        WHEN action IN ('INS', 'StartTestDrive', 'PLT', 'Create') THEN '*/' || action
        ELSE '*/*'
    END;
UPDATE lead SET interest = (
    SELECT MAX(t.interest) FROM touchpoint t
    WHERE t.publisher_id = lead.publisher_id AND t.lead_id = lead.lead_id);
UPDATE lead SET
    interest_by = COALESCE((
        SELECT t.touchpoint_id FROM touchpoint t
        WHERE t.publisher_id = lead.publisher_id AND t.lead_id = lead.lead_id AND t.interest = lead.interest
        ORDER BY t.touchpoint_id LIMIT 1), ''),
    interest_rule = COALESCE((
        SELECT t.interest_rule FROM touchpoint t
        WHERE t.publisher_id = lead.publisher_id AND t.lead_id = lead.lead_id AND t.interest = lead.interest
        ORDER BY t.touchpoint_id LIMIT 1), '')
WHERE interest > 0;
UPDATE lead SET
    refused_by = COALESCE((
        SELECT t.touchpoint_id FROM touchpoint t
        WHERE t.publisher_id = lead.publisher_id AND t.lead_id = lead.lead_id AND t.action = 'DNC'
        ORDER BY t.received_at DESC, t.touchpoint_id DESC LIMIT 1), ''),
    refused_at = COALESCE((
        SELECT MAX(t.received_at) FROM touchpoint t
        WHERE t.publisher_id = lead.publisher_id AND t.lead_id = lead.lead_id AND t.action = 'DNC'), 0);
UPDATE lead SET do_not_contact = 1 WHERE refused_at <> 0;

-- The operator's rows of the table of interest; the publisher is the empty text. `*` stands for any.
CREATE TABLE interest_rule (
    publisher_id TEXT NOT NULL,
    source TEXT NOT NULL,
    action TEXT NOT NULL,
    interest INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, source, action)
) STRICT, WITHOUT ROWID;

-- What people decided about a lead, with who and why. Only ever added to.
CREATE TABLE lead_act (
    publisher_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    act_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    PRIMARY KEY (publisher_id, lead_id, act_id)
) STRICT, WITHOUT ROWID;
