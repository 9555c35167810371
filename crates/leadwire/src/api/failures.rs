//! Endpoints of what is parked: by cause, and put back to work by cause.

use super::answer;
use super::call::Call;
use super::destinations::{find, lane};
use super::problem::Problem;
use super::replays;
use super::wire::{self, List, moment};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::rfc3339;
use leadwire_store::deliveries::Parked;
use leadwire_store::failures::{FailureGroup, GivenUp};
use std::sync::Arc;

/// `POST /v1/destinations/{destination}/retry-parked`
pub(super) async fn retry_parked(call: Call) -> Result<Response, Problem> {
    let (_, destination) = find(&call)?;
    let now = call.app.clock.steady();
    let until = call.query.get("until").map(|it| rfc3339::parse(it).ok_or_else(bad_until)).transpose()?;
    let cause = call.query.get("cause").map(String::as_str);
    if until.is_none()
        && let Some(running) = replays::running_group(&call, destination.number, cause).await?
    {
        let replay = Some(running.id.to_string());
        return Ok(answer::json(StatusCode::OK, &wire::Retried { retried: 0, until: None, replay }));
    }
    let which = Parked { cause: call.query.get("cause").cloned(), until };
    let is_first = until.is_none();
    let until = Some(rfc3339::format(until.unwrap_or(now)));
    let most = (limits::RETRY_PARKED_MAX, now);
    let (lanes, lane) = (Arc::clone(&call.app.lanes), lane(&destination));
    let key = lane.clone();
    let retried = call.app.store.retry_group(key, which, most, move |_| lanes.wake(&lane)).await?;
    // What one answer cannot hold goes on in the service, where it survives a restart.
    let replay = if is_first && retried == limits::RETRY_PARKED_MAX {
        Some(replays::begin_group(&call, destination.number, cause).await?.id.to_string())
    } else {
        None
    };
    Ok(answer::json(StatusCode::OK, &wire::Retried { retried, until, replay }))
}

/// `POST /v1/destinations/{destination}/drop-parked`
pub(super) async fn drop_parked(call: Call) -> Result<Response, Problem> {
    let (_, destination) = find(&call)?;
    let cause = call.query.get("cause").filter(|it| !it.is_empty()).cloned().ok_or_else(|| {
        let fix = "name the cause, as `leadwire failure list` does; nothing is dropped without one";
        Problem::from(Refusal::new("", "cause_missing", "`cause` is missing", fix))
            .with_status(StatusCode::BAD_REQUEST)
    })?;
    let most = (limits::RETRY_PARKED_MAX, call.app.clock.steady());
    let (publisher, number) = (destination.publisher.clone(), destination.number);
    let GivenUp { dropped, deletions } = call.app.store.drop_group(publisher, number, cause, most).await?;
    let more = dropped == limits::RETRY_PARKED_MAX;
    Ok(answer::json(StatusCode::OK, &wire::Dropped { dropped, more, deletions }))
}

/// `GET /v1/failures`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let (publisher, setup) = (call.publisher(), call.app.directory.now());
    let groups = call.app.store.failures(publisher.clone(), limits::FAILURE_GROUPS_MAX).await?;
    let shape = |it: FailureGroup| {
        let number = it.destination.to_string();
        wire::FailureGroup {
            destination: setup.destination(&publisher, &number).map_or(number, |it| it.name.clone()),
            cause: it.cause,
            count: it.count,
            first_at: moment(it.first_at),
            last_at: moment(it.last_at),
            sample: it.sample.to_string(),
            message: it.message,
            fix: it.fix,
        }
    };
    Ok(answer::json(StatusCode::OK, &List { items: groups.into_iter().map(shape).collect() }))
}

fn bad_until() -> Problem {
    let fix = "give the `until` of the answer before, or leave it out";
    let refusal = Refusal::new("", "bad_time", "`until` is no moment", fix);
    Problem::from(refusal).with_status(StatusCode::BAD_REQUEST)
}
