//! `leadwire offer`: what publishers list on the marketplace.

use super::Session;
use super::exit_code::ExitCode;
use crate::api::wire;
use leadwire_core::id::{OfferRef, PublisherId};
use serde_json::json;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire offer add contoso.crm-pro
  leadwire offer list contoso
  leadwire offer remove contoso.crm-pro";

/// What can be done with offers.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Add an offer, or give it another title
    Add {
        /// The offer
        #[arg(value_parser = super::offer_ref, value_name = "PUBLISHER.OFFER")]
        offer: OfferRef,
        /// Its name for people; the id when missing
        #[arg(long)]
        title: Option<String>,
    },
    /// List a publisher's offers
    List {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
    },
    /// Remove an offer, its routes and its intake addresses; its leads stay
    Remove {
        /// The offer
        #[arg(value_parser = super::offer_ref, value_name = "PUBLISHER.OFFER")]
        offer: OfferRef,
    },
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::Add { offer, title } => {
            let new = wire::NewOffer { id: offer.offer.to_string(), title };
            let made =
                client.post(&["v1", "offers"], &[("publisher", offer.publisher.as_str())], &new).await?;
            if out.json {
                out.value(&made)?;
            }
            out.note(&format!("Added offer {offer}. Next: leadwire address add {offer}"));
        }
        Command::List { publisher } => {
            let rows = client.list(&["v1", "offers"], &[("publisher", publisher.as_str())]).await?;
            out.rows(rows, &["OFFER", "TITLE", "ADDED"], |it: wire::Offer| {
                vec![it.id, it.title, it.created_at]
            })?;
        }
        Command::Remove { offer } => {
            let path = ["v1", "offers", offer.offer.as_str()];
            client.delete(&path, &[("publisher", offer.publisher.as_str())]).await?;
            if out.json {
                out.value(&json!({ "removed": offer.to_string() }))?;
            }
            out.note(&format!("Removed offer {offer}, its routes and its intake addresses. Its leads stay."));
        }
    }
    Ok(ExitCode::Ok)
}
