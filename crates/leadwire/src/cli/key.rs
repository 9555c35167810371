//! `leadwire key`: who may use the API, and for what.

use super::Session;
use super::client::whose;
use super::exit_code::ExitCode;
use super::output::or_dash;
use crate::api::wire;
use leadwire_core::id::PublisherId;
use serde_json::json;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire key add --role sender --publisher contoso --title web-shop
  leadwire key add --role reader --publisher contoso --expires-in-days 30
  leadwire key list";

/// What a key may be for; the service decides what each role allows.
const ROLES: [&str; 5] = ["operator", "publisher", "member", "sender", "reader"];

/// What can be done with keys.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a key and print it, this once
    Add {
        /// operator runs the service; publisher runs one publisher's set-up; member works with its leads; sender
        /// sends; reader reads
        #[arg(long, value_parser = ROLES)]
        role: String,
        /// Whose it is; every role but operator needs one
        #[arg(long, value_parser = super::publisher_id)]
        publisher: Option<PublisherId>,
        /// What it is for; the role when missing
        #[arg(long)]
        title: Option<String>,
        /// Days until it ends; it does not when missing
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36500))]
        expires_in_days: Option<u32>,
    },
    /// List keys, without the keys themselves
    List {
        /// Only this publisher's
        #[arg(long, value_parser = super::publisher_id)]
        publisher: Option<PublisherId>,
    },
    /// Revoke a key at once
    Revoke {
        /// Id of the key
        id: String,
        /// Whose it is; an operator need not say
        #[arg(long, value_parser = super::publisher_id)]
        publisher: Option<PublisherId>,
    },
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::Add { role, publisher, title, expires_in_days } => {
            let new = wire::NewApiKey { title: title.unwrap_or_else(|| role.clone()), role, expires_in_days };
            let made = client.post(&["v1", "keys"], &whose(publisher.as_ref()), &new).await?;
            out.note(&format!("Keep this key of role {}. It is shown this once.", new.role));
            out.one(made, |it: wire::ApiKey| it.key.unwrap_or(it.id))?;
        }
        Command::List { publisher } => {
            let rows = client.list(&["v1", "keys"], &whose(publisher.as_ref())).await?;
            let heads = ["KEY", "ROLE", "PUBLISHER", "TITLE", "ENDS IN", "MADE", "EXPIRES"];
            out.rows(rows, &heads, |it: wire::ApiKey| {
                let publisher = or_dash(it.publisher);
                let tail = format!("…{}", it.tail);
                vec![it.id, it.role, publisher, it.title, tail, it.created_at, or_dash(it.expires_at)]
            })?;
        }
        Command::Revoke { id, publisher } => {
            client.delete(&["v1", "keys", &id], &whose(publisher.as_ref())).await?;
            if out.json {
                out.value(&json!({ "revoked": id }))?;
            }
            out.note("Revoked. Nothing is done with it any more.");
        }
    }
    Ok(ExitCode::Ok)
}

#[cfg(test)]
mod tests {
    use super::ROLES;
    use crate::access::Role;

    #[test]
    fn the_roles_are_those_of_the_service() {
        assert_eq!(ROLES, Role::ALL.map(Role::as_str));
    }
}
