//! Leads that a marketplace keeps from publishers: they reach no destination until the operator releases them.

use http::Method;
use leadwire_testkit::app::{TestApp, start_endpoint};
use serde_json::{Value, json};

#[tokio::test]
async fn a_withheld_lead_goes_nowhere_until_the_operator_releases_it() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    let key =
        app.post("/v1/keys?publisher=contoso", &json!({ "title": "portal", "role": "publisher" })).await;
    let publisher = format!("Bearer {}", key["key"].as_str().unwrap());
    let rule = json!({ "domain": "EDU" });
    let headers = [("authorization", publisher.as_str())];
    let refused = app.raw(Method::POST, "/v1/withhold-rules", &headers, rule.to_string().into()).await;
    assert_eq!(refused.status, 403, "it holds for every publisher, so no publisher makes it");
    let made = app.post("/v1/withhold-rules", &rule).await;
    assert_eq!(made, json!({ "source": "*", "domain": ".edu" }));
    app.call(Method::POST, "/v1/withhold-rules", Some(&rule)).await.expect(409);
    let bad =
        app.call(Method::POST, "/v1/withhold-rules", Some(&json!({ "domain": "a b" }))).await.expect(422);
    assert_eq!(bad["code"], "bad_domain");

    app.send_lead("ada@cs.example.edu").await;
    app.send_lead("ada@example.com").await;
    app.wait_until_settled().await;
    assert_eq!(crm.received().len(), 1);
    let held = app.get("/v1/deliveries?publisher=contoso&destination=crm&state=suppressed").await;
    let delivery = &held["items"][0];
    assert_eq!(
        (&delivery["cause"], app.ledger().await["adds_up"].clone()),
        (&json!("withheld"), Value::Bool(true))
    );
    let path = format!("/v1/deliveries/{}/retry?publisher=contoso", delivery["id"].as_str().unwrap());
    assert_eq!(app.raw(Method::POST, &path, &headers, "{}".into()).await.status, 409);
    app.post(&path, &json!({})).await;
    app.wait_until_settled().await;
    assert_eq!(crm.received().len(), 2);

    app.call(Method::DELETE, "/v1/withhold-rules?domain=.edu", None).await.expect(204);
    app.call(Method::DELETE, "/v1/withhold-rules?domain=.edu", None).await.expect(404);
    app.send_lead("grace@cs.example.edu").await;
    app.wait_until_settled().await;
    assert_eq!(crm.received().len(), 3);
    app.stop().await;
}
