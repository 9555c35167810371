//! The statements of merges and suggestions, explained as those of `plan_tests.rs` are.

use crate::accept::Accept;
use crate::leads::Act;
use crate::merges::{Merge, Merged, Unmerge};
use crate::rows::Channel;
use crate::search::Sought;
use crate::suggestions::SuggestionState;
use crate::{Store, StoreError, members};
use leadwire_core::id::{ActId, LeadId, PublisherId, SuggestionId, TouchpointId};
use leadwire_core::identity::IdentityRules;
use leadwire_core::interest::Interest;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Action, Customer, Touchpoint};
use std::sync::Arc;

/// As `READ_WHOLE` of `plan_tests.rs`.
pub(crate) const READ_WHOLE: &[&str] = &["identity_rules", "own", "undecided"];
/// As `GROWING` of `plan_tests.rs`.
pub(crate) const GROWING: &[&str] = &["near_key", "suggestion", "lead_word"];

/// As `HOT` of `plan_tests.rs`.
pub(crate) const HOT: &[(&str, &[&str])] = &[
    ("SELECT merged_into FROM lead…", &["SEARCH lead USING PRIMARY KEY (publisher_id=? AND lead_id=?)"]),
    ("SELECT lead_id FROM member…", &["SEARCH member USING PRIMARY KEY (publisher_id=? AND root_id=?)"]),
    (
        "UPDATE member SET first_name…",
        &["SEARCH member USING PRIMARY KEY (publisher_id=? AND root_id=? AND lead_id=?)"],
    ),
    (
        "…WHERE publisher_id = $1 AND destination_no = $2 AND claim > 0 AND state = 'pending' AND lead_id = $3",
        &["SEARCH delivery USING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim>?)"],
    ),
    (
        "SELECT touchpoint_id, lead_id, test FROM touchpoint…",
        &[
            "SEARCH touchpoint USING INDEX sqlite_autoindex_touchpoint_1 (publisher_id=? AND touchpoint_id>? AND touchpoint_id<?)",
        ],
    ),
    (
        "SELECT lead_id FROM near_key…",
        &["SEARCH near_key USING COVERING INDEX near_key_leads (publisher_id=? AND near_key=?)"],
    ),
    (
        "SELECT lead_id FROM lead_word…",
        &["SEARCH lead_word USING PRIMARY KEY (publisher_id=? AND word>? AND word<?)"],
    ),
    (
        "SELECT word FROM lead_word…",
        &["SEARCH lead_word USING COVERING INDEX lead_word_of_lead (publisher_id=? AND lead_id=?)"],
    ),
    (
        "DELETE FROM lead_word…",
        &["SEARCH lead_word USING COVERING INDEX lead_word_of_lead (publisher_id=? AND lead_id=?)"],
    ),
    (
        "SELECT DISTINCT lead_id FROM delivery WHERE publisher_id = $1 AND record >= $2…",
        // Sorted is what was brought to one record.
        &[
            "SEARCH delivery USING INDEX delivery_record (publisher_id=? AND record>? AND record<?)",
            "USE TEMP B-TREE FOR DISTINCT",
        ],
    ),
    ("DELETE FROM near_key…", &["SEARCH near_key USING PRIMARY KEY (publisher_id=? AND lead_id=?)"]),
    (
        "…FROM suggestion WHERE publisher_id = $1 AND one_id = $2 AND other_id = $3",
        &["SEARCH suggestion USING INDEX suggestion_pair (publisher_id=? AND one_id=? AND other_id=?)"],
    ),
    (
        "WITH undecided AS…",
        &[
            "MATERIALIZE undecided",
            "SEARCH suggestion USING COVERING INDEX suggestion_open (publisher_id=? AND suggestion_id<?)",
            "SCAN undecided",
            "SEARCH s USING PRIMARY KEY (publisher_id=? AND suggestion_id=?)",
            "USE TEMP B-TREE FOR ORDER BY",
        ],
    ),
];

/// Calls every method on a way that reaches every statement. Lead 5 is there already.
pub(crate) async fn merge_and_suggest(
    store: &Store,
    publisher: &PublisherId,
    made: impl Fn(u128) -> Accept,
) -> Result<(), StoreError> {
    let version = store.setup().await?.version;
    let (whose, word) = (|| publisher.clone(), |text: &str| text.to_owned());
    let act = |id| Act {
        id: ActId::new(id),
        at: Timestamp::from_millis(0),
        kind: String::new(),
        value: String::new(),
        reason: word("it is her"),
        who: word("key_1"),
        rule: String::new(),
    };
    let customer = Customer {
        phone: Some(word("+36201234567")),
        first_name: Some(word("Ada")),
        last_name: Some(word("Lovelace")),
        ..Customer::default()
    };
    let parsed = Arc::new(Touchpoint { customer, ..Touchpoint::default() });
    for (id, identity) in [(101, [1; 16]), (102, [2; 16])] {
        let item = Accept { identity: Some(identity), parsed: Arc::clone(&parsed), ..made(id) };
        assert!(store.accept(version, [item].into()).await?.is_some());
    }
    let step =
        store.near_page(whose(), TouchpointId::new(999)).await?.expect("there is something to look at");
    assert_eq!(store.near_step(step, Timestamp::from_millis(1), Arc::new(|| 77)).await?, 1);
    let words = vec!["ada".to_owned(), "love".to_owned()];
    store.find_leads(Sought { publisher: whose(), words, record: "00Q1".to_owned(), limit: 9 }).await?;
    let open = store.suggestions(whose(), SuggestionState::Open, None, 9).await?;
    assert_eq!(open.len(), 1);
    store.dismiss_suggestion(whose(), SuggestionId::new(77), act(103)).await?;
    let says = |id| Accept { channel: Channel::Person, identity: None, ..made(id) };
    let (into, from) = (LeadId::new(101), LeadId::new(102));
    let holding = made(0).holding;
    let wish = Merge { publisher: whose(), into, from, act: act(104), holding, says: says(105) };
    assert!(matches!(store.merge(version, wish, |_| {}).await?, Merged::Done { .. }));
    for (id, action) in [(106, Action::Missing), (107, Action::DoNotContact)] {
        let parsed = Arc::new(Touchpoint { action, ..Touchpoint::default() });
        let item = Accept { identity: Some([2; 16]), parsed, ..made(id) };
        assert!(store.accept(version, [item].into()).await?.is_some());
    }
    store.set_interest(whose(), into, Interest::Active, act(108)).await?;
    store.members(whose(), from).await?;
    store.customer(whose(), from).await?;
    store.identities(whose(), vec![from]).await?;
    let (says_of_root, says_of_lead, refuses_of_lead) = (says(110), says(111), says(111));
    let wish = Unmerge {
        publisher: whose(),
        lead: from,
        act: act(109),
        holding: made(0).holding,
        says_of_root,
        says_of_lead,
        refuses_of_lead,
    };
    assert!(matches!(store.unmerge(version, wish, |_| {}).await?, Merged::Done { .. }));
    let lead = into;
    let erased = publisher.clone();
    store.write_of(&erased.clone(), move |tx| members::forget(tx, &erased, lead)).await?;
    assert_eq!(store.suggestions(whose(), SuggestionState::Dismissed, None, 9).await?, []);
    store.put_identity_rules(whose(), IdentityRules::default()).await?;
    store.reset_identity_rules(whose()).await?;
    Ok(())
}
