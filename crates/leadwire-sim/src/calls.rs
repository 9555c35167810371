//! The calls of budgets in the simulated world, and their laws: what leaves, what is reserved, and what is told of it.

use crate::account::Others;
use crate::check::Goal;
use crate::ledger::Ledger;
use crate::mistake::{Mistake, made};
use crate::rows::Rows;
use crate::wire::all;
use crate::world::{Event, World};
use leadwire_core::budget::{Allotment, Granted, Spent, Told};
use leadwire_core::lane::{LaneToken, Turned};
use leadwire_core::limits;
use leadwire_core::outcome::{Fault, Outcome};
use std::sync::Arc;
use std::time::Duration;

/// The calls of one batch.
#[derive(Debug)]
pub(crate) struct Calls {
    pub(crate) allotment: Allotment,
    /// As many as its connector would make.
    wants: u32,
    pub(crate) sent: u32,
    pub(crate) told: Vec<Told>,
    /// Whether they reach the network at all.
    pub(crate) is_connected: bool,
    /// Whether the answers come by themselves: they were lost, or the destination has other troubles.
    pub(crate) is_answered: bool,
    is_heard: bool,
}

impl<R: Rows> World<R> {
    pub(crate) fn ledger(&mut self, lane: usize) -> Option<&mut Ledger> {
        self.plan.lanes[lane].account.map(|it| &mut self.ledgers[it])
    }

    /// What others do with the accounts, and what is called outside lanes.
    pub(crate) fn set_up_accounts(&mut self) {
        for account in 0..self.ledgers.len() {
            let plan = self.ledgers[account].plan.clone();
            let times = if plan.others == Others::Nobody { 0 } else { self.dice.within(5, 40) };
            for _ in 0..times {
                let at = self.dice.within(0, self.plan.lasts * 3 + 3_600_000);
                self.after(at, Event::OthersCall(account));
            }
            let asides = if plan.has_asides && plan.others != Others::Nobody { 5 } else { 0 };
            for _ in 0..asides {
                let at = self.dice.within(0, self.plan.lasts * 2);
                self.after(at, Event::CallsAside(account));
            }
        }
    }

    /// Others who behave call within their share; others who do not take all there is.
    pub(crate) fn others_call(&mut self, account: usize) {
        let ledger = &mut self.ledgers[account];
        let windows = &ledger.plan.windows;
        if ledger.plan.others == Others::Greedy {
            let all = ledger.service.room(windows, self.now);
            for _ in 0..all {
                ledger.service.take(windows, self.now);
            }
            return self.checks.reach(Goal::OthersTookAll);
        }
        if self.share_of_others(account) {
            self.ledgers[account].others.push(self.now);
            self.take_for_others(account);
        }
    }

    /// Whether modest others may call now.
    fn share_of_others(&self, account: usize) -> bool {
        let ledger = &self.ledgers[account];
        ledger.plan.windows.iter().all(|window| {
            let recent = ledger.others.iter().filter(|it| **it > self.now - window.length).count();
            recent < (window.calls - window.ours(window.calls)) as usize
        })
    }

    fn take_for_others(&mut self, account: usize) {
        let ledger = &mut self.ledgers[account];
        let is_clear = ledger.is_in_the_clear(self.now);
        let is_taken = ledger.service.take(&ledger.plan.windows, self.now);
        self.checks.law(is_taken || !is_clear, "others have the share that is kept for them", || {
            format!("account {account}")
        });
    }

    /// A call outside lanes: it is made first and counted then, and the share of others covers it.
    pub(crate) fn call_aside(&mut self, account: usize) {
        let lane = self.plan.lanes.iter().position(|it| it.account == Some(account));
        let Some(lane) = lane.filter(|_| self.is_up) else { return };
        let is_modest = self.ledgers[account].plan.others == Others::Modest;
        if is_modest && !self.share_of_others(account) {
            return;
        }
        self.ledgers[account].others.push(self.now);
        if is_modest {
            self.take_for_others(account);
        } else {
            let ledger = &mut self.ledgers[account];
            ledger.service.take(&ledger.plan.windows, self.now);
        }
        self.checks.reach(Goal::CalledAside);
        let (now, clock) = (self.now, self.clock());
        let ledger = &mut self.ledgers[account];
        let told = ledger.service.tell(&ledger.plan.windows, now);
        ledger.aside(clock.millis());
        ledger.hear(&told, clock.millis());
        let budget = Arc::clone(&ledger.plan.budget);
        self.rows.spend_aside(lane, &budget, &told, clock);
    }

    /// A batch is begun: what its connector would call of what it was given.
    pub(crate) fn begin_calls(&mut self, lane: usize, deliveries: usize, token: i64) -> Option<Calls> {
        let allotment = self.tasks[lane].hand.as_mut()?.allotment()?;
        let clock = self.clock();
        let attempt = allotment.until.since(clock);
        self.checks.law(
            attempt >= limits::ATTEMPT_WAIT,
            "calls are made before their reservation ends",
            || format!("{attempt:?} are left"),
        );
        let cost = allotment.budget.cost;
        let most = self.tasks[lane].calls_most;
        let usual = self.dice.within(1, i64::from(cost.least(deliveries)));
        let usual = u32::try_from(usual).expect("a batch has few calls");
        let wants = if self.dice.falls(150) { cost.whole(deliveries) } else { usual };
        let ledger = self.ledger(lane)?;
        let is_heard = ledger.take((lane, token), allotment.until.millis(), allotment.calls);
        self.checks
            .law(is_heard.is_some(), "a batch has its calls from its lane", || format!("{allotment:?}"));
        Some(Calls {
            allotment,
            // A batch that may need more than there ever is gets all of that, and makes do.
            wants: wants.min(most),
            sent: 0,
            told: Vec::new(),
            is_connected: true,
            is_answered: false,
            is_heard: is_heard.unwrap_or(false),
        })
    }

    /// The calls of a batch leave, as many as its meter lets out and the service takes.
    pub(crate) fn leave(&mut self, lane: usize, request: usize) {
        let (now, clock) = (self.now, self.clock());
        let Some(account) = self.plan.lanes[lane].account else { return };
        let calls = &mut self.wire.requests[request].calls;
        let Some(mut calls) = calls.take_if(|it| it.is_connected) else { return };
        let ledger = &mut self.ledgers[account];
        if clock > calls.allotment.until {
            ledger.late_at = now;
            self.checks.reach(Goal::CallsLeftLate);
        }
        let let_out = if made(Mistake::MeterIsOpen) { u32::MAX } else { calls.allotment.calls };
        let is_clear = calls.is_heard && ledger.is_in_the_clear(now);
        let mut is_refused = false;
        while calls.sent < calls.wants.min(let_out) && !is_refused {
            calls.sent += 1;
            ledger.leave(calls.is_heard, now);
            is_refused = !ledger.service.take(&ledger.plan.windows, now);
        }
        self.checks.law(calls.sent <= calls.allotment.calls, "no call leaves without being reserved", || {
            format!("{} of {}", calls.sent, calls.allotment.calls)
        });
        self.checks.law(!is_refused || !is_clear, "a service that tells the truth refuses nothing", || {
            format!("account {account}")
        });
        self.check_windows(account);
        let falls_short = !is_refused && calls.sent < calls.wants;
        if is_refused || falls_short {
            self.checks.reach(if is_refused { Goal::RefusedForCalls } else { Goal::CallsFellShort });
            let hint = Duration::from_secs(*self.dice.pick(&[1, 10, 120]));
            let (fault, cause) = match is_refused {
                true => (Fault::HoldLane(Some(hint)), "http_429"),
                false => (Fault::HoldLane(None), "budget_used_up"),
            };
            let request_of = &mut self.wire.requests[request];
            request_of.arrives_at = None;
            let tries = all(&request_of.claims, &Outcome::NotDone(fault), cause);
            if !calls.is_answered {
                self.after(20, Event::Answers(lane, request, tries));
            }
            self.wire.sweep();
        }
        if !calls.is_answered && calls.sent > 0 {
            calls.told = self.ledgers[account].service.tell(&self.ledgers[account].plan.windows, now);
        }
        self.wire.requests[request].calls = Some(calls);
    }

    /// No stretch of a window's length has more of our calls than are ours.
    fn check_windows(&mut self, account: usize) {
        let ledger = &self.ledgers[account];
        if ledger.late_at > self.now - ledger.plan.windows.iter().map(|it| it.length).max().unwrap_or(0) {
            return;
        }
        for window in &ledger.plan.windows {
            let (all, heard) = ledger.within(window, self.now);
            let (before, after) = (window.known(false), window.known(true));
            let most = before.zip(after).map(|it| it.0.max(it.1));
            let holds = most.is_none_or(|it| all <= it) && after.is_none_or(|it| heard <= it);
            self.checks.law(holds, "no window has more calls than are ours", || {
                format!("account {account}: {all}, {heard} of them since the limit is known: {window:?}")
            });
        }
    }

    /// A batch ended and its lane heard of it.
    pub(crate) fn end_calls(&mut self, lane: usize, request: usize) {
        let Some(calls) = self.wire.requests[request].calls.take() else { return };
        let clock = self.clock().millis();
        let until = calls.allotment.until;
        let reserved_at = until.minus(limits::CALLS_HELD).millis();
        if let Some(ledger) = self.ledger(lane) {
            ledger.end(lane, until.millis(), (calls.allotment.calls, calls.sent), &calls.told);
            let over = |length: i64| reserved_at.div_euclid(length) != clock.div_euclid(length);
            if ledger.plan.windows.iter().any(|it| over(it.length)) {
                self.checks.reach(Goal::WindowRolledOver);
            }
        }
        if let Some(hand) = &mut self.tasks[lane].hand {
            hand.spent(&calls.allotment, calls.sent, calls.told);
        }
    }

    pub(crate) fn begin_turn_of_calls(&mut self, lane: usize, token: LaneToken) {
        if let Some(ledger) = self.ledger(lane) {
            ledger.begin_turn((lane, token.number()));
        }
    }

    /// A turn is written down: what it gave back, what it told, and what it was granted.
    pub(crate) fn commit_calls(&mut self, lane: usize, token: LaneToken, turned: &Turned) {
        let (Some(account), Some(granted)) = (self.plan.lanes[lane].account, turned.calls) else { return };
        let clock = self.clock_of_turn;
        let ledger = &mut self.ledgers[account];
        let of = (lane, token.number());
        let was_heard = ledger.is_heard();
        let (told, went_back) = ledger.commit_turn(of, clock);
        ledger.hear(&told, clock);
        if went_back > 0 {
            self.checks.reach(Goal::CallsWentBack);
        }
        if ledger.is_heard() && !was_heard {
            self.checks.reach(Goal::LimitLearned);
        }
        self.check_grant(account, granted);
        self.ledgers[account].grant(of, granted.until.millis(), granted.calls);
        self.tasks[lane].calls_most = granted.most;
        match granted.next_at {
            Some(_) if granted.calls > 0 => self.checks.reach(Goal::FewerCallsThanWanted),
            Some(_) => self.checks.reach(Goal::CallsRanOut),
            None => {}
        }
        self.check_counts(account, lane);
    }

    /// No more is reserved than is ours, and what the service said of others is believed, but for a look now and then.
    fn check_grant(&mut self, account: usize, granted: Granted) {
        // A turn that stood still may be older than what is known: that is looked at as it is now.
        let (clock, began_at) = (self.clock().millis(), self.clock_of_turn);
        let ledger = &mut self.ledgers[account];
        if granted.calls == 0 || ledger.is_clock_moved {
            return;
        }
        let again = i64::try_from(limits::TOLD_AGAIN.as_millis()).expect("minutes");
        let mut is_look = false;
        for (window, heard) in ledger.plan.windows.iter().zip(&ledger.heard) {
            let used = ledger.used(window, clock);
            let ours = window.known(heard.is_some()).unwrap_or(u32::MAX);
            self.checks.law(
                granted.calls <= ours.saturating_sub(used),
                "no more calls are reserved than are ours",
                || format!("account {account}: {} beside {used} of {ours}", granted.calls),
            );
            let Some(heard) = heard.filter(|it| it.at + window.length > clock) else { continue };
            if granted.calls > ours.saturating_sub(used).saturating_sub(heard.others) {
                is_look = true;
                let early = heard.looked_at + again - clock;
                self.checks.law(early <= 0, "what a service says of others is believed", || {
                    format!("account {account}: {early} ms early")
                });
            }
        }
        if is_look {
            self.checks.reach(Goal::AskedAnew);
            ledger.heard.iter_mut().flatten().for_each(|it| it.looked_at = began_at);
        }
    }

    /// The store's counts are what is known here of the same calls.
    fn check_counts(&mut self, account: usize, lane: usize) {
        let clock = self.clock().millis();
        let ledger = &self.ledgers[account];
        if ledger.is_clock_moved {
            return;
        }
        let counts = self.rows.model().counts(lane, &ledger.plan.budget);
        for (window, count) in ledger.plan.windows.iter().zip(counts) {
            let counts = |it: &&Spent| it.until.millis() + window.length > clock;
            let counted: u32 = count.spent.iter().filter(counts).map(|it| it.sent + it.held).sum();
            let known = ledger.used(window, clock);
            let told = || format!("account {account}: {counted} in place of {known} of {window:?}");
            self.checks.law(counted >= known, "a call that may have been made is counted", told);
            self.checks.law(counted <= known, "calls that were not made are given back", told);
        }
    }

    /// A lane's task is lost.
    pub(crate) fn lose_calls(&mut self, lane: usize) {
        if self.ledger(lane).is_some_and(|it| it.lose(lane)) {
            self.checks.reach(Goal::CallsDiedWithTheirLane);
        }
    }
}
