//! A lead's way from the API to a destination, whatever the destination does.

use bytes::Bytes;
use http::Method;
use leadwire::intake::Incoming;
use leadwire_core::id::PublisherId;
use leadwire_core::json as core_json;
use leadwire_core::touchpoint::Touchpoint;
use leadwire_sandbox::https_endpoint::Answer;
use leadwire_store::rows::Channel;
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

#[tokio::test]
async fn a_lead_is_delivered_signed_and_once() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
    let endpoint = start_endpoint(&app.clock, Some(secret)).await;
    app.add_destination("crm", json!({ "url": endpoint.url(), "signing_secret": secret })).await;
    let id = app.send_lead("ada@example.com").await;
    let ledger = app.wait_until_settled().await;
    assert_eq!(ledger["destinations"][0]["delivered"], 1);
    assert_eq!(endpoint.refused(), 0);
    let received = endpoint.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].webhook_id, format!("dlv_{}_1", &id[3..]));
    app.stop().await;
}

#[tokio::test]
async fn a_busy_destination_is_tried_again_when_it_asked_for_it() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    endpoint.script(vec![Answer::retry_after(503, "120")]);
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    app.send_lead("ada@example.com").await;
    tokio::time::timeout(PATIENCE, endpoint.wait_for_calls(1)).await.unwrap();
    app.wait_for("/v1/deliveries?publisher=contoso", |it| it["items"][0]["cause"] == "http_503").await;
    // Beyond the two minutes and the tenth of jitter on top.
    app.clock.advance(Duration::from_secs(133));
    let ledger = app.wait_until_settled().await;
    assert_eq!(ledger["destinations"][0]["delivered"], 1);
    assert_eq!(endpoint.calls(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_lead_whose_sender_hung_up_before_the_answer_is_delivered_all_the_same() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let body = r#"{"offer":"contoso.crm-pro","customer":{"email":"ada@example.com"}}"#;
    let incoming = Incoming {
        publisher: PublisherId::parse("contoso").unwrap(),
        channel: Channel::Api,
        body: Bytes::from_static(body.as_bytes()),
        touchpoint: Touchpoint::parse(&core_json::parse(body.as_bytes()).unwrap()).unwrap(),
        key: None,
        of_lead: None,
    };
    let mut accepting = Box::pin(app.app.intake.accept(vec![incoming]));
    // One look hands the work to the store; then the server drops what nobody waits for any more.
    assert!(futures_util::poll!(&mut accepting).is_pending());
    drop(accepting);
    tokio::time::timeout(PATIENCE, endpoint.wait_for_accepted_distinct(1)).await.unwrap();
    let ledger = app.wait_until_settled().await;
    assert_eq!(ledger["destinations"][0]["delivered"], 1);
    app.stop().await;
}

#[tokio::test]
async fn many_leads_of_few_customers_arrive_whole_and_in_order() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url(), "in_flight": 4 })).await;
    let customers = ["ada@example.com", "bob@example.com", "eve@example.com"];
    let mut sent: HashMap<&str, Vec<String>> = HashMap::new();
    for _ in 0..40 {
        for customer in customers {
            let id = app.send_lead(customer).await;
            sent.entry(customer).or_default().push(format!("dlv_{}_1", &id[3..]));
        }
    }
    app.wait_until_settled().await;
    let arrived: Vec<String> = endpoint.received().into_iter().map(|it| it.webhook_id).collect();
    assert_eq!(arrived.len(), 120, "each once");
    for ids in sent.values() {
        let own: Vec<&String> = arrived.iter().filter(|it| ids.contains(it)).collect();
        assert_eq!(own, ids.iter().collect::<Vec<_>>(), "a customer's leads arrive in the order they came");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_parked_is_told_by_cause_and_a_cause_is_put_back_to_work() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    endpoint.script(vec![Answer::status(422), Answer::status(422), Answer::status(413)]);
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    for email in ["a@example.com", "b@example.com", "c@example.com"] {
        app.clock.advance(Duration::from_secs(1));
        app.send_lead(email).await;
        app.wait_until_settled().await;
    }
    let groups = app.get("/v1/failures?publisher=contoso").await;
    let told: Vec<(&str, u64)> = groups["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["cause"].as_str().unwrap(), it["count"].as_u64().unwrap()))
        .collect();
    assert_eq!(told, [("http_422", 2), ("http_413", 1)]);
    let group = &groups["items"][0];
    assert!(group["message"].as_str().unwrap().contains("422") && !group["fix"].as_str().unwrap().is_empty());
    assert!(group["first_at"].as_str() < group["last_at"].as_str(), "{group}");
    let sample = format!("/v1/deliveries/{}?publisher=contoso", group["sample"].as_str().unwrap());
    assert_eq!(app.get(&sample).await["delivery"]["state"], "parked");

    let path = "/v1/destinations/crm/retry-parked?publisher=contoso&cause=http_422";
    let retried = app.post(path, &json!({})).await;
    assert_eq!(retried["retried"], 2);
    app.wait_until_settled().await;
    let groups = app.get("/v1/failures?publisher=contoso").await;
    assert_eq!(
        (groups["items"].as_array().unwrap().len(), &groups["items"][0]["cause"]),
        (1, &json!("http_413"))
    );
    // What was parked after the moment is not met again.
    let before = "/v1/destinations/crm/retry-parked?publisher=contoso&until=2026-01-01T00:00:00Z";
    assert_eq!(app.post(before, &json!({})).await["retried"], 0);
    let bad = "/v1/destinations/crm/retry-parked?publisher=contoso&until=yesterday";
    app.call(Method::POST, bad, Some(&json!({}))).await.expect(400);
    app.stop().await;
}
