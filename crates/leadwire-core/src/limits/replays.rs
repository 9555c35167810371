//! Bounds of replays, of the quarantine read anew, and of backups; a part of [`super`], which holds them all.

use std::time::Duration;

// Replays

/// Touchpoints that one step of a replay takes up: a few milliseconds of the writer's time.
pub const REPLAY_STEP: usize = 200;
/// Replays of a publisher that are under way at a time.
pub const REPLAYS_MAX: usize = 4;
/// Touchpoints that are counted before a replay begins, so that it can say how far it is: some tenths of a second of a
/// reader's time; with more, the time over which they came tells.
pub const REPLAY_COUNTED_MAX: usize = 100_000;
/// Bodies in quarantine that one request reads anew; each may have [`super::TOUCHPOINT_BYTES_MAX`] bytes.
pub const QUARANTINE_STEP: usize = 50;
/// Largest request that reads another body in the place of one in quarantine, in bytes: a body of
/// [`super::TOUCHPOINT_BYTES_MAX`] as a text of JSON, in which a quotation mark takes two.
pub const QUARANTINE_READING_BYTES_MAX: usize = 2 * super::TOUCHPOINT_BYTES_MAX + 1024;
/// Bytes of a body in quarantine that are shown as text: each sign may take five on a page, which stays below 100 KB. A lead
/// is below 2 KB.
pub const QUARANTINE_TEXT_BYTES_MAX: usize = 12_000;
/// Signs of such a body that are shown before and behind a mistake, in characters: about two lines.
pub const QUARANTINE_AROUND_CHARS: usize = 120;
/// Mistakes of such a body that are told, the first: whoever mends these sees the next.
pub const QUARANTINE_MISTAKES_MAX: usize = 5;
/// Longest place in such a body that is marked, in characters: more is the whole of a long text.
pub const QUARANTINE_PLACE_CHARS: usize = 60;
/// Longest source, action or cause that a replay is for, in bytes: as for the table of interest.
pub const REPLAY_NAME_BYTES_MAX: usize = 100;

// Backups

/// Time between two scheduled backups when nobody says, in hours: a day.
pub const BACKUP_EVERY_HOURS: u32 = 24;
/// Longest time between two scheduled backups, in hours: a year, past which nobody means a number.
pub const BACKUP_EVERY_HOURS_MAX: u32 = 366 * 24;
/// Scheduled backups that are kept when nobody says: a week of days.
pub const BACKUPS_KEPT: usize = 7;
/// Most scheduled backups that are kept: each is a whole store, and the folder is read through at every look.
pub const BACKUPS_KEPT_MAX: usize = 1000;
/// How long after a backup that failed the next try is made.
pub const BACKUP_AGAIN: Duration = Duration::from_secs(15 * 60);
/// Most files of a backup folder that are looked at: it is a folder for backups alone.
pub const BACKUP_FILES_MAX: usize = 10_000;
