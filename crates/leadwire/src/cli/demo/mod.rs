//! `leadwire demo`: the whole path in a scratch folder, from sample leads to every kind of destination, side by side.

mod journey;
mod samples;
mod show;

use super::client;
use super::exit_code::ExitCode;
use super::rehearsal::{OWN, Rehearsal};
use crate::api::wire;
use crate::telemetry;
use anyhow::Context;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use leadwire_sandbox::https_endpoint::Answer;
use leadwire_sandbox::service::Fault;
use leadwire_sandbox::stage;
use samples::{API, MARKETPLACE, Sample};
use serde_json::{Value, json};
use show::{Arrival, Show};
use std::time::Duration;
use url::Url;

/// What `demo` can be told.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leadwire demo
  leadwire demo --once
  leadwire demo --once --json

Every destination is simulated, as strict as the real one. Everything happens in a scratch folder and on this
machine; nothing is sent anywhere else.")]
pub(super) struct Args {
    /// End when every sample lead has arrived, instead of staying open for leads of your own
    #[arg(long)]
    once: bool,
    /// Which log lines are written
    #[arg(long, default_value = "error")]
    log: String,
}

/// How long the demo waits for everything to arrive.
const PATIENCE: Duration = Duration::from_secs(60);
/// The destination that is in trouble at first, so that one sees that the others are not.
const TROUBLED: &str = "hubspot";

/// Runs the demo.
///
/// # Errors
/// When a part cannot start.
pub(super) async fn run(args: Args, as_json: bool) -> anyhow::Result<ExitCode> {
    telemetry::start_logging(&args.log);
    let rehearsal = Rehearsal::start(&stage::kinds()).await?;
    let played = play(&rehearsal, &args, as_json).await;
    rehearsal.stop().await?;
    played
}

async fn play(rehearsal: &Rehearsal, args: &Args, as_json: bool) -> anyhow::Result<ExitCode> {
    let show = Show::new(as_json);
    let address = rehearsal.add("intake-addresses", OWN, json!({ "offer": "crm-pro" })).await?;
    let address: wire::IntakeAddress = serde_json::from_value(address)?;
    let intake_url = address.url.context("an address is shown once, when it is made")?;
    show.opening(rehearsal);
    let journey = journey::play(rehearsal, PATIENCE).await?;
    show.journey(&journey);
    trouble(rehearsal);
    for sample in MARKETPLACE {
        let answer = send(rehearsal, &intake_url, sample, None).await?;
        show.arrival(&Arrival::read(sample.name, &answer));
    }
    // A marketplace that did not see our answer sends the same body again.
    let answer = send(rehearsal, &intake_url, &MARKETPLACE[0], None).await?;
    show.arrival(&Arrival::read("partner-center/01-get-it-now.json (again)", &answer));
    let leads = rehearsal.client.url(&["v1", "leads"], &[])?;
    for sample in API {
        let answer = send(rehearsal, leads.as_str(), sample, Some(sample.name)).await?;
        for arrival in Arrival::read_all(sample.name, &answer) {
            show.arrival(&arrival);
        }
    }
    let settled = rehearsal.wait_until_settled(PATIENCE, |it| show.progress(it)).await?;
    let ledger = rehearsal.ledger().await?;
    let refused: u64 = rehearsal.stages.iter().map(stage::Stage::signatures_refused).sum();
    let good = settled && ledger.adds_up && refused == 0;
    let mut summary = summary(&ledger, rehearsal);
    summary["journey"] = journey.to_json();
    show.ledger(&summary, &ledger, rehearsal);
    let parked = [OWN, &[("state", "parked")]].concat();
    let parked: wire::Page<wire::Delivery> =
        client::shape(rehearsal.client.get(&["v1", "deliveries"], &parked).await?)?;
    show.parked(&parked.items);
    if !args.once && !as_json && show.is_terminal() {
        let portal = rehearsal.app.first_link().await?.map(|it| it.expose().clone());
        show.invitation(&intake_url, rehearsal.folder(), portal.as_deref().unwrap_or_default());
        tokio::signal::ctrl_c().await?;
    }
    Ok(if good { ExitCode::Ok } else { ExitCode::Failed })
}

/// The endpoint is busy once, and another destination cuts connections after it did the work: neither loses or doubles a
/// lead, and the others do not notice.
fn trouble(rehearsal: &Rehearsal) {
    if let Some(endpoint) = rehearsal.stage("https").and_then(stage::Stage::as_endpoint) {
        endpoint.script(vec![Answer::retry_after(503, "1")]);
    }
    if let Some(troubled) = rehearsal.stage(TROUBLED) {
        troubled.strike(1, &Fault::CutAfter);
    }
}

/// Sends a sample as it is.
async fn send(
    rehearsal: &Rehearsal,
    url: &str,
    sample: &Sample,
    key: Option<&'static str>,
) -> anyhow::Result<Value> {
    let client = &rehearsal.client;
    let mut headers = client.headers()?;
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(sample.content_type));
    if let Some(key) = key {
        headers.insert(HeaderName::from_static("idempotency-key"), HeaderValue::from_static(key));
    }
    let body = Bytes::from_static(sample.body);
    let answer = client.send(Url::parse(url)?, headers, body, Method::POST).await;
    client.good(&answer.map_err(|it| client::unreachable(client.base(), &it))?)
}

/// The numbers of the whole run.
fn summary(ledger: &wire::Ledger, rehearsal: &Rehearsal) -> Value {
    let sum = |of: fn(&wire::Account) -> u64| ledger.destinations.iter().map(of).sum::<u64>();
    let destinations: Vec<Value> = ledger
        .destinations
        .iter()
        .map(|it| {
            let stage = rehearsal.stage(&it.kind);
            json!({
                "name": it.name,
                "kind": it.kind,
                "delivered": it.delivered,
                "parked": it.parked,
                "attempts": it.attempts,
                "calls": stage.map(stage::Stage::calls),
                "kept": stage.map(stage::Stage::kept),
            })
        })
        .collect();
    json!({
        "accepted": sum(|it| it.accepted),
        "pending": sum(|it| it.pending),
        "delivered": sum(|it| it.delivered),
        "parked": sum(|it| it.parked),
        "suppressed": sum(|it| it.suppressed),
        "erased": sum(|it| it.erased),
        "unrouted": ledger.unrouted,
        "quarantined": ledger.quarantined,
        "duplicates": ledger.duplicates,
        "adds_up": ledger.adds_up,
        "signatures_refused": rehearsal.stages.iter().map(stage::Stage::signatures_refused).sum::<u64>(),
        "destinations": destinations,
    })
}
