//! The laws, checked at every step, and the goals: what must have happened for a run to count.

use crate::crm::{Crm, Record};
use crate::plan::Fault as Trouble;
use crate::rows::{Accepted, Act, Erased, Model, Rows, State};
use crate::world::{World, exclusive_key};
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

macro_rules! goals {
    ($($name:ident),* $(,)?) => {
        /// Something rare that must be reached now and then.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Goal { $($name),* }

        impl Goal {
            pub(crate) const ALL: &[Goal] = &[$(Goal::$name),*];
        }
    };
}

goals!(
    Killed,
    PowerCut,
    StoodStill,
    StoodStillAtSend,
    LanePanicked,
    ClockSetBack,
    AckLost,
    AnswerLost,
    ArrivedLate,
    ConnectorPanicked,
    ClaimedAsStored,
    LeaseLost,
    BatchRefused,
    Repeated,
    Tripped,
    TripEnded,
    Paused,
    PauseEnded,
    StoppedByDestination,
    HeldLane,
    WentBackUntried,
    Parked,
    RetriedByPerson,
    ErasedInFlight,
    Deleted,
    RefusedInHand,
    BehindAnother,
    PausedByPerson,
    Delivered,
);

/// What is known of a lane.
#[derive(Debug)]
struct LaneSeen {
    /// Calls that failed since the last answer, and of what.
    failing: u32,
    touched: BTreeSet<u64>,
    /// Different touchpoints refused since the last that was taken.
    refused: BTreeSet<u64>,
    /// Most requests at a time, for now.
    ramp: usize,
    /// A person let it go again since it was shut.
    resumed: bool,
    /// It asked for peace until then.
    held_until: i64,
    down: Option<(i64, u64)>,
    restarts: u64,
}

/// What was seen of a schedule.
#[derive(Debug)]
pub(crate) struct Checks {
    pub(crate) broken: Option<Violation>,
    pub(crate) goals: u64,
    acknowledged: BTreeMap<u64, Option<u64>>,
    stored: BTreeMap<u64, u64>,
    lanes: Vec<LaneSeen>,
    erased: BTreeSet<u64>,
    refusing: BTreeSet<u64>,
    /// Refused by the destination, for a reason.
    refused: BTreeSet<(usize, u64)>,
    /// Not before these moments, as the destination wished.
    hints: BTreeMap<(usize, u64), i64>,
}

impl Checks {
    pub(crate) fn new(lanes: usize) -> Self {
        let lane = || LaneSeen {
            failing: 0,
            touched: BTreeSet::new(),
            refused: BTreeSet::new(),
            ramp: limits::RAMP_FIRST,
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
        }
    }

    pub(crate) fn reach(&mut self, goal: Goal) {
        self.goals |= 1 << (goal as u32);
    }

    fn law(&mut self, holds: bool, law: &'static str, told: impl FnOnce() -> String) {
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

    /// A lane begins anew, knowing what the store knows.
    pub(crate) fn taken(&mut self, lane: usize) {
        let seen = &mut self.lanes[lane];
        (seen.failing, seen.ramp, seen.held_until) = (0, limits::RAMP_FIRST, 0);
        seen.touched.clear();
        seen.refused.clear();
        seen.restarts += 1;
        // What it knew of the store may be old.
        seen.resumed = true;
    }

    pub(crate) fn person_paused(&mut self, _lane: usize) {
        self.reach(Goal::PausedByPerson);
    }

    pub(crate) fn person_resumed(&mut self, lane: usize) {
        self.lanes[lane].resumed = true;
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
        for settled in &turn.settled {
            match settled.next {
                Next::Park => self.reach(Goal::Parked),
                Next::Deliver(_) => self.reach(Goal::Delivered),
                Next::RetryAt(_) | Next::Suppress => {}
            }
        }
        for claim in &turned.claims {
            let twin = |it: &&crate::rows::Delivery| {
                it.lane == lane && it.lead == lead(claim) && it.claim > 0 && it.state == State::Pending
            };
            let twins = model.deliveries.iter().filter(twin).count();
            self.law(twins <= 1, "one delivery of a lead is under way", || format!("lead {}", lead(claim)));
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
        let is_own = |it: &(Claim, Tried)| it.1.evidence.cause.starts_with("connector_");
        let failed = |it: &(Claim, Tried)| {
            matches!(
                it.1.outcome,
                Outcome::Unknown | Outcome::NotDone(Fault::RetryNow | Fault::RetryAfter(_))
            )
        };
        let seen = &mut self.lanes[lane];
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
                Outcome::NotDone(Fault::Park) => {
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
        self.hints.insert(of, now + hint.min(longest));
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
        let newer = before.filter(|it| it.touchpoint > touchpoint).map(|it| it.touchpoint);
        self.law(newer.is_none() || was_parked(touchpoint), "a record never goes back", || {
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

    fn check_record(&mut self, (lead, row): (u64, &crate::rows::Lead), model: &Model, at: (usize, &Crm)) {
        let (lane, crm) = at;
        let record = crm.records.values().find(|it| it.lead == lead);
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

fn small(claim: &Claim) -> u64 {
    u64::try_from(claim.touchpoint.bits()).expect("small")
}

fn lead(claim: &Claim) -> u64 {
    u64::try_from(claim.lead.bits()).expect("small")
}

impl<R: Rows> World<R> {
    /// What must be so when a request leaves.
    pub(crate) fn check_send(&mut self, lane: usize, claims: &[Claim]) {
        let (now, clock) = (self.now, self.clock());
        let Some(gate) = self.gate(lane) else { return };
        let plan = self.plan.lanes[lane];
        let open = self.wire.alive(lane).filter(|it| it.is_open).count();
        let keys: BTreeSet<String> = claims.iter().map(exclusive_key).collect();
        let shared = |it: &Claim| keys.contains(&exclusive_key(it));
        let key_clash = plan.has_keys
            && (keys.len() < claims.len()
                || self.wire.alive(lane).filter(|it| it.is_open).any(|it| it.claims.iter().any(shared)));
        let overtaken = |claim: &Claim| {
            let mut others = self.wire.alive(lane).flat_map(|it| &it.claims);
            others.any(|it| it.lead == claim.lead && it.touchpoint != claim.touchpoint)
        };
        let overtaken = claims.iter().find(|it| overtaken(it)).map(lead);
        let lease = self.rows.model().lanes[lane].leased_until - clock.millis();
        let attempt = i64::try_from(limits::ATTEMPT_WAIT.as_millis()).expect("minutes");
        let checks = &mut self.checks;
        checks.law(lease >= attempt, "a request begins under a lease that outlives it", || {
            format!("{lease} ms")
        });
        checks
            .law(overtaken.is_none(), "nothing overtakes a request of its lead", || format!("{overtaken:?}"));
        checks.law(!key_clash, "one request of an exclusive key is under way", || format!("{keys:?}"));
        checks.law(open < plan.shape.in_flight, "no more requests than are allowed", || format!("{open}"));
        checks.law(claims.len() <= plan.shape.batch_max, "no larger batch than is taken", String::new);
        let deletions = claims.iter().filter(|it| it.standing.erases).count();
        checks.law(deletions == 0 || claims.len() == 1, "a deletion goes alone", String::new);
        for claim in claims.iter().filter(|it| !it.standing.erases) {
            let is_erased = checks.erased.contains(&lead(claim));
            checks.law(!is_erased, "nothing of an erased person is sent", || format!("{claim:?}"));
            let hides = checks.refusing.contains(&lead(claim)) && !claim.standing.do_not_contact;
            checks.law(!hides, "who refused is never sent as one to be contacted", || format!("{claim:?}"));
            if checks.refusing.contains(&lead(claim)) {
                checks.reach(Goal::RefusedInHand);
            }
        }
        let seen = &mut checks.lanes[lane];
        let (ramp, held_until) = (seen.ramp.max(1), seen.held_until);
        let calls = seen.down.as_mut().map(|(since, calls)| {
            *calls += 1;
            (*since, *calls)
        });
        let restarts = seen.restarts;
        checks.law(held_until <= now, "who asked for peace has it", || {
            format!("{} ms early", held_until - now)
        });
        match gate.pause() {
            None => checks.law(open < ramp, "a lane starts slowly", || format!("{open} of {ramp}")),
            Some(pause) => {
                let is_due = pause.probe_at.is_some_and(|it| it <= clock);
                let may = is_due && claims.len() == 1;
                checks.law(may, "a lane that is shut sends a probe, when it is due", || format!("{gate:?}"));
            }
        }
        if let Some((since, calls)) = calls {
            let minutes = u64::try_from((now - since) / 60_000).unwrap_or(0);
            let most = 90 + 40 * restarts + minutes;
            checks.law(calls <= most, "a destination that is down is left in peace", || {
                format!("{calls} calls in {minutes} minutes")
            });
        }
        self.check_wishes(lane, claims);
    }

    /// Notes until when a destination wished not to see a delivery, and whether it is seen before.
    fn check_wishes(&mut self, lane: usize, claims: &[Claim]) {
        let now = self.now;
        for claim in claims {
            let until = self.checks.hints.get(&(lane, small(claim))).copied().unwrap_or(0);
            self.checks
                .law(until <= now, "a destination's wish is kept", || format!("{} ms early", until - now));
        }
    }
}
