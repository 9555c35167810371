//! How long a start takes and how much memory the program needs with very many leads that wait for destinations that are down.
//! In the control the same program has none to wait for, and must need less: else nothing was measured.

use crate::{Args, Report};
use anyhow::{Context, ensure};
use leadwire::clock::Stopwatch;
use leadwire_core::id::{DestinationNo, PublisherId, TouchpointId};
use leadwire_core::lane::Gate;
use leadwire_core::routing::Routed;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Touchpoint;
use leadwire_store::Store;
use leadwire_store::accept::Accept;
use leadwire_store::rows::Channel;
use leadwire_store::setup::{Destination, Publisher};
use leadwire_testkit::harness::program::{Launch, Program};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Destinations; the leads are spread over them.
const DESTINATIONS: u32 = 10_000;
/// Publishers that the destinations are spread over.
const PUBLISHERS: u32 = 100;
/// Leads of one transaction of the set-up.
const AT_ONCE: u64 = 2_000;
/// Nobody listens, so nobody checks it.
const SIGNING_SECRET: &str = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// What is allowed.
const START_MAX: Duration = Duration::from_secs(2);
const MEMORY_MAX: u64 = 256 * 1024 * 1024;
/// How long the program is watched once it is ready.
const WATCHED: u32 = 60;

pub(crate) async fn run(args: &Args) -> anyhow::Result<Report> {
    let data = args.folder.join("data");
    let launch = Launch::plain(&args.program, &data);
    // The program makes its own folder and keys.
    Program::start(&launch).await?.stop().await?;
    let empty = measure(&launch, 0).await?;
    // A port at which nobody listens.
    let gone = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let filling = Stopwatch::start();
    fill(&data, args.count, &format!("http://{gone}/leads")).await?;
    let filled = filling.elapsed().as_secs_f64();
    let full = measure(&launch, args.count).await?;
    let is_fast = full.ready <= START_MAX;
    let is_small = full.memory_most <= MEMORY_MAX;
    eprintln!("empty: {}", empty.figures());
    eprintln!(" full: {}", full.figures());
    let figures = json!({
        "pending": args.count, "destinations": DESTINATIONS, "filled_in_seconds": filled,
        "empty": empty.figures(), "full": full.figures(),
    });
    let control = full.memory_most > empty.memory_most;
    Ok(Report::Ran(is_fast && is_small && control, figures))
}

struct Seen {
    ready: Duration,
    answered: Duration,
    memory_ready: u64,
    memory_most: u64,
}

impl Seen {
    fn figures(&self) -> Value {
        json!({
            "ready_seconds": self.ready.as_secs_f64(),
            "first_answer_milliseconds": self.answered.as_secs_f64() * 1000.0,
            "memory_when_ready_mib": self.memory_ready >> 20,
            "memory_most_mib": self.memory_most >> 20,
        })
    }
}

/// Starts the program, has it answer a request that is written down, and watches its memory for a while.
async fn measure(launch: &Launch, pending: u64) -> anyhow::Result<Seen> {
    let starting = Stopwatch::start();
    let program = Program::start(launch).await?;
    let ready = starting.elapsed();
    let memory_ready = memory(program.id())?;
    let answering = Stopwatch::start();
    let id = if pending == 0 { "empty" } else { "full" };
    program.target.post("/v1/publishers", &json!({ "id": id })).await?;
    let answered = answering.elapsed();
    let mut memory_most = memory_ready;
    let mut ticking = tokio::time::interval(Duration::from_secs(1));
    for _ in 0..WATCHED {
        ticking.tick().await;
        memory_most = memory_most.max(memory(program.id())?);
    }
    program.kill_and_wait().await?;
    Ok(Seen { ready, answered, memory_ready, memory_most })
}

/// Memory of a process, in bytes: what is in its pages, without those of files (`RssAnon` of proc(5)).
fn memory(id: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|it| it.strip_prefix("RssAnon:")).context("no RssAnon in /proc")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}

/// Fills the store while nobody serves.
async fn fill(data: &Path, count: u64, url: &str) -> anyhow::Result<()> {
    let store = Store::open(data)?;
    let now = Timestamp::from_millis(1_795_000_000_000);
    let publisher = |number: u32| PublisherId::parse(&format!("p-{number}"));
    for number in 0..PUBLISHERS {
        let id = publisher(number)?;
        store.add_publisher(Publisher { id, title: String::new(), created_at: now }).await?;
    }
    let each = DESTINATIONS / PUBLISHERS;
    for number in 0..DESTINATIONS {
        let added = Destination {
            publisher: publisher(number / each)?,
            number: DestinationNo::new(0),
            name: format!("d-{number}"),
            kind: "https".to_owned(),
            settings: json!({ "url": url, "signing_secret": SIGNING_SECRET }).to_string(),
            secrets: Vec::new(),
            settings_no: 0,
            pins_mappings: false,
            created_at: now,
            gate: Gate::Open,
        };
        let made = store.add_destination(added).await?;
        ensure!(made.is_ok(), "no room for destination {number}");
    }
    let version = store.setup().await?.version;
    let body = json!({ "source": "AzureMarketplace", "action": "INS", "offer": "p-0.crm-pro", "customer": {
        "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com", "company": "Analytical" } });
    let body: bytes::Bytes = body.to_string().into();
    let parsed = Arc::new(Touchpoint::default());
    let mut next = 0;
    while next < count {
        let item = |number: u64| -> anyhow::Result<Accept> {
            let place = u32::try_from(number % u64::from(DESTINATIONS))?;
            let mut identity = [7; 16];
            identity[..8].copy_from_slice(&number.to_le_bytes());
            Ok(Accept {
                publisher: publisher(place / each)?,
                touchpoint: TouchpointId::new((1_795_000_000_000u128 << 80) | u128::from(number)),
                received_at: now,
                channel: Channel::Api,
                body: body.clone(),
                body_sha256: [1; 32],
                parsed: Arc::clone(&parsed),
                identity: Some(identity),
                of_lead: None,
                quarantined: None,
                questions: Vec::new(),
                shown: None,
                once: None,
                routed: vec![Routed { destination: DestinationNo::new(place % each + 1), suppressed: None }],
                holding: [].into(),
                routing_trouble: String::new(),
                reached: None,
                offered: Vec::new(),
                elsewhere: Vec::new(),
            })
        };
        let items = (next..(next + AT_ONCE).min(count)).map(item).collect::<anyhow::Result<Vec<_>>>()?;
        next += items.len() as u64;
        store.accept(version, items.into()).await?.context("the set-up is as it was")?;
    }
    drop(store);
    Ok(())
}
