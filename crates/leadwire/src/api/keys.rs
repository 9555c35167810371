//! Endpoints of API keys.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::setup::done;
use super::wire::{self, List, moment};
use crate::access::Role;
use crate::clock;
use crate::secrets::{self, CredentialKind};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::KeyId;
use leadwire_core::refusal::Refusal;
use leadwire_core::time::Timestamp;
use leadwire_store::audit::Deed;
use leadwire_store::setup::ApiKey;
use std::time::Duration;

/// `GET /v1/keys`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let setup = call.app.directory.now();
    // An operator who names nobody sees all; whoever is bound to a publisher sees that publisher's.
    let visible =
        setup.setup.keys.iter().filter(|it| call.publisher.is_none() || it.publisher == call.publisher);
    Ok(answer::json(StatusCode::OK, &List { items: visible.map(|it| shape(it, None)).collect() }))
}

/// `POST /v1/keys`
pub(super) async fn add(call: Call) -> Result<Response, Problem> {
    let new: wire::NewApiKey = call.json()?;
    let role = Role::parse(&new.role).ok_or_else(|| {
        Refusal::new(
            "/role",
            "unknown_role",
            "there is no such role",
            "use operator, publisher, member, sender or reader",
        )
    })?;
    // A key never gives more than its maker has: only the operator's has no publisher.
    if (role == Role::Operator) != call.publisher.is_none() {
        return Err(Refusal::new(
            "/role",
            "role_and_publisher",
            "an operator's key has no publisher, and every other key has one",
            "name the publisher for every role but operator: `?publisher=` in the API, `--publisher` on the command line",
        )
        .into());
    }
    let secret = secrets::make_credential(CredentialKind::ApiKey);
    let now = call.app.clock.wall();
    let key = ApiKey {
        publisher: call.publisher.clone(),
        id: KeyId::new(clock::random_bits()),
        title: new.title,
        role: role.as_str().to_owned(),
        hash: secrets::sha256(secret.expose().as_bytes()),
        tail: secrets::tail(&secret),
        created_at: now,
        expires_at: new.expires_in_days.map(|days| after_days(now, days)),
    };
    Deed::about(&key.id.to_string());
    let made = call.app.store.add_key(key.clone()).await?;
    done(&call, made, "").await?;
    Ok(answer::json(StatusCode::CREATED, &shape(&key, Some(secret.expose().clone()))))
}

fn after_days(now: Timestamp, days: u32) -> Timestamp {
    now.plus(Duration::from_secs(u64::from(days) * 24 * 3600))
}

/// `DELETE /v1/keys/{key}`
pub(super) async fn revoke(call: Call) -> Result<Response, Problem> {
    let id = KeyId::parse(call.path("key")).map_err(|_| Problem::not_found())?;
    let setup = call.app.directory.now();
    let known = setup.setup.keys.iter().find(|it| it.id == id);
    let known = known.filter(|it| call.publisher.is_none() || it.publisher == call.publisher);
    let publisher = known.ok_or_else(Problem::not_found)?.publisher.clone();
    let revoked = call.app.store.revoke_key(publisher, id, call.app.clock.wall()).await?;
    done(&call, revoked, "").await?;
    Ok(answer::empty())
}

fn shape(it: &ApiKey, key: Option<String>) -> wire::ApiKey {
    wire::ApiKey {
        id: it.id.to_string(),
        title: it.title.clone(),
        role: it.role.clone(),
        publisher: it.publisher.as_ref().map(ToString::to_string),
        tail: it.tail.clone(),
        created_at: moment(it.created_at),
        expires_at: it.expires_at.map(moment),
        key,
    }
}
