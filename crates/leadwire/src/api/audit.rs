//! Endpoints of the audit log, its checkpoints, and daily statements; and what is told of each request that changes something.

use super::answer;
use super::call::Call;
use super::endpoints::{ENDPOINTS, Endpoint};
use super::problem::Problem;
use super::reports::read_time;
use super::wire::{self, moment};
use crate::access::{Action, Role};
use crate::audit::{self, name};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use leadwire_core::audit::Entry;
use leadwire_core::hex;
use leadwire_core::id::PublisherId;
use leadwire_store::audit::{AuditWish, Deed, Kept};
use leadwire_store::statements::Statement;
use std::sync::Arc;

/// What is to be told of a request, if it changes something. Touchpoints are told by their own rows.
pub(super) fn deed_of(endpoint: &Endpoint, call: &Call) -> Option<Arc<Deed>> {
    let actor = call.actor.as_ref()?;
    if endpoint.method == Method::GET || endpoint.action == Action::SendTouchpoints {
        return None;
    }
    let places = endpoint.path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
    let named = endpoint.query.iter().filter_map(|it| call.query.get(it.0).map(String::as_str));
    Some(Deed::new(Entry {
        publisher: chain(call),
        number: 0,
        at: call.app.clock.steady(),
        who: actor.who.to_string(),
        role: actor.role.as_str().to_owned(),
        action: name::action(endpoint.method.as_str(), endpoint.path),
        subject: name::subject(places.map(|it| call.path(it)).chain(named)),
        detail: name::detail(&call.body),
    }))
}

/// The names of everything that can be told: what requests do, and what the service does by itself.
pub(crate) fn told_actions() -> Vec<String> {
    let is_told = |it: &&Endpoint| match it.action {
        Action::SendTouchpoints | Action::SendToAddress | Action::Visit | Action::Open => false,
        _ => it.method != Method::GET,
    };
    let asked = ENDPOINTS.iter().filter(is_told).map(|it| name::action(it.method.as_str(), it.path));
    let others = BY_SERVICE.into_iter().chain(BY_PEOPLE).map(str::to_owned);
    let mut all: Vec<String> = asked.chain(others).collect();
    all.sort_unstable();
    all.dedup();
    all.retain(|it| !ONLY_ASK.contains(&it.as_str()));
    all
}

/// What takes a body and only asks: it changes nothing and is told of by nobody.
const ONLY_ASK: [&str; 5] = [
    "destination.preview",
    "destination.mapping.try",
    "destination.mapping.back_test",
    "route.test",
    "follow_up.preview",
];
/// What the service does without being asked.
const BY_SERVICE: [&str; 2] = ["backup.make", "retention.erase"];
/// What people do with their own accounts, for which there are pages and no endpoints.
const BY_PEOPLE: [&str; 8] = [
    "account.update",
    "account.password",
    "account.sign_out_others",
    "account.sign_out_there",
    "account.bind",
    "account.second_factor",
    "account.second_factor.remove",
    "account.recovery_codes",
];

/// Whose chain a request is about; the empty text is the operator's.
fn chain(call: &Call) -> String {
    call.publisher.as_ref().map_or_else(String::new, PublisherId::to_string)
}

/// `GET /v1/audit`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    own_chain(&call)?;
    let limit = call.limit()?;
    let text = |name: &str| call.query.get(name).cloned();
    let time = |name: &str| {
        call.query_as(name, |it| read_time(it).ok_or("write it as 2026-11-20 or 2026-11-20T10:00:00Z"))
    };
    let wish = AuditWish {
        publisher: chain(&call),
        who: text("who"),
        action: text("action"),
        from: time("from")?,
        to: time("to")?,
        before: call.query_as("cursor", str::parse::<u64>)?,
    };
    let rows = call.app.store.audit_found(wish, limit).await?;
    let items = rows.iter().map(shape).collect();
    Ok(answer::page(items, limit, |it: &wire::AuditEntry| it.number.to_string()))
}

/// `POST /v1/audit/checkpoint`
pub(super) async fn checkpoint(call: Call) -> Result<Response, Problem> {
    own_chain(&call)?;
    let made = call.app.auditor.sign(chain(&call)).await?.ok_or_else(Problem::not_found)?;
    let shape = wire::AuditCheckpoint {
        publisher: made.publisher.clone(),
        number: made.number,
        at: moment(made.at),
        hash: hex::encode(&made.hash),
        mark: hex::encode(&made.mark),
    };
    Ok(answer::json(StatusCode::OK, &shape))
}

/// `GET /v1/statements`
pub(super) async fn statements(call: Call) -> Result<Response, Problem> {
    let limit = call.limit()?;
    let day = |it: &str| audit::read_day(it).map(|_| it.to_owned()).ok_or("write it as 2026-11-20");
    let (before, only) = (call.query_as("cursor", day)?, call.query_as("day", day)?);
    let before = only.as_deref().map_or(before, |it| Some(format!("{it}~")));
    let limit = if only.is_some() { 1 } else { limit };
    let mut rows = call.app.store.statements(call.publisher(), before, limit).await?;
    rows.retain(|it| only.as_ref().is_none_or(|only| *only == it.day));
    let items = rows.iter().map(|it| statement_shape(&call, it)).collect::<Result<Vec<_>, _>>()?;
    if only.is_some() {
        return Ok(answer::json(StatusCode::OK, &wire::Page { items, next: None }));
    }
    Ok(answer::page(items, limit, |it: &wire::Statement| it.statement.day.clone()))
}

/// The operator's chain is for the operator alone.
fn own_chain(call: &Call) -> Result<(), Problem> {
    let is_operator = call.actor.as_ref().is_some_and(|it| it.role == Role::Operator);
    if call.publisher.is_none() && !is_operator { Err(Problem::forbidden()) } else { Ok(()) }
}

fn shape(it: &Kept) -> wire::AuditEntry {
    let entry = &it.entry;
    wire::AuditEntry {
        publisher: entry.publisher.clone(),
        number: entry.number,
        at: moment(entry.at),
        who: entry.who.clone(),
        role: entry.role.clone(),
        action: entry.action.clone(),
        subject: entry.subject.clone(),
        detail: entry.detail.clone(),
        previous: hex::encode(&it.previous),
        hash: hex::encode(&it.hash),
    }
}

fn statement_shape(call: &Call, it: &Statement) -> Result<wire::Statement, Problem> {
    let said = serde_json::from_str(&it.body);
    Ok(wire::Statement {
        statement: said.map_err(|_| Problem::internal("a statement cannot be read"))?,
        text: it.body.clone(),
        mark: hex::encode(&it.mark),
        is_ours: audit::is_own_statement(call.app.directory.vault(), it),
    })
}
