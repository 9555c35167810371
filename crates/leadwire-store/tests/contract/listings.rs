//! Listings: what is worked on is not what everybody sees, and what was judged is what goes live. Proofs are of settings.

use crate::desk::{Desk, NOON, at, contoso, crm, destination, number};
use leadwire_core::id::OfferId;
use leadwire_core::listing::OfferState;
use leadwire_store::setup::proofs::{Proved, ToldProof};
use leadwire_store::setup::{Change, Destination, Offer, PublisherKey, Sealing};

async fn listed() -> (Desk, OfferId) {
    let desk = Desk::new().await;
    let id = OfferId::parse("crm-pro").unwrap();
    let offer = Offer { publisher: contoso(), id: id.clone(), title: String::new(), created_at: at(NOON) };
    desk.store.put_offer(offer).await.unwrap();
    (desk, id)
}

#[tokio::test]
async fn what_is_live_stays_while_it_is_worked_on() {
    let (desk, id) = listed().await;
    let store = &desk.store;
    let put = |text: &str| store.put_listing(contoso(), id.clone(), text.to_owned(), at(NOON));
    let live = |text: &str| store.bring_listing_live(contoso(), id.clone(), text.to_owned(), at(NOON + 1));
    assert_eq!(store.listing(contoso(), id.clone()).await.unwrap().state, OfferState::Draft);
    assert_eq!(put("one").await.unwrap(), Change::Made);
    assert_eq!(live("one").await.unwrap(), Change::Missing, "there was no preview");
    store.preview_listing(contoso(), id.clone(), [7; 32], at(NOON)).await.unwrap();
    assert_eq!(live("two").await.unwrap(), Change::Missing, "this is not what is worked on");
    assert_eq!(live("one").await.unwrap(), Change::Made);
    put("two").await.unwrap();
    store.preview_listing(contoso(), id.clone(), [8; 32], at(NOON)).await.unwrap();
    let kept = store.listing(contoso(), id.clone()).await.unwrap();
    assert_eq!(
        (kept.state, kept.live_content.as_str(), kept.content.as_str()),
        (OfferState::Live, "one", "two")
    );
    assert_eq!((kept.preview_hash, kept.live_at), (vec![8; 32], Some(at(NOON + 1))));
    assert_eq!(store.offer_states(contoso()).await.unwrap(), [(id.clone(), OfferState::Live)]);
    store.withdraw_listing(contoso(), id.clone(), at(NOON)).await.unwrap();
    let kept = store.listing(contoso(), id.clone()).await.unwrap();
    assert_eq!(
        (kept.state, kept.live_content.as_str(), kept.content.as_str()),
        (OfferState::Draft, "", "two")
    );
    assert!(kept.preview_hash.is_empty());
}

#[tokio::test]
async fn a_listing_belongs_to_an_offer_and_goes_with_it() {
    let (desk, id) = listed().await;
    let store = &desk.store;
    let version = desk.version().await;
    let other = OfferId::parse("other").unwrap();
    assert_eq!(store.put_listing(contoso(), other, "x".to_owned(), at(NOON)).await.unwrap(), Change::Missing);
    store.put_listing(contoso(), id.clone(), "x".to_owned(), at(NOON)).await.unwrap();
    assert_eq!(desk.version().await, version, "where touchpoints go has not changed");
    store.remove_offer(contoso(), id.clone(), at(NOON)).await.unwrap();
    assert_eq!(store.listing(contoso(), id).await.unwrap().content, "");
}

#[tokio::test]
async fn a_proof_is_of_the_settings_it_was_made_with() {
    let desk = Desk::new().await;
    let store = &desk.store;
    let settings_no = async || store.setup().await.unwrap().destinations[0].settings_no;
    assert_eq!(settings_no().await, 1);
    store.note_proof(crm(), 1, Proved::TestLead, at(NOON)).await.unwrap();
    store.note_proof(crm(), 1, Proved::Validated, at(NOON + 1)).await.unwrap();
    let proved = store.proofs(contoso()).await.unwrap();
    assert_eq!((proved[0].validated, proved[0].test_lead), (Some((1, at(NOON + 1))), Some((1, at(NOON)))));
    let seal = |_, _: &[PublisherKey]| Sealing { secrets: vec![9], new_key: None };
    let changed = Destination { number: number(1), ..destination("crm") };
    store.update_destination(changed, seal).await.unwrap();
    assert_eq!(settings_no().await, 2, "somebody changed the settings");
    let had = store.setup().await.unwrap().destinations.remove(0);
    store.change_settings(had, r#"{"field_rules":{}}"#.to_owned()).await.unwrap();
    assert_eq!(settings_no().await, 2, "what a proof learned is no change");
    store.note_proof(crm(), 2, Proved::Failed, at(NOON)).await.unwrap();
    let proved = store.proofs(contoso()).await.unwrap();
    assert_eq!((proved[0].validated, proved[0].test_lead), (None, None), "it does not work any more");
}

#[tokio::test]
async fn the_newest_look_at_a_destination_is_kept() {
    let desk = Desk::new().await;
    let told = |what: &str, ended: i64| ToldProof {
        what: what.to_owned(),
        settings_no: 1,
        told: "{\"steps\":[]}".to_owned(),
        begun_at: at(NOON),
        ended_at: at(NOON + ended),
    };
    assert_eq!(desk.store.told_proof(crm()).await.unwrap(), None);
    desk.store.keep_proof(crm(), told("look", 1)).await.unwrap();
    desk.store.keep_proof(crm(), told("test-lead", 2)).await.unwrap();
    assert_eq!(desk.store.told_proof(crm()).await.unwrap(), Some(told("test-lead", 2)));
}
