//! What is asked for changes, and answers as the service gives and does not give them.

use super::super::tests::{NOW, read as connector, said};
use super::*;
use crate::feedback::shown;
use crate::token::bearer;
use serde_json::json;

fn asked(connector: &Salesforce, position: &Position) -> String {
    let token = bearer("token").unwrap();
    shown(&connector.request(connector.session.url(), &token, connector.shape.changes(position)))
}

fn answer(rows: &Value, next: &Value) -> Answer {
    let body = json!({ "totalSize": 2345, "done": next.is_null(), "nextRecordsUrl": next, "records": rows });
    said(200, &[], &body.to_string())
}

#[test]
fn questions_are_the_golden_ones() {
    let connector = connector(json!({ "read_feedback": "on" }));
    let first = Position::at(NOW);
    let next =
        Position { next: Some("/services/data/v62.0/query/01g5e00000XYZ-2000".to_owned()), ..first.clone() };
    let both = format!("{}\n{}", asked(&connector, &first), asked(&connector, &next));
    assert_eq!(both, include_str!("golden/changes.txt"));
}

#[test]
fn rows_are_read_by_conversion_before_status() {
    let connector = connector(json!({ "read_feedback": "on", "feedback_states": "Parked = lost" }));
    let row = |number: u8, status: &str, is_converted: bool| {
        json!({ "attributes": { "type": "Lead" }, "Id": format!("00Q{number}"), "Status": status,
            "IsConverted": is_converted, "SystemModstamp": format!("2026-11-20T10:00:0{number}.000+0000"),
            "LeadwireLeadId__c": LeadId::new(number.into()).to_string().to_uppercase().replace("LEAD_", "lead_") })
    };
    let mut foreign = row(6, "Qualified", false);
    foreign["LeadwireLeadId__c"] = json!("typed by hand");
    let rows = json!([
        row(1, "Working - Contacted", false),
        row(2, "Closed - Not Converted", false),
        row(3, "Parked", false),
        row(4, "Anything", true),
        row(5, "Our own", false),
        foreign,
    ]);
    let position = Position::at(NOW);
    let read = |rows: &Value, next: Value| {
        super::read(&answer(rows, &next), &position, (&connector.shape, &connector.reading))
    };
    let changes = read(&rows, Value::Null).unwrap();
    let found: Vec<_> = changes.items.iter().map(|it| (&*it.record, it.kind, &*it.reason)).collect();
    let expected = [
        ("00Q2", FeedbackKind::Disqualified, "Closed - Not Converted"),
        ("00Q3", FeedbackKind::Lost, "Parked"),
        ("00Q4", FeedbackKind::Converted, "Anything"),
    ];
    assert_eq!(found, expected);
    assert_eq!(changes.items[0].whose, Whose::Lead(LeadId::new(2)));
    assert_eq!((changes.seen, changes.unknown, changes.is_end), (6, 1, true));
    assert_eq!(changes.position, Position::at(moment("2026-11-20T10:00:06Z").unwrap()));
    let next = "/services/data/v62.0/query/01g-200";
    assert_eq!(read(&rows, json!(next)).unwrap().position.next.as_deref(), Some(next));
    // The token goes to no address but that of the next page.
    for next in [
        "https://evil.example/query/x",
        "/services/data/v62.0/query/../../x",
        "/services/data/v62.0/sobjects/Lead",
    ] {
        assert_eq!(read(&rows, json!(next)), None, "{next}");
    }
    for rows in [json!([{ "Id": "00Q1" }]), json!({}), json!([{ "SystemModstamp": "soon" }])] {
        assert_eq!(read(&rows, Value::Null), None, "{rows}");
    }
    assert_eq!(
        super::read(&said(200, &[], "<html>"), &position, (&connector.shape, &connector.reading)),
        None
    );
}
