//! API keys: making one, which is shown once, and revoking it.

use super::form::{Form, Maker, Refused, Shape, choices, delete};
use super::shell::Shell;
use super::visit::{Visit, html};
use crate::access::Role;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::limits;
use serde_json::{Value, json};

#[derive(Template)]
#[template(path = "portal/keys.html")]
struct KeysPage {
    shell: Shell,
    rows: Vec<wire::ApiKey>,
    /// How many there are beside those.
    more: u64,
    form: Form,
    made: Option<wire::ApiKey>,
}

/// `GET /settings/keys`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    page(&visit, None, None).await
}

async fn page(
    visit: &Visit,
    made: Option<wire::ApiKey>,
    refused: Option<Refused>,
) -> Result<Response, Problem> {
    let all: wire::List<wire::ApiKey> = visit.ask_all(Wish::get("/v1/keys")).await?;
    // An operator sees the keys of the publisher that is shown, and the operator's own.
    let shown = visit.publisher();
    let mut rows = all.items;
    rows.retain(|it| it.publisher.is_none() || it.publisher == shown);
    rows.sort_by(|one, other| other.created_at.cmp(&one.created_at));
    let more = rows.len().saturating_sub(limits::PORTAL_ROWS) as u64;
    rows.truncate(limits::PORTAL_ROWS);
    let shell = visit.shell("tab-keys").at("/settings/keys");
    let is_operator = visit.user().actor.role == Role::Operator;
    let roles: Vec<&str> =
        Role::ALL.into_iter().filter(|it| is_operator || *it != Role::Operator).map(Role::as_str).collect();
    let mut maker = Maker::new("key", visit, refused.as_ref());
    maker.ask("title", shell.say("key-title"), "").hint(shell.say("key-title-hint")).must();
    let role = maker.ask("role", shell.say("role"), Role::Sender.as_str());
    role.shape(Shape::Choice(choices(&shell, "role", &roles))).hint(shell.say("key-role-hint"));
    let days = maker.ask("expires_in_days", shell.say("key-days"), "90");
    days.shape(Shape::Number(1, DAYS_MAX)).hint(shell.say("key-days-hint"));
    let status = match (&made, &refused) {
        (_, Some(refused)) => refused.status,
        (Some(_), None) => StatusCode::CREATED,
        (None, None) => StatusCode::OK,
    };
    Ok(html(status, &KeysPage { rows, more, form: maker.done(), made, shell }))
}

/// Most days that the form offers, ten years: a key that lasts longer has no end.
const DAYS_MAX: u64 = 3650;

/// `POST /settings/keys`
pub(super) async fn add(visit: Visit) -> Result<Response, Problem> {
    let (title, role, days) =
        (visit.field("title").trim(), visit.field("role"), visit.field("expires_in_days").trim());
    if title.is_empty() {
        let words = ("a key without a name is one nobody dares to revoke", "say what it is for");
        return page(&visit, None, Some(Refused::by("key", "/title", words))).await;
    }
    let mut new = json!({ "title": title, "role": role });
    if !days.is_empty() {
        let Some(days) = days.parse::<u32>().ok().filter(|it| (1..=DAYS_MAX).contains(&u64::from(*it)))
        else {
            let words = ("these are no days", "write a whole number from 1 to 3650, or nothing");
            return page(&visit, None, Some(Refused::by("key", "/expires_in_days", words))).await;
        };
        new["expires_in_days"] = json!(days);
    }
    let wish = Wish::post("/v1/keys").body(new);
    // An operator's key belongs to no publisher, every other one to the publisher that is shown.
    let made = match role == Role::Operator.as_str() {
        true => visit.ask_all::<wire::ApiKey>(wish).await,
        false => visit.ask(wish).await,
    };
    match made {
        Ok(made) => page(&visit, Some(made), None).await,
        Err(problem) => page(&visit, None, Some(Refused::of("key", problem)?)).await,
    }
}

/// `POST /settings/keys/{key}/revoke`
pub(super) async fn revoke(visit: Visit) -> Result<Response, Problem> {
    let places = [("key", visit.place("key"))];
    let _: Value = visit.ask_all(delete("/v1/keys/{key}").at(&places)).await?;
    Ok(visit.done("/settings/keys", "taken-away"))
}
