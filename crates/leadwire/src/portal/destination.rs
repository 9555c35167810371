//! One destination: how it stands and has fared, what it was proved with, which leads go there, and what to do about it.

use super::chart::{self, Hours};
use super::destinations::{Accounts, Counts};
use super::settings::{self, Shown};
use super::shell::{Shell, in_path};
use super::visit::Visit;
use super::way;
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

#[derive(Template)]
#[template(path = "portal/destination.html")]
pub(super) struct DestinationPage {
    shell: Shell,
    it: wire::Destination,
    kind: &'static str,
    /// Whether its fields are mapped.
    maps: bool,
    account: Counts,
    settings: Vec<Shown>,
    routes: Vec<wire::Route>,
    offers: Vec<wire::Offer>,
    hours: Hours,
    is_whole: bool,
    proof: Option<Seen>,
    may_change: bool,
    can_prepare: bool,
    may_retry: bool,
    /// Where in the way of connecting it is; none once all of it is done.
    step: Option<usize>,
}

/// A proof on the page.
pub(super) struct Seen {
    what: String,
    proof: wire::Proof,
    /// When it ended or, while it is under way, began; none for one that was just asked for.
    at: Option<String>,
    is_running: bool,
    is_current: bool,
}

impl Seen {
    /// One that was just asked for, on the page that answers.
    pub(super) fn now(what: &str, proof: wire::Proof) -> Self {
        Self { what: what.to_owned(), proof, at: None, is_running: false, is_current: true }
    }

    fn again(it: wire::ProofRun) -> Self {
        let is_running = it.ended_at.is_none();
        let at = Some(it.ended_at.unwrap_or(it.begun_at));
        Self { what: it.what, proof: it.proof, at, is_running, is_current: it.current }
    }
}

/// `GET /destinations/{destination}`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    let page = page(&visit, None).await?;
    Ok(visit.page(&page))
}

pub(super) async fn page(visit: &Visit, proof: Option<Seen>) -> Result<DestinationPage, Problem> {
    let places = [("destination", visit.place("destination"))];
    let proof = match proof {
        Some(proof) => Some(proof),
        None => {
            let wish = Wish::get("/v1/destinations/{destination}/proof").at(&places);
            let kept: wire::List<wire::ProofRun> = visit.ask(wish).await?;
            kept.items.into_iter().next().map(Seen::again)
        }
    };
    let it: wire::Destination = visit.ask(Wish::get("/v1/destinations/{destination}").at(&places)).await?;
    let tries: wire::Tries = visit.ask(Wish::get("/v1/destinations/{destination}/tries").at(&places)).await?;
    let routes: wire::List<wire::Route> = visit.ask(Wish::get("/v1/routes")).await?;
    let offers: wire::List<wire::Offer> = visit.ask(Wish::get("/v1/offers")).await?;
    let account = Accounts::of(visit).await?.take(&it.name);
    let kind = leadwire_connect::kind(&it.kind);
    let routes: Vec<wire::Route> =
        routes.items.into_iter().filter(|route| route.destination == it.name).collect();
    let is_current = |proved: &Option<wire::ProvedAt>| proved.as_ref().is_some_and(|it| it.current);
    let step = match (is_current(&it.validated), is_current(&it.test_lead), routes.is_empty()) {
        (true, true, false) => None,
        (true, true, true) => Some(4),
        _ => Some(3),
    };
    let mut shell = visit.shell("destinations-title").at(&format!("/destinations/{}", in_path(&it.name)));
    shell.title.clone_from(&it.name);
    Ok(DestinationPage {
        account,
        settings: kind.map(|kind| settings::shown(kind, &it.settings)).unwrap_or_default(),
        kind: kind.map_or("", |it| it.title),
        maps: kind.is_some_and(|it| !it.default_mapping.is_empty()),
        may_change: visit.may(Action::ChangeSetup),
        may_retry: visit.may(Action::RetryDeliveries),
        can_prepare: kind.is_some_and(|it| it.prepares),
        hours: chart::hours(&shell, &tries.hours),
        is_whole: tries.complete,
        offers: offers.items,
        routes,
        proof,
        step,
        shell,
        it,
    })
}

impl DestinationPage {
    fn edit(&self) -> String {
        self.shell.link(&format!("/destinations/{}/edit", in_path(&self.it.name)), &[])
    }

    /// Whether a proof is there, and holds for the settings as they are.
    fn is_proved(&self, proved: &Option<wire::ProvedAt>) -> bool {
        proved.as_ref().is_some_and(|it| it.current)
    }
}

/// `POST /destinations/{destination}/{deed}`
pub(super) async fn act(visit: Visit) -> Result<Response, Problem> {
    match visit.place("deed") {
        "pause" => turn(visit, "/v1/destinations/{destination}/pause", "paused").await,
        "resume" => turn(visit, "/v1/destinations/{destination}/resume", "resumed").await,
        "validate" => {
            way::prove(visit, "validate", "/v1/destinations/{destination}/validate", json!({})).await
        }
        "look" => {
            way::prove(visit, "look", "/v1/destinations/{destination}/validate", json!({ "look_only": true }))
                .await
        }
        "test-lead" => {
            way::prove(visit, "test-lead", "/v1/destinations/{destination}/test-lead", Value::Null).await
        }
        "prepare" => {
            way::prove(visit, "prepare", "/v1/destinations/{destination}/prepare", Value::Null).await
        }
        "route" => route(visit).await,
        "remove" => remove(visit).await,
        _ => Err(Problem::not_found()),
    }
}

async fn turn(visit: Visit, pattern: &'static str, said: &str) -> Result<Response, Problem> {
    let places = [("destination", visit.place("destination"))];
    let _: Value = visit.ask(Wish::post(pattern).at(&places).body(json!({}))).await?;
    Ok(visit.done("/destinations", said))
}

async fn route(visit: Visit) -> Result<Response, Problem> {
    let new = json!({ "offer": visit.field("offer"), "destination": visit.place("destination") });
    let _: wire::Route = visit.ask(Wish::post("/v1/routes").body(new)).await?;
    Ok(visit.done("/destinations", "routed"))
}

async fn remove(visit: Visit) -> Result<Response, Problem> {
    if visit.field("sure") != "yes" {
        let (what, fix) = ("the box `I am sure` was not ticked", "go back, tick it and send the form again");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_sure", what, fix));
    }
    let places = [("destination", visit.place("destination"))];
    let wish = Wish { method: Method::DELETE, ..Wish::get("/v1/destinations/{destination}") };
    let _: Value = visit.ask(wish.at(&places)).await?;
    Ok(visit.on_to(&visit.shell("destinations-title"), "/destinations", "taken-away"))
}
