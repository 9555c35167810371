//! The program: intake, and what a lane's task does between its waits, as in `leadwire::deliver`.

use crate::check::Goal;
use crate::mistake::{Mistake, made};
use crate::plan::Fault;
use crate::rows::Rows;
use crate::world::{Door, Event, LaneTask, World, exclusive_key, size_of};
use leadwire_core::id::LeadId;
use leadwire_core::lane::{Claim, Gate, Hand, LaneToken, Load, Turn, Turned};
use leadwire_core::limits;
use leadwire_core::outcome::{Fault as NotDone, Outcome, Tried};
use std::sync::Arc;

impl<R: Rows> World<R> {
    pub(crate) fn start(&mut self) {
        if self.is_up {
            return;
        }
        self.is_up = true;
        if self.life > 0 && self.strikes(Fault::ClockBack) {
            self.clock -= self.dice.within(1, 40 * 24 * 3600 * 1000);
            self.ledgers.iter_mut().for_each(|it| it.is_clock_moved = true);
            self.checks.reach(Goal::ClockSetBack);
        }
        if self.life > 0 && self.strikes(Fault::ClockAhead) {
            let ahead = self.dice.within(1_000, 10 * 24 * 3600 * 1000);
            self.clock = if self.clock > 0 { 0 } else { self.clock + ahead };
            self.checks.reach(Goal::ClockRanAhead);
            self.checks.clock_moved();
            let now = self.now;
            self.ledgers.iter_mut().for_each(|it| (it.is_clock_moved, it.late_at) = (true, now));
        }
        for lane in 0..self.tasks.len() {
            self.tasks[lane] = LaneTask::default();
            self.after(1, Event::Takes(lane));
        }
    }

    /// The program ends without a word. What it sent may still be carried out.
    pub(crate) fn kill(&mut self) {
        if !self.is_up {
            return;
        }
        self.checks.reach(Goal::Killed);
        self.is_up = false;
        self.life += 1;
        self.still_until = 0;
        for lane in 0..self.tasks.len() {
            self.tasks[lane] = LaneTask::default();
            self.let_go_of_requests(lane);
        }
        self.checks.restarted();
        let wait = self.dice.within(10, 20_000);
        self.after(wait, Event::Starts);
    }

    /// Nobody waits for a lane's requests any more: their connections close.
    pub(crate) fn let_go_of_requests(&mut self, lane: usize) {
        self.wire.let_go(lane, None, self.now);
        self.lose_calls(lane);
    }

    pub(crate) fn post(&mut self, number: usize) {
        if self.checks.is_acknowledged(self.acts[number].key) {
            return;
        }
        if !self.is_up {
            self.after(1000, Event::Post(number));
            return;
        }
        if made(Mistake::AckBeforeCommit) {
            self.checks.acknowledged(self.acts[number].key, None);
        }
        let wait = self.dice.within(1, 4);
        let key = self.acts[number].key;
        self.after(wait, Event::Commit(number, key));
        // A sender that hears nothing comes again, under the same key.
        self.after(15_000, Event::Post(number));
    }

    pub(crate) fn commit(&mut self, number: usize, key: u64) {
        if self.checks.is_acknowledged(key) && !made(Mistake::AckBeforeCommit) {
            return;
        }
        if self.strikes(Fault::KillAtCommit) {
            return self.kill();
        }
        let mut offered = Vec::new();
        for (lane, task) in self.tasks.iter_mut().enumerate() {
            if let (Some(token), Some(room)) = (task.door.token, task.door.room.checked_sub(1)) {
                task.door.room = room;
                offered.push((lane, token));
            }
        }
        let (id, clock, act) = (self.next_id, self.clock(), self.acts[number].clone());
        self.next_id += 1;
        let accepted = self.rows.accept(&act, id, &offered, clock);
        self.checks.accepted(&act, &accepted);
        if self.strikes(Fault::KillAtCommit) {
            return self.kill();
        }
        for (lane, claim) in &accepted.claimed {
            self.tasks[*lane].door.given.push((*claim, ()));
            self.checks.reach(Goal::ClaimedAsStored);
        }
        for (lane, _) in offered.iter().filter(|it| !accepted.claimed.iter().any(|that| that.0 == it.0)) {
            self.tasks[*lane].door.room += 1;
        }
        if accepted.is_new && act.refuses {
            self.checks.refusal_told(accepted.lead);
            let lead = LeadId::new(accepted.lead.into());
            self.tasks.iter_mut().for_each(|it| it.door.refused.push(lead));
        }
        if self.strikes(Fault::LostAck) {
            self.checks.reach(Goal::AckLost);
        } else {
            self.checks.acknowledged(key, Some(accepted.touchpoint));
        }
        for lane in 0..self.tasks.len() {
            if accepted.claimed.iter().any(|it| it.0 == lane) {
                self.notice(lane);
            } else if !made(Mistake::NobodyRings) {
                self.ring(lane);
            }
        }
    }

    pub(crate) fn take(&mut self, lane: usize) {
        if self.tasks[lane].hand.is_some() {
            return;
        }
        let clock = self.clock();
        let from = std::mem::take(&mut self.from[lane]);
        let token = self.rows.take(lane, from, clock);
        self.checks.taken(lane);
        let mut hand = Hand::new(token, clock, self.plan.lanes[lane].shape);
        let account = self.plan.lanes[lane].account;
        hand.follow_budget(account.map(|it| Arc::clone(&self.ledgers[it].plan.budget)));
        self.quiet_since[lane] = self.now;
        let door = Door { token: Some(token), has_work: true, ..Door::default() };
        self.tasks[lane] = LaneTask { hand: Some(hand), door, looks_at: None, calls_most: u32::MAX };
        self.pump(lane);
    }

    /// There is work in the store.
    pub(crate) fn ring(&mut self, lane: usize) {
        self.tasks[lane].door.has_work = true;
        self.notice(lane);
    }

    pub(crate) fn notice(&mut self, lane: usize) {
        self.look_at_door(lane);
        self.pump(lane);
    }

    pub(crate) fn look_at_door(&mut self, lane: usize) {
        let clock = self.clock();
        let LaneTask { hand: Some(hand), door, .. } = &mut self.tasks[lane] else { return };
        let has_work = std::mem::take(&mut door.has_work);
        hand.take_given(std::mem::take(&mut door.given).into_iter(), has_work, clock);
    }

    /// What a lane's task does between two waits.
    pub(crate) fn pump(&mut self, lane: usize) {
        let clock = self.clock();
        let LaneTask { hand: Some(hand), door, .. } = &mut self.tasks[lane] else { return };
        hand.refuse(std::mem::take(&mut door.refused));
        hand.erase(std::mem::take(&mut door.erased));
        let has_keys = self.plan.lanes[lane].has_keys;
        loop {
            let Some(hand) = &mut self.tasks[lane].hand else { return };
            let load_of = |claim: &Claim, (): &()| Load {
                key: has_keys.then(|| exclusive_key(claim)),
                bytes: size_of(claim),
            };
            let batch = hand.next_batch(clock, load_of);
            if batch.is_empty() {
                break;
            }
            let batch: Vec<Claim> = batch.into_iter().map(|it| it.0).collect();
            let token = hand.token();
            self.send(lane, batch, token);
        }
        let Some(hand) = &mut self.tasks[lane].hand else { return };
        let room = hand.offered(clock);
        let wants_turn = hand.wants_turn();
        self.tasks[lane].door.room = room;
        if wants_turn {
            self.look_at_door(lane);
            let Some(hand) = &mut self.tasks[lane].hand else { return };
            let (turn, token) = (hand.begin_turn(clock), hand.token());
            self.begin_turn_of_calls(lane, token);
            let wait = self.dice.within(1, 3);
            self.after(wait, Event::TurnCommits(lane, Box::new(turn), token));
        }
        self.plan_look(lane);
        self.give_back(lane);
    }

    pub(crate) fn plan_look(&mut self, lane: usize) {
        let clock = self.clock;
        let task = &mut self.tasks[lane];
        let Some(at) = task.hand.as_ref().and_then(Hand::next_look) else {
            task.looks_at = None;
            return;
        };
        let at = at.millis() - clock;
        if task.looks_at != Some(at) {
            task.looks_at = Some(at);
            let wait = (at - self.now).max(0);
            self.after(wait, Event::Looks(lane));
        }
    }

    pub(crate) fn look(&mut self, lane: usize) {
        let now = self.now;
        let task = &mut self.tasks[lane];
        if task.looks_at.is_none_or(|it| it > now) {
            return;
        }
        task.looks_at = None;
        if let Some(hand) = &mut task.hand {
            hand.wake();
            self.pump(lane);
        }
    }

    pub(crate) fn commit_turn(&mut self, lane: usize, turn: &Turn, token: LaneToken) {
        if self.strikes(Fault::KillAtCommit) {
            return self.kill();
        }
        let turned = self.rows.turn(lane, token, turn);
        self.checks.turned(lane, turn, turned.as_ref(), self.rows.model());
        if let Some(turned) = &turned {
            self.clock_of_turn = turn.now.millis();
            self.commit_calls(lane, token, turned);
            self.check_idle(lane, turn, turned);
        }
        if self.strikes(Fault::KillAtCommit) {
            return self.kill();
        }
        self.after(1, Event::TurnEnds(lane, token, turned.map(Box::new)));
    }

    pub(crate) fn end_turn(&mut self, lane: usize, token: LaneToken, turned: Option<Box<Turned>>) {
        let clock = self.clock();
        // A task that panicked meanwhile waits for nothing.
        let Some(hand) = self.tasks[lane].hand.as_mut().filter(|it| it.token() == token) else { return };
        let Some(mut turned) = turned else {
            self.tasks[lane] = LaneTask::default();
            self.let_go_of_requests(lane);
            self.after(1, Event::Takes(lane));
            return;
        };
        let claims = std::mem::take(&mut turned.claims).into_iter().map(|it| (it, ())).collect();
        let before = hand.gate().clone();
        hand.end_turn(*turned, claims, clock);
        let after = hand.gate().clone();
        if before != after {
            self.quiet_since[lane] = self.now;
        }
        self.checks.gate_seen(lane, &before, &after);
        self.pump(lane);
    }

    /// What was asked for peace, or changed its gate, has a reason to wait that is not calls.
    fn note_peace(&mut self, lane: usize, tries: &[(Claim, Tried)]) {
        let until = self.now + peace(tries).unwrap_or(0);
        self.quiet_since[lane] = self.quiet_since[lane].max(until);
    }

    pub(crate) fn answer(&mut self, lane: usize, request: usize, tries: Vec<(Claim, Tried)>) {
        if !self.wire.answer(request) || self.is_of_another(lane, request) {
            return;
        }
        let (clock, jitter) = (self.clock(), self.dice.jitter());
        self.checks.answered(lane, &tries, self.now);
        self.end_calls(lane, request);
        self.note_peace(lane, &tries);
        let Some(hand) = &mut self.tasks[lane].hand else { return };
        let before = hand.gate().clone();
        let hints = wishes(&tries);
        hand.note(tries, clock, jitter);
        let after = hand.gate().clone();
        self.checks.noted(lane, &before, &after, self.now);
        if after == Gate::Open {
            hints
                .into_iter()
                .for_each(|(touchpoint, hint)| self.checks.wished((lane, touchpoint), hint, self.now));
        }
        if self.strikes(Fault::Kill) {
            return self.kill();
        }
        self.pump(lane);
    }
}

/// How long the longest hold may be that these answers ask for.
fn peace(tries: &[(Claim, Tried)]) -> Option<i64> {
    let hold = |(_, tried): &(Claim, Tried)| match tried.outcome {
        Outcome::NotDone(NotDone::HoldLane(hint)) => {
            let hint = hint.unwrap_or_default().mul_f64(1.1).max(limits::RETRY_LONGEST);
            i64::try_from(hint.as_millis()).ok()
        }
        _ => None,
    };
    tries.iter().filter_map(hold).max()
}

/// Deliveries that are not wanted for a while, in milliseconds.
fn wishes(tries: &[(Claim, Tried)]) -> Vec<(u64, i64)> {
    let wish = |(claim, tried): &(Claim, Tried)| match tried.outcome {
        Outcome::NotDone(NotDone::RetryAfter(Some(hint))) => {
            Some((u64::try_from(claim.touchpoint.bits()).ok()?, i64::try_from(hint.as_millis()).ok()?))
        }
        _ => None,
    };
    tries.iter().filter_map(wish).collect()
}
