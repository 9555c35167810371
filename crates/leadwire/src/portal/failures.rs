//! What is parked, in groups by destination and cause, with what to do and a button to try all of a group again.

use super::shell::Shell;
use super::visit::Visit;
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::response::Response;

#[derive(Template)]
#[template(path = "portal/failures.html")]
struct FailuresPage {
    shell: Shell,
    groups: Vec<wire::FailureGroup>,
    replays: Vec<wire::Replay>,
    may_retry: bool,
}

/// Replays that are shown: the newest.
const REPLAYS_SHOWN: &str = "5";

/// `GET /failures`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    let groups: wire::List<wire::FailureGroup> = visit.ask(Wish::get("/v1/failures")).await?;
    let newest = [("limit", REPLAYS_SHOWN)];
    let replays: wire::Page<wire::Replay> = visit.ask(Wish::get("/v1/replays").with(&newest)).await?;
    let page = FailuresPage {
        shell: visit.shell("failures-title"),
        groups: groups.items,
        replays: replays.items,
        may_retry: visit.may(Action::RetryDeliveries),
    };
    Ok(visit.page(&page))
}

/// `POST /failures/retry`
pub(super) async fn retry(visit: Visit) -> Result<Response, Problem> {
    let places = [("destination", visit.field("destination"))];
    let query = [("cause", visit.field("cause"))];
    let wish = Wish::post("/v1/destinations/{destination}/retry-parked").at(&places).with(&query);
    let _: wire::Retried = visit.ask(wish).await?;
    Ok(visit.done("/failures", "retried"))
}
