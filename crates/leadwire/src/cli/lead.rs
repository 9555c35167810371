//! `leadwire lead`: the customers who came, what each did, and where that was brought.

use super::client::{Client, Wanted};
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::output::{fields, harmless, table};
use super::{Session, delivery, merge};
use crate::api::wire;
use leadwire_core::id::PublisherId;
use serde::Serialize;
use serde_json::{Map, Value};

pub(super) const EXAMPLES: &str = "Examples:
  leadwire lead list contoso
  leadwire lead list contoso --email ada@example.com
  leadwire lead list contoso --find 'lovelace anal'
  leadwire lead list contoso --all --json > leads.ndjson
  leadwire lead interest contoso lead_01m8wc initial --reason no-budget
  leadwire lead do-not-contact contoso lead_01m8wc --reason phoned
  leadwire lead permit-contact contoso lead_01m8wc --reason mailed --text-version 2026-01
  leadwire lead feedback contoso lead_01m8wc qualified
  leadwire lead feedback contoso lead_01m8wc lost --reason price --at 2026-11-20T10:00:00Z
  leadwire lead suggestions contoso
  leadwire lead merge contoso lead_01m8wc --with lead_01m8wd --reason same-person
  leadwire lead unmerge contoso lead_01m8wd --reason her-brother
  leadwire lead dismiss contoso sug_01m8we --reason her-brother
  leadwire lead erase contoso lead_01m8wc --reason 'asked by mail' --yes
  leadwire lead erase contoso --email ada@example.com --reason 'asked by mail' --yes";

/// What can be done with leads.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// List leads, newest first
    List {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Only the lead with this e-mail address
        #[arg(long)]
        email: Option<String>,
        /// Only leads of whose name, company and address each of these words begins one, or with this record in the CRM
        #[arg(long, conflicts_with = "email")]
        find: Option<String>,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Show a lead: the person, the timeline, the deliveries
    Show {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the lead
        lead: String,
    },
    /// Set how interested the customer is; a newer active touchpoint raises it again
    Interest {
        #[command(flatten)]
        which: Which,
        /// How interested
        #[arg(value_parser = ["initial", "active"])]
        interest: String,
        #[command(flatten)]
        why: Why,
    },
    /// Write down that the customer must not be contacted, and tell every destination that may know the lead
    DoNotContact {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        why: Why,
    },
    /// Say what became of the lead
    Feedback {
        #[command(flatten)]
        which: Which,
        /// What became of it
        #[arg(value_parser = ["qualified", "disqualified", "converted", "lost"])]
        outcome: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        /// When it became so, as 2026-11-20T10:00:00Z; now when missing
        #[arg(long)]
        at: Option<String>,
        /// Who says so; the API key is written down in any case
        #[arg(long)]
        by: Option<String>,
    },
    /// Write down that the customer permits contact again
    PermitContact {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        why: Why,
        /// Which text the customer agreed to
        #[arg(long)]
        text_version: Option<String>,
    },
    /// Make two leads one
    Merge(merge::MergeArgs),
    /// Take a merged lead out again, as if it had never been merged
    Unmerge {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        why: Why,
    },
    /// List pairs of leads that may be one customer; nothing is merged by itself
    Suggestions(merge::SuggestionsArgs),
    /// Write down that the leads of a suggestion are two
    Dismiss(merge::DismissArgs),
    /// Erase the person behind a lead, or whoever has an address: here, and in every system that can delete
    Erase(Erase),
}

/// Whom to erase, and why.
#[derive(clap::Args)]
pub(super) struct Erase {
    /// Whose
    #[arg(value_parser = super::publisher_id)]
    publisher: PublisherId,
    /// Id of the lead
    #[arg(required_unless_present = "email", conflicts_with = "email")]
    lead: Option<String>,
    /// Whoever has this e-mail address; nobody needs to have it
    #[arg(long)]
    email: Option<String>,
    #[command(flatten)]
    why: Why,
    /// Leave the records in the systems that have them
    #[arg(long)]
    keep_crm: bool,
    /// Erase; there is no way back
    #[arg(long)]
    yes: bool,
}

/// A lead to decide about.
#[derive(clap::Args)]
pub(super) struct Which {
    /// Whose
    #[arg(value_parser = super::publisher_id)]
    pub(super) publisher: PublisherId,
    /// Id of the lead
    pub(super) lead: String,
}

/// Why, and who says so.
#[derive(clap::Args)]
pub(super) struct Why {
    /// Why; it is kept with the lead
    #[arg(long)]
    pub(super) reason: String,
    /// Who decided; the API key is written down in any case
    #[arg(long)]
    pub(super) by: Option<String>,
}

const HEADS: [&str; 8] = ["LEAD", "NAME", "E-MAIL", "COMPANY", "COUNTRY", "INTEREST", "TOUCHPOINTS", "LAST"];

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::List { publisher, email, find, wanted } => {
            let mut query = vec![("publisher", publisher.as_str())];
            query.extend(email.as_deref().map(|it| ("email", it)));
            query.extend(find.as_deref().map(|it| ("find", it)));
            let mut heads: &[&str] = &HEADS;
            let has_more = client.pages(&["v1", "leads"], &query, wanted, |rows| {
                out.rows(rows, std::mem::take(&mut heads), row)
            });
            if has_more.await? {
                out.note("There are more: --all shows every lead, --limit more of them.");
            }
        }
        Command::Show { publisher, lead } => {
            let found = client.get(&["v1", "leads", &lead], &[("publisher", publisher.as_str())]).await?;
            out.one(found, |it| text(&it))?;
        }
        Command::Interest { which, interest, why } => {
            let wish = wire::InterestWish { interest, reason: why.reason, by: why.by };
            out.one(decide(&client, &which, "interest", &wish).await?, |it| text(&it))?;
        }
        Command::DoNotContact { which, why } => {
            let wish = wire::Decision { reason: why.reason, by: why.by };
            out.one(decide(&client, &which, "do-not-contact", &wish).await?, |it| text(&it))?;
        }
        Command::Feedback { which, outcome, reason, at, by } => {
            let wish = wire::NewFeedback { outcome, reason, at, by };
            out.one(decide(&client, &which, "feedback", &wish).await?, |it| text(&it))?;
        }
        Command::PermitContact { which, why, text_version } => {
            let wish = wire::Permission { reason: why.reason, text_version, by: why.by };
            out.one(decide(&client, &which, "permit-contact", &wish).await?, |it| text(&it))?;
        }
        Command::Merge(args) => merge::merge(args, &client, out).await?,
        Command::Unmerge { which, why } => merge::unmerge(&which, why, &client, out).await?,
        Command::Suggestions(args) => merge::suggestions(args, &client, out).await?,
        Command::Dismiss(args) => merge::dismiss(args, &client, out).await?,
        Command::Erase(wish) => {
            let publisher = wish.publisher.clone();
            let made = erase(&client, wish).await?;
            let id = super::client::shape::<wire::Erasure>(made.clone())?.id;
            out.one(made, |it| super::erasure::text(&it))?;
            out.note(&format!("`leadwire erasure show {publisher} {id}` says how far it is."));
        }
    }
    Ok(ExitCode::Ok)
}

async fn erase(client: &Client, wish: Erase) -> anyhow::Result<Value> {
    if !wish.yes {
        let what = "an erased person does not come back by any command";
        return Err(Failure::new(ExitCode::Usage, what, "say --yes when that is meant").into());
    }
    let query = [("publisher", wish.publisher.as_str())];
    let crm = wish.keep_crm.then(|| "keep".to_owned());
    let (reason, by) = (wish.why.reason, wish.why.by);
    match (wish.lead, wish.email) {
        (Some(lead), _) => {
            let wish = wire::EraseWish { reason, by, crm };
            client.post(&["v1", "leads", &lead, "erase"], &query, &wish).await
        }
        (None, email) => {
            let wish = wire::NewErasure { email: email.unwrap_or_default(), reason, by, crm };
            client.post(&["v1", "erasures"], &query, &wish).await
        }
    }
}

pub(super) async fn decide(
    client: &Client,
    which: &Which,
    about: &str,
    wish: &impl Serialize,
) -> anyhow::Result<Value> {
    let path = ["v1", "leads", &which.lead, about];
    client.post(&path, &[("publisher", which.publisher.as_str())], wish).await
}

fn row(it: wire::Lead) -> Vec<String> {
    let mut name = full_name(&it.customer);
    if it.test {
        name.push_str(" (test)");
    }
    if it.do_not_contact {
        name.push_str(" (do not contact)");
    }
    if it.members > 0 {
        name.push_str(&format!(" (merged: {})", it.members + 1));
    }
    let said = |name: &str| word(&it.customer, name).to_owned();
    let (email, company, country) = (said("email"), said("company"), said("country"));
    let interest = it.interest.unwrap_or_default();
    vec![it.id, name, email, company, country, interest, it.touchpoints.to_string(), it.updated_at]
}

pub(super) fn word<'a>(customer: &'a Map<String, Value>, name: &str) -> &'a str {
    customer.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn full_name(customer: &Map<String, Value>) -> String {
    format!("{} {}", word(customer, "first_name"), word(customer, "last_name")).trim().to_owned()
}

pub(super) fn text(it: &wire::LeadDetail) -> String {
    let (lead, customer) = (&it.lead, &it.lead.customer);
    let name = full_name(customer);
    let mut text = fields(&[
        ("lead", &lead.id),
        ("shown for", it.merged_into.as_ref().map_or("", |_| "a lead that is part of it")),
        ("name", if name.is_empty() { "(not said)" } else { &name }),
        ("title", word(customer, "title")),
        ("company", word(customer, "company")),
        ("e-mail", word(customer, "email")),
        ("phone", word(customer, "phone")),
        ("country", word(customer, "country")),
        ("interest", &interest(lead, &it.standing)),
        ("contact", &contact(lead, &it.standing)),
        ("consent", &consent(&it.standing)),
        ("became", it.feedback.outcome.as_deref().unwrap_or_default()),
        ("first came", &lead.created_at),
        ("last came", &lead.updated_at),
        ("erased", it.erased_at.as_deref().unwrap_or_default()),
        ("test", if lead.test { "yes: a test of the connection, not a customer" } else { "" }),
    ]);
    text.push_str(&merge::members(&it.members));
    for field in &it.history {
        let said = |it: &wire::SaidValue| format!("    {}  ({})\n", harmless(&it.value), it.touchpoint);
        text.push_str(&format!("  {} was said in {} ways, newest first\n", field.field, field.values.len()));
        field.values.iter().for_each(|it| text.push_str(&said(it)));
    }
    text.push_str(&format!("\ntimeline, oldest first ({})\n", it.timeline.len()));
    for touchpoint in &it.timeline {
        text.push_str(&moment(touchpoint));
    }
    for act in &it.standing.decisions {
        text.push_str(&decision(act));
    }
    it.feedback.said.iter().for_each(|it| text.push_str(&said_of_it(it)));
    text.push_str(&format!("\ndeliveries, newest first ({})\n", it.deliveries.len()));
    if !it.deliveries.is_empty() {
        let rows = it.deliveries.iter().map(delivery::row).collect();
        text.push_str(&table(&delivery::HEADS, rows));
        text.push('\n');
    }
    text
}

fn said_of_it(it: &wire::Feedback) -> String {
    let who = it.destination.as_deref().or(it.who.as_deref()).unwrap_or_default();
    let reason = it.reason.as_deref().map_or_else(String::new, |it| format!(": {}", harmless(it)));
    format!("  {}  {} by {}{reason}\n", it.at, it.outcome, harmless(who))
}

fn decision(act: &wire::Act) -> String {
    let what = match act.kind.as_str() {
        "merge" | "unmerge" => act.kind.clone(),
        other => format!("{other} set to"),
    };
    let rule = act.rule.as_deref().map_or_else(String::new, |it| format!(" ({it})"));
    let (who, why) = (harmless(&act.who), harmless(&act.reason));
    format!("  {}  {what} {}{rule} by {who}: {why}\n", act.at, act.value)
}

fn interest(lead: &wire::Lead, standing: &wire::Standing) -> String {
    match (&lead.interest, &standing.interest) {
        (Some(interest), Some(why)) => format!("{interest}: {}", why.why),
        (Some(interest), None) => interest.clone(),
        (None, _) => String::new(),
    }
}

fn contact(lead: &wire::Lead, standing: &wire::Standing) -> String {
    let said = |it: &wire::Said| format!("{} by {}", it.at, it.touchpoint);
    match (&standing.refused, &standing.permitted) {
        (Some(refused), _) if lead.do_not_contact => {
            format!("must not be contacted, asked so {}", said(refused))
        }
        (Some(_), Some(permitted)) => format!("permitted again {}", said(permitted)),
        _ => String::new(),
    }
}

fn consent(standing: &wire::Standing) -> String {
    let Some(it) = &standing.consent else { return String::new() };
    let what = if it.shared { "given" } else { "withdrawn" };
    let text = it.text_version.as_deref().map_or_else(String::new, |it| format!(", text {}", harmless(it)));
    format!("{what} {}, at {}{text} ({})", it.at, or_none(&it.source, "(no source)"), it.touchpoint)
}

/// One touchpoint of a timeline: what, for which offer, and the customer's own words.
pub(super) fn moment(it: &wire::TouchpointRow) -> String {
    let (test, unrouted) =
        (if it.test { "  test" } else { "" }, if it.routed { "" } else { "  taken by no route" });
    let offer = it.offer.as_deref().unwrap_or("(no offer)");
    let (source, action) = (or_none(&it.source, "(no source)"), or_none(&it.action, "(no action)"));
    let mut text =
        format!("  {}  {source} {action}  {offer}  by {}{test}{unrouted}\n", it.received_at, it.channel);
    let notes = it.content.as_ref().and_then(|it| it.get("notes")?.as_str()).unwrap_or_default();
    for line in notes.lines() {
        text.push_str(&format!("      \u{201c}{}\u{201d}\n", harmless(line)));
    }
    text
}

fn or_none(text: &str, none: &str) -> String {
    if text.is_empty() { none.to_owned() } else { harmless(text) }
}
