//! The audit log is found by who, what and when as if every entry were looked at; and what somebody saved is theirs.

use crate::desk::{Desk, NOON, at, contoso};
use leadwire_core::audit::Entry;
use leadwire_core::id::OfferId;
use leadwire_core::limits;
use leadwire_store::audit::{AuditWish, Deed, Kept, telling};
use leadwire_store::setup::{Change, Offer};
use leadwire_store::views::SavedView;

const WHO: [&str; 3] = ["key_1", "usr_2", "service"];
const ACTIONS: [&str; 2] = ["offer.add", "destination.pause"];
const HOUR: i64 = 3_600_000;

/// Entries of ten hours. Each says when it was asked for, which is up to 40 minutes before it was numbered.
async fn log(desk: &Desk) -> Vec<Kept> {
    for number in 0..60_u32 {
        let minutes = i64::from(number) * 10 - i64::from(number * 7 % 5) * 10;
        let entry = Entry {
            publisher: contoso().to_string(),
            number: 0,
            at: at(NOON + minutes * 60_000),
            who: WHO[number as usize % 3].to_owned(),
            role: "operator".to_owned(),
            action: ACTIONS[number as usize % 7 % 2].to_owned(),
            subject: String::new(),
            detail: String::new(),
        };
        let id = OfferId::parse(&format!("offer{number}")).unwrap();
        let offer = Offer { publisher: contoso(), id, title: String::new(), created_at: at(NOON) };
        telling(Deed::new(entry), desk.store.put_offer(offer)).await.unwrap();
    }
    desk.store.audit(contoso().to_string(), None, 100).await.unwrap()
}

fn is_meant(wish: &AuditWish, it: &Kept) -> bool {
    let it = &it.entry;
    wish.who.as_ref().is_none_or(|who| *who == it.who)
        && wish.action.as_ref().is_none_or(|action| *action == it.action)
        && wish.from.is_none_or(|from| it.at >= from)
        && wish.to.is_none_or(|to| it.at < to)
        && wish.before.is_none_or(|before| it.number < before)
}

#[tokio::test]
async fn entries_are_found_as_if_every_one_were_looked_at() {
    let desk = Desk::new().await;
    let all = log(&desk).await;
    assert_eq!(all.len(), 60);
    let some = |it: &str| Some(it.to_owned());
    let times = [None, Some(at(NOON - 24 * HOUR)), Some(at(NOON + 3 * HOUR)), Some(at(NOON + 99 * HOUR))];
    for who in [None, some(WHO[1]), some("nobody")] {
        for action in [None, some(ACTIONS[0])] {
            for (from, to) in times.iter().flat_map(|from| times.iter().map(move |to| (*from, *to))) {
                for before in [None, Some(30)] {
                    let (who, action) = (who.clone(), action.clone());
                    let publisher = contoso().to_string();
                    let wish = AuditWish { publisher, who, action, from, to, before };
                    let meant: Vec<&Kept> = all.iter().filter(|it| is_meant(&wish, it)).collect();
                    for limit in [4, 100] {
                        let found = desk.store.audit_found(wish.clone(), limit).await.unwrap();
                        let expected: Vec<&Kept> = meant.iter().copied().take(limit).collect();
                        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{wish:?}");
                    }
                }
            }
        }
    }
}

fn view(who: &str, name: &str, query: &str) -> SavedView {
    SavedView {
        publisher: contoso(),
        who: who.to_owned(),
        page: "deliveries".to_owned(),
        name: name.to_owned(),
        query: query.to_owned(),
        created_at: at(NOON),
    }
}

#[tokio::test]
async fn a_view_is_written_over_by_its_name_and_belongs_to_whoever_saved_it() {
    let desk = Desk::new().await;
    let of = async |who: &str| desk.store.views(contoso(), who.to_owned()).await.unwrap();
    let save = async |it: SavedView| desk.store.save_view(it).await.unwrap();
    for it in [view("usr_1", "a", "state=parked"), view("usr_1", "b", "state=pending")] {
        assert_eq!(save(it).await, Change::Made);
    }
    assert_eq!(save(view("usr_1", "a", "state=erased")).await, Change::Made);
    let expected = [view("usr_1", "a", "state=erased"), view("usr_1", "b", "state=pending")];
    assert_eq!(of("usr_1").await, expected);
    assert!(of("usr_2").await.is_empty());
    let place = |who: &str| [who, "deliveries", "a"].map(str::to_owned);
    assert_eq!(desk.store.remove_view(contoso(), place("usr_2")).await.unwrap(), Change::Missing);
    assert_eq!(desk.store.remove_view(contoso(), place("usr_1")).await.unwrap(), Change::Made);
    assert_eq!(of("usr_1").await, expected[1..]);
    for number in 1..limits::VIEWS_MAX {
        assert_eq!(save(view("usr_1", &format!("c{number}"), "state=parked")).await, Change::Made);
    }
    assert_eq!(save(view("usr_1", "one more", "state=parked")).await, Change::Full);
    assert_eq!(save(view("usr_1", "b", "state=parked")).await, Change::Made, "a name that is there");
}
