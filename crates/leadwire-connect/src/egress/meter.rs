//! Counts the calls of one attempt, lets no more out than were reserved for it, and reads what services say of their limits.
//!
//! It sits in the client, and not in connectors: whatever they do, no call leaves without being counted.

use super::error::{SendError, no_calls_left};
use crate::call_budget::ReadTold;
use http::HeaderMap;
use leadwire_core::budget::Told;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// The calls of an attempt, or of everything that is done outside lanes.
#[derive(Debug)]
pub struct Meter {
    /// Most calls; none: they are only counted.
    most: Option<u32>,
    made: AtomicU32,
    read: ReadTold,
    told: Mutex<Vec<Told>>,
}

impl Meter {
    /// A meter that lets so many calls out, or any number.
    pub fn new(most: Option<u32>, read: ReadTold) -> Self {
        Self { most, made: AtomicU32::new(0), read, told: Mutex::default() }
    }

    /// Calls made since this was asked last, and what the service said meanwhile: of each window the last word only.
    pub fn take(&self) -> (u32, Vec<Told>) {
        let told = std::mem::take(&mut *self.told());
        (self.made.swap(0, Ordering::AcqRel), told)
    }

    /// Counts calls again that were taken and could not be written down.
    pub fn put_back(&self, calls: u32) {
        self.made.fetch_add(calls, Ordering::AcqRel);
    }

    /// How many calls it lets out yet; none: any number.
    pub(super) fn left(&self) -> Option<u32> {
        self.most.map(|it| it.saturating_sub(self.made.load(Ordering::Acquire)))
    }

    pub(super) fn count(&self, calls: u32) -> Result<(), Box<SendError>> {
        let most = self.most.unwrap_or(u32::MAX);
        let counted = |made: u32| made.checked_add(calls).filter(|it| *it <= most);
        let counted = self.made.fetch_update(Ordering::AcqRel, Ordering::Acquire, counted);
        counted.map(drop).map_err(|_| no_calls_left().into())
    }

    /// Gives back calls that never left this machine.
    pub(super) fn uncount(&self, calls: u32) {
        let fewer = |made: u32| Some(made.saturating_sub(calls));
        // It always has a next value.
        self.made.fetch_update(Ordering::AcqRel, Ordering::Acquire, fewer).ok();
    }

    pub(super) fn hear(&self, headers: &HeaderMap) {
        for said in (self.read)(headers) {
            let mut told = self.told();
            told.retain(|it| it.length != said.length);
            told.push(said);
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Vec<Told>> {
        // Each change leaves the list whole, even after a panic elsewhere.
        self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
