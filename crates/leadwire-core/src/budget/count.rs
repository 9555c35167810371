//! The calls of one window: which were made, which are reserved, and what others used.

use super::{Back, Told, Window};
use crate::defect::{Defect, seeded};
use crate::limits;
use crate::time::Timestamp;
use std::time::Duration;

/// Calls that count until a window's length after a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// No call of these is made after this moment.
    pub until: Timestamp,
    /// Calls that were made.
    pub sent: u32,
    /// Calls that are reserved: made, not made, or lost with a process that died.
    pub held: u32,
}

/// What a service said of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Others {
    /// When it was heard last.
    pub at: Timestamp,
    /// Calls the service allows.
    pub limit: u32,
    /// Calls made then by others than us.
    pub used: u32,
    /// When a call was last let through to hear it anew.
    pub looked_at: Timestamp,
}

/// The calls of one window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// By the moment, each once.
    pub spent: Vec<Spent>,
    /// What the service said; none before the first answer that says it.
    pub others: Option<Others>,
}

impl Count {
    /// Drops what has passed out of the window. What a clock that was set back since left in the future is brought to now.
    pub(super) fn forget(&mut self, window: &Window, now: Timestamp) {
        let length = if seeded(Defect::CountEndsEarly) { window.length / 2 } else { window.length };
        self.spent.retain(|it| it.until.plus(length) > now && it.sent.saturating_add(it.held) > 0);
        let waited = if seeded(Defect::LateTurnShortens) { Duration::ZERO } else { limits::TURN_WAITED };
        let latest = window.slot_end(now.plus(limits::CALLS_HELD + waited));
        for ahead in self.spent.extract_if(.., |it| it.until > latest).collect::<Vec<_>>() {
            self.at(latest).sent += ahead.sent;
            self.at(latest).held += ahead.held;
        }
        if let Some(others) = &mut self.others {
            let late = |it: Timestamp| if it > now.plus(waited) { now } else { it };
            others.at = late(others.at);
            others.looked_at = late(others.looked_at);
        }
    }

    fn at(&mut self, until: Timestamp) -> &mut Spent {
        let place = match self.spent.binary_search_by_key(&until, |it| it.until) {
            Ok(place) => place,
            Err(place) => {
                self.spent.insert(place, Spent { until, sent: 0, held: 0 });
                place
            }
        };
        &mut self.spent[place]
    }

    pub(super) fn hold(&mut self, window: &Window, calls: u32, until: Timestamp) {
        let it = self.at(window.slot_end(until));
        it.held = it.held.saturating_add(calls);
    }

    pub(super) fn spend(&mut self, window: &Window, calls: u32, now: Timestamp) {
        if calls > 0 {
            let it = self.at(window.slot_end(now));
            it.sent = it.sent.saturating_add(calls);
        }
    }

    pub(super) fn settle(&mut self, window: &Window, back: Back, now: Timestamp) {
        let until = window.slot_end(back.until);
        if until.plus(window.length) <= now {
            return;
        }
        let it = self.at(until);
        if !seeded(Defect::CallsAreNotGivenBack) {
            it.held = it.held.saturating_sub(back.sent.saturating_add(back.unused));
        }
        if seeded(Defect::CallsAreNotCounted) {
            return;
        }
        // They were made before this moment, and before the end of the reservation.
        self.spend(window, back.sent, now.min(back.until));
    }

    pub(super) fn hear(&mut self, told: Told, now: Timestamp) {
        if self.others.is_some_and(|it| it.at > now) {
            // A turn that waited for the store brings an older word than another one did meanwhile.
            return;
        }
        let sent = self.spent.iter().fold(0u32, |sum, it| sum.saturating_add(it.sent));
        // What is reserved may have been made already, and is then among the others': rather too many than too few.
        let used = told.used.saturating_sub(sent);
        self.others = Some(Others { at: now, limit: told.limit.max(1), used, looked_at: now });
    }

    pub(super) fn limit(&self, window: &Window) -> Option<u32> {
        match (self.others, window.calls) {
            (Some(it), Some(calls)) if window.is_set && !seeded(Defect::PersonIsOverbid) => {
                Some(it.limit.min(calls))
            }
            (Some(it), _) => Some(it.limit),
            (None, calls) => calls,
        }
    }

    pub(super) fn allowed(&self, window: &Window) -> u32 {
        self.limit(window).map_or(u32::MAX, |it| window.allowed(it))
    }

    /// Calls that count now, those of others apart.
    pub(super) fn used(&self) -> u32 {
        self.spent.iter().fold(0, |sum, it| sum.saturating_add(it.sent).saturating_add(it.held))
    }

    /// Calls of others, as far as they may still be in the window.
    pub(super) fn used_by_others(&self, window: &Window, now: Timestamp) -> u32 {
        let others = self.others.filter(|it| it.at.plus(window.length) > now);
        others.filter(|_| !seeded(Defect::OthersAreIgnored)).map_or(0, |it| it.used)
    }

    pub(super) fn free(&self, window: &Window, now: Timestamp) -> u32 {
        let taken = self.used().saturating_add(self.used_by_others(window, now));
        self.allowed(window).saturating_sub(taken)
    }

    /// Whether nothing but an old word about others is in the way of so many calls.
    pub(super) fn may_look(&self, window: &Window, calls: u32, now: Timestamp) -> bool {
        let is_old = self.others.is_none_or(|it| it.looked_at.plus(limits::TOLD_AGAIN) <= now)
            && !seeded(Defect::OldWordIsNeverAsked);
        self.free(window, now) >= calls
            || (is_old && self.allowed(window).saturating_sub(self.used()) >= calls)
    }

    pub(super) fn look(&mut self, now: Timestamp) {
        if let Some(others) = &mut self.others
            && !seeded(Defect::LookIsNotNoted)
        {
            others.looked_at = now;
        }
    }

    /// Whether there are reservations that may still be told of.
    pub(super) fn has_reserved(&self, now: Timestamp) -> bool {
        self.spent.iter().any(|it| it.held > 0 && it.until > now)
    }

    pub(super) fn free_at(&self, window: &Window, calls: u32, now: Timestamp) -> Timestamp {
        if self.free(window, now) >= calls {
            return now;
        }
        let mut left = self.allowed(window).saturating_sub(self.used());
        let mut own_at = now;
        for it in &self.spent {
            if left >= calls {
                break;
            }
            left = left.saturating_add(it.sent).saturating_add(it.held);
            own_at = it.until.plus(window.length);
        }
        // What others use is heard again by a look, in a long window long before all of it has passed.
        let is_theirs = self.used_by_others(window, own_at) > 0;
        let again = |it: Others| it.looked_at.plus(limits::TOLD_AGAIN).min(it.at.plus(window.length));
        let look_at = self.others.filter(|_| is_theirs).map(again);
        look_at.map_or(own_at, |it| it.max(own_at))
    }
}
