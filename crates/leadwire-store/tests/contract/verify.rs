//! Looking at a store finds every kind of damage it knows, and nothing in a store that is as it must be.

use crate::desk::{DAY, Desk, NOON, at, contoso, crm, done, is_seven, number, of_customer, touchpoint};
use crate::engine;
use leadwire_core::audit::{Entry, sha256};
use leadwire_core::follow_up::Audience;
use leadwire_core::id::FollowUpId;
use leadwire_core::interest::Interest;
use leadwire_core::lane::Next;
use leadwire_core::routing::Routed;
use leadwire_store::Store;
use leadwire_store::accept::Accept;
use leadwire_store::audit::{Deed, telling};
use leadwire_store::engine::Param;
use leadwire_store::follow_ups::{Following, Reached};
use leadwire_store::rows::{Channel, DeliveryState};
use leadwire_store::setup::Publisher;
use leadwire_store::statements::{Came, Statement};
use leadwire_store::verify::{Bodies, Check, Findings, Scope};
use std::collections::BTreeSet;
use std::sync::Arc;

fn entry(number: u64) -> Entry {
    Entry {
        publisher: contoso().to_string(),
        number: 0,
        at: at(NOON),
        who: "key_1".to_owned(),
        role: "operator".to_owned(),
        action: "offer.add".to_owned(),
        subject: format!("offer{number}"),
        detail: String::new(),
    }
}

async fn note(desk: &Desk, number: u64) {
    let offer = leadwire_store::setup::Offer {
        publisher: contoso(),
        id: leadwire_core::id::OfferId::parse(&format!("offer{number}")).unwrap(),
        title: String::new(),
        created_at: at(NOON),
    };
    let deed = Deed::new(entry(number));
    telling(Arc::clone(&deed), desk.store.put_offer(offer)).await.unwrap();
    assert!(deed.is_told());
}

/// A store with a little of everything: delivered, parked, pending in a line, unrouted, erased, an audit log, a checkpoint.
async fn little_of_everything() -> Desk {
    let mut desk = Desk::new().await;
    for it in 1..=3 {
        note(&desk, it).await;
    }
    let signed = desk.store.sign_audit(contoso().to_string(), at(NOON), |_| vec![7]).await.unwrap();
    assert_eq!(signed.map(|it| it.number), Some(3));
    desk.see_anew().await;
    let token = desk.take(NOON).await;
    let hashed = |it: Accept| Accept { body_sha256: sha256(&it.body), ..it };
    for (id, customer) in [(10, 1), (20, 2), (30, 3), (40, 3)] {
        desk.accept(hashed(of_customer(id, customer))).await;
    }
    desk.accept(hashed(Accept { routed: Vec::new(), ..of_customer(50, 5) })).await;
    let two = [1, 2].map(|it| Routed { destination: number(it), suppressed: None }).to_vec();
    desk.accept(hashed(Accept { routed: two, ..of_customer(60, 6) })).await;
    let (publisher, day) = (contoso().to_string(), "2026-11-19".to_owned());
    let statement = Statement { publisher, day, made_at: at(NOON), body: "{}".to_owned(), mark: vec![7] };
    desk.store.keep_statement(statement).await.unwrap();
    let claims = desk.claim(token, 2, NOON).await;
    desk.settle(token, claims[0], done(), NOON).await;
    desk.settle(token, claims[1], Next::Park, NOON).await;
    desk
}

/// Does to the rows what no statement of the program does.
async fn damage(desk: &Desk, statements: &[&'static str]) {
    for sql in statements.iter().copied() {
        let changed = desk.store.write(move |tx| tx.execute(sql, &[])).await.unwrap();
        assert!(changed > 0, "nothing is damaged by {sql}");
    }
}

fn scope(bodies: Bodies) -> Scope {
    Scope {
        now: at(NOON + DAY),
        bodies,
        holding: Arc::new([(contoso(), number(1))].into()),
        known: Arc::default(),
        is_signed: Some(Arc::new(is_seven)),
    }
}

async fn look(desk: &Desk) -> Findings {
    let found = Store::verify(&engine::database(desk.folder.path()), &scope(Bodies::Hashed), |_| {}).unwrap();
    found.expect("there is a store")
}

/// What is done to the rows, and which rule must be found broken by it.
const DAMAGE: &[(Check, &[&str])] = &[
    (Check::PublisherMissing, &["DELETE FROM publisher"]),
    (Check::DoesNotAddUp, &["UPDATE touchpoint SET routed = 0 WHERE routed = 1"]),
    (Check::TouchpointWithoutLead, &["DELETE FROM lead WHERE touchpoints = 2"]),
    (Check::RoutedNowhere, &["UPDATE touchpoint SET routed = 1 WHERE routed = 0"]),
    (Check::UnroutedDelivered, &["UPDATE touchpoint SET routed = 0 WHERE routed = 1"]),
    (Check::ErasedKept, &["UPDATE touchpoint SET erased_at = 1"]),
    (Check::BodyChanged, &["UPDATE touchpoint SET body = x'00' WHERE routed = 0"]),
    (Check::DeliveryWithoutTouchpoint, &["DELETE FROM touchpoint WHERE routed = 1"]),
    (Check::DeliveryWithoutDestination, &["DELETE FROM destination WHERE destination_no = 2"]),
    (Check::DeliveryWithoutLead, &["UPDATE delivery SET lead_id = 'lead_0' WHERE state = 'delivered'"]),
    (Check::DeliveryStateUnknown, &["UPDATE delivery SET state = 'lost' WHERE state = 'delivered'"]),
    (Check::DeliveryEnd, &["UPDATE delivery SET ended_at = 0 WHERE state = 'delivered'"]),
    (Check::ClaimWrong, &["UPDATE delivery SET claim = 99 WHERE state = 'pending' AND claim = 0"]),
    (Check::ClaimWrong, &["UPDATE delivery SET claim = 1 WHERE state = 'parked'"]),
    (Check::DeliveredWithoutAttempt, &["DELETE FROM attempt WHERE outcome = 'done'"]),
    (
        Check::DeliveredWithoutAttempt,
        &["UPDATE delivery SET state = 'delivered', ended_at = 1 WHERE state = 'parked'"],
    ),
    (Check::AttemptWithoutDelivery, &["DELETE FROM delivery WHERE state = 'delivered'"]),
    (Check::AttemptsMiscounted, &["UPDATE delivery SET attempts = 0 WHERE attempts > 0"]),
    (Check::OrderBroken, &["UPDATE delivery SET claim = 0 WHERE claim = -1"]),
    (Check::OrderBroken, &["UPDATE delivery SET claim = -1 WHERE state = 'pending' AND destination_no = 2"]),
    (Check::LeadMiscounted, &["UPDATE lead SET touchpoints = touchpoints + 1"]),
    (Check::LeadMiscounted, &["DELETE FROM touchpoint WHERE routed = 0"]),
    (Check::MembersWrong, &["UPDATE lead SET members = 1 WHERE touchpoints = 2"]),
    (Check::MembersWrong, &["UPDATE lead SET merged_into = 'lead_0' WHERE touchpoints = 2"]),
    (Check::ErasedLeadKept, &["UPDATE lead SET erased_at = 1, email = 'x' WHERE touchpoints = 2"]),
    (Check::FromTheFuture, &["UPDATE touchpoint SET received_at = 9000000000000"]),
    (Check::FromTheFuture, &["UPDATE attempt SET ended_at = 9000000000000"]),
    (
        Check::CounterNegative,
        &["INSERT INTO counter (publisher_id, name, value) VALUES ('contoso', 'odd', -1)"],
    ),
    (Check::AuditGap, &["DELETE FROM audit WHERE number = 2"]),
    (Check::AuditGap, &["DELETE FROM audit WHERE number = 1"]),
    (Check::AuditChanged, &["UPDATE audit SET who = 'key_2' WHERE number = 2"]),
    (Check::AuditChanged, &["UPDATE audit SET hash = x'00' WHERE number = 2"]),
    (Check::AuditChanged, &["UPDATE audit SET previous = x'00' WHERE number = 2"]),
    (Check::CheckpointWrong, &["DELETE FROM audit WHERE number = 3"]),
    (Check::CheckpointWrong, &["UPDATE audit_checkpoint SET hash = x'00'"]),
    (Check::MarkWrong, &["UPDATE audit_checkpoint SET mark = x'08'"]),
    (Check::MarkWrong, &["UPDATE statement SET mark = x'08'"]),
    (Check::RefusedPending, &["UPDATE lead SET do_not_contact = 1"]),
];

#[tokio::test]
async fn every_kind_of_damage_is_found() {
    let mut found_some: BTreeSet<Check> = BTreeSet::new();
    for (check, statements) in DAMAGE {
        let desk = little_of_everything().await;
        assert_eq!(look(&desk).await.broken, [].into(), "before anything is damaged");
        // The columns' own rules would refuse some of it, as they would in a file that only this program wrote.
        engine::forget_rules(desk.folder.path(), &desk.store).await;
        damage(&desk, statements).await;
        let found = look(&desk).await;
        assert!(
            found.broken.contains_key(check),
            "{check:?} is not found after {statements:?}: {:?}",
            found.shown
        );
        assert!(found.shown.iter().any(|it| it.check == *check));
        assert_eq!(found.violations() == 0, check.is_warning(), "{check:?}: {:?}", found.broken);
        found_some.insert(*check);
    }
    assert_eq!(found_some, Check::ALL.into_iter().collect(), "each kind of damage is done once at least");
}

#[tokio::test]
async fn a_look_counts_every_row_once_however_many_pages_it_takes() {
    let desk = Desk::new().await;
    let both = [1, 2].map(|it| Routed { destination: number(it), suppressed: None }).to_vec();
    for chunk in 0..13u128 {
        let items = (0..100u128).map(|it| {
            let id = chunk * 100 + it + 1;
            Accept { identity: None, routed: both.clone(), ..of_customer(id, 0) }
        });
        desk.accept_all(items.collect()).await;
    }
    let found =
        Store::verify(&engine::database(desk.folder.path()), &scope(Bodies::Left), |_| {}).unwrap().unwrap();
    assert_eq!(found.broken, [].into());
    let counted = found.counted;
    assert_eq!((counted.touchpoints, counted.deliveries, counted.leads), (1300, 2600, 1300));
    let accounts: Vec<(u64, bool)> = found.accounts.values().map(|it| (it.accepted, it.adds_up())).collect();
    assert_eq!(accounts, [(1300, true), (1300, true)]);
}

#[tokio::test]
async fn what_is_shown_of_a_rule_is_bounded_and_all_of_it_is_counted() {
    let desk = Desk::new().await;
    let items = (1..=100u128).map(|id| Accept { identity: None, ..of_customer(id, 0) });
    desk.accept_all(items.collect()).await;
    damage(&desk, &["DELETE FROM lead"]).await;
    let found = look(&desk).await;
    assert_eq!(found.broken[&Check::TouchpointWithoutLead], 100);
    let shown = found.shown.iter().filter(|it| it.check == Check::TouchpointWithoutLead);
    assert_eq!(shown.count(), leadwire_core::limits::VIOLATIONS_SHOWN_MAX);
}

#[tokio::test]
async fn a_deed_is_told_once_and_only_when_something_changed() {
    let desk = Desk::new().await;
    let deed = Deed::new(entry(1));
    let again = Publisher { id: contoso(), title: String::new(), created_at: at(NOON) };
    telling(Arc::clone(&deed), desk.store.add_publisher(again)).await.unwrap();
    assert!(!deed.is_told(), "the publisher was there: nothing was changed");
    telling(Arc::clone(&deed), async {
        Deed::about("what it is about");
        desk.store.set_retention(contoso(), 5).await.unwrap();
        desk.store.set_retention(contoso(), 6).await.unwrap();
    })
    .await;
    // What nobody asked for is not told.
    desk.store.set_retention(contoso(), 7).await.unwrap();
    let told = desk.store.audit(contoso().to_string(), None, 9).await.unwrap();
    let said: Vec<(u64, &str)> = told.iter().map(|it| (it.entry.number, it.entry.subject.as_str())).collect();
    assert_eq!(said, [(1, "offer1 what it is about")]);
    assert_eq!(desk.verify().await.broken, [].into());
}

#[tokio::test]
async fn a_deed_whose_transaction_fails_is_not_told() {
    let desk = Desk::new().await;
    let deed = Deed::new(entry(1));
    let failing = desk.store.write(|tx| {
        tx.execute("DELETE FROM lane", &[])?;
        Err::<(), _>(leadwire_store::StoreError::Busy)
    });
    telling(Arc::clone(&deed), failing).await.unwrap_err();
    assert!(!deed.is_told());
    assert!(desk.store.audit(contoso().to_string(), None, 9).await.unwrap().is_empty());
    assert!(desk.store.gate(crm()).await.is_ok());
}

#[tokio::test]
async fn a_chain_is_signed_again_only_when_something_was_added() {
    let desk = Desk::new().await;
    let sign =
        || desk.store.sign_audit(contoso().to_string(), at(NOON), |it| vec![7, u8::from(it.mark.is_empty())]);
    assert_eq!(sign().await.unwrap(), None);
    note(&desk, 1).await;
    let first = sign().await.unwrap().unwrap();
    assert_eq!(sign().await.unwrap(), Some(first.clone()));
    note(&desk, 2).await;
    assert_eq!(sign().await.unwrap().unwrap().number, first.number + 1);
    let kept = desk.store.audit(contoso().to_string(), Some(2), 9).await.unwrap();
    assert_eq!(kept[0].hash, first.hash);
    let known = desk.store.read(|tx| {
        tx.find("SELECT mark FROM audit_checkpoint WHERE number = $1", &[Param::Int(1)], |it| {
            Ok(it.bytes(0)?.to_owned())
        })
    });
    assert_eq!(known.await.unwrap(), Some(vec![7, 1]));
}

#[tokio::test]
async fn a_statement_stays_as_it_was_first_made() {
    let desk = Desk::new().await;
    let of = |day: &str, body: &str| Statement {
        publisher: contoso().to_string(),
        day: day.to_owned(),
        made_at: at(NOON),
        body: body.to_owned(),
        mark: vec![7],
    };
    for (day, body) in [("2026-11-19", "1"), ("2026-11-20", "2"), ("2026-11-19", "3")] {
        desk.store.keep_statement(of(day, body)).await.unwrap();
    }
    let kept = desk.store.statements(contoso(), None, 9).await.unwrap();
    assert_eq!(kept, [of("2026-11-20", "2"), of("2026-11-19", "1")]);
    let older = desk.store.statements(contoso(), Some("2026-11-20".to_owned()), 9).await.unwrap();
    assert_eq!(older, [of("2026-11-19", "1")]);
}

#[tokio::test]
async fn what_came_in_a_stretch_is_counted_by_channel_and_by_place() {
    let desk = Desk::new().await;
    desk.accept_all((1..=4).map(|it| of_customer(it, u8::try_from(it).unwrap())).collect()).await;
    desk.accept(Accept { routed: Vec::new(), channel: Channel::Page, ..of_customer(5, 9) }).await;
    let token = desk.take(NOON).await;
    let claims = desk.claim(token, 2, NOON).await;
    desk.settle(token, claims[1], done(), NOON).await;
    let stretch = (touchpoint(1), touchpoint(5));
    let (came, next) = desk.store.came(contoso(), stretch, Came::default()).await.unwrap();
    assert_eq!(next, None);
    assert_eq!(came.by_channel, [("api", 3), ("page", 1)].into());
    assert_eq!((came.unrouted, came.tests, came.erased), (1, 0, 0));
    let places = [((number(1), DeliveryState::Pending), 2), ((number(1), DeliveryState::Delivered), 1)];
    assert_eq!(came.places, places.into());
}

#[tokio::test]
async fn a_follow_up_of_a_touchpoint_that_no_route_took_adds_up() {
    let desk = Desk::new().await;
    let following = Following {
        id: FollowUpId::new(1),
        audience: Audience::Team,
        destination: number(2),
        due_at: at(NOON),
    };
    let reached = Some(Reached { step: Interest::Initial, follow_ups: vec![following] });
    desk.accept(Accept { routed: Vec::new(), reached, ..of_customer(1, 1) }).await;
    let ledger = desk.ledger().await;
    assert_eq!((ledger.touchpoints, ledger.routed, ledger.unrouted), (1, 0, 1));
    assert_eq!((ledger.accounts[1].accepted, ledger.accounts[1].adds_up()), (1, true));
}

#[tokio::test]
async fn a_checkpoint_kept_elsewhere_shows_that_a_chain_was_written_anew() {
    let desk = little_of_everything().await;
    let chain = || desk.store.audit(contoso().to_string(), None, 9);
    let kept: Vec<_> =
        chain().await.unwrap().iter().map(|it| (contoso().to_string(), it.entry.number, it.hash)).collect();
    let scope = Scope { known: Arc::new(kept), ..scope(Bodies::Left) };
    let looked = || Store::verify(&engine::database(desk.folder.path()), &scope, |_| {}).unwrap().unwrap();
    assert_eq!(looked().broken, [].into());
    // Whoever may write the file writes a whole chain anew, with good hashes, and takes the checkpoints away.
    damage(&desk, &["DELETE FROM audit", "DELETE FROM audit_checkpoint"]).await;
    note(&desk, 7).await;
    assert_eq!(look(&desk).await.broken, [].into(), "nothing here shows it");
    assert_eq!(looked().broken, [(Check::CheckpointWrong, 3)].into(), "what is elsewhere does");
}
