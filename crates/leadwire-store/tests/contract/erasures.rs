//! Erasing people: nothing of them is left or sent, whoever may know them is told, and old data of them stays out.

use crate::desk::{
    DAY, Desk, NOON, SECOND, at, contoso, crm, delivery_id, done, idle, number, of_customer, once, settled,
    touchpoint,
};
use crate::engine;
use crate::merges::merge;
use crate::search::found;
use crate::suggestions::mint;
use leadwire_core::erasure::{self, Age, Question, questions};
use leadwire_core::id::{ActId, ErasureId, LeadId, QuarantineId, ReplayId, TouchpointId};
use leadwire_core::interest::Interest;
use leadwire_core::lane::Next;
use leadwire_core::outcome::{Evidence, Outcome, Receipt, Tried};
use leadwire_core::routing::{Offers, Routed};
use leadwire_core::touchpoint::{Customer, Touchpoint};
use leadwire_store::accept::{Accept, Accepted};
use leadwire_store::erasures::{Asked, Begun, Crm, Wish};
use leadwire_store::failures::GivenUp;
use leadwire_store::lanes::{Claim, Settled, Turn};
use leadwire_store::leads::Act;
use leadwire_store::quarantine::Quarantine;
use leadwire_store::replays::{Done, Replay, ReplayState, ReplayStep, Replayed, Stepped};
use leadwire_store::rows::DeliveryState;
use std::sync::Arc;

/// Nowhere else, so that finding it in a byte is finding the person.
pub(crate) const ADDRESS: &str = "ada.canary@planted.example";
const PHONE: &str = "+36201234567";
const SALT: [u8; 16] = [5; 16];

fn ada() -> Customer {
    let text = |it: &str| Some(it.to_owned());
    Customer {
        first_name: text("AdaCanary"),
        last_name: text("LovelaceCanary"),
        email: text(ADDRESS),
        phone: text(PHONE),
        company: text("EnginesCanary"),
        ..Customer::default()
    }
}

const PLANTED: [&str; 5] = [ADDRESS, "AdaCanary", "LovelaceCanary", "EnginesCanary", "201234567"];

pub(crate) fn acted(id: u128, occurred_at: Option<i64>) -> Accept {
    let parsed = Touchpoint { customer: ada(), occurred_at: occurred_at.map(at), ..Touchpoint::default() };
    let identity = erasure::identities(&parsed).first().copied();
    let to_both = [1, 2].map(|it| Routed { destination: number(it), suppressed: None }).to_vec();
    Accept {
        body: format!("{{\"n\":{id},\"email\":\"{ADDRESS}\",\"name\":\"AdaCanary LovelaceCanary\"}}").into(),
        body_sha256: [u8::try_from(id).unwrap(); 32],
        parsed: Arc::new(parsed),
        identity,
        routed: to_both,
        ..of_customer(id, 1)
    }
}

pub(crate) fn wish(id: u128, lead: u128, now: i64) -> Wish {
    let person = Touchpoint { customer: ada(), ..Touchpoint::default() };
    Wish {
        publisher: contoso(),
        id: ErasureId::new(id),
        asked_at: at(now),
        crm: Crm::Delete,
        who: "key_1".to_owned(),
        reason: "asked by mail".to_owned(),
        leads: vec![LeadId::new(lead)],
        found_by: Vec::new(),
        address: None,
        identities: erasure::identities(&person),
        words: erasure::words(&ada()),
        ids: vec![touchpoint(id)],
        salt: SALT,
    }
}

pub(crate) async fn begin(desk: &Desk, wish: Wish) -> Begun {
    match desk.store.erase(wish, |_| {}).await.unwrap() {
        Asked::Begun(begun) => begun,
        Asked::NoLead => panic!("there is such a lead"),
    }
}

pub(crate) async fn wipe(desk: &Desk, id: u128, now: i64) {
    while desk.store.wipe_step(contoso(), ErasureId::new(id), at(now)).await.unwrap() {}
}

pub(crate) fn planted_in(bytes: &[u8]) -> Vec<&'static str> {
    // In small letters too: so the words are by which a search finds people.
    let is_in = |it: &&str| bytes.windows(it.len()).any(|window| window.eq_ignore_ascii_case(it.as_bytes()));
    PLANTED.into_iter().filter(is_in).collect()
}

fn tried(cause: &str) -> Tried {
    let evidence = Evidence { cause: cause.to_owned(), message: cause.to_owned(), ..Evidence::default() };
    Tried { outcome: Outcome::Done(Receipt::Accepted), evidence }
}

fn ended(claim: Claim, cause: &str) -> Settled {
    Settled { tried: tried(cause), ..settled(claim, done()) }
}

/// Ada at both destinations: one delivery done with a record, one parked, the rest waiting; a decision, and a body in
/// quarantine.
pub(crate) async fn live(desk: &Desk) -> leadwire_store::lanes::LaneToken {
    let token = desk.take(NOON).await;
    desk.accept(Accept { once: once(1, 1), ..acted(1, None) }).await;
    let claim = desk.claim(token, 1, NOON).await[0];
    let record = Receipt::Confirmed { record: "00Q-canary".to_owned() };
    let tried = Tried {
        outcome: Outcome::Done(record.clone()),
        evidence: Evidence { message: ADDRESS.to_owned(), ..Evidence::default() },
    };
    let settled_1 = Settled { tried, ..settled(claim, Next::Deliver(record)) };
    desk.turn(token, Turn { settled: vec![settled_1], ..idle(NOON) }).await.unwrap();
    desk.accept(acted(2, None)).await;
    let claim = desk.claim(token, 1, NOON).await[0];
    desk.settle(token, claim, Next::Park, NOON).await;
    desk.accept(acted(3, None)).await;
    let act = Act {
        id: ActId::new(4),
        at: at(NOON),
        kind: "interest".to_owned(),
        value: "initial".to_owned(),
        reason: "AdaCanary said so".to_owned(),
        who: "key_1".to_owned(),
        rule: String::new(),
    };
    assert!(desk.store.set_interest(contoso(), LeadId::new(1), Interest::Initial, act).await.unwrap());
    for (id, body) in
        [(5, format!("mail={}", ADDRESS.to_uppercase().replace('@', "%40"))), (6, "other".into())]
    {
        desk.store.quarantine(unreadable(id, &body)).await.unwrap();
    }
    token
}

fn unreadable(id: u128, body: &str) -> Quarantine {
    Quarantine {
        publisher: contoso(),
        id: QuarantineId::new(id),
        received_at: at(NOON),
        offer: leadwire_core::id::OfferId::parse("crm-pro").unwrap(),
        content_type: "text/plain".to_owned(),
        code: "unreadable".to_owned(),
        pointer: String::new(),
        message: String::new(),
        body: body.to_owned().into(),
        body_sha256: [9; 32],
    }
}

#[tokio::test]
async fn nothing_of_an_erased_person_is_left_in_any_table_or_byte() {
    let desk = Desk::new().await;
    let token = live(&desk).await;
    // Others around her, so that her rows are amid theirs.
    for id in 20..60 {
        desk.accept(of_customer(id, u8::try_from(id).unwrap())).await;
    }
    let looked = desk.store.near_page(contoso(), touchpoint(99)).await.unwrap().unwrap();
    desk.store.near_step(looked.clone(), at(NOON), mint()).await.unwrap();
    assert_eq!(found(&desk, "adacan lovelace").await, [LeadId::new(1)]);
    assert_eq!(planted_in(&engine::all_values(desk.folder.path(), &desk.store).await).len(), PLANTED.len());
    let begun = begin(&desk, wish(100, 1, NOON + SECOND)).await;
    assert_eq!(begun.leads, [LeadId::new(1)]);
    assert!(begun.told.contains(&crm()));
    wipe(&desk, 100, NOON + SECOND).await;
    let ledger = desk.ledger().await;
    assert_eq!((ledger.erased, ledger.quarantined), (4, 2));
    // What the CRM is told by knows the record until it is deleted there, and nobody reads it.
    let needs = desk.store.erasure_needs(contoso(), touchpoint(100)).await.unwrap().unwrap();
    assert!(needs.contains(ADDRESS) && needs.contains("00Q-canary"), "{needs}");
    let claims = desk.claim(token, 99, NOON + SECOND).await;
    let claim = *claims.iter().find(|it| it.lead == LeadId::new(1)).expect("the CRM has the lead");
    assert_eq!(claim.touchpoint, touchpoint(100));
    assert!(claim.standing.erases);
    assert!(claims.iter().filter(|it| it.lead != LeadId::new(1)).all(|it| !it.standing.erases));
    let turn = Turn { settled: vec![ended(claim, erasure::DELETED)], ..idle(NOON + SECOND) };
    desk.turn(token, turn).await.unwrap();
    assert_eq!(desk.store.erasure_needs(contoso(), touchpoint(100)).await.unwrap(), None);
    let (erasure, parts) = desk.store.erasure(contoso(), ErasureId::new(100)).await.unwrap().unwrap();
    assert_eq!(
        (parts.len(), parts[0].state, parts[0].cause.as_str()),
        (1, DeliveryState::Delivered, "erased")
    );
    let wiped = erasure.wiped;
    assert_eq!((wiped.leads, wiped.touchpoints, wiped.decisions, wiped.quarantined), (1, 3, 1, 1));
    assert_eq!((wiped.deliveries, wiped.attempts, wiped.idempotency_keys), (6, 2, 1));
    assert_eq!(planted_in(&engine::all_values(desk.folder.path(), &desk.store).await), Vec::<&str>::new());
    desk.ledger().await;
    let folder = desk.folder;
    drop(desk.store);
    assert_eq!(planted_in(&engine::bytes_of(folder.path())), Vec::<&str>::new());
}

#[tokio::test]
async fn what_a_repaired_body_came_from_is_wiped_with_its_touchpoint() {
    let desk = Desk::new().await;
    let id = QuarantineId::new(5);
    let item = unreadable(5, "nothing by which anybody would be found");
    desk.store.quarantine(item).await.unwrap();
    let kept = async || desk.store.kept_body(contoso(), id).await.unwrap().unwrap();
    assert!(kept().await.row.touchpoint.is_none() && !kept().await.is_repaired);
    desk.accept(Accept { quarantined: Some(id), ..acted(1, None) }).await;
    let before = kept().await;
    assert_eq!((before.row.touchpoint, before.is_repaired), (Some(touchpoint(1).to_string()), true));
    begin(&desk, wish(100, 1, NOON + SECOND)).await;
    wipe(&desk, 100, NOON + SECOND).await;
    let after = kept().await;
    assert_eq!((after.body.len(), after.row.body_bytes, after.is_repaired), (0, 0, false));
    let (erasure, _) = desk.store.erasure(contoso(), ErasureId::new(100)).await.unwrap().unwrap();
    assert_eq!(erasure.wiped.quarantined, 1);
    assert!(desk.store.kept_body(contoso(), QuarantineId::new(6)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_request_on_the_wire_is_waited_for_and_changes_nothing() {
    for is_known in [true, false] {
        let desk = Desk::new().await;
        let token = desk.take(NOON).await;
        desk.accept(acted(1, None)).await;
        let claim = desk.claim(token, 1, NOON).await[0];
        let begun = begin(&desk, wish(100, 1, NOON)).await;
        assert!(begun.told.contains(&crm()), "it may arrive");
        assert!(desk.claim(token, 9, NOON + SECOND).await.is_empty(), "the deletion comes after it");
        let mut late = ended(claim, "");
        if !is_known {
            late.tried.outcome = Outcome::Unknown;
        }
        desk.turn(token, Turn { settled: vec![late], ..idle(NOON + SECOND) }).await.unwrap();
        assert_eq!(desk.delivery(1).await.state, DeliveryState::Erased);
        assert_eq!(desk.outcomes(1).await, Vec::<String>::new());
        let claims = desk.claim(token, 9, NOON + SECOND).await;
        assert_eq!(claims.is_empty(), !is_known, "an unknown end may still arrive");
        let claims = if is_known { claims } else { desk.claim(token, 9, NOON + 151 * SECOND).await };
        assert_eq!(claims[0].touchpoint, touchpoint(100));
        desk.ledger().await;
    }
}

#[tokio::test]
async fn what_was_left_in_flight_is_deleted_after_a_restart_too() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    desk.accept(acted(1, None)).await;
    desk.claim(token, 1, NOON).await;
    begin(&desk, wish(100, 1, NOON)).await;
    let desk = desk.reopened();
    assert_eq!(desk.store.wiping().await.unwrap(), [(contoso(), ErasureId::new(100))]);
    wipe(&desk, 100, NOON).await;
    assert!(desk.store.wiping().await.unwrap().is_empty());
    // A clock that ran ahead over the restart says nothing of how long ago the request was sent.
    let token = desk.take(NOON + DAY).await;
    assert!(desk.claim(token, 9, NOON + DAY + 29 * SECOND).await.is_empty(), "the request may still arrive");
    let claims = desk.claim(token, 9, NOON + DAY + 30 * SECOND).await;
    assert_eq!((claims.len(), claims[0].touchpoint), (1, touchpoint(100)));
    desk.ledger().await;
}

#[tokio::test]
async fn a_destination_that_cannot_delete_leaves_it_to_a_person_who_is_told_the_record() {
    let desk = Desk::new().await;
    let token = live(&desk).await;
    begin(&desk, wish(100, 1, NOON + SECOND)).await;
    let claim = desk.claim(token, 9, NOON + SECOND).await[0];
    let mut by_hand = ended(claim, erasure::CANNOT);
    by_hand.tried.evidence.fix = "delete record 00Q-canary".to_owned();
    desk.turn(token, Turn { settled: vec![by_hand], ..idle(NOON + SECOND) }).await.unwrap();
    let delivery = desk.delivery(100).await;
    assert_eq!((delivery.state, delivery.cause.as_str()), (DeliveryState::Suppressed, erasure::CANNOT));
    assert_eq!(delivery.fix, "delete record 00Q-canary");
    assert_eq!(desk.store.erasure_needs(contoso(), touchpoint(100)).await.unwrap(), None);
    assert!(!desk.store.retry_delivery(contoso(), delivery_id(100, 1), at(NOON)).await.unwrap());
    desk.ledger().await;
}

#[tokio::test]
async fn whoever_asks_may_leave_the_record_where_it_is() {
    let desk = Desk::new().await;
    let token = live(&desk).await;
    begin(&desk, Wish { crm: Crm::Keep, ..wish(100, 1, NOON + SECOND) }).await;
    assert!(desk.claim(token, 9, NOON + DAY).await.is_empty());
    let delivery = desk.delivery(100).await;
    assert_eq!((delivery.state, delivery.cause.as_str()), (DeliveryState::Suppressed, erasure::KEPT));
    assert!(delivery.fix.contains("00Q-canary"), "{}", delivery.fix);
    desk.ledger().await;
}

fn asked(item: Accept) -> Accept {
    let questions: Vec<Question> = questions(&SALT, &item.parsed, &item.body_sha256, Age::Unknown);
    Accept { questions, ..item }
}

#[tokio::test]
async fn old_data_stays_out_and_a_new_action_comes_in() {
    let mut desk = Desk::new().await;
    live(&desk).await;
    let version = desk.version().await;
    begin(&desk, wish(100, 1, NOON + DAY)).await;
    assert_ne!(desk.version().await, version, "whoever accepts must ask from here on");
    wipe(&desk, 100, NOON + DAY).await;
    desk.see_anew().await;
    let before = desk.ledger().await;
    let kept_out = Accepted::KeptOut { lead: LeadId::new(1) };
    // The same import again, and another export of the same past.
    let again = Accept { touchpoint: touchpoint(101), received_at: at(NOON + 2 * DAY), ..acted(1, None) };
    assert_eq!(desk.accept(asked(again)).await, kept_out);
    assert_eq!(desk.accept(asked(acted(102, Some(NOON)))).await, kept_out);
    let ledger = desk.ledger().await;
    assert_eq!((ledger.touchpoints, ledger.erased), (before.touchpoints + 2, before.erased + 2));
    assert_eq!(
        planted_in(&engine::all_values(desk.folder.path(), &desk.store).await),
        [ADDRESS],
        "what the CRM must know, and nothing else"
    );
    // People may come back.
    let new = desk.accept(asked(acted(103, Some(NOON + DAY + SECOND)))).await;
    assert_eq!(new, Accepted::Stored { lead: LeadId::new(103) });
    assert_eq!(desk.accept(asked(acted(104, Some(NOON)))).await, kept_out, "their old data does not");
    desk.ledger().await;
}

#[tokio::test]
async fn a_person_of_whom_nothing_is_there_is_kept_out_by_address() {
    let mut desk = Desk::new().await;
    let nobody = Wish {
        leads: Vec::new(),
        found_by: erasure::identities_of_address(ADDRESS),
        ids: (0..3).map(|it| touchpoint(100 + it)).collect(),
        ..wish(100, 1, NOON + DAY)
    };
    assert_eq!(begin(&desk, nobody).await, Begun::default());
    desk.see_anew().await;
    let kept_out = desk.accept(asked(acted(7, Some(NOON)))).await;
    assert_eq!(kept_out, Accepted::KeptOut { lead: LeadId::new(7) });
    desk.ledger().await;
    assert!(matches!(desk.store.erase(wish(200, 9, NOON), |_| {}).await.unwrap(), Asked::NoLead));
}

#[tokio::test]
async fn a_key_that_is_repeated_after_the_erasure_brings_nobody_back() {
    let mut desk = Desk::new().await;
    live(&desk).await;
    begin(&desk, wish(100, 1, NOON)).await;
    wipe(&desk, 100, NOON).await;
    desk.see_anew().await;
    let again = desk.accept(Accept { once: once(1, 1), ..acted(101, None) }).await;
    assert_eq!(again, Accepted::Duplicate { touchpoint: touchpoint(1), lead: LeadId::new(1) });
}

#[tokio::test]
async fn a_replay_that_saw_a_touchpoint_before_the_erasure_brings_it_nowhere() {
    let desk = Desk::new().await;
    desk.accept(Accept { routed: Vec::new(), ..acted(1, None) }).await;
    let replay = Replay {
        publisher: contoso(),
        id: ReplayId::new(1),
        created_at: at(NOON),
        asked_by: "key_1".to_owned(),
        destination: Some(number(1)),
        offers: Offers::All,
        range: (touchpoint(1), touchpoint(99)),
        force: false,
        selection: leadwire_store::replays::Selection::default(),
        mode: leadwire_store::replays::Mode::Real,
        mapping: None,
        total: None,
        state: ReplayState::Running,
        done_to: touchpoint(0),
        done: Done::default(),
        ended_at: None,
    };
    desk.store.add_replay(replay.clone()).await.unwrap();
    let page = desk.store.replay_page(replay.clone(), 9).await.unwrap();
    assert_eq!(page.len(), 1);
    begin(&desk, wish(100, 1, NOON)).await;
    let routed = vec![Routed { destination: number(1), suppressed: None }];
    let (touchpoint, lead) = (page[0].id, page[0].lead);
    let items = vec![Replayed { touchpoint, lead, is_do_not_contact: false, routed }];
    let step = ReplayStep { replay: replay.clone(), items, passed_by: Vec::new(), to: None, now: at(NOON) };
    let made = desk.store.replay_step(desk.version().await, step).await.unwrap();
    assert!(matches!(made, Stepped::Made(woken) if woken.is_empty()));
    assert_eq!(desk.store.unfinished(contoso()).await.unwrap(), 0);
    assert!(desk.store.replay_page(replay, 9).await.unwrap().is_empty());
    desk.ledger().await;
}

#[tokio::test]
async fn retention_wipes_who_was_not_heard_of_and_of_whom_nothing_is_owed() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    let minted =
        |millis: i64, more: u128| TouchpointId::new(TouchpointId::first_at(at(millis)).bits() + more);
    let routed = || vec![Routed { destination: number(1), suppressed: None }];
    let came = |id: TouchpointId, customer: u8, millis: i64| Accept {
        touchpoint: id,
        received_at: at(millis),
        routed: routed(),
        ..of_customer(1, customer)
    };
    let (old, owed, heard, young) =
        (minted(NOON, 1), minted(NOON, 2), minted(NOON, 3), minted(NOON + 9 * DAY, 4));
    desk.accept_all(vec![came(old, 1, NOON), came(heard, 3, NOON)]).await;
    for claim in desk.claim(token, 9, NOON).await {
        desk.settle(token, claim, done(), NOON).await;
    }
    desk.accept_all(vec![came(owed, 2, NOON), came(young, 4, NOON + 9 * DAY)]).await;
    desk.accept(came(minted(NOON + 9 * DAY, 5), 3, NOON + 9 * DAY)).await;
    let before = at(NOON + 5 * DAY);
    let seen = desk.store.old_leads(contoso(), before, None, 10).await.unwrap();
    assert_eq!(seen.due, [LeadId::new(old.bits()), LeadId::new(owed.bits())]);
    let wish = Wish {
        leads: vec![LeadId::new(old.bits()), LeadId::new(owed.bits()), LeadId::new(heard.bits())],
        ids: (0..3).map(|it| touchpoint(100 + it)).collect(),
        ..wish(100, 1, NOON + 10 * DAY)
    };
    let begun = desk.store.retire(wish, before).await.unwrap();
    assert_eq!((begun.leads, begun.told.len()), (vec![LeadId::new(old.bits())], 0));
    assert_eq!(desk.ledger().await.erased, 1);
    // Nobody asked to be kept out.
    assert!(desk.store.setup().await.unwrap().retention.is_empty());
    let back = desk.accept(came(minted(NOON + 11 * DAY, 6), 1, NOON + 11 * DAY)).await;
    assert!(matches!(back, Accepted::Stored { .. }));
}

#[tokio::test]
async fn a_doubtful_try_of_a_lead_that_was_merged_holds_back_the_deletion_too() {
    for is_doubtful in [false, true] {
        let desk = Desk::new().await;
        let token = desk.take(NOON).await;
        for (id, customer) in [(1, 1), (2, 2)] {
            desk.accept(of_customer(id, customer)).await;
        }
        merge(&desk, LeadId::new(2), LeadId::new(1), 10, false).await;
        desk.accept(of_customer(20, 2)).await;
        let mut held = None;
        while let [claim, ..] = desk.claim(token, 1, NOON).await[..] {
            match (claim.touchpoint.bits(), claim.number) {
                (20, 1) if is_doubtful => {
                    let late = Settled {
                        tried: Tried { outcome: Outcome::Unknown, evidence: Evidence::default() },
                        ..settled(claim, Next::RetryAt(at(NOON)))
                    };
                    desk.turn(token, Turn { settled: vec![late], ..idle(NOON) }).await.unwrap();
                }
                (20, _) => {
                    held = Some(claim);
                    break;
                }
                _ => desk.settle(token, claim, done(), NOON).await,
            }
        }
        begin(&desk, Wish { ids: (100..104).map(touchpoint).collect(), ..wish(100, 1, NOON) }).await;
        let turn = Turn { settled: vec![ended(held.unwrap(), "")], ..idle(NOON + SECOND) };
        desk.turn(token, turn).await.unwrap();
        let freed = desk.claim(token, 99, NOON + SECOND).await;
        let is_freed = freed.iter().any(|it| it.lead == LeadId::new(1) && it.standing.erases);
        assert_eq!(is_freed, !is_doubtful, "its first request may still arrive");
        if is_doubtful {
            let claims = desk.claim(token, 99, NOON + 151 * SECOND).await;
            assert!(claims.iter().any(|it| it.touchpoint == touchpoint(100)), "{claims:?}");
        }
    }
}

#[tokio::test]
async fn a_deletion_that_is_parked_is_not_given_up_with_its_group() {
    let mut desk = Desk::new().await;
    let token = live(&desk).await;
    begin(&desk, wish(100, 1, NOON + SECOND)).await;
    let claim = desk.claim(token, 9, NOON + SECOND).await[0];
    desk.settle(token, claim, Next::Park, NOON + SECOND).await;
    desk.see_anew().await;
    desk.accept(Accept { identity: Some([7; 16]), ..of_customer(3000, 7) }).await;
    let lead = desk.claim(token, 9, NOON + SECOND).await[0];
    desk.settle(token, lead, Next::Park, NOON + SECOND).await;
    let cause = desk.delivery(100).await.cause;
    let drop = || desk.store.drop_group(contoso(), number(1), cause.clone(), (9, at(NOON + SECOND)));
    assert_eq!(drop().await.unwrap(), GivenUp { dropped: 1, deletions: 1 });
    assert_eq!(drop().await.unwrap(), GivenUp { dropped: 0, deletions: 1 });
    assert_eq!(desk.delivery(100).await.state, DeliveryState::Parked);
    assert!(desk.store.erasure_needs(contoso(), touchpoint(100)).await.unwrap().is_some());
    assert!(desk.store.retry_delivery(contoso(), delivery_id(100, 1), at(NOON + SECOND)).await.unwrap());
    let again = desk.claim(token, 9, NOON + DAY).await[0];
    desk.turn(token, Turn { settled: vec![ended(again, erasure::DELETED)], ..idle(NOON + DAY) })
        .await
        .unwrap();
    assert_eq!(desk.store.erasure_needs(contoso(), touchpoint(100)).await.unwrap(), None);
    desk.ledger().await;
}
