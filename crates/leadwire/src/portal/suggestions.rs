//! Pairs of leads that may be one customer, for a person to decide.

use super::shell::Shell;
use super::visit::Visit;
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::response::Response;
use serde_json::{Value, json};

#[derive(Template)]
#[template(path = "portal/suggestions.html")]
struct SuggestionsPage {
    shell: Shell,
    rows: Vec<wire::Suggestion>,
    next: Option<String>,
    may_decide: bool,
}

/// `GET /suggestions`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    let found = visit.ask_rows::<wire::Suggestion>("/v1/suggestions").await?;
    let page = SuggestionsPage {
        shell: visit.shell("suggestions-title"),
        // Of two that are one by now, or of which one is gone, there is nothing to decide.
        rows: found.items.into_iter().filter(|it| it.leads.len() == 2).collect(),
        next: found.next,
        may_decide: visit.may(Action::DecideOnLeads),
    };
    Ok(visit.page(&page))
}

/// `POST /suggestions/{suggestion}/{deed}`
pub(super) async fn decide(visit: Visit) -> Result<Response, Problem> {
    let name = &visit.user().user.name;
    let reason = visit.field("reason");
    let (pattern, place, body) = match visit.place("deed") {
        "merge" => (
            "/v1/leads/{lead}/merge",
            ("lead", visit.field("lead")),
            json!({ "with": visit.field("with"), "reason": reason, "by": name }),
        ),
        "dismiss" => (
            "/v1/suggestions/{suggestion}/dismiss",
            ("suggestion", visit.place("suggestion")),
            json!({ "reason": reason, "by": name }),
        ),
        _ => return Err(Problem::not_found()),
    };
    let _: Value = visit.ask(Wish::post(pattern).at(&[place]).body(body)).await?;
    Ok(visit.done("/suggestions", "decided"))
}
