//! Fills a store with leads and deliveries that are over, as the program itself does, but without a network.
//!
//! Touchpoints are taken in by intake; lanes of this file claim what they bring and settle it, in the transactions in which
//! real lanes do. What comes of each is decided by its number: most arrive, some wait, some are parked.

use crate::app::{App, Incoming, Received};
use anyhow::{Context, bail};
use bytes::Bytes;
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, OfferId, PublisherId, RouteId, TouchpointId};
use leadwire_core::json;
use leadwire_core::lane::{Claim, Gate, Next, Settled, Turn, paused_by_person};
use leadwire_core::limits;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};
use leadwire_core::routing::Offers;
use leadwire_core::touchpoint::Touchpoint;
use leadwire_store::lanes::LaneKey;
use leadwire_store::rows::Channel;
use leadwire_store::setup::{Destination, Offer, Publisher, StoredRoute};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Most destinations that every lead is brought to.
pub(super) const DESTINATIONS_MAX: u64 = 10;
/// Deliveries of one turn of a lane.
const ROOM: usize = 500;
const FIRST: [&str; 6] = ["Ada", "Işıl", "Ödön", "Grace", "Jean-Baptiste", "Zoë"];
const LAST: [&str; 7] = ["Lovelace", "Çağlar", "Őry", "Hopper", "Bell", "Ashby", "Müller"];
const ACTIONS: [(&str, &str); 4] = [
    ("AzureMarketplace", "INS"),
    ("SPZA", "PLT"),
    ("AzurePortal", "Create"),
    ("TestDrive", "StartTestDrive"),
];

/// What is there to look at.
pub(super) struct Filled {
    pub(super) publisher: PublisherId,
    pub(super) offer: OfferId,
    /// The destination whose fields are mapped.
    pub(super) mapped: String,
    /// A lead of the middle, with its touchpoint's delivery to that destination.
    pub(super) lead: LeadId,
    pub(super) middle: LeadId,
    pub(super) delivery: DeliveryId,
    pub(super) email: String,
}

/// Fills it with `leads` leads of one action each, and as many deliveries of each as there are destinations.
///
/// # Errors
/// When the store fails.
pub(super) async fn fill(app: &App, leads: u64, destinations: u64) -> anyhow::Result<Filled> {
    let (publisher, offer) = (PublisherId::parse("contoso")?, OfferId::parse("crm-pro")?);
    let lanes = set_up(app, &publisher, &offer, destinations).await?;
    let mut middle = None;
    let step = limits::BATCH_COUNT_MAX as u64;
    for first in (0..leads).step_by(limits::BATCH_COUNT_MAX) {
        let some = first..(first + step).min(leads);
        let wanted = leads / 2;
        let received = app.intake.accept(some.clone().map(|it| incoming(&publisher, it)).collect()).await?;
        for (number, received) in some.zip(received) {
            let Received::New(touchpoint, lead) = received else { bail!("a lead was there before") };
            if number == wanted {
                middle = Some((touchpoint, lead));
            }
        }
        for lane in &lanes {
            settle(app, lane).await?;
        }
    }
    let (touchpoint, lead) = middle.context("there is a lead in the middle")?;
    let mapped = lanes.first().context("there is a destination")?.destination;
    Ok(Filled {
        delivery: DeliveryId { touchpoint, destination: mapped },
        email: email(leads / 2),
        mapped: name(0),
        middle: lead,
        publisher,
        offer,
        lead,
    })
}

fn name(number: u64) -> String {
    format!("crm-{}", number + 1)
}

fn email(number: u64) -> String {
    format!("person{number}@company{}.example", number % 5000)
}

/// One publisher, its offer, and destinations that get everything: the first maps fields, the others do not. Nobody is called:
/// they are paused.
async fn set_up(
    app: &App,
    publisher: &PublisherId,
    offer: &OfferId,
    destinations: u64,
) -> anyhow::Result<Vec<LaneKey>> {
    let now = app.clock.wall();
    app.store
        .add_publisher(Publisher { id: publisher.clone(), title: "Contoso".to_owned(), created_at: now })
        .await?;
    let title = "CRM Pro".to_owned();
    app.store
        .put_offer(Offer { publisher: publisher.clone(), id: offer.clone(), title, created_at: now })
        .await?;
    let mut lanes = Vec::new();
    for number in 0..destinations {
        let (kind, settings) = match number {
            0 => ("hubspot", json!({ "token": "pat-na1-of-nobody" })),
            _ => ("https", json!({ "url": "https://crm.invalid/leads" })),
        };
        let destination = Destination {
            publisher: publisher.clone(),
            number: DestinationNo::new(0),
            name: name(number),
            kind: kind.to_owned(),
            settings: settings.to_string(),
            secrets: Vec::new(),
            settings_no: 1,
            pins_mappings: false,
            created_at: now,
            gate: Gate::Open,
        };
        let Ok(destination) = app.store.add_destination(destination).await? else {
            bail!("a new store has no names")
        };
        let route = StoredRoute {
            publisher: publisher.clone(),
            id: RouteId::new(u128::from(number) + 1),
            offers: Offers::All,
            filter: String::new(),
            destination,
            stop: false,
            created_at: now,
        };
        app.store.add_route(route).await?;
        lanes.push(LaneKey { publisher: publisher.clone(), destination });
    }
    app.directory.refresh().await?;
    Ok(lanes)
}

fn incoming(publisher: &PublisherId, number: u64) -> Incoming {
    let pick = |all: &[&'static str], by: u64| all[usize::try_from(by).unwrap_or(0) % all.len()];
    let (source, action) = ACTIONS[usize::try_from(number).unwrap_or(0) % ACTIONS.len()];
    let body = json!({
        "source": source, "action": action, "offer": format!("{publisher}.crm-pro"),
        "customer": {
            "first_name": pick(&FIRST, number), "last_name": pick(&LAST, number / 6), "email": email(number),
            "phone": format!("+3620{:07}", number % 10_000_000), "country": "HU",
            "company": format!("Company {}", number % 5000), "title": "Chief Technology Officer",
        },
        "notes": "Interested in the yearly plan for about forty people; please call in the afternoon.",
        "campaign": { "utm_source": "newsletter" }, "consent": { "shared": true }, "custom": { "seats": "40" },
    });
    let body = Bytes::from(body.to_string());
    let read = json::parse(&body).expect("written as JSON just now");
    let touchpoint = Touchpoint::parse(&read).expect("a lead as the documents show it");
    let publisher = publisher.clone();
    Incoming { publisher, channel: Channel::Api, body, touchpoint, key: None, of_lead: None }
}

/// Brings everything of a lane that is due to its end, and pauses it.
async fn settle(app: &App, lane: &LaneKey) -> anyhow::Result<()> {
    app.store.set_gate(lane.clone(), Gate::Open).await?;
    let token = app.store.take_lane(lane.clone(), Arc::from("bench"), app.clock.steady()).await?;
    let token = token.context("nobody else has the lane")?;
    let mut settled = Vec::new();
    loop {
        let now = app.clock.steady();
        let room = if settled.len() < ROOM && !settled.is_empty() { 0 } else { ROOM };
        let turn = Turn {
            settled: std::mem::take(&mut settled),
            released: Vec::new(),
            gate: None,
            room,
            held: 0,
            fold: 1,
            calls: None,
            now,
        };
        let turned = app.store.lane_turn(lane.clone(), token, Arc::new(turn)).await?;
        let claims = turned.context("the lease holds")?.claims;
        if claims.is_empty() && room == ROOM {
            break;
        }
        settled.extend(claims.into_iter().map(|it| over(app, it)));
    }
    Ok(app.store.set_gate(lane.clone(), paused_by_person(app.clock.steady())).await?)
}

/// What comes of a try: of each two hundred one is parked and one waits for later.
fn over(app: &App, claim: Claim) -> Settled {
    let Claim { touchpoint, number, .. } = claim;
    let (outcome, next, cause) = match touchpoint.bits() % 200 {
        0 => (Outcome::NotDone(Fault::Park), Next::Park, "field_invalid"),
        1 => {
            let later = app.clock.steady().plus(Duration::from_secs(24 * 3600));
            (Outcome::NotDone(Fault::RetryAfter(None)), Next::RetryAt(later), "http_503")
        }
        _ => {
            let receipt = Receipt::Confirmed { record: record(touchpoint) };
            (Outcome::Done(receipt.clone()), Next::Deliver(receipt), "")
        }
    };
    let evidence = match cause {
        "" => Evidence { http_status: Some(200), ..Evidence::default() },
        cause => Evidence {
            cause: cause.to_owned(),
            message: "the destination did not take it".to_owned(),
            fix: "look at the field that it names".to_owned(),
            ..Evidence::default()
        },
    };
    Settled { touchpoint, number, tried: Tried { outcome, evidence }, next }
}

fn record(touchpoint: TouchpointId) -> String {
    touchpoint.to_string()
}
