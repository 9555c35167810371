//! What the demo shows: each lead as it arrives, what is still on its way, and the ledger.

use super::journey::Journey;
use crate::api::wire;
use crate::cli::rehearsal::Rehearsal;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use console::style;
use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Writes to standard output: for people, or one JSON object at the end.
pub(super) struct Show {
    as_json: bool,
    is_terminal: bool,
}

/// What became of one sample.
pub(super) struct Arrival {
    name: String,
    verdict: &'static str,
    id: String,
}

impl Arrival {
    /// Reads the answer to one touchpoint.
    pub(super) fn read(name: &str, answer: &Value) -> Self {
        let is = |field: &str| answer.get(field).and_then(Value::as_bool).unwrap_or(false);
        let verdict = if is("quarantined") {
            "quarantined"
        } else if is("duplicate") {
            "duplicate"
        } else if answer.get("problem").is_some() {
            "refused"
        } else {
            "accepted"
        };
        let id = answer.get("id").and_then(Value::as_str).unwrap_or("").to_owned();
        Self { name: name.to_owned(), verdict, id }
    }

    /// Reads the answer to one touchpoint or to several.
    pub(super) fn read_all(name: &str, answer: &Value) -> Vec<Self> {
        match answer.get("results").and_then(Value::as_array) {
            None => vec![Self::read(name, answer)],
            Some(results) => {
                let numbered = (1..).zip(results);
                numbered.map(|(number, it)| Self::read(&format!("{name} #{number}"), it)).collect()
            }
        }
    }
}

/// What a code stands for.
fn did(action: &str) -> &str {
    match action {
        "INS" => "got it",
        "PLT" => "asked for contact",
        "Create" => "purchased it",
        "StartTestDrive" => "started a test drive",
        other => other,
    }
}

impl Show {
    pub(super) fn new(as_json: bool) -> Self {
        Self { as_json, is_terminal: std::io::stdout().is_terminal() }
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    fn write(&self, text: &str) {
        if !self.as_json {
            let mut out = std::io::stdout().lock();
            // A reader that left is no reason to stop.
            out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
        }
    }

    pub(super) fn opening(&self, rehearsal: &Rehearsal) {
        let mut text = format!(
            "\n  {} {}   sample leads, simulated destinations, nothing leaves this machine\n\n  {:<24} http://{}/v1\n  {:<24} {}\n",
            style("Leadwire demo").bold(),
            env!("CARGO_PKG_VERSION"),
            "API",
            rehearsal.app.address(),
            "data",
            rehearsal.folder().display(),
        );
        for stage in &rehearsal.stages {
            text.push_str(&format!("  {:<24} {}\n", stage.kind, stage.url()));
        }
        self.write(&format!("{text}\n"));
    }

    /// The story of one customer.
    pub(super) fn journey(&self, it: &Journey) {
        let lead = &it.lead.lead;
        let said = |name: &str| lead.customer.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut text =
            format!("  {}\n\n", style("One customer, seven actions on two offers, one lead").bold());
        for it in &it.lead.timeline {
            let when = it.content.as_ref().and_then(|it| it["occurred_at"].as_str()).unwrap_or_default();
            text.push_str(&format!(
                "  {:<17} {:<22} {:<20} {}\n",
                when.get(..16).unwrap_or_default().replace('T', " "),
                did(&it.action),
                it.offer.as_deref().unwrap_or_default(),
                style(it.interest.as_deref().unwrap_or_default()).dim(),
            ));
        }
        text.push_str(&format!(
            "\n  {} {} {}, {}, {}: interest {}\n",
            style("=").green(),
            said("first_name"),
            said("last_name"),
            said("title"),
            said("company"),
            style(lead.interest.as_deref().unwrap_or_default()).green(),
        ));
        let named = |wanted: fn(u64) -> bool| {
            let kinds: Vec<&str> = it.records.iter().filter(|it| wanted(it.1)).map(|it| it.0).collect();
            kinds.join(", ")
        };
        text.push_str(&format!(
            "  one record in           {}\n  told of each action     {}\n\n",
            named(|it| it == 1),
            named(|it| it != 1)
        ));
        self.write(&text);
    }

    pub(super) fn arrival(&self, it: &Arrival) {
        let verdict = match it.verdict {
            "accepted" => style("✔ accepted   ").green(),
            "duplicate" => style("= duplicate  ").dim(),
            "quarantined" => style("! quarantined").yellow(),
            _ => style("✘ refused    ").red(),
        };
        self.write(&format!("  {verdict}  {:<52} {}\n", it.name, style(&it.id).dim()));
    }

    /// One line that is written over, on a terminal only.
    pub(super) fn progress(&self, ledger: &wire::Ledger) {
        if !self.is_terminal {
            return;
        }
        let sum = |of: fn(&wire::Account) -> u64| ledger.destinations.iter().map(of).sum::<u64>();
        let (delivered, pending) = (sum(|it| it.delivered), sum(|it| it.pending));
        // Two destinations are in trouble once, so that this can be seen.
        let waits = if pending > 0 && delivered > 0 {
            "; two destinations are in trouble, and the others do not notice"
        } else {
            ""
        };
        self.write(&format!("\r  {delivered} delivered, {pending} on their way{waits} \u{1b}[K"));
    }

    pub(super) fn ledger(&self, summary: &Value, ledger: &wire::Ledger, rehearsal: &Rehearsal) {
        if self.as_json {
            let mut out = std::io::stdout().lock();
            // As above.
            writeln!(out, "{summary}").and_then(|()| out.flush()).ok();
            return;
        }
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        table.set_header([
            "destination",
            "accepted",
            "=",
            "pending",
            "delivered",
            "parked",
            "suppressed",
            "erased",
            "attempts",
            "calls",
            "kept there",
        ]);
        for it in &ledger.destinations {
            let row =
                [it.accepted, it.pending, it.delivered, it.parked, it.suppressed, it.erased, it.attempts];
            let [accepted, pending, delivered, parked, suppressed, erased, attempts] =
                row.map(|it| it.to_string());
            let stage = rehearsal.stage(&it.kind);
            let calls = stage.map_or(0, |it| it.calls()).to_string();
            let kept = stage.map_or(0, |it| it.kept()).to_string();
            table.add_row([
                it.name.clone(),
                accepted,
                "=".to_owned(),
                pending,
                delivered,
                parked,
                suppressed,
                erased,
                attempts,
                calls,
                kept,
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let verdict =
            if ledger.adds_up { style("It adds up.").green() } else { style("IT DOES NOT ADD UP.").red() };
        let clear = if self.is_terminal { "\r\u{1b}[K" } else { "" };
        self.write(&format!(
            "{clear}\n{table}\n\n  {verdict}  {} touchpoints stored, {} recognised as repetitions, {} kept in quarantine, {} unrouted.\n",
            ledger.touchpoints,
            ledger.duplicates,
            ledger.quarantined,
            ledger.unrouted,
        ));
    }

    /// What waits for a person, and what that person is told.
    pub(super) fn parked(&self, parked: &[wire::Delivery]) {
        for it in parked {
            self.write(&format!(
                "\n  {} {}: {}\n    Fix: {}\n",
                style("parked").yellow(),
                it.destination,
                it.message.as_deref().unwrap_or_default(),
                it.fix.as_deref().unwrap_or_default()
            ));
        }
    }

    pub(super) fn invitation(&self, intake_url: &str, folder: &Path, portal: &str) {
        let data = folder.display();
        self.write(&format!(
            "\n  The demo stays open. See all of it in the portal; choose any name and password:\n\n    {portal}\n\n  In another terminal, be the marketplace:\n\n    curl -i -H 'Content-Type: application/json' --data-binary @samples/partner-center/14-turkish.json \\\n      {intake_url}\n\n  and look with\n\n    leadwire --data {data} lead list contoso\n    leadwire --data {data} ledger contoso\n\n  Ctrl-C ends it.\n",
        ));
    }
}
