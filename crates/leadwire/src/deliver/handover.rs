//! Touchpoints just accepted, kept parsed for the lanes that are about to deliver them, within a bound of bytes.

use leadwire_core::id::{DestinationNo, TouchpointId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Touchpoint;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

/// A parsed touchpoint with when it came.
pub(super) type Parsed = (Arc<Touchpoint>, Timestamp);

type Key = (TouchpointId, DestinationNo);

/// What was accepted lately. Losing an entry costs reading it from the store again, nothing else.
#[derive(Default)]
pub(super) struct Handover {
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    entries: HashMap<Key, (Parsed, usize)>,
    oldest_first: VecDeque<Key>,
    bytes: usize,
}

impl Handover {
    pub(super) fn put(&self, key: Key, parsed: Parsed, bytes: usize) {
        // An entry weighs a little more than its body: the parsed fields and the bookkeeping.
        let weight = bytes + 512;
        let mut shelf = self.shelf.lock().expect("the shelf's bookkeeping cannot panic");
        if shelf.entries.insert(key, (parsed, weight)).is_none() {
            shelf.oldest_first.push_back(key);
            shelf.bytes += weight;
        }
        while shelf.bytes > limits::HANDOVER_BYTES_MAX {
            let Some(oldest) = shelf.oldest_first.pop_front() else { break };
            if let Some((_, weight)) = shelf.entries.remove(&oldest) {
                shelf.bytes -= weight;
            }
        }
        // Taken entries leave their key behind; it is dropped here once keys are many more than entries.
        if shelf.oldest_first.len() > 2 * shelf.entries.len() + 1024 {
            let Shelf { entries, oldest_first, .. } = &mut *shelf;
            oldest_first.retain(|it| entries.contains_key(it));
        }
    }

    /// Forgets an entry.
    pub(super) fn forget(&self, key: Key) {
        drop(self.take(key));
    }

    pub(super) fn take(&self, key: Key) -> Option<Parsed> {
        let mut shelf = self.shelf.lock().expect("the shelf's bookkeeping cannot panic");
        let (parsed, weight) = shelf.entries.remove(&key)?;
        shelf.bytes -= weight;
        Some(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u128) -> Key {
        (TouchpointId::new(number), DestinationNo::new(1))
    }

    fn parsed() -> Parsed {
        (Arc::new(Touchpoint::default()), Timestamp::from_millis(0))
    }

    #[test]
    fn an_entry_is_taken_once() {
        let handover = Handover::default();
        handover.put(key(1), parsed(), 100);
        assert!(handover.take(key(1)).is_some());
        assert!(handover.take(key(1)).is_none());
    }

    #[test]
    fn the_oldest_entries_go_when_the_bound_is_reached() {
        let handover = Handover::default();
        let big = limits::HANDOVER_BYTES_MAX / 4;
        for number in 0..10 {
            handover.put(key(number), parsed(), big);
        }
        assert!(handover.take(key(0)).is_none());
        assert!(handover.take(key(9)).is_some());
        let shelf = handover.shelf.lock().expect("not poisoned");
        assert!(shelf.bytes <= limits::HANDOVER_BYTES_MAX);
    }

    #[test]
    fn keys_of_taken_entries_do_not_pile_up() {
        let handover = Handover::default();
        for number in 0..10_000 {
            handover.put(key(number), parsed(), 1);
            handover.take(key(number));
        }
        assert!(handover.shelf.lock().expect("not poisoned").oldest_first.len() <= 1025);
    }
}
