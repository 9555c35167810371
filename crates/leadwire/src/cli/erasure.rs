//! `leadwire erasure`: what came of erasing people, and the list of it that a restored store must be told.

use super::Session;
use super::client::Wanted;
use super::exit_code::ExitCode;
use super::output::{fields, harmless, table};
use crate::api::wire;
use leadwire_core::id::PublisherId;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire erasure list contoso
  leadwire erasure show contoso era_01hzx2g7q0abcdefghjkmnpqrs
  leadwire erasure export erasures.json

`leadwire lead erase` erases a person.";

/// What can be done with erasures.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// List erasures, newest first
    List {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Show an erasure's receipt: what was wiped here, and what became of it at each destination
    Show {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the erasure
        erasure: String,
    },
    /// Write the list of erasures to a file, for a restore on another machine; it names no person
    Export {
        /// The file, which must not be there
        file: PathBuf,
    },
}

const HEADS: [&str; 6] = ["ERASURE", "STATE", "KIND", "LEADS", "TOUCHPOINTS", "ASKED"];

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let out = session.out;
    match command {
        Command::List { publisher, wanted } => {
            let mut heads: &[&str] = &HEADS;
            let query = [("publisher", publisher.as_str())];
            let client = session.client()?;
            let has_more = client.pages(&["v1", "erasures"], &query, wanted, |rows| {
                out.rows(rows, std::mem::take(&mut heads), row)
            });
            if has_more.await? {
                out.note("There are more: --all shows every erasure, --limit more of them.");
            }
        }
        Command::Show { publisher, erasure } => {
            let path = ["v1", "erasures", &erasure];
            let found = session.client()?.get(&path, &[("publisher", publisher.as_str())]).await?;
            out.one(found, |it| text(&it))?;
        }
        Command::Export { file } => super::backup::export(&file, session).await?,
    }
    Ok(ExitCode::Ok)
}

fn row(it: wire::Erasure) -> Vec<String> {
    let [leads, touchpoints] = [it.wiped.leads, it.wiped.touchpoints].map(|it| it.to_string());
    vec![it.id, it.state, it.kind, leads, touchpoints, it.asked_at]
}

/// The receipt.
pub(super) fn text(it: &wire::Erasure) -> String {
    let wiped = &it.wiped;
    let mut text = fields(&[
        ("erasure", &it.id),
        ("state", &it.state),
        ("asked", &it.asked_at),
        ("by", &it.who),
        ("reason", &harmless(&it.reason)),
        ("records", if it.crm == "keep" { "kept where they are" } else { "" }),
        (
            "wiped here",
            &format!(
                "{} leads, {} touchpoints, {} deliveries, {} attempts, {} decisions, {} bodies in quarantine, {} keys",
                wiped.leads,
                wiped.touchpoints,
                wiped.deliveries,
                wiped.attempts,
                wiped.decisions,
                wiped.quarantined,
                wiped.idempotency_keys
            ),
        ),
        ("nothing left", it.wiped_at.as_deref().unwrap_or_default()),
    ]);
    if !it.destinations.is_empty() {
        let cells = |it: &wire::ErasedThere| {
            let what = if it.fix.is_empty() { &it.message } else { &it.fix };
            vec![it.destination.clone(), it.state.clone(), it.lead.clone(), harmless(what)]
        };
        let rows = it.destinations.iter().map(cells).collect();
        text.push('\n');
        text.push_str(&table(&["DESTINATION", "STATE", "LEAD", "WHAT"], rows));
        text.push('\n');
    }
    text
}
