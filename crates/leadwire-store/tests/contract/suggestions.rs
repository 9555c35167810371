//! Leads that may be one: found once, step by step, and never where too many have the same in common.

use crate::desk::{Desk, NOON, at, contoso, of_customer, said, touchpoint};
use leadwire_core::limits::{NEAR_LEADS_MAX, SUGGEST_STEP};
use leadwire_store::accept::Accept;
use leadwire_store::suggestions::{Mint, SuggestionState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) fn mint() -> Mint {
    let next = AtomicU64::new(1);
    Arc::new(move || next.fetch_add(1, Ordering::SeqCst).into())
}

async fn open(desk: &Desk) -> usize {
    desk.store.suggestions(contoso(), SuggestionState::Open, None, 999).await.unwrap().len()
}

#[tokio::test]
async fn a_number_that_too_many_share_says_nothing_more() {
    let desk = Desk::new().await;
    let many = NEAR_LEADS_MAX + 4;
    for id in 1..=many {
        let parsed = said("", "+36201234567");
        let id = u8::try_from(id).unwrap();
        desk.accept(Accept { parsed, ..of_customer(id.into(), id) }).await;
    }
    let step = desk.store.near_page(contoso(), touchpoint(99)).await.unwrap().unwrap();
    let pairs = NEAR_LEADS_MAX * (NEAR_LEADS_MAX - 1) / 2;
    assert_eq!(desk.store.near_step(step.clone(), at(NOON), mint()).await.unwrap(), pairs);
    assert_eq!(open(&desk).await, pairs);
    // A step that was made is not made again, and there is nothing behind it.
    assert_eq!(desk.store.near_step(step, at(NOON), mint()).await.unwrap(), 0);
    assert!(desk.store.near_page(contoso(), touchpoint(99)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_search_goes_on_where_it_was_over_a_new_start() {
    let mut desk = Desk::new().await;
    let count = SUGGEST_STEP + 1;
    for id in 1..=count {
        let parsed = if id == 1 || id == count { said("", "+36201234567") } else { said("", "") };
        let id = u8::try_from(id).unwrap();
        desk.accept(Accept { parsed, ..of_customer(id.into(), id) }).await;
    }
    let first = desk.store.near_page(contoso(), touchpoint(999)).await.unwrap().unwrap();
    assert!(first.has_more);
    desk.store.near_step(first, at(NOON), mint()).await.unwrap();
    desk = desk.reopened();
    let second = desk.store.near_page(contoso(), touchpoint(999)).await.unwrap().unwrap();
    assert!(!second.has_more);
    assert_eq!(desk.store.near_step(second, at(NOON), mint()).await.unwrap(), 1);
    let found = desk.store.suggestions(contoso(), SuggestionState::Open, None, 9).await.unwrap();
    let pair = found[0].leads.map(|it| it.bits());
    assert_eq!((found.len(), pair), (1, [1, u128::try_from(count).unwrap()]));
}

#[tokio::test]
async fn a_touchpoint_that_is_stored_late_overwrites_nothing_newer() {
    let desk = Desk::new().await;
    desk.accept(Accept { parsed: said("new@x.example", ""), ..of_customer(5, 1) }).await;
    let lead = desk.lead_of(Accept { parsed: said("old@x.example", "1"), ..of_customer(3, 1) }).await;
    let found = desk.store.lead(contoso(), lead, 0).await.unwrap().unwrap().0;
    assert_eq!((found.email.as_str(), found.phone.as_str()), ("new@x.example", "1"));
}
