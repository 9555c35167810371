//! The way to anything by its name, and the same by command or API as a page shows.

use crate::program;
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::portal::Visitor;
use serde_json::json;
use std::process::Output;
use tokio::process::Command;

/// Addresses that the page found.
fn hits(page: &str) -> Vec<String> {
    let found = page.split_once("id=\"found\"").unwrap().1.split_once("id=\"keys\"").unwrap().0;
    let hrefs = found.split("href=\"").skip(1).map(|it| it.split('"').next().unwrap());
    hrefs.map(|it| it.replace("&#38;", "&")).collect()
}

#[tokio::test]
async fn anything_is_found_by_its_name_and_only_what_is_ones_own() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app.post("/v1/publishers", &json!({ "id": "fabrikam" })).await;
    app.post("/v1/offers?publisher=fabrikam", &json!({ "id": "secret-offer" })).await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("warehouse", json!({ "url": endpoint.url() })).await;
    let lead = json!({ "offer": "contoso.crm-pro", "customer": { "first_name": "Işıl", "last_name": "Çağlar",
        "company": "Lojistik", "email": "isil@example.com" } });
    let lead = app.post("/v1/leads", &lead).await["lead"].as_str().unwrap().to_owned();
    app.wait_until_settled().await;
    let bob = Visitor::of_contoso(&app, "publisher").await;
    let of = async |sought: &str| hits(&bob.read(&format!("/go?find={sought}")).await);
    assert!(of("").await.len() > 15, "at first every page");
    assert_eq!(of("wareh").await, ["/destinations/warehouse"]);
    assert_eq!(of("crm-pro").await, ["/offers/contoso.crm-pro"]);
    assert_eq!(of("withheld").await, ["/settings/withhold"]);
    assert_eq!(of("isil+caglar").await, [format!("/leads/{lead}")]);
    assert_eq!(of(&lead).await, [format!("/leads/{lead}")]);
    for none in ["secret-offer", "nothing-like-this", "%3Cscript%3E"] {
        assert!(of(none).await.is_empty(), "{none}");
    }
    let reader = Visitor::of_contoso(&app, "reader").await;
    let pages = hits(&reader.read("/go").await);
    for hidden in ["/users", "/settings/keys", "/audit", "/connect", "/routes/new"] {
        assert!(!pages.contains(&hidden.to_owned()), "{hidden}");
    }
    assert!(bob.read("/leads").await.contains("id=\"palette\""));
    assert!(!Visitor::new(&app).open("/sign-in").await.body.windows(7).any(|it| it == b"palette"));
    app.stop().await;
}

/// What stands in an element, without its escapes.
fn said(page: &str, id: &str) -> String {
    let rest = page.split_once(&format!("id=\"{id}\">")).unwrap_or_else(|| panic!("{id}: {page}")).1;
    let text = rest.split('<').next().unwrap();
    [("&#39;", "'"), ("&#34;", "\""), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

async fn in_shell(app: &TestApp, text: &str) -> Output {
    let folder = program::path().parent().unwrap().to_owned();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", text]).env_clear().env("PATH", folder);
    shell.env("LEADWIRE_URL", app.url("")).env("LEADWIRE_KEY", app.key.expose());
    shell.output().await.unwrap()
}

#[tokio::test]
async fn what_a_page_shows_is_had_by_the_command_and_the_request_that_it_says() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("sales crm", json!({ "url": endpoint.url() })).await;
    app.send_lead("it's@example.com").await;
    app.wait_until_settled().await;
    let ada = Visitor::operator(&app).await;
    let delivery = app.get("/v1/deliveries?publisher=contoso").await["items"][0].clone();
    let address = app.add_address().await;
    let kept = app.raw(http::Method::POST, &address, &[], "no lead".into()).await.expect(202);
    let replay = app.post("/v1/replays?publisher=contoso", &json!({ "dry_run": true })).await;
    let (id, lead) = (delivery["id"].as_str().unwrap(), delivery["lead"].as_str().unwrap());
    let pages = [
        "/leads".to_owned(),
        "/leads?q=it%27s".to_owned(),
        format!("/leads/{lead}"),
        "/suggestions".to_owned(),
        "/deliveries?state=delivered&destination=sales+crm".to_owned(),
        format!("/deliveries/{id}"),
        "/failures".to_owned(),
        "/unrouted".to_owned(),
        "/quarantine".to_owned(),
        format!("/quarantine/{}", kept["id"].as_str().unwrap()),
        "/replays".to_owned(),
        format!("/replays/{}", replay["id"].as_str().unwrap()),
        "/destinations".to_owned(),
        "/destinations/sales%20crm".to_owned(),
        "/offers".to_owned(),
        "/offers/contoso.crm-pro".to_owned(),
        "/routes".to_owned(),
        "/reports?by=source&from=2026-11-01&to=2026-11-30".to_owned(),
        "/audit?action=route.add&to=2026-11-30".to_owned(),
        "/audit?whose=operator".to_owned(),
        "/settings/keys".to_owned(),
        "/settings/alerts".to_owned(),
        "/settings/follow-ups".to_owned(),
        "/settings/identity".to_owned(),
        "/settings/interest".to_owned(),
        "/settings/withhold".to_owned(),
        "/settings/retention".to_owned(),
    ];
    for path in pages {
        let page = ada.read(&path).await;
        let command = said(&page, "call-command");
        let out = in_shell(&app, &command).await;
        assert!(out.status.success(), "{path}: {command}: {}", String::from_utf8_lossy(&out.stderr));
        // What a shell makes of the request, up to the program that sends it.
        let request = said(&page, "call-request");
        let last = "curl() { for it in \"$@\"; do :; done; printf %s \"$it\"; }";
        let out = in_shell(&app, &format!("{last}; {request}")).await;
        let url = String::from_utf8(out.stdout).unwrap();
        let asked = url.strip_prefix(&app.url("")).unwrap_or_else(|| panic!("{request}: {url}")).to_owned();
        app.get(&asked).await;
    }
    assert!(!ada.read("/connect").await.contains("call-command"), "there is no command for it");
    app.stop().await;
}
