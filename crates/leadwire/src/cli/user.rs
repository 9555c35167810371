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
  leadwire user add eve@contoso.com --role reader --publisher contoso --mail --language hu
  leadwire user list
  leadwire user mail usr_...             a new link by e-mail
  leadwire user link usr_...             a new link for somebody who forgot their password
  leadwire user remove-factor usr_...    for somebody whose phone and recovery codes are gone
  leadwire user unbind usr_...           for somebody who has another account at the provider now";

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
        /// Send them the link by e-mail, and do not print it; an e-mail destination must be named for alerts
        #[arg(long)]
        mail: bool,
        /// Language of that letter
        #[arg(long, value_parser = ["en", "hu", "tr"], requires = "mail")]
        language: Option<String>,
    },
    /// Send a user a new link by e-mail; the password of before works until then
    Mail {
        /// Id of the user
        id: String,
        /// Whose they are; an operator need not say
        #[arg(long, value_parser = super::publisher_id)]
        publisher: Option<PublisherId>,
        /// Language of the letter, for somebody who has chosen none
        #[arg(long, value_parser = ["en", "hu", "tr"])]
        language: Option<String>,
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
    /// Take the account at a provider off a user, who is signed out; the next account with their e-mail address becomes theirs
    Unbind {
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

/// Over the columns of a list of users.
const HEADS: [&str; 9] =
    ["USER", "E-MAIL", "NAME", "ROLE", "PUBLISHER", "FACTOR", "ACCOUNT", "LETTER", "LAST SIGNED IN"];

fn columns(it: wire::User) -> Vec<String> {
    let factor = if it.second_factor { "yes" } else { "no" }.to_owned();
    let letter = it.letter.map(|it| match it.cause {
        Some(cause) => format!("{} ({cause})", it.state),
        None => it.state,
    });
    let (publisher, account) = (or_dash(it.publisher), or_dash(it.company_account));
    let (letter, seen) = (or_dash(letter), or_dash(it.signed_in_at));
    vec![it.id, it.email, it.name, it.role, publisher, factor, account, letter, seen]
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::Add { email, role, publisher, name, mail, language } => {
            let new = wire::NewUser { email, name, role, mail, language };
            let made = client.post(&["v1", "users"], &whose(publisher.as_ref()), &new).await?;
            if mail {
                out.note(
                    "A letter with their link is on its way. `leadwire user list` says whether it was sent.",
                );
                out.one(made, |it: wire::User| it.id)?;
                return Ok(ExitCode::Ok);
            }
            out.note("Send them this link. It is shown this once, works once, and for three days.");
            out.one(made, |it: wire::User| it.link.unwrap_or(it.id))?;
        }
        Command::List { publisher } => {
            let rows = client.list(&["v1", "users"], &whose(publisher.as_ref())).await?;
            out.rows(rows, &HEADS, columns)?;
        }
        Command::Link { id, publisher } => {
            let path = ["v1", "users", &id, "link"];
            let made = client.post(&path, &whose(publisher.as_ref()), &json!({})).await?;
            out.note("Send them this link. It is shown this once, works once, and for three days.");
            out.one(made, |it: wire::User| it.link.unwrap_or(it.id))?;
        }
        Command::Mail { id, publisher, language } => {
            let path = ["v1", "users", &id, "letter"];
            let wish = wire::LetterWish { language };
            let made = client.post(&path, &whose(publisher.as_ref()), &wish).await?;
            out.note(
                "A letter with a new link is on its way. `leadwire user list` says whether it was sent.",
            );
            out.one(made, |it: wire::User| it.id)?;
        }
        Command::RemoveFactor { id, publisher } => {
            client.delete(&["v1", "users", &id, "second-factor"], &whose(publisher.as_ref())).await?;
            if out.json {
                out.value(&json!({ "removed_factor": id }))?;
            }
            out.note("Removed. Their password alone signs them in until they set up another.");
        }
        Command::Unbind { id, publisher } => {
            client.delete(&["v1", "users", &id, "company-account"], &whose(publisher.as_ref())).await?;
            if out.json {
                out.value(&json!({ "unbound": id }))?;
            }
            out.note("Taken off, and signed out. The next account with their e-mail address becomes theirs.");
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
