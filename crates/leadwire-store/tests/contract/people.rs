//! What people do: look at deliveries, and put them back to work.

use crate::desk::{Desk, NOON, SECOND, at, contoso, delivery_id, done, ids, number, of_customer};
use leadwire_core::id::{DeliveryId, LeadId};
use leadwire_core::lane::Next;
use leadwire_core::routing::Routed;
use leadwire_store::accept::Accept;
use leadwire_store::deliveries::DeliveryFilter;
use leadwire_store::leads::LeadFilter;
use leadwire_store::rows::DeliveryState;
use leadwire_store::setup::Change;

#[tokio::test]
async fn a_parked_delivery_is_due_when_a_person_says_so() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    let token = desk.take(NOON).await;
    let claim = desk.claim(token, 1, NOON).await[0];
    let retry = |id| desk.store.retry_delivery(contoso(), id, at(NOON + SECOND));
    assert!(!retry(delivery_id(1, 1)).await.unwrap(), "it is being tried");
    desk.settle(token, claim, Next::Park, NOON).await;
    let parked = desk.delivery(1).await;
    assert_eq!((parked.state, parked.cause.as_str()), (DeliveryState::Parked, "http_503"));
    assert!(parked.ended_at.is_some());
    assert!(retry(delivery_id(1, 1)).await.unwrap());
    let claims = desk.claim(token, 1, NOON + SECOND).await;
    assert_eq!((ids(&claims), claims[0].number), (vec![1], 2));
    desk.settle(token, claims[0], done(), NOON + SECOND).await;
    assert!(!retry(delivery_id(1, 1)).await.unwrap(), "it is delivered");
    assert!(!retry(delivery_id(9, 1)).await.unwrap(), "it never was");
    assert_eq!(desk.outcomes(1).await, ["refused", "done"]);
}

#[tokio::test]
async fn a_retry_that_waits_is_due_when_a_person_says_so() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    desk.accept(of_customer(2, 1)).await;
    let token = desk.take(NOON).await;
    let claim = desk.claim(token, 1, NOON).await[0];
    desk.settle(token, claim, Next::RetryAt(at(NOON + 3600 * SECOND)), NOON).await;
    // The one behind it stays behind it.
    for id in [1, 2] {
        assert!(desk.store.retry_delivery(contoso(), delivery_id(id, 1), at(NOON)).await.unwrap());
    }
    assert_eq!(ids(&desk.claim(token, 9, NOON).await), [1]);
}

#[tokio::test]
async fn parked_deliveries_of_one_lead_come_back_in_order_and_one_at_a_time() {
    let desk = Desk::new().await;
    for id in 1..=3 {
        desk.accept(of_customer(id, 1)).await;
    }
    let token = desk.take(NOON).await;
    for _ in 1..=2 {
        let claim = desk.claim(token, 9, NOON).await[0];
        desk.settle(token, claim, Next::Park, NOON).await;
    }
    let retried = |limit| desk.store.retry_parked(contoso(), number(1), limit, at(NOON));
    assert_eq!(retried(1).await.unwrap(), 1);
    assert_eq!(retried(9).await.unwrap(), 1);
    assert_eq!(retried(9).await.unwrap(), 0);
    for id in 1..=3 {
        let claims = desk.claim(token, 9, NOON).await;
        assert_eq!(ids(&claims), [id]);
        desk.settle(token, claims[0], done(), NOON).await;
    }
}

#[tokio::test]
async fn a_parked_delivery_of_a_removed_destination_stays_parked() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    let token = desk.take(NOON).await;
    let claim = desk.claim(token, 1, NOON).await[0];
    desk.settle(token, claim, Next::Park, NOON).await;
    let removed = desk.store.remove_destination(contoso(), number(1), at(NOON)).await.unwrap();
    assert_eq!(removed, Change::Made);
    assert!(!desk.store.retry_delivery(contoso(), delivery_id(1, 1), at(NOON)).await.unwrap());
    assert_eq!(desk.store.retry_parked(contoso(), number(1), 9, at(NOON)).await.unwrap(), 0);
    assert_eq!(desk.store.unfinished(contoso()).await.unwrap(), 0);
    assert_eq!(desk.ledger().await.accounts[0].count(DeliveryState::Parked), 1);
}

#[tokio::test]
async fn what_is_unfinished_is_what_is_pending() {
    let desk = Desk::new().await;
    for id in 1..=4 {
        desk.accept(of_customer(id.into(), id)).await;
    }
    let unfinished = || desk.store.unfinished(contoso());
    assert_eq!(unfinished().await.unwrap(), 4);
    let token = desk.take(NOON).await;
    let claims = desk.claim(token, 3, NOON).await;
    assert_eq!(unfinished().await.unwrap(), 4, "being tried is not done");
    desk.settle(token, claims[0], done(), NOON).await;
    desk.settle(token, claims[1], Next::Park, NOON).await;
    desk.settle(token, claims[2], Next::RetryAt(at(NOON)), NOON).await;
    assert_eq!(unfinished().await.unwrap(), 2);
}

/// Reads a list page by page and gives all of it.
async fn pages(desk: &Desk, filter: DeliveryFilter) -> Vec<DeliveryId> {
    let mut all: Vec<DeliveryId> = Vec::new();
    loop {
        let before = all.last().copied().or(filter.before);
        let page = desk.store.deliveries(DeliveryFilter { before, ..filter.clone() }).await.unwrap();
        assert!(page.len() <= filter.limit);
        if page.is_empty() {
            return all;
        }
        all.extend(page.iter().map(|it| it.id));
    }
}

#[tokio::test]
async fn every_list_of_deliveries_is_whole_in_order_and_the_same_for_any_page() {
    let desk = Desk::new().await;
    let both = || vec![number(1), number(2)].into_iter();
    for id in 1..=24u8 {
        let suppressed = (id % 5 == 0).then_some("do_not_contact");
        let routed = both().map(|destination| Routed { destination, suppressed }).collect();
        desk.accept(Accept { routed, ..of_customer(id.into(), id % 3) }).await;
    }
    let token = desk.take(NOON).await;
    for next in [done(), Next::Park, Next::Park, done(), done(), Next::Park] {
        let claim = desk.claim(token, 1, NOON).await[0];
        desk.settle(token, claim, next, NOON).await;
    }
    let all = DeliveryFilter {
        publisher: contoso(),
        destination: None,
        state: None,
        lead: None,
        before: None,
        limit: 1000,
    };
    let everything = desk.store.deliveries(all.clone()).await.unwrap();
    assert_eq!(everything.len(), 48);
    assert!(everything.is_sorted_by(|a, b| a.id > b.id));
    let states = DeliveryState::ALL.into_iter().map(Some).chain([None]);
    for state in states {
        for destination in [None, Some(number(1)), Some(number(2))] {
            for lead in [None, Some(LeadId::new(1)), Some(LeadId::new(99))] {
                let expected: Vec<DeliveryId> = everything
                    .iter()
                    .filter(|it| state.is_none_or(|state| it.state == state))
                    .filter(|it| destination.is_none_or(|number| it.id.destination == number))
                    .filter(|it| lead.is_none_or(|lead| it.lead == lead))
                    .map(|it| it.id)
                    .collect();
                for limit in [1, 4, 1000] {
                    let filter = DeliveryFilter { destination, state, lead, limit, ..all.clone() };
                    assert_eq!(pages(&desk, filter.clone()).await, expected, "{filter:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn leads_are_listed_newest_first_and_found_by_address() {
    let desk = Desk::new().await;
    for id in 1..=5u8 {
        let parsed = crate::desk::said(&format!("{id}@example.com"), "");
        desk.accept(Accept { parsed, ..of_customer(id.into(), id) }).await;
    }
    let filter = |before, email, limit| LeadFilter { publisher: contoso(), before, email, limit };
    let list = async |filter| -> Vec<u128> {
        desk.store.leads(filter).await.unwrap().iter().map(|it| it.id.bits()).collect()
    };
    assert_eq!(list(filter(None, None, 3)).await, [5, 4, 3]);
    assert_eq!(list(filter(Some(LeadId::new(3)), None, 3)).await, [2, 1]);
    assert_eq!(list(filter(None, Some("4@example.com".to_owned()), 3)).await, [4]);
}
