//! Leads that are revealed to somebody: counted by the hour, told once each, and not told when there were too many.

use crate::desk::{Desk, NOON, at, contoso};
use leadwire_core::audit::Entry;
use leadwire_store::audit::{Deed, telling};
use leadwire_store::reveals::Revealing;

const HOUR: i64 = 3_600_000;

fn revealing(who: &str, now: i64) -> Revealing {
    Revealing { publisher: contoso(), who: who.to_owned(), now: at(now), most: 2 }
}

async fn reveal(desk: &Desk, who: &str, now: i64) -> bool {
    let entry = Entry {
        publisher: contoso().to_string(),
        number: 0,
        at: at(now),
        who: who.to_owned(),
        role: "reader".to_owned(),
        action: "lead.reveal".to_owned(),
        subject: String::new(),
        detail: String::new(),
    };
    telling(Deed::new(entry), desk.store.note_reveal(revealing(who, now))).await.unwrap()
}

#[tokio::test]
async fn each_has_a_few_in_an_hour_and_what_is_refused_is_not_told() {
    let desk = Desk::new().await;
    for expected in [true, true, false, false] {
        assert_eq!(reveal(&desk, "usr_1", NOON).await, expected);
    }
    assert!(reveal(&desk, "usr_2", NOON).await, "everybody has their own");
    let told = desk.store.audit(contoso().to_string(), None, 9).await.unwrap();
    assert_eq!(told.len(), 3);
    assert!(reveal(&desk, "usr_1", NOON + HOUR).await, "the next hour is another one");
}

#[tokio::test]
async fn readers_reveal_unless_their_publisher_says_otherwise() {
    let desk = Desk::new().await;
    let may = async || desk.store.setup().await.unwrap().retention.first().map(|it| it.readers_reveal);
    assert_eq!(may().await, None, "nothing is said, and they may");
    desk.store.set_retention(contoso(), 7).await.unwrap();
    assert_eq!(may().await, Some(true));
    desk.store.set_readers_reveal(contoso(), false).await.unwrap();
    desk.store.set_retention(contoso(), 8).await.unwrap();
    assert_eq!(may().await, Some(false), "one setting leaves the other alone");
}
