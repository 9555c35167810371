//! The points at which the program is killed: what goes on, and which call is never made.

/// What goes on when the program is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A lead comes.
    Accept,
    /// A lead comes while nothing is sent, so that the answer to its sender is the only one.
    AcceptAlone,
    /// A lead comes to a program that has no connection to a destination yet.
    Claim,
    /// A destination has got a request and not answered. No call is waited for.
    Sent,
    /// A destination answers what it held back.
    Settle,
    /// Many leads come, until the log is folded into the store.
    Fold,
    /// The program is asked to end while a destination has a request.
    Stop,
    /// The program makes its store, by all migrations there are.
    Migrate,
    /// What was delivered is sent again.
    Replay,
    /// A person is erased.
    Erase,
    /// A copy of the store is made.
    Backup,
    /// A copy of the store takes its place.
    Restore,
}

/// Which file the call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Log,
    Store,
    /// Any file or connection.
    Anything,
}

/// A point.
pub(crate) struct Point {
    pub(crate) name: &'static str,
    pub(crate) act: Act,
    /// The call that the program does not live to make.
    pub(crate) call: &'static str,
    pub(crate) on: On,
    /// Which of these calls, counted from 1: each is tried.
    pub(crate) moments: &'static [u64],
}

const fn point(
    name: &'static str,
    (act, call, on): (Act, &'static str, On),
    moments: &'static [u64],
) -> Point {
    Point { name, act, call, on, moments }
}

/// All of them.
pub(crate) const POINTS: &[Point] = &[
    point("accept: before the commit", (Act::Accept, "pwrite64", On::Log), &[1]),
    point("accept: inside the commit", (Act::Accept, "pwrite64", On::Log), &[2, 3, 5, 8]),
    point("accept: before the flush", (Act::Accept, FLUSHES, On::Log), &[1]),
    point("accept: committed, no 202 yet", (Act::AcceptAlone, "sendto,writev", On::Anything), &[1]),
    point("deliver: claimed, no request yet", (Act::Claim, "connect", On::Anything), &[1]),
    point("deliver: sent, no answer yet", (Act::Sent, "", On::Anything), &[1, 2, 3]),
    point("settle: answered, nothing written", (Act::Settle, "pwrite64", On::Log), &[1]),
    point("settle: inside the commit", (Act::Settle, "pwrite64", On::Log), &[2, 3, 4]),
    point("settle: before the flush", (Act::Settle, FLUSHES, On::Log), &[1]),
    point("checkpoint: the store is written", (Act::Fold, "pwrite64", On::Store), &[1, 2, 20, 200]),
    point("checkpoint: before its flush", (Act::Fold, FLUSHES, On::Store), &[1]),
    point("shutdown: the last result", (Act::Stop, "pwrite64", On::Log), &[1, 2]),
    point("shutdown: before its flush", (Act::Stop, FLUSHES, On::Log), &[1]),
    point("start: migrations are written", (Act::Migrate, "pwrite64", On::Anything), MIGRATION_WRITES),
    point("start: migrations are flushed", (Act::Migrate, FLUSHES, On::Anything), &[1, 2, 3, 4, 5, 6, 7, 8]),
    point("replay: a step", (Act::Replay, "pwrite64", On::Log), &[1, 4, 8, 12, 16, 24, 32]),
    point("replay: before a step's flush", (Act::Replay, FLUSHES, On::Log), &[1, 2, 3]),
    point("erasure: a step", (Act::Erase, "pwrite64", On::Log), &[1, 4, 8, 12, 16, 24, 32]),
    point("erasure: before a step's flush", (Act::Erase, FLUSHES, On::Log), &[1, 2, 3]),
    point("backup: the copy is written", (Act::Backup, "pwrite64", On::Anything), &[1, 10, 40]),
    point("backup: before its flush", (Act::Backup, FLUSHES, On::Anything), &[1, 2]),
    point("backup: before it gets its name", (Act::Backup, RENAMES, On::Anything), &[1]),
    point("restore: the copy is written", (Act::Restore, "pwrite64", On::Anything), &[1, 10, 40]),
    point("restore: before its flush", (Act::Restore, FLUSHES, On::Anything), &[1, 2, 3]),
    point("restore: before it takes its place", (Act::Restore, RENAMES, On::Anything), &[1]),
    point("restore: before the old log goes", (Act::Restore, "unlink,unlinkat", On::Anything), &[1, 2]),
];

const FLUSHES: &str = "fsync,fdatasync";
const RENAMES: &str = "rename,renameat,renameat2,link,linkat";
const MIGRATION_WRITES: &[u64] = &[1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233];
