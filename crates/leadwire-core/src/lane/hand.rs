//! What a lane has in hand under one lease: claims ready to be tried, tries under way, and news for the store.
//!
//! It is told what happened and says what is next; it waits for nothing and knows no connector. `C` is what is to be
//! brought, which the hand only carries.

use super::breaker::Trouble;
use super::calls::Calls;
use super::queue::Queue;
use super::{
    Allowance, Claim, Decision, Ended, Gate, LaneToken, Load, Next, Pace, Settled, Shape, Streak, Turn,
    Turned, after_try, allowance,
};
use crate::defect::{Defect, seeded};
use crate::id::{LeadId, TouchpointId};
use crate::limits;
use crate::outcome::Tried;
use crate::retry::RetryPolicy;
use crate::time::{Jitter, Timestamp};
use std::collections::HashSet;

/// What a lane has in hand under one lease.
#[derive(Debug)]
pub struct Hand<C> {
    token: LaneToken,
    leased_until: Timestamp,
    shape: Shape,
    gate: Gate,
    streak: Streak,
    trouble: Trouble,
    queue: Queue<C>,
    /// Requests under way.
    flying: usize,
    /// Most requests under way for now: few at first and after trouble, twice as many with each that is answered.
    ramp: usize,
    /// The delivery that is tried while the lane is shut.
    probe: Option<TouchpointId>,
    /// Leads whose customers asked not to be contacted since the last turn began: what it claimed may not know it yet.
    refused: HashSet<LeadId>,
    /// Leads that were erased since the last turn began: nothing that was claimed of them before may be sent.
    erased: HashSet<LeadId>,
    /// Nothing is sent before this moment.
    hold_until: Option<Timestamp>,
    settled: Vec<Settled>,
    released: Vec<TouchpointId>,
    gate_changed: Option<Gate>,
    /// The room that the turn under way was told, and when it began; none when no turn is.
    turning: Option<(usize, Timestamp)>,
    /// Whether the store may hold something that can be claimed now.
    may_have_work: bool,
    /// Whether the last turn found more than there was room for.
    is_behind: bool,
    must_renew: bool,
    next_look: Option<Timestamp>,
    /// What may be called; none: as much as there is to send.
    calls: Option<Calls>,
    waits_for_job: bool,
    stopping: bool,
}

impl<C> Hand<C> {
    /// An empty hand under a lease that was taken at this moment.
    pub fn new(token: LaneToken, taken_at: Timestamp, shape: Shape) -> Self {
        Self {
            token,
            leased_until: taken_at.plus(limits::LEASE),
            shape,
            gate: Gate::Open,
            streak: Streak::default(),
            trouble: Trouble::default(),
            queue: Queue::new(),
            flying: 0,
            ramp: limits::RAMP_FIRST,
            probe: None,
            refused: HashSet::new(),
            erased: HashSet::new(),
            hold_until: None,
            settled: Vec::new(),
            released: Vec::new(),
            gate_changed: None,
            turning: None,
            may_have_work: true,
            is_behind: true,
            must_renew: false,
            next_look: None,
            calls: None,
            waits_for_job: false,
            stopping: false,
        }
    }

    /// The lease.
    pub fn token(&self) -> LaneToken {
        self.token
    }

    /// Whether the lane may send, as far as it knows.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// When to look for work again though nothing happened; never, when only news can bring some.
    pub fn next_look(&self) -> Option<Timestamp> {
        self.next_look
    }

    /// Whether it was asked to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Whether a stop is over: nothing is under way any more.
    pub fn has_stopped(&self) -> bool {
        self.stopping && self.turning.is_none() && self.flying == 0
    }

    /// Goes on with other settings of the destination.
    pub fn reshape(&mut self, shape: Shape) {
        self.shape = shape;
        self.may_have_work = true;
    }

    /// It is time to look for work.
    pub fn wake(&mut self) {
        self.next_look = None;
        self.may_have_work = true;
        self.wake_calls();
    }

    /// Puts back what was not tried, and begins nothing any more.
    pub fn stop(&mut self) {
        self.stopping = true;
        self.may_have_work = true;
        self.release_ready();
        self.calls.iter_mut().for_each(Calls::give_back);
    }

    /// How many deliveries the lane holds at the most: those in flight, and as many again so that the next are ready.
    fn window(&self) -> usize {
        let Shape { in_flight, batch_max, .. } = self.shape;
        if self.ramp < in_flight {
            // Ten thousand lanes that begin together must fit into memory.
            return (self.ramp * 2 * batch_max).min(limits::LANE_WINDOW_MAX);
        }
        let each = limits::WINDOW_PER_IN_FLIGHT.max(2 * batch_max);
        (in_flight * each).min(limits::LANE_WINDOW_MAX.max(in_flight))
    }

    /// Whether the destination asked for peace.
    fn is_held(&self, now: Timestamp) -> bool {
        self.hold_until.is_some_and(|it| it > now)
    }

    fn may_send(&self, now: Timestamp) -> bool {
        self.gate == Gate::Open && !self.is_held(now)
    }

    /// Whether there is something to tell the store or to ask it for. One turn runs at a time.
    pub fn wants_turn(&self) -> bool {
        let has_news = !self.settled.is_empty() || !self.released.is_empty() || self.gate_changed.is_some();
        let has_news = has_news || self.calls.as_ref().is_some_and(Calls::has_news);
        let room = self.window() > self.queue.held();
        self.turning.is_none()
            && (has_news || self.must_renew || (self.may_have_work && room && !self.stopping))
    }

    /// Begins a turn with everything that is to be written down. What was given before must be taken in first: what is
    /// claimed from here on knows of the refusals and erasures up to now.
    pub fn begin_turn(&mut self, now: Timestamp) -> Turn {
        assert!(self.turning.is_none(), "one turn runs at a time");
        self.refused.clear();
        self.erased.clear();
        let held = self.queue.held();
        let may_claim = !self.stopping && !self.is_held(now) && !self.waits_for_job;
        let room = if may_claim { self.window().saturating_sub(held) } else { 0 };
        self.turning = Some((room, now));
        self.may_have_work = false;
        self.must_renew = false;
        // The turn looks; its end says when to look again. A look in between would ask anew for what it brings.
        self.next_look = None;
        let calls = self.ask_for_calls(may_claim);
        Turn {
            settled: std::mem::take(&mut self.settled),
            released: std::mem::take(&mut self.released),
            gate: self.gate_changed.take(),
            room,
            held,
            fold: self.shape.fold_max,
            calls,
            now,
        }
    }

    /// Takes up what a turn brought. `turned` has its claims in `ready`, each with what is to be brought.
    pub fn end_turn(&mut self, turned: Turned, ready: Vec<(Claim, C)>, now: Timestamp) {
        let (room, began_at) = self.turning.take().expect("a turn that ends began");
        // Not before: a lease that is not written down is none.
        self.leased_until = began_at.plus(limits::LEASE);
        if room > 0 && ready.iter().filter(|it| !it.0.rides).count() == room {
            self.may_have_work = true;
        }
        self.is_behind = room == 0 || self.may_have_work;
        // The turn began before the tries that changed the gate came back: its claims are no probe.
        let outdated = self.gate_changed.is_some();
        if !outdated || seeded(Defect::OldTurnOpens) {
            // What the store says counts, for instance when a person paused or resumed the lane.
            self.gate = turned.gate;
        }
        if self.gate != Gate::Open && !seeded(Defect::PausedStillSends) {
            self.release_ready();
        }
        // By the moment the turn was made of: what it did not ask for then may be over by now, and is looked at again.
        self.next_look = match (allowance(&self.gate, began_at), turned.next_due) {
            (Allowance::Nothing(probe_at), _) => probe_at,
            _ if self.is_held(began_at) => self.hold_until,
            (_, next_due) => next_due,
        };
        if seeded(Defect::NextLookIsForgotten) {
            self.next_look = None;
        }
        self.take_up_calls(turned.calls, now);
        for (claim, content) in ready {
            // What an up-to-date turn claims for a lane that is shut is a probe, of which there is one.
            let is_alone = self.queue.held() == 0;
            let is_probe = self.gate != Gate::Open && !outdated && is_alone;
            let may_send = !self.is_held(now) && (self.gate == Gate::Open || is_probe);
            if is_probe && may_send && !self.stopping {
                self.probe = Some(claim.touchpoint);
            }
            self.take_in(claim, content, may_send);
        }
    }

    /// Takes a claim in hand, or puts it back: when the lane stops or may not send, and when its lead was erased.
    fn take_in(&mut self, mut claim: Claim, content: C, may_send: bool) {
        claim.standing.do_not_contact |=
            self.refused.contains(&claim.lead) && !seeded(Defect::LateRefusedIsTaken);
        let is_erased =
            self.erased.contains(&claim.lead) && !claim.standing.erases && !seeded(Defect::LateErasedIsTaken);
        if is_erased || self.stopping || !may_send {
            self.released.push(claim.touchpoint);
            return;
        }
        self.queue.push(claim, content);
    }

    /// Marks what is in hand of these leads, so that none of it is sent as one to be contacted.
    pub fn refuse(&mut self, leads: Vec<LeadId>) {
        if leads.is_empty() {
            return;
        }
        self.refused.extend(leads);
        if !seeded(Defect::RefusalNotHeeded) {
            self.queue.refuse(&self.refused);
        }
    }

    /// Drops what is in hand of erased leads, but for the deletion itself. What is on the wire cannot be called back.
    pub fn erase(&mut self, leads: Vec<LeadId>) {
        if leads.is_empty() {
            return;
        }
        self.erased.extend(leads);
        if seeded(Defect::ErasureNotHeeded) {
            return;
        }
        let dropped = self.queue.erase(&self.erased);
        self.released.extend(dropped.iter().map(|it| it.touchpoint));
    }

    /// The next batch to be sent, with the last look at everything that may forbid it: as many as the destination takes at
    /// once, and none whose lead or exclusive key is in flight. Empty: nothing can be sent now, or more is about to be read from the
    /// store and a fuller batch costs fewer calls.
    pub fn next_batch(&mut self, now: Timestamp, load_of: impl Fn(&Claim, &C) -> Load) -> Vec<(Claim, C)> {
        let most = self.shape.in_flight.min(self.ramp);
        let has_room = self.flying < most || seeded(Defect::TooManyInFlight);
        if self.queue.is_empty() || !has_room || self.is_held(now) {
            return Vec::new();
        }
        if self.leased_until.since(now) < limits::LEASE_LEFT_TO_SEND && !seeded(Defect::LeaseNotChecked) {
            self.must_renew = true;
            return Vec::new();
        }
        let batch_max = self.queue.batch_max(self.shape.batch_max);
        if self.queue.len() < batch_max && (self.turning.is_some() || self.wants_turn()) {
            return Vec::new();
        }
        let batch_max = self.affordable(batch_max, now);
        let batch = self.queue.pick(batch_max, load_of);
        self.take_calls(&batch);
        self.flying += usize::from(!batch.is_empty());
        batch
    }

    /// Decides about each finished try of one batch; the next turn writes it down. `jitter` is one throw for all: what failed
    /// together comes back together, in one call again and not in a hundred.
    pub fn note(&mut self, tries: Vec<(Claim, Tried)>, now: Timestamp, jitter: Jitter) {
        self.flying = self.flying.checked_sub(1).expect("a batch that ends began");
        self.queue.let_go(&tries);
        let is_probe = tries.iter().any(|it| Some(it.0.touchpoint) == self.probe);
        if is_probe {
            self.probe = None;
        }
        self.heed(&tries, now, jitter);
        let batch = tries.len();
        let mut paces = Vec::with_capacity(batch);
        let parted = self.part(&tries);
        let mut waiting = HashSet::new();
        let first = tries.first().filter(|_| seeded(Defect::FirstSpeaksForAll)).map(|it| it.1.clone());
        for (claim, tried) in tries {
            let tried = first.clone().unwrap_or(tried);
            let ended =
                Ended { touchpoint: claim.touchpoint, number: claim.number, batch, is_probe, tried: &tried };
            let policy = RetryPolicy::default();
            let decision = match parted.contains(&claim.lead) {
                true => Decision { next: Next::RetryAt(now), gate: None, pace: Pace::Same },
                false => after_try(&self.gate, &mut self.streak, &policy, ended, now, jitter),
            };
            if let Some(gate) = decision.gate {
                self.change(gate);
            }
            paces.push(decision.pace);
            if matches!(decision.next, Next::RetryAt(_)) && !seeded(Defect::NextOvertakesARetry) {
                waiting.insert(claim.lead);
            }
            let (touchpoint, number) = (claim.touchpoint, claim.number);
            self.settled.push(Settled { touchpoint, number, tried, next: decision.next });
        }
        // It comes again before the others of its lead; and the store says how long they wait for what may still arrive.
        let others = self.queue.take_leads(&waiting);
        self.released.extend(others.iter().map(|it| it.touchpoint));
        self.follow(&paces);
        if !self.may_send(now) {
            self.release_ready();
        }
    }

    /// Follows what the deliveries of one batch said of the lane's pace.
    fn follow(&mut self, paces: &[Pace]) {
        for pace in paces {
            if let Pace::HoldUntil(until) = pace
                && !seeded(Defect::HoldIsIgnored)
            {
                self.hold_until = self.hold_until.max(Some(*until));
                self.ramp = 1;
            }
        }
        self.queue.follow(paces, self.shape.batch_max);
    }

    /// Puts back what was claimed and not tried.
    fn release_ready(&mut self) {
        for claim in self.queue.drain() {
            if !seeded(Defect::ReleaseIsForgotten) {
                self.released.push(claim.touchpoint);
            }
        }
    }
}

#[path = "hand_bulk.rs"]
mod bulk;
#[path = "hand_calls.rs"]
mod calls;
#[path = "hand_folds.rs"]
mod folds;
#[path = "hand_given.rs"]
mod given;
#[path = "hand_heeds.rs"]
mod heeds;

#[cfg(test)]
#[path = "hand_tests.rs"]
mod tests;
