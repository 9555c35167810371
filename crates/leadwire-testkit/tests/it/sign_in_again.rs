//! Being asked again who it is, before what would help a thief of a session, and where somebody is signed in.

use crate::sign_in::{OnTheWay, come_in, invite_bob, location, start};
use leadwire_core::limits::{CODES_PER_ACCOUNT, PROOF_KEPT};
use leadwire_core::totp;
use leadwire_testkit::app::{Answer, PATIENCE, TestApp, start_endpoint};
use leadwire_testkit::portal::{PASSWORD, Visitor, path_of, text};
use leadwire_testkit::provider::Manner;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const ASKED: &str = "Is it still you?";

fn asks(answer: &Answer) -> bool {
    answer.status == 200 && text(answer).contains(ASKED)
}

/// What the page that asks sends along: every field that it hides.
fn kept(answer: &Answer) -> Vec<(String, String)> {
    let page = text(answer);
    let plain = |it: &str| {
        it.replace("&#34;", "\"").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
    };
    let form = page.split_once("<form method=\"post\" action=\"/").expect("a form").1;
    let form = form.split_once("</form>").expect("it ends").0;
    form.split("<input type=\"hidden\" name=\"")
        .skip(1)
        .map(|it| {
            let (name, rest) = it.split_once("\" value=\"").expect("a value");
            (name.to_owned(), plain(rest.split_once("\">").expect("it ends").0))
        })
        .collect()
}

/// Sends the page that asks, with what is shown.
async fn show(visitor: &Visitor<'_>, path: &str, asked: &Answer, more: &[(&str, &str)]) -> Answer {
    let fields = kept(asked);
    let fields: Vec<(&str, &str)> = fields.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    visitor.send(path, &[&fields, more].concat()).await
}

async fn keys(app: &TestApp) -> Vec<Value> {
    app.get("/v1/keys?publisher=contoso").await["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_was_typed_is_kept_while_the_password_is_asked_again() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let ada = Visitor::operator(&app).await;
    let title = "Web \"site\" <b> & more";
    let new = [("title", title), ("role", "sender"), ("expires_in_days", "90"), ("publisher", "contoso")];
    let path = "/settings/keys";
    assert_eq!(ada.act(path, &new).await.status, 201, "who just signed in is not asked");
    app.clock.advance(PROOF_KEPT);
    let asked = ada.act(path, &new).await;
    assert!(asks(&asked), "{}", text(&asked));
    assert!(
        text(&asked).contains("autocomplete=\"current-password\"") && !text(&asked).contains("again-code")
    );
    assert_eq!(keys(&app).await.len(), 1, "nothing was done");
    for wrong in ["wrong password", ""] {
        let refused = show(&ada, path, &asked, &[("again_password", wrong)]).await;
        assert_eq!(refused.status, 422);
        assert!(text(&refused).contains("role=\"alert\"") && kept(&refused).iter().any(|it| it.1 == title));
    }
    let made = show(&ada, path, &asked, &[("again_password", PASSWORD)]).await;
    assert_eq!(made.status, 201, "{}", text(&made));
    let all = keys(&app).await;
    assert!(all.len() == 2 && all.iter().all(|it| it["title"] == title), "{all:?}");
    app.clock.advance(PROOF_KEPT - Duration::from_secs(1));
    assert_eq!(ada.act(path, &new).await.status, 201, "it counts for a while");
    app.clock.advance(Duration::from_secs(1));
    assert!(asks(&ada.act(path, &new).await));
    app.stop().await;
}

#[tokio::test]
async fn each_form_that_would_help_a_thief_asks_and_others_do_not() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    let touchpoint = app.send_lead("ada@example.com").await;
    app.wait_until_settled().await;
    let lead = format!("/leads/lead_{}", touchpoint.trim_start_matches("tp_"));
    let made = app
        .post("/v1/users?publisher=contoso", &json!({ "email": "bob@contoso.com", "role": "reader" }))
        .await;
    let user = format!("/users/{}", made["id"].as_str().unwrap());
    let key = app.post("/v1/keys?publisher=contoso", &json!({ "title": "t", "role": "reader" })).await;
    let key = format!("/settings/keys/{}/revoke", key["id"].as_str().unwrap());
    let ada = Visitor::operator(&app).await;
    app.clock.advance(PROOF_KEPT);
    let erase = [("sure", "yes"), ("reason", "asked for"), ("publisher", "contoso")];
    let guarded = [
        "/users".to_owned(),
        format!("{user}/link"),
        format!("{user}/remove"),
        format!("{user}/remove-factor"),
        format!("{user}/unbind"),
        "/settings/keys".to_owned(),
        key,
        "/destinations/crm/edit".to_owned(),
        "/connect/https".to_owned(),
        format!("{lead}/erase"),
    ];
    for path in &guarded {
        let asked = ada.act(path, &erase).await;
        assert!(asks(&asked), "{path}: {} {}", asked.status, text(&asked));
    }
    let asked = ada.act("/destinations/crm/edit?publisher=contoso", &[("url", "https://evil.example")]).await;
    assert!(text(&asked).contains("action=\"/destinations/crm/edit?publisher=contoso\""));
    let open = [
        ("/destinations/crm/pause".to_owned(), vec![("publisher", "contoso")]),
        (format!("{lead}/interest"), vec![("publisher", "contoso"), ("interest", "active"), ("reason", "r")]),
        ("/account/me".to_owned(), vec![("name", "Ada")]),
    ];
    for (path, fields) in open {
        assert_eq!(ada.act(&path, &fields).await.status, 303, "{path}");
    }
    let setup = app.get("/v1/users?publisher=contoso").await;
    assert_eq!(setup["items"].as_array().unwrap().len(), 1, "nobody was removed");
    let found = app.get(&format!("/v1{lead}?publisher=contoso")).await;
    assert_eq!(found["erased_at"], Value::Null);
    let path = format!("{lead}/erase");
    let asked = ada.act(&path, &erase).await;
    let done = show(&ada, &path, &asked, &[("again_password", PASSWORD)]).await;
    assert_eq!(done.status, 303, "{}", text(&done));
    app.wait_for(&format!("/v1{lead}?publisher=contoso"), |it| !it["erased_at"].is_null()).await;
    app.stop().await;
}

#[tokio::test]
async fn connecting_a_destination_asks_and_keeps_what_was_typed() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    let ada = Visitor::operator(&app).await;
    app.clock.advance(PROOF_KEPT);
    let url = crm.url();
    let new = [("name", "our \"crm\""), ("set_url", url.as_str()), ("publisher", "contoso")];
    let all = async || app.get("/v1/destinations?publisher=contoso").await["items"].clone();
    let asked = ada.act("/connect/https", &new).await;
    assert!(asks(&asked), "{}", text(&asked));
    assert_eq!(all().await, json!([]), "nothing was done");
    let made = show(&ada, "/connect/https", &asked, &[("again_password", PASSWORD)]).await;
    assert!([201, 303].contains(&made.status), "{}", text(&made));
    let there = all().await;
    assert_eq!(there[0]["name"], "our \"crm\"");
    assert!(there[0]["settings"]["url"].as_str().unwrap().starts_with(&url), "{there}");
    app.stop().await;
}

#[tokio::test]
async fn a_guest_does_none_of_it() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let touchpoint = app.send_lead("ada@example.com").await;
    app.wait_until_settled().await;
    let link = app.post("/v1/portal-links?publisher=contoso", &json!({ "role": "member" })).await;
    let mut guest = Visitor::new(&app);
    guest.keep(&guest.open(&path_of(link["url"].as_str().unwrap())).await);
    let lead = format!("/leads/lead_{}", touchpoint.trim_start_matches("tp_"));
    let page = guest.read(&lead).await;
    assert!(!page.contains(&format!("{lead}/erase")), "what they may not do is not offered");
    for path in [format!("{lead}/erase"), "/users".to_owned(), "/settings/keys".to_owned()] {
        let answer =
            guest.act(&path, &[("sure", "yes"), ("reason", "r"), ("again_password", PASSWORD)]).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    let found = app.get(&format!("/v1{lead}?publisher=contoso")).await;
    assert_eq!(found["erased_at"], Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn a_code_of_the_phone_counts_in_place_of_the_password_once_and_neither_is_tried_out() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let ada = Visitor::operator(&app).await;
    let phone = ada.set_up_factor().await;
    let new = [("title", "t"), ("role", "reader"), ("publisher", "contoso")];
    let path = "/settings/keys";
    app.clock.advance(PROOF_KEPT);
    let asked = ada.act(path, &new).await;
    assert!(asks(&asked) && text(&asked).contains("Or a code from your phone"));
    let code = phone.code();
    assert_eq!(show(&ada, path, &asked, &[("again_code", &code)]).await.status, 201);
    app.clock.advance(PROOF_KEPT);
    let recovery = phone.codes[0].clone();
    assert_eq!(show(&ada, path, &asked, &[("again_code", &code)]).await.status, 422, "a code counts once");
    assert_eq!(show(&ada, path, &asked, &[("again_code", &recovery)]).await.status, 201);
    app.clock.advance(PROOF_KEPT);
    assert_eq!(show(&ada, path, &asked, &[("again_code", &recovery)]).await.status, 422);
    for _ in 0..CODES_PER_ACCOUNT.burst {
        show(&ada, path, &asked, &[("again_password", "wrong password")]).await;
    }
    let held = show(&ada, path, &asked, &[("again_password", PASSWORD)]).await;
    assert_eq!(held.status, 429, "whoever finds an open browser does not try many");
    app.clock.advance(totp::STEP);
    assert_eq!(keys(&app).await.len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn who_has_no_password_shows_at_the_provider_who_they_are() {
    let (app, provider) = start(&[]).await;
    invite_bob(&app).await;
    let users = app.get("/v1/users?publisher=contoso").await;
    let bob = come_in(&app).await;
    app.clock.advance(PROOF_KEPT);
    let asked = bob.act("/account/factor", &[]).await;
    assert!(asks(&asked), "{}", text(&asked));
    let page = text(&asked);
    assert!(
        page.contains("href=\"/account/again/idp\" target=\"_blank\"") && !page.contains("again_password")
    );
    let early = show(&bob, "/account/factor", &asked, &[]).await;
    assert!(early.status == 422 && text(&early).contains("Nothing was shown yet"));
    let again = async |claims: Value| {
        provider.behave(Manner { claims, ..Manner::default() });
        let way = OnTheWay::begin(&app, "/account/again/idp", &bob.cookie).await;
        assert_eq!([&way.asked["prompt"], &way.asked["max_age"]], ["login", "0"]);
        way.open(&app, &way.back()).await
    };
    for (claims, told) in [
        (json!({ "auth_time": 1 }), "could not be trusted"),
        (json!({ "auth_time": null }), "could not be trusted"),
        (json!({ "sub": "eve" }), "not the account by which you sign in"),
    ] {
        let answer = again(claims.clone()).await;
        assert!(answer.status == 422 && text(&answer).contains(told), "{claims}: {}", text(&answer));
        assert_eq!(show(&bob, "/account/factor", &asked, &[]).await.status, 422, "{claims}");
    }
    // In the browser of somebody else, or of nobody, it says nothing of Bob.
    provider.behave(Manner::default());
    let way = OnTheWay::begin(&app, "/account/again/idp", &bob.cookie).await;
    let alone = OnTheWay { cookie: way.cookie.split("; ").nth(1).unwrap().to_owned(), ..way };
    assert_eq!(alone.open(&app, &alone.back()).await.status, 422);
    let known = again(json!({})).await;
    assert_eq!((known.status, location(&known)), (303, "/account?done=known-again"));
    assert_eq!(
        known.headers.get_all("set-cookie").iter().count(),
        1,
        "the session is the same, and the way is over"
    );
    let shown = show(&bob, "/account/factor", &asked, &[]).await;
    assert!(shown.status == 200 && text(&shown).contains("<svg class=\"qr\""), "{}", text(&shown));
    assert_eq!(users["items"].as_array().unwrap().len(), 1);
    app.stop().await;
}

/// Signs in from a browser that calls itself so, which our own client does not do. Gives the cookie that is set.
async fn from(app: &TestApp, agent: &str) -> String {
    let body = "email=ada%40example.com&password=correct+horse+battery";
    let request = format!(
        "POST /sign-in HTTP/1.1\r\nHost: here\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\nUser-Agent: {agent}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(app.app.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
    let cookie = answer.split_once("set-cookie: ").expect("a cookie is set").1;
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn places_tell_the_device_and_each_is_signed_out() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let ada = Visitor::operator(&app).await;
    let sign_in = async |agent: &str| Visitor::with(&app, from(&app, agent).await);
    let phone = sign_in(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile/15E148 Safari/604.1",
    )
    .await;
    let odd = sign_in("<script>alert(1)</script>").await;
    let page = ada.read("/account").await;
    assert!(page.contains("Safari on iPhone") && page.contains("A device without a name"), "{page}");
    assert!(!page.contains("alert(1)") && !page.contains("18_1"));
    let row = page.split_once("Safari on iPhone").unwrap().1;
    let place = row.split_once("name=\"place\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let eve = Visitor::of_contoso(&app, "reader").await;
    for (visitor, place) in [(&eve, place.as_str()), (&ada, ""), (&ada, "00112233445566778899aabbccddeeff")] {
        assert_eq!(visitor.act("/account/sign-out-there", &[("place", place)]).await.status, 303);
    }
    assert_eq!(phone.open("/leads").await.status, 200, "nobody signs others out");
    let out = ada.act("/account/sign-out-there", &[("place", &place)]).await;
    assert_eq!(location(&out), "/account?done=there-out");
    assert_eq!([phone.open("/leads").await.status, odd.open("/leads").await.status], [303, 200]);
    assert_eq!(ada.open("/leads").await.status, 200);
    let told = app.get("/v1/audit").await;
    let told = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["action"] == "account.sign_out_there")
        .count();
    assert_eq!(told, 1, "what changed nothing is not told");
    ada.act("/account/sign-out-others", &[]).await;
    assert_eq!(odd.open("/leads").await.status, 303);
    app.stop().await;
}
