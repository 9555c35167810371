//! The life of a store: opened once, committed in groups, ended by a failure, the same after a new start.

use crate::desk::{Desk, contoso, of_customer, touchpoint};
use leadwire_store::StoreError;
use leadwire_store::accept::Accepted;
use leadwire_store::engine::Param;

/// Work that holds the writer, so that what is sent meanwhile gathers behind it and becomes one group.
struct Holder {
    release: std::sync::mpsc::Sender<()>,
    work: tokio::task::JoinHandle<Result<(), StoreError>>,
}

async fn hold(desk: &Desk) -> Holder {
    let (release, wait) = std::sync::mpsc::channel();
    let (tell_started, mut started) = tokio::sync::mpsc::channel(1);
    let store = desk.store.clone();
    let work = tokio::spawn(async move {
        let held = store.write(move |_| {
            tell_started.try_send(()).map_err(|error| StoreError::Wrong(error.to_string()))?;
            // It ends by the sender's end.
            wait.recv().ok();
            Ok(())
        });
        held.await
    });
    started.recv().await.unwrap();
    Holder { release, work }
}

impl Holder {
    async fn let_go(self) {
        drop::<std::sync::mpsc::Sender<()>>(self.release);
        self.work.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_error_in_one_body_touches_no_other_body_of_its_group() {
    let desk = Desk::new().await;
    let version = desk.version().await;
    let holder = hold(&desk).await;
    let works = (0..100u128).map(|id| {
        let store = desk.store.clone();
        async move {
            if id % 10 == 3 {
                let body = move |tx: &leadwire_store::engine::Tx<'_>| {
                    tx.execute(
                        "INSERT INTO meta (name, value) VALUES ($1, 1)",
                        &[Param::Text(&format!("bad {id}"))],
                    )?;
                    Err::<(), _>(StoreError::Wrong(format!("body {id}")))
                };
                let error = store.write(body).await.unwrap_err();
                assert_eq!(error.to_string(), format!("the store and the program disagree: body {id}"));
            } else {
                let customer = u8::try_from(id % 7).unwrap();
                let accepted =
                    store.accept(version, [of_customer(id, customer)].into()).await.unwrap().unwrap();
                assert!(matches!(accepted[0], Accepted::Stored { .. }));
            }
        }
    });
    let mut tasks = tokio::task::JoinSet::new();
    works.for_each(|work| drop(tasks.spawn(work)));
    // Every task has sent its work once it ran up to its first wait, which they do in turn on this one thread.
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    holder.let_go().await;
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(desk.ledger().await.touchpoints, 90);
    let bad =
        desk.store.read(|tx| tx.find("SELECT COUNT(*) FROM meta", &[], |row| row.int(0))).await.unwrap();
    assert_eq!(bad, Some(1));
    assert!(!desk.store.has_failed());
}

#[tokio::test]
async fn what_a_body_answers_is_what_its_committed_run_saw() {
    let desk = Desk::new().await;
    let [first, bad] = [desk.store.clone(), desk.store.clone()];
    let holder = hold(&desk).await;
    let mut runs = 0;
    let first = tokio::spawn(async move {
        let body = move |tx: &leadwire_store::engine::Tx<'_>| {
            runs += 1;
            tx.execute("INSERT INTO meta (name, value) VALUES ('runs', $1)", &[Param::Int(runs)])?;
            Ok(runs)
        };
        first.write(body).await
    });
    tokio::task::yield_now().await;
    let bad =
        tokio::spawn(async move { bad.write(|_| Err::<(), _>(StoreError::Wrong("bad".to_owned()))).await });
    tokio::task::yield_now().await;
    holder.let_go().await;
    assert!(bad.await.unwrap().is_err());
    let answered = first.await.unwrap().unwrap();
    let sql = "SELECT value FROM meta WHERE name = 'runs'";
    let kept = desk.store.read(move |tx| tx.find(sql, &[], |row| row.int(0))).await.unwrap();
    assert_eq!((answered, kept), (2, Some(2)));
}

#[tokio::test]
async fn what_was_answered_before_a_new_start_is_there_after_it() {
    let mut desk = Desk::new().await;
    for start in 0..3u128 {
        for id in 0..20u128 {
            desk.accept(of_customer(start * 100 + id, u8::try_from(id).unwrap())).await;
        }
        desk = desk.reopened();
        let ledger = desk.ledger().await;
        assert_eq!(u128::from(ledger.touchpoints), (start + 1) * 20);
    }
    let kept = desk.store.touchpoints(contoso(), vec![touchpoint(219)]).await.unwrap();
    assert_eq!(kept[0].body, br#"{"n":219}"#);
}

#[tokio::test]
async fn a_read_cannot_write() {
    let desk = Desk::new().await;
    let sql = "INSERT INTO meta (name, value) VALUES ('x', 1)";
    let written = desk.store.read(move |tx| tx.execute(sql, &[])).await;
    assert!(written.is_err());
    let count =
        desk.store.read(|tx| tx.find("SELECT COUNT(*) FROM meta", &[], |row| row.int(0))).await.unwrap();
    assert_eq!(count, Some(1));
}
