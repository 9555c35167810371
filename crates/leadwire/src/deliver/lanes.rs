//! All lanes of this process: starting them, waking them, restarting one that panicked, and stopping them in order.

use super::handover::Handover;
use super::lane::{Lane, LaneEnd};
use crate::clock::Clock;
use crate::directory::Directory;
use crate::telemetry::Metrics;
use leadwire_core::id::TouchpointId;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Touchpoint;
use leadwire_store::lanes::LaneKey;
use leadwire_store::{Store, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// Why the lanes ended.
#[derive(Debug)]
pub enum LanesEnded {
    /// They were asked to.
    Stopped,
    /// The store failed under them.
    Store(StoreError),
}

/// All lanes of this process.
pub struct Lanes {
    store: Store,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    handover: Arc<Handover>,
    bells: RwLock<HashMap<LaneKey, Arc<Notify>>>,
    turns: Arc<watch::Sender<u64>>,
}

impl Lanes {
    /// Puts the parts together; [`Lanes::run`] starts the work.
    pub fn new(
        store: Store,
        directory: Arc<Directory>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let handover = Arc::new(Handover::default());
        let turns = Arc::new(watch::Sender::new(0));
        Self { store, directory, clock, metrics, handover, bells: RwLock::default(), turns }
    }

    /// Gives a lane a touchpoint that was just committed, and wakes it.
    pub fn hand_over(
        &self,
        lane: &LaneKey,
        touchpoint: TouchpointId,
        received_at: Timestamp,
        parsed: &Arc<Touchpoint>,
        bytes: usize,
    ) {
        self.handover.put((touchpoint, lane.destination), (Arc::clone(parsed), received_at), bytes);
        self.wake(lane);
    }

    /// Wakes a lane: there is work, or it was resumed. A lane that does not run yet finds its work when it starts.
    pub fn wake(&self, lane: &LaneKey) {
        if let Some(bell) = self.bells.read().expect("the bells' bookkeeping cannot panic").get(lane) {
            bell.notify_one();
        }
    }

    /// Counts the turns that lanes have committed: who waits for a delivery to come to rest looks after each.
    pub fn turns(&self) -> watch::Receiver<u64> {
        self.turns.subscribe()
    }

    /// Runs every lane until `stop`, then lets requests in flight finish.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) -> LanesEnded {
        let mut tasks: JoinSet<(LaneKey, LaneEnd)> = JoinSet::new();
        let mut owners: HashMap<tokio::task::Id, LaneKey> = HashMap::new();
        let mut changes = self.directory.changes();
        let mut ended = LanesEnded::Stopped;
        loop {
            if !*stop.borrow() {
                self.start_missing(&mut tasks, &mut owners, &stop);
            } else if tasks.is_empty() {
                return ended;
            }
            tokio::select! {
                // Cancel-safe: a finished task stays in the set until it is taken.
                Some(done) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                    match done {
                        Ok((task, (lane, end))) => {
                            owners.remove(&task);
                            self.forget(&lane);
                            if let LaneEnd::Store(error) = end {
                                // Without its store no lane can go on. The owner of the program decides what then.
                                ended = LanesEnded::Store(error);
                                tasks.shutdown().await;
                                return ended;
                            }
                        }
                        Err(error) => {
                            // A panic: the lane starts anew, and what it had in flight counts as interrupted.
                            if let Some(lane) = owners.remove(&error.id()) {
                                tracing::error!(publisher = %lane.publisher, destination = %lane.destination,
                                    "A lane panicked. It is started again.");
                                self.forget(&lane);
                            }
                        }
                    }
                }
                // Cancel-safe: both only look at a value.
                changed = changes.changed() => if changed.is_err() { return ended },
                changed = stop.changed() => if changed.is_err() { return ended },
            }
        }
    }

    fn start_missing(
        &self,
        tasks: &mut JoinSet<(LaneKey, LaneEnd)>,
        owners: &mut HashMap<tokio::task::Id, LaneKey>,
        stop: &watch::Receiver<bool>,
    ) {
        let setup = self.directory.now();
        let mut bells = self.bells.write().expect("the bells' bookkeeping cannot panic");
        for key in setup.lanes() {
            if bells.contains_key(key) {
                continue;
            }
            let bell = Arc::new(Notify::new());
            bells.insert(key.clone(), Arc::clone(&bell));
            let lane = Lane {
                key: key.clone(),
                store: self.store.clone(),
                directory: Arc::clone(&self.directory),
                clock: Arc::clone(&self.clock),
                metrics: Arc::clone(&self.metrics),
                handover: Arc::clone(&self.handover),
                bell,
                turns: Arc::clone(&self.turns),
                stop: stop.clone(),
            };
            let key = key.clone();
            let task = tasks.spawn(async move { (lane.key.clone(), lane.run().await) });
            owners.insert(task.id(), key);
        }
    }

    fn forget(&self, lane: &LaneKey) {
        self.bells.write().expect("the bells' bookkeeping cannot panic").remove(lane);
    }
}
