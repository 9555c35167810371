//! Durable: what was accepted, what is owed to whom, and what came of each try. The only SQL in the program.
//!
//! One writer thread commits in groups, so that many callers share one flush to disk; readers have connections
//! of their own. Every transaction body is a plain function over [`engine::Tx`], written for any engine.

pub mod accept;
mod acts;
pub mod audit;
pub mod backup;
pub mod bonds;
mod budgets;
pub mod bulk;
mod database;
pub mod deliveries;
pub mod engine;
pub mod erasures;
pub mod errands;
mod error;
pub mod factors;
mod failure;
pub mod failures;
pub mod feedback;
pub mod feedback_readings;
pub mod floor;
mod fold;
mod folder;
pub mod follow_ups;
mod foresight;
pub mod halves;
pub mod idempotency;
mod job;
pub mod lanes;
pub mod leads;
pub mod ledger;
pub mod letters;
pub mod master_key;
pub mod members;
pub mod merges;
mod migrations;
pub mod moving;
pub mod news;
pub mod nodes;
pub mod notices;
mod pages;
mod patience;
pub mod portal_links;
pub mod postgres;
pub mod quarantine;
pub mod replays;
pub mod reports;
pub mod retention;
pub mod reveals;
pub mod rows;
pub mod search;
pub mod sessions;
pub mod setup;
mod sqlite;
mod standing;
pub mod statements;
mod store;
pub mod suggestions;
pub mod unrouted;
pub mod users;
pub mod verify;
pub mod views;

#[cfg(test)]
mod lock_tests;
#[cfg(test)]
mod plan_audit_tests;
#[cfg(test)]
mod plan_bulk_tests;
#[cfg(test)]
mod plan_erasure_tests;
#[cfg(test)]
mod plan_merges_tests;
#[cfg(test)]
mod plan_notices_tests;
#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod plan_users_tests;

pub use database::Database;
pub use error::StoreError;
pub use patience::waiting_at_most;
pub use store::Store;
