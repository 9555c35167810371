//! Any history adds up: random work against a small model of what a store must say.

use crate::desk::{
    Desk, NOON, SECOND, at, contoso, delivery_id, done, idle, number, of_customer, once, settled,
};
use leadwire_core::id::LeadId;
use leadwire_core::lane::Next;
use leadwire_core::limits;
use leadwire_core::routing::Routed;
use leadwire_store::accept::{Accept, Accepted};
use leadwire_store::lanes::{Claim, LaneToken, Turn};
use leadwire_store::rows::DeliveryState;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    Accept { customer: u8, route: Route, key: Option<u8> },
    Claim { room: usize },
    Settle { which: usize, end: End },
    TakeAgain,
    Wait { seconds: i64 },
    Retry { which: usize },
    RetryParked { limit: usize },
}

#[derive(Clone, Copy, Debug)]
enum Route {
    None,
    Sent,
    Suppressed,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Deliver,
    Park,
    RetryIn(i64),
    Release,
}

fn step() -> impl Strategy<Value = Step> {
    let route = prop_oneof![1 => Just(Route::None), 8 => Just(Route::Sent), 1 => Just(Route::Suppressed)];
    let end = prop_oneof![
        3 => Just(End::Deliver),
        2 => Just(End::Park),
        3 => (0..20i64).prop_map(End::RetryIn),
        1 => Just(End::Release),
    ];
    let key = proptest::option::weighted(0.3, 0..6u8);
    prop_oneof![
        6 => (1..4u8, route, key).prop_map(|(customer, route, key)| Step::Accept { customer, route, key }),
        4 => (1..4usize).prop_map(|room| Step::Claim { room }),
        5 => (any::<usize>(), end).prop_map(|(which, end)| Step::Settle { which, end }),
        1 => Just(Step::TakeAgain),
        2 => (1..15i64).prop_map(|seconds| Step::Wait { seconds }),
        2 => any::<usize>().prop_map(|which| Step::Retry { which }),
        1 => (1..4usize).prop_map(|limit| Step::RetryParked { limit }),
    ]
}

/// What a store must know of a delivery.
#[derive(Clone, Debug)]
struct Owed {
    customer: u8,
    state: DeliveryState,
    due_at: i64,
    in_flight: bool,
    attempts: u32,
    records: usize,
}

/// What a store must know.
#[derive(Debug, Default)]
struct Model {
    now: i64,
    last: u128,
    touchpoints: u64,
    unrouted: u64,
    duplicates: u64,
    keys: BTreeMap<u8, (u128, i64)>,
    owed: BTreeMap<u128, Owed>,
    /// Of each customer, the delivery that may be claimed or is.
    front: BTreeMap<u8, u128>,
    held: Vec<Claim>,
    /// Until when a request of a customer may still arrive.
    doubts: BTreeMap<u8, i64>,
}

impl Model {
    fn pending(&self, customer: u8) -> impl Iterator<Item = u128> {
        let owed = self.owed.iter();
        owed.filter(move |it| it.1.customer == customer && it.1.state == DeliveryState::Pending)
            .map(|it| *it.0)
    }

    fn make_pending(&mut self, id: u128, customer: u8) {
        let first = self.pending(customer).find(|it| *it != id);
        let front = self.front.get(&customer).map(|it| &self.owed[it]);
        if first.is_none() || first.is_some_and(|it| id < it) && front.is_none_or(|it| !it.in_flight) {
            self.front.insert(customer, id);
        }
    }

    /// What comes to the front waits for a request that may still arrive.
    fn wait_for_doubt(&mut self, id: u128) {
        let owed = self.owed.get_mut(&id).unwrap();
        owed.due_at = owed.due_at.max(self.doubts.get(&owed.customer).copied().unwrap_or(0));
    }

    /// What is at the front and free waits for that from now on, by whichever clock it waited.
    fn hold_doubted(&mut self, until: i64) {
        for (customer, id) in &self.front {
            let owed = self.owed.get_mut(id).unwrap();
            if self.doubts.contains_key(customer) && !owed.in_flight {
                owed.due_at = owed.due_at.max(until);
            }
        }
    }

    fn come_to_rest(&mut self, id: u128, state: DeliveryState) {
        let owed = self.owed.get_mut(&id).unwrap();
        owed.state = state;
        let customer = owed.customer;
        let next = self.pending(customer).next();
        let Some(next) = next else {
            self.front.remove(&customer);
            return;
        };
        self.front.insert(customer, next);
        self.wait_for_doubt(next);
    }

    fn claims(&mut self, room: usize) -> Vec<(u128, u32)> {
        let mut due: Vec<(i64, u128)> = self.front.values().map(|id| (self.owed[id].due_at, *id)).collect();
        due.retain(|(due_at, id)| *due_at <= self.now && !self.owed[id].in_flight);
        due.sort_unstable();
        due.truncate(room);
        let mut claims = Vec::new();
        for (_, id) in due {
            let owed = self.owed.get_mut(&id).unwrap();
            owed.in_flight = true;
            owed.attempts += 1;
            claims.push((id, owed.attempts));
        }
        claims
    }
}

/// The store and the model, walking together.
struct Walk {
    desk: Desk,
    token: LaneToken,
    model: Model,
}

impl Walk {
    async fn new() -> Self {
        let desk = Desk::new().await;
        let token = desk.take(NOON).await;
        Self { desk, token, model: Model { now: NOON, ..Model::default() } }
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Accept { customer, route, key } => self.accept(*customer, *route, *key).await,
            Step::Claim { room } => {
                let claims = self.desk.claim(self.token, *room, self.model.now).await;
                let got: Vec<_> = claims.iter().map(|it| (it.touchpoint.bits(), it.number)).collect();
                assert_eq!(got, self.model.claims(*room));
                if claims.len() < *room {
                    // A lane that keeps up forgets doubts that are over.
                    let now = self.model.now;
                    self.model.doubts.retain(|_, until| *until > now);
                }
                self.model.held.extend(claims);
            }
            Step::Settle { which, end } => self.settle(*which, *end).await,
            Step::TakeAgain => {
                let late = self.token;
                self.token = self.desk.take(self.model.now).await;
                assert_eq!(self.desk.turn(late, idle(self.model.now)).await, None);
                let until = self.model.now + i64::try_from(limits::DOUBT.as_millis()).unwrap();
                self.model.doubts.values_mut().for_each(|it| *it = until);
                self.model.hold_doubted(until);
                for claim in self.model.held.drain(..) {
                    let owed = self.model.owed.get_mut(&claim.touchpoint.bits()).unwrap();
                    (owed.in_flight, owed.due_at) = (false, self.model.now);
                    owed.records += 1;
                    self.model.doubts.insert(owed.customer, until);
                }
            }
            Step::Wait { seconds } => self.model.now += seconds * SECOND,
            Step::Retry { which } => self.retry(*which).await,
            Step::RetryParked { limit } => {
                let parked = self.model.owed.iter().filter(|it| it.1.state == DeliveryState::Parked);
                let parked: Vec<u128> = parked.map(|it| *it.0).take(*limit).collect();
                let now = at(self.model.now);
                let retried = self.desk.store.retry_parked(contoso(), number(1), *limit, now).await.unwrap();
                assert_eq!(retried, parked.len());
                parked.into_iter().for_each(|id| self.put_back(id));
            }
        }
        self.compare().await;
    }

    async fn accept(&mut self, customer: u8, route: Route, key: Option<u8>) {
        let model = &mut self.model;
        model.last += 1;
        let (id, now) = (model.last, model.now);
        let routed = match route {
            Route::None => Vec::new(),
            Route::Sent => vec![Routed { destination: number(1), suppressed: None }],
            Route::Suppressed => vec![Routed { destination: number(1), suppressed: Some("a_rule") }],
        };
        let once = key.and_then(|key| once(key, 1));
        let accepted = self
            .desk
            .accept(Accept { received_at: at(now), routed, once, ..of_customer(id, customer) })
            .await;
        let known = key.and_then(|key| model.keys.get(&key)).filter(|it| it.1 > now);
        if let Some((first, _)) = known {
            let Accepted::Duplicate { touchpoint, .. } = accepted else { panic!("{accepted:?}") };
            assert_eq!(touchpoint.bits(), *first);
            model.duplicates += 1;
            return;
        }
        assert!(matches!(accepted, Accepted::Stored { .. }), "{accepted:?}");
        model.keys.extend(key.map(|key| (key, (id, now + 60 * SECOND))));
        model.touchpoints += 1;
        let state = match route {
            Route::None => {
                model.unrouted += 1;
                return;
            }
            Route::Sent => DeliveryState::Pending,
            Route::Suppressed => DeliveryState::Suppressed,
        };
        model
            .owed
            .insert(id, Owed { customer, state, due_at: now, in_flight: false, attempts: 0, records: 0 });
        if state == DeliveryState::Pending {
            model.make_pending(id, customer);
            if model.front[&customer] == id {
                model.wait_for_doubt(id);
            }
        }
    }

    async fn settle(&mut self, which: usize, end: End) {
        let model = &mut self.model;
        if model.held.is_empty() {
            return;
        }
        let claim = model.held.swap_remove(which % model.held.len());
        let (id, now) = (claim.touchpoint.bits(), model.now);
        let owed = model.owed.get_mut(&id).unwrap();
        owed.in_flight = false;
        owed.records += 1;
        let next = match end {
            End::Deliver => {
                model.come_to_rest(id, DeliveryState::Delivered);
                done()
            }
            End::Park => {
                model.come_to_rest(id, DeliveryState::Parked);
                Next::Park
            }
            End::RetryIn(seconds) => {
                owed.due_at = now + seconds * SECOND;
                Next::RetryAt(at(owed.due_at))
            }
            End::Release => {
                owed.attempts -= 1;
                owed.records -= 1;
                let turn = Turn { released: vec![claim.touchpoint], ..idle(now) };
                assert!(self.desk.turn(self.token, turn).await.is_some());
                return;
            }
        };
        let turn = Turn { settled: vec![settled(claim, next)], ..idle(now) };
        assert!(self.desk.turn(self.token, turn).await.is_some());
    }

    async fn retry(&mut self, which: usize) {
        if self.model.owed.is_empty() {
            return;
        }
        let (id, owed) = self.model.owed.iter().nth(which % self.model.owed.len()).unwrap();
        let id = *id;
        let expected = match owed.state {
            DeliveryState::Parked => true,
            DeliveryState::Pending => !owed.in_flight,
            DeliveryState::Delivered | DeliveryState::Suppressed | DeliveryState::Erased => false,
        };
        let retry = self.desk.store.retry_delivery(contoso(), delivery_id(id, 1), at(self.model.now));
        assert_eq!(retry.await.unwrap(), expected);
        if expected {
            self.put_back(id);
        }
    }

    fn put_back(&mut self, id: u128) {
        let now = self.model.now;
        let owed = self.model.owed.get_mut(&id).unwrap();
        owed.due_at = now;
        if owed.state == DeliveryState::Parked {
            owed.state = DeliveryState::Pending;
            let customer = owed.customer;
            self.model.make_pending(id, customer);
            self.model.wait_for_doubt(id);
        } else if owed.attempts == 0 {
            self.model.wait_for_doubt(id);
        }
    }

    async fn compare(&self) {
        let (ledger, model) = (self.desk.ledger().await, &self.model);
        assert_eq!(
            (ledger.touchpoints, ledger.unrouted, ledger.duplicates),
            (model.touchpoints, model.unrouted, model.duplicates)
        );
        let account = &ledger.accounts[0];
        let mut pending = 0;
        for state in DeliveryState::ALL {
            let expected = model.owed.values().filter(|it| it.state == state).count() as u64;
            assert_eq!(account.count(state), expected, "{state:?}");
            if state == DeliveryState::Pending {
                pending = expected;
            }
        }
        assert_eq!(account.attempts, model.owed.values().map(|it| u64::from(it.attempts)).sum::<u64>());
        assert_eq!(self.desk.store.unfinished(contoso()).await.unwrap(), pending);
    }

    /// Closes, opens, and looks at every delivery.
    async fn look_back(self) {
        let Self { desk, model, .. } = self;
        let desk = desk.reopened();
        for (id, owed) in &model.owed {
            let (delivery, _, attempts) =
                desk.store.delivery(contoso(), delivery_id(*id, 1)).await.unwrap().unwrap();
            assert_eq!((delivery.state, delivery.attempts), (owed.state, owed.attempts), "{id}");
            assert_eq!((delivery.in_flight, attempts.len()), (owed.in_flight, owed.records), "{id}");
            assert!(attempts.is_sorted_by(|a, b| a.number < b.number));
            if owed.state == DeliveryState::Pending {
                assert_eq!(delivery.due_at, at(owed.due_at), "{id}");
            }
            // A lead has the id of its first touchpoint, whatever became of that.
            assert!(delivery.lead <= LeadId::new(*id));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::engine::cases(200), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_adds_up(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut walk = Walk::new().await;
            for step in &steps {
                walk.step(step).await;
            }
            walk.look_back().await;
        });
    }
}
