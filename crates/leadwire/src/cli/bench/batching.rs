//! How many leads one call carries when a destination has a backlog: calls are what CRMs count and charge.

use super::super::exit_code::ExitCode;
use super::super::rehearsal::{OWN, Rehearsal};
use anyhow::ensure;
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use leadwire_sandbox::stage;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

/// Leads of the backlog where nothing else is said: all of them fit into what Dynamics allows in five minutes, of which a
/// share is left to others.
pub(super) const COUNT: u64 = 4000;
/// Leads in one request, which is as many as the API takes.
const CHUNK: u64 = 1000;
/// How long all of it may take: quotas of the simulated destinations are those of the real ones.
const PATIENCE: Duration = Duration::from_secs(600);

/// Builds a backlog at every destination that takes batches, lets it go, and counts calls.
///
/// # Errors
/// When a part cannot start, or a lead is missing or doubled.
pub(super) async fn run(count: u64, as_json: bool) -> anyhow::Result<ExitCode> {
    let rehearsal = Rehearsal::start(&batching_kinds()).await?;
    let measured = measure(&rehearsal, count).await;
    rehearsal.stop().await?;
    let kinds = measured?;
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{}", json!({ "what": "batching", "count": count, "kinds": kinds }))?;
    } else {
        for it in &kinds {
            writeln!(
                out,
                "{:<14} {} leads in {} calls: {:.1} leads per call",
                it["kind"].as_str().unwrap_or_default(),
                it["delivered"],
                it["calls"],
                it["leads_per_call"].as_f64().unwrap_or_default()
            )?;
        }
    }
    Ok(ExitCode::Ok)
}

/// The kinds whose connector takes more than one lead at a time.
fn batching_kinds() -> Vec<&'static str> {
    let takes_batches = |name: &&str| {
        let kind = leadwire_connect::kind(name);
        kind.is_some_and(|it| it.takes_batches)
    };
    stage::kinds().into_iter().filter(takes_batches).collect()
}

async fn measure(rehearsal: &Rehearsal, count: u64) -> anyhow::Result<Vec<Value>> {
    let client = &rehearsal.client;
    for stage in &rehearsal.stages {
        client.act(&["v1", "destinations", stage.kind, "pause"], OWN).await?;
    }
    let mut sent = 0;
    while sent < count {
        let chunk = CHUNK.min(count - sent);
        let mut headers = client.headers()?;
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        let url = client.url(&["v1", "leads"], &[])?;
        let answer = client.send(url, headers, Bytes::from(lines(sent, chunk)), Method::POST).await;
        client.good(&answer.map_err(|it| anyhow::anyhow!("{}", it.message))?)?;
        sent += chunk;
    }
    for stage in &rehearsal.stages {
        client.act(&["v1", "destinations", stage.kind, "resume"], OWN).await?;
    }
    let is_settled = rehearsal.wait_until_settled(PATIENCE, |_| {}).await?;
    let ledger = rehearsal.ledger().await?;
    for it in &ledger.destinations {
        ensure!(
            is_settled || it.pending == 0,
            "{}: {} of {count} still waited after {} s; the allowed calls may be used up, so try a smaller --count",
            it.kind,
            it.pending,
            PATIENCE.as_secs()
        );
    }
    let mut kinds = Vec::new();
    for account in &ledger.destinations {
        let Some(stage) = rehearsal.stage(&account.kind) else { continue };
        ensure!(account.delivered == count, "{}: {} of {count} delivered", account.kind, account.delivered);
        ensure!(stage.kept() == count, "{}: {} of {count} are there", account.kind, stage.kept());
        let calls = stage.calls();
        kinds.push(json!({
            "kind": account.kind,
            "delivered": account.delivered,
            "calls": calls,
            "leads_per_call": leads_per_call(account.delivered, calls),
        }));
    }
    Ok(kinds)
}

fn leads_per_call(leads: u64, calls: u64) -> f64 {
    let number = |it: u64| u32::try_from(it).map_or(f64::from(u32::MAX), f64::from);
    number(leads) / number(calls.max(1))
}

fn lines(from: u64, count: u64) -> String {
    (from..from + count).fold(String::new(), |mut text, number| {
        let lead = json!({
            "source": "AzureMarketplace",
            "action": "INS",
            "offer": "contoso.crm-pro",
            "customer": {
                "first_name": "Ada",
                "last_name": format!("Lovelace {number}"),
                "email": format!("ada.{number}@example.com"),
                "phone": "+442079460958",
                "country": "GB",
                "company": format!("Analytical {number}"),
                "title": "CTO",
            },
        });
        writeln!(text, "{lead}").expect("a String takes everything");
        text
    })
}
