//! Whether to send at once or to wait for a fuller batch: when calls are scarce, each should carry as many leads as it can.

use super::Book;
use crate::limits;
use crate::time::Timestamp;

/// A delivery that could be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Since when.
    pub due_at: Timestamp,
    /// Whether its customer asked to be called.
    pub is_urgent: bool,
}

/// Whether calls are scarce: less than a quarter of a long window is left. A short one fills again before it matters.
pub fn is_scarce(book: &Book<'_>, now: Timestamp) -> bool {
    book.each().filter(|(window, _)| window.length >= limits::QUOTA_SHORTEST).any(|(window, count)| {
        let (free, allowed) = (count.free(window, now), count.allowed(window));
        allowed < u32::MAX && u64::from(free) * 4 < u64::from(allowed)
    })
}

/// Until when a batch that is not full is waited with, while calls are scarce. None: send now. `waiting` has the first of
/// those that could be sent, up to a batch.
pub fn fill_until(waiting: &[Waiting], batch_max: usize, now: Timestamp) -> Option<Timestamp> {
    if waiting.len() >= batch_max {
        return None;
    }
    let patience = |it: &Waiting| if it.is_urgent { limits::FILL_WAIT_URGENT } else { limits::FILL_WAIT };
    waiting.iter().map(|it| it.due_at.plus(patience(it))).min().filter(|it| *it > now)
}
