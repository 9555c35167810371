//! Chromium, which nobody here wrote, walks an offer's page in three languages from the first look to the record in a
//! simulated CRM: with and without scripts, in light and dark, wide and narrow, and inside another site's page.

use http::Method;
use leadwire_core::limits;
use leadwire_sandbox::hubspot::{HubSpot, Options};
use leadwire_sandbox::service::{self, Sandbox};
use leadwire_testkit::app::TestApp;
use leadwire_testkit::clock::TestClock;
use leadwire_testkit::peers::{Language, ask};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SAMPLE: &str = include_str!("../../../../samples/listing/crm-pro.json");
const OFFER: &str = "/v1/offers/crm-pro";

/// Another site: its page holds the form, and at `/advance` time passes.
pub(super) async fn other_site(clock: Arc<TestClock>, script: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.windows(4).any(|it| it == b"\r\n\r\n") {
                let read = stream.read_buf(&mut head).await.unwrap_or(0);
                if read == 0 {
                    break;
                }
            }
            if head.starts_with(b"GET /advance") {
                clock.advance(limits::FORM_FILLED_MIN);
            }
            let page =
                format!("<!doctype html><html lang=\"en\"><title>Elsewhere</title><p>Ask us:</p>{script}");
            let length = page.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{page}"
            );
            // An error means that the browser went away.
            stream.write_all(answer.as_bytes()).await.ok();
        }
    });
    port
}

/// The offer, live, with a simulated HubSpot behind it.
async fn live() -> (TestApp, Sandbox, u16) {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let account = Box::new(HubSpot::new(Options::new("pat-1")));
    let crm =
        service::start(listener, account, service::Options::new(Arc::new(|| 1_795_168_800_000))).unwrap();
    app.add_destination_of_kind("crm", "hubspot", crm.destination_settings()).await;
    let script = format!("<script src=\"{}\"></script>", app.url("/o/contoso.crm-pro/embed.js"));
    let port = other_site(Arc::clone(&app.clock), script).await;
    let mut listing: Value = serde_json::from_str(SAMPLE).unwrap();
    listing["embed_origins"] = json!([format!("http://127.0.0.1:{port}")]);
    let path = format!("{OFFER}/listing?publisher=contoso");
    app.call(Method::PUT, &path, Some(&listing)).await.expect(200);
    app.post("/v1/destinations/crm/test-lead?publisher=contoso", &json!({})).await;
    app.post(&format!("{OFFER}/preview?publisher=contoso"), &json!({})).await;
    app.post(&format!("{OFFER}/go-live?publisher=contoso"), &json!({})).await;
    (app, crm, port)
}

async fn check(locale: &str, action: &str, (code, thanks): (&str, &str)) {
    let (app, crm, port) = live().await;
    let before = crm.records().len();
    let look = async |url: &str, how: Value| {
        let mut wish = json!({
            "url": url,
            "locale": locale,
            "advance": format!("http://127.0.0.1:{port}/advance"),
            "customer": {
                "first_name": "Işıl", "last_name": "Őry", "email": "isil@example.com", "company": "Lojistik A.Ş.",
                "country": "TR", "notes": "?",
            },
        });
        wish.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
        ask(Language::Node, "browser.mjs", &wish).await
    };
    let page = app.url("/o/contoso.crm-pro?utm_source=walk");
    for (scripts, scheme, width) in [(true, "light", 1280), (true, "dark", 390), (false, "light", 390)] {
        let how = json!({ "action": action, "scripts": scripts, "scheme": scheme, "width": width });
        let walk = look(&page, how).await;
        assert_eq!(walk["complaints"], json!([]), "{locale}");
        assert_eq!((&walk["language"], &walk["title"]), (&json!(&locale[..2]), &json!("Contoso CRM Pro")));
        assert_eq!((&walk["errors"], &walk["focused"]), (&json!(6), &json!("errors")), "{locale}");
        assert_eq!((&walk["led"], &walk["cookies"]), (&json!("#email"), &json!(0)));
        let path = format!("/o/contoso.crm-pro/{action}/thanks");
        assert_eq!(walk["thanks"], json!({ "path": path, "said": thanks }));
    }
    let held = look(&format!("http://127.0.0.1:{port}/page"), json!({ "held": true })).await;
    assert_eq!(held["sent"], true);
    let refused = look(&format!("http://localhost:{port}/page"), json!({ "held": true })).await;
    assert_eq!(refused["sent"], false, "only the sites that the offer names may hold its form");
    app.wait_until_settled().await;
    let records = crm.records();
    assert_eq!(records.len(), before + 1, "one customer is one record");
    assert!(records.iter().any(|it| it.to_string().contains("isil@example.com")), "{records:?}");
    let leads = app.get("/v1/leads?publisher=contoso").await;
    let id = leads["items"][0]["id"].as_str().unwrap();
    let lead = app.get(&format!("/v1/leads/{id}?publisher=contoso")).await;
    let timeline = lead["timeline"].as_array().unwrap();
    let walked = timeline.iter().filter(|it| it["action"] == code && it["channel"] == "page");
    assert_eq!((timeline.len(), walked.count() >= 3), (4, true), "{timeline:?}");
    assert!(timeline.iter().take(3).all(|it| it["content"]["campaign"]["utm_source"] == "walk"));
    app.stop().await;
}

#[tokio::test]
async fn a_customer_walks_the_page_in_english() {
    check("en-GB", "get_it_now", ("INS", "Thank you")).await;
}

#[tokio::test]
async fn a_customer_walks_the_page_in_hungarian() {
    check("hu-HU", "contact_me", ("PLT", "Köszönjük")).await;
}

#[tokio::test]
async fn a_customer_walks_the_page_in_turkish() {
    check("tr-TR", "test_drive", ("StartTestDrive", "Teşekkür ederiz")).await;
}
