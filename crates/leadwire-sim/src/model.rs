//! The store as a model: what each transaction does, in a few lines each, and whole or not at all.
//!
//! It is no second design: the other ring runs the same schedules on the real store and compares every answer.

use crate::desk::Desk;
use crate::mistake::{Mistake, made};
use crate::rows::{Accepted, Act, Delivery, Erased, From, LaneRow, Lead, Rows, State};
use crate::settle::later_of_each;
use leadwire_core::budget::{Budget, Count, Told};
use leadwire_core::lane::{Allowance, Gate, LaneToken, Turn, Turned, allowance};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All rows.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) lanes: Vec<LaneRow>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) leads: BTreeMap<u64, Lead>,
    pub(crate) touchpoints: BTreeMap<u64, u64>,
    customers: BTreeMap<u64, u64>,
    keys: BTreeMap<u64, u64>,
    pub(crate) doubts: BTreeMap<(usize, u64), i64>,
    /// By account and window.
    pub(crate) counts: BTreeMap<(String, i64), Count>,
    flushed: Option<Box<Model>>,
    since_flush: u32,
}

impl Model {
    pub(crate) fn new(lanes: usize) -> Self {
        let lane = LaneRow { token: 0, leased_until: 0, gate: Gate::Open };
        Self {
            lanes: vec![lane; lanes],
            deliveries: Vec::new(),
            leads: BTreeMap::new(),
            touchpoints: BTreeMap::new(),
            customers: BTreeMap::new(),
            keys: BTreeMap::new(),
            doubts: BTreeMap::new(),
            counts: BTreeMap::new(),
            flushed: None,
            since_flush: 0,
        }
    }

    pub(crate) fn pending(&self, lane: usize, lead: u64) -> Option<usize> {
        let of_lead =
            |it: &(usize, &Delivery)| it.1.lane == lane && it.1.lead == lead && it.1.state == State::Pending;
        self.deliveries.iter().enumerate().filter(of_lead).min_by_key(|it| it.1.touchpoint).map(|it| it.0)
    }

    pub(crate) fn place(&mut self, lane: usize, lead: u64, touchpoint: u64) -> i64 {
        if made(Mistake::NoOrder) {
            return 0;
        }
        let Some(first) = self.pending(lane, lead) else { return 0 };
        if self.deliveries[first].touchpoint < touchpoint {
            return -1;
        }
        let mut stepped_back = false;
        for it in &mut self.deliveries {
            if it.lane == lane && it.lead == lead && it.state == State::Pending && it.claim == 0 {
                it.claim = -1;
                stepped_back = true;
            }
        }
        if stepped_back { 0 } else { -1 }
    }

    pub(crate) fn advance(&mut self, lane: usize, lead: u64) {
        if made(Mistake::NextIsNotFreed) {
            return;
        }
        let Some(first) = self.pending(lane, lead) else { return };
        let is_next =
            |it: &Delivery| it.lane == lane && it.lead == lead && it.state == State::Pending && it.claim >= 0;
        if self.deliveries.iter().any(is_next) && !made(Mistake::NextIsFreedTwice) {
            return;
        }
        let until = self.doubt(lane, lead).unwrap_or(i64::MIN);
        let it = &mut self.deliveries[first];
        if it.claim == -1 {
            it.claim = 0;
            it.due_at = it.due_at.max(until);
        }
    }

    pub(crate) fn doubt(&self, lane: usize, lead: u64) -> Option<i64> {
        if made(Mistake::NoDoubt) { None } else { self.doubts.get(&(lane, lead)).copied() }
    }

    /// Until then at least, for another request may arrive later.
    fn doubt_until(&mut self, lane: usize, lead: u64, until: i64) {
        let known = self.doubts.entry((lane, lead)).or_insert(until);
        *known = until.max(*known);
    }

    pub(crate) fn note_doubt(&mut self, lane: usize, lead: u64, now: Timestamp) {
        self.doubt_until(lane, lead, now.plus(limits::DOUBT).millis());
    }

    fn owe(
        &mut self,
        act: &Act,
        (lead, id, is_known): (u64, u64, bool),
        lane: usize,
        now: Timestamp,
    ) -> usize {
        let claim = if is_known { self.place(lane, lead, id) } else { 0 };
        let doubt = if claim == 0 && is_known { self.doubt(lane, lead) } else { None };
        let start = if act.urgent { limits::URGENT_HEAD_START.as_millis() } else { 0 };
        let due_at = match doubt.filter(|it| *it > now.millis()) {
            Some(until) => until,
            None => now.millis() - i64::try_from(start).expect("less than an hour"),
        };
        self.deliveries.push(Delivery {
            touchpoint: id,
            lane,
            lead,
            state: State::Pending,
            due_at,
            claim,
            attempts: 0,
            doubtful: false,
            is_deletion: false,
            was_parked: false,
        });
        self.deliveries.len() - 1
    }

    fn count_commit(&mut self) {
        if made(Mistake::FlushedLater) {
            self.since_flush += 1;
            if self.flushed.is_none() || self.since_flush >= 8 {
                self.since_flush = 0;
                self.flushed = None;
                self.flushed = Some(Box::new(self.clone()));
            }
        }
    }
}

impl Rows for Model {
    fn accept(&mut self, act: &Act, id: u64, offered: &[(usize, LaneToken)], now: Timestamp) -> Accepted {
        self.count_commit();
        if let Some(first) = self.keys.get(&act.key).filter(|_| !made(Mistake::NoKeys)) {
            let (touchpoint, lead) = (*first, self.touchpoints[first]);
            return Accepted { touchpoint, lead, is_new: false, claimed: Vec::new() };
        }
        self.keys.insert(act.key, id);
        let known = self.customers.get(&act.customer).copied();
        let lead = known.unwrap_or(id);
        self.customers.insert(act.customer, lead);
        self.touchpoints.insert(id, lead);
        let row = self.leads.entry(lead).or_default();
        row.refused |= act.refuses;
        row.refused_by = row.refused_by.or(act.refuses.then_some(id));
        let mut claimed = Vec::new();
        for lane in 0..self.lanes.len() {
            let place = self.owe(act, (lead, id, known.is_some()), lane, now);
            let is_due = self.deliveries[place].due_at <= now.millis();
            let row = &self.lanes[lane];
            let offer = offered.iter().find(|it| it.0 == lane && it.1.number() == row.token);
            if let Some((_, token)) = offer
                && self.deliveries[place].claim == 0
                && row.gate == Gate::Open
                && is_due
            {
                let claim = self.claim_one(place, *token);
                claimed.push((lane, claim));
            }
        }
        Accepted { touchpoint: id, lead, is_new: true, claimed }
    }

    fn take(&mut self, lane: usize, from: From, now: Timestamp) -> LaneToken {
        self.count_commit();
        let is_ours = from == From::Ours || made(Mistake::LeftBehindIsOurs);
        let until = now.plus(if is_ours { limits::DOUBT } else { limits::LEFT_BEHIND_WAIT }).millis();
        let again_at = if is_ours { now.millis() } else { until };
        let seen = self.lanes[lane].leased_until;
        let row = &mut self.lanes[lane];
        row.token += 1;
        row.leased_until = now.plus(limits::LEASE).millis();
        let token = LaneToken::new(row.token);
        let in_flight = |it: &Delivery| it.lane == lane && it.state == State::Pending && it.claim > 0;
        let claimed: Vec<(u64, u64)> =
            self.deliveries.iter().filter(|it| in_flight(it)).map(|it| (it.touchpoint, it.lead)).collect();
        let later = later_of_each(claimed.clone());

        let leads: Vec<u64> = self.deliveries.iter().filter(|it| in_flight(it)).map(|it| it.lead).collect();
        if !made(Mistake::InterruptedIsForgotten) {
            let latest = now.plus(limits::LEFT_BEHIND_WAIT).millis();
            let of_lane = self.doubts.iter_mut().filter(|it| it.0.0 == lane);
            of_lane.for_each(|it| *it.1 = until.max(*it.1).min(latest));
            leads.into_iter().for_each(|it| self.doubt_until(lane, it, until));
        }
        self.follow_clock(lane, seen, now);
        self.hold_doubted(lane, until);
        for it in self.deliveries.iter_mut().filter(|it| in_flight(it)) {
            if !made(Mistake::ClaimsStay) {
                (it.claim, it.due_at, it.doubtful) = (0, again_at, true);
            }
        }
        for (touchpoint, lead) in &later {
            self.put_behind(lane, *lead, *touchpoint);
        }
        for (touchpoint, lead) in claimed {
            if later.iter().any(|it| it.1 == lead) {
                self.hold(lane, touchpoint, until);
            }
        }

        if made(Mistake::ReservationsDie) {
            self.forget_reservations();
        }
        token
    }

    fn release(&mut self, _: usize, _: LaneToken) {
        self.count_commit();
    }

    fn turn(&mut self, lane: usize, token: LaneToken, turn: &Turn) -> Option<Turned> {
        self.count_commit();
        if self.lanes[lane].token != token.number() && !made(Mistake::NotFenced) {
            return None;
        }
        self.release_all(lane, token, &turn.released, turn.now);
        self.settle_all(lane, token, &turn.settled, turn.now);

        let is_by_person = |gate: &Gate| matches!(gate, Gate::Paused(pause) if pause.cause == "by_person");
        if let Some(changed) = &turn.gate
            && (!is_by_person(&self.lanes[lane].gate) || made(Mistake::PersonIsOverruled))
        {
            self.lanes[lane].gate = changed.clone();
        }
        let gate = self.lanes[lane].gate.clone();
        let (room, fold) = match allowance(&gate, turn.now) {
            Allowance::Free => (turn.room, turn.fold),
            Allowance::Probe => (turn.room.min(usize::from(turn.held == 0)), 1),
            Allowance::Nothing(_) => (0, 1),
        };
        let mut desk = turn.calls.as_ref().map(|it| {
            let counts = self.counts(lane, &it.budget);
            Desk::open(it, counts, turn.now)
        });
        let room = desk.as_mut().map_or(room, |it| it.room(room, |most| self.due(lane, turn.now, most)));
        let firsts = self.claim(lane, token, room, turn.now);
        self.lanes[lane].leased_until = turn.now.plus(limits::LEASE).millis();
        let next_due = if firsts.len() < room {
            self.doubts.retain(|key, until| key.0 != lane || *until > turn.now.millis());
            let later = |it: &&Delivery| {
                it.lane == lane
                    && it.state == State::Pending
                    && it.claim == 0
                    && it.due_at > turn.now.millis()
            };
            self.deliveries.iter().filter(later).map(|it| it.due_at).min().map(Timestamp::from_millis)
        } else {
            None
        };
        let calls = desk.zip(turn.calls.as_ref()).map(|(mut desk, asked)| {
            let granted = desk.close(&firsts);
            self.keep(lane, &asked.budget, desk.counts());
            granted
        });
        let claims = if fold > 1 { self.fold(lane, token, turn, firsts) } else { firsts };
        Some(Turned { claims, gate, next_due, calls })
    }

    fn erase(&mut self, customer: u64, id: u64, now: Timestamp) -> Option<Erased> {
        self.count_commit();
        let lead = self.customers.remove(&customer)?;
        let mut told: BTreeMap<usize, bool> = BTreeMap::new();
        for it in self.deliveries.iter_mut().filter(|it| it.lead == lead) {
            let is_uncertain = (it.state == State::Pending && it.claim > 0) || it.doubtful;
            if it.state == State::Delivered || is_uncertain {
                *told.entry(it.lane).or_default() |= is_uncertain;
            }
            let stays = made(Mistake::WaitingIsNotErased) && it.claim <= 0;
            if matches!(it.state, State::Pending | State::Parked | State::Suppressed) && !stays {
                it.state = State::Erased;
                it.claim = it.claim.max(0);
            }
        }
        self.touchpoints.insert(id, lead);
        *self.leads.get_mut(&lead)? = Lead { erased_by: Some(id), ..Lead::default() };
        if made(Mistake::NoDeletion) {
            told.clear();
        }
        for (lane, is_uncertain) in &told {
            let wait = if *is_uncertain && !made(Mistake::DeletionAtOnce) {
                limits::ATTEMPT_WAIT + limits::DOUBT
            } else {
                std::time::Duration::ZERO
            };
            if *is_uncertain && !made(Mistake::DeletionAtOnce) {
                self.doubt_until(*lane, lead, now.plus(wait).millis());
            }
            let claim = self.place(*lane, lead, id);
            self.deliveries.push(Delivery {
                touchpoint: id,
                lane: *lane,
                lead,
                state: State::Pending,
                due_at: now.plus(wait).millis(),
                claim,
                attempts: 0,
                doubtful: false,
                is_deletion: true,
                was_parked: false,
            });
        }
        Some(Erased { lead, told: told.into_keys().collect() })
    }

    fn set_gate(&mut self, lane: usize, gate: Gate) {
        self.count_commit();
        self.lanes[lane].gate = gate;
    }

    fn retry_parked(&mut self, lane: usize, now: Timestamp) {
        self.count_commit();
        let parked = |it: &(usize, &Delivery)| it.1.lane == lane && it.1.state == State::Parked;
        let mut places: Vec<(u64, usize)> =
            self.deliveries.iter().enumerate().filter(parked).map(|it| (it.1.touchpoint, it.0)).collect();
        places.sort_unstable();
        for (touchpoint, place) in places {
            let claim = self.place(lane, self.deliveries[place].lead, touchpoint);
            let until = self.doubt(lane, self.deliveries[place].lead).unwrap_or(i64::MIN);
            let it = &mut self.deliveries[place];
            (it.state, it.due_at, it.claim) = (State::Pending, now.millis().max(until), claim);
        }
    }

    fn spend_aside(&mut self, lane: usize, budget: &Arc<Budget>, told: &[Told], now: Timestamp) {
        self.count_commit();
        Model::spend_aside(self, lane, budget, told, now);
    }

    fn model(&self) -> &Model {
        self
    }

    fn lose_power(&mut self) {
        if let Some(flushed) = self.flushed.take() {
            *self = *flushed;
        }
    }
}
