//! What is asked for changes, and answers as Dataverse gives and does not give them.

use super::super::tests::{NOW, read as connector};
use super::*;
use crate::feedback::shown;
use crate::token::bearer;
use http::{HeaderMap, StatusCode};
use leadwire_core::outcome::Timings;
use serde_json::json;

fn asked(dynamics: &Dynamics, position: &Position) -> String {
    shown(&dynamics.request(dynamics.shape.changes(position), &bearer("token").unwrap()))
}

fn read(dynamics: &Dynamics, body: &Value) -> Option<Changes> {
    let answer = Answer {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: body.to_string().into(),
        is_truncated: false,
        peer: [127, 0, 0, 1].into(),
        timings: Timings::default(),
    };
    super::read(&answer, &Position::at(NOW), (&dynamics.shape, &dynamics.url, &dynamics.reading))
}

#[test]
fn questions_are_the_golden_ones() {
    let plain = connector(json!({ "read_feedback": "on" }));
    let keyed =
        connector(json!({ "key": "alternate_key", "key_column": "leadwire_leadid", "read_feedback": "on" }));
    let next = "/api/data/v9.2/leads?$select=leadid&$skiptoken=%3Ccookie%20pagenumber=%222%22%20/%3E";
    let next = Position { next: Some(next.to_owned()), ..Position::at(NOW) };
    let all = [asked(&plain, &Position::at(NOW)), asked(&plain, &next), asked(&keyed, &Position::at(NOW))];
    assert_eq!(all.join("\n"), include_str!("golden/changes.txt"));
}

#[test]
fn a_reason_counts_before_the_state_and_an_own_reason_falls_back_to_it() {
    let dynamics =
        connector(json!({ "read_feedback": "on", "feedback_states": "4 = lost\n100000002 = nothing" }));
    let row = |number: u8, state: u8, reason: u32| {
        json!({ "@odata.etag": "W/\"1\"", "leadid": format!("0000000{number}-0000-4000-8000-000000000000"),
            "statecode": state, "statuscode": reason, "modifiedon": format!("2026-11-20T10:00:0{number}Z"),
            "emailaddress1": "ada@example.com", "firstname": null })
    };
    let rows = json!([
        row(1, 0, 2),
        row(2, 1, 3),
        row(3, 2, 4),
        row(4, 2, 6),
        row(5, 2, 100_000_001),
        row(6, 2, 100_000_002),
        row(7, 9, 100_000_003),
    ]);
    let changes = read(&dynamics, &json!({ "value": rows })).unwrap();
    let found: Vec<_> = changes.items.iter().map(|it| (&it.record[..8], it.kind, &*it.reason)).collect();
    let expected = [
        ("00000002", FeedbackKind::Qualified, "Qualified"),
        ("00000003", FeedbackKind::Lost, "Lost"),
        ("00000004", FeedbackKind::Disqualified, "No Longer Interested"),
        ("00000005", FeedbackKind::Disqualified, "status reason 100000001"),
    ];
    assert_eq!((found, changes.unknown, changes.is_end), (expected.to_vec(), 1, true));
    let Whose::Customer(customer) = &changes.items[0].whose else { panic!("a customer") };
    assert_eq!((customer.email.as_deref(), &customer.first_name), (Some("ada@example.com"), &None));
}

#[test]
fn the_token_goes_to_no_address_but_that_of_the_next_page() {
    let dynamics = connector(json!({ "read_feedback": "on" }));
    let page = |link: &str| read(&dynamics, &json!({ "value": [], "@odata.nextLink": link }));
    let good = "https://contoso.crm4.dynamics.com/api/data/v9.2/leads?$select=leadid&$skiptoken=%3Cx%3E";
    let next = page(good).unwrap();
    assert_eq!(next.position.next.as_deref(), Some("/api/data/v9.2/leads?$select=leadid&$skiptoken=%3Cx%3E"));
    assert!(!next.is_end);
    for link in [
        "https://evil.example/api/data/v9.2/leads?$skiptoken=x",
        "https://contoso.crm4.dynamics.com/api/data/v9.2/accounts?$skiptoken=x",
        "https://contoso.crm4.dynamics.com/api/data/v9.2/leads",
        "leads?$skiptoken=x",
    ] {
        assert_eq!(page(link), None, "{link}");
    }
    for body in [json!({}), json!({ "value": [{ "leadid": "x" }] }), json!("page")] {
        assert_eq!(read(&dynamics, &body), None, "{body}");
    }
}
