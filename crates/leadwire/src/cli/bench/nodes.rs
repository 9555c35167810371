//! One, two and three nodes on one database server, beside what that server does by itself.
//!
//! The nodes run in this process, each with its own connections and its own lanes: on one machine that differs from three
//! processes in nothing that is measured here, for load, nodes, receiver and server share its cores in any case.

use super::super::exit_code::ExitCode;
use super::load::{self, Loaded, Target};
use super::{Args, LOOPBACK, PATIENCE, arrive, check_arrivals, median, set_up, start_sink};
use crate::app::{App, Ended};
use crate::clock::{self, Clock, MachineClock, Stopwatch};
use crate::config::Config;
use crate::secrets::{self, CredentialKind};
use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use leadwire_core::id::PublisherId;
use leadwire_core::secret::Secret;
use leadwire_sandbox::https_endpoint::HttpsEndpoint;
use leadwire_store::postgres::Address;
use leadwire_store::postgres::floor::{Scratch, ServerFloor};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinHandle, spawn_blocking};

/// Most nodes.
const NODES_MAX: usize = 3;
/// Deliveries in one claim of the floor: what a lane claims of a destination that takes a hundred at once.
const CLAIM: i64 = 100;
/// How often the nodes are asked whether they know of each other, and whether all is delivered.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Measures it all in one run.
///
/// # Errors
/// When a part cannot start, or an id is missing or doubled.
pub(super) async fn run(args: &Args, as_json: bool) -> anyhow::Result<ExitCode> {
    let url = args.database.as_deref().context("name the database server by --database")?;
    ensure!(args.publishers > 0, "--publishers must be 1 or more");
    let count = args.count();
    let (mut inserts, mut claims) = (Vec::new(), Vec::new());
    let mut rounds: Vec<Vec<(Round, Round)>> = Vec::new();
    for _ in 0..args.rounds.max(1) {
        let (insert, claim) = floor(url, count).await?;
        inserts.push(insert);
        claims.push(claim);
        let mut of_nodes = Vec::new();
        for nodes in 1..=NODES_MAX {
            let intake = in_scratch(url, Plan { args, nodes, with_delivery: false }).await?;
            let both = in_scratch(url, Plan { args, nodes, with_delivery: true }).await?;
            of_nodes.push((intake, both));
        }
        rounds.push(of_nodes);
    }
    let of = |nodes: usize| {
        let middle =
            |value: fn(&(Round, Round)) -> f64| median(rounds.iter().map(|it| value(&it[nodes - 1])));
        json!({
            "nodes": nodes,
            "intake_leads_per_second": middle(|it| it.0.rate),
            "intake_p50_ms": middle(|it| it.0.p50_ms),
            "intake_p99_ms": middle(|it| it.0.p99_ms),
            "intake_leads_per_commit": middle(|it| it.0.leads_per_commit),
            "end_to_end_leads_per_second": middle(|it| it.1.rate),
        })
    };
    let report = json!({
        "what": "nodes",
        "count": count,
        "connections": args.connections,
        "publishers": args.publishers,
        "rounds": args.rounds,
        "floor_insert_leads_per_second": median(inserts.iter().copied()),
        "floor_claim_deliveries_per_second": median(claims.iter().copied()),
        "of_nodes": (1..=NODES_MAX).map(of).collect::<Vec<_>>(),
        "lost": 0,
        "doubled": 0,
    });
    show(&report, as_json)?;
    Ok(ExitCode::Ok)
}

fn show(report: &Value, as_json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if !as_json {
        let number = |it: &Value| it.as_f64().map_or("-".to_owned(), |it| format!("{it:.0}"));
        let floor = number(&report["floor_insert_leads_per_second"]);
        let claims = number(&report["floor_claim_deliveries_per_second"]);
        writeln!(
            out,
            "the server alone: {floor} leads/s inserted, {claims} deliveries/s claimed and marked"
        )?;
        for it in report["of_nodes"].as_array().into_iter().flatten() {
            writeln!(
                out,
                "{} node(s): {} leads/s taken in ({} ms p50, {} ms p99), {} leads/s from end to end",
                it["nodes"],
                number(&it["intake_leads_per_second"]),
                number(&it["intake_p50_ms"]),
                number(&it["intake_p99_ms"]),
                number(&it["end_to_end_leads_per_second"]),
            )?;
        }
        writeln!(out, "every id was checked: none lost, none doubled")?;
    }
    writeln!(out, "{report}")?;
    Ok(())
}

struct Round {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    leads_per_commit: f64,
}

struct Plan<'a> {
    args: &'a Args,
    nodes: usize,
    with_delivery: bool,
}

/// The address of another database on the same server.
fn beside(url: &str, name: &str) -> anyhow::Result<String> {
    let mut url = url::Url::parse(url).context("--database: not an address")?;
    url.set_path(&format!("/{name}"));
    Ok(url.into())
}

fn address(url: &str) -> anyhow::Result<Address> {
    Address::parse(url).map_err(anyhow::Error::msg)
}

fn new_name() -> String {
    format!("leadwire_bench_{:016x}", clock::random_bits() >> 64)
}

/// Leads inserted and deliveries claimed a second, by the server alone.
async fn floor(url: &str, count: u64) -> anyhow::Result<(f64, f64)> {
    let (server, name) = (address(url)?, new_name());
    let own = address(&beside(url, &name)?)?;
    let leads = i64::try_from(count)?;
    spawn_blocking(move || {
        let scratch = Scratch::make(&server, &name)?;
        let floor = ServerFloor::make(&own)?;
        let watch = Stopwatch::start();
        floor.insert(leads)?;
        let inserted = watch.elapsed();
        let watch = Stopwatch::start();
        floor.claim_and_mark(CLAIM)?;
        let claimed = watch.elapsed();
        drop(scratch);
        Ok((leads as f64 / inserted.as_secs_f64(), leads as f64 / claimed.as_secs_f64()))
    })
    .await?
}

async fn in_scratch(url: &str, plan: Plan<'_>) -> anyhow::Result<Round> {
    let folder = std::env::temp_dir().join(new_name());
    std::fs::create_dir(&folder)
        .with_context(|| format!("cannot make the scratch folder {}", folder.display()))?;
    let (server, name) = (address(url)?, new_name());
    let own = beside(url, &name)?;
    let scratch = spawn_blocking(move || Scratch::make(&server, &name)).await??;
    let measured = round(&own, &folder, &plan).await;
    spawn_blocking(move || drop(scratch)).await?;
    std::fs::remove_dir_all(&folder)?;
    measured
}

/// A node and its run.
type Running = (Arc<App>, JoinHandle<anyhow::Result<Ended>>);

async fn round(url: &str, folder: &Path, plan: &Plan<'_>) -> anyhow::Result<Round> {
    let sink = if plan.with_delivery { Some(start_sink().await?) } else { None };
    let key = secrets::make_credential(CredentialKind::ApiKey);
    let mut nodes: Vec<Running> = Vec::new();
    for number in 0..plan.nodes {
        let config = Config {
            data: folder.to_owned(),
            database: Some(Secret::new(url.to_owned())),
            listen: SocketAddr::from(LOOPBACK),
            metrics_listen: None,
            allow_http: true,
            allow_nets: vec!["127.0.0.0/8".parse().context("a network")?],
            ..Config::default()
        };
        let app = App::open(config, Arc::new(MachineClock::start()), Some(&key)).await?;
        if number == 0 {
            for publisher in 0..plan.args.publishers {
                set_up(&app, sink.as_ref(), &load::publisher(publisher)).await?;
            }
        }
        app.directory.refresh().await?;
        let running = Arc::clone(&app);
        nodes.push((app, tokio::spawn(async move { running.run().await })));
    }
    let result = measure(&nodes, &key, sink.as_ref(), plan).await;
    for (app, running) in nodes {
        app.stop();
        running.await??;
    }
    result
}

async fn measure(
    nodes: &[Running],
    key: &Secret<String>,
    sink: Option<&HttpsEndpoint>,
    plan: &Plan<'_>,
) -> anyhow::Result<Round> {
    until(|| async { Ok(nodes.iter().all(|it| it.0.nodes.count() == nodes.len())) }).await?;
    let commits = || nodes.iter().map(|it| it.0.store.commits()).sum::<u64>();
    let (before, watch) = (commits(), Stopwatch::start());
    let all = u64::try_from(nodes.len())?;
    let (each, connections) = (plan.args.count() / all, (plan.args.connections / nodes.len()).max(1));
    let send = |(number, node): (usize, &Running)| {
        let target =
            Target { address: node.0.address(), key: key.expose(), publishers: plan.args.publishers };
        let count = if number == 0 { plan.args.count() - each * (all - 1) } else { each };
        async move { load::send(&target, &format!("node{number}"), count, connections).await }
    };
    let loads = try_join_all(nodes.iter().enumerate().map(send)).await?;
    let mut elapsed = loads.iter().map(|it| it.elapsed).max().unwrap_or_default();
    let commits = commits() - before;
    let store = &nodes[0].0.store;
    let publishers = (0..plan.args.publishers).map(|it| PublisherId::parse(&load::publisher(it)));
    let publishers: Vec<PublisherId> = publishers.collect::<Result<_, _>>()?;
    let loaded = together(loads);
    if let Some(sink) = sink {
        arrive(sink, plan.args.count()).await?;
        // Delivered means recorded as delivered: the last settlement is part of the work.
        for publisher in &publishers {
            until(|| async { Ok(store.unfinished(publisher.clone()).await? == 0) }).await?;
        }
        elapsed = watch.elapsed();
        check_arrivals(&loaded.ids, sink)?;
    }
    let mut stored = 0;
    for publisher in publishers {
        let ledger = store.ledger(publisher).await?;
        ensure!(ledger.adds_up(), "the ledger does not add up");
        stored += ledger.touchpoints;
    }
    ensure!(stored == plan.args.count(), "{stored} leads are stored of {}", plan.args.count());
    let distinct: BTreeSet<&String> = loaded.ids.iter().collect();
    ensure!(distinct.len() as u64 == plan.args.count(), "an id was given twice");
    Ok(Round {
        rate: loaded.ids.len() as f64 / elapsed.as_secs_f64(),
        p50_ms: loaded.percentile_ms(0.5),
        p99_ms: loaded.percentile_ms(0.99),
        leads_per_commit: loaded.ids.len() as f64 / commits.max(1) as f64,
    })
}

fn together(loads: Vec<Loaded>) -> Loaded {
    let mut all = Loaded { elapsed: Duration::ZERO, latencies: Vec::new(), ids: Vec::new() };
    for it in loads {
        all.elapsed = all.elapsed.max(it.elapsed);
        all.latencies.extend(it.latencies);
        all.ids.extend(it.ids);
    }
    all.latencies.sort();
    all
}

/// Waits until something is so.
async fn until<F: Future<Output = anyhow::Result<bool>>>(mut is_so: impl FnMut() -> F) -> anyhow::Result<()> {
    let clock = MachineClock::start();
    let end = clock.steady().plus(PATIENCE);
    while !is_so().await? {
        ensure!(clock.steady() < end, "it does not come to rest");
        clock.wait_until(clock.steady().plus(LOOK_EVERY)).await;
    }
    Ok(())
}
