//! `leadwire secret`: how the keys stand that guard destinations' secrets, and their rotation.

use super::exit_code::ExitCode;
use super::output::{harmless, or_dash};
use super::{Session, client, output};
use crate::api::wire;
use leadwire_core::id::PublisherId;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire secret status
  leadwire secret rotate
  leadwire secret rotate --publisher contoso
  leadwire secret rotate --master

The service goes on meanwhile. A secret itself is never shown; `leadwire destination update` changes it.
Ends with 1 when something does not open.";

/// What can be done with the keys that guard secrets.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Show which master keys are in use, how many publishers' keys there are, and what does not open
    Status,
    /// Give all publishers new keys, and seal their destinations' secrets with them
    Rotate {
        /// Change the master key in its file instead
        #[arg(long, conflicts_with = "publisher")]
        master: bool,
        /// Only this publisher's key
        #[arg(long, value_parser = super::publisher_id)]
        publisher: Option<PublisherId>,
    },
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    let (unopened, count) = match command {
        Command::Status => {
            let found = client.get(&["v1", "secrets"], &[]).await?;
            let it: wire::Secrets = client::shape(found.clone())?;
            out.one(found, status_text)?;
            (it.unopened, it.unopened_count)
        }
        Command::Rotate { master, publisher } => {
            let wish = wire::SecretsRotation {
                key: if master { wire::RotatedKey::Master } else { wire::RotatedKey::Publisher },
                publisher: publisher.map(|it| it.to_string()),
            };
            let rotated = client.post(&["v1", "secrets", "rotate"], &[], &wish).await?;
            let it: wire::SecretsRotated = client::shape(rotated.clone())?;
            out.one(rotated, rotated_text)?;
            (it.unopened, it.unopened_count)
        }
    };
    for it in &unopened {
        let line = format!("{} {} does not open: {}", it.publisher, it.destination, it.reason);
        output::warn(&harmless(&line));
    }
    Ok(if count == 0 { ExitCode::Ok } else { ExitCode::Failed })
}

fn status_text(it: wire::Secrets) -> String {
    let mut lines: Vec<String> = Vec::new();
    for key in &it.master_keys {
        lines.push(format!("master key {} ({}): wraps {}", key.id, key.state, key.publisher_keys));
    }
    lines.push(format!("from: {}", it.origin));
    lines.push(format!(
        "publishers' keys: {}, the oldest of {}",
        it.publisher_keys,
        or_dash(it.oldest_publisher_key)
    ));
    lines.push(format!(
        "destinations with secrets: {}, {} in the former format, {} do not open",
        it.destinations, it.former_format, it.unopened_count
    ));
    lines.join("\n")
}

fn rotated_text(it: wire::SecretsRotated) -> String {
    format!(
        "publishers' keys: {}\ndestinations sealed anew: {}\ndo not open: {}",
        it.publisher_keys, it.destinations, it.unopened_count
    )
}
