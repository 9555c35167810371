//! What one publisher's portal, watch, replays and set-up write waits for no other publisher: their transactions may last.

use crate::desk::{Desk, NOON, at, contoso, crm, number, of_customer};
use crate::engine;
use crate::replays::replay;
use crate::users::{chosen, link, user};
use leadwire_core::id::{OfferId, PortalLinkId, PublisherId, UserId};
use leadwire_core::notice::NoticeKind;
use leadwire_store::notices::{Said, Whose};
use leadwire_store::portal_links::PortalLink;
use leadwire_store::setup::{Change, Offer, Publisher};
use leadwire_store::views::SavedView;
use leadwire_store::{Store, StoreError, waiting_at_most};
use std::time::Duration;

/// Only a write that takes everybody's lock waits so long.
const IN_VAIN: Duration = Duration::from_secs(30);

/// The others' lock: what every transaction about one publisher shares, and one about everybody has alone.
const SHARED: &str = "SELECT pg_advisory_lock_shared(5323)";

fn said() -> Said {
    Said {
        kind: NoticeKind::Failing,
        about: String::new(),
        cause: "timeout".to_owned(),
        message: "nothing arrives".to_owned(),
        fix: "look at it".to_owned(),
    }
}

async fn sign_in_and_out(store: &Store) {
    let ada = (Some(contoso()), UserId::new(1));
    store.begin_session(ada.clone(), [1; 32], at(NOON)).await.unwrap();
    store.begin_session(ada.clone(), [2; 32], at(NOON)).await.unwrap();
    store.see_session([1; 32], at(NOON + 1)).await.unwrap();
    assert_eq!(store.session([1; 32]).await.unwrap().unwrap().seen_at, at(NOON + 1));
    assert_eq!(store.end_other_sessions(ada.clone(), [1; 32]).await.unwrap(), 1);
    store.end_session([1; 32]).await.unwrap();
    assert!(store.session([1; 32]).await.unwrap().is_none());
    store.begin_half(ada.clone(), ([3; 32], at(NOON + 9)), at(NOON)).await.unwrap();
    assert!(store.describe_user(ada.clone(), ("Ada".to_owned(), "hu".to_owned())).await.unwrap());
    let guest = PortalLink {
        publisher: contoso(),
        id: PortalLinkId::new(1),
        hash: [4; 32],
        role: "reader".to_owned(),
        accent: String::new(),
        language: String::new(),
        made_at: at(NOON),
        ends_at: at(NOON + 9),
    };
    assert!(store.add_portal_link(guest, at(0)).await.unwrap());
    assert!(store.use_portal_link([4; 32], [5; 32], at(NOON)).await.unwrap());
    store.see_guest([5; 32], at(NOON + 1)).await.unwrap();
    store.end_guest([5; 32]).await.unwrap();
    assert!(store.guest([5; 32]).await.unwrap().is_none());
    let view = SavedView {
        publisher: contoso(),
        who: "usr_1".to_owned(),
        page: "leads".to_owned(),
        name: "mine".to_owned(),
        query: String::new(),
        created_at: at(NOON),
    };
    assert_eq!(store.save_view(view).await.unwrap(), Change::Made);
    assert!(store.remove_user(ada.0, ada.1).await.unwrap());
}

async fn watch_and_tell(store: &Store) {
    let whose = Whose::from(&crm());
    store.say(whose.clone(), said(), at(NOON)).await.unwrap();
    let (until, due) = (at(NOON + 1_000_000), vec![(whose.clone(), 1)]);
    store.mute_notices(due.clone(), until).await.unwrap();
    store.tell_nobody(due).await.unwrap();
    store.end_silently(whose, String::new(), NoticeKind::Failing, at(NOON)).await.unwrap();
    assert!(store.standing_notices((&crm()).into(), NoticeKind::Failing).await.unwrap().is_empty());
    store.note_job(Said { kind: NoticeKind::JobFailed, ..said() }, at(NOON)).await.unwrap();
    assert_eq!(store.all_notices(None, 9).await.unwrap().len(), 1);
}

async fn set_up_and_replay(store: &Store) {
    let offer = Offer {
        publisher: contoso(),
        id: OfferId::parse("new").unwrap(),
        title: "New".to_owned(),
        created_at: at(NOON),
    };
    assert_eq!(store.put_offer(offer).await.unwrap(), Change::Made);
    assert_eq!(store.set_retention(contoso(), 30).await.unwrap(), Change::Made);
    assert_eq!(store.add_replay(replay(1, None)).await.unwrap(), Change::Made);
    assert!(store.pause_replay(contoso(), replay(1, None).id, at(NOON)).await.unwrap());
    assert!(store.stop_replay(contoso(), replay(1, None).id, at(NOON)).await.unwrap());
    let fabrikam = PublisherId::parse("fabrikam").unwrap();
    let added = Publisher { id: fabrikam, title: String::new(), created_at: at(NOON) };
    assert_eq!(store.add_publisher(added).await.unwrap(), Change::Made);
    let forgotten = store.forget_idempotency(at(i64::MAX), None, 100).await.unwrap();
    assert_eq!(forgotten.keys, 1);
    let removed = store.remove_destination(contoso(), number(2), at(NOON)).await.unwrap();
    assert_eq!(removed, Change::Made);
}

#[tokio::test]
async fn what_is_one_publishers_waits_for_no_other_publishers_transaction() {
    let desk = Desk::new().await;
    let store = &desk.store;
    store.add_user(user(1, Some(contoso()), "ada@example.com"), link(1)).await.unwrap();
    store.use_link([1; 32], chosen("ada@example.com"), at(NOON)).await.unwrap().unwrap();
    desk.accept(leadwire_store::accept::Accept { once: crate::desk::once(1, 1), ..of_customer(1, 1) }).await;
    let other = engine::hold(desk.folder.path(), SHARED);
    let work = async {
        sign_in_and_out(store).await;
        watch_and_tell(store).await;
        set_up_and_replay(store).await;
    };
    waiting_at_most(IN_VAIN, work).await;
    // What is everybody's does wait: the lock is held.
    let everybodys = store.write(|_| Ok(()));
    let waited = waiting_at_most(Duration::ZERO, everybodys).await;
    assert!(matches!(waited, Err(StoreError::InDoubt)), "{waited:?}");
    drop(other);
    store.write(|_| Ok(())).await.unwrap();
}
