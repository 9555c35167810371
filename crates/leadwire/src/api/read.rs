//! Endpoints that read leads and deliveries, and put deliveries back to work.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::wire::{self, moment};
use crate::access::Role;
use crate::bodies;
use crate::directory::Snapshot;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::hex;
use leadwire_core::history::{self, SaidValue};
use leadwire_core::id::{DeliveryId, LeadId, PublisherId};
use leadwire_core::identity::{self, Identity, Scope};
use leadwire_core::lead::FIELDS;
use leadwire_core::limits;
use leadwire_core::standing::{InterestBy, Mark};
use leadwire_core::touchpoint::Touchpoint;
use leadwire_store::deliveries::{AskedBy, Attempt, Delivery, DeliveryFilter};
use leadwire_store::lanes::LaneKey;
use leadwire_store::leads::{Lead, LeadFilter, StoredTouchpoint};
use leadwire_store::rows::{Channel, DeliveryState};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// `GET /v1/leads`
pub(super) async fn leads(call: Call) -> Result<Response, Problem> {
    if let Some(text) = call.query.get("find") {
        return super::search::leads(&call, text).await;
    }
    let limit = call.limit()?;
    let filter = LeadFilter {
        publisher: call.publisher(),
        before: call.query_as("cursor", LeadId::parse)?,
        email: call.query.get("email").cloned(),
        limit,
    };
    let rows = call.app.store.leads(filter).await?;
    Ok(answer::page(rows.iter().map(lead_shape).collect(), limit, |it| it.id.clone()))
}

/// `GET /v1/leads/{lead}`
pub(super) async fn lead(call: Call) -> Result<Response, Problem> {
    let id = LeadId::parse(call.path("lead")).map_err(|_| Problem::not_found())?;
    Ok(answer::json(StatusCode::OK, &lead_detail(&call, id).await?))
}

/// A lead with everything that is shown of it.
pub(super) async fn lead_detail(call: &Call, id: LeadId) -> Result<wire::LeadDetail, Problem> {
    let publisher = call.publisher();
    let found = call.app.store.lead(publisher.clone(), id, limits::PAGE_ROWS_MAX).await?;
    let (lead, touchpoints) = found.ok_or_else(Problem::not_found)?;
    let filter = DeliveryFilter {
        publisher: publisher.clone(),
        destination: None,
        state: None,
        lead: Some(id),
        before: None,
        limit: limits::PAGE_ROWS_MAX,
    };
    let deliveries = call.app.store.deliveries(filter).await?;
    let setup = call.app.directory.now();
    let keys = keys(call, &touchpoints).await?;
    let deliveries: Vec<_> = deliveries.iter().map(|it| delivery_shape(&setup, &publisher, it)).collect();
    Ok(wire::LeadDetail {
        merged_into: (lead.id != id).then(|| lead.id.to_string()),
        members: super::merges::members(call, lead.id, &deliveries).await?,
        standing: standing(call, &lead).await?,
        feedback: super::feedback::of_lead(call, id).await?,
        erased_at: call.app.store.erased_at(publisher.clone(), id).await?.map(moment),
        lead: lead_shape(&lead),
        history: history_shape(&publisher, &touchpoints),
        timeline: touchpoints.iter().map(|it| touchpoint_shape(&publisher, it, &keys)).collect(),
        deliveries,
    })
}

async fn standing(call: &Call, lead: &Lead) -> Result<wire::Standing, Problem> {
    let (publisher, stands) = (call.publisher(), &lead.standing);
    let decisions = call.app.store.acts(publisher.clone(), lead.id, limits::ACTS_SHOWN_MAX).await?;
    let consent = match stands.consent {
        None => None,
        Some(mark) => {
            let kept = call.app.store.touchpoints(publisher.clone(), vec![mark.by]).await?;
            kept.first().and_then(|kept| {
                let consent = bodies::read_back(&publisher, kept).ok()?.consent?;
                Some(wire::ConsentRecord {
                    shared: consent.shared,
                    text_version: consent.text_version,
                    at: moment(mark.at),
                    source: kept.source.clone(),
                    touchpoint: mark.by.to_string(),
                })
            })
        }
    };
    let said = |mark: Mark| wire::Said { at: moment(mark.at), touchpoint: mark.by.to_string() };
    Ok(wire::Standing {
        interest: stands.interest.as_ref().map(|it| why(&it.1)),
        refused: stands.refused.map(said),
        permitted: stands.permitted.map(said),
        consent,
        decisions: decisions
            .into_iter()
            .map(|it| wire::Act {
                id: it.id.to_string(),
                at: moment(it.at),
                kind: it.kind,
                value: it.value,
                reason: it.reason,
                who: it.who,
                rule: Some(it.rule).filter(|it| !it.is_empty()),
            })
            .collect(),
    })
}

fn why(by: &InterestBy) -> wire::InterestWhy {
    match by {
        InterestBy::Touchpoint { id, rule } => wire::InterestWhy {
            why: format!("touchpoint {id} shows it, by the rule {rule}"),
            touchpoint: Some(id.to_string()),
            rule: Some(rule.to_string()),
        },
        InterestBy::Person => wire::InterestWhy {
            why: "a person set it; see decisions".to_owned(),
            touchpoint: None,
            rule: None,
        },
    }
}

/// The customer's fields that were ever said, in the order of a customer's fields.
pub(super) fn customer_shape(values: [&String; FIELDS]) -> Map<String, Value> {
    let names = ["first_name", "last_name", "email", "phone", "country", "company", "title"];
    let said = names.into_iter().zip(values).filter(|(_, text)| !text.is_empty());
    said.map(|(name, text)| (name.to_owned(), json!(text))).collect()
}

pub(super) fn lead_shape(it: &Lead) -> wire::Lead {
    let Lead { first_name, last_name, email, phone, country, company, title, .. } = it;
    wire::Lead {
        id: it.id.to_string(),
        customer: customer_shape([first_name, last_name, email, phone, country, company, title]),
        members: it.members,
        test: it.test,
        interest: it.standing.interest.as_ref().map(|it| it.0.as_str().to_owned()),
        do_not_contact: it.standing.is_refused(),
        touchpoints: it.touchpoints,
        created_at: moment(it.created_at),
        updated_at: moment(it.updated_at),
    }
}

fn history_shape(publisher: &PublisherId, touchpoints: &[StoredTouchpoint]) -> Vec<wire::FieldHistory> {
    let read = |it: &StoredTouchpoint| Some((it.id, bodies::read_back(publisher, it).ok()?.customer));
    // What a person says repeats what is known.
    let said = touchpoints.iter().filter(|it| it.channel != Channel::Person);
    let customers: Vec<_> = said.filter_map(read).collect();
    let all: Vec<_> = customers.iter().map(|it| (it.0, &it.1)).collect();
    let changed = history::of(&all).into_iter().filter(|it| it.values.len() > 1);
    let value = |it: SaidValue| wire::SaidValue { value: it.value, touchpoint: it.by.to_string() };
    changed
        .map(|it| wire::FieldHistory {
            field: it.field.to_owned(),
            values: it.values.into_iter().map(value).collect(),
        })
        .collect()
}

/// By which key each lead's touchpoints fold into it.
pub(super) type Keys = HashMap<LeadId, [u8; 16]>;

/// The keys of the leads into which these touchpoints folded.
pub(super) async fn keys(call: &Call, touchpoints: &[StoredTouchpoint]) -> Result<Keys, Problem> {
    let leads: BTreeSet<LeadId> = touchpoints.iter().map(|it| it.lead).collect();
    let found = call.app.store.identities(call.publisher(), leads.into_iter().collect()).await?;
    Ok(found.into_iter().collect())
}

/// Why a touchpoint belongs to its lead. The values are hashed: they are to be compared, not read.
fn folded(channel: Channel, touchpoint: &Touchpoint, key: Option<&[u8; 16]>) -> wire::Folded {
    let shape = |(rule, fields): (&str, &[&str]), scope: Option<Scope>| wire::Folded {
        rule: rule.to_owned(),
        fields: fields.iter().map(|it| (*it).to_owned()).collect(),
        key: key.filter(|_| !fields.is_empty()).map(|it| hex::encode(it)),
        scope: scope.filter(|it| *it == Scope::Offer).map(|it| it.as_str().to_owned()),
    };
    if channel == Channel::Person {
        return shape(("person", &[]), None);
    }
    // By the key the lead has: the publisher's rules may have changed since.
    match key.and_then(|it| identity::folded_by(touchpoint, *it)) {
        Some((identity, scope)) => shape(identity.rule(), Some(scope)),
        None => shape(Identity::Alone.rule(), None),
    }
}

pub(super) fn touchpoint_shape(
    publisher: &PublisherId,
    it: &StoredTouchpoint,
    keys: &Keys,
) -> wire::TouchpointRow {
    let read = bodies::read_back(publisher, it).ok();
    let folded = read.as_ref().map(|read| folded(it.channel, read, keys.get(&it.lead)));
    let content = read.and_then(|touchpoint| {
        let mut text = String::new();
        touchpoint.canonical_json().write(&mut text);
        serde_json::from_str(&text).ok()
    });
    wire::TouchpointRow {
        id: it.id.to_string(),
        lead: it.lead.to_string(),
        received_at: moment(it.received_at),
        channel: it.channel.as_str().to_owned(),
        offer: it.offer.as_ref().map(|offer| format!("{publisher}.{offer}")),
        source: it.source.clone(),
        action: it.action.clone(),
        test: it.test,
        routed: it.routed,
        folded,
        interest: it.shown.as_ref().map(|it| it.interest.as_str().to_owned()),
        interest_rule: it.shown.as_ref().map(|it| it.rule.to_string()),
        routing_trouble: Some(it.routing_trouble.clone()).filter(|it| !it.is_empty()),
        content,
    }
}

/// `GET /v1/deliveries`
pub(super) async fn deliveries(call: Call) -> Result<Response, Problem> {
    let (limit, publisher, setup) = (call.limit()?, call.publisher(), call.app.directory.now());
    let destination = call.query_as("destination", |name| {
        setup.destination(&publisher, name).map(|it| it.number).ok_or("name a destination that exists")
    })?;
    let state = call.query_as("state", |name| {
        DeliveryState::parse(name).ok_or("use pending, delivered, parked, suppressed or erased")
    })?;
    let filter = DeliveryFilter {
        publisher: publisher.clone(),
        destination,
        state,
        lead: call.query_as("lead", LeadId::parse)?,
        before: call.query_as("cursor", DeliveryId::parse)?,
        limit,
    };
    let rows = call.app.store.deliveries(filter).await?;
    let items = rows.iter().map(|it| delivery_shape(&setup, &publisher, it)).collect();
    Ok(answer::page(items, limit, |it: &wire::Delivery| it.id.clone()))
}

/// `GET /v1/deliveries/{delivery}`
pub(super) async fn delivery(call: Call) -> Result<Response, Problem> {
    let id = DeliveryId::parse(call.path("delivery")).map_err(|_| Problem::not_found())?;
    let (publisher, setup) = (call.publisher(), call.app.directory.now());
    let found = call.app.store.delivery(publisher.clone(), id).await?;
    let (delivery, touchpoint, attempts) = found.ok_or_else(Problem::not_found)?;
    let keys = keys(&call, std::slice::from_ref(&touchpoint)).await?;
    let detail = wire::DeliveryDetail {
        delivery: delivery_shape(&setup, &publisher, &delivery),
        content: touchpoint_shape(&publisher, &touchpoint, &keys),
        attempts: attempts.iter().map(attempt_shape).collect(),
    };
    Ok(answer::json(StatusCode::OK, &detail))
}

/// `POST /v1/deliveries/{delivery}/retry`
pub(super) async fn retry(call: Call) -> Result<Response, Problem> {
    let id = DeliveryId::parse(call.path("delivery")).map_err(|_| Problem::not_found())?;
    let publisher = call.publisher();
    let known = call.app.store.delivery(publisher.clone(), id).await?;
    known.ok_or_else(Problem::not_found)?;
    let by = match call.actor.as_ref().map(|it| it.role) {
        Some(Role::Operator) => AskedBy::Operator,
        Some(Role::Publisher | Role::Member | Role::Sender | Role::Reader) | None => AskedBy::Publisher,
    };
    let lanes = Arc::clone(&call.app.lanes);
    let lane = LaneKey { publisher: publisher.clone(), destination: id.destination };
    let after = move |retried: &bool| {
        if *retried {
            lanes.wake(&lane);
        }
    };
    if !call.app.store.retry_then(publisher, id, (by, call.app.clock.steady()), after).await? {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "not_waiting",
            "the delivery is neither parked nor waiting, or is being tried now",
            "look at its state and cause; what is delivered is not sent again, and only the operator releases what is withheld",
        ));
    }
    Ok(answer::json(StatusCode::OK, &wire::Retried { retried: 1, until: None, replay: None }))
}

pub(super) fn delivery_shape(setup: &Snapshot, publisher: &PublisherId, it: &Delivery) -> wire::Delivery {
    let number = it.id.destination.to_string();
    let some = |text: &String| Some(text.clone()).filter(|it| !it.is_empty());
    wire::Delivery {
        id: it.id.to_string(),
        touchpoint: it.id.touchpoint.to_string(),
        lead: it.known_as.unwrap_or(it.lead).to_string(),
        destination: setup.destination(publisher, &number).map_or(number, |it| it.name.clone()),
        state: it.state.as_str().to_owned(),
        in_flight: it.in_flight,
        // Before the first try, what counts in the queue is not a moment to show.
        due_at: (it.state == DeliveryState::Pending && it.attempts > 0).then(|| moment(it.due_at)),
        attempts: it.attempts,
        cause: some(&it.cause),
        message: some(&it.message),
        fix: some(&it.fix),
        record: it.record.clone(),
        ended_at: it.ended_at.map(moment),
        follow_up: it.follow_up.map(|it| it.to_string()),
    }
}

fn attempt_shape(it: &Attempt) -> wire::Attempt {
    wire::Attempt {
        number: it.number,
        ended_at: moment(it.ended_at),
        outcome: it.outcome.clone(),
        evidence: serde_json::from_str(&it.evidence).unwrap_or(Value::Null),
    }
}
