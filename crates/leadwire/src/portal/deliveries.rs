//! Deliveries: by state and destination, and one with every attempt.

use super::fields::{self, Fields};
use super::shell::Shell;
use super::views::{self, Views};
use super::visit::Visit;
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::response::Response;
use leadwire_core::limits;
use serde_json::Value;

pub(super) const STATES: [&str; 5] = ["pending", "delivered", "parked", "suppressed", "erased"];

#[derive(Template)]
#[template(path = "portal/deliveries.html")]
struct DeliveriesPage {
    shell: Shell,
    rows: Vec<wire::Delivery>,
    names: Vec<String>,
    state: String,
    destination: String,
    next: Option<String>,
    is_first: bool,
    may_retry: bool,
    views: Views,
}

impl DeliveriesPage {
    fn states(&self) -> [&'static str; 5] {
        STATES
    }

    /// The form that sends again what went, or should have gone, to the destination that is shown.
    fn again(&self) -> String {
        let state = if matches!(self.state.as_str(), "parked" | "delivered") { &self.state } else { "" };
        self.shell.link("/replays/new", &[("destination", &self.destination), ("state", state)])
    }

    /// All that is shown here, as a file.
    fn file(&self) -> String {
        self.shell.link("/deliveries/csv", &[("state", &self.state), ("destination", &self.destination)])
    }

    fn with_state(&self, state: &str) -> String {
        self.shell.link("/deliveries", &[("state", state), ("destination", &self.destination)])
    }

    fn behind(&self, cursor: &str) -> String {
        let query = [("state", self.state.as_str()), ("destination", &self.destination), ("cursor", cursor)];
        self.shell.link("/deliveries", &query)
    }
}

/// `GET /deliveries`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    let state = STATES.into_iter().find(|it| *it == visit.asked("state")).unwrap_or_default();
    let limit = limits::PORTAL_ROWS.to_string();
    let query = [
        ("limit", limit.as_str()),
        ("cursor", visit.asked("cursor")),
        ("state", state),
        ("destination", visit.asked("destination")),
    ];
    let found: wire::Page<wire::Delivery> = visit.ask(Wish::get("/v1/deliveries").with(&query)).await?;
    let all: wire::List<wire::Destination> = visit.ask(Wish::get("/v1/destinations")).await?;
    let shell = visit.shell("deliveries-title");
    let chosen = [("state", state), ("destination", visit.asked("destination"))];
    let page = DeliveriesPage {
        views: views::of(&visit, &shell, "deliveries", &chosen).await?,
        shell,
        rows: found.items,
        next: found.next,
        names: all.items.into_iter().map(|it| it.name).collect(),
        state: state.to_owned(),
        destination: visit.asked("destination").to_owned(),
        is_first: visit.asked("cursor").is_empty(),
        may_retry: visit.may(Action::RetryDeliveries),
    };
    Ok(visit.page(&page))
}

#[derive(Template)]
#[template(path = "portal/delivery.html")]
struct DeliveryPage {
    shell: Shell,
    it: wire::Delivery,
    content: wire::TouchpointRow,
    sent: String,
    fields: Fields,
    attempts: Vec<Tried>,
    may_retry: bool,
}

struct Tried {
    it: wire::Attempt,
    evidence: String,
}

/// Longest evidence of one attempt on the page, in bytes; the command line shows all of it.
const EVIDENCE_SHOWN: usize = 4000;
/// Most attempts on the page, the newest.
const ATTEMPTS_SHOWN: usize = 12;

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    if text.len() > EVIDENCE_SHOWN {
        let end = (0..=EVIDENCE_SHOWN).rev().find(|it| text.is_char_boundary(*it)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// `GET /deliveries/{delivery}`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    let places = [("delivery", visit.place("delivery"))];
    let found: wire::DeliveryDetail = visit.ask(Wish::get("/v1/deliveries/{delivery}").at(&places)).await?;
    let newest = found.attempts.into_iter().rev().take(ATTEMPTS_SHOWN);
    let may_wait = matches!(found.delivery.state.as_str(), "pending" | "parked" | "suppressed");
    let page = DeliveryPage {
        shell: visit.shell("delivery-title"),
        fields: fields::of(&visit).await?,
        sent: found.content.content.as_ref().map(pretty).unwrap_or_default(),
        attempts: newest.map(|it| Tried { evidence: pretty(&it.evidence), it }).collect(),
        may_retry: may_wait && !found.delivery.in_flight && visit.may(Action::RetryDeliveries),
        it: found.delivery,
        content: found.content,
    };
    Ok(visit.page(&page))
}

/// `POST /deliveries/{delivery}/retry`
pub(super) async fn retry(visit: Visit) -> Result<Response, Problem> {
    let places = [("delivery", visit.place("delivery"))];
    let _: wire::Retried = visit.ask(Wish::post("/v1/deliveries/{delivery}/retry").at(&places)).await?;
    Ok(visit.done(&format!("/deliveries/{}", visit.place("delivery")), "retried"))
}
