//! `leadwire address`: where marketplaces post the leads of one offer.

use super::Session;
use super::exit_code::ExitCode;
use crate::api::wire;
use leadwire_core::id::{OfferRef, PublisherId};
use serde_json::json;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire address add contoso.crm-pro
  leadwire address list contoso
  leadwire token add contoso.crm-pro --json";

/// What can be done with intake addresses.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make an address for an offer and print it, this once
    Add {
        /// The offer that everything sent to it belongs to
        #[arg(value_parser = super::offer_ref, value_name = "PUBLISHER.OFFER")]
        offer: OfferRef,
    },
    /// List a publisher's addresses, without their secret part
    List {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
    },
    /// Revoke an address at once; the leads that came to it stay
    Revoke {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the address
        address: String,
    },
}

const PATH: [&str; 2] = ["v1", "intake-addresses"];

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::Add { offer } => {
            let new = wire::NewIntakeAddress { offer: offer.to_string() };
            let made = client.post(&PATH, &[("publisher", offer.publisher.as_str())], &new).await?;
            out.note(&format!(
                "Give this address to the marketplace, as the HTTPS lead destination of {offer}. It is shown this once; \
                 who has it can send leads."
            ));
            out.one(made, |it: wire::IntakeAddress| it.url.unwrap_or(it.id))?;
        }
        Command::List { publisher } => {
            let rows = client.list(&PATH, &[("publisher", publisher.as_str())]).await?;
            let heads = ["ADDRESS", "OFFER", "ENDS IN", "MADE"];
            out.rows(rows, &heads, |it: wire::IntakeAddress| {
                vec![it.id, it.offer, format!("…{}", it.tail), it.created_at]
            })?;
        }
        Command::Revoke { publisher, address } => {
            client.delete(&[PATH[0], PATH[1], &address], &[("publisher", publisher.as_str())]).await?;
            if out.json {
                out.value(&json!({ "revoked": address }))?;
            }
            out.note(
                "Revoked. What is sent to it from now on is answered 404; the leads that came to it stay.",
            );
        }
    }
    Ok(ExitCode::Ok)
}
