//! Every bound of the service, each with its unit and the reason for its value.
//!
//! Lengths that a standard sets stand beside the parser that holds them, and bounds of a command that ends by itself
//! beside that command.

mod accounts;
mod bulk;
mod delivery;
mod looking;
mod moving;
mod replays;
mod server;
mod watching;

pub use accounts::*;
pub use bulk::*;
pub use delivery::*;
pub use looking::*;
pub use moving::*;
pub use replays::*;
pub use server::*;
pub use watching::*;

use crate::rate::Rate;
use std::time::Duration;

// Input

/// Largest body of one request with one touchpoint, in bytes. A lead is below 2 KB; notes may be long.
pub const TOUCHPOINT_BYTES_MAX: usize = 256 * 1024;
/// Largest body of a request with many touchpoints, in bytes.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most touchpoints in one request; one group commit takes them whole.
pub const BATCH_COUNT_MAX: usize = 1000;
/// Deepest nesting of JSON. The documented bodies use 2; 32 leaves room and bounds the stack.
pub const JSON_DEPTH_MAX: usize = 32;
/// Most values in one piece of JSON: a value of two bytes takes more than fifty once read, so bytes alone bound no
/// memory.
pub const JSON_VALUES_MAX: usize = BATCH_COUNT_MAX * ENTRIES_MAX;
/// Most letters of a key that a pointer shows: a pointer is answered and stored, and a key may be as long as a body.
pub const POINTER_KEY_CHARS_MAX: usize = 64;
/// Longest text field of a touchpoint, in bytes, but for the notes.
pub const FIELD_BYTES_MAX: usize = 4 * 1024;
/// Longest notes, in bytes: the length of the description of a Salesforce lead (32,000 characters of up to 4 bytes).
pub const NOTES_BYTES_MAX: usize = 128 * 1024;
/// Most entries of `campaign`, and of `custom` with the unknown fields.
pub const ENTRIES_MAX: usize = 256;
/// Longest `Idempotency-Key`, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// How long an `Idempotency-Key` is remembered: longer than the retry window of any sender we know.
pub const IDEMPOTENCY_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long the leads of an import are recognised by their content: an import is mended and repeated for weeks, not years.
pub const IMPORT_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// How long the same body at the same intake address counts as one: the payload has no id, a sender's retry
/// comes within minutes, and the same customer may act again the next day.
pub const SAME_BODY_WINDOW: Duration = Duration::from_secs(10 * 60);
/// Letters kept of the content type of a body in quarantine: registered ones have fewer than 100.
pub const CONTENT_TYPE_CHARS_MAX: usize = 200;
/// How often touchpoints are routed anew because the set-up changed under them; then the sender is asked to come again.
pub const ROUTING_ROUNDS_MAX: usize = 8;

// Leads

/// Most rows of the operator's table of interest: five known actions for each of forty sources, each looked at with every
/// touchpoint.
pub const INTEREST_RULES_MAX: usize = 200;
/// Most rules about withheld leads: each is looked at with every touchpoint.
pub const WITHHOLD_RULES_MAX: usize = 100;
/// Longest source or action of such a row, in bytes: far longer than any that is documented.
pub const INTEREST_NAME_BYTES_MAX: usize = 100;
/// Longest reason a person gives for a decision about a lead, and longest name beside it, in bytes: a paragraph.
pub const REASON_BYTES_MAX: usize = 1000;
/// Decisions shown with a lead; people decide about one a few times at the most.
pub const ACTS_SHOWN_MAX: usize = 100;
/// Most leads that are merged into one, that one included: a person with more addresses is a shared mailbox.
pub const MEMBERS_MAX: usize = 32;
/// Most touchpoints of leads that are merged: their deliveries change hands in one transaction, which intake waits behind.
pub const MERGED_TOUCHPOINTS_MAX: u32 = 10_000;
/// Deliveries that are brought anew to a lead's own record when it is taken out of another one, the oldest first.
pub const BROUGHT_ANEW_MAX: usize = 1000;
/// Most shared mailboxes of a publisher: each is compared with the address of every touchpoint.
pub const SHARED_MAILBOXES_MAX: usize = 200;

// Suggestions

/// Touchpoints whose leads one step looks at: a few milliseconds of the writer's time.
pub const SUGGEST_STEP: usize = 100;
/// Wait between two steps that had work: under a flood the search for near matches falls behind, and intake does not.
pub const SUGGEST_PAUSE: Duration = Duration::from_millis(50);
/// Time between two rounds that found nothing to do.
pub const SUGGEST_EVERY: Duration = Duration::from_secs(30);
/// How old a touchpoint is when it is looked at: those that got their id at the same time are stored by then.
pub const SUGGEST_AFTER: Duration = Duration::from_secs(60);
/// Leads that may have something in common before it says nothing any more: a switchboard, a head office.
pub const NEAR_LEADS_MAX: usize = 8;

// Follow-ups

/// Most follow-ups of a publisher: each is looked at with every touchpoint. Twenty offers with two steps and two audiences.
pub const FOLLOW_UPS_MAX: usize = 80;
/// Longest subject of a follow-up, in bytes: mail servers take lines of up to 998, and people read the first sixty letters.
pub const FOLLOW_UP_SUBJECT_BYTES_MAX: usize = 300;
/// Longest text of a follow-up, in bytes: four pages.
pub const FOLLOW_UP_TEXT_BYTES_MAX: usize = 16 * 1024;
/// Most places in a subject or a text: each is worked out for every message.
pub const FOLLOW_UP_PLACES_MAX: usize = 50;
/// Letters of a customer's own value in a message to a customer: names and companies are shorter, and advertising is not.
pub const FOLLOW_UP_VALUE_CHARS_MAX: usize = 80;
/// Longest wait of a follow-up for the minute at which it is told with others: they are told once a day.
pub const DIGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
/// How long after a customer acted a follow-up makes sense; after that the action comes from a file or a replay of old
/// leads. Senders that were cut off for a weekend are within it.
pub const FOLLOW_UP_AGE_MAX: Duration = Duration::from_secs(3 * 24 * 3600);
/// Most leads in one message that collects them: a page that people still read.
pub const DIGEST_LEADS_MAX: usize = 100;

// What became of leads

/// Pieces of feedback shown with a lead: what became of it changes a few times in its life.
pub const FEEDBACK_SHOWN_MAX: usize = 100;
/// Most pieces of feedback kept of one lead: a sender that repeats itself in other words must not fill the disk.
pub const FEEDBACK_PER_LEAD_MAX: usize = 1000;
/// Most rows of a publisher's own table of statuses: far more than systems offer.
pub const FEEDBACK_STATES_MAX: usize = 200;
/// How far back feedback is read when it is first read: Marketo keeps its activities for ninety days.
pub const FEEDBACK_FROM: Duration = Duration::from_secs(90 * 24 * 3600);
/// How much of what was read is read again: longer than a transaction of a CRM takes to become visible.
pub const FEEDBACK_OVERLAP: Duration = Duration::from_secs(120);
/// Most words of one page: three times what any system is asked for, since one page is one transaction.
pub const FEEDBACK_PAGE_MAX: usize = 1000;
/// Longest id of a record that is kept with a word, in bytes: systems have 18 to 36.
pub const FEEDBACK_RECORD_BYTES_MAX: usize = 200;
/// How often is looked which destinations are due to be read.
pub const FEEDBACK_LOOK_EVERY: Duration = Duration::from_secs(30);
/// Pages read from one destination in a row, so that deliveries share its allowance with nothing that has no end.
pub const FEEDBACK_PAGES: usize = 10;
/// How long after so many pages the next ones are read.
pub const FEEDBACK_MORE: Duration = Duration::from_secs(60);
/// Destinations read side by side.
pub const FEEDBACK_AT_ONCE: usize = 4;
/// Failures in a row after which somebody is told.
pub const FEEDBACK_FAILURES_TOLD: u32 = 3;
/// Longest time a report is about: a year and a month, so that two equal months can be compared.
pub const REPORT_WINDOW_MAX: Duration = Duration::from_secs(400 * 24 * 3600);
/// The time a report is about when nobody says.
pub const REPORT_WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);
/// Touchpoints read in one step of a report: a few milliseconds, so that other reads come between.
pub const REPORT_STEP: usize = 500;
/// Rows of a report; sources, actions and campaigns are whatever senders write, and the rest becomes one row.
pub const REPORT_ROWS_MAX: usize = 200;
/// Longest key of a row, in bytes; longer names are cut.
pub const REPORT_KEY_BYTES_MAX: usize = 200;
/// Reports made at a time; more wait, for each reads a part of the store through.
pub const REPORTS_AT_ONCE: usize = 2;

// The HTTP server

/// Largest head of a request, its address included, in bytes.
pub const REQUEST_HEAD_BYTES_MAX: usize = 16 * 1024;
/// Longest wait for a request's head.
pub const REQUEST_HEAD_WAIT: Duration = Duration::from_secs(10);
/// Longest wait for a request's body.
pub const REQUEST_BODY_WAIT: Duration = Duration::from_secs(30);
/// Longest wait for a client to take the next bytes of its answer.
pub const ANSWER_TAKEN_WAIT: Duration = Duration::from_secs(30);
/// Most connections at a time; the next one waits in the kernel's queue.
pub const CONNECTIONS_MAX: usize = 4096;
/// Wait before connections are taken again when the machine could give none, for want of file descriptors mostly.
pub const ACCEPT_AGAIN: Duration = Duration::from_secs(1);
/// Largest body where none is wanted, in bytes: many clients send an empty object all the same.
pub const IGNORED_BODY_BYTES_MAX: usize = 1024;
/// Largest body of a request that changes the set-up, in bytes: more than all settings of a destination together.
pub const SETUP_BODY_BYTES_MAX: usize = 128 * 1024;
/// Longest name of a destination, in bytes: it stands in tables and addresses.
pub const DESTINATION_NAME_BYTES_MAX: usize = 100;
/// Most groups of parked deliveries that are shown: each is a cause that somebody has to look at.
pub const FAILURE_GROUPS_MAX: usize = 500;
/// Most parked deliveries that one request puts back to work; a caller with more repeats it.
pub const RETRY_PARKED_MAX: usize = 1000;
/// Rows on a page unless the caller asks, and the most it may ask for.
pub const PAGE_ROWS: usize = 50;
/// The most rows a caller may ask for on one page.
pub const PAGE_ROWS_MAX: usize = 250;

// Listing pages

/// Largest body of a form that is sent from a listing page, in bytes: all fields at their longest, percent-encoded.
pub const FORM_BYTES_MAX: usize = 64 * 1024;
/// Longest field of a form, in characters, but for the notes: the longest address of an e-mail.
pub const FORM_FIELD_CHARS_MAX: usize = 254;
/// Longest notes in a form, in characters: a long letter.
pub const FORM_NOTES_CHARS_MAX: usize = 4000;
/// Parameters of a form or an address that are looked at: a form has fewer than thirty.
pub const FORM_ENTRIES_MAX: usize = 64;
/// The shortest time in which a person fills in a form, even with a browser that fills in most of it.
pub const FORM_FILLED_MIN: Duration = Duration::from_secs(2);
/// How long a form may stay open before it is shown anew: a day's work, with a break.
pub const FORM_KEPT: Duration = Duration::from_secs(12 * 3600);
/// Most campaign parameters that are kept: five of `utm_…`, the click ids, and room for a publisher's own.
pub const CAMPAIGN_ENTRIES_MAX: usize = 16;
/// Longest name of a campaign parameter, in bytes.
pub const CAMPAIGN_NAME_BYTES_MAX: usize = 40;
/// Longest value of a campaign parameter that is kept, in characters: click ids have up to 200.
pub const CAMPAIGN_VALUE_CHARS_MAX: usize = 300;
/// Forms from one network address: a burst of an office behind one address, then ten a minute.
pub const FORMS_PER_ADDRESS: Rate = Rate { every: Duration::from_secs(6), burst: 20 };
/// Forms for one offer, from everywhere: a good day's launch, and no flood that fills the CRM.
pub const FORMS_PER_OFFER: Rate = Rate { every: Duration::from_millis(200), burst: 600 };
/// Pages shown to one network address.
pub const PAGES_PER_ADDRESS: Rate = Rate { every: Duration::from_millis(100), burst: 300 };
/// Counters of each kind of rate, whatever the number of addresses: 128 KiB of memory each.
pub const RATE_COUNTERS: usize = 16 * 1024;
/// Proxies in front of the service that are looked behind; more than two are rare.
pub const PROXIES_MAX: usize = 8;
/// Longest title and summary of a listing, in characters.
pub const LISTING_LINE_CHARS_MAX: usize = 400;
/// Longest description of a listing, in characters.
pub const LISTING_DESCRIPTION_CHARS_MAX: usize = 16_000;
/// Longest consent text of a listing, in characters.
pub const LISTING_CONSENT_CHARS_MAX: usize = 4000;
/// Most pictures of a listing.
pub const LISTING_PICTURES_MAX: usize = 12;
/// Most origins that may hold a listing's form: they all stand in one header.
pub const LISTING_ORIGINS_MAX: usize = 20;
/// Longest address in a listing, in bytes: browsers take 2,000 everywhere.
pub const LISTING_URL_BYTES_MAX: usize = 2000;

// The store

/// Most pieces of work in one commit: past 256 a commit's latency grows faster than its throughput.
pub const COMMIT_JOBS_MAX: usize = 256;
/// Rows changed after which a commit takes no further work: a few requests with a thousand touchpoints each must not
/// make one transaction that nobody can wait for.
pub const COMMIT_ROWS_MAX: u64 = 8192;
/// Work waiting for the writer, and for the readers; a full queue makes callers wait, and intake answers 503 in time.
pub const STORE_QUEUE_MAX: usize = 4096;
/// Connections that read.
pub const READERS: usize = 4;
/// Free disk space below which intake answers 503, in bytes: state of deliveries must still be written.
pub const DISK_RESERVE_BYTES: u64 = 64 * 1024 * 1024;
/// How often the free space is looked at: at 20 MB/s of intake, a third of the reserve at the most.
pub const DISK_LOOK_EVERY: Duration = Duration::from_secs(1);
/// Time between two rounds of housekeeping: what is forgotten is kept for days.
pub const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(10 * 60);
/// Rows that one step of housekeeping looks at: a few milliseconds of the writer's time.
pub const HOUSEKEEPING_ROWS: usize = 1000;
/// Write-ahead log size at which the writer folds it into the file, in pages of 4 KiB.
pub const WAL_PAGES_MAX: u32 = 4000;
/// Longest wait of the writer for readers to leave the write-ahead log, before it goes on with a longer one.
pub const WAL_READERS_WAIT: Duration = Duration::from_millis(100);
/// Longest wait for another program that holds the database, such as one that copies it.
pub const DB_HELD_WAIT: Duration = Duration::from_secs(5);

// Mapping

/// Most rows of a destination's mapping: CRMs have more fields, but no lead has values for them.
pub const MAPPING_ROWS_MAX: usize = 200;
/// Longest text of a row, in bytes.
pub const MAPPING_ROW_BYTES_MAX: usize = 1024;
/// Most transforms in a row.
pub const MAPPING_TRANSFORMS_MAX: usize = 16;
/// Most arguments of a transform, and sources combined in a row: a `map` of sixteen pairs.
pub const MAPPING_ARGUMENTS_MAX: usize = 33;
/// Longest value a row gives, in bytes: the notes, with what `details` says around them.
pub const MAPPED_BYTES_MAX: usize = NOTES_BYTES_MAX + 32 * 1024;
/// Attempts of a delivery after which a touchpoint's note is given up, and the lead counts as delivered without it: the lead
/// itself is there, and must not wait for its note for longer than a short outage takes.
pub const NOTE_ATTEMPTS_MAX: u32 = 3;
/// Most notes of one record that are read again to find one's own: five calls of a hundred.
pub const NOTES_READ_MAX: usize = 500;
/// Most notes of the records of one call that are read again together; what is left over waits for the next attempt.
pub const NOTES_READ_AT_ONCE: usize = 5000;
/// Most calls with which one attempt looks for its own notes; the rest waits for the next.
pub const NOTES_LOOK_CALLS_MAX: u32 = 100;

// Routes

/// Most routes of a publisher: each is looked at for every touchpoint.
pub const ROUTES_MAX: usize = 500;
/// Longest filter of a route, in bytes: a list of a hundred country codes fits three times.
pub const FILTER_BYTES_MAX: usize = 2048;
/// Deepest nesting of a filter: its parser and its evaluation call themselves for each level.
pub const FILTER_DEPTH_MAX: usize = 32;
/// Most values, names and operators of a filter: each is looked at once for every touchpoint.
pub const FILTER_PARTS_MAX: usize = 400;
/// Largest compiled pattern of a filter, in bytes.
pub const FILTER_PATTERN_BYTES_MAX: usize = 256 * 1024;
/// Looks at a byte that one filter may cost: the longest notes four times, a tenth of a millisecond.
pub const FILTER_COST_MAX: usize = 4 * NOTES_BYTES_MAX + 16 * 1024;
/// Longest note about filters that could not be told of a touchpoint, in bytes: it is kept with the touchpoint.
pub const ROUTING_TROUBLE_BYTES_MAX: usize = 500;
/// Touchpoints of a lead whose routing is explained, the newest ones.
pub const EXPLAINED_MAX: usize = 20;

// Erasure

/// Touchpoints that one step of an erasure wipes: a few milliseconds of the writer's time.
pub const ERASE_STEP: usize = 200;
/// Leads whose addresses one read looks at when a person is erased by theirs.
pub const ERASE_LEADS_STEP: usize = 5000;
/// Most leads that are erased by one address, in one transaction: more have a mailbox that many people share.
pub const ERASE_LEADS_MAX: usize = 1000;
/// How long a touchpoint can have its id before it is on disk; an erasure by address looks again that far back.
pub const ACCEPT_UNDER_WAY: Duration = Duration::from_secs(60);
/// Bodies in quarantine that one step looks through; each may have [`TOUCHPOINT_BYTES_MAX`] bytes.
pub const ERASE_QUARANTINE_STEP: usize = 50;
/// Keys that one step of an erasure looks at.
pub const ERASE_KEYS_STEP: usize = 1000;
/// Time between two rounds of retention: what is kept is counted in days.
pub const RETENTION_EVERY: Duration = Duration::from_secs(6 * 3600);
/// Leads that one step of retention looks at.
pub const RETENTION_STEP: usize = 200;
/// Longest retention, in days: a century, past which nobody means a number.
pub const RETENTION_DAYS_MAX: u32 = 36_500;
/// Largest list of erasures that is read, in bytes: an erased person takes a few hundred.
pub const ERASURE_LIST_BYTES_MAX: usize = 256 * 1024 * 1024;

// Audit

/// Rows that one step of looking at a store takes up: a few milliseconds of a reader's time.
pub const VERIFY_STEP: usize = 500;
/// Breaks of one rule that are shown; all are counted.
pub const VIOLATIONS_SHOWN_MAX: usize = 20;
/// How far ahead of this machine's clock a moment may be before it is told: a day, in which clocks that were set wrong show.
pub const CLOCK_DOUBT: Duration = Duration::from_secs(24 * 3600);
/// Time between two rounds of the service's own look at its store.
pub const VERIFY_EVERY: Duration = Duration::from_secs(300);
/// Pages of one round: a hundred thousand touchpoints; the next round goes on behind them.
pub const VERIFY_PAGES_PER_ROUND: usize = 200;
/// How long after midnight a day's statement is made: what came last is mostly where it goes by then.
pub const STATEMENT_AFTER: Duration = Duration::from_secs(3600);
/// Days of which a statement is made after a stop, the newest ones: a stop for longer is a move.
pub const STATEMENT_DAYS_BACK: u32 = 31;
/// Longest time by which entries of the audit log may be out of step: one says when it was asked for and is numbered when it is
/// done, a minute or so later, and clocks of nodes differ by less.
pub const AUDIT_OUT_OF_STEP_MAX: Duration = Duration::from_secs(3600);

// The portal

/// Most users that are listed: more than any installation has people.
pub const USERS_MAX: usize = 1000;
/// How long a link works by which a user chooses a password: a weekend between.
pub const USER_LINK_KEPT: Duration = Duration::from_secs(3 * 24 * 3600);
/// Shortest password, in characters (NIST SP 800-63B: at least 8; a longer one needs no rules about its signs).
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Longest password, in bytes: no sentence is longer, and hashing takes as long as for a short one.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Longest name of a user, in bytes.
pub const USER_NAME_BYTES_MAX: usize = 200;
/// Memory of one hash of a password, in KiB, and its passes (OWASP, Password Storage: Argon2id with 19 MiB and 2 passes).
pub const PASSWORD_HASH_KIB: u32 = 19_456;
/// Passes of one hash of a password; see above.
pub const PASSWORD_HASH_PASSES: u32 = 2;
/// Passwords hashed at a time: 38 MiB, and never all processors.
pub const PASSWORD_HASHES_MAX: usize = 2;
/// How long somebody who signs in waits for a place to be hashed, before being asked to come again.
pub const PASSWORD_HASH_WAIT: Duration = Duration::from_secs(5);
/// After how long without a page a session ends (OWASP ASVS 5.0, 7.3.1).
pub const SESSION_IDLE_MAX: Duration = Duration::from_secs(30 * 60);
/// After how long a session ends whatever happens (OWASP ASVS 5.0, 7.3.2): a working day.
pub const SESSION_MAX: Duration = Duration::from_secs(12 * 3600);
/// How often it is written down that a session is in use: not with every page.
pub const SESSION_SEEN_EVERY: Duration = Duration::from_secs(60);
/// Most sessions of one user: every machine a person has.
pub const SESSIONS_PER_USER_MAX: usize = 10;
/// Tries to sign in from one network: an office in the morning, then ten a minute.
pub const SIGN_INS_PER_NETWORK: Rate = Rate { every: Duration::from_secs(6), burst: 30 };
/// Tries for one account from one network: some slips, then two a minute.
pub const SIGN_INS_PER_ACCOUNT_AND_NETWORK: Rate = Rate { every: Duration::from_secs(30), burst: 8 };
/// Tries for one account from everywhere: so many that whoever tries from elsewhere does not keep its owner out at once.
pub const SIGN_INS_PER_ACCOUNT: Rate = Rate { every: Duration::from_secs(10), burst: 100 };
/// Largest form of the portal, in bytes: settings with a certificate, its key and rows of a mapping, each sign of which may
/// take three bytes on the way.
pub const PORTAL_FORM_BYTES_MAX: usize = 192 * 1024;
/// Longest word of a search, in characters: the longest names have fewer.
pub const SEARCH_WORD_CHARS_MAX: usize = 32;
/// Words by which one lead is found: a long name at a long company, with the parts of an address.
pub const SEARCH_WORDS_MAX: usize = 24;
/// Words of what somebody types that are looked for.
pub const SEARCH_ASKED_MAX: usize = 6;
/// Leads that one search looks at, as far as they have a word that begins so: some ten milliseconds of reading.
pub const SEARCH_LOOKED_AT_MAX: usize = 1000;
/// Newest leads that a search looks at beside its index, which comes a minute later.
pub const SEARCH_NEWEST: usize = 100;
/// Fields of a form of the portal that are read: five of each row of a mapping, and some around them. The form's bytes bound
/// them as well.
pub const PORTAL_FORM_ENTRIES_MAX: usize = 5 * (MAPPING_ROWS_MAX + 4) + 24;
/// Hours that the chart of a destination's tries shows: two days, so that a night is seen beside the one before.
pub const TRIES_HOURS: u32 = 48;
/// Tries that are looked at for that chart, the newest of a publisher: some ten milliseconds of reading.
pub const TRIES_LOOKED_AT_MAX: usize = 10_000;
/// Rows of a list on one page of the portal: a page stays below 100 KB.
pub const PORTAL_ROWS: usize = 40;
/// Touchpoints and deliveries of a lead that its page shows, the newest of each.
pub const PORTAL_LEAD_ROWS: usize = 40;
