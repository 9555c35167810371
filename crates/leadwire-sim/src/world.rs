//! One schedule: a program, its store, its destinations, its senders and the people, on one virtual clock.
//!
//! What the program does between its waits is the shell's part of `leadwire::deliver`, in a few lines; every decision is the
//! core's own. Faults come where they hurt: around commits, between a decision and its first byte, inside a request.

use crate::check::{Checks, Goal, Violation};
use crate::crm::Crm;
use crate::dice::Dice;
use crate::mistake::{Mistake, made};
use crate::plan::{Fault, Plan};
use crate::rows::{Act, Rows};
use crate::wire::Wire;
use leadwire_core::id::LeadId;
use leadwire_core::lane::{Claim, Gate, Hand, LaneToken, Turn, Turned, paused_by_person};
use leadwire_core::outcome::{Fault as NotDone, Outcome, Tried};
use leadwire_core::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What happens next.
#[derive(Debug)]
pub(crate) enum Event {
    /// A sender brings what a customer did.
    Post(usize),
    /// The program commits it.
    Commit(usize, u64),
    /// A lane's turn reaches the store, and comes back.
    TurnCommits(usize, Box<Turn>, LaneToken),
    TurnEnds(usize, LaneToken, Option<Box<Turned>>),
    /// A request reaches its destination.
    Arrives(usize),
    /// What a lane is told of it.
    Answers(usize, usize, Vec<(Claim, Tried)>),
    /// A lane looks for work.
    Looks(usize),
    /// A lane is taken.
    Takes(usize),
    /// The program begins.
    Starts,
    /// Something goes wrong.
    Strikes(Fault),
    /// What went wrong with a destination is over.
    Mends(usize, Fault),
    /// A person is erased, and the lanes are told.
    Erases(u64),
    EraseTold(u64, Vec<usize>),
    /// Nothing goes wrong any more.
    Heals,
}

/// What lies at a lane's door.
#[derive(Default)]
struct Door {
    token: Option<LaneToken>,
    room: usize,
    given: Vec<(Claim, ())>,
    has_work: bool,
    refused: Vec<LeadId>,
    erased: Vec<LeadId>,
}

/// A lane of the running program.
#[derive(Default)]
struct LaneTask {
    hand: Option<Hand<()>>,
    door: Door,
    looks_at: Option<i64>,
}

/// A schedule under way.
pub(crate) struct World<R> {
    pub(crate) plan: Plan,
    pub(crate) dice: Dice,
    pub(crate) now: i64,
    pub(crate) rows: R,
    pub(crate) crms: Vec<Crm>,
    pub(crate) wire: Wire,
    pub(crate) checks: Checks,
    queue: BinaryHeap<Reverse<(i64, u64)>>,
    events: Vec<Option<(u32, Event)>>,
    free: Vec<usize>,
    order: u64,
    tasks: Vec<LaneTask>,
    acts: Vec<Act>,
    next_id: u64,
    /// Counts starts of the program: what an earlier one waited for does not come any more.
    life: u32,
    is_up: bool,
    still_until: i64,
    /// What the program's clock shows more than the world's.
    clock: i64,
    is_healed: bool,
    /// Whether every event is told.
    pub(crate) is_told: bool,
    pub(crate) steps: u64,
}

const START: i64 = 1_795_000_000_000;
/// After the faults end, everything must be at rest within so long: the longest wait that is believed, and a day.
const HEALED_FOR: i64 = 3 * 24 * 3600 * 1000;
/// Events after which a schedule is one that goes round in circles.
const STEPS_MAX: u64 = 60_000;

impl<R: Rows> World<R> {
    pub(crate) fn new(plan: Plan, rows: R) -> Self {
        let lanes = plan.lanes.len();
        let mut world = Self {
            dice: Dice::new(plan.seed ^ 0x5eed),
            now: START,
            rows,
            crms: plan.lanes.iter().map(|_| Crm::default()).collect(),
            wire: Wire::default(),
            checks: Checks::new(lanes),
            queue: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
            order: 0,
            tasks: (0..lanes).map(|_| LaneTask::default()).collect(),
            acts: Vec::new(),
            next_id: 1,
            life: 0,
            is_up: false,
            still_until: 0,
            clock: 0,
            is_healed: false,
            is_told: false,
            steps: 0,
            plan,
        };
        world.set_up();
        world
    }

    fn set_up(&mut self) {
        self.after(0, Event::Starts);
        for number in 0..self.plan.actions {
            let act = Act {
                key: number as u64 + 1,
                customer: self.dice.below(self.plan.customers) + 1,
                urgent: self.dice.falls(200),
                refuses: self.plan.has(Fault::Refusal) && self.dice.falls(100),
            };
            if self.plan.has(Fault::Erasure) && self.dice.falls(120) {
                let at = self.dice.within(0, self.plan.lasts * 2);
                self.after(at, Event::Erases(act.customer));
            }
            self.acts.push(act);
            let at = self.dice.within(0, self.plan.lasts);
            self.after(at, Event::Post(number));
        }
        for fault in self.plan.faults() {
            if fault.strikes() {
                for _ in 0..=self.dice.below(3) {
                    let at = self.dice.within(0, self.plan.lasts * 2);
                    self.after(at, Event::Strikes(fault));
                }
            }
        }
        let heals_at = self.plan.lasts * 2 + self.dice.within(0, 600_000);
        self.after(heals_at, Event::Heals);
    }

    /// Runs to the end. None: every law held.
    pub(crate) fn run(&mut self) -> Option<Violation> {
        let mut healed_at = None;
        while let Some(Reverse((at, order))) = self.queue.pop() {
            let place = usize::try_from(order & 0xffff_ffff).expect("a place is small");
            let Some((life, event)) = self.events[place].take() else { continue };
            self.free.push(place);
            self.steps += 1;
            assert!(at >= self.now, "time goes on");
            self.now = at;
            if self.is_healed && healed_at.is_none() {
                healed_at = Some(at);
            }
            if healed_at.is_some_and(|it| at > it + HEALED_FOR) || self.steps > STEPS_MAX {
                break;
            }
            let concerns_program = !matches!(
                event,
                Event::Arrives(_) | Event::Strikes(_) | Event::Mends(..) | Event::Heals | Event::Post(_)
            );
            if concerns_program && life != u32::MAX && life != self.life {
                continue;
            }
            if concerns_program && at < self.still_until {
                self.at(self.still_until, life, event);
                continue;
            }
            if self.is_told {
                crate::run::say(&format!("{:>12} {event:?}", self.now - START));
            }
            self.happen(event);
            if let Some(violation) = self.checks.broken.take() {
                return Some(violation);
            }
        }
        self.checks.at_the_end(self.rows.model(), &self.crms);
        self.checks.broken.take()
    }

    fn at(&mut self, at: i64, life: u32, event: Event) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.events.push(None);
            self.events.len() - 1
        });
        self.events[place] = Some((life, event));
        self.order += 1;
        assert!(self.order < 1 << 31, "schedules are short");
        self.queue.push(Reverse((at, (self.order << 32) | place as u64)));
    }

    pub(crate) fn after(&mut self, wait: i64, event: Event) {
        let life = if matches!(event, Event::Starts | Event::Erases(_)) { u32::MAX } else { self.life };
        self.at(self.now + wait, life, event);
    }

    /// The program's clock.
    pub(crate) fn clock(&self) -> Timestamp {
        Timestamp::from_millis(self.now + self.clock)
    }

    /// Whether a fault that is on happens now.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        !self.is_healed && self.plan.has(fault) && self.dice.falls(self.plan.rate)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Starts => self.start(),
            Event::Post(number) => self.post(number),
            Event::Commit(number, key) => self.commit(number, key),
            Event::Takes(lane) => self.take(lane),
            Event::TurnCommits(lane, turn, token) => self.commit_turn(lane, &turn, token),
            Event::TurnEnds(lane, token, turned) => self.end_turn(lane, token, turned),
            Event::Looks(lane) => self.look(lane),
            Event::Arrives(request) => self.arrive(request),
            Event::Answers(lane, request, tries) => self.answer(lane, request, tries),
            Event::Erases(customer) => self.erase(customer),
            Event::EraseTold(lead, lanes) => {
                self.checks.erasure_told(lead);
                self.tasks.iter_mut().for_each(|it| it.door.erased.push(LeadId::new(lead.into())));
                (0..self.tasks.len()).for_each(|it| self.pump(it));
                lanes.into_iter().for_each(|it| self.ring(it));
            }
            Event::Strikes(fault) => self.strike(fault),
            Event::Mends(lane, fault) => self.mend(lane, fault),
            Event::Heals => self.heal(),
        }
    }

    fn start(&mut self) {
        if self.is_up {
            return;
        }
        self.is_up = true;
        if self.life > 0 && self.strikes(Fault::ClockBack) {
            self.clock -= self.dice.within(1, 40 * 24 * 3600 * 1000);
            self.checks.reach(Goal::ClockSetBack);
        }
        for lane in 0..self.tasks.len() {
            self.tasks[lane] = LaneTask::default();
            self.after(1, Event::Takes(lane));
        }
    }

    /// The program ends without a word. What it sent may still be carried out.
    fn kill(&mut self) {
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
    fn let_go_of_requests(&mut self, lane: usize) {
        self.wire.let_go(lane, self.now);
    }

    fn post(&mut self, number: usize) {
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

    fn commit(&mut self, number: usize, key: u64) {
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

    fn take(&mut self, lane: usize) {
        let clock = self.clock();
        let token = self.rows.take(lane, clock);
        self.checks.taken(lane);
        let hand = Hand::new(token, clock, self.plan.lanes[lane].shape);
        let door = Door { token: Some(token), has_work: true, ..Door::default() };
        self.tasks[lane] = LaneTask { hand: Some(hand), door, looks_at: None };
        self.pump(lane);
    }

    /// There is work in the store.
    fn ring(&mut self, lane: usize) {
        self.tasks[lane].door.has_work = true;
        self.notice(lane);
    }

    fn notice(&mut self, lane: usize) {
        self.look_at_door(lane);
        self.pump(lane);
    }

    fn look_at_door(&mut self, lane: usize) {
        let clock = self.clock();
        let LaneTask { hand: Some(hand), door, .. } = &mut self.tasks[lane] else { return };
        let has_work = std::mem::take(&mut door.has_work);
        hand.take_given(std::mem::take(&mut door.given).into_iter(), has_work, clock);
    }

    /// What a lane's task does between two waits.
    fn pump(&mut self, lane: usize) {
        let clock = self.clock();
        let LaneTask { hand: Some(hand), door, .. } = &mut self.tasks[lane] else { return };
        hand.refuse(std::mem::take(&mut door.refused));
        hand.erase(std::mem::take(&mut door.erased));
        let has_keys = self.plan.lanes[lane].has_keys;
        loop {
            let Some(hand) = &mut self.tasks[lane].hand else { return };
            let key_of = |claim: &Claim, (): &()| has_keys.then(|| exclusive_key(claim));
            let batch = hand.next_batch(clock, key_of);
            if batch.is_empty() {
                break;
            }
            let batch: Vec<Claim> = batch.into_iter().map(|it| it.0).collect();
            self.send(lane, batch);
        }
        let Some(hand) = &mut self.tasks[lane].hand else { return };
        let room = hand.offered(clock);
        let wants_turn = hand.wants_turn();
        self.tasks[lane].door.room = room;
        if wants_turn {
            self.look_at_door(lane);
            let Some(hand) = &mut self.tasks[lane].hand else { return };
            let (turn, token) = (hand.begin_turn(clock), hand.token());
            let wait = self.dice.within(1, 3);
            self.after(wait, Event::TurnCommits(lane, Box::new(turn), token));
        }
        self.plan_look(lane);
    }

    fn plan_look(&mut self, lane: usize) {
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

    fn look(&mut self, lane: usize) {
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

    fn commit_turn(&mut self, lane: usize, turn: &Turn, token: LaneToken) {
        if self.strikes(Fault::KillAtCommit) {
            return self.kill();
        }
        let turned = self.rows.turn(lane, token, turn);
        self.checks.turned(lane, turn, turned.as_ref(), self.rows.model());
        if self.strikes(Fault::KillAtCommit) {
            return self.kill();
        }
        self.after(1, Event::TurnEnds(lane, token, turned.map(Box::new)));
    }

    fn end_turn(&mut self, lane: usize, token: LaneToken, turned: Option<Box<Turned>>) {
        let clock = self.clock();
        // A task that panicked meanwhile waits for nothing.
        let Some(hand) = self.tasks[lane].hand.as_mut().filter(|it| it.token() == token) else { return };
        let Some(mut turned) = turned else {
            self.checks.reach(Goal::LeaseLost);
            self.tasks[lane] = LaneTask::default();
            self.after(1, Event::Takes(lane));
            return;
        };
        let claims = std::mem::take(&mut turned.claims).into_iter().map(|it| (it, ())).collect();
        let before = hand.gate().clone();
        hand.end_turn(*turned, claims, clock);
        let after = hand.gate().clone();
        self.checks.gate_seen(lane, &before, &after);
        self.pump(lane);
    }

    fn answer(&mut self, lane: usize, request: usize, tries: Vec<(Claim, Tried)>) {
        if !self.wire.answer(request) {
            return;
        }
        let (clock, jitter) = (self.clock(), self.dice.jitter());
        self.checks.answered(lane, &tries, self.now);
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

    fn erase(&mut self, customer: u64) {
        if !self.is_up {
            self.after(1000, Event::Erases(customer));
            return;
        }
        let (id, clock) = (self.next_id, self.clock());
        self.next_id += 1;
        let Some(erased) = self.rows.erase(customer, id, clock) else { return };
        self.checks.erased(&erased);
        if self.strikes(Fault::KillAtCommit) {
            return self.kill();
        }
        let wait = self.dice.within(0, 2);
        self.after(wait, Event::EraseTold(erased.lead, erased.told));
    }

    fn strike(&mut self, fault: Fault) {
        if self.is_healed {
            return;
        }
        let lane = self.dice.index(self.crms.len());
        let wait = *self.dice.pick(&[3_000, 60_000, 900_000, 7_200_000]);
        match fault {
            Fault::Kill => self.kill(),
            Fault::PowerCut => {
                self.checks.reach(Goal::PowerCut);
                self.kill();
                self.rows.lose_power();
                self.checks.after_power_cut(self.rows.model());
            }
            Fault::Standstill => {
                self.still_until = self.now + *self.dice.pick(&[2_000, 130_000, 400_000]);
                self.checks.reach(Goal::StoodStill);
            }
            Fault::LanePanic if self.is_up => {
                self.checks.reach(Goal::LanePanicked);
                self.tasks[lane] = LaneTask::default();
                self.let_go_of_requests(lane);
                self.after(1, Event::Takes(lane));
            }
            Fault::Outage | Fault::Credential | Fault::Gone => {
                self.crms[lane].trouble = Some(fault);
                self.checks.down(lane, fault, self.now);
                self.after(wait, Event::Mends(lane, fault));
            }
            Fault::PersonPauses if self.is_up => {
                let gate = paused_by_person(self.clock());
                self.rows.set_gate(lane, gate);
                self.checks.person_paused(lane);
                self.reshape(lane);
                self.after(wait, Event::Mends(lane, fault));
            }
            Fault::PersonRetries if self.is_up => {
                let clock = self.clock();
                self.rows.retry_parked(lane, clock);
                self.ring(lane);
            }
            _ => {}
        }
    }

    /// The set-up changed, which every lane hears of.
    fn reshape(&mut self, lane: usize) {
        let shape = self.plan.lanes[lane].shape;
        if let Some(hand) = &mut self.tasks[lane].hand {
            hand.reshape(shape);
            self.pump(lane);
        }
    }

    fn mend(&mut self, lane: usize, fault: Fault) {
        if self.crms[lane].trouble == Some(fault) {
            self.crms[lane].trouble = None;
            self.checks.up(lane);
        }
        // What a person paused, and what said that it is gone, a person resumes.
        let is_persons = matches!(fault, Fault::PersonPauses | Fault::Gone);
        let waits = |gate: &Gate| gate.pause().is_some_and(|it| it.probe_at.is_none());
        if is_persons && waits(&self.rows.model().lanes[lane].gate) {
            self.rows.set_gate(lane, Gate::Open);
            self.checks.person_resumed(lane);
            self.reshape(lane);
        }
    }

    fn heal(&mut self) {
        self.is_healed = true;
        for lane in 0..self.crms.len() {
            if let Some(fault) = self.crms[lane].trouble {
                self.mend(lane, fault);
            }
            self.mend(lane, Fault::PersonPauses);
        }
        if !self.is_up {
            self.after(0, Event::Starts);
        }
    }

    /// Whether a lane may send, as far as it knows.
    pub(crate) fn gate(&self, lane: usize) -> Option<Gate> {
        self.tasks[lane].hand.as_ref().map(|it| it.gate().clone())
    }

    /// The program stands still for so long.
    pub(crate) fn stand_still(&mut self, millis: i64) {
        self.still_until = self.now + millis;
    }
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

/// Leads whose numbers end alike share a key, as people with one address do.
pub(crate) fn exclusive_key(claim: &Claim) -> String {
    (claim.lead.bits() % 3).to_string()
}
