//! `leadwire portal`: links that open the portal of one publisher, for a site that shows it as a part of its own.

use super::Session;
use super::client::whose;
use super::exit_code::ExitCode;
use crate::api::wire;
use leadwire_core::id::PublisherId;
use serde_json::json;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire portal link contoso
  leadwire portal link contoso --role member --minutes 1 --accent '#0b7a5c' --language hu
  leadwire portal end contoso        end all of them, and every session that one has opened";

/// What can be done with links to the portal.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a link that opens a publisher's portal once, and print it, this once
    Link {
        /// Whose things it shows
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// member works with leads; reader looks
        #[arg(long, default_value = "reader", value_parser = ["reader", "member"])]
        role: String,
        /// How many minutes it works; 5 when missing
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=60))]
        minutes: Option<u32>,
        /// Colour of links and buttons, such as #3451c6
        #[arg(long)]
        accent: Option<String>,
        /// Language of the pages: en, hu or tr
        #[arg(long)]
        language: Option<String>,
    },
    /// End every link of a publisher, and every session that one has opened
    End {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
    },
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::Link { publisher, role, minutes, accent, language } => {
            let new = wire::NewPortalLink { role, minutes, accent, language };
            let made = client.post(&["v1", "portal-links"], &whose(Some(&publisher)), &new).await?;
            out.note("Whoever follows this link first is in. It is shown this once.");
            out.one(made, |it: wire::PortalLink| it.url)?;
        }
        Command::End { publisher } => {
            client.delete(&["v1", "portal-links"], &whose(Some(&publisher))).await?;
            if out.json {
                out.value(&json!({ "ended": publisher.as_str() }))?;
            }
            out.note("Ended. Whoever came by such a link is out.");
        }
    }
    Ok(ExitCode::Ok)
}
