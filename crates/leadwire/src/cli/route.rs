//! `leadwire route`: which leads go to which destination, in which order, and why.

use super::client::Wanted;
use super::exit_code::ExitCode;
use super::{Session, routing};
use crate::api::wire;
use leadwire_core::id::PublisherId;
use serde_json::json;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire route add contoso --offer crm-pro --to my-endpoint
  leadwire route add contoso --offer 'crm-*' --to sales \\
    --when \"customer.country_code=='HU'\" --stop
  leadwire route set contoso rte_01hzx2g7q0abcdefghjkmnpqrs --when test
  leadwire route move contoso rte_01hzx2g7q0abcdefghjkmnpqrs --at 1
  leadwire route explain contoso lead_01hzx2g7q0abcdefghjkmnpqrs
  leadwire route test contoso lead.json --when 'has(customer.phone)'
  leadwire route unrouted contoso

A filter is an expression in CEL, such as
  customer.country_code in ['HU', 'TR'] && !customer.email.endsWith('@example.com') && campaign.utm_source == 'x'
docs/routes.md says what can be asked.";

/// What can be done with routes.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Send an offer's leads to a destination, from now on
    Add {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// The offer, the start of offers' ids with a '*' behind it, or '*' for every offer of the publisher
        #[arg(long)]
        offer: String,
        /// Name or number of the destination
        #[arg(long, value_name = "DESTINATION")]
        to: String,
        /// Only leads that fulfil this filter
        #[arg(long, value_name = "FILTER")]
        when: Option<String>,
        /// What this route takes is not looked at by later routes
        #[arg(long)]
        stop: bool,
        /// Its place among the routes, from 1; the last unless said
        #[arg(long, value_name = "PLACE")]
        at: Option<usize>,
    },
    /// Change a route
    Set {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the route
        route: String,
        /// The offer, the start of ids with a '*' behind it, or '*'
        #[arg(long)]
        offer: Option<String>,
        /// Name or number of the destination
        #[arg(long, value_name = "DESTINATION")]
        to: Option<String>,
        /// Only leads that fulfil this filter; '' takes the filter away
        #[arg(long, value_name = "FILTER")]
        when: Option<String>,
        /// Whether what this route takes is kept from later routes
        #[arg(long, value_name = "YES_OR_NO", value_parser = yes_or_no)]
        stop: Option<bool>,
    },
    /// Move a route to another place in the order
    Move {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the route
        route: String,
        /// Its new place, from 1
        #[arg(long, value_name = "PLACE")]
        at: usize,
    },
    /// List a publisher's routes, in the order in which they are looked at
    List {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
    },
    /// Remove a route; what it brought on the way stays on the way
    Remove {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the route
        route: String,
    },
    /// Say why each touchpoint of a lead went, or did not go, to each destination
    Explain {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the lead
        lead: String,
    },
    /// Say where a lead from a file would go, and why; nothing is stored
    Test {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// File with one lead in JSON; `-` is standard input
        file: String,
        /// A filter to try beside the routes
        #[arg(long, value_name = "FILTER")]
        when: Option<String>,
    },
    /// List touchpoints that no route took; they are kept, and `leadwire replay start` brings them
    Unrouted {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Only those of this offer
        #[arg(long)]
        offer: Option<String>,
        /// Those of which some filter could not be told, routed or not
        #[arg(long)]
        troubled: bool,
        #[command(flatten)]
        wanted: Wanted,
    },
}

fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("write yes or no"),
    }
}

const HEADS: [&str; 6] = ["ROUTE", "PLACE", "OFFER", "DESTINATION", "WHEN", "THEN"];

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::Add { publisher, offer, to, when, stop, at } => {
            let new = wire::NewRoute { offer, destination: to, filter: when, stop, position: at };
            let made = client.post(&["v1", "routes"], &[("publisher", publisher.as_str())], &new).await?;
            out.one(made, |it: wire::Route| it.id)?;
            let which = if new.filter.is_some() { "that fulfil the filter and " } else { "" };
            out.note(&format!(
                "Leads of {} {which}that come from now on go to {}.",
                new.offer, new.destination
            ));
        }
        Command::Set { publisher, route, offer, to, when, stop } => {
            let change = wire::RouteChange { offer, destination: to, filter: when, stop, position: None };
            change_route(session, &publisher, &route, &change).await?;
        }
        Command::Move { publisher, route, at } => {
            let change = wire::RouteChange { position: Some(at), ..wire::RouteChange::default() };
            change_route(session, &publisher, &route, &change).await?;
        }
        Command::List { publisher } => {
            let rows = client.list(&["v1", "routes"], &[("publisher", publisher.as_str())]).await?;
            out.rows(rows, &HEADS, row)?;
        }
        Command::Remove { publisher, route } => {
            client.delete(&["v1", "routes", &route], &[("publisher", publisher.as_str())]).await?;
            if out.json {
                out.value(&json!({ "removed": route }))?;
            }
            out.note("Removed. What is on its way already stays on its way.");
        }
        Command::Explain { publisher, lead } => routing::explain(session, &publisher, &lead).await?,
        Command::Test { publisher, file, when } => routing::test(session, &publisher, &file, when).await?,
        Command::Unrouted { publisher, offer, troubled, wanted } => {
            let which = if troubled { "troubled" } else { "unrouted" };
            routing::list(session, (&publisher, offer.as_deref(), which), wanted).await?;
        }
    }
    Ok(ExitCode::Ok)
}

async fn change_route(
    session: &Session,
    publisher: &PublisherId,
    route: &str,
    change: &wire::RouteChange,
) -> anyhow::Result<()> {
    let path = ["v1", "routes", route];
    let changed = session.client()?.patch(&path, &[("publisher", publisher.as_str())], change).await?;
    session.out.rows(vec![changed], &HEADS, row)?;
    session
        .out
        .note("It holds for leads that come from now on; `leadwire replay start` routes kept ones anew.");
    Ok(())
}

fn row(it: wire::Route) -> Vec<String> {
    let when = match it.problem {
        Some(problem) => format!("cannot be read: {problem}"),
        None => it.filter.unwrap_or_else(|| "always".to_owned()),
    };
    let then = if it.stop { "stop" } else { "go on" };
    vec![it.id, it.position.to_string(), it.offer, it.destination, when, then.to_owned()]
}
