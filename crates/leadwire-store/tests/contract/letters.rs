//! Letters to users: one at a time for each, taken up by one, and with a link that works from then on.

use crate::desk::{Desk, NOON, at, contoso};
use crate::users::{chosen, link, user};
use leadwire_core::id::UserId;
use leadwire_store::letters::{Letter, LetterEnd, LetterWish};

fn wish(id: u128, kind: &str, now: i64) -> LetterWish {
    LetterWish {
        publisher: Some(contoso()),
        user: UserId::new(id),
        kind: kind.to_owned(),
        language: "hu".to_owned(),
        now: at(now),
    }
}

async fn desk() -> Desk {
    let desk = Desk::new().await;
    desk.store.add_user(user(1, Some(contoso()), "ada@example.com"), link(1)).await.unwrap();
    desk
}

async fn waiting(desk: &Desk) -> Vec<Letter> {
    desk.store.waiting_letters(9).await.unwrap()
}

fn why(cause: &str) -> [String; 3] {
    [cause, "it did not answer", "look"].map(str::to_owned)
}

#[tokio::test]
async fn a_letter_is_taken_up_by_one_and_its_link_works_from_then_on() {
    let desk = desk().await;
    let store = &desk.store;
    assert!(!store.ask_letter(wish(9, "invitation", NOON)).await.unwrap(), "there is no such user");
    assert!(store.ask_letter(wish(1, "invitation", NOON)).await.unwrap());
    let letter = waiting(&desk).await.remove(0);
    assert_eq!(
        (letter.kind.as_str(), letter.language.as_str(), letter.due_at),
        ("invitation", "hu", at(NOON))
    );
    assert!(
        store.user_by_link([7; 32], at(NOON)).await.unwrap().is_none(),
        "no letter has a link before it is sent"
    );
    let taken = store.take_letter(letter.clone(), at(NOON + 5), ([7; 32], at(NOON + 99))).await.unwrap();
    assert_eq!(taken.unwrap().email, "ada@example.com");
    let twice = store.take_letter(letter.clone(), at(NOON + 6), ([8; 32], at(NOON + 99))).await.unwrap();
    assert!(twice.is_none(), "it is another's");
    assert!(
        store.user_by_link([1; 32], at(NOON)).await.unwrap().is_none(),
        "the link of before works no more"
    );
    assert!(store.user_by_link([7; 32], at(NOON)).await.unwrap().is_some());
    store.end_letter(letter.clone(), at(NOON + 5), (LetterEnd::Sent, at(NOON + 3))).await.unwrap();
    assert!(waiting(&desk).await.is_empty());
    let kept = store.letters(Some(contoso()), 9).await.unwrap().remove(0);
    assert_eq!((kept.state.as_str(), kept.attempts, kept.ended_at), ("sent", 1, Some(at(NOON + 3))));
    assert!(store.use_link([7; 32], chosen("ada@example.com"), at(NOON)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_letter_that_did_not_go_is_due_again_until_it_is_given_up() {
    let desk = desk().await;
    let store = &desk.store;
    store.ask_letter(wish(1, "invitation", NOON)).await.unwrap();
    let first = waiting(&desk).await.remove(0);
    store.take_letter(first.clone(), at(NOON + 5), ([7; 32], at(NOON + 99))).await.unwrap();
    assert_eq!(
        waiting(&desk).await[0].due_at,
        at(NOON + 5),
        "a crash in the middle: it is due when its time is over"
    );
    let again = LetterEnd::Again(at(NOON + 60), why("timed_out"));
    store.end_letter(first.clone(), at(NOON + 5), (again, at(NOON + 4))).await.unwrap();
    let second = waiting(&desk).await.remove(0);
    assert_eq!((second.due_at, second.attempts, second.cause.as_str()), (at(NOON + 60), 1, "timed_out"));
    store.end_letter(first, at(NOON + 5), (LetterEnd::Sent, at(NOON + 61))).await.unwrap();
    assert_eq!(waiting(&desk).await.len(), 1, "whoever comes late changes nothing");
    store.take_letter(second.clone(), at(NOON + 70), ([8; 32], at(NOON + 99))).await.unwrap();
    let failed = LetterEnd::Failed(why("recipients_refused"));
    store.end_letter(second, at(NOON + 70), (failed, at(NOON + 65))).await.unwrap();
    let kept = store.letters(None, 9).await.unwrap().remove(0);
    assert_eq!((kept.state.as_str(), kept.fix.as_str()), ("failed", "look"));
    store.ask_letter(wish(1, "password", NOON + 100)).await.unwrap();
    let anew = waiting(&desk).await.remove(0);
    assert_eq!(
        (anew.kind.as_str(), anew.attempts, anew.cause.as_str(), anew.ended_at),
        ("password", 0, "", None)
    );
}

#[tokio::test]
async fn who_goes_is_written_to_no_more() {
    let desk = desk().await;
    desk.store.ask_letter(wish(1, "invitation", NOON)).await.unwrap();
    desk.store.remove_user(Some(contoso()), UserId::new(1)).await.unwrap();
    assert!(waiting(&desk).await.is_empty() && desk.store.letters(None, 9).await.unwrap().is_empty());
}
