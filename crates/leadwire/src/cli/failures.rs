//! `leadwire failure`: what is parked, by cause, and putting a whole cause back to work once it is mended.

use super::Session;
use super::delivery::retry_parked;
use super::exit_code::ExitCode;
use crate::api::wire;
use leadwire_core::id::PublisherId;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire failure list contoso
  leadwire failure retry contoso my-endpoint http_422
  leadwire failure retry contoso my-endpoint";

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
    }
    Ok(ExitCode::Ok)
}
