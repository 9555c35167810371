//! What is asked for changes, and activities as Marketo tells and does not tell them.

use super::super::tests::{NOW, settings};
use super::*;
use crate::feedback::shown;
use crate::token::bearer;
use serde_json::json;

fn connector(states: &str) -> Marketo {
    let settings = settings(&json!({ "read_feedback": "on", "feedback_states": states }));
    Marketo::read(&settings).unwrap_or_else(|it| panic!("{it:?}"))
}

#[test]
fn questions_are_the_golden_ones() {
    let marketo = connector("");
    let shown = |call: &Call| shown(&marketo.session.request(call, &bearer("token").unwrap()));
    let calls = [
        token(&Position::at(NOW)),
        changes("GIYDAOBNGEYS2MBWKQYDAORQGA5DAMBOGAYDAKZQGAYDALBQ"),
        people(&[318, 319].into(), "email"),
        people(&[318].into(), "marketplaceLeadId"),
    ];
    assert_eq!(calls.each_ref().map(shown).join("\n"), include_str!("golden/changes.txt"));
}

#[test]
fn activities_are_read_in_the_order_in_which_they_happened() {
    let marketo = connector("Sales Accepted = qualified");
    let activity = |person: u64, at: &str, name: &str, new: Value| {
        json!({ "id": 12, "leadId": person, "activityDate": at, "activityTypeId": 13,
            "fields": [{ "id": 48, "name": name, "newValue": new, "oldValue": null }], "attributes": [] })
    };
    let results = [
        activity(2, "2026-11-20T10:00:09Z", "leadStatus", json!("Disqualified")),
        activity(1, "2026-11-20T10:00:05Z", "leadStatus", json!("sales accepted")),
        activity(1, "2026-11-20T10:00:06Z", "leadStatus", json!("Frozen")),
        activity(1, "2026-11-20T10:00:07Z", "leadScore", json!("12")),
        activity(3, "2026-11-20T10:00:08Z", "leadStatus", Value::Null),
        json!({ "id": 13, "leadId": 4, "activityDate": "2026-11-20T10:00:10+0000", "activityTypeId": 12 }),
    ];
    let (found, unknown, last) = read(&results, &marketo.reading).unwrap();
    let seen: Vec<_> = found.iter().map(|it| (it.person, it.kind, &*it.word)).collect();
    let expected =
        [(1, FeedbackKind::Qualified, "sales accepted"), (2, FeedbackKind::Disqualified, "Disqualified")];
    assert_eq!((seen, unknown), (expected.to_vec(), 1));
    assert_eq!(last, moment("2026-11-20T10:00:10Z"));
    for bad in [
        json!({}),
        json!({ "leadId": 1, "activityDate": "soon" }),
        json!({ "activityDate": "2026-11-20T10:00:10Z" }),
    ] {
        assert_eq!(read(&[bad], &marketo.reading), None);
    }
}
