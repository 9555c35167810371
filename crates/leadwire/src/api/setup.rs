//! Endpoints of the set-up: publishers, offers and intake addresses.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::wire::{self, List, moment};
use crate::clock;
use crate::secrets::{self, CredentialKind};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::{OfferId, OfferRef, PublisherId, TokenId};
use leadwire_core::listing::OfferState;
use leadwire_core::refusal::Refusal;
use leadwire_store::audit::Deed;
use leadwire_store::setup::{Change, IntakeToken, Offer, Publisher};

/// `GET /v1/publishers`
pub(super) async fn publishers(call: Call) -> Result<Response, Problem> {
    let own = call.actor.as_ref().and_then(|it| it.publisher.clone());
    let setup = call.app.directory.now();
    let visible = setup.setup.publishers.iter().filter(|it| own.as_ref().is_none_or(|own| *own == it.id));
    Ok(answer::json(StatusCode::OK, &List { items: visible.map(publisher_shape).collect() }))
}

/// `POST /v1/publishers`
pub(super) async fn add_publisher(call: Call) -> Result<Response, Problem> {
    let new: wire::NewPublisher = call.json()?;
    let id = PublisherId::parse(&new.id).map_err(|it| bad_name("/id", &it))?;
    let publisher = Publisher {
        title: new.title.unwrap_or_else(|| id.to_string()),
        id,
        created_at: call.app.clock.wall(),
    };
    Deed::about(publisher.id.as_str());
    let made = call.app.store.add_publisher(publisher.clone()).await?;
    done(&call, made, "/id").await?;
    Ok(answer::json(StatusCode::CREATED, &publisher_shape(&publisher)))
}

fn publisher_shape(it: &Publisher) -> wire::Publisher {
    wire::Publisher { id: it.id.to_string(), title: it.title.clone(), created_at: moment(it.created_at) }
}

/// `GET /v1/offers`
pub(super) async fn offers(call: Call) -> Result<Response, Problem> {
    let (publisher, setup) = (call.publisher(), call.app.directory.now());
    let states = call.app.store.offer_states(publisher.clone()).await?;
    let state =
        |it: &Offer| states.iter().find(|known| known.0 == it.id).map_or_else(Default::default, |it| it.1);
    let own = setup.setup.offers.iter().filter(|it| it.publisher == publisher);
    Ok(answer::json(StatusCode::OK, &List { items: own.map(|it| offer_shape(it, state(it))).collect() }))
}

/// `POST /v1/offers`
pub(super) async fn put_offer(call: Call) -> Result<Response, Problem> {
    let new: wire::NewOffer = call.json()?;
    let publisher = call.publisher();
    let id = own_offer(&publisher, &new.id, "/id")?;
    let title = new.title.unwrap_or_else(|| id.to_string());
    let offer = Offer { publisher, id, title, created_at: call.app.clock.wall() };
    Deed::about(offer.id.as_str());
    let made = call.app.store.put_offer(offer.clone()).await?;
    done(&call, made, "/id").await?;
    let kept = call.app.store.listing(offer.publisher.clone(), offer.id.clone()).await?;
    Ok(answer::json(StatusCode::CREATED, &offer_shape(&offer, kept.state)))
}

/// `DELETE /v1/offers/{offer}`
pub(super) async fn remove_offer(call: Call) -> Result<Response, Problem> {
    let publisher = call.publisher();
    let offer = own_offer(&publisher, call.path("offer"), "").map_err(|_| Problem::not_found())?;
    let now = call.app.clock.wall();
    let removed = call.app.store.remove_offer(publisher, offer, now).await?;
    done(&call, removed, "").await?;
    Ok(answer::empty())
}

fn offer_shape(it: &Offer, state: OfferState) -> wire::Offer {
    wire::Offer {
        id: format!("{}.{}", it.publisher, it.id),
        title: it.title.clone(),
        state: state.as_str().to_owned(),
        created_at: moment(it.created_at),
    }
}

/// Reads an offer's id in its short or its full form.
pub(super) fn own_offer(publisher: &PublisherId, text: &str, pointer: &str) -> Result<OfferId, Problem> {
    if let Ok(full) = OfferRef::parse(text)
        && full.publisher == *publisher
    {
        return Ok(full.offer);
    }
    OfferId::parse(text).map_err(|it| bad_name(pointer, &it))
}

/// `GET /v1/intake-addresses`
pub(super) async fn addresses(call: Call) -> Result<Response, Problem> {
    let (publisher, setup) = (call.publisher(), call.app.directory.now());
    let own = setup.setup.tokens.iter().filter(|it| it.publisher == publisher);
    Ok(answer::json(StatusCode::OK, &List { items: own.map(|it| address_shape(it, None)).collect() }))
}

/// `POST /v1/intake-addresses`
pub(super) async fn add_address(call: Call) -> Result<Response, Problem> {
    let new: wire::NewIntakeAddress = call.json()?;
    let publisher = call.publisher();
    let offer = own_offer(&publisher, &new.offer, "/offer")?;
    if !call.app.directory.now().has_offer(&publisher, &offer) {
        return Err(Refusal::new("/offer", "unknown_offer", "there is no such offer", "add it first").into());
    }
    let secret = secrets::make_credential(CredentialKind::IntakeToken);
    let now = call.app.clock.wall();
    let token = IntakeToken {
        publisher,
        id: TokenId::new(clock::random_bits()),
        offer,
        hash: secrets::sha256(secret.expose().as_bytes()),
        tail: secrets::tail(&secret),
        created_at: now,
    };
    Deed::about(&token.id.to_string());
    let made = call.app.store.add_token(token.clone()).await?;
    done(&call, made, "/offer").await?;
    let url = format!("{}/in/{}", call.app.public_url(), secret.expose());
    Ok(answer::json(StatusCode::CREATED, &address_shape(&token, Some(url))))
}

/// `DELETE /v1/intake-addresses/{address}`
pub(super) async fn revoke_address(call: Call) -> Result<Response, Problem> {
    let token = TokenId::parse(call.path("address")).map_err(|_| Problem::not_found())?;
    let now = call.app.clock.wall();
    let revoked = call.app.store.revoke_token(call.publisher(), token, now).await?;
    done(&call, revoked, "").await?;
    Ok(answer::empty())
}

fn address_shape(it: &IntakeToken, url: Option<String>) -> wire::IntakeAddress {
    wire::IntakeAddress {
        id: it.id.to_string(),
        offer: format!("{}.{}", it.publisher, it.offer),
        tail: it.tail.clone(),
        created_at: moment(it.created_at),
        url,
    }
}

/// Brings a change of the set-up into force, or says why it was not made.
pub(super) async fn done(call: &Call, change: Change, pointer: &str) -> Result<(), Problem> {
    match change {
        Change::Made => Ok(call.app.directory.refresh().await?),
        Change::Missing => Err(Problem::not_found()),
        Change::Taken => {
            let refusal =
                Refusal::new(pointer, "taken", "this exists already", "choose another, or use that one");
            Err(Problem::from(refusal).with_status(StatusCode::CONFLICT))
        }
        Change::Owed(count) => Err(Problem::new(
            StatusCode::CONFLICT,
            "still_owed",
            format!("{count} deliveries to this destination are still pending"),
            "wait until they are delivered, or until each waits for a person, and remove it then",
        )),
        Change::InUse => {
            let refusal = Refusal::new(
                "/destination",
                "destination_in_use",
                "routes and follow-ups share no destination: a delivery brings a lead or says something of it",
                "add a second destination with the same settings for the follow-ups",
            );
            Err(Problem::from(refusal).with_status(StatusCode::CONFLICT))
        }
        Change::Full => Err(Problem::new(
            StatusCode::CONFLICT,
            "too_many",
            "there are as many of these as there may be",
            "remove some, or wait until some are done",
        )),
    }
}

pub(super) fn bad_name(pointer: &str, error: &leadwire_core::id::BadId) -> Problem {
    Refusal::new(pointer, "bad_name", "this cannot be an id here", error.to_string()).into()
}
