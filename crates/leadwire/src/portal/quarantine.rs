//! Bodies that could not be read: all of them, and one with what is wrong where, to be read anew or put right.

use super::form::{Form, Maker, Refused, Shape};
use super::shell::{Shell, in_path};
use super::visit::{Visit, html};
use crate::access::Action;
use crate::api::{Problem, Wish, mistake, wire};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use serde_json::json;

#[derive(Template)]
#[template(path = "portal/quarantine.html")]
struct QuarantinePage {
    shell: Shell,
    rows: Vec<wire::QuarantinedRow>,
    next: Option<String>,
    is_first: bool,
    may_retry: bool,
}

#[derive(Template)]
#[template(path = "portal/quarantined.html")]
struct BodyPage {
    shell: Shell,
    it: wire::QuarantinedBody,
    /// What is wrong: with the body as it came, or with what was typed in its place.
    mistakes: Vec<wire::BodyMistake>,
    /// The form that puts it right; none for whoever may not, and where there is nothing to put right.
    form: Option<Form>,
    /// Whether what is wrong is wrong with what was typed.
    is_typed: bool,
    may_retry: bool,
    sees_people: bool,
}

/// `GET /quarantine`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    let found = visit.ask_rows::<wire::QuarantinedRow>("/v1/quarantine").await?;
    let page = QuarantinePage {
        shell: visit.shell("quarantine-title"),
        rows: found.items,
        next: found.next,
        is_first: visit.asked("cursor").is_empty(),
        may_retry: visit.may(Action::RetryDeliveries),
    };
    Ok(visit.page(&page))
}

fn path(visit: &Visit) -> String {
    format!("/quarantine/{}", in_path(visit.place("quarantined")))
}

/// `GET /quarantine/{quarantined}`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    page(&visit, None).await
}

async fn page(visit: &Visit, refused: Option<Refused>) -> Result<Response, Problem> {
    let places = [("quarantined", visit.place("quarantined"))];
    let mut it: wire::QuarantinedBody =
        visit.ask(Wish::get("/v1/quarantine/{quarantined}").at(&places)).await?;
    let shell = visit.shell("quarantined-title").at(&path(visit));
    let (may_retry, sees_people) = (visit.may(Action::RetryDeliveries), visit.sees_people());
    let waits = it.row.touchpoint.is_none() && it.text.is_some();
    let typed = refused.as_ref().map(|it| wrong_with(&typed(visit), it.mistakes()));
    let is_typed = typed.is_some();
    let mistakes = typed.unwrap_or_else(|| std::mem::take(&mut it.mistakes));
    // What is cut cannot be put right here: its end would be lost.
    let is_for_repair = waits && may_retry && sees_people && !it.cut;
    let form = is_for_repair.then(|| {
        let mut maker = Maker::new("repair", visit, refused.as_ref());
        let body = maker.ask("body", shell.say("body-repair"), it.text.as_deref().unwrap_or_default());
        body.shape(Shape::Lines(14, "code")).hint(shell.say("body-repair-hint")).must();
        let all = [
            (String::new(), shell.say_with("body-type-same", &it.row.content_type)),
            ("application/json".to_owned(), "JSON".to_owned()),
            ("application/x-www-form-urlencoded".to_owned(), shell.say("body-type-form")),
        ];
        let kind = maker.ask("content_type", shell.say("body-type"), "");
        kind.shape(Shape::Choice(all.to_vec()));
        maker.done()
    });
    let status = refused.map_or(StatusCode::OK, |it| it.status);
    Ok(html(status, &BodyPage { mistakes, form, is_typed, may_retry, sees_people, shell, it }))
}

/// What was typed, with line ends as they were: a browser sends each as two signs.
fn typed(visit: &Visit) -> String {
    visit.field("body").replace("\r\n", "\n")
}

/// The mistakes of what was typed, with their places in it.
fn wrong_with(typed: &str, mistakes: &[Refusal]) -> Vec<wire::BodyMistake> {
    let within = |it: &Refusal| {
        let pointer = it.pointer.strip_prefix("/body")?.to_owned();
        Some(mistake(typed.as_bytes(), Refusal { pointer, ..it.clone() }))
    };
    mistakes.iter().filter_map(within).take(limits::QUARANTINE_MISTAKES_MAX).collect()
}

fn said(done: &wire::QuarantineRetried) -> &'static str {
    match done {
        it if it.accepted > 0 => "read-anew",
        it if it.erased > 0 => "read-erased",
        it if it.duplicates > 0 => "read-before",
        _ => "read-still",
    }
}

/// `POST /quarantine/{quarantined}/retry`
pub(super) async fn retry(visit: Visit) -> Result<Response, Problem> {
    let places = [("quarantined", visit.place("quarantined"))];
    let wish = Wish::post("/v1/quarantine/{quarantined}/retry").at(&places);
    match visit.ask::<wire::QuarantineRetried>(wish).await {
        Ok(done) => Ok(visit.done("/quarantine", said(&done))),
        Err(problem) => since_then(&visit, problem).await,
    }
}

/// `POST /quarantine/{quarantined}/repair`
pub(super) async fn repair(visit: Visit) -> Result<Response, Problem> {
    let places = [("quarantined", visit.place("quarantined"))];
    let mut new = json!({ "body": typed(&visit) });
    if !visit.field("content_type").is_empty() {
        new["content_type"] = json!(visit.field("content_type"));
    }
    let wish = Wish::post("/v1/quarantine/{quarantined}/retry").at(&places).body(new);
    match visit.ask::<wire::QuarantineRetried>(wish).await {
        Ok(done) if done.accepted > 0 => {
            Ok(visit.on_to(&visit.shell("quarantined-title"), &path(&visit), "repaired"))
        }
        Ok(done) => Ok(visit.on_to(&visit.shell("quarantined-title"), &path(&visit), said(&done))),
        Err(problem) if problem.status() == StatusCode::NOT_FOUND => since_then(&visit, problem).await,
        Err(problem) => page(&visit, Some(Refused::of("repair", problem)?)).await,
    }
}

/// Somebody else was faster, if it is there and waits no more; then its page says what became of it.
async fn since_then(visit: &Visit, problem: Problem) -> Result<Response, Problem> {
    let places = [("quarantined", visit.place("quarantined"))];
    let asked = Wish::get("/v1/quarantine/{quarantined}").at(&places);
    match visit.ask::<wire::QuarantinedBody>(asked).await {
        Ok(it) if it.row.touchpoint.is_some() && problem.status() == StatusCode::NOT_FOUND => {
            Ok(visit.on_to(&visit.shell("quarantined-title"), &path(visit), "read-before"))
        }
        _ => Err(problem),
    }
}

impl BodyPage {
    fn may_read_anew(&self) -> bool {
        self.may_retry
            && self.mistakes.is_empty()
            && self.it.row.touchpoint.is_none()
            && self.it.text.is_some()
    }

    /// Where in the body a mistake is, in words.
    fn at(&self, it: &wire::BodyPlace) -> String {
        let (line, sign) = (it.line as u64, it.column as u64);
        self.shell.say_of("body-place", &self.shell.number(&line), &self.shell.number(&sign))
    }
}
