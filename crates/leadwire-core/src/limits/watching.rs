//! Bounds of watching over destinations, offers and the machine, and of telling somebody.

use std::time::Duration;

/// Time between two rounds of watching; a notice that is made rings for one at once.
pub const WATCH_EVERY: Duration = Duration::from_secs(60);
/// How long nothing may be heard of a destination before it is looked at: a credential that died is found within a day.
pub const SILENT_FOR: Duration = Duration::from_secs(24 * 3600);
/// Time between two looks at a destination that the last look found failing.
pub const LOOK_AGAIN: Duration = Duration::from_secs(3600);
/// Messages that are tried in one round; the next round takes the rest.
pub const NOTICES_PER_ROUND: usize = 100;
/// Messages told side by side: one receiver that does not answer must not hold up the others.
pub const NOTICES_AT_ONCE: usize = 8;
/// How long what happens is gathered before it is told: things that break together become one message, and nobody acts
/// sooner than this.
pub const NOTICE_GATHER: Duration = Duration::from_secs(30);
/// After how long a trouble that lasts is told again: the first time, the second, and each time after that.
pub const NOTICE_AGAIN: [Duration; 3] =
    [Duration::from_secs(3600), Duration::from_secs(6 * 3600), Duration::from_secs(24 * 3600)];
/// Most messages to one receiver in any hour: more are not read, and what is over stands in the next one.
pub const NOTICE_MESSAGES_PER_HOUR: usize = 6;
/// The time in which messages, and newly parked leads, are counted.
pub const NOTICE_HOUR: Duration = Duration::from_secs(3600);
/// Most notices that one message stands for: every destination of the largest publisher we know of, with room.
pub const NOTICES_PER_MESSAGE: usize = 1000;
/// Due notices that a round looks at, those that were held back included: many more than one message takes.
pub const NOTICES_DUE_MAX: usize = 10 * NOTICES_PER_MESSAGE;
/// Notices of a message that are written out; of the others it says how many there are.
pub const NOTICES_WRITTEN_OUT: usize = 5;
/// Things that a message sent to a program holds one by one; of the others it has the count.
pub const NOTICE_ITEMS_SENT_MAX: usize = 100;
/// Names of a group that a message says; of the others it says how many there are.
pub const NOTICE_NAMES_MAX: usize = 3;
/// Leads that wait at a destination are counted up to here for a message or a forecast.
pub const WAITING_COUNTED_MAX: u64 = 10_000;
/// Most receivers of notices of a publisher: each is tried in turn until one takes the message.
pub const NOTICE_RECEIVERS_MAX: usize = 5;
/// Longest time for which notices are muted: a move of a system takes weeks, and what is muted for ever is forgotten.
pub const NOTICE_MUTE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// Most mutes of a publisher: each is looked at with every notice.
pub const NOTICE_MUTES_MAX: usize = 200;
/// Tries after which a destination at which nothing arrives is told to be failing: two leads with all that a short
/// restart takes.
pub const FAILING_TRIES: u64 = 10;
/// The shortest time for which it fails before it is told, however many tries failed: a restart.
pub const FAILING_SHORTEST: Duration = Duration::from_secs(60);
/// For how long it fails before it is told, however few tries failed: a person is told within minutes.
pub const FAILING_FOR: Duration = Duration::from_secs(300);
/// Deliveries of a destination that are looked at to tell whether it fails.
pub const FAILING_LOOK: usize = 20;
/// Destinations looked at in one piece of a reader's work: a few milliseconds.
pub const WATCHED_AT_ONCE: usize = 200;
/// By how many parked deliveries within an hour somebody is told even if no mark is passed.
pub const PARKED_RISE: u64 = 100;
/// Parked deliveries are counted up to here.
pub const PARKED_COUNTED_MAX: u64 = 1_000_000;
/// Free space at which a disk is told to fill up, in reserves: at a gigabyte a day, half a day's notice.
pub const DISK_WARNING_RESERVES: u64 = 8;

// Silence

/// Hours with touchpoints before a way in has a usual: fewer say nothing about gaps.
pub const SILENCE_HOURS_MIN: usize = 20;
/// Hours between the first and the last of them: two weeks, or a weekend would be news.
pub const SILENCE_SPAN_HOURS_MIN: i64 = 14 * 24;
/// The gap that counts as the longest usual one, in percent of all gaps: the longest few are break-downs.
pub const SILENCE_QUANTILE_PERCENT: usize = 97;
/// How often the longest usual gap must go by.
pub const SILENCE_FACTOR: f64 = 2.0;
/// Hours in which something should have come before anything is told: by chance, six in a row are silent once in four
/// hundred times.
pub const SILENCE_WEIGHT_MIN: f64 = 6.0;
/// Hours of a silence that are weighed: ten weeks, after which a way in is closed rather than silent.
pub const SILENCE_LOOK_HOURS: i64 = 10 * 7 * 24;
/// How far back is learned from: eight weeks, so that a season passes.
pub const ARRIVALS_KEPT: Duration = Duration::from_secs(56 * 24 * 3600);
/// Touchpoints that one step of counting arrivals takes up: a few milliseconds.
pub const ARRIVALS_STEP: usize = 500;
/// Steps of one round for one publisher: a quarter of a million touchpoints; the next round goes on.
pub const ARRIVALS_STEPS: usize = 500;
/// How old a touchpoint is when it is counted: those that got their id at the same time are stored by then.
pub const ARRIVALS_AFTER: Duration = Duration::from_secs(60);
/// Time between two looks at who is silent: silence is measured in hours.
pub const SILENCE_LOOK_EVERY: Duration = Duration::from_secs(15 * 60);
/// How long a notice that is over is kept, and a message that was told: somebody may ask what happened in this month of last
/// year, and nobody what was before.
pub const NOTICES_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);
/// How often older ones are looked for.
pub const NOTICES_FORGET_EVERY: Duration = Duration::from_secs(24 * 3600);
