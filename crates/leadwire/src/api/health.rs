//! Endpoints for machines that watch over this one.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::wire::Readiness;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

/// `GET /healthz`
pub(super) async fn alive(_call: Call) -> Result<Response, Problem> {
    Ok(answer::json(StatusCode::OK, &json!({ "status": "alive" })))
}

/// `GET /readyz`
pub(super) async fn ready(call: Call) -> Result<Response, Problem> {
    let checks = [
        ("store", !call.app.store.has_failed() && call.app.store.read(|_| Ok(())).await.is_ok()),
        ("disk", !call.app.disk.is_nearly_full()),
        ("running", !call.app.is_stopping()),
    ];
    let ready = checks.iter().all(|(_, good)| *good);
    let checks = checks.into_iter().map(|(name, good)| {
        let word = if good { "ok" } else { "failing" };
        (name.to_owned(), json!(word))
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(answer::json(status, &Readiness { ready, checks: checks.collect::<Map<String, Value>>() }))
}
