-- Schema 30.

CREATE TABLE "api_key" (
    publisher_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    title TEXT NOT NULL,
    role TEXT NOT NULL,
    hash BLOB NOT NULL,
    tail TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL DEFAULT 0,
    revoked_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, key_id)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE attempt (
    publisher_id TEXT NOT NULL,
    touchpoint_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    number INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    evidence TEXT NOT NULL,
    PRIMARY KEY (publisher_id, touchpoint_id, destination_no, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    publisher_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    role TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (publisher_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_checkpoint (
    publisher_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    hash BLOB NOT NULL,
    mark BLOB NOT NULL,
    PRIMARY KEY (publisher_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE budget (
    publisher_id TEXT NOT NULL,
    account TEXT NOT NULL,
    window_ms INTEGER NOT NULL CHECK (window_ms > 0),
    spent TEXT NOT NULL DEFAULT '[]',
    told_at INTEGER NOT NULL DEFAULT 0,
    told_limit INTEGER NOT NULL DEFAULT 0,
    told_used INTEGER NOT NULL DEFAULT 0,
    looked_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, account, window_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE bulk_job (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('gathering', 'sending', 'running')),
    handle TEXT NOT NULL DEFAULT '',
    begun_at INTEGER NOT NULL,
    looks INTEGER NOT NULL DEFAULT 0,
    look_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE counter (
    publisher_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery (
    publisher_id TEXT NOT NULL,
    touchpoint_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    lead_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'parked', 'suppressed', 'erased')),
    due_at INTEGER NOT NULL,
    claim INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    cause TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    fix TEXT NOT NULL DEFAULT '',
    record TEXT NOT NULL DEFAULT '',
    ended_at INTEGER NOT NULL DEFAULT 0, known_as TEXT NOT NULL DEFAULT '', follow_up_id TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (publisher_id, touchpoint_id, destination_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery_mapping (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    touchpoint_id TEXT NOT NULL,
    mapping_no INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, destination_no, touchpoint_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE destination (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    settings TEXT NOT NULL,
    secrets BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    removed_at INTEGER NOT NULL DEFAULT 0, settings_no INTEGER NOT NULL DEFAULT 1, pins_mappings INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE doubt (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    lead_id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, destination_no, lead_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE erased_lead (
    publisher_id TEXT NOT NULL,
    touchpoint_id TEXT NOT NULL,
    erasure_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    needs TEXT NOT NULL,
    wiped_to TEXT NOT NULL DEFAULT '',
    is_wiped INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, touchpoint_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE erasure (
    publisher_id TEXT NOT NULL,
    erasure_id TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('person', 'retention')),
    crm TEXT NOT NULL CHECK (crm IN ('delete', 'keep')),
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('wiping', 'wiped')),
    words TEXT NOT NULL,
    quarantine_to TEXT NOT NULL DEFAULT '',
    keys_to BLOB NOT NULL DEFAULT x'',
    leads INTEGER NOT NULL DEFAULT 0,
    touchpoints INTEGER NOT NULL DEFAULT 0,
    deliveries INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    decisions INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0,
    idempotency_keys INTEGER NOT NULL DEFAULT 0,
    wiped_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, erasure_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE feedback (
    publisher_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    feedback_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    noted_at INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('qualified', 'disqualified', 'converted', 'lost')),
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (publisher_id, lead_id, feedback_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE feedback_reading (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    position TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    read_at INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    cause TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    fix TEXT NOT NULL DEFAULT '',
    seen INTEGER NOT NULL DEFAULT 0,
    noted INTEGER NOT NULL DEFAULT 0,
    unknown INTEGER NOT NULL DEFAULT 0,
    unmatched INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE follow_up (
    publisher_id TEXT NOT NULL,
    follow_up_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    step INTEGER NOT NULL,
    audience TEXT NOT NULL CHECK (audience IN ('customer', 'team')),
    destination_no INTEGER NOT NULL,
    digest_at INTEGER NOT NULL DEFAULT -1,
    words TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, follow_up_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    publisher_id TEXT NOT NULL,
    idempotency_key BLOB NOT NULL,
    body BLOB NOT NULL,
    touchpoint_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, idempotency_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE identity_rules (
    publisher_id TEXT NOT NULL PRIMARY KEY,
    rules TEXT NOT NULL,
    scope TEXT NOT NULL,
    shared TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE intake_token (
    publisher_id TEXT NOT NULL,
    token_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    tail TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, token_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE interest_rule (
    publisher_id TEXT NOT NULL,
    source TEXT NOT NULL,
    action TEXT NOT NULL,
    interest INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, source, action)
) STRICT, WITHOUT ROWID;

CREATE TABLE lane (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    token INTEGER NOT NULL DEFAULT 0,
    holder TEXT NOT NULL DEFAULT '',
    leased_until INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paused')),
    pause_cause TEXT NOT NULL DEFAULT '',
    pause_message TEXT NOT NULL DEFAULT '',
    pause_fix TEXT NOT NULL DEFAULT '',
    paused_at INTEGER NOT NULL DEFAULT 0,
    probe_at INTEGER NOT NULL DEFAULT 0,
    probes INTEGER NOT NULL DEFAULT 0, delivered_at INTEGER NOT NULL DEFAULT 0, tripped INTEGER NOT NULL DEFAULT 0 CHECK (tripped IN (0, 1)),
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE lead (
    publisher_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    identity BLOB NOT NULL,
    test INTEGER NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT NOT NULL,
    phone TEXT NOT NULL,
    country TEXT NOT NULL,
    company TEXT NOT NULL,
    title TEXT NOT NULL,
    touchpoints INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, interest INTEGER NOT NULL DEFAULT 0, interest_by TEXT NOT NULL DEFAULT '', interest_rule TEXT NOT NULL DEFAULT '', interest_set TEXT NOT NULL DEFAULT '', do_not_contact INTEGER NOT NULL DEFAULT 0, refused_at INTEGER NOT NULL DEFAULT 0, refused_by TEXT NOT NULL DEFAULT '', permitted_at INTEGER NOT NULL DEFAULT 0, permitted_by TEXT NOT NULL DEFAULT '', consent_at INTEGER NOT NULL DEFAULT 0, consent_by TEXT NOT NULL DEFAULT '', merged_into TEXT NOT NULL DEFAULT '', members INTEGER NOT NULL DEFAULT 0, said_by TEXT NOT NULL DEFAULT '', erased_at INTEGER NOT NULL DEFAULT 0, erased_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (publisher_id, lead_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE lead_act (
    publisher_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    act_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL, rule TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (publisher_id, lead_id, act_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE lead_step (
    publisher_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    step INTEGER NOT NULL,
    touchpoint_id TEXT NOT NULL,
    PRIMARY KEY (publisher_id, lead_id, offer_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE lead_word (
    publisher_id TEXT NOT NULL,
    word TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    PRIMARY KEY (publisher_id, word, lead_id)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE mapping_version (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    mapping_no INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    mapping TEXT NOT NULL,
    PRIMARY KEY (publisher_id, destination_no, mapping_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE member (
    publisher_id TEXT NOT NULL,
    root_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    act_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT NOT NULL,
    phone TEXT NOT NULL,
    country TEXT NOT NULL,
    company TEXT NOT NULL,
    title TEXT NOT NULL,
    said_by TEXT NOT NULL,
    touchpoints INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    interest INTEGER NOT NULL,
    interest_by TEXT NOT NULL,
    interest_rule TEXT NOT NULL,
    interest_set TEXT NOT NULL,
    refused_at INTEGER NOT NULL,
    refused_by TEXT NOT NULL,
    permitted_at INTEGER NOT NULL,
    permitted_by TEXT NOT NULL,
    consent_at INTEGER NOT NULL,
    consent_by TEXT NOT NULL,
    PRIMARY KEY (publisher_id, root_id, lead_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE moving (
    publisher_id TEXT NOT NULL,
    part TEXT NOT NULL,
    place BLOB NOT NULL,
    count INTEGER NOT NULL,
    is_over INTEGER NOT NULL CHECK (is_over IN (0, 1)),
    PRIMARY KEY (publisher_id, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE near_key (
    publisher_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    near_key BLOB NOT NULL,
    rule TEXT NOT NULL,
    PRIMARY KEY (publisher_id, lead_id, near_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE node (
    publisher_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    alive_until INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, node_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE "notice" (
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

CREATE TABLE notice_mute (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    kind TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, destination_no, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE notice_receiver (
    publisher_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    via_publisher_id TEXT NOT NULL,
    via_destination_no INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE notice_way (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    told_at INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER NOT NULL DEFAULT 0,
    cause TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE offer (
    publisher_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, offer_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE portal_bond (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    bound_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE portal_errand (
    publisher_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    provider TEXT NOT NULL,
    next TEXT NOT NULL,
    session BLOB NOT NULL,
    begun_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE portal_factor (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    master_key_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    last_step INTEGER NOT NULL DEFAULT 0,
    made_at INTEGER NOT NULL,
    confirmed_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE portal_half (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    ends_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, user_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE portal_link (
    publisher_id TEXT NOT NULL,
    link_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    role TEXT NOT NULL,
    accent TEXT NOT NULL DEFAULT '',
    language TEXT NOT NULL DEFAULT '',
    made_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL DEFAULT 0,
    seen_at INTEGER NOT NULL DEFAULT 0,
    session BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (publisher_id, link_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE portal_recovery (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (publisher_id, user_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE portal_session (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    begun_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL, proved_at INTEGER NOT NULL DEFAULT 0, device TEXT NOT NULL DEFAULT '', is_vouched INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, user_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE portal_user (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password TEXT NOT NULL DEFAULT '',
    link_hash BLOB NOT NULL,
    link_ends_at INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    signed_in_at INTEGER NOT NULL DEFAULT 0, language TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (publisher_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE proof (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    validated_no INTEGER NOT NULL DEFAULT 0,
    validated_at INTEGER NOT NULL DEFAULT 0,
    test_lead_no INTEGER NOT NULL DEFAULT 0,
    test_lead_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE proof_told (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    what TEXT NOT NULL,
    settings_no INTEGER NOT NULL,
    told TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE publisher (
    publisher_id TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE publisher_key (
    publisher_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    master_key_id TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    publisher_id TEXT NOT NULL,
    quarantine_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    offer_id TEXT NOT NULL,
    content_type TEXT NOT NULL,
    code TEXT NOT NULL,
    pointer TEXT NOT NULL,
    message TEXT NOT NULL,
    body BLOB NOT NULL,
    body_sha256 BLOB NOT NULL, touchpoint_id TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (publisher_id, quarantine_id)
) STRICT;

CREATE TABLE replay (
    publisher_id TEXT NOT NULL,
    replay_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    destination_no INTEGER NOT NULL,
    offers TEXT NOT NULL,
    first_id TEXT NOT NULL,
    last_id TEXT NOT NULL,
    force INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'stopped')),
    done_to TEXT NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0,
    added INTEGER NOT NULL DEFAULT 0,
    again INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    unrouted INTEGER NOT NULL DEFAULT 0,
    ended_at INTEGER NOT NULL DEFAULT 0, filter TEXT NOT NULL DEFAULT '', source TEXT NOT NULL DEFAULT '', action TEXT NOT NULL DEFAULT '', only_state TEXT NOT NULL DEFAULT '', cause TEXT NOT NULL DEFAULT '', mapping_no INTEGER NOT NULL DEFAULT 0, dry_run INTEGER NOT NULL DEFAULT 0, paused_at INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0, looked INTEGER NOT NULL DEFAULT 0, asked_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (publisher_id, replay_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE replay_tally (
    publisher_id TEXT NOT NULL,
    replay_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('added', 'again', 'held', 'skipped')),
    why TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, replay_id, destination_no, what, why)
) STRICT, WITHOUT ROWID;

CREATE TABLE retention (
    publisher_id TEXT NOT NULL PRIMARY KEY,
    days INTEGER NOT NULL DEFAULT 0,
    salt BLOB NOT NULL DEFAULT x''
, readers_reveal INTEGER NOT NULL DEFAULT 1) STRICT, WITHOUT ROWID;

CREATE TABLE reveal (
    publisher_id TEXT NOT NULL,
    who TEXT NOT NULL,
    hour INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, who, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE route (
    publisher_id TEXT NOT NULL,
    route_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    created_at INTEGER NOT NULL, position INTEGER NOT NULL DEFAULT 0, filter TEXT NOT NULL DEFAULT '', stop INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, route_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE saved_view (
    publisher_id TEXT NOT NULL,
    who TEXT NOT NULL,
    page TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (publisher_id, who, page, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE statement (
    publisher_id TEXT NOT NULL,
    day TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    mark BLOB NOT NULL,
    PRIMARY KEY (publisher_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE suggesting (
    publisher_id TEXT NOT NULL PRIMARY KEY,
    done_to TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE suggestion (
    publisher_id TEXT NOT NULL,
    suggestion_id TEXT NOT NULL,
    one_id TEXT NOT NULL,
    other_id TEXT NOT NULL,
    rules TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'dismissed', 'merged')),
    decided_at INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    who TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (publisher_id, suggestion_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstone (
    publisher_id TEXT NOT NULL,
    tombstone_key BLOB NOT NULL,
    erased_at INTEGER NOT NULL,
    lead_id TEXT NOT NULL,
    PRIMARY KEY (publisher_id, tombstone_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE touchpoint (
    publisher_id TEXT NOT NULL,
    touchpoint_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    offer_id TEXT NOT NULL,
    source TEXT NOT NULL,
    action TEXT NOT NULL,
    test INTEGER NOT NULL,
    routed INTEGER NOT NULL,
    body BLOB NOT NULL,
    body_sha256 BLOB NOT NULL, interest INTEGER NOT NULL DEFAULT 0, interest_rule TEXT NOT NULL DEFAULT '', channel TEXT NOT NULL DEFAULT 'api', routing_trouble TEXT NOT NULL DEFAULT '', erased_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, touchpoint_id)
) STRICT;

CREATE TABLE user_letter (
    publisher_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    language TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    asked_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL DEFAULT 0,
    cause TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    fix TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (publisher_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE watch (
    publisher_id TEXT NOT NULL,
    destination_no INTEGER NOT NULL,
    checked_at INTEGER NOT NULL DEFAULT 0,
    is_failing INTEGER NOT NULL DEFAULT 0,
    warned_of INTEGER NOT NULL DEFAULT 0,
    warned_days INTEGER NOT NULL DEFAULT -1, parked_mark INTEGER NOT NULL DEFAULT 0, parked_seen INTEGER NOT NULL DEFAULT 0, parked_seen_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (publisher_id, destination_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE withhold_rule (
    publisher_id TEXT NOT NULL,
    source TEXT NOT NULL,
    domain TEXT NOT NULL,
    PRIMARY KEY (publisher_id, source, domain)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_action ON audit (publisher_id, action, number, at);

CREATE INDEX audit_at ON audit (publisher_id, at, number);

CREATE INDEX audit_who ON audit (publisher_id, who, number, at, action);

CREATE INDEX delivery_due ON delivery (publisher_id, destination_no, claim, due_at, touchpoint_id)
    WHERE state = 'pending';

CREATE INDEX delivery_held ON delivery (publisher_id, destination_no, state, touchpoint_id)
    WHERE state IN ('suppressed', 'erased');

CREATE INDEX delivery_in_job ON delivery (publisher_id, destination_no, claim, state, touchpoint_id)
    WHERE claim = 2147483647;

CREATE INDEX delivery_in_order ON delivery (publisher_id, destination_no, lead_id, touchpoint_id)
    WHERE state = 'pending';

CREATE INDEX delivery_parked ON delivery (publisher_id, destination_no, touchpoint_id, cause, ended_at)
    WHERE state = 'parked';

CREATE INDEX delivery_record ON delivery (publisher_id, record) WHERE record <> '';

CREATE UNIQUE INDEX destination_name ON destination (publisher_id, name) WHERE removed_at = 0;

CREATE INDEX erased_lead_of_erasure
    ON erased_lead (publisher_id, erasure_id, is_wiped, touchpoint_id, lead_id, wiped_to);

CREATE INDEX erasure_wiping ON erasure (publisher_id, erasure_id) WHERE state = 'wiping';

CREATE UNIQUE INDEX feedback_once ON feedback (publisher_id, lead_id, destination_no, at, kind);

CREATE UNIQUE INDEX lead_identity ON lead (publisher_id, identity) WHERE identity <> x'';

CREATE INDEX lead_word_of_lead ON lead_word (publisher_id, lead_id);

CREATE INDEX near_key_leads ON near_key (publisher_id, near_key, lead_id);

CREATE INDEX notice_due ON notice (due_at, publisher_id) WHERE due_at <> 0;

CREATE INDEX notice_lasting ON notice (publisher_id, destination_no, about, kind) WHERE lasts = 1;

CREATE INDEX notice_message_due ON notice_message (due_at, publisher_id, number) WHERE told_at = 0;

CREATE INDEX notice_message_made ON notice_message (publisher_id, tell, made_at);

CREATE INDEX notice_message_open ON notice_message (publisher_id, tell) WHERE told_at = 0;

CREATE INDEX notice_newest ON notice (publisher_id, at, destination_no, number);

CREATE INDEX notice_of_message ON notice (publisher_id, message_no, destination_no, number) WHERE message_no <> 0;

CREATE INDEX notice_untold ON notice (publisher_id, due_at, destination_no, number) WHERE due_at <> 0;

CREATE INDEX portal_bond_subject ON portal_bond (subject, issuer);

CREATE INDEX portal_errand_begun ON portal_errand (publisher_id, begun_at);

CREATE INDEX portal_half_hash ON portal_half (hash);

CREATE INDEX portal_link_hash ON portal_link (hash) WHERE used_at = 0;

CREATE INDEX portal_link_made ON portal_link (publisher_id, made_at);

CREATE INDEX portal_link_session ON portal_link (session) WHERE used_at <> 0;

CREATE INDEX portal_session_hash ON portal_session (hash);

CREATE INDEX portal_user_email ON portal_user (email);

CREATE INDEX portal_user_link ON portal_user (link_hash) WHERE link_ends_at <> 0;

CREATE INDEX quarantine_became ON quarantine (publisher_id, touchpoint_id) WHERE touchpoint_id <> '';

CREATE INDEX quarantine_held ON quarantine (publisher_id, quarantine_id) WHERE LENGTH(body) > 0;

CREATE INDEX quarantine_waiting ON quarantine (publisher_id, quarantine_id) WHERE touchpoint_id = '';

CREATE INDEX quarantine_wiped ON quarantine (publisher_id, quarantine_id) WHERE LENGTH(body) = 0;

CREATE INDEX replay_running ON replay (publisher_id, replay_id) WHERE state = 'running';

CREATE INDEX saved_view_who ON saved_view (who);

CREATE INDEX suggestion_open ON suggestion (publisher_id, suggestion_id) WHERE state = 'open';

CREATE INDEX suggestion_other ON suggestion (publisher_id, other_id);

CREATE UNIQUE INDEX suggestion_pair ON suggestion (publisher_id, one_id, other_id);

CREATE INDEX touchpoint_erased ON touchpoint (publisher_id, touchpoint_id) WHERE erased_at <> 0;

CREATE INDEX touchpoint_of_lead ON touchpoint (publisher_id, lead_id, touchpoint_id);

CREATE INDEX touchpoint_test ON touchpoint (publisher_id, touchpoint_id) WHERE test = 1;

CREATE INDEX touchpoint_troubled ON touchpoint (publisher_id, touchpoint_id) WHERE routing_trouble <> '';

CREATE INDEX touchpoint_unrouted ON touchpoint (publisher_id, touchpoint_id) WHERE routed = 0;

CREATE INDEX user_letter_due ON user_letter (due_at) WHERE state = 'waiting';
