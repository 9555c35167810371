//! What a store is: this list of facts. A second engine is one when it passes the same list.

#![expect(clippy::unwrap_used, reason = "a test may panic, its harness too")]

mod accept;
mod audit_log;
mod bonds;
mod budgets;
mod bulk;
mod desk;
mod distributed;
mod doubts;
mod engine;
mod erased_histories;
mod erasures;
mod erasures_by_address;
mod factors;
mod feedback;
mod file;
mod file_life;
mod lanes;
mod ledger;
mod letters;
mod life;
mod listings;
mod master_keys;
mod merges;
mod moves;
mod notices;
mod people;
mod portal_links;
mod replays;
mod reveals;
mod search;
mod setup;
mod standing;
mod suggestions;
mod together;
mod users;
mod verify;
