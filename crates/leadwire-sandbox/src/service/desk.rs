//! The control address of a simulated service: what it keeps, what was asked of it, and faults to switch on.

use super::server::State;
use super::{Call, Reply};
use http::Method;
use serde_json::{Value, json};

/// Everything below this path is the sandbox's own, and no real service has it.
pub(super) const PATH: &str = "/_sandbox";

/// Answers a call below [`PATH`].
pub(super) fn answer(state: &mut State, call: &Call) -> Reply {
    let segments = call.segments();
    let what = segments.get(1).map_or("", String::as_str);
    match (&call.method, what) {
        (&Method::GET, "") => Reply::json(
            200,
            &json!({
                "kind": state.service.kind(),
                "calls": state.calls,
                "writes": state.writes,
                "records": state.service.records().len(),
                "look": ["/_sandbox/records", "/_sandbox/calls", "/_sandbox/faults"],
            }),
        ),
        (&Method::GET, "records") => Reply::json(200, &Value::Array(state.service.records())),
        (&Method::GET, "calls") => {
            let seen: Vec<Value> =
                state.seen.iter().map(|it| json!({ "method": it.0, "path": it.1, "status": it.2 })).collect();
            Reply::json(200, &Value::Array(seen))
        }
        (&Method::POST, "faults") => match call.json().ok_or_else(|| "send JSON".to_owned()) {
            Ok(order) => match state.faults.order(&order) {
                Ok(()) => Reply::empty(204),
                Err(why) => Reply::json(422, &json!({ "detail": why })),
            },
            Err(why) => Reply::json(400, &json!({ "detail": why })),
        },
        (&Method::DELETE, "faults") => {
            state.faults.clear();
            Reply::empty(204)
        }
        _ => Reply::json(404, &json!({ "detail": "GET /_sandbox says what there is" })),
    }
}
