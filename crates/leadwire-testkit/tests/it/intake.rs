//! What intake does with good, bad and hostile input: each gets a clear answer, and nothing is lost.

use bytes::Bytes;
use http::Method;
use leadwire::housekeeping;
use leadwire_core::limits;
use leadwire_store::Store;
use leadwire_testkit::app::{Answer, TestApp};
use leadwire_testkit::clock::START;
use serde_json::{Value, json};
use std::time::Duration;

async fn contoso() -> TestApp {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app
}

async fn post_lead(app: &TestApp, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let key = format!("Bearer {}", app.key.expose());
    let mut all = vec![("authorization", key.as_str())];
    all.extend_from_slice(headers);
    app.raw(Method::POST, "/v1/leads", &all, body.into()).await
}

/// Sends one body to `/v1/leads`; the answer must be a problem with this status, code and pointer.
async fn check_refused(app: &TestApp, body: impl Into<Bytes>, status: u16, code: &str, pointer: &str) {
    let answer = post_lead(app, &[], body).await;
    let problem = answer.expect(status);
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert!(!problem["fix"].as_str().unwrap().is_empty(), "{problem}");
    if !pointer.is_empty() {
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    assert_eq!(app.ledger().await["touchpoints"], 0, "something was stored");
}

#[tokio::test]
async fn bad_json_is_refused_with_the_reason_and_nothing_is_stored() {
    let app = contoso().await;
    check_refused(&app, "", 400, "empty_body", "").await;
    check_refused(&app, " \n\t", 400, "empty_body", "").await;
    check_refused(&app, r#"{"offer":"contoso.crm-pro""#, 400, "json_syntax", "").await;
    check_refused(&app, &b"{\"notes\":\"\xff\xfe\"}"[..], 400, "json_invalid_utf8", "").await;
    let twice = r#"{"offer":"contoso.crm-pro","customer":{"email":"a@example.com","email":"b@example.com"}}"#;
    check_refused(&app, twice, 400, "json_duplicate_key", "/customer/email").await;
    check_refused(&app, r#"{"notes":"a\u0000b"}"#, 400, "json_nul", "/notes").await;
    let deep = format!("{}1{}", r#"{"custom":"#.repeat(200), "}".repeat(200));
    check_refused(&app, deep, 400, "json_too_deep", "").await;
    check_refused(&app, r#"{"offer":"contoso.crm-pro"} trailing"#, 400, "json_trailing", "").await;
    app.stop().await;
}

#[tokio::test]
async fn every_mistake_in_a_touchpoint_is_told_at_once() {
    let app = contoso().await;
    let body = json!({ "offer": "no dot", "customer": { "email": 5 }, "occurred_at": "yesterday" });
    let answer = post_lead(&app, &[], body.to_string()).await.expect(422);
    let pointers: Vec<&str> =
        answer["errors"].as_array().unwrap().iter().map(|it| it["pointer"].as_str().unwrap()).collect();
    for pointer in ["/offer", "/customer/email", "/occurred_at"] {
        assert!(pointers.contains(&pointer), "{pointers:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_never_cut() {
    let app = contoso().await;
    let big = |bytes: usize| json!({ "offer": "contoso.crm-pro", "notes": "x".repeat(bytes) }).to_string();
    check_refused(&app, big(10 * 1024 * 1024), 413, "too_large", "").await;
    check_refused(&app, big(1024 * 1024), 413, "too_large", "").await;
    check_refused(&app, big(200 * 1024), 422, "too_long", "/notes").await;
    let field = json!({ "offer": "contoso.crm-pro", "customer": { "company": "x".repeat(5000) } });
    check_refused(&app, field.to_string(), 422, "too_long", "/customer/company").await;
    app.stop().await;
}

#[tokio::test]
async fn the_wrong_content_type_is_told_which_are_right() {
    let app = contoso().await;
    let answer = post_lead(&app, &[("content-type", "text/plain")], "{}").await.expect(415);
    assert_eq!(answer["code"], "content_type");
    app.stop().await;
}

#[tokio::test]
async fn too_many_header_bytes_are_refused() {
    let app = contoso().await;
    let long = "x".repeat(20 * 1024);
    let answer = post_lead(&app, &[("x-long", &long)], "{}").await;
    assert_eq!(answer.status, 431);
    app.stop().await;
}

#[tokio::test]
async fn unknown_fields_unknown_actions_and_missing_customers_are_kept() {
    let app = contoso().await;
    let bodies = [
        r#"{"offer":"contoso.crm-pro","action":"TRIAL","customer":{"email":"a@example.com","nickname":"Al"},"score":12345678901234567890123}"#,
        r#"{"offer":"contoso.crm-pro","customer":{"first_name":"No","last_name":"Mail"}}"#,
        r#"{"offer":"contoso.crm-pro"}"#,
    ];
    let mut leads = Vec::new();
    for body in bodies {
        leads.push(post_lead(&app, &[], body).await.expect(202)["lead"].as_str().unwrap().to_owned());
    }
    let shown = app.call(Method::GET, &format!("/v1/leads/{}?publisher=contoso", leads[0]), None).await;
    let text = String::from_utf8(shown.body.to_vec()).unwrap();
    assert!(text.contains("\"action\":\"TRIAL\""), "{text}");
    assert!(text.contains("customer.nickname"), "{text}");
    assert!(text.contains(":12345678901234567890123"), "{text}");
    assert_eq!(app.ledger().await["touchpoints"], 3);
    assert_eq!(
        leads.iter().collect::<std::collections::HashSet<_>>().len(),
        3,
        "who says nothing is nobody else"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_key_stands_for_one_body() {
    let app = contoso().await;
    let body = r#"{"offer":"contoso.crm-pro","customer":{"email":"a@example.com"}}"#;
    let first = post_lead(&app, &[("idempotency-key", "k1")], body).await.expect(202);
    let again = post_lead(&app, &[("idempotency-key", "\"k1\"")], body).await.expect(202);
    assert_eq!(again["id"], first["id"], "the quoted form of the draft is the same key");
    assert_eq!((&first["duplicate"], &again["duplicate"]), (&json!(false), &json!(true)));
    let other =
        post_lead(&app, &[("idempotency-key", "k1")], r#"{"offer":"contoso.crm-pro"}"#).await.expect(422);
    assert_eq!(other["code"], "idempotency_key_reused");
    let ledger = app.ledger().await;
    assert_eq!((&ledger["touchpoints"], &ledger["duplicates"]), (&json!(1), &json!(1)));
    app.stop().await;
}

#[tokio::test]
async fn a_key_is_free_again_after_a_week() {
    let app = contoso().await;
    let lead = |number: u32| {
        format!(r#"{{"offer":"contoso.crm-pro","customer":{{"email":"a{number}@example.com"}}}}"#)
    };
    post_lead(&app, &[("idempotency-key", "k1")], lead(1)).await.expect(202);
    app.clock.advance(limits::IDEMPOTENCY_KEPT);
    let other = post_lead(&app, &[("idempotency-key", "k1")], lead(2)).await.expect(202);
    assert_eq!(other["duplicate"], false);
    app.stop().await;
}

#[tokio::test]
async fn keys_whose_time_is_over_leave_the_store() {
    let app = contoso().await;
    for number in 0..3 {
        let lead = format!(r#"{{"offer":"contoso.crm-pro","notes":"{number}"}}"#);
        post_lead(&app, &[("idempotency-key", &number.to_string())], lead).await.expect(202);
    }
    // Stopped, so that only the test cleans up.
    let place = app.app.place();
    let _folder = app.stop().await;
    let store = Store::open_at(&place).unwrap();
    let over = START.plus(limits::IDEMPOTENCY_KEPT);
    assert_eq!(housekeeping::forget_keys(&store, START).await.unwrap(), 0);
    assert_eq!(housekeeping::forget_keys(&store, over).await.unwrap(), 3);
    assert_eq!(housekeeping::forget_keys(&store, over).await.unwrap(), 0);
}

#[tokio::test]
async fn one_bad_item_does_not_touch_the_others() {
    let app = contoso().await;
    let array = json!([
        { "offer": "contoso.crm-pro", "customer": { "email": "a@example.com" } },
        { "offer": "fabrikam.unknown" },
        { "offer": "contoso.crm-pro", "customer": { "email": 5 } },
        { "offer": "contoso.crm-pro", "customer": { "email": "b@example.com" } },
    ]);
    let send =
        async || post_lead(&app, &[("idempotency-key", "batch-1")], array.to_string()).await.expect(202);
    let first = send().await;
    let statuses = |it: &Value| -> Vec<String> {
        it["results"].as_array().unwrap().iter().map(|it| it["status"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(statuses(&first), ["accepted", "refused", "refused", "accepted"]);
    assert_eq!(first["results"][1]["problem"]["code"], "unknown_publisher");
    let again = send().await;
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(2)), "{again}");
    assert_eq!(app.ledger().await["touchpoints"], 2);
    app.stop().await;
}

#[tokio::test]
async fn ndjson_is_taken_line_by_line_with_the_original_bytes() {
    let app = contoso().await;
    let lines = "{\"offer\":\"contoso.crm-pro\", \"customer\":{\"email\":\"a@example.com\"}}\r\n\n{broken\n{\"offer\":\"contoso.crm-pro\"}";
    let answer = post_lead(&app, &[("content-type", "application/x-ndjson")], lines).await.expect(202);
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(2), &json!(1)));
    assert_eq!(answer["results"][1]["problem"]["status"], 400);
    app.stop().await;
}

#[tokio::test]
async fn more_items_than_a_request_may_hold_are_refused_whole() {
    let app = contoso().await;
    let items: Vec<Value> = vec![json!({ "offer": "contoso.crm-pro" }); 1001];
    check_refused(&app, json!(items).to_string(), 400, "too_many_items", "").await;
    app.stop().await;
}

#[tokio::test]
async fn an_address_takes_marketplace_bodies_and_knows_its_offer() {
    let app = contoso().await;
    let address = app.add_address().await;
    let body = include_str!("../../../../samples/partner-center/02-get-it-now-separate-code.json");
    let first = app.raw(Method::POST, &address, &[], Bytes::from_static(body.as_bytes())).await.expect(202);
    let again = app.raw(Method::POST, &address, &[], Bytes::from_static(body.as_bytes())).await.expect(202);
    assert_eq!((&again["id"], &again["duplicate"]), (&first["id"], &json!(true)));
    app.clock.advance(Duration::from_secs(601));
    let later = app.raw(Method::POST, &address, &[], Bytes::from_static(body.as_bytes())).await.expect(202);
    assert_eq!(later["duplicate"], false, "past the window the customer acted again");
    assert_eq!(later["lead"], first["lead"], "and is the same lead");
    let shown = app.get(&format!("/v1/leads/{}?publisher=contoso", first["lead"].as_str().unwrap())).await;
    assert_eq!(shown["timeline"][0]["offer"], "contoso.crm-pro");
    assert_eq!(shown["lead"]["touchpoints"], 2);
    app.stop().await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_kept_byte_for_byte() {
    let app = contoso().await;
    let address = app.add_address().await;
    for body in [&b"{\"UserDetails\": {\"Email\": \"cut"[..], b"\xff\xfe\x00", b"[1,2,3]", b"<lead/>"] {
        let answer = app.raw(Method::POST, &address, &[], Bytes::from_static(body)).await.expect(202);
        assert_eq!(answer["quarantined"], true);
        let path = format!("/v1/quarantine/{}/body?publisher=contoso", answer["id"].as_str().unwrap());
        let kept = app.call(Method::GET, &path, None).await;
        assert_eq!(&kept.body[..], body);
    }
    let list = app.get("/v1/quarantine?publisher=contoso").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 4);
    assert_eq!(list["items"][0]["offer"], "contoso.crm-pro");
    let ledger = app.ledger().await;
    assert_eq!((&ledger["quarantined"], &ledger["touchpoints"]), (&json!(4), &json!(0)));
    app.stop().await;
}

#[tokio::test]
async fn an_unknown_a_malformed_and_a_revoked_address_look_alike() {
    let app = contoso().await;
    let address = app.add_address().await;
    let list = app.get("/v1/intake-addresses?publisher=contoso").await;
    let id = list["items"][0]["id"].as_str().unwrap();
    app.call(Method::DELETE, &format!("/v1/intake-addresses/{id}?publisher=contoso"), None).await;
    let mut seen = Vec::new();
    for path in [address.as_str(), "/in/lw_in_x", "/in/%00%ff", &format!("/in/lw_in_{}", "A".repeat(38))] {
        let mut problem = app.raw(Method::POST, path, &[], Bytes::from_static(b"{}")).await.expect(404);
        problem.as_object_mut().unwrap().remove("request_id");
        seen.push(problem);
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_body_too_large_for_an_address_is_refused() {
    let app = contoso().await;
    let address = app.add_address().await;
    let big = Bytes::from(vec![b'x'; 10 * 1024 * 1024]);
    assert_eq!(app.raw(Method::POST, &address, &[], big).await.status, 413);
    assert_eq!(app.raw(Method::POST, &address, &[], Bytes::from_static(b"  ")).await.status, 400);
    app.stop().await;
}
