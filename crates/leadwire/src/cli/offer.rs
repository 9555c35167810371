//! `leadwire offer`: what publishers list on the marketplace, and the pages on which they show it.

use super::Session;
use super::client::{self, Client};
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::output::{Output, fields, harmless};
use crate::api::wire;
use anyhow::Context;
use console::style;
use leadwire_core::id::{OfferRef, PublisherId};
use leadwire_core::limits;
use serde_json::{Value, json};
use std::io::Read;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire offer add contoso.crm-pro
  leadwire offer list contoso
  leadwire offer set contoso.crm-pro listing.json
  leadwire offer readiness contoso.crm-pro
  leadwire offer preview contoso.crm-pro
  leadwire offer go-live contoso.crm-pro
  leadwire offer embed contoso.crm-pro --action contact_me
  leadwire offer remove contoso.crm-pro";

/// What can be done with offers.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Add an offer, or give it another title
    Add {
        #[command(flatten)]
        which: Which,
        /// Its name for people; the id when missing
        #[arg(long)]
        title: Option<String>,
    },
    /// List a publisher's offers
    List {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
    },
    /// Show an offer and its listing; with --json, the listing as `offer set` takes it stands under `listing`
    Show(Which),
    /// Write an offer's listing; what is live stays until it goes live again
    Set {
        #[command(flatten)]
        which: Which,
        /// The listing as JSON: a file, or `-` for standard input
        #[arg(value_name = "FILE")]
        file: String,
    },
    /// Say what is done and what is missing before an offer goes live
    Readiness(Which),
    /// Open the preview of an offer's page, for who has its address; one before it counts no more
    Preview(Which),
    /// Show an offer's page to everybody
    GoLive(Which),
    /// Show an offer's page to nobody any more; intake by addresses and the API goes on
    Draft(Which),
    /// Print what puts an offer's form into a page of one's own
    Embed {
        #[command(flatten)]
        which: Which,
        /// Which form: test_drive, get_it_now, contact_me or purchase; the first of the page when missing
        #[arg(long)]
        action: Option<String>,
        /// A plain form without a script
        #[arg(long)]
        plain: bool,
    },
    /// Remove an offer, its listing, its routes and its intake addresses; its leads stay
    Remove(Which),
}

/// Which offer.
#[derive(clap::Args)]
pub(super) struct Which {
    /// The offer
    #[arg(value_parser = super::offer_ref, value_name = "PUBLISHER.OFFER")]
    offer: OfferRef,
}

impl Which {
    fn query(&self) -> [(&'static str, &str); 1] {
        [("publisher", self.offer.publisher.as_str())]
    }

    fn path(&self) -> [&str; 3] {
        ["v1", "offers", self.offer.offer.as_str()]
    }

    fn path_to<'a>(&'a self, what: &'a str) -> [&'a str; 4] {
        ["v1", "offers", self.offer.offer.as_str(), what]
    }
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::Add { which, title } => {
            let new = wire::NewOffer { id: which.offer.offer.to_string(), title };
            let made = client.post(&["v1", "offers"], &which.query(), &new).await?;
            if out.json {
                out.value(&made)?;
            }
            let offer = &which.offer;
            out.note(&format!("Added offer {offer}. Next: leadwire address add {offer}"));
        }
        Command::List { publisher } => {
            let rows = client.list(&["v1", "offers"], &[("publisher", publisher.as_str())]).await?;
            out.rows(rows, &["OFFER", "TITLE", "STATE", "ADDED"], |it: wire::Offer| {
                vec![it.id, it.title, it.state, it.created_at]
            })?;
        }
        Command::Show(which) => {
            out.one(client.get(&which.path(), &which.query()).await?, |it: wire::OfferDetail| detail(&it))?;
        }
        Command::Set { which, file } => {
            let listing = read_listing(&file)?;
            let made = client.put(&which.path_to("listing"), &which.query(), &listing).await?;
            let offer = &which.offer;
            show(out, made, &format!("Kept the listing of {offer}. Next: leadwire offer preview {offer}"))?;
        }
        Command::Readiness(which) => return readiness(&client, out, &which).await,
        Command::Preview(which) => {
            let made = client.act(&which.path_to("preview"), &which.query()).await?;
            out.one(made, |it: wire::OfferPreview| it.url)?;
            out.note(
                "Whoever has this address sees the page, and what is sent from there is marked as a test.",
            );
        }
        Command::GoLive(which) => {
            let made = client.act(&which.path_to("go-live"), &which.query()).await?;
            show(out, made, "Everybody sees the page now.")?;
        }
        Command::Draft(which) => {
            let made = client.act(&which.path_to("draft"), &which.query()).await?;
            show(out, made, "Nobody sees the page any more. Leads by intake addresses and the API go on.")?;
        }
        Command::Embed { which, action, plain } => {
            let mut query = which.query().to_vec();
            query.extend(action.as_deref().map(|it| ("action", it)));
            let made = client.get(&which.path_to("embed"), &query).await?;
            let origins: wire::Embed = client::shape(made.clone())?;
            out.one(made, |it: wire::Embed| if plain { it.form } else { it.script })?;
            if !plain && origins.origins.is_empty() {
                out.note("No page may hold the form yet: name its origin in `embed_origins` of the listing.");
            }
        }
        Command::Remove(which) => {
            client.delete(&which.path(), &which.query()).await?;
            let offer = &which.offer;
            if out.json {
                out.value(&json!({ "removed": offer.to_string() }))?;
            }
            out.note(&format!(
                "Removed offer {offer}, its listing, its routes and its intake addresses. Its leads stay."
            ));
        }
    }
    Ok(ExitCode::Ok)
}

fn show(out: Output, made: Value, note: &str) -> anyhow::Result<()> {
    out.one(made, |it: wire::OfferDetail| detail(&it))?;
    out.note(note);
    Ok(())
}

fn detail(it: &wire::OfferDetail) -> String {
    let listing = it.listing.as_ref();
    let actions: Vec<&str> =
        listing.map(|it| it.actions.iter().map(|it| it.action.as_str()).collect()).unwrap_or_default();
    let languages: Vec<&str> =
        listing.map(|it| it.texts.keys().map(String::as_str).collect()).unwrap_or_default();
    let changes = if it.has_changes { "what is worked on is not what everybody sees" } else { "" };
    fields(&[
        ("offer", &it.id),
        ("title", &it.title),
        ("state", &it.state),
        ("page", &it.url),
        ("live since", it.live_at.as_deref().unwrap_or_default()),
        ("changes", changes),
        ("kind", listing.map_or("", |it| &it.kind)),
        ("actions", &actions.join(", ")),
        ("languages", &languages.join(", ")),
    ])
}

async fn readiness(client: &Client, out: Output, which: &Which) -> anyhow::Result<ExitCode> {
    let found = client.get(&which.path_to("readiness"), &which.query()).await?;
    let read: wire::OfferReadiness = client::shape(found.clone())?;
    if out.json {
        out.value(&found)?;
    } else {
        for step in &read.steps {
            out.line(&line(step))?;
        }
    }
    let offer = &which.offer;
    if read.ready {
        out.note(&format!("{offer} can go live: leadwire offer go-live {offer}"));
        Ok(ExitCode::Ok)
    } else {
        out.note(&format!("{offer} cannot go live yet."));
        Ok(ExitCode::Failed)
    }
}

fn line(step: &wire::ReadinessStep) -> String {
    let sign = match (step.done, step.needed_for.as_str()) {
        (true, _) => style("✔").green(),
        (false, "advice") => style("!").yellow(),
        (false, _) => style("✘").red(),
    };
    let mut text = format!("{sign} {}", harmless(&step.message));
    if !step.fix.is_empty() {
        text.push_str(&format!("\n    {} {}", style("Fix:").bold(), harmless(&step.fix)));
    }
    text
}

fn read_listing(file: &str) -> anyhow::Result<Value> {
    let reader: Box<dyn Read> = match file {
        "-" => Box::new(std::io::stdin()),
        file => Box::new(std::fs::File::open(file).with_context(|| format!("cannot read {file}"))?),
    };
    let most = limits::SETUP_BODY_BYTES_MAX as u64;
    let mut text = String::new();
    reader.take(most + 1).read_to_string(&mut text).with_context(|| format!("{file} is not text"))?;
    let bad = |what: String| Failure::new(ExitCode::Usage, what, "see docs/listings.md for an example");
    if text.len() as u64 > most {
        return Err(bad(format!("{file} has more than {most} bytes")).into());
    }
    Ok(serde_json::from_str(&text).map_err(|error| bad(format!("{file} is not JSON: {error}")))?)
}
