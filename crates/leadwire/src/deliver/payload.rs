//! From claims to what a connector is given, reading from the store what is not at hand any more.

use super::handover::Handover;
use crate::directory::{Directory, Snapshot};
use crate::{bodies, follow_ups};
use leadwire_connect::Payload;
use leadwire_core::follow_up::{self, FollowUp, Message};
use leadwire_core::id::DeliveryId;
use leadwire_core::language::Language;
use leadwire_core::mapping::Subject;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Customer, Touchpoint};
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
    Ok(ready
        .into_iter()
        .map(|(claim, found)| {
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
            (claim, found)
        })
        .collect())
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
