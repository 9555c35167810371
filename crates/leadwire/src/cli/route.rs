//! `leadwire route`: which offers' leads go to which destination.

use super::Session;
use super::exit_code::ExitCode;
use crate::api::wire;
use leadwire_core::id::PublisherId;
use serde_json::json;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire route add contoso --offer crm-pro --to my-endpoint
  leadwire route add contoso --offer '*' --to my-endpoint
  leadwire route list contoso";

/// What can be done with routes.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Send an offer's leads to a destination, from now on
    Add {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// The offer, or '*' for every offer of the publisher
        #[arg(long)]
        offer: String,
        /// Name or number of the destination
        #[arg(long, value_name = "DESTINATION")]
        to: String,
    },
    /// List a publisher's routes
    List {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
    },
    /// Remove a route; what it brought on the way stays on the way
    Remove {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the route
        route: String,
    },
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::Add { publisher, offer, to } => {
            let new = wire::NewRoute { offer, destination: to };
            let made = client.post(&["v1", "routes"], &[("publisher", publisher.as_str())], &new).await?;
            out.one(made, |it: wire::Route| it.id)?;
            out.note(&format!("Leads of {} that come from now on go to {}.", new.offer, new.destination));
        }
        Command::List { publisher } => {
            let rows = client.list(&["v1", "routes"], &[("publisher", publisher.as_str())]).await?;
            let heads = ["ROUTE", "OFFER", "DESTINATION", "ADDED"];
            out.rows(rows, &heads, |it: wire::Route| vec![it.id, it.offer, it.destination, it.created_at])?;
        }
        Command::Remove { publisher, route } => {
            client.delete(&["v1", "routes", &route], &[("publisher", publisher.as_str())]).await?;
            if out.json {
                out.value(&json!({ "removed": route }))?;
            }
            out.note("Removed. What is on its way already stays on its way.");
        }
    }
    Ok(ExitCode::Ok)
}
