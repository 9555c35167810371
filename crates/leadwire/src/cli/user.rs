//! `leadwire user`: who signs in to the portal, and what they may do there.

use super::Session;
use super::client::whose;
use super::exit_code::ExitCode;
use super::output::or_dash;
use crate::api::wire;
use leadwire_core::id::PublisherId;
use serde_json::json;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire user add ada@example.com --role operator
  leadwire user add bob@contoso.com --role member --publisher contoso --name 'Bob Bell'
  leadwire user list
  leadwire user link usr_...             a new link for somebody who forgot their password
  leadwire user remove-factor usr_...    for somebody whose phone and recovery codes are gone";

/// What a user may be for; the service decides what each role allows.
const ROLES: [&str; 4] = ["operator", "publisher", "member", "reader"];

/// What can be done with users.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Add a user and print the link by which they choose a password, this once
    Add {
        /// E-mail address by which they sign in
        email: String,
        /// operator runs the service; publisher runs one publisher's set-up and its people; member works with
        /// its leads; reader looks
        #[arg(long, value_parser = ROLES)]
        role: String,
        /// Whose they are; every role but operator needs one
        #[arg(long, value_parser = super::publisher_id)]
        publisher: Option<PublisherId>,
        /// Their name; the e-mail address when missing
        #[arg(long)]
        name: Option<String>,
    },
    /// List users
    List {
        /// Only this publisher's
        #[arg(long, value_parser = super::publisher_id)]
        publisher: Option<PublisherId>,
    },
    /// Print a new link by which a user chooses a password; the password of before works until then
    Link {
        /// Id of the user
        id: String,
        /// Whose they are; an operator need not say
        #[arg(long, value_parser = super::publisher_id)]
        publisher: Option<PublisherId>,
    },
    /// Take a user's second factor off: they sign in with their password, and set up another one
    RemoveFactor {
        /// Id of the user
        id: String,
        /// Whose they are; an operator need not say
        #[arg(long, value_parser = super::publisher_id)]
        publisher: Option<PublisherId>,
    },
    /// Remove a user, who is signed out at once
    Remove {
        /// Id of the user
        id: String,
        /// Whose they are; an operator need not say
        #[arg(long, value_parser = super::publisher_id)]
        publisher: Option<PublisherId>,
    },
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::Add { email, role, publisher, name } => {
            let new = wire::NewUser { email, name, role };
            let made = client.post(&["v1", "users"], &whose(publisher.as_ref()), &new).await?;
            out.note("Send them this link. It is shown this once, works once, and for three days.");
            out.one(made, |it: wire::User| it.link.unwrap_or(it.id))?;
        }
        Command::List { publisher } => {
            let rows = client.list(&["v1", "users"], &whose(publisher.as_ref())).await?;
            let heads = ["USER", "E-MAIL", "NAME", "ROLE", "PUBLISHER", "FACTOR", "LAST SIGNED IN"];
            out.rows(rows, &heads, |it: wire::User| {
                let factor = if it.second_factor { "yes" } else { "no" }.to_owned();
                let publisher = or_dash(it.publisher);
                vec![it.id, it.email, it.name, it.role, publisher, factor, or_dash(it.signed_in_at)]
            })?;
        }
        Command::Link { id, publisher } => {
            let path = ["v1", "users", &id, "link"];
            let made = client.post(&path, &whose(publisher.as_ref()), &json!({})).await?;
            out.note("Send them this link. It is shown this once, works once, and for three days.");
            out.one(made, |it: wire::User| it.link.unwrap_or(it.id))?;
        }
        Command::RemoveFactor { id, publisher } => {
            client.delete(&["v1", "users", &id, "second-factor"], &whose(publisher.as_ref())).await?;
            if out.json {
                out.value(&json!({ "removed_factor": id }))?;
            }
            out.note("Removed. Their password alone signs them in until they set up another.");
        }
        Command::Remove { id, publisher } => {
            client.delete(&["v1", "users", &id], &whose(publisher.as_ref())).await?;
            if out.json {
                out.value(&json!({ "removed": id }))?;
            }
            out.note("Removed, and signed out.");
        }
    }
    Ok(ExitCode::Ok)
}
