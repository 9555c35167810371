//! The control address of a simulated service: what it keeps, what was asked of it, and faults to switch on.

use super::server::State;
use super::{Became, Call, Reply};
use http::Method;
use serde_json::{Value, json};

/// Everything below this path is the sandbox's own, and no real service has it.
pub(super) const PATH: &str = "/_sandbox";

/// Answers a call below [`PATH`].
pub(super) fn answer(state: &mut State, call: &Call, now: i64) -> Reply {
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
                "look": ["/_sandbox/records", "/_sandbox/calls", "/_sandbox/faults", "/_sandbox/decide"],
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
        (&Method::POST, "decide") => {
            let order = call.json().unwrap_or_default();
            let text = |name: &str| order.get(name).and_then(Value::as_str).unwrap_or_default();
            match Became::parse(text("became")) {
                Some(became) if state.service.decide(text("record"), became, now) => Reply::empty(204),
                Some(_) => Reply::json(
                    404,
                    &json!({ "detail": "there is no such record, or nobody can say so here" }),
                ),
                None => {
                    let detail = "send {\"record\": id, \"became\": qualified, disqualified or converted}";
                    Reply::json(422, &json!({ "detail": detail }))
                }
            }
        }
        (&Method::DELETE, "faults") => {
            state.faults.clear();
            Reply::empty(204)
        }
        _ => Reply::json(404, &json!({ "detail": "GET /_sandbox says what there is" })),
    }
}
