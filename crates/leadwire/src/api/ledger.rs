//! Endpoints of the ledger and of the quarantine.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::wire::{self, moment};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use leadwire_core::id::{PublisherId, QuarantineId};
use leadwire_store::ledger::{Account, Ledger, Quarantined};
use leadwire_store::rows::DeliveryState;
use std::sync::Arc;

/// `GET /v1/ledger`
pub(super) async fn ledger(call: Call) -> Result<Response, Problem> {
    let counted = match call.is_lately() {
        true => call.app.reports.ledger_lately(call.publisher()).await?,
        false => Some((Arc::new(call.app.store.ledger(call.publisher()).await?), None)),
    };
    let counting = counted.is_none();
    let (ledger, at) = counted.unwrap_or_default();
    let shape = wire::Ledger { counted_at: at.map(moment), counting, ..shape(&ledger) };
    Ok(answer::json(StatusCode::OK, &shape))
}

fn shape(it: &Ledger) -> wire::Ledger {
    wire::Ledger {
        touchpoints: it.touchpoints,
        routed: it.routed,
        unrouted: it.unrouted,
        tests: it.tests,
        erased: it.erased,
        duplicates: it.duplicates,
        quarantined: it.quarantined,
        destinations: it.accounts.iter().map(account_shape).collect(),
        adds_up: it.adds_up(),
        counted_at: None,
        counting: false,
    }
}

fn account_shape(it: &Account) -> wire::Account {
    wire::Account {
        name: it.name.clone(),
        kind: it.kind.clone(),
        accepted: it.accepted,
        pending: it.count(DeliveryState::Pending),
        delivered: it.count(DeliveryState::Delivered),
        parked: it.count(DeliveryState::Parked),
        suppressed: it.count(DeliveryState::Suppressed),
        erased: it.count(DeliveryState::Erased),
        attempts: it.attempts,
    }
}

/// `GET /v1/quarantine`
pub(super) async fn quarantine(call: Call) -> Result<Response, Problem> {
    let limit = call.limit()?;
    let before = call.query_as("cursor", QuarantineId::parse)?;
    let publisher = call.publisher();
    let rows = call.app.store.quarantined(publisher.clone(), before, limit).await?;
    let items = rows.iter().map(|it| quarantined_shape(&publisher, it)).collect();
    Ok(answer::page(items, limit, |it: &wire::QuarantinedRow| it.id.clone()))
}

pub(super) fn quarantined_shape(publisher: &PublisherId, it: &Quarantined) -> wire::QuarantinedRow {
    wire::QuarantinedRow {
        id: it.id.to_string(),
        received_at: moment(it.received_at),
        offer: format!("{publisher}.{}", it.offer),
        content_type: it.content_type.clone(),
        code: it.code.clone(),
        pointer: it.pointer.clone(),
        message: it.message.clone(),
        body_bytes: it.body_bytes,
        touchpoint: it.touchpoint.clone(),
    }
}

/// `GET /v1/quarantine/{quarantined}/body`
pub(super) async fn quarantined_body(call: Call) -> Result<Response, Problem> {
    let id = QuarantineId::parse(call.path("quarantined")).map_err(|_| Problem::not_found())?;
    let body = call.app.store.quarantined_body(call.publisher(), id).await?.ok_or_else(Problem::not_found)?;
    let mut response = (StatusCode::OK, body).into_response();
    // Never shown as a page: who knows what is in it.
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    Ok(response)
}
