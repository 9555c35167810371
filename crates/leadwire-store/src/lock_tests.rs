//! What is written under everybody's lock: a list, so that whoever adds to it must say why. All else waits for one publisher.

use crate::engine::Tx;
use crate::plan_tests::run_everything;
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::withhold::WithholdRule;
use rusqlite::Connection;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// What is written with nobody else writing meanwhile, on the way on which every method is called, and why.
const UNDER_EVERYBODYS_LOCK: &[(&str, &str)] = &[
    ("INSERT portal_user", "an e-mail address is one user's of the whole installation"),
    ("UPDATE portal_user", "a link is used with an address, which may be another's"),
    ("DELETE portal_session", "whoever uses a link is signed out everywhere"),
    ("DELETE portal_half", "the same"),
    ("INSERT portal_bond", "an account at a provider is one user's of the whole installation"),
    ("UPDATE portal_factor", "keys are rotated: every second factor"),
    ("INSERT publisher_key", "keys are rotated: everybody's"),
    ("DELETE publisher_key", "the same"),
    ("UPDATE meta", "rotated keys are a change of what is set up"),
    ("INSERT meta", "nodes agree on a master key, once for each start"),
    ("INSERT interest_rule", "rules of the service: nobody accepts by the old ones after it"),
    ("DELETE interest_rule", "the same"),
    ("INSERT withhold_rule", "the same"),
    ("DELETE withhold_rule", "the same"),
];

thread_local! {
    /// Whether the body that runs on this thread is about everybody.
    static IS_ABOUT_ALL: Cell<bool> = const { Cell::new(false) };
}

/// Writes under everybody's lock, by file.
static WRITTEN: Mutex<BTreeMap<String, BTreeSet<String>>> = Mutex::new(BTreeMap::new());

/// A body of which is noted what it writes, when it is about everybody.
pub(crate) fn noting<T>(
    scope: Scope,
    mut body: impl FnMut(&Tx<'_>) -> Result<T, StoreError>,
) -> impl FnMut(&Tx<'_>) -> Result<T, StoreError> {
    let is_about_all = scope == Scope::Everything;
    move |tx| {
        IS_ABOUT_ALL.set(is_about_all);
        let done = body(tx);
        IS_ABOUT_ALL.set(false);
        done
    }
}

/// Notes a statement; called for each that runs.
pub(crate) fn note(connection: &Connection, sql: &str) {
    let mut words = sql.split_whitespace();
    let (Some(verb @ ("INSERT" | "UPDATE" | "DELETE")), true) = (words.next(), IS_ABOUT_ALL.get()) else {
        return;
    };
    let table = words.find(|it| !["INTO", "FROM"].contains(it)).unwrap_or_default();
    let file = connection.path().unwrap_or_default().to_owned();
    WRITTEN.lock().unwrap().entry(file).or_default().insert(format!("{verb} {table}"));
}

#[tokio::test]
async fn one_publishers_writes_take_one_publishers_lock() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    run_everything(&store).await.unwrap();
    let rule = WithholdRule::parse("*", "example.com").unwrap();
    store.add_withhold_rule(rule.clone()).await.unwrap();
    store.remove_withhold_rule(rule).await.unwrap();
    drop(store);
    let file = folder.path().join("leadwire.db").canonicalize().unwrap();
    let written = WRITTEN.lock().unwrap().remove(file.to_str().unwrap()).unwrap();
    let listed: BTreeSet<String> = UNDER_EVERYBODYS_LOCK.iter().map(|it| it.0.to_owned()).collect();
    assert_eq!(written, listed, "move it to its publisher's lock, or say here why it is everybody's");
}
