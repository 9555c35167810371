//! Endpoints of notices: what somebody was told of trouble, who is told, a test, and what is muted.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::setup::done;
use super::wire::{self, List, moment};
use crate::directory::Snapshot;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::limits;
use leadwire_core::notice::NoticeKind;
use leadwire_core::refusal::Refusal;
use leadwire_core::time::Timestamp;
use leadwire_store::audit::Deed;
use leadwire_store::lanes::LaneKey;
use leadwire_store::notices::{Mute, Notice, Told};
use std::time::Duration;

/// `GET /v1/notices`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let (limit, setup) = (call.limit()?, call.app.directory.now());
    let only_lasting = call.query_as("lasting", str::parse::<bool>)?.unwrap_or(false);
    let store = &call.app.store;
    let found = match only_lasting {
        true => store.lasting_notices(call.publisher.clone(), limit).await?,
        false => store.all_notices(call.publisher.clone(), limit).await?,
    };
    let items = found.into_iter().map(|it| shape(&setup, it)).collect();
    Ok(answer::json(StatusCode::OK, &List { items }))
}

/// A notice as it is shown.
pub(super) fn shape(setup: &Snapshot, it: Notice) -> wire::Notice {
    let destination = it
        .whose
        .lane()
        .map(|lane| setup.outlet(&lane).map_or_else(|| lane.destination.to_string(), |it| it.name.clone()));
    wire::Notice {
        number: it.number,
        kind: it.kind.as_str().to_owned(),
        destination,
        about: Some(it.about).filter(|it| !it.is_empty()),
        at: moment(it.at),
        cause: it.cause,
        message: it.message,
        fix: it.fix,
        told: match it.told {
            Told::NotYet => "not_yet".to_owned(),
            Told::At(at) => moment(at),
            Told::Nobody => "nobody".to_owned(),
            Told::Over => "over".to_owned(),
            Told::Muted => "muted".to_owned(),
        },
        times_told: it.times_told,
        lasts: it.lasts,
        ended_at: it.ended_at.map(moment),
    }
}

/// `GET /v1/notices/receivers`
pub(super) async fn receivers(call: Call) -> Result<Response, Problem> {
    let setup = call.app.directory.now();
    let mut items = Vec::new();
    for lane in call.app.store.notice_receivers(call.publisher.clone()).await? {
        // One that was removed is passed over when somebody is told, and is shown no more.
        let Some(outlet) = setup.outlet(&lane) else { continue };
        let way = call.app.store.notice_way(lane.clone()).await?;
        items.push(wire::NoticeReceiver {
            name: name_of(&call, &lane, &outlet.name),
            kind: outlet.kind.to_owned(),
            told_at: way.told_at.map(moment),
            failed_at: way.failed_at.map(moment),
            cause: way.cause,
            message: way.message,
        });
    }
    Ok(answer::json(StatusCode::OK, &List { items }))
}

/// The operator's receivers are destinations of some publisher, which is named with them.
fn name_of(call: &Call, lane: &LaneKey, name: &str) -> String {
    if call.publisher.is_some() { name.to_owned() } else { format!("{}/{name}", lane.publisher) }
}

/// `PUT /v1/notices/receivers`
pub(super) async fn set_receivers(call: Call) -> Result<Response, Problem> {
    let new: wire::NewNoticeReceivers = call.json()?;
    if new.receivers.len() > limits::NOTICE_RECEIVERS_MAX {
        let fix = format!("name {} at the most", limits::NOTICE_RECEIVERS_MAX);
        return Err(Refusal::new("/receivers", "too_many", "these are too many receivers", fix).into());
    }
    let mut lanes: Vec<LaneKey> = Vec::new();
    for (place, name) in new.receivers.iter().enumerate() {
        let lane = receiver(&call, name, &format!("/receivers/{place}"))?;
        if !lanes.contains(&lane) {
            lanes.push(lane);
        }
    }
    Deed::about(&new.receivers.join(" "));
    let now = call.app.clock.steady();
    call.app.store.set_notice_receivers(call.publisher.clone(), lanes, now).await?;
    call.app.watch.wake();
    receivers(call).await
}

/// The destination that a receiver's name stands for; it must carry notices.
fn receiver(call: &Call, name: &str, pointer: &str) -> Result<LaneKey, Problem> {
    let refuse =
        |message: &str, fix: &str| Problem::from(Refusal::new(pointer, "bad_receiver", message, fix));
    let (publisher, name) = match (&call.publisher, name.split_once('/')) {
        (Some(publisher), _) => (publisher.clone(), name),
        (None, Some((publisher, name))) => {
            let publisher = PublisherId::parse(publisher);
            (
                publisher.map_err(|_| {
                    refuse("there is no such publisher", "write it as `publisher/destination`")
                })?,
                name,
            )
        }
        (None, None) => {
            let message = "the operator's receivers are destinations of some publisher";
            return Err(refuse(message, "write it as `publisher/destination`"));
        }
    };
    let setup = call.app.directory.now();
    let found = setup
        .destination(&publisher, name)
        .ok_or_else(|| refuse("there is no such destination", "add it first; it needs no route"))?;
    if leadwire_connect::kind(&found.kind).is_some_and(|it| it.carries_notices) {
        return Ok(LaneKey { publisher, destination: found.number });
    }
    Err(refuse("this kind of destination carries no notices", "name one of kind https or email"))
}

/// `POST /v1/notices/test`
pub(super) async fn test(call: Call) -> Result<Response, Problem> {
    let wish: wire::NoticeTest = call.json()?;
    let lanes = match &wish.receiver {
        Some(name) => vec![receiver(&call, name, "/receiver")?],
        None => call.app.store.notice_receivers(call.publisher.clone()).await?,
    };
    if lanes.is_empty() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "nobody_to_tell",
            "nobody is named who is told of trouble",
            "name a destination of kind https or email with `PUT /v1/notices/receivers`",
        ));
    }
    let setup = call.app.directory.now();
    let mut items = Vec::new();
    for lane in lanes {
        let told = call.app.watch.test(call.publisher.as_ref(), &lane).await?;
        let name = setup.outlet(&lane).map_or_else(|| lane.destination.to_string(), |it| it.name.clone());
        let is_told = told.is_ok();
        let [cause, message, fix] = told.err().unwrap_or_default();
        let receiver = name_of(&call, &lane, &name);
        items.push(wire::NoticeTold { receiver, told: is_told, cause, message, fix });
    }
    Ok(answer::json(StatusCode::OK, &List { items }))
}

/// `GET /v1/notices/mutes`
pub(super) async fn mutes(call: Call) -> Result<Response, Problem> {
    let setup = call.app.directory.now();
    let found = call.app.store.mutes(call.publisher.clone(), call.app.clock.steady()).await?;
    let items = found.iter().map(|it| shape_of_mute(&call, &setup, it)).collect();
    Ok(answer::json(StatusCode::OK, &List { items }))
}

fn shape_of_mute(call: &Call, setup: &Snapshot, it: &Mute) -> wire::NoticeMute {
    let destination = it.destination.map(|number| {
        let lane = call.publisher.clone().map(|publisher| LaneKey { publisher, destination: number });
        let outlet = lane.and_then(|it| setup.outlet(&it).cloned());
        outlet.map_or_else(|| number.to_string(), |it| it.name.clone())
    });
    wire::NoticeMute { destination, kind: it.kind.map(|it| it.as_str().to_owned()), until: moment(it.until) }
}

/// `POST /v1/notices/mutes`
pub(super) async fn mute(call: Call) -> Result<Response, Problem> {
    let new: wire::NewNoticeMute = call.json()?;
    let longest = limits::NOTICE_MUTE_MAX.as_secs();
    if !(1..=longest).contains(&new.for_seconds) {
        let fix = format!("give 1 to {longest} seconds");
        return Err(Refusal::new("/for_seconds", "bad_time", "nothing is muted for so long", fix).into());
    }
    let now = call.app.clock.steady();
    let (destination, kind) = muted(&call, new.destination.as_deref(), new.kind.as_deref(), "/")?;
    let about = [new.destination.as_deref(), new.kind.as_deref()];
    Deed::about(&about.into_iter().flatten().collect::<Vec<_>>().join(" "));
    let mute = Mute { destination, kind, until: now.plus(Duration::from_secs(new.for_seconds)) };
    let made = call.app.store.mute(call.publisher.clone(), mute.clone(), now).await?;
    done(&call, made, "").await?;
    let setup = call.app.directory.now();
    Ok(answer::json(StatusCode::CREATED, &shape_of_mute(&call, &setup, &mute)))
}

/// `DELETE /v1/notices/mutes`
pub(super) async fn unmute(call: Call) -> Result<Response, Problem> {
    let of = |name: &str| call.query.get(name).map(String::as_str);
    let (destination, kind) = muted(&call, of("destination"), of("kind"), "?")?;
    let over = Mute { destination, kind, until: Timestamp::from_millis(0) };
    let now = call.app.clock.steady();
    let made = call.app.store.mute(call.publisher.clone(), over, now).await?;
    done(&call, made, "").await?;
    call.app.watch.wake();
    Ok(answer::empty())
}

/// What a mute is about.
fn muted(
    call: &Call,
    destination: Option<&str>,
    kind: Option<&str>,
    place: &str,
) -> Result<(Option<DestinationNo>, Option<NoticeKind>), Problem> {
    let refuse = |field: &str, message: &str, fix: String| {
        Problem::from(Refusal::new(format!("{place}{field}"), "unknown", message, fix))
    };
    let setup = call.app.directory.now();
    let number = match destination {
        None => None,
        Some(name) => {
            let found = call.publisher.as_ref().and_then(|it| setup.destination(it, name));
            let fix = "name a destination of the publisher".to_owned();
            Some(found.ok_or_else(|| refuse("destination", "there is no such destination", fix))?.number)
        }
    };
    let kind = match kind {
        None => None,
        Some(name) => {
            let all = NoticeKind::ALL.map(NoticeKind::as_str).join(", ");
            let found = NoticeKind::parse(name);
            Some(found.ok_or_else(|| {
                refuse("kind", "there is no such kind of notice", format!("use one of: {all}"))
            })?)
        }
    };
    Ok((number, kind))
}
