//! A replay as it is kept: what it takes up, how far it is, and its rows.

use crate::StoreError;
use crate::engine::{Param, Row, Tx};
use leadwire_core::id::{DestinationNo, LeadId, PublisherId, ReplayId, TouchpointId};
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
    /// Who asked for it: the id of a key, a user or a link; empty when nobody knows any more.
    pub asked_by: String,
    /// Only to this destination, with all touchpoints; none: to all, with those only that no route took.
    pub destination: Option<DestinationNo>,
    /// Touchpoints of these offers.
    pub offers: Offers,
    /// What else a touchpoint or its delivery must be like.
    pub selection: Selection,
    /// The first touchpoint it may take up, and the last: what comes while it runs is not its business.
    pub range: (TouchpointId, TouchpointId),
    /// Whether what is delivered is sent again.
    pub force: bool,
    /// Whether it does something or only counts.
    pub mode: Mode,
    /// The version of the destination's mapping that it maps with; none: the current one.
    pub mapping: Option<u32>,
    /// How it stands.
    pub state: ReplayState,
    /// The touchpoint it has come to.
    pub done_to: TouchpointId,
    /// Touchpoints there are to look at; none: more than are counted.
    pub total: Option<u64>,
    /// What it did so far, or would do.
    pub done: Done,
    /// When it came to an end.
    pub ended_at: Option<Timestamp>,
}

/// What a replay takes up, beside offers and time. An empty text selects nothing out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// A condition as routes have it.
    pub filter: String,
    /// Touchpoints of this source.
    pub source: String,
    /// Touchpoints of this action.
    pub action: String,
    /// Deliveries that stand so; none: however they stand.
    pub only: Option<Only>,
    /// With [`Only::Parked`]: parked for this cause.
    pub cause: String,
}

/// How a delivery stands that a replay takes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// It waits for a person. Routes are not asked: it is owed already.
    Parked,
    /// It is delivered, and is sent again.
    Delivered,
    /// There is none yet.
    Missing,
}

impl Only {
    const ALL: [Self; 3] = [Self::Parked, Self::Delivered, Self::Missing];

    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Only::Parked => "parked",
            Only::Delivered => "delivered",
            Only::Missing => "missing",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// Whether a replay does something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It owes what is lacking and puts back to work.
    #[default]
    Real,
    /// It counts what it would do, and changes no delivery.
    DryRun,
}

/// How a replay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayState {
    /// It goes on, also after a restart.
    Running,
    /// Somebody paused it; it goes on when somebody says so.
    Paused,
    /// It took up all it should.
    Done,
    /// Somebody stopped it; what it did stays done.
    Stopped,
}

impl ReplayState {
    const ALL: [Self; 4] = [Self::Running, Self::Paused, Self::Done, Self::Stopped];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ReplayState::Running => "running",
            ReplayState::Paused => "paused",
            ReplayState::Done => "done",
            ReplayState::Stopped => "stopped",
        }
    }
}

/// What a replay did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Touchpoints it came by, those it does not take up included.
    pub looked: u64,
    /// Touchpoints taken up.
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

/// What a replay did with deliveries to one destination for one reason, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Where to; none: what went nowhere.
    pub destination: Option<DestinationNo>,
    /// `added`, `again`, `held` or `skipped`.
    pub what: String,
    /// Why: a stable name.
    pub why: String,
    /// How many.
    pub count: u64,
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
    /// Touchpoints of the step that it does not take up, each with the reason.
    pub passed_by: Vec<&'static str>,
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
    /// The replay was stopped or paused, or somebody else made the step; nothing was done.
    NotHere,
}

const REPLAY: &str =
    "SELECT publisher_id, replay_id, created_at, destination_no, offers, first_id, last_id, force,
         state, done_to, seen, added, again, held, unrouted, ended_at, filter, source, action, only_state, cause,
         mapping_no, dry_run, paused_at, total, looked, asked_by
     FROM replay
     WHERE publisher_id = $1 AND replay_id = $2";

/// Finds a replay.
pub(super) fn find(tx: &Tx<'_>, publisher: &PublisherId, id: ReplayId) -> Result<Option<Replay>, StoreError> {
    tx.find(REPLAY, &[Param::Text(publisher.as_str()), Param::Text(&id.to_string())], read_replay)
}

/// Writes down a new replay.
pub(super) fn insert(tx: &Tx<'_>, it: &Replay) -> Result<(), StoreError> {
    let selection = &it.selection;
    tx.execute(
        "INSERT INTO replay (publisher_id, replay_id, created_at, destination_no, offers, first_id, last_id,
             force, state, done_to, filter, source, action, only_state, cause, mapping_no, dry_run, total,
             asked_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        &[
            Param::Text(it.publisher.as_str()),
            Param::Text(&it.id.to_string()),
            Param::Int(it.created_at.millis()),
            Param::Int(it.destination.map_or(0, DestinationNo::get).into()),
            Param::Text(&it.offers.to_string()),
            Param::Text(&it.range.0.to_string()),
            Param::Text(&it.range.1.to_string()),
            Param::Int(it.force.into()),
            Param::Text(it.state.as_str()),
            Param::Text(&it.done_to.to_string()),
            Param::Text(&selection.filter),
            Param::Text(&selection.source),
            Param::Text(&selection.action),
            Param::Text(selection.only.map_or("", Only::as_str)),
            Param::Text(&selection.cause),
            Param::Int(it.mapping.unwrap_or(0).into()),
            Param::Int((it.mode == Mode::DryRun).into()),
            Param::Int(it.total.map_or(0, |it| i64::try_from(it).unwrap_or(0))),
            Param::Text(&it.asked_by),
        ],
    )?;
    Ok(())
}

/// Reads a row of the columns that [`find`] asks for.
pub(super) fn read_replay(row: &Row<'_>) -> Result<Replay, StoreError> {
    let wrong = |it: leadwire_core::id::BadId| StoreError::Wrong(it.to_string());
    let name = if row.text(8)? == "running" && row.int(23)? != 0 { "paused" } else { row.text(8)? };
    let state = ReplayState::ALL.into_iter().find(|it| it.as_str() == name);
    Ok(Replay {
        publisher: row.publisher(0)?,
        id: ReplayId::parse(row.text(1)?).map_err(wrong)?,
        created_at: row.time(2)?,
        asked_by: row.text(26)?.to_owned(),
        destination: Some(row.destination(3)?).filter(|it| it.get() != 0),
        offers: Offers::parse(row.text(4)?).map_err(wrong)?,
        selection: Selection {
            filter: row.text(16)?.to_owned(),
            source: row.text(17)?.to_owned(),
            action: row.text(18)?.to_owned(),
            only: Only::parse(row.text(19)?),
            cause: row.text(20)?.to_owned(),
        },
        range: (row.touchpoint(5)?, row.touchpoint(6)?),
        force: row.int(7)? != 0,
        mode: if row.int(22)? == 0 { Mode::Real } else { Mode::DryRun },
        mapping: Some(row.count(21)?).filter(|it| *it != 0),
        state: state.ok_or_else(|| StoreError::Wrong("no state of a replay is called so".to_owned()))?,
        done_to: row.touchpoint(9)?,
        total: Some(row.count(24)?).filter(|it| *it != 0),
        done: Done {
            looked: row.count(25)?,
            seen: row.count(10)?,
            added: row.count(11)?,
            again: row.count(12)?,
            held: row.count(13)?,
            unrouted: row.count(14)?,
        },
        ended_at: row.time_or_none(15)?,
    })
}
