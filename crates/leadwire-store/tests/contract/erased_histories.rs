//! Whatever is cut, late or unknown: once an erasure is settled, the system does not hold the person, ever after.

use crate::desk::{
    Desk, NOON, SECOND, at, contoso, delivery_id, done, idle, of_customer, settled, touchpoint,
};
use leadwire_core::erasure;
use leadwire_core::id::{ErasureId, LeadId};
use leadwire_core::lane::Next;
use leadwire_core::outcome::{Evidence, Outcome, Receipt, Tried};
use leadwire_store::accept::Accept;
use leadwire_store::erasures::{Asked, Crm, Wish};
use leadwire_store::lanes::{Claim, LaneToken, Settled, Turn};
use leadwire_store::rows::DeliveryState;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The longest that a request can be under way, in milliseconds.
const UNDER_WAY: i64 = 120 * SECOND;

#[derive(Clone, Debug)]
enum Step {
    Acts {
        customer: u8,
    },
    Claim {
        room: usize,
    },
    /// An attempt ends, and what came of it is known.
    Ends {
        which: usize,
        arrived: bool,
    },
    /// An attempt ends, and nobody knows; it arrives this much later, if at all.
    Vanishes {
        which: usize,
        late: Option<i64>,
    },
    /// The process dies; what is under way arrives this much later, if at all.
    Dies {
        late: Option<i64>,
    },
    Wait {
        seconds: i64,
    },
    Erases {
        customer: u8,
    },
    /// A person makes whatever waits due now.
    Retries,
    Wipes,
}

fn step() -> impl Strategy<Value = Step> {
    let late = || proptest::option::weighted(0.8, 0..200i64);
    prop_oneof![
        4 => (1..4u8).prop_map(|customer| Step::Acts { customer }),
        5 => (1..4usize).prop_map(|room| Step::Claim { room }),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(which, arrived)| Step::Ends { which, arrived }),
        3 => (any::<usize>(), late()).prop_map(|(which, late)| Step::Vanishes { which, late }),
        2 => late().prop_map(|late| Step::Dies { late }),
        4 => (1..60i64).prop_map(|seconds| Step::Wait { seconds }),
        3 => (1..4u8).prop_map(|customer| Step::Erases { customer }),
        1 => Just(Step::Retries),
        1 => Just(Step::Wipes),
    ]
}

/// A request that nobody hears of any more, and when it arrives.
struct Late {
    at: i64,
    lead: LeadId,
    deletes: bool,
}

/// The store, and the system it writes to.
struct World {
    desk: Desk,
    token: LaneToken,
    now: i64,
    last: u128,
    held: Vec<(Claim, i64)>,
    late: Vec<Late>,
    there: BTreeSet<LeadId>,
    leads: BTreeMap<u8, LeadId>,
    erased: BTreeMap<LeadId, u128>,
}

impl World {
    async fn new() -> Self {
        let desk = Desk::new().await;
        let token = desk.take(NOON).await;
        Self {
            desk,
            token,
            now: NOON,
            last: 0,
            held: Vec::new(),
            late: Vec::new(),
            there: BTreeSet::new(),
            leads: BTreeMap::new(),
            erased: BTreeMap::new(),
        }
    }

    fn arrive(&mut self, lead: LeadId, deletes: bool) {
        if deletes {
            self.there.remove(&lead);
        } else {
            self.there.insert(lead);
        }
    }

    fn pass(&mut self, millis: i64) {
        self.now += millis;
        self.late.sort_by_key(|it| it.at);
        while self.late.first().is_some_and(|it| it.at <= self.now) {
            let Late { lead, deletes, .. } = self.late.remove(0);
            self.arrive(lead, deletes);
        }
    }

    fn lose(&mut self, (claim, sent_at): (Claim, i64), late: Option<i64>) {
        let Some(late) = late else { return };
        let at = (self.now + late * SECOND).min(sent_at + UNDER_WAY - 1);
        if at <= self.now {
            self.arrive(claim.lead, claim.standing.erases);
        } else {
            self.late.push(Late { at, lead: claim.lead, deletes: claim.standing.erases });
        }
    }

    async fn settle(&mut self, claim: Claim, outcome: Outcome, next: Next) {
        let cause = match (&outcome, claim.standing.erases) {
            (Outcome::Done(_), true) => erasure::DELETED,
            _ => "",
        };
        let evidence = Evidence { cause: cause.to_owned(), ..Evidence::default() };
        let ended = Settled { tried: Tried { outcome, evidence }, ..settled(claim, next) };
        self.desk.turn(self.token, Turn { settled: vec![ended], ..idle(self.now) }).await.expect("it holds");
    }

    fn take_held(&mut self, which: usize) -> Option<(Claim, i64)> {
        (!self.held.is_empty()).then(|| self.held.swap_remove(which % self.held.len()))
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Acts { customer } => {
                self.last += 1;
                let lead = self
                    .desk
                    .lead_of(Accept { received_at: at(self.now), ..of_customer(self.last, *customer) })
                    .await;
                self.leads.insert(*customer, lead);
            }
            Step::Claim { room } => {
                let claims = self.desk.claim(self.token, *room, self.now).await;
                let now = self.now;
                self.held.extend(claims.into_iter().map(|it| (it, now)));
            }
            Step::Ends { which, arrived } => {
                let Some((claim, sent_at)) = self.take_held(*which) else { return };
                // No attempt lasts longer.
                if *arrived && self.now < sent_at + UNDER_WAY {
                    self.arrive(claim.lead, claim.standing.erases);
                    self.settle(claim, Outcome::Done(Receipt::Accepted), done()).await;
                } else {
                    let failed = Outcome::NotDone(leadwire_core::outcome::Fault::RetryAfter(None));
                    self.settle(claim, failed, Next::RetryAt(at(self.now))).await;
                }
            }
            Step::Vanishes { which, late } => {
                let Some((claim, sent_at)) = self.take_held(*which) else { return };
                self.lose((claim, sent_at), *late);
                self.settle(claim, Outcome::Unknown, Next::RetryAt(at(self.now))).await;
            }
            Step::Dies { late } => {
                for held in std::mem::take(&mut self.held) {
                    self.lose(held, *late);
                }
                self.token = self.desk.take(self.now).await;
            }
            Step::Wait { seconds } => self.pass(seconds * SECOND),
            Step::Erases { customer } => self.erase(*customer).await,
            Step::Retries => {
                for id in 1..=self.last {
                    let id = delivery_id(id, 1);
                    self.desk.store.retry_delivery(contoso(), id, at(self.now)).await.unwrap();
                }
            }
            Step::Wipes => self.wipe().await,
        }
    }

    async fn erase(&mut self, customer: u8) {
        let Some(lead) = self.leads.remove(&customer) else { return };
        self.last += 1;
        let wish = Wish {
            publisher: contoso(),
            id: ErasureId::new(self.last),
            asked_at: at(self.now),
            crm: Crm::Delete,
            who: String::new(),
            reason: String::new(),
            leads: vec![lead],
            found_by: Vec::new(),
            address: None,
            identities: Vec::new(),
            words: BTreeSet::new(),
            ids: vec![touchpoint(self.last)],
            salt: [1; 16],
        };
        assert!(matches!(self.desk.store.erase(wish, |_| {}).await.unwrap(), Asked::Begun(_)));
        self.erased.insert(lead, self.last);
        // The salt is new, once.
        self.desk.see_anew().await;
    }

    async fn wipe(&mut self) {
        for (publisher, id) in self.desk.store.wiping().await.unwrap() {
            self.desk.store.wipe_step(publisher, id, at(self.now)).await.unwrap();
        }
    }

    /// Whose erasure is settled is not there. Of one lead one request at a time is held.
    async fn check(&self) {
        let mut leads: Vec<LeadId> = self.held.iter().map(|it| it.0.lead).collect();
        leads.sort_unstable();
        for pair in leads.windows(2) {
            assert!(
                pair[0] != pair[1] || self.erased.contains_key(&pair[0]),
                "two of {} are on the wire",
                pair[0]
            );
        }
        for (lead, id) in &self.erased {
            let found = self.desk.store.delivery(contoso(), delivery_id(*id, 1)).await.unwrap();
            let is_settled = found.is_some_and(|it| it.0.state == DeliveryState::Delivered);
            assert!(!is_settled || !self.there.contains(lead), "{lead} is back");
        }
        self.desk.ledger().await;
    }

    /// Everything ends well from here on.
    async fn run_out(&mut self) {
        for _ in 0..200 {
            while let Some((claim, _)) = self.take_held(0) {
                self.arrive(claim.lead, claim.standing.erases);
                self.settle(claim, Outcome::Done(Receipt::Accepted), done()).await;
            }
            self.pass(10 * SECOND);
            self.step(&Step::Claim { room: 9 }).await;
            self.wipe().await;
            self.check().await;
        }
        assert!(self.held.is_empty() && self.late.is_empty());
        assert_eq!(self.desk.store.unfinished(contoso()).await.unwrap(), 0);
        for lead in self.erased.keys() {
            assert!(!self.there.contains(lead), "{lead} is still there");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::engine::cases(64), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_erased_person_never_comes_back_to_a_system(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in &steps {
                world.step(step).await;
                world.check().await;
            }
            world.run_out().await;
        });
    }
}
