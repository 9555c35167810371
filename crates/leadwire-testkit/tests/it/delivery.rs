//! A lead's way from the API to a destination, whatever the destination does.

use leadwire_sandbox::https_endpoint::Answer;
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use serde_json::json;
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
