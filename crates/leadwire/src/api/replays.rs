//! Endpoints of replays: kept touchpoints routed anew.

use super::answer;
use super::call::Call;
use super::mappings::names;
use super::problem::Problem;
use super::routes::{filter, offers, offers_shape};
use super::setup::done;
use super::wire::{self, moment};
use crate::directory::Snapshot;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::{DestinationNo, ReplayId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::rfc3339;
use leadwire_core::routing::Offers;
use leadwire_core::time::Timestamp;
use leadwire_store::audit::Deed;
use leadwire_store::replays::{Done, Mode, Only, Replay, ReplayState, Selection, Tally};
use std::time::Duration;

/// `POST /v1/replays`
pub(super) async fn add(call: Call) -> Result<Response, Problem> {
    let new: wire::NewReplay = if call.body.is_empty() { Default::default() } else { call.json()? };
    let (publisher, setup) = (call.publisher(), call.app.directory.now());
    let destination = new.destination.as_deref().map(|name| {
        let (what, fix) = ("there is no such destination", "name one that exists");
        let missing = || Problem::from(Refusal::new("/destination", "unknown_destination", what, fix));
        setup.destination(&publisher, name).map(|it| it.number).ok_or_else(missing)
    });
    let destination = destination.transpose()?;
    if new.force && destination.is_none() {
        let (what, fix) = ("only what goes to one destination is sent again", "name the destination");
        return Err(Refusal::new("/force", "force_needs_destination", what, fix).into());
    }
    let selection = selection(&new, destination.is_some())?;
    let mapping = mapping(&call, destination, new.mapping.as_deref()).await?;
    let first = time(new.from.as_deref(), "/from")?.map_or(TouchpointId::new(0), TouchpointId::first_at);
    // An id of this moment: whatever was received before has a smaller one.
    let newest = TouchpointId::new(call.app.ids.next(call.app.clock.steady()));
    let until = time(new.until.as_deref(), "/until")?.map(|it| TouchpointId::first_at(it).before());
    let last = until.unwrap_or(newest).min(newest);
    if last < first {
        let (what, fix) = ("nothing can have come then", "give an end that is after the start");
        return Err(Refusal::new("/until", "empty_range", what, fix).into());
    }
    let replay = Replay {
        publisher,
        id: ReplayId::new(newest.bits()),
        created_at: call.app.clock.wall(),
        asked_by: asked_by(&call),
        destination,
        offers: new.offer.as_deref().map_or(Ok(Offers::All), |it| offers(&call, it))?,
        selection,
        range: (first, last),
        force: new.force,
        mode: if new.dry_run { Mode::DryRun } else { Mode::Real },
        mapping,
        state: ReplayState::Running,
        done_to: first.before(),
        total: None,
        done: Done::default(),
        ended_at: None,
    };
    let replay = begin(&call, replay).await?;
    Ok(answer::json(StatusCode::ACCEPTED, &shape(&setup, &replay)))
}

/// Counts what a replay has to look at, and lets it begin; or gives the one that runs for the same parked deliveries.
async fn begin(call: &Call, replay: Replay) -> Result<Replay, Problem> {
    let total = call.app.store.replay_total(replay.clone()).await?;
    let replay = Replay { total, ..replay };
    Deed::about(&replay.id.to_string());
    match call.app.store.add_replay_once(replay).await? {
        Ok(replay) => {
            if replay.mapping.is_some() {
                call.app.directory.refresh().await?;
            }
            call.app.replays.ring();
            Ok(replay)
        }
        Err(change) => Err(done(call, change, "").await.err().unwrap_or_else(Problem::not_found)),
    }
}

/// Lets the rest of a group of parked deliveries be put back to work as a replay.
pub(super) async fn begin_group(
    call: &Call,
    destination: DestinationNo,
    cause: Option<&str>,
) -> Result<Replay, Problem> {
    let replay = group(call, destination, cause);
    begin(call, replay).await
}

/// The replay that puts such a group back to work, if it goes on already.
pub(super) async fn running_group(
    call: &Call,
    destination: DestinationNo,
    cause: Option<&str>,
) -> Result<Option<Replay>, Problem> {
    Ok(call.app.store.replay_twin(group(call, destination, cause)).await?)
}

fn group(call: &Call, destination: DestinationNo, cause: Option<&str>) -> Replay {
    let newest = TouchpointId::new(call.app.ids.next(call.app.clock.steady()));
    let cause = cause.unwrap_or_default().to_owned();
    Replay {
        publisher: call.publisher(),
        id: ReplayId::new(newest.bits()),
        created_at: call.app.clock.wall(),
        asked_by: asked_by(call),
        destination: Some(destination),
        offers: Offers::All,
        selection: Selection { only: Some(Only::Parked), cause, ..Selection::default() },
        range: (TouchpointId::new(0), newest),
        force: false,
        mode: Mode::Real,
        mapping: None,
        state: ReplayState::Running,
        done_to: TouchpointId::new(0).before(),
        total: None,
        done: Done::default(),
        ended_at: None,
    }
}

fn asked_by(call: &Call) -> String {
    call.actor.as_ref().map(|it| it.who.to_string()).unwrap_or_default()
}

/// What else it is for, checked.
fn selection(new: &wire::NewReplay, has_destination: bool) -> Result<Selection, Problem> {
    let refused =
        |pointer: &str, code, what: &str, fix: &str| Err(Refusal::new(pointer, code, what, fix).into());
    let only = match new.state.as_deref() {
        None => None,
        Some(text) => match Only::parse(text) {
            Some(only) => Some(only),
            None => {
                let fix = "use `parked`, `delivered` or `missing`, or leave it out";
                return refused("/state", "unknown_state", "no replay is for deliveries that stand so", fix);
            }
        },
    };
    match only {
        Some(Only::Parked | Only::Delivered) if !has_destination => {
            let what = "deliveries that are there are of one destination";
            return refused("/state", "state_needs_destination", what, "name the destination");
        }
        Some(Only::Delivered) if !new.force => {
            let what = "what is delivered is sent again only when that is asked for";
            return refused("/state", "state_needs_force", what, "set `force` to true");
        }
        _ => {}
    }
    if new.cause.is_some() && only != Some(Only::Parked) {
        let what = "only what is parked has a cause";
        return refused("/cause", "cause_needs_parked", what, "set `state` to `parked`");
    }
    let text = |value: &Option<String>, pointer: &str| {
        let value = value.as_deref().unwrap_or_default().trim().to_owned();
        if value.len() > limits::REPLAY_NAME_BYTES_MAX {
            let fix = format!("keep it within {} bytes", limits::REPLAY_NAME_BYTES_MAX);
            return Err(Problem::from(Refusal::new(pointer, "too_long", "nothing is called so", fix)));
        }
        Ok(value)
    };
    Ok(Selection {
        filter: filter(new.filter.as_deref().unwrap_or_default())?,
        source: text(&new.source, "/source")?,
        action: text(&new.action, "/action")?,
        only,
        cause: text(&new.cause, "/cause")?,
    })
}

/// The version of the mapping that is asked for; none is the current one.
async fn mapping(
    call: &Call,
    destination: Option<DestinationNo>,
    wish: Option<&str>,
) -> Result<Option<u32>, Problem> {
    let Some(wish) = wish.filter(|it| *it != "current") else { return Ok(None) };
    let refused =
        |what: &str, fix: &str| Problem::from(Refusal::new("/mapping", "unknown_mapping", what, fix));
    let Some(destination) = destination else {
        return Err(refused("a mapping is of one destination", "name the destination"));
    };
    let fix = "use a number of `leadwire destination mappings`, or `current`";
    let versions = call.app.store.mapping_versions(call.publisher(), destination, usize::MAX).await?;
    let found = wish.parse().ok().filter(|number: &u32| versions.iter().any(|it| it.number == *number));
    found.map(Some).ok_or_else(|| refused("the destination has no such version of its mapping", fix))
}

/// `GET /v1/replays`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let (limit, setup) = (call.limit()?, call.app.directory.now());
    let before = call.query_as("cursor", ReplayId::parse)?;
    let rows = call.app.store.replays(call.publisher(), before, limit).await?;
    let names = names(&call).await?;
    let items =
        rows.iter().map(|it| wire::Replay { asker: names.get(&it.asked_by).cloned(), ..shape(&setup, it) });
    let items = items.collect();
    Ok(answer::page(items, limit, |it: &wire::Replay| it.id.clone()))
}

/// `GET /v1/replays/{replay}`
pub(super) async fn show(call: Call) -> Result<Response, Problem> {
    let id = ReplayId::parse(call.path("replay")).map_err(|_| Problem::not_found())?;
    let found = call.app.store.replay(call.publisher(), id).await?.ok_or_else(Problem::not_found)?;
    let setup = call.app.directory.now();
    let tallies = call.app.store.replay_tallies(call.publisher(), id).await?;
    let mut shown = shape(&setup, &found);
    shown.asker = names(&call).await?.remove(&found.asked_by);
    shown.tallies = tallies.into_iter().map(|it| tally(&setup, &found, it)).collect();
    Ok(answer::json(StatusCode::OK, &shown))
}

/// `POST /v1/replays/{replay}/pause`
pub(super) async fn pause(call: Call) -> Result<Response, Problem> {
    let id = ReplayId::parse(call.path("replay")).map_err(|_| Problem::not_found())?;
    call.app.store.pause_replay(call.publisher(), id, call.app.clock.steady()).await?;
    show(call).await
}

/// `POST /v1/replays/{replay}/resume`
pub(super) async fn resume(call: Call) -> Result<Response, Problem> {
    let id = ReplayId::parse(call.path("replay")).map_err(|_| Problem::not_found())?;
    call.app.store.resume_replay(call.publisher(), id).await?;
    call.app.replays.ring();
    show(call).await
}

/// `POST /v1/replays/{replay}/stop`
pub(super) async fn stop(call: Call) -> Result<Response, Problem> {
    let id = ReplayId::parse(call.path("replay")).map_err(|_| Problem::not_found())?;
    call.app.store.stop_replay(call.publisher(), id, call.app.clock.steady()).await?;
    show(call).await
}

fn time(text: Option<&str>, pointer: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let bad = || {
        let fix = "write it as 2026-11-20T10:00:00Z";
        Refusal::new(pointer, "bad_time", "this is no moment in time", fix)
    };
    Ok(Some(rfc3339::parse(text).ok_or_else(bad)?))
}

fn name(setup: &Snapshot, it: &Replay, number: DestinationNo) -> String {
    let number = number.to_string();
    setup.destination(&it.publisher, &number).map_or(number, |it| it.name.clone())
}

fn tally(setup: &Snapshot, replay: &Replay, it: Tally) -> wire::ReplayTally {
    wire::ReplayTally {
        destination: it.destination.map(|it| name(setup, replay, it)),
        what: it.what,
        why: it.why,
        count: it.count,
    }
}

fn shape(setup: &Snapshot, it: &Replay) -> wire::Replay {
    let some = |text: &str| Some(text.to_owned()).filter(|it| !it.is_empty());
    wire::Replay {
        id: it.id.to_string(),
        state: it.state.as_str().to_owned(),
        destination: it.destination.map(|number| name(setup, it, number)),
        offer: offers_shape(&it.publisher, &it.offers),
        force: it.force,
        dry_run: it.mode == Mode::DryRun,
        filter: some(&it.selection.filter),
        source: some(&it.selection.source),
        action: some(&it.selection.action),
        only: it.selection.only.map(|it| it.as_str().to_owned()),
        cause: some(&it.selection.cause),
        mapping: it.mapping,
        from: Some(it.range.0).filter(|it| it.bits() > 0).map(|it| moment(it.minted_at())),
        until: moment(it.range.1.minted_at().plus(Duration::from_millis(1))),
        created_at: moment(it.created_at),
        asked_by: some(&it.asked_by),
        asker: None,
        ended_at: it.ended_at.map(moment),
        progress: progress(setup, it),
        total: it.total,
        looked: it.done.looked,
        seen: it.done.seen,
        added: it.done.added,
        again: it.done.again,
        held: it.done.held,
        unrouted: it.done.unrouted,
        tallies: Vec::new(),
    }
}

/// How much of what there is to look at lies behind it; or of the time over which that came.
fn progress(setup: &Snapshot, it: &Replay) -> f64 {
    if it.state == ReplayState::Done {
        return 1.0;
    }
    if let Some(total) = it.total {
        return (it.done.looked as f64 / total.max(1) as f64).min(1.0);
    }
    let since = setup.setup.publishers.iter().find(|publisher| publisher.id == it.publisher);
    let start = since.map_or(0, |it| it.created_at.millis()).max(it.range.0.minted_at().millis());
    let whole = it.range.1.minted_at().millis() - start;
    let behind = it.done_to.minted_at().millis() - start;
    if whole <= 0 || behind <= 0 { 0.0 } else { (behind as f64 / whole as f64).min(1.0) }
}
