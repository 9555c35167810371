//! Endpoints of follow-ups: what is said to customers and to the team, and how it would read.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::proof::{given, stored};
use super::routes::{destination, offers, offers_shape};
use super::setup::done;
use super::wire::{self, List, moment};
use crate::follow_ups::{GivenByLanguage, read_words, ready};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_connect::Payload;
use leadwire_connect::descriptor::Settings;
use leadwire_core::follow_up::{self, Audience, DayMinute};
use leadwire_core::id::{DestinationNo, FollowUpId};
use leadwire_core::interest::Interest;
use leadwire_core::language::Language;
use leadwire_core::mapping::Subject;
use leadwire_core::refusal::Refusal;
use leadwire_store::audit::Deed;
use leadwire_store::setup::{Change, Destination, StoredFollowUp};

/// `GET /v1/follow-ups`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let (publisher, setup) = (call.publisher(), call.app.directory.now());
    let own = setup.setup.follow_ups.iter().filter(|it| it.publisher == publisher);
    Ok(answer::json(StatusCode::OK, &List { items: own.map(|it| shape(&call, it)).collect() }))
}

/// `POST /v1/follow-ups`
pub(super) async fn add(call: Call) -> Result<Response, Problem> {
    let new: wire::NewFollowUp = call.json()?;
    let audience = Audience::parse(&new.audience).ok_or_else(|| {
        Refusal::new("/audience", "bad_audience", "nobody is called so", "use `customer` or `team`")
    })?;
    let it = StoredFollowUp {
        publisher: call.publisher(),
        id: FollowUpId::new(call.app.ids.next(call.app.clock.steady())),
        offers: offers(&call, &new.offer)?,
        step: step(&new.step)?,
        audience,
        destination: carrier(&call, &new.destination)?,
        digest_at: new.digest_at.as_deref().map(minute).transpose()?.flatten(),
        words: words(&new.words)?,
        created_at: call.app.clock.wall(),
    };
    Deed::about(&it.id.to_string());
    keep(&call, it, StatusCode::CREATED).await
}

/// `PATCH /v1/follow-ups/{follow_up}`
pub(super) async fn change(call: Call) -> Result<Response, Problem> {
    let old = found(&call)?;
    let wish: wire::FollowUpChange = call.json()?;
    let it = StoredFollowUp {
        offers: wish.offer.as_deref().map_or(Ok(old.offers), |it| offers(&call, it))?,
        step: wish.step.as_deref().map_or(Ok(old.step), step)?,
        destination: wish.destination.as_deref().map_or(Ok(old.destination), |it| carrier(&call, it))?,
        digest_at: wish.digest_at.as_deref().map_or(Ok(old.digest_at), minute)?,
        words: wish.words.as_ref().map_or(Ok(old.words), words)?,
        ..old
    };
    keep(&call, it, StatusCode::OK).await
}

/// `DELETE /v1/follow-ups/{follow_up}`
pub(super) async fn remove(call: Call) -> Result<Response, Problem> {
    let id = FollowUpId::parse(call.path("follow_up")).map_err(|_| Problem::not_found())?;
    let removed = call.app.store.remove_follow_up(call.publisher(), id).await?;
    done(&call, removed, "").await?;
    Ok(answer::empty())
}

/// `POST /v1/follow-ups/{follow_up}/preview`
pub(super) async fn preview(call: Call) -> Result<Response, Problem> {
    let kept = found(&call)?;
    let wish: wire::FollowUpTrial = call.json()?;
    let setup = call.app.directory.now();
    let number = kept.destination.to_string();
    let through = setup.destination(&kept.publisher, &number).ok_or_else(Problem::not_found)?;
    let payload = match (&wish.touchpoint, &wish.lead) {
        (Some(id), None) => stored(&call, through, id).await?,
        (None, Some(lead)) => given(&call, through, lead)?,
        (Some(_), Some(_)) | (None, None) => {
            let fix = "give the id of a kept touchpoint, or a lead";
            return Err(Refusal::new("", "bad_trial", "give `touchpoint` or `lead`, one of them", fix).into());
        }
    };
    let it = ready(&kept).ok_or_else(Problem::not_found)?;
    let stop_url = call.app.directory.stop_url(&kept.publisher, payload.lead);
    let message = follow_up::write(&it, &subject(&payload), stop_url);
    let held = follow_up::held(it.audience, payload.standing, &payload.touchpoint);
    let shown = wire::FollowUpShown {
        would_be_sent: held.is_none(),
        because: held.map(|it| follow_up::explain(it).0.to_owned()),
        language: message.language.code().to_owned(),
        subject: message.subject,
        text: message.text,
    };
    Ok(answer::json(StatusCode::OK, &shown))
}

fn subject(payload: &Payload) -> Subject<'_> {
    Subject {
        touchpoint: &payload.touchpoint,
        publisher: &payload.publisher,
        lead: payload.lead,
        id: payload.delivery.touchpoint,
        received_at: payload.received_at,
        standing: payload.standing,
        language: Language::default(),
    }
}

fn found(call: &Call) -> Result<StoredFollowUp, Problem> {
    let id = FollowUpId::parse(call.path("follow_up")).map_err(|_| Problem::not_found())?;
    let (publisher, setup) = (call.publisher(), call.app.directory.now());
    let mut own = setup.setup.follow_ups.iter().filter(|it| it.publisher == publisher);
    own.find(|it| it.id == id).cloned().ok_or_else(Problem::not_found)
}

async fn keep(call: &Call, it: StoredFollowUp, status: StatusCode) -> Result<Response, Problem> {
    check_digest(call, &it)?;
    let made = call.app.store.put_follow_up(it.clone()).await?;
    if made == Change::Taken {
        let what = "another follow-up is for the same offers, step and reader";
        let fix = "change that one with `leadwire follow-up set`, or remove it first";
        return Err(
            Problem::from(Refusal::new("/offer", "taken", what, fix)).with_status(StatusCode::CONFLICT)
        );
    }
    done(call, made, "/offer").await?;
    Ok(answer::json(status, &shape(call, &it)))
}

/// A digest is for the team, and by e-mail it is one message only where the destination collects.
fn check_digest(call: &Call, it: &StoredFollowUp) -> Result<(), Problem> {
    if it.digest_at.is_none() {
        return Ok(());
    }
    if it.audience == Audience::Customer {
        let fix = "leave `digest_at` out: a customer is written to at once";
        return Err(Refusal::new("/digest_at", "not_for_customers", "a digest is for the team", fix).into());
    }
    let setup = call.app.directory.now();
    let through = setup.destination(&it.publisher, &it.destination.to_string());
    if through.is_some_and(|it| it.kind == "email" && !collects(it)) {
        let fix = "set `collect` of the destination to `yes`, or leave `digest_at` out";
        let what = "this destination sends a message for each lead";
        return Err(Refusal::new("/digest_at", "does_not_collect", what, fix).into());
    }
    Ok(())
}

fn collects(destination: &Destination) -> bool {
    let settings: Settings = serde_json::from_str(&destination.settings).unwrap_or_default();
    settings.get("collect").is_some_and(|it| it == "yes")
}

fn step(text: &str) -> Result<Interest, Problem> {
    Interest::parse(text).ok_or_else(|| {
        Refusal::new("/step", "bad_step", "there is no such step", "use `initial` or `active`").into()
    })
}

fn minute(text: &str) -> Result<Option<DayMinute>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let read = DayMinute::parse(text).ok_or_else(|| {
        let fix = "write it as `HH:MM` in UTC, such as `07:30`";
        Refusal::new("/digest_at", "bad_time", "this is no minute of the day", fix)
    })?;
    Ok(Some(read))
}

/// Checks words, and gives them as they are kept.
fn words(given: &GivenByLanguage) -> Result<String, Problem> {
    read_words(given).map_err(Problem::refused)?;
    Ok(serde_json::to_string(given).expect("texts can be written as JSON"))
}

/// A destination whose kind carries messages.
fn carrier(call: &Call, name: &str) -> Result<DestinationNo, Problem> {
    let number = destination(call, name)?;
    let setup = call.app.directory.now();
    let found = setup.destination(&call.publisher(), &number.to_string());
    let kind = found.and_then(|it| leadwire_connect::kind(&it.kind));
    if kind.is_some_and(|it| it.carries_notices) {
        return Ok(number);
    }
    let kinds: Vec<&str> =
        leadwire_connect::CONNECTORS.iter().filter(|it| it.carries_notices).map(|it| it.name).collect();
    let fix = format!("use a destination of one of these kinds: {}", kinds.join(", "));
    Err(Refusal::new("/destination", "carries_no_messages", "this destination carries no messages", fix)
        .into())
}

fn shape(call: &Call, it: &StoredFollowUp) -> wire::FollowUp {
    let (setup, number) = (call.app.directory.now(), it.destination.to_string());
    wire::FollowUp {
        id: it.id.to_string(),
        offer: offers_shape(&it.publisher, &it.offers),
        step: it.step.as_str().to_owned(),
        audience: it.audience.as_str().to_owned(),
        destination: setup.destination(&it.publisher, &number).map_or(number, |it| it.name.clone()),
        digest_at: it.digest_at.map(|it| it.to_string()),
        words: serde_json::from_str(&it.words).unwrap_or_default(),
        created_at: moment(it.created_at),
    }
}
