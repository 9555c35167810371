//! Leads in the portal: found as people type, and two that may be one are decided about, without a script.

use leadwire_core::limits;
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::portal::{Visitor, text};
use serde_json::{Value, json};

async fn send(app: &TestApp, first: &str, last: &str, email: &str, company: &str) -> String {
    let lead = json!({ "offer": "contoso.crm-pro", "action": "INS", "source": "SPZA",
        "customer": { "first_name": first, "last_name": last, "email": email, "company": company } });
    app.post("/v1/leads", &lead).await["lead"].as_str().unwrap().to_owned()
}

/// Waits until the search behind intake has looked at what came.
async fn looked(app: &TestApp) {
    let mut steps = app.app.suggesting.steps();
    app.clock.advance(limits::SUGGEST_AFTER + limits::SUGGEST_EVERY);
    steps.changed().await.unwrap();
}

#[tokio::test]
async fn leads_are_found_by_name_company_address_record_and_id() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let isil = send(&app, "Işıl", "Çağlar", "isil@lojistik.example", "İstanbul Lojistik A.Ş.").await;
    let odon = send(&app, "Ödön", "Őry", "odon@example.com", "Árvíztűrő Kft.").await;
    app.wait_until_settled().await;
    let ada = Visitor::of_contoso(&app, "member").await;
    let is_shown = async |typed: &str, lead: &str| {
        let typed: String = url::form_urlencoded::byte_serialize(typed.as_bytes()).collect();
        ada.read(&format!("/leads?q={typed}")).await.contains(&format!("/leads/{lead}\""))
    };
    for has_looked in [false, true] {
        for typed in ["isil", "çağlar IŞIL", "istanbul loj", "isil@lojistik.example"] {
            assert!(is_shown(typed, &isil).await && !is_shown(typed, &odon).await, "{typed}");
        }
        assert!(is_shown("arvizturo", &odon).await && is_shown("ory odon", &odon).await);
        assert!(!is_shown("nobody", &isil).await);
        // The same once their words are written down.
        if !has_looked {
            looked(&app).await;
        }
    }
    let id = ada.open(&format!("/leads?q={isil}")).await;
    assert_eq!(
        (id.status, id.headers["location"].to_str().unwrap()),
        (303, format!("/leads/{isil}").as_str())
    );
    let long = "x".repeat(limits::FIELD_BYTES_MAX + 1);
    let refused =
        app.call(http::Method::GET, &format!("/v1/leads?publisher=contoso&find={long}"), None).await;
    assert_eq!((refused.status, refused.text("/errors/0/pointer")), (422, "?find".to_owned()));
    let erased = ada.act(&format!("/leads/{isil}/erase"), &[("reason", "asked"), ("sure", "yes")]).await;
    assert_eq!(erased.status, 303, "{}", text(&erased));
    app.wait_for("/v1/erasures?publisher=contoso", |it| it["items"][0]["state"] != "wiping").await;
    assert!(!is_shown("lojistik", &isil).await, "who is erased is found no more");
    app.stop().await;
}

#[tokio::test]
async fn two_leads_that_may_be_one_are_decided_about_on_their_page() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    for (one, other) in [("ada@gmail.com", "ada@gmial.com"), ("bob@gmail.com", "bob@gmial.com")] {
        send(&app, "Ada", "Lovelace", one, "").await;
        send(&app, "Ada", "Lovelace", other, "").await;
    }
    looked(&app).await;
    let bob = Visitor::of_contoso(&app, "member").await;
    assert!(bob.read("/leads").await.contains("May be one customer"));
    let open = async || app.get("/v1/suggestions?publisher=contoso").await["items"].clone();
    let found = open().await;
    let count = found.as_array().unwrap().len();
    assert!(count >= 2, "{found}");
    let page = bob.read("/suggestions").await;
    assert!(page.contains("Nearly the same address") && page.contains("gmial.com"), "{page}");
    let id = |it: &Value| it["id"].as_str().unwrap().to_owned();
    let path = format!("/suggestions/{}", id(&found[0]));
    assert_eq!(bob.act(&format!("{path}/dismiss"), &[("reason", "")]).await.status, 422);
    assert_eq!(bob.act(&format!("{path}/dismiss"), &[("reason", "two people")]).await.status, 303);
    assert_eq!(open().await.as_array().unwrap().len(), count - 1);
    let next = open().await[0].clone();
    let pair = [id(&next["leads"][0]), id(&next["leads"][1])];
    let path = format!("/suggestions/{}/merge", id(&next));
    let fields = [("lead", pair[0].as_str()), ("with", pair[1].as_str()), ("reason", "one person")];
    assert_eq!(bob.act(&path, &fields).await.status, 303);
    let one = app.get(&format!("/v1/leads/{}?publisher=contoso", pair[1])).await;
    assert_eq!(one["merged_into"], json!(pair[0]));
    let reader = Visitor::of_contoso(&app, "reader").await;
    assert!(!reader.read("/suggestions").await.contains("/merge\""), "who may not decide sees no button");
    assert_eq!(reader.act(&path, &fields).await.status, 403);
    assert_eq!(bob.act("/suggestions/sug_x/explode", &[]).await.status, 404);
    app.stop().await;
}
