//! `leadwire publisher`: the tenants of the service.

use super::Session;
use super::exit_code::ExitCode;
use crate::api::wire;
use leadwire_core::id::PublisherId;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire publisher add contoso --title 'Contoso'
  leadwire publisher list
  leadwire publisher list --json
  leadwire publisher retention contoso 730
  leadwire publisher privacy contoso --readers-reveal no";

/// What can be done with publishers.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Add a publisher
    Add {
        /// Its name on the marketplace
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Its name for people; the id when missing
        #[arg(long)]
        title: Option<String>,
    },
    /// List the publishers this key may see
    List,
    /// Set for how many days after their last touchpoint people are kept, or show it
    Retention {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Days; 0 is for ever
        days: Option<u32>,
    },
    /// Set whether readers, who see people masked, may have one lead after the other revealed, or show it
    Privacy {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// yes, as delivered, or no
        #[arg(long, value_parser = ["yes", "no"])]
        readers_reveal: Option<String>,
    },
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::Add { publisher, title } => {
            let new = wire::NewPublisher { id: publisher.to_string(), title };
            let made = client.post(&["v1", "publishers"], &[], &new).await?;
            if out.json {
                out.value(&made)?;
            }
            out.note(&format!("Added publisher {publisher}. Next: leadwire offer add {publisher}.OFFER"));
        }
        Command::Retention { publisher, days } => {
            let (path, query) = (["v1", "retention"], [("publisher", publisher.as_str())]);
            let set = match days {
                Some(days) => client.put(&path, &query, &wire::Retention { days }).await?,
                None => client.get(&path, &query).await?,
            };
            out.one(set, |it: wire::Retention| match it.days {
                0 => "people are kept for ever".to_owned(),
                days => format!("people are kept for {days} days after their last touchpoint"),
            })?;
        }
        Command::Privacy { publisher, readers_reveal } => {
            let (path, query) = (["v1", "privacy"], [("publisher", publisher.as_str())]);
            let set = match readers_reveal {
                Some(may) => {
                    client.put(&path, &query, &wire::Privacy { readers_reveal: may == "yes" }).await?
                }
                None => client.get(&path, &query).await?,
            };
            out.one(set, |it: wire::Privacy| match it.readers_reveal {
                true => "readers see people masked, and may have a lead revealed, which the audit log tells"
                    .to_owned(),
                false => "readers see people masked, and may reveal nobody".to_owned(),
            })?;
        }
        Command::List => {
            let rows = client.list(&["v1", "publishers"], &[]).await?;
            out.rows(rows, &["PUBLISHER", "TITLE", "ADDED"], |it: wire::Publisher| {
                vec![it.id, it.title, it.created_at]
            })?;
        }
    }
    Ok(ExitCode::Ok)
}
