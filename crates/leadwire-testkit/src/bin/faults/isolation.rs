//! How long leads take to healthy destinations, before and while very many others refuse connections or crawl.

use crate::receivers::{self, Arrivals};
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
/// Offers that the sick destinations are spread over, so that no lead makes very many deliveries at once.
const SICK_OFFERS: u64 = 10;
/// Leads of each sick offer before the second measurement: what has piled up.
const PILED_UP: u64 = 5;
/// Between two leads to the healthy ones, and how many of them make a measurement.
const EVERY: Duration = Duration::from_millis(40);
const LEADS: u64 = 500;
/// One lead to a sick offer follows so many to the healthy.
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
    let (address, arrivals) = receivers::prompt(Arc::clone(&watch)).await?;
    let (closed, _held) = receivers::closed()?;
    let crawling = receivers::crawling().await?;
    let target = program.target.clone();
    target.post("/v1/publishers", &json!({ "id": "contoso" })).await?;
    offer(&target, "well").await?;
    for number in 0..SICK_OFFERS {
        offer(&target, &format!("sick-{number}")).await?;
    }
    let mut healthy = Vec::new();
    for number in 0..HEALTHY {
        healthy.push(destination(&target, &format!("well-{number}"), "well", address, 16).await?);
    }
    let started = watch.elapsed();
    for number in 0..args.count {
        let (kind, address) = if number % 11 < DEAD_OF_11 { ("dead", closed) } else { ("crawls", crawling) };
        let offer = format!("sick-{}", number % SICK_OFFERS);
        destination(&target, &format!("{kind}-{number}"), &offer, address, 4).await?;
    }
    let set_up = (watch.elapsed() - started).as_secs_f64();
    eprintln!("{} sick destinations set up in {set_up:.1} s", args.count);
    let mut bench = Bench { target, arrivals, watch, healthy, next: 0 };

    // The first leads pay for connections and caches; then twice, so that the noise of the machine shows.
    bench.measure(false).await?;
    let before = bench.measure(false).await?;
    let before_again = bench.measure(false).await?;
    for number in 0..SICK_OFFERS * PILED_UP {
        bench.send_sick(number).await?;
    }
    let during = bench.measure(true).await?;
    let during_again = bench.measure(true).await?;
    let restarted = Stopwatch::start();
    program.kill_and_wait().await?;
    let program = Program::start(&launch).await?;
    let start_seconds = restarted.elapsed().as_secs_f64();
    bench.target = program.target.clone();
    let after = bench.measure(true).await?;
    let ledger = bench.target.get("/v1/ledger?publisher=contoso").await?;
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
    let pending: u64 = ledger["destinations"]
        .as_array()
        .context("a ledger has destinations")?
        .iter()
        .filter_map(|it| it["pending"].as_u64())
        .sum();
    figures["pending"] = json!(pending);
    ensure!(ledger["adds_up"] == true, "the ledger does not add up");
    Ok(Report::Ran(ratio <= RATIO_MAX && pending > 0, figures))
}

impl Bench {
    /// Sends leads at a steady pace, whatever becomes of them, and waits until all are there.
    async fn measure(&mut self, with_sick: bool) -> anyhow::Result<Times> {
        let clock = MachineClock::start();
        let mut sending = JoinSet::new();
        let before = self.arrivals.count();
        let mut at = clock.steady();
        for number in 0..LEADS {
            let (target, watch, key) = (self.target.clone(), Arc::clone(&self.watch), self.next);
            self.next += 1;
            sending.spawn(async move {
                let sent = watch.elapsed();
                let id = load::send_one(&target, "contoso.well", key).await?;
                anyhow::Ok((sent, watch.elapsed(), id))
            });
            if with_sick && number % SICK_EVERY == 0 {
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
        let offer = format!("contoso.sick-{}", number % SICK_OFFERS);
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

async fn offer(target: &Target, id: &str) -> anyhow::Result<()> {
    target.post("/v1/offers?publisher=contoso", &json!({ "id": id })).await.map(|_| ())
}

/// Makes a destination that takes one offer; gives back its number.
async fn destination(
    target: &Target,
    name: &str,
    offer: &str,
    address: SocketAddr,
    in_flight: u32,
) -> anyhow::Result<Value> {
    let settings = json!({ "url": format!("http://{address}/{name}"), "in_flight": in_flight });
    let new = json!({ "name": name, "kind": "https", "settings": settings });
    let made = target.post("/v1/destinations?publisher=contoso", &new).await?;
    target.post("/v1/routes?publisher=contoso", &json!({ "offer": offer, "destination": name })).await?;
    Ok(made["number"].clone())
}
