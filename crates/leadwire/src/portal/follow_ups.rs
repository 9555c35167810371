//! Follow-ups: the list, the form of one with its words in each language, and how it reads.

use super::form::{Form, Maker, Refused, Shape, choices, delete, patch};
use super::shell::Shell;
use super::visit::{Visit, html};
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::language::Language;
use serde_json::{Map, Value, json};

#[derive(Template)]
#[template(path = "portal/follow_ups.html")]
struct ListPage {
    shell: Shell,
    rows: Vec<wire::FollowUp>,
    has_carrier: bool,
    may_change: bool,
}

#[derive(Template)]
#[template(path = "portal/follow_up.html")]
struct FormPage {
    shell: Shell,
    /// The one that is there already.
    present: Option<wire::FollowUp>,
    form: Form,
    trial: Form,
    shown: Option<wire::FollowUpShown>,
    may_change: bool,
}

/// What the page of one is made with beside what is there.
#[derive(Default)]
struct With {
    refused: Option<Refused>,
    shown: Option<wire::FollowUpShown>,
}

/// `GET /settings/follow-ups`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    let all: wire::List<wire::FollowUp> = visit.ask(Wish::get("/v1/follow-ups")).await?;
    let page = ListPage {
        rows: all.items,
        has_carrier: !carriers(&visit).await?.is_empty(),
        may_change: visit.may(Action::ChangeSetup),
        shell: visit.shell("tab-follow-ups"),
    };
    Ok(visit.page(&page))
}

/// Destinations through which something can be said.
async fn carriers(visit: &Visit) -> Result<Vec<String>, Problem> {
    let all: wire::List<wire::Destination> = visit.ask(Wish::get("/v1/destinations")).await?;
    let carries =
        |it: &wire::Destination| leadwire_connect::kind(&it.kind).is_some_and(|kind| kind.carries_notices);
    Ok(all.items.into_iter().filter(carries).map(|it| it.name).collect())
}

/// `GET /settings/follow-ups/new`
pub(super) async fn new(visit: Visit) -> Result<Response, Problem> {
    page(&visit, None, With::default()).await
}

/// `GET /settings/follow-ups/{follow_up}`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    let present = Some(present(&visit).await?);
    page(&visit, present, With::default()).await
}

async fn present(visit: &Visit) -> Result<wire::FollowUp, Problem> {
    let all: wire::List<wire::FollowUp> = visit.ask(Wish::get("/v1/follow-ups")).await?;
    let own = |it: &wire::FollowUp| it.id == visit.place("follow_up");
    all.items.into_iter().find(own).ok_or_else(Problem::not_found)
}

async fn page(visit: &Visit, present: Option<wire::FollowUp>, with: With) -> Result<Response, Problem> {
    let may_change = visit.may(Action::ChangeSetup);
    if present.is_none() && !may_change {
        return Err(Problem::forbidden());
    }
    let offers: wire::List<wire::Offer> = visit.ask(Wish::get("/v1/offers")).await?;
    let carriers = carriers(visit).await?;
    let (title, path) = match &present {
        None => ("follow-up-add", "/settings/follow-ups/new".to_owned()),
        Some(it) => ("follow-up-edit", format!("/settings/follow-ups/{}", it.id)),
    };
    let shell = visit.shell(title).at(&path);
    let form = form((visit, &shell), present.as_ref(), (&offers.items, &carriers), with.refused.as_ref());
    let trial = trial((visit, &shell), &offers.items, &with);
    let status = with.refused.map_or(StatusCode::OK, |it| it.status);
    Ok(html(status, &FormPage { present, form, trial, shown: with.shown, may_change, shell }))
}

fn form(
    (visit, shell): (&Visit, &Shell),
    present: Option<&wire::FollowUp>,
    (offers, carriers): (&[wire::Offer], &[String]),
    refused: Option<&Refused>,
) -> Form {
    let mut maker = Maker::new("follow-up", visit, refused);
    let offer = present.map_or("*", |it| &it.offer);
    let mut all = vec![("*".to_owned(), shell.say("every-offer"))];
    all.extend(offers.iter().map(|it| (it.id.clone(), it.title.clone())));
    if !all.iter().any(|it| it.0 == offer) {
        all.push((offer.to_owned(), offer.to_owned()));
    }
    maker.ask("offer", shell.say("offer"), offer).shape(Shape::Choice(all));
    let step = maker.ask("step", shell.say("follow-up-step"), present.map_or("initial", |it| &it.step));
    step.shape(Shape::Choice(choices(shell, "interest", &["initial", "active"])));
    if present.is_none() {
        let to = maker.ask("audience", shell.say("follow-up-audience"), "customer");
        to.shape(Shape::Choice(choices(shell, "audience", &["customer", "team"])));
        to.hint(shell.say("follow-up-audience-hint"));
    }
    let through = present.map_or("", |it| &it.destination);
    let all = carriers.iter().map(|it| (it.clone(), it.clone())).collect();
    let to = maker.ask("destination", shell.say("follow-up-through"), through);
    to.shape(Shape::Choice(all)).hint(shell.say("follow-ups-need"));
    let digest = present.and_then(|it| it.digest_at.as_deref()).unwrap_or_default();
    let at = maker.ask("digest_at", shell.say("follow-up-digest"), digest);
    at.shape(Shape::Line("time")).hint(shell.say("follow-up-digest-hint"));
    for language in Language::ALL {
        let given = present.and_then(|it| it.words.get(language.code()));
        let name = |part: &str| format!("words.{}.{part}", language.code());
        let label = |part: String| format!("{part} ({})", language.own_name());
        let subject = given.map_or("", |it| &it.subject);
        maker.ask(&name("subject"), label(shell.say("follow-up-subject")), subject);
        let text = given.map_or("", |it| &it.text);
        let text = maker.ask(&name("text"), label(shell.say("follow-up-text")), text);
        // A language without words takes little room.
        let rows = if text.value.is_empty() { 2 } else { 7 };
        text.shape(Shape::Lines(rows, "prose"));
    }
    maker.done()
}

/// The customer to whom it is said for a look.
fn trial((visit, shell): (&Visit, &Shell), offers: &[wire::Offer], with: &With) -> Form {
    // What was typed stays while the answer is looked at.
    let shown = with.shown.is_some().then(|| Refused::nothing("trial"));
    let refused = shown.as_ref().or(with.refused.as_ref());
    let mut maker = Maker::new("trial", visit, refused);
    let all: Vec<_> = offers.iter().map(|it| (it.id.clone(), it.title.clone())).collect();
    maker.ask("lead.offer", shell.say("offer"), "").shape(Shape::Choice(all));
    maker.ask("lead.customer.first_name", shell.say("field-first-name"), "Ada");
    maker.ask("lead.customer.email", shell.say("field-email"), "ada@example.com").shape(Shape::Line("email"));
    maker.ask("lead.customer.country", shell.say("field-country"), "");
    maker.ask("consents", shell.say("follow-up-consents"), "yes").shape(Shape::Check);
    maker.done()
}

/// The fields of the form as the API takes them; what is empty is left out, or taken away.
fn typed(visit: &Visit, is_new: bool) -> Value {
    let mut body = Map::new();
    let names: &[&str] = if is_new {
        &["offer", "step", "destination", "audience"]
    } else {
        &["offer", "step", "destination"]
    };
    for name in names {
        body.insert((*name).to_owned(), json!(visit.field(name)));
    }
    let digest = visit.field("digest_at").trim();
    if !digest.is_empty() || !is_new {
        body.insert("digest_at".to_owned(), json!(digest));
    }
    let mut words = Map::new();
    for language in Language::ALL {
        let field = |part: &str| {
            visit.field(&format!("words.{}.{part}", language.code())).trim().replace("\r\n", "\n")
        };
        let (subject, text) = (field("subject"), field("text"));
        if !subject.is_empty() || !text.is_empty() {
            words.insert(language.code().to_owned(), json!({ "subject": subject, "text": text }));
        }
    }
    body.insert("words".to_owned(), Value::Object(words));
    Value::Object(body)
}

/// `POST /settings/follow-ups/new`
pub(super) async fn add(visit: Visit) -> Result<Response, Problem> {
    let wish = Wish::post("/v1/follow-ups").body(typed(&visit, true));
    match visit.ask::<wire::FollowUp>(wish).await {
        Ok(made) => {
            let shell = visit.shell("follow-up-add");
            Ok(visit.on_to(&shell, &format!("/settings/follow-ups/{}", made.id), "saved"))
        }
        Err(problem) => {
            let refused = Some(Refused::of("follow-up", problem)?);
            page(&visit, None, With { refused, ..With::default() }).await
        }
    }
}

/// `POST /settings/follow-ups/{follow_up}/{deed}`
pub(super) async fn act(visit: Visit) -> Result<Response, Problem> {
    let places = [("follow_up", visit.place("follow_up"))];
    match visit.place("deed") {
        "save" => {
            let wish = patch("/v1/follow-ups/{follow_up}").at(&places).body(typed(&visit, false));
            match visit.ask::<wire::FollowUp>(wish).await {
                Ok(_) => Ok(visit.done("/settings/follow-ups", "saved")),
                Err(problem) => again(&visit, "follow-up", problem).await,
            }
        }
        "preview" => preview(visit).await,
        "remove" => {
            let _: Value = visit.ask(delete("/v1/follow-ups/{follow_up}").at(&places)).await?;
            Ok(visit.on_to(&visit.shell("follow-up-edit"), "/settings/follow-ups", "taken-away"))
        }
        _ => Err(Problem::not_found()),
    }
}

async fn preview(visit: Visit) -> Result<Response, Problem> {
    let places = [("follow_up", visit.place("follow_up"))];
    let mut customer = Map::new();
    for name in ["first_name", "email", "country"] {
        let said = visit.field(&format!("lead.customer.{name}")).trim();
        if !said.is_empty() {
            customer.insert(name.to_owned(), json!(said));
        }
    }
    let mut lead = json!({ "offer": visit.field("lead.offer"), "customer": customer });
    if visit.field("consents") == "yes" {
        lead["consent"] = json!({ "shared": true });
    }
    let wish = Wish::post("/v1/follow-ups/{follow_up}/preview").at(&places).body(json!({ "lead": lead }));
    match visit.ask::<wire::FollowUpShown>(wish).await {
        Ok(shown) => {
            let present = Some(present(&visit).await?);
            page(&visit, present, With { shown: Some(shown), ..With::default() }).await
        }
        Err(problem) => again(&visit, "trial", problem).await,
    }
}

async fn again(visit: &Visit, form: &'static str, problem: Problem) -> Result<Response, Problem> {
    let refused = Some(Refused::of(form, problem)?);
    let present = Some(present(visit).await?);
    page(visit, present, With { refused, ..With::default() }).await
}
