//! Touchpoints that no route took: what was kept and went nowhere.

use super::shell::Shell;
use super::visit::Visit;
use crate::access::Action;
use crate::api::{Problem, wire};
use askama::Template;
use axum::response::Response;

#[derive(Template)]
#[template(path = "portal/unrouted.html")]
struct UnroutedPage {
    shell: Shell,
    rows: Vec<wire::TouchpointRow>,
    next: Option<String>,
    is_first: bool,
    may_retry: bool,
}

/// `GET /unrouted`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    let found = visit.ask_rows::<wire::TouchpointRow>("/v1/touchpoints").await?;
    let page = UnroutedPage {
        shell: visit.shell("unrouted-title"),
        rows: found.items,
        next: found.next,
        is_first: visit.asked("cursor").is_empty(),
        may_retry: visit.may(Action::RetryDeliveries),
    };
    Ok(visit.page(&page))
}
