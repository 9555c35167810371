//! Links that open the portal once, however many come with one at the same instant.

use crate::desk::{Desk, NOON, at, contoso};
use leadwire_core::id::{PortalLinkId, PublisherId};
use leadwire_store::portal_links::PortalLink;
use tokio::task::JoinSet;

fn link(number: u8) -> PortalLink {
    PortalLink {
        publisher: contoso(),
        id: PortalLinkId::new(u128::from(number)),
        hash: [number; 32],
        role: "reader".to_owned(),
        accent: "#3451c6".to_owned(),
        language: "hu".to_owned(),
        made_at: at(NOON),
        ends_at: at(NOON + 1000),
    }
}

#[tokio::test]
async fn of_many_that_come_with_one_link_one_comes_in_once() {
    let desk = Desk::new().await;
    assert!(desk.store.add_portal_link(link(1), at(0)).await.unwrap());
    let mut all = JoinSet::new();
    for session in 10..15u8 {
        let store = desk.store.clone();
        all.spawn(async move { store.use_portal_link([1; 32], [session; 32], at(NOON)).await.unwrap() });
    }
    assert_eq!(all.join_all().await.into_iter().filter(|it| *it).count(), 1);
    let mut guests = Vec::new();
    for session in 10..15u8 {
        guests.extend(desk.store.guest([session; 32]).await.unwrap());
    }
    let [guest] = guests.as_slice() else { panic!("{guests:?}") };
    assert_eq!((&guest.publisher, guest.link), (&contoso(), PortalLinkId::new(1)));
    assert_eq!((guest.accent.as_str(), guest.language.as_str()), ("#3451c6", "hu"));
    assert_eq!((guest.used_at, guest.seen_at), (at(NOON), at(NOON)));
    assert!(desk.store.guest([0; 32]).await.unwrap().is_none());
}

#[tokio::test]
async fn a_link_ends_and_so_does_what_it_opened() {
    let desk = Desk::new().await;
    let store = &desk.store;
    for number in 1..=3 {
        assert!(store.add_portal_link(link(number), at(0)).await.unwrap());
    }
    let nobody = PortalLink { publisher: PublisherId::parse("nobody").unwrap(), ..link(9) };
    assert!(!store.add_portal_link(nobody, at(0)).await.unwrap());
    assert!(!store.use_portal_link([1; 32], [11; 32], at(NOON + 1000)).await.unwrap(), "it has ended");
    assert!(store.use_portal_link([1; 32], [11; 32], at(NOON + 999)).await.unwrap());
    store.see_guest([11; 32], at(NOON + 5000)).await.unwrap();
    assert_eq!(store.guest([11; 32]).await.unwrap().unwrap().seen_at, at(NOON + 5000));
    store.end_guest([11; 32]).await.unwrap();
    assert!(store.guest([11; 32]).await.unwrap().is_none());
    assert!(!store.use_portal_link([1; 32], [12; 32], at(NOON)).await.unwrap());
    assert!(store.use_portal_link([2; 32], [12; 32], at(NOON)).await.unwrap());
    assert_eq!(store.end_portal_links(contoso()).await.unwrap(), 2);
    assert!(store.guest([12; 32]).await.unwrap().is_none());
    assert!(!store.use_portal_link([3; 32], [13; 32], at(NOON)).await.unwrap());
    store.add_portal_link(link(4), at(0)).await.unwrap();
    let newer = PortalLink { made_at: at(NOON + 9000), ..link(5) };
    store.add_portal_link(newer, at(NOON + 1)).await.unwrap();
    assert_eq!(store.end_portal_links(contoso()).await.unwrap(), 1, "what is long over was taken away");
}
