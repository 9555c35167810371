//! Destinations in the portal: connected by a form made from the connector's descriptor, proved, changed and removed, without a script.

use leadwire::clock::Clock;
use leadwire_sandbox::https_endpoint::Answer as Reply;
use leadwire_sandbox::https_endpoint::Keep;
use leadwire_sandbox::stage::{self, Stage};
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::portal::{Visitor, text};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

async fn contoso() -> TestApp {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app
}

/// Settings as the fields of the form.
fn typed(settings: &Value) -> Vec<(String, String)> {
    let all = settings.as_object().unwrap().iter();
    all.map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (format!("set_{name}"), text)
    })
    .collect()
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect()
}

#[tokio::test]
async fn every_kind_is_connected_by_its_form_and_proved_step_by_step() {
    let app = contoso().await;
    let ada = Visitor::operator(&app).await;
    let catalogue = ada.read("/connect").await;
    for kind in stage::kinds() {
        assert!(catalogue.contains(&format!("/connect/{kind}")), "{kind} is in the catalogue");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let clock = Arc::clone(&app.clock);
        let now = Arc::new(move || clock.wall().millis());
        let options = stage::Options { now, secret: [7; 32], keep: Keep::Requests { count_max: 100 } };
        let stage = Stage::start(kind, listener, options).unwrap();
        let form = ada.read(&format!("/connect/{kind}")).await;
        let mut fields = typed(&stage.settings);
        for (name, _) in &fields {
            assert!(form.contains(&format!("name=\"{name}\"")), "{kind}: {name}");
        }
        // A name that needs care in an address.
        let name = format!("our {kind}+1");
        fields.push(("name".to_owned(), name.clone()));
        let made = ada.act(&format!("/connect/{kind}"), &borrowed(&fields)).await;
        assert!([201, 303].contains(&made.status), "{kind}: {}", text(&made));
        let path = format!("/destinations/our%20{kind}%2B1");
        let shown = ada.read(&path).await;
        for field in leadwire_connect::kind(kind).unwrap().fields().filter(|it| it.secret && it.name != "url")
        {
            let secret = stage.settings[field.name].as_str().unwrap_or_default();
            assert!(secret.is_empty() || !shown.contains(secret), "{kind}: {} is shown", field.name);
        }
        let checked = ada.act(&format!("{path}/validate"), &[]).await;
        assert_eq!(checked.status, 200);
        assert!(text(&checked).contains("Everything works"), "{kind}: {}", text(&checked));
        let tested = text(&ada.act(&format!("{path}/test-lead"), &[]).await);
        assert!(tested.contains("Everything works"), "{kind}: {tested}");
        let routed = ada.act(&format!("{path}/route"), &[("offer", "*"), ("back", &path)]).await;
        assert_eq!(routed.headers["location"].to_str().unwrap(), format!("{path}?done=routed"));
        assert!(!ada.read(&path).await.contains("class=\"steps\""), "the way of connecting is over");
        assert_eq!(ada.act(&format!("{path}/pause"), &[("back", &path)]).await.status, 303);
        drop(stage);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_form_with_mistakes_says_each_beside_its_field_and_shows_no_secret_again() {
    let app = contoso().await;
    let ada = Visitor::operator(&app).await;
    let fields = [
        ("name", "17"),
        ("set_url", "ftp://hunter2.example.com/"),
        ("set_auth", "bearer"),
        ("set_token", "hunter2hunter2"),
        ("set_in_flight", "many"),
    ];
    let wrong = ada.act("/connect/https", &fields).await;
    let page = text(&wrong);
    assert_eq!(wrong.status, 422);
    assert!(!page.contains("hunter2"), "neither a secret URL nor a token comes back: {page}");
    assert!(page.contains("id=\"set-url-wrong\"") && page.contains("id=\"set-in-flight-wrong\""), "{page}");
    assert!(page.contains("role=\"alert\"") && page.contains("2 things are not right yet"));
    assert!(page.contains("<option value=\"bearer\" selected>"), "what was chosen stays");
    let fields = [("name", "crm"), ("set_url", "https://127.0.0.1/"), ("set_username", "ada")];
    let page = text(&ada.act("/connect/https", &fields).await);
    assert!(
        page.contains("id=\"set-username-wrong\""),
        "the API's own checks stand beside their fields: {page}"
    );
    let fields = [("name", "17"), ("set_url", "https://crm.example.com/")];
    let page = text(&ada.act("/connect/https", &fields).await);
    assert!(page.contains("id=\"name-wrong\""), "{page}");
    assert_eq!(ada.act("/connect/nothing", &[]).await.status, 404);
    assert_eq!(ada.open("/connect/nothing").await.status, 404);
    let none = app.get("/v1/destinations?publisher=contoso").await;
    assert_eq!(none["items"], json!([]), "nothing was half made");
    app.stop().await;
}

#[tokio::test]
async fn settings_are_changed_and_secrets_kept_or_taken_away() {
    let app = contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    let settings =
        json!({ "url": endpoint.url(), "auth": "bearer", "token": "hunter2hunter2", "in_flight": 3 });
    app.add_destination("crm", settings).await;
    let ada = Visitor::operator(&app).await;
    let form = ada.read("/destinations/crm/edit").await;
    assert!(!form.contains("hunter2") && form.contains("It is kept as it is unless you type a new one."));
    assert!(form.contains("value=\"3\"") && form.contains("<option value=\"bearer\" selected>"));
    let kept = [("set_auth", "bearer"), ("set_in_flight", "5"), ("set_timeout_seconds", "")];
    let saved = ada.act("/destinations/crm/edit", &kept).await;
    assert_eq!(saved.headers["location"].to_str().unwrap(), "/destinations/crm?done=saved&publisher=contoso");
    let now = async || app.get("/v1/destinations/crm?publisher=contoso").await["settings"].clone();
    assert_eq!((now().await["in_flight"].clone(), now().await["token"].clone()), (json!(5), json!("***")));
    app.send_lead("ada@example.com").await;
    app.wait_until_settled().await;
    assert_eq!(
        endpoint.received()[0].headers.get("authorization").and_then(|it| it.to_str().ok()),
        Some("Bearer hunter2hunter2"),
        "the token is kept"
    );
    let wrong = ada.act("/destinations/crm/edit", &[("set_auth", "bearer"), ("set_in_flight", "0")]).await;
    assert_eq!(wrong.status, 422);
    assert!(text(&wrong).contains("id=\"set-in-flight-wrong\""));
    let gone = [("set_auth", "none"), ("forget_token", "yes"), ("forget_signing_secret", "yes")];
    assert_eq!(ada.act("/destinations/crm/edit", &gone).await.status, 303);
    let left = now().await;
    assert_eq!((left.get("token"), left.get("signing_secret"), left.get("in_flight")), (None, None, None));
    app.stop().await;
}

#[tokio::test]
async fn a_proof_that_fails_says_where_and_what_to_do() {
    let app = contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let ada = Visitor::operator(&app).await;
    endpoint.script(vec![Reply::status(403)]);
    let failed = text(&ada.act("/destinations/crm/validate", &[]).await);
    assert!(failed.contains("Something is in the way") && failed.contains("mark-failed"), "{failed}");
    assert!(failed.contains("class=\"fix small\""), "it says what to do");
    let calls = endpoint.calls();
    assert!(text(&ada.act("/destinations/crm/look", &[]).await).contains("A look without writing"));
    assert_eq!(endpoint.calls(), calls, "a look writes nothing");
    assert!(text(&ada.act("/destinations/crm/prepare", &[]).await).contains("Nothing has to be made there."));
    app.send_lead("ada@example.com").await;
    app.wait_until_settled().await;
    let tries = app.get("/v1/destinations/crm/tries?publisher=contoso").await;
    assert_eq!(tries["hours"].as_array().unwrap().len(), 48);
    assert_eq!((&tries["hours"][47]["delivered"], &tries["complete"]), (&json!(1), &json!(true)));
    assert!(ada.read("/destinations/crm").await.contains("<rect class=\"fill-delivered\""));
    app.stop().await;
}

#[tokio::test]
async fn a_destination_is_removed_by_who_may_and_only_on_purpose() {
    let app = contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    for role in ["reader", "member"] {
        let visitor = Visitor::of_contoso(&app, role).await;
        assert!(
            !visitor.read("/destinations/crm").await.contains("/destinations/crm/"),
            "{role}: no button that is not theirs"
        );
        assert_eq!(visitor.open("/connect").await.status, 403, "{role}");
        assert_eq!(visitor.open("/connect/https").await.status, 403, "{role}");
        assert_eq!(visitor.open("/destinations/crm/edit").await.status, 403, "{role}");
        let fields = [("name", "other"), ("set_url", "https://crm.example.com/")];
        assert_eq!(visitor.act("/connect/https", &fields).await.status, 403, "{role}");
        for deed in ["edit", "validate", "look", "test-lead", "prepare", "route"] {
            let answer = visitor.act(&format!("/destinations/crm/{deed}"), &[("offer", "*")]).await;
            assert_eq!(answer.status, 403, "{role} {deed}");
        }
        assert_eq!(visitor.act("/destinations/crm/remove", &[("sure", "yes")]).await.status, 403, "{role}");
    }
    let admin = Visitor::of_contoso(&app, "publisher").await;
    assert_eq!(admin.act("/destinations/crm/remove", &[]).await.status, 422, "nobody removes by a slip");
    assert_eq!(admin.open("/destinations/crm").await.status, 200);
    assert_eq!(admin.act("/destinations/crm/remove", &[("sure", "yes")]).await.status, 303);
    assert_eq!(admin.open("/destinations/crm").await.status, 404);
    assert_eq!(admin.act("/destinations/crm/explode", &[]).await.status, 404);
    app.stop().await;
}
