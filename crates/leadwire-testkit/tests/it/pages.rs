//! Offers from draft to live, and their pages as visitors meet them: in three languages, without a script.

use bytes::Bytes;
use http::Method;
use leadwire_core::limits;
use leadwire_sandbox::https_endpoint::{Answer as Reply, HttpsEndpoint};
use leadwire_testkit::app::{Answer, TestApp, start_endpoint};
use serde_json::{Value, json};
use std::time::Duration;
use url::form_urlencoded::Serializer;

const SAMPLE: &str = include_str!("../../../../samples/listing/crm-pro.json");
const LIVE: &str = "/o/contoso.crm-pro";

fn sample() -> Value {
    serde_json::from_str(SAMPLE).unwrap()
}

fn offer(what: &str) -> String {
    format!("/v1/offers/crm-pro{what}?publisher=contoso")
}

/// `contoso.crm-pro` with a listing and a destination.
async fn listed() -> (TestApp, HttpsEndpoint) {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    put(&app, &sample()).await.expect(200);
    (app, endpoint)
}

/// The same, and everybody sees it.
async fn live() -> (TestApp, HttpsEndpoint) {
    let (app, endpoint) = listed().await;
    app.post("/v1/destinations/crm/test-lead?publisher=contoso", &json!({})).await;
    app.post(&offer("/preview"), &json!({})).await;
    app.post(&offer("/go-live"), &json!({})).await;
    (app, endpoint)
}

async fn put(app: &TestApp, listing: &Value) -> Answer {
    app.call(Method::PUT, &offer("/listing"), Some(listing)).await
}

async fn visit(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Answer {
    app.raw(Method::GET, path, headers, Bytes::new()).await
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// What stands between two texts in a page, with the few entities of addresses undone.
#[track_caller]
fn between(page: &str, before: &str, after: &str) -> String {
    let rest = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}")).1;
    rest.split_once(after).unwrap().0.replace("&#38;", "&").replace("&amp;", "&")
}

/// A form as a browser holds it: where it goes, and its mark.
struct Form {
    action: String,
    mark: String,
}

impl Form {
    fn of(page: &str) -> Self {
        let action = between(page, "<form method=\"post\" action=\"", "\"");
        Self { action, mark: between(page, "name=\"form\" value=\"", "\"") }
    }

    async fn open(app: &TestApp, path: &str) -> Self {
        let page = visit(app, path, &[]).await;
        assert_eq!(page.status, 200, "{}", text(&page));
        Self::of(&text(&page))
    }

    async fn send(&self, app: &TestApp, fields: &[(&str, &str)]) -> Answer {
        self.send_from(app, fields, "203.0.113.7").await
    }

    async fn send_from(&self, app: &TestApp, fields: &[(&str, &str)], address: &str) -> Answer {
        let body =
            Serializer::new(String::new()).extend_pairs(fields).append_pair("form", &self.mark).finish();
        post(app, &self.action, body, address).await
    }
}

async fn post(app: &TestApp, path: &str, body: String, address: &str) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-forwarded-for", address)];
    app.raw(Method::POST, path, &headers, body.into()).await
}

const GOOD: &[(&str, &str)] = &[
    ("first_name", "Işıl"),
    ("last_name", "Çağlar"),
    ("email", "isil@example.com"),
    ("company", "İstanbul Lojistik"),
    ("country", "TR"),
    ("notes", "Kaç kullanıcı?"),
    ("consent", "yes"),
];

fn with<'a>(field: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    GOOD.iter().map(|it| if it.0 == field { (field, value) } else { *it }).collect()
}

async fn timeline(app: &TestApp) -> Vec<Value> {
    let leads = app.get("/v1/leads?publisher=contoso").await;
    let mut all = Vec::new();
    for lead in leads["items"].as_array().unwrap() {
        let id = lead["id"].as_str().unwrap();
        let shown = app.get(&format!("/v1/leads/{id}?publisher=contoso")).await;
        all.extend(shown["timeline"].as_array().unwrap().iter().cloned());
    }
    all
}

#[tokio::test]
async fn an_offer_goes_live_step_by_step_and_a_changed_destination_asks_for_proof_again() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let missing = async || {
        let found = app.get(&offer("/readiness")).await;
        let steps = found["steps"].as_array().unwrap().clone();
        assert!(steps.iter().all(|it| it["done"] == true || !it["fix"].as_str().unwrap().is_empty()));
        let missing: Vec<String> = steps
            .iter()
            .filter(|it| it["done"] == false && it["needed_for"] != "advice")
            .map(|it| it["code"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(found["ready"], missing.is_empty());
        missing
    };
    assert_eq!(missing().await, ["listing", "preview"]);
    assert_eq!(app.call(Method::POST, &offer("/preview"), None).await.expect(409)["code"], "not_ready");
    put(&app, &sample()).await.expect(200);
    assert_eq!(missing().await, ["preview", "destination"]);
    let preview = app.post(&offer("/preview"), &json!({})).await;
    assert!(preview["url"].as_str().unwrap().contains("/o/contoso.crm-pro?preview=lw_pre_"));
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    assert_eq!(missing().await, ["validated", "test_lead"]);
    let refused = app.call(Method::POST, &offer("/go-live"), None).await.expect(409);
    assert_eq!(refused["errors"].as_array().unwrap().len(), 2, "{refused}");
    let prove = async |how: &str| {
        app.post(&format!("/v1/destinations/crm/{how}?publisher=contoso"), &json!({})).await
    };
    app.post("/v1/destinations/crm/validate?publisher=contoso", &json!({ "look_only": true })).await;
    assert_eq!(missing().await, ["validated", "test_lead"], "a look proves nothing");
    prove("validate").await;
    assert_eq!(missing().await, ["test_lead"]);
    prove("test-lead").await;
    assert_eq!(missing().await, Vec::<String>::new());
    assert_eq!(app.post(&offer("/go-live"), &json!({})).await["state"], "live");

    let change = json!({ "settings": { "url": format!("{}?changed", endpoint.url()) } });
    app.call(Method::PATCH, "/v1/destinations/crm?publisher=contoso", Some(&change)).await.expect(200);
    assert_eq!(missing().await, ["validated", "test_lead"]);
    prove("test-lead").await;
    endpoint.otherwise(Reply::status(403));
    prove("validate").await;
    assert_eq!(missing().await, ["validated", "test_lead"], "it does not work any more");
    let offers = app.get("/v1/offers?publisher=contoso").await;
    assert_eq!(offers["items"][0]["state"], "live", "what is live stays");
    app.stop().await;
}

#[tokio::test]
async fn a_draft_is_nobodys_a_preview_is_its_tokens_and_what_is_live_is_everybodys() {
    let (app, _endpoint) = listed().await;
    assert_eq!(visit(&app, LIVE, &[]).await.status, 404);
    let url = app.post(&offer("/preview"), &json!({})).await["url"].as_str().unwrap().to_owned();
    let preview = url[url.find("/o/").unwrap()..].to_owned();
    let shown = visit(&app, &preview, &[]).await;
    assert_eq!(shown.status, 200);
    assert!(text(&shown).contains("noindex") && text(&shown).contains("Preview."));
    assert_eq!(visit(&app, LIVE, &[]).await.status, 404);
    assert_eq!(visit(&app, &format!("{preview}x"), &[]).await.status, 404);
    assert_eq!(visit(&app, &format!("{LIVE}?preview="), &[]).await.status, 404);

    let form = Form::open(&app, &preview.replace("crm-pro?", "crm-pro/contact_me?")).await;
    app.clock.advance(limits::FORM_FILLED_MIN);
    assert_eq!(form.send(&app, GOOD).await.status, 303);
    let sent = timeline(&app).await;
    assert_eq!((&sent[0]["content"]["test"], &sent[0]["content"]["preview"]), (&json!(true), &json!(true)));

    app.post("/v1/destinations/crm/test-lead?publisher=contoso", &json!({})).await;
    app.post(&offer("/go-live"), &json!({})).await;
    let mut changed = sample();
    changed["texts"]["en"]["title"] = json!("Another title");
    put(&app, &changed).await.expect(200);
    assert_eq!(app.get(&offer("")).await["has_changes"], true);
    assert!(!text(&visit(&app, LIVE, &[]).await).contains("Another title"), "what is live stays");
    assert!(text(&visit(&app, &preview, &[]).await).contains("Another title"));
    app.post(&offer("/preview"), &json!({})).await;
    assert_eq!(visit(&app, &preview, &[]).await.status, 404, "a later preview takes its place");
    app.post(&offer("/draft"), &json!({})).await;
    assert_eq!(visit(&app, LIVE, &[]).await.status, 404);
    app.send_lead("ada@example.com").await;
    app.stop().await;
}

#[tokio::test]
async fn each_action_brings_what_the_documents_define_to_the_destination_in_each_language() {
    let (app, endpoint) = live().await;
    let before = endpoint.received().len();
    let said = [
        ("contact_me", "en", "SPZA", "PLT"),
        ("test_drive", "hu", "TestDrive", "StartTestDrive"),
        ("get_it_now", "tr", "SPZA", "INS"),
        ("purchase", "en", "AzurePortal", "Create"),
    ];
    for (action, language, ..) in said {
        let form =
            Form::open(&app, &format!("{LIVE}/{action}?lang={language}&utm_source=mail&session=x")).await;
        app.clock.advance(limits::FORM_FILLED_MIN);
        let sent = form.send(&app, GOOD).await;
        assert_eq!(sent.status, 303, "{}", text(&sent));
        let thanks = visit(&app, sent.headers["location"].to_str().unwrap(), &[]).await;
        assert_eq!(thanks.status, 200);
        assert!(text(&thanks).contains(&format!("<html lang=\"{language}\"")));
    }
    app.wait_until_settled().await;
    let mut received: Vec<Value> =
        endpoint.received()[before..].iter().map(|it| serde_json::from_slice(&it.body).unwrap()).collect();
    received.sort_by_key(|it| said.iter().position(|said| it["data"]["action"] == said.3));
    for (body, (_, language, source, action)) in received.iter().zip(said) {
        let data = &body["data"];
        assert_eq!((&data["source"], &data["action"]), (&json!(source), &json!(action)));
        assert_eq!(data["customer"]["last_name"], "Çağlar");
        assert_eq!(data["consent"]["text_version"], "2026-11");
        assert_eq!(data["campaign"], json!({ "utm_source": "mail" }));
        assert_eq!(data["custom"]["language"], language);
        assert_eq!((&data["test"], &data["preview"]), (&json!(false), &json!(false)));
    }
    assert_eq!(received.len(), 4);
    let ledger = app.ledger().await;
    assert_eq!(ledger["touchpoints"], 4);
    app.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_in_the_visitors_language_and_what_was_typed_stays() {
    let (app, _endpoint) = live().await;
    let said = [
        ("en", "This does not look like an e-mail address", "Without your consent"),
        ("hu", "Ez nem tűnik e-mail-címnek", "Hozzájárulás nélkül"),
        ("tr", "Bu bir e-posta adresine benzemiyor", "Onayınız olmadan"),
    ];
    for (language, email, consent) in said {
        let form = Form::open(&app, &format!("{LIVE}/contact_me?lang={language}")).await;
        app.clock.advance(limits::FORM_FILLED_MIN);
        let fields: Vec<(&str, &str)> =
            with("email", "<b>isil@").into_iter().filter(|it| it.0 != "consent").collect();
        let again = form.send(&app, &fields).await;
        assert_eq!(again.status, 422);
        let page = text(&again);
        assert!(page.contains(email) && page.contains(consent), "{page}");
        assert!(page.contains("&#60;b&#62;isil@") && !page.contains("<b>isil@"), "{page}");
        assert!(page.contains("value=\"Işıl\"") && page.contains("<option value=\"TR\" selected>"));
        assert!(page.contains("role=\"alert\"") && page.contains("aria-invalid=\"true\""));
        let mended = Form::of(&page);
        assert_eq!(mended.send(&app, GOOD).await.status, 303, "it is sent again at once");
    }
    assert_eq!(app.ledger().await["touchpoints"], 3);
    app.stop().await;
}

#[tokio::test]
async fn names_stand_in_the_order_of_the_language_and_the_browsers_wish_counts() {
    let (app, _endpoint) = live().await;
    let order = async |wish: &str| {
        let page = text(&visit(&app, &format!("{LIVE}/contact_me"), &[("accept-language", wish)]).await);
        page.find("id=\"last_name\"").unwrap() < page.find("id=\"first_name\"").unwrap()
    };
    assert!(order("hu-HU,hu;q=0.9,en;q=0.8").await);
    assert!(!order("tr").await && !order("de").await);
    let page = visit(&app, LIVE, &[("accept-language", "tr")]).await;
    assert_eq!(page.headers["content-language"], "tr");
    for language in ["en", "hu", "tr"] {
        assert!(
            text(&page)
                .contains(&format!("hreflang=\"{language}\" href=\"{}?lang={language}\"", app.url(LIVE)))
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_one_touchpoint_and_a_mended_one_is_another() {
    let (app, _endpoint) = live().await;
    let form = Form::open(&app, &format!("{LIVE}/contact_me")).await;
    app.clock.advance(limits::FORM_FILLED_MIN);
    assert_eq!(form.send(&app, GOOD).await.status, 303);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(form.send(&app, GOOD).await.status, 303);
    assert_eq!(app.ledger().await["touchpoints"], 1);
    assert_eq!(form.send(&app, &with("email", "isil.caglar@example.com")).await.status, 303);
    assert_eq!(app.ledger().await["touchpoints"], 2);
    app.stop().await;
}

#[tokio::test]
async fn what_looks_like_a_machine_is_told_so_and_a_person_gets_through() {
    let (app, _endpoint) = live().await;
    let open = async || Form::open(&app, &format!("{LIVE}/contact_me")).await;
    let refused = async |sent: Answer, because: &str| {
        assert_eq!(sent.status, 422);
        let page = text(&sent);
        assert!(page.contains(because) && page.contains("value=\"isil@example.com\""), "{page}");
        assert_eq!(app.ledger().await["touchpoints"], 0);
        Form::of(&page)
    };
    let fast = refused(open().await.send(&app, GOOD).await, "faster than people").await;
    app.clock.advance(limits::FORM_FILLED_MIN);
    let mut trapped = GOOD.to_vec();
    trapped.push(("homepage", "https://spam.example"));
    refused(fast.send(&app, &trapped).await, "people cannot see").await;
    let forged = Form { action: fast.action.clone(), mark: format!("{}0", fast.mark) };
    refused(forged.send(&app, GOOD).await, "open for a long time").await;
    app.clock.advance(limits::FORM_KEPT + Duration::from_secs(1));
    let renewed = refused(fast.send(&app, GOOD).await, "open for a long time").await;
    app.clock.advance(limits::FORM_FILLED_MIN);
    assert_eq!(renewed.send(&app, GOOD).await.status, 303);
    app.stop().await;
}

#[tokio::test]
async fn a_consent_text_that_changed_is_shown_and_agreed_to_anew() {
    let (app, _endpoint) = live().await;
    let form = Form::open(&app, &format!("{LIVE}/contact_me")).await;
    let mut changed = sample();
    changed["texts"]["en"]["consent"] = json!("Something else");
    put(&app, &changed).await.expect(200);
    app.post(&offer("/go-live"), &json!({})).await;
    app.clock.advance(limits::FORM_FILLED_MIN);
    let again = form.send(&app, GOOD).await;
    assert_eq!(again.status, 422);
    let page = text(&again);
    assert!(page.contains("The consent text changed") && page.contains("Something else"));
    assert!(!page.contains(" checked"), "nobody agreed to it yet");
    app.stop().await;
}

#[tokio::test]
async fn a_flood_from_one_network_is_held_back_and_others_are_not() {
    let (app, _endpoint) = live().await;
    let form = Form::open(&app, &format!("{LIVE}/contact_me")).await;
    app.clock.advance(limits::FORM_FILLED_MIN);
    let mut statuses = Vec::new();
    for number in 0..limits::FORMS_PER_ADDRESS.burst + 2 {
        let fields = with("notes", if number % 2 == 0 { "a" } else { "b" });
        statuses.push(form.send(&app, &fields).await);
    }
    let last = statuses.pop().unwrap();
    assert_eq!(last.status, 429);
    assert_eq!(last.headers["retry-after"], "7");
    assert!(
        text(&last).contains("Too many forms came from your network")
            && text(&last).contains("isil@example.com")
    );
    assert_eq!(form.send_from(&app, GOOD, "198.51.100.9").await.status, 303);
    app.clock.advance(limits::FORMS_PER_ADDRESS.every * 2);
    assert_eq!(form.send(&app, GOOD).await.status, 303);
    assert_eq!(app.ledger().await["touchpoints"], 3);
    app.stop().await;
}

#[tokio::test]
async fn where_a_visitor_came_from_is_kept_without_what_tells_who_it_is() {
    let (app, _endpoint) = live().await;
    let from = [("referer", "https://blog.example.com/post?reader=isil@example.com")];
    let page =
        text(&visit(&app, &format!("{LIVE}?utm_campaign=autumn&utm_campaign=other&gclid=g1"), &from).await);
    let next = between(&page, "<a class=\"button first\" href=\"", "\"");
    let form = Form::open(&app, &next).await;
    app.clock.advance(limits::FORM_FILLED_MIN);
    assert_eq!(form.send(&app, GOOD).await.status, 303);
    let sent = timeline(&app).await;
    let expected =
        json!({ "utm_campaign": "autumn", "gclid": "g1", "referrer": "https://blog.example.com/post" });
    assert_eq!(sent[0]["content"]["campaign"], expected);
    app.stop().await;
}

#[tokio::test]
async fn a_form_on_another_page_is_framed_where_allowed_and_a_plain_one_is_agreed_to_here() {
    let (app, _endpoint) = live().await;
    let policy = |it: &Answer| it.headers["content-security-policy"].to_str().unwrap().to_owned();
    let framed = visit(&app, &format!("{LIVE}/contact_me?frame=1"), &[]).await;
    assert!(
        policy(&framed).ends_with("frame-ancestors https://www.contoso.example.com"),
        "{}",
        policy(&framed)
    );
    let bare = visit(&app, &format!("{LIVE}/contact_me"), &[]).await;
    assert!(policy(&bare).ends_with("frame-ancestors 'none'") && !policy(&bare).contains("script"));
    let script = visit(&app, &format!("{LIVE}/embed.js"), &[]).await;
    assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
    assert!(text(&script).contains("\"contact_me\"") && text(&script).contains("Contoso CRM Pro"));
    let asset = between(&text(&framed), "<script src=\"", "\"");
    assert_eq!(visit(&app, &asset, &[]).await.status, 200);
    let snippet = app.get(&format!("{}&action=purchase", offer("/embed"))).await;
    assert!(snippet["form"].as_str().unwrap().contains(&format!("action=\"{}/purchase\"", app.url(LIVE))));

    let plain = Serializer::new(String::new()).extend_pairs(GOOD).finish();
    let confirm = post(&app, &format!("{LIVE}/contact_me"), plain, "203.0.113.7").await;
    assert_eq!(confirm.status, 422);
    let page = text(&confirm);
    assert!(page.contains("Please check what you entered") && page.contains("value=\"isil@example.com\""));
    assert!(!page.contains(" checked"), "who did not see the text did not agree to it");
    app.clock.advance(limits::FORM_FILLED_MIN);
    assert_eq!(Form::of(&page).send(&app, GOOD).await.status, 303);
    app.stop().await;
}

#[tokio::test]
async fn a_listing_is_refused_with_everything_that_is_wrong_with_it() {
    let (app, _endpoint) = listed().await;
    let bad = json!({
        "kind": "boat",
        "actions": [{ "action": "dance" }, { "action": "purchase" }, { "action": "purchase" }],
        "texts": { "de": {}, "en": { "title": "x".repeat(500) } },
        "pictures": [{ "url": "http://pictures.example/a.png", "alt": {} }],
        "privacy_url": "javascript:alert(1)",
        "embed_origins": ["https://a.example/path", "https://a;script-src.example", "http://a.example"],
    });
    let refused = put(&app, &bad).await.expect(422);
    let pointers: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().map(|it| it["pointer"].as_str().unwrap()).collect();
    for pointer in [
        "/kind",
        "/actions/0/action",
        "/actions/2/action",
        "/texts/de",
        "/texts/en/title",
        "/pictures/0/alt",
        "/pictures/0/url",
        "/privacy_url",
        "/embed_origins/0",
        "/embed_origins/1",
        "/embed_origins/2",
    ] {
        assert!(pointers.contains(&pointer), "{pointer} is not in {pointers:?}");
    }
    let kept = app.get(&offer("")).await;
    assert_eq!(kept["listing"], sample(), "what was there stays");
    app.stop().await;
}

#[tokio::test]
async fn what_goes_wrong_is_a_page_too() {
    let (app, _endpoint) = live().await;
    let missing = visit(&app, "/o/contoso.nothing", &[("accept-language", "hu")]).await;
    assert_eq!(missing.status, 404);
    assert!(text(&missing).contains("Ez az oldal nincs itt"), "{}", text(&missing));
    for path in ["/o/nobody.here", "/o/%ff", &format!("{LIVE}/dance"), &format!("{LIVE}/dance/thanks")] {
        assert_eq!(visit(&app, path, &[]).await.status, 404, "{path}");
    }
    let big =
        post(&app, &format!("{LIVE}/contact_me"), "x".repeat(limits::FORM_BYTES_MAX + 1), "203.0.113.7")
            .await;
    assert_eq!(big.status, 413);
    assert!(text(&big).contains("too large"));
    app.stop().await;
}
