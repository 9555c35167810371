//! Watches the free space of the data folder's disk, so that intake can say no while state can still be written.

use crate::clock::Clock;
use leadwire_core::limits;
use leadwire_store::Store;
use std::sync::atomic::{AtomicU64, Ordering};

/// Free space as last seen.
pub struct Disk {
    reserve_bytes: u64,
    free_bytes: AtomicU64,
}

impl Disk {
    /// Starts with one look.
    pub fn new(store: &Store, reserve_bytes: Option<u64>) -> Self {
        let disk = Self {
            reserve_bytes: reserve_bytes.unwrap_or(limits::DISK_RESERVE_BYTES),
            free_bytes: AtomicU64::new(u64::MAX),
        };
        disk.look(store);
        disk
    }

    /// Whether intake should say no.
    pub fn is_nearly_full(&self) -> bool {
        self.free_bytes() < self.reserve_bytes
    }

    /// Free space as last seen, in bytes.
    pub fn free_bytes(&self) -> u64 {
        self.free_bytes.load(Ordering::Relaxed)
    }

    /// Free space below which intake says no, in bytes.
    pub fn reserve_bytes(&self) -> u64 {
        self.reserve_bytes
    }

    /// Looks again.
    pub fn look(&self, store: &Store) {
        // A file system that does not say is taken as roomy: a full one then shows at the next commit.
        let free = store.free_bytes().unwrap_or(u64::MAX);
        let was_full = self.is_nearly_full();
        self.free_bytes.store(free, Ordering::Relaxed);
        if self.is_nearly_full() != was_full {
            let reserve = self.reserve_bytes;
            if was_full {
                tracing::info!(free_bytes = free, "The disk has space again. Leads are accepted.");
            } else {
                tracing::error!(
                    free_bytes = free,
                    reserve_bytes = reserve,
                    "The disk is nearly full. New leads are answered 503 until there is space; deliveries go on."
                );
            }
        }
    }

    /// Looks again and again, until dropped.
    pub async fn watch(&self, store: &Store, clock: &dyn Clock) {
        loop {
            clock.wait_until(clock.steady().plus(limits::DISK_LOOK_EVERY)).await;
            self.look(store);
        }
    }
}
