//! The simulated form says 200 to everything, and what went wrong shows later or never.

use super::*;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use std::sync::Mutex;

fn post(form: &mut WebToLead, body: &str, now: i64) -> (u16, Option<String>) {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
    let call = Call {
        method: Method::POST,
        path: "/servlet/servlet.WebToLead".to_owned(),
        query: "encoding=UTF-8".to_owned(),
        headers,
        body: Bytes::from(body.to_owned()),
    };
    let reply = form.answer(&call, now);
    let header = reply.headers.get("is-processed").map(|it| it.to_str().unwrap().to_owned());
    (reply.status.as_u16(), header)
}

const GOOD: &str = "oid=00D000000000001&last_name=Lovelace&company=Analytical";

#[test]
fn only_the_header_tells_and_only_of_what_cannot_be_processed() {
    let mut form = WebToLead::new(Options::default());
    for (body, header) in [
        (GOOD, Some("true")),
        ("oid=00D000000000002&last_name=L&company=C", Some(EXCEPTION)),
        ("last_name=L&company=C", Some(EXCEPTION)),
        ("oid=00D000000000001&last_name=L", Some(EXCEPTION)),
        ("oid=00D000000000001&last_name=L&company=C&debug=1", None),
        ("oid=00D000000000001EAA&last_name=L&company=C&email=nonsense&foo=bar", Some("true")),
    ] {
        assert_eq!(post(&mut form, body, 0), (200, header.map(str::to_owned)), "{body}");
    }
    assert_eq!(form.records().len(), 3);
}

#[test]
fn leads_are_made_later_and_failures_are_mailed() {
    let mut form = WebToLead::new(Options { delay: 1000, ..Options::default() });
    let long = format!("{GOOD}&first_name={}", "x".repeat(41));
    let unique = format!("{GOOD}&00N000000000042=tp_1");
    for body in [&long, &unique, &unique] {
        assert_eq!(post(&mut form, body, 0).1.as_deref(), Some("true"));
    }
    assert!(form.records().is_empty());
    form.settle(1000);
    assert_eq!(form.records().len(), 1);
    assert_eq!(form.records()[0]["key"], "tp_1");
    assert_eq!(form.mails().count(), 2);
}

#[test]
fn above_the_days_leads_a_queue_fills_and_then_they_are_lost_in_silence() {
    let options = Options { daily_leads: 2, queue_max: 3, ..Options::default() };
    let mut form = WebToLead::new(options);
    for _ in 0..12 {
        assert_eq!(post(&mut form, GOOD, 0), (200, Some("true".to_owned())));
    }
    assert_eq!((form.records().len(), form.queued(), form.rejected()), (2, 3, 7));
    assert_eq!(form.mails().count(), 5, "only the first five rejections are mailed");
    form.settle(DAY);
    assert_eq!((form.records().len(), form.queued()), (4, 1));
}

#[test]
fn another_type_or_method_is_refused() {
    let form = Mutex::new(WebToLead::new(Options::default()));
    let call = |method: Method, kind: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(kind));
        let path = "/servlet/servlet.WebToLead".to_owned();
        let call = Call { method, path, query: String::new(), headers, body: Bytes::from(GOOD) };
        form.lock().unwrap().answer(&call, 0).status.as_u16()
    };
    assert_eq!(call(Method::POST, "application/json"), 400);
    assert_eq!(call(Method::GET, "application/x-www-form-urlencoded"), 405);
}
