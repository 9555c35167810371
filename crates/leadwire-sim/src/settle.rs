//! What settling, claiming and a changed clock do to the model's rows.

use crate::mistake::{Mistake, made};
use crate::model::Model;
use crate::rows::{Delivery, State};
use leadwire_core::id::{LeadId, TouchpointId};
use leadwire_core::lane::{Claim, Gate, LaneToken, Next, Settled, Turn};
use leadwire_core::limits;
use leadwire_core::outcome::Outcome;
use leadwire_core::standing::Seen;
use leadwire_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl Model {
    pub(crate) fn settle_all(&mut self, lane: usize, token: LaneToken, settled: &[Settled], now: Timestamp) {
        let mut late = Vec::new();
        let tried: Vec<Settling> =
            settled.iter().filter_map(|it| self.settle(lane, token, it, &mut late, now)).collect();
        late.sort_unstable();
        for (is_unknown, touchpoint) in late {
            self.late_end(lane, token, touchpoint, is_unknown, now);
        }

        let again = tried.iter().filter(|it| it.is_again).map(|it| (it.touchpoint, it.lead)).collect();
        for (touchpoint, lead) in later_of_each(again) {
            self.put_behind(lane, lead, touchpoint);
        }
        let until = now.plus(limits::DOUBT).millis();
        for it in tried.iter().filter(|it| it.is_unknown) {
            if tried.iter().any(|that| that.lead == it.lead && that.touchpoint != it.touchpoint) {
                self.hold(lane, it.touchpoint, until);
            }
        }
    }

    /// What went with others of its lead waits as they do: by itself it would say less than they said together.
    pub(crate) fn hold(&mut self, lane: usize, touchpoint: u64, until: i64) {
        let is_it =
            |it: &&mut Delivery| it.lane == lane && it.touchpoint == touchpoint && it.state == State::Pending;
        if !made(Mistake::FirstOfSeveralIsRepeated) {
            self.deliveries.iter_mut().filter(is_it).for_each(|it| it.due_at = it.due_at.max(until));
        }
    }

    /// What is free of a lead is behind another one.
    pub(crate) fn put_behind(&mut self, lane: usize, lead: u64, touchpoint: u64) {
        let is_it = |it: &&mut Delivery| {
            (it.lane, it.lead, it.touchpoint, it.state, it.claim)
                == (lane, lead, touchpoint, State::Pending, 0)
        };
        if !made(Mistake::FoldedAreAllFree) {
            self.deliveries.iter_mut().filter(is_it).for_each(|it| it.claim = -1);
        }
    }

    pub(crate) fn release_all(
        &mut self,
        lane: usize,
        token: LaneToken,
        released: &[TouchpointId],
        now: Timestamp,
    ) {
        let mut back = BTreeMap::new();
        for released in released {
            let touchpoint = small(*released);
            match self.claimed(lane, token, touchpoint) {
                Some(place) => {
                    let it = &mut self.deliveries[place];
                    it.claim = if made(Mistake::ReleasedAreAllFree) { 0 } else { -1 };
                    it.attempts = it.attempts.saturating_sub(1);
                    back.insert(touchpoint, it.lead);
                }
                None => self.late_end(lane, token, touchpoint, false, now),
            }
        }
        let leads: BTreeSet<u64> = back.values().copied().collect();
        for lead in leads {
            let is_under_way = |it: &Delivery| {
                it.lane == lane && it.lead == lead && it.state == State::Pending && it.claim > 0
            };
            if self.deliveries.iter().any(is_under_way) {
                continue;
            }
            let Some(first) = self.pending(lane, lead) else { continue };
            match back.contains_key(&self.deliveries[first].touchpoint) {
                true => self.deliveries[first].claim = 0,
                false => self.advance(lane, lead),
            }
        }
    }

    /// Claims behind each of these what follows it of its lead without a gap, and is due.
    pub(crate) fn fold(
        &mut self,
        lane: usize,
        token: LaneToken,
        turn: &Turn,
        firsts: Vec<Claim>,
    ) -> Vec<Claim> {
        let mut room = turn.room;
        let mut all = Vec::with_capacity(firsts.len());
        for first in firsts {
            all.push(first);
            let (touchpoint, lead) = (small(first.touchpoint), first.lead.bits() as u64);
            let is_in_doubt = self.doubt(lane, lead).is_some_and(|it| it > turn.now.millis());
            if first.standing.erases || (is_in_doubt && !made(Mistake::FoldsInDoubt)) {
                continue;
            }
            let of_lead = |it: &&(usize, &Delivery)| {
                it.1.lane == lane && it.1.lead == lead && it.1.state == State::Pending
            };
            let mut places: Vec<(u64, usize)> = self
                .deliveries
                .iter()
                .enumerate()
                .filter(|it| of_lead(&it))
                .map(|it| (it.1.touchpoint, it.0))
                .collect();
            places.sort_unstable();
            for (_, place) in places.into_iter().take(turn.fold).filter(|it| it.0 > touchpoint) {
                let it = &self.deliveries[place];
                let is_due = it.due_at <= turn.now.millis() || made(Mistake::FoldsWhatIsNotDue);
                if it.claim != -1 || !is_due || room == 0 {
                    break;
                }
                room -= 1;
                all.push(Claim { rides: true, ..self.claim_one(place, token) });
            }
        }
        all
    }

    /// None: somebody else decided about it meanwhile.
    fn settle(
        &mut self,
        lane: usize,
        token: LaneToken,
        settled: &Settled,
        late: &mut Vec<(bool, u64)>,
        now: Timestamp,
    ) -> Option<Settling> {
        let touchpoint = small(settled.touchpoint);
        let is_unknown = settled.tried.outcome == Outcome::Unknown;
        let Some(place) = self.claimed(lane, token, touchpoint) else {
            late.push((is_unknown, touchpoint));
            return None;
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
        Some(Settling { touchpoint, lead, is_again: state == State::Pending, is_unknown })
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
        let is_under_way =
            |it: &Delivery| it.lane == lane && it.lead == lead && it.state == State::Erased && it.claim > 0;
        if self.deliveries.iter().any(is_under_way) {
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
            rides: false,
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

/// What was settled.
struct Settling {
    touchpoint: u64,
    lead: u64,
    is_again: bool,
    is_unknown: bool,
}

/// All but the first touchpoint of each lead.
pub(crate) fn later_of_each(mut all: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    all.sort_unstable_by_key(|it| (it.1, it.0));
    all.windows(2).filter(|it| it[0].1 == it[1].1).map(|it| it[1]).collect()
}

pub(crate) fn small(id: TouchpointId) -> u64 {
    u64::try_from(id.bits()).expect("schedules count from one")
}
