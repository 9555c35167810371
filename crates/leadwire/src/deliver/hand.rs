//! What a lane has in hand under one lease: claims ready to be tried, tries under way, and news for the store.

use super::attempt::Tries;
use super::payload::{Content, Ready};
use crate::directory::Outlet;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use leadwire_core::id::{LeadId, TouchpointId};
use leadwire_core::lane::{Gate, Streak};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_store::lanes::{Claim, LaneToken, Settled};
use std::collections::{HashSet, VecDeque};
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

    /// How many deliveries the lane holds at the most.
    pub(super) fn window(&self) -> usize {
        self.outlet.in_flight * limits::WINDOW_PER_IN_FLIGHT
    }

    /// Takes a claim in hand, or puts it back: when the lane stops or may not send, and when another of the same lead
    /// is in hand, since one of a lead is tried at a time.
    pub(super) fn take_in(&mut self, claim: Claim, content: Content, may_send: bool) {
        if self.stopping || !may_send || !self.leads.insert(claim.lead) {
            self.released.push(claim.touchpoint);
            return;
        }
        self.ready.push_back((claim, content));
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
