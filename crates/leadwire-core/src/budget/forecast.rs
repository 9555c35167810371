//! How long a backlog will take, and how long a budget will last, as far as the last hour tells.

use super::{Book, Budget, Count};
use crate::limits;
use crate::time::Timestamp;
use std::time::Duration;

/// What is left in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowLeft {
    /// How long it is.
    pub length: Duration,
    /// Calls that everybody together may make in it; none: the service has not said it yet.
    pub limit: Option<u32>,
    /// Calls of ours that count in it, reserved ones among them.
    pub used: u32,
    /// Calls of others, as the service said last.
    pub others: u32,
    /// Calls that may be made now, without the share that is kept for others; none: not known.
    pub left: Option<u32>,
}

/// What is to be expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Window by window.
    pub windows: Vec<WindowLeft>,
    /// When what waits now will have been sent, if the destination takes it; none when nothing waits.
    pub drained_at: Option<Timestamp>,
    /// When the calls run out if they go on as in the last hour; none when they do not.
    pub lasts_until: Option<Timestamp>,
}

/// A forecast at `now` for so many waiting deliveries, in batches of up to `batch_max`.
pub fn forecast(
    budget: &Budget,
    counts: Vec<Count>,
    (waiting, batch_max): (u64, usize),
    now: Timestamp,
) -> Forecast {
    let book = Book::open(budget, counts, now);
    let windows = book.each().map(|(window, count)| {
        let limit = count.limit(window);
        WindowLeft {
            length: window.length,
            limit,
            used: count.used(),
            others: count.used_by_others(window, now),
            left: limit.map(|_| count.free(window, now)),
        }
    });
    let windows = windows.collect();
    let drained_at = (waiting > 0).then(|| drained_at(&book, waiting, batch_max, now));
    Forecast { windows, drained_at, lasts_until: lasts_until(&book, now) }
}

/// When the calls for the whole backlog will have been free: window by window, a full one after the other.
fn drained_at(book: &Book<'_>, waiting: u64, batch_max: usize, now: Timestamp) -> Timestamp {
    let batches = waiting.div_ceil(u64::try_from(batch_max.max(1)).unwrap_or(u64::MAX));
    let first = usize::try_from(waiting).unwrap_or(usize::MAX).min(batch_max);
    let calls = batches.saturating_mul(book.budget.cost.usual(first).into());
    let at = book.each().map(|(window, count)| {
        let allowed = u64::from(count.allowed(window));
        // As many whole windows as it takes, and what is left of the calls after them.
        let (whole, rest) = ((calls.saturating_sub(1)) / allowed, (calls - 1) % allowed + 1);
        let rest = count.free_at(window, u32::try_from(rest).unwrap_or(u32::MAX), now);
        rest.plus(window.length.saturating_mul(u32::try_from(whole).unwrap_or(u32::MAX)))
    });
    at.max().unwrap_or(now)
}

fn lasts_until(book: &Book<'_>, now: Timestamp) -> Option<Timestamp> {
    let at = book.each().filter(|(window, _)| window.length >= limits::QUOTA_SHORTEST).filter_map(
        |(window, count)| {
            let hour_ago = now.minus(limits::FORECAST_LOOK_BACK);
            let recent = count.spent.iter().filter(|it| it.until > hour_ago);
            let recent: u64 = recent.map(|it| u64::from(it.sent) + u64::from(it.held)).sum();
            let left = u64::from(count.limit(window).map(|_| count.free(window, now))?);
            let hour = u64::try_from(limits::FORECAST_LOOK_BACK.as_millis()).unwrap_or(u64::MAX);
            let lasts = Duration::from_millis(left.saturating_mul(hour).checked_div(recent)?);
            // By then the first calls of the window have passed out of it, and it lasts on.
            (lasts < window.length).then(|| now.plus(lasts))
        },
    );
    at.min()
}
