//! A node of an earlier release beside one of a later: what runs goes on, and what starts is refused.

use crate::desk::{Desk, of_customer};
use crate::engine;
use leadwire_store::StoreError;
use leadwire_store::accept::Accepted;

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
