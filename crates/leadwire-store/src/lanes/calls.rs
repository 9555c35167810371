//! What a lane's turn reserves of its budget: in the transaction that claims, so that nothing is claimed without its calls.

use super::{Claim, LaneKey, Turn};
use crate::engine::{Param, Tx};
use crate::{StoreError, budgets};
use leadwire_core::budget::{Asked, Book, Count, Granted, fill_until, is_scarce};
use leadwire_core::time::Timestamp;

/// A budget that is open for the length of a turn.
pub(super) struct Desk<'a> {
    lane: &'a LaneKey,
    asked: &'a Asked,
    now: Timestamp,
    before: Vec<Count>,
    book: Book<'a>,
    /// Calls that may be reserved.
    free: u32,
    /// Whether there are too few of them for anything.
    is_short: bool,
    /// Until when a fuller batch is waited for.
    fill_until: Option<Timestamp>,
}

/// Opens the budget of a turn, if it has one, and notes what came of earlier calls.
pub(super) fn open<'a>(
    tx: &Tx<'_>,
    lane: &'a LaneKey,
    turn: &'a Turn,
) -> Result<Option<Desk<'a>>, StoreError> {
    let Some(asked) = &turn.calls else { return Ok(None) };
    let before = budgets::lock(tx, &lane.publisher, &asked.budget)?;
    let mut book = Book::open(&asked.budget, before.clone(), turn.now);
    book.settle(&asked.back, turn.now);
    book.hear(&asked.told, turn.now);
    Ok(Some(Desk { lane, asked, now: turn.now, before, book, free: 0, is_short: false, fill_until: None }))
}

impl Desk<'_> {
    /// How many deliveries may be claimed: none while there are no calls for one, and none while calls are scarce and a
    /// fuller batch is worth waiting for.
    pub(super) fn room(&mut self, tx: &Tx<'_>, room: usize) -> Result<usize, StoreError> {
        let Asked { queued, batches, batch_max, .. } = *self.asked;
        if batches == 0 || (room == 0 && queued == 0) {
            // Nothing can be begun. What waits asks again when a batch has ended.
            return Ok(0);
        }
        self.free = self.book.free(self.now);
        if self.free < self.least() {
            if queued == 0 && due(tx, self.lane, self.now, 1)?.is_empty() {
                // Nobody waits for calls: the lane looks again when somebody is due, and not when there are some.
                self.free = 0;
                return Ok(room);
            }
            // There is somebody to send, so an old word about others may be asked about.
            self.free = self.book.free_for(self.least(), self.now);
        }
        if self.free < self.least() {
            (self.free, self.is_short) = (0, true);
            return Ok(0);
        }
        if queued == 0 && batch_max > 1 && is_scarce(&self.book, self.now) {
            let first = due(tx, self.lane, self.now, batch_max)?;
            self.fill_until = fill_until(&first, batch_max, self.now);
        }
        Ok(if self.fill_until.is_some() { 0 } else { room })
    }

    /// Calls without which nothing can be begun.
    fn least(&self) -> u32 {
        self.asked.budget.cost.least(1).min(self.book.most())
    }

    /// Reserves what the deliveries want that are in hand now, and writes the counts down.
    pub(super) fn close(mut self, tx: &Tx<'_>, claims: &[Claim]) -> Result<Granted, StoreError> {
        let (most, least) = (self.book.most(), self.least());
        // A deletion goes alone.
        let alone = claims.iter().filter(|it| it.standing.erases).count();
        let together = self.asked.queued.saturating_add(claims.len() - alone);
        let wanted = self.asked.wanted(together).saturating_add(self.asked.wanted_alone(alone));
        let calls = wanted.min(self.free);
        let until = self.book.reserve(calls, self.now);
        budgets::keep(tx, &self.lane.publisher, &self.asked.budget, (&self.before, self.book.counts()))?;
        let is_short = self.is_short || calls < wanted;
        // Never at once: nobody asks twice in one moment.
        let later = Timestamp::from_millis(self.now.millis().saturating_add(1));
        let more_at = is_short.then(|| self.book.ask_at(least, self.now).max(later));
        let left = Some(self.book.free(self.now)).filter(|_| most < u32::MAX);
        Ok(Granted { calls, until, most, next_at: self.fill_until.or(more_at), left })
    }
}

/// Since when the first deliveries that could be claimed are due, up to `most` of them.
fn due(tx: &Tx<'_>, lane: &LaneKey, now: Timestamp, most: usize) -> Result<Vec<Timestamp>, StoreError> {
    tx.query(
        "SELECT due_at
         FROM delivery
         WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND claim = 0 AND due_at <= $3
         ORDER BY due_at
         LIMIT $4",
        &[
            Param::Text(lane.publisher.as_str()),
            Param::Int(lane.destination.get().into()),
            Param::Int(now.millis()),
            Param::Int(i64::try_from(most).unwrap_or(i64::MAX)),
        ],
        |row| row.time(0),
    )
}
