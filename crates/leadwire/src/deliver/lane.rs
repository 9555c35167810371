//! One destination's run loop: claim, try, settle. It waits here and nowhere else; what to do is decided by the hand of
//! `leadwire_core::lane`, and what is true is in the store.

use super::attempt::{Tries, try_batch};
use super::bulk::{Bulk, Told};
use super::bulk_steps::{Desk, Done};
use super::door::{Door, Standing};
use super::handover::Handover;
use super::payload::{self, Content, Ready};
use crate::clock::{Clock, jitter};
use crate::directory::{Directory, Outlet};
use crate::nodes::Nodes;
use crate::telemetry::Metrics;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use leadwire_connect::Moment;
use leadwire_core::lane::{self, Claim, Gate, LaneToken, Turned};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_store::lanes::LaneKey;
use leadwire_store::{Store, StoreError};
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// Why a lane ended.
pub(super) enum LaneEnd {
    /// It was asked to, or its destination was removed.
    Stopped,
    /// The store failed.
    Store(StoreError),
}

/// A destination's lane.
pub(super) struct Lane {
    pub(super) key: LaneKey,
    pub(super) store: Store,
    pub(super) directory: Arc<Directory>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) handover: Arc<Handover>,
    pub(super) door: Arc<Door>,
    pub(super) turns: Arc<watch::Sender<u64>>,
    pub(super) news: Arc<Notify>,
    pub(super) nodes: Arc<Nodes>,
    pub(super) stop: watch::Receiver<bool>,
}

/// Whether the lane is still held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lease {
    Held,
    Lost,
}

type TurnEnd = Result<Option<(Turned, Vec<Ready>)>, StoreError>;

/// What a lane holds, what is under way of it, and through which settings.
struct Work {
    hand: lane::Hand<Content>,
    outlet: Arc<Outlet>,
    trying: FuturesUnordered<BoxFuture<'static, Tries>>,
    bulk: Bulk,
}

impl Lane {
    pub(super) async fn run(&self) -> LaneEnd {
        let mut stop = self.stop.clone();
        let mut changes = self.directory.changes();
        // Whether the store may say that this node holds the lane: while it lives, nobody else takes it before the lease is over.
        let mut may_hold = false;
        loop {
            let Some(outlet) = self.directory.now().outlet(&self.key).map(Arc::clone) else {
                return LaneEnd::Stopped;
            };
            // Whoever stops altogether is soon known to be gone.
            let leaves = !self.nodes.owns(&self.key);
            if *stop.borrow_and_update() || leaves && !may_hold {
                return LaneEnd::Stopped;
            }
            let (now, term) = (self.clock.steady(), self.nodes.term());
            let at = (now, self.nodes.now());
            match self.store.take_lane_at(self.key.clone(), self.nodes.id(), at).await {
                // Taking it put right what was left of it, and nothing of it is under way.
                Ok(Some(token)) if leaves => may_hold = !self.give_back(token).boxed().await,
                Ok(Some(token)) => {
                    may_hold = true;
                    match self.work((token, term), now, outlet, &mut stop, &mut changes).await {
                        Ok(Some(end)) => return end,
                        // The lease was lost, or could not be given back: everything in hand is dropped, and the lane is taken anew.
                        Ok(None) => continue,
                        Err(error) if error.may_pass() || matches!(error, StoreError::InDoubt) => {}
                        Err(error) => return LaneEnd::Store(error),
                    }
                }
                Ok(None) => may_hold = false,
                Err(StoreError::InDoubt) => may_hold = true,
                Err(error) if error.may_pass() => {}
                Err(error) => return LaneEnd::Store(error),
            }
            tokio::select! {
                () = self.clock.wait_until(now.plus(limits::LANE_AGAIN)) => {}
                () = self.nodes.moment() => {}
                // Cancel-safe: only looks at a value.
                _ = stop.changed() => {}
            }
        }
    }

    /// Works under one lease. None: the lease was lost, or this node leaves the lane and may hold it still.
    async fn work(
        &self,
        (token, term): (LaneToken, u64),
        taken_at: Timestamp,
        outlet: Arc<Outlet>,
        stop: &mut watch::Receiver<bool>,
        changes: &mut watch::Receiver<i64>,
    ) -> Result<Option<LaneEnd>, StoreError> {
        // Boxed, here and below: ten thousand lanes would keep the room for it while they wait.
        let mut work = self.begin(token, taken_at, outlet).boxed().await?;
        self.door.open_under(token);
        let mut turn: Option<BoxFuture<'_, TurnEnd>> = None;
        let mut give_up_at = None;
        let mut nodes = self.nodes.changes();
        loop {
            let may_send = self.nodes.may_send(term);
            if may_send {
                self.start_tries(&mut work);
            }
            let Work { hand, outlet, trying, bulk } = &mut work;
            let step_at = if may_send { bulk.start(hand, outlet, self.clock.steady()) } else { None };
            self.door.offer(hand.offered(self.clock.steady()), Standing::of(hand.gate()));
            if hand.wants_turn() {
                turn = Some(self.turn(hand).boxed());
            }
            if hand.has_stopped() && !bulk.is_busy() {
                let is_given_back = self.give_back(token).boxed().await;
                return Ok(is_given_back.then_some(LaneEnd::Stopped));
            }
            let look_at = if hand.is_stopping() { give_up_at } else { hand.next_look() };
            tokio::select! {
                // Cancel-safe: a finished try stays in the set until it is taken.
                Some(tries) = trying.next(), if !trying.is_empty() => self.note(hand, outlet, tries),
                // Cancel-safe: the turn is kept outside the loop and only polled here.
                ended = async { turn.as_mut().expect("guarded").await }, if turn.is_some() => {
                    turn = None;
                    if self.take_up_turn(hand, ended?) == Lease::Lost {
                        return Ok(None);
                    }
                }
                // Cancel-safe: the step is kept and only polled here.
                done = bulk.stepped(), if bulk.is_busy() => {
                    if self.take_up_step(bulk, done?, hand, outlet) == Lease::Lost {
                        return Ok(None);
                    }
                }
                () = self.clock.wait_until(step_at.unwrap_or_default()), if step_at.is_some() => {}
                // Cancel-safe: a bell that rings meanwhile stays rung.
                () = self.door.rung() => self.look_at_door(hand),
                () = self.clock.wait_until(look_at.unwrap_or_default()), if look_at.is_some() => {
                    if hand.is_stopping() {
                        // What is still on the wire counts as interrupted when the lane is taken again.
                        return Ok(None);
                    }
                    hand.wake();
                }
                // Cancel-safe: both only look at a value.
                changed = changes.changed(), if !hand.is_stopping() => {
                    self.follow_setup(hand, outlet, changed.is_ok());
                }
                _ = stop.changed(), if !hand.is_stopping() => hand.stop(),
                // Cancel-safe: only looks at a value.
                _ = nodes.changed() => {
                    if self.nodes.term() != term {
                        return Ok(None);
                    }
                    if !hand.is_stopping() && !self.nodes.owns(&self.key) {
                        hand.stop();
                    }
                }
            }
            if work.hand.is_stopping() && give_up_at.is_none() {
                give_up_at = Some(self.clock.steady().plus(limits::SHUTDOWN_WAIT));
            }
        }
    }

    /// What a lane begins with under a lease.
    async fn begin(
        &self,
        token: LaneToken,
        taken_at: Timestamp,
        outlet: Arc<Outlet>,
    ) -> Result<Work, StoreError> {
        let mut hand = lane::Hand::new(token, taken_at, outlet.shape());
        hand.follow_budget(outlet.budget.clone());
        let bulk = Bulk::open(self.desk(token), &mut hand, taken_at).await?;
        Ok(Work { hand, outlet, trying: FuturesUnordered::new(), bulk })
    }

    /// Has the hand take up what a turn brought.
    fn take_up_turn(&self, hand: &mut lane::Hand<Content>, ended: Option<(Turned, Vec<Ready>)>) -> Lease {
        let Some((turned, ready)) = ended else {
            tracing::warn!(publisher = %self.key.publisher, destination = %self.key.destination,
                "Lost the lease of a lane. What it had in hand is tried again by its holder.");
            return Lease::Lost;
        };
        if let Some(left) = turned.calls.and_then(|it| it.left) {
            self.metrics.note_calls_left(&self.key.publisher, self.key.destination, left);
        }
        let before = hand.gate().clone();
        hand.end_turn(turned, ready, self.clock.steady());
        self.report(&before, hand.gate());
        Lease::Held
    }

    /// Goes on by the settings as they are now, or stops when the destination is gone.
    fn follow_setup(&self, hand: &mut lane::Hand<Content>, outlet: &mut Arc<Outlet>, goes_on: bool) {
        match self.directory.now().outlet(&self.key) {
            // Something else of the set-up changed: ten thousand lanes need not look at the store for it.
            Some(now) if goes_on && Arc::ptr_eq(now, outlet) => {}
            Some(now) if goes_on => {
                *outlet = Arc::clone(now);
                hand.reshape(outlet.shape());
                hand.follow_budget(outlet.budget.clone());
            }
            _ => hand.stop(),
        }
    }

    /// Lets another node take the lane at once: nothing of it is under way. False: this node may hold it still.
    async fn give_back(&self, token: LaneToken) -> bool {
        !self.nodes.is_shared() || self.store.release_lane(self.key.clone(), token).await.is_ok()
    }

    /// Takes in who was refused or erased since this was last asked for.
    fn look_at_wishes(&self, hand: &mut lane::Hand<Content>, bulk: &mut Bulk) {
        let (refused, erased) = (self.door.take_refused(), self.door.take_erased());
        bulk.touch(&refused);
        bulk.touch(&erased);
        hand.refuse(refused);
        hand.erase(erased);
    }

    /// Has the job take up what a step of it came to.
    fn take_up_step(
        &self,
        bulk: &mut Bulk,
        done: Done,
        hand: &mut lane::Hand<Content>,
        outlet: &Arc<Outlet>,
    ) -> Lease {
        self.turns.send_modify(|it| *it += 1);
        // The step may be the last before a job is handed over.
        self.look_at_wishes(hand, bulk);
        let before = hand.gate().clone();
        let told = bulk.take_up(done, hand, outlet, (self.clock.steady(), jitter()));
        self.report(&before, hand.gate());
        match told {
            Told::Nothing => {}
            Told::Ended(tried) => {
                tried.iter().for_each(|it| self.metrics.count_attempt(outlet.kind, &it.outcome));
            }
            Told::LeaseLost => return Lease::Lost,
        }
        Lease::Held
    }

    fn desk(&self, token: LaneToken) -> Desk {
        Desk {
            key: self.key.clone(),
            token,
            store: self.store.clone(),
            directory: Arc::clone(&self.directory),
            handover: Arc::clone(&self.handover),
            clock: Arc::clone(&self.clock),
        }
    }

    fn start_tries(&self, work: &mut Work) {
        let Work { hand, outlet, trying, bulk } = work;
        self.look_at_wishes(hand, bulk);
        let load_of = |_: &Claim, content: &Content| match (content, &outlet.connector) {
            (Ok(payload), Ok(connector)) => {
                lane::Load { key: connector.exclusive_key(payload), bytes: payload.touchpoint.bytes() }
            }
            (Err(_), _) | (_, Err(_)) => lane::Load::default(),
        };
        loop {
            let batch = hand.next_batch(self.clock.steady(), load_of);
            if batch.is_empty() {
                return;
            }
            let moment = Moment { now: self.clock.wall() };
            trying.push(try_batch(Arc::clone(outlet), batch, hand.allotment(), moment).boxed());
        }
    }

    /// Takes in what was claimed for this lane as it was stored.
    fn look_at_door(&self, hand: &mut lane::Hand<Content>) {
        let found = self.door.take();
        let given = found.given.into_iter().map(|(claim, payload)| (claim, Ok(payload)));
        hand.take_given(given, found.has_work, self.clock.steady());
        if found.must_look {
            hand.wake();
        }
    }

    /// Has the hand decide about each finished try; the next turn writes it down.
    fn note(&self, hand: &mut lane::Hand<Content>, outlet: &Outlet, tries: Tries) {
        let Tries { tried: tries, spent } = tries;
        if let Some((allotment, calls, told)) = spent {
            hand.spent(&allotment, calls, told);
        }
        tries.iter().for_each(|(_, tried)| self.metrics.count_attempt(outlet.kind, &tried.outcome));
        let before = hand.gate().clone();
        hand.note(tries, self.clock.steady(), jitter());
        self.report(&before, hand.gate());
    }

    fn report(&self, before: &Gate, after: &Gate) {
        let (publisher, destination) = (&self.key.publisher, self.key.destination);
        match (before, after) {
            (Gate::Open | Gate::Tripped(_), Gate::Paused(pause)) => {
                tracing::warn!(%publisher, %destination, cause = %pause.cause,
                    "Destination {publisher}/{destination} is paused. Its leads wait; none is lost.");
            }
            (Gate::Open, Gate::Tripped(pause)) => {
                tracing::warn!(%publisher, %destination, cause = %pause.cause,
                    "Destination {publisher}/{destination} does not work. One lead is tried now and then; the others wait.");
            }
            (Gate::Paused(_) | Gate::Tripped(_), Gate::Open) => {
                tracing::info!(%publisher, %destination, "Destination {publisher}/{destination} works again.");
            }
            (Gate::Open, Gate::Open) | (Gate::Paused(_), Gate::Paused(_)) | (_, Gate::Tripped(_)) => {}
        }
    }

    /// Starts the next turn with everything that is to be written down.
    fn turn(&self, hand: &mut lane::Hand<Content>) -> impl Future<Output = TurnEnd> + use<'_> {
        // What lies at the door was claimed before the refusals in hand; what is claimed from here on knows of them.
        self.look_at_door(hand);
        let turn = Arc::new(hand.begin_turn(self.clock.steady()));
        let (token, store, key) = (hand.token(), &self.store, &self.key);
        async move {
            let turned = loop {
                match store.lane_turn(key.clone(), token, Arc::clone(&turn)).await {
                    // Nothing was stored: the same turn again is the same turn.
                    Err(error) if error.may_pass() => {
                        self.clock.wait_until(self.clock.steady().plus(limits::LANE_AGAIN)).await;
                    }
                    // What it claimed is known to nobody: the lane is taken anew, which finds it.
                    Err(StoreError::InDoubt) => return Ok(None),
                    turned => break turned?,
                }
            };
            self.turns.send_modify(|it| *it += 1);
            if turn.gate.is_some() {
                self.news.notify_one();
            }
            let Some(mut turned) = turned else { return Ok(None) };
            let claims = std::mem::take(&mut turned.claims);
            match payload::load(store, (&self.handover, &self.directory), key, claims).await {
                Ok(ready) => Ok(Some((turned, ready))),
                Err(error) if error.may_pass() => Ok(None),
                Err(error) => Err(error),
            }
        }
    }
}
