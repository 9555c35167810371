//! `leadwire destination`: where a publisher's leads go.

use super::client::{self, Client};
use super::delivery::retry_parked;
use super::exit_code::ExitCode;
use super::output::{Output, fields, or_dash};
use super::settings::{self, Setting};
use super::{Session, feedback, output, proof};
use crate::api::{connector_shape, wire};
use leadwire_core::id::PublisherId;
use serde_json::{Value, json};

pub(super) const EXAMPLES: &str = "Examples:
  leadwire destination add contoso my-endpoint --kind https --set url=https://example.com/leads
  leadwire destination add contoso flow --kind https --set url=@flow.txt --set format=partner_center
  leadwire destination validate contoso my-endpoint
  leadwire destination preview contoso my-endpoint --touchpoint tp_…

Settings and their values: `leadwire connector show https`.";

/// What can be done with destinations.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Add a destination; a signing secret that is made for it is printed, this once
    Add {
        #[command(flatten)]
        which: Which,
        /// The connector; see `leadwire connector list`
        #[arg(long)]
        kind: String,
        /// A setting: name=value, name=@file, or name=- for standard input
        #[arg(long = "set", value_name = "NAME=VALUE", value_parser = settings::setting)]
        settings: Vec<Setting>,
    },
    /// List a publisher's destinations
    List {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
    },
    /// Show a destination: its settings, whether it is paused, and why
    Show(Which),
    /// Change some settings; the others stay
    Update {
        #[command(flatten)]
        which: Which,
        /// A setting: name=value, name=@file, or name=- for standard input
        #[arg(long = "set", value_name = "NAME=VALUE", value_parser = settings::setting)]
        settings: Vec<Setting>,
        /// A setting to take away
        #[arg(long = "unset", value_name = "NAME", required_unless_present = "settings")]
        unset: Vec<String>,
    },
    /// Go the whole way a lead takes, with a test lead that is taken away again, and see step by step how it went
    Validate {
        #[command(flatten)]
        which: Which,
        /// Sign in and look, but write no test lead
        #[arg(long)]
        look_only: bool,
    },
    /// Write a test lead that stays for people to find
    TestLead(Which),
    /// Show the exact requests for a lead, without sending them; for a test lead when none is given
    Preview {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        subject: proof::Subject,
    },
    /// Make at the destination what leads need there, such as a field for their id, where that is permitted
    Prepare(Which),
    /// List the kinds of destinations and their settings; needs no service
    Kinds,
    /// Show what was to be told of it: pauses, failed looks, credentials that end
    Notices(Which),
    /// List the versions of its mapping, newest first; `leadwire replay start --mapping` maps with one of them
    Mappings(Which),
    /// Show how reading from it what became of leads stands
    Feedback(Which),
    /// Hold its leads; none is lost
    Pause(Which),
    /// Let its leads go again
    Resume(Which),
    /// Remove a destination to which nothing is owed
    Remove(Which),
    /// Put all its parked deliveries back to work
    RetryParked(Which),
}

/// A destination of a publisher.
#[derive(clap::Args)]
pub(super) struct Which {
    /// Whose
    #[arg(value_parser = super::publisher_id)]
    publisher: PublisherId,
    /// Its name, or its number
    name: String,
}

impl Which {
    fn path(&self) -> [&str; 3] {
        ["v1", "destinations", &self.name]
    }

    /// The way to something that can be done with it.
    pub(super) fn path_to<'a>(&'a self, verb: &'a str) -> [&'a str; 4] {
        ["v1", "destinations", &self.name, verb]
    }

    /// Its name, or its number.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn query(&self) -> [(&str, &str); 1] {
        [("publisher", self.publisher.as_str())]
    }
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let out = session.out;
    if matches!(command, Command::Kinds) {
        return kinds(out);
    }
    let client = session.client()?;
    match command {
        Command::Validate { which, look_only } => {
            return proof::validate(&client, out, &which, look_only).await;
        }
        Command::TestLead(which) => return proof::test_lead(&client, out, &which).await,
        Command::Preview { which, subject } => return proof::preview(&client, out, &which, subject).await,
        Command::Prepare(which) => return proof::prepare(&client, out, &which).await,
        Command::Kinds => return kinds(out),
        Command::Feedback(which) => {
            let answer = client.get(&which.path_to("feedback"), &which.query()).await?;
            out.one(answer, |it| feedback::text(&it))?;
        }
        Command::Notices(which) => {
            let rows = client.list(&which.path_to("notices"), &which.query()).await?;
            let heads = ["WHEN", "WHAT", "WHY", "WHAT TO DO", "TOLD"];
            out.rows(rows, &heads, |it: wire::Notice| vec![it.at, it.kind, it.message, it.fix, it.told])?;
        }
        Command::Add { which, kind, settings } => add(&client, session, which, kind, &settings).await?,
        Command::List { publisher } => {
            let rows = client.list(&["v1", "destinations"], &[("publisher", publisher.as_str())]).await?;
            let heads = ["NAME", "NUMBER", "KIND", "STATE", "SINCE", "WHY"];
            out.rows(rows, &heads, |it: wire::Destination| {
                let (since, why) = it.pause.map(|pause| (pause.since, pause.message)).unzip();
                vec![it.name, it.number.to_string(), it.kind, it.state, or_dash(since), or_dash(why)]
            })?;
        }
        Command::Show(which) => out.one(client.get(&which.path(), &which.query()).await?, |it| text(&it))?,
        Command::Mappings(which) => mappings(&client, out, &which).await?,
        Command::Update { which, settings, unset } => {
            let now: wire::Destination = client::shape(client.get(&which.path(), &which.query()).await?)?;
            let mut settings = settings::collect(&now.kind, &settings)?;
            settings.extend(unset.into_iter().map(|it| (it, Value::Null)));
            let change = wire::DestinationChange { settings };
            let changed = client.patch(&which.path(), &which.query(), &change).await?;
            out.one(changed.clone(), |it| text(&it))?;
            if !out.json {
                show_signing_secret(out, client::shape(changed)?)?;
            }
        }
        Command::Pause(which) => {
            out.one(act(&client, &which, "pause").await?, |it| text(&it))?;
            out.note("Its leads wait until `leadwire destination resume`; none is lost.");
        }
        Command::Resume(which) => out.one(act(&client, &which, "resume").await?, |it| text(&it))?,
        Command::Remove(which) => {
            client.delete(&which.path(), &which.query()).await?;
            if out.json {
                out.value(&json!({ "removed": which.name }))?;
            }
            out.note(&format!("Removed destination {}. What was delivered stays in the ledger.", which.name));
        }
        Command::RetryParked(which) => {
            retry_parked(&client, out, &which.publisher, (&which.name, None)).await?
        }
    }
    Ok(ExitCode::Ok)
}

async fn mappings(client: &Client, out: Output, which: &Which) -> anyhow::Result<()> {
    let rows = client.list(&which.path_to("mappings"), &which.query()).await?;
    out.rows(rows, &["VERSION", "WRITTEN", "BY", "ROWS"], |it: wire::MappingVersion| {
        let rows: Vec<String> = it
            .mapping
            .iter()
            .map(|(field, from)| format!("{field} = {}", from.as_deref().unwrap_or_default()))
            .collect();
        let number = if it.current { format!("{} (current)", it.number) } else { it.number.to_string() };
        vec![number, it.created_at, or_dash(it.created_by), rows.join("; ")]
    })
}

/// The connectors of this program, as the service would list them.
fn kinds(out: Output) -> anyhow::Result<ExitCode> {
    let rows = leadwire_connect::CONNECTORS.iter().map(connector_shape).map(serde_json::to_value);
    let rows: Vec<Value> = rows.collect::<Result<_, _>>()?;
    out.rows(rows, &["KIND", "TITLE", "WHAT FOR"], |it: wire::Connector| {
        vec![it.name, it.title, it.summary]
    })?;
    Ok(ExitCode::Ok)
}

async fn add(
    client: &Client,
    session: &Session,
    which: Which,
    kind: String,
    settings: &[Setting],
) -> anyhow::Result<()> {
    let out = session.out;
    let settings = settings::collect(&kind, settings)?;
    let new = wire::NewDestination { name: which.name.clone(), kind, settings };
    let made = client.post(&["v1", "destinations"], &which.query(), &new).await?;
    let publisher = &which.publisher;
    out.note(&format!(
        "Added destination {}. Next: leadwire route add {publisher} --offer '*' --to {}",
        new.name, new.name
    ));
    if out.json {
        return out.value(&made);
    }
    show_signing_secret(out, client::shape(made)?)
}

/// Shows the signing secret that Leadwire made, if it did.
fn show_signing_secret(out: Output, destination: wire::Destination) -> anyhow::Result<()> {
    if let Some(secret) = destination.signing_secret {
        out.note(
            "Signing secret, shown this once. Give it to whoever runs the receiver: it checks the signature of every \
             request with it (Standard Webhooks), and so knows that the lead comes from here:",
        );
        out.line(&secret)?;
    }
    Ok(())
}

async fn act(client: &Client, which: &Which, verb: &str) -> anyhow::Result<Value> {
    client.act(&["v1", "destinations", &which.name, verb], &which.query()).await
}

/// The calls of each window, and what is to be expected.
fn budget_text(it: &wire::Budget) -> String {
    // An account that is the destination's own has no name that says anything to people.
    let mut text = match it.account.starts_with("destination:") {
        true => "\nbudget\n".to_owned(),
        false => format!("\nbudget of {}\n", output::harmless(&it.account)),
    };
    for window in &it.windows {
        let left = match (window.left, window.limit) {
            (Some(left), Some(limit)) => format!("{left} of {limit} calls left"),
            _ => "the service has not said yet how many calls it allows".to_owned(),
        };
        text.push_str(&format!(
            "  in {}: {left}; used {}, by others {}, kept for others {} %\n",
            length(window.seconds),
            window.used,
            window.used_by_others,
            window.kept_percent
        ));
    }
    if let Some(at) = &it.drained_at {
        let line = match it.waiting_more {
            true => format!("  at least {} waiting, sent by {at} at the earliest\n", it.waiting),
            false => format!("  {} waiting, sent by {at}\n", it.waiting),
        };
        text.push_str(&line);
    }
    if let Some(at) = &it.lasts_until {
        text.push_str(&format!("  at the pace of the last hour it lasts until {at}\n"));
    }
    text
}

/// The backlog that is under way in one file.
fn job_text(it: &wire::BulkJob) -> String {
    let name = it.reference.as_deref().map(|it| format!(" {}", output::harmless(it))).unwrap_or_default();
    let mut text =
        format!("\nbulk job{name}\n  {} deliveries, {} since {}\n", it.deliveries, it.state, it.begun_at);
    if let Some(at) = &it.look_at {
        text.push_str(&format!("  asked after {} times, next at {at}\n", it.looks));
    }
    text
}

fn length(seconds: u64) -> String {
    match seconds {
        86_400 => "a day".to_owned(),
        60 => "a minute".to_owned(),
        it if it % 60 == 0 => format!("{} minutes", it / 60),
        it => format!("{it} seconds"),
    }
}

fn text(it: &wire::Destination) -> String {
    let number = it.number.to_string();
    let pause = it.pause.as_ref();
    let mut text = fields(&[
        ("name", &it.name),
        ("number", &number),
        ("kind", &it.kind),
        ("added", &it.created_at),
        ("state", &it.state),
        ("since", pause.map_or("", |it| &it.since)),
        ("cause", pause.map_or("", |it| &it.cause)),
        ("what", pause.map_or("", |it| &it.message)),
        ("fix", pause.map_or("", |it| &it.fix)),
        ("next probe", pause.and_then(|it| it.probe_at.as_deref()).unwrap_or_default()),
    ]);
    if let Some(budget) = &it.budget {
        text.push_str(&budget_text(budget));
    }
    if let Some(job) = &it.bulk_job {
        text.push_str(&job_text(job));
    }
    text.push_str("\nsettings\n");
    for (name, value) in &it.settings {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.push_str(&format!("  {name} = {}\n", output::harmless(&value)));
    }
    text
}
