//! Destinations: whether each takes leads, what waits for it, and what may be called.

use super::shell::Shell;
use super::visit::{LATELY, Visit};
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::response::Response;

#[derive(Template)]
#[template(path = "portal/destinations.html")]
struct DestinationsPage {
    shell: Shell,
    rows: Vec<Row>,
    may_change: bool,
}

struct Row {
    it: wire::Destination,
    kind: &'static str,
    account: wire::Account,
}

/// `GET /destinations`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    let all: wire::List<wire::Destination> = visit.ask(Wish::get("/v1/destinations")).await?;
    // The ledger is of leads; whoever may not read them sees destinations without counts.
    let mut accounts = match visit.may(Action::ReadLeads) {
        true => visit.ask::<wire::Ledger>(Wish::get("/v1/ledger").with(&LATELY)).await?.destinations,
        false => Vec::new(),
    };
    let rows = all.items.into_iter().map(|it| {
        let found = accounts.iter().position(|account| account.name == it.name);
        let account = found.map(|at| accounts.swap_remove(at)).unwrap_or_else(|| none_of(&it));
        let kind = leadwire_connect::kind(&it.kind).map_or("", |it| it.title);
        Row { kind, it, account }
    });
    let page = DestinationsPage {
        rows: rows.collect(),
        may_change: visit.may(Action::ChangeSetup),
        shell: visit.shell("destinations-title"),
    };
    Ok(visit.page(&page))
}

/// The account of a destination to which nothing came.
pub(super) fn none_of(it: &wire::Destination) -> wire::Account {
    wire::Account {
        name: it.name.clone(),
        kind: it.kind.clone(),
        accepted: 0,
        pending: 0,
        delivered: 0,
        parked: 0,
        suppressed: 0,
        erased: 0,
        attempts: 0,
    }
}
