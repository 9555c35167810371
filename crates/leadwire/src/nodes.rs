//! This node among others on one database: that it is alive, which lanes are its own, and what it does for all of them.
//!
//! A node says again and again that it is alive. When it cannot, it stops sending by itself, before others take its lanes.
//! Alone on a file everything is its own, and it says nothing to anybody.

use crate::clock::{Clock, MachineClock, random_bits};
use crate::server_clock::ServerClock;
use leadwire_core::time::Timestamp;
use leadwire_core::{limits, spread};
use leadwire_store::lanes::LaneKey;
use leadwire_store::nodes::Beat;
use leadwire_store::{Store, StoreError};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// This node among others.
pub struct Nodes {
    store: Store,
    /// By this nodes tell until when they are alive: it starts at the server's time, so that machines need not agree.
    clock: MachineClock,
    id: Arc<str>,
    seen: watch::Sender<Seen>,
    looks: AtomicBool,
    /// This machine's clock against the server's.
    pub server_clock: ServerClock,
}

/// What the last beat said.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    alive: Arc<[Arc<str>]>,
    /// None: for ever.
    alive_until: Option<Timestamp>,
    term: u64,
}

impl Nodes {
    /// Says for the first time that this node is alive, if there may be others.
    ///
    /// # Errors
    /// An error of the database.
    pub async fn join(store: Store) -> Result<Self, StoreError> {
        let Some(time) = store.server_time().await? else {
            let id: Arc<str> = "local".into();
            let seen = Seen { alive: [Arc::clone(&id)].into(), alive_until: None, term: 0 };
            return Ok(Self {
                store,
                clock: MachineClock::start(),
                id,
                seen: watch::Sender::new(seen),
                looks: true.into(),
                server_clock: ServerClock::default(),
            });
        };
        let clock = MachineClock::start_at(time);
        let id: Arc<str> = format!("node_{:016x}", random_bits() >> 64).into();
        let beat = store.beat(Arc::clone(&id), clock.steady()).await?;
        let seen = Seen { alive: beat.alive.into(), alive_until: Some(beat.alive_until), term: 0 };
        let seen = watch::Sender::new(seen);
        Ok(Self { store, clock, id, seen, looks: true.into(), server_clock: ServerClock::default() })
    }

    /// Its name among those that hold lanes.
    pub fn id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }

    /// How many are alive, itself counted.
    pub fn count(&self) -> usize {
        self.seen.borrow().alive.len()
    }

    /// Whether others may work on the same rows.
    pub fn is_shared(&self) -> bool {
        self.seen.borrow().alive_until.is_some()
    }

    /// The time by which nodes tell until when they are alive.
    pub fn now(&self) -> Timestamp {
        self.clock.steady()
    }

    /// Raised when this node's time had been over: what was taken before may be another's since.
    pub fn term(&self) -> u64 {
        self.seen.borrow().term
    }

    /// Whether a request may leave that belongs to what was taken in a term.
    pub fn may_send(&self, term: u64) -> bool {
        let seen = self.seen.borrow();
        seen.term == term && seen.alive_until.is_none_or(|until| self.clock.steady() < until)
    }

    /// Whether a lane is this node's to work on.
    pub fn owns(&self, lane: &LaneKey) -> bool {
        let seen = self.seen.borrow();
        spread::owner(&seen.alive, lane.publisher.as_str(), lane.destination.get()) == Some(&self.id)
    }

    /// Whether this node does what is done once for all of them.
    pub fn leads(&self) -> bool {
        self.seen.borrow().alive.first() == Some(&self.id)
    }

    /// Changes when nodes come, go, or were gone for a while.
    pub fn changes(&self) -> watch::Receiver<impl Sized + use<>> {
        self.seen.subscribe()
    }

    /// Waits until another node may have given up what it held; alone, for ever.
    pub async fn moment(&self) {
        match self.is_shared() {
            true => self.clock.wait_until(self.clock.steady().plus(limits::NODE_LOOK)).await,
            false => std::future::pending().await,
        }
    }

    /// Goes on saying that this node is alive, until dropped; `after` hears what each time brings.
    pub async fn run<F: Future<Output = ()>>(&self, after: impl Fn(Beat) -> F) {
        if !self.is_shared() {
            return std::future::pending().await;
        }
        let mut is_away = false;
        let mut doubts = self.store.doubts();
        loop {
            tokio::select! {
                () = self.clock.wait_until(self.clock.steady().plus(limits::NODE_BEAT)) => {}
                // Cancel-safe: only looks at a value.
                () = changed(&mut doubts) => {
                    tracing::warn!("Nobody knows what became of some work. This node takes its lanes anew, which finds out.");
                    self.seen.send_modify(|seen| seen.term += 1);
                    continue;
                }
            }
            match self.store.beat(Arc::clone(&self.id), self.clock.steady()).await {
                Ok(beat) => {
                    if std::mem::take(&mut is_away) {
                        tracing::info!("The database can be reached again.");
                    }
                    self.note(&beat);
                    after(beat).await;
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_away, true) {
                        tracing::warn!(%error, "This node cannot say that it is alive. It soon stops sending; nothing is lost.");
                    }
                }
            }
        }
    }

    fn note(&self, beat: &Beat) {
        self.seen.send_modify(|seen| {
            if *seen.alive != *beat.alive {
                tracing::info!(nodes = beat.alive.len(), "{} nodes are alive.", beat.alive.len());
                seen.alive = beat.alive.clone().into();
            }
            seen.alive_until = Some(beat.alive_until);
            if beat.had_lapsed {
                tracing::warn!("This node stood still for too long. Others may have taken its lanes; it takes what is its own anew.");
                seen.term += 1;
            }
        });
    }

    /// Looks again and again for work in this node's lanes that nobody told it of, and at its machine's clock, until dropped.
    pub async fn look(&self, clock: &dyn Clock, wake: impl Fn(&LaneKey)) {
        tokio::join!(self.look_for_work(clock, wake), self.server_clock.run(&self.store, clock));
    }

    async fn look_for_work(&self, clock: &dyn Clock, wake: impl Fn(&LaneKey)) {
        loop {
            self.moment().await;
            if !self.looks.load(Ordering::Relaxed) {
                continue;
            }
            // An error is told by the beat, and the next look sees the same and more.
            if let Ok(lanes) = self.store.lanes_with_work(self.id(), clock.steady()).await {
                lanes.iter().for_each(&wake);
            }
        }
    }

    /// Leaves off looking: from then on this node knows of work only what it is told, which shows that it is told.
    pub fn look_no_more(&self) {
        self.looks.store(false, Ordering::Relaxed);
    }

    /// Does what is done once for all nodes, whenever that is this node's part.
    pub async fn leading<F: Future<Output = ()>>(&self, work: impl Fn() -> F) {
        let mut seen = self.seen.subscribe();
        let leads = |it: &Seen| it.alive.first() == Some(&self.id);
        loop {
            // The sender lives as long as `self`.
            seen.wait_for(leads).await.ok();
            tokio::select! {
                () = work() => return,
                // Cancel-safe: only looks at a value. The work is in steps, each of which a later leader can take.
                _ = seen.wait_for(|it| !leads(it)) => {}
            }
        }
    }

    /// Says that this node ends in good order.
    pub async fn leave(&self) {
        if self.is_shared() {
            // An error means that its time runs out by itself.
            self.store.leave(self.id()).await.ok();
        }
    }
}

async fn changed(doubts: &mut Option<watch::Receiver<u64>>) {
    match doubts {
        // The sender lives as long as the store.
        Some(doubts) => drop(doubts.changed().await),
        None => std::future::pending().await,
    }
}
