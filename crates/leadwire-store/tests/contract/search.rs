//! Finding leads by what people type: at once among the newest, by their words behind that, and never once they are erased.

use crate::desk::{Desk, NOON, at, contoso, idle, of_customer, settled, touchpoint};
use crate::erasures::{acted, begin, wipe, wish};
use crate::merges::{merge, unmerge};
use crate::suggestions::mint;
use leadwire_core::id::LeadId;
use leadwire_core::lane::Next;
use leadwire_core::limits::{SEARCH_LOOKED_AT_MAX, SEARCH_NEWEST};
use leadwire_core::outcome::Receipt;
use leadwire_core::search;
use leadwire_core::touchpoint::{Customer, Touchpoint};
use leadwire_store::accept::Accept;
use leadwire_store::lanes::Turn;
use leadwire_store::search::Sought;
use std::sync::Arc;

/// Leads that a text finds, newest first.
pub(crate) async fn found(desk: &Desk, text: &str) -> Vec<LeadId> {
    let words = search::asked(text);
    let sought = Sought { publisher: contoso(), words, record: text.to_owned(), limit: 9 };
    desk.store.find_leads(sought).await.unwrap().leads.into_iter().map(|it| it.id).collect()
}

fn named(id: u128, customer: u8, name: (&str, &str), company: &str) -> Accept {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let customer_of = Customer {
        first_name: some(name.0),
        last_name: some(name.1),
        company: some(company),
        ..Customer::default()
    };
    let parsed = Arc::new(Touchpoint { customer: customer_of, ..Touchpoint::default() });
    Accept { parsed, ..of_customer(id, customer) }
}

async fn look(desk: &Desk) {
    while let Some(step) = desk.store.near_page(contoso(), touchpoint(9999)).await.unwrap() {
        desk.store.near_step(step, at(NOON), mint()).await.unwrap();
    }
}

fn ids<const N: usize>(all: [u128; N]) -> Vec<LeadId> {
    all.map(LeadId::new).to_vec()
}

#[tokio::test]
async fn a_new_lead_is_found_at_once_and_an_old_one_by_its_words() {
    let desk = Desk::new().await;
    desk.accept(named(1, 1, ("Işıl", "Çağlar"), "İstanbul Lojistik A.Ş.")).await;
    assert_eq!(found(&desk, "isil cag").await, ids([1]), "before its words are written down");
    let newest = u128::try_from(SEARCH_NEWEST).unwrap();
    let others = (2..newest + 2).map(|id| Accept { identity: None, ..named(id, 0, ("Tom", "Ashby"), "") });
    desk.accept_all(others.collect()).await;
    assert_eq!(found(&desk, "isil cag").await, ids([]), "it is not among the newest any more");
    look(&desk).await;
    for text in ["isil cag", "LOJISTIK", "istanbul lojistik a.ş."] {
        assert_eq!(found(&desk, text).await, ids([1]), "{text}");
    }
    assert_eq!(found(&desk, "isil ashby").await, ids([]), "every word must be the same lead's");
    assert_eq!(found(&desk, "tom").await.len(), 9, "as many as were asked for");
    assert_eq!(found(&desk, "").await, ids([]));
}

#[tokio::test]
async fn a_search_that_could_not_look_at_all_says_so_and_shows_the_newest_of_those_it_looked_at() {
    let desk = Desk::new().await;
    let of = |id: u128, name| Accept { identity: None, ..named(id, 0, name, "") };
    let sought = async |text: &str| {
        let (words, record) = (search::asked(text), text.to_owned());
        desk.store.find_leads(Sought { publisher: contoso(), words, record, limit: 9 }).await.unwrap()
    };
    let most = u128::try_from(SEARCH_LOOKED_AT_MAX).unwrap();
    for from in (1..=most).step_by(100) {
        desk.accept_all((from..from + 100).map(|id| of(id, ("Tom", "Ashby"))).collect()).await;
    }
    look(&desk).await;
    let tom = sought("tom").await;
    let newest: Vec<LeadId> = (0..9).map(|it| LeadId::new(most - it)).collect();
    let shown: Vec<LeadId> = tom.leads.iter().map(|it| it.id).collect();
    assert_eq!((shown, tom.is_cut), (newest, true), "more are there");
    let nobody = sought("ashby zed").await;
    assert_eq!((nobody.leads.len(), nobody.is_cut), (0, false), "all were looked at");
    desk.accept(of(most + 1, ("Tom", "Ashby"))).await;
    look(&desk).await;
    let nobody = sought("ashby zed").await;
    assert_eq!((nobody.leads.len(), nobody.is_cut), (0, true), "one was not looked at");
}

#[tokio::test]
async fn a_new_name_is_found_and_a_merged_lead_leads_to_the_one_that_stands_for_it() {
    let desk = Desk::new().await;
    desk.accept(named(1, 1, ("Grace", "Murray"), "")).await;
    desk.accept(named(2, 2, ("Ada", "Lovelace"), "")).await;
    look(&desk).await;
    desk.accept(named(3, 1, ("Grace", "Hopper"), "")).await;
    look(&desk).await;
    assert_eq!((found(&desk, "hopper").await, found(&desk, "murray").await), (ids([1]), ids([])));
    merge(&desk, LeadId::new(2), LeadId::new(1), 10, false).await;
    assert_eq!(found(&desk, "lovelace").await, ids([1]));
    unmerge(&desk, LeadId::new(2), 20, false).await;
    assert_eq!(found(&desk, "lovelace").await, ids([2]));
}

#[tokio::test]
async fn a_lead_is_found_by_its_record_at_a_destination() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    desk.accept(of_customer(1, 1)).await;
    let claim = desk.claim(token, 1, NOON).await[0];
    let record = Next::Deliver(Receipt::Confirmed { record: "00Q5e000007abcd".to_owned() });
    desk.turn(token, Turn { settled: vec![settled(claim, record)], ..idle(NOON) }).await.unwrap();
    assert_eq!(found(&desk, "00Q5e000007abcd").await, ids([1]));
    assert_eq!(found(&desk, "00Q5e").await, ids([]), "a part of an id names nothing");
}

#[tokio::test]
async fn a_step_that_looked_before_an_erasure_writes_nothing_after_it() {
    let desk = Desk::new().await;
    desk.accept(acted(1, None)).await;
    let looked = desk.store.near_page(contoso(), touchpoint(99)).await.unwrap().unwrap();
    begin(&desk, wish(100, 1, NOON)).await;
    wipe(&desk, 100, NOON).await;
    desk.store.near_step(looked, at(NOON), mint()).await.unwrap();
    assert_eq!(found(&desk, "adacanary").await, ids([]));
    let all = crate::engine::all_values(desk.folder.path(), &desk.store).await;
    assert!(!crate::erasures::planted_in(&all).contains(&"AdaCanary"), "no word of hers was written down");
}
