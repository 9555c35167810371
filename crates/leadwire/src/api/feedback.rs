//! Endpoints about what became of leads.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::standing::{lead_id, reason, shown, who};
use super::wire::{self, moment};
use crate::directory::Snapshot;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::feedback::FeedbackKind;
use leadwire_core::id::{FeedbackId, LeadId, PublisherId};
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use leadwire_store::feedback::{Feedback, Noted};
use leadwire_store::lanes::LaneKey;

/// `POST /v1/leads/{lead}/feedback`
pub(super) async fn add(call: Call) -> Result<Response, Problem> {
    let new: wire::NewFeedback = call.json()?;
    let lead = lead_id(&call)?;
    let now = call.app.clock.steady();
    let feedback = Feedback {
        id: FeedbackId::new(call.app.ids.next(now)),
        at: new.at.as_deref().map_or(Ok(now), |it| at(it, now))?,
        noted_at: now,
        kind: outcome(&new.outcome)?,
        reason: new.reason.as_deref().map(reason).transpose()?.unwrap_or_default().to_owned(),
        who: who(&call, new.by.as_deref())?,
        destination: None,
        record: String::new(),
    };
    match call.app.store.add_feedback(call.publisher(), lead, feedback).await? {
        Noted::Made | Noted::Known => shown(&call, lead).await,
        Noted::NoLead => Err(Problem::not_found()),
        Noted::Full => Err(Problem::new(
            StatusCode::CONFLICT,
            "too_much_feedback",
            format!("{} words about this lead are kept already", limits::FEEDBACK_PER_LEAD_MAX),
            "say only when something has changed, and see what sends so many",
        )),
    }
}

fn outcome(text: &str) -> Result<FeedbackKind, Problem> {
    FeedbackKind::parse(text).ok_or_else(|| {
        let fix = "use `qualified`, `disqualified`, `converted` or `lost`";
        Refusal::new("/outcome", "bad_outcome", "there is no such outcome", fix).into()
    })
}

fn at(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let at = rfc3339::parse(text).ok_or_else(|| {
        Refusal::new("/at", "bad_time", "this is no moment", "write it as 2026-11-20T10:00:00Z")
    })?;
    if at > now {
        let fix = "say when it became so, or leave `at` out for now";
        return Err(Refusal::new("/at", "in_the_future", "this moment is yet to come", fix).into());
    }
    Ok(at)
}

/// What became of a lead, as it is shown.
pub(super) async fn of_lead(call: &Call, lead: LeadId) -> Result<wire::LeadFeedback, Problem> {
    let publisher = call.publisher();
    let said = call.app.store.feedback(publisher.clone(), lead, limits::FEEDBACK_SHOWN_MAX).await?;
    let setup = call.app.directory.now();
    Ok(wire::LeadFeedback {
        outcome: said.first().map(|it| it.kind.as_str().to_owned()),
        said: said.into_iter().map(|it| shape(&setup, &publisher, it)).collect(),
    })
}

fn shape(setup: &Snapshot, publisher: &PublisherId, it: Feedback) -> wire::Feedback {
    let some = |text: String| Some(text).filter(|it| !it.is_empty());
    let name = |number: String| setup.destination(publisher, &number).map_or(number, |it| it.name.clone());
    wire::Feedback {
        id: it.id.to_string(),
        outcome: it.kind.as_str().to_owned(),
        at: moment(it.at),
        noted_at: moment(it.noted_at),
        reason: some(it.reason),
        source: if it.destination.is_some() { "crm" } else { "api" }.to_owned(),
        who: some(it.who),
        destination: it.destination.map(|it| name(it.to_string())),
        record: some(it.record),
    }
}

/// `GET /v1/destinations/{destination}/feedback`
pub(super) async fn reading(call: Call) -> Result<Response, Problem> {
    let (publisher, setup) = (call.publisher(), call.app.directory.now());
    let destination = setup.destination(&publisher, call.path("destination"));
    let destination = destination.ok_or_else(Problem::not_found)?;
    let lane = LaneKey { publisher, destination: destination.number };
    let every = setup.outlet(&lane).and_then(|it| it.connector.as_ref().ok()?.feedback_every());
    let kept = call.app.store.feedback_reading(lane).await?;
    let kept = kept.as_ref();
    let some = |it: &String| Some(it.clone()).filter(|it| !it.is_empty());
    let counts = kept.map(|it| it.counts).unwrap_or_default();
    let shape = wire::FeedbackReading {
        possible: leadwire_connect::kind(&destination.kind).is_some_and(|it| it.reads_feedback()),
        on: every.is_some(),
        read_at: kept.and_then(|it| it.read_at).map(moment),
        due_at: kept.filter(|_| every.is_some()).map(|it| moment(it.due_at)),
        failures: kept.map_or(0, |it| it.failures),
        cause: kept.and_then(|it| some(&it.cause)),
        message: kept.and_then(|it| some(&it.message)),
        fix: kept.and_then(|it| some(&it.fix)),
        seen: counts.seen,
        noted: counts.noted,
        unknown: counts.unknown,
        unmatched: counts.unmatched,
    };
    Ok(answer::json(StatusCode::OK, &shape))
}
