//! Offers: making them, the way from draft to preview to live, their intake addresses, and what puts a form elsewhere.

use super::shell::{Shell, in_path};
use super::visit::{Visit, html};
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use leadwire_core::id::OfferId;
use leadwire_core::routing::Offers;
use serde_json::{Value, json};

#[derive(Template)]
#[template(path = "portal/offers.html")]
struct OffersPage {
    shell: Shell,
    rows: Vec<(wire::Offer, usize)>,
    may_change: bool,
    id: String,
    title: String,
    wrong: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "portal/offer.html")]
struct OfferPage {
    shell: Shell,
    it: wire::OfferDetail,
    gate: Vec<GateStep>,
    ready: bool,
    may_preview: bool,
    routes: Vec<wire::Route>,
    addresses: Vec<wire::IntakeAddress>,
    embed: Option<wire::Embed>,
    /// Shown this once: a preview's address, or an intake address.
    once: Option<(&'static str, String)>,
    wrong: Vec<(String, String)>,
    may_change: bool,
}

/// A step before an offer goes live, with the page where it is done.
struct GateStep {
    it: wire::ReadinessStep,
    title: String,
    url: String,
}

/// `GET /offers`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    Ok(visit.page(&offers_page(&visit, None).await?))
}

async fn offers_page(visit: &Visit, wrong: Option<(String, String)>) -> Result<OffersPage, Problem> {
    let offers: wire::List<wire::Offer> = visit.ask(Wish::get("/v1/offers")).await?;
    let routes: wire::List<wire::Route> = visit.ask(Wish::get("/v1/routes")).await?;
    let count = |offer: &wire::Offer| routes.items.iter().filter(|it| takes(it, &offer.id)).count();
    Ok(OffersPage {
        shell: visit.shell("offers-title").at("/offers"),
        rows: offers.items.into_iter().map(|it| (count(&it), it)).map(|it| (it.1, it.0)).collect(),
        may_change: visit.may(Action::ChangeSetup),
        id: visit.field("id").to_owned(),
        title: visit.field("title").to_owned(),
        wrong,
    })
}

/// Whether a route takes touchpoints of an offer: the core decides, so that what is shown is what happens.
fn takes(route: &wire::Route, offer: &str) -> bool {
    // Both are one publisher's; the core knows ids without its name, which has no dot.
    let own = |it: &'_ str| it.split_once('.').map_or(it, |it| it.1).to_owned();
    match (Offers::parse(&own(&route.offer)), OfferId::parse(&own(offer))) {
        (Ok(offers), Ok(offer)) => offers.have(Some(&offer)),
        _ => false,
    }
}

/// `POST /offers`
pub(super) async fn add(visit: Visit) -> Result<Response, Problem> {
    let title = visit.field("title").trim();
    let mut new = json!({ "id": visit.field("id").trim() });
    if !title.is_empty() {
        new["title"] = json!(title);
    }
    match visit.ask::<wire::Offer>(Wish::post("/v1/offers").body(new)).await {
        Ok(made) => {
            Ok(visit.on_to(&visit.shell("offers-title"), &format!("/offers/{}", in_path(&made.id)), "saved"))
        }
        Err(problem) if !problem.errors().is_empty() => {
            let (what, fix) = problem.words();
            let page = offers_page(&visit, Some((what.to_owned(), fix.to_owned()))).await?;
            Ok(html(problem.status(), &page))
        }
        Err(problem) => Err(problem),
    }
}

/// `GET /offers/{offer}`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    Ok(visit.page(&page(&visit, None, Vec::new()).await?))
}

async fn page(
    visit: &Visit,
    once: Option<(&'static str, String)>,
    wrong: Vec<(String, String)>,
) -> Result<OfferPage, Problem> {
    let places = [("offer", visit.place("offer"))];
    let it: wire::OfferDetail = visit.ask(Wish::get("/v1/offers/{offer}").at(&places)).await?;
    let gate: wire::OfferReadiness = visit.ask(Wish::get("/v1/offers/{offer}/readiness").at(&places)).await?;
    let routes: wire::List<wire::Route> = visit.ask(Wish::get("/v1/routes")).await?;
    let addresses: wire::List<wire::IntakeAddress> = visit.ask(Wish::get("/v1/intake-addresses")).await?;
    // Without a listing there is nothing to put elsewhere.
    let embed: Option<wire::Embed> = visit.ask(Wish::get("/v1/offers/{offer}/embed").at(&places)).await.ok();
    let mut shell = visit.shell("offers-title").at(&format!("/offers/{}", in_path(&it.id)));
    shell.title.clone_from(&it.title);
    let may_preview = gate.steps.iter().all(|it| it.done || it.needed_for != "preview");
    Ok(OfferPage {
        gate: gate.steps.into_iter().map(|step| gate_step(&shell, &it.id, step)).collect(),
        ready: gate.ready,
        may_preview,
        routes: routes.items.into_iter().filter(|route| takes(route, &it.id)).collect(),
        addresses: addresses.items.into_iter().filter(|address| address.offer == it.id).collect(),
        embed,
        once,
        wrong,
        may_change: visit.may(Action::ChangeSetup),
        shell,
        it,
    })
}

impl OfferPage {
    fn listing_page(&self) -> String {
        self.shell.to(&format!("/offers/{}/listing", in_path(&self.it.id)))
    }
}

fn gate_step(shell: &Shell, offer: &str, it: wire::ReadinessStep) -> GateStep {
    let url = match (it.code.as_str(), &it.destination) {
        (_, Some(destination)) => shell.to_one("/destinations", destination),
        ("destination" | "all_taken", None) => shell.link("/routes/new", &[("offer", offer)]),
        ("preview", None) => String::new(),
        _ => shell.to(&format!("/offers/{}/listing", in_path(offer))),
    };
    let title = shell.name_of("gate", &it.code);
    let title = it.destination.as_ref().map_or_else(|| title.clone(), |name| format!("{name}: {title}"));
    GateStep { title, url, it }
}

/// `POST /offers/{offer}/{deed}`
pub(super) async fn act(visit: Visit) -> Result<Response, Problem> {
    let places = [("offer", visit.place("offer"))];
    match visit.place("deed") {
        "preview" => {
            let shown = visit.ask(Wish::post("/v1/offers/{offer}/preview").at(&places)).await;
            once(&visit, shown.map(|it: wire::OfferPreview| ("preview", it.url))).await
        }
        "go-live" => turn(&visit, "/v1/offers/{offer}/go-live", "live").await,
        "draft" => turn(&visit, "/v1/offers/{offer}/draft", "draft").await,
        "address" => {
            let new = json!({ "offer": visit.place("offer") });
            let made = visit.ask(Wish::post("/v1/intake-addresses").body(new)).await;
            let url = |it: wire::IntakeAddress| ("address", it.url.unwrap_or_default());
            once(&visit, made.map(url)).await
        }
        "revoke" => {
            let places = [("address", visit.field("address"))];
            let wish = Wish { method: Method::DELETE, ..Wish::get("/v1/intake-addresses/{address}") };
            let _: Value = visit.ask(wish.at(&places)).await?;
            Ok(visit.done("/offers", "taken-away"))
        }
        "rename" => {
            let new = json!({ "id": visit.place("offer"), "title": visit.field("title").trim() });
            let _: wire::Offer = visit.ask(Wish::post("/v1/offers").body(new)).await?;
            Ok(visit.done("/offers", "saved"))
        }
        "remove" => remove(&visit).await,
        _ => Err(Problem::not_found()),
    }
}

/// Shows what is shown once, or what is missing.
async fn once(visit: &Visit, shown: Result<(&'static str, String), Problem>) -> Result<Response, Problem> {
    match shown {
        Ok(shown) => Ok(html(StatusCode::CREATED, &page(visit, Some(shown), Vec::new()).await?)),
        Err(problem) if !problem.errors().is_empty() => missing(visit, &problem).await,
        Err(problem) => Err(problem),
    }
}

async fn missing(visit: &Visit, problem: &Problem) -> Result<Response, Problem> {
    let wrong = problem.errors().iter().map(|it| (it.message.clone(), it.fix.clone())).collect();
    Ok(html(problem.status(), &page(visit, None, wrong).await?))
}

async fn turn(visit: &Visit, pattern: &'static str, said: &str) -> Result<Response, Problem> {
    let places = [("offer", visit.place("offer"))];
    match visit.ask::<wire::OfferDetail>(Wish::post(pattern).at(&places)).await {
        Ok(it) => {
            Ok(visit.on_to(&visit.shell("offers-title"), &format!("/offers/{}", in_path(&it.id)), said))
        }
        Err(problem) if !problem.errors().is_empty() => missing(visit, &problem).await,
        Err(problem) => Err(problem),
    }
}

async fn remove(visit: &Visit) -> Result<Response, Problem> {
    if visit.field("sure") != "yes" {
        let (what, fix) = ("the box `I am sure` was not ticked", "go back, tick it and send the form again");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_sure", what, fix));
    }
    let places = [("offer", visit.place("offer"))];
    let wish = Wish { method: Method::DELETE, ..Wish::get("/v1/offers/{offer}") };
    let _: Value = visit.ask(wish.at(&places)).await?;
    Ok(visit.on_to(&visit.shell("offers-title"), "/offers", "taken-away"))
}
