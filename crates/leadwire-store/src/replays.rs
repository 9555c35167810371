//! Replays: kept touchpoints routed anew, a step at a time, so that nothing is brought twice and nothing is forgotten.

mod step;

use crate::deliveries::has_lane;
use crate::engine::{Param, Row, Tx};
use crate::leads::{StoredTouchpoint, read_touchpoint};
use crate::setup::{self, Change};
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, LeadId, PublisherId, ReplayId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::routing::{Offers, Routed};
use leadwire_core::time::Timestamp;
use std::collections::BTreeSet;

/// Routing kept touchpoints anew: what it takes up, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Whose.
    pub publisher: PublisherId,
    /// Its id.
    pub id: ReplayId,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Only to this destination, with all touchpoints; none: to all, with those only that no route took.
    pub destination: Option<DestinationNo>,
    /// Touchpoints of these offers.
    pub offers: Offers,
    /// The first touchpoint it may take up, and the last: what comes while it runs is not its business.
    pub range: (TouchpointId, TouchpointId),
    /// Whether what is delivered is sent again.
    pub force: bool,
    /// How it stands.
    pub state: ReplayState,
    /// The touchpoint it has come to.
    pub done_to: TouchpointId,
    /// What it did so far.
    pub done: Done,
    /// When it came to an end.
    pub ended_at: Option<Timestamp>,
}

/// How a replay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayState {
    /// It goes on, also after a restart.
    Running,
    /// It took up all it should.
    Done,
    /// Somebody stopped it; what it did stays done.
    Stopped,
}

impl ReplayState {
    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ReplayState::Running => "running",
            ReplayState::Done => "done",
            ReplayState::Stopped => "stopped",
        }
    }
}

/// What a replay did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Touchpoints looked at.
    pub seen: u64,
    /// Deliveries that are new.
    pub added: u64,
    /// Deliveries that were parked or delivered and are due again.
    pub again: u64,
    /// Deliveries held back: the customer must not be contacted.
    pub held: u64,
    /// Touchpoints that no route takes, still.
    pub unrouted: u64,
}

/// One touchpoint's share of a step, decided under the set-up the caller saw.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// Which touchpoint.
    pub touchpoint: TouchpointId,
    /// Whose it is.
    pub lead: LeadId,
    /// Whether it says itself that the customer must not be contacted.
    pub is_do_not_contact: bool,
    /// Where it goes now; only the replay's destination when it has one.
    pub routed: Vec<Routed>,
}

/// A step of a replay.
#[derive(Clone, Debug)]
pub struct ReplayStep {
    /// The replay as the caller saw it.
    pub replay: Replay,
    /// The touchpoints of the step, oldest first.
    pub items: Vec<Replayed>,
    /// The touchpoint the replay has come to after it; none: there is none behind, and the replay is done.
    pub to: Option<TouchpointId>,
    /// The time.
    pub now: Timestamp,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// It is done, and these destinations have work.
    Made(BTreeSet<DestinationNo>),
    /// The set-up changed since the caller looked; nothing was done.
    SetupChanged,
    /// The replay was stopped, or somebody else made the step; nothing was done.
    NotHere,
}

const REPLAY: &str =
    "SELECT publisher_id, replay_id, created_at, destination_no, offers, first_id, last_id, force,
         state, done_to, seen, added, again, held, unrouted, ended_at
     FROM replay
     WHERE publisher_id = $1 AND replay_id = $2";

impl Store {
    /// Keeps a replay that is to be made. [`Change::Missing`] when its destination is not there; [`Change::Full`] when
    /// [`limits::REPLAYS_MAX`] of the publisher run already. No change of the set-up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_replay(&self, it: Replay) -> Result<Change, StoreError> {
        self.write(move |tx| {
            let publisher = Param::Text(it.publisher.as_str());
            if let Some(destination) = it.destination
                && !has_lane(tx, &it.publisher, destination)?
            {
                return Ok(Change::Missing);
            }
            let running: usize = tx
                .find(
                    "SELECT COUNT(*) FROM replay WHERE state = 'running' AND publisher_id = $1",
                    &[publisher],
                    |row| row.count(0),
                )?
                .unwrap_or(0);
            if running >= limits::REPLAYS_MAX {
                return Ok(Change::Full);
            }
            tx.execute(
                "INSERT INTO replay (publisher_id, replay_id, created_at, destination_no, offers, first_id, last_id,
                     force, state, done_to)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                &[
                    publisher,
                    Param::Text(&it.id.to_string()),
                    Param::Int(it.created_at.millis()),
                    Param::Int(it.destination.map_or(0, DestinationNo::get).into()),
                    Param::Text(&it.offers.to_string()),
                    Param::Text(&it.range.0.to_string()),
                    Param::Text(&it.range.1.to_string()),
                    Param::Int(it.force.into()),
                    Param::Text(it.state.as_str()),
                    Param::Text(&it.done_to.to_string()),
                ],
            )?;
            Ok(Change::Made)
        })
        .await
    }

    /// A replay.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay(&self, publisher: PublisherId, id: ReplayId) -> Result<Option<Replay>, StoreError> {
        self.read(move |tx| find(tx, &publisher, id)).await
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
        self.read(move |tx| {
            let before = before.map_or("rpl_~".to_owned(), |it| it.to_string());
            tx.query(
                "SELECT publisher_id, replay_id, created_at, destination_no, offers, first_id, last_id, force,
                     state, done_to, seen, added, again, held, unrouted, ended_at
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
                     state, done_to, seen, added, again, held, unrouted, ended_at
                 FROM replay
                 WHERE state = 'running'",
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
        self.read(move |tx| {
            let sql = if replay.destination.is_some() { ALL_BEHIND } else { UNROUTED_BEHIND };
            tx.query(
                sql,
                &[
                    Param::Text(replay.publisher.as_str()),
                    Param::Text(&replay.done_to.to_string()),
                    Param::Text(&replay.range.1.to_string()),
                    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
                ],
                read_touchpoint,
            )
        })
        .await
    }

    /// Makes a step: writes down the deliveries it adds or puts back to work, and how far the replay is, in one
    /// transaction. A crash leaves all of it done or none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay_step(&self, setup_version: i64, step: ReplayStep) -> Result<Stepped, StoreError> {
        self.write(move |tx| {
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
        self.write(move |tx| {
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

const ALL_BEHIND: &str =
    "SELECT touchpoint_id, lead_id, received_at, channel, offer_id, source, action, test, routed, body, interest,
         interest_rule, routing_trouble
     FROM touchpoint
     WHERE publisher_id = $1 AND touchpoint_id > $2 AND touchpoint_id <= $3 AND erased_at = 0
     ORDER BY touchpoint_id
     LIMIT $4";
const UNROUTED_BEHIND: &str =
    "SELECT touchpoint_id, lead_id, received_at, channel, offer_id, source, action, test, routed, body, interest,
         interest_rule, routing_trouble
     FROM touchpoint
     WHERE publisher_id = $1 AND routed = 0 AND touchpoint_id > $2 AND touchpoint_id <= $3 AND erased_at = 0
     ORDER BY touchpoint_id
     LIMIT $4";

fn find(tx: &Tx<'_>, publisher: &PublisherId, id: ReplayId) -> Result<Option<Replay>, StoreError> {
    tx.find(REPLAY, &[Param::Text(publisher.as_str()), Param::Text(&id.to_string())], read_replay)
}

fn read_replay(row: &Row<'_>) -> Result<Replay, StoreError> {
    let wrong = |it: leadwire_core::id::BadId| StoreError::Wrong(it.to_string());
    let state = [ReplayState::Running, ReplayState::Done, ReplayState::Stopped];
    let name = row.text(8)?;
    Ok(Replay {
        publisher: row.publisher(0)?,
        id: ReplayId::parse(row.text(1)?).map_err(wrong)?,
        created_at: row.time(2)?,
        destination: Some(row.destination(3)?).filter(|it| it.get() != 0),
        offers: Offers::parse(row.text(4)?).map_err(wrong)?,
        range: (row.touchpoint(5)?, row.touchpoint(6)?),
        force: row.int(7)? != 0,
        state: state
            .into_iter()
            .find(|it| it.as_str() == name)
            .ok_or_else(|| StoreError::Wrong("no state of a replay is called so".to_owned()))?,
        done_to: row.touchpoint(9)?,
        done: Done {
            seen: row.count(10)?,
            added: row.count(11)?,
            again: row.count(12)?,
            held: row.count(13)?,
            unrouted: row.count(14)?,
        },
        ended_at: row.time_or_none(15)?,
    })
}
