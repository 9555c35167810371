//! `leadwire health` and `leadwire openapi`: whether the service is ready, and what it can be asked.

use super::exit_code::ExitCode;
use super::{Session, client};
use crate::api::{self, wire};
use bytes::Bytes;
use http::Method;
use serde_json::Value;

pub(super) const HEALTH_EXAMPLES: &str = "Examples:
  leadwire health
  leadwire health --quiet
  leadwire health --url https://leads.example.com --json

Ends with 0 when it is ready, 1 when it is not, 69 when it does not answer.";

pub(super) const OPENAPI_EXAMPLES: &str = "Examples:
  leadwire openapi > openapi.json
  leadwire openapi --json > openapi.json";

/// Asks the service whether it is ready.
pub(super) async fn health(session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    let answer = client.raw(Method::GET, &["readyz"], &[], Bytes::new()).await?;
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        return Err(client.failure(&answer).into());
    };
    let Ok(readiness) = client::shape::<wire::Readiness>(body.clone()) else {
        return Err(client.failure(&answer).into());
    };
    if out.json {
        out.value(&body)?;
    } else if !out.quiet {
        out.line(&text(&readiness, client.base()))?;
    }
    Ok(if readiness.ready { ExitCode::Ok } else { ExitCode::Failed })
}

fn text(it: &wire::Readiness, base: &str) -> String {
    let state = if it.ready { "ready" } else { "not ready" };
    let checks = it.checks.iter().map(|(name, word)| format!("\n  {name}: {}", word.as_str().unwrap_or("?")));
    format!("{base} is {state}{}", checks.collect::<String>())
}

/// Prints the description of the API that this program has.
pub(super) fn openapi(session: &Session) -> anyhow::Result<ExitCode> {
    let document = api::openapi_document();
    if session.out.json {
        session.out.value(&document)?;
    } else {
        session.out.line(&serde_json::to_string_pretty(&document)?)?;
    }
    Ok(ExitCode::Ok)
}
