//! What is so of a store in a file only: its folder, its log, its failures and its copies.

use crate::desk::{DAY, Desk, NOON, SECOND, at, contoso, number, of_customer, touchpoint};
use crate::engine::{self, bytes_of};
use crate::erasures::{ADDRESS, acted, begin, live, planted_in, wipe, wish};
use crate::replays::{mixed, replay};
use leadwire_core::id::LeadId;
use leadwire_core::routing::Routed;
use leadwire_store::Store;
use leadwire_store::accept::Accept;
use leadwire_store::erasures::{Crm, Wish};

#[tokio::test]
async fn a_person_amid_others_leaves_no_bytes_in_pages_that_were_split() {
    for seed in 0..4u128 {
        let desk = Desk::new().await;
        let others =
            |step: u128| (0..400u128).filter(move |it| it % 4 == step).map(|it| (it * 7919 + seed) % 400);
        for round in 0..4 {
            if round == 1 {
                desk.accept(acted(200, None)).await;
            }
            for id in others(round).filter(|it| *it != 200) {
                let customer = u8::try_from(id % 251).unwrap();
                let item = of_customer(1000 * id + 7, customer);
                let identity =
                    Some([u8::try_from(id / 251).unwrap(), customer].repeat(8).try_into().unwrap());
                let offset = if id < 200 { 0 } else { 1_000_000 };
                let to_both = [1, 2].map(|it| Routed { destination: number(it), suppressed: None }).to_vec();
                desk.accept(Accept {
                    touchpoint: touchpoint(id + offset),
                    identity,
                    routed: to_both,
                    ..item
                })
                .await;
            }
        }
        begin(&desk, wish(100_000, 200, NOON)).await;
        wipe(&desk, 100_000, NOON).await;
        let folder = desk.folder;
        drop(desk.store);
        assert_eq!(planted_in(&bytes_of(folder.path())), Vec::<&str>::new(), "seed {seed}");
    }
}

#[tokio::test]
async fn the_log_is_emptied_while_the_store_is_open() {
    let desk = Desk::new().await;
    live(&desk).await;
    begin(&desk, Wish { crm: Crm::Keep, ..wish(100, 1, NOON) }).await;
    wipe(&desk, 100, NOON).await;
    // The side thread folds after a commit; each of these asks it to, and waits for it no longer than a commit takes.
    for _ in 0..1000 {
        desk.store.write(|_| Ok(())).await.unwrap();
        if planted_in(&bytes_of(desk.folder.path())).is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{:?} is still in a file", planted_in(&bytes_of(desk.folder.path())));
}

#[tokio::test]
async fn a_backup_restored_after_an_erasure_does_not_bring_the_person_back() {
    let desk = Desk::new().await;
    live(&desk).await;
    desk.accept(of_customer(50, 9)).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("copy.db");
    let contents = Store::back_up(desk.folder.path(), &file).unwrap();
    assert_eq!((contents.leads, contents.touchpoints), (2, 4));
    assert!(Store::back_up(desk.folder.path(), &file).is_err(), "a file is never overwritten");
    assert!(!planted_in(&std::fs::read(&file).unwrap()).is_empty());
    begin(&desk, wish(100, 1, NOON + SECOND)).await;
    wipe(&desk, 100, NOON + SECOND).await;
    let list = Store::erasures_in(&engine::database(desk.folder.path())).unwrap().unwrap();
    let mut mint = || touchpoint(999);
    let held = Store::restore(&file, desk.folder.path(), (&[], &[]), &mut mint, at(NOON + DAY));
    assert!(matches!(held, Err(leadwire_store::StoreError::Held(_))), "{held:?}");
    let folder = desk.folder;
    drop(desk.store);
    let made = Store::restore(&file, folder.path(), (&[list], &[]), &mut mint, at(NOON + DAY)).unwrap();
    let (restored, applied) = (made.contents, made.applied);
    assert_eq!((restored.leads, applied.erasures, applied.leads, applied.quarantined), (2, 1, 1, 1));
    let bytes = bytes_of(folder.path());
    let needed = [ADDRESS];
    assert_eq!(planted_in(&bytes), needed, "the CRM is told again, and what it must know is all there is");
    let store = Store::open(folder.path()).unwrap();
    let ledger = store.ledger(contoso()).await.unwrap();
    assert!(ledger.adds_up(), "{ledger:?}");
    assert_eq!(ledger.erased, 4);
    assert!(store.erased_at(contoso(), LeadId::new(1)).await.unwrap().is_some());
    assert!(store.erased_at(contoso(), LeadId::new(50)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_file_that_is_no_copy_replaces_nothing() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    let folder = desk.folder;
    drop(desk.store);
    let file = folder.path().join("bad.db");
    std::fs::write(&file, "no database".repeat(999)).unwrap();
    let refused = Store::restore(&file, folder.path(), (&[], &[]), &mut || touchpoint(9), at(NOON));
    assert!(refused.is_err());
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.ledger(contoso()).await.unwrap().touchpoints, 1);
}

#[tokio::test]
async fn a_restore_holds_what_a_destination_would_have_twice_and_nothing_else() {
    let desk = mixed().await;
    let in_work = |id: u128, customer: u8, destination| Accept {
        routed: vec![Routed { destination: number(destination), suppressed: None }],
        ..of_customer(id, customer)
    };
    desk.accept_all(vec![in_work(10, 4, 1), in_work(11, 4, 1), in_work(12, 5, 1), in_work(13, 5, 2)]).await;
    let token = desk.take(NOON).await;
    assert_eq!(desk.claim(token, 1, NOON).await.len(), 1, "one is under way");
    desk.store.add_replay(replay(1, Some(1))).await.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("copy");
    Store::back_up(desk.folder.path(), &file).unwrap();
    let folder = desk.folder;
    drop(desk.store);
    let mut mint = || touchpoint(999);
    for (kinds, deliveries, pending) in [(&["email"][..], 0, 4), (&["https"][..], 4, 0)] {
        let made = Store::restore(&file, folder.path(), (&[], kinds), &mut mint, at(NOON)).unwrap();
        assert_eq!((made.held.deliveries, made.held.replays), (deliveries, 1));
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.unfinished(contoso()).await.unwrap(), pending);
        let groups = store.failures(contoso(), 9).await.unwrap();
        let held = groups.iter().filter(|it| it.cause == "restored").map(|it| it.count).sum::<u64>();
        assert_eq!(held, deliveries);
        assert!(store.ledger(contoso()).await.unwrap().adds_up());
        assert!(store.running_replays().await.unwrap().is_empty());
        // A person released them: nothing is lost, and a lead's own are in order.
        if deliveries > 0 {
            let all = leadwire_store::deliveries::Parked { cause: Some("restored".to_owned()), until: None };
            let lane = leadwire_store::lanes::LaneKey { publisher: contoso(), destination: number(1) };
            let retried = store.retry_group(lane, all, (9, at(NOON)), |_| {}).await.unwrap();
            assert_eq!(retried, 3);
        }
    }
}
