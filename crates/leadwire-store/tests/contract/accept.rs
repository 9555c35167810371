//! Accepting: once, whole, and into the right lead.

use crate::desk::{
    Desk, NOON, SECOND, at, contoso, delivery_id, number, of_customer, once, said, touchpoint,
};
use leadwire_core::id::{LeadId, OfferId, PublisherId, QuarantineId};
use leadwire_core::routing::Routed;
use leadwire_store::accept::{Accept, Accepted};
use leadwire_store::quarantine::Quarantine;
use leadwire_store::rows::DeliveryState;

#[tokio::test]
async fn a_key_seen_twice_is_stored_once() {
    let desk = Desk::new().await;
    let lead = desk.lead_of(Accept { once: once(1, 1), ..of_customer(1, 1) }).await;
    let second = desk.accept(Accept { once: once(1, 1), ..of_customer(2, 1) }).await;
    assert_eq!(second, Accepted::Duplicate { touchpoint: touchpoint(1), lead });
    let ledger = desk.ledger().await;
    assert_eq!((ledger.touchpoints, ledger.duplicates), (1, 1));
}

#[tokio::test]
async fn a_key_seen_twice_in_one_request_is_stored_once() {
    let desk = Desk::new().await;
    let item = |id| Accept { once: once(1, 1), ..of_customer(id, 1) };
    let accepted = desk.accept_all(vec![item(1), item(2)]).await;
    let lead = LeadId::new(1);
    assert_eq!(
        accepted,
        [Accepted::Stored { lead }, Accepted::Duplicate { touchpoint: touchpoint(1), lead }]
    );
}

#[tokio::test]
async fn a_key_with_another_body_is_refused_and_nothing_is_stored() {
    let desk = Desk::new().await;
    desk.accept(Accept { once: once(1, 1), ..of_customer(1, 1) }).await;
    let other = desk.accept(Accept { once: once(1, 2), ..of_customer(2, 1) }).await;
    assert_eq!(other, Accepted::KeyReused { touchpoint: touchpoint(1) });
    let ledger = desk.ledger().await;
    assert_eq!((ledger.touchpoints, ledger.duplicates), (1, 0));
    assert!(desk.store.delivery(contoso(), delivery_id(2, 1)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_key_is_forgotten_when_its_time_is_over() {
    let desk = Desk::new().await;
    let item = |id, now| Accept { once: once(1, 1), received_at: at(now), ..of_customer(id, 1) };
    desk.accept(item(1, NOON)).await;
    let last = desk.accept(item(2, NOON + 60 * SECOND - 1)).await;
    assert!(matches!(last, Accepted::Duplicate { .. }), "{last:?}");
    let first = desk.accept(item(3, NOON + 60 * SECOND)).await;
    assert!(matches!(first, Accepted::Stored { .. }), "{first:?}");
    // And from then on the key stands for the new one.
    let again = desk.accept(item(4, NOON + 60 * SECOND)).await;
    assert_eq!(again, Accepted::Duplicate { touchpoint: touchpoint(3), lead: LeadId::new(1) });
}

#[tokio::test]
async fn keys_of_two_publishers_are_two_keys() {
    let desk = Desk::new().await;
    desk.accept(Accept { once: once(1, 1), ..of_customer(1, 1) }).await;
    let fabrikam = leadwire_core::id::PublisherId::parse("fabrikam").unwrap();
    let other = Accept { publisher: fabrikam, once: once(1, 2), routed: Vec::new(), ..of_customer(2, 1) };
    assert_eq!(desk.accept(other).await, Accepted::Stored { lead: LeadId::new(2) });
}

#[tokio::test]
async fn a_walk_over_the_keys_forgets_all_that_are_over_and_no_other() {
    let desk = Desk::new().await;
    for id in 0..10 {
        let received_at = at(NOON + i64::from(id % 2) * SECOND);
        desk.accept(Accept { once: once(id, 1), received_at, ..of_customer(id.into(), 1) }).await;
    }
    // Half of the keys end at this moment, half of them a second later.
    let now = at(NOON + 60 * SECOND);
    let (mut cursor, mut forgotten, mut steps) = (None, 0, 0);
    loop {
        let step = desk.store.forget_idempotency(now, cursor, 3).await.unwrap();
        assert!(step.keys <= 3);
        forgotten += step.keys;
        steps += 1;
        cursor = step.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((forgotten, steps), (5, 4));
    for id in 0..10 {
        let again = desk.accept(Accept { once: once(id, 1), ..of_customer(100 + u128::from(id), 1) }).await;
        assert_eq!(matches!(again, Accepted::Duplicate { .. }), id % 2 == 1, "key {id}: {again:?}");
    }
}

#[tokio::test]
async fn one_customer_is_one_lead_with_the_newest_of_each_field() {
    let desk = Desk::new().await;
    let first = desk.lead_of(Accept { parsed: said("old@example.com", "1"), ..of_customer(1, 1) }).await;
    let parsed = said("new@example.com", "");
    let second = desk.lead_of(Accept { parsed, received_at: at(NOON + 1), ..of_customer(2, 1) }).await;
    assert_eq!(first, second);
    let (lead, touchpoints) = desk.store.lead(contoso(), first, 10).await.unwrap().unwrap();
    assert_eq!((lead.email.as_str(), lead.phone.as_str()), ("new@example.com", "1"));
    assert_eq!((lead.touchpoints, lead.created_at, lead.updated_at), (2, at(NOON), at(NOON + 1)));
    assert_eq!(touchpoints.iter().map(|it| it.id.bits()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(touchpoints[0].body, br#"{"n":1}"#);
}

#[tokio::test]
async fn a_customer_who_cannot_be_told_from_others_is_a_lead_of_its_own() {
    let desk = Desk::new().await;
    let first = desk.lead_of(Accept { identity: None, ..of_customer(1, 1) }).await;
    let second = desk.lead_of(Accept { identity: None, ..of_customer(2, 1) }).await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn what_no_route_takes_is_kept_and_counted() {
    let desk = Desk::new().await;
    desk.accept(Accept { routed: Vec::new(), ..of_customer(1, 1) }).await;
    desk.accept(of_customer(2, 1)).await;
    let ledger = desk.ledger().await;
    assert_eq!((ledger.touchpoints, ledger.unrouted, ledger.routed), (2, 1, 1));
    let kept = desk.store.touchpoints(contoso(), vec![touchpoint(1), touchpoint(9)]).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert!(!kept[0].routed);
}

#[tokio::test]
async fn what_must_not_be_sent_is_suppressed_with_its_reason_and_never_claimed() {
    let desk = Desk::new().await;
    let routed = vec![
        Routed { destination: number(1), suppressed: Some("do_not_contact") },
        Routed { destination: number(2), suppressed: None },
    ];
    desk.accept(Accept { routed, ..of_customer(1, 1) }).await;
    let ledger = desk.ledger().await;
    assert_eq!(ledger.accounts[0].count(DeliveryState::Suppressed), 1);
    assert_eq!(ledger.accounts[1].count(DeliveryState::Pending), 1);
    assert_eq!(desk.delivery(1).await.cause, "do_not_contact");
    let token = desk.take(NOON).await;
    assert!(desk.claim(token, 9, NOON).await.is_empty());
}

#[tokio::test]
async fn touchpoints_routed_by_an_older_set_up_are_not_stored() {
    let desk = Desk::new().await;
    let version = desk.version().await;
    let accepted = desk.store.accept(version - 1, [of_customer(1, 1)].into()).await.unwrap();
    assert_eq!(accepted, None);
    assert_eq!(desk.ledger().await.touchpoints, 0);
}

#[tokio::test]
async fn a_request_is_stored_whole_or_not_at_all() {
    let desk = Desk::new().await;
    let version = desk.version().await;
    // The same id twice is a mistake that the second insert meets.
    let error = desk.store.accept(version, [of_customer(1, 1), of_customer(1, 2)].into()).await;
    assert!(error.is_err());
    assert_eq!(desk.ledger().await.touchpoints, 0);
}

#[tokio::test]
async fn the_greatest_id_is_where_ids_go_on() {
    let desk = Desk::new().await;
    assert_eq!(desk.store.last_touchpoint().await.unwrap(), None);
    for id in [7, u128::MAX >> 3, 9] {
        desk.accept(of_customer(id, 1)).await;
    }
    assert_eq!(desk.store.last_touchpoint().await.unwrap(), Some(touchpoint(u128::MAX >> 3)));
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_byte_by_byte() {
    let desk = Desk::new().await;
    let body = b"\0\xff{\"a\": \r\n\"\xc3\x28\"".as_slice();
    let item = |id| Quarantine {
        publisher: contoso(),
        id: QuarantineId::new(id),
        received_at: at(NOON),
        offer: OfferId::parse("crm-pro").unwrap(),
        content_type: "application/json".to_owned(),
        code: "not_json".to_owned(),
        pointer: "/a".to_owned(),
        message: "not JSON".to_owned(),
        body: bytes::Bytes::from_static(body),
        body_sha256: [2; 32],
    };
    for id in [1, 2] {
        desk.store.quarantine(item(id)).await.unwrap();
    }
    let kept = desk.store.quarantined_body(contoso(), QuarantineId::new(1)).await.unwrap().unwrap();
    assert_eq!(kept, body);
    let listed = desk.store.quarantined(contoso(), None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|it| it.id.bits()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(listed[0].body_bytes, u64::try_from(body.len()).unwrap());
    let older = desk.store.quarantined(contoso(), Some(QuarantineId::new(2)), 10).await.unwrap();
    assert_eq!(older.iter().map(|it| it.id.bits()).collect::<Vec<_>>(), [1]);
    assert_eq!(desk.ledger().await.quarantined, 2);
}

#[tokio::test]
async fn whether_there_are_more_touchpoints_than_so_many_is_told_of_each_publisher() {
    let desk = Desk::new().await;
    let has_more = async |than| desk.store.has_more_touchpoints(contoso(), than).await.unwrap();
    assert!(!has_more(0).await);
    for id in 1..=3u8 {
        desk.accept(of_customer(u128::from(id), id)).await;
    }
    assert_eq!([has_more(0).await, has_more(2).await, has_more(3).await], [true, true, false]);
    let other = PublisherId::parse("nobody").unwrap();
    assert!(!desk.store.has_more_touchpoints(other, 0).await.unwrap());
}
