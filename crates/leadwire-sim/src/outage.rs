//! A long outage in virtual time: a destination is down for days while leads come, and then everything is brought to it, in order and
//! within what its account allows, by the decisions that the program runs.

use crate::account::{AccountPlan, Others, Service, WindowPlan};
use crate::backlog::{Backlog, Wrong};
use crate::dice::Dice;
use leadwire_core::budget::{Allotment, Told, forecast};
use leadwire_core::lane::{Claim, Hand, LaneToken, Load, Shape, Turn, Turned};
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};
use leadwire_core::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const HOUR: i64 = 3_600_000;
/// After the outage everything must be there within so long.
const ENOUGH: i64 = 30 * 24 * HOUR;

/// What is wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    None,
    /// Calls are not counted.
    NoBudget,
    NoOrder,
    LostLead,
}

/// What is to be run.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) leads: u32,
    pub(crate) outage: i64,
    pub(crate) shape: Shape,
    pub(crate) account: AccountPlan,
    pub(crate) control: Control,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub(crate) delivered: u64,
    pub(crate) waited: u64,
    pub(crate) calls: u64,
    pub(crate) calls_in_outage: u64,
    pub(crate) refused: u64,
    pub(crate) others_refused: u64,
    /// Calls that were more than are ours in a window.
    pub(crate) exceeded: u64,
    pub(crate) out_of_order: u64,
    pub(crate) kills: u64,
    /// From the end of the outage to the last lead, and what the forecast said ten minutes after it, in milliseconds.
    pub(crate) drained_after: Option<i64>,
    pub(crate) foretold_after: Option<i64>,
    pub(crate) steps: u64,
}

impl Story {
    /// What must be so and is not.
    pub(crate) fn complaints(&self, scene: &Scene) -> Vec<&'static str> {
        let peace = u64::try_from(scene.outage / HOUR * 30).unwrap_or(0).max(60);
        let leads = u64::from(scene.leads);
        let all = [
            (self.delivered < leads || self.drained_after.is_none(), "not everything was delivered"),
            (self.out_of_order > 0, "a lead was overtaken by what it did earlier"),
            (self.exceeded > 0, "the budget was exceeded"),
            (self.others_refused > 0, "others had not the share that is kept for them"),
            (self.refused * 100 > self.calls, "more than one call in a hundred was refused"),
            (self.calls_in_outage > peace, "a destination that was down was not left in peace"),
        ];
        all.into_iter().filter(|it| it.0).map(|it| it.1).collect()
    }
}

enum Event {
    /// Customers do something.
    Acts,
    TurnEnds(LaneToken, Option<Box<Turned>>),
    Answers(LaneToken, Box<Answer>),
    Looks,
    OthersCall,
    Killed,
    Starts,
}

struct Answer {
    tries: Vec<(Claim, Tried)>,
    spent: Option<(Allotment, u32, Vec<Told>)>,
}

struct Outage<'a> {
    scene: &'a Scene,
    dice: Dice,
    now: i64,
    queue: BTreeMap<(i64, u64), Event>,
    order: u64,
    rows: Backlog,
    hand: Option<Hand<()>>,
    looks_at: Option<i64>,
    /// What the service counts, our calls of these, and those of others.
    service: Service,
    ours: Service,
    others: Service,
    is_heard: bool,
    /// The newest number that the destination has of each lead.
    records: Vec<u128>,
    came: u32,
    story: Story,
}

/// Runs a scene to its end.
pub(crate) fn run(scene: &Scene) -> Story {
    let wrong = match scene.control {
        Control::None | Control::NoBudget => Wrong::Nothing,
        Control::NoOrder => Wrong::HasNoOrder,
        Control::LostLead => Wrong::LosesOne,
    };
    let leads = (scene.leads / 2).max(1);
    let mut outage = Outage {
        scene,
        dice: Dice::new(72),
        now: 1_795_000_000_000,
        queue: BTreeMap::new(),
        order: 0,
        rows: Backlog::new(leads, wrong),
        hand: None,
        looks_at: None,
        service: Service::default(),
        ours: Service::default(),
        others: Service::default(),
        is_heard: false,
        records: vec![0; leads as usize],
        came: 0,
        story: Story::default(),
    };
    outage.play();
    outage.story
}

impl Outage<'_> {
    fn play(&mut self) {
        let began = self.now;
        let ends = began + self.scene.outage;
        self.after(0, Event::Starts);
        self.after(1, Event::Acts);
        self.after(2, Event::OthersCall);
        // Killed twice a day, and twice while it is busiest.
        for at in (1..self.scene.outage / (12 * HOUR)).map(|it| it * 12 * HOUR + 1) {
            self.after(at, Event::Killed);
        }
        self.after(self.scene.outage + 400_000, Event::Killed);
        self.after(self.scene.outage + 900_000, Event::Killed);
        let mut forecast_at = Some(ends + HOUR / 6);
        while let Some(((at, _), event)) = self.queue.pop_first() {
            self.now = at;
            self.story.steps += 1;
            if forecast_at.take_if(|it| *it <= at).is_some() {
                self.story.foretold_after = self.foretell().map(|it| it - ends);
            }
            self.happen(event);
            let is_over = self.came == self.scene.leads && self.rows.waiting() == 0;
            if is_over && at > ends {
                self.story.drained_after = Some(at - ends);
            }
            if is_over && at > ends || at > ends + ENOUGH {
                break;
            }
        }
        self.story.delivered = self.rows.delivered;
    }

    fn is_down(&self) -> bool {
        self.now < 1_795_000_000_000 + self.scene.outage
    }

    fn clock(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    fn after(&mut self, wait: i64, event: Event) {
        self.order += 1;
        self.queue.insert((self.now + wait, self.order), event);
    }

    fn foretell(&self) -> Option<i64> {
        let waiting = (self.rows.waiting(), self.scene.shape.batch_max);
        let budget = &self.scene.account.budget;
        let told = forecast(budget, self.rows.counts.clone(), waiting, self.clock());
        told.drained_at.map(Timestamp::millis)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Acts => self.act(),
            Event::Starts => self.start(),
            Event::Killed => {
                (self.hand, self.looks_at) = (None, None);
                self.story.kills += 1;
                self.after(5_000, Event::Starts);
            }
            Event::TurnEnds(token, turned) => {
                let clock = self.clock();
                let Some(hand) = self.hand.as_mut().filter(|it| it.token() == token) else { return };
                let mut turned = *turned.expect("nobody else takes the lane");
                let claims = std::mem::take(&mut turned.claims).into_iter().map(|it| (it, ())).collect();
                hand.end_turn(turned, claims, clock);
                self.pump();
            }
            Event::Answers(token, answer) => {
                let (clock, jitter) = (self.clock(), self.dice.jitter());
                let Some(hand) = self.hand.as_mut().filter(|it| it.token() == token) else { return };
                if let Some((allotment, sent, told)) = answer.spent {
                    self.is_heard |= !told.is_empty();
                    hand.spent(&allotment, sent, told);
                }
                hand.note(answer.tries, clock, jitter);
                self.pump();
            }
            Event::Looks => {
                if self.looks_at.is_some_and(|it| it <= self.now)
                    && let Some(hand) = &mut self.hand
                {
                    self.looks_at = None;
                    hand.wake();
                    self.pump();
                }
            }
            Event::OthersCall => self.others_call(),
        }
    }

    /// Leads come evenly, a few at a time.
    fn act(&mut self) {
        let many = (self.scene.leads / 50_000).max(1).min(self.scene.leads - self.came);
        let clock = self.clock();
        for _ in 0..many {
            let lead = self.dice.below(u64::from(self.scene.leads / 2).max(1));
            self.rows.accept(u32::try_from(lead).expect("it is below a number"), clock);
        }
        self.came += many;
        self.story.waited = self.story.waited.max(self.rows.waiting());
        if let Some(hand) = &mut self.hand {
            hand.take_given(std::iter::empty(), true, clock);
            self.pump();
        }
        if self.came < self.scene.leads {
            let wait = self.scene.outage * i64::from(many) / i64::from(self.scene.leads);
            self.after(wait, Event::Acts);
        }
    }

    /// Others use all of the share that is kept for them, and no more.
    fn others_call(&mut self) {
        let windows = &self.scene.account.windows;
        let room = |it: &WindowPlan| it.calls - it.ours(it.calls) - self.others.within(it.length, self.now);
        let may = self.scene.account.others == Others::Modest && windows.iter().all(|it| room(it) > 0);
        if may {
            self.others.count(self.now);
            self.story.others_refused += u64::from(!self.service.take(windows, self.now));
        }
        let wait = self.dice.within(1_000, 60_000);
        self.after(wait, Event::OthersCall);
    }

    fn start(&mut self) {
        let clock = self.clock();
        let token = self.rows.take(clock);
        let mut hand = Hand::new(token, clock, self.scene.shape);
        if self.scene.control != Control::NoBudget {
            hand.follow_budget(Some(Arc::clone(&self.scene.account.budget)));
        }
        self.hand = Some(hand);
        self.pump();
    }

    /// What a lane's task does between two waits.
    fn pump(&mut self) {
        let clock = self.clock();
        loop {
            let Some(hand) = &mut self.hand else { return };
            let batch = hand.next_batch(clock, |_, ()| Load::default());
            if batch.is_empty() {
                break;
            }
            let (token, allotment) = (hand.token(), hand.allotment());
            self.send(token, batch.into_iter().map(|it| it.0).collect(), allotment);
        }
        let Some(hand) = &mut self.hand else { return };
        if hand.wants_turn() {
            let (turn, token) = (hand.begin_turn(clock), hand.token());
            self.commit(token, &turn);
        }
        let Some(at) = self.hand.as_ref().and_then(Hand::next_look).map(Timestamp::millis) else {
            self.looks_at = None;
            return;
        };
        if self.looks_at != Some(at) {
            self.looks_at = Some(at);
            self.after((at - self.now).max(0), Event::Looks);
        }
    }

    fn commit(&mut self, token: LaneToken, turn: &Turn) {
        let turned = self.rows.turn(token, turn);
        self.after(3, Event::TurnEnds(token, turned.map(Box::new)));
    }

    fn send(&mut self, token: LaneToken, claims: Vec<Claim>, allotment: Option<Allotment>) {
        let cost = self.scene.account.budget.cost;
        let wants = self.dice.within(1, i64::from(cost.least(claims.len())));
        let wants = u32::try_from(wants).expect("a batch has few calls");
        let most = allotment.as_ref().map_or(u32::MAX, |it| it.calls);
        let down = self.is_down().then(|| self.dice.below(3));
        let (mut sent, mut is_refused) = (0, false);
        // A refused connection is no call.
        while down != Some(0) && sent < wants.min(most) && !is_refused {
            sent += 1;
            is_refused = !self.call();
        }
        let timeout = 20_000;
        let later = || Outcome::NotDone(Fault::RetryAfter(None));
        let (wait, outcome, cause) = match down {
            Some(0) => (5, later(), "connection_refused"),
            Some(1) => (200, later(), "http_503"),
            Some(_) => (timeout, Outcome::Unknown, "answer_timeout"),
            None if is_refused => {
                (50, Outcome::NotDone(Fault::HoldLane(Some(Duration::from_secs(10)))), "http_429")
            }
            None if sent < wants => (5, Outcome::NotDone(Fault::HoldLane(None)), "budget_used_up"),
            None => {
                self.write(&claims);
                if self.dice.falls(2) {
                    (timeout, Outcome::Unknown, "answer_timeout")
                } else {
                    (self.dice.within(100, 900), Outcome::Done(Receipt::Accepted), "")
                }
            }
        };
        let is_told = down.is_none() && outcome != Outcome::Unknown && sent > 0;
        let told =
            if is_told { self.service.tell(&self.scene.account.windows, self.now) } else { Vec::new() };
        let tried = Tried { outcome, evidence: Evidence { cause: cause.to_owned(), ..Evidence::default() } };
        let tries = claims.into_iter().map(|it| (it, tried.clone())).collect();
        let spent = allotment.map(|it| (it, sent, told));
        self.after(wait, Event::Answers(token, Box::new(Answer { tries, spent })));
    }

    /// A call leaves. False: the service refuses it.
    fn call(&mut self) -> bool {
        let windows = &self.scene.account.windows;
        self.ours.count(self.now);
        self.story.calls += 1;
        self.story.calls_in_outage += u64::from(self.is_down());
        let is_ours = |it: &WindowPlan| {
            it.known(self.is_heard).is_none_or(|most| self.ours.within(it.length, self.now) <= most)
        };
        self.story.exceeded += u64::from(!windows.iter().all(is_ours));
        let is_taken = self.service.take(windows, self.now);
        self.story.refused += u64::from(!is_taken);
        is_taken
    }

    /// The destination writes the records of a batch.
    fn write(&mut self, claims: &[Claim]) {
        for claim in claims {
            let record = &mut self.records[self.rows.lead_of(claim)];
            self.story.out_of_order += u64::from(claim.touchpoint.bits() < *record);
            *record = claim.touchpoint.bits();
        }
    }
}
