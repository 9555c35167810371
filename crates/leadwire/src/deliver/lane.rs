//! One destination's run loop: claim, try, settle. It waits here and nowhere else; what to do is decided in
//! `leadwire_core::lane`, and what is true is in the store.

use super::attempt::{Tries, try_batch};
use super::door::Door;
use super::hand::Hand;
use super::handover::Handover;
use super::payload::{self, Ready};
use crate::clock::{Clock, jitter};
use crate::directory::{Directory, Outlet};
use crate::telemetry::Metrics;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use leadwire_connect::Moment;
use leadwire_core::lane::{self, Gate};
use leadwire_core::limits;
use leadwire_core::retry::RetryPolicy;
use leadwire_core::time::Timestamp;
use leadwire_store::lanes::{LaneKey, LaneToken, Settled, Turn, Turned};
use leadwire_store::{Store, StoreError};
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// Who holds the lanes of a store that only one process can open: the folder's lock says it is this one.
const HOLDER: &str = "local";

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
    pub(super) stop: watch::Receiver<bool>,
}

type TurnEnd = Result<Option<(Turned, Vec<Ready>, usize)>, StoreError>;

impl Lane {
    pub(super) async fn run(&self) -> LaneEnd {
        let mut stop = self.stop.clone();
        let mut changes = self.directory.changes();
        loop {
            let Some(outlet) = self.directory.now().outlet(&self.key).map(Arc::clone) else {
                return LaneEnd::Stopped;
            };
            if *stop.borrow_and_update() {
                return LaneEnd::Stopped;
            }
            let now = self.clock.steady();
            match self.store.take_lane(self.key.clone(), HOLDER.into(), now).await {
                Ok(Some(token)) => match self.work(token, now, outlet, &mut stop, &mut changes).await {
                    Ok(Some(end)) => return end,
                    // The lease was lost: everything in hand is dropped, and the lane is taken anew.
                    Ok(None) => continue,
                    Err(error) => return LaneEnd::Store(error),
                },
                Ok(None) | Err(StoreError::Busy | StoreError::Full) => {}
                Err(error) => return LaneEnd::Store(error),
            }
            tokio::select! {
                () = self.clock.wait_until(now.plus(limits::LANE_AGAIN)) => {}
                // Cancel-safe: only looks at a value.
                _ = stop.changed() => {}
            }
        }
    }

    /// Works under one lease. None: the lease was lost.
    async fn work(
        &self,
        token: LaneToken,
        taken_at: Timestamp,
        outlet: Arc<Outlet>,
        stop: &mut watch::Receiver<bool>,
        changes: &mut watch::Receiver<i64>,
    ) -> Result<Option<LaneEnd>, StoreError> {
        let mut hand = Hand::new(token, taken_at, outlet);
        self.door.open_under(token);
        let mut turn: Option<BoxFuture<'_, TurnEnd>> = None;
        let mut give_up_at = None;
        loop {
            self.start_tries(&mut hand, turn.is_some());
            if turn.is_none() && hand.wants_turn() {
                turn = Some(self.turn(&mut hand).boxed());
            }
            if hand.stopping && turn.is_none() && hand.trying.is_empty() {
                return Ok(Some(LaneEnd::Stopped));
            }
            let look_at = if hand.stopping { give_up_at } else { hand.next_look };
            tokio::select! {
                // Cancel-safe: a finished try stays in the set until it is taken.
                Some(tries) = hand.trying.next(), if !hand.trying.is_empty() => self.note(&mut hand, tries),
                // Cancel-safe: the turn is kept outside the loop and only polled here.
                ended = async { turn.as_mut().expect("guarded").await }, if turn.is_some() => {
                    turn = None;
                    if !self.after_turn(&mut hand, ended)? {
                        return Ok(None);
                    }
                }
                // Cancel-safe: a bell that rings meanwhile stays rung.
                () = self.door.rung() => self.look_at_door(&mut hand),
                () = self.clock.wait_until(look_at.unwrap_or_default()), if look_at.is_some() => {
                    if hand.stopping {
                        // What is still on the wire counts as interrupted when the lane is taken again.
                        return Ok(Some(LaneEnd::Stopped));
                    }
                    hand.next_look = None;
                    hand.may_have_work = true;
                }
                // Cancel-safe: both only look at a value.
                changed = changes.changed(), if !hand.stopping => {
                    match self.directory.now().outlet(&self.key) {
                        Some(outlet) if changed.is_ok() => hand.outlet = Arc::clone(outlet),
                        _ => hand.stop(),
                    }
                    hand.may_have_work = true;
                }
                _ = stop.changed(), if !hand.stopping => hand.stop(),
            }
            if hand.stopping && give_up_at.is_none() {
                give_up_at = Some(self.clock.steady().plus(limits::SHUTDOWN_WAIT));
            }
        }
    }

    fn start_tries(&self, hand: &mut Hand, turn_runs: bool) {
        hand.refuse(self.door.take_refused());
        hand.erase(self.door.take_erased());
        let now = self.clock.steady();
        while hand.trying.len() < hand.outlet.in_flight && !hand.ready.is_empty() && !hand.is_held(now) {
            if hand.leased_until.since(now) < limits::LEASE_LEFT_TO_SEND {
                hand.must_renew = true;
                return;
            }
            let more_is_coming = turn_runs || hand.wants_turn();
            let batch = hand.next_batch(more_is_coming);
            if batch.is_empty() {
                return;
            }
            let moment = Moment { now: self.clock.wall() };
            hand.trying.push(try_batch(Arc::clone(&hand.outlet), batch, moment).boxed());
        }
    }

    /// Takes in what was claimed for this lane as it was stored.
    fn look_at_door(&self, hand: &mut Hand) {
        let found = self.door.take();
        let may_send = hand.gate == Gate::Open && !hand.is_held(self.clock.steady());
        for (claim, payload) in found.given {
            // It was claimed while the lane was open, which is no reason to try it after the pause.
            hand.take_in(claim, Ok(payload), may_send);
        }
        // A paused lane need not look at each new lead: a probe or a resume wakes it by itself.
        hand.may_have_work |= found.has_work && hand.gate == Gate::Open;
        self.offer_room(hand);
    }

    /// While the lane keeps up, new deliveries may be claimed for it as they are stored.
    fn offer_room(&self, hand: &Hand) {
        let may_send = hand.gate == Gate::Open && !hand.is_held(self.clock.steady());
        let keeps_up = !hand.may_have_work && !hand.is_behind && may_send && !hand.stopping;
        self.door.offer(if keeps_up { hand.window().saturating_sub(hand.leads.len()) } else { 0 });
    }

    /// Decides about each finished try; the next turn writes it down.
    fn note(&self, hand: &mut Hand, tries: Tries) {
        let now = self.clock.steady();
        let batch = tries.len();
        // One throw for all: what failed together comes back together, in one call again and not in a hundred.
        let jitter = jitter();
        let mut paces = Vec::with_capacity(batch);
        hand.let_go(&tries);
        for (claim, tried) in tries {
            self.metrics.count_attempt(hand.outlet.kind, &tried.outcome);
            let policy = RetryPolicy::default();
            let ended =
                lane::Ended { touchpoint: claim.touchpoint, number: claim.number, batch, tried: &tried };
            let decision = lane::after_try(&hand.gate, &mut hand.streak, &policy, ended, now, jitter);
            if let Some(gate) = decision.gate {
                self.report(hand, &gate);
                hand.gate = gate.clone();
                hand.gate_changed = Some(gate);
            }
            paces.push(decision.pace);
            let settled =
                Settled { touchpoint: claim.touchpoint, number: claim.number, tried, next: decision.next };
            hand.settled.push(settled);
        }
        hand.follow(&paces);
        if hand.gate != Gate::Open || hand.is_held(now) {
            hand.release_ready();
        }
        self.offer_room(hand);
    }

    fn report(&self, hand: &Hand, gate: &Gate) {
        let (publisher, destination) = (&self.key.publisher, self.key.destination);
        match (&hand.gate, gate) {
            (Gate::Open, Gate::Paused(pause)) => {
                tracing::warn!(%publisher, %destination, cause = %pause.cause,
                "Destination {publisher}/{destination} is paused. Its leads wait; none is lost.")
            }
            (Gate::Paused(_), Gate::Open) => tracing::info!(%publisher, %destination,
                "Destination {publisher}/{destination} works again."),
            _ => {}
        }
    }

    /// Starts the next turn with everything that is to be written down.
    fn turn(&self, hand: &mut Hand) -> impl Future<Output = TurnEnd> + use<'_> {
        // What lies at the door was claimed before the refusals in hand; what is claimed from here on knows of them.
        self.look_at_door(hand);
        hand.refused.clear();
        hand.erased.clear();
        let now = self.clock.steady();
        let held = hand.leads.len();
        let may_claim = !hand.stopping && !hand.is_held(now);
        let room = if may_claim { hand.window().saturating_sub(held) } else { 0 };
        let turn = Arc::new(Turn {
            settled: std::mem::take(&mut hand.settled),
            released: std::mem::take(&mut hand.released),
            gate: hand.gate_changed.take(),
            room,
            held,
            now,
        });
        hand.may_have_work = false;
        hand.must_renew = false;
        hand.leased_until = now.plus(limits::LEASE);
        let (token, store, key) = (hand.token, &self.store, &self.key);
        async move {
            let turned = loop {
                match store.lane_turn(key.clone(), token, Arc::clone(&turn)).await {
                    // Nothing was stored: the same turn again is the same turn.
                    Err(StoreError::Busy | StoreError::Full) => {
                        self.clock.wait_until(self.clock.steady().plus(limits::LANE_AGAIN)).await;
                    }
                    turned => break turned?,
                }
            };
            self.turns.send_modify(|it| *it += 1);
            if turn.gate.is_some() {
                self.news.notify_one();
            }
            let Some(mut turned) = turned else { return Ok(None) };
            let claims = std::mem::take(&mut turned.claims);
            let ready = payload::load(store, (&self.handover, &self.directory), key, claims).await?;
            Ok(Some((turned, ready, turn.room)))
        }
    }

    /// Takes up what a turn brought. False: the lease was lost.
    fn after_turn(&self, hand: &mut Hand, ended: TurnEnd) -> Result<bool, StoreError> {
        let Some((turned, ready, room)) = ended? else {
            tracing::warn!(publisher = %self.key.publisher, destination = %self.key.destination,
                "Lost the lease of a lane. What it had in hand is tried again by its holder.");
            return Ok(false);
        };
        if room > 0 && ready.len() == room {
            hand.may_have_work = true;
        }
        hand.is_behind = room == 0 || hand.may_have_work;
        // The turn began before the tries that changed the gate came back: its claims are no probe.
        let outdated = hand.gate_changed.is_some();
        if !outdated {
            // What the store says counts, for instance when a person paused or resumed the lane.
            hand.gate = turned.gate;
        }
        let now = self.clock.steady();
        hand.next_look = match (lane::allowance(&hand.gate, now), turned.next_due) {
            (lane::Allowance::Nothing(probe_at), _) => probe_at,
            _ if hand.is_held(now) => hand.hold_until,
            (_, next_due) => next_due,
        };
        for (claim, content) in ready {
            // What an up-to-date turn claims for a paused lane is a probe, of which there is one.
            let may_send =
                !hand.is_held(now) && (hand.gate == Gate::Open || (!outdated && hand.leads.is_empty()));
            hand.take_in(claim, content, may_send);
        }
        self.offer_room(hand);
        Ok(true)
    }
}
