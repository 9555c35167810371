//! Bounds of bulk jobs: how many deliveries they take, how long they are waited for, and when batches are too slow.

use std::time::Duration;

/// Fewest deliveries of a job: by batches of 200 they take twice the calls of a job, and come earlier.
pub const BULK_LEAST: usize = 2000;
/// Most deliveries of a job: as many as Salesforce works off in one piece, and what one process holds in memory at a time.
pub const BULK_MOST: usize = 10_000;
/// Deliveries looked at for a job, whatever the backlog is: those that have to go by batches lie among those that need not.
pub const BULK_SCAN: usize = 2 * BULK_MOST;
/// Deliveries that enter or leave a job in one transaction, which intake waits behind.
pub const BULK_STEP: usize = 500;
/// Most bytes of a job's file. Salesforce takes 150 MB and Marketo 10 MB; this one crosses a slow line (2 Mbit/s) within
/// the time a request may take, and is held in memory.
pub const BULK_BYTES_MAX: usize = 5 * 1024 * 1024;
/// Most bytes of what a service says of a job's rows: each is repeated in full, quoted, with an id or a reason.
pub const BULK_ANSWER_BYTES_MAX: usize = 4 * BULK_BYTES_MAX;
/// How late a backlog may become by batches before a job is begun: a job takes minutes, and its leads come last to first.
pub const BULK_LATE: Duration = Duration::from_secs(3600);
/// The same of leads that show active interest: people remember minutes of having asked to be called.
pub const BULK_LATE_ACTIVE: Duration = Duration::from_secs(5 * 60);
/// How often a lane with a backlog thinks about a job: it reads some thousand rows for that.
pub const BULK_PLAN_EVERY: Duration = Duration::from_secs(60);
/// First wait before a job is looked at; doubled with each look up to [`BULK_LOOK_LONGEST`].
pub const BULK_LOOK_FIRST: Duration = Duration::from_secs(10);
/// Longest wait between two looks at a job: each is a call.
pub const BULK_LOOK_LONGEST: Duration = Duration::from_secs(5 * 60);
/// How long a job is waited for. Jobs of this size take minutes; services keep trying for hours when they are busy.
pub const BULK_LONGEST: Duration = Duration::from_secs(12 * 3600);
/// How long a job that may have been handed over, and whose name was lost with the answer, is left to come to its end.
pub const BULK_LOST: Duration = Duration::from_secs(3600);
const _: () = assert!(BULK_LOST.as_secs() <= BULK_LONGEST.as_secs());
/// How long no job is begun after one that came to nothing: batches go on meanwhile.
pub const BULK_REST: Duration = Duration::from_secs(3600);
/// Longest name that a service may give a job, in bytes: those we know have 18 at the most.
pub const BULK_HANDLE_BYTES_MAX: usize = 100;
