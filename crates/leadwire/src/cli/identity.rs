//! `leadwire identity`: the rules by which touchpoints of one customer fold into one lead.

use super::Session;
use super::exit_code::ExitCode;
use super::output::{fields, harmless};
use crate::api::wire;
use leadwire_core::id::PublisherId;
use serde_json::json;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire identity show contoso
  leadwire identity set contoso --rules email,phone_and_name,phone
  leadwire identity set contoso --scope offer
  leadwire identity set contoso --shared info@reseller.example --shared @reseller.example
  leadwire identity reset contoso";

const PATH: [&str; 2] = ["v1", "identity-rules"];

/// What can be done with a publisher's rules.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Show the rules
    Show {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
    },
    /// Change some of the rules, for touchpoints accepted from now on; what is not given stays
    Set {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Which rules, in their order
        #[arg(long, value_delimiter = ',', value_parser = ["email", "phone_and_name", "phone"])]
        rules: Option<Vec<String>>,
        /// Every touchpoint a lead of its own
        #[arg(long, conflicts_with = "rules")]
        no_rules: bool,
        /// Within what touchpoints fold
        #[arg(long, value_parser = ["publisher", "offer"])]
        scope: Option<String>,
        /// An address that several people share, or @domain for all of a domain; these take the place of all before
        #[arg(long)]
        shared: Vec<String>,
        /// No address is shared
        #[arg(long, conflicts_with = "shared")]
        no_shared: bool,
    },
    /// Bring the delivered rules back
    Reset {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
    },
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::Show { publisher } => {
            let found = client.get(&PATH, &[("publisher", publisher.as_str())]).await?;
            out.one(found, |it| text(&it))?;
        }
        Command::Set { publisher, rules, no_rules, scope, shared, no_shared } => {
            let query = [("publisher", publisher.as_str())];
            let mut wish: wire::IdentityRules = super::client::shape(client.get(&PATH, &query).await?)?;
            if let Some(rules) = rules.or_else(|| no_rules.then(Vec::new)) {
                wish.rules = rules;
            }
            if let Some(scope) = scope {
                wish.scope = scope;
            }
            if no_shared || !shared.is_empty() {
                wish.shared_mailboxes = shared;
            }
            out.one(client.put(&PATH, &query, &wish).await?, |it| text(&it))?;
            out.note(
                "They count for touchpoints accepted from now on. Leads that are there stay as they are.",
            );
        }
        Command::Reset { publisher } => {
            client.delete(&PATH, &[("publisher", publisher.as_str())]).await?;
            if out.json {
                out.value(&json!({ "reset": true }))?;
            }
            out.note("The delivered rules hold for touchpoints accepted from now on.");
        }
    }
    Ok(ExitCode::Ok)
}

fn text(it: &wire::IdentityRules) -> String {
    let none = "none: every touchpoint is a lead of its own".to_owned();
    let rules = if it.rules.is_empty() { none } else { it.rules.join(", else ") };
    let shared: Vec<String> = it.shared_mailboxes.iter().map(|it| harmless(it)).collect();
    fields(&[
        ("rules", &rules),
        ("within", &it.scope),
        ("shared mailboxes", &shared.join(", ")),
        ("set by", if it.own { "the publisher" } else { "delivered" }),
    ])
}
