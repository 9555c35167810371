//! How long the portal's pages take on a store of a given size, through the real handlers over loopback.

use super::super::exit_code::ExitCode;
use super::fill::{self, Filled};
use super::load::Connection;
use super::{Args, LOOPBACK, in_folder};
use crate::app::App;
use crate::clock::{MachineClock, Stopwatch};
use crate::config::Config;
use anyhow::{Context, ensure};
use leadwire_core::device::Device;
use leadwire_core::secret::Secret;
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Leads unless told otherwise.
const LEADS: u64 = 20_000;
/// Deliveries of each lead unless told otherwise.
const DELIVERIES_PER_LEAD: u64 = 5;
/// Most leads that the benchmark prepares.
const LEADS_MAX: u64 = 1_000_000;
/// What a page may take at the server, and have in bytes.
const PAGE_MS: f64 = 50.0;
const PAGE_BYTES: usize = 100_000;

/// A page, and a form that is sent to it if it is looked at by one.
struct Page {
    name: &'static str,
    path: String,
    form: Option<String>,
}

/// Measures it.
///
/// # Errors
/// When a part cannot start, or a page does not open.
pub(super) async fn run(args: &Args, as_json: bool) -> anyhow::Result<ExitCode> {
    let leads = args.leads.unwrap_or(LEADS);
    let deliveries = args.deliveries.unwrap_or(leads * DELIVERIES_PER_LEAD);
    let each = deliveries / leads.max(1);
    ensure!((1..=LEADS_MAX).contains(&leads), "--leads takes 1 to {LEADS_MAX}");
    ensure!(
        (1..=fill::DESTINATIONS_MAX).contains(&each),
        "--deliveries takes one to ten times as many as --leads"
    );
    let report = in_folder(|folder| measure(folder, (leads, each), args)).await?;
    show(&report, as_json)?;
    Ok(ExitCode::Ok)
}

async fn measure(folder: PathBuf, (leads, each): (u64, u64), args: &Args) -> anyhow::Result<Value> {
    let config = Config {
        data: folder,
        listen: SocketAddr::from(LOOPBACK),
        metrics_listen: None,
        allow_http: true,
        ..Config::default()
    };
    let app = App::open(config, Arc::new(MachineClock::start()), None).await?;
    let watch = Stopwatch::start();
    let filled = fill::fill(&app, leads, each).await?;
    let prepared = watch.elapsed();
    let link = app.first_link().await?.context("nobody is there yet")?;
    let token = link.expose().rsplit('/').next().unwrap_or_default().to_owned();
    let name = ("bench@example.com".to_owned(), "Bench".to_owned());
    let password = Secret::new("a password of the benchmark".to_owned());
    let entered = app.accounts.choose(&token, name, password, Device::parse("")).await.ok().flatten();
    let session = entered.and_then(|it| it.session()).context("the first link works once")?;
    let running = {
        let app = Arc::clone(&app);
        tokio::spawn(async move { app.run().await })
    };
    let result = look(&app, session.expose(), &filled, args).await;
    app.stop();
    running.await??;
    Ok(json!({
        "what": "pages",
        "leads": leads,
        "deliveries": leads * each,
        "prepared_in_seconds": prepared.as_secs_f64(),
        "times": times(args),
        "page_ms_max": PAGE_MS,
        "pages": result?,
    }))
}

/// How often each page is opened, after once that does not count.
fn times(args: &Args) -> usize {
    usize::try_from(args.count.unwrap_or(50)).unwrap_or(50).max(1)
}

async fn look(app: &App, session: &str, filled: &Filled, args: &Args) -> anyhow::Result<Vec<Value>> {
    let mut connection = Connection::open(app.address()).await?;
    let cookie = format!("cookie: leadwire={session}\r\n");
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{cookie}\r\n").into_bytes();
    let first = connection.exchange(&get("/"), 200).await?;
    let mark = mark_in(&first).context("a page has a form")?;
    let mut rows = Vec::new();
    for page in pages(filled, &mark) {
        let request = match &page.form {
            None => get(&page.path),
            Some(form) => format!(
                "POST {} HTTP/1.1\r\nhost: localhost\r\n{cookie}sec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
                page.path,
                form.len()
            )
            .into_bytes(),
        };
        let mut seen = connection.exchange(&request, 200).await.with_context(|| page.path.clone())?;
        while is_counting(&seen) {
            seen = connection.exchange(&request, 200).await?;
        }
        let mut took = Vec::with_capacity(times(args));
        for _ in 0..times(args) {
            let watch = Stopwatch::start();
            connection.exchange(&request, 200).await?;
            took.push(watch.elapsed());
        }
        took.sort();
        let at = |share: f64| milliseconds(took[((took.len() - 1) as f64 * share).round() as usize]);
        let is_good = at(0.5) <= PAGE_MS && seen.len() <= PAGE_BYTES;
        rows.push(json!({
            "page": page.name, "p50_ms": at(0.5), "p99_ms": at(0.99), "bytes": seen.len(), "good": is_good,
        }));
    }
    Ok(rows)
}

/// Whether a page says that what it shows is being counted.
fn is_counting(page: &[u8]) -> bool {
    let mark = b" data-counting>";
    page.windows(mark.len()).any(|it| it == mark)
}

fn milliseconds(it: Duration) -> f64 {
    (it.as_secs_f64() * 100_000.0).round() / 100.0
}

/// The mark of the user's forms, as a page shows it.
fn mark_in(page: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(page).ok()?;
    let rest = text.split_once("name=\"form_token\" value=\"")?.1;
    Some(rest.split('"').next()?.to_owned())
}

/// Every page of the portal that shows what is in the store.
fn pages(it: &Filled, mark: &str) -> Vec<Page> {
    let page = |name, path: String| Page { name, path, form: None };
    let mapped = format!("/destinations/{}", it.mapped);
    let mut all = vec![
        page("overview", "/".to_owned()),
        page("leads", "/leads".to_owned()),
        page("leads, far back", format!("/leads?cursor={}", it.middle)),
        page("leads, by a name", "/leads?q=lovelace".to_owned()),
        page("leads, by an address", format!("/leads?q={}", it.email)),
        page("lead", format!("/leads/{}", it.lead)),
        page("may be one", "/suggestions".to_owned()),
        page("deliveries", "/deliveries".to_owned()),
        page("deliveries, parked", "/deliveries?state=parked".to_owned()),
        page("deliveries, waiting", "/deliveries?state=pending".to_owned()),
        page("deliveries, of one", format!("/deliveries?destination={}", it.mapped)),
        page("deliveries, of one, parked", format!("/deliveries?destination={}&state=parked", it.mapped)),
        page("delivery", format!("/deliveries/{}", it.delivery)),
        page("failures", "/failures".to_owned()),
        page("went nowhere", "/unrouted".to_owned()),
        page("could not be read", "/quarantine".to_owned()),
        page("destinations", "/destinations".to_owned()),
        page("destination", mapped.clone()),
        page("settings", format!("{mapped}/edit")),
        page("mapping", format!("{mapped}/mapping")),
        page("connect", "/connect".to_owned()),
        page("offers", "/offers".to_owned()),
        page("offer", format!("/offers/{}.{}", it.publisher, it.offer)),
        page("routes", "/routes".to_owned()),
        page("reports", "/reports".to_owned()),
        page("reports, a year by source", "/reports?by=source&from=2026-01-01".to_owned()),
        page("audit log", "/audit".to_owned()),
        page("statements", "/settings/statements".to_owned()),
        page("alerts", "/settings/alerts".to_owned()),
        page("retention", "/settings/retention".to_owned()),
        page("keys", "/settings/keys".to_owned()),
        page("go to", "/go?q=lovelace".to_owned()),
        page("users", "/users".to_owned()),
    ];
    let row = "field_0=email&from_0=customer.email&steps_0=upper&otherwise_0=&write_0=once";
    let form = |what: &str| format!("form_token={mark}&publisher={}&version=1&{row}&do={what}", it.publisher);
    all.push(Page { name: "mapping, one lead", path: format!("{mapped}/mapping"), form: Some(form("try")) });
    all.push(Page {
        name: "mapping, back-test",
        path: format!("{mapped}/mapping"),
        form: Some(form("test")),
    });
    all
}

fn show(report: &Value, as_json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if !as_json {
        writeln!(out, "{:<28} {:>10} {:>10} {:>9}", "PAGE", "p50 ms", "p99 ms", "bytes")?;
        for row in report["pages"].as_array().into_iter().flatten() {
            let name = row["page"].as_str().unwrap_or_default();
            let note = if row["good"] == true { "" } else { "  too slow or too large" };
            writeln!(
                out,
                "{name:<28} {:>10} {:>10} {:>9}{note}",
                row["p50_ms"], row["p99_ms"], row["bytes"]
            )?;
        }
    }
    writeln!(out, "{report}")?;
    Ok(())
}
