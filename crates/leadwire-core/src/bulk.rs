//! When a backlog is handed over as one bulk job in place of batches, and what is done with a job next.
//!
//! A job carries thousands of deliveries with a handful of calls, and takes its time. So it is for backlogs that the calls at
//! hand would bring too late, and for nothing else.

use crate::budget::{Book, Budget, Count, forecast};
use crate::limits;
use crate::time::Timestamp;

/// What waits, as far as was looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Deliveries that are due, whatever they bring.
    pub waiting: u64,
    /// Those among them whose leads show active interest.
    pub active: u64,
    /// Those that a job may take: the first try of a lead's first touchpoint, without active interest.
    pub fit: u64,
    /// The same, with active interest.
    pub fit_active: u64,
}

/// How a backlog is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As always.
    Batches,
    /// As a job, of these.
    Job(Whom),
}

/// Whose deliveries a job takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Leads that show no active interest: batches bring the others in time.
    NotActive,
    /// Those too.
    All,
}

/// How to bring a backlog with what an account allows. `job` are the calls that a job takes, and `batch_max` the deliveries
/// of a batch.
pub fn choose(
    (budget, counts): (&Budget, &[Count]),
    backlog: Backlog,
    (job, batch_max): (u32, usize),
    now: Timestamp,
) -> Way {
    if Book::open(budget, counts.to_vec(), now).most() < job {
        return Way::Batches;
    }
    let drained_at = |waiting: u64| forecast(budget, counts.to_vec(), (waiting, batch_max), now).drained_at;
    let is_late = |waiting, allowed| drained_at(waiting).is_some_and(|it| it > now.plus(allowed));
    if !is_late(backlog.waiting, limits::BULK_LATE) {
        return Way::Batches;
    }
    let whom = if is_late(backlog.active, limits::BULK_LATE_ACTIVE) { Whom::All } else { Whom::NotActive };
    let taken = match whom {
        Whom::NotActive => backlog.fit,
        Whom::All => backlog.fit.saturating_add(backlog.fit_active),
    };
    let least = u64::try_from(limits::BULK_LEAST).unwrap_or(u64::MAX);
    if taken < least { Way::Batches } else { Way::Job(whom) }
}

/// How far a job has come, as it is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Deliveries are put into it. Nothing was sent.
    Gathering,
    /// It is being handed over: whether it was is not written down yet.
    Sending,
    /// The service has it.
    Running,
}

/// A lane's job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// How far it has come.
    pub stage: Stage,
    /// What the service calls it; empty when that is not known.
    pub handle: String,
    /// Since when it may be at the service.
    pub begun_at: Timestamp,
    /// Looks at it so far.
    pub looks: u32,
    /// When to look next.
    pub look_at: Timestamp,
}

/// What is done with a job next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before this moment.
    Wait(Timestamp),
    /// Ask the service.
    Look,
    /// Stop waiting: what came of its deliveries is unknown.
    GiveUp,
    /// Put its deliveries back: nothing of it was sent.
    PutBack,
}

/// What to do with a job that is not in hand any more, or was handed over.
pub fn next_step(job: &Job, now: Timestamp) -> Step {
    let is_lost = job.handle.is_empty();
    let ends_at = job.begun_at.plus(if is_lost { limits::BULK_LOST } else { limits::BULK_LONGEST });
    match job.stage {
        Stage::Gathering => Step::PutBack,
        // However late it is, after a long stop for instance, the service is asked once more.
        Stage::Sending | Stage::Running if !is_lost && job.look_at <= now => Step::Look,
        Stage::Sending | Stage::Running if now >= ends_at => Step::GiveUp,
        Stage::Sending | Stage::Running if is_lost => Step::Wait(ends_at),
        Stage::Sending | Stage::Running => Step::Wait(job.look_at.min(ends_at)),
    }
}

/// When a job is looked at again after so many looks.
pub fn look_again_at(looks: u32, now: Timestamp) -> Timestamp {
    let doubled = limits::BULK_LOOK_FIRST.saturating_mul(2u32.saturating_pow(looks.min(31)));
    now.plus(doubled.min(limits::BULK_LOOK_LONGEST))
}

#[cfg(test)]
#[path = "bulk_tests.rs"]
mod tests;
