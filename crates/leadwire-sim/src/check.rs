//! The laws, checked at every step, and the goals: what must have happened for a run to count.

use crate::crm::{Crm, Record};
pub(crate) use crate::goal::Goal;
use crate::model::Model;
use crate::plan::Fault as Trouble;
use crate::rows::{Accepted, Act, Delivery, Erased, Lead, State};
use leadwire_core::lane::{Claim, Gate, Next, Turn, Turned};
use leadwire_core::limits;
use leadwire_core::outcome::{Fault, Outcome, Tried};
use std::collections::{BTreeMap, BTreeSet};

/// A law that was broken.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) law: &'static str,
    pub(crate) told: String,
}

/// What is known of a lane, found out without the core.
#[derive(Debug)]
pub(crate) struct LaneSeen {
    /// Calls that failed since the last answer, and of what.
    pub(crate) failing: u32,
    pub(crate) touched: BTreeSet<u64>,
    /// The last call was answered.
    pub(crate) answered: bool,
    /// Different touchpoints refused since the last that was taken.
    pub(crate) refused: BTreeSet<u64>,
    /// Most requests at a time, for now.
    pub(crate) ramp: usize,
    /// A person paused it.
    pub(crate) by_person: bool,
    /// A person let it go again since it was shut.
    pub(crate) resumed: bool,
    /// It asked for peace until then.
    pub(crate) held_until: i64,
    pub(crate) down: Option<(i64, u64)>,
    pub(crate) restarts: u64,
}

/// What was seen of a schedule.
#[derive(Debug)]
pub(crate) struct Checks {
    pub(crate) broken: Option<Violation>,
    pub(crate) goals: u64,
    acknowledged: BTreeMap<u64, Option<u64>>,
    stored: BTreeMap<u64, u64>,
    pub(crate) lanes: Vec<LaneSeen>,
    pub(crate) erased: BTreeSet<u64>,
    pub(crate) refusing: BTreeSet<u64>,
    /// Refused by the destination, for a reason.
    refused: BTreeSet<(usize, u64)>,
    /// Not before these moments, as the destination wished.
    pub(crate) hints: BTreeMap<(usize, u64), i64>,
    /// The same of what is not written down yet.
    hints_heard: BTreeMap<(usize, u64), i64>,
}

impl Checks {
    pub(crate) fn new(lanes: usize) -> Self {
        let lane = || LaneSeen {
            failing: 0,
            touched: BTreeSet::new(),
            answered: false,
            refused: BTreeSet::new(),
            ramp: limits::RAMP_FIRST,
            by_person: false,
            resumed: false,
            held_until: 0,
            down: None,
            restarts: 0,
        };
        Self {
            broken: None,
            goals: 0,
            acknowledged: BTreeMap::new(),
            stored: BTreeMap::new(),
            lanes: (0..lanes).map(|_| lane()).collect(),
            erased: BTreeSet::new(),
            refusing: BTreeSet::new(),
            refused: BTreeSet::new(),
            hints: BTreeMap::new(),
            hints_heard: BTreeMap::new(),
        }
    }

    pub(crate) fn reach(&mut self, goal: Goal) {
        self.goals |= 1 << (goal as u32);
    }

    pub(crate) fn law(&mut self, holds: bool, law: &'static str, told: impl FnOnce() -> String) {
        if !holds && self.broken.is_none() {
            self.broken = Some(Violation { law, told: told() });
        }
    }

    pub(crate) fn is_acknowledged(&self, key: u64) -> bool {
        self.acknowledged.contains_key(&key)
    }

    pub(crate) fn acknowledged(&mut self, key: u64, touchpoint: Option<u64>) {
        self.acknowledged.entry(key).or_insert(touchpoint);
    }

    pub(crate) fn accepted(&mut self, act: &Act, accepted: &Accepted) {
        if accepted.is_new {
            let before = self.stored.insert(act.key, accepted.touchpoint);
            self.law(before.is_none(), "what was posted once is stored once", || format!("key {}", act.key));
        }
    }

    pub(crate) fn after_power_cut(&mut self, model: &Model) {
        for (key, _) in self.acknowledged.clone() {
            let is_there = self.stored.get(&key).is_some_and(|it| model.touchpoints.contains_key(it));
            self.law(is_there, "what was acknowledged is there", || format!("key {key}, after a power cut"));
        }
    }

    pub(crate) fn erased(&mut self, erased: &Erased) {
        if !erased.told.is_empty() {
            self.reach(Goal::Deleted);
        }
    }

    pub(crate) fn erasure_told(&mut self, lead: u64) {
        self.erased.insert(lead);
    }

    pub(crate) fn refusal_told(&mut self, lead: u64) {
        self.refusing.insert(lead);
    }

    pub(crate) fn refused(&mut self, lane: usize, claim: &Claim) {
        self.refused.insert((lane, small(claim)));
    }

    pub(crate) fn restarted(&mut self) {
        for lane in 0..self.lanes.len() {
            self.taken(lane);
        }
    }

    /// A wish is kept until a moment of the clock, which moved.
    pub(crate) fn clock_moved(&mut self) {
        self.hints.clear();
    }

    /// A lane begins anew, knowing what the store knows.
    pub(crate) fn taken(&mut self, lane: usize) {
        let seen = &mut self.lanes[lane];
        (seen.failing, seen.ramp, seen.held_until) = (0, limits::RAMP_FIRST, 0);
        seen.touched.clear();
        seen.refused.clear();
        seen.restarts += 1;
        self.hints_heard.retain(|of, _| of.0 != lane);
        // What it knew of the store may be old.
        seen.resumed = true;
    }

    pub(crate) fn person_paused(&mut self, lane: usize) {
        self.lanes[lane].by_person = true;
        self.reach(Goal::PausedByPerson);
    }

    pub(crate) fn person_resumed(&mut self, lane: usize) {
        (self.lanes[lane].resumed, self.lanes[lane].by_person) = (true, false);
    }

    pub(crate) fn down(&mut self, lane: usize, _: Trouble, now: i64) {
        self.lanes[lane].down = Some((now, 0));
        self.lanes[lane].restarts = 0;
    }

    pub(crate) fn up(&mut self, lane: usize) {
        self.lanes[lane].down = None;
    }

    pub(crate) fn turned(&mut self, lane: usize, turn: &Turn, turned: Option<&Turned>, model: &Model) {
        if !turn.released.is_empty() {
            self.reach(Goal::WentBackUntried);
        }
        let Some(turned) = turned else { return };
        let stands = turned.gate.pause().is_some_and(|it| it.cause == "by_person");
        let should = self.lanes[lane].by_person;
        self.law(stands || !should, "a person's pause stands", || format!("lane {lane}: {:?}", turned.gate));
        for settled in &turn.settled {
            let of = (lane, u64::try_from(settled.touchpoint.bits()).expect("small"));
            if let Some(until) = self.hints_heard.remove(&of) {
                self.hints.insert(of, until);
            }
            match settled.next {
                Next::Park => self.reach(Goal::Parked),
                Next::Deliver(_) => self.reach(Goal::Delivered),
                Next::RetryAt(_) | Next::Suppress => {}
            }
        }
        for claim in &turned.claims {
            let twin = |it: &&Delivery| {
                it.lane == lane && it.lead == lead(claim) && it.claim > 0 && it.state == State::Pending
            };
            let twins = model.deliveries.iter().filter(twin).count();
            let may = twins <= turn.fold.max(1);
            self.law(may, "one delivery of a lead is under way", || format!("lead {}", lead(claim)));
            if claim.rides {
                self.reach(Goal::Folded);
            }
            if claim.number > 1 {
                self.reach(Goal::Repeated);
            }
        }
        if model.deliveries.iter().any(|it| it.claim == -1) {
            self.reach(Goal::BehindAnother);
        }
        if model.deliveries.iter().any(|it| it.state == State::Erased && it.claim > 0) {
            self.reach(Goal::ErasedInFlight);
        }
        if model.deliveries.iter().any(|it| it.was_parked && it.state == State::Pending) {
            self.reach(Goal::RetriedByPerson);
        }
    }

    /// What the answers to a request say, counted without the core.
    pub(crate) fn answered(&mut self, lane: usize, tries: &[(Claim, Tried)], now: i64) {
        let is_own = |it: &(Claim, Tried)| {
            let cause = &*it.1.evidence.cause;
            cause.starts_with("connector_") || cause == "budget_used_up"
        };
        let failed = |it: &(Claim, Tried)| {
            matches!(
                it.1.outcome,
                Outcome::Unknown | Outcome::NotDone(Fault::RetryNow | Fault::RetryAfter(_))
            )
        };
        let seen = &mut self.lanes[lane];
        seen.answered = !tries.iter().all(|it| is_own(it) || failed(it));
        if tries.iter().all(is_own) {
        } else if tries.iter().all(|it| is_own(it) || failed(it)) {
            seen.failing += 1;
            seen.touched.extend(tries.iter().map(|it| small(&it.0)));
        } else {
            seen.failing = 0;
            seen.touched.clear();
            seen.ramp = (seen.ramp * 2).min(1 << 10);
        }
        for (claim, tried) in tries {
            match &tried.outcome {
                Outcome::Done(_) => seen.refused.clear(),
                // Of several of a lead it is not known which one was meant.
                Outcome::NotDone(Fault::Park)
                    if tries.iter().filter(|it| it.0.lead == claim.lead).count() == 1 =>
                {
                    seen.refused.insert(small(claim));
                }
                Outcome::NotDone(Fault::HoldLane(Some(hint))) => {
                    let hint = i64::try_from((*hint).min(limits::RETRY_AFTER_LONGEST).as_millis());
                    seen.held_until = seen.held_until.max(now + hint.expect("a day"));
                }
                _ => {}
            }
        }
    }

    /// What a lane made of the answers to a request.
    pub(crate) fn noted(&mut self, lane: usize, before: &Gate, after: &Gate, now: i64) {
        if self.lanes[lane].held_until > now {
            self.reach(Goal::HeldLane);
        }
        let seen = &mut self.lanes[lane];
        if before != after && *after != Gate::Open {
            seen.ramp = 1;
            seen.resumed = false;
        }
        let (failing, touched, refused) = (seen.failing, seen.touched.len(), seen.refused.len());
        match (before, after) {
            (Gate::Open, Gate::Tripped(_)) => {
                self.reach(Goal::Tripped);
                let enough = failing >= limits::TRIP_CALLS && touched >= limits::TRIP_TOUCHPOINTS;
                self.law(enough, "only a destination that fails trips its lane", || {
                    format!("{failing} calls of {touched} touchpoints failed")
                });
            }
            (Gate::Tripped(_), Gate::Tripped(_)) => {
                let answered = self.lanes[lane].answered;
                self.law(!answered, "an answer opens a lane that tripped", || format!("lane {lane}"));
            }
            (Gate::Tripped(_), Gate::Open) => self.reach(Goal::TripEnded),
            (Gate::Paused(_), Gate::Open) => self.reach(Goal::PauseEnded),
            (_, Gate::Paused(pause)) => {
                self.lanes[lane].refused.clear();
                self.reach(if pause.probe_at.is_none() { Goal::StoppedByDestination } else { Goal::Paused });
                let is_gone = pause.cause == "http_410";
                self.law(!is_gone || pause.probe_at.is_none(), "who said gone is left alone", || {
                    format!("lane {lane}")
                });
            }
            _ => {}
        }
        let suspected = refused < limits::REFUSED_IN_A_ROW || *after != Gate::Open;
        self.law(suspected, "a destination that refuses everything is suspected", || {
            format!("{refused} touchpoints were refused in a row")
        });
    }

    /// What a lane learned from the store of whether it may send.
    pub(crate) fn gate_seen(&mut self, lane: usize, before: &Gate, after: &Gate) {
        let opened = before.pause().is_some_and(|it| it.cause != "by_person") && *after == Gate::Open;
        let may = self.lanes[lane].resumed;
        self.law(!opened || may, "only an answer or a person opens a lane", || format!("lane {lane}"));
    }

    /// A destination said when to come again with one delivery, and the lane heard it.
    pub(crate) fn wished(&mut self, of: (usize, u64), hint: i64, now: i64) {
        let longest = i64::try_from(limits::RETRY_AFTER_LONGEST.as_millis()).expect("a day");
        self.hints_heard.insert(of, now + hint.min(longest));
    }

    /// A destination wrote a record.
    pub(crate) fn written(
        &mut self,
        lane: usize,
        lead: u64,
        touchpoint: u64,
        before: Option<&Record>,
        model: &Model,
        crm: &Crm,
    ) {
        let records = crm.records.values().filter(|it| it.lead == lead).count();
        self.law(records == 1, "a lead has one record", || format!("lead {lead} has {records}"));
        let was_parked = |number| {
            model.deliveries.iter().any(|it| it.lane == lane && it.touchpoint == number && it.was_parked)
        };
        // What went with it and of which nobody knows whether it arrived comes again, and then the record is where it was.
        let comes_again = |number| {
            let is_it = |it: &&Delivery| it.lane == lane && it.touchpoint == number;
            model.deliveries.iter().find(is_it).is_some_and(|it| it.state == State::Pending && it.doubtful)
        };
        let newer = before.filter(|it| it.touchpoint > touchpoint).map(|it| it.touchpoint);
        let may = newer.is_none_or(comes_again) || was_parked(touchpoint);
        self.law(may, "a record never goes back", || {
            format!("lead {lead}: touchpoint {touchpoint} after {newer:?}")
        });
        self.law(!crm.deleted.contains(&lead), "who was deleted stays deleted", || format!("lead {lead}"));
    }

    /// Everything is over, and nothing has gone wrong for days.
    pub(crate) fn at_the_end(&mut self, model: &Model, crms: &[Crm]) {
        self.after_power_cut(model);
        for it in &model.deliveries {
            let name = || format!("touchpoint {} at lane {}: {it:?}", it.touchpoint, it.lane);
            self.law(it.state != State::Pending, "what was accepted comes to rest", name);
            let has_reason = self.refused.contains(&(it.lane, it.touchpoint)) || it.is_deletion;
            self.law(it.state != State::Parked || has_reason, "what is parked was refused", name);
        }
        for (touchpoint, lead) in &model.touchpoints {
            let is_erasure = model.leads[lead].erased_by == Some(*touchpoint);
            let owed = model.deliveries.iter().filter(|it| it.touchpoint == *touchpoint).count();
            self.law(is_erasure || owed == crms.len(), "every touchpoint has a fate everywhere", || {
                format!("touchpoint {touchpoint} has {owed}")
            });
        }
        for (lead, row) in &model.leads {
            for (lane, crm) in crms.iter().enumerate() {
                self.check_record((*lead, row), model, (lane, crm));
            }
        }
    }

    fn check_record(&mut self, (lead, row): (u64, &Lead), model: &Model, at: (usize, &Crm)) {
        let (lane, crm) = at;
        let record = crm.records.values().find(|it| it.lead == lead);
        let shows =
            record.is_some_and(|it| it.contactable && row.refused_by.is_some_and(|by| it.touchpoint >= by));
        self.law(!shows, "who refused is not contactable in any system", || {
            format!("lead {lead}, lane {lane}")
        });
        if row.erased_by.is_some() {
            self.law(record.is_none(), "an erased person is in no system", || {
                format!("lead {lead}, lane {lane}")
            });
            return;
        }
        let mine = || model.deliveries.iter().filter(move |it| it.lane == lane && it.lead == lead);
        let newest = mine().filter(|it| it.state == State::Delivered).map(|it| it.touchpoint).max();
        let written = record.map(|it| it.touchpoint);
        let was_replayed = mine().any(|it| it.was_parked);
        self.law(written == newest || was_replayed, "a system ends at the newest state", || {
            format!("lead {lead}, lane {lane}: {written:?} in place of {newest:?}")
        });
    }
}

pub(crate) fn small(claim: &Claim) -> u64 {
    u64::try_from(claim.touchpoint.bits()).expect("small")
}

pub(crate) fn lead(claim: &Claim) -> u64 {
    u64::try_from(claim.lead.bits()).expect("small")
}
