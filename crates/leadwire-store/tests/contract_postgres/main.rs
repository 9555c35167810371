//! What a store is, on PostgreSQL: the same list of facts as on a file.
//!
//! The server is the one of `LEADWIRE_TEST_POSTGRES`, which `scripts/test` starts.

#![expect(clippy::unwrap_used, reason = "a test may panic, its harness too")]

#[path = "../contract/accept.rs"]
mod accept;
#[path = "../contract/audit_log.rs"]
mod audit_log;
mod blocks;
#[path = "../contract/bonds.rs"]
mod bonds;
#[path = "../contract/budgets.rs"]
mod budgets;
#[path = "../contract/bulk.rs"]
mod bulk;
#[path = "../contract/desk.rs"]
mod desk;
#[path = "../contract/doubts.rs"]
mod doubts;
mod engine;
#[path = "../contract/erased_histories.rs"]
mod erased_histories;
#[path = "../contract/erasures.rs"]
mod erasures;
#[path = "../contract/erasures_by_address.rs"]
mod erasures_by_address;
#[path = "../contract/factors.rs"]
mod factors;
#[path = "../contract/feedback.rs"]
mod feedback;
#[path = "../contract/lanes.rs"]
mod lanes;
#[path = "../contract/ledger.rs"]
mod ledger;
#[path = "../contract/letters.rs"]
mod letters;
#[path = "../contract/life.rs"]
mod life;
#[path = "../contract/listings.rs"]
mod listings;
#[path = "../contract/master_keys.rs"]
mod master_keys;
#[path = "../contract/merges.rs"]
mod merges;
#[path = "../contract/moves.rs"]
mod moves;
#[path = "../contract/notices.rs"]
mod notices;
mod own_locks;
#[path = "../contract/people.rs"]
mod people;
#[path = "../contract/portal_links.rs"]
mod portal_links;
#[path = "../contract/replays.rs"]
mod replays;
#[path = "../contract/reveals.rs"]
mod reveals;
#[path = "../contract/search.rs"]
mod search;
#[path = "../contract/setup.rs"]
mod setup;
#[path = "../contract/standing.rs"]
mod standing;
#[path = "../contract/suggestions.rs"]
mod suggestions;
mod tls;
#[path = "../contract/together.rs"]
mod together;
mod trips;
mod upgrades;
#[path = "../contract/users.rs"]
mod users;
#[path = "../contract/verify.rs"]
mod verify;
mod walls;

#[test]
fn every_fact_that_is_not_of_files_is_checked_here() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let is_of_files =
            ["main.rs", "engine.rs", "file.rs", "file_life.rs", "distributed.rs"].contains(&name.as_str());
        assert!(is_of_files || include_str!("main.rs").contains(&format!("contract/{name}")), "{name}");
    }
}
