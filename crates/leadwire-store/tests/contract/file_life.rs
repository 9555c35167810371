//! The life of a file: opened once, ended by a failure, brought up to date, looked at from outside.

use crate::desk::{Desk, contoso, of_customer, touchpoint};
use crate::engine::{self, open};
use leadwire_core::id::LeadId;
use leadwire_core::interest::Interest;
use leadwire_core::standing::InterestBy;
use leadwire_core::touchpoint::{Action, Touchpoint};
use leadwire_store::StoreError;
use leadwire_store::accept::{Accept, Accepted};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

#[tokio::test]
async fn a_folder_is_open_once_in_this_process_and_in_any_other() {
    let desk = Desk::new().await;
    let again = open(desk.folder.path());
    assert!(matches!(again, Err(StoreError::Held(_))), "{:?}", again.err());
    assert_eq!(open_in_a_child(desk.folder.path()), "held");
    let folder = desk.folder;
    drop(desk.store);
    assert_eq!(open_in_a_child(folder.path()), "open");
    assert!(open(folder.path()).is_ok());
}

/// Runs this very test program again, with only the fact below, which then opens `folder`.
fn open_in_a_child(folder: &Path) -> String {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["file_life::a_child_opens_what_it_is_told_to", "--exact", "--nocapture"])
        .env("LEADWIRE_TEST_FOLDER", folder)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().find_map(|it| it.split_once("child:")).unwrap().1.to_owned()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the way from a parent to its child in a test")]
fn a_child_opens_what_it_is_told_to() {
    let Some(folder) = std::env::var_os("LEADWIRE_TEST_FOLDER") else { return };
    match open(Path::new(&folder)) {
        Ok(_) => println!("child:open"),
        Err(StoreError::Held(_)) => println!("child:held"),
        Err(error) => println!("child:{error}"),
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let desk = Desk::new().await;
    desk.store.write(|tx| tx.query("PRAGMA user_version = 999", &[], |_| Ok(()))).await.unwrap();
    let folder = desk.folder;
    drop(desk.store);
    let newer = open(folder.path());
    assert!(matches!(newer, Err(StoreError::Newer { found: 999, .. })), "{:?}", newer.err());
}

#[tokio::test]
async fn a_folder_that_cannot_be_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert!(matches!(open(&file.join("data")), Err(StoreError::Folder(..))));
    std::fs::write(
        folder.path().join("leadwire.db"),
        "this is no database, whatever its name says".repeat(99),
    )
    .unwrap();
    assert!(matches!(open(folder.path()), Err(StoreError::Failed(_))));
}

#[tokio::test]
async fn a_panic_in_a_body_ends_the_store_and_says_so() {
    let desk = Desk::new().await;
    let store = desk.store.clone();
    let failure = tokio::spawn(async move { store.failure().await });
    let panicked = desk
        .store
        .write(|tx| -> Result<(), StoreError> {
            tx.execute("INSERT INTO meta (name, value) VALUES ('half', 1)", &[])?;
            panic!("on purpose")
        })
        .await;
    assert!(matches!(panicked, Err(StoreError::Closed)), "{panicked:?}");
    assert!(desk.store.has_failed());
    assert_eq!(failure.await.unwrap(), "a body panicked in the writer");
    let after = desk.store.write(|_| Ok(())).await;
    assert!(matches!(after, Err(StoreError::Closed)), "{after:?}");
    let desk = desk.reopened();
    let half =
        desk.store.read(|tx| tx.find("SELECT COUNT(*) FROM meta", &[], |row| row.int(0))).await.unwrap();
    assert_eq!(half, Some(1));
}

#[tokio::test]
async fn a_commit_that_fails_ends_the_store() {
    let desk = Desk::new().await;
    let failed = desk
        .store
        .write(|tx| {
            // A promise that is checked at the commit, and broken.
            tx.execute("CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT", &[])?;
            tx.execute(
                "CREATE TABLE b (a INTEGER REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED) STRICT",
                &[],
            )?;
            tx.execute("INSERT INTO b (a) VALUES (1)", &[])
        })
        .await;
    assert!(matches!(failed, Err(StoreError::Failed(_))), "{failed:?}");
    assert!(desk.store.has_failed());
    let reason = desk.store.failure().await;
    assert!(reason.starts_with("commit: "), "{reason}");
}

#[tokio::test]
async fn a_full_disk_is_told_and_stores_nothing_and_the_store_goes_on() {
    let desk = Desk::new().await;
    let sql = "PRAGMA page_count";
    let pages = desk.store.read(move |tx| tx.find(sql, &[], |row| row.int(0))).await.unwrap().unwrap();
    assert!(pages < 200, "{pages}");
    desk.store.write(|tx| tx.query("PRAGMA max_page_count = 200", &[], |_| Ok(()))).await.unwrap();
    let version = desk.version().await;
    let mut big = of_customer(1, 1);
    big.body = vec![b' '; 2_000_000].into();
    let full = desk.store.accept(version, [of_customer(2, 2), big].into()).await;
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    assert_eq!(desk.ledger().await.touchpoints, 0);
    assert!(matches!(desk.accept(of_customer(3, 3)).await, Accepted::Stored { .. }));
    assert!(!desk.store.has_failed());
}

/// What takes every later step's tables and columns away again.
const UNDO: &[&str] = &[
    "DROP INDEX quarantine_became",
    "DROP TABLE proof_told",
    "DROP TABLE user_letter",
    "DROP TABLE reveal",
    "ALTER TABLE retention DROP COLUMN readers_reveal",
    "DROP TABLE saved_view",
    "DROP TABLE moving",
    "DROP TABLE node",
    "DROP TABLE bulk_job",
    "DROP INDEX delivery_in_job",
    "DROP TABLE portal_bond",
    "DROP TABLE portal_errand",
    "DROP TABLE portal_link",
    "DROP TABLE portal_half",
    "DROP TABLE portal_recovery",
    "DROP TABLE portal_factor",
    "DROP TABLE portal_session",
    "DROP TABLE portal_user",
    "DROP TABLE budget",
    "ALTER TABLE lane DROP COLUMN tripped",
    "DROP TABLE doubt",
    "DROP INDEX quarantine_held",
    "DROP INDEX quarantine_wiped",
    "DROP INDEX delivery_parked",
    "CREATE INDEX delivery_parked ON delivery (publisher_id, destination_no, touchpoint_id) WHERE state = 'parked'",
    "DROP TABLE audit",
    "DROP TABLE audit_checkpoint",
    "DROP TABLE statement",
    "DROP TABLE withhold_rule",
    "DROP TABLE follow_up",
    "DROP TABLE lead_step",
    "ALTER TABLE delivery DROP COLUMN follow_up_id",
    "DROP TABLE publisher_key",
    "DROP TABLE notice",
    "DROP TABLE notice_message",
    "DROP TABLE notice_receiver",
    "DROP TABLE notice_mute",
    "DROP TABLE notice_way",
    "DROP TABLE arrival",
    "DROP TABLE arrivals_counted",
    "DROP TABLE watch",
    "DROP TABLE listing",
    "DROP TABLE proof",
    "ALTER TABLE destination DROP COLUMN settings_no",
    "ALTER TABLE lane DROP COLUMN delivered_at",
    "DROP TABLE interest_rule",
    "DROP TABLE lead_act",
    "DROP INDEX touchpoint_test",
    "ALTER TABLE touchpoint DROP COLUMN interest",
    "ALTER TABLE touchpoint DROP COLUMN interest_rule",
    "ALTER TABLE lead DROP COLUMN interest",
    "ALTER TABLE lead DROP COLUMN interest_by",
    "ALTER TABLE lead DROP COLUMN interest_rule",
    "ALTER TABLE lead DROP COLUMN interest_set",
    "ALTER TABLE lead DROP COLUMN do_not_contact",
    "ALTER TABLE lead DROP COLUMN refused_at",
    "ALTER TABLE lead DROP COLUMN refused_by",
    "ALTER TABLE lead DROP COLUMN permitted_at",
    "ALTER TABLE lead DROP COLUMN permitted_by",
    "ALTER TABLE lead DROP COLUMN consent_at",
    "ALTER TABLE lead DROP COLUMN consent_by",
    "DROP TABLE feedback",
    "DROP TABLE feedback_reading",
    "DROP TABLE member",
    "DROP TABLE identity_rules",
    "DROP TABLE near_key",
    "DROP TABLE lead_word",
    "DROP INDEX delivery_record",
    "DROP TABLE suggestion",
    "DROP TABLE suggesting",
    "ALTER TABLE delivery DROP COLUMN known_as",
    "ALTER TABLE lead DROP COLUMN merged_into",
    "ALTER TABLE lead DROP COLUMN members",
    "ALTER TABLE lead DROP COLUMN said_by",
    "DROP TABLE replay",
    "DROP TABLE replay_tally",
    "DROP TABLE mapping_version",
    "DROP TABLE delivery_mapping",
    "ALTER TABLE destination DROP COLUMN pins_mappings",
    "DROP INDEX quarantine_waiting",
    "ALTER TABLE quarantine DROP COLUMN touchpoint_id",
    "DROP INDEX touchpoint_erased",
    "ALTER TABLE touchpoint DROP COLUMN erased_at",
    "ALTER TABLE lead DROP COLUMN erased_at",
    "ALTER TABLE lead DROP COLUMN erased_by",
    "DROP TABLE erasure",
    "DROP TABLE erased_lead",
    "DROP TABLE tombstone",
    "DROP TABLE retention",
    "DROP INDEX touchpoint_troubled",
    "ALTER TABLE touchpoint DROP COLUMN routing_trouble",
    "ALTER TABLE route DROP COLUMN position",
    "ALTER TABLE route DROP COLUMN filter",
    "ALTER TABLE route DROP COLUMN stop",
];

#[tokio::test]
async fn a_store_of_the_first_schema_is_brought_up_to_date_with_all_it_holds() {
    let mut desk = Desk::new().await;
    let acted = |action| Arc::new(Touchpoint { action, ..Touchpoint::default() });
    desk.accept(of_customer(1, 1)).await;
    desk.accept(Accept { parsed: acted(Action::PartnerLedTrial), ..of_customer(2, 1) }).await;
    desk.accept(Accept { parsed: acted(Action::DoNotContact), ..of_customer(3, 2) }).await;
    let back = |tx: &leadwire_store::engine::Tx<'_>| {
        for undo in UNDO {
            tx.execute(undo, &[])?;
        }
        tx.query("PRAGMA user_version = 1", &[], |_| Ok(()))
    };
    desk.store.write(back).await.unwrap();
    desk = desk.reopened();
    assert_eq!(desk.store.setup().await.unwrap().publisher_keys, []);
    assert_eq!(desk.ledger().await.touchpoints, 3);
    // How its leads stand is told from what they did.
    let standing =
        async |lead| desk.store.lead(contoso(), LeadId::new(lead), 0).await.unwrap().unwrap().0.standing;
    let by = InterestBy::Touchpoint { id: touchpoint(2), rule: "*/PLT".into() };
    assert_eq!(standing(1).await.interest, Some((Interest::Active, by)));
    assert!(!standing(1).await.is_refused() && standing(3).await.is_refused());
    assert_eq!(standing(3).await.interest, None);
}

#[tokio::test]
async fn the_set_up_is_looked_at_from_outside_whether_the_store_is_open_or_not() {
    let desk = Desk::new().await;
    let folder = desk.store.folder().unwrap().to_owned();
    let version = desk.version().await;
    assert_eq!(leadwire_store::Store::look(&engine::database(&folder)).unwrap().unwrap().version, version);
    let back = |tx: &leadwire_store::engine::Tx<'_>| tx.query("PRAGMA user_version = 1", &[], |_| Ok(()));
    desk.store.write(back).await.unwrap();
    assert!(
        leadwire_store::Store::look(&engine::database(&folder)).unwrap().is_none(),
        "an older store is not brought up to date by a look"
    );
    assert!(leadwire_store::Store::look(&engine::database(&folder.join("nowhere"))).unwrap().is_none());
    let empty = tempfile::tempdir().unwrap();
    drop(leadwire_store::Store::open(empty.path()).unwrap());
    assert!(
        leadwire_store::Store::look(&engine::database(empty.path()))
            .unwrap()
            .unwrap()
            .destinations
            .is_empty()
    );
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "asks whether the kept text is to be written anew")]
async fn the_schema_is_the_one_that_is_kept() {
    let desk = Desk::new().await;
    let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name";
    let statements =
        desk.store.read(move |tx| tx.query(sql, &[], |row| Ok(row.text(0)?.to_owned()))).await.unwrap();
    let version = desk.store.read(|tx| tx.find("PRAGMA user_version", &[], |row| row.int(0))).await.unwrap();
    let dump = format!("-- Schema {}.\n\n{};\n", version.unwrap(), statements.join(";\n\n"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema.sqlite.sql");
    if std::env::var_os("LEADWIRE_WRITE_SCHEMA").is_some() {
        std::fs::write(&file, &dump).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_eq!(dump, kept, "the schema changed: set LEADWIRE_WRITE_SCHEMA=1 and look at the difference");
}
