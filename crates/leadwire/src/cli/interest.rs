//! `leadwire interest`: the table from what a customer did to how interested that shows them to be.

use super::Session;
use super::exit_code::ExitCode;
use crate::api::wire;
use serde_json::json;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire interest list
  leadwire interest set SPZA PLT initial
  leadwire interest set AzurePortal '*' active
  leadwire interest reset SPZA PLT
  leadwire interest reset --all";

/// What can be done with the table.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// List the table; of the rows that fit a touchpoint, the narrower one counts
    List,
    /// Add or change a row, for touchpoints accepted from now on
    Set {
        /// Where the customer acted, or '*' for anywhere
        source: String,
        /// What the customer did, or '*' for anything
        action: String,
        /// How interested that shows the customer to be
        #[arg(value_parser = ["initial", "active"])]
        interest: String,
    },
    /// Bring delivered rows back
    Reset {
        /// The source of the row to take away
        #[arg(required_unless_present = "all", requires = "action")]
        source: Option<String>,
        /// The action of the row to take away
        action: Option<String>,
        /// Take away all rows that were set
        #[arg(long, conflicts_with = "source")]
        all: bool,
    },
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    let path = ["v1", "interest-rules"];
    match command {
        Command::List => {
            let rows = client.list(&path, &[]).await?;
            out.rows(rows, &["SOURCE", "ACTION", "INTEREST", "SET BY"], |it: wire::InterestRule| {
                let by = if it.own { "the operator" } else { "delivered" };
                vec![it.source, it.action, it.interest, by.to_owned()]
            })?;
        }
        Command::Set { source, action, interest } => {
            let made = client.post(&path, &[], &wire::NewInterestRule { source, action, interest }).await?;
            let rule: wire::InterestRule = super::client::shape(made.clone())?;
            if out.json {
                out.value(&made)?;
            }
            out.note(&format!(
                "{}/{} shows {} interest from now on.",
                rule.source, rule.action, rule.interest
            ));
        }
        Command::Reset { source, action, .. } => {
            let mut query = Vec::new();
            query.extend(source.as_deref().map(|it| ("source", it)));
            query.extend(action.as_deref().map(|it| ("action", it)));
            client.delete(&path, &query).await?;
            if out.json {
                out.value(&json!({ "reset": true }))?;
            }
            out.note("The delivered rows hold again. What touchpoints showed before stays.");
        }
    }
    Ok(ExitCode::Ok)
}
