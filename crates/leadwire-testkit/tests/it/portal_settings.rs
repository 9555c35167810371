//! Settings in the portal: every matter's page, each form done well and done badly, without a script.

use crate::audit::next_round;
use http::Method;
use leadwire_sandbox::https_endpoint::Answer as Reply;
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::portal::{PASSWORD, Visitor, text};
use serde_json::json;
use std::time::Duration;

async fn contoso() -> TestApp {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app
}

/// A form that was refused says so on top and beside the field, and keeps what was typed.
fn is_refused(page: &str, id: &str) -> bool {
    page.contains("role=\"alert\"") && page.contains(&format!("id=\"{id}-wrong\""))
}

#[tokio::test]
async fn a_key_is_shown_once_lets_a_program_in_and_is_revoked() {
    let app = contoso().await;
    let ada = Visitor::operator(&app).await;
    let bob = Visitor::of_contoso(&app, "publisher").await;
    let path = "/settings/keys";
    let nameless = bob.act(path, &[("title", " "), ("role", "sender"), ("expires_in_days", "7")]).await;
    assert_eq!((nameless.status, is_refused(&text(&nameless), "key-title")), (422, true));
    assert!(text(&nameless).contains("value=\"7\""), "what was typed stays");
    let wrong = bob.act(path, &[("title", "site"), ("role", "sender"), ("expires_in_days", "soon")]).await;
    assert_eq!((wrong.status, is_refused(&text(&wrong), "key-expires-in-days")), (422, true));
    let above = bob.act(path, &[("title", "site"), ("role", "operator"), ("expires_in_days", "")]).await;
    assert!([403, 422].contains(&above.status), "nobody gives more than they have");
    let made = bob.act(path, &[("title", "site"), ("role", "sender"), ("expires_in_days", "7")]).await;
    assert_eq!(made.status, 201, "{}", text(&made));
    let page = text(&made);
    let key = page.split_once("<code class=\"link\">").unwrap().1.split('<').next().unwrap().to_owned();
    assert!(!bob.read(path).await.contains(&key), "it is shown once");
    let lead = json!({ "offer": "contoso.crm-pro", "customer": { "email": "x@example.com" } });
    let bearer = format!("Bearer {key}");
    let send = async || {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        app.raw(Method::POST, "/v1/leads", &headers, lead.to_string().into()).await.status
    };
    assert_eq!(send().await, 202);
    let id = app.get("/v1/keys?publisher=contoso").await["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(bob.act(&format!("{path}/{id}/revoke"), &[]).await.status, 303);
    assert_eq!(send().await, 401);
    assert!(bob.read(path).await.contains("No key yet"));
    let own = ada.act(path, &[("title", "backup"), ("role", "operator"), ("expires_in_days", "")]).await;
    assert_eq!((own.status, text(&own).contains("never")), (201, true));
    assert!(!bob.read(path).await.contains("backup"), "an operator's key is nobody else's to see");
    app.stop().await;
}

#[tokio::test]
async fn somebody_is_named_who_is_told_tried_out_and_spared_for_a_while() {
    let app = contoso().await;
    let bob = Visitor::of_contoso(&app, "publisher").await;
    let path = "/settings/alerts";
    let page = bob.read(path).await;
    assert!(page.contains("Nobody is told of trouble yet") && page.contains("/connect/email"), "{page}");
    let pager = start_endpoint(&app.clock, None).await;
    app.add_destination("pager", json!({ "url": pager.url() })).await;
    let nobody = bob.act(&format!("{path}/test"), &[]).await;
    assert_eq!(nobody.status, 409, "{}", text(&nobody));
    assert!(text(&nobody).contains("role=\"alert\"") && text(&nobody).contains("nobody is named"));
    let unknown = bob.act(&format!("{path}/receivers"), &[("receivers.0", "gone")]).await;
    assert_eq!((unknown.status, is_refused(&text(&unknown), "receivers-receivers-0")), (422, true));
    assert_eq!(bob.act(&format!("{path}/receivers"), &[("receivers.1", "pager")]).await.status, 303);
    let told = bob.act(&format!("{path}/test"), &[("receiver", "pager")]).await;
    assert!(text(&told).contains("Arrived"), "{}", text(&told));
    pager.otherwise(Reply::status(401));
    let refused = bob.act(&format!("{path}/test"), &[("receiver", "pager")]).await;
    assert!(text(&refused).contains("Did not arrive"), "{}", text(&refused));
    let mute = [("kind", "silent"), ("destination", "pager"), ("for_seconds", "86400")];
    for wrong in
        [("for_seconds", "a while"), ("for_seconds", "0"), ("kind", "noise"), ("destination", "gone")]
    {
        let fields: Vec<(&str, &str)> =
            mute.iter().map(|it| if it.0 == wrong.0 { wrong } else { *it }).collect();
        let id = format!("mute-{}", wrong.0.replace('_', "-"));
        let answer = bob.act(&format!("{path}/mute"), &fields).await;
        assert_eq!((answer.status, is_refused(&text(&answer), &id)), (422, true), "{wrong:?}");
    }
    assert_eq!(bob.act(&format!("{path}/mute"), &mute).await.status, 303);
    assert!(bob.read(path).await.contains("Tell again"));
    assert_eq!(bob.act(&format!("{path}/unmute"), &mute[..2]).await.status, 303);
    assert!(bob.read(path).await.contains("Nothing is muted"));
    app.stop().await;
}

#[tokio::test]
async fn an_operator_names_who_hears_of_the_service_itself() {
    let app = contoso().await;
    let pager = start_endpoint(&app.clock, None).await;
    app.add_destination("pager", json!({ "url": pager.url() })).await;
    let ada = Visitor::operator(&app).await;
    let path = "/settings/alerts/receivers";
    let own = ("whose", "operator");
    let wrong = ada.act(path, &[own, ("receivers", "contoso/pager\npager")]).await;
    assert_eq!((wrong.status, is_refused(&text(&wrong), "receivers-receivers")), (422, true));
    assert!(text(&wrong).contains("contoso/pager\npager"), "what was typed stays");
    assert_eq!(ada.act(path, &[own, ("receivers", "contoso/pager")]).await.status, 303);
    let named = app.get("/v1/notices/receivers").await;
    assert_eq!(named["items"][0]["name"], "contoso/pager");
    assert!(ada.read("/settings/alerts?whose=operator").await.contains("contoso/pager"));
    let bob = Visitor::of_contoso(&app, "publisher").await;
    bob.act(path, &[own, ("receivers", "")]).await;
    assert_eq!(app.get("/v1/notices/receivers").await, named, "whose they are is not for a field to say");
    app.stop().await;
}

#[tokio::test]
async fn nobody_is_erased_by_a_slip_of_the_retention() {
    let app = contoso().await;
    let bob = Visitor::of_contoso(&app, "publisher").await;
    let path = "/settings/retention";
    let days = async || app.get("/v1/retention?publisher=contoso").await["days"].clone();
    for wrong in ["", "a year", "-1", "99999999", "36501"] {
        let answer = bob.act(path, &[("days", wrong), ("sure", "yes")]).await;
        assert_eq!((answer.status, is_refused(&text(&answer), "retention-days")), (422, true), "{wrong}");
    }
    let unsure = bob.act(path, &[("days", "30")]).await;
    assert_eq!((unsure.status, is_refused(&text(&unsure), "retention-sure")), (422, true));
    assert_eq!(days().await, 0);
    assert_eq!(bob.act(path, &[("days", "30"), ("sure", "yes")]).await.status, 303);
    assert_eq!(days().await, 30);
    assert_eq!(bob.act(path, &[("days", "60")]).await.status, 303, "longer erases nobody");
    assert_eq!(bob.act(path, &[("days", "0")]).await.status, 303);
    assert_eq!(days().await, 0);
    app.stop().await;
}

const WORDS: [(&str, &str); 6] = [
    ("offer", "*"),
    ("step", "initial"),
    ("audience", "customer"),
    ("destination", "mail"),
    ("words.en.subject", "Thank you for {{offer_title}}"),
    ("words.en.text", "Dear {{customer.first_name | default('customer')}},\r\n\r\nwe write soon."),
];

#[tokio::test]
async fn a_follow_up_is_written_looked_at_changed_and_removed() {
    let app = contoso().await;
    let bob = Visitor::of_contoso(&app, "publisher").await;
    let list = "/settings/follow-ups";
    assert!(bob.read(list).await.contains("/connect/email"), "first somebody must be able to say it");
    let mail = start_endpoint(&app.clock, None).await;
    let new = json!({ "name": "mail", "kind": "https", "settings": { "url": mail.url() } });
    app.post("/v1/destinations?publisher=contoso", &new).await;
    let path = "/settings/follow-ups/new";
    assert!(bob.read(list).await.contains(path));
    let with = |name: &'static str, value: &'static str| {
        WORDS.map(|it| if it.0 == name { (name, value) } else { it }).to_vec()
    };
    let bad = [
        ("words.en.text", "Dear {{customer.first_name", "follow-up-words-en-text"),
        ("destination", "gone", "follow-up-destination"),
        ("step", "warm", "follow-up-step"),
        ("audience", "everybody", "follow-up-audience"),
        ("offer", "fabrikam.erp", "follow-up-offer"),
    ];
    for (name, value, id) in bad {
        let answer = bob.act(path, &with(name, value)).await;
        assert_eq!((answer.status, is_refused(&text(&answer), id)), (422, true), "{name}: {}", text(&answer));
    }
    let late = bob.act(path, &[&WORDS[..], &[("digest_at", "07:30")]].concat()).await;
    assert_eq!((late.status, is_refused(&text(&late), "follow-up-digest-at")), (422, true));
    let wordless = bob.act(path, &WORDS[..4]).await;
    assert_eq!((wordless.status, text(&wordless).contains("role=\"alert\"")), (422, true));
    let made = bob.act(path, &WORDS).await;
    assert_eq!(made.status, 303, "{}", text(&made));
    let kept = app.get("/v1/follow-ups?publisher=contoso").await["items"][0].clone();
    let one = format!("{list}/{}", kept["id"].as_str().unwrap());
    let twice = bob.act(path, &WORDS).await;
    assert_eq!((twice.status, is_refused(&text(&twice), "follow-up-offer")), (409, true));
    let reader = ("lead.customer.first_name", "Grace");
    let lead = [("lead.offer", "contoso.crm-pro"), reader, ("lead.customer.email", "grace@example.com")];
    let held = text(&bob.act(&format!("{one}/preview"), &lead).await);
    assert!(held.contains("It would not be sent") && held.contains("Dear Grace,"), "{held}");
    assert!(held.contains("value=\"grace@example.com\""), "what was typed stays");
    let agreed = [&lead[..], &[("consents", "yes")]].concat();
    let shown = text(&bob.act(&format!("{one}/preview"), &agreed).await);
    assert!(shown.contains("It would be sent"), "{shown}");
    let bad = bob.act(&format!("{one}/preview"), &[("lead.offer", "nonsense"), reader]).await;
    assert_eq!((bad.status, text(&bad).contains("role=\"alert\"")), (422, true));
    let wrong = bob.act(&format!("{one}/save"), &with("words.en.text", "{{nothing.such}}")).await;
    assert_eq!((wrong.status, is_refused(&text(&wrong), "follow-up-words-en-text")), (422, true));
    let hungarian = [&WORDS[..], &[("words.hu.subject", "Köszönjük"), ("words.hu.text", "Hamarosan írunk.")]];
    assert_eq!(bob.act(&format!("{one}/save"), &hungarian.concat()).await.status, 303);
    let kept = app.get("/v1/follow-ups?publisher=contoso").await["items"][0].clone();
    assert_eq!(kept["words"]["hu"]["subject"], "Köszönjük");
    assert!(kept["words"]["en"]["text"].as_str().unwrap().contains("},\n\nwe"), "paragraphs stay");
    assert_eq!(bob.act(&format!("{one}/remove"), &[]).await.status, 303);
    assert_eq!(bob.open(&one).await.status, 404);
    app.stop().await;
}

#[tokio::test]
async fn rules_are_changed_by_those_whose_they_are_and_come_back() {
    let app = contoso().await;
    let (ada, bob) = (Visitor::operator(&app).await, Visitor::of_contoso(&app, "publisher").await);
    let path = "/settings/identity";
    let good = [
        ("rules.0", "phone"),
        ("rules.1", "email"),
        ("scope", "offer"),
        ("shared_mailboxes", "info@a.example"),
    ];
    let twice = bob.act(path, &[("rules.0", "email"), ("rules.1", "email"), ("scope", "offer")]).await;
    assert_eq!((twice.status, text(&twice).contains("role=\"alert\"")), (422, true));
    let lines = [("rules.0", "email"), ("scope", "planet"), ("shared_mailboxes", "info@a.example\nnobody")];
    let wrong = text(&bob.act(path, &lines).await);
    assert!(
        is_refused(&wrong, "identity-scope") && is_refused(&wrong, "identity-shared-mailboxes"),
        "{wrong}"
    );
    assert_eq!(bob.act(path, &good).await.status, 303);
    let kept = async || app.get("/v1/identity-rules?publisher=contoso").await;
    assert_eq!((&kept().await["rules"], &kept().await["own"]), (&json!(["phone", "email"]), &json!(true)));
    assert_eq!(bob.act(&format!("{path}/reset"), &[]).await.status, 303);
    assert_eq!(kept().await["own"], false);
    let path = "/settings/interest";
    let row = [("source", "*"), ("action", "Webinar"), ("interest", "active")];
    assert_eq!(bob.act(path, &row).await.status, 403, "these hold for every publisher");
    let empty = ada.act(path, &[("source", "*"), ("action", ""), ("interest", "active")]).await;
    assert_eq!((empty.status, is_refused(&text(&empty), "interest-action")), (422, true));
    assert_eq!(ada.act(path, &row).await.status, 303);
    assert!(bob.read(path).await.contains("Webinar"));
    let page = ada.read(path).await;
    let place = page.split_once("name=\"row\" value=\"").expect("a button").1.split('"').next().unwrap();
    let place = place.replace("&#38;", "&");
    assert_eq!(place, "source=*&action=Webinar");
    assert_eq!(ada.act(&format!("{path}/reset"), &[("row", &place)]).await.status, 303);
    assert!(!bob.read(path).await.contains("Webinar"));
    assert_eq!(ada.act(path, &row).await.status, 303);
    assert_eq!(ada.act(&format!("{path}/reset"), &[]).await.status, 303, "all of them");
    assert!(!bob.read(path).await.contains("Webinar"));
    let path = "/settings/withhold";
    let wrong = ada.act(path, &[("source", "*"), ("domain", "no domain")]).await;
    assert_eq!((wrong.status, is_refused(&text(&wrong), "withhold-domain")), (422, true));
    let rule = [("source", "*"), ("domain", ".edu")];
    assert_eq!(bob.act(path, &rule).await.status, 403);
    assert_eq!(ada.act(path, &rule).await.status, 303);
    assert!(bob.read(path).await.contains(".edu"));
    assert_eq!(ada.act(&format!("{path}/remove"), &rule).await.status, 303);
    assert!(bob.read(path).await.contains("are withheld"));
    app.stop().await;
}

#[tokio::test]
async fn a_day_is_stated_and_kept_as_a_file() {
    let app = contoso().await;
    app.send_lead("ada@example.com").await;
    let mut bob = Visitor::of_contoso(&app, "reader").await;
    let path = "/settings/statements";
    assert!(bob.read(path).await.contains("No day is over yet"));
    next_round(&app, Duration::from_secs(26 * 3600)).await;
    let sign_in = [("email", "reader@contoso.com"), ("password", PASSWORD)];
    bob.keep(&bob.send("/sign-in", &sign_in).await);
    assert!(bob.read(path).await.contains("Ours"));
    let kept = app.get("/v1/statements?publisher=contoso").await["items"][0].clone();
    let day = kept["statement"]["day"].as_str().unwrap();
    let file = bob.open(&format!("{path}/{day}")).await;
    assert_eq!(file.json(), kept);
    assert_eq!(bob.open(&format!("{path}/1999-01-01")).await.status, 404);
    assert_eq!(bob.open(&format!("{path}/nonsense")).await.status, 422);
    app.stop().await;
}

#[tokio::test]
async fn everybody_finds_the_settings_that_are_theirs() {
    let app = contoso().await;
    for (role, first, hidden) in [
        ("publisher", "/users", ""),
        ("member", "/settings/alerts", "/settings/keys"),
        ("reader", "/settings/alerts", "/settings/keys"),
    ] {
        let visitor = Visitor::of_contoso(&app, role).await;
        let led = visitor.open("/settings").await;
        assert_eq!(led.headers["location"].to_str().unwrap(), first, "{role}");
        let page = visitor.read("/settings/alerts").await;
        assert!(hidden.is_empty() || !page.contains(hidden), "{role}");
        if role == "publisher" {
            continue;
        }
        for path in ["alerts", "follow-ups", "identity", "interest", "withhold", "retention"] {
            let page = visitor.read(&format!("/settings/{path}")).await;
            let forms = page.matches("action=\"/settings").count();
            assert_eq!(forms, 0, "{role} {path}: buttons are for those who may press them");
        }
        assert_eq!(visitor.open("/settings/follow-ups/new").await.status, 403, "{role}");
        for path in ["/settings/retention", "/settings/identity", "/settings/alerts/mute", "/settings/keys"] {
            let sent =
                [("days", "30"), ("sure", "yes"), ("for_seconds", "60"), ("title", "x"), ("role", "sender")];
            assert_eq!(visitor.act(path, &sent).await.status, 403, "{role} {path}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn pages_of_settings_stay_small_and_show_what_was_typed_as_text() {
    const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x>";
    let app = contoso().await;
    let ada = Visitor::operator(&app).await;
    for number in 0..60 {
        let key = json!({ "title": format!("{HOSTILE} {number}"), "role": "sender" });
        app.post("/v1/keys?publisher=contoso", &key).await;
        let view =
            json!({ "page": "audit", "name": format!("{HOSTILE} {}", number % 29), "query": "who=service" });
        app.post("/v1/views?publisher=contoso", &view).await;
    }
    for number in 0..180 {
        let row = json!({ "source": format!("{HOSTILE} {number}"), "action": "PLT", "interest": "active" });
        app.post("/v1/interest-rules", &row).await;
    }
    let lead = json!({ "offer": "contoso.crm-pro", "source": HOSTILE.repeat(4), "action": HOSTILE,
        "customer": { "email": "x@example.com" } });
    app.post("/v1/leads", &lead).await;
    app.clock.advance(Duration::from_secs(1));
    let pages =
        ["/settings/keys", "/settings/interest", "/audit", "/reports?by=source", "/go?find=%3Cscript%3E"];
    for path in pages {
        let page = ada.read(path).await;
        assert!(!page.contains("<script>alert") && !page.contains("<img"), "{path}");
        assert!(page.len() < 100_000, "{path}: {} bytes", page.len());
    }
    assert!(ada.read("/settings/keys").await.contains("20 more are there"));
    app.stop().await;
}
