//! Daily statements: what came on each day and where it went, to look at and to keep.

use super::shell::Shell;
use super::visit::{Visit, attachment};
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::response::Response;

#[derive(Template)]
#[template(path = "portal/statements.html")]
struct StatementsPage {
    shell: Shell,
    rows: Vec<Row>,
    next: Option<String>,
    is_first: bool,
}

/// A day.
struct Row {
    it: wire::Statement,
    delivered: u64,
    waiting: u64,
    parked: u64,
}

/// Days on a page: a month.
const DAYS_SHOWN: &str = "31";

/// `GET /settings/statements`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    let query = [("limit", DAYS_SHOWN), ("cursor", visit.asked("cursor"))];
    let found: wire::Page<wire::Statement> = visit.ask(Wish::get("/v1/statements").with(&query)).await?;
    let rows = found.items.into_iter().map(|it| {
        let sum = |of: fn(&wire::PlacesOfDay) -> u64| it.statement.destinations.iter().map(of).sum();
        Row {
            delivered: sum(|it| it.delivered),
            waiting: sum(|it| it.pending),
            parked: sum(|it| it.parked),
            it,
        }
    });
    let page = StatementsPage {
        rows: rows.collect(),
        next: found.next,
        is_first: visit.asked("cursor").is_empty(),
        shell: visit.shell("tab-statements"),
    };
    Ok(visit.page(&page))
}

/// `GET /settings/statements/{day}`
pub(super) async fn load(visit: Visit) -> Result<Response, Problem> {
    let query = [("day", visit.place("day"))];
    let found: wire::Page<wire::Statement> = visit.ask(Wish::get("/v1/statements").with(&query)).await?;
    let it = found.items.into_iter().next().ok_or_else(Problem::not_found)?;
    let name = format!("statement-{}-{}.json", it.statement.publisher, it.statement.day);
    let text = serde_json::to_string_pretty(&it).map_err(|it| Problem::internal(it.to_string()))?;
    Ok(attachment(&name, "application/json", text + "\n"))
}
