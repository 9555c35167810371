//! What a harness was answered, and what became of it after the restart.

use super::load::{self, Answered, Loaded, Target};
use super::sink::Sink;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Deliveries at a sink that are not in a book.
#[derive(Clone, Copy, Default)]
pub struct Others {
    /// Those of other books.
    pub before: usize,
    /// The most there may be of leads that were answered too late to count.
    pub strays_max: usize,
}

/// What the harness was answered, and what became of it.
#[derive(Default)]
pub struct Book {
    /// The number of its first key.
    pub first: u64,
    /// The id of each key's touchpoint, as last answered.
    pub ids: HashMap<u64, String>,
    /// Keys whose 202 was read before the fault.
    pub acknowledged: u64,
    /// Keys that were sent and not answered, or answered with a refusal.
    pub unanswered: u64,
    /// Of these, the ones that turned out to be stored.
    pub unanswered_stored: u64,
    /// Keys that were answered with a refusal: their sender must send again, and whether they are stored is open.
    pub refused: u64,
    /// Keys that were answered 202 and were not there after the restart.
    pub lost: u64,
    /// Touchpoints that the ledger lacks after a restart.
    pub missing: u64,
    /// The most that the ledger had too many.
    pub doubled: u64,
}

impl Book {
    /// A book whose keys begin with this number.
    pub fn starting_at(first: u64) -> Self {
        Self { first, ..Self::default() }
    }

    /// The first number that no key has.
    pub fn next(&self) -> u64 {
        self.first + self.count()
    }

    fn count(&self) -> u64 {
        u64::try_from(self.ids.len()).expect("a count fits")
    }

    /// Sends everything again to a program that was started anew: what was answered 202 must be there under the same
    /// id. Looks at the ledger too.
    ///
    /// # Errors
    /// When the program does not answer 202 to all of it, or its ledger does not add up.
    pub async fn settle(&mut self, target: &Target, loaded: Loaded) -> anyhow::Result<()> {
        self.ask_again(target, loaded).await?;
        self.add_up(target).await
    }

    /// Sends everything again, without a look at the ledger, which counts all rows and takes long when there are many.
    ///
    /// # Errors
    /// When the program does not answer 202 to all of it.
    pub async fn ask_again(&mut self, target: &Target, loaded: Loaded) -> anyhow::Result<()> {
        let count = |it: usize| u64::try_from(it).expect("a count fits");
        self.acknowledged += count(loaded.acknowledged.len());
        self.unanswered += count(loaded.unanswered.len() + loaded.refused.len());
        self.refused += count(loaded.refused.len());
        let promised: HashMap<u64, String> =
            loaded.acknowledged.into_iter().map(|it| (it.number, it.id)).collect();
        let refused = loaded.refused.into_iter().map(|it| it.number);
        let again = promised.keys().copied().chain(loaded.unanswered).chain(refused).collect();
        for Answered { number, id, duplicate, .. } in load::send_again(target, again).await? {
            match promised.get(&number) {
                Some(promised) if duplicate && *promised == id => {}
                Some(_) => self.lost += 1,
                None => self.unanswered_stored += u64::from(duplicate),
            }
            self.ids.insert(number, id);
        }
        Ok(())
    }

    /// Compares the number of touchpoints with the ledger's.
    ///
    /// # Errors
    /// When the ledger does not add up.
    pub async fn add_up(&mut self, target: &Target) -> anyhow::Result<()> {
        let ledger = target.ledger().await?;
        let touchpoints = ledger["touchpoints"].as_u64().context("a ledger counts touchpoints")?;
        self.missing = self.count().saturating_sub(touchpoints);
        self.doubled = self.doubled.max(touchpoints.saturating_sub(self.count()));
        ensure!(ledger["adds_up"] == true, "the ledger does not add up: {ledger}");
        Ok(())
    }

    /// A lead that was never sent is taken for acknowledged: how many the book then misses, which must be one. The
    /// book is of no use afterwards.
    ///
    /// # Errors
    /// As [`Book::ask_again`].
    pub async fn miss_one_never_sent(&mut self, target: &Target) -> anyhow::Result<u64> {
        let before = self.lost;
        let never =
            Answered { number: self.next(), id: "tp_never".to_owned(), duplicate: false, late: false };
        self.ask_again(target, Loaded { acknowledged: vec![never], ..Loaded::default() }).await?;
        Ok(self.lost - before)
    }

    /// Waits until nothing is pending, and counts the touchpoints that arrived.
    ///
    /// # Errors
    /// When something stays pending, or arrived that nobody sent.
    pub async fn drain(
        &self,
        target: &Target,
        sink: &Sink,
        destination: &Value,
        others: Others,
    ) -> anyhow::Result<usize> {
        let expected = others.before + self.ids.len();
        sink.wait_for(expected).await?;
        let account = sink.settle(target).await?;
        let name = |id: &String| format!("dlv_{}_{destination}", &id[3..]);
        let arrived = self.ids.values().filter(|id| sink.has(&name(id))).count();
        ensure!(
            arrived < self.ids.len() || sink.distinct() <= expected + others.strays_max,
            "{} deliveries arrived that nobody sent",
            sink.distinct() - expected
        );
        ensure!(
            sink.refused() == 0,
            "the endpoint refused {} requests, by their signature perhaps",
            sink.refused()
        );
        ensure!(
            account["delivered"].as_u64() == Some(u64::try_from(arrived)?),
            "{arrived} arrived, but: {account}"
        );
        Ok(arrived)
    }

    /// Its figures.
    pub fn figures(&self) -> Value {
        json!({
            "acknowledged": self.acknowledged, "lost": self.lost + self.missing, "doubled": self.doubled,
            "unanswered": self.unanswered, "unanswered_stored": self.unanswered_stored, "refused": self.refused,
        })
    }
}
