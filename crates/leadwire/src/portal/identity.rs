//! Rules of identity: by what touchpoints of one customer fold into one lead.

use super::form::{Form, Maker, Refused, Shape, choices, delete, lines, put};
use super::shell::Shell;
use super::visit::{Visit, html};
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

#[derive(Template)]
#[template(path = "portal/identity.html")]
struct IdentityPage {
    shell: Shell,
    rules: wire::IdentityRules,
    form: Form,
    may_change: bool,
}

/// The rules that there are.
const RULES: [&str; 3] = ["email", "phone_and_name", "phone"];
const SCOPES: [&str; 2] = ["publisher", "offer"];

/// `GET /settings/identity`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    page(&visit, None).await
}

async fn page(visit: &Visit, refused: Option<Refused>) -> Result<Response, Problem> {
    let rules: wire::IdentityRules = visit.ask(Wish::get("/v1/identity-rules")).await?;
    let shell = visit.shell("tab-identity").at("/settings/identity");
    let mut maker = Maker::new("identity", visit, refused.as_ref());
    for at in 0..RULES.len() {
        let mut all = vec![(String::new(), "–".to_owned())];
        all.extend(choices(&shell, "rule", &RULES));
        let label = shell.say_with("identity-place", (at + 1).to_string());
        let present = rules.rules.get(at).map_or("", String::as_str);
        maker.ask(&format!("rules.{at}"), label, present).shape(Shape::Choice(all));
    }
    let scope = maker.ask("scope", shell.say("identity-scope"), &rules.scope);
    scope.shape(Shape::Choice(choices(&shell, "scope", &SCOPES)));
    let shared =
        maker.ask("shared_mailboxes", shell.say("identity-shared"), &rules.shared_mailboxes.join("\n"));
    shared.shape(Shape::Lines(4, "")).hint(shell.say("identity-shared-hint"));
    let status = refused.as_ref().map_or(StatusCode::OK, |it| it.status);
    let may_change = visit.may(Action::ChangeSetup);
    Ok(html(status, &IdentityPage { form: maker.done(), may_change, rules, shell }))
}

/// `POST /settings/identity`
pub(super) async fn save(visit: Visit) -> Result<Response, Problem> {
    let chosen = (0..RULES.len()).map(|at| visit.field(&format!("rules.{at}")));
    let rules: Vec<&str> = chosen.filter(|it| !it.is_empty()).collect();
    let new = json!({
        "rules": rules, "scope": visit.field("scope"), "shared_mailboxes": lines(visit.field("shared_mailboxes")),
    });
    match visit.ask::<Value>(put("/v1/identity-rules").body(new)).await {
        Ok(_) => Ok(visit.done("/settings/identity", "saved")),
        Err(problem) => page(&visit, Some(Refused::of("identity", problem)?)).await,
    }
}

/// `POST /settings/identity/reset`
pub(super) async fn reset(visit: Visit) -> Result<Response, Problem> {
    let _: Value = visit.ask(delete("/v1/identity-rules")).await?;
    Ok(visit.done("/settings/identity", "saved"))
}
