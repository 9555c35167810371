//! The way of a lead to a destination, gone while somebody looks on: each step is on the page as soon as it has ended.
//!
//! The page is sent in parts, as far as it is made, so that no script is needed: what stands above the steps, then the steps one
//! by one, then the rest as it is when the way is over.

use super::destination::{self, DestinationPage, Seen};
use super::shell::Shell;
use super::visit::{Visit, html};
use crate::access::Action;
use crate::api::{Problem, Wish, step_shape, wire};
use askama::Template;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use leadwire_connect::validation::{self, Onlooker};
use leadwire_core::limits;
use serde_json::Value;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Where the steps of a page begin and end.
const BEGIN: &str = "<!--steps-->";
const END: &str = "<!--end-->";

/// One step, as a part of the page.
#[derive(Template)]
#[template(path = "portal/proof_step.html")]
struct StepPart<'a> {
    shell: &'a Shell,
    step: &'a wire::ProofStep,
}

/// A part of a page on its way.
enum Part {
    Step(Box<wire::ProofStep>),
    Rest(String),
}

/// Goes the way of a lead and shows each step; nothing is told as done when a step failed.
pub(super) async fn prove(
    visit: Visit,
    what: &'static str,
    pattern: &'static str,
    body: Value,
) -> Result<Response, Problem> {
    if !visit.may(Action::ChangeSetup) {
        // The endpoint says why not, before anything is shown.
        let proof = ask(&visit, pattern, body).await?;
        return Ok(html(StatusCode::OK, &destination::page(&visit, Some(Seen::now(what, proof))).await?));
    }
    let running = wire::Proof { passed: false, steps: Vec::new(), mark: None, learned: false };
    let page = rendered(&destination::page(&visit, Some(Seen::now(what, running))).await?);
    let head = page.split_once(BEGIN).map_or_else(String::new, |it| it.0.to_owned());
    let shell = visit.shell("destinations-title");
    let (parts, mut heard) = mpsc::channel(limits::PROOF_STEPS_WAITING);
    // It goes on when whoever asked has left the page, and is found there again.
    let app = Arc::clone(&visit.app);
    app.proofs.go_on(go(visit, (what, pattern, body), parts)).map_err(|_| {
        Problem::try_again("too_many_proofs", "too many destinations are being looked at", 10)
    })?;
    let steps = stream::poll_fn(move |context| heard.poll_recv(context)).map(move |part| match part {
        Part::Step(step) => rendered(&StepPart { shell: &shell, step: &step }),
        Part::Rest(text) => text,
    });
    let parts = stream::once(ready(head)).chain(steps).map(Ok::<_, Infallible>);
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, kind)], Body::from_stream(parts)).into_response())
}

fn rendered(template: &impl Template) -> String {
    template.render().expect("writing into a text cannot fail")
}

async fn ask(visit: &Visit, pattern: &'static str, body: Value) -> Result<wire::Proof, Problem> {
    let places = [("destination", visit.place("destination"))];
    let wish = Wish::post(pattern).at(&places);
    visit.ask(if body.is_null() { wish } else { wish.body(body) }).await
}

/// Goes the way, tells of each step as it ends, and of the rest of the page last.
async fn go(
    visit: Visit,
    (what, pattern, body): (&'static str, &'static str, Value),
    parts: mpsc::Sender<Part>,
) {
    let told = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (tell, count) = (parts.clone(), Arc::clone(&told));
    let onlooker: Onlooker = Arc::new(move |step| {
        // What finds no room is told with the rest.
        if tell.try_send(Part::Step(Box::new(step_shape(step)))).is_ok() {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    });
    let proof = validation::watched(onlooker, ask(&visit, pattern, body)).await.unwrap_or_else(broken_off);
    let told = told.load(std::sync::atomic::Ordering::Relaxed);
    for step in proof.steps.iter().skip(told) {
        // Whoever left hears no more of it.
        parts.send(Part::Step(Box::new(copy(step)))).await.ok();
    }
    let page: Result<DestinationPage, Problem> =
        destination::page(&visit, Some(Seen::now(what, proof))).await;
    let rest = page.map(|it| rendered(&it)).unwrap_or_default();
    let rest = rest.split_once(END).map_or_else(String::new, |it| it.1.to_owned());
    parts.send(Part::Rest(rest)).await.ok();
}

fn copy(it: &wire::ProofStep) -> wire::ProofStep {
    wire::ProofStep {
        name: it.name.clone(),
        title: it.title.clone(),
        verdict: it.verdict.clone(),
        message: it.message.clone(),
        cause: it.cause.clone(),
        fix: it.fix.clone(),
        took_ms: it.took_ms,
    }
}

/// What could not be asked, as a step that failed.
fn broken_off(problem: Problem) -> wire::Proof {
    let (what, fix) = problem.words();
    let step = wire::ProofStep {
        name: "asked".to_owned(),
        title: "Ask Leadwire".to_owned(),
        verdict: "failed".to_owned(),
        message: what.to_owned(),
        cause: "refused".to_owned(),
        fix: fix.to_owned(),
        took_ms: 0,
    };
    wire::Proof { passed: false, steps: vec![step], mark: None, learned: false }
}
