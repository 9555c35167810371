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
    account: Counts,
}

/// `GET /destinations`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    let all: wire::List<wire::Destination> = visit.ask(Wish::get("/v1/destinations")).await?;
    let mut accounts = Accounts::of(&visit).await?;
    let rows = all.items.into_iter().map(|it| {
        let kind = leadwire_connect::kind(&it.kind).map_or("", |it| it.title);
        Row { kind, account: accounts.take(&it.name), it }
    });
    let page = DestinationsPage {
        rows: rows.collect(),
        may_change: visit.may(Action::ChangeSetup),
        shell: visit.shell("destinations-title"),
    };
    Ok(visit.page(&page))
}

/// How the leads of a destination stand, for whoever may see that.
pub(super) enum Counts {
    Are(wire::Account),
    /// There is much to count, which goes on behind the page.
    Coming,
    Hidden,
}

/// The counts of all destinations.
pub(super) struct Accounts {
    all: Vec<wire::Account>,
    /// Of a destination that is not among them.
    other: fn(&str) -> Counts,
}

impl Accounts {
    /// The ledger is of leads: whoever may not read them sees destinations without counts.
    pub(super) async fn of(visit: &Visit) -> Result<Self, Problem> {
        if !visit.may(Action::ReadLeads) {
            return Ok(Self { all: Vec::new(), other: |_| Counts::Hidden });
        }
        let ledger: wire::Ledger = visit.ask(Wish::get("/v1/ledger").with(&LATELY)).await?;
        let other =
            if ledger.counting { |_: &str| Counts::Coming } else { |name: &str| Counts::Are(none_of(name)) };
        Ok(Self { all: ledger.destinations, other })
    }

    pub(super) fn take(&mut self, name: &str) -> Counts {
        match self.all.iter().position(|it| it.name == name) {
            Some(at) => Counts::Are(self.all.swap_remove(at)),
            None => (self.other)(name),
        }
    }
}

/// The account of a destination to which nothing came, or that was not there yet when they were counted.
fn none_of(name: &str) -> wire::Account {
    wire::Account {
        name: name.to_owned(),
        kind: String::new(),
        accepted: 0,
        pending: 0,
        delivered: 0,
        parked: 0,
        suppressed: 0,
        erased: 0,
        attempts: 0,
    }
}
