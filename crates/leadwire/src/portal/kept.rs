//! What was kept and went nowhere: touchpoints that no route took, and bodies that could not be read.

use super::shell::Shell;
use super::visit::Visit;
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::response::Response;
use leadwire_core::limits;

#[derive(Template)]
#[template(path = "portal/unrouted.html")]
struct UnroutedPage {
    shell: Shell,
    rows: Vec<wire::TouchpointRow>,
    next: Option<String>,
    is_first: bool,
}

/// `GET /unrouted`
pub(super) async fn unrouted(visit: Visit) -> Result<Response, Problem> {
    let limit = limits::PORTAL_ROWS.to_string();
    let query = [("limit", limit.as_str()), ("cursor", visit.asked("cursor"))];
    let found: wire::Page<wire::TouchpointRow> = visit.ask(Wish::get("/v1/touchpoints").with(&query)).await?;
    let page = UnroutedPage {
        shell: visit.shell("unrouted-title"),
        rows: found.items,
        next: found.next,
        is_first: visit.asked("cursor").is_empty(),
    };
    Ok(visit.page(&page))
}

#[derive(Template)]
#[template(path = "portal/quarantine.html")]
struct QuarantinePage {
    shell: Shell,
    rows: Vec<wire::QuarantinedRow>,
    next: Option<String>,
    is_first: bool,
    may_retry: bool,
}

/// `GET /quarantine`
pub(super) async fn quarantine(visit: Visit) -> Result<Response, Problem> {
    let limit = limits::PORTAL_ROWS.to_string();
    let query = [("limit", limit.as_str()), ("cursor", visit.asked("cursor"))];
    let found: wire::Page<wire::QuarantinedRow> = visit.ask(Wish::get("/v1/quarantine").with(&query)).await?;
    let page = QuarantinePage {
        shell: visit.shell("quarantine-title"),
        rows: found.items,
        next: found.next,
        is_first: visit.asked("cursor").is_empty(),
        may_retry: visit.may(Action::RetryDeliveries),
    };
    Ok(visit.page(&page))
}

/// `POST /quarantine/{quarantined}/retry`
pub(super) async fn retry(visit: Visit) -> Result<Response, Problem> {
    let places = [("quarantined", visit.place("quarantined"))];
    let wish = Wish::post("/v1/quarantine/{quarantined}/retry").at(&places);
    let _: wire::QuarantineRetried = visit.ask(wish).await?;
    Ok(visit.done("/quarantine", "read-anew"))
}
