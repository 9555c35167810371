//! `leadwire ledger`: what was accepted, where all of it is, and whether that adds up.

use super::exit_code::ExitCode;
use super::{Session, client, output};
use crate::api::wire;
use leadwire_core::id::PublisherId;
use std::fmt::Write as _;

/// What `ledger` can be told.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leadwire ledger contoso
  leadwire ledger contoso --json
  leadwire ledger contoso --quiet

Ends with 1 when the numbers do not add up.")]
pub(super) struct Args {
    /// Whose
    #[arg(value_parser = super::publisher_id)]
    publisher: PublisherId,
}

pub(super) async fn run(args: Args, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    let answer = client.get(&["v1", "ledger"], &[("publisher", args.publisher.as_str())]).await?;
    let ledger: wire::Ledger = client::shape(answer.clone())?;
    out.one(answer, |it| text(&it))?;
    // The service says so, and the numbers it gives must say the same.
    let adds_up = ledger.adds_up && is_balanced(&ledger);
    if !adds_up {
        output::warn(
            "error: the ledger does not add up\n  fix: keep the data folder as it is and report this",
        );
    }
    Ok(if adds_up { ExitCode::Ok } else { ExitCode::Failed })
}

fn where_it_is(it: &wire::Account) -> [u64; 5] {
    [it.pending, it.delivered, it.parked, it.suppressed, it.erased]
}

fn is_even(it: &wire::Account) -> bool {
    where_it_is(it).iter().sum::<u64>() == it.accepted
}

fn is_balanced(it: &wire::Ledger) -> bool {
    it.touchpoints == it.routed + it.unrouted && it.destinations.iter().all(is_even)
}

fn text(it: &wire::Ledger) -> String {
    let mut text = format!(
        "Touchpoints: {} = {} routed + {} taken by no route\n{} of them tests and previews, {} erased, {} repetitions recognised, {} bodies in quarantine\n",
        it.touchpoints, it.routed, it.unrouted, it.tests, it.erased, it.duplicates, it.quarantined
    );
    if it.destinations.is_empty() {
        text.push_str("\nno destinations\n");
    } else {
        let heads = [
            "DESTINATION",
            "ACCEPTED",
            "= PENDING",
            "+ DELIVERED",
            "+ PARKED",
            "+ SUPPRESSED",
            "+ ERASED",
            "ATTEMPTS",
        ];
        let rows = it.destinations.iter().map(row).collect();
        write!(text, "\n{}\n", output::table(&heads, rows)).expect("a String takes everything");
    }
    let verdict = if it.adds_up && is_balanced(it) { "It adds up." } else { "IT DOES NOT ADD UP." };
    format!("{text}\n{verdict}")
}

fn row(it: &wire::Account) -> Vec<String> {
    let mut row = vec![it.name.clone(), it.accepted.to_string()];
    for (number, sign) in where_it_is(it).iter().zip(["=", "+", "+", "+", "+"]) {
        row.push(format!("{sign} {number}"));
    }
    row.push(it.attempts.to_string());
    row.extend((!is_even(it)).then(|| "<- does not add up".to_owned()));
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(accepted: u64, unrouted: u64) -> wire::Ledger {
        let account = wire::Account {
            name: "crm".to_owned(),
            kind: "https".to_owned(),
            accepted,
            pending: 1,
            delivered: 2,
            parked: 3,
            suppressed: 4,
            erased: 5,
            attempts: 9,
        };
        wire::Ledger {
            touchpoints: 20,
            routed: 15,
            unrouted,
            tests: 0,
            erased: 0,
            duplicates: 0,
            quarantined: 0,
            destinations: vec![account],
            adds_up: true,
            counted_at: None,
            counting: false,
        }
    }

    #[test]
    fn numbers_that_add_up_are_told_so() {
        assert!(is_balanced(&ledger(15, 5)));
        assert!(text(&ledger(15, 5)).ends_with("\nIt adds up."));
    }

    #[test]
    fn a_missing_delivery_is_seen_in_its_row() {
        assert!(!is_balanced(&ledger(16, 5)));
        let text = text(&ledger(16, 5));
        assert!(text.contains("<- does not add up") && text.ends_with("IT DOES NOT ADD UP."), "{text}");
    }

    #[test]
    fn a_touchpoint_that_is_neither_routed_nor_unrouted_is_noticed() {
        assert!(!is_balanced(&ledger(15, 4)));
    }
}
