//! Connecting a destination: the catalogue of kinds, the form of one, and the same form for what is there already.

use super::settings::{self, Asked, Filled, SettingsForm};
use super::shell::{Shell, in_path};
use super::visit::{Visit, html};
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use leadwire_connect::ConnectorKind;
use leadwire_core::refusal::Refusal;
use serde_json::json;

#[derive(Template)]
#[template(path = "portal/connect.html")]
struct ChoosePage {
    shell: Shell,
    kinds: &'static [ConnectorKind],
    /// Where in the way this page is.
    step: usize,
}

#[derive(Template)]
#[template(path = "portal/connect_form.html")]
struct FormPage {
    shell: Shell,
    kind: &'static ConnectorKind,
    form: SettingsForm,
    name: String,
    name_mistake: Option<(String, String)>,
    /// Mistakes that belong to no field that is shown.
    others: Vec<(String, String)>,
    /// How many things are wrong in all.
    mistakes: u64,
    /// The destination that is there already.
    present: Option<String>,
    step: usize,
}

#[derive(Template)]
#[template(path = "portal/connect_secret.html")]
struct SecretPage {
    shell: Shell,
    it: wire::Destination,
    secret: String,
}

/// `GET /connect`
pub(super) async fn choose(visit: Visit) -> Result<Response, Problem> {
    may_change(&visit)?;
    let shell = visit.shell("connect-title");
    Ok(visit.page(&ChoosePage { shell, kinds: leadwire_connect::CONNECTORS, step: 1 }))
}

/// `GET /connect/{kind}`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    may_change(&visit)?;
    let kind = leadwire_connect::kind(visit.place("kind")).ok_or_else(Problem::not_found)?;
    Ok(visit.page(&form_page(&visit, kind, (None, None), &[])))
}

/// `POST /connect/{kind}`
pub(super) async fn add(visit: Visit) -> Result<Response, Problem> {
    may_change(&visit)?;
    let kind = leadwire_connect::kind(visit.place("kind")).ok_or_else(Problem::not_found)?;
    let again = |status: StatusCode, mistakes: &[Refusal]| {
        html(status, &form_page(&visit, kind, (None, None), mistakes))
    };
    let settings = match settings::read(kind, &visit, None) {
        Ok(settings) => settings,
        Err(mistakes) => return Ok(again(StatusCode::UNPROCESSABLE_ENTITY, &mistakes)),
    };
    let name = visit.field("name").trim();
    let new = json!({ "name": name, "kind": kind.name, "settings": settings });
    match visit.ask::<wire::Destination>(Wish::post("/v1/destinations").body(new)).await {
        Ok(made) => Ok(stored(&visit, made, "connected")),
        Err(problem) if !problem.errors().is_empty() => Ok(again(problem.status(), problem.errors())),
        Err(problem) => Err(problem),
    }
}

/// `GET /destinations/{destination}/edit`
pub(super) async fn edit(visit: Visit) -> Result<Response, Problem> {
    may_change(&visit)?;
    let (kind, it) = present(&visit).await?;
    Ok(visit.page(&form_page(&visit, kind, (Some(&it), None), &[])))
}

/// `POST /destinations/{destination}/edit`
pub(super) async fn change(visit: Visit) -> Result<Response, Problem> {
    let (kind, it) = present(&visit).await?;
    let again = |status: StatusCode, mistakes: &[Refusal]| {
        html(status, &form_page(&visit, kind, (Some(&it), Some(&visit)), mistakes))
    };
    let settings = match settings::read(kind, &visit, Some(&it.settings)) {
        Ok(settings) => settings,
        Err(mistakes) => return Ok(again(StatusCode::UNPROCESSABLE_ENTITY, &mistakes)),
    };
    let places = [("destination", visit.place("destination"))];
    let wish = Wish { method: Method::PATCH, ..Wish::get("/v1/destinations/{destination}") };
    let wish = wish.at(&places).body(json!({ "settings": settings }));
    match visit.ask::<wire::Destination>(wish).await {
        Ok(made) => Ok(stored(&visit, made, "saved")),
        Err(problem) if !problem.errors().is_empty() => Ok(again(problem.status(), problem.errors())),
        Err(problem) => Err(problem),
    }
}

async fn present(visit: &Visit) -> Result<(&'static ConnectorKind, wire::Destination), Problem> {
    let places = [("destination", visit.place("destination"))];
    let it: wire::Destination = visit.ask(Wish::get("/v1/destinations/{destination}").at(&places)).await?;
    let kind = leadwire_connect::kind(&it.kind).ok_or_else(Problem::not_found)?;
    Ok((kind, it))
}

/// Only for what to show: the endpoints decide.
fn may_change(visit: &Visit) -> Result<(), Problem> {
    if visit.may(Action::ChangeSetup) { Ok(()) } else { Err(Problem::forbidden()) }
}

/// A secret that Leadwire made is shown this once; otherwise the destination's page is next.
fn stored(visit: &Visit, made: wire::Destination, said: &str) -> Response {
    let path = format!("/destinations/{}", in_path(&made.name));
    let shell = visit.shell("secret-title").at(&path);
    match made.signing_secret.clone() {
        Some(secret) => html(StatusCode::CREATED, &SecretPage { shell, it: made, secret }),
        None => visit.on_to(&shell, &path, said),
    }
}

fn form_page(
    visit: &Visit,
    kind: &'static ConnectorKind,
    (present, typed): (Option<&wire::Destination>, Option<&Visit>),
    mistakes: &[Refusal],
) -> FormPage {
    // A form that is sent for the first time is the one that is shown again, too.
    let typed = typed.or(Some(visit).filter(|_| !visit.form.is_empty()));
    let mut shell = visit.shell("connect-title");
    let settings = present.map(|it| &it.settings);
    let filled = Filled { typed, present: settings, mistakes };
    let form = settings::form(&shell, kind, &filled);
    match present {
        Some(it) => {
            shell.title = shell.say_with("edit-title", &it.name);
            shell = shell.at(&format!("/destinations/{}/edit", in_path(&it.name)));
        }
        None => shell.title = shell.say_with("connect-kind", kind.title),
    }
    let words = |it: &Refusal| (it.message.clone(), it.fix.clone());
    let is_shown = |it: &&Refusal| {
        it.pointer == "/name"
            || form.front.iter().chain(&form.rest).any(|input| input.mistake == Some(words(it)))
    };
    FormPage {
        mistakes: mistakes.len() as u64,
        name: visit.field("name").to_owned(),
        name_mistake: mistakes.iter().find(|it| it.pointer == "/name").map(words),
        others: mistakes.iter().filter(|it| !is_shown(it)).map(words).collect(),
        present: present.map(|it| it.name.clone()),
        kind,
        form,
        step: 2,
        shell,
    }
}

impl FormPage {
    fn action(&self) -> String {
        match &self.present {
            Some(name) => self.shell.deed("/destinations", name, "edit"),
            None => format!("{}/connect/{}", self.shell.look.base, self.kind.name),
        }
    }
}
