//! Proofs that are under way: their steps so far, for whoever comes back to look on, and the work that goes on when nobody does.

use leadwire_connect::validation::{Onlooker, Step};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_store::lanes::LaneKey;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// All proofs that are under way on this node.
pub struct UnderWay {
    proofs: Mutex<HashMap<LaneKey, Arc<Begun>>>,
    tasks: Mutex<JoinSet<()>>,
    ended: watch::Sender<u64>,
}

/// One of them.
pub struct Begun {
    /// Which: `validate`, `look`, `test-lead` or `prepare`.
    pub what: &'static str,
    /// Since when.
    pub begun_at: Timestamp,
    steps: Mutex<Vec<Step>>,
}

impl Begun {
    /// The steps that have ended.
    pub fn steps(&self) -> Vec<Step> {
        locked(&self.steps).clone()
    }
}

/// A proof by the one who makes it. Dropped, it is under way no more, whatever came of it.
pub struct Making<'a> {
    all: &'a UnderWay,
    lane: LaneKey,
    begun: Arc<Begun>,
}

impl Making<'_> {
    /// Writes down each step as it ends.
    pub fn onlooker(&self) -> Onlooker {
        let begun = Arc::clone(&self.begun);
        Arc::new(move |step| locked(&begun.steps).push(step.clone()))
    }

    /// Since when.
    pub fn begun_at(&self) -> Timestamp {
        self.begun.begun_at
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let mut proofs = locked(&self.all.proofs);
        // Somebody may have begun another one meanwhile: that one stays.
        if proofs.get(&self.lane).is_some_and(|it| Arc::ptr_eq(it, &self.begun)) {
            proofs.remove(&self.lane);
        }
        drop(proofs);
        self.all.ended.send_modify(|it| *it += 1);
    }
}

/// There are as many already as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

impl Default for UnderWay {
    fn default() -> Self {
        let (proofs, tasks) = (Mutex::default(), Mutex::new(JoinSet::new()));
        Self { proofs, tasks, ended: watch::Sender::new(0) }
    }
}

impl UnderWay {
    /// Counts the proofs that ended; for whoever waits for one.
    pub fn ended(&self) -> watch::Receiver<u64> {
        self.ended.subscribe()
    }

    /// A proof of a destination begins. Of two at a time the newer one is shown.
    pub fn begin(&self, lane: LaneKey, what: &'static str, now: Timestamp) -> Making<'_> {
        let begun = Arc::new(Begun { what, begun_at: now, steps: Mutex::default() });
        locked(&self.proofs).insert(lane.clone(), Arc::clone(&begun));
        Making { all: self, lane, begun }
    }

    /// The proof of a destination that is under way.
    pub fn of(&self, lane: &LaneKey) -> Option<Arc<Begun>> {
        locked(&self.proofs).get(lane).map(Arc::clone)
    }

    /// Works on, whether or not anybody waits for it, until it is done or the program stops.
    ///
    /// # Errors
    /// There are as many already as may be, and nothing was begun.
    pub fn go_on(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<(), TooMany> {
        let mut tasks = locked(&self.tasks);
        // What ended by a panic has said so in the log, and its lane's proof is under way no more.
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= limits::PROOFS_UNDER_WAY_MAX {
            return Err(TooMany);
        }
        tasks.spawn(work);
        Ok(())
    }

    /// Ends all of it. A test lead that was just written stays where it is, marked as one.
    pub async fn stop(&self) {
        let mut tasks = std::mem::take(&mut *locked(&self.tasks));
        tasks.shutdown().await;
    }
}

fn locked<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().expect("nothing panics while it is held")
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadwire_core::id::{DestinationNo, PublisherId};

    fn lane() -> LaneKey {
        LaneKey {
            publisher: PublisherId::parse("contoso").expect("a name"),
            destination: DestinationNo::new(1),
        }
    }

    #[test]
    fn the_newer_of_two_is_shown_until_it_ends() {
        let all = UnderWay::default();
        let first = all.begin(lane(), "look", Timestamp::from_millis(1));
        let second = all.begin(lane(), "validate", Timestamp::from_millis(2));
        second.onlooker()(&Step::passed("settings", "Read the settings", "they are fine"));
        let shown = all.of(&lane()).expect("it is under way");
        assert_eq!((shown.what, shown.steps().len()), ("validate", 1));
        drop(first);
        assert!(all.of(&lane()).is_some(), "the other one goes on");
        drop(second);
        assert!(all.of(&lane()).is_none());
        assert_eq!(*all.ended().borrow(), 2);
    }

    #[tokio::test]
    async fn work_goes_on_without_anybody_and_is_bounded() {
        let all = UnderWay::default();
        let (told, mut heard) = tokio::sync::mpsc::channel(1);
        all.go_on(async move { told.send(()).await.expect("it is waited for") }).expect("there is room");
        assert_eq!(heard.recv().await, Some(()));
        while locked(&all.tasks).len() < limits::PROOFS_UNDER_WAY_MAX {
            all.go_on(std::future::pending()).expect("there is room");
        }
        assert_eq!(all.go_on(async {}), Err(TooMany));
        all.stop().await;
        all.go_on(async {}).expect("there is room again");
    }
}
