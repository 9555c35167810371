//! Endpoints for machines that watch over this one.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::wire::Readiness;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::limits;
use leadwire_store::waiting_at_most;
use serde_json::{Map, Value, json};

/// `GET /healthz`
pub(super) async fn alive(_call: Call) -> Result<Response, Problem> {
    Ok(answer::json(StatusCode::OK, &json!({ "status": "alive" })))
}

/// `GET /readyz`
pub(super) async fn ready(call: Call) -> Result<Response, Problem> {
    let app = &call.app;
    // Whoever asks waits for a moment only, and a server that hangs is as good as none.
    let answers = waiting_at_most(limits::READY_WAIT, app.store.read(|_| Ok(()))).await.is_ok();
    let checks = [
        ("store", !app.store.has_failed() && answers),
        ("disk", !app.disk.is_nearly_full()),
        ("running", !app.is_stopping()),
    ];
    let ready = checks.iter().all(|(_, good)| *good);
    let checks = checks.into_iter().map(|(name, good)| {
        let word = if good { "ok" } else { "failing" };
        (name.to_owned(), json!(word))
    });
    let mut checks: Map<String, Value> = checks.collect();
    // Such a node goes on: without it there would be one less, and the leads in the same order.
    checks.insert("clock".to_owned(), json!(if app.nodes.server_clock.is_near() { "ok" } else { "off" }));
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(answer::json(status, &Readiness { ready, checks }))
}
