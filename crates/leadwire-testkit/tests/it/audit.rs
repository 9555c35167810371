//! The audit log, its checkpoints, statements and the service's own look, through the whole program.

use crate::portal_browser::mapped;
use crate::program;
use crate::replays::quarantine;
use http::Method;
use leadwire::access::Action;
use leadwire::api::{ENDPOINTS, Endpoint};
use leadwire::audit::name;
use leadwire::clock::Clock;
use leadwire_core::id::{PublisherId, UserId};
use leadwire_sandbox::https_endpoint::{Answer, HttpsEndpoint};
use leadwire_store::Store;
use leadwire_store::bonds::Bond;
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use leadwire_testkit::portal::{Visitor, path_of};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

const LISTING: &str = include_str!("../../../../samples/listing/crm-pro.json");
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Endpoints that change something on somebody's behalf. Touchpoints are told by their own rows, and visitors are nobody.
fn changing() -> impl Iterator<Item = &'static Endpoint> {
    let told = |it: &&Endpoint| {
        !matches!(it.action, Action::SendTouchpoints | Action::SendToAddress | Action::Visit)
    };
    ENDPOINTS.iter().filter(|it| it.method != Method::GET).filter(told)
}

/// What only asks, although it takes a body.
const ONLY_ASK: [&str; 5] = [
    "destination.preview",
    "destination.mapping.try",
    "destination.mapping.back_test",
    "route.test",
    "follow_up.preview",
];

async fn entries(app: &TestApp, publisher: &str) -> Vec<Value> {
    let path = if publisher.is_empty() {
        "/v1/audit?limit=200".to_owned()
    } else {
        format!("/v1/audit?limit=200&publisher={publisher}")
    };
    app.get(&path).await["items"].as_array().unwrap().clone()
}

/// Does what is asked with the operator's key; it must go well.
struct Hands<'a> {
    app: &'a TestApp,
    crm: &'a HttpsEndpoint,
}

impl Hands<'_> {
    async fn call(&self, method: Method, path: String, body: Value) -> Value {
        let answer = self.app.call(method.clone(), &path, Some(&body)).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.json());
        answer.json()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, format!("{path}{P}"), body).await
    }
}

const P: &str = "?publisher=contoso";

/// Sets up all that a publisher sets up, and takes some of it away again. Gives the route that is left.
async fn set_up(hands: &Hands<'_>) -> String {
    hands.call(Method::POST, "/v1/publishers".to_owned(), json!({ "id": "contoso" })).await;
    hands.post("/v1/offers", json!({ "id": "crm-pro" })).await;
    hands.post("/v1/offers", json!({ "id": "gone" })).await;
    hands.call(Method::DELETE, format!("/v1/offers/gone{P}"), Value::Null).await;
    let settings = json!({ "url": hands.crm.url() });
    for name in ["crm", "mail", "gone"] {
        hands.post("/v1/destinations", json!({ "name": name, "kind": "https", "settings": settings })).await;
    }
    hands.call(Method::DELETE, format!("/v1/destinations/gone{P}"), Value::Null).await;
    let change = json!({ "settings": { "in_flight": 2 } });
    hands.call(Method::PATCH, format!("/v1/destinations/crm{P}"), change).await;
    for act in ["pause", "resume", "test-lead"] {
        hands.post(&format!("/v1/destinations/crm/{act}"), json!({})).await;
    }
    hands.post("/v1/destinations/crm/validate", json!({})).await;
    let route = hands.post("/v1/routes", json!({ "offer": "*", "destination": "crm" })).await["id"].clone();
    let route = route.as_str().unwrap();
    hands.post("/v1/routes/order", json!({ "routes": [route] })).await;
    hands.call(Method::PATCH, format!("/v1/routes/{route}{P}"), json!({ "stop": true })).await;
    let address = hands.post("/v1/intake-addresses", json!({ "offer": "crm-pro" })).await["id"].clone();
    hands
        .call(Method::DELETE, format!("/v1/intake-addresses/{}{P}", address.as_str().unwrap()), Value::Null)
        .await;
    let key = hands.post("/v1/keys", json!({ "title": "t", "role": "reader" })).await["id"].clone();
    hands.call(Method::DELETE, format!("/v1/keys/{}{P}", key.as_str().unwrap()), Value::Null).await;
    let user = json!({ "email": "bob@contoso.example", "role": "member" });
    let user = hands.post("/v1/users", user).await["id"].as_str().unwrap().to_owned();
    let link = hands.post(&format!("/v1/users/{user}/link"), json!({})).await["link"].clone();
    let bob = Visitor::by_link(hands.app, &path_of(link.as_str().unwrap()), "bob@contoso.example").await;
    bob.set_up_factor().await;
    hands.call(Method::DELETE, format!("/v1/users/{user}/second-factor{P}"), Value::Null).await;
    let bob = UserId::parse(&user).unwrap();
    let bond =
        Bond { issuer: "https://idp.example".into(), subject: "1".into(), bound_at: hands.app.clock.wall() };
    let whose = (Some(PublisherId::parse("contoso").unwrap()), bob);
    assert!(hands.app.app.store.bind(whose, "bob@contoso.example".to_owned(), bond).await.unwrap());
    hands.call(Method::DELETE, format!("/v1/users/{user}/company-account{P}"), Value::Null).await;
    hands.post("/v1/portal-links", json!({ "role": "reader" })).await;
    hands.call(Method::DELETE, format!("/v1/portal-links{P}"), Value::Null).await;
    hands.call(Method::DELETE, format!("/v1/users/{user}{P}"), Value::Null).await;
    hands.call(Method::PUT, format!("/v1/retention{P}"), json!({ "days": 0 })).await;
    hands.call(Method::PUT, format!("/v1/privacy{P}"), json!({ "readers_reveal": true })).await;
    route.to_owned()
}

/// Decides what people decide about leads.
async fn decide(hands: &Hands<'_>) {
    let app = hands.app;
    let one = app.send_lead("ada@example.com").await;
    let other = app.send_lead("ada.lovelace@example.com").await;
    app.wait_until_settled().await;
    let lead = async |touchpoint: &str| format!("lead_{}", touchpoint.trim_start_matches("tp_"));
    let (one, other) = (lead(&one).await, lead(&other).await);
    hands.post(&format!("/v1/leads/{one}/reveal"), json!({ "reason": "support" })).await;
    hands.post(&format!("/v1/leads/{one}/interest"), json!({ "interest": "active", "reason": "r" })).await;
    hands.post(&format!("/v1/leads/{one}/do-not-contact"), json!({ "reason": "r" })).await;
    hands.post(&format!("/v1/leads/{one}/permit-contact"), json!({ "reason": "r" })).await;
    hands.post(&format!("/v1/leads/{one}/feedback"), json!({ "outcome": "lost" })).await;
    app.wait_until_settled().await;
    hands.post(&format!("/v1/leads/{one}/merge"), json!({ "with": other, "reason": "r" })).await;
    app.wait_until_settled().await;
    hands.post(&format!("/v1/leads/{other}/unmerge"), json!({ "reason": "r" })).await;
    app.wait_until_settled().await;
    hands.post(&format!("/v1/leads/{other}/erase"), json!({ "reason": "r" })).await;
    hands.post("/v1/erasures", json!({ "email": "nobody@example.com", "reason": "r" })).await;
    app.wait_until_settled().await;
}

/// Puts deliveries back to work, follows up and routes anew.
async fn work(hands: &Hands<'_>) {
    let (app, crm) = (hands.app, hands.crm);
    crm.otherwise(Answer::status(422));
    app.send_lead("eve@example.com").await;
    app.wait_until_settled().await;
    let parked = app.get(&format!("/v1/deliveries{P}&state=parked")).await["items"][0]["id"].clone();
    hands.post(&format!("/v1/deliveries/{}/retry", parked.as_str().unwrap()), json!({})).await;
    app.wait_until_settled().await;
    crm.otherwise(Answer::status(200));
    hands.post("/v1/destinations/crm/retry-parked", json!({})).await;
    app.wait_until_settled().await;
    crm.otherwise(Answer::status(422));
    app.send_lead("ivy@example.com").await;
    app.wait_until_settled().await;
    let cause = app.get(&format!("/v1/failures{P}")).await["items"][0]["cause"].clone();
    let drop = format!("/v1/destinations/crm/drop-parked{P}&cause={}", cause.as_str().unwrap());
    hands.call(Method::POST, drop, json!({})).await;
    crm.otherwise(Answer::status(200));
    let one = quarantine(app, "kim@example.com").await;
    quarantine(app, "lee@example.com").await;
    hands.post(&format!("/v1/quarantine/{one}/retry"), json!({})).await;
    hands.post("/v1/quarantine/retry-waiting", json!({})).await;
    app.wait_until_settled().await;
    let words = json!({ "en": { "subject": "Hi", "text": "Dear {{customer.first_name}}" } });
    let follow_up =
        json!({ "offer": "*", "step": "initial", "audience": "team", "destination": "mail", "words": words });
    let follow_up = hands.post("/v1/follow-ups", follow_up).await["id"].clone();
    let follow_up = format!("/v1/follow-ups/{}{P}", follow_up.as_str().unwrap());
    hands.call(Method::PATCH, follow_up.clone(), json!({ "step": "active" })).await;
    hands.call(Method::DELETE, follow_up, Value::Null).await;
    let replay = hands.post("/v1/replays", json!({})).await["id"].clone();
    hands.post(&format!("/v1/replays/{}/stop", replay.as_str().unwrap()), json!({})).await;
}

/// Brings the offer live and back, and takes the route away.
async fn list(hands: &Hands<'_>, route: &str) {
    let listing: Value = serde_json::from_str(LISTING).unwrap();
    hands.call(Method::PUT, format!("/v1/offers/crm-pro/listing{P}"), listing).await;
    for act in ["preview", "go-live", "draft"] {
        hands.post(&format!("/v1/offers/crm-pro/{act}"), json!({})).await;
    }
    hands.call(Method::DELETE, format!("/v1/routes/{route}{P}"), Value::Null).await;
}

/// Changes the tables that hold for all, and the keys.
async fn rule(hands: &Hands<'_>) {
    let app = hands.app;
    hands
        .call(
            Method::POST,
            "/v1/interest-rules".to_owned(),
            json!({ "source": "*", "action": "INS", "interest": "active" }),
        )
        .await;
    hands.call(Method::DELETE, "/v1/interest-rules?source=*&action=INS".to_owned(), Value::Null).await;
    hands
        .call(
            Method::POST,
            "/v1/withhold-rules".to_owned(),
            json!({ "source": "*", "domain": "example.org" }),
        )
        .await;
    hands
        .call(Method::DELETE, "/v1/withhold-rules?source=*&domain=example.org".to_owned(), Value::Null)
        .await;
    let rules = app.get(&format!("/v1/identity-rules{P}")).await;
    hands.call(Method::PUT, format!("/v1/identity-rules{P}"), rules).await;
    hands.call(Method::DELETE, format!("/v1/identity-rules{P}"), Value::Null).await;
    hands.call(Method::POST, "/v1/secrets/rotate".to_owned(), json!({ "key": "publisher" })).await;
}

/// Says who is told of trouble, tries that, and mutes it for a while.
async fn tell(hands: &Hands<'_>) {
    let receivers = json!({ "receivers": ["mail"] });
    hands.call(Method::PUT, format!("/v1/notices/receivers{P}"), receivers).await;
    hands.post("/v1/notices/test", json!({})).await;
    hands.post("/v1/notices/mutes", json!({ "kind": "silent", "for_seconds": 60 })).await;
    hands.call(Method::DELETE, format!("/v1/notices/mutes{P}&kind=silent"), Value::Null).await;
}

/// Does everything that can be done, and gives what was told of it.
async fn do_everything(app: &TestApp, crm: &HttpsEndpoint) -> BTreeSet<String> {
    let hands = Hands { app, crm };
    let route = set_up(&hands).await;
    decide(&hands).await;
    work(&hands).await;
    list(&hands, &route).await;
    rule(&hands).await;
    tell(&hands).await;
    drop(mapped(app).await);
    hands.post("/v1/audit/checkpoint", json!({})).await;
    let view = json!({ "page": "deliveries", "name": "Parked", "query": "state=parked" });
    hands.post("/v1/views", view).await;
    hands.call(Method::DELETE, format!("/v1/views{P}&page=deliveries&name=Parked"), Value::Null).await;
    let told = entries(app, "contoso").await.into_iter().chain(entries(app, "").await);
    told.map(|it| it["action"].as_str().unwrap().to_owned()).collect()
}

/// What changes nothing of ours here: a replay may be over before it is stopped; preparing asks a system for what is there already; a suggestion to dismiss is for
/// the tests of merging, and a mail server for those of letters.
const ELSEWHERE: [&str; 6] = [
    "replay.stop",
    "replay.pause",
    "replay.resume",
    "destination.prepare",
    "suggestion.dismiss",
    "user.letter",
];

#[tokio::test]
async fn every_endpoint_that_changes_something_tells_of_it_once() {
    let app = TestApp::start().await;
    let crm = start_endpoint(&app.clock, None).await;
    let told = do_everything(&app, &crm).await;
    let known: BTreeSet<String> = changing().map(|it| name::action(it.method.as_str(), it.path)).collect();
    assert_eq!(known.len(), changing().count(), "each has a name of its own");
    let mut untold: Vec<&String> = known.difference(&told).collect();
    untold.retain(|it| !ONLY_ASK.contains(&it.as_str()) && !ELSEWHERE.contains(&it.as_str()));
    assert!(untold.is_empty(), "these changed something and did not tell: {untold:?}");
    assert!(ONLY_ASK.iter().all(|it| !told.contains(*it)), "what only asks has nothing to tell");
    // What an erasure wishes, and who makes one, is told as well; and a reader of names finds no person.
    let all = entries(&app, "contoso").await;
    let text = Value::from(all.clone()).to_string();
    assert!(!text.contains('@') && !text.to_lowercase().contains("lovelace"), "{text}");
    let erased = all.iter().find(|it| it["action"] == "lead.erase").unwrap();
    assert!(erased["subject"].as_str().unwrap().starts_with("lead_"), "{erased}");
    assert_eq!((&erased["role"], &erased["detail"]), (&json!("operator"), &json!("reason")));
    let once: Vec<&Value> = all.iter().filter(|it| it["action"] == "destination.update").collect();
    assert_eq!(once.len(), 1, "{once:?}");
    app.stop().await;
}

#[tokio::test]
async fn what_was_refused_or_changed_nothing_is_not_told() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let before = entries(&app, "").await.len();
    app.call(Method::POST, "/v1/publishers", Some(&json!({ "id": "contoso" }))).await.expect(409);
    app.call(Method::POST, "/v1/publishers", Some(&json!({ "id": "no name" }))).await.expect(422);
    assert_eq!(entries(&app, "").await.len(), before);
    app.stop().await;
}

/// Waits until the service has looked at its store once more.
pub(crate) async fn next_round(app: &TestApp, after: Duration) {
    let mut rounds = app.app.auditor.rounds();
    rounds.borrow_and_update();
    app.clock.advance(after);
    tokio::time::timeout(PATIENCE, rounds.changed())
        .await
        .expect("a round is made")
        .expect("the service runs");
}

#[tokio::test]
async fn the_log_is_signed_each_day_and_a_change_in_it_is_found() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let publisher = "contoso".to_owned();
    next_round(&app, Duration::from_secs(400)).await;
    let signed = app.app.store.last_checkpoint(publisher.clone()).await.unwrap().unwrap();
    assert_eq!(signed.number, 1, "the offer");
    app.post("/v1/offers?publisher=contoso", &json!({ "id": "erp" })).await;
    next_round(&app, Duration::from_secs(400)).await;
    assert_eq!(
        app.app.store.last_checkpoint(publisher.clone()).await.unwrap().unwrap().number,
        1,
        "once a day"
    );
    let asked = app.post("/v1/audit/checkpoint?publisher=contoso", &json!({})).await;
    assert_eq!(asked["number"], 2);
    assert!(app.app.render_metrics().contains("leadwire_audit_violations 0"));
    let sql = "UPDATE audit SET who = 'somebody else' WHERE publisher_id = 'contoso' AND number = 1";
    app.app.store.write(move |tx| tx.execute(sql, &[])).await.unwrap();
    next_round(&app, Duration::from_secs(400)).await;
    assert!(app.app.render_metrics().contains("leadwire_audit_violations 1"), "{}", app.app.render_metrics());
    let scope = leadwire_store::verify::Scope {
        now: leadwire_testkit::clock::START,
        bodies: leadwire_store::verify::Bodies::Hashed,
        holding: std::sync::Arc::default(),
        known: std::sync::Arc::default(),
        is_signed: None,
    };
    let found = Store::verify(&app.app.place(), &scope, |_| {}).unwrap().unwrap();
    assert_eq!(found.violations(), 1, "{:?}", found.shown);
    app.stop_damaged().await;
}

#[tokio::test]
async fn a_days_statement_says_what_came_and_where_it_went_and_stays() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    for email in ["ada@example.com", "bob@example.com"] {
        app.send_lead(email).await;
    }
    app.wait_until_settled().await;
    let path = "/v1/statements?publisher=contoso";
    next_round(&app, Duration::from_secs(400)).await;
    assert_eq!(app.get(path).await["items"], json!([]), "the day is not over");
    next_round(&app, DAY).await;
    let day = app.get(&format!("{path}&day=2026-11-20")).await["items"][0].clone();
    let said = &day["statement"];
    assert_eq!((&said["touchpoints"], &said["channels"]), (&json!(2), &json!({ "api": 2 })));
    let place = &said["destinations"][0];
    assert_eq!(
        (&place["name"], &place["accepted"], &place["delivered"]),
        (&json!("crm"), &json!(2), &json!(2))
    );
    assert_eq!(day["is_ours"], true);
    // What comes to be erased later is not taken out of what was said then: it names nobody.
    let leads = app.get("/v1/leads?publisher=contoso").await;
    let lead = leads["items"][0]["id"].as_str().unwrap();
    app.post(&format!("/v1/leads/{lead}/erase?publisher=contoso"), &json!({ "reason": "asked" })).await;
    app.wait_until_settled().await;
    next_round(&app, DAY).await;
    assert_eq!(app.get(&format!("{path}&day=2026-11-20")).await["items"][0], day);
    let days: Vec<Value> = app.get(path).await["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["statement"]["day"].clone())
        .collect();
    assert_eq!(days, [json!("2026-11-21"), json!("2026-11-20")]);
    app.stop().await;
}

#[tokio::test]
async fn the_command_finds_what_is_missing_with_the_service_running_or_not() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    let lead = app.send_lead("ada@example.com").await;
    app.wait_until_settled().await;
    let kept = app.post("/v1/audit/checkpoint?publisher=contoso", &json!({})).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("checkpoints.txt");
    std::fs::write(&file, kept.to_string()).unwrap();
    let look = ["audit", "verify", "--json", "--checkpoints", file.to_str().unwrap()];
    let verify = |folder: &Path| {
        let (code, said) = program::run_on(folder, &look);
        (code, serde_json::from_str::<Value>(said.lines().next().unwrap()).unwrap_or(json!(said)))
    };
    let (code, found) = verify(app.folder());
    assert_eq!((code, &found["holds"], &found["counted"]["deliveries"]), (Some(0), &json!(true), &json!(1)));
    assert_eq!(found["marks_checked"], true, "{found}");
    let account = &found["destinations"][0];
    assert_eq!((&account["destination"], &account["delivered"]), (&json!("crm"), &json!(1)), "{found}");
    // The end of the log is cut off, with the mark that tells of it: only what is kept elsewhere knows.
    let cut = "DELETE FROM audit WHERE publisher_id = 'contoso' AND number > 1";
    let marks = "DELETE FROM audit_checkpoint WHERE publisher_id = 'contoso'";
    app.app.store.write(move |tx| Ok((tx.execute(cut, &[])?, tx.execute(marks, &[])?))).await.unwrap();
    assert_eq!(program::run_on(app.folder(), &look[..2]).0, Some(0));
    assert_eq!(verify(app.folder()).0, Some(1));
    let gone = "DELETE FROM touchpoint";
    app.app.store.write(move |tx| tx.execute(gone, &[])).await.unwrap();
    let folder = app.stop_damaged().await;
    let (code, said) = program::run_on(folder.path(), &look[..2]);
    assert!(code == Some(1) && said.contains("VIOLATION") && said.contains(&lead[3..]), "{said}");
    let nothing = tempfile::tempdir().unwrap();
    let (code, said) = program::run_on_file(nothing.path(), &look[..2]);
    assert!(code == Some(3) && said.contains("--data"), "{said}");
}
