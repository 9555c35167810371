//! One schedule: a program, its store, its destinations, its senders and the people, on one virtual clock.
//!
//! What the program does between its waits is the shell's part of `leadwire::deliver`, in a few lines; every decision is the
//! core's own. Faults come where they hurt: around commits, between a decision and its first byte, inside a request.

use crate::check::{Checks, Violation};
use crate::crm::Crm;
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::plan::{Fault, Plan};
use crate::rest::Idle;
use crate::rows::{Act, From, Rows};
use crate::wire::Wire;
use leadwire_core::id::LeadId;
use leadwire_core::lane::{Claim, Gate, Hand, LaneToken, Turn, Turned};
use leadwire_core::limits;
use leadwire_core::outcome::Tried;
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
    /// The calls of a request leave.
    Leaves(usize, usize),
    /// Others call an account, or somebody does outside lanes.
    OthersCall(usize),
    CallsAside(usize),
    /// A lane looks for work.
    Looks(usize),
    /// A lane is taken.
    Takes(usize),
    /// What a node that is cut off had under way under a lease ends there.
    CutOffEnds(usize, i64),
    /// A lane that is to move waits no longer for its requests.
    GivesUp(usize, LaneToken),
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
pub(crate) struct Door {
    pub(crate) token: Option<LaneToken>,
    pub(crate) room: usize,
    pub(crate) given: Vec<(Claim, ())>,
    pub(crate) has_work: bool,
    pub(crate) refused: Vec<LeadId>,
    pub(crate) erased: Vec<LeadId>,
}

/// A lane of the running program.
#[derive(Default)]
pub(crate) struct LaneTask {
    pub(crate) hand: Option<Hand<()>>,
    pub(crate) door: Door,
    pub(crate) looks_at: Option<i64>,
    /// The most calls that a batch can ever get.
    pub(crate) calls_most: u32,
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
    /// Account by account.
    pub(crate) ledgers: Vec<Ledger>,
    /// When a lane last had a reason to wait that is not calls.
    pub(crate) quiet_since: Vec<i64>,
    pub(crate) idle: Vec<Idle>,
    /// The clock of the turn that is written down.
    pub(crate) clock_of_turn: i64,
    queue: BinaryHeap<Reverse<(i64, u64)>>,
    events: Vec<Option<(u32, Event)>>,
    free: Vec<usize>,
    order: u64,
    pub(crate) tasks: Vec<LaneTask>,
    /// Whose each lane was that is taken next.
    pub(crate) from: Vec<From>,
    pub(crate) acts: Vec<Act>,
    pub(crate) next_id: u64,
    /// Counts starts of the program: what an earlier one waited for does not come any more.
    pub(crate) life: u32,
    pub(crate) is_up: bool,
    pub(crate) still_until: i64,
    /// What the program's clock shows more than the world's.
    pub(crate) clock: i64,
    pub(crate) is_healed: bool,
    /// Whether every event is told.
    pub(crate) is_told: bool,
    pub(crate) steps: u64,
}

const START: i64 = 1_795_000_000_000;
/// After the faults end, everything must be at rest within so long: the longest wait that is believed, and a day.
const HEALED_FOR: i64 = 3 * 24 * 3600 * 1000;
/// Where calls are few it takes longer.
const HEALED_FOR_WITH_BUDGETS: i64 = 1000 * 24 * 3600 * 1000;
/// Events after which a schedule is one that goes round in circles.
const STEPS_MAX: u64 = 200_000;

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
            ledgers: plan.accounts.iter().cloned().map(Ledger::new).collect(),
            quiet_since: vec![0; lanes],
            idle: vec![Idle::default(); lanes],
            clock_of_turn: 0,
            queue: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
            order: 0,
            from: vec![From::Ours; lanes],
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
        self.set_up_accounts();
        let heals_at = self.plan.lasts * 2 + self.dice.within(0, 600_000);
        self.after(heals_at, Event::Heals);
    }

    /// Runs to the end. None: every law held.
    pub(crate) fn run(&mut self) -> Option<Violation> {
        let (mut healed_at, mut posts) = (None, 0);
        while let Some(Reverse((at, order))) = self.queue.pop() {
            let place = usize::try_from(order & 0xffff_ffff).expect("a place is small");
            let Some((life, event)) = self.events[place].take() else { continue };
            self.free.push(place);
            self.steps += 1;
            // Impatient senders come again each second for as long as the program is down.
            posts += u64::from(matches!(event, Event::Post(_)));
            assert!(at >= self.now, "time goes on");
            self.now = at;
            if self.is_healed && healed_at.is_none() {
                healed_at = Some(at);
            }
            let healed_for = if self.ledgers.is_empty() { HEALED_FOR } else { HEALED_FOR_WITH_BUDGETS };
            if healed_at.is_some_and(|it| at > it + healed_for) || self.steps > STEPS_MAX + posts {
                break;
            }
            let concerns_program = !matches!(
                event,
                Event::Arrives(_)
                    | Event::OthersCall(_)
                    | Event::CutOffEnds(..)
                    | Event::Strikes(_)
                    | Event::Mends(..)
                    | Event::Heals
                    | Event::Post(_)
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
            if self.is_healed && !self.ledgers.is_empty() {
                self.check_patience();
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
        let life = if matches!(event, Event::Starts | Event::Erases(_) | Event::CallsAside(_)) {
            u32::MAX
        } else {
            self.life
        };
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
            Event::CutOffEnds(lane, token) => self.wire.let_go(lane, Some(token), self.now),
            Event::GivesUp(lane, token) => self.give_up(lane, token),
            Event::TurnCommits(lane, turn, token) => self.commit_turn(lane, &turn, token),
            Event::TurnEnds(lane, token, turned) => self.end_turn(lane, token, turned),
            Event::Looks(lane) => self.look(lane),
            Event::Arrives(request) => self.arrive(request),
            Event::Answers(lane, request, tries) => self.answer(lane, request, tries),
            Event::Leaves(lane, request) => self.leave(lane, request),
            Event::OthersCall(account) => self.others_call(account),
            Event::CallsAside(account) => self.call_aside(account),
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

    /// Whether a lane may send, as far as it knows.
    pub(crate) fn gate(&self, lane: usize) -> Option<Gate> {
        self.tasks[lane].hand.as_ref().map(|it| it.gate().clone())
    }

    /// The program stands still for so long.
    pub(crate) fn stand_still(&mut self, millis: i64) {
        self.still_until = self.still_until.max(self.now + millis);
    }
}

/// Leads whose numbers end alike share a key, as people with one address do.
pub(crate) fn exclusive_key(claim: &Claim) -> String {
    (claim.lead.bits() % 3).to_string()
}

/// Some say so much that a batch has room for few of them, and one alone is too large for any.
pub(crate) fn size_of(claim: &Claim) -> usize {
    match claim.touchpoint.bits() % 11 {
        3 => limits::BATCH_CONTENT_BYTES_MAX + 1,
        5 | 7 => limits::BATCH_CONTENT_BYTES_MAX / 2,
        _ => 1000,
    }
}
