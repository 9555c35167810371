//! Leads that a person made one: any history of touchpoints, merges and their undoing against a model that folds anew.

use crate::desk::{
    DAY, Desk, NOON, SECOND, at, contoso, done, idle, number, of_customer, said, settled, touchpoint,
};
use leadwire_core::id::{ActId, ErasureId, LeadId, TouchpointId};
use leadwire_core::interest::Interest;
use leadwire_core::lane::Next;
use leadwire_core::lead::{Fold, Word};
use leadwire_core::limits::BROUGHT_ANEW_MAX;
use leadwire_core::outcome::{Fault, Outcome, Receipt};
use leadwire_core::routing::Routed;
use leadwire_core::standing::{Shown, Standing, said as says_of};
use leadwire_core::touchpoint::{Action, Consent, Customer, Touchpoint};
use leadwire_store::accept::{Accept, Accepted};
use leadwire_store::deliveries::{Delivery, DeliveryFilter};
use leadwire_store::erasures::{Asked, Crm, Wish};
use leadwire_store::lanes::{Claim, LaneKey, LaneToken, Turn};
use leadwire_store::leads::{Act, LeadFilter};
use leadwire_store::merges::{Merge, Merged, Unmerge};
use leadwire_store::replays::Replay;
use leadwire_store::rows::{Channel, DeliveryState};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn act(id: u128) -> Act {
    let word = |text: &str| text.to_owned();
    Act {
        id: ActId::new(id),
        at: at(NOON),
        kind: word("interest"),
        value: word("initial"),
        reason: word("it is her"),
        who: word("key_1"),
        rule: String::new(),
    }
}

/// What is told of a merge: a word of a person, which repeats the customer.
fn telling(id: u128, action: Action) -> Accept {
    let customer = Customer { title: Some("repeated".to_owned()), ..Customer::default() };
    let parsed = Arc::new(Touchpoint { action, customer, ..Touchpoint::default() });
    let routed = Vec::new();
    Accept { channel: Channel::Person, identity: None, parsed, routed, ..of_customer(id, 0) }
}

pub(crate) async fn merge(desk: &Desk, from: LeadId, into: LeadId, id: u128, holds: bool) -> Merged {
    let holding = if holds { vec![number(1)] } else { Vec::new() };
    let holding: Arc<[_]> = holding.into();
    let says = Accept { holding: Arc::clone(&holding), ..telling(id + 1, Action::Missing) };
    let wish = Merge { publisher: contoso(), into, from, act: act(id), holding, says };
    desk.store.merge(desk.version().await, wish, |_| {}).await.unwrap()
}

pub(crate) async fn unmerge(desk: &Desk, lead: LeadId, id: u128, holds: bool) -> Merged {
    let holding = if holds { vec![number(1)] } else { Vec::new() };
    let holding: Arc<[_]> = holding.into();
    let says = |id, action| Accept { holding: Arc::clone(&holding), ..telling(id, action) };
    let wish = Unmerge {
        publisher: contoso(),
        lead,
        act: act(id),
        says_of_root: says(id + 1, Action::Missing),
        says_of_lead: says(id + 2, Action::Missing),
        refuses_of_lead: says(id + 2, Action::DoNotContact),
        holding,
    };
    desk.store.unmerge(desk.version().await, wish, |_| {}).await.unwrap()
}

fn lead(id: u128) -> LeadId {
    LeadId::new(id)
}

fn is_done(it: &Merged) -> bool {
    matches!(it, Merged::Done { .. })
}

async fn of_lead(desk: &Desk, lead: LeadId) -> Vec<Delivery> {
    let filter = DeliveryFilter {
        publisher: contoso(),
        destination: None,
        state: None,
        lead: Some(lead),
        before: None,
        limit: 1000,
    };
    desk.store.deliveries(filter).await.unwrap()
}

async fn listed(desk: &Desk, email: Option<&str>) -> Vec<LeadId> {
    let email = email.map(str::to_owned);
    let filter = LeadFilter { publisher: contoso(), before: None, email, limit: 99 };
    desk.store.leads(filter).await.unwrap().into_iter().map(|it| it.id).collect()
}

#[tokio::test]
async fn merged_leads_are_one_everywhere_and_two_again_afterwards() {
    let desk = Desk::new().await;
    for (id, customer, email) in [(1, 1, "ada@x.example"), (2, 2, "ada@y.example"), (3, 1, "")] {
        desk.accept(Accept { parsed: said(email, ""), ..of_customer(id, customer) }).await;
    }
    assert!(is_done(&merge(&desk, lead(2), lead(1), 4, false).await));
    assert_eq!(listed(&desk, None).await, [lead(1)]);
    assert_eq!(listed(&desk, Some("ada@x.example")).await, [lead(1)], "by an address that is not the newest");
    for id in [1, 2] {
        let (found, timeline) = desk.store.lead(contoso(), lead(id), 9).await.unwrap().unwrap();
        assert_eq!((found.id, found.email.as_str(), found.members), (lead(1), "ada@y.example", 1));
        let homes: Vec<u128> = timeline.iter().map(|it| it.lead.bits()).collect();
        assert_eq!(homes, [1, 2, 1, 1], "each keeps its own lead, and what was told comes last");
    }
    let members = desk.store.members(contoso(), lead(2)).await.unwrap();
    let shape: Vec<_> = members.iter().map(|it| (it.id, it.parent, it.rule.as_str())).collect();
    assert_eq!(shape, [(lead(1), None, ""), (lead(2), Some(lead(1)), "person")]);
    // What comes for either is for both, and a repetition is told so.
    assert_eq!(desk.accept(of_customer(6, 2)).await, Accepted::Stored { lead: lead(1) });
    assert!(is_done(&unmerge(&desk, lead(2), 7, false).await));
    assert_eq!(listed(&desk, None).await, [lead(2), lead(1)]);
    let (found, timeline) = desk.store.lead(contoso(), lead(2), 9).await.unwrap().unwrap();
    assert_eq!((found.email.as_str(), found.touchpoints, timeline.len()), ("ada@y.example", 3, 3));
    let acts = desk.store.acts(contoso(), lead(1), 9).await.unwrap();
    let kinds: Vec<_> = acts.iter().map(|it| (it.kind.as_str(), it.rule.as_str())).collect();
    assert_eq!(kinds, [("unmerge", ""), ("merge", "person")]);
    desk.ledger().await;
}

#[tokio::test]
async fn what_cannot_be_merged_says_why_and_changes_nothing() {
    let desk = Desk::new().await;
    let trial = Touchpoint { test: true, ..Touchpoint::default() };
    for (id, customer) in [(1, 1), (2, 2), (3, 3)] {
        desk.accept(of_customer(id, customer)).await;
    }
    desk.accept(Accept { parsed: Arc::new(trial), ..of_customer(4, 4) }).await;
    let merge = async |from, into| merge(&desk, lead(from), lead(into), 90, false).await;
    assert!(matches!(merge(9, 1).await, Merged::Missing(it) if it == lead(9)));
    assert!(matches!(merge(1, 1).await, Merged::Same));
    assert!(matches!(merge(4, 1).await, Merged::Trial));
    assert!(matches!(unmerge(&desk, lead(1), 80, false).await, Merged::NotMerged));
    assert!(is_done(&merge(2, 1).await));
    let already = merge(3, 2).await;
    assert!(matches!(already, Merged::Already { lead: it, into } if (it, into) == (lead(2), lead(1))));
    assert!(matches!(merge(2, 3).await, Merged::Already { .. }));
    let stale = Merge {
        publisher: contoso(),
        into: lead(1),
        from: lead(3),
        act: act(95),
        holding: [].into(),
        says: telling(96, Action::Missing),
    };
    let version = desk.version().await;
    let changed = desk.store.merge(version - 1, stale, |_| {}).await.unwrap();
    assert!(matches!(changed, Merged::SetupChanged));
    assert_eq!(listed(&desk, None).await, [lead(4), lead(3), lead(1)]);
}

#[tokio::test]
async fn two_requests_of_one_customer_are_never_under_way_at_once() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    for (id, customer) in [(1, 1), (2, 2), (3, 2)] {
        desk.accept(of_customer(id, customer)).await;
    }
    let claims = desk.claim(token, 9, NOON).await;
    assert_eq!(claims.len(), 2);
    assert!(matches!(merge(&desk, lead(2), lead(1), 10, false).await, Merged::Busy(_)));
    desk.settle(token, claims[0], done(), NOON).await;
    assert!(is_done(&merge(&desk, lead(2), lead(1), 20, false).await));
    // The one under way began as another lead's, and holds the place of both.
    assert_eq!(desk.claim(token, 9, NOON).await, []);
    assert!(matches!(unmerge(&desk, lead(2), 30, false).await, Merged::Busy(_)));
    desk.settle(token, claims[1], done(), NOON).await;
    let arrived = desk.delivery(2).await;
    assert_eq!(
        (arrived.lead, arrived.known_as),
        (lead(1), Some(lead(2))),
        "it says under which lead it arrived"
    );
    let next = desk.claim(token, 9, NOON).await;
    assert_eq!((next.len(), next[0].touchpoint, next[0].lead), (1, touchpoint(3), lead(1)));
    desk.settle(token, next[0], done(), NOON).await;
    // And then what is told of the merge.
    let told = desk.claim(token, 9, NOON).await;
    assert_eq!((told.len(), told[0].touchpoint), (1, touchpoint(21)));
}

#[tokio::test]
async fn what_arrived_under_another_lead_is_sent_again_to_the_record_of_the_lead_that_stands() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    for (id, customer) in [(1, 1), (2, 2)] {
        desk.accept(of_customer(id, customer)).await;
    }
    let claims = desk.claim(token, 9, NOON).await;
    desk.settle(token, claims[0], done(), NOON).await;
    assert!(is_done(&merge(&desk, lead(2), lead(1), 20, false).await));
    desk.settle(token, claims[1], done(), NOON).await;
    assert_eq!(desk.delivery(2).await.known_as, Some(lead(2)));
    let replay = crate::replays::replay(50, Some(1));
    desk.store.add_replay(Replay { force: true, ..replay }).await.unwrap();
    crate::replays::run(&desk, 50, number(1)).await;
    let again = desk.delivery(2).await;
    assert_eq!((again.state, again.lead, again.known_as), (DeliveryState::Pending, lead(1), None));
}

#[tokio::test]
async fn what_may_have_arrived_is_repeated_under_the_same_lead() {
    for (outcome, expected) in [(Outcome::Unknown, 2), (Outcome::NotDone(Fault::RetryAfter(None)), 1)] {
        let desk = Desk::new().await;
        let token = desk.take(NOON).await;
        desk.accept(Accept { routed: Vec::new(), ..of_customer(1, 1) }).await;
        desk.accept(of_customer(2, 2)).await;
        let claim = desk.claim(token, 9, NOON).await[0];
        let mut tried = settled(claim, Next::RetryAt(at(NOON)));
        tried.tried.outcome = outcome;
        desk.turn(token, Turn { settled: vec![tried], ..idle(NOON) }).await.unwrap();
        assert!(is_done(&merge(&desk, lead(2), lead(1), 10, false).await));
        let again = desk.claim(token, 9, NOON).await[0];
        assert_eq!((again.touchpoint, again.lead), (touchpoint(2), lead(expected)));
    }
}

#[tokio::test]
async fn a_wish_not_to_be_contacted_holds_for_all_and_is_told_to_who_knows_any() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    desk.accept(of_customer(1, 1)).await;
    let known = desk.claim(token, 9, NOON).await[0];
    desk.settle(token, known, done(), NOON).await;
    desk.accept(of_customer(2, 1)).await;
    let refuses = Arc::new(Touchpoint { action: Action::DoNotContact, ..Touchpoint::default() });
    let holding: Arc<[_]> = [number(1)].into();
    let held = Routed { destination: number(1), suppressed: Some("do_not_contact") };
    desk.accept(Accept { parsed: refuses, holding, routed: vec![held], ..of_customer(3, 2) }).await;
    assert!(is_done(&merge(&desk, lead(3), lead(1), 10, true).await));
    assert_eq!(desk.delivery(2).await.state, DeliveryState::Suppressed, "it waited");
    let told = desk.claim(token, 9, NOON).await;
    assert_eq!((told.len(), told[0].touchpoint), (1, touchpoint(11)));
    assert!(
        told[0].standing.do_not_contact,
        "a destination that holds such leads back hears it all the same"
    );
    desk.settle(token, told[0], done(), NOON).await;
    // Taken out again, the one who asked for it stays so, and the other is as before.
    assert!(is_done(&unmerge(&desk, lead(3), 20, true).await));
    let refused =
        async |id| desk.store.lead(contoso(), lead(id), 0).await.unwrap().unwrap().0.standing.is_refused();
    assert_eq!((refused(1).await, refused(3).await), (false, true));
}

#[tokio::test]
async fn nobody_is_contacted_again_because_two_were_parted() {
    let desk = Desk::new().await;
    for (id, customer) in [(1, 1), (2, 2)] {
        desk.accept(of_customer(id, customer)).await;
    }
    assert!(is_done(&merge(&desk, lead(2), lead(1), 10, false).await));
    let asked = telling(20, Action::DoNotContact);
    desk.accept(Accept { of_lead: Some(lead(2)), ..asked }).await;
    assert!(is_done(&unmerge(&desk, lead(2), 30, false).await));
    for id in [1, 2] {
        let found = desk.store.lead(contoso(), lead(id), 0).await.unwrap().unwrap().0;
        assert!(found.standing.is_refused(), "nobody knows which of them asked: {id}");
    }
}

#[tokio::test]
async fn whoever_was_taken_out_and_is_erased_leaves_the_others_record_alone() {
    for refuses in [false, true] {
        let desk = Desk::new().await;
        let token = desk.take(NOON).await;
        for (id, customer) in [(1, 1), (2, 2)] {
            desk.accept(of_customer(id, customer)).await;
        }
        assert!(is_done(&merge(&desk, lead(2), lead(1), 10, false).await));
        desk.accept(of_customer(20, 2)).await;
        while let [claim, ..] = desk.claim(token, 1, NOON).await[..] {
            desk.settle(
                token,
                claim,
                Next::Deliver(Receipt::Confirmed { record: "theirs".to_owned() }),
                NOON,
            )
            .await;
        }
        if refuses {
            // What was brought under the other lead stays there: the destination holds such customers back.
            let parsed = Arc::new(Touchpoint { action: Action::DoNotContact, ..Touchpoint::default() });
            desk.accept(Accept { parsed, routed: Vec::new(), ..of_customer(21, 2) }).await;
        }
        assert!(is_done(&unmerge(&desk, lead(2), 30, refuses).await));
        let wish = Wish {
            publisher: contoso(),
            id: ErasureId::new(90),
            asked_at: at(NOON + SECOND),
            crm: Crm::Delete,
            who: "key_1".to_owned(),
            reason: String::new(),
            leads: vec![lead(2)],
            found_by: Vec::new(),
            address: None,
            identities: Vec::new(),
            words: BTreeSet::new(),
            ids: vec![touchpoint(90)],
            salt: [7; 16],
        };
        assert!(matches!(desk.store.erase(wish, |_| {}).await.unwrap(), Asked::Begun(_)));
        let needs = desk.store.erasure_needs(contoso(), touchpoint(90)).await.unwrap().unwrap_or_default();
        assert!(!needs.contains("theirs"), "{refuses}: {needs}");
        assert_eq!(desk.delivery(1).await.record.as_deref(), Some("theirs"), "the other's");
    }
}

#[tokio::test]
async fn what_came_meanwhile_is_brought_to_its_own_record() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    for (id, customer) in [(1, 1), (2, 2)] {
        desk.accept(of_customer(id, customer)).await;
    }
    assert!(is_done(&merge(&desk, lead(2), lead(1), 10, false).await));
    desk.accept(of_customer(20, 2)).await;
    while let [claim, ..] = desk.claim(token, 1, NOON).await[..] {
        assert_eq!(claim.lead, lead(1));
        desk.settle(token, claim, done(), NOON).await;
    }
    let parted = unmerge(&desk, lead(2), 30, false).await;
    assert!(matches!(parted, Merged::Done { brought_anew: 2, .. }), "{parted:?}");
    let mut brought = Vec::new();
    while let [claim, ..] = desk.claim(token, 1, NOON).await[..] {
        brought.push((claim.touchpoint.bits(), claim.lead.bits()));
        desk.settle(token, claim, done(), NOON).await;
    }
    brought.sort_unstable();
    // Its own touchpoints, of which none was ever at its own record, and what is told of each of the two.
    assert_eq!(brought, [(2, 2), (20, 2), (31, 1), (32, 2)]);
    desk.ledger().await;
}

#[tokio::test]
async fn the_limit_of_what_is_brought_anew_counts_what_is_brought() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    let to_both = || [1, 2].map(|it| Routed { destination: number(it), suppressed: None }).to_vec();
    desk.accept(of_customer(1, 1)).await;
    desk.accept(Accept { routed: to_both(), ..of_customer(2, 2) }).await;
    assert!(is_done(&merge(&desk, lead(2), lead(1), 10, false).await));
    let last = 100 + u128::try_from(BROUGHT_ANEW_MAX).unwrap();
    desk.accept_all((100..last).map(|id| Accept { routed: to_both(), ..of_customer(id, 2) }).collect()).await;
    // What went to a destination that is removed stands between the others and takes no place of theirs.
    let sheet = LaneKey { publisher: contoso(), destination: number(2) };
    let sheets = desk.store.take_lane(sheet.clone(), "local".into(), at(NOON)).await.unwrap().unwrap();
    for (lane, token) in [(crate::desk::crm(), token), (sheet, sheets)] {
        let mut turn = Turn { room: 99, ..idle(NOON) };
        loop {
            let turned = desk.store.lane_turn(lane.clone(), token, Arc::new(turn)).await.unwrap().unwrap();
            if turned.claims.is_empty() {
                break;
            }
            let settled = turned.claims.into_iter().map(|it| settled(it, done())).collect();
            turn = Turn { settled, room: 99, ..idle(NOON) };
        }
    }
    desk.store.remove_destination(contoso(), number(2), at(NOON)).await.unwrap();
    let parted = unmerge(&desk, lead(2), 5000, false).await;
    assert!(matches!(parted, Merged::Done { brought_anew: BROUGHT_ANEW_MAX, .. }), "{parted:?}");
    desk.ledger().await;
}

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    Arrives { customer: u8, id: u128, fields: [u8; 3], interest: Option<Interest>, wish: u8 },
    Merges { from: usize, into: usize },
    Parts { which: usize },
    PersonSets { which: usize, interest: Interest },
    Claims { room: usize },
    Settles { which: usize, delivers: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let interest = || prop_oneof![Just(Interest::Initial), Just(Interest::Active)];
    prop_oneof![
        8 => (1..5u8, 1..400u128, any::<[u8; 3]>(), proptest::option::of(interest()), 0..8u8).prop_map(
            |(customer, id, fields, interest, wish)| Step::Arrives { customer, id, fields, interest, wish }
        ),
        4 => (any::<usize>(), any::<usize>()).prop_map(|(from, into)| Step::Merges { from, into }),
        3 => any::<usize>().prop_map(|which| Step::Parts { which }),
        1 => (any::<usize>(), interest()).prop_map(|(which, interest)| Step::PersonSets { which, interest }),
        3 => (1..4usize).prop_map(|room| Step::Claims { room }),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(which, delivers)| Step::Settles { which, delivers }),
    ]
}

/// A touchpoint as the model keeps it.
struct Kept {
    home: LeadId,
    id: TouchpointId,
    received_at: i64,
    parsed: Arc<Touchpoint>,
    shown: Option<Shown>,
    is_person: bool,
}

#[derive(Default)]
struct Model {
    homes: BTreeMap<u8, LeadId>,
    parents: BTreeMap<LeadId, LeadId>,
    kept: Vec<Kept>,
    acts: Vec<(LeadId, ActId, Interest)>,
    in_flight: Vec<Claim>,
}

impl Model {
    fn root(&self, lead: LeadId) -> LeadId {
        let mut lead = lead;
        while let Some(parent) = self.parents.get(&lead) {
            lead = *parent;
        }
        lead
    }

    fn leads(&self) -> Vec<LeadId> {
        self.homes.values().copied().collect()
    }

    fn home_of(&self, id: TouchpointId) -> LeadId {
        self.kept.iter().find(|it| it.id == id).unwrap().home
    }

    /// A lead folded anew from all touchpoints of those that are one.
    fn fold(&self, root: LeadId) -> Fold {
        let mut own = self.kept.iter().filter(|it| self.root(it.home) == root);
        let word = |it: &Kept| (it.received_at, it.parsed.clone(), it.id, it.shown.clone(), it.is_person);
        let mut standing = Standing::default();
        for (_, act, interest) in self.acts.iter().filter(|it| self.root(it.0) == root) {
            standing.set_interest(*act, *interest, &[]);
        }
        let take = |fold: Option<Fold>, it: &Kept, standing: &mut Standing| {
            let (received_at, parsed, id, shown, is_person) = word(it);
            let said = says_of(&parsed, id, at(received_at), shown);
            standing.fold(&said);
            let customer = (!is_person).then_some(&parsed.customer);
            let word = Word { received_at: at(received_at), customer, said };
            match fold {
                None => Fold::of(&word),
                Some(mut fold) => {
                    fold.take(&word);
                    fold
                }
            }
        };
        let first = take(None, own.next().unwrap(), &mut standing);
        let fold = own.fold(first, |fold, it| take(Some(fold), it, &mut standing));
        Fold { standing, ..fold }
    }

    fn told(&mut self, home: LeadId, id: u128) {
        let it = telling(id, Action::Missing);
        self.kept.push(Kept {
            home,
            id: touchpoint(id),
            received_at: it.received_at.millis(),
            parsed: it.parsed,
            shown: None,
            is_person: true,
        });
    }

    fn is_in_flight(&self, is_meant: impl Fn(LeadId) -> bool) -> bool {
        self.in_flight.iter().any(|it| is_meant(self.home_of(it.touchpoint)))
    }
}

/// Every lead is what the model folds, and what is owed goes by the lead that stands.
async fn check(desk: &Desk, model: &Model) -> Result<(), TestCaseError> {
    let roots: BTreeSet<LeadId> = model.leads().into_iter().map(|it| model.root(it)).collect();
    prop_assert_eq!(listed(desk, None).await.into_iter().collect::<BTreeSet<_>>(), roots);
    for lead in model.leads() {
        let root = model.root(lead);
        let expected = model.fold(root);
        let found = desk.store.lead(contoso(), lead, 0).await.unwrap().unwrap().0;
        prop_assert_eq!(found.id, root);
        prop_assert_eq!(&found.standing, &expected.standing);
        let count = (found.touchpoints, found.created_at, found.updated_at);
        prop_assert_eq!(count, (expected.touchpoints, expected.created_at, expected.updated_at));
        let values = [&found.first_name, &found.email, &found.phone, &found.title];
        let [first_name, _, email, phone, _, _, title] = &expected.values;
        prop_assert_eq!(values, [first_name, email, phone, title]);
        for it in of_lead(desk, root).await {
            prop_assert!(
                it.state == DeliveryState::Delivered || it.lead == root,
                "{:?} goes by {}",
                it.id,
                it.lead
            );
        }
    }
    Ok(())
}

async fn arrive(desk: &Desk, model: &mut Model, step: &Step) {
    let Step::Arrives { customer, id, fields, interest, wish } = step else { return };
    // Every fourth id is a customer's touchpoint, and each is used once.
    let id = 4 * id;
    if model.kept.iter().any(|it| it.id.bits() == id) {
        return;
    }
    let some = |it: u8| (!it.is_multiple_of(3)).then(|| format!("{}", it % 5));
    let mut parsed = Touchpoint::default();
    parsed.customer.first_name = some(fields[0]);
    parsed.customer.email = some(fields[1]);
    parsed.customer.phone = some(fields[2]);
    let given = at(NOON + i64::from(fields[0]) * SECOND);
    match wish {
        0 => parsed.action = Action::DoNotContact,
        1 => parsed.consent = Some(Consent { shared: true, text_version: None, at: Some(given) }),
        _ => {}
    }
    let received_at = NOON + i64::from(fields[1]) * SECOND;
    let parsed = Arc::new(parsed);
    let shown = interest.map(|interest| Shown { interest, rule: "*/*".into() });
    let item = Accept {
        parsed: Arc::clone(&parsed),
        shown: shown.clone(),
        received_at: at(received_at),
        ..of_customer(id, *customer)
    };
    let lead = desk.lead_of(item).await;
    let home = *model.homes.entry(*customer).or_insert(LeadId::new(id));
    assert_eq!(lead, model.root(home));
    model.kept.push(Kept { home, id: touchpoint(id), received_at, parsed, shown, is_person: false });
}

async fn decide(desk: &Desk, model: &mut Model, step: &Step, id: u128) -> Result<(), TestCaseError> {
    let leads = model.leads();
    if leads.is_empty() {
        return Ok(());
    }
    match step {
        Step::Merges { from, into } => {
            let (from, into) = (leads[from % leads.len()], leads[into % leads.len()]);
            let came = merge(desk, from, into, id, false).await;
            let stand = |it| !model.parents.contains_key(it);
            let busy = |lead| model.is_in_flight(|home| model.root(home) == lead);
            let may = from != into && stand(&from) && stand(&into) && !(busy(from) && busy(into));
            prop_assert_eq!(is_done(&came), may, "{:?}", came);
            if may {
                model.parents.insert(from, into);
                model.told(into, id + 1);
            }
        }
        Step::Parts { which } => {
            let lead = leads[which % leads.len()];
            let root = model.root(lead);
            let came = unmerge(desk, lead, id, false).await;
            let mut parted = Model { parents: model.parents.clone(), ..Model::default() };
            parted.parents.remove(&lead);
            let busy = model.is_in_flight(|home| parted.root(home) == lead);
            let may = root != lead && !busy;
            prop_assert_eq!(is_done(&came), may, "{:?}", came);
            if may {
                model.parents.remove(&lead);
                model.told(root, id + 1);
                model.told(lead, id + 2);
            }
        }
        Step::PersonSets { which, interest } => {
            let lead = leads[which % leads.len()];
            prop_assert!(desk.store.set_interest(contoso(), lead, *interest, act(id)).await.unwrap());
            model.acts.push((model.root(lead), ActId::new(id), *interest));
        }
        Step::Arrives { .. } | Step::Claims { .. } | Step::Settles { .. } => {}
    }
    Ok(())
}

async fn deliver(
    desk: &Desk,
    model: &mut Model,
    (token, step): (LaneToken, &Step),
) -> Result<(), TestCaseError> {
    match step {
        Step::Claims { room } => {
            let claims = desk.claim(token, *room, NOON + DAY).await;
            for claim in claims {
                let root = model.root(model.home_of(claim.touchpoint));
                // One that was under way as its lead was merged goes on under the lead it was begun as.
                prop_assert!(claim.lead == root || claim.number > 1, "{:?}", claim);
                prop_assert!(!model.is_in_flight(|home| model.root(home) == root), "two of one customer");
                let owed = of_lead(desk, root).await;
                let first = owed
                    .iter()
                    .filter(|it| it.state == DeliveryState::Pending)
                    .map(|it| it.id.touchpoint)
                    .min();
                // One that was tried before stays first, whatever became the customer's since.
                let is_first = first == Some(claim.touchpoint) || claim.number > 1;
                prop_assert!(is_first, "the customer's actions are in order");
                prop_assert_eq!(claim.standing, model.fold(root).standing.seen());
                model.in_flight.push(claim);
            }
        }
        Step::Settles { which, delivers } if !model.in_flight.is_empty() => {
            let claim = model.in_flight.remove(which % model.in_flight.len());
            let next = if *delivers { done() } else { Next::RetryAt(at(NOON)) };
            desk.settle(token, claim, next, NOON + DAY).await;
        }
        _ => {}
    }
    Ok(())
}

async fn live(steps: &[Step]) -> Result<(), TestCaseError> {
    let desk = Desk::new().await;
    let token = desk.take(NOON + DAY).await;
    let mut model = Model::default();
    for (step, at) in steps.iter().zip(0u128..) {
        // An act and what is told, among the touchpoints of customers and apart from them.
        let id = 4 * ((at % 2) * 225 + 10 * at + 1) + 1;
        arrive(&desk, &mut model, step).await;
        decide(&desk, &mut model, step, id).await?;
        deliver(&desk, &mut model, (token, step)).await?;
        check(&desk, &model).await?;
    }
    // All parted again: each lead is what it would be if nothing had ever been merged.
    for claim in std::mem::take(&mut model.in_flight) {
        desk.settle(token, claim, done(), NOON + DAY).await;
    }
    for (lead, at) in model.parents.clone().into_keys().zip(0u128..) {
        let id = 100_000 + 10 * at;
        let root = model.root(lead);
        prop_assert!(is_done(&unmerge(&desk, lead, id, false).await));
        model.parents.remove(&lead);
        model.told(root, id + 1);
        model.told(lead, id + 2);
        check(&desk, &model).await?;
    }
    // And nothing is behind what is not there any more.
    loop {
        let claims = desk.claim(token, 9, NOON + DAY).await;
        if claims.is_empty() {
            break;
        }
        for claim in claims {
            desk.settle(token, claim, done(), NOON + DAY).await;
        }
    }
    for lead in model.leads() {
        let owed = of_lead(&desk, lead).await.into_iter().filter(|it| it.state == DeliveryState::Pending);
        prop_assert_eq!(owed.count(), 0);
    }
    desk.ledger().await;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::engine::cases(64), ..ProptestConfig::default() })]
    #[test]
    fn any_history_of_merges_and_their_undoing_is_the_fold_of_what_is_one(
        steps in proptest::collection::vec(step(), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(&steps))?;
    }
}
