//! The desk every fact is checked at: a store in a folder of its own, with one publisher and two destinations.

use crate::engine::open;
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, PublisherId, TouchpointId};
use leadwire_core::lane::{Gate, Next};
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};
use leadwire_core::routing::Routed;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Customer, Touchpoint};
use leadwire_store::Store;
use leadwire_store::accept::{Accept, Accepted, Once};
use leadwire_store::deliveries::Delivery;
use leadwire_store::lanes::{Claim, LaneKey, LaneToken, Settled, Turn, Turned};
use leadwire_store::ledger::Ledger;
use leadwire_store::rows::Channel;
use leadwire_store::setup::{Change, Destination, Publisher};
use leadwire_store::verify::{Bodies, Cursor, Findings, Marked, Scope};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The moment every fact starts at.
pub(crate) const NOON: i64 = 1_795_000_000_000;
pub(crate) const SECOND: i64 = 1_000;
pub(crate) const DAY: i64 = 86_400_000;

/// A folder of its own, in memory where the machine has such a place: no fact here is about a disk, and thousands
/// of flushes to one take most of the time.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(crate) fn contoso() -> PublisherId {
    PublisherId::parse("contoso").unwrap()
}

pub(crate) fn number(number: u32) -> DestinationNo {
    DestinationNo::new(number)
}

pub(crate) fn touchpoint(number: u128) -> TouchpointId {
    TouchpointId::new(number)
}

pub(crate) fn delivery_id(touchpoint: u128, destination: u32) -> DeliveryId {
    DeliveryId { touchpoint: TouchpointId::new(touchpoint), destination: number(destination) }
}

/// A touchpoint of a customer, routed to the first destination.
pub(crate) fn of_customer(id: u128, customer: u8) -> Accept {
    Accept {
        publisher: contoso(),
        touchpoint: touchpoint(id),
        received_at: at(NOON),
        channel: Channel::Api,
        body: format!("{{\"n\":{id}}}").into(),
        body_sha256: [1; 32],
        parsed: Arc::default(),
        identity: Some([customer; 16]),
        of_lead: None,
        quarantined: None,
        questions: Vec::new(),
        shown: None,
        once: None,
        routed: vec![Routed { destination: number(1), suppressed: None }],
        holding: [].into(),
        routing_trouble: String::new(),
        reached: None,
        offered: Vec::new(),
        elsewhere: Vec::new(),
    }
}

pub(crate) fn said(email: &str, phone: &str) -> Arc<Touchpoint> {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let customer = Customer { email: some(email), phone: some(phone), ..Customer::default() };
    Arc::new(Touchpoint { customer, ..Touchpoint::default() })
}

pub(crate) fn once(key: u8, body: u8) -> Option<Once> {
    Some(Once { key: [key; 16], body: [body; 16], kept: Duration::from_secs(60) })
}

pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) folder: tempfile::TempDir,
    version: i64,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let folder = folder();
        let store = open(folder.path()).unwrap();
        let added = Publisher { id: contoso(), title: "Contoso".to_owned(), created_at: at(NOON) };
        assert_eq!(store.add_publisher(added).await.unwrap(), Change::Made);
        for (place, name) in [(1, "crm"), (2, "sheet")] {
            assert_eq!(store.add_destination(destination(name)).await.unwrap(), Ok(number(place)));
        }
        let version = store.setup().await.unwrap().version;
        Self { store, folder, version }
    }

    /// Closes the store and opens it again.
    pub(crate) fn reopened(self) -> Self {
        let Self { store, folder, version } = self;
        drop(store);
        let store = open(folder.path()).unwrap();
        Self { store, folder, version }
    }

    /// Goes on under the set-up as it is now.
    pub(crate) async fn see_anew(&mut self) {
        self.version = self.version().await;
    }

    pub(crate) async fn version(&self) -> i64 {
        self.store.setup().await.unwrap().version
    }

    pub(crate) async fn accept_all(&self, items: Vec<Accept>) -> Vec<Accepted> {
        self.store.accept(self.version, items.into()).await.unwrap().expect("the set-up is as it was")
    }

    pub(crate) async fn accept(&self, item: Accept) -> Accepted {
        self.accept_all(vec![item]).await[0]
    }

    /// Accepts and gives the lead.
    pub(crate) async fn lead_of(&self, item: Accept) -> LeadId {
        match self.accept(item).await {
            Accepted::Stored { lead } | Accepted::Duplicate { lead, .. } => lead,
            Accepted::KeyReused { touchpoint } => panic!("the key was used for {touchpoint}"),
            Accepted::NoLead => panic!("there is no such lead"),
            Accepted::KeptOut { lead } => lead,
        }
    }

    pub(crate) async fn take(&self, now: i64) -> LaneToken {
        self.store.take_lane(crm(), "local".into(), at(now)).await.unwrap().expect("the lane is free")
    }

    pub(crate) async fn turn(&self, token: LaneToken, turn: Turn) -> Option<Turned> {
        self.store.lane_turn(crm(), token, Arc::new(turn)).await.unwrap()
    }

    /// Claims up to `room`.
    pub(crate) async fn claim(&self, token: LaneToken, room: usize, now: i64) -> Vec<Claim> {
        self.turn(token, Turn { room, ..idle(now) }).await.expect("the lease holds").claims
    }

    /// Settles one claim, claiming nothing.
    pub(crate) async fn settle(&self, token: LaneToken, claim: Claim, next: Next, now: i64) {
        let turn = Turn { settled: vec![settled(claim, next)], ..idle(now) };
        assert!(self.turn(token, turn).await.is_some(), "the lease holds");
    }

    pub(crate) async fn delivery(&self, touchpoint: u128) -> Delivery {
        self.store.delivery(contoso(), delivery_id(touchpoint, 1)).await.unwrap().expect("it is there").0
    }

    /// Outcomes of a delivery's attempts, in order.
    pub(crate) async fn outcomes(&self, touchpoint: u128) -> Vec<String> {
        let found = self.store.delivery(contoso(), delivery_id(touchpoint, 1)).await.unwrap();
        found.expect("it is there").2.into_iter().map(|it| it.outcome).collect()
    }

    pub(crate) async fn ledger(&self) -> Ledger {
        let ledger = self.store.ledger(contoso()).await.unwrap();
        assert!(ledger.adds_up(), "{ledger:?}");
        // Whoever asks for the ledger has done something: all rows must keep all rules after it.
        let findings = self.verify().await;
        assert!(findings.broken.is_empty(), "{:?}", findings.shown);
        ledger
    }

    /// Looks at all rows.
    pub(crate) async fn verify(&self) -> Findings {
        let scope = Scope {
            now: at(NOON + 365 * DAY),
            bodies: Bodies::Left,
            holding: Arc::default(),
            known: Arc::default(),
            is_signed: Some(Arc::new(is_seven)),
        };
        let (mut findings, mut cursor) = (Findings::default(), Some(Cursor::default()));
        while let Some(at) = cursor {
            (findings, cursor) = self.store.verify_page(scope.clone(), at, findings).await.unwrap();
        }
        findings
    }
}

/// The mark that these facts sign with.
pub(crate) fn is_seven(it: Marked<'_>) -> bool {
    match it {
        Marked::Checkpoint(it) => it.mark == [7],
        Marked::Statement(it) => it.mark == [7],
    }
}

pub(crate) fn destination(name: &str) -> Destination {
    Destination {
        publisher: contoso(),
        number: number(0),
        name: name.to_owned(),
        kind: "https".to_owned(),
        settings: "{}".to_owned(),
        secrets: Vec::new(),
        settings_no: 0,
        pins_mappings: false,
        created_at: at(NOON),
        gate: Gate::Open,
    }
}

/// The lane of the first destination.
pub(crate) fn crm() -> LaneKey {
    LaneKey { publisher: contoso(), destination: number(1) }
}

/// A turn that does nothing.
pub(crate) fn idle(now: i64) -> Turn {
    Turn {
        settled: Vec::new(),
        released: Vec::new(),
        gate: None,
        room: 0,
        held: 0,
        fold: 1,
        calls: None,
        now: at(now),
    }
}

pub(crate) fn settled(claim: Claim, next: Next) -> Settled {
    let outcome = match &next {
        Next::Deliver(receipt) => Outcome::Done(receipt.clone()),
        Next::RetryAt(_) => Outcome::NotDone(Fault::RetryAfter(None)),
        Next::Park => Outcome::NotDone(Fault::Park),
        Next::Suppress => Outcome::NotDone(Fault::Withhold),
    };
    let evidence = Evidence { cause: "http_503".to_owned(), ..Evidence::default() };
    Settled { touchpoint: claim.touchpoint, number: claim.number, tried: Tried { outcome, evidence }, next }
}

pub(crate) fn done() -> Next {
    Next::Deliver(Receipt::Accepted)
}

/// Ids of claims, as small numbers.
pub(crate) fn ids(claims: &[Claim]) -> Vec<u128> {
    claims.iter().map(|it| it.touchpoint.bits()).collect()
}
