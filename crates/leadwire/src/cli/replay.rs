//! `leadwire replay`: routes kept leads anew, and shows how far that is.

use super::Session;
use super::client::{self, Client, Wanted};
use super::exit_code::ExitCode;
use super::output::{Output, fields, harmless, or_dash};
use crate::api::wire;
use leadwire_core::id::PublisherId;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire replay start contoso
  leadwire replay start contoso --to new-crm --from 2026-01-01T00:00:00Z
  leadwire replay start contoso --to crm --offer 'crm-*' --from 2026-11-01T00:00:00Z --force
  leadwire replay start contoso --to crm --filter 'customer.country_code == \"HU\"' --dry-run
  leadwire replay start contoso --to crm --state parked --cause http_422
  leadwire replay start contoso --to crm --force --mapping 3 --from 2026-11-01T00:00:00Z
  leadwire replay pause contoso rpl_01hzx2g7q0abcdefghjkmnpqrs
  leadwire replay show contoso rpl_01hzx2g7q0abcdefghjkmnpqrs

Without --to it takes up what no route took. With --to it takes up everything that routes lead there now: what was never
brought is brought, what is parked is tried again, and with --force what is delivered is sent again. It goes on after a
restart, and running it again doubles nothing.";

/// What can be done with replays.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Route kept leads by the routes as they are now
    Start {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Only to this destination, by name or number, with all leads and not just those that no route took
        #[arg(long, value_name = "DESTINATION")]
        to: Option<String>,
        /// Only leads of this offer, or of those whose ids start so with a '*' behind it
        #[arg(long)]
        offer: Option<String>,
        /// Only what was received at this moment or later
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Only what was received before this moment
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Send again what is delivered; a destination without a key of its own would have it twice
        #[arg(long, requires = "to")]
        force: bool,
        #[command(flatten)]
        selection: Box<Selection>,
        /// Count what it would do, for each destination and reason, and change no delivery
        #[arg(long)]
        dry_run: bool,
    },
    /// List replays, newest first
    List {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Show how far a replay is
    Show {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the replay
        replay: String,
    },
    /// Pause a replay; it keeps its place, also over a restart of the service
    Pause {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the replay
        replay: String,
    },
    /// Let a paused replay go on where it was
    Resume {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the replay
        replay: String,
    },
    /// Stop a replay; what it did stays done
    Stop {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the replay
        replay: String,
    },
}

/// What a replay is for, beside offers and time.
#[derive(clap::Args)]
pub(super) struct Selection {
    /// Only leads that fulfil this condition, written as a route's filter is
    #[arg(long)]
    filter: Option<String>,
    /// Only leads of this source
    #[arg(long)]
    source: Option<String>,
    /// Only leads of this action
    #[arg(long)]
    action: Option<String>,
    /// Only what is parked there, whatever routes say; what is delivered there; or what was never brought there
    #[arg(long, value_parser = ["parked", "delivered", "missing"])]
    state: Option<String>,
    /// Only what is parked for this cause, as `leadwire failure list` names it
    #[arg(long, requires = "state")]
    cause: Option<String>,
    /// Map with this version of the destination's mapping, a number of `leadwire destination mappings`, or `current`
    #[arg(long, requires = "to", value_name = "VERSION")]
    mapping: Option<String>,
}

const HEADS: [&str; 8] = ["REPLAY", "STATE", "TO", "OFFER", "SEEN", "ADDED", "AGAIN", "UNROUTED"];

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::Start { publisher, to, offer, from, until, force, selection, dry_run } => {
            let Selection { filter, source, action, state, cause, mapping } = *selection;
            let new = wire::NewReplay {
                destination: to,
                offer,
                from,
                until,
                force,
                filter,
                source,
                action,
                state,
                cause,
                mapping,
                dry_run,
            };
            let made = client.post(&["v1", "replays"], &[("publisher", publisher.as_str())], &new).await?;
            let id = client::shape::<wire::Replay>(made.clone())?.id;
            out.one(made, |it: wire::Replay| it.id)?;
            out.note(&format!(
                "It runs in the service. `leadwire replay show {publisher} {id}` says how far it is."
            ));
        }
        Command::List { publisher, wanted } => {
            let mut heads: &[&str] = &HEADS;
            let query = [("publisher", publisher.as_str())];
            let has_more = client.pages(&["v1", "replays"], &query, wanted, |rows| {
                out.rows(rows, std::mem::take(&mut heads), row)
            });
            if has_more.await? {
                out.note("There are more: --all shows every replay, --limit more of them.");
            }
        }
        Command::Show { publisher, replay } => {
            let path = ["v1", "replays", &replay];
            out.one(client.get(&path, &[("publisher", publisher.as_str())]).await?, |it| text(&it))?;
        }
        Command::Pause { publisher, replay } => act(&client, out, &publisher, (&replay, "pause")).await?,
        Command::Resume { publisher, replay } => act(&client, out, &publisher, (&replay, "resume")).await?,
        Command::Stop { publisher, replay } => act(&client, out, &publisher, (&replay, "stop")).await?,
    }
    Ok(ExitCode::Ok)
}

async fn act(
    client: &Client,
    out: Output,
    publisher: &PublisherId,
    (replay, act): (&str, &str),
) -> anyhow::Result<()> {
    let path = ["v1", "replays", replay, act];
    out.one(client.act(&path, &[("publisher", publisher.as_str())]).await?, |it| text(&it))
}

fn row(it: wire::Replay) -> Vec<String> {
    let [seen, added, again, unrouted] = [it.seen, it.added, it.again, it.unrouted].map(|it| it.to_string());
    let state = if it.dry_run { format!("{} (dry run)", it.state) } else { it.state };
    vec![it.id, state, or_dash(it.destination), it.offer, seen, added, again, unrouted]
}

fn text(it: &wire::Replay) -> String {
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    let looked = it.total.map_or(it.looked.to_string(), |total| format!("{} of {total}", it.looked));
    let mut text = fields(&[
        ("replay", &it.id),
        ("state", &it.state),
        ("progress", &format!("{:.0} %", it.progress * 100.0)),
        ("dry run", if it.dry_run { "yes: it only counts" } else { "" }),
        ("to", it.destination.as_deref().unwrap_or("wherever routes lead, what no route took")),
        ("offers", &it.offer),
        ("filter", &some(&it.filter)),
        ("source", &some(&it.source)),
        ("action", &some(&it.action)),
        ("only", &some(&it.only)),
        ("cause", &some(&it.cause)),
        ("mapping", &it.mapping.map(|it| format!("version {it}")).unwrap_or_default()),
        ("force", if it.force { "yes: what is delivered is sent again" } else { "" }),
        ("looked at", &looked),
        ("seen", &it.seen.to_string()),
        ("added", &it.added.to_string()),
        ("due again", &it.again.to_string()),
        ("held back", &it.held.to_string()),
        ("unrouted", &it.unrouted.to_string()),
        ("from", &some(&it.from)),
        ("before", &it.until),
        ("asked for", &it.created_at),
        ("by", it.asker.as_deref().or(it.asked_by.as_deref()).unwrap_or_default()),
        ("ended", it.ended_at.as_deref().unwrap_or_default()),
    ]);
    if !it.tallies.is_empty() {
        text.push_str(if it.dry_run { "\nwould do\n" } else { "\ndid\n" });
    }
    for tally in &it.tallies {
        let to = tally.destination.as_deref().map(|it| format!(" to {}", harmless(it))).unwrap_or_default();
        text.push_str(&format!("  {:>8}  {}{to}: {}\n", tally.count, tally.what, harmless(&tally.why)));
    }
    text
}
