//! Validation, test leads and previews over the API, as an administrator meets them.

use http::Method;
use leadwire_sandbox::https_endpoint::Answer;
use leadwire_testkit::app::{TestApp, start_endpoint};
use serde_json::{Value, json};

fn verdicts(proof: &Value) -> Vec<(String, String)> {
    let steps = proof["steps"].as_array().expect("steps");
    let text = |it: &Value| it.as_str().expect("a text").to_owned();
    steps.iter().map(|it| (text(&it["name"]), text(&it["verdict"]))).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect()
}

#[tokio::test]
async fn validation_goes_the_way_of_a_lead_and_names_the_step_that_fails() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let path = "/v1/destinations/crm/validate?publisher=contoso";

    let good = app.post(path, &json!({})).await;
    assert_eq!(good["passed"], true, "{good}");
    let whole = [
        ("settings", "passed"),
        ("connection", "passed"),
        ("write", "passed"),
        ("read_back", "skipped"),
        ("clean_up", "skipped"),
    ];
    assert_eq!(verdicts(&good), owned(&whole));
    let written = endpoint.received();
    let body: Value = serde_json::from_slice(&written[0].body).expect("JSON");
    assert_eq!(body["data"]["test"], true);
    assert_eq!(body["data"]["customer"]["last_name"], good["mark"]);

    endpoint.script(vec![Answer::status(403)]);
    let bad = app.post(path, &json!({})).await;
    assert_eq!(bad["passed"], false);
    assert_eq!(bad["steps"][2]["cause"], "http_403");
    assert!(!bad["steps"][2]["fix"].as_str().expect("a fix").is_empty());

    let calls = endpoint.calls();
    let looked = app.post(path, &json!({ "look_only": true })).await;
    assert_eq!(verdicts(&looked), owned(&whole[..2]));
    assert_eq!(endpoint.calls(), calls);

    endpoint.stop().await;
    let dead = app.post(path, &json!({})).await;
    assert_eq!(
        verdicts(&dead),
        owned(&[("settings", "passed"), ("connection", "failed"), ("write", "skipped")])
    );
    assert_eq!(dead["steps"][1]["cause"], "connection_refused");
    // Nothing of this is a lead.
    assert_eq!(app.ledger().await["destinations"][0]["accepted"], 0);
    app.stop().await;
}

#[tokio::test]
async fn a_preview_shows_the_request_that_is_then_sent_and_no_credential() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    let settings = json!({ "url": endpoint.url(), "auth": "bearer", "token": "hunter2hunter2" });
    app.add_destination("crm", settings).await;
    let touchpoint = app.send_lead("ada@example.com").await;
    app.wait_until_settled().await;
    let calls = endpoint.calls();

    let path = "/v1/destinations/crm/preview?publisher=contoso";
    let preview = app.post(path, &json!({ "touchpoint": touchpoint })).await;
    assert_eq!(endpoint.calls(), calls, "a preview sends nothing");
    let sent = endpoint.received();
    assert_eq!(preview["requests"][0]["body"].as_str().expect("a body").as_bytes(), &sent[0].body[..]);
    let text = preview.to_string();
    assert!(text.contains("authorization: Bearer ***") && !text.contains("hunter2"), "{text}");

    let lead = json!({ "source": "SPZA", "action": "PLT", "customer": { "email": "grace@example.com" } });
    let given = app.post(path, &json!({ "lead": lead })).await;
    assert!(given["requests"][0]["body"].as_str().expect("a body").contains("grace@example.com"));
    let both = json!({ "lead": lead, "touchpoint": touchpoint });
    app.call(Method::POST, path, Some(&both)).await.expect(422);
    app.stop().await;
}

#[tokio::test]
async fn a_destination_paused_by_a_fault_goes_on_once_validation_passed() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    endpoint.otherwise(Answer::status(403));
    app.send_lead("ada@example.com").await;
    let path = "/v1/destinations/crm?publisher=contoso";
    app.wait_for(path, |it| it["state"] == "paused").await;
    endpoint.otherwise(Answer::status(200));
    let validate = "/v1/destinations/crm/validate?publisher=contoso";
    let proof = app.post(validate, &json!({})).await;
    assert_eq!(proof["steps"].as_array().expect("steps").last().expect("a step")["name"], "resume");
    app.wait_until_settled().await;
    assert_eq!(app.get(path).await["state"], "open");

    // What a person paused stays so.
    app.call(Method::POST, "/v1/destinations/crm/pause?publisher=contoso", None).await.expect(200);
    app.post(validate, &json!({})).await;
    assert_eq!(app.get(path).await["state"], "paused");
    app.stop().await;
}
