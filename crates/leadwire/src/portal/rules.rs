//! Rules that hold for every publisher: how interested an action shows a customer to be, and whose leads are kept from publishers.
//! Everybody sees them; operators change them.

use super::form::{Form, Maker, Refused, Shape, choices, delete};
use super::shell::Shell;
use super::visit::{Visit, html, read_pairs};
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use url::form_urlencoded;

#[derive(Template)]
#[template(path = "portal/interest.html")]
struct InterestPage {
    shell: Shell,
    rows: Vec<wire::InterestRule>,
    has_own: bool,
    form: Form,
    may_change: bool,
}

/// `GET /settings/interest`
pub(super) async fn interest(visit: Visit) -> Result<Response, Problem> {
    interest_page(&visit, None).await
}

async fn interest_page(visit: &Visit, refused: Option<Refused>) -> Result<Response, Problem> {
    let all: wire::List<wire::InterestRule> = visit.ask_all(Wish::get("/v1/interest-rules")).await?;
    let shell = visit.shell("tab-interest").at("/settings/interest");
    let mut maker = Maker::new("interest", visit, refused.as_ref());
    maker.ask("source", shell.say("source"), "*").hint(shell.say("rule-source-hint")).must();
    maker.ask("action", shell.say("action"), "").hint(shell.say("rule-action-hint")).must();
    let step = maker.ask("interest", shell.say("interest"), "active");
    step.shape(Shape::Choice(choices(&shell, "interest", &["active", "initial"])));
    let page = InterestPage {
        form: maker.done(),
        has_own: all.items.iter().any(|it| it.own),
        rows: all.items,
        may_change: visit.may(Action::ManageRules),
        shell,
    };
    Ok(html(refused.map_or(StatusCode::OK, |it| it.status), &page))
}

impl InterestPage {
    /// A row as the button behind it says which one is meant.
    fn place(&self, it: &wire::InterestRule) -> String {
        let pairs = [("source", &it.source), ("action", &it.action)];
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    /// A source or an action for people; a star is any.
    fn any(&self, of: &str, name: &str) -> String {
        if name == "*" { self.shell.say("rule-any") } else { self.shell.name_of(of, name) }
    }
}

/// `POST /settings/interest`
pub(super) async fn put_interest(visit: Visit) -> Result<Response, Problem> {
    let new = json!({
        "source": visit.field("source").trim(), "action": visit.field("action").trim(),
        "interest": visit.field("interest"),
    });
    match visit.ask_all::<Value>(Wish::post("/v1/interest-rules").body(new)).await {
        Ok(_) => Ok(visit.done("/settings/interest", "saved")),
        Err(problem) => interest_page(&visit, Some(Refused::of("interest", problem)?)).await,
    }
}

/// `POST /settings/interest/reset`
pub(super) async fn reset_interest(visit: Visit) -> Result<Response, Problem> {
    let row = read_pairs(visit.field("row").as_bytes());
    let part = |name: &str| row.get(name).map_or("", String::as_str);
    let query = [("source", part("source")), ("action", part("action"))];
    let _: Value = visit.ask_all(delete("/v1/interest-rules").with(&query)).await?;
    Ok(visit.done("/settings/interest", "saved"))
}

#[derive(Template)]
#[template(path = "portal/withhold.html")]
struct WithholdPage {
    shell: Shell,
    rows: Vec<wire::WithholdRule>,
    form: Form,
    may_change: bool,
}

/// `GET /settings/withhold`
pub(super) async fn withhold(visit: Visit) -> Result<Response, Problem> {
    withhold_page(&visit, None).await
}

async fn withhold_page(visit: &Visit, refused: Option<Refused>) -> Result<Response, Problem> {
    let all: wire::List<wire::WithholdRule> = visit.ask_all(Wish::get("/v1/withhold-rules")).await?;
    let shell = visit.shell("tab-withhold").at("/settings/withhold");
    let mut maker = Maker::new("withhold", visit, refused.as_ref());
    maker.ask("domain", shell.say("withhold-domain"), "").hint(shell.say("withhold-domain-hint")).must();
    maker.ask("source", shell.say("source"), "*").hint(shell.say("rule-source-hint")).must();
    let may_change = visit.may(Action::ManageRules);
    let page = WithholdPage { form: maker.done(), rows: all.items, may_change, shell };
    Ok(html(refused.map_or(StatusCode::OK, |it| it.status), &page))
}

/// `POST /settings/withhold`
pub(super) async fn add_withhold(visit: Visit) -> Result<Response, Problem> {
    let new = json!({ "source": visit.field("source").trim(), "domain": visit.field("domain").trim() });
    match visit.ask_all::<Value>(Wish::post("/v1/withhold-rules").body(new)).await {
        Ok(_) => Ok(visit.done("/settings/withhold", "saved")),
        Err(problem) => withhold_page(&visit, Some(Refused::of("withhold", problem)?)).await,
    }
}

/// `POST /settings/withhold/remove`
pub(super) async fn remove_withhold(visit: Visit) -> Result<Response, Problem> {
    let query = [("source", visit.field("source")), ("domain", visit.field("domain"))];
    let _: Value = visit.ask_all(delete("/v1/withhold-rules").with(&query)).await?;
    Ok(visit.done("/settings/withhold", "taken-away"))
}
