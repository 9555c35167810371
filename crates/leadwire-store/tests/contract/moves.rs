//! Moving a store from one engine to the other, and back: everything comes over, whatever ends it in the middle.

use crate::desk::{Desk, contoso, number, of_customer, touchpoint};
use crate::engine;
use leadwire_core::routing::Routed;
use leadwire_store::accept::Accept;
use leadwire_store::engine::{Param, Tx};
use leadwire_store::moving::{GoOn, MoveError, Moved, Progress, Stage};
use leadwire_store::{Database, Store, StoreError};
use std::path::Path;

/// What is put into a table that nothing else fills.
const ROWS: usize = 3;

/// Puts rows into every table, so that none is moved empty. Their values follow the schema, and mean nothing.
async fn fill(store: &Store) {
    for (table, columns) in schema() {
        if ["meta", "moving"].contains(&table.as_str()) {
            continue;
        }
        let names: Vec<String> = columns.iter().map(|it| format!("\"{}\"", it.name)).collect();
        let numbers: Vec<String> = (1..=names.len()).map(|it| format!("${it}")).collect();
        let sql: &'static str =
            format!("INSERT INTO \"{table}\" ({}) VALUES ({})", names.join(", "), numbers.join(", ")).leak();
        let body = move |tx: &Tx<'_>| {
            for round in 0..ROWS {
                let values: Vec<(i64, String, Vec<u8>)> = columns.iter().map(|it| it.value(round)).collect();
                let params: Vec<Param<'_>> = columns
                    .iter()
                    .zip(&values)
                    .map(|(column, (number, text, bytes))| match column.kind.as_str() {
                        "INTEGER" => Param::Int(*number),
                        "TEXT" => Param::Text(text),
                        _ => Param::Bytes(bytes),
                    })
                    .collect();
                tx.execute(sql, &params)?;
            }
            Ok(())
        };
        store.write(body).await.unwrap_or_else(|error| panic!("{table}: {error}"));
    }
}

#[derive(Clone)]
struct Column {
    name: String,
    kind: String,
    /// One of the few texts that it may hold; none: it may hold any.
    one_of: Option<String>,
}

impl Column {
    fn value(&self, round: usize) -> (i64, String, Vec<u8>) {
        let text = match (self.name.as_str(), &self.one_of) {
            ("publisher_id", _) => ["", "fabrikam", "z"][round].to_owned(),
            (_, Some(text)) => text.clone(),
            _ => format!("é'\"🙂\\ {round}"),
        };
        let odd = u8::try_from(round).unwrap();
        (1, text, vec![odd, 0, 255, b'\'', b'\\'])
    }
}

/// Every table with its columns, from the kept schema.
fn schema() -> Vec<(String, Vec<Column>)> {
    let kept = include_str!("../schema.sqlite.sql");
    let tables = kept.split("CREATE TABLE ").skip(1).map(|it| it.split_once(";\n").unwrap().0);
    tables
        .map(|text| {
            let (name, rest) = text.split_once(" (\n").unwrap();
            let columns = rest.split(['\n', ',']).map(str::trim).filter_map(|it| {
                let (name, rest) = it.split_once(' ')?;
                let kind = rest.split(' ').next()?;
                let is_column = ["INTEGER", "TEXT", "BLOB"].contains(&kind);
                let one_of = rest.split_once("IN ('").map(|it| it.1.split_once('\'').unwrap().0.to_owned());
                is_column.then(|| Column { name: name.to_owned(), kind: kind.to_owned(), one_of })
            });
            (name.trim_matches('"').to_owned(), columns.collect())
        })
        .collect()
}

/// A store with everything in it, closed: rows in every table, and leads on more than one page.
async fn full() -> tempfile::TempDir {
    let desk = Desk::new().await;
    let routed = || [1, 2].map(|it| Routed { destination: number(it), suppressed: None }).to_vec();
    for hundred in 0..7u128 {
        let items = (0..100u128).map(|it| {
            let id = hundred * 100 + it;
            Accept {
                routed: routed(),
                touchpoint: touchpoint(id),
                ..of_customer(id, u8::try_from(id % 251).unwrap())
            }
        });
        desk.accept_all(items.collect()).await;
    }
    fill(&desk.store).await;
    let Desk { store, folder, .. } = desk;
    drop(store);
    folder
}

fn go_on(_: Progress<'_>) -> GoOn {
    GoOn::Continue(())
}

async fn moved(from: &Database, to: &Database) -> Result<Moved, MoveError> {
    let (from, to) = (from.clone(), to.clone());
    tokio::task::spawn_blocking(move || Store::move_all(&from, &to, &mut go_on)).await.unwrap()
}

fn sums(moved: &Moved) -> Vec<(String, u64, [u8; 32])> {
    moved.tables.clone()
}

/// Where a store of the other engine may be made, beside a folder that is there.
fn elsewhere(folder: &Path) -> Database {
    Database::Folder(folder.join("elsewhere"))
}

#[tokio::test]
async fn everything_comes_over_to_the_other_engine_and_back() {
    let (folder, scratch) = (full().await, tempfile::tempdir().unwrap());
    let (here, there) = (engine::database(folder.path()), elsewhere(scratch.path()));
    let out = moved(&here, &there).await.unwrap();
    assert!(!out.went_on);
    assert_eq!(out.tables.len(), schema().len() - 1, "but for its own");
    for (table, rows, _) in &out.tables {
        let least = if table == "meta" { 1 } else { 3 };
        assert!(*rows >= least, "{table} has {rows} rows");
    }
    let again = tempfile::tempdir().unwrap();
    let back = engine::empty(again.path());
    let round = moved(&there, &back).await.unwrap();
    // But for leases, which end with the move.
    let but_lanes = |it: &Moved| sums(it).into_iter().filter(|it| it.0 != "lane").collect::<Vec<_>>();
    assert_eq!(but_lanes(&round), but_lanes(&out));
    let store = Store::open_at(&back).unwrap();
    let ledger = store.ledger(contoso()).await.unwrap();
    assert_eq!((ledger.touchpoints, ledger.adds_up()), (700, true));
}

#[tokio::test]
async fn a_move_that_ends_anywhere_is_gone_on_with_and_no_service_starts_before_its_end() {
    let (folder, scratch) = (full().await, tempfile::tempdir().unwrap());
    let (here, there) = (engine::database(folder.path()), elsewhere(scratch.path()));
    let mut ended = 0;
    for at in [0, 1, 30, 60, 100] {
        let (from, to) = (here.clone(), there.clone());
        let (result, steps) = tokio::task::spawn_blocking(move || {
            let mut steps = 0;
            let result = Store::move_all(&from, &to, &mut |_| {
                steps += 1;
                if steps > at { GoOn::Break(()) } else { GoOn::Continue(()) }
            });
            (result, steps)
        })
        .await
        .unwrap();
        if let Err(error) = result {
            assert!(matches!(error, MoveError::Ended), "{error}");
            ended += 1;
            let opened = Store::open_at(&there);
            assert!(matches!(opened.err(), Some(StoreError::HalfMoved { .. })));
            assert!(matches!(Store::look(&there).err(), Some(StoreError::HalfMoved { .. })));
            let other = tempfile::tempdir().unwrap();
            let refused = moved(&there, &engine::empty(other.path())).await.unwrap_err();
            assert!(matches!(refused, MoveError::HalfSource(_)), "{refused}");
        } else {
            panic!("it was over after {steps} steps");
        }
    }
    assert_eq!(ended, 5);
    let last = moved(&here, &there).await.unwrap();
    assert!(last.went_on);
    let fresh = tempfile::tempdir().unwrap();
    let whole = moved(&here, &elsewhere(fresh.path())).await.unwrap();
    assert_eq!(sums(&last), sums(&whole));
    drop(Store::open_at(&there).unwrap());
}

#[tokio::test]
async fn a_row_that_changed_on_the_way_is_found_and_no_service_starts() {
    let (folder, scratch) = (full().await, tempfile::tempdir().unwrap());
    let (here, there) = (engine::database(folder.path()), elsewhere(scratch.path()));
    let Database::Folder(target) = there.clone() else { panic!("a folder") };
    let (from, to) = (here.clone(), there.clone());
    let result = tokio::task::spawn_blocking(move || {
        let mut is_changed = false;
        Store::move_all(&from, &to, &mut |progress| {
            if progress.stage == Stage::Comparing && !std::mem::replace(&mut is_changed, true) {
                // One letter of one row, behind the back of the move.
                crate::engine::change_file(
                    &target.join("leadwire.db"),
                    "UPDATE lead SET company = 'x' WHERE publisher_id = 'fabrikam'",
                );
            }
            GoOn::Continue(())
        })
    });
    let error = result.await.unwrap().unwrap_err();
    let MoveError::Differs(found) = &error else { panic!("{error}") };
    let found: Vec<_> = found.iter().map(|it| (it.table.as_str(), it.rows.0 == it.rows.1)).collect();
    assert_eq!(found, [("lead", true)]);
    assert!(matches!(Store::open_at(&there).err(), Some(StoreError::HalfMoved { .. })));
}

#[tokio::test]
async fn a_target_that_holds_something_else_is_left_alone() {
    let (folder, scratch) = (full().await, tempfile::tempdir().unwrap());
    let (here, there) = (engine::database(folder.path()), elsewhere(scratch.path()));
    let other = Desk::new().await;
    other.accept(of_customer(1, 1)).await;
    let Desk { store, folder: full_target, .. } = other;
    let target = engine::database(full_target.path());
    drop(store);
    assert!(matches!(moved(&here, &target).await, Err(MoveError::NotEmpty(_))));
    let store = Store::open_at(&target).unwrap();
    assert_eq!(store.ledger(contoso()).await.unwrap().touchpoints, 1);
    drop(store);
    // Half of one store, and then another.
    let (from, to) = (here.clone(), there.clone());
    let half = tokio::task::spawn_blocking(move || Store::move_all(&from, &to, &mut |_| GoOn::Break(())));
    assert!(matches!(half.await.unwrap(), Err(MoveError::Ended)));
    let refused = moved(&target, &there).await.unwrap_err();
    assert!(matches!(refused, MoveError::OtherSource { .. }), "{refused}");
    let nothing = tempfile::tempdir().unwrap();
    assert!(matches!(moved(&elsewhere(nothing.path()), &there).await, Err(MoveError::NoSource(_))));
}

#[tokio::test]
async fn a_file_of_an_older_release_is_refused_and_stays_as_it_was() {
    let (folder, scratch) = (full().await, tempfile::tempdir().unwrap());
    let (here, there) = (engine::database(folder.path()), elsewhere(scratch.path()));
    moved(&here, &there).await.unwrap();
    let file = scratch.path().join("elsewhere/leadwire.db");
    let before = older_by_a_step(&file);
    let refused = moved(&here, &there).await.unwrap_err();
    assert!(matches!(refused, MoveError::NotEmpty(_)), "{refused}");
    assert_eq!(state(&file), before);
    // Its half is another matter: it is brought up to date and gone on with.
    let half = tempfile::tempdir().unwrap();
    let (from, to) = (here.clone(), elsewhere(half.path()));
    let ended = tokio::task::spawn_blocking(move || Store::move_all(&from, &to, &mut |_| GoOn::Break(())));
    assert!(matches!(ended.await.unwrap(), Err(MoveError::Ended)));
    older_by_a_step(&half.path().join("elsewhere/leadwire.db"));
    assert!(moved(&here, &elsewhere(half.path())).await.unwrap().went_on);
    // Nothing is in what a first start left between two steps.
    let begun = tempfile::tempdir().unwrap();
    std::fs::create_dir(begun.path().join("elsewhere")).unwrap();
    drop(Store::open(&begun.path().join("elsewhere")).unwrap());
    older_by_a_step(&begun.path().join("elsewhere/leadwire.db"));
    assert!(!moved(&here, &elsewhere(begun.path())).await.unwrap().went_on);
}

/// Takes the last step of the schema back, as far as another one would trip over it.
fn older_by_a_step(file: &Path) -> (i64, i64, i64) {
    let connection = rusqlite::Connection::open(file).unwrap();
    let back =
        "DROP INDEX quarantine_became; ALTER TABLE replay DROP COLUMN asked_by; PRAGMA user_version = 29";
    connection.execute_batch(back).unwrap();
    state(file)
}

/// The schema of a file: its number, how much it has, and rows.
fn state(file: &Path) -> (i64, i64, i64) {
    let connection = rusqlite::Connection::open(file).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get(0)).unwrap();
    (
        number("PRAGMA user_version"),
        number("SELECT COUNT(*) FROM sqlite_schema"),
        number("SELECT COUNT(*) FROM touchpoint"),
    )
}

#[tokio::test]
async fn nothing_is_moved_under_a_service() {
    let (desk, scratch) = (Desk::new().await, tempfile::tempdir().unwrap());
    let here = engine::database(desk.folder.path());
    // On a file the store itself says so, on a server the node that is alive.
    let now = desk.store.server_time().await.unwrap().unwrap_or(crate::desk::at(crate::desk::NOON));
    desk.store.beat("node_1".into(), now).await.unwrap();
    let refused = moved(&here, &elsewhere(scratch.path())).await.unwrap_err();
    assert!(matches!(refused, MoveError::InUse(_)), "{refused}");
    desk.store.leave("node_1".into()).await.unwrap();
    let Desk { store, folder, .. } = desk;
    drop(store);
    moved(&engine::database(folder.path()), &elsewhere(scratch.path())).await.unwrap();
}
