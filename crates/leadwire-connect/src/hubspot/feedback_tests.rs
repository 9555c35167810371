//! What is asked for changes, and answers as HubSpot gives and does not give them.

use super::*;
use crate::egress::Request;
use crate::feedback::shown;
use http::{HeaderMap, StatusCode};
use leadwire_core::outcome::Timings;

const NOW: Timestamp = Timestamp::from_millis(1_795_168_800_000);

fn connector(more: &Value) -> HubSpot {
    let mut settings = json!({ "token": "pat-eu1-0", "read_feedback": "on" });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    HubSpot::read(settings.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"))
}

fn asked(hubspot: &HubSpot, position: &Position) -> Request {
    hubspot.place.post("/search", &search(position, &hubspot.id_property))
}

fn answer(body: &Value) -> Answer {
    Answer {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: body.to_string().into(),
        is_truncated: false,
        peer: [127, 0, 0, 1].into(),
        timings: Timings::default(),
    }
}

fn row(id: u8, at: &str, status: &str, stage: &str) -> Value {
    json!({ "id": id.to_string(), "archived": false, "updatedAt": at, "properties": {
        "email": format!("c{id}@example.com"), "hs_lead_status": status, "lifecyclestage": stage,
        "lastmodifieddate": at, "lead": LeadId::new(id.into()).to_string() } })
}

#[test]
fn questions_are_the_golden_ones() {
    let plain = asked(&connector(&json!({})), &Position::at(NOW));
    let next = Position { next: Some("1795168700123:100".to_owned()), ..Position::at(NOW) };
    let keyed = asked(&connector(&json!({ "id_property": "lead", "api_version": "2026-09" })), &next);
    assert_eq!(format!("{}\n{}", shown(&plain), shown(&keyed)), include_str!("golden/changes.txt"));
}

#[test]
fn a_customer_is_one_whatever_the_status_and_a_status_counts_before_a_stage() {
    let hubspot = connector(&json!({}));
    let at = "2026-11-20T10:00:05.123Z";
    let rows = json!([
        row(1, at, "UNQUALIFIED", "customer"),
        row(2, at, "UNQUALIFIED", "opportunity"),
        row(3, at, "CONNECTED", "opportunity"),
        row(4, at, "OURS", "lead"),
        row(5, at, "", "lead"),
    ]);
    let read = |body: &Value| super::read(&answer(body), &Position::at(NOW), ("email", &hubspot.reading));
    let changes = read(&json!({ "total": 5, "results": rows })).unwrap();
    let found: Vec<_> = changes.items.iter().map(|it| (&*it.record, it.kind, &*it.reason)).collect();
    let expected = [
        ("1", FeedbackKind::Converted, "customer"),
        ("2", FeedbackKind::Disqualified, "UNQUALIFIED"),
        ("3", FeedbackKind::Qualified, "opportunity"),
    ];
    assert_eq!((found, changes.unknown, changes.is_end), (expected.to_vec(), 1, true));
    let Whose::Customer(customer) = &changes.items[0].whose else { panic!("a customer") };
    assert_eq!(customer.email.as_deref(), Some("c1@example.com"));
    let keyed = super::read(
        &answer(&json!({ "total": 5, "results": rows })),
        &Position::at(NOW),
        ("lead", &hubspot.reading),
    );
    assert_eq!(keyed.unwrap().items[1].whose, Whose::Lead(LeadId::new(2)));
    for body in
        [json!({}), json!({ "total": 1, "results": [{ "id": "1" }] }), json!({ "results": [] }), json!([])]
    {
        assert_eq!(read(&body), None, "{body}");
    }
}

#[test]
fn the_next_page_is_asked_for_by_the_last_moment_of_this_one() {
    let place = Place { from: 1000, after: 0 };
    let next = |place: &Place, last: i64| place.next(Some(Timestamp::from_millis(last))).to_text();
    assert_eq!(next(&place, 1005), "1005:0");
    // A page of one moment: by number, until the search gives out no more.
    assert_eq!(next(&place, 1000), "1000:100");
    assert_eq!(next(&Place { from: 1000, after: 9_800 }, 1000), "1000:9900");
    assert_eq!(next(&Place { from: 1000, after: 9_900 }, 1000), "1001:0");
    let more = json!({ "total": 101, "results": [row(1, "2026-11-20T10:00:05.123Z", "", "")], "paging": { "next": { "after": "100" } } });
    let changes =
        super::read(&answer(&more), &Position::at(NOW), ("email", &connector(&json!({})).reading)).unwrap();
    assert_eq!(changes.position.next.as_deref(), Some("1795168805123:0"));
    // A word that was spoilt begins a new question.
    let spoilt = Position { next: Some("x".to_owned()), ..Position::at(NOW) };
    assert_eq!(Place::of(&spoilt).from, spoilt.asked_from().millis());
}
