//! A lane's bulk job: planned, gathered, handed over, looked at and settled, one step at a time beside the lane's batches.
//!
//! What to do next is decided by `leadwire_core::bulk` and the lane's hand, and what is true is in the store; here the steps are
//! made. Each ends by itself, so that a lane that stops waits for it, and one that is cut finds in the store where it was.

use super::bulk_steps::{Desk, Done};
use crate::directory::Outlet;
use futures_util::future::BoxFuture;
use leadwire_connect::Payload;
use leadwire_connect::bulk::Results;
use leadwire_core::bulk::{Job, Step, Whom, next_step};
use leadwire_core::id::LeadId;
use leadwire_core::lane::Hand;
use leadwire_core::limits;
use leadwire_core::outcome::Tried;
use leadwire_core::time::{Jitter, Timestamp};
use leadwire_store::StoreError;
use leadwire_store::bulk::JobEnd;
use leadwire_store::lanes::Claim;
use std::collections::HashSet;
use std::sync::Arc;

type Running = BoxFuture<'static, Result<Done, StoreError>>;

/// What the lane is told after a step.
pub(super) enum Told {
    /// Nothing that concerns it.
    Nothing,
    /// Deliveries of the job came to an end; the hand has decided about them.
    Ended(Vec<Tried>),
    /// The lease was lost.
    LeaseLost,
}

/// Where the lane's job is.
enum State {
    /// There is none.
    None,
    /// The service has it, or may have.
    Away(Job),
    /// Its deliveries leave it with what came of them.
    Leaving(Results),
    /// Nothing of it was sent: its deliveries go back.
    PuttingBack,
}

/// The job of a lane under one lease.
pub(super) struct Bulk {
    desk: Desk,
    state: State,
    step: Option<Running>,
    /// Not before this moment is a job thought of.
    plan_at: Timestamp,
    /// Leads that were refused or erased since a job was last begun: it must not be handed over with them.
    touched: HashSet<LeadId>,
    /// Whether a job is being begun.
    is_beginning: bool,
}

impl Bulk {
    /// What the lane's job is, of which the hand keeps the places.
    pub(super) async fn open<C>(desk: Desk, hand: &mut Hand<C>, now: Timestamp) -> Result<Self, StoreError> {
        let state = match desk.kept().await? {
            None => State::None,
            Some((job, leads)) => {
                hand.keep_for_job(leads.into_iter());
                State::Away(job)
            }
        };
        Ok(Self { desk, state, step: None, plan_at: now, touched: HashSet::new(), is_beginning: false })
    }

    /// Whether a step is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.step.is_some()
    }

    /// Notes leads of which nothing that was gathered may be sent any more.
    pub(super) fn touch(&mut self, leads: &[LeadId]) {
        if self.is_beginning {
            self.touched.extend(leads);
        }
    }

    /// Waits for the step under way, of which there must be one.
    pub(super) async fn stepped(&mut self) -> Result<Done, StoreError> {
        let done = self.step.as_mut().expect("guarded").await;
        self.step = None;
        done
    }

    /// Starts the next step, if there is one now; else says when there may be.
    pub(super) fn start<C>(
        &mut self,
        hand: &mut Hand<C>,
        outlet: &Arc<Outlet>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if self.step.is_some() {
            return None;
        }
        match &self.state {
            State::PuttingBack => self.step = Some(self.desk.put_back()),
            State::Leaving(results) if !hand.has_unwritten() && !hand.is_stopping() => {
                self.step = Some(self.desk.leave(results.is_unknown()));
            }
            State::Leaving(_) => {}
            State::Away(_) | State::None if hand.is_stopping() => {}
            State::Away(job) => match next_step(job, now) {
                Step::Wait(at) => return Some(at),
                Step::Look => self.step = Some(self.desk.look(Arc::clone(outlet), job.clone())),
                Step::PutBack => self.state = State::PuttingBack,
                Step::GiveUp => {
                    let message =
                        "the bulk job did not come to its end in time, and nobody knows what it wrote";
                    self.state = State::Leaving(Results::unknown("job_lost", message));
                }
            },
            State::None => return self.plan(hand, outlet, now),
        }
        None
    }

    fn plan<C>(&mut self, hand: &mut Hand<C>, outlet: &Arc<Outlet>, now: Timestamp) -> Option<Timestamp> {
        if !outlet.may_begin_jobs() || !hand.may_begin_job(now) {
            hand.let_others_pass();
            return None;
        }
        if !hand.has_backlog() {
            // The next one is thought about at once.
            hand.let_others_pass();
            self.plan_at = now;
            return None;
        }
        if self.plan_at > now {
            return Some(self.plan_at);
        }
        self.plan_at = now.plus(limits::BULK_PLAN_EVERY);
        self.step = Some(self.desk.plan(Arc::clone(outlet)));
        None
    }

    /// Takes up what a step came to.
    pub(super) fn take_up<C>(
        &mut self,
        done: Done,
        hand: &mut Hand<C>,
        outlet: &Arc<Outlet>,
        (now, jitter): (Timestamp, Jitter),
    ) -> Told {
        match done {
            Done::LeaseLost => return Told::LeaseLost,
            Done::Batches => hand.let_others_pass(),
            Done::Wanted(whom) => self.begin(whom, outlet),
            Done::NoCalls(at) => {
                // Batches would take whatever comes back before a job could.
                hand.let_job_pass();
                self.plan_at = at.min(now.plus(limits::BULK_PLAN_EVERY));
            }
            Done::TooLittle => {
                self.plan_at = now.plus(limits::BULK_REST);
                self.state = State::PuttingBack;
            }
            Done::Sealed(handle, batch) => self.hand_over((handle, batch), hand, outlet, now),
            Done::Away(job) => {
                hand.let_others_pass();
                self.state = State::Away(job);
            }
            Done::Refused(tried) => {
                self.plan_at = now.plus(limits::BULK_REST);
                self.state = State::Leaving(Results::refused(*tried));
            }
            Done::Ended(results) => self.state = State::Leaving(results),
            Done::Left(claims, end) => return self.settle((claims, end), hand, (now, jitter)),
            Done::BackAgain(JobEnd::NotYet) => {}
            Done::BackAgain(JobEnd::Over) => self.end(hand),
        }
        Told::Nothing
    }

    fn begin(&mut self, whom: Whom, outlet: &Arc<Outlet>) {
        self.touched.clear();
        self.is_beginning = true;
        self.step = Some(self.desk.begin(Arc::clone(outlet), whom));
    }

    /// Hands the job over, with the last look at everything that may forbid it.
    fn hand_over<C>(
        &mut self,
        (handle, batch): (String, Vec<Payload>),
        hand: &mut Hand<C>,
        outlet: &Arc<Outlet>,
        now: Timestamp,
    ) {
        self.is_beginning = false;
        let is_touched = batch.iter().any(|it| self.touched.contains(&it.lead));
        if is_touched || !hand.may_begin_job(now) {
            self.state = State::PuttingBack;
            return;
        }
        hand.keep_for_job(batch.iter().map(|it| it.lead));
        self.step = Some(self.desk.send(Arc::clone(outlet), handle, batch));
    }

    fn settle<C>(
        &mut self,
        (claims, end): (Vec<Claim>, JobEnd),
        hand: &mut Hand<C>,
        (now, jitter): (Timestamp, Jitter),
    ) -> Told {
        let mut ended = Vec::with_capacity(claims.len());
        if let State::Leaving(results) = &self.state {
            let tries: Vec<(Claim, Tried)> =
                claims.into_iter().map(|it| (it, results.of(&it.lead.to_string()).clone())).collect();
            ended.extend(tries.iter().map(|it| it.1.clone()));
            hand.note_job(tries, now, jitter);
        }
        if end == JobEnd::Over {
            self.end(hand);
        }
        Told::Ended(ended)
    }

    fn end<C>(&mut self, hand: &mut Hand<C>) {
        self.state = State::None;
        hand.end_job();
        hand.wake();
    }
}
