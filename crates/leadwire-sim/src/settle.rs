//! What settling, claiming and a changed clock do to the model's rows.

use crate::mistake::{Mistake, made};
use crate::model::Model;
use crate::rows::{Delivery, State};
use leadwire_core::id::{LeadId, TouchpointId};
use leadwire_core::lane::{Claim, Gate, LaneToken, Next, Settled};
use leadwire_core::limits;
use leadwire_core::outcome::Outcome;
use leadwire_core::standing::Seen;
use leadwire_core::time::Timestamp;

impl Model {
    pub(crate) fn settle(&mut self, lane: usize, token: LaneToken, settled: &Settled, now: Timestamp) {
        let touchpoint = small(settled.touchpoint);
        let is_unknown = settled.tried.outcome == Outcome::Unknown;
        let Some(place) = self.claimed(lane, token, touchpoint) else {
            self.late_end(lane, token, touchpoint, is_unknown, now);
            return;
        };
        let it = &mut self.deliveries[place];
        it.claim = 0;
        it.doubtful |= is_unknown;
        (it.state, it.due_at) = match &settled.next {
            Next::Deliver(_) => (State::Delivered, now.millis()),
            Next::RetryAt(at) => (State::Pending, at.millis()),
            Next::Park => (State::Parked, now.millis()),
            Next::Suppress => (State::Suppressed, now.millis()),
        };
        it.was_parked |= it.state == State::Parked;
        let (lead, state) = (it.lead, it.state);
        if is_unknown {
            self.note_doubt(lane, lead, now);
        }
        if state != State::Pending {
            self.advance(lane, lead);
        }
    }

    pub(crate) fn claimed(&self, lane: usize, token: LaneToken, touchpoint: u64) -> Option<usize> {
        self.deliveries.iter().position(|it| {
            let is_ours = it.claim == token.number() || (made(Mistake::NotFenced) && it.claim >= 0);
            it.lane == lane && it.touchpoint == touchpoint && is_ours && it.state == State::Pending
        })
    }

    pub(crate) fn late_end(
        &mut self,
        lane: usize,
        token: LaneToken,
        touchpoint: u64,
        is_unknown: bool,
        now: Timestamp,
    ) {
        let Some(it) = self.deliveries.iter_mut().find(|it| {
            it.lane == lane
                && it.touchpoint == touchpoint
                && it.claim == token.number()
                && it.state == State::Erased
        }) else {
            return;
        };
        it.claim = 0;
        let lead = it.lead;
        let in_doubt = |it: &Delivery| it.lane == lane && it.lead == lead && it.doubtful;
        if is_unknown {
            let until = now.plus(limits::DOUBT).millis();
            let waits = |it: &&mut Delivery| it.lane == lane && it.lead == lead && it.state == State::Pending;
            self.deliveries.iter_mut().filter(waits).for_each(|it| it.due_at = it.due_at.max(until));
            self.note_doubt(lane, lead, now);
            return;
        }
        if self.deliveries.iter().any(in_doubt) {
            return;
        }
        for it in &mut self.deliveries {
            if it.lane == lane
                && it.lead == lead
                && it.state == State::Pending
                && it.claim == 0
                && it.attempts == 0
            {
                it.due_at = now.millis();
            }
        }
    }

    pub(crate) fn claim(&mut self, lane: usize, token: LaneToken, room: usize, now: Timestamp) -> Vec<Claim> {
        let is_due = |it: &Delivery| it.due_at <= now.millis() || made(Mistake::DueIsIgnored);
        let mut due: Vec<(i64, u64, usize)> = (self.deliveries.iter().enumerate())
            .filter(|(_, it)| it.lane == lane && it.state == State::Pending && it.claim == 0 && is_due(it))
            .map(|(place, it)| (it.due_at, it.touchpoint, place))
            .collect();
        due.sort_unstable();
        due.truncate(room);
        due.into_iter().map(|(_, _, place)| self.claim_one(place, token)).collect()
    }

    pub(crate) fn claim_one(&mut self, place: usize, token: LaneToken) -> Claim {
        let it = &mut self.deliveries[place];
        it.claim = token.number();
        if !made(Mistake::TriesAreNotCounted) || it.attempts == 0 {
            it.attempts += 1;
        }
        let lead = &self.leads[&it.lead];
        Claim {
            touchpoint: TouchpointId::new(it.touchpoint.into()),
            lead: LeadId::new(it.lead.into()),
            number: it.attempts,
            standing: Seen { do_not_contact: lead.refused, erases: it.is_deletion, ..Seen::default() },
            follow_up: None,
        }
    }

    /// What is free of leads in doubt waits from now on, by whichever clock it waited until now.
    pub(crate) fn hold_doubted(&mut self, lane: usize, until: i64) {
        if made(Mistake::DoubtsEndByTheClock) {
            return;
        }
        let doubts = &self.doubts;
        let waits = |it: &&mut Delivery| {
            it.lane == lane
                && it.state == State::Pending
                && it.claim == 0
                && doubts.contains_key(&(lane, it.lead))
        };
        self.deliveries.iter_mut().filter(waits).for_each(|it| it.due_at = it.due_at.max(until));
    }

    pub(crate) fn follow_clock(&mut self, lane: usize, leased_until: i64, now: Timestamp) {
        if made(Mistake::ClockIsTrusted) {
            return;
        }
        let waits = |it: &Delivery| {
            it.lane == lane && it.state == State::Pending && it.claim <= 0 && it.due_at > now.millis()
        };
        let doubts = self.doubts.clone();
        for it in self.deliveries.iter_mut().filter(|it| waits(it)) {
            if it.attempts == 0 && !it.is_deletion && !doubts.contains_key(&(lane, it.lead)) {
                it.due_at = now.millis();
            }
        }
        let lease = i64::try_from(limits::LEASE.as_millis()).expect("minutes");
        let set_back = leased_until - lease - now.millis();
        if set_back <= 0 {
            return;
        }
        for it in self.deliveries.iter_mut().filter(|it| waits(it)) {
            it.due_at -= set_back;
        }
        if let Gate::Paused(pause) | Gate::Tripped(pause) = &mut self.lanes[lane].gate
            && let Some(at) = pause.probe_at.filter(|it| *it > now)
        {
            pause.probe_at = Some(Timestamp::from_millis(at.millis() - set_back));
        }
    }
}

pub(crate) fn small(id: TouchpointId) -> u64 {
    u64::try_from(id.bits()).expect("schedules count from one")
}
