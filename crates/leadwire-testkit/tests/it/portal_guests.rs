//! The portal within an operator's own site: links that open it once, what whoever comes may do, and who may hold it in a frame.

use crate::browser::other_site;
use bytes::Bytes;
use http::Method;
use leadwire_core::limits;
use leadwire_testkit::app::{Answer, TestApp};
use leadwire_testkit::clock::TestClock;
use leadwire_testkit::peers::{Language, ask};
use leadwire_testkit::portal::{Visitor, path_of, text};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const LINKS: &str = "/v1/portal-links?publisher=contoso";
const SHOP: &str = "https://shop.example.com";

async fn contoso() -> TestApp {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app
}

/// A service behind https that one site may show in a frame.
async fn embedded() -> TestApp {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let app = TestApp::start_in(folder, Arc::new(TestClock::default()), |it| {
        it.public_url = Some("https://leads.example.com".to_owned());
        it.apply("portal_embedders", SHOP, "test").expect("an origin");
    })
    .await;
    app.add_contoso().await;
    app
}

async fn link(app: &TestApp, role: &str) -> String {
    let made = app.post(LINKS, &json!({ "role": role, "accent": "#ffd400", "language": "hu" })).await;
    path_of(made["url"].as_str().unwrap())
}

/// Somebody who follows a link, and the answer.
async fn enter<'a>(app: &'a TestApp, role: &str) -> (Visitor<'a>, Answer) {
    let mut guest = Visitor::new(app);
    let answer = guest.open(&link(app, role).await).await;
    assert_eq!(answer.status, 303, "{}", text(&answer));
    guest.keep(&answer);
    (guest, answer)
}

fn policy(answer: &Answer) -> &str {
    answer.headers["content-security-policy"].to_str().unwrap()
}

#[tokio::test]
async fn a_link_opens_the_portal_once_for_one_publisher_and_one_role() {
    let app = contoso().await;
    app.post("/v1/publishers", &json!({ "id": "fabrikam" })).await;
    let path = link(&app, "member").await;
    let mut guest = Visitor::new(&app);
    let answer = guest.open(&path).await;
    guest.keep(&answer);
    assert!(guest.cookie.starts_with("leadwire_guest=lw_guest_"), "{}", guest.cookie);
    assert_eq!(answer.headers["location"].to_str().unwrap(), "/");
    assert_eq!(Visitor::new(&app).open(&path).await.status, 404, "it works once");
    let page = guest.read("/leads?publisher=fabrikam").await;
    assert!(page.contains("contoso") && !page.contains("fabrikam"));
    assert!(page.contains("/static/accent-ffd400.css"), "the site's own colour");
    for path in ["/account", "/account/password"] {
        assert!([404, 405].contains(&guest.open(path).await.status), "{path}: a guest has no account");
    }
    assert_eq!(guest.act("/account/password", &[]).await.status, 404);
    assert!(!guest.read("/deliveries?state=parked").await.contains("/views/save"));
    let view = [("page", "deliveries"), ("name", "Parked"), ("query", "state=parked")];
    assert_eq!(guest.act("/views/save", &view).await.status, 404, "a guest has nothing to come back to");
    assert_eq!(guest.open("/users").await.status, 403);
    app.send_lead("a@example.com").await;
    let leads = app.get("/v1/leads?publisher=contoso").await;
    let lead = leads["items"][0]["id"].as_str().unwrap().to_owned();
    let interest = [("interest", "active"), ("reason", "called us")];
    let path = format!("/leads/{lead}/interest");
    assert_eq!(guest.send(&path, &interest).await.status, 403, "a form without its mark does nothing");
    assert_eq!(guest.act(&path, &interest).await.status, 303);
    let (reader, _) = enter(&app, "reader").await;
    assert_eq!(reader.act(&path, &interest).await.status, 403);
    let told = app.get("/v1/audit?publisher=contoso").await;
    let items = told["items"].as_array().unwrap();
    let deed = items.iter().find(|it| it["action"] == "lead.interest").unwrap();
    assert!(deed["who"].as_str().unwrap().starts_with("pln_"), "{deed}");
    assert!(items.iter().any(|it| it["action"] == "portal_link.add" && it["subject"] == deed["who"]));
    app.stop().await;
}

#[tokio::test]
async fn a_link_is_not_used_up_by_whoever_only_looks_and_leads_nobody_out_of_their_own_session() {
    let app = contoso().await;
    let (ada, nobody) = (Visitor::operator(&app).await, Visitor::new(&app));
    let path = link(&app, "reader").await;
    assert_eq!(app.raw(Method::HEAD, &path, &[], Bytes::new()).await.status, 204);
    let ahead = [("sec-purpose", "prefetch")];
    assert_eq!(app.raw(Method::GET, &path, &ahead, Bytes::new()).await.status, 204);
    assert_eq!(ada.open(&path).await.status, 409, "whoever is signed in stays who they are");
    let (mut both, _) = enter(&app, "reader").await;
    both.cookie = format!("{}; {}", both.cookie, ada.cookie);
    assert!(both.read("/users").await.contains("ada@example.com"), "a session counts before a guest's");
    assert_eq!(nobody.open(&path).await.status, 303);
    let late = link(&app, "reader").await;
    app.clock.advance(Duration::from_secs(u64::from(limits::PORTAL_LINK_MINUTES) * 60));
    assert_eq!(nobody.open(&late).await.status, 404);
    for none in ["/enter/lw_open_nonsense", "/enter/x"] {
        assert_eq!(nobody.open(none).await.status, 404);
    }
    app.stop().await;
}

#[tokio::test]
async fn only_what_a_link_opened_is_shown_in_frames_and_only_of_named_sites() {
    let app = embedded().await;
    let shown = format!("frame-ancestors {SHOP};");
    let (guest, entered) = enter(&app, "reader").await;
    let set: Vec<_> = entered.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
    assert!(set[0].starts_with("__Host-leadwire_guest=lw_guest_") && set[1].starts_with("leadwire_look=hu."));
    for cookie in &set {
        assert!(cookie.contains("; Path=/") && cookie.contains("; HttpOnly"), "{cookie}");
        assert!(cookie.ends_with("; SameSite=None; Secure; Partitioned"), "{cookie}");
    }
    let framed = [("cookie", guest.cookie.as_str()), ("sec-fetch-dest", "iframe")];
    for path in ["/", "/leads", "/leads/none", "/users"] {
        let answer = app.raw(Method::GET, path, &framed, Bytes::new()).await;
        assert!(policy(&answer).contains(&shown), "{path}: {}", policy(&answer));
        assert!(!answer.headers.contains_key("x-frame-options"), "{path}");
        assert!(
            policy(&answer).contains("default-src 'none'") && policy(&answer).contains("form-action 'self'")
        );
    }
    let first = app.app.first_link().await.unwrap().unwrap();
    let fields = [("name", "Ada"), ("email", "ada@example.com"), ("password", "correct horse battery")];
    let fields = [&fields[..], &[("again", "correct horse battery")]].concat();
    let origin = [("origin", "https://leads.example.com")];
    let mut ada = Visitor::new(&app);
    let used = ada.send_with(&path_of(first.expose()), &fields, &origin).await;
    assert!(used.headers["set-cookie"].to_str().unwrap().ends_with("; SameSite=Lax; Secure"));
    ada.keep(&used);
    let kept_out = [
        ada.open("/leads").await,
        Visitor::new(&app).open("/sign-in").await,
        Visitor::new(&app).open("/leads").await,
        app.raw(
            Method::GET,
            "/leads",
            &[("cookie", &ada.cookie), ("sec-fetch-dest", "iframe")],
            Bytes::new(),
        )
        .await,
    ];
    for answer in &kept_out {
        assert!(policy(answer).contains("frame-ancestors 'none'"), "{}", policy(answer));
        assert_eq!(answer.headers["x-frame-options"], "DENY");
    }
    assert_eq!(kept_out[3].status, 303, "in a frame no user is signed in");
    let new = app.post("/v1/users", &json!({ "email": "bob@example.com", "role": "operator" })).await;
    let choosing = path_of(new["link"].as_str().unwrap());
    let answer = app.raw(Method::GET, &choosing, &framed, Bytes::new()).await;
    assert_eq!(answer.status, 200);
    assert!(policy(&answer).contains("frame-ancestors 'none'"), "nobody chooses a password in a frame");
    app.stop().await;
    let app = contoso().await;
    let (guest, _) = enter(&app, "reader").await;
    let answer = guest.open("/leads").await;
    assert!(policy(&answer).contains("frame-ancestors 'none'"), "no site is named");
    app.stop().await;
}

#[tokio::test]
async fn what_a_link_opened_ends_and_says_so_where_it_was_shown() {
    let app = embedded().await;
    let is_over = async |it: &Visitor<'_>| {
        let answer = it.open("/leads").await;
        let page = text(&answer);
        assert!(policy(&answer).contains(SHOP), "the frame shows that it is over");
        assert!(!page.contains("/sign-in"), "there is nothing that a guest could sign in to");
        page.contains("This view is closed")
    };
    let (rests, _) = enter(&app, "reader").await;
    assert!(!is_over(&rests).await);
    app.clock.advance(limits::SESSION_IDLE_MAX);
    assert!(is_over(&rests).await);
    let (leaves, _) = enter(&app, "reader").await;
    let page = leaves.read("/").await;
    let mark = page.split_once("name=\"form_token\" value=\"").unwrap().1.split('"').next().unwrap();
    let origin = [("origin", "https://leads.example.com")];
    let closed = leaves.send_with("/sign-out", &[("form_token", mark)], &origin).await;
    assert!(text(&closed).contains("This view is closed"));
    assert!(is_over(&leaves).await, "for every copy of its cookie");
    let (other, _) = enter(&app, "member").await;
    let unused = link(&app, "reader").await;
    app.call(Method::DELETE, LINKS, None).await.expect(204);
    assert!(is_over(&other).await);
    assert_eq!(Visitor::new(&app).open(&unused).await.status, 404);
    app.stop().await;
}

#[tokio::test]
async fn a_wish_for_a_link_is_refused_with_everything_that_is_wrong() {
    let app = contoso().await;
    let bad = json!({ "role": "operator", "minutes": 61, "accent": "red;}", "language": "xx" });
    let answer = app.call(Method::POST, LINKS, Some(&bad)).await;
    assert_eq!(answer.status, 422);
    let pointers: Vec<String> = answer.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["pointer"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(pointers, ["/role", "/minutes", "/accent", "/language"]);
    for role in ["publisher", "sender"] {
        assert_eq!(app.call(Method::POST, LINKS, Some(&json!({ "role": role }))).await.status, 422);
    }
    let sheet = app.raw(Method::GET, "/static/accent-ffd400.css", &[], Bytes::new()).await;
    let css = text(&sheet);
    assert!(css.starts_with(":root{--accent:light-dark(#") && !css.contains("(#ffd400"), "{css}");
    for none in ["accent-red.css", "accent-ffd400", "accent-ffd400;.css"] {
        assert_eq!(app.raw(Method::GET, &format!("/static/{none}"), &[], Bytes::new()).await.status, 404);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_browser_shows_it_in_the_frame_of_a_named_site_and_in_no_other() {
    let clock = Arc::new(TestClock::default());
    let port = other_site(Arc::clone(&clock), String::new()).await;
    let app = TestApp::start_in(Arc::new(tempfile::tempdir().unwrap()), clock, |it| {
        it.apply("portal_embedders", &format!("http://127.0.0.1:{port}"), "test").expect("an origin");
    })
    .await;
    app.add_contoso().await;
    let seen = async |site: &str, press: &str| -> Value {
        let made = app.post(LINKS, &json!({ "role": "reader", "language": "en" })).await;
        let wish = json!({ "site": format!("http://{site}:{port}/"), "url": made["url"], "press": press,
            "to": "/sign-out" });
        ask(Language::Node, "frame.mjs", &wish).await
    };
    let named = seen("127.0.0.1", ".who button").await;
    assert_eq!((&named["seen"], &named["after"]), (&json!("Overview"), &json!("This view is closed")));
    let other = seen("localhost", "").await;
    let said = other["seen"].as_str().unwrap();
    assert!(said.contains("blocked") && !said.contains("Overview"), "a site that nobody named: {said}");
    app.stop().await;
}
