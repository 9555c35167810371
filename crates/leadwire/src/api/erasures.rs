//! Endpoints that erase people and say what came of it, and that set for how long people are kept.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::setup::done;
use super::standing::{lead_id, reason, who};
use super::wire::{self, moment};
use crate::erasure::{Came, Request};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::erasure;
use leadwire_core::id::ErasureId;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_store::erasures::{Crm, Erasure, Part};
use leadwire_store::rows::DeliveryState;

/// `POST /v1/leads/{lead}/erase`
pub(super) async fn erase_lead(call: Call) -> Result<Response, Problem> {
    let wish: wire::EraseWish = call.json()?;
    let request = Request {
        publisher: call.publisher(),
        leads: vec![lead_id(&call)?],
        email: None,
        crm: crm(wish.crm.as_deref())?,
        who: who(&call, wish.by.as_deref())?,
        reason: reason(&wish.reason)?.to_owned(),
    };
    begin(&call, request).await
}

/// `POST /v1/erasures`
pub(super) async fn add(call: Call) -> Result<Response, Problem> {
    let wish: wire::NewErasure = call.json()?;
    if erasure::identities_of_address(&wish.email).is_empty() {
        let (what, fix) = ("this is no e-mail address", "write it as name@example.com");
        return Err(Refusal::new("/email", "bad_email", what, fix).into());
    }
    let request = Request {
        publisher: call.publisher(),
        leads: Vec::new(),
        email: Some(wish.email),
        crm: crm(wish.crm.as_deref())?,
        who: who(&call, wish.by.as_deref())?,
        reason: reason(&wish.reason)?.to_owned(),
    };
    begin(&call, request).await
}

async fn begin(call: &Call, request: Request) -> Result<Response, Problem> {
    let id = match call.app.erasures.begin(request).await? {
        Came::Begun(id) => id,
        Came::NoLead => return Err(Problem::not_found()),
        Came::TooMany => {
            let what = format!("more than {} leads have this address", limits::ERASE_LEADS_MAX);
            let fix = "it is a mailbox that many people share; erase the person's own leads, each by its id";
            return Err(Refusal::new("/email", "shared_mailbox", what, fix).into());
        }
    };
    Ok(answer::json(StatusCode::ACCEPTED, &receipt(call, id).await?))
}

fn crm(text: Option<&str>) -> Result<Crm, Problem> {
    match text {
        None | Some("delete") => Ok(Crm::Delete),
        Some("keep") => Ok(Crm::Keep),
        Some(_) => {
            let (what, fix) = ("this says nothing of the records", "use `delete` or `keep`");
            Err(Refusal::new("/crm", "bad_crm", what, fix).into())
        }
    }
}

/// `GET /v1/erasures`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let limit = call.limit()?;
    let before = call.query_as("cursor", ErasureId::parse)?;
    let rows = call.app.store.erasures(call.publisher(), before, limit).await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(receipt(&call, row.id).await?);
    }
    Ok(answer::page(items, limit, |it: &wire::Erasure| it.id.clone()))
}

/// `GET /v1/erasures/{erasure}`
pub(super) async fn show(call: Call) -> Result<Response, Problem> {
    let id = ErasureId::parse(call.path("erasure")).map_err(|_| Problem::not_found())?;
    Ok(answer::json(StatusCode::OK, &receipt(&call, id).await?))
}

async fn receipt(call: &Call, id: ErasureId) -> Result<wire::Erasure, Problem> {
    let found = call.app.store.erasure(call.publisher(), id).await?;
    let (erasure, parts) = found.ok_or_else(Problem::not_found)?;
    Ok(shape(&erasure, &parts))
}

fn shape(it: &Erasure, parts: &[Part]) -> wire::Erasure {
    let destinations: Vec<wire::ErasedThere> = parts.iter().map(part_shape).collect();
    let waits = destinations.iter().any(|it| ["waiting", "refused"].contains(&&*it.state));
    let state = match (it.wiped_at, waits) {
        (None, _) => "wiping",
        (Some(_), true) => "waiting",
        (Some(_), false) => "done",
    };
    let wiped = it.wiped;
    wire::Erasure {
        id: it.id.to_string(),
        state: state.to_owned(),
        asked_at: moment(it.asked_at),
        kind: it.kind.clone(),
        crm: it.crm.clone(),
        who: it.who.clone(),
        reason: it.reason.clone(),
        wiped: wire::Wiped {
            leads: wiped.leads,
            touchpoints: wiped.touchpoints,
            deliveries: wiped.deliveries,
            attempts: wiped.attempts,
            decisions: wiped.decisions,
            quarantined: wiped.quarantined,
            idempotency_keys: wiped.idempotency_keys,
        },
        wiped_at: it.wiped_at.map(moment),
        destinations,
    }
}

fn part_shape(it: &Part) -> wire::ErasedThere {
    let state = match (it.state, &*it.cause) {
        (DeliveryState::Pending, _) => "waiting",
        (DeliveryState::Parked, _) => "refused",
        (_, erasure::NOTHING_THERE) => "nothing_there",
        (_, erasure::TOLD) => "asked",
        (_, erasure::CANNOT) => "by_hand",
        (_, erasure::KEPT) => "kept",
        (DeliveryState::Delivered | DeliveryState::Suppressed | DeliveryState::Erased, _) => "deleted",
    };
    wire::ErasedThere {
        destination: it.destination.0.clone(),
        kind: it.destination.1.clone(),
        lead: it.lead.to_string(),
        delivery: it.delivery.to_string(),
        state: state.to_owned(),
        message: it.message.clone(),
        fix: it.fix.clone(),
        attempts: it.attempts,
        ended_at: it.ended_at.map(moment),
    }
}

/// `GET /v1/retention`
pub(super) async fn retention(call: Call) -> Result<Response, Problem> {
    let days = call.app.directory.now().retention_days(&call.publisher());
    Ok(answer::json(StatusCode::OK, &wire::Retention { days }))
}

/// `PUT /v1/retention`
pub(super) async fn set_retention(call: Call) -> Result<Response, Problem> {
    let wish: wire::Retention = call.json()?;
    if wish.days > limits::RETENTION_DAYS_MAX {
        let fix = format!("give 0, which is for ever, to {} days", limits::RETENTION_DAYS_MAX);
        return Err(Refusal::new("/days", "too_many_days", "nobody is kept for so long", fix).into());
    }
    let change = call.app.store.set_retention(call.publisher(), wish.days).await?;
    done(&call, change, "").await?;
    Ok(answer::json(StatusCode::OK, &wish))
}
