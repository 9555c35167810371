//! Brings many leads to every kind of destination that can tell its own records again, with answers that get lost after
//! the work was done, and fails when a lead is missing or doubled. The last line is JSON.

use anyhow::{Context, bail};
use leadwire::clock::{Clock, MachineClock};
use leadwire_testkit::harness::any_seed;
use leadwire_testkit::lost_answers::{self, KEYED, Loser};
use serde_json::json;
use std::io::Write;

/// The share of calls whose answer is lost.
const OF_1000: u64 = 300;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let count: usize =
        std::env::args().nth(1).context("say how many leads")?.parse().context("not a number")?;
    let mut out = std::io::stdout();
    let mut kinds = Vec::new();
    let seed = any_seed();
    let losers = [("destination", Loser::Destination), ("proxy", Loser::Proxy(seed))];
    for (kind, (by, loser)) in KEYED.iter().flat_map(|kind| losers.map(|it| (kind, it))) {
        let clock = MachineClock::start();
        let started = clock.steady();
        let found = lost_answers::run(kind, count, OF_1000, loser).await;
        let seconds = (clock.steady().millis() - started.millis()) / 1000;
        writeln!(
            out,
            "{kind:<14} {by:<11} {} leads in {} calls, {} repeated: {} missing, {} doubled ({seconds} s)",
            found.sent, found.calls, found.repeated, found.missing, found.doubled
        )?;
        kinds.push((kind, by, found));
    }
    let shapes: Vec<_> = kinds
        .iter()
        .map(|(kind, by, it)| {
            json!({ "kind": kind, "lost_by": by, "cuts": it.cuts, "sent": it.sent, "calls": it.calls, "repeated": it.repeated,
                "missing": it.missing, "doubled": it.doubled })
        })
        .collect();
    writeln!(
        out,
        "{}",
        json!({ "what": "lost answers", "of_1000": OF_1000, "seed": seed, "kinds": shapes })
    )?;
    if kinds.iter().any(|(_, by, it)| *by == "proxy" && it.cuts.contains(&0)) {
        bail!("not every kind of cut was made, so nothing is proved");
    }
    if kinds.iter().any(|(_, _, it)| it.missing + it.doubled > 0) {
        bail!("a lead is missing or doubled");
    }
    Ok(())
}
