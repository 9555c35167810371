//! Making replays: kept touchpoints are read back, routed by the routes as they are now, and owed what they lack.

use crate::bodies;
use crate::clock::Clock;
use crate::deliver::Lanes;
use crate::directory::{Directory, Snapshot};
use leadwire_core::filter::Filter;
use leadwire_core::limits;
use leadwire_core::routing::Routed;
use leadwire_core::touchpoint::Action;
use leadwire_store::lanes::LaneKey;
use leadwire_store::leads::StoredTouchpoint;
use leadwire_store::replays::{Only, Replay, ReplayStep, Replayed, Stepped};
use leadwire_store::rows::Channel;
use leadwire_store::{Store, StoreError};
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// Makes what is to be made, one step at a time, until there is none.
pub struct Replays {
    store: Store,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    lanes: Arc<Lanes>,
    bell: Notify,
    steps: watch::Sender<u64>,
}

impl Replays {
    /// Puts the parts together; [`Replays::run`] starts the work.
    pub fn new(store: Store, directory: Arc<Directory>, clock: Arc<dyn Clock>, lanes: Arc<Lanes>) -> Self {
        Self { store, directory, clock, lanes, bell: Notify::new(), steps: watch::Sender::new(0) }
    }

    /// Says that there is a new one.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Counts the steps that were tried; for whoever waits for one.
    pub fn steps(&self) -> watch::Receiver<u64> {
        self.steps.subscribe()
    }

    /// Works again and again, until dropped. Dropping it in the middle leaves the rest for the next start.
    pub async fn run(&self) {
        loop {
            match self.round().await {
                // Each running one gets a step in turn, so that a long one does not hold up a short one.
                Ok(true) => {}
                Ok(false) => self.bell.notified().await,
                Err(error) => {
                    tracing::warn!(%error, "A replay could not go on. It is tried again.");
                    self.clock.wait_until(self.clock.steady().plus(limits::LANE_AGAIN)).await;
                }
            }
        }
    }

    /// One step of each that runs; says whether there was one. One that cannot go on holds up no other.
    async fn round(&self) -> Result<bool, StoreError> {
        let running = self.store.running_replays().await?;
        let mut first = Ok(!running.is_empty());
        for replay in running {
            let stepped = self.step(replay).await;
            first = first.and_then(|is_any| stepped.map(|()| is_any));
            self.steps.send_modify(|it| *it += 1);
        }
        first
    }

    async fn step(&self, replay: Replay) -> Result<(), StoreError> {
        let page = self.store.replay_page(replay.clone(), limits::REPLAY_STEP).await?;
        let to = page.last().filter(|_| page.len() == limits::REPLAY_STEP).map(|it| it.id);
        // It was read when it was asked for; one that this version cannot read takes up nothing.
        let text = &replay.selection.filter;
        let filter = (!text.is_empty()).then(|| Filter::parse(text).ok());
        for _ in 0..limits::ROUTING_ROUNDS_MAX {
            let setup = self.directory.now();
            let (mut items, mut passed_by) = (Vec::new(), Vec::new());
            for kept in &page {
                match decide(&setup, (&replay, filter.as_ref()), kept) {
                    Ok(item) => items.push(item),
                    Err(why) => passed_by.push(why),
                }
            }
            let step = ReplayStep { replay: replay.clone(), items, passed_by, to, now: self.clock.steady() };
            match self.store.replay_step(setup.setup.version, step).await? {
                Stepped::Made(destinations) => {
                    for destination in destinations {
                        self.lanes.wake(&LaneKey { publisher: replay.publisher.clone(), destination });
                    }
                    return Ok(());
                }
                Stepped::NotHere => return Ok(()),
                Stepped::SetupChanged => self.directory.refresh().await?,
            }
        }
        Err(StoreError::Busy)
    }
}

/// Where a kept touchpoint goes by the routes as they are now, as far as the replay is about it; or why it is passed by.
fn decide(
    setup: &Snapshot,
    (replay, filter): (&Replay, Option<&Option<Filter>>),
    kept: &StoredTouchpoint,
) -> Result<Replayed, &'static str> {
    let wanted = &replay.selection;
    if !replay.offers.have(kept.offer.as_ref()) {
        return Err("other_offer");
    }
    if !wanted.source.is_empty() && wanted.source != kept.source {
        return Err("other_source");
    }
    if !wanted.action.is_empty() && wanted.action != kept.action {
        return Err("other_action");
    }
    let read = bodies::read_back(&replay.publisher, kept).ok();
    if let Some(filter) = filter {
        let filter = filter.as_ref().ok_or("filter_unreadable")?;
        let read = read.as_ref().ok_or("unreadable")?;
        if !filter.takes(read).map_err(|_| "filter_untold")? {
            return Err("filter");
        }
    }
    let routed = match (wanted.only, replay.destination) {
        // It is owed there already, whatever routes say now.
        (Some(Only::Parked), Some(destination)) => vec![Routed { destination, suppressed: None }],
        _ => {
            // What cannot be read any more goes nowhere, and stays where it is.
            let routable = read.filter(|_| kept.channel != Channel::Person);
            let decision = routable.map(|it| setup.route(&replay.publisher, &it)).unwrap_or_default();
            let is_meant = |it: &Routed| replay.destination.is_none_or(|wanted| wanted == it.destination);
            decision.routed.into_iter().filter(is_meant).collect()
        }
    };
    Ok(Replayed {
        touchpoint: kept.id,
        lead: kept.lead,
        is_do_not_contact: kept.action == Action::DoNotContact.as_str(),
        routed,
    })
}
