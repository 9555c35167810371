//! `leadwire bench`: how fast this machine takes leads in and brings them out, durably, with every id checked.

mod batching;
mod fill;
mod floor;
mod load;
mod nodes;
mod pages;
mod routing;

use super::exit_code::ExitCode;
use crate::app::App;
use crate::clock::{self, Clock, MachineClock, Stopwatch};
use crate::config::Config;
use crate::secrets::{self, CredentialKind};
use anyhow::{Context, bail, ensure};
use floor::FloorServer;
use leadwire_core::id::{DeliveryId, DestinationNo, PublisherId, RouteId, TouchpointId};
use leadwire_core::lane::Gate;
use leadwire_core::routing::Offers;
use leadwire_core::secret::Secret;
use leadwire_sandbox::https_endpoint::{self, HttpsEndpoint, Keep, Options};
use leadwire_store::floor::Rows;
use leadwire_store::setup::{Destination, Publisher, StoredRoute};
use load::{Loaded, Target};
use serde_json::{Value, json};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// What `bench` can be told.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leadwire bench intake
  leadwire bench end-to-end --limit --rounds 5
  leadwire bench intake --connections 256 --count 100000 --json
  leadwire bench batching --json
  leadwire bench routing
  leadwire bench nodes --database postgres://leadwire@127.0.0.1/postgres --json
  leadwire bench pages --leads 1000000 --deliveries 5000000

Every lead is flushed to disk before it is answered, and every id is checked at the end: in the store, and end to
end at the receiver. Load, program and receiver share this machine. --limit measures two floors of the same work in
turn with the program, so that the ratios hold on a noisy machine: `body` writes nothing but the bytes received, and
`rows` writes the four rows that the program keeps of a lead, without deciding anything.

`nodes` measures one, two and three nodes in this process on a database server, each round in a database of its own that
is made and dropped again, beside what the server does by itself of plain inserts and claims of many rows.

`pages` fills a store and opens every page of the portal --count times (50 unless told otherwise); the last line is JSON.")]
pub(super) struct Args {
    /// What to measure
    #[arg(value_enum)]
    what: What,
    /// Leads in each round [default: 20000, or a backlog of 4000 for batching]
    #[arg(long)]
    count: Option<u64>,
    /// Connections that send
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Rounds; the median is reported
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measure the floors of the same work too
    #[arg(long)]
    limit: bool,
    /// The database server, for `nodes`: any database on it whose user may make others
    #[arg(long)]
    database: Option<String>,
    /// Leads in the store, for `pages` [default: 20000]
    #[arg(long)]
    leads: Option<u64>,
    /// Deliveries in the store, for `pages`: one to ten times the leads [default: five times]
    #[arg(long)]
    deliveries: Option<u64>,
    /// Publishers among whom the leads are spread, for `nodes`
    #[arg(long, default_value_t = 1)]
    publishers: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// From request to 202, which follows the flush to disk
    Intake,
    /// From request to a delivery that is recorded as delivered
    EndToEnd,
    /// Leads for each call, when destinations that take batches have a backlog
    Batching,
    /// Both with one, two and three nodes on a database server
    Nodes,
    /// How long the portal's pages take on a store of a given size
    Pages,
    /// Deciding where a touchpoint goes, by a hundred routes with and without filters
    Routing,
}

impl Args {
    fn count(&self) -> u64 {
        self.count.unwrap_or(20_000)
    }
}

/// One round's figures.
struct Round {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    leads_per_commit: f64,
}

/// How long one round may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOPBACK: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// Runs the benchmark.
///
/// # Errors
/// When a part cannot start, or an id is missing or doubled.
pub(super) async fn run(args: Args, as_json: bool) -> anyhow::Result<ExitCode> {
    if args.what == What::Routing {
        return routing::run(args.count.unwrap_or(100_000), as_json);
    }
    if args.what == What::Batching {
        return batching::run(args.count.unwrap_or(batching::COUNT), as_json).await;
    }
    if args.what == What::Nodes {
        return nodes::run(&args, as_json).await;
    }
    if args.what == What::Pages {
        return pages::run(&args, as_json).await;
    }
    let (mut rounds, mut bodies, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.rounds.max(1) {
        if args.limit {
            bodies.push(in_scratch(&args, |plan| floor_round(plan, Rows::Body)).await?);
            rows.push(in_scratch(&args, |plan| floor_round(plan, Rows::Four)).await?);
        }
        rounds.push(in_scratch(&args, product_round).await?);
    }
    let ratio =
        |floor: &[Round]| median(rounds.iter().zip(floor).map(|(round, floor)| round.rate / floor.rate));
    let report = json!({
        "what": if args.what == What::Intake { "intake" } else { "end-to-end" },
        "count": args.count(),
        "connections": args.connections,
        "rounds": args.rounds,
        "leads_per_second": median(rounds.iter().map(|it| it.rate)),
        "p50_ms": median(rounds.iter().map(|it| it.p50_ms)),
        "p99_ms": median(rounds.iter().map(|it| it.p99_ms)),
        "leads_per_commit": median(rounds.iter().map(|it| it.leads_per_commit)),
        "floor_body_leads_per_second": median(bodies.iter().map(|it| it.rate)),
        "ratio_to_body": ratio(&bodies),
        "floor_rows_leads_per_second": median(rows.iter().map(|it| it.rate)),
        "ratio_to_rows": ratio(&rows),
        "lost": 0,
        "doubled": 0,
    });
    show(&report, as_json)?;
    Ok(ExitCode::Ok)
}

fn show(report: &Value, as_json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{report}")?;
        return Ok(());
    }
    let number = |name: &str| report[name].as_f64().map_or("-".to_owned(), |it| format!("{it:.2}"));
    let what = report["what"].as_str().unwrap_or("");
    writeln!(
        out,
        "{what}: {} leads/s, answered in {} ms (p50), {} ms (p99); {} leads per commit",
        number("leads_per_second"),
        number("p50_ms"),
        number("p99_ms"),
        number("leads_per_commit")
    )?;
    for floor in ["body", "rows"] {
        let rate = format!("floor_{floor}_leads_per_second");
        if report[&rate].is_number() {
            let ratio = number(&format!("ratio_to_{floor}"));
            writeln!(out, "floor ({floor}): {} leads/s; ratio {ratio}", number(&rate))?;
        }
    }
    writeln!(out, "every id was checked: none lost, none doubled")?;
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

async fn in_scratch<F, W>(args: &Args, round: F) -> anyhow::Result<Round>
where
    F: FnOnce(Plan) -> W,
    W: Future<Output = anyhow::Result<Round>>,
{
    in_folder(|folder| {
        let (count, connections) = (args.count(), args.connections);
        round(Plan { folder, count, connections, with_delivery: args.what == What::EndToEnd })
    })
    .await
}

/// Runs work in a scratch folder that is removed again.
async fn in_folder<T, F, W>(work: F) -> anyhow::Result<T>
where
    F: FnOnce(PathBuf) -> W,
    W: Future<Output = anyhow::Result<T>>,
{
    // In the working folder, not the temporary one: that may be in memory, and a flush must reach a disk.
    let folder = std::env::current_dir()?.join(format!("leadwire-bench-{:032x}", clock::random_bits()));
    std::fs::create_dir(&folder)
        .with_context(|| format!("cannot make the scratch folder {}", folder.display()))?;
    let result = work(folder.clone()).await;
    std::fs::remove_dir_all(&folder)?;
    result
}

struct Plan {
    folder: PathBuf,
    count: u64,
    connections: usize,
    with_delivery: bool,
}

async fn start_sink() -> anyhow::Result<HttpsEndpoint> {
    let clock = MachineClock::start();
    let seconds = move || u64::try_from(clock.wall().millis() / 1000).unwrap_or(0);
    let options = Options { keep: Keep::IdHashes, ..Options::new(Arc::new(seconds)) };
    Ok(https_endpoint::start(TcpListener::bind(SocketAddr::from(LOOPBACK)).await?, options)?)
}

async fn floor_round(plan: Plan, rows: Rows) -> anyhow::Result<Round> {
    let sink = if plan.with_delivery { Some(start_sink().await?) } else { None };
    let server =
        FloorServer::start(&plan.folder.join("floor.db"), rows, sink.as_ref().map(HttpsEndpoint::address))
            .await?;
    let watch = Stopwatch::start();
    let target = Target { address: server.address, key: "none", publishers: 1 };
    let loaded = load::send(&target, "floor", plan.count, plan.connections).await?;
    if let Some(sink) = &sink {
        arrive(sink, plan.count).await?;
    }
    Ok(round_of(&loaded, watch.elapsed(), 0))
}

async fn product_round(plan: Plan) -> anyhow::Result<Round> {
    let sink = if plan.with_delivery { Some(start_sink().await?) } else { None };
    let config = Config {
        data: plan.folder.clone(),
        listen: SocketAddr::from(LOOPBACK),
        metrics_listen: None,
        allow_http: true,
        allow_nets: vec!["127.0.0.0/8".parse().context("a network")?],
        ..Config::default()
    };
    let key = secrets::make_credential(CredentialKind::ApiKey);
    let app = App::open(config, Arc::new(MachineClock::start()), Some(&key)).await?;
    set_up(&app, sink.as_ref(), &load::publisher(0)).await?;
    let running = {
        let app = Arc::clone(&app);
        tokio::spawn(async move { app.run().await })
    };
    let result = measure(&app, &key, sink.as_ref(), &plan).await;
    app.stop();
    running.await??;
    result
}

async fn set_up(app: &App, sink: Option<&HttpsEndpoint>, publisher: &str) -> anyhow::Result<()> {
    let publisher = PublisherId::parse(publisher)?;
    let now = app.clock.wall();
    let title = "Contoso".to_owned();
    app.store.add_publisher(Publisher { id: publisher.clone(), title, created_at: now }).await?;
    if let Some(sink) = sink {
        let settings = json!({ "url": sink.url(), "in_flight": 32, "signing_secret": signing_secret() });
        let destination = Destination {
            publisher: publisher.clone(),
            number: DestinationNo::new(0),
            name: "sink".to_owned(),
            kind: "https".to_owned(),
            settings: settings.to_string(),
            secrets: Vec::new(),
            settings_no: 1,
            pins_mappings: false,
            created_at: now,
            gate: Gate::Open,
        };
        let Ok(destination) = app.store.add_destination(destination).await? else {
            bail!("a new store has no names")
        };
        let route = StoredRoute {
            publisher,
            id: RouteId::new(1),
            offers: Offers::All,
            filter: String::new(),
            destination,
            stop: false,
            created_at: now,
        };
        app.store.add_route(route).await?;
    }
    app.directory.refresh().await?;
    Ok(())
}

fn signing_secret() -> String {
    let mut random = [0; 32];
    clock::fill_random(&mut random);
    leadwire_connect::signing::SigningSecret::generate(&random).expose().clone()
}

async fn measure(
    app: &App,
    key: &Secret<String>,
    sink: Option<&HttpsEndpoint>,
    plan: &Plan,
) -> anyhow::Result<Round> {
    let commits = app.store.commits();
    let watch = Stopwatch::start();
    let target = Target { address: app.address(), key: key.expose(), publishers: 1 };
    let loaded = load::send(&target, "bench", plan.count, plan.connections).await?;
    let publisher = PublisherId::parse("contoso")?;
    let mut elapsed = loaded.elapsed;
    let commits = app.store.commits() - commits;
    if let Some(sink) = sink {
        arrive(sink, plan.count).await?;
        // Delivered means recorded as delivered: the last settlement is part of the work.
        let mut turns = app.lanes.turns();
        while app.store.unfinished(publisher.clone()).await? > 0 {
            tokio::time::timeout(PATIENCE, turns.changed())
                .await
                .context("deliveries did not come to rest")??;
        }
        elapsed = watch.elapsed();
        check_arrivals(&loaded.ids, sink)?;
    }
    let ledger = app.store.ledger(publisher).await?;
    ensure!(ledger.touchpoints == plan.count, "{} leads are stored of {}", ledger.touchpoints, plan.count);
    ensure!(ledger.adds_up(), "the ledger does not add up");
    let mut ids = loaded.ids.clone();
    ids.sort();
    ids.dedup();
    ensure!(ids.len() as u64 == plan.count, "an id was given twice");
    Ok(round_of(&loaded, elapsed, commits))
}

/// Every acknowledged lead must be at the sink, under its delivery's id, and nothing else.
fn check_arrivals(ids: &[String], sink: &HttpsEndpoint) -> anyhow::Result<()> {
    for id in ids {
        let touchpoint = TouchpointId::parse(id)?;
        let delivery = DeliveryId { touchpoint, destination: DestinationNo::new(1) };
        ensure!(sink.has_accepted(&delivery.to_string()), "{id} was acknowledged and did not arrive");
    }
    ensure!(sink.distinct() == ids.len(), "something arrived that was not acknowledged");
    Ok(())
}

async fn arrive(sink: &HttpsEndpoint, count: u64) -> anyhow::Result<()> {
    let all = sink.wait_for_accepted_distinct(usize::try_from(count)?);
    tokio::time::timeout(PATIENCE, all).await.context("not everything arrived in time")
}

fn round_of(loaded: &Loaded, elapsed: Duration, commits: u64) -> Round {
    let count = loaded.ids.len() as f64;
    Round {
        rate: if elapsed > loaded.elapsed { count / elapsed.as_secs_f64() } else { loaded.rate() },
        p50_ms: loaded.percentile_ms(0.5),
        p99_ms: loaded.percentile_ms(0.99),
        leads_per_commit: if commits == 0 { 0.0 } else { count / commits as f64 },
    }
}
