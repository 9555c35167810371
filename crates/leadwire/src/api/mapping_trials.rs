//! Endpoints that show what a mapping makes of leads: of one delivery, of one lead under two mappings, and of the newest ones.
//!
//! Nothing is sent, and nothing is stored. A back-test is one bounded piece of work: it reads at most
//! [`limits::BACK_TEST_MAX`] touchpoints and maps each twice, which takes some ten milliseconds.

use super::answer;
use super::call::Call;
use super::destinations::{check, find};
use super::mappings::{
    about_mapping, label_of, map_of, mapping_kind, open, settings, versions, with_mapping,
};
use super::problem::Problem;
use super::proof;
use super::wire;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_connect::{Connector, ConnectorKind, Moment, Payload};
use leadwire_core::id::{DeliveryId, LeadId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::mapping::trial::{Difference, Tally, targets};
use leadwire_core::mapping::{Explained, ExplainedRow, Fate, Unmappable, Value as Mapped, Write};
use leadwire_core::refusal::Refusal;
use leadwire_core::time::Timestamp;
use leadwire_store::deliveries::DeliveryFilter;
use leadwire_store::leads::LeadFilter;
use leadwire_store::rows::DeliveryState;
use leadwire_store::setup::Destination;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Longest value of an example, in characters: a page shows many.
const EXAMPLE_CHARS: usize = 300;

/// `GET /v1/deliveries/{delivery}/fields`
pub(super) async fn fields(call: Call) -> Result<Response, Problem> {
    let id = DeliveryId::parse(call.path("delivery")).map_err(|_| Problem::not_found())?;
    let (publisher, setup) = (call.publisher(), call.app.directory.now());
    let found = call.app.store.delivery(publisher.clone(), id).await?;
    let (delivery, _, attempts) = found.ok_or_else(Problem::not_found)?;
    let nothing = |why: &str| {
        let shape = wire::DeliveryFields {
            version: None,
            current: false,
            rows: Vec::new(),
            unread: Vec::new(),
            refused: None,
            body: None,
            why: Some(why.to_owned()),
        };
        Ok(answer::json(StatusCode::OK, &shape))
    };
    if delivery.state == DeliveryState::Erased {
        return nothing("the person was erased, and what came with it");
    }
    if delivery.follow_up.is_some() {
        return nothing("it brings a message to the customer or the team, and no record");
    }
    let destination = setup.destination(&publisher, &id.destination.to_string()).cloned();
    let Some(destination) = destination else { return nothing("its destination was removed") };
    let outlet = proof::outlet(&call, &destination)?;
    let Ok(connector) = outlet.connector.as_ref() else {
        return nothing("the destination's settings cannot be used");
    };
    let Ok(mut payload) = proof::stored(&call, &destination, &id.touchpoint.to_string()).await else {
        return nothing("what came cannot be read any more");
    };
    payload.attempt = delivery.attempts.max(1);
    let Some(map) = connector.field_map() else {
        return Ok(answer::json(StatusCode::OK, &fixed(&call, connector.as_ref(), payload)));
    };
    let tried_at = attempts.last().map(|it| it.ended_at);
    let (version, is_current) = version(&call, &destination, &mut payload, tried_at).await?;
    let Ok(told) = map.explain(&payload) else {
        return nothing("the version of the mapping that it is mapped by cannot be read any more");
    };
    let kind = mapping_kind(&destination)?;
    let shape = wire::DeliveryFields {
        version,
        current: is_current,
        rows: told.rows.iter().map(|it| row_shape(kind, it)).collect(),
        unread: told.unread.iter().map(unread_shape).collect(),
        refused: told.refused.as_ref().map(refused_shape),
        body: None,
        why: None,
    };
    Ok(answer::json(StatusCode::OK, &shape))
}

/// What a destination of a fixed form is sent.
fn fixed(call: &Call, connector: &dyn Connector, payload: Payload) -> wire::DeliveryFields {
    let preview = connector.preview(&[payload], Moment { now: call.app.clock.wall() });
    let body = preview.requests.into_iter().next().map(|it| String::from_utf8_lossy(&it.body).into_owned());
    wire::DeliveryFields {
        version: None,
        current: true,
        rows: Vec::new(),
        unread: Vec::new(),
        refused: None,
        body,
        why: None,
    }
}

/// Which version of the mapping a delivery was or is mapped by: the one it was told to be, the one that held at its last
/// attempt, or the present one. The payload is given its rows when they are not the present ones.
async fn version(
    call: &Call,
    it: &Destination,
    payload: &mut Payload,
    tried_at: Option<Timestamp>,
) -> Result<(Option<u32>, bool), Problem> {
    let all = versions(call, it).await?;
    let newest = all.first().map(|it| it.number);
    let pinned = match it.pins_mappings {
        true => {
            let touchpoints = vec![payload.delivery.touchpoint];
            call.app.store.pinned_mappings(it.publisher.clone(), it.number, touchpoints).await?
        }
        false => Vec::new(),
    };
    if let Some((_, rows)) = pinned.into_iter().next() {
        let number = all.iter().find(|it| it.mapping == rows).map(|it| it.number);
        payload.mapping = Some(Arc::from(rows));
        return Ok((number, number == newest));
    }
    let held = all.iter().find(|it| tried_at.is_none_or(|at| it.created_at <= at)).or(all.last());
    if let Some(held) = held.filter(|it| Some(it.number) != newest) {
        payload.mapping = Some(Arc::from(held.mapping.as_str()));
        return Ok((Some(held.number), false));
    }
    Ok((newest, true))
}

/// `POST /v1/destinations/{destination}/mapping/try`
pub(super) async fn attempt(call: Call) -> Result<Response, Problem> {
    let (_, destination) = find(&call)?;
    let wish: wire::MappingTry = if call.body.is_empty() { Default::default() } else { call.json()? };
    let both = both(&call, &destination, wish.mapping.as_ref())?;
    let of = wish.of.as_deref().map(str::trim).filter(|it| !it.is_empty());
    let payload = match of {
        None => proof::test_payload(&call, &destination),
        Some(of) => subject(&call, &destination, of).await?,
    };
    let (now, then) =
        (map_of(both.now.as_ref())?.explain(&payload), map_of(both.then.as_ref())?.explain(&payload));
    let (Ok(now), Ok(then)) = (now, then) else { return Err(Problem::internal("the rows were just read")) };
    let row = |it: &Explained, target: &str| {
        it.rows.iter().find(|it| it.target == target).map(|it| row_shape(both.kind, it))
    };
    let rows = targets(&now, &then).into_iter().map(|target| wire::TriedRow {
        now: row(&now, target),
        then: row(&then, target),
        difference: Difference::between(now.sent(target), then.sent(target)).map(|it| name_of(it).to_owned()),
    });
    let shape = wire::MappingTried {
        touchpoint: of.map(|_| payload.delivery.touchpoint.to_string()),
        lead: of.map(|_| payload.lead.to_string()),
        rows: rows.collect(),
        refused_now: now.refused.as_ref().map(refused_shape),
        refused_then: then.refused.as_ref().map(refused_shape),
    };
    Ok(answer::json(StatusCode::OK, &shape))
}

/// `POST /v1/destinations/{destination}/mapping/back-test`
pub(super) async fn back_test(call: Call) -> Result<Response, Problem> {
    let (_, destination) = find(&call)?;
    let wish: wire::BackTestWish = call.json()?;
    let both = both(&call, &destination, Some(&wish.mapping))?;
    let (now, then) = (map_of(both.now.as_ref())?, map_of(both.then.as_ref())?);
    let mut tally = Tally::default();
    for payload in newest(&call, &destination).await? {
        if let (Ok(now), Ok(then)) = (now.explain(&payload), then.explain(&payload)) {
            tally.add(payload.delivery.touchpoint, &now, &then);
        }
    }
    let shape = wire::BackTest {
        looked_at: tally.looked_at,
        differing: tally.differing,
        newly_refused: tally
            .newly_refused
            .into_iter()
            .map(|(id, why)| wire::CameField { name: id.to_string(), value: Some(why) })
            .collect(),
        no_longer_refused: tally.no_longer_refused,
        fields: tally
            .fields
            .into_iter()
            .map(|it| wire::FieldTally {
                label: label_of(both.kind, &it.target),
                field: it.target,
                filled: it.filled,
                emptied: it.emptied,
                other: it.other,
                examples: it
                    .examples
                    .into_iter()
                    .map(|it| wire::DifferentValue {
                        touchpoint: it.touchpoint.to_string(),
                        now: it.before.as_ref().map(short),
                        then: it.after.as_ref().map(short),
                    })
                    .collect(),
            })
            .collect(),
    };
    Ok(answer::json(StatusCode::OK, &shape))
}

/// The present mapping and another.
struct Both {
    kind: &'static ConnectorKind,
    now: Box<dyn Connector>,
    then: Box<dyn Connector>,
}

fn both(call: &Call, it: &Destination, mapping: Option<&Map<String, Value>>) -> Result<Both, Problem> {
    let kind = mapping_kind(it)?;
    let present = settings(&call.app.directory.now(), it)?;
    let then = match mapping {
        None => present.clone(),
        Some(mapping) => with_mapping(present.clone(), mapping),
    };
    check(call, kind, &then).map_err(about_mapping)?;
    Ok(Both { kind, now: open(kind, &present)?, then: open(kind, &then)? })
}

/// A touchpoint by its id, that of a delivery of it, or the newest of a lead.
async fn subject(call: &Call, destination: &Destination, id: &str) -> Result<Payload, Problem> {
    let unknown = || {
        let fix = "give the id of a lead (lead_…), a touchpoint (tp_…) or a delivery (dlv_…) of yours";
        Problem::from(Refusal::new("/of", "unknown_id", "there is nothing with this id", fix))
    };
    let touchpoint = if let Ok(id) = DeliveryId::parse(id) {
        id.touchpoint
    } else if let Ok(id) = LeadId::parse(id) {
        let found = call.app.store.lead(call.publisher(), id, 1).await?;
        found.and_then(|it| it.1.last().map(|it| it.id)).ok_or_else(unknown)?
    } else {
        TouchpointId::parse(id).map_err(|_| unknown())?
    };
    let found = proof::stored(call, destination, &touchpoint.to_string()).await;
    found.map_err(|it| if it.status() == StatusCode::NOT_FOUND { unknown() } else { it })
}

/// The newest touchpoints that were brought there; of a destination to which nothing came yet, those of the newest leads.
async fn newest(call: &Call, destination: &Destination) -> Result<Vec<Payload>, Problem> {
    let publisher = call.publisher();
    let filter = DeliveryFilter {
        publisher: publisher.clone(),
        destination: Some(destination.number),
        state: None,
        lead: None,
        before: None,
        limit: limits::BACK_TEST_MAX,
    };
    let deliveries = call.app.store.deliveries(filter).await?;
    let brought = deliveries.iter().filter(|it| it.follow_up.is_none() && it.state != DeliveryState::Erased);
    let mut ids: Vec<TouchpointId> = brought.map(|it| it.id.touchpoint).collect();
    if ids.is_empty() {
        let filter = LeadFilter {
            publisher: publisher.clone(),
            before: None,
            email: None,
            limit: limits::BACK_TEST_MAX,
        };
        for lead in call.app.store.leads(filter).await? {
            let found = call.app.store.lead(publisher.clone(), lead.id, 1).await?;
            ids.extend(found.and_then(|it| it.1.last().map(|it| it.id)));
        }
    }
    let mut payloads = Vec::with_capacity(ids.len());
    for kept in call.app.store.touchpoints(publisher, ids).await? {
        // One that cannot be read any more has no record under any mapping.
        payloads.extend(proof::payload(call, destination, kept).await?);
    }
    Ok(payloads)
}

fn row_shape(kind: &ConnectorKind, it: &ExplainedRow) -> wire::FieldRow {
    let text = |it: &Mapped| it.as_text().to_owned();
    let came = |(name, value): &(String, Option<Mapped>)| wire::CameField {
        name: name.clone(),
        value: value.as_ref().map(text),
    };
    wire::FieldRow {
        label: label_of(kind, &it.target),
        field: it.target.clone(),
        row: it.text.clone(),
        write: match it.write {
            Write::Once => "once".to_owned(),
            Write::Always => "always".to_owned(),
        },
        came: it.came.iter().map(came).collect(),
        sent: it.sent.as_ref().map(text),
        changes: it.changes.iter().map(|it| it.as_str().to_owned()).collect(),
        fate: it.fate.as_str().to_owned(),
        why: match &it.fate {
            Fate::LeftOut(why) => Some(why.clone()),
            Fate::Sent | Fate::Empty | Fate::Refused => None,
        },
    }
}

fn unread_shape((name, value, in_details): &(String, Mapped, bool)) -> wire::Unread {
    wire::Unread { name: name.clone(), value: value.as_text().to_owned(), in_details: *in_details }
}

fn refused_shape(it: &Unmappable) -> wire::NotMade {
    wire::NotMade { field: it.target.clone(), message: it.message.clone(), fix: it.fix.clone() }
}

fn short(value: &Mapped) -> String {
    let text = value.as_text();
    match text.char_indices().nth(EXAMPLE_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn name_of(it: Difference) -> &'static str {
    match it {
        Difference::Filled => "filled",
        Difference::Emptied => "emptied",
        Difference::Other => "other",
    }
}
