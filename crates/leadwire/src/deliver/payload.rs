//! From claims to what a connector is given, reading from the store what is not at hand any more.

use super::handover::Handover;
use crate::directory::{Directory, Snapshot};
use crate::{bodies, follow_ups};
use leadwire_connect::Payload;
use leadwire_connect::erase::RECORD;
use leadwire_core::erasure;
use leadwire_core::follow_up::{self, FollowUp, Message};
use leadwire_core::id::{DeliveryId, DestinationNo, TouchpointId};
use leadwire_core::json::Json;
use leadwire_core::language::Language;
use leadwire_core::mapping::Subject;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Action, Customer, Source, Touchpoint};
use leadwire_store::lanes::{Claim, LaneKey};
use leadwire_store::rows::Channel;
use leadwire_store::{Store, StoreError};
use std::collections::HashMap;
use std::sync::Arc;

/// A claim ready to be tried, or what became of it without a try.
pub(super) type Ready = (Claim, Content);

/// What is to be tried, or what became of it without a try.
pub(super) type Content = Result<Payload, Box<Tried>>;

/// Finds the content of each claim, in the order of the claims.
pub(super) async fn load(
    store: &Store,
    (handover, directory): (&Handover, &Directory),
    lane: &LaneKey,
    claims: Vec<Claim>,
) -> Result<Vec<Ready>, StoreError> {
    let setup = directory.now();
    let mut ready: Vec<(Claim, Option<Content>)> = Vec::with_capacity(claims.len());
    let mut missing = Vec::new();
    for claim in claims {
        if claim.standing.erases {
            let needs = store.erasure_needs(lane.publisher.clone(), claim.touchpoint).await?;
            let (touchpoint, asked_at) = erased(lane.destination, needs.as_deref());
            let content = payload((directory, &setup), lane, claim, (Arc::new(touchpoint), asked_at));
            ready.push((claim, Some(content)));
            continue;
        }
        let found = handover.take((claim.touchpoint, lane.destination));
        if found.is_none() {
            missing.push(claim.touchpoint);
        }
        let payload = found.map(|(touchpoint, received_at)| {
            payload((directory, &setup), lane, claim, (touchpoint, received_at))
        });
        ready.push((claim, payload));
    }
    let mut kept: HashMap<_, _> = HashMap::new();
    if !missing.is_empty() {
        let found = store.touchpoints(lane.publisher.clone(), missing).await?;
        kept.extend(found.into_iter().map(|it| (it.id, it)));
    }
    // What a person says of a lead is said of the customer as they are known now.
    let mut customers: HashMap<_, Customer> = HashMap::new();
    for (claim, _) in &ready {
        if kept.get(&claim.touchpoint).is_some_and(|it| it.channel == Channel::Person) {
            let customer = store.customer(lane.publisher.clone(), claim.lead).await?;
            customers.insert(claim.touchpoint, customer.unwrap_or_default());
        }
    }
    let mut pinned = pinned(store, &setup, lane, &ready).await?;
    Ok(ready
        .into_iter()
        .map(|(claim, found)| {
            let mapping = pinned.remove(&claim.touchpoint);
            let found = found.unwrap_or_else(|| {
                let kept =
                    kept.get(&claim.touchpoint).ok_or_else(|| unreadable("its touchpoint is not there"))?;
                let mut touchpoint = bodies::read_back(&lane.publisher, kept)
                    .map_err(|_| unreadable("its kept body cannot be read by this version"))?;
                if let Some(customer) = customers.remove(&claim.touchpoint) {
                    touchpoint.customer = customer;
                }
                payload((directory, &setup), lane, claim, (Arc::new(touchpoint), kept.received_at))
            });
            (claim, found.map(|it| Payload { mapping, ..it }))
        })
        .collect())
}

/// The rows of another version of the mapping, for those that are to be mapped by one. Only a destination that has any is
/// looked up.
async fn pinned(
    store: &Store,
    setup: &Snapshot,
    lane: &LaneKey,
    ready: &[(Claim, Option<Content>)],
) -> Result<HashMap<TouchpointId, Arc<str>>, StoreError> {
    let destination = setup.destination(&lane.publisher, &lane.destination.to_string());
    if !destination.is_some_and(|it| it.pins_mappings) {
        return Ok(HashMap::new());
    }
    let touchpoints = ready.iter().map(|it| it.0.touchpoint).collect();
    let found = store.pinned_mappings(lane.publisher.clone(), lane.destination, touchpoints).await?;
    Ok(found.into_iter().map(|(touchpoint, rows)| (touchpoint, Arc::from(rows))).collect())
}

fn payload(
    (directory, setup): (&Directory, &Snapshot),
    lane: &LaneKey,
    claim: Claim,
    (touchpoint, received_at): (Arc<Touchpoint>, Timestamp),
) -> Content {
    let mut payload = Payload {
        delivery: DeliveryId { touchpoint: claim.touchpoint, destination: lane.destination },
        lead: claim.lead,
        publisher: lane.publisher.clone(),
        received_at,
        touchpoint,
        attempt: claim.number,
        standing: claim.standing,
        message: None,
        mapping: None,
    };
    if let Some(id) = claim.follow_up {
        let follow_up = setup.follow_up(&lane.publisher, id).ok_or_else(|| withheld("follow_up_removed"))?;
        let stop_url = directory.stop_url(&lane.publisher, claim.lead);
        payload.message = Some(Arc::new(write(follow_up, &payload, stop_url).map_err(withheld)?));
    }
    Ok(payload)
}

fn write(follow_up: &FollowUp, payload: &Payload, stop_url: Option<String>) -> Result<Message, &'static str> {
    let subject = Subject {
        touchpoint: &payload.touchpoint,
        publisher: &payload.publisher,
        lead: payload.lead,
        id: payload.delivery.touchpoint,
        received_at: payload.received_at,
        standing: payload.standing,
        language: Language::default(),
    };
    follow_ups::write(follow_up, &subject, stop_url)
}

/// A follow-up that must not be sent any more: nothing is tried.
pub(super) fn withheld(cause: &str) -> Box<Tried> {
    let (message, fix) = follow_up::explain(cause);
    Box::new(Tried {
        outcome: Outcome::NotDone(Fault::Withhold),
        evidence: Evidence {
            cause: cause.to_owned(),
            message: message.to_owned(),
            fix: fix.to_owned(),
            ..Evidence::default()
        },
    })
}

fn unreadable(message: &str) -> Box<Tried> {
    Box::new(Tried {
        outcome: Outcome::NotDone(Fault::Park),
        evidence: Evidence {
            cause: "content_unreadable".to_owned(),
            message: message.to_owned(),
            fix: "check the store with `leadwire doctor`, then retry this delivery".to_owned(),
            ..Evidence::default()
        },
    })
}

/// What a connector is given of an erased person: the address, if one is needed and known, and this destination's
/// records; and when it was asked for.
fn erased(destination: DestinationNo, needs: Option<&str>) -> (Touchpoint, Timestamp) {
    let needs: serde_json::Value = needs.and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
    let email = needs["email"].as_str().filter(|it| !it.is_empty()).map(str::to_owned);
    let asked_at = Timestamp::from_millis(needs["asked_at"].as_i64().unwrap_or(0));
    let records = needs["records"][destination.to_string()].as_array().cloned().unwrap_or_default();
    let touchpoint = Touchpoint {
        source: Source::Other(erasure::SOURCE.to_owned()),
        action: Action::Other(erasure::ACTION.to_owned()),
        customer: Customer { email, ..Customer::default() },
        custom: records.iter().filter_map(|it| Some((RECORD.to_owned(), Json::text(it.as_str()?)))).collect(),
        ..Touchpoint::default()
    };
    (touchpoint, asked_at)
}
