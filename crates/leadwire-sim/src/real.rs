//! The other ring: the same schedules on the real store, which must say at every step what the model says.

use crate::model::Model;
use crate::plan::Plan;
use crate::rows::{Accepted, Act, Erased, From, Rows};
use leadwire_core::budget::{Budget, Told};
use leadwire_core::id::{DestinationNo, ErasureId, LeadId, PublisherId, TouchpointId};
use leadwire_core::interest::Interest;
use leadwire_core::lane::{Claim, Gate, LaneToken, Turn, Turned};
use leadwire_core::routing::Routed;
use leadwire_core::standing::{Seen, Shown};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Action, Touchpoint};
use leadwire_store::Store;
use leadwire_store::accept::{self, Accept, Once};
use leadwire_store::erasures::{Asked, Crm, Wish};
use leadwire_store::lanes::LaneKey;
use leadwire_store::postgres::Address;
use leadwire_store::rows::Channel;
use leadwire_store::setup::{Destination, Publisher};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Where the real store is.
pub(crate) enum Ground {
    /// In a folder of its own for each schedule.
    Folders,
    /// In a database of a server, where each schedule has a publisher of its own.
    Server(Store),
}

impl Ground {
    /// A database of this server.
    pub(crate) fn server(address: &str) -> Result<Self, String> {
        let address = Address::parse(address).map_err(|it| it.to_string())?;
        Store::connect(&address).map(Self::Server).map_err(|it| it.to_string())
    }
}

/// The model and the real store, side by side.
pub(crate) struct Both {
    model: Model,
    store: Store,
    publisher: PublisherId,
    /// How often each lane went to another node.
    nodes: Vec<u32>,
    runtime: tokio::runtime::Runtime,
    version: i64,
    _folder: Option<tempfile::TempDir>,
}

impl Both {
    /// For a folder, in memory where the machine has such a place: no law here is about a disk.
    pub(crate) fn new(plan: &Plan, ground: &Ground) -> Self {
        let lanes = plan.lanes.len();
        let publisher = PublisherId::parse(&format!("schedule-{}", plan.seed)).expect("a name");
        let (store, folder) = match ground {
            Ground::Server(store) => (store.clone(), None),
            Ground::Folders => {
                let memory = Path::new("/dev/shm");
                let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
                let folder = folder.expect("a folder can be made");
                (Store::open(folder.path()).expect("a new store opens"), Some(folder))
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let version = runtime.block_on(async {
            let created_at = Timestamp::from_millis(0);
            let added = Publisher { id: publisher.clone(), title: String::new(), created_at };
            store.add_publisher(added).await.expect("the store works");
            for number in 0..lanes {
                let added = store.add_destination(destination(&publisher, number, created_at)).await;
                added.expect("the store works").expect("there is room");
            }
            store.setup().await.expect("the store works").version
        });
        Self {
            model: Model::new(lanes),
            store,
            publisher,
            nodes: vec![0; lanes],
            runtime,
            version,
            _folder: folder,
        }
    }

    fn key(&self, lane: usize) -> LaneKey {
        LaneKey { publisher: self.publisher.clone(), destination: number(lane) }
    }

    /// The node that has a lane, or takes it next.
    fn holder(&self, lane: usize) -> Arc<str> {
        format!("{}-{lane}-{}", self.publisher, self.nodes[lane]).into()
    }

    fn item(&self, act: &Act, id: u64, offered: &[(usize, LaneToken)], now: Timestamp) -> Accept {
        let lanes = 0..self.model.lanes.len();
        let mut key = [0; 16];
        key[..8].copy_from_slice(&act.key.to_le_bytes());
        let mut identity = [1; 16];
        identity[..8].copy_from_slice(&act.customer.to_le_bytes());
        let action = if act.refuses { Action::DoNotContact } else { Action::Installation };
        Accept {
            publisher: self.publisher.clone(),
            touchpoint: TouchpointId::new(id.into()),
            received_at: now,
            channel: Channel::Api,
            body: format!("{{\"n\":{id}}}").into(),
            body_sha256: [1; 32],
            parsed: Arc::new(Touchpoint { action, ..Touchpoint::default() }),
            identity: Some(identity),
            of_lead: None,
            quarantined: None,
            questions: Vec::new(),
            shown: act.urgent.then(|| Shown { interest: Interest::Active, rule: "*/PLT".into() }),
            once: Some(Once { key, body: [1; 16], kept: Duration::from_secs(3650 * 24 * 3600) }),
            routed: lanes.map(|it| Routed { destination: number(it), suppressed: None }).collect(),
            holding: [].into(),
            routing_trouble: String::new(),
            reached: None,
            offered: offered.iter().map(|(lane, token)| (number(*lane), *token)).collect(),
            elsewhere: Vec::new(),
        }
    }
}

fn number(lane: usize) -> DestinationNo {
    DestinationNo::new(u32::try_from(lane).expect("few lanes") + 1)
}

fn destination(publisher: &PublisherId, number: usize, created_at: Timestamp) -> Destination {
    Destination {
        publisher: publisher.clone(),
        number: DestinationNo::new(0),
        name: format!("crm-{number}"),
        kind: "https".to_owned(),
        settings: "{}".to_owned(),
        secrets: Vec::new(),
        settings_no: 0,
        pins_mappings: false,
        created_at,
        gate: Gate::Open,
    }
}

/// What the model knows of a claim.
fn known(claim: &Claim) -> Claim {
    let Seen { do_not_contact, erases, .. } = claim.standing;
    Claim { standing: Seen { do_not_contact, erases, ..Seen::default() }, ..*claim }
}

impl Rows for Both {
    fn accept(&mut self, act: &Act, id: u64, offered: &[(usize, LaneToken)], now: Timestamp) -> Accepted {
        let item = self.item(act, id, offered, now);
        let expected = self.model.accept(act, id, offered, now);
        let items = Arc::from([item]);
        let committed = loop {
            let accepting = self.store.accept_then(self.version, Arc::clone(&items), |_| {});
            match self.runtime.block_on(accepting).expect("the store works") {
                Some(committed) => break committed,
                None => self.version = self.runtime.block_on(self.store.setup()).expect("it works").version,
            }
        };
        let got = match committed.accepted[0] {
            accept::Accepted::Stored { lead } => (id, lead, true),
            accept::Accepted::Duplicate { touchpoint, lead } => {
                (u64::try_from(touchpoint.bits()).expect("small"), lead, false)
            }
            other => panic!("{other:?}"),
        };
        let wanted = (expected.touchpoint, LeadId::new(expected.lead.into()), expected.is_new);
        assert_eq!(got, wanted, "what becomes of a touchpoint");
        let claimed: Vec<_> = committed.claimed.iter().map(|it| (it.1, known(&it.2))).collect();
        let wanted: Vec<_> = expected.claimed.iter().map(|it| (number(it.0), it.1)).collect();
        assert_eq!(claimed, wanted, "what is claimed as it is stored");
        expected
    }

    fn take(&mut self, lane: usize, from: From, now: Timestamp) -> LaneToken {
        let expected = self.model.take(lane, from, now);
        if from == From::Another {
            let former = self.holder(lane);
            self.runtime.block_on(self.store.beat(Arc::clone(&former), now)).expect("the store works");
            self.runtime.block_on(self.store.leave(former)).expect("the store works");
            self.nodes[lane] += 1;
        }
        let taken = self.runtime.block_on(self.store.take_lane(self.key(lane), self.holder(lane), now));
        assert_eq!(taken.expect("the store works"), Some(expected), "the lease of a lane");
        expected
    }

    fn release(&mut self, lane: usize, token: LaneToken) {
        self.model.release(lane, token);
        self.runtime.block_on(self.store.release_lane(self.key(lane), token)).expect("the store works");
        self.nodes[lane] += 1;
    }

    fn turn(&mut self, lane: usize, token: LaneToken, turn: &Turn) -> Option<Turned> {
        let expected = self.model.turn(lane, token, turn);
        let turned =
            self.runtime.block_on(self.store.lane_turn(self.key(lane), token, Arc::new(turn.clone())));
        let turned = turned
            .expect("the store works")
            .map(|it| Turned { claims: it.claims.iter().map(known).collect(), ..it });
        if let (Some(turned), Some(expected)) = (&turned, &expected) {
            for (got, wanted) in turned.claims.iter().zip(&expected.claims) {
                assert_eq!(got, wanted, "what is claimed");
            }
            let counts = (turned.claims.len(), expected.claims.len());
            assert_eq!(counts.0, counts.1, "how much is claimed");
            assert_eq!(
                (&turned.gate, turned.next_due),
                (&expected.gate, expected.next_due),
                "the rest of a turn"
            );
            assert_eq!(turned.calls, expected.calls, "what a budget grants");
        }
        assert_eq!(turned.is_some(), expected.is_some(), "whether the lease holds");
        expected
    }

    fn erase(&mut self, customer: u64, id: u64, now: Timestamp) -> Option<Erased> {
        let expected = self.model.erase(customer, id, now)?;
        let wish = Wish {
            publisher: self.publisher.clone(),
            id: ErasureId::new(id.into()),
            asked_at: now,
            crm: Crm::Delete,
            who: String::new(),
            reason: String::new(),
            leads: vec![LeadId::new(expected.lead.into())],
            found_by: Vec::new(),
            address: None,
            identities: Vec::new(),
            words: BTreeSet::new(),
            ids: vec![TouchpointId::new(id.into())],
            salt: [5; 16],
        };
        let Asked::Begun(begun) =
            self.runtime.block_on(self.store.erase(wish, |_| {})).expect("the store works")
        else {
            panic!("there is such a lead")
        };
        let told: Vec<LaneKey> = begun.told.into_iter().collect();
        let wanted: Vec<LaneKey> = expected.told.iter().map(|it| self.key(*it)).collect();
        assert_eq!(told, wanted, "where an erasure is to be told");
        Some(expected)
    }

    fn set_gate(&mut self, lane: usize, gate: Gate) {
        self.model.set_gate(lane, gate.clone());
        self.runtime.block_on(self.store.set_gate(self.key(lane), gate)).expect("the store works");
    }

    fn retry_parked(&mut self, lane: usize, now: Timestamp) {
        self.model.retry_parked(lane, now);
        let retrying = self.store.retry_parked(self.publisher.clone(), number(lane), 1000, now);
        self.runtime.block_on(retrying).expect("the store works");
    }

    fn spend_aside(&mut self, lane: usize, budget: &Arc<Budget>, told: &[Told], now: Timestamp) {
        Rows::spend_aside(&mut self.model, lane, budget, told, now);
        let spending =
            self.store.spend_calls(self.publisher.clone(), Arc::clone(budget), (1, told.to_vec()), now);
        self.runtime.block_on(spending).expect("the store works");
    }

    fn model(&self) -> &Model {
        &self.model
    }

    fn lose_power(&mut self) {}
}
