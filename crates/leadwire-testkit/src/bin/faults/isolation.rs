//! How long leads take to healthy destinations while very many others work as well, and while the same ones, under the
//! same load, refuse connections or crawl.

use crate::receivers::{Arrivals, Receiver};
use crate::{Args, Report};
use anyhow::{Context, ensure};
use leadwire::clock::{Clock, MachineClock, Stopwatch};
use leadwire_testkit::app::PATIENCE;
use leadwire_testkit::harness::load::{self, Target};
use leadwire_testkit::harness::program::{Launch, Program};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Destinations that work.
const HEALTHY: usize = 5;
/// Destinations that refuse connections, and that crawl, for each ten of the count.
const DEAD_OF_11: u64 = 10;
/// Publishers that the sick destinations are spread over, so that no lead makes very many deliveries at once.
const SICK_PUBLISHERS: u64 = 10;
/// Leads of each of them before the second measurement: what has piled up.
const PILED_UP: u64 = 5;
/// Between two leads to the healthy ones, and how many of them make a measurement.
const EVERY: Duration = Duration::from_millis(40);
const LEADS: u64 = 500;
/// One lead to the others follows so many to the healthy.
const SICK_EVERY: u64 = 10;
/// What is allowed.
const RATIO_MAX: f64 = 1.10;

struct Bench {
    target: Target,
    arrivals: Arrivals,
    watch: Arc<Stopwatch>,
    /// Numbers of the healthy destinations.
    healthy: Vec<Value>,
    next: u64,
}

/// Milliseconds from the first byte of the request: until the 202, and until the lead is there.
struct Times {
    acknowledged: Vec<f64>,
    arrived: Vec<f64>,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<Report> {
    ensure!(args.count >= 11, "--count is how many destinations are sick: 11 at least");
    let watch = Arc::new(Stopwatch::start());
    let launch = Launch::plain(&args.program, &args.folder.join("data"));
    let program = Program::start(&launch).await?;
    let arrivals = Arrivals::new(Arc::clone(&watch));
    let well = Receiver::start(arrivals.clone()).await?;
    let others = Arrivals::new(Arc::clone(&watch));
    let (dies, crawls) = (Receiver::start(others.clone()).await?, Receiver::start(others).await?);
    let target = program.target.clone();
    publisher(&target, "contoso").await?;
    for number in 0..SICK_PUBLISHERS {
        publisher(&target, &format!("sick-{number}")).await?;
    }
    let mut healthy = Vec::new();
    for number in 0..HEALTHY {
        healthy.push(destination(&target, "contoso", &format!("well-{number}"), well.address).await?);
    }
    let started = watch.elapsed();
    for number in 0..args.count {
        let (kind, address) = if number % 11 < DEAD_OF_11 { ("dies", dies.address) } else { ("crawls", crawls.address) };
        let publisher = format!("sick-{}", number % SICK_PUBLISHERS);
        destination(&target, &publisher, &format!("{kind}-{number}"), address).await?;
    }
    let set_up = (watch.elapsed() - started).as_secs_f64();
    eprintln!("{} sick destinations set up in {set_up:.1} s", args.count);
    let mut bench = Bench { target, arrivals, watch, healthy, next: 0 };

    // The first leads pay for connections and caches; then twice, so that the noise of the machine shows.
    bench.measure().await?;
    let before = bench.measure().await?;
    let before_again = bench.measure().await?;
    drop(dies);
    crawls.crawl();
    for number in 0..SICK_PUBLISHERS * PILED_UP {
        bench.send_sick(number).await?;
    }
    let during = bench.measure().await?;
    let during_again = bench.measure().await?;
    let restarted = Stopwatch::start();
    program.kill_and_wait().await?;
    let program = Program::start(&launch).await?;
    let start_seconds = restarted.elapsed().as_secs_f64();
    bench.target = program.target.clone();
    let after = bench.measure().await?;
    let mut pending = 0;
    for number in 0..SICK_PUBLISHERS {
        let ledger = bench.target.get(&format!("/v1/ledger?publisher=sick-{number}")).await?;
        ensure!(ledger["adds_up"] == true, "the ledger does not add up: {ledger}");
        let destinations = ledger["destinations"].as_array().context("a ledger has destinations")?;
        pending += destinations.iter().filter_map(|it| it["pending"].as_u64()).sum::<u64>();
    }
    program.kill_and_wait().await?;

    let all = [
        ("before", &before),
        ("before_again", &before_again),
        ("during", &during),
        ("during_again", &during_again),
        ("after_a_restart", &after),
    ];
    let mut figures = json!({ "sick": args.count, "set_up_seconds": set_up, "start_seconds": start_seconds });
    for (name, times) in all {
        eprintln!("{name:>16}: {}", times.figures());
        figures[name] = times.figures();
    }
    let p99 = |a: &Times, b: &Times| f64::midpoint(quantile(&a.arrived, 0.99), quantile(&b.arrived, 0.99));
    let ratio = p99(&during, &during_again) / p99(&before, &before_again);
    figures["noise"] = json!(quantile(&before_again.arrived, 0.99) / quantile(&before.arrived, 0.99));
    figures["ratio"] = json!(ratio);
    figures["pending"] = json!(pending);
    Ok(Report::Ran(ratio <= RATIO_MAX && pending > 0, figures))
}

impl Bench {
    /// Sends leads at a steady pace, whatever becomes of them, and waits until all are there.
    async fn measure(&mut self) -> anyhow::Result<Times> {
        let clock = MachineClock::start();
        let mut sending = JoinSet::new();
        let before = self.arrivals.count();
        let mut at = clock.steady();
        for number in 0..LEADS {
            let (target, watch, key) = (self.target.clone(), Arc::clone(&self.watch), self.next);
            self.next += 1;
            sending.spawn(async move {
                let sent = watch.elapsed();
                let id = load::send_one(&target, "contoso.crm-pro", key).await?;
                anyhow::Ok((sent, watch.elapsed(), id))
            });
            if number % SICK_EVERY == 0 {
                self.send_sick(number / SICK_EVERY).await?;
            }
            at = at.plus(EVERY);
            clock.wait_until(at).await;
        }
        let mut times = Times { acknowledged: Vec::new(), arrived: Vec::new() };
        let mut sent = Vec::new();
        while let Some(one) = sending.join_next().await {
            sent.push(one??);
        }
        let wish = before + sent.len() * HEALTHY;
        let waited = timeout(PATIENCE, self.arrivals.wait_for(wish)).await;
        waited.with_context(|| format!("only {} of {wish} deliveries arrived", self.arrivals.count()))?;
        let millis = |it: Duration| it.as_secs_f64() * 1000.0;
        for (sent, acknowledged, id) in sent {
            times.acknowledged.push(millis(acknowledged - sent));
            for number in &self.healthy {
                let at = self.arrivals.at(&format!("dlv_{}_{number}", &id[3..]));
                times.arrived.push(millis(at.context("a delivery came under another id")? - sent));
            }
        }
        times.acknowledged.sort_by(f64::total_cmp);
        times.arrived.sort_by(f64::total_cmp);
        Ok(times)
    }

    async fn send_sick(&mut self, number: u64) -> anyhow::Result<()> {
        let offer = format!("sick-{}.crm-pro", number % SICK_PUBLISHERS);
        self.next += 1;
        load::send_one(&self.target, &offer, self.next - 1).await.map(|_| ())
    }
}

impl Times {
    fn figures(&self) -> Value {
        let round = |it: f64| (it * 100.0).round() / 100.0;
        json!({
            "samples": self.arrived.len(),
            "ack_p50_ms": round(quantile(&self.acknowledged, 0.5)),
            "ack_p99_ms": round(quantile(&self.acknowledged, 0.99)),
            "arrived_p50_ms": round(quantile(&self.arrived, 0.5)),
            "arrived_p99_ms": round(quantile(&self.arrived, 0.99)),
        })
    }
}

/// Of sorted values.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index of a few thousand"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

async fn publisher(target: &Target, id: &str) -> anyhow::Result<()> {
    target.post("/v1/publishers", &json!({ "id": id })).await?;
    target.post(&format!("/v1/offers?publisher={id}"), &json!({ "id": "crm-pro" })).await.map(|_| ())
}

/// Makes a destination that takes all leads of a publisher; gives back its number.
async fn destination(
    target: &Target,
    publisher: &str,
    name: &str,
    address: SocketAddr,
) -> anyhow::Result<Value> {
    let new = json!({ "name": name, "kind": "https", "settings": { "url": format!("http://{address}/{name}") } });
    let made = target.post(&format!("/v1/destinations?publisher={publisher}"), &new).await?;
    let route = json!({ "offer": "*", "destination": name });
    target.post(&format!("/v1/routes?publisher={publisher}"), &route).await?;
    Ok(made["number"].clone())
}
