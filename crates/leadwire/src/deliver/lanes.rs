//! All lanes of this process: starting them, waking them, restarting one that panicked, and stopping them in order.

use super::door::{Door, Standing};
use super::handover::Handover;
use super::lane::{Lane, LaneEnd};
use crate::clock::Clock;
use crate::directory::Directory;
use crate::nodes::Nodes;
use crate::telemetry::Metrics;
use leadwire_connect::Payload;
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, PublisherId, TouchpointId};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Touchpoint;
use leadwire_store::accept::{Accept, Accepted, Committed};
use leadwire_store::erasures::Begun;
use leadwire_store::lanes::{LaneKey, LaneToken};
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
    doors: RwLock<HashMap<LaneKey, Arc<Door>>>,
    turns: Arc<watch::Sender<u64>>,
    news: Arc<Notify>,
    heard: watch::Sender<u64>,
    nodes: Arc<Nodes>,
}

impl Lanes {
    /// Puts the parts together; [`Lanes::run`] starts the work.
    pub fn new(
        store: Store,
        directory: Arc<Directory>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        nodes: Arc<Nodes>,
    ) -> Self {
        let handover = Arc::new(Handover::default());
        let turns = Arc::new(watch::Sender::new(0));
        let news = Arc::new(Notify::new());
        let (doors, heard) = (RwLock::default(), watch::Sender::new(0));
        Self { store, directory, clock, metrics, handover, doors, turns, news, heard, nodes }
    }

    /// Rings when a lane was paused or works again, and that is on disk.
    pub fn news(&self) -> Arc<Notify> {
        Arc::clone(&self.news)
    }

    /// Looks for room in the lanes that these deliveries go to, and keeps the parsed touchpoint at hand for those
    /// without. Comes before the commit: what is not committed is forgotten.
    pub fn prepare(
        self: &Arc<Self>,
        lane: LaneKey,
        touchpoint: TouchpointId,
        received_at: Timestamp,
        parsed: &Arc<Touchpoint>,
        bytes: usize,
    ) -> Place {
        let door = self.door(&lane);
        let is_elsewhere = door.is_none() && self.nodes.is_shared();
        let token = door.and_then(|it| it.reserve());
        if token.is_none() && !is_elsewhere {
            self.handover.put((touchpoint, lane.destination), (Arc::clone(parsed), received_at), bytes);
        }
        Place { lane, token, is_elsewhere }
    }

    /// Wakes a lane: there is work in the store. A lane that does not run yet finds its work when it starts.
    pub fn wake(&self, lane: &LaneKey) {
        if let Some(door) = self.door(lane) {
            door.ring();
        }
    }

    /// Has a lane look at what the store says of it: somebody paused or resumed it there.
    pub fn look(&self, lane: &LaneKey) {
        if let Some(door) = self.door(lane) {
            door.have_looked();
        }
    }

    /// How many lanes are paused, and how many tripped.
    pub fn shut(&self) -> (usize, usize) {
        let doors = self.doors.read().expect("the doors' bookkeeping cannot panic");
        let count = |standing| doors.values().filter(|it| it.standing() == standing).count();
        (count(Standing::Paused), count(Standing::Tripped))
    }

    /// Tells the publisher's lanes that a customer must not be contacted: what they hold of the lead and have not begun
    /// to send is marked before it is.
    pub fn refuse(&self, publisher: &PublisherId, lead: LeadId) {
        let doors = self.doors.read().expect("the doors' bookkeeping cannot panic");
        doors.iter().filter(|it| it.0.publisher == *publisher).for_each(|it| it.1.refuse(lead));
        drop(doors);
        self.heard.send_modify(|it| *it += 1);
    }

    /// Counts the wishes not to be contacted that lanes were told of.
    pub fn heard(&self) -> watch::Receiver<u64> {
        self.heard.subscribe()
    }

    /// Takes erased leads out of all that lanes hold in memory, and wakes those that have a deletion to bring. Comes after
    /// the commit that erased them.
    pub fn erase(&self, publisher: &PublisherId, begun: &Begun) {
        for id in &begun.stopped {
            self.handover.forget((id.touchpoint, id.destination));
        }
        let doors = self.doors.read().expect("the doors' bookkeeping cannot panic");
        for (_, door) in doors.iter().filter(|it| it.0.publisher == *publisher) {
            begun.leads.iter().for_each(|it| door.erase(*it));
        }
        drop(doors);
        begun.told.iter().for_each(|it| self.wake(it));
    }

    fn door(&self, lane: &LaneKey) -> Option<Arc<Door>> {
        self.doors.read().expect("the doors' bookkeeping cannot panic").get(lane).map(Arc::clone)
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
        let mut nodes = self.nodes.changes();
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
                // Cancel-safe: all only look at a value.
                changed = changes.changed() => if changed.is_err() { return ended },
                changed = stop.changed() => if changed.is_err() { return ended },
                changed = nodes.changed() => if changed.is_err() { return ended },
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
        let mut doors = self.doors.write().expect("the doors' bookkeeping cannot panic");
        for key in setup.lanes() {
            if doors.contains_key(key) || !self.nodes.owns(key) {
                continue;
            }
            let door = Arc::new(Door::default());
            doors.insert(key.clone(), Arc::clone(&door));
            let lane = Lane {
                key: key.clone(),
                store: self.store.clone(),
                directory: Arc::clone(&self.directory),
                clock: Arc::clone(&self.clock),
                metrics: Arc::clone(&self.metrics),
                handover: Arc::clone(&self.handover),
                door,
                turns: Arc::clone(&self.turns),
                news: Arc::clone(&self.news),
                nodes: Arc::clone(&self.nodes),
                stop: stop.clone(),
            };
            let key = key.clone();
            let task = tasks.spawn(async move { (lane.key.clone(), lane.run().await) });
            owners.insert(task.id(), key);
        }
    }

    fn forget(&self, lane: &LaneKey) {
        self.doors.write().expect("the doors' bookkeeping cannot panic").remove(lane);
    }
}

/// A delivery's place: reserved in its lane's room, or in the store.
pub struct Place {
    lane: LaneKey,
    token: Option<LaneToken>,
    is_elsewhere: bool,
}

/// The places of the deliveries of one commit. Dropped before the commit, they are given back.
pub struct Places {
    lanes: Arc<Lanes>,
    /// One list for each touchpoint, in their order.
    places: Vec<Vec<Place>>,
}

impl Places {
    /// Holds places until their commit.
    pub fn new(lanes: &Arc<Lanes>, places: Vec<Vec<Place>>) -> Self {
        Self { lanes: Arc::clone(lanes), places }
    }

    /// The leases under which a touchpoint's deliveries may be claimed.
    pub fn offered(places: &[Place]) -> Vec<(DestinationNo, LaneToken)> {
        places.iter().filter_map(|it| Some((it.lane.destination, it.token?))).collect()
    }

    /// Destinations whose lanes are other nodes'.
    pub fn elsewhere(places: &[Place]) -> Vec<DestinationNo> {
        places.iter().filter(|it| it.is_elsewhere).map(|it| it.lane.destination).collect()
    }

    /// Brings what was committed to its lanes: what is claimed goes in, and the others are woken.
    pub fn fill(mut self, items: &[Accept], committed: &Committed) {
        for (publisher, lead) in &committed.refused {
            self.lanes.refuse(publisher, *lead);
        }
        committed.told.iter().for_each(|it| self.lanes.wake(it));
        for (at, destination, claim) in &committed.claimed {
            let Some(place) = self.places[*at].iter_mut().find(|it| it.lane.destination == *destination)
            else {
                continue;
            };
            let item = &items[*at];
            // The wish may have come in the same commit, behind what was claimed.
            let is_refused = committed.refused.iter().any(|it| it.1 == claim.lead);
            let mut claim = *claim;
            claim.standing.do_not_contact |= is_refused;
            let payload = Payload {
                delivery: DeliveryId { touchpoint: claim.touchpoint, destination: *destination },
                publisher: item.publisher.clone(),
                lead: claim.lead,
                received_at: item.received_at,
                touchpoint: Arc::clone(&item.parsed),
                attempt: claim.number,
                standing: claim.standing,
                message: None,
                mapping: None,
            };
            place.token = None;
            if let Some(door) = self.lanes.door(&place.lane) {
                door.give(claim, payload);
            }
        }
        for (at, accepted) in committed.accepted.iter().enumerate() {
            if matches!(accepted, Accepted::Stored { .. }) {
                let is_claimed = |place: &Place| {
                    committed.claimed.iter().any(|it| it.0 == at && it.1 == place.lane.destination)
                };
                self.places[at].iter().filter(|it| !is_claimed(it)).for_each(|it| self.lanes.wake(&it.lane));
            }
        }
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        for place in self.places.iter().flatten().filter(|it| it.token.is_some()) {
            if let Some(door) = self.lanes.door(&place.lane) {
                door.give_back();
            }
        }
    }
}
