//! Offers and routes in the portal: made, filled in, brought from draft to live, and routed by chosen conditions, without a script.

use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::portal::{Visitor, text};
use serde_json::json;

async fn contoso() -> TestApp {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app
}

const OFFER: &str = "/offers/contoso.backup";
const TEXTS: [(&str, &str); 6] = [
    ("kind", "saas"),
    ("on_contact_me", "yes"),
    ("en_title", "Backup"),
    ("en_summary", "Keeps what you have."),
    ("en_consent", "I agree."),
    ("en_consent_version", "2026-11"),
];

#[tokio::test]
async fn an_offer_is_made_written_previewed_and_brought_live_by_forms() {
    let app = contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let ada = Visitor::operator(&app).await;
    let bad = ada.act("/offers", &[("id", "no name!"), ("title", "Backup")]).await;
    assert_eq!(bad.status, 422);
    assert!(text(&bad).contains("role=\"alert\"") && text(&bad).contains("value=\"no name!\""));
    let made = ada.act("/offers", &[("id", "backup"), ("title", "Backup")]).await;
    let location = made.headers["location"].to_str().unwrap();
    assert_eq!(location, "/offers/contoso.backup?done=saved&publisher=contoso");
    assert!(ada.read(OFFER).await.contains("Nothing is written yet"));
    let early = ada.act(&format!("{OFFER}/preview"), &[]).await;
    assert_eq!(early.status, 409);
    assert!(text(&early).contains("Something is missing"), "{}", text(&early));
    let saved = ada.act(&format!("{OFFER}/listing"), &TEXTS).await;
    assert_eq!(saved.status, 303, "{}", text(&saved));
    let form = ada.read(&format!("{OFFER}/listing")).await;
    assert!(
        form.contains("value=\"Backup\"") && form.contains("name=\"on_contact_me\" value=\"yes\" checked")
    );
    let shown = text(&ada.act(&format!("{OFFER}/preview"), &[]).await);
    assert!(shown.contains("/o/contoso.backup?preview="), "{shown}");
    assert!(!ada.read(OFFER).await.contains("preview=lw_"), "it is shown once");
    let not_proved = ada.act(&format!("{OFFER}/go-live"), &[]).await;
    assert_eq!(not_proved.status, 409);
    assert!(text(&not_proved).contains("received no test lead yet"), "{}", text(&not_proved));
    ada.act("/destinations/crm/validate", &[]).await;
    ada.act("/destinations/crm/test-lead", &[]).await;
    let live = ada.act(&format!("{OFFER}/go-live"), &[]).await;
    assert_eq!(live.status, 303, "{}", text(&live));
    let page = ada.read(&format!("{OFFER}?done=live")).await;
    assert!(page.contains("It is live.") && page.contains("embed.js"), "{page}");
    assert_eq!(Visitor::new(&app).open("/o/contoso.backup").await.status, 200, "everybody sees it");
    assert_eq!(ada.act(&format!("{OFFER}/draft"), &[]).await.status, 303);
    assert_eq!(ada.act(&format!("{OFFER}/rename"), &[("title", "Backup 2")]).await.status, 303);
    assert!(ada.read("/offers").await.contains("Backup 2"));
    assert_eq!(ada.act(&format!("{OFFER}/remove"), &[]).await.status, 422, "nobody removes by a slip");
    assert_eq!(ada.act(&format!("{OFFER}/remove"), &[("sure", "yes")]).await.status, 303);
    assert_eq!(ada.open(OFFER).await.status, 404);
    app.stop().await;
}

#[tokio::test]
async fn a_listing_with_mistakes_keeps_what_was_typed_and_says_what_is_wrong_where() {
    let app = contoso().await;
    let ada = Visitor::operator(&app).await;
    let path = "/offers/contoso.crm-pro/listing";
    let picture = json!({ "kind": "saas", "pictures": [{ "url": "https://www.example.com/a.png", "alt": { "en": "A" } }] });
    app.call(http::Method::PUT, "/v1/offers/crm-pro/listing?publisher=contoso", Some(&picture))
        .await
        .expect(200);
    let wrong = [
        ("kind", "saas"),
        ("on_test_drive", "yes"),
        ("next_test_drive", "http://insecure.example.com"),
        ("hu_title", "Mentés"),
        ("privacy_url", "nowhere"),
        ("embed_origins", "https://www.example.com\nhttps://www.example.com/page"),
    ];
    let answer = ada.act(path, &wrong).await;
    let page = text(&answer);
    assert_eq!(answer.status, 422, "{page}");
    for id in ["next-test-drive", "privacy-url", "embed-origins"] {
        assert!(page.contains(&format!("id=\"{id}-wrong\"")), "{id}: {page}");
    }
    assert!(page.contains("value=\"Mentés\"") && page.contains("3 things are not right yet"), "{page}");
    let kind = ada.act(path, &[("kind", "sandwich")]).await;
    assert!(text(&kind).contains("no kind is called so"), "what belongs to no field is said above");
    assert_eq!(ada.act(path, &TEXTS).await.status, 303);
    let kept = app.get("/v1/offers/crm-pro?publisher=contoso").await;
    assert_eq!(kept["listing"]["pictures"][0]["alt"]["en"], "A", "what the form does not show stays");
    app.stop().await;
}

#[tokio::test]
async fn an_intake_address_is_shown_once_works_and_is_revoked() {
    let app = contoso().await;
    let ada = Visitor::operator(&app).await;
    let path = "/offers/contoso.crm-pro";
    let made = text(&ada.act(&format!("{path}/address"), &[]).await);
    let url = made.split_once("<code class=\"link\">").unwrap().1.split('<').next().unwrap().to_owned();
    let address = &url[url.find("/in/").unwrap()..];
    let page = ada.read(path).await;
    let token = address.strip_prefix("/in/").unwrap();
    assert!(
        !page.contains(token) && page.contains(&token[token.len() - 4..]),
        "only its tail is shown again"
    );
    let lead = include_str!("../../../../samples/partner-center/01-get-it-now.json");
    app.raw(http::Method::POST, address, &[], lead.into()).await.expect(202);
    let id = app.get("/v1/intake-addresses?publisher=contoso").await["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(ada.act(&format!("{path}/revoke"), &[("address", &id)]).await.status, 303);
    assert_eq!(app.raw(http::Method::POST, address, &[], lead.into()).await.status, 404);
    assert_eq!(ada.act(&format!("{path}/revoke"), &[("address", "nonsense")]).await.status, 404);
    app.stop().await;
}

#[tokio::test]
async fn routes_are_made_of_chosen_conditions_ordered_tried_and_removed() {
    let app = contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("world", json!({ "url": endpoint.url() })).await;
    let ada = Visitor::operator(&app).await;
    let chosen = [
        ("offer", "contoso.crm-pro"),
        ("destination", "world"),
        ("join", "all"),
        ("field_0", "customer.country_code"),
        ("test_0", "is_one_of"),
        ("value_0", "HU, TR"),
        ("field_1", "customer.company"),
        ("test_1", "contains"),
        ("value_1", "O'Neil"),
        ("stop", "yes"),
    ];
    let as_text = ada.act("/routes/new", &[&chosen[..], &[("do", "text")]].concat()).await;
    assert!(
        text(&as_text).contains("customer.country_code in [&#39;HU&#39;, &#39;TR&#39;]"),
        "{}",
        text(&as_text)
    );
    let routes = async || app.get("/v1/routes?publisher=contoso").await["items"].clone();
    assert_eq!(routes().await.as_array().unwrap().len(), 1, "nothing was stored");
    let added = ada.act("/routes/new", &chosen).await;
    assert_eq!(added.status, 303, "{}", text(&added));
    let route = routes().await[1].clone();
    let filter = "customer.country_code in ['HU', 'TR'] && customer.company.contains('O\\'Neil')";
    assert_eq!((&route["filter"], &route["stop"]), (&json!(filter), &json!(true)));
    let path = format!("/routes/{}", route["id"].as_str().unwrap());
    assert!(ada.read(&path).await.contains("O\\&#39;Neil"), "the text is there to be changed");
    let bad = [("offer", "*"), ("destination", "world"), ("text", "customer.shoe_size == 42")];
    let refused = ada.act(&format!("{path}/save"), &bad).await;
    assert_eq!(refused.status, 422);
    assert!(text(&refused).contains("role=\"alert\"") && text(&refused).contains("shoe_size"));
    assert_eq!(ada.act("/routes/new", &bad).await.status, 422);
    let good = [("offer", "*"), ("destination", "world"), ("text", "test")];
    assert_eq!(ada.act(&format!("{path}/save"), &good).await.status, 303);
    assert_eq!((&routes().await[1]["filter"], &routes().await[1]["stop"]), (&json!("test"), &json!(false)));
    assert_eq!(ada.act(&format!("{path}/up"), &[]).await.status, 303);
    assert_eq!(routes().await[0]["id"], route["id"]);
    assert_eq!(ada.act(&format!("{path}/down"), &[]).await.status, 303);
    assert_eq!(routes().await[1]["id"], route["id"]);
    let tried =
        text(&ada.act("/routes/try", &[("offer", "contoso.crm-pro"), ("email", "a@example.com")]).await);
    assert!(
        tried.contains("It would go to <strong>world") && tried.contains("Condition does not hold"),
        "{tried}"
    );
    let foreign = ada.act("/routes/try", &[("offer", "fabrikam.erp")]).await;
    assert_eq!((foreign.status, text(&foreign).contains("role=\"alert\"")), (422, true));
    assert_eq!(ada.act(&format!("{path}/remove"), &[]).await.status, 303);
    assert_eq!(ada.open(&path).await.status, 404);
    assert_eq!(app.get("/v1/leads?publisher=contoso").await["items"], json!([]), "trying stores nothing");
    app.stop().await;
}

#[tokio::test]
async fn who_may_not_change_the_set_up_sees_it_without_buttons() {
    let app = contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let route = app.get("/v1/routes?publisher=contoso").await["items"][0]["id"].as_str().unwrap().to_owned();
    for role in ["reader", "member"] {
        let visitor = Visitor::of_contoso(&app, role).await;
        for path in ["/offers", "/offers/contoso.crm-pro", "/routes"] {
            let page = visitor.read(path).await;
            for button in ["/listing", "/go-live\"", "/revoke\"", "/routes/new", "/remove\"", "/up\""] {
                assert!(!page.contains(button), "{role} {path}: {button}");
            }
        }
        for path in ["/offers/contoso.crm-pro/listing", "/routes/new", &format!("/routes/{route}")] {
            assert_eq!(visitor.open(path).await.status, 403, "{role} {path}");
        }
        for deed in ["preview", "go-live", "draft", "address", "rename", "listing"] {
            let path = format!("/offers/contoso.crm-pro/{deed}");
            assert_eq!(visitor.act(&path, &TEXTS).await.status, 403, "{role} {deed}");
        }
        let sure = [("sure", "yes")];
        assert_eq!(visitor.act("/offers/contoso.crm-pro/remove", &sure).await.status, 403, "{role}");
        assert_eq!(visitor.act("/offers", &[("id", "x")]).await.status, 403, "{role}");
        for deed in ["save", "up", "remove"] {
            assert_eq!(
                visitor.act(&format!("/routes/{route}/{deed}"), &[]).await.status,
                403,
                "{role} {deed}"
            );
        }
        let tried = visitor.act("/routes/try", &[("offer", "contoso.crm-pro")]).await;
        assert_eq!(tried.status, 200, "{role}: trying changes nothing");
    }
    app.stop().await;
}
