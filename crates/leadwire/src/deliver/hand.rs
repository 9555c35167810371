//! What a lane has in hand under one lease: claims ready to be tried, tries under way, and news for the store.

use super::attempt::Tries;
use super::payload::{Content, Ready};
use crate::directory::Outlet;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use leadwire_connect::Payload;
use leadwire_core::id::{LeadId, TouchpointId};
use leadwire_core::lane::{Gate, Pace, Streak};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_store::lanes::{Claim, LaneToken, Settled};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// What a lane has in hand under one lease.
pub(super) struct Hand {
    pub(super) token: LaneToken,
    pub(super) leased_until: Timestamp,
    pub(super) gate: Gate,
    pub(super) streak: Streak,
    pub(super) outlet: Arc<Outlet>,
    pub(super) ready: VecDeque<Ready>,
    pub(super) trying: FuturesUnordered<BoxFuture<'static, Tries>>,
    pub(super) leads: HashSet<LeadId>,
    /// Leads whose customers asked not to be contacted since the last turn began: what it claimed may not know it yet.
    pub(super) refused: HashSet<LeadId>,
    /// Leads that were erased since the last turn began: nothing that was claimed of them before may be sent.
    pub(super) erased: HashSet<LeadId>,
    /// Exclusive keys in flight, each with whose it is.
    keys: HashMap<String, TouchpointId>,
    /// Most payloads in a batch, since the destination refused a larger one.
    batch_max: usize,
    /// Nothing is sent before this moment.
    pub(super) hold_until: Option<Timestamp>,
    pub(super) settled: Vec<Settled>,
    pub(super) released: Vec<TouchpointId>,
    pub(super) gate_changed: Option<Gate>,
    /// Whether the store may hold something that can be claimed now.
    pub(super) may_have_work: bool,
    /// Whether the last turn found more than there was room for.
    pub(super) is_behind: bool,
    pub(super) must_renew: bool,
    pub(super) next_look: Option<Timestamp>,
    pub(super) stopping: bool,
}

impl Hand {
    pub(super) fn new(token: LaneToken, taken_at: Timestamp, outlet: Arc<Outlet>) -> Self {
        Self {
            token,
            leased_until: taken_at.plus(limits::LEASE),
            gate: Gate::Open,
            streak: Streak::default(),
            outlet,
            ready: VecDeque::new(),
            trying: FuturesUnordered::new(),
            leads: HashSet::new(),
            refused: HashSet::new(),
            erased: HashSet::new(),
            keys: HashMap::new(),
            batch_max: usize::MAX,
            hold_until: None,
            settled: Vec::new(),
            released: Vec::new(),
            gate_changed: None,
            may_have_work: true,
            is_behind: true,
            must_renew: false,
            next_look: None,
            stopping: false,
        }
    }

    /// How many deliveries the lane holds at the most: those in flight, and as many again so that the next are ready.
    pub(super) fn window(&self) -> usize {
        let each = limits::WINDOW_PER_IN_FLIGHT.max(2 * self.outlet.batch_max());
        (self.outlet.in_flight * each).min(limits::LANE_WINDOW_MAX.max(self.outlet.in_flight))
    }

    /// Whether the destination asked for peace.
    pub(super) fn is_held(&self, now: Timestamp) -> bool {
        self.hold_until.is_some_and(|it| it > now)
    }

    /// The next batch: as many as the destination takes at once, and none whose exclusive key is in flight. Empty:
    /// nothing can be sent now, or more is about to be read from the store and a fuller batch costs fewer calls.
    pub(super) fn next_batch(&mut self, more_is_coming: bool) -> Vec<Ready> {
        let batch_max = self.outlet.batch_max().min(self.batch_max);
        if self.ready.len() < batch_max && more_is_coming {
            return Vec::new();
        }
        let mut batch = Vec::with_capacity(batch_max.min(self.ready.len()));
        let mut kept_back = VecDeque::new();
        while batch.len() < batch_max
            && let Some((claim, content)) = self.ready.pop_front()
        {
            let erases = content.as_ref().is_ok_and(Payload::erases);
            if erases && !batch.is_empty() {
                // A deletion goes alone.
                kept_back.push_back((claim, content));
                continue;
            }
            let key = match (&content, &self.outlet.connector) {
                (Ok(payload), Ok(connector)) => connector.exclusive_key(payload),
                (Err(_), _) | (_, Err(_)) => None,
            };
            match key {
                Some(key) if self.keys.contains_key(&key) => kept_back.push_back((claim, content)),
                key => {
                    self.keys.extend(key.map(|it| (it, claim.touchpoint)));
                    batch.push((claim, content));
                    if erases {
                        break;
                    }
                }
            }
        }
        kept_back.append(&mut self.ready);
        self.ready = kept_back;
        batch
    }

    /// Gives back what the deliveries of a batch held.
    pub(super) fn let_go(&mut self, tries: &Tries) {
        for (claim, _) in tries {
            self.leads.remove(&claim.lead);
        }
        if !self.keys.is_empty() {
            let done: HashSet<TouchpointId> = tries.iter().map(|it| it.0.touchpoint).collect();
            self.keys.retain(|_, touchpoint| !done.contains(touchpoint));
        }
    }

    /// Follows what the deliveries of one batch said of the lane's pace.
    pub(super) fn follow(&mut self, paces: &[Pace]) {
        let count = paces.len();
        for pace in paces {
            if let Pace::HoldUntil(until) = pace {
                self.hold_until = self.hold_until.max(Some(*until));
            }
        }
        if paces.contains(&Pace::SmallerBatches) {
            self.batch_max = (count / 2).max(1);
        } else if paces.contains(&Pace::LargerBatches) && self.batch_max < self.outlet.batch_max() {
            self.batch_max *= 2;
        }
    }

    /// Takes a claim in hand, or puts it back: when the lane stops or may not send, and when another of the same lead
    /// is in hand, since one of a lead is tried at a time.
    pub(super) fn take_in(&mut self, claim: Claim, mut content: Content, may_send: bool) {
        if self.refused.contains(&claim.lead) {
            mark(&mut content);
        }
        let is_erased = self.erased.contains(&claim.lead) && !claim.standing.erases;
        if is_erased || self.stopping || !may_send || !self.leads.insert(claim.lead) {
            self.released.push(claim.touchpoint);
            return;
        }
        self.ready.push_back((claim, content));
    }

    /// Marks what is in hand of these leads, so that none of it is sent as one to be contacted.
    pub(super) fn refuse(&mut self, leads: Vec<LeadId>) {
        if leads.is_empty() {
            return;
        }
        self.refused.extend(leads);
        let Self { ready, refused, .. } = self;
        ready.iter_mut().filter(|it| refused.contains(&it.0.lead)).for_each(|it| mark(&mut it.1));
    }

    /// Drops what is in hand of erased leads, but for the deletion itself. What is on the wire cannot be called back.
    pub(super) fn erase(&mut self, leads: Vec<LeadId>) {
        if leads.is_empty() {
            return;
        }
        self.erased.extend(leads);
        let (dropped, kept): (Vec<Ready>, Vec<Ready>) = std::mem::take(&mut self.ready)
            .into_iter()
            .partition(|it| self.erased.contains(&it.0.lead) && !it.0.standing.erases);
        self.ready = kept.into();
        for (claim, _) in dropped {
            self.leads.remove(&claim.lead);
            self.released.push(claim.touchpoint);
        }
    }

    pub(super) fn wants_turn(&self) -> bool {
        let has_news = !self.settled.is_empty() || !self.released.is_empty() || self.gate_changed.is_some();
        let room = self.window() > self.leads.len();
        has_news || self.must_renew || (self.may_have_work && room && !self.stopping)
    }

    /// Puts back what was claimed and not tried.
    pub(super) fn release_ready(&mut self) {
        for (claim, _) in self.ready.drain(..) {
            self.leads.remove(&claim.lead);
            self.released.push(claim.touchpoint);
        }
    }

    pub(super) fn stop(&mut self) {
        self.stopping = true;
        self.release_ready();
    }
}

fn mark(content: &mut Content) {
    if let Ok(payload) = content {
        payload.standing.do_not_contact = true;
    }
}

#[cfg(test)]
#[path = "hand_tests.rs"]
mod tests;
