//! What a look at the store came to, for people and for programs.

use crate::cli::output::{harmless, table};
use leadwire_store::rows::DeliveryState;
use leadwire_store::verify::{Account, Findings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What was found, with what it takes to tell of it.
pub(super) struct Looked {
    pub(super) findings: Findings,
    /// What destinations are called, by publisher and number.
    pub(super) names: BTreeMap<(String, i64), String>,
    /// Whether the master key was at hand.
    pub(super) has_key: bool,
}

/// For programs.
pub(super) fn json(looked: &Looked) -> Value {
    let Looked { findings: it, names, has_key } = looked;
    let counted = &it.counted;
    let accounts = it.accounts.iter().map(|(key, account)| {
        let mut shown = json!({
            "publisher": key.0,
            "destination": names.get(key),
            "destination_no": key.1,
            "accepted": account.accepted,
            "adds_up": account.adds_up(),
        });
        for (state, count) in DeliveryState::ALL.iter().zip(account.by_state) {
            shown[state.as_str()] = json!(count);
        }
        shown
    });
    let broken = it.broken.iter().map(|(check, count)| {
        json!({
            "check": check.as_str(),
            "message": check.message(),
            "count": count,
            "is_warning": check.is_warning(),
            "shown": it.shown.iter().filter(|it| it.check == *check).map(|it| {
                json!({ "publisher": it.publisher, "of": it.of })
            }).collect::<Vec<_>>(),
        })
    });
    json!({
        "holds": it.violations() == 0,
        "violations": it.violations(),
        "warnings": it.warnings(),
        "counted": {
            "publishers": counted.publishers,
            "touchpoints": counted.touchpoints,
            "routed": counted.routed,
            "erased": counted.erased,
            "bodies": counted.bodies,
            "deliveries": counted.deliveries,
            "attempts": counted.attempts,
            "leads": counted.leads,
            "audit_entries": counted.entries,
            "checkpoints": counted.checkpoints,
            "statements": counted.statements,
            "marks": counted.marks,
        },
        "marks_checked": has_key,
        "destinations": accounts.collect::<Vec<_>>(),
        "broken": broken.collect::<Vec<_>>(),
    })
}

/// For people.
pub(super) fn text(looked: &Looked) -> String {
    let Looked { findings: it, names, has_key } = looked;
    let counted = &it.counted;
    let mut text = format!(
        "Looked at {} publishers: {} touchpoints ({} routed, {} erased; {} bodies hashed), {} deliveries, {} attempts, {} leads.\n",
        counted.publishers,
        counted.touchpoints,
        counted.routed,
        counted.erased,
        counted.bodies,
        counted.deliveries,
        counted.attempts,
        counted.leads
    );
    let marks = if *has_key {
        format!("{} marks looked at", counted.marks)
    } else {
        "their marks were not looked at, since the master key is not at hand".to_owned()
    };
    let put = "a String takes everything";
    writeln!(
        text,
        "Audit log: {} entries, {} checkpoints and {} statements; {marks}.",
        counted.entries, counted.checkpoints, counted.statements
    )
    .expect(put);
    if !it.accounts.is_empty() {
        let heads = [
            "PUBLISHER",
            "DESTINATION",
            "ACCEPTED",
            "= PENDING",
            "+ DELIVERED",
            "+ PARKED",
            "+ SUPPRESSED",
            "+ ERASED",
        ];
        let rows =
            it.accounts.iter().map(|(key, account)| row(key, names.get(key).map(String::as_str), account));
        write!(text, "\n{}\n", table(&heads, rows.collect())).expect(put);
    }
    for (check, count) in &it.broken {
        let kind = if check.is_warning() { "warning" } else { "VIOLATION" };
        write!(text, "\n{kind}: {} ({count}, `{}`)\n", check.message(), check.as_str()).expect(put);
        for shown in it.shown.iter().filter(|it| it.check == *check) {
            let line = format!("{} {}", shown.publisher, shown.of);
            writeln!(text, "  {}", harmless(line.trim())).expect(put);
        }
    }
    let verdict = match (it.violations(), it.warnings()) {
        (0, 0) => "Everything is as it must be.".to_owned(),
        (0, warnings) => format!("Everything is as it must be; {warnings} warnings."),
        (violations, _) => {
            format!("{violations} VIOLATIONS. Keep the data folder as it is, and report this.")
        }
    };
    format!("{text}\n{verdict}")
}

fn row((publisher, number): &(String, i64), name: Option<&str>, it: &Account) -> Vec<String> {
    // One that was removed keeps its account.
    let name = name.map_or_else(|| format!("number {number}"), harmless);
    let mut row = vec![publisher.clone(), name, it.accepted.to_string()];
    for (count, sign) in it.by_state.iter().zip(["=", "+", "+", "+", "+"]) {
        row.push(format!("{sign} {count}"));
    }
    row.extend((!it.adds_up()).then(|| "<- does not add up".to_owned()));
    row
}
