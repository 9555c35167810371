//! Requests between a lane and its destination: lost, late, refused, half done.

use crate::calls::Calls;
use crate::check::Goal;
use crate::crm::{Nature, Record};
use crate::mistake::{Mistake, made};
use crate::plan::Fault as Trouble;
use crate::rows::Rows;
use crate::world::{Event, World};
use leadwire_core::lane::{Claim, LaneToken};
use leadwire_core::limits;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};
use std::time::Duration;

/// A request that was begun.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) lane: usize,
    /// Under which lease it was begun.
    pub(crate) token: i64,
    pub(crate) claims: Vec<Claim>,
    /// When it is carried out; never, when it is lost or was.
    pub(crate) arrives_at: Option<i64>,
    /// Somebody waits for its answer.
    pub(crate) is_open: bool,
    answer_is_lost: bool,
    /// What it may call; none: as much as it needs.
    pub(crate) calls: Option<Calls>,
}

/// All requests.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) requests: Vec<Request>,
    /// Those that are open, or may still arrive.
    alive: Vec<usize>,
}

impl Wire {
    /// Requests of a lane that are open or may still arrive.
    pub(crate) fn alive(&self, lane: usize) -> impl Iterator<Item = &Request> {
        self.alive.iter().map(|it| &self.requests[*it]).filter(move |it| it.lane == lane)
    }

    fn begin(&mut self, request: Request) -> usize {
        self.requests.push(request);
        self.alive.push(self.requests.len() - 1);
        self.requests.len() - 1
    }

    pub(crate) fn sweep(&mut self) {
        let requests = &self.requests;
        self.alive.retain(|it| requests[*it].is_open || requests[*it].arrives_at.is_some());
    }

    /// The answer came. False: nobody waits for it.
    pub(crate) fn answer(&mut self, request: usize) -> bool {
        let was_open = std::mem::take(&mut self.requests[request].is_open);
        self.sweep();
        was_open
    }

    /// Nobody waits any more for a lane's requests, all of them or those of one lease. What is carried out later than a
    /// given-up request can be is not.
    pub(crate) fn let_go(&mut self, lane: usize, token: Option<i64>, now: i64) {
        let last = now + doubt();
        for place in &self.alive {
            let it = &mut self.requests[*place];
            if it.lane == lane && token.is_none_or(|token| it.token == token) {
                it.is_open = false;
                it.arrives_at = it.arrives_at.filter(|at| *at < last);
            }
        }
        self.sweep();
    }
}

fn doubt() -> i64 {
    i64::try_from(limits::DOUBT.as_millis()).expect("seconds")
}

fn tried(outcome: Outcome, cause: &str) -> Tried {
    Tried { outcome, evidence: Evidence { cause: cause.to_owned(), ..Evidence::default() } }
}

pub(crate) fn all(claims: &[Claim], outcome: &Outcome, cause: &str) -> Vec<(Claim, Tried)> {
    claims.iter().map(|it| (*it, tried(outcome.clone(), cause))).collect()
}

impl<R: Rows> World<R> {
    /// Begins a request, and decides what becomes of it on the way.
    pub(crate) fn send(&mut self, lane: usize, claims: Vec<Claim>, token: LaneToken) {
        self.check_send(lane, &claims);
        let calls = self.begin_calls(lane, claims.len(), token.number());
        let stands = if self.strikes(Trouble::StandstillAtSend) {
            let millis = *self.dice.pick(&[500, 20_000, 130_000, 400_000]);
            self.checks.reach(Goal::StoodStillAtSend);
            self.stand_still(millis);
            millis
        } else {
            0
        };
        let timeout = *self.dice.pick(&[20_000, 60_000, 120_000]);
        let mut way = Way { arrives: Some(self.dice.within(1, 400)), answers: None };
        let quick = self.dice.within(1, 50);
        let answer = |outcome: Outcome, cause: &str| Some((quick, all(&claims, &outcome, cause)));
        let later = Outcome::NotDone(Fault::RetryAfter(None));
        let never = |answers| Way { arrives: None, answers };
        if let Some(trouble) = self.crms[lane].trouble {
            way = never(match trouble {
                Trouble::Credential => answer(Outcome::NotDone(Fault::Pause), "http_401"),
                Trouble::Gone => answer(Outcome::NotDone(Fault::Stop), "http_410"),
                _ if self.dice.falls(500) => answer(later, "connection_refused"),
                _ if self.dice.falls(500) => answer(Outcome::NotDone(Fault::RetryAfter(None)), "http_503"),
                _ => Some((timeout, all(&claims, &Outcome::Unknown, "answer_timeout"))),
            });
        } else if self.strikes(Trouble::Panic) {
            self.checks.reach(Goal::ConnectorPanicked);
            way.answers = answer(Outcome::Unknown, "connector_panicked");
            way.arrives = way.arrives.filter(|_| self.dice.falls(500));
        } else if self.strikes(Trouble::Refused) {
            way = never(answer(later, "connection_refused"));
        } else if self.strikes(Trouble::Busy) {
            let hint = Duration::from_secs(*self.dice.pick(&[2, 20, 600]));
            way = never(answer(Outcome::NotDone(Fault::HoldLane(Some(hint))), "http_429"));
        } else if self.strikes(Trouble::LostRequest) {
            way = never(Some((timeout, all(&claims, &Outcome::Unknown, "answer_timeout"))));
        } else if self.strikes(Trouble::LostAnswer) {
            way.answers = Some((timeout, all(&claims, &Outcome::Unknown, "answer_timeout")));
            self.checks.reach(Goal::AnswerLost);
        } else if self.strikes(Trouble::LateRequest) {
            way.arrives = Some(timeout + self.dice.within(1, doubt() - 1));
            way.answers = Some((timeout, all(&claims, &Outcome::Unknown, "answer_timeout")));
            self.checks.reach(Goal::ArrivedLate);
        }
        self.put_on_wire((lane, token.number()), (claims, calls), way, stands);
    }

    fn put_on_wire(
        &mut self,
        (lane, token): (usize, i64),
        (claims, mut calls): (Vec<Claim>, Option<Calls>),
        way: Way,
        stands: i64,
    ) {
        let arrives_at = way.arrives.map(|it| self.now + stands + it);
        let answer_is_lost = way.answers.is_some();
        if let Some(calls) = &mut calls {
            calls.is_answered = answer_is_lost;
            let causes = way.answers.iter().flat_map(|it| &it.1);
            calls.is_connected = causes.into_iter().all(|it| it.1.evidence.cause != "connection_refused");
        }
        let has_calls = calls.is_some();
        let request = Request { lane, token, claims, arrives_at, is_open: true, answer_is_lost, calls };
        let request = self.wire.begin(request);
        if let Some(at) = arrives_at {
            self.after(at - self.now, Event::Arrives(request));
        }
        if let Some((wait, tries)) = way.answers {
            self.after(stands + wait, Event::Answers(lane, request, tries));
        }
        if has_calls && stands == 0 {
            self.leave(lane, request);
        } else if has_calls {
            self.after(stands, Event::Leaves(lane, request));
        }
    }

    /// A request is carried out.
    pub(crate) fn arrive(&mut self, number: usize) {
        let request = &mut self.wire.requests[number];
        let Some(_) = request.arrives_at.take() else { return };
        let (lane, claims, is_lost) = (request.lane, request.claims.clone(), request.answer_is_lost);
        self.wire.sweep();
        let spoilt = claims.iter().any(|it| self.nature(it) == Nature::SpoilsBatch);
        let mut tries: Vec<(Claim, Tried)> = Vec::with_capacity(claims.len());
        // Several of a lead are one record, of which there is one answer.
        let mut of_record: Option<Outcome> = None;
        for (place, claim) in claims.iter().enumerate() {
            let is_same = place > 0 && claims[place - 1].lead == claim.lead;
            let outcome = if spoilt {
                self.checks.reach(Goal::BatchRefused);
                if claims.len() == 1 {
                    self.checks.refused(lane, claim);
                }
                Outcome::NotDone(Fault::SmallerBatch)
            } else if let Some(same) = of_record.take().filter(|_| is_same) {
                same
            } else {
                let all = claims[place..].iter().take_while(|it| it.lead == claim.lead);
                self.carry_out(lane, &all.copied().collect::<Vec<_>>())
            };
            of_record = Some(outcome.clone());
            let is_taken = matches!(outcome, Outcome::Done(_));
            let seen = if made(Mistake::SuccessIsTheStatus) && !is_taken {
                Outcome::Done(Receipt::Accepted)
            } else {
                outcome
            };
            let cause = if is_taken { "" } else { "refused" };
            tries.push((*claim, tried(seen, cause)));
        }
        if !is_lost {
            let wait = self.dice.within(1, 200);
            self.after(wait, Event::Answers(lane, number, tries));
        }
    }

    fn nature(&self, claim: &Claim) -> Nature {
        let number = claim.touchpoint.bits() as u64 ^ self.plan.seed;
        if claim.standing.erases {
            Nature::Fine
        } else if self.plan.has(Trouble::Poison) && number.is_multiple_of(5) {
            Nature::Refused
        } else if self.plan.has(Trouble::Whole) && number % 7 == 1 {
            Nature::SpoilsBatch
        } else {
            Nature::Fine
        }
    }

    /// What the destination does about one record, which these make together.
    fn carry_out(&mut self, lane: usize, claims: &[Claim]) -> Outcome {
        let is_refused: Vec<bool> = claims.iter().map(|it| self.nature(it) == Nature::Refused).collect();
        for (claim, _) in claims.iter().zip(&is_refused).filter(|it| *it.1) {
            self.checks.refused(lane, claim);
        }
        if is_refused.contains(&true) {
            if claims.len() > 1 {
                self.checks.reach(Goal::FoldedIsRefused);
            }
            return Outcome::NotDone(Fault::Park);
        }
        let Some((claim, earlier)) = claims.split_last() else { return Outcome::Done(Receipt::Accepted) };
        if !earlier.is_empty() {
            self.checks.reach(Goal::FoldedIsWritten);
        }
        if self.strikes(Trouble::LaterAlone) {
            let hint = *self.dice.pick(&[None, Some(3), Some(60), Some(3600), Some(365 * 24 * 3600)]);
            return Outcome::NotDone(Fault::RetryAfter(hint.map(Duration::from_secs)));
        }
        if self.strikes(Trouble::Stale) {
            return Outcome::NotDone(Fault::RetryNow);
        }
        let lead = u64::try_from(claim.lead.bits()).expect("small");
        let key = if made(Mistake::NewKeyEachTime) {
            (claim.touchpoint.bits() << 32) | u128::from(claim.number)
        } else {
            claim.lead.bits()
        };
        let crm = &mut self.crms[lane];
        if claim.standing.erases {
            crm.records.retain(|_, it| it.lead != lead);
            crm.deleted.insert(lead);
            return Outcome::Done(Receipt::Accepted);
        }
        let touchpoint = u64::try_from(claim.touchpoint.bits()).expect("small");
        let record = Record { lead, touchpoint, contactable: !claim.standing.do_not_contact };
        let before = crm.records.insert(key, record);
        self.checks.written(lane, lead, touchpoint, before.as_ref(), self.rows.model(), &self.crms[lane]);
        Outcome::Done(Receipt::Accepted)
    }
}

/// What becomes of a request on its way: after how long it is carried out, and what is answered without that.
struct Way {
    arrives: Option<i64>,
    answers: Option<(i64, Vec<(Claim, Tried)>)>,
}
