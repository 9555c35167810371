//! Endpoints of replays: kept touchpoints routed anew.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::routes::{offers, offers_shape};
use super::setup::done;
use super::wire::{self, moment};
use crate::directory::Snapshot;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::{ReplayId, TouchpointId};
use leadwire_core::refusal::Refusal;
use leadwire_core::rfc3339;
use leadwire_core::routing::Offers;
use leadwire_core::time::Timestamp;
use leadwire_store::audit::Deed;
use leadwire_store::replays::{Done, Replay, ReplayState};
use leadwire_store::setup::Change;

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
        destination,
        offers: new.offer.as_deref().map_or(Ok(Offers::All), |it| offers(&call, it))?,
        range: (first, last),
        force: new.force,
        state: ReplayState::Running,
        done_to: first.before(),
        done: Done::default(),
        ended_at: None,
    };
    Deed::about(&replay.id.to_string());
    match call.app.store.add_replay(replay.clone()).await? {
        Change::Made => call.app.replays.ring(),
        other => done(&call, other, "").await?,
    }
    Ok(answer::json(StatusCode::ACCEPTED, &shape(&setup, &replay)))
}

/// `GET /v1/replays`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let (limit, setup) = (call.limit()?, call.app.directory.now());
    let before = call.query_as("cursor", ReplayId::parse)?;
    let rows = call.app.store.replays(call.publisher(), before, limit).await?;
    let items = rows.iter().map(|it| shape(&setup, it)).collect();
    Ok(answer::page(items, limit, |it: &wire::Replay| it.id.clone()))
}

/// `GET /v1/replays/{replay}`
pub(super) async fn show(call: Call) -> Result<Response, Problem> {
    let id = ReplayId::parse(call.path("replay")).map_err(|_| Problem::not_found())?;
    let found = call.app.store.replay(call.publisher(), id).await?.ok_or_else(Problem::not_found)?;
    Ok(answer::json(StatusCode::OK, &shape(&call.app.directory.now(), &found)))
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

fn shape(setup: &Snapshot, it: &Replay) -> wire::Replay {
    let name = |number: leadwire_core::id::DestinationNo| {
        let number = number.to_string();
        setup.destination(&it.publisher, &number).map_or(number, |it| it.name.clone())
    };
    wire::Replay {
        id: it.id.to_string(),
        state: it.state.as_str().to_owned(),
        destination: it.destination.map(name),
        offer: offers_shape(&it.publisher, &it.offers),
        force: it.force,
        created_at: moment(it.created_at),
        ended_at: it.ended_at.map(moment),
        progress: progress(setup, it),
        seen: it.done.seen,
        added: it.done.added,
        again: it.done.again,
        held: it.done.held,
        unrouted: it.done.unrouted,
    }
}

/// How much of the time over which touchpoints came lies behind it.
fn progress(setup: &Snapshot, it: &Replay) -> f64 {
    if it.state == ReplayState::Done {
        return 1.0;
    }
    let since = setup.setup.publishers.iter().find(|publisher| publisher.id == it.publisher);
    let start = since.map_or(0, |it| it.created_at.millis()).max(it.range.0.minted_at().millis());
    let whole = it.range.1.minted_at().millis() - start;
    let behind = it.done_to.minted_at().millis() - start;
    if whole <= 0 || behind <= 0 { 0.0 } else { (behind as f64 / whole as f64).min(1.0) }
}
