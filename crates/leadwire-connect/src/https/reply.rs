//! Reads an answer: a pure function from status, headers and body to what came of the delivery.
//!
//! The classes follow RFC 9110 and the delivery rules of Standard Webhooks; where a product answers in its own
//! way, the comment names it.

use crate::egress::Answer;
use crate::token::Age;
use crate::{redact, retry_after};
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};
use leadwire_core::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// What the publisher says a status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Override {
    Delivered,
    Retry,
    Pause,
    Park,
}

/// What is known besides the answer.
pub(super) struct About<'a> {
    pub(super) now: Timestamp,
    pub(super) overrides: &'a BTreeMap<u16, Override>,
    /// Which token it was asked with, if any.
    pub(super) token: Option<Age>,
    /// Values that were sent, which the answer may repeat.
    pub(super) known: &'a [&'a str],
    pub(super) receiver: Receiver,
}

/// A product that says things in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receiver {
    Endpoint,
    PowerAutomate,
    N8n,
    Zapier,
    Make,
    NodeRed,
}

impl Receiver {
    pub(super) fn read(name: Option<&str>) -> Self {
        match name {
            Some("power_automate") => Self::PowerAutomate,
            Some("n8n") => Self::N8n,
            Some("zapier") => Self::Zapier,
            Some("make") => Self::Make,
            Some("node_red") => Self::NodeRed,
            _ => Self::Endpoint,
        }
    }
}

/// Outcome, cause and fix; the message follows from the status.
struct Verdict {
    outcome: Outcome,
    cause: Option<&'static str>,
    fix: &'static str,
}

/// Reads a setting that passed the check of its descriptor.
pub(super) fn overrides(setting: Option<&Value>) -> BTreeMap<u16, Override> {
    let entries = setting.and_then(Value::as_object).into_iter().flatten();
    entries
        .filter_map(|(status, meaning)| {
            let meaning = match meaning.as_str()? {
                "delivered" => Override::Delivered,
                "retry" => Override::Retry,
                "pause" => Override::Pause,
                "park" => Override::Park,
                _ => return None,
            };
            Some((status.parse().ok()?, meaning))
        })
        .collect()
}

/// What came of the delivery.
pub(super) fn read(answer: &Answer, about: &About<'_>) -> Tried {
    let status = answer.status.as_u16();
    let code = error_code(&answer.body);
    let verdict = match about.overrides.get(&status) {
        Some(meaning) => overridden(*meaning, answer, about.now),
        None => named(answer, about)
            .or_else(|| product(status, code.as_deref(), &answer.body))
            .unwrap_or_else(|| by_status(answer, about)),
    };
    let reason = answer.status.canonical_reason().unwrap_or_default();
    let mut message = format!("the endpoint answered {status} {reason}").trim_end().to_owned();
    if let Some(code) = code.as_deref().and_then(redact::code) {
        message.push_str(&format!(" ({code})"));
    }
    if answer.is_truncated {
        message.push_str("; its long body was not read to the end");
    }
    let cause = verdict.cause.map_or_else(|| format!("http_{status}"), str::to_owned);
    let evidence = Evidence {
        cause,
        message,
        fix: verdict.fix.to_owned(),
        http_status: Some(status),
        answer: redact::redact(&answer.body, about.known.iter().copied()),
        peer: Some(answer.peer),
        timings: answer.timings,
    };
    Tried { outcome: verdict.outcome, evidence }
}

fn overridden(meaning: Override, answer: &Answer, now: Timestamp) -> Verdict {
    match meaning {
        Override::Delivered => done(),
        Override::Retry => not_done(Fault::RetryAfter(retry_after::read(&answer.headers, now)), ""),
        Override::Pause => not_done(Fault::Pause, "the settings say that this status needs a person"),
        Override::Park => not_done(Fault::Park, "the settings say that this lead will not be taken as it is"),
    }
}

/// Answers of the product the settings name.
fn named(answer: &Answer, about: &About<'_>) -> Option<Verdict> {
    let hint = retry_after::read(&answer.headers, about.now);
    let held = |otherwise: u64| Fault::HoldLane(hint.or(Some(Duration::from_secs(otherwise))));
    let not_done =
        |fault, cause, fix| Some(Verdict { outcome: Outcome::NotDone(fault), cause: Some(cause), fix });
    let sometimes = Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE };
    match (about.receiver, answer.status.as_u16()) {
        // A flow with a Response action that took longer than 120 s may have run (Logic Apps limits).
        (Receiver::PowerAutomate, 408) => {
            Some(Verdict { outcome: Outcome::Unknown, cause: Some("flow_too_slow"), fix: "" })
        }
        // About 45,000 runs in five minutes (Logic Apps limits).
        (Receiver::PowerAutomate, 429) => not_done(held(60), "flow_throttled", ""),
        (Receiver::N8n, 404) => not_done(
            Fault::Pause,
            "n8n_not_active",
            "activate the workflow, use its production URL, and let its webhook node take POST",
        ),
        (Receiver::N8n, 403) => not_done(
            Fault::Pause,
            "n8n_refused",
            "check the webhook node's sign-in and its list of addresses",
        ),
        // 30 calls a second for each hook (Zapier, webhook limits).
        (Receiver::Zapier, 429) => not_done(held(10), "zapier_throttled", ""),
        (Receiver::Zapier, 404 | 410) => not_done(
            Fault::Stop,
            "zap_gone",
            "the hook was deleted: turn the Zap on, or enter the URL of another",
        ),
        // Make answers 400 when the hook's queue is full, and 410 when no scenario listens to it.
        (Receiver::Make, 400) => {
            not_done(held(60), "make_queue_full", "run the scenario more often, or let it take more at once")
        }
        (Receiver::Make, 410) => not_done(Fault::Pause, "make_not_listening", "turn the scenario on"),
        (Receiver::Make, 429) => not_done(held(1), "make_throttled", ""),
        (Receiver::NodeRed, 404) => not_done(
            sometimes,
            "node_red_no_flow",
            "deploy the flow; its `http in` node must take POST at this path",
        ),
        (
            Receiver::Endpoint
            | Receiver::PowerAutomate
            | Receiver::N8n
            | Receiver::Zapier
            | Receiver::Make
            | Receiver::NodeRed,
            _,
        ) => None,
    }
}

/// Answers that mean something else than their status does.
fn product(status: u16, code: Option<&str>, body: &[u8]) -> Option<Verdict> {
    // Logic Apps and Power Automate, "When an HTTP request is received".
    let (fault, cause, fix) = match (status, code) {
        (400, Some("TriggerInputSchemaMismatch")) => (
            Fault::Park,
            "flow_schema_mismatch",
            "the flow's JSON schema does not fit the body: take the schema from Leadwire's sample, or make fields optional",
        ),
        (400, Some("WorkflowTriggerIsNotEnabled")) => (Fault::Pause, "flow_off", "turn the flow on"),
        (404, Some("WorkflowNotFound")) => {
            (Fault::Pause, "flow_deleted", "the flow was deleted: enter the URL of another")
        }
        (401, Some("DirectApiAuthorizationRequired")) => (
            Fault::Pause,
            "flow_wants_sign_in",
            "copy the whole URL with its `sig`, or sign in by OAuth 2.0 when only users of the tenant may call the flow",
        ),
        (401, Some("MisMatchingOAuthClaims")) => (
            Fault::Pause,
            "flow_wrong_audience",
            "the token is for another audience or tenant: use the scope https://service.flow.microsoft.com//.default",
        ),
        // n8n answers 404 for a workflow that is not active, and for its test URL.
        (404, _) if contains(body, b"webhook") && contains(body, b"is not registered") => (
            Fault::Pause,
            "n8n_not_active",
            "activate the workflow, use its production URL, and let its webhook node take POST",
        ),
        _ => return None,
    };
    Some(Verdict { outcome: Outcome::NotDone(fault), cause: Some(cause), fix })
}

fn by_status(answer: &Answer, about: &About<'_>) -> Verdict {
    let later = || Fault::RetryAfter(retry_after::read(&answer.headers, about.now));
    let sometimes = Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE };
    match answer.status.as_u16() {
        200..=299 => done(),
        300..=399 => Verdict {
            cause: Some("endpoint_redirects"),
            ..not_done(Fault::Pause, "the endpoint redirects; enter the final URL")
        },
        401 if matches!(about.token, Some(Age::Cached(_))) => {
            Verdict { cause: Some("token_refused"), ..not_done(Fault::RetryNow, "") }
        }
        401 | 403 | 407 => {
            not_done(Fault::Pause, "check how the destination signs in, and what it is allowed to do")
        }
        402 => not_done(Fault::Pause, "the receiving service wants to be paid"),
        404 => not_done(sometimes, "check the path of the URL"),
        408 | 425 | 429 => not_done(later(), ""),
        // An idempotency key was sent, so a conflict is with an earlier attempt of the same delivery
        // (draft-ietf-httpapi-idempotency-key-header-07, 2.7).
        409 => done(),
        // Standard Webhooks: the receiver asks for no more.
        410 => not_done(Fault::Stop, "the endpoint asked for no more leads; enter another URL or resume it"),
        // The server does not feel responsible for this name, or the resource is locked for now.
        421 | 423 => not_done(sometimes, "check the host name in the URL"),
        426 | 428 | 451 => not_done(Fault::Pause, "ask who runs the endpoint what it requires"),
        413 => not_done(Fault::Park, "the lead is too large for the endpoint"),
        405 => not_done(Fault::Park, "the endpoint does not take POST at this URL"),
        415 => not_done(Fault::Park, "the endpoint does not take this body format; choose another"),
        400..=499 => not_done(Fault::Park, "the endpoint refused this lead; see its answer"),
        // A gateway gave up waiting for an answer, so the lead may have been taken (RFC 9110, 15.6.5; Cloudflare 524).
        504 | 524 => Verdict { outcome: Outcome::Unknown, cause: None, fix: "" },
        500..=599 => not_done(later(), ""),
        // No such status is defined; 1xx never ends an exchange that did not ask for it.
        _ => not_done(sometimes, "the endpoint answers with a status that HTTP does not have"),
    }
}

fn done() -> Verdict {
    Verdict { outcome: Outcome::Done(Receipt::Accepted), cause: None, fix: "" }
}

fn not_done(fault: Fault, fix: &'static str) -> Verdict {
    Verdict { outcome: Outcome::NotDone(fault), cause: None, fix }
}

/// `{"error":{"code":"…"}}`, as Microsoft's services answer.
fn error_code(body: &[u8]) -> Option<String> {
    let json: Value = serde_json::from_slice(body).ok()?;
    Some(json.get("error")?.get("code")?.as_str()?.to_owned())
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    body.windows(text.len()).any(|it| it.eq_ignore_ascii_case(text))
}
