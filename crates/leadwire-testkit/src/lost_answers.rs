//! Leads to a destination that applies what it is sent and then often hangs up, or that is reached over connections that
//! are cut: afterwards each is there exactly once.

use crate::app::TestApp;
use crate::clock::TestClock;
use crate::fault_proxy::FaultProxy;
use http::Method;
use leadwire::clock::Clock;
use leadwire_sandbox::https_endpoint::Keep;
use leadwire_sandbox::service::{Fault, UnixMillis};
use leadwire_sandbox::stage::{Options, Stage};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Kinds whose connector can tell its own record again, so that a repetition doubles nothing.
pub const KEYED: &[&str] = &["azure_table", "dynamics", "hubspot", "marketo", "salesforce"];

/// Leads in one request, which is as many as the API takes.
const CHUNK: usize = 1000;
/// After so much quiet, what is left waits for the clock, which is then moved. Too short a quiet only moves it earlier
/// than need be; nothing that is checked depends on it.
const QUIET: Duration = Duration::from_millis(50);
/// By how much the clock is moved.
const STEP: Duration = Duration::from_secs(20);
/// What every customer's address begins with.
const LOCAL_PART: &str = "lost";

/// Who loses answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loser {
    /// The destination itself, of calls that write.
    Destination,
    /// A proxy before it, of every call, and of requests too; with the seed of its dice.
    Proxy(u64),
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Leads that were sent.
    pub sent: usize,
    /// Leads that are not there.
    pub missing: usize,
    /// Records there beyond one for each lead.
    pub doubled: usize,
    /// Attempts beyond the first of each delivery.
    pub repeated: u64,
    /// Calls the destination had.
    pub calls: u64,
    /// Connections that a proxy cut inside a request, before an answer, inside it, and after it.
    pub cuts: [u64; 4],
}

/// Brings so many leads to a simulated service of this kind, with this share of the answers lost.
///
/// # Panics
/// When the program does not do what it should in between.
pub async fn run(kind: &str, count: usize, of_1000: u64, loser: Loser) -> Found {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let clock: Arc<TestClock> = Arc::clone(&app.clock);
    let now: UnixMillis = Arc::new(move || clock.wall().millis());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let options = Options { now, secret: [9; 32], keep: Keep::IdHashes };
    let stage = Stage::start(kind, listener, options).expect("a simulated service");
    let (settings, proxy) = reached_through(&stage, loser).await;
    app.add_destination_of_kind("crm", kind, settings).await;
    let act = async |verb: &str| {
        let path = format!("/v1/destinations/crm/{verb}?publisher=contoso");
        app.call(Method::POST, &path, None).await.expect(200);
    };
    act("pause").await;
    for from in (0..count).step_by(CHUNK) {
        let leads: Vec<Value> = (from..count.min(from + CHUNK)).map(lead).collect();
        app.post("/v1/leads", &Value::Array(leads)).await;
    }
    match &proxy {
        Some(proxy) => proxy.cut(of_1000),
        None => {
            let share = f64::from(u32::try_from(of_1000).expect("a share")) / 1000.0;
            assert!(stage.strike_share(share, &Fault::CutAfter), "{kind} has no dice");
        }
    }
    act("resume").await;
    let account = settle(&app).await;
    assert_eq!(account["delivered"], count, "{kind}: {account}");
    let attempts = account["attempts"].as_u64().expect("a number");
    let repeated = attempts.saturating_sub(u64::try_from(count).expect("a count"));

    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    for record in stage.records() {
        *seen.entry(number(&record).unwrap_or(usize::MAX)).or_default() += 1;
    }
    let missing = (0..count).filter(|it| !seen.contains_key(it)).count();
    let doubled = seen.values().sum::<usize>() + missing - count;
    let cuts = proxy.as_ref().map(|it| it.counts().cuts).unwrap_or_default();
    let found = Found { sent: count, missing, doubled, repeated, calls: stage.calls(), cuts };
    app.stop().await;
    if let Some(proxy) = proxy {
        proxy.stop().await;
    }
    stage.stop().await;
    found
}

/// The settings of a destination, and the proxy that they lead to, if any.
async fn reached_through(stage: &Stage, loser: Loser) -> (Value, Option<FaultProxy>) {
    let Loser::Proxy(seed) = loser else { return (stage.settings.clone(), None) };
    let upstream = stage.url().trim_start_matches("http://").to_owned();
    let proxy = FaultProxy::start(upstream.parse().expect("an address"), seed).await.expect("a free port");
    let text = stage.settings.to_string();
    assert!(text.contains(&upstream), "the settings do not name the address");
    let text = text.replace(&upstream, &proxy.address().to_string());
    (serde_json::from_str(&text).expect("still JSON"), Some(proxy))
}

/// Lets time pass until nothing is pending, and gives back the destination's account.
async fn settle(app: &TestApp) -> Value {
    let mut turns = app.app.lanes.turns();
    loop {
        turns.borrow_and_update();
        let account = app.ledger().await["destinations"][0].clone();
        if account["pending"] == 0 {
            return account;
        }
        match tokio::time::timeout(QUIET, turns.changed()).await {
            Ok(turned) => turned.expect("lanes run"),
            Err(_) => app.clock.advance(STEP),
        }
    }
}

fn lead(number: usize) -> Value {
    json!({
        "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro",
        "customer": {
            "first_name": "Ada", "last_name": format!("Lovelace {number}"), "company": "Analytical",
            "email": format!("{LOCAL_PART}{number}@example.com"), "country": "GB",
        },
    })
}

/// Whose record it is.
fn number(record: &str) -> Option<usize> {
    let end = record.find("@example.com")?;
    record[..end].rsplit_once(LOCAL_PART)?.1.parse().ok()
}
