//! Replays: kept touchpoints routed anew, a step at a time, so that nothing is brought twice and nothing is forgotten.

mod kept;
mod page;
mod step;

pub use kept::{Done, Mode, Only, Replay, ReplayState, ReplayStep, Replayed, Selection, Stepped, Tally};

use crate::deliveries::has_lane;
use crate::engine::{Param, Tx};
use crate::leads::StoredTouchpoint;
use crate::setup::{self, Change, mappings};
use crate::{Store, StoreError};
use kept::{find, insert, read_replay};
use leadwire_core::id::{DestinationNo, PublisherId, ReplayId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;

impl Store {
    /// Keeps a replay that is to be made. [`Change::Missing`] when its destination is not there; [`Change::Full`] when
    /// [`limits::REPLAYS_MAX`] of the publisher run already. No change of the set-up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_replay(&self, it: Replay) -> Result<Change, StoreError> {
        self.write_of(&it.publisher.clone(), move |tx| add(tx, &it)).await
    }

    /// As [`Store::add_replay`], unless one that takes up the same parked deliveries, or the same up to the same moment, runs
    /// already: that one, then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_replay_once(&self, it: Replay) -> Result<Result<Replay, Change>, StoreError> {
        self.write_of(&it.publisher.clone(), move |tx| {
            if let Some(running) = twin(tx, &it)? {
                return Ok(Ok(running));
            }
            Ok(match add(tx, &it)? {
                Change::Made => Ok(it.clone()),
                other => Err(other),
            })
        })
        .await
    }

    /// A replay that runs or is paused and takes up the same as this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay_twin(&self, it: Replay) -> Result<Option<Replay>, StoreError> {
        self.read_of(&it.publisher.clone(), move |tx| twin(tx, &it)).await
    }

    /// How many touchpoints a replay has to look at; none: more than [`limits::REPLAY_COUNTED_MAX`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay_total(&self, replay: Replay) -> Result<Option<u64>, StoreError> {
        self.read_of(&replay.publisher.clone(), move |tx| {
            let total = page::count(tx, &replay)?;
            Ok(Some(total).filter(|it| *it <= limits::REPLAY_COUNTED_MAX as u64))
        })
        .await
    }

    /// What a replay did or would do, by destination and reason.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay_tallies(
        &self,
        publisher: PublisherId,
        id: ReplayId,
    ) -> Result<Vec<Tally>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            tx.query(
                "SELECT destination_no, what, why, count FROM replay_tally
                 WHERE publisher_id = $1 AND replay_id = $2
                 ORDER BY destination_no, what, why",
                &[Param::Text(publisher.as_str()), Param::Text(&id.to_string())],
                |row| {
                    Ok(Tally {
                        destination: Some(row.destination(0)?).filter(|it| it.get() != 0),
                        what: row.text(1)?.to_owned(),
                        why: row.text(2)?.to_owned(),
                        count: row.count(3)?,
                    })
                },
            )
        })
        .await
    }

    /// Pauses a replay that runs; a step that is being decided is not made any more. It stays paused over restarts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pause_replay(
        &self,
        publisher: PublisherId,
        id: ReplayId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            let paused = tx.execute(
                "UPDATE replay SET paused_at = $1
                 WHERE publisher_id = $2 AND replay_id = $3 AND state = 'running' AND paused_at = 0",
                &[Param::Int(now.millis()), Param::Text(publisher.as_str()), Param::Text(&id.to_string())],
            )?;
            Ok(paused > 0)
        })
        .await
    }

    /// Lets a paused replay go on where it was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resume_replay(&self, publisher: PublisherId, id: ReplayId) -> Result<bool, StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            let resumed = tx.execute(
                "UPDATE replay SET paused_at = 0
                 WHERE publisher_id = $1 AND replay_id = $2 AND state = 'running' AND paused_at > 0",
                &[Param::Text(publisher.as_str()), Param::Text(&id.to_string())],
            )?;
            Ok(resumed > 0)
        })
        .await
    }

    /// A replay.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay(&self, publisher: PublisherId, id: ReplayId) -> Result<Option<Replay>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| find(tx, &publisher, id)).await
    }

    /// A publisher's replays, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replays(
        &self,
        publisher: PublisherId,
        before: Option<ReplayId>,
        limit: usize,
    ) -> Result<Vec<Replay>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let before = before.map_or("rpl_~".to_owned(), |it| it.to_string());
            tx.query(
                "SELECT publisher_id, replay_id, created_at, destination_no, offers, first_id, last_id, force,
                     state, done_to, seen, added, again, held, unrouted, ended_at, filter, source, action,
                     only_state, cause, mapping_no, dry_run, paused_at, total, looked, asked_by
                 FROM replay
                 WHERE publisher_id = $1 AND replay_id < $2
                 ORDER BY replay_id DESC
                 LIMIT $3",
                &[
                    Param::Text(publisher.as_str()),
                    Param::Text(&before),
                    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
                ],
                read_replay,
            )
        })
        .await
    }

    /// All replays that run, of every publisher.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn running_replays(&self) -> Result<Vec<Replay>, StoreError> {
        self.read(|tx| {
            tx.query(
                "SELECT publisher_id, replay_id, created_at, destination_no, offers, first_id, last_id, force,
                     state, done_to, seen, added, again, held, unrouted, ended_at, filter, source, action,
                     only_state, cause, mapping_no, dry_run, paused_at, total, looked, asked_by
                 FROM replay
                 WHERE state = 'running' AND paused_at = 0",
                &[],
                read_replay,
            )
        })
        .await
    }

    /// The next touchpoints that a replay may take up, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay_page(
        &self,
        replay: Replay,
        limit: usize,
    ) -> Result<Vec<StoredTouchpoint>, StoreError> {
        self.read_of(&replay.publisher.clone(), move |tx| page::next(tx, &replay, limit)).await
    }

    /// Makes a step: writes down the deliveries it adds or puts back to work, and how far the replay is, in one
    /// transaction. A crash leaves all of it done or none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay_step(&self, setup_version: i64, step: ReplayStep) -> Result<Stepped, StoreError> {
        self.write_of(&step.replay.publisher.clone(), move |tx| {
            if setup::version(tx)? != setup_version {
                return Ok(Stepped::SetupChanged);
            }
            let replay = &step.replay;
            let now = find(tx, &replay.publisher, replay.id)?;
            if now.is_none_or(|it| it.state != ReplayState::Running || it.done_to != replay.done_to) {
                return Ok(Stepped::NotHere);
            }
            Ok(Stepped::Made(step::make(tx, &step)?))
        })
        .await
    }

    /// Stops a replay that runs. What it did stays done.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stop_replay(
        &self,
        publisher: PublisherId,
        id: ReplayId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            let stopped = tx.execute(
                "UPDATE replay SET state = 'stopped', ended_at = $1
                 WHERE publisher_id = $2 AND replay_id = $3 AND state = 'running'",
                &[Param::Int(now.millis()), Param::Text(publisher.as_str()), Param::Text(&id.to_string())],
            )?;
            Ok(stopped > 0)
        })
        .await
    }
}

fn add(tx: &Tx<'_>, it: &Replay) -> Result<Change, StoreError> {
    if let Some(destination) = it.destination
        && !has_lane(tx, &it.publisher, destination)?
    {
        return Ok(Change::Missing);
    }
    let running: usize = tx
        .find(
            "SELECT COUNT(*) FROM replay WHERE state = 'running' AND publisher_id = $1",
            &[Param::Text(it.publisher.as_str())],
            |row| row.count(0),
        )?
        .unwrap_or(0);
    if running >= limits::REPLAYS_MAX {
        return Ok(Change::Full);
    }
    if let (Some(destination), Some(number)) = (it.destination, it.mapping) {
        if !mappings::has_version(tx, &it.publisher, destination, number)? {
            return Ok(Change::Missing);
        }
        if it.mode == Mode::Real && mappings::note_pins(tx, &it.publisher, destination)? {
            // Every node looks for what is pinned before a step pins anything.
            setup::raise_version(tx)?;
        }
    }
    insert(tx, it)?;
    Ok(Change::Made)
}

/// One that has not ended and takes up the same: a person who asks twice means one.
fn twin(tx: &Tx<'_>, it: &Replay) -> Result<Option<Replay>, StoreError> {
    let unended = tx.query(
        "SELECT replay_id FROM replay WHERE state = 'running' AND publisher_id = $1 AND destination_no = $2",
        &[
            Param::Text(it.publisher.as_str()),
            Param::Int(it.destination.map_or(0, DestinationNo::get).into()),
        ],
        |row| ReplayId::parse(row.text(0)?).map_err(|it| StoreError::Wrong(it.to_string())),
    )?;
    for id in unended {
        let same = |other: &Replay| {
            let what =
                |it: &Replay| (it.selection.clone(), it.offers.clone(), it.range.0, it.mode, it.mapping);
            // A group is what is parked by now, whenever that is asked; anything else is the same up to the same moment alone.
            let is_group = it.selection.only == Some(Only::Parked);
            what(it) == what(other) && (is_group || (it.force, it.range.1) == (other.force, other.range.1))
        };
        if let Some(other) = find(tx, &it.publisher, id)?.filter(same) {
            return Ok(Some(other));
        }
    }
    Ok(None)
}
