//! `leadwire lead`: the customers who came, what each did, and where that was brought.

use super::client::Wanted;
use super::exit_code::ExitCode;
use super::output::{fields, harmless, table};
use super::{Session, delivery};
use crate::api::wire;
use leadwire_core::id::PublisherId;
use serde_json::{Map, Value};

pub(super) const EXAMPLES: &str = "Examples:
  leadwire lead list contoso
  leadwire lead list contoso --email ada@example.com
  leadwire lead list contoso --all --json > leads.ndjson";

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
}

const HEADS: [&str; 7] = ["LEAD", "NAME", "E-MAIL", "COMPANY", "COUNTRY", "TOUCHPOINTS", "LAST"];

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::List { publisher, email, wanted } => {
            let mut query = vec![("publisher", publisher.as_str())];
            query.extend(email.as_deref().map(|it| ("email", it)));
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
    }
    Ok(ExitCode::Ok)
}

fn row(it: wire::Lead) -> Vec<String> {
    let mut name = full_name(&it.customer);
    if it.test {
        name.push_str(" (test)");
    }
    let said = |name: &str| word(&it.customer, name).to_owned();
    let (email, company, country) = (said("email"), said("company"), said("country"));
    vec![it.id, name, email, company, country, it.touchpoints.to_string(), it.updated_at]
}

fn word<'a>(customer: &'a Map<String, Value>, name: &str) -> &'a str {
    customer.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn full_name(customer: &Map<String, Value>) -> String {
    format!("{} {}", word(customer, "first_name"), word(customer, "last_name")).trim().to_owned()
}

fn text(it: &wire::LeadDetail) -> String {
    let (lead, customer) = (&it.lead, &it.lead.customer);
    let name = full_name(customer);
    let mut text = fields(&[
        ("lead", &lead.id),
        ("name", if name.is_empty() { "(not said)" } else { &name }),
        ("title", word(customer, "title")),
        ("company", word(customer, "company")),
        ("e-mail", word(customer, "email")),
        ("phone", word(customer, "phone")),
        ("country", word(customer, "country")),
        ("first came", &lead.created_at),
        ("last came", &lead.updated_at),
        ("test", if lead.test { "yes: a test of the connection, not a customer" } else { "" }),
    ]);
    text.push_str(&format!("\ntimeline, oldest first ({})\n", it.timeline.len()));
    for touchpoint in &it.timeline {
        text.push_str(&moment(touchpoint));
    }
    text.push_str(&format!("\ndeliveries, newest first ({})\n", it.deliveries.len()));
    if !it.deliveries.is_empty() {
        let rows = it.deliveries.iter().map(delivery::row).collect();
        text.push_str(&table(&delivery::HEADS, rows));
        text.push('\n');
    }
    text
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
