//! A node of an earlier release beside one of a later: what runs goes on, and what starts is refused.

use crate::desk::{Desk, of_customer};
use crate::engine;
use leadwire_store::accept::Accepted;
use leadwire_store::moving::{GoOn, MoveError};
use leadwire_store::{Database, Store, StoreError};

#[tokio::test]
async fn a_node_goes_on_when_a_newer_one_adds_to_the_schema_and_starts_no_more() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    // What steps do between two releases: they add.
    let folder = desk.folder.path().to_owned();
    let newer = "SET leadwire.publishers = '*';
        ALTER TABLE touchpoint ADD COLUMN told BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE delivery ADD COLUMN hint TEXT COLLATE \"C\" NOT NULL DEFAULT '';
        CREATE TABLE later (publisher_id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY);
        CREATE INDEX touchpoint_told ON touchpoint (publisher_id, told);
        INSERT INTO schema_step (number) VALUES (999);
        SELECT 1::bigint";
    std::thread::spawn(move || engine::ask(&folder, newer)).join().unwrap().unwrap();

    let version = desk.version().await;
    let accepted = desk.store.accept(version, [of_customer(2, 1)].into()).await.unwrap().unwrap();
    assert!(matches!(accepted[0], Accepted::Stored { .. }), "it takes in");
    let token = desk.take(crate::desk::NOON).await;
    assert_eq!(desk.claim(token, 9, crate::desk::NOON).await.len(), 1, "and delivers");
    assert_eq!(desk.ledger().await.touchpoints, 2);
    let refused = engine::open(desk.folder.path()).err();
    assert!(matches!(refused, Some(StoreError::Newer { found: 999, .. })), "{refused:?}");
}

#[tokio::test]
async fn moving_onto_a_database_of_an_older_release_is_refused_and_changes_nothing() {
    let (desk, source) = (Desk::new().await, tempfile::tempdir().unwrap());
    desk.accept(of_customer(1, 1)).await;
    let now = desk.store.server_time().await.unwrap().unwrap();
    desk.store.beat("node_1".into(), now).await.unwrap();
    let Desk { store, folder, .. } = desk;
    drop(store);
    drop(Store::open(source.path()).unwrap());
    // Without what came last: a step of the schema, and the walls of one table.
    let older = "DROP INDEX quarantine_became; ALTER TABLE replay DROP COLUMN asked_by;
        ALTER TABLE lead DISABLE ROW LEVEL SECURITY;
        DELETE FROM schema_step WHERE number = 30";
    let state = || {
        let folder = folder.path().to_owned();
        let sql = |last: &str| format!("SET leadwire.publishers = '*'; {last}");
        let asked = [
            sql("SELECT MAX(number) FROM schema_step"),
            sql("SELECT COUNT(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
            sql("SELECT COUNT(*) FROM pg_class WHERE relrowsecurity"),
            sql("SELECT COUNT(*) FROM touchpoint"),
        ];
        std::thread::spawn(move || asked.map(|it| engine::ask(&folder, &it).unwrap())).join().unwrap()
    };
    let run = |sql: &'static str| {
        let folder = folder.path().to_owned();
        let sql = format!("SET leadwire.publishers = '*'; {sql}; SELECT 1::bigint");
        std::thread::spawn(move || engine::ask(&folder, &sql)).join().unwrap().unwrap();
    };
    run(older);
    let before = state();
    assert_eq!((before[0], before[3]), (29, 1));
    let (from, to) = (Database::Folder(source.path().to_owned()), engine::database(folder.path()));
    let moved = || {
        let (from, to) = (from.clone(), to.clone());
        std::thread::spawn(move || Store::move_all(&from, &to, &mut |_| GoOn::Continue(()))).join().unwrap()
    };
    let refused = moved().unwrap_err();
    assert!(matches!(refused, MoveError::InUse(_)), "a node lives there: {refused}");
    assert_eq!(state(), before);
    run("DELETE FROM node");
    let refused = moved().unwrap_err();
    assert!(matches!(refused, MoveError::NotEmpty(_)), "{refused}");
    assert_eq!(state(), before);
}
