//! What the model's turns reserve of a budget, as the store's do: the other ring compares every answer.

use crate::mistake::{Mistake, made};
use crate::model::Model;
use crate::rows::State;
use leadwire_core::budget::{Asked, Book, Budget, Count, Granted, Told, fill_until, is_scarce};
use leadwire_core::lane::Claim;
use leadwire_core::time::Timestamp;
use std::time::Duration;

/// A budget that is open for the length of a turn.
pub(crate) struct Desk<'a> {
    asked: &'a Asked,
    now: Timestamp,
    book: Book<'a>,
    free: u32,
    is_short: bool,
    fill_until: Option<Timestamp>,
}

impl Model {
    /// The counts of an account, window by window.
    pub(crate) fn counts(&self, lane: usize, budget: &Budget) -> Vec<Count> {
        let windows =
            budget.windows.iter().map(|it| self.counts.get(&place(lane, budget, it.length)).cloned());
        windows.map(Option::unwrap_or_default).collect()
    }

    pub(crate) fn keep(&mut self, lane: usize, budget: &Budget, counts: &[Count]) {
        for (window, count) in budget.windows.iter().zip(counts) {
            self.counts.insert(place(lane, budget, window.length), count.clone());
        }
    }

    pub(crate) fn spend_aside(&mut self, lane: usize, budget: &Budget, told: &[Told], now: Timestamp) {
        let mut book = Book::open(budget, self.counts(lane, budget), now);
        book.spend(1, now);
        book.hear(told, now);
        let counts = book.counts().to_vec();
        self.keep(lane, budget, &counts);
    }

    /// What a process that died had reserved is nobody's: a mistake, since it may have made those calls.
    pub(crate) fn forget_reservations(&mut self) {
        self.counts.values_mut().flat_map(|it| &mut it.spent).for_each(|it| it.held = 0);
    }

    /// Since when the first deliveries that could be claimed are due.
    pub(crate) fn due(&self, lane: usize, now: Timestamp, most: usize) -> Vec<Timestamp> {
        let is_due = |at: i64| at <= now.millis();
        let mut due: Vec<i64> = (self.deliveries.iter())
            .filter(|it| it.lane == lane && it.state == State::Pending && it.claim == 0 && is_due(it.due_at))
            .map(|it| it.due_at)
            .collect();
        due.sort_unstable();
        due.truncate(most);
        due.into_iter().map(Timestamp::from_millis).collect()
    }
}

fn place(lane: usize, budget: &Budget, length: Duration) -> (String, i64) {
    let account = if made(Mistake::DestinationsCountApart) {
        format!("{}, {lane}", budget.account)
    } else {
        budget.account.clone()
    };
    (account, i64::try_from(length.as_millis()).expect("a window ends"))
}

impl<'a> Desk<'a> {
    pub(crate) fn open(asked: &'a Asked, counts: Vec<Count>, now: Timestamp) -> Self {
        let mut book = Book::open(&asked.budget, counts, now);
        book.settle(&asked.back, now);
        book.hear(&asked.told, now);
        Self { asked, now, book, free: 0, is_short: false, fill_until: None }
    }

    /// The counts, to be kept.
    pub(crate) fn counts(&self) -> &[Count] {
        self.book.counts()
    }

    /// How many may be claimed. `due` tells since when so many deliveries are due.
    pub(crate) fn room(&mut self, room: usize, due: impl Fn(usize) -> Vec<Timestamp>) -> usize {
        let Asked { queued, batches, batch_max, .. } = *self.asked;
        if batches == 0 || (room == 0 && queued == 0) {
            return 0;
        }
        let least = self.least();
        self.free = self.book.free(self.now);
        if self.free < least {
            if queued == 0 && due(1).is_empty() && !made(Mistake::AsksForNobody) {
                self.free = 0;
                return room;
            }
            if queued > 0 || !due(1).is_empty() {
                self.free = self.book.free_for(least, self.now);
            }
        }
        if self.free < least {
            (self.free, self.is_short) = (0, true);
            return 0;
        }
        if queued == 0 && batch_max > 1 && is_scarce(&self.book, self.now) {
            let first = due(batch_max);
            self.fill_until = fill_until(&first, batch_max, self.now);
        }
        if self.fill_until.is_some() { 0 } else { room }
    }

    fn least(&self) -> u32 {
        self.asked.budget.cost.least(1).min(self.book.most())
    }

    /// Reserves what the claims want.
    pub(crate) fn close(&mut self, claims: &[Claim]) -> Granted {
        let (most, least) = (self.book.most(), self.least());
        let alone = claims.iter().filter(|it| it.standing.erases).count();
        let together = self.asked.queued + claims.len() - alone;
        let wanted = self.asked.wanted(together).saturating_add(self.asked.wanted_alone(alone));
        let calls = wanted.min(self.free);
        let until = self.book.reserve(calls, self.now);
        let is_short = self.is_short || calls < wanted;
        let later = Timestamp::from_millis(self.now.millis() + 1);
        let more_at = is_short.then(|| self.book.ask_at(least, self.now).max(later));
        let left = Some(self.book.free(self.now)).filter(|_| most < u32::MAX);
        Granted { calls, until, most, next_at: self.fill_until.or(more_at), left }
    }
}
