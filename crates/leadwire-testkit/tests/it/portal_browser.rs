//! Chromium, which nobody here wrote, at the portal: every page in three languages, light and dark, on a phone, a tablet and a
//! wide screen, examined by axe-core; and the way in without scripts.

use crate::letters::{letter, named};
use crate::portal_kept::unheard;
use crate::sign_in::start;
use http::Method;
use leadwire::clock::Clock;
use leadwire::secrets::sha256;
use leadwire_core::limits::PROOF_KEPT;
use leadwire_sandbox::https_endpoint::Keep;
use leadwire_sandbox::https_endpoint::{Answer as Reply, HttpsEndpoint};
use leadwire_sandbox::stage::{self, Stage};
use leadwire_store::bonds::Bond;
use leadwire_store::replays::Replay;
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::peers::{Language, ask};
use leadwire_testkit::portal::{PASSWORD, Visitor, path_of};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const PEOPLE: [(&str, &str, &str, &str); 6] = [
    ("Işıl", "Çağlar", "İstanbul Lojistik A.Ş.", "PLT"),
    ("Tom", "Ashby", "Ashby & Sons", "INS"),
    ("Ödön", "Őry", "Árvíztűrő Kft.", "StartTestDrive"),
    ("Grace", "Hopper", "Compilers Ltd.", "Create"),
    ("Ada", "Lovelace", "Analytical Engines", "INS"),
    ("Jean-Baptiste Emmanuel", "Zorg-Wolfeschlegelsteinhausenbergerdorff", "Zorg", "PLT"),
];

/// `contoso` with leads in every state.
async fn busy() -> (TestApp, Vec<HttpsEndpoint>, Stage) {
    // Its button is shown; nobody goes there.
    let (app, _) = start(&[]).await;
    app.post("/v1/publishers", &json!({ "id": "fabrikam", "title": "Fabrikam" })).await;
    let mut endpoints = Vec::new();
    for name in ["sales-crm", "newsletter", "data-lake"] {
        let endpoint = start_endpoint(&app.clock, None).await;
        if name == "newsletter" {
            // Fewer than would pause the destination.
            endpoint.script(vec![
                Reply::status(200),
                Reply::status(422),
                Reply::status(422),
                Reply::status(413),
            ]);
        }
        app.add_destination(name, json!({ "url": endpoint.url() })).await;
        endpoints.push(endpoint);
    }
    let stages = mapped(&app).await;
    for (number, (first, last, company, action)) in PEOPLE.into_iter().enumerate() {
        let lead = json!({
            "source": if number % 2 == 0 { "AzureMarketplace" } else { "SPZA" }, "action": action,
            "offer": "contoso.crm-pro", "notes": "How many users may I have? We start in January.",
            "customer": { "first_name": first, "last_name": last, "company": company, "country": "HU",
                "phone": "+36201234567", "title": "CTO", "email": format!("person{number}@example.com") },
        });
        app.clock.advance(Duration::from_secs(3600));
        app.post("/v1/leads", &lead).await;
        app.wait_until_settled().await;
    }
    app.clock.advance(Duration::from_secs(60));
    app.post("/v1/destinations/data-lake/pause?publisher=contoso", &json!({})).await;
    app.send_lead("late@example.com").await;
    let address = app.add_address().await;
    app.raw(Method::POST, &address, &[], "this is no lead".into()).await.expect(202);
    app.wait_for("/v1/ledger?publisher=contoso", |it| it["destinations"][1]["delivered"] == 4).await;
    (app, endpoints, stages)
}

/// A CRM whose fields are mapped, with a version of the mapping that is not the kind's own.
pub(crate) async fn mapped(app: &TestApp) -> Stage {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let clock = Arc::clone(&app.clock);
    let now = Arc::new(move || clock.wall().millis());
    let options = stage::Options { now, secret: [7; 32], keep: Keep::Requests { count_max: 100 } };
    let stage = Stage::start("hubspot", listener, options).unwrap();
    app.add_destination_of_kind("hubspot", "hubspot", stage.settings.clone()).await;
    let rows = json!({ "mapping": { "jobtitle": "customer.title | default('[not said]')", "country": null,
        "message": "details | truncate(20000) | always" } });
    app.call(Method::PUT, "/v1/destinations/hubspot/mapping?publisher=contoso", Some(&rows))
        .await
        .expect(200);
    stage
}

/// The form of a mapping, sent as it stands but for two rows.
fn looked(button: &str) -> Value {
    json!({ "fill": { "#from-3": "customer.phone", "input[name=steps_2]": "upper" }, "choose": { "#of": 3 },
        "press": format!("button[value={button}]"), "shows": "#outcome" })
}

/// Pages of accounts and of guests: their own, those that a form answers with, and the way in.
async fn pages_of_people(app: &TestApp) -> Vec<Value> {
    let bob = Visitor::of_contoso(app, "member").await;
    bob.set_up_factor().await;
    let signing_in = [("email", "member@contoso.com"), ("password", PASSWORD)];
    let by_link = json!({ "role": "reader", "accent": "#00b38a" });
    let link = app.post("/v1/portal-links?publisher=contoso", &by_link).await;
    let mut guest = Visitor::new(app);
    guest.keep(&guest.open(&path_of(link["url"].as_str().unwrap())).await);
    let reader = Visitor::of_contoso(app, "reader").await;
    let leads = app.get("/v1/leads?publisher=contoso").await;
    let lead = format!("/leads/{}", leads["items"][1]["id"].as_str().unwrap());
    let post = named(app, &["gone@contoso.com"]).await;
    for (email, state) in [("eve@contoso.com", "sent"), ("gone@contoso.com", "failed")] {
        let new = json!({ "email": email, "role": "reader", "mail": true });
        app.post("/v1/users?publisher=contoso", &new).await;
        letter(app, email, state).await;
    }
    drop(post);
    let eve = bound(app).await;
    let mut half = Visitor::new(app);
    half.keep(&half.send("/sign-in", &signing_in).await);
    let pages = json!([
        ["account", "/account"],
        ["account-factor", "/account", { "fill": { "#current-factor": PASSWORD }, "press": "form[action$='/factor'] button" }],
        ["account-on", "/account", { "cookie": bob.cookie }],
        ["account-bound", "/account", { "cookie": eve.cookie }],
        ["again", "/settings/keys", { "cookie": eve.cookie, "fill": { "#key-title": "Web site" },
            "press": "form[action$='/settings/keys'] .button" }],
        ["account-codes", "/account", { "cookie": bob.cookie, "fill": { "#current-codes": PASSWORD },
            "press": "form[action$='/codes'] button" }],
        ["guest", "/", { "cookie": guest.cookie }],
        ["guest-over", "/", { "cookie": "leadwire_guest=over" }],
        ["sign-in-code", "/sign-in/code", { "cookie": half.cookie }],
        ["leads-masked", "/leads", { "cookie": reader.cookie }],
        ["lead-masked", lead, { "cookie": reader.cookie }],
        ["lead-revealed", lead, { "cookie": reader.cookie, "press": "form[action$='/reveal'] button" }],
        ["forgot", "/forgot", { "cookie": "leadwire=none" }],
        ["forgot-asked", "/forgot", { "cookie": "leadwire=none", "fill": { "#email": "nobody@contoso.com" },
            "press": "form[action='/forgot'] button" }],
    ]);
    pages.as_array().unwrap().clone()
}

/// Somebody who signs in by a provider, too, and showed long ago who they are.
async fn bound(app: &TestApp) -> Visitor<'_> {
    let eve = Visitor::of_contoso(app, "publisher").await;
    let found = app.app.store.user_by_email("publisher@contoso.com".to_owned()).await.unwrap().unwrap();
    let issuer = app.app.accounts.providers().next().unwrap().issuer.clone();
    let bond = Bond { issuer, subject: "eve".to_owned(), bound_at: app.clock.wall() };
    let whose = (found.publisher, found.id);
    assert!(app.app.store.bind(whose, "publisher@contoso.com".to_owned(), bond).await.unwrap());
    let token = eve.cookie.split_once('=').unwrap().1;
    let long_ago = app.clock.wall().minus(PROOF_KEPT);
    app.app.store.prove_session(sha256(token.as_bytes()), long_ago).await.unwrap();
    eve
}

/// The pages of settings, reports and the audit log, with what they show beside it.
async fn settings(app: &TestApp, ada: &Visitor<'_>) -> Vec<Value> {
    let key = json!({ "title": "Web site", "role": "sender", "expires_in_days": 90 });
    app.post("/v1/keys?publisher=contoso", &key).await;
    let pager = start_endpoint(&app.clock, None).await;
    let pager = json!({ "name": "on-call", "kind": "https", "settings": { "url": pager.url() } });
    app.post("/v1/destinations?publisher=contoso", &pager).await;
    let named = json!({ "receivers": ["on-call"] });
    app.call(Method::PUT, "/v1/notices/receivers?publisher=contoso", Some(&named)).await.expect(200);
    let mute = json!({ "kind": "silent", "destination": "newsletter", "for_seconds": 86400 });
    app.post("/v1/notices/mutes?publisher=contoso", &mute).await;
    app.post("/v1/withhold-rules", &json!({ "source": "*", "domain": ".edu" })).await;
    let webinar = json!({ "source": "*", "action": "Webinar", "interest": "active" });
    app.call(Method::POST, "/v1/interest-rules", Some(&webinar)).await.expect(200);
    let follow_up = json!({ "offer": "*", "step": "initial", "audience": "customer", "destination": "on-call",
        "words": { "en": { "subject": "Thank you for {{offer_title}}",
            "text": "Dear {{customer.first_name | default('customer')}},\n\nwe will show you around." } } });
    let made = app.post("/v1/follow-ups?publisher=contoso", &follow_up).await;
    let follow_up = made["id"].as_str().unwrap();
    let look = json!({ "look_only": true });
    app.post("/v1/destinations/newsletter/validate?publisher=contoso", &look).await;
    let view = [("page", "deliveries"), ("name", "Parked"), ("query", "state=parked&destination=newsletter")];
    assert_eq!(ada.act("/views/save", &view).await.status, 303);
    let pages = json!([
        ["view", "/deliveries?destination=newsletter&state=parked"],
        ["reports", "/reports?by=source"],
        ["go", "/go?find=crm"],
        ["audit", "/audit"],
        ["keys", "/settings/keys"],
        ["alerts", "/settings/alerts"],
        ["follow-ups", "/settings/follow-ups"],
        ["follow-up", format!("/settings/follow-ups/{follow_up}")],
        ["identity", "/settings/identity"],
        ["interest", "/settings/interest"],
        ["withhold", "/settings/withhold"],
        ["retention", "/settings/retention"],
        ["statements", "/settings/statements"],
    ]);
    pages.as_array().unwrap().clone()
}

/// A body that could not be read, as a marketplace might send it: its page.
async fn kept_aside(app: &TestApp) -> String {
    let address = app.add_address().await;
    let body = "{\n  \"UserDetails\": {\n    \"FirstName\": \"Işıl\",\n    \"LastName\": \"Çağlar\",\n    \"Email\": isil@example.com\n  },\n  \"LeadSource\": \"SPZA-INS|crm-pro\"\n}";
    let kept = app.raw(Method::POST, &address, &[], body.into()).await.expect(202);
    format!("/quarantine/{}", kept["id"].as_str().unwrap())
}

/// A replay that counted what is parked, and one that is under way.
async fn replays(app: &TestApp) -> [String; 2] {
    let wish = json!({ "destination": "newsletter", "state": "parked", "dry_run": true, "offer": "crm-pro" });
    let made = app.post("/v1/replays?publisher=contoso", &wish).await;
    let counted = made["id"].as_str().unwrap().to_owned();
    let mut steps = app.app.replays.steps();
    while app.get(&format!("/v1/replays/{counted}?publisher=contoso")).await["state"] == "running" {
        steps.changed().await.unwrap();
    }
    let running = Replay { total: Some(4_200), ..unheard(app, app.app.ids.next(app.clock.steady())) };
    let id = running.id.to_string();
    app.app.store.add_replay(running).await.unwrap();
    let far = "UPDATE replay SET looked = 1600, seen = 1600, added = 340, again = 1251, held = 9 WHERE total = 4200";
    app.app.store.write(move |tx| tx.execute(far, &[])).await.unwrap();
    [counted, id]
}

/// The pages of what was kept aside, beside its lists.
async fn pages_of_kept(app: &TestApp) -> Vec<Value> {
    let broken = kept_aside(app).await;
    let [counted, begun] = replays(app).await;
    let pages = json!([
        ["failures", "/failures"],
        ["unrouted", "/unrouted"],
        ["quarantine", "/quarantine"],
        ["quarantined", broken.clone()],
        ["quarantined-typed", broken, { "fill": { "#repair-body": "{\"Email\": kim@example.com}" },
            "press": "form[action$='/repair'] .button", "refused": true }],
        ["replays", "/replays"],
        ["replay", format!("/replays/{begun}")],
        ["replay-counted", format!("/replays/{counted}")],
        ["replay-new", "/replays/new?destination=hubspot"],
        ["replay-wrong", "/replays/new", { "fill": { "#replay-filter": "customer.(" }, "press": "form.card .button", "refused": true }],
    ]);
    pages.as_array().unwrap().clone()
}

async fn check(language: &str) {
    let (app, endpoints, stage) = busy().await;
    let ada = Visitor::operator(&app).await;
    let found = app.get("/v1/deliveries?publisher=contoso&state=parked&limit=1").await;
    let delivery = found["items"][0]["id"].as_str().unwrap();
    let found = app.get("/v1/deliveries?publisher=contoso&destination=hubspot").await;
    let mapped = found["items"][2]["id"].as_str().unwrap();
    let leads = app.get("/v1/leads?publisher=contoso").await;
    let lead = leads["items"][1]["id"].as_str().unwrap();
    let listing: Value =
        serde_json::from_str(include_str!("../../../../samples/listing/crm-pro.json")).unwrap();
    app.call(Method::PUT, "/v1/offers/crm-pro/listing?publisher=contoso", Some(&listing)).await.expect(200);
    app.post("/v1/offers?publisher=contoso", &json!({ "id": "backup", "title": "Backup" })).await;
    let filtered = json!({ "offer": "crm-pro", "destination": "sales-crm", "stop": true, "position": 2,
        "filter": "customer.country_code in ['HU', 'TR'] && action != 'DNC'" });
    app.post("/v1/routes?publisher=contoso", &filtered).await;
    let route = app.get("/v1/routes?publisher=contoso").await;
    let mut pages = json!([
        ["overview", "/"],
        ["leads", "/leads"],
        ["search", "/leads?q=lojistik"],
        ["suggestions", "/suggestions"],
        ["lead", format!("/leads/{lead}")],
        ["deliveries", "/deliveries"],
        ["delivery", format!("/deliveries/{delivery}")],
        ["delivery-mapped", format!("/deliveries/{mapped}")],
        ["destinations", "/destinations"],
        ["destination", "/destinations/newsletter"],
        ["destination-mapped", "/destinations/hubspot"],
        ["destination-edit", "/destinations/sales-crm/edit"],
        ["mapping", "/destinations/hubspot/mapping"],
        ["mapping-compared", "/destinations/hubspot/mapping?from=0&to=2"],
        ["mapping-tried", "/destinations/hubspot/mapping", looked("try")],
        ["mapping-tested", "/destinations/hubspot/mapping", looked("test")],
        ["connect", "/connect"],
        ["connect-https", "/connect/https"],
        ["connect-dynamics", "/connect/dynamics"],
        ["offers", "/offers"],
        ["offer", "/offers/contoso.crm-pro"],
        ["offer-new", "/offers/contoso.backup"],
        ["listing", "/offers/contoso.crm-pro/listing"],
        ["routes", "/routes"],
        ["route", format!("/routes/{}", route["items"][0]["id"].as_str().unwrap())],
        ["route-new", "/routes/new"],
        ["users", "/users"],
        ["missing", "/leads/none"],
    ]);
    pages.as_array_mut().unwrap().extend(
        [pages_of_kept(&app).await, pages_of_people(&app).await, settings(&app, &ada).await].concat(),
    );
    let (_, token) = ada.cookie.split_once('=').unwrap();
    let shots = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/portal");
    for theme in ["light", "dark"] {
        for width in [390, 820, 1440] {
            let wish = json!({
                "base": app.url(""), "token": token, "language": language, "theme": theme, "width": width,
                "pages": pages, "shots": shots, "pictures": pictures(language, theme, width),
            });
            let seen = ask(Language::Node, "portal.mjs", &wish).await;
            assert_eq!(seen["complaints"], json!([]), "{language} {theme} {width}");
            assert_eq!(seen["seen"], pages.as_array().unwrap().len() + 1, "every page and the way in");
        }
    }
    drop((endpoints, stage));
    app.stop().await;
}

/// The pictures of the documents that this walk makes: none unless it is asked for by LEADWIRE_WRITE_PICTURES.
#[expect(clippy::disallowed_methods, reason = "asks whether the kept pictures are to be made anew")]
fn pictures(language: &str, theme: &str, width: u32) -> Value {
    let is_asked = std::env::var_os("LEADWIRE_WRITE_PICTURES").is_some();
    if !is_asked || language != "en" || width != 1440 {
        return Value::Null;
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/images");
    let file = |name: &str| format!("{folder}/{name}.webp");
    match theme {
        "dark" => json!({ "overview": file("overview-dark") }),
        _ => json!({
            "overview": file("overview"), "lead": file("lead"), "destination-mapped": file("destination"),
            "delivery-mapped": file("delivery"), "mapping": file("mapping"),
        }),
    }
}

#[tokio::test]
async fn every_page_is_for_everybody_in_english() {
    check("en").await;
}

#[tokio::test]
async fn every_page_is_for_everybody_in_hungarian() {
    check("hu").await;
}

#[tokio::test]
async fn every_page_is_for_everybody_in_turkish() {
    check("tr").await;
}

#[tokio::test]
async fn a_person_comes_in_by_the_first_link_and_works_without_scripts_and_by_keyboard() {
    let (app, endpoints, stage) = busy().await;
    let link = app.app.first_link().await.unwrap().unwrap();
    let colleague = json!({ "email": "bob@contoso.com", "role": "member" });
    app.post("/v1/users?publisher=contoso", &colleague).await;
    let wish = json!({ "base": app.url(""), "first": link.expose() });
    let seen: Value = ask(Language::Node, "portal.mjs", &wish).await;
    assert_eq!(seen["complaints"], json!([]));
    assert_eq!(seen["paused"], "sales-crm");
    assert_eq!(app.get("/v1/destinations/sales-crm?publisher=contoso").await["state"], "paused");
    assert_eq!(seen["found"], "/leads");
    assert_eq!(seen["skipped"], "content");
    assert_eq!(seen["out"], "/sign-in");
    drop((endpoints, stage));
    app.stop().await;
}
