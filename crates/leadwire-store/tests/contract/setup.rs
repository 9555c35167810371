//! The set-up: changes are counted, names are unique, numbers are never used twice, and what is owed stands in the way.

use crate::desk::{Desk, NOON, at, contoso, destination, number, of_customer};
use leadwire_core::id::{KeyId, OfferId, RouteId, TokenId};
use leadwire_core::routing::Offers;
use leadwire_store::setup::{
    ApiKey, Change, Destination, IntakeToken, Offer, Publisher, PublisherKey, Rekeying, SealedSecrets,
    Sealing, StoredRoute,
};

fn route(id: u128, offer: Option<&str>, place: u32) -> StoredRoute {
    StoredRoute {
        publisher: contoso(),
        id: RouteId::new(id),
        offers: Offers::parse(offer.unwrap_or("*")).unwrap(),
        filter: String::new(),
        destination: number(place),
        stop: false,
        created_at: at(NOON),
    }
}

fn token(id: u128) -> IntakeToken {
    IntakeToken {
        publisher: contoso(),
        id: TokenId::new(id),
        offer: OfferId::parse("crm-pro").unwrap(),
        hash: [4; 32],
        tail: "wxyz".to_owned(),
        created_at: at(NOON),
    }
}

#[tokio::test]
async fn a_destination_with_pending_deliveries_is_not_removed() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    let version = desk.version().await;
    let remove = |place| desk.store.remove_destination(contoso(), number(place), at(NOON));
    assert_eq!(remove(1).await.unwrap(), Change::Owed(1));
    assert_eq!(desk.version().await, version);
    assert_eq!(remove(2).await.unwrap(), Change::Made);
    assert_eq!(remove(2).await.unwrap(), Change::Missing);
    assert_eq!(remove(9).await.unwrap(), Change::Missing);
}

#[tokio::test]
async fn the_number_of_a_removed_destination_is_never_used_again_and_its_name_may_be() {
    let desk = Desk::new().await;
    assert_eq!(desk.store.add_destination(destination("sheet")).await.unwrap(), Err(Change::Taken));
    desk.store.add_route(route(1, None, 2)).await.unwrap();
    desk.store.remove_destination(contoso(), number(2), at(NOON)).await.unwrap();
    assert!(desk.store.setup().await.unwrap().routes.is_empty());
    assert_eq!(desk.store.add_destination(destination("sheet")).await.unwrap(), Ok(number(3)));
    assert_eq!(desk.store.add_route(route(2, None, 2)).await.unwrap(), Change::Missing);
}

#[tokio::test]
async fn new_settings_keep_number_name_and_kind() {
    let desk = Desk::new().await;
    let changed = Destination {
        number: number(1),
        settings: r#"{"url":"https://example.com"}"#.to_owned(),
        ..destination("another name")
    };
    let seal = |_, _: &[PublisherKey]| Sealing { secrets: vec![9], new_key: None };
    assert_eq!(desk.store.update_destination(changed, seal).await.unwrap(), Change::Made);
    let setup = desk.store.setup().await.unwrap();
    let found = &setup.destinations[0];
    assert_eq!((found.name.as_str(), found.secrets.as_slice()), ("crm", [9].as_slice()));
    assert_eq!(found.settings, r#"{"url":"https://example.com"}"#);
    let missing = Destination { number: number(7), ..destination("crm") };
    assert_eq!(desk.store.update_destination(missing, seal).await.unwrap(), Change::Missing);
}

#[tokio::test]
async fn every_change_raises_the_version_and_nothing_else_does() {
    let desk = Desk::new().await;
    let store = &desk.store;
    let mut version = desk.version().await;
    let offer = |title: &str| Offer {
        publisher: contoso(),
        id: OfferId::parse("crm-pro").unwrap(),
        title: title.to_owned(),
        created_at: at(NOON),
    };
    let publisher = Publisher { id: contoso(), title: String::new(), created_at: at(NOON) };
    let key = ApiKey {
        publisher: None,
        id: KeyId::new(1),
        title: "ops".to_owned(),
        role: "operator".to_owned(),
        hash: [3; 32],
        tail: "abcd".to_owned(),
        created_at: at(NOON),
        expires_at: None,
    };
    let steps = [
        (store.add_publisher(publisher).await, Change::Taken, desk.version().await),
        (store.put_offer(offer("A")).await, Change::Made, desk.version().await),
        (store.put_offer(offer("B")).await, Change::Made, desk.version().await),
        (store.add_route(route(1, Some("crm-pro"), 1)).await, Change::Made, desk.version().await),
        (store.add_route(route(2, Some("crm-pro"), 1)).await, Change::Taken, desk.version().await),
        (store.add_token(token(1)).await, Change::Made, desk.version().await),
        (store.add_key(key).await, Change::Made, desk.version().await),
        (
            store.revoke_key(Some(contoso()), KeyId::new(1), at(NOON)).await,
            Change::Missing,
            desk.version().await,
        ),
        (store.revoke_key(None, KeyId::new(1), at(NOON)).await, Change::Made, desk.version().await),
        (store.revoke_token(contoso(), TokenId::new(1), at(NOON)).await, Change::Made, desk.version().await),
        (
            store.revoke_token(contoso(), TokenId::new(1), at(NOON)).await,
            Change::Missing,
            desk.version().await,
        ),
        (store.remove_route(contoso(), RouteId::new(1)).await, Change::Made, desk.version().await),
        (store.remove_route(contoso(), RouteId::new(1)).await, Change::Missing, desk.version().await),
    ];
    for (step, (change, expected, after)) in steps.into_iter().enumerate() {
        assert_eq!(change.unwrap(), expected, "step {step}");
        assert_eq!(after, version + i64::from(expected == Change::Made), "step {step}");
        version = after;
    }
}

#[tokio::test]
async fn an_offer_is_removed_with_its_routes_and_addresses() {
    let desk = Desk::new().await;
    let offer = OfferId::parse("crm-pro").unwrap();
    let listed =
        Offer { publisher: contoso(), id: offer.clone(), title: String::new(), created_at: at(NOON) };
    desk.store.put_offer(listed).await.unwrap();
    desk.store.add_route(route(1, Some("crm-pro"), 1)).await.unwrap();
    desk.store.add_route(route(2, None, 1)).await.unwrap();
    desk.store.add_token(token(1)).await.unwrap();
    let remove = || desk.store.remove_offer(contoso(), offer.clone(), at(NOON));
    assert_eq!(remove().await.unwrap(), Change::Made);
    let setup = desk.store.setup().await.unwrap();
    assert!(setup.offers.is_empty() && setup.tokens.is_empty());
    assert_eq!(setup.routes.iter().map(|it| it.id.bits()).collect::<Vec<_>>(), [2]);
    // What is not there takes nothing with it.
    desk.store.add_route(route(3, Some("crm-pro"), 1)).await.unwrap();
    assert_eq!(remove().await.unwrap(), Change::Missing);
    assert_eq!(desk.store.setup().await.unwrap().routes.len(), 2);
}

fn key(number: u32, master_key: &str) -> PublisherKey {
    PublisherKey {
        publisher: contoso(),
        number,
        master_key: master_key.to_owned(),
        wrapped: vec![7; 61],
        created_at: at(NOON),
    }
}

#[tokio::test]
async fn secrets_are_sealed_for_the_number_and_with_the_keys_of_their_own_transaction() {
    let desk = Desk::new().await;
    let first = |place: leadwire_core::id::DestinationNo, keys: &[PublisherKey]| {
        assert!(keys.is_empty());
        Sealing { secrets: vec![place.get() as u8], new_key: Some(key(1, "aa")) }
    };
    assert_eq!(desk.store.add_sealed_destination(destination("a"), first).await.unwrap(), Ok(number(3)));
    let second = |place: leadwire_core::id::DestinationNo, keys: &[PublisherKey]| {
        assert_eq!(keys, [key(1, "aa")]);
        Sealing { secrets: vec![place.get() as u8], new_key: None }
    };
    assert_eq!(desk.store.add_sealed_destination(destination("b"), second).await.unwrap(), Ok(number(4)));
    let setup = desk.store.setup().await.unwrap();
    let sealed: Vec<&[u8]> = setup.destinations.iter().map(|it| it.secrets.as_slice()).collect();
    assert_eq!(sealed[2..], [[3].as_slice(), [4].as_slice()]);
    assert_eq!(setup.publisher_keys, [key(1, "aa")]);
}

#[tokio::test]
async fn a_rotation_sees_and_changes_one_publisher_or_all() {
    let desk = Desk::new().await;
    let seal = |_, _: &[PublisherKey]| Sealing { secrets: vec![1], new_key: Some(key(1, "aa")) };
    desk.store.add_sealed_destination(destination("a"), seal).await.unwrap().unwrap();
    let version = desk.version().await;
    for whose in [Some(contoso()), None] {
        let seen =
            desk.store.rekey(whose, |keys, secrets| (Rekeying::default(), (keys.to_vec(), secrets.to_vec())));
        let (keys, secrets) = seen.await.unwrap();
        let expected = SealedSecrets {
            publisher: contoso(),
            destination: number(3),
            name: "a".to_owned(),
            secrets: vec![1],
        };
        assert_eq!((keys, secrets), (vec![key(1, "aa")], vec![expected]));
    }
    let other = leadwire_core::id::PublisherId::parse("fabrikam").unwrap();
    let seen =
        desk.store.rekey(Some(other), |keys, secrets| (Rekeying::default(), keys.len() + secrets.len()));
    assert_eq!(seen.await.unwrap(), 0);
    assert_eq!(desk.version().await, version, "nothing was changed");
    let changed = desk.store.rekey(None, |keys, secrets| {
        let sealed = SealedSecrets { secrets: vec![2], ..secrets[0].clone() };
        let rekeying =
            Rekeying { keys: vec![key(2, "bb")], secrets: vec![sealed], unused: vec![keys[0].clone()] };
        (rekeying, ())
    });
    changed.await.unwrap();
    desk.store
        .rekey(None, |_, _| (Rekeying { keys: vec![key(2, "cc")], ..Rekeying::default() }, ()))
        .await
        .unwrap();
    let setup = desk.store.setup().await.unwrap();
    assert_eq!(setup.publisher_keys, [key(2, "cc")]);
    assert_eq!(setup.destinations[2].secrets, [2]);
    assert_eq!(setup.version, version + 2);
}
