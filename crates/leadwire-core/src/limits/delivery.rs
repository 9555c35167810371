//! Bounds of delivery: lanes, requests, retries, and what a destination in trouble gets.

use std::time::Duration;

/// Wait before a lane whose lease another process holds, or whose store was busy, tries again.
pub const LANE_AGAIN: Duration = Duration::from_secs(1);
/// Requests in flight to one destination unless its settings say otherwise.
pub const IN_FLIGHT: usize = 16;
/// The most requests in flight to one destination.
pub const IN_FLIGHT_MAX: usize = 128;
/// Deliveries a lane holds for each request it may have in flight, so that the next is ready at once.
pub const WINDOW_PER_IN_FLIGHT: usize = 4;
/// The most deliveries a lane holds, whatever its batches: claiming them is one transaction, which intake waits behind.
pub const LANE_WINDOW_MAX: usize = 2048;
/// Most touchpoints of one lead that go in one write: what a customer does in a burst, and few enough that one of them which is
/// refused costs few more calls.
pub const FOLD_MAX: usize = 16;
/// How long a lane's lease lasts; renewed with every turn of the lane.
pub const LEASE: Duration = Duration::from_secs(300);
/// How long a node counts as alive after it said so: it stops sending by itself before others take its lanes.
pub const NODE_LEASE: Duration = Duration::from_secs(10);
/// How often it says so: some may be lost.
pub const NODE_BEAT: Duration = Duration::from_secs(2);
/// How often a node looks for work in its lanes that nobody told it of.
pub const NODE_LOOK: Duration = Duration::from_secs(1);
/// How long what another node left under way is left alone: its last request may have begun as it went.
pub const LEFT_BEHIND_WAIT: Duration = Duration::from_secs(ATTEMPT_WAIT.as_secs() + DOUBT.as_secs());
/// What must be left of the lease when an attempt starts: more than the longest time an attempt may take.
pub const LEASE_LEFT_TO_SEND: Duration = Duration::from_secs(125);
const _: () = assert!(LEASE_LEFT_TO_SEND.as_secs() > ATTEMPT_WAIT.as_secs());
/// Longest an attempt may take, all of its requests together; then what came of it is unknown.
pub const ATTEMPT_WAIT: Duration = Duration::from_secs(120);
const _: () = assert!(ATTEMPT_WAIT.as_secs() >= 2 * REQUEST_WAIT_MAX.as_secs());
/// Longest wait for a whole request to a destination, unless its settings say otherwise (Standard Webhooks recommends
/// 15 to 30 s).
pub const REQUEST_WAIT: Duration = Duration::from_secs(20);
/// The longest wait that settings may ask for: a request holds its customer's place as long.
pub const REQUEST_WAIT_MAX: Duration = Duration::from_secs(60);
/// Longest wait for a connection, TLS included.
pub const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// Longest a session with a mail server is kept idle: far below the five minutes after which servers close one
/// (RFC 5321, 4.5.3.2.7).
pub const MAIL_SESSION_IDLE: Duration = Duration::from_secs(60);
/// Longest reply line of a mail server, in bytes (RFC 5321, 4.5.3.1.5, says 512; servers write longer ones).
pub const MAIL_LINE_BYTES_MAX: usize = 2048;
/// Most recipients of a destination's mail.
pub const MAIL_RECIPIENTS_MAX: usize = 20;
/// Addresses of a name that are dialled before an attempt is given up; all are checked.
pub const ADDRESSES_DIALLED_MAX: usize = 4;
/// How long a connection may wait for its next request: shorter than what servers and load balancers commonly allow,
/// so that they seldom close first.
pub const CONNECTION_IDLE_MAX: Duration = Duration::from_secs(60);
/// Largest head of an answer, in bytes. Cookies and security headers make long ones, seldom past 8 KiB.
pub const ANSWER_HEAD_BYTES_MAX: usize = 32 * 1024;
/// Most statuses whose meaning one destination's settings may change; fewer are in use by all receivers we know.
pub const STATUS_OVERRIDES_MAX: usize = 64;
/// Longest setting of several lines, in bytes: a private key of 4,096 bits with a chain of four certificates.
pub const LINES_BYTES_MAX: usize = 32 * 1024;
/// Most bytes read of an answer; the rest is discarded by closing the connection.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of an answer kept as evidence, after redaction.
pub const EVIDENCE_BYTES_MAX: usize = 2 * 1024;
/// How much later than others a lead that shows active interest may come and still be brought first: whoever asked to be
/// called goes before those who came within the hour, and nobody waits for ever.
pub const URGENT_HEAD_START: Duration = Duration::from_secs(55 * 60);
/// How long a request that was given up may still be carried out by the destination: a later touchpoint of the same lead
/// waits as long, or the late one would write over it.
pub const DOUBT: Duration = Duration::from_secs(30);
/// First delay after a failed attempt.
pub const RETRY_FIRST: Duration = Duration::from_secs(5);
/// The shortest delay, whatever the destination asks for: less would be a tight loop.
pub const RETRY_SHORTEST: Duration = Duration::from_secs(1);
/// Longest delay between two attempts; there is no last one.
pub const RETRY_LONGEST: Duration = Duration::from_secs(3600);
/// The longest `Retry-After` that is believed.
pub const RETRY_AFTER_LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Attempts of one delivery before a name, a certificate or an address that is not found needs a person; a deployment
/// takes minutes.
pub const ATTEMPTS_BEFORE_PAUSE: u32 = 5;
/// First wait before a paused lane is probed; doubled with each probe up to [`RETRY_LONGEST`].
pub const PROBE_FIRST: Duration = Duration::from_secs(60);
/// Calls that must fail in a row before a destination counts as down: fewer are a blip that retries get over.
pub const TRIP_CALLS: u32 = 5;
/// Different touchpoints among them: one that fails by itself, however often, must not hold up the others.
pub const TRIP_TOUCHPOINTS: usize = 3;
/// First wait before a destination that is down is tried again; doubled each time up to [`TRIP_LONGEST`].
pub const TRIP_FIRST: Duration = Duration::from_secs(5);
/// Longest such wait: a call each quarter of an hour costs nobody anything, and leads wait no longer than that once it is
/// back.
pub const TRIP_LONGEST: Duration = Duration::from_secs(15 * 60);
/// Requests in flight to a destination at first; each that is answered doubles them, up to what its settings allow.
pub const RAMP_FIRST: usize = 1;
/// Different records refused in a row, in the same way, after which the destination itself is suspected.
pub const REFUSED_IN_A_ROW: usize = 5;
/// How long a stopping program lets requests in flight finish.
pub const SHUTDOWN_WAIT: Duration = Duration::from_secs(25);
/// Most bytes of a batch's touchpoints, unless one alone has more: what a line of a few megabits brings up within a request's
/// time. Systems that take less split further.
pub const BATCH_CONTENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Parsed touchpoints kept in memory for lanes to pick up, in bytes of their bodies.
pub const HANDOVER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long a reserved call may wait to be made: longer than an attempt takes, so that every call of one is made in time.
pub const CALLS_HELD: Duration = Duration::from_secs(150);
const _: () = assert!(CALLS_HELD.as_secs() > ATTEMPT_WAIT.as_secs());
/// Calls that a deletion may make in one attempt where there are so many: a token, and a look and a deletion for each of some
/// ten records with their notes. What takes more goes on in the next attempt.
pub const ERASE_CALLS: u32 = 40;
/// How much older than what it finds a turn may be that reads an account's counts: a turn is as old as it waited for the store.
/// What lies further ahead was written by a clock that was set back since.
pub const TURN_WAITED: Duration = Duration::from_secs(3600);
/// Moments at which calls of one window are counted: the count of a day is exact to an hour, that of ten seconds to less than
/// half of one.
pub const BUDGET_SLOTS: i64 = 24;
/// How long it is believed that others used up a budget: then a batch is let through, whose answer says how it is now.
pub const TOLD_AGAIN: Duration = Duration::from_secs(15 * 60);
/// The shortest window whose calls are worth saving: what comes back within minutes is waited for.
pub const QUOTA_SHORTEST: Duration = Duration::from_secs(3600);
/// Longest that a lead waits for a fuller batch while calls are scarce. Of one that asked to be called its head start is taken
/// off: what people remember of asking is minutes.
pub const FILL_WAIT: Duration = Duration::from_secs(3600);
const _: () = assert!(FILL_WAIT.as_secs() - URGENT_HEAD_START.as_secs() == 5 * 60);
/// The time from which a forecast takes how fast calls are used.
pub const FORECAST_LOOK_BACK: Duration = Duration::from_secs(3600);
/// Longest wait for calls with deliveries in hand; for a longer one they go back to the store.
pub const CALLS_WAIT_IN_HAND: Duration = Duration::from_secs(30);
/// The most calls a day that settings may name; the largest contracts allow five million.
pub const CALLS_PER_DAY_MAX: u32 = 10_000_000;
/// The most calls a minute that settings may name.
pub const CALLS_PER_MINUTE_MAX: u32 = 100_000;
/// The largest share of a budget that settings may keep for others, in percent: something must be left for leads.
pub const CALLS_KEPT_PERCENT_MAX: u8 = 99;
