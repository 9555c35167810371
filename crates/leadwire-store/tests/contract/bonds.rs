//! Accounts at providers: each is one user's and stays so, and whoever was sent to a provider comes back once.

use crate::desk::{Desk, NOON, at, contoso};
use crate::users::{link, user};
use leadwire_core::id::UserId;
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_store::bonds::Bond;
use leadwire_store::errands::Errand;
use leadwire_store::sessions::NewSession;
use tokio::task::JoinSet;

fn account(subject: &str) -> Bond {
    Bond { issuer: "https://idp.example".to_owned(), subject: subject.to_owned(), bound_at: at(NOON) }
}

const ADA: &str = "ada@example.com";

async fn bind(desk: &Desk, user: u128, email: &str, subject: &str) -> bool {
    let publisher = Some(contoso()).filter(|_| user == 1);
    desk.store.bind((publisher, UserId::new(user)), email.to_owned(), account(subject)).await.unwrap()
}

async fn owner(desk: &Desk, subject: &str) -> Option<UserId> {
    let account = account(subject);
    desk.store.user_of_account((account.issuer, account.subject)).await.unwrap().map(|it| it.id)
}

#[tokio::test]
async fn an_account_becomes_a_users_once_and_is_nobody_elses_whatever_its_address_says() {
    let desk = Desk::new().await;
    let store = &desk.store;
    store.add_user(user(1, Some(contoso()), ADA), link(1)).await.unwrap();
    store.add_user(user(2, None, "bob@example.com"), link(2)).await.unwrap();
    store.add_user(user(3, None, ""), link(3)).await.unwrap();
    assert_eq!(owner(&desk, "a").await, None);
    assert!(!bind(&desk, 1, "bob@example.com", "a").await, "the address is another's");
    assert!(!bind(&desk, 3, "", "a").await, "who has none is found by none");
    assert!(bind(&desk, 1, ADA, "a").await);
    assert_eq!(owner(&desk, "a").await, Some(UserId::new(1)));
    assert!(store.user_by_link([1; 32], at(NOON)).await.unwrap().is_none(), "the invitation is used by that");
    assert!(store.user_by_link([2; 32], at(NOON)).await.unwrap().is_some());
    assert!(!bind(&desk, 2, "bob@example.com", "a").await, "it is Ada's");
    assert!(!bind(&desk, 1, ADA, "b").await, "she has another");
    let elsewhere = ("https://evil.example".to_owned(), "a".to_owned());
    assert!(store.user_of_account(elsewhere).await.unwrap().is_none(), "a name is one of its issuer's");
    assert!(bind(&desk, 2, "bob@example.com", "b").await);
    assert_eq!(store.bonds(None).await.unwrap().len(), 2);
    assert_eq!(store.bonds(Some(contoso())).await.unwrap(), [(UserId::new(1), account("a"))]);
}

#[tokio::test]
async fn whoever_loses_their_account_is_signed_out_and_may_be_bound_again() {
    let desk = Desk::new().await;
    let store = &desk.store;
    store.add_user(user(1, Some(contoso()), ADA), link(1)).await.unwrap();
    let whose = || (Some(contoso()), UserId::new(1));
    assert!(bind(&desk, 1, ADA, "a").await);
    store.begin_session(whose(), [5; 32], at(NOON)).await.unwrap();
    assert!(!store.remove_bond((None, UserId::new(1))).await.unwrap(), "of whom it is counts");
    assert_eq!(store.bond(whose()).await.unwrap(), Some(account("a")));
    assert!(store.remove_bond(whose()).await.unwrap());
    assert!(store.session([5; 32]).await.unwrap().is_none());
    assert!(!store.remove_bond(whose()).await.unwrap());
    assert!(bind(&desk, 1, ADA, "b").await);
    assert!(store.remove_user(Some(contoso()), UserId::new(1)).await.unwrap());
    assert_eq!(store.bonds(None).await.unwrap(), [], "it goes with its user");
}

#[tokio::test]
async fn of_several_accounts_that_come_at_once_for_one_user_one_becomes_theirs() {
    let desk = Desk::new().await;
    desk.store.add_user(user(1, Some(contoso()), ADA), link(1)).await.unwrap();
    let mut all = JoinSet::new();
    for number in 0..6 {
        let store = desk.store.clone();
        let whose = (Some(contoso()), UserId::new(1));
        let bond = account(&number.to_string());
        all.spawn(async move { store.bind(whose, ADA.to_owned(), bond).await.unwrap() });
    }
    assert_eq!(all.join_all().await.into_iter().filter(|it| *it).count(), 1);
    assert_eq!(desk.store.bonds(None).await.unwrap().len(), 1);
}

fn errand(number: u64, begun_at: Timestamp) -> Errand {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&number.to_le_bytes());
    let session = Some([9; 32]).filter(|_| number == 1);
    Errand { hash, provider: "idp".to_owned(), next: "/leads".to_owned(), session, begun_at }
}

#[tokio::test]
async fn an_errand_is_ended_once_and_not_after_its_time() {
    let desk = Desk::new().await;
    let store = &desk.store;
    for number in [1, 2] {
        store.begin_errand(errand(number, at(NOON))).await.unwrap();
    }
    let late = at(NOON).plus(limits::ERRAND_KEPT);
    let found = store.end_errand(errand(1, late).hash, at(NOON + 1)).await.unwrap();
    assert_eq!(found, Some(errand(1, at(NOON))));
    assert_eq!(store.end_errand(errand(1, late).hash, at(NOON + 1)).await.unwrap(), None, "once");
    assert_eq!(store.end_errand(errand(2, late).hash, late).await.unwrap(), None, "not after its time");
    assert_eq!(store.end_errand(errand(2, late).hash, at(NOON + 1)).await.unwrap(), None, "and not later");
    store.begin_errand(errand(3, at(NOON))).await.unwrap();
    store.begin_errand(errand(4, late)).await.unwrap();
    assert_eq!(
        store.end_errand(errand(3, late).hash, at(NOON + 1)).await.unwrap(),
        None,
        "it was taken away"
    );
    let mut all = JoinSet::new();
    for _ in 0..5 {
        let store = store.clone();
        all.spawn(async move { store.end_errand(errand(4, at(0)).hash, at(NOON)).await.unwrap() });
    }
    assert_eq!(all.join_all().await.into_iter().flatten().count(), 1, "of several that come back, one");
}

#[tokio::test]
async fn a_session_knows_its_device_and_when_its_user_was_last_known() {
    let desk = Desk::new().await;
    let store = &desk.store;
    store.add_user(user(1, Some(contoso()), "ada@example.com"), link(1)).await.unwrap();
    let whose = || (Some(contoso()), UserId::new(1));
    let new = NewSession { hash: [1; 32], device: "Firefox/Linux".to_owned(), is_vouched: true };
    store.begin_session(whose(), new, at(NOON)).await.unwrap();
    let found = store.session([1; 32]).await.unwrap().unwrap();
    assert_eq!((found.proved_at, found.device.as_str(), found.is_vouched), (at(NOON), "Firefox/Linux", true));
    store.see_session([1; 32], at(NOON + 5)).await.unwrap();
    assert_eq!(
        store.session([1; 32]).await.unwrap().unwrap().proved_at,
        at(NOON),
        "to be seen proves nothing"
    );
    store.prove_session([1; 32], at(NOON + 7)).await.unwrap();
    assert_eq!(store.session([1; 32]).await.unwrap().unwrap().proved_at, at(NOON + 7));
    assert_eq!(store.places(whose()).await.unwrap()[0].device, "Firefox/Linux");
    assert!(!store.end_place((None, UserId::new(1)), [1; 32]).await.unwrap());
    assert!(!store.end_place((Some(contoso()), UserId::new(2)), [1; 32]).await.unwrap(), "nobody else's");
    assert!(store.end_place(whose(), [1; 32]).await.unwrap());
    assert!(store.session([1; 32]).await.unwrap().is_none());
}
