//! Whether to send at once or to wait for a fuller batch: when calls are scarce, each should carry as many leads as it can.

use super::Book;
use crate::defect::{Defect, seeded};
use crate::limits;
use crate::time::Timestamp;

/// Whether calls are scarce: less than a quarter of a long window is left. A short one fills again before it matters.
pub fn is_scarce(book: &Book<'_>, now: Timestamp) -> bool {
    book.each().filter(|(window, _)| window.length >= limits::QUOTA_SHORTEST).any(|(window, count)| {
        let (free, allowed) = (count.free(window, now), count.allowed(window));
        allowed < u32::MAX && u64::from(free) * 4 < u64::from(allowed)
    })
}

/// Until when a batch that is not full is waited with, while calls are scarce. None: send now. `due` are the moments since which
/// the first deliveries could be sent, up to a batch; one that is urgent has its head start in it, and so waits for less.
pub fn fill_until(due: &[Timestamp], batch_max: usize, now: Timestamp) -> Option<Timestamp> {
    if due.len() >= batch_max {
        return None;
    }
    let until = due.iter().map(|it| it.plus(limits::FILL_WAIT)).min();
    if seeded(Defect::FillsForEver) {
        return until.map(|_| now.plus(limits::FILL_WAIT));
    }
    until.filter(|it| *it > now)
}
