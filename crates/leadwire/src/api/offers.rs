//! Endpoints of what an offer shows: its listing, what is missing, and the way from draft to preview to live.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::setup::{done, own_offer};
use super::wire::{self, moment};
use crate::secrets::{self, CredentialKind};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::{DestinationNo, OfferId, PublisherId};
use leadwire_core::listing::readiness::{self, NeededFor, Proven, RoutedTo, Step};
use leadwire_core::listing::{Button, Listing, OfferState};
use leadwire_core::refusal::Refusal;
use leadwire_core::time::Timestamp;
use leadwire_store::setup::listings::StoredListing;
use leadwire_store::setup::proofs::ProvedBefore;
use leadwire_store::setup::{Change, Offer};
use std::collections::BTreeMap;

/// `GET /v1/offers/{offer}`
pub(super) async fn show(call: Call) -> Result<Response, Problem> {
    let offer = find(&call)?;
    let kept = call.app.store.listing(offer.publisher.clone(), offer.id.clone()).await?;
    Ok(answer::json(StatusCode::OK, &shape(&call, &offer, &kept)))
}

/// `PUT /v1/offers/{offer}/listing`
pub(super) async fn set(call: Call) -> Result<Response, Problem> {
    let offer = find(&call)?;
    let listing: wire::Listing = call.json()?;
    listing.read().map_err(Problem::refused)?;
    let content = serde_json::to_string(&listing).expect("a listing is JSON");
    let now = call.app.clock.wall();
    let made = call.app.store.put_listing(offer.publisher, offer.id, content, now).await?;
    changed(&call, made).await
}

/// `GET /v1/offers/{offer}/readiness`
pub(super) async fn readiness(call: Call) -> Result<Response, Problem> {
    let offer = find(&call)?;
    let kept = call.app.store.listing(offer.publisher.clone(), offer.id.clone()).await?;
    let steps = steps(&call, &offer, &kept).await?;
    let shape = wire::OfferReadiness {
        offer: full_id(&offer),
        state: kept.state.as_str().to_owned(),
        ready: readiness::is_ready(&steps, NeededFor::Live),
        steps: steps.iter().map(step_shape).collect(),
    };
    Ok(answer::json(StatusCode::OK, &shape))
}

/// `POST /v1/offers/{offer}/preview`
pub(super) async fn preview(call: Call) -> Result<Response, Problem> {
    let offer = find(&call)?;
    let kept = call.app.store.listing(offer.publisher.clone(), offer.id.clone()).await?;
    refuse_unready(&steps(&call, &offer, &kept).await?, NeededFor::Preview)?;
    let token = secrets::make_credential(CredentialKind::PreviewToken);
    let hash = secrets::sha256(token.expose().as_bytes());
    let url = format!("{}?preview={}", page_url(&call, &offer), token.expose());
    let now = call.app.clock.wall();
    let made = call.app.store.preview_listing(offer.publisher, offer.id, hash, now).await?;
    done_without_routing(made)?;
    Ok(answer::json(StatusCode::OK, &wire::OfferPreview { url }))
}

/// `POST /v1/offers/{offer}/go-live`
pub(super) async fn go_live(call: Call) -> Result<Response, Problem> {
    let offer = find(&call)?;
    let kept = call.app.store.listing(offer.publisher.clone(), offer.id.clone()).await?;
    refuse_unready(&steps(&call, &offer, &kept).await?, NeededFor::Live)?;
    let now = call.app.clock.wall();
    let made = call.app.store.bring_listing_live(offer.publisher, offer.id, kept.content, now).await?;
    if made == Change::Missing {
        let fix = "look at the preview again, and go live then";
        let detail = "the listing was changed while it was looked at";
        return Err(Problem::new(StatusCode::CONFLICT, "changed_meanwhile", detail, fix));
    }
    changed(&call, made).await
}

/// `POST /v1/offers/{offer}/draft`
pub(super) async fn draft(call: Call) -> Result<Response, Problem> {
    let offer = find(&call)?;
    let now = call.app.clock.wall();
    let made = call.app.store.withdraw_listing(offer.publisher, offer.id, now).await?;
    // Without a listing it is a draft already.
    changed(&call, if made == Change::Missing { Change::Made } else { made }).await
}

/// `GET /v1/offers/{offer}/embed`
pub(super) async fn embed(call: Call) -> Result<Response, Problem> {
    let offer = find(&call)?;
    let kept = call.app.store.listing(offer.publisher.clone(), offer.id.clone()).await?;
    let listing = listing(&kept.content)?.ok_or_else(|| {
        let fix = "write it first with `leadwire offer set`";
        Problem::new(StatusCode::CONFLICT, "no_listing", "the offer has no listing", fix)
    })?;
    let asked = call.query_as("action", |text| {
        let names = Button::ALL.map(Button::as_str).join(", ");
        Button::parse(text).ok_or_else(|| format!("use one of: {names}"))
    })?;
    let button = asked.or_else(|| listing.buttons().first().copied());
    let offered = button.filter(|it| listing.offered(*it).is_some()).ok_or_else(|| {
        let fix = "add it to `actions` of the listing, or name another with `?action=`";
        Problem::from(Refusal::new("?action", "not_offered", "the offer does not have this action", fix))
    })?;
    let shape = snippets(&page_url(&call, &offer), offered, &listing);
    Ok(answer::json(StatusCode::OK, &shape))
}

fn snippets(page: &str, button: Button, listing: &Listing) -> wire::Embed {
    let action = button.as_str();
    let field = |name: &str, kind: &str, label: &str, complete: &str| {
        format!(
            "  <label>{label} <input name=\"{name}\" type=\"{kind}\" autocomplete=\"{complete}\"></label>\n"
        )
    };
    let fields = [
        field("first_name", "text", "First name", "given-name"),
        field("last_name", "text", "Last name", "family-name"),
        field("email", "email", "E-mail", "email"),
        field("company", "text", "Company", "organization"),
    ];
    wire::Embed {
        script: format!("<script src=\"{page}/embed.js\" data-action=\"{action}\"></script>"),
        form: format!(
            "<form method=\"post\" action=\"{page}/{action}\">\n{}  <button>Continue</button>\n</form>",
            fields.concat()
        ),
        origins: listing.embed_origins.clone(),
    }
}

fn find(call: &Call) -> Result<Offer, Problem> {
    let publisher = call.publisher();
    let id = own_offer(&publisher, call.path("offer"), "").map_err(|_| Problem::not_found())?;
    let setup = call.app.directory.now();
    let mut offers = setup.setup.offers.iter();
    offers.find(|it| it.publisher == publisher && it.id == id).cloned().ok_or_else(Problem::not_found)
}

/// What a stored listing says; none when nothing was written yet.
pub(super) fn listing(content: &str) -> Result<Option<Listing>, Problem> {
    if content.is_empty() {
        return Ok(None);
    }
    let wire: wire::Listing = serde_json::from_str(content)
        .map_err(|error| Problem::internal(format!("a stored listing cannot be read: {error}")))?;
    // A later version of the program may refuse what an earlier one took: then it must be set again.
    wire.read().map(Some).map_err(Problem::refused)
}

async fn steps(call: &Call, offer: &Offer, kept: &StoredListing) -> Result<Vec<Step>, Problem> {
    let listing = listing(&kept.content)?;
    let proofs = call.app.store.proofs(offer.publisher.clone()).await?;
    let routed = routed_to(call, &offer.publisher, &offer.id, &proofs);
    Ok(readiness::steps(&full_id(offer), listing.as_ref(), kept.state, &routed))
}

/// Destinations to which touchpoints of an offer may go, and how far each has proved itself.
fn routed_to(
    call: &Call,
    publisher: &PublisherId,
    offer: &OfferId,
    proofs: &[ProvedBefore],
) -> Vec<RoutedTo> {
    let setup = call.app.directory.now();
    let own =
        setup.setup.routes.iter().filter(|it| it.publisher == *publisher && it.offers.have(Some(offer)));
    // By number, whether some route brings it everything.
    let mut numbers: BTreeMap<DestinationNo, bool> = BTreeMap::new();
    for route in own {
        *numbers.entry(route.destination).or_default() |= route.filter.is_empty();
    }
    let destinations = setup.setup.destinations.iter();
    let routed = destinations.filter(|it| it.publisher == *publisher && numbers.contains_key(&it.number));
    let state = |proved: Option<(u32, Timestamp)>, settings_no: u32| match proved {
        None => Proven::Never,
        Some((no, _)) if no == settings_no => Proven::Now,
        Some(_) => Proven::Before,
    };
    routed
        .map(|it| {
            let proof = proofs.iter().find(|proof| proof.destination == it.number);
            RoutedTo {
                name: it.name.clone(),
                takes_all: numbers.get(&it.number).is_some_and(|it| *it),
                validated: state(proof.and_then(|it| it.validated), it.settings_no),
                test_lead: state(proof.and_then(|it| it.test_lead), it.settings_no),
            }
        })
        .collect()
}

fn refuse_unready(steps: &[Step], wanted: NeededFor) -> Result<(), Problem> {
    if readiness::is_ready(steps, wanted) {
        return Ok(());
    }
    let missing = steps.iter().filter(|it| !it.is_done && it.needed_for <= wanted);
    let missing: Vec<Refusal> =
        missing.map(|it| Refusal::new("", it.code, it.message.clone(), it.fix.clone())).collect();
    let detail = match missing.len() {
        1 => "a step is missing".to_owned(),
        many => format!("{many} steps are missing"),
    };
    let fix = "do the steps in `errors`; `leadwire offer readiness` shows them all";
    Err(Problem::new(StatusCode::CONFLICT, "not_ready", detail, fix).with_errors(missing))
}

fn done_without_routing(change: Change) -> Result<(), Problem> {
    if change == Change::Made { Ok(()) } else { Err(Problem::not_found()) }
}

async fn changed(call: &Call, change: Change) -> Result<Response, Problem> {
    if change != Change::Made {
        done(call, change, "").await?;
    }
    let offer = find(call)?;
    let kept = call.app.store.listing(offer.publisher.clone(), offer.id.clone()).await?;
    Ok(answer::json(StatusCode::OK, &shape(call, &offer, &kept)))
}

fn full_id(offer: &Offer) -> String {
    format!("{}.{}", offer.publisher, offer.id)
}

fn page_url(call: &Call, offer: &Offer) -> String {
    format!("{}/o/{}", call.app.public_url(), full_id(offer))
}

fn shape(call: &Call, offer: &Offer, kept: &StoredListing) -> wire::OfferDetail {
    wire::OfferDetail {
        id: full_id(offer),
        title: offer.title.clone(),
        state: kept.state.as_str().to_owned(),
        url: page_url(call, offer),
        has_changes: kept.state == OfferState::Live && kept.content != kept.live_content,
        live_at: kept.live_at.map(moment),
        listing: serde_json::from_str(&kept.content).ok(),
    }
}

fn step_shape(it: &Step) -> wire::ReadinessStep {
    let needed_for = match it.needed_for {
        NeededFor::Preview => "preview",
        NeededFor::Live => "live",
        NeededFor::Advice => "advice",
    };
    wire::ReadinessStep {
        code: it.code.to_owned(),
        done: it.is_done,
        needed_for: needed_for.to_owned(),
        message: it.message.clone(),
        fix: it.fix.clone(),
        destination: it.destination.clone(),
    }
}
