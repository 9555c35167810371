//! How long leads take to healthy destinations while very many others work as well, and while the same ones, under the
//! same load, refuse connections or crawl. In the control the program stumbles, which must be seen.

use crate::receivers::{Arrivals, Receiver};
use crate::{Args, Report};
use anyhow::{Context, ensure};
use leadwire::clock::{Clock, MachineClock, Stopwatch};
use leadwire_testkit::app::PATIENCE;
use leadwire_testkit::harness::load::{self, Target};
use leadwire_testkit::harness::program::{Launch, Program};
use rustix::process::Signal;
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
/// In the control the program stands still for so long.
const STUMBLE: Duration = Duration::from_secs(2);
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
    let mut bench = Bench { target: program.target.clone(), arrivals, watch, healthy: Vec::new(), next: 0 };
    let set_up = Stopwatch::start();
    bench.set_up(args.count, [&well, &dies, &crawls]).await?;
    let mut figures = json!({ "sick": args.count, "set_up_seconds": set_up.elapsed().as_secs_f64() });

    // The first leads pay for connections and caches; then twice, so that the noise of the machine shows.
    bench.measure().await?;
    let before = [bench.measure().await?, bench.measure().await?];
    drop(dies);
    crawls.crawl();
    for number in 0..SICK_PUBLISHERS * PILED_UP {
        bench.send_sick(number).await?;
    }
    let during = [bench.measure().await?, bench.measure().await?];
    let restarted = Stopwatch::start();
    program.kill_and_wait().await?;
    let program = Program::start(&launch).await?;
    figures["start_seconds"] = json!(restarted.elapsed().as_secs_f64());
    bench.target = program.target.clone();
    let after = bench.measure().await?;
    let killer = program.killer();
    let stumble = async {
        let clock = MachineClock::start();
        killer.signal(Signal::STOP)?;
        clock.wait_until(clock.steady().plus(STUMBLE)).await;
        killer.signal(Signal::CONT)
    };
    let (control, stumbled) = tokio::join!(bench.measure(), stumble);
    stumbled?;
    let control = control?;
    let pending = bench.pending().await?;
    program.kill_and_wait().await?;

    let names = ["before", "before_again", "during", "during_again", "after_a_restart", "control"];
    for (name, times) in names.into_iter().zip(before.iter().chain(&during).chain([&after, &control])) {
        eprintln!("{name:>16}: {}", times.figures());
        figures[name] = times.figures();
    }
    let p99 = |it: &Times| quantile(&it.arrived, 0.99);
    let both = |it: &[Times; 2]| f64::midpoint(p99(&it[0]), p99(&it[1]));
    let ratio = both(&during) / both(&before);
    let control_ratio = p99(&control) / both(&before);
    figures["noise"] = json!(p99(&before[1]) / p99(&before[0]));
    figures["ratio"] = json!(ratio);
    figures["control_ratio"] = json!(control_ratio);
    figures["pending"] = json!(pending);
    Ok(Report::Ran(ratio <= RATIO_MAX && pending > 0 && control_ratio > RATIO_MAX, figures))
}

impl Bench {
    /// Makes the destinations, all of which work for now.
    async fn set_up(&mut self, others: u64, [well, dies, crawls]: [&Receiver; 3]) -> anyhow::Result<()> {
        publisher(&self.target, "contoso").await?;
        for number in 0..SICK_PUBLISHERS {
            publisher(&self.target, &format!("sick-{number}")).await?;
        }
        for number in 0..HEALTHY {
            let name = format!("well-{number}");
            self.healthy.push(destination(&self.target, "contoso", &name, well.address).await?);
        }
        for number in 0..others {
            let (kind, receiver) = if number % 11 < DEAD_OF_11 { ("dies", dies) } else { ("crawls", crawls) };
            let publisher = format!("sick-{}", number % SICK_PUBLISHERS);
            destination(&self.target, &publisher, &format!("{kind}-{number}"), receiver.address).await?;
        }
        Ok(())
    }

    /// Deliveries to the others that wait.
    async fn pending(&self) -> anyhow::Result<u64> {
        let mut pending = 0;
        for number in 0..SICK_PUBLISHERS {
            let ledger = self.target.get(&format!("/v1/ledger?publisher=sick-{number}")).await?;
            ensure!(ledger["adds_up"] == true, "the ledger does not add up: {ledger}");
            let destinations = ledger["destinations"].as_array().context("a ledger has destinations")?;
            pending += destinations.iter().filter_map(|it| it["pending"].as_u64()).sum::<u64>();
        }
        Ok(pending)
    }

    /// Sends leads at a steady pace, whatever becomes of them, and waits until all are there.
    async fn measure(&mut self) -> anyhow::Result<Times> {
        let clock = MachineClock::start();
        let (mut sending, mut beside) = (JoinSet::new(), JoinSet::new());
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
                // Nor is this waited for: a program that stands still must not stop who sends.
                beside.spawn(self.send_sick(number / SICK_EVERY));
            }
            at = at.plus(EVERY);
            clock.wait_until(at).await;
        }
        let mut times = Times { acknowledged: Vec::new(), arrived: Vec::new() };
        let mut sent = Vec::new();
        while let Some(one) = sending.join_next().await {
            sent.push(one??);
        }
        while let Some(one) = beside.join_next().await {
            one??;
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

    fn send_sick(&mut self, number: u64) -> impl Future<Output = anyhow::Result<()>> + use<> {
        let offer = format!("sick-{}.crm-pro", number % SICK_PUBLISHERS);
        let (target, key) = (self.target.clone(), self.next);
        self.next += 1;
        async move { load::send_one(&target, &offer, key).await.map(|_| ()) }
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
    let new =
        json!({ "name": name, "kind": "https", "settings": { "url": format!("http://{address}/{name}") } });
    let made = target.post(&format!("/v1/destinations?publisher={publisher}"), &new).await?;
    let route = json!({ "offer": "*", "destination": name });
    target.post(&format!("/v1/routes?publisher={publisher}"), &route).await?;
    Ok(made["number"].clone())
}
