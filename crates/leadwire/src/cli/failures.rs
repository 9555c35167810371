//! `leadwire failure`: what is parked, by cause, and putting a whole cause back to work once it is mended.

use super::Session;
use super::client;
use super::delivery::retry_parked;
use super::exit_code::ExitCode;
use super::failure::Failure;
use crate::api::wire;
use leadwire_core::id::PublisherId;
use serde_json::json;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire failure list contoso
  leadwire failure retry contoso my-endpoint http_422
  leadwire failure retry contoso my-endpoint
  leadwire failure drop contoso web-form restored --yes";

/// What can be done with what is parked.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// List what is parked, in groups by destination and cause, with what to do about each
    List {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
    },
    /// Make everything due now that is parked for a cause, or for any
    Retry {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Name or number of the destination
        destination: String,
        /// The cause, as the list names it
        cause: Option<String>,
    },
    /// Give up everything that is parked for a cause: it is never sent, and stays counted as suppressed
    Drop {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Name or number of the destination
        destination: String,
        /// The cause, as the list names it
        cause: String,
        /// Give them up: there is no way back for all at once
        #[arg(long)]
        yes: bool,
    },
}

const HEADS: [&str; 6] = ["DESTINATION", "CAUSE", "COUNT", "SINCE", "SAMPLE", "WHAT TO DO"];

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::List { publisher } => {
            let rows = client.list(&["v1", "failures"], &[("publisher", publisher.as_str())]).await?;
            if rows.is_empty() {
                out.note("Nothing is parked.");
            }
            out.rows(rows, &HEADS, |it: wire::FailureGroup| {
                let what = format!("{}: {}", it.message, it.fix);
                vec![it.destination, it.cause, it.count.to_string(), it.first_at, it.sample, what]
            })?;
        }
        Command::Retry { publisher, destination, cause } => {
            retry_parked(&client, out, &publisher, (&destination, cause.as_deref())).await?;
        }
        Command::Drop { yes: false, .. } => {
            let fix = "say --yes when these leads shall never be brought there";
            return Err(Failure::new(ExitCode::Usage, "this gives parked deliveries up", fix).into());
        }
        Command::Drop { publisher, destination, cause, yes: true } => {
            let path = ["v1", "destinations", &destination, "drop-parked"];
            let query = [("publisher", publisher.as_str()), ("cause", &cause)];
            let mut dropped = 0;
            let deletions = loop {
                let done: wire::Dropped = client::shape(client.act(&path, &query).await?)?;
                dropped += done.dropped;
                if !done.more {
                    break done.deletions;
                }
            };
            if out.json {
                out.value(&json!({ "dropped": dropped, "deletions": deletions }))?;
            }
            out.note(&format!(
                "{dropped} deliveries are given up. `leadwire delivery list --state suppressed` shows them."
            ));
            if deletions > 0 {
                out.note(&format!(
                    "{deletions} deletions of erased people stay parked: `leadwire failure retry` puts them back to work."
                ));
            }
        }
    }
    Ok(ExitCode::Ok)
}
