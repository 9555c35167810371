//! Bulk jobs in the store: which deliveries are in one, how far it has come, and how they leave it.
//!
//! Deliveries in a job are in flight, for minutes or hours, and stay so whoever takes the lane. Every write names the lane's
//! lease; a late worker changes nothing.

mod calls;
pub(crate) mod gather;
mod leave;

use crate::engine::{Param, Tx};
use crate::lanes::{LaneKey, LaneToken};
use crate::{Store, StoreError};
use leadwire_core::bulk::{Job, Stage};
use leadwire_core::id::LeadId;
use leadwire_core::lane::Claim;
use leadwire_core::time::Timestamp;
use std::sync::Arc;

pub use gather::{Sealed, Seen};
pub(crate) use leave::put_all_back;

/// What a delivery in a job carries as its claim: far above any lane's token. Statements say it as a number, or SQLite would
/// not see that an index is for them.
pub(crate) const CLAIM: i64 = 2_147_483_647;

fn key(lane: &LaneKey) -> [Param<'_>; 2] {
    [Param::Text(lane.publisher.as_str()), Param::Int(lane.destination.get().into())]
}

/// Whether the lane is still held under this lease.
fn holds(tx: &Tx<'_>, lane: &LaneKey, token: LaneToken) -> Result<bool, StoreError> {
    let [publisher, destination] = key(lane);
    let held = tx.find(
        "SELECT 1 FROM lane WHERE publisher_id = $1 AND destination_no = $2 AND token = $3",
        &[publisher, destination, Param::Int(token.number())],
        |_| Ok(()),
    )?;
    Ok(held.is_some())
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Gathering => "gathering",
        Stage::Sending => "sending",
        Stage::Running => "running",
    }
}

fn read_job(tx: &Tx<'_>, lane: &LaneKey) -> Result<Option<Job>, StoreError> {
    tx.find(
        "SELECT stage, handle, begun_at, looks, look_at
         FROM bulk_job
         WHERE publisher_id = $1 AND destination_no = $2",
        &key(lane),
        |row| {
            let stage = match row.text(0)? {
                "gathering" => Stage::Gathering,
                "sending" => Stage::Sending,
                "running" => Stage::Running,
                other => return Err(StoreError::Wrong(format!("no stage of a job is called {other}"))),
            };
            let handle = row.text(1)?.to_owned();
            Ok(Job { stage, handle, begun_at: row.time(2)?, looks: row.count(3)?, look_at: row.time(4)? })
        },
    )
}

impl Store {
    /// The job of a lane that was just taken, and whose requests are in it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bulk_job(&self, lane: LaneKey) -> Result<Option<(Job, Vec<LeadId>)>, StoreError> {
        self.read_of(&lane.publisher.clone(), move |tx| {
            let Some(job) = read_job(tx, &lane)? else { return Ok(None) };
            let leads = tx.query(
                "SELECT d.lead_id, d.known_as
                 FROM (
                     SELECT touchpoint_id
                     FROM delivery
                     WHERE publisher_id = $1 AND destination_no = $2 AND claim = 2147483647) AS due
                 CROSS JOIN delivery d
                 WHERE d.publisher_id = $1 AND d.touchpoint_id = due.touchpoint_id AND d.destination_no = $2",
                &key(&lane),
                // What is under way went out as the lead it was begun as.
                |row| if row.text(1)?.is_empty() { row.lead(0) } else { row.lead(1) },
            )?;
            Ok(Some((job, leads)))
        })
        .await
    }

    /// The job of a lane, for people to see, and how many deliveries are in it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bulk_job_now(&self, lane: LaneKey) -> Result<Option<(Job, u64)>, StoreError> {
        self.read_of(&lane.publisher.clone(), move |tx| {
            let Some(job) = read_job(tx, &lane)? else { return Ok(None) };
            let count = tx.find(
                "SELECT COUNT(*) FROM delivery
                 WHERE publisher_id = $1 AND destination_no = $2 AND claim = 2147483647",
                &key(&lane),
                |row| row.count(0),
            )?;
            Ok(Some((job, count.unwrap_or(0))))
        })
        .await
    }

    /// Writes down how far a job has come. False: the lease was lost, or the lane has no job; nothing was changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_bulk_job(&self, lane: LaneKey, token: LaneToken, job: Job) -> Result<bool, StoreError> {
        self.write_of(&lane.publisher.clone(), move |tx| {
            Ok(holds(tx, &lane, token)? && keep(tx, &lane, &job)?)
        })
        .await
    }

    /// Takes up to `most` deliveries out of a job and under the lane's own lease, so that its next turns settle them: once
    /// it is known what came of them, or that nobody will know. `is_unknown` is said of those that were erased meanwhile. The
    /// last ones take the job with them. None: the lease was lost.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leave_bulk_job(
        &self,
        (lane, token): (LaneKey, LaneToken),
        most: usize,
        is_unknown: bool,
        now: Timestamp,
    ) -> Result<Option<Left>, StoreError> {
        self.write_of(&lane.publisher.clone(), move |tx| {
            if !holds(tx, &lane, token)? {
                return Ok(None);
            }
            leave::leave(tx, &lane, token, (most, is_unknown), now).map(Some)
        })
        .await
    }

    /// Puts up to `most` deliveries of a job of which nothing was sent back into the queue, as if they had never been in it.
    /// None: the lease was lost.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_back_bulk_job(
        &self,
        (lane, token): (LaneKey, LaneToken),
        most: usize,
        now: Timestamp,
    ) -> Result<Option<JobEnd>, StoreError> {
        self.write_of(&lane.publisher.clone(), move |tx| {
            if !holds(tx, &lane, token)? {
                return Ok(None);
            }
            leave::put_back(tx, &lane, most, now).map(Some)
        })
        .await
    }

    /// Puts up to `room` more deliveries into the lane's job, which begins with the first ones. Each counts as tried, as a
    /// claim does. None: the lease was lost, or the job is on its way already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn gather_bulk_job(
        &self,
        (lane, token): (LaneKey, LaneToken),
        room: usize,
        whom: leadwire_core::bulk::Whom,
        now: Timestamp,
    ) -> Result<Option<Vec<Claim>>, StoreError> {
        self.write_of(&lane.publisher.clone(), move |tx| {
            if !holds(tx, &lane, token)? {
                return Ok(None);
            }
            gather::gather(tx, &lane, (room, whom), now)
        })
        .await
    }

    /// Closes a job before it is sent: what is left out goes back, and so does everything whose customer was erased or
    /// asked not to be contacted since. From here on what is in it may be at the destination. None: the lease was lost.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn seal_bulk_job(
        &self,
        (lane, token): (LaneKey, LaneToken),
        handle: String,
        left_out: Arc<[leadwire_core::id::TouchpointId]>,
        now: Timestamp,
    ) -> Result<Option<Sealed>, StoreError> {
        self.write_of(&lane.publisher.clone(), move |tx| {
            if !holds(tx, &lane, token)? {
                return Ok(None);
            }
            gather::seal(tx, &lane, (&handle, &left_out), now)
        })
        .await
    }
}

/// Whether a job is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// Some of its deliveries are still in it.
    NotYet,
    /// None is, and the job is gone.
    Over,
}

/// Deliveries that left a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Under the lane's lease from now on.
    pub claims: Vec<Claim>,
    /// Whether there are more.
    pub end: JobEnd,
}

fn keep(tx: &Tx<'_>, lane: &LaneKey, job: &Job) -> Result<bool, StoreError> {
    let [publisher, destination] = key(lane);
    let kept = tx.execute(
        "UPDATE bulk_job SET stage = $1, handle = $2, begun_at = $3, looks = $4, look_at = $5
         WHERE publisher_id = $6 AND destination_no = $7",
        &[
            Param::Text(stage_name(job.stage)),
            Param::Text(&job.handle),
            Param::Int(job.begun_at.millis()),
            Param::Int(job.looks.into()),
            Param::Int(job.look_at.millis()),
            publisher,
            destination,
        ],
    )?;
    Ok(kept > 0)
}
