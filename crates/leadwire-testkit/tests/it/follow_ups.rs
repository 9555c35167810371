//! Follow-ups over the whole program: who is written to once their interest rises, in which words, and who never is.

use http::Method;
use leadwire::config::Config;
use leadwire_sandbox::https_endpoint::HttpsEndpoint;
use leadwire_sandbox::smtp::{MailSandbox, Options, start as start_mail};
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::clock::TestClock;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const SECOND: Duration = Duration::from_secs(1);

/// A publisher with a CRM, a mail server to write to customers, and an endpoint where the team is told.
struct Rig {
    app: TestApp,
    crm: HttpsEndpoint,
    team: HttpsEndpoint,
    mail: MailSandbox,
}

impl Rig {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let app = TestApp::start_in(folder, Arc::new(TestClock::default()), change).await;
        app.add_contoso().await;
        let crm = start_endpoint(&app.clock, None).await;
        app.add_destination("crm", json!({ "url": crm.url() })).await;
        let team = start_endpoint(&app.clock, None).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mail = start_mail(listener, Options::new("a password"), Arc::new(|| 0)).unwrap();
        let rig = Self { app, crm, team, mail };
        rig.add_carrier("to-team", "https", json!({ "url": rig.team.url() })).await;
        rig.add_carrier("mail", "email", rig.mail.destination_settings()).await;
        rig
    }

    async fn add_carrier(&self, name: &str, kind: &str, settings: Value) {
        let new = json!({ "name": name, "kind": kind, "settings": settings });
        self.app.post("/v1/destinations?publisher=contoso", &new).await;
    }

    async fn follow(&self, step: &str, audience: &str, destination: &str, more: Value) -> String {
        let mut new = json!({
            "offer": "*", "step": step, "audience": audience, "destination": destination,
            "words": {
                "en": { "subject": format!("{step}: {{{{offer_title}}}}"), "text": "Dear {{customer.name}}" },
                "hu": { "subject": "Köszönjük", "text": "Kedves {{customer.name}}" },
            },
        });
        for (name, value) in more.as_object().unwrap() {
            new[name] = value.clone();
        }
        let made = self.app.post("/v1/follow-ups?publisher=contoso", &new).await;
        made["id"].as_str().unwrap().to_owned()
    }

    async fn act(&self, action: &str, email: &str, more: Value) -> Value {
        let mut lead = json!({
            "source": "SPZA", "action": action, "offer": "contoso.crm-pro",
            "customer": { "first_name": "Ada", "last_name": "Lovelace", "email": email },
        });
        for (name, value) in more.as_object().unwrap() {
            lead[name] = value.clone();
        }
        self.app.clock.advance(SECOND);
        self.app.post("/v1/leads", &lead).await
    }

    /// The deliveries to a destination, newest first: state and cause.
    async fn owed(&self, destination: &str) -> Vec<(String, String)> {
        let path = format!("/v1/deliveries?publisher=contoso&destination={destination}");
        let page = self.app.get(&path).await;
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        page["items"].as_array().unwrap().iter().map(|it| (text(&it["state"]), text(&it["cause"]))).collect()
    }

    /// The subjects that customers got, with whom they went to, in any order.
    fn letters(&self) -> Vec<(String, String)> {
        let subject = |content: &str| {
            let line = content.lines().find_map(|it| it.strip_prefix("Subject: "));
            line.unwrap_or_default().to_owned()
        };
        let mut letters: Vec<_> =
            self.mail.messages().iter().map(|it| (it.to.join(","), subject(&it.content))).collect();
        letters.sort();
        letters
    }

    /// What the team was told, oldest first: the words' subject and text.
    fn told(&self) -> Vec<(String, String)> {
        let body = |it: &[u8]| serde_json::from_slice::<Value>(it).unwrap();
        let all = self.team.received().into_iter().map(|it| body(&it.body));
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        all.map(|it| {
            assert_eq!(it["type"], "lead.follow_up");
            (text(&it["data"]["message"]["subject"]), text(&it["data"]["message"]["text"]))
        })
        .collect()
    }
}

fn consent(at: &str) -> Value {
    json!({ "consent": { "shared": true, "text_version": "2026-01", "at": at } })
}

const EARLY: &str = "2026-01-01T00:00:00Z";

#[tokio::test]
async fn each_step_of_an_offer_is_followed_up_once_and_in_the_customers_language() {
    let rig = Rig::start().await;
    rig.follow("initial", "customer", "mail", json!({})).await;
    rig.follow("active", "customer", "mail", json!({})).await;
    rig.follow("active", "team", "to-team", json!({})).await;
    let with = |more: Value| {
        let mut all = consent(EARLY);
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let titled = json!({ "offer_title": "CRM Pro" });
    rig.act("StartTestDrive", "ada@example.com", with(titled.clone())).await;
    rig.act("INS", "ada@example.com", with(titled.clone())).await;
    rig.act("PLT", "ada@example.com", with(titled.clone())).await;
    rig.act("INS", "ada@example.com", with(titled.clone())).await;
    rig.act("PLT", "ilona@example.com", with(json!({ "custom": { "language": "hu" } }))).await;
    rig.app.wait_until_settled().await;
    assert_eq!(
        rig.letters(),
        [
            ("ada@example.com".to_owned(), "active: CRM Pro".to_owned()),
            ("ada@example.com".to_owned(), "initial: CRM Pro".to_owned()),
            ("ilona@example.com".to_owned(), "=?utf-8?b?S8O2c3rDtm5qw7xr?=".to_owned()),
        ]
    );
    // Who asks to be contacted at once gets the words for that and no others.
    assert_eq!(rig.owed("mail").await.len(), 3);
    let mut told = rig.told();
    told.sort();
    let dear = "Dear Ada Lovelace".to_owned();
    assert_eq!(
        told,
        [("active: CRM Pro".to_owned(), dear.clone()), ("active: contoso.crm-pro".to_owned(), dear)]
    );
    assert_eq!(rig.crm.received().len(), 5, "leads go where they went without follow-ups");
    let ledger = rig.app.ledger().await;
    assert_eq!(ledger["adds_up"], true, "{ledger}");
    rig.app.stop().await;
}

#[tokio::test]
async fn without_consent_an_address_or_a_present_action_no_customer_is_written_to() {
    let rig = Rig::start().await;
    rig.follow("initial", "customer", "mail", json!({})).await;
    rig.act("INS", "silent@example.com", json!({})).await;
    let mut nobody = consent(EARLY);
    nobody["customer"] = json!({ "phone": "+36201234567", "last_name": "Kovács" });
    rig.act("INS", "", nobody).await;
    rig.act("INS", "no@example.com", json!({ "consent": { "shared": false } })).await;
    // Neither leaves a trace: nothing follows a test, or an action from a file of old leads.
    let mut test = consent(EARLY);
    test["test"] = json!(true);
    rig.act("INS", "test@example.com", test).await;
    let mut old = consent(EARLY);
    old["occurred_at"] = json!("2020-01-01T00:00:00Z");
    rig.act("INS", "old@example.com", old).await;
    rig.act("INS", "old@example.com", consent(EARLY)).await;
    rig.app.wait_until_settled().await;
    let held = |why: &str| ("suppressed".to_owned(), why.to_owned());
    assert_eq!(rig.owed("mail").await, [held("do_not_contact"), held("no_address"), held("no_consent")]);
    assert!(rig.letters().is_empty());
    rig.app.stop().await;
}

#[tokio::test]
async fn a_wish_not_to_be_contacted_holds_every_follow_up_that_waits() {
    let rig = Rig::start().await;
    rig.follow("initial", "customer", "mail", json!({})).await;
    let digest = json!({ "digest_at": "03:00" });
    rig.follow("initial", "team", "to-team", digest).await;
    rig.app.post("/v1/destinations/mail/pause?publisher=contoso", &json!({})).await;
    rig.act("INS", "ada@example.com", consent(EARLY)).await;
    assert_eq!(rig.owed("mail").await[0].0, "pending");
    assert_eq!(rig.owed("to-team").await[0].0, "pending", "it is collected for the night");
    rig.act("DNC", "ada@example.com", json!({})).await;
    let held = ("suppressed".to_owned(), "do_not_contact".to_owned());
    assert_eq!((rig.owed("mail").await, rig.owed("to-team").await), (vec![held.clone()], vec![held]));
    rig.app.post("/v1/destinations/mail/resume?publisher=contoso", &json!({})).await;
    rig.app.clock.advance(Duration::from_secs(24 * 3600));
    rig.app.wait_until_settled().await;
    assert!(rig.letters().is_empty() && rig.told().is_empty(), "a message is not taken back by another one");
    rig.app.stop().await;
}

/// The numbers from 0 in every order.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for order in orders(last) {
        for at in 0..count {
            let mut longer = order.clone();
            longer.insert(at, last);
            all.push(longer);
        }
    }
    all
}

#[tokio::test]
async fn in_whatever_order_a_customer_says_it_no_means_no() {
    let rig = Rig::start().await;
    rig.follow("initial", "customer", "mail", json!({})).await;
    rig.follow("active", "customer", "mail", json!({})).await;
    rig.follow("active", "team", "to-team", json!({})).await;
    for carrier in ["mail", "to-team"] {
        rig.app.post(&format!("/v1/destinations/{carrier}/pause?publisher=contoso"), &json!({})).await;
    }
    let said = [
        ("INS", consent(EARLY)),
        ("PLT", consent(EARLY)),
        ("DNC", json!({})),
        ("Create", json!({ "consent": { "shared": false } })),
    ];
    let all = orders(said.len());
    assert_eq!(all.len(), 24);
    for (number, order) in all.iter().enumerate() {
        let email = format!("customer-{number}@example.com");
        let mut is_refused = false;
        for at in order {
            let (action, more) = &said[*at];
            let before = rig.crm.received().len();
            rig.act(action, &email, more.clone()).await;
            is_refused |= *at >= 2;
            rig.app
                .wait_for("/v1/ledger?publisher=contoso", |it| it["destinations"][0]["pending"] == 0)
                .await;
            for it in rig.crm.received().iter().skip(before) {
                let body: Value = serde_json::from_slice(&it.body).unwrap();
                assert_eq!(body["data"]["do_not_contact"], is_refused, "{order:?} {body}");
            }
        }
    }
    for carrier in ["mail", "to-team"] {
        rig.app.post(&format!("/v1/destinations/{carrier}/resume?publisher=contoso"), &json!({})).await;
    }
    rig.app.wait_until_settled().await;
    assert!(rig.letters().is_empty() && rig.told().is_empty());
    assert!(!rig.owed("mail").await.is_empty(), "there was something to hold back");
    rig.app.stop().await;
}

#[tokio::test]
async fn a_digest_waits_for_its_minute_and_a_removed_follow_up_says_nothing() {
    let rig = Rig::start().await;
    // The clock of tests begins in the morning.
    let id = rig.follow("initial", "team", "to-team", json!({ "digest_at": "03:00" })).await;
    for email in ["ada@example.com", "grace@example.com"] {
        rig.act("INS", email, json!({})).await;
    }
    rig.app.wait_for("/v1/ledger?publisher=contoso", |it| it["destinations"][0]["delivered"] == 2).await;
    assert!(rig.told().is_empty());
    rig.app.clock.advance(Duration::from_secs(24 * 3600));
    rig.app.wait_until_settled().await;
    assert_eq!(rig.told().len(), 2);
    rig.act("INS", "edith@example.com", json!({})).await;
    rig.app.call(Method::DELETE, &format!("/v1/follow-ups/{id}?publisher=contoso"), None).await.expect(204);
    rig.app.clock.advance(Duration::from_secs(24 * 3600));
    rig.app.wait_until_settled().await;
    assert_eq!((rig.told().len(), rig.owed("to-team").await[0].1.as_str()), (2, "follow_up_removed"));
    rig.app.stop().await;
}

#[tokio::test]
async fn bad_follow_ups_say_what_is_wrong_and_how_one_reads_is_shown() {
    let rig = Rig::start().await;
    let words = json!({ "en": { "subject": "Hi", "text": "Dear {{customer.first_name}}" } });
    let good = json!({ "offer": "*", "step": "initial", "audience": "customer", "destination": "mail", "words": words });
    let refused = async |change: Value, status: u16, code: &str, pointer: &str| {
        let mut new = good.clone();
        for (name, value) in change.as_object().unwrap() {
            new[name] = value.clone();
        }
        let answer = rig.app.call(Method::POST, "/v1/follow-ups?publisher=contoso", Some(&new)).await;
        let problem = answer.expect(status);
        assert_eq!(
            (problem["code"].as_str(), &problem["errors"][0]["pointer"]),
            (Some(code), &json!(pointer)),
            "{problem}"
        );
    };
    refused(json!({ "step": "hot" }), 422, "bad_step", "/step").await;
    refused(json!({ "audience": "all" }), 422, "bad_audience", "/audience").await;
    refused(json!({ "offer": "crm-max" }), 422, "unknown_offer", "/offer").await;
    refused(json!({ "destination": "crm-2" }), 422, "unknown_destination", "/destination").await;
    refused(json!({ "destination": "crm" }), 409, "destination_in_use", "/destination").await;
    refused(json!({ "digest_at": "03:00" }), 422, "not_for_customers", "/digest_at").await;
    refused(json!({ "digest_at": "3:00", "audience": "team" }), 422, "bad_time", "/digest_at").await;
    refused(json!({ "digest_at": "03:00", "audience": "team" }), 422, "does_not_collect", "/digest_at").await;
    refused(json!({ "words": {} }), 422, "missing", "/words").await;
    refused(json!({ "words": { "de": words["en"] } }), 422, "unknown_language", "/words").await;
    let nick = json!({ "en": { "subject": "Hi", "text": "{{customer.nick}}" } });
    refused(json!({ "words": nick }), 422, "bad_words", "/words/en/text").await;
    let id = rig.app.post("/v1/follow-ups?publisher=contoso", &good).await["id"].as_str().unwrap().to_owned();
    refused(json!({}), 409, "taken", "/offer").await;
    // A route and a follow-up share no destination, whichever comes first.
    let route = json!({ "offer": "*", "destination": "mail" });
    rig.app.call(Method::POST, "/v1/routes?publisher=contoso", Some(&route)).await.expect(409);

    let path = format!("/v1/follow-ups/{id}/preview?publisher=contoso");
    let lead = json!({ "customer": { "first_name": "Ada", "email": "ada@example.com" } });
    let shown = rig.app.post(&path, &json!({ "lead": lead })).await;
    assert_eq!((&shown["text"], &shown["would_be_sent"]), (&json!("Dear Ada"), &json!(false)));
    assert!(shown["because"].as_str().unwrap().contains("consent"), "{shown}");
    let kept = rig.act("INS", "ada@example.com", consent(EARLY)).await["id"].clone();
    assert_eq!(rig.app.post(&path, &json!({ "touchpoint": kept })).await["would_be_sent"], true);
    rig.app.call(Method::POST, &path, Some(&json!({}))).await.expect(422);
    // New words count for what is owed.
    let change = json!({ "words": { "en": { "subject": "Ahoy", "text": "x" } } });
    let path = format!("/v1/follow-ups/{id}?publisher=contoso");
    rig.app.call(Method::PATCH, &path, Some(&change)).await.expect(200);
    assert_eq!(rig.app.get("/v1/follow-ups?publisher=contoso").await["items"][0]["words"], change["words"]);
    rig.app.wait_until_settled().await;
    rig.app.stop().await;
}

#[tokio::test]
async fn one_press_on_the_link_in_a_message_stops_everything_and_is_told_to_the_crm() {
    let rig =
        Rig::start_with(|config| config.public_url = Some("https://leads.example.com".to_owned())).await;
    rig.follow("initial", "customer", "mail", json!({})).await;
    rig.follow("active", "customer", "mail", json!({})).await;
    rig.act("INS", "ada@example.com", consent(EARLY)).await;
    rig.app.wait_until_settled().await;
    let letter = rig.mail.messages().remove(0).content.replace("\r\n ", "");
    let header = letter.lines().find_map(|it| it.strip_prefix("List-Unsubscribe: <")).unwrap();
    let path = header.trim_end_matches('>').strip_prefix("https://leads.example.com").unwrap();
    assert!(letter.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"));

    let call = async |method: Method, path: &str, language: &str| {
        let headers = [("accept-language", language), ("content-type", "application/x-www-form-urlencoded")];
        let body = if method == Method::POST { "List-Unsubscribe=One-Click" } else { "" };
        let answer = rig.app.raw(method, path, &headers, body.into()).await;
        (answer.status, String::from_utf8(answer.body.to_vec()).unwrap())
    };
    let (status, page) = call(Method::GET, path, "hu").await;
    assert!(status == 200 && page.contains("Nem kérek több üzenetet") && page.contains("contoso"), "{page}");
    // Programs that look at every link change nothing.
    rig.act("INS", "ada@example.com", consent(EARLY)).await;
    rig.app.wait_until_settled().await;
    let last = |rig: &Rig| serde_json::from_slice::<Value>(&rig.crm.received().last().unwrap().body).unwrap();
    assert_eq!((rig.crm.received().len(), &last(&rig)["data"]["do_not_contact"]), (2, &json!(false)));

    let (status, page) = call(Method::POST, path, "tr").await;
    assert!(status == 200 && page.contains("Tamam"), "{page}");
    rig.app.wait_until_settled().await;
    assert_eq!((rig.crm.received().len(), &last(&rig)["data"]["do_not_contact"]), (3, &json!(true)));
    // Once more is no second wish, and the next step says nothing.
    assert_eq!(call(Method::POST, path, "en").await.0, 200);
    rig.act("PLT", "ada@example.com", consent(EARLY)).await;
    rig.app.wait_until_settled().await;
    assert_eq!((rig.mail.messages().len(), rig.app.ledger().await["touchpoints"].clone()), (1, json!(4)));

    let forged = format!("{}0", &path[..path.len() - 1]);
    let forged = if forged == path { format!("{}1", &path[..path.len() - 1]) } else { forged };
    for wrong in [forged.as_str(), "/stop/x", "/stop/contoso.lead_00000000000000000000000007.", "/stop/é"] {
        assert_eq!(call(Method::GET, wrong, "en").await.0, 404, "{wrong}");
        assert_eq!(call(Method::POST, wrong, "en").await.0, 404, "{wrong}");
    }
    rig.app.stop().await;
}
