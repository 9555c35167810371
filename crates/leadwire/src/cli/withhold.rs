//! `leadwire withhold`: which customers' leads are kept from publishers.

use super::Session;
use super::exit_code::ExitCode;
use crate::api::wire;
use serde_json::json;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire withhold add .edu
  leadwire withhold add .edu --source SPZA
  leadwire withhold list
  leadwire withhold remove .edu";

/// What can be done with these rules.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Withhold leads of customers whose address is in a domain, from now on; the operator can release each
    Add(Which),
    /// List the rules
    List,
    /// Remove a rule; what it withheld stays so until the operator releases it with `delivery retry`
    Remove(Which),
}

/// Which rule.
#[derive(clap::Args)]
pub(super) struct Which {
    /// The domain, with all below it, such as .edu
    domain: String,
    /// Only leads from this source
    #[arg(long, default_value = "*")]
    source: String,
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    let path = ["v1", "withhold-rules"];
    match command {
        Command::Add(Which { domain, source }) => {
            let made = client.post(&path, &[], &wire::WithholdRule { source, domain }).await?;
            out.rows(vec![made], &HEADS, row)?;
        }
        Command::List => out.rows(client.list(&path, &[]).await?, &HEADS, row)?,
        Command::Remove(Which { domain, source }) => {
            client.delete(&path, &[("source", source.as_str()), ("domain", domain.as_str())]).await?;
            if out.json {
                out.value(&json!({ "removed": domain }))?;
            }
            out.note("Removed. What it withheld stays withheld: `leadwire delivery retry` releases it.");
        }
    }
    Ok(ExitCode::Ok)
}

const HEADS: [&str; 2] = ["SOURCE", "DOMAIN"];

fn row(it: wire::WithholdRule) -> Vec<String> {
    vec![it.source, it.domain]
}
