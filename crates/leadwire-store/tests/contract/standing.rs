//! How leads stand: interest rises and can be set back, and a customer who asked not to be contacted is not.

use crate::desk::{
    DAY, Desk, NOON, SECOND, at, contoso, delivery_id, done, idle, number, of_customer, settled, touchpoint,
};
use leadwire_core::id::{ActId, LeadId};
use leadwire_core::interest::Interest;
use leadwire_core::lane::Next;
use leadwire_core::routing::Routed;
use leadwire_core::standing::{InterestBy, Said, Shown, Standing, said};
use leadwire_core::touchpoint::{Action, Consent, Touchpoint};
use leadwire_store::accept::{Accept, Accepted};
use leadwire_store::lanes::Turn;
use leadwire_store::leads::Act;
use leadwire_store::rows::DeliveryState;
use proptest::prelude::*;
use std::sync::Arc;

fn shows(interest: Interest) -> Option<Shown> {
    Some(Shown { interest, rule: "*/*".into() })
}

fn refusing(id: u128, customer: u8) -> Accept {
    let parsed = Arc::new(Touchpoint { action: Action::DoNotContact, ..Touchpoint::default() });
    Accept { parsed, ..of_customer(id, customer) }
}

/// As [`refusing`], where the first destination holds such leads back.
fn held(id: u128, customer: u8) -> Accept {
    let routed = vec![Routed { destination: number(1), suppressed: Some("do_not_contact") }];
    Accept { routed, holding: [number(1)].into(), ..refusing(id, customer) }
}

fn permitting(id: u128, customer: u8, given: i64) -> Accept {
    let consent = Consent { shared: true, text_version: None, at: Some(at(given)) };
    let parsed = Arc::new(Touchpoint { consent: Some(consent), ..Touchpoint::default() });
    Accept { parsed, received_at: at(given), holding: [number(1)].into(), ..of_customer(id, customer) }
}

fn act(id: u128) -> Act {
    let word = |text: &str| text.to_owned();
    Act {
        id: ActId::new(id),
        at: at(NOON),
        kind: word("interest"),
        value: word("initial"),
        reason: word("no budget"),
        who: word("key_1"),
        rule: String::new(),
    }
}

async fn standing(desk: &Desk, lead: u128) -> Standing {
    desk.store.lead(contoso(), LeadId::new(lead), 0).await.unwrap().unwrap().0.standing
}

#[tokio::test]
async fn interest_rises_is_set_back_and_rises_again_by_a_newer_touchpoint_only() {
    let desk = Desk::new().await;
    for (id, interest) in [(1, Interest::Initial), (2, Interest::Active), (3, Interest::Initial)] {
        desk.accept(Accept { shown: shows(interest), ..of_customer(id, 1) }).await;
    }
    let by = |id| InterestBy::Touchpoint { id: touchpoint(id), rule: "*/*".into() };
    assert_eq!(standing(&desk, 1).await.interest, Some((Interest::Active, by(2))));
    let lead = LeadId::new(1);
    // Minted before touchpoint 6 and after touchpoint 4, which is stored later.
    assert!(desk.store.set_interest(contoso(), lead, Interest::Initial, act(5)).await.unwrap());
    assert_eq!(standing(&desk, 1).await.interest, Some((Interest::Initial, InterestBy::Person)));
    desk.accept(Accept { shown: shows(Interest::Active), ..of_customer(4, 1) }).await;
    assert_eq!(standing(&desk, 1).await.interest, Some((Interest::Initial, InterestBy::Person)));
    desk.accept(Accept { shown: shows(Interest::Active), ..of_customer(6, 1) }).await;
    assert_eq!(standing(&desk, 1).await.interest, Some((Interest::Active, by(6))));
    let acts = desk.store.acts(contoso(), lead, 9).await.unwrap();
    assert_eq!((acts.len(), acts[0].reason.as_str(), acts[0].who.as_str()), (1, "no budget", "key_1"));
    assert!(!desk.store.set_interest(contoso(), LeadId::new(9), Interest::Initial, act(7)).await.unwrap());
}

#[tokio::test]
async fn a_claim_says_how_the_lead_stands_when_it_is_claimed() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    desk.accept(Accept { shown: shows(Interest::Active), ..of_customer(1, 1) }).await;
    let claim = desk.claim(token, 1, NOON).await[0];
    assert_eq!((claim.standing.interest, claim.standing.do_not_contact), (Some(Interest::Active), false));
    desk.turn(token, Turn { released: vec![claim.touchpoint], ..idle(NOON) }).await.unwrap();
    desk.accept(refusing(2, 1)).await;
    assert!(
        desk.claim(token, 1, NOON).await[0].standing.do_not_contact,
        "the earlier touchpoint goes out marked"
    );
}

#[tokio::test]
async fn a_refusal_holds_what_waits_where_such_leads_are_not_wanted() {
    let desk = Desk::new().await;
    let to_both = [1, 2].map(|it| Routed { destination: number(it), suppressed: None }).to_vec();
    desk.accept(Accept { routed: to_both.clone(), ..of_customer(1, 1) }).await;
    desk.accept(Accept { routed: to_both.clone(), ..of_customer(2, 1) }).await;
    desk.accept(held(3, 1)).await;
    // And what comes later: another action of the same customer.
    desk.accept(Accept { routed: to_both, holding: [number(1)].into(), ..of_customer(4, 1) }).await;
    for id in 1..=4 {
        let delivery = desk.delivery(id).await;
        assert_eq!(
            (delivery.state, delivery.cause.as_str()),
            (DeliveryState::Suppressed, "do_not_contact"),
            "{id}"
        );
    }
    let other = desk.store.delivery(contoso(), delivery_id(1, 2)).await.unwrap().unwrap().0;
    assert_eq!(other.state, DeliveryState::Pending, "it goes out there, marked");
    desk.ledger().await;
}

#[tokio::test]
async fn a_destination_that_has_the_lead_is_told_even_if_it_wants_no_such_leads() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    desk.accept(of_customer(1, 1)).await;
    let claim = desk.claim(token, 1, NOON).await[0];
    desk.settle(token, claim, done(), NOON).await;
    desk.accept(held(2, 1)).await;
    let claim = desk.claim(token, 9, NOON).await[0];
    assert_eq!((claim.touchpoint, claim.standing.do_not_contact), (touchpoint(2), true));
    desk.settle(token, claim, done(), NOON).await;
    // What the customer does afterwards is nobody's business there.
    desk.accept(Accept { holding: [number(1)].into(), ..of_customer(3, 1) }).await;
    assert_eq!(desk.delivery(3).await.state, DeliveryState::Suppressed);
}

#[tokio::test]
async fn a_destination_that_may_have_the_lead_is_told_too() {
    for (next, is_told) in
        [(Some(Next::RetryAt(at(NOON + DAY))), true), (None, true), (Some(Next::Park), false)]
    {
        let desk = Desk::new().await;
        let token = desk.take(NOON).await;
        desk.accept(of_customer(1, 1)).await;
        let claim = desk.claim(token, 1, NOON).await[0];
        if let Some(next) = next.clone() {
            let is_unknown = matches!(next, Next::RetryAt(_));
            let mut settled = settled(claim, next);
            if is_unknown {
                settled.tried.outcome = leadwire_core::outcome::Outcome::Unknown;
            }
            desk.turn(token, Turn { settled: vec![settled], ..idle(NOON) }).await.unwrap();
        }
        desk.accept(held(2, 1)).await;
        let expected = if is_told { DeliveryState::Pending } else { DeliveryState::Suppressed };
        assert_eq!(desk.delivery(2).await.state, expected, "{next:?}");
        desk.ledger().await;
    }
}

#[tokio::test]
async fn a_refusal_reaches_destinations_that_no_route_names_any_more() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    desk.accept(of_customer(1, 1)).await;
    let claim = desk.claim(token, 1, NOON).await[0];
    desk.settle(token, claim, done(), NOON).await;
    let lead = LeadId::new(1);
    let said = Accept { routed: Vec::new(), of_lead: Some(lead), identity: None, ..refusing(2, 9) };
    assert_eq!(desk.accept(said.clone()).await, Accepted::Stored { lead });
    assert_eq!(desk.delivery(2).await.state, DeliveryState::Pending);
    assert!(standing(&desk, 1).await.is_refused());
    assert_eq!(desk.ledger().await.unrouted, 0);
    let nobody = Accept { of_lead: Some(LeadId::new(9)), touchpoint: touchpoint(3), ..said };
    assert_eq!(desk.accept(nobody).await, Accepted::NoLead);
    assert_eq!(desk.ledger().await.touchpoints, 2);
}

#[tokio::test]
async fn what_was_held_back_can_be_sent_once_the_customer_permits_contact() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    desk.accept(held(2, 1)).await;
    let retry = async |id| desk.store.retry_delivery(contoso(), delivery_id(id, 1), at(NOON)).await.unwrap();
    assert!(!retry(1).await, "the customer wants no contact");
    desk.accept(permitting(3, 1, NOON + SECOND)).await;
    assert!(!standing(&desk, 1).await.is_refused());
    assert!(retry(1).await);
    assert!(!retry(2).await, "the wish itself is not sent: it holds no more");
    let token = desk.take(NOON + DAY).await;
    let claims = desk.claim(token, 9, NOON + DAY).await;
    assert_eq!((claims[0].touchpoint, claims[0].standing.do_not_contact), (touchpoint(1), false));
    desk.ledger().await;
}

/// A step in the life of one customer.
#[derive(Clone, Debug)]
enum Step {
    Acts(Option<Interest>),
    Refuses,
    Withdraws,
    Permits,
    PersonSets(Interest),
    Delivers { succeeds: bool },
    Retries(u128),
}

fn step() -> impl Strategy<Value = Step> {
    let interest = || prop_oneof![Just(Interest::Initial), Just(Interest::Active)];
    prop_oneof![
        4 => proptest::option::of(interest()).prop_map(Step::Acts),
        2 => Just(Step::Refuses),
        1 => Just(Step::Withdraws),
        2 => Just(Step::Permits),
        1 => interest().prop_map(Step::PersonSets),
        4 => any::<bool>().prop_map(|succeeds| Step::Delivers { succeeds }),
        1 => (1..20u128).prop_map(Step::Retries),
    ]
}

/// The lead's row is the fold of what was said; and where such leads are not wanted nothing waits but the wish itself.
async fn check(desk: &Desk, (model, told): (&Standing, &[Said]), holds: bool) -> Result<(), TestCaseError> {
    let kept = standing(desk, told[0].by.bits()).await;
    prop_assert_eq!(&kept, model);
    for said in told.iter().filter(|_| holds && kept.is_refused()) {
        let delivery = desk.delivery(said.by.bits()).await;
        prop_assert!(delivery.state != DeliveryState::Pending || said.refused.is_some(), "{:?} waits", said);
    }
    Ok(())
}

async fn live(steps: &[Step], holds: bool) -> Result<(), TestCaseError> {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    let (mut now, mut id, mut sent_to) = (NOON, 0u128, Vec::new());
    let mut model = Standing::default();
    let mut told: Vec<Said> = Vec::new();
    for step in steps {
        now += SECOND;
        id += 1;
        let consent = |shared| Some(Consent { shared, text_version: None, at: Some(at(now)) });
        let mut parsed = Touchpoint::default();
        let mut shown = None;
        match step {
            Step::Acts(interest) => shown = interest.and_then(shows),
            Step::Refuses => parsed.action = Action::DoNotContact,
            Step::Withdraws => parsed.consent = consent(false),
            Step::Permits => parsed.consent = consent(true),
            Step::PersonSets(interest) => {
                if desk
                    .store
                    .set_interest(
                        contoso(),
                        LeadId::new(sent_to.first().copied().unwrap_or(99)),
                        *interest,
                        act(id),
                    )
                    .await
                    .unwrap()
                {
                    model.set_interest(ActId::new(id), *interest, &[]);
                }
                continue;
            }
            Step::Retries(which) => {
                desk.store.retry_delivery(contoso(), delivery_id(*which, 1), at(now)).await.unwrap();
                continue;
            }
            Step::Delivers { succeeds } => {
                for claim in desk.claim(token, 9, now).await {
                    // What a connector is told when it is given the delivery.
                    prop_assert_eq!(claim.standing.do_not_contact, model.is_refused(), "told {:?}", claim);
                    prop_assert_eq!(claim.standing, model.seen());
                    let next = if *succeeds { done() } else { Next::RetryAt(at(now)) };
                    desk.settle(token, claim, next, now).await;
                }
                continue;
            }
        }
        let parsed = Arc::new(parsed);
        let before_said = said(&parsed, touchpoint(id), at(now), shown.clone());
        model.fold(&before_said);
        told.push(before_said);
        sent_to.push(id);
        let holding = if holds { vec![number(1)] } else { Vec::new() };
        let suppressed = (holds && parsed.action == Action::DoNotContact).then_some("do_not_contact");
        let routed = vec![Routed { destination: number(1), suppressed }];
        desk.accept(Accept {
            parsed,
            shown,
            received_at: at(now),
            holding: holding.into(),
            routed,
            ..of_customer(id, 1)
        })
        .await;
        check(&desk, (&model, &told), holds).await?;
    }
    desk.ledger().await;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::engine::cases(48), ..ProptestConfig::default() })]
    #[test]
    fn nobody_is_told_of_a_customer_as_one_to_be_contacted_who_must_not_be(
        steps in proptest::collection::vec(step(), 1..20),
        holds in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(&steps, holds))?;
    }
}
