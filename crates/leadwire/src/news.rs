//! Taking up what nodes tell each other of their commits: a lead that another node took in for a lane of this one leaves at
//! once, and what another node heard of a customer reaches what this one has in hand.

use crate::clock::Clock;
use crate::deliver::Lanes;
use crate::directory::Directory;
use crate::nodes::Nodes;
use leadwire_store::Store;
use leadwire_store::erasures::Begun;
use leadwire_store::news::News;
use std::sync::Arc;

/// Who takes up what.
pub struct Ear<'a> {
    /// Where news come from.
    pub store: &'a Store,
    /// What is set up.
    pub directory: &'a Directory,
    /// Who works.
    pub lanes: &'a Arc<Lanes>,
    /// Which node this is.
    pub nodes: &'a Nodes,
    /// The time.
    pub clock: &'a dyn Clock,
}

impl Ear<'_> {
    /// Takes up news until dropped. What this node told itself changes nothing a second time.
    pub async fn run(&self) {
        if let Some(mut news) = self.store.news() {
            // Cancel-safe: what was taken out is taken up before anything is waited for but the set-up, which is read again.
            while let Some(it) = news.recv().await {
                self.take_up(it).await;
            }
        }
        std::future::pending().await
    }

    async fn take_up(&self, news: News) {
        match news {
            News::Work(lane) => self.lanes.wake(&lane),
            News::Gate(lane) => self.lanes.look(&lane),
            News::Refused(publisher, lead) => self.lanes.refuse(&publisher, lead),
            News::Erased(publisher, lead) => {
                self.lanes.erase(&publisher, &Begun { leads: vec![lead], ..Begun::default() });
            }
            News::SetUp => self.read_set_up().await,
            News::Missed => {
                self.read_set_up().await;
                // An error is told by the beat, and the next look sees the same and more.
                let found = self.store.lanes_with_work(self.nodes.id(), self.clock.steady()).await;
                found.unwrap_or_default().iter().for_each(|it| self.lanes.wake(it));
            }
        }
    }

    async fn read_set_up(&self) {
        // Whoever changed it has read it anew already.
        if self.store.setup_version().await.is_ok_and(|it| it == self.directory.now().setup.version) {
            return;
        }
        if let Err(error) = self.directory.refresh().await {
            tracing::warn!(%error, "What is set up could not be read. It is read again with the next beat.");
        }
    }
}
