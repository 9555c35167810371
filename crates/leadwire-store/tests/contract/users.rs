//! People who sign in: one of each address, links that work once, and sessions that end with their user.

use crate::desk::{Desk, NOON, at, contoso};
use leadwire_core::id::{PublisherId, UserId};
use leadwire_core::limits;
use leadwire_store::users::{Chosen, Link, PortalUser};

pub(crate) fn user(id: u128, publisher: Option<PublisherId>, email: &str) -> PortalUser {
    PortalUser {
        publisher,
        id: UserId::new(id),
        email: email.to_owned(),
        name: "Ada".to_owned(),
        role: "member".to_owned(),
        password: String::new(),
        link_ends_at: None,
        created_at: at(NOON),
        signed_in_at: None,
        language: String::new(),
    }
}

pub(crate) fn link(byte: u8) -> Link {
    Link { hash: [byte; 32], ends_at: at(NOON + 10) }
}

pub(crate) fn chosen(email: &str) -> Chosen {
    Chosen { password: "$argon2id$".to_owned(), email: email.to_owned(), name: "Ada".to_owned() }
}

#[tokio::test]
async fn an_address_belongs_to_one_user_of_the_whole_installation() {
    let desk = Desk::new().await;
    let store = &desk.store;
    assert!(store.add_user(user(1, Some(contoso()), "ada@example.com"), link(1)).await.unwrap());
    assert!(!store.add_user(user(2, None, "ada@example.com"), link(2)).await.unwrap());
    assert!(store.add_user(user(2, None, "bob@example.com"), link(2)).await.unwrap());
    let taken = store.use_link([2; 32], chosen("ada@example.com"), at(NOON)).await.unwrap();
    assert!(taken.is_none(), "nobody takes another's address by a link");
    assert_eq!(store.users(Some(contoso()), 9).await.unwrap().len(), 1);
    assert_eq!(store.users(None, 9).await.unwrap().len(), 2);
    assert_eq!(store.users(None, 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_link_works_once_and_not_after_its_end() {
    let desk = Desk::new().await;
    let store = &desk.store;
    store.add_user(user(1, Some(contoso()), "ada@example.com"), link(1)).await.unwrap();
    assert!(store.user_by_link([1; 32], at(NOON + 10)).await.unwrap().is_none());
    assert!(store.renew_link(Some(contoso()), UserId::new(1), link(3)).await.unwrap());
    assert!(!store.renew_link(None, UserId::new(1), link(3)).await.unwrap(), "of whom it is counts");
    assert!(store.user_by_link([1; 32], at(NOON)).await.unwrap().is_none(), "the link before works no more");
    let used = store.use_link([3; 32], chosen("ada@example.com"), at(NOON)).await.unwrap();
    assert_eq!(used.map(|it| it.id), Some(UserId::new(1)));
    assert!(store.use_link([3; 32], chosen("ada@example.com"), at(NOON)).await.unwrap().is_none());
    let kept = store.user_by_email("ada@example.com".to_owned()).await.unwrap().unwrap();
    assert_eq!((kept.password.as_str(), kept.link_ends_at), ("$argon2id$", None));
}

#[tokio::test]
async fn the_oldest_session_makes_room_and_all_end_with_a_new_password_and_with_their_user() {
    let desk = Desk::new().await;
    let store = &desk.store;
    store.add_user(user(1, Some(contoso()), "ada@example.com"), link(1)).await.unwrap();
    let whose = || (Some(contoso()), UserId::new(1));
    // As many as there may be: three, and others that stay.
    let many = u8::try_from(limits::SESSIONS_PER_USER_MAX).unwrap();
    for byte in (1..=3u8).chain(100..100 + many - 3) {
        store.begin_session(whose(), [byte; 32], at(NOON + i64::from(byte.min(8)))).await.unwrap();
    }
    store.see_session([1; 32], at(NOON + 9)).await.unwrap();
    store.begin_session(whose(), [4; 32], at(NOON + 10)).await.unwrap();
    let is_there = async |byte: u8| store.session([byte; 32]).await.unwrap().is_some();
    assert!(is_there(1).await && !is_there(2).await && is_there(3).await && is_there(4).await);
    assert_eq!(store.places(whose()).await.unwrap().len(), limits::SESSIONS_PER_USER_MAX);
    assert_eq!(store.places(whose()).await.unwrap()[0].hash, [4; 32], "the newest first");
    let found = store.session([1; 32]).await.unwrap().unwrap();
    assert_eq!((found.begun_at, found.seen_at), (at(NOON + 1), at(NOON + 9)));
    assert_eq!(found.user.signed_in_at, Some(at(NOON + 10)));
    store.end_session([4; 32]).await.unwrap();
    assert!(!is_there(4).await);
    store.use_link([1; 32], chosen("ada@example.com"), at(NOON)).await.unwrap().unwrap();
    assert!(!is_there(1).await && !is_there(3).await);
    store.begin_session(whose(), [5; 32], at(NOON)).await.unwrap();
    assert!(!store.remove_user(None, UserId::new(1)).await.unwrap());
    assert!(is_there(5).await);
    assert!(store.remove_user(Some(contoso()), UserId::new(1)).await.unwrap());
    assert!(!is_there(5).await);
}
