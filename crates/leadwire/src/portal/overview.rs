//! The first page: where everything is, what needs somebody today, and how leads fare by offer and source.

use super::chart::{self, Piece};
use super::shell::Shell;
use super::visit::{LATELY, Visit};
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

const BY_OFFER: [(&str, &str); 2] = [("by", "offer"), LATELY[0]];
const BY_SOURCE: [(&str, &str); 2] = [("by", "source"), LATELY[0]];

#[derive(Template)]
#[template(path = "portal/overview.html")]
struct OverviewPage {
    shell: Shell,
    ledger: wire::Ledger,
    sums: Vec<(&'static str, u64)>,
    owed: u64,
    bar: Vec<Piece>,
    needs: Vec<Need>,
    days: Days,
    destinations: Vec<wire::Destination>,
    /// What is done and what is missing before leads flow; empty once all of it is done.
    begin: Vec<Begin>,
    begun: u64,
}

/// What came in the last days, by two keys.
struct Days {
    total: wire::ReportRow,
    by_offer: Vec<Row>,
    by_source: Vec<Row>,
    /// Whether one of them is still being counted.
    counting: bool,
}

/// A step of somebody new.
struct Begin {
    is_done: bool,
    what: String,
    url: String,
}

/// Something that a person should see to.
struct Need {
    icon: &'static str,
    what: String,
    why: String,
    /// Whether that is what a destination or the API says, in English.
    is_told: bool,
    url: String,
}

/// A row of the funnel with its bar.
struct Row {
    it: wire::ReportRow,
    bar: [(&'static str, u64); 3],
}

#[derive(Template)]
#[template(path = "portal/empty.html")]
struct EmptyPage {
    shell: Shell,
}

/// `GET /`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    if visit.publisher().is_none() {
        let page = EmptyPage { shell: visit.shell("overview-title") };
        return Ok(super::visit::html(StatusCode::OK, &page));
    }
    let ledger: wire::Ledger = visit.ask(Wish::get("/v1/ledger").with(&LATELY)).await?;
    let offers: wire::Report = visit.ask(Wish::get("/v1/reports").with(&BY_OFFER)).await?;
    let sources: wire::Report = visit.ask(Wish::get("/v1/reports").with(&BY_SOURCE)).await?;
    let days = Days {
        counting: offers.counting || sources.counting,
        total: offers.total,
        by_offer: rows(offers.rows),
        by_source: rows(sources.rows),
    };
    let destinations: wire::List<wire::Destination> = visit.ask(Wish::get("/v1/destinations")).await?;
    let failures: wire::List<wire::FailureGroup> = visit.ask(Wish::get("/v1/failures")).await?;
    let sum = |of: fn(&wire::Account) -> u64| ledger.destinations.iter().map(of).sum::<u64>();
    let sums = vec![
        ("delivered", sum(|it| it.delivered)),
        ("waiting", sum(|it| it.pending)),
        ("parked", sum(|it| it.parked)),
        ("suppressed", sum(|it| it.suppressed)),
        ("erased", sum(|it| it.erased)),
    ];
    let shell = visit.shell("overview-title");
    let begin = begin(&visit, &shell, (&ledger, &destinations.items)).await?;
    let page = OverviewPage {
        begun: begin.iter().filter(|it| it.is_done).count() as u64,
        begin,
        owed: sum(|it| it.accepted),
        bar: chart::pieces(&sums),
        sums,
        needs: needs(&shell, (&ledger, &destinations.items, &failures.items)),
        days,
        destinations: destinations.items,
        ledger,
        shell,
    };
    Ok(visit.page(&page))
}

/// The steps of somebody new, with their real state, for who may take them and until all are taken.
async fn begin(
    visit: &Visit,
    shell: &Shell,
    (ledger, destinations): (&wire::Ledger, &[wire::Destination]),
) -> Result<Vec<Begin>, Problem> {
    if !visit.may(Action::ChangeSetup) {
        return Ok(Vec::new());
    }
    let offers: wire::List<wire::Offer> = visit.ask(Wish::get("/v1/offers")).await?;
    let routes: wire::List<wire::Route> = visit.ask(Wish::get("/v1/routes")).await?;
    let addresses: wire::List<wire::IntakeAddress> = visit.ask(Wish::get("/v1/intake-addresses")).await?;
    let is_live = offers.items.iter().any(|it| it.state == "live") || !addresses.items.is_empty();
    let destination = match destinations {
        [] => shell.to("/connect"),
        [one, ..] => shell.to_one("/destinations", &one.name),
    };
    let offer = match offers.items.as_slice() {
        [] => shell.to("/offers"),
        [one, ..] => shell.to_one("/offers", &one.id),
    };
    let has_come = ledger.touchpoints > 0 || ledger.counting;
    let all = [
        ("begin-destination", !destinations.is_empty(), shell.to("/connect")),
        ("begin-check", destinations.iter().any(|it| it.test_lead.is_some()), destination),
        ("begin-offer", !offers.items.is_empty(), shell.to("/offers")),
        ("begin-route", !routes.items.is_empty(), shell.to("/routes")),
        // A lead that came is proof of a way in, by the API too.
        ("begin-live", is_live || has_come, offer),
        ("begin-lead", has_come, shell.to("/leads")),
    ];
    if all.iter().all(|it| it.1) {
        return Ok(Vec::new());
    }
    let step = |(key, is_done, url): (&str, bool, String)| Begin { is_done, what: shell.say(key), url };
    Ok(all.into_iter().map(step).collect())
}

/// Most rows of a funnel; a report has them all.
const ROWS_MAX: usize = 12;

fn rows(mut all: Vec<wire::ReportRow>) -> Vec<Row> {
    all.truncate(ROWS_MAX);
    let most = all.iter().map(|it| it.leads).max().unwrap_or(0);
    let bar = |it: &wire::ReportRow| {
        [("came", it.leads), ("arrived", it.leads_delivered), ("qualified", it.qualified)]
            .map(|(name, count)| (name, chart::length(count, most)))
    };
    all.into_iter().map(|it| Row { bar: bar(&it), it }).collect()
}

fn needs(
    shell: &Shell,
    (ledger, destinations, failures): (&wire::Ledger, &[wire::Destination], &[wire::FailureGroup]),
) -> Vec<Need> {
    let mut all = Vec::new();
    for it in destinations {
        let Some(pause) = &it.pause else { continue };
        all.push(Need {
            icon: "paused",
            what: shell.say_with("need-paused", &it.name),
            why: pause.message.clone(),
            is_told: true,
            url: shell.to("/destinations"),
        });
    }
    for it in failures {
        all.push(Need {
            icon: "bad",
            what: format!("{}: {}", it.destination, shell.say_count("need-parked", &it.count)),
            why: it.fix.clone(),
            is_told: true,
            url: shell.to("/failures"),
        });
    }
    if ledger.unrouted > 0 {
        all.push(Need {
            icon: "kept",
            what: shell.say_count("need-unrouted", &ledger.unrouted),
            why: shell.say("need-unrouted-why"),
            is_told: false,
            url: shell.to("/unrouted"),
        });
    }
    if ledger.quarantined > 0 {
        all.push(Need {
            icon: "kept",
            what: shell.say_count("need-quarantined", &ledger.quarantined),
            why: shell.say("need-quarantined-why"),
            is_told: false,
            url: shell.to("/quarantine"),
        });
    }
    all
}
