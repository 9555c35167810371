//! Second factors: a code counts once however many come with it, recovery codes too, and half a sign-in is none.

use crate::desk::{Desk, NOON, at, contoso};
use crate::users::{chosen, link, user};
use leadwire_core::id::{PublisherId, UserId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_store::factors::Factor;
use leadwire_store::halves::{Passed, Proof};
use tokio::task::JoinSet;

const ID: u128 = 1;

fn whose() -> (Option<PublisherId>, UserId) {
    (Some(contoso()), UserId::new(ID))
}

fn factor(byte: u8) -> Factor {
    let (publisher, user) = whose();
    Factor { publisher, user, master_key: "one".to_owned(), sealed: vec![byte; 48], is_confirmed: false }
}

fn recovery(byte: u8) -> Vec<[u8; 32]> {
    vec![[byte; 32], [byte + 1; 32]]
}

/// Somebody with a confirmed second factor, whose step 10 was used, and who is signed in nowhere else.
async fn with_factor() -> Desk {
    let desk = Desk::new().await;
    desk.store.add_user(user(ID, Some(contoso()), "ada@example.com"), link(1)).await.unwrap();
    for byte in [8, 9] {
        desk.store.begin_session(whose(), [byte; 32], at(NOON)).await.unwrap();
    }
    assert!(desk.store.propose_factor(factor(1), at(NOON)).await.unwrap());
    let now = at(NOON);
    assert!(!desk.store.renew_recovery(whose(), recovery(20)).await.unwrap(), "it is not confirmed yet");
    assert!(desk.store.confirm_factor(factor(1), 10, recovery(20), ([9; 32], now)).await.unwrap());
    desk
}

async fn begin(desk: &Desk, byte: u8, ends_at: Timestamp) {
    desk.store.begin_half(whose(), ([byte; 32], ends_at), at(NOON)).await.unwrap();
}

async fn pass(desk: &Desk, half: u8, proof: Proof) -> Passed {
    desk.store.pass_half([half; 32], proof, ([half + 100; 32], at(NOON))).await.unwrap()
}

/// As many as there are halves come with one proof at the same instant.
async fn pass_at_once(desk: &Desk, halves: u8, proof: &Proof) -> Vec<Passed> {
    let mut all = JoinSet::new();
    for half in 1..=halves {
        let (store, proof) = (desk.store.clone(), proof.clone());
        all.spawn(
            async move { store.pass_half([half; 32], proof, ([half + 100; 32], at(NOON))).await.unwrap() },
        );
    }
    all.join_all().await
}

#[tokio::test]
async fn a_proposed_secret_counts_only_once_it_is_confirmed_and_then_stays() {
    let desk = with_factor().await;
    let store = &desk.store;
    assert!(!store.propose_factor(factor(2), at(NOON)).await.unwrap(), "a confirmed one does not give way");
    let again = store.confirm_factor(factor(1), 11, recovery(30), ([9; 32], at(NOON))).await.unwrap();
    assert!(!again);
    assert!(
        store.session([8; 32]).await.unwrap().is_none(),
        "whoever was signed in elsewhere is not any more"
    );
    assert!(store.session([9; 32]).await.unwrap().is_some_and(|it| it.has_factor));
    assert_eq!(store.recovery_left(whose()).await.unwrap(), 2);
    assert_eq!(store.factor_owners(Some(contoso())).await.unwrap(), [UserId::new(ID)]);
    assert_eq!(store.factor_owners(None).await.unwrap(), [UserId::new(ID)]);
    let nobody = Factor { user: UserId::new(7), ..factor(1) };
    assert!(!store.propose_factor(nobody, at(NOON)).await.unwrap());
    assert!(store.remove_factor(whose()).await.unwrap());
    assert!(!store.remove_factor(whose()).await.unwrap());
    assert_eq!(store.recovery_left(whose()).await.unwrap(), 0);
    assert!(store.propose_factor(factor(2), at(NOON)).await.unwrap());
    let looked_at_another =
        store.confirm_factor(factor(3), 1, recovery(30), ([9; 32], at(NOON))).await.unwrap();
    assert!(!looked_at_another, "what was confirmed is what was shown");
    assert!(store.factor_owners(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_many_that_come_with_one_code_at_once_one_comes_in() {
    let desk = with_factor().await;
    for half in 1..=5 {
        begin(&desk, half, at(NOON + 1000)).await;
    }
    let all = pass_at_once(&desk, 5, &Proof::Steps(vec![11])).await;
    assert_eq!(all.iter().filter(|it| matches!(it, Passed::In(_))).count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|it| matches!(it, Passed::Wrong)).count(), 4, "{all:?}");
    begin(&desk, 6, at(NOON + 1000)).await;
    assert!(
        matches!(pass(&desk, 6, Proof::Steps(vec![10])).await, Passed::Wrong),
        "an older one counts no more"
    );
    assert!(matches!(pass(&desk, 6, Proof::Steps(vec![11, 12])).await, Passed::In(_)), "a newer one does");
    assert!(desk.store.session([106; 32]).await.unwrap().is_some());
    assert!(matches!(pass(&desk, 6, Proof::Steps(vec![13])).await, Passed::Over), "a half is finished once");
}

#[tokio::test]
async fn a_recovery_code_opens_once() {
    let desk = with_factor().await;
    for half in [1, 2] {
        begin(&desk, half, at(NOON + 1000)).await;
    }
    let both = pass_at_once(&desk, 2, &Proof::Recovery([20; 32])).await;
    assert_eq!(both.iter().filter(|it| matches!(it, Passed::In(_))).count(), 1, "{both:?}");
    assert_eq!(desk.store.recovery_left(whose()).await.unwrap(), 1);
    assert!(desk.store.renew_recovery(whose(), recovery(40)).await.unwrap());
    begin(&desk, 3, at(NOON + 1000)).await;
    assert!(matches!(pass(&desk, 3, Proof::Recovery([21; 32])).await, Passed::Wrong), "older ones are gone");
}

#[tokio::test]
async fn half_a_sign_in_ends_after_its_time_its_tries_and_with_a_new_password() {
    let desk = with_factor().await;
    let store = &desk.store;
    begin(&desk, 1, at(NOON)).await;
    assert!(store.half([1; 32], at(NOON)).await.unwrap().is_none(), "its time is over");
    assert!(store.session([1; 32]).await.unwrap().is_none(), "it is no session");
    begin(&desk, 2, at(NOON + 1000)).await;
    for _ in 0..limits::CODES_PER_HALF {
        assert!(matches!(pass(&desk, 2, Proof::Steps(vec![])).await, Passed::Wrong));
    }
    assert!(matches!(pass(&desk, 2, Proof::Steps(vec![11])).await, Passed::Over), "even the right one");
    for half in 3..=8 {
        begin(&desk, half, at(NOON + i64::from(half) * 1000)).await;
    }
    assert!(store.half([3; 32], at(NOON)).await.unwrap().is_none(), "the oldest makes room");
    assert!(store.half([8; 32], at(NOON)).await.unwrap().is_some());
    store.use_link([1; 32], chosen("ada@example.com"), at(NOON)).await.unwrap().unwrap();
    assert!(store.half([8; 32], at(NOON)).await.unwrap().is_none());
    assert!(store.factor(whose()).await.unwrap().is_some(), "the second factor stays with a new password");
    store.remove_user(Some(contoso()), UserId::new(ID)).await.unwrap();
    assert!(store.factor(whose()).await.unwrap().is_none());
}

#[tokio::test]
async fn secrets_are_sealed_anew_where_the_plan_says_so() {
    let desk = with_factor().await;
    let store = &desk.store;
    assert_eq!(store.factor_keys().await.unwrap(), ["one"]);
    let anew = |it: &Factor| Some(Factor { master_key: "two".to_owned(), sealed: vec![7; 48], ..it.clone() });
    assert_eq!(store.reseal_factors(anew).await.unwrap(), 1);
    assert_eq!(store.reseal_factors(|_| None).await.unwrap(), 0);
    assert_eq!(store.factor_keys().await.unwrap(), ["two"]);
    let kept = store.factor(whose()).await.unwrap().unwrap();
    assert_eq!((kept.sealed, kept.is_confirmed), (vec![7; 48], true));
}

#[tokio::test]
async fn a_password_is_changed_from_the_one_that_was_looked_at() {
    let desk = with_factor().await;
    let store = &desk.store;
    store.use_link([1; 32], chosen("ada@example.com"), at(NOON)).await.unwrap().unwrap();
    let change = |was: &str, to: &str, byte: u8| {
        store.change_password(whose(), (was.to_owned(), to.to_owned()), ([byte; 32], at(NOON)))
    };
    store.begin_session(whose(), [40; 32], at(NOON)).await.unwrap();
    assert!(change("$argon2id$", "new", 41).await.unwrap());
    assert!(!change("$argon2id$", "newer", 42).await.unwrap(), "somebody changed it meanwhile");
    assert!(
        store.session([40; 32]).await.unwrap().is_none() && store.session([42; 32]).await.unwrap().is_none()
    );
    assert!(store.session([41; 32]).await.unwrap().is_some());
    assert!(store.describe_user(whose(), ("Ada L".to_owned(), "hu".to_owned())).await.unwrap());
    let kept = store.user_by_email("ada@example.com".to_owned()).await.unwrap().unwrap();
    assert_eq!((kept.password.as_str(), kept.name.as_str(), kept.language.as_str()), ("new", "Ada L", "hu"));
    store.begin_session(whose(), [43; 32], at(NOON)).await.unwrap();
    assert_eq!(store.end_other_sessions(whose(), [43; 32]).await.unwrap(), 1);
    assert!(store.session([43; 32]).await.unwrap().is_some());
}
