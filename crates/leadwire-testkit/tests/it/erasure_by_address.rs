//! Erasing by address finds who has it, by whatever rules of identity their leads came.

use http::Method;
use leadwire_core::limits;
use leadwire_testkit::app::TestApp;
use serde_json::{Value, json};

const RULES: &str = "/v1/identity-rules?publisher=contoso";

async fn send(app: &TestApp, customer: Value) -> String {
    let sent = app.post("/v1/leads", &json!({ "offer": "contoso.crm-pro", "customer": customer })).await;
    sent["lead"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn leads_of_rules_that_hold_no_more_are_found_by_their_address() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    for (scope, rules) in [("offer", json!(["email"])), ("publisher", json!(["phone"]))] {
        let rules = json!({ "rules": rules, "scope": scope, "shared_mailboxes": [] });
        app.call(Method::PUT, RULES, Some(&rules)).await.expect(200);
        send(&app, json!({ "email": "Ada@Example.com", "phone": "+36201234567" })).await;
    }
    let other = send(&app, json!({ "email": "bob@example.com", "phone": "+36207654321" })).await;
    app.call(Method::DELETE, RULES, None).await.expect(204);
    send(&app, json!({ "email": " <ada@EXAMPLE.com>" })).await;
    assert_eq!(app.get("/v1/leads?publisher=contoso").await["items"].as_array().unwrap().len(), 4);

    let wish = json!({ "email": "ada@example.com", "reason": "asked by mail", "by": "Bob" });
    let receipt = app.post("/v1/erasures?publisher=contoso", &wish).await;
    assert_eq!(receipt["wiped"]["leads"], 3, "{receipt:#}");
    let left = app.get("/v1/leads?publisher=contoso").await;
    let ids: Vec<&Value> = left["items"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, [&json!(other)]);
    app.stop().await;
}

#[tokio::test]
async fn a_mailbox_that_many_share_is_not_taken_for_a_person() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let rules = json!({ "rules": [], "scope": "publisher", "shared_mailboxes": [] });
    app.call(Method::PUT, RULES, Some(&rules)).await.expect(200);
    let item = json!({ "offer": "contoso.crm-pro", "customer": { "email": "info@reseller.example" } });
    for _ in 0..=limits::ERASE_LEADS_MAX / 100 {
        app.post("/v1/leads", &Value::Array(vec![item.clone(); 100])).await;
    }
    let wish = json!({ "email": "info@reseller.example", "reason": "asked by mail", "by": "Bob" });
    let refused = app.call(Method::POST, "/v1/erasures?publisher=contoso", Some(&wish)).await.expect(422);
    let error = &refused["errors"][0];
    assert_eq!((&error["pointer"], &error["code"]), (&json!("/email"), &json!("shared_mailbox")));
    assert_eq!(app.ledger().await["erased"], 0);
    app.stop().await;
}
