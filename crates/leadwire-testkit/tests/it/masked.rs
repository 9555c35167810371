//! Who sees people masked sees them masked everywhere: planted values are looked for in every answer and on every page, and are
//! found by a member.

use crate::portal_browser::mapped;
use crate::replays::quarantine;
use bytes::Bytes;
use http::Method;
use leadwire::access::Action;
use leadwire::api::{ENDPOINTS, Endpoint};
use leadwire::portal::pages;
use leadwire_core::limits;
use leadwire_sandbox::https_endpoint::Answer as Reply;
use leadwire_testkit::app::{Answer, TestApp, start_endpoint};
use leadwire_testkit::portal::{PASSWORD, Visitor, path_of, text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const P: &str = "?publisher=contoso";
/// Each in small letters, of which none is in anything else. In answers they may stand in any form, so only their middles count.
const PLANTED: [&str; 9] = [
    "nightjarfirst",
    "nightjarlast",
    "nightjarbox",
    "5550177345",
    "nightjarnotes",
    "nightjarcustom",
    "nightjarreason",
    "nightjarbody",
    "nightjarother",
];

/// A store in which something of a person is in everything that can hold one.
struct World {
    app: TestApp,
    /// What stands in the places of paths.
    places: BTreeMap<&'static str, String>,
    lead: String,
    touchpoint: String,
}

impl World {
    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.app.call(Method::POST, &format!("{path}{P}"), Some(&body)).await;
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.json());
        answer.json()
    }

    fn path(&self, pattern: &str) -> Option<String> {
        let mut path = pattern.to_owned();
        while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
            let place = self.places.get(&path[from + 1..to])?.clone();
            path.replace_range(from..=to, &place);
        }
        Some(path)
    }
}

fn nightjar(email: &str) -> Value {
    json!({ "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro", "notes": "Call NightjarNotes back",
        "customer": { "first_name": "Nightjarfirst", "last_name": "Nightjarlast", "email": email,
            "phone": "+1 555 017 7345", "company": "Heath Ltd", "title": "Birder", "country": "US" },
        "custom": { "remark": "NightjarCustom", "tax": 5_550_177_345_u64 } })
}

async fn world() -> World {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    let stage = mapped(&app).await;
    let first = app.post("/v1/leads", &nightjar("Nightjarbox@gmail.com")).await;
    let (lead, touchpoint) =
        (first["lead"].as_str().unwrap().to_owned(), first["id"].as_str().unwrap().to_owned());
    app.wait_until_settled().await;
    // Another one whose CRM repeats all it was sent, and who may be the same person.
    crm.otherwise(
        Reply::status(422).body(r#"{"error":"bad_name","detail":"Nightjarfirst NIGHTJARLAST is no name"}"#),
    );
    let other = app.post("/v1/leads", &nightjar("Nightjarbox@gmial.com")).await;
    let mut said = nightjar("nightjarbox@gmail.com");
    said["customer"]["first_name"] = json!("Nightjarother");
    app.post("/v1/leads", &said).await;
    app.wait_until_settled().await;
    let unreadable = quarantine(&app, "nightjarbody@gmail.com").await.to_string();
    let mut steps = app.app.suggesting.steps();
    app.clock.advance(limits::SUGGEST_AFTER + limits::SUGGEST_EVERY);
    steps.changed().await.unwrap();
    let mut world =
        World { app, places: BTreeMap::new(), lead: lead.clone(), touchpoint: touchpoint.clone() };
    let reason = json!({ "reason": "NightjarReason", "interest": "active" });
    world.post(&format!("/v1/leads/{lead}/interest"), reason).await;
    let lost = json!({ "reason": "NightjarReason", "outcome": "lost" });
    world.post(&format!("/v1/leads/{lead}/feedback"), lost).await;
    let follow_up = json!({ "offer": "*", "step": "active", "audience": "team", "destination": "pager",
        "words": { "en": { "subject": "{{customer.first_name}}", "text": "{{customer.email}}" } } });
    let pager = json!({ "name": "pager", "kind": "https", "settings": { "url": crm.url() } });
    world.post("/v1/destinations", pager).await;
    let follow_up = world.post("/v1/follow-ups", follow_up).await["id"].as_str().unwrap().to_owned();
    let replay = world.post("/v1/replays", json!({ "destination": "crm", "dry_run": true })).await;
    let (gone, why) = (other["lead"].as_str().unwrap(), json!({ "reason": "NightjarReason" }));
    let suggested = world.app.get(&format!("/v1/suggestions{P}")).await["items"][0]["id"].clone();
    let routes = world.app.get(&format!("/v1/routes{P}")).await;
    let deliveries = world.app.get(&format!("/v1/deliveries{P}&lead={gone}")).await;
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let erased = world.app.send_lead("gone@example.com").await;
    world.app.wait_until_settled().await;
    let erasure = world.post(&format!("/v1/leads/lead_{}/erase", &erased[3..]), why).await;
    world.places.extend([
        ("lead", lead),
        ("delivery", text(&deliveries["items"][0]["id"])),
        ("quarantined", unreadable),
        ("destination", "hubspot".to_owned()),
        ("offer", "crm-pro".to_owned()),
        ("suggestion", text(&suggested)),
        ("replay", text(&replay["id"])),
        ("erasure", text(&erasure["id"])),
        ("route", text(&routes["items"][0]["id"])),
        ("follow_up", follow_up),
        ("kind", "hubspot".to_owned()),
        ("day", "2026-11-01".to_owned()),
    ]);
    drop((crm, stage));
    world
}

/// Every endpoint that is asked without changing anything, with a body where it takes one.
fn asked(world: &World) -> Vec<(&'static Endpoint, String, Value)> {
    let (lead, touchpoint) = (&world.lead, &world.touchpoint);
    let mut all = Vec::new();
    for endpoint in ENDPOINTS {
        let bodies = match (&endpoint.method, endpoint.path) {
            (&Method::GET, _) => vec![Value::Null],
            (_, path) if path.ends_with("/mapping/try") => {
                vec![json!({ "of": lead, "mapping": { "company": "customer.email | upper" } })]
            }
            (_, path) if path.ends_with("/mapping/back-test") => {
                vec![json!({ "mapping": { "company": "customer.last_name | default('x')" } })]
            }
            (_, "/v1/destinations/{destination}/preview") => vec![json!({ "touchpoint": touchpoint })],
            (_, "/v1/follow-ups/{follow_up}/preview") => vec![json!({ "touchpoint": touchpoint })],
            (_, "/v1/routes/test") => vec![json!({ "lead": nightjar("nightjarbox@gmail.com") })],
            _ => continue,
        };
        if matches!(endpoint.action, Action::Open | Action::Visit | Action::SendToAddress) {
            continue;
        }
        let Some(path) = world.path(endpoint.path) else { continue };
        all.extend(bodies.into_iter().map(|body| (endpoint, path.clone(), body)));
    }
    all
}

/// The planted values that an answer holds, whatever their capitals and signs.
fn found(body: &[u8]) -> BTreeSet<&'static str> {
    let text = String::from_utf8_lossy(body).to_lowercase();
    let digits: String = text.chars().filter(|it| !" -()+".contains(*it)).collect();
    PLANTED.into_iter().filter(|it| text.contains(it) || digits.contains(it)).collect()
}

async fn ask(world: &World, key: &str, (endpoint, path, body): &(&Endpoint, String, Value)) -> Answer {
    let bearer = format!("Bearer {key}");
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let headers = [("authorization", bearer.as_str())];
    world.app.raw(endpoint.method.clone(), &format!("{path}{P}"), &headers, body).await
}

async fn key(world: &World, role: &str) -> String {
    let made = world.post("/v1/keys", json!({ "title": "masked", "role": role })).await;
    made["key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn no_answer_shows_a_reader_who_a_customer_is_and_a_member_finds_all_of_it() {
    let world = world().await;
    let (reader, member) = (key(&world, "reader").await, key(&world, "member").await);
    let mut seen_by_member = BTreeSet::new();
    let mut told = 0;
    for wish in &asked(&world) {
        let place = format!("{} {}", wish.0.method, wish.1);
        let (shown, whole) = (ask(&world, &reader, wish).await, ask(&world, &member, wish).await);
        let is_of_members = wish.0.path == "/v1/quarantine/{quarantined}/body";
        if is_of_members {
            assert_eq!((shown.status, shown.text("/code")), (403, "personal_data_masked".to_owned()));
        } else {
            assert_eq!(shown.status, whole.status, "{place}: {}", text(&shown));
        }
        assert_eq!(found(&shown.body), BTreeSet::new(), "{place}: {}", text(&shown));
        told += usize::from(whole.status == 200 && !found(&whole.body).is_empty());
        seen_by_member.extend(found(&whole.body));
    }
    assert_eq!(seen_by_member, PLANTED.into_iter().collect(), "the test looks where people are");
    assert!(told >= 10, "people are in many answers, and not in {told} alone");
    let lead =
        ask(&world, &reader, &asked(&world).into_iter().find(|it| it.0.path == "/v1/leads/{lead}").unwrap())
            .await;
    let customer = &lead.json()["lead"]["customer"];
    let masked = json!({ "first_name": "N***", "last_name": "N***", "email": "n***@gmail.com", "phone": "***45",
        "company": "Heath Ltd", "title": "Birder", "country": "US" });
    assert_eq!(customer, &masked);
    world.app.stop().await;
}

#[tokio::test]
async fn a_reader_finds_leads_by_what_they_see_and_nobody_by_a_name() {
    let world = world().await;
    let reader = key(&world, "reader").await;
    let find = async |what: &str| {
        let bearer = format!("Bearer {reader}");
        let path = format!("/v1/leads{P}&{what}");
        let answer = world.app.raw(Method::GET, &path, &[("authorization", &bearer)], Bytes::new()).await;
        answer.expect(200)["items"].as_array().unwrap().len()
    };
    for name in ["nightjar", "nightjarlast", "n", "nightjarbox", "nightjarbox@gma"] {
        assert_eq!(find(&format!("find={name}")).await, 0, "{name}");
    }
    for seen in ["heath", "ltd", "gmail.com", "nightjarbox@gmail.com"] {
        assert!(find(&format!("find={seen}")).await >= 1, "{seen}");
    }
    assert_eq!(find("email=nightjarbox@gmail.com").await, 1);
    world.app.stop().await;
}

#[tokio::test]
async fn no_page_of_the_portal_shows_a_reader_or_a_guest_who_a_customer_is() {
    let world = world().await;
    let reader = Visitor::of_contoso(&world.app, "reader").await;
    let member = Visitor::of_contoso(&world.app, "member").await;
    let link = world.post("/v1/portal-links", json!({ "role": "reader" })).await;
    let mut guest = Visitor::new(&world.app);
    guest.keep(&guest.open(&path_of(link["url"].as_str().unwrap())).await);
    let mut seen_by_member = BTreeSet::new();
    for (_, pattern) in pages().filter(|it| *it.0 == Method::GET) {
        let Some(path) = world.path(pattern) else { continue };
        for visitor in [&reader, &guest] {
            let page = visitor.open(&path).await;
            assert!(page.status < 500, "{path}: {}", text(&page));
            assert_eq!(found(&page.body), BTreeSet::new(), "{path}: {}", text(&page));
        }
        seen_by_member.extend(found(&member.open(&path).await.body));
    }
    assert_eq!(seen_by_member, PLANTED.into_iter().collect(), "the test looks where people are");
    world.app.stop().await;
}

/// Deeds of the audit log that are called so, newest first.
async fn deeds(app: &TestApp, action: &str) -> Vec<Value> {
    app.get(&format!("/v1/audit{P}&action={action}")).await["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_reader_has_one_lead_revealed_which_is_told_and_is_not_kept() {
    let world = world().await;
    let reader = Visitor::of_contoso(&world.app, "reader").await;
    let path = format!("/leads/{}", world.lead);
    let masked = reader.read(&path).await;
    assert!(masked.contains("N*** N***") && masked.contains(&format!("{path}/reveal\"")), "{masked}");
    let shown = reader.act(&format!("{path}/reveal"), &[("reason", "support")]).await;
    let page = text(&shown);
    assert_eq!((shown.status, shown.headers["cache-control"].to_str().unwrap()), (200, "no-store"), "{page}");
    for known in ["nightjarfirst", "nightjarbox", "nightjarnotes", "nightjarreason"] {
        assert!(found(page.as_bytes()).contains(known), "{known}: {page}");
    }
    let told = deeds(&world.app, "lead.reveal").await;
    let users = world.app.get(&format!("/v1/users{P}")).await;
    let own =
        users["items"].as_array().unwrap().iter().find(|it| it["email"] == "reader@contoso.com").unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["who"], &told[0]["role"]), (&own["id"], &json!("reader")));
    assert_eq!(told[0]["subject"], json!(format!("{} support", world.lead)));
    assert_eq!(found(reader.read(&path).await.as_bytes()), BTreeSet::new(), "the page itself stays masked");
    assert_eq!(reader.act(&format!("{path}/reveal"), &[("reason", "curious")]).await.status, 422);
    assert_eq!(reader.act("/leads/lead_x/reveal", &[]).await.status, 404);
    for _ in 1..limits::REVEALS_PER_HOUR {
        assert_eq!(reader.act(&format!("{path}/reveal"), &[]).await.status, 200);
    }
    let over = reader.act(&format!("{path}/reveal"), &[]).await;
    assert_eq!(over.status, 429);
    assert!(over.headers.contains_key("retry-after"));
    let count = usize::try_from(limits::REVEALS_PER_HOUR).unwrap();
    assert_eq!(
        deeds(&world.app, "lead.reveal").await.len(),
        count.min(limits::PAGE_ROWS),
        "what was refused is not told"
    );
    world.app.clock.advance(Duration::from_secs(3600));
    // By then they were signed out.
    let mut later = Visitor::new(&world.app);
    later.keep(&later.send("/sign-in", &[("email", "reader@contoso.com"), ("password", PASSWORD)]).await);
    assert_eq!(later.act(&format!("{path}/reveal"), &[]).await.status, 200, "an hour later they may again");
    world.app.stop().await;
}

#[tokio::test]
async fn keys_and_guests_reveal_nobody_and_readers_where_their_publisher_says_so() {
    let world = world().await;
    let (reader, member) = (key(&world, "reader").await, key(&world, "member").await);
    let endpoint = ENDPOINTS.iter().find(|it| it.path == "/v1/leads/{lead}/reveal").unwrap();
    let wish = (endpoint, world.path(endpoint.path).unwrap(), json!({}));
    let refused = ask(&world, &reader, &wish).await;
    assert_eq!((refused.status, refused.text("/code")), (403, "may_not_reveal".to_owned()));
    assert_eq!(ask(&world, &member, &wish).await.status, 200, "it shows a member nothing new, and is told");
    let link = world.post("/v1/portal-links", json!({ "role": "reader" })).await;
    let mut guest = Visitor::new(&world.app);
    guest.keep(&guest.open(&path_of(link["url"].as_str().unwrap())).await);
    let path = format!("/leads/{}", world.lead);
    assert!(!guest.read(&path).await.contains("/reveal\""), "who may not sees no button");
    assert_eq!(guest.act(&format!("{path}/reveal"), &[]).await.status, 403);
    let bob = Visitor::of_contoso(&world.app, "publisher").await;
    let looks = Visitor::of_contoso(&world.app, "reader").await;
    assert_eq!(looks.act("/settings/privacy", &[]).await.status, 403, "nobody gives themselves more");
    assert!(bob.read("/settings/retention").await.contains("name=\"readers_reveal\""));
    assert_eq!(bob.act("/settings/privacy", &[]).await.status, 303);
    assert_eq!(world.app.get(&format!("/v1/privacy{P}")).await, json!({ "readers_reveal": false }));
    assert!(!looks.read(&path).await.contains("/reveal\""));
    assert_eq!(looks.act(&format!("{path}/reveal"), &[]).await.status, 403);
    assert_eq!(bob.act("/settings/privacy", &[("readers_reveal", "yes")]).await.status, 303);
    assert_eq!(looks.act(&format!("{path}/reveal"), &[]).await.status, 200);
    assert_eq!(deeds(&world.app, "privacy.update").await.len(), 2);
    world.app.stop().await;
}
