//! My account, from outside: the second factor from its set-up to its loss, passwords, and where somebody is signed in.

use http::Method;
use leadwire::clock::Clock;
use leadwire_core::limits;
use leadwire_core::totp;
use leadwire_testkit::app::{Answer, TestApp};
use leadwire_testkit::clock::TestClock;
use leadwire_testkit::portal::{PASSWORD, Visitor, from_base32, path_of, text};
use serde_json::json;
use std::sync::Arc;

const ADA: &str = "ada@example.com";

async fn contoso() -> TestApp {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app
}

fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let rest = page.split_once(from).unwrap_or_else(|| panic!("{from} is not in {page}")).1;
    rest.split_once(to).expect("it ends").0
}

/// Signs in with the password; gives somebody who shows what the browser got.
async fn with_password<'a>(app: &'a TestApp, email: &str) -> (Visitor<'a>, Answer) {
    let mut visitor = Visitor::new(app);
    let answer = visitor.send("/sign-in", &[("email", email), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, 303, "{}", text(&answer));
    visitor.keep(&answer);
    (visitor, answer)
}

fn location(answer: &Answer) -> &str {
    answer.headers["location"].to_str().unwrap()
}

#[tokio::test]
async fn a_code_is_asked_for_after_the_password_and_counts_once() {
    let app = contoso().await;
    let ada = Visitor::operator(&app).await;
    assert_eq!(ada.act("/account/factor", &[("current", "wrong password")]).await.status, 422);
    let phone = ada.set_up_factor().await;
    assert!(ada.read("/account").await.contains("10 recovery codes are left"));
    let (mut half, answer) = with_password(&app, ADA).await;
    assert_eq!(location(&answer), "/sign-in/code");
    assert!(half.cookie.starts_with("leadwire_half=lw_half_"), "{}", half.cookie);
    assert_eq!(half.open("/leads").await.status, 303, "half a sign-in is none");
    let forged = Visitor::with(&app, half.cookie.replacen("_half", "", 1));
    assert_eq!(forged.open("/leads").await.status, 303, "nor under the other cookie's name");
    assert!(half.read("/sign-in/code").await.contains("autocomplete=\"one-time-code\""));
    let send = async |it: &Visitor<'_>, code: &str| it.send("/sign-in/code", &[("code", code)]).await;
    let used = send(&half, &phone.code()).await;
    assert_eq!(used.status, 422, "the code of the set-up was used by that");
    assert!(text(&used).contains("role=\"alert\""));
    app.clock.advance(totp::STEP);
    let code = phone.code();
    for evil in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let shown = half.read(&format!("/sign-in/code?next={evil}")).await;
        assert!(shown.contains("name=\"next\" value=\"/\""), "{evil}");
    }
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    let done = send(&half, &spaced).await;
    assert_eq!((done.status, location(&done)), (303, "/"));
    let before = half.cookie.clone();
    half.keep(&done);
    assert_eq!(half.open("/leads").await.status, 200);
    let other = Visitor::with(&app, before);
    assert_eq!(location(&send(&other, &code).await), "/sign-in?done=code-over", "a half is finished once");
    let (again, _) = with_password(&app, ADA).await;
    assert_eq!(send(&again, &code).await.status, 422, "a code counts once");
    app.clock.advance(totp::STEP);
    let early = totp::code(&phone.secret, totp::step_of(app.clock.wall()) + 1);
    assert_eq!(send(&again, &early).await.status, 303, "a clock that is ahead by a step is right");
    let (third, _) = with_password(&app, ADA).await;
    assert_eq!(send(&third, &phone.code()).await.status, 422, "what is older than a used one is used");
    let paper = phone.codes[3].to_uppercase().replace('-', " ");
    assert_eq!(send(&third, &paper).await.status, 303);
    let (fourth, _) = with_password(&app, ADA).await;
    assert_eq!(send(&fourth, &paper).await.status, 422, "a recovery code counts once");
    assert!(ada.read("/account").await.contains("9 recovery codes are left"));
    app.stop().await;
}

#[tokio::test]
async fn of_two_that_come_with_one_code_at_the_same_instant_one_is_let_in() {
    let app = contoso().await;
    let ada = Visitor::operator(&app).await;
    let phone = ada.set_up_factor().await;
    app.clock.advance(totp::STEP);
    let ((one, _), (other, _)) = (with_password(&app, ADA).await, with_password(&app, ADA).await);
    let code = phone.code();
    let fields = [("code", code.as_str())];
    let (a, b) = tokio::join!(one.send("/sign-in/code", &fields), other.send("/sign-in/code", &fields));
    let mut both = [a.status, b.status];
    both.sort_unstable();
    assert_eq!(both, [303, 422]);
    app.stop().await;
}

#[tokio::test]
async fn codes_are_not_tried_out() {
    let app = contoso().await;
    let ada = Visitor::operator(&app).await;
    let phone = ada.set_up_factor().await;
    app.clock.advance(totp::STEP);
    let right = phone.code();
    // A code of another minute, six digits like any guess.
    let wrong = totp::code(&phone.secret, 1);
    let (half, _) = with_password(&app, ADA).await;
    let mut tries = 0;
    for _ in 0..limits::CODES_PER_HALF {
        assert_eq!(half.send("/sign-in/code", &[("code", &wrong)]).await.status, 422);
        tries += 1;
    }
    let over = half.send("/sign-in/code", &[("code", &right)]).await;
    assert_eq!(location(&over), "/sign-in?done=code-over", "even with the right one");
    assert!(half.read("/sign-in?done=code-over").await.contains("Sign in again"));
    let (half, _) = with_password(&app, ADA).await;
    while tries < limits::CODES_PER_ACCOUNT.burst {
        half.send("/sign-in/code", &[("code", &wrong)]).await;
        tries += 1;
        if tries % limits::CODES_PER_HALF == 0 {
            break;
        }
    }
    let (half, _) = with_password(&app, ADA).await;
    let held = half.send("/sign-in/code", &[("code", &right)]).await;
    assert_eq!(held.status, 429, "{}", text(&held));
    assert!(held.headers.contains_key("retry-after"));
    app.clock.advance(limits::CODES_PER_ACCOUNT.every);
    let (half, _) = with_password(&app, ADA).await;
    assert_eq!(half.send("/sign-in/code", &[("code", &phone.code())]).await.status, 303);
    app.stop().await;
}

#[tokio::test]
async fn half_a_sign_in_lasts_over_a_restart_and_not_for_long() {
    let app = contoso().await;
    let clock = Arc::clone(&app.clock);
    let ada = Visitor::operator(&app).await;
    let secret = ada.set_up_factor().await.secret;
    let code = || totp::code(&secret, totp::step_of(clock.wall()));
    let (half, _) = with_password(&app, ADA).await;
    let cookie = half.cookie.clone();
    let app = TestApp::start_in(app.stop().await, Arc::clone(&clock), |_| {}).await;
    app.clock.advance(totp::STEP);
    let half = Visitor::with(&app, cookie);
    assert_eq!(half.send("/sign-in/code", &[("code", &code())]).await.status, 303);
    let (slow, _) = with_password(&app, ADA).await;
    app.clock.advance(limits::HALF_SESSION_KEPT);
    assert_eq!(location(&slow.open("/sign-in/code").await), "/sign-in");
    let late = slow.send("/sign-in/code", &[("code", &code())]).await;
    assert_eq!(location(&late), "/sign-in?done=code-over");
    app.stop().await;
}

#[tokio::test]
async fn neither_a_link_nor_new_keys_lead_around_it_and_an_administrator_takes_it_off() {
    let app = contoso().await;
    app.post("/v1/publishers", &json!({ "id": "fabrikam" })).await;
    let ada = Visitor::operator(&app).await;
    let bob = Visitor::of_contoso(&app, "member").await;
    let phone = bob.set_up_factor().await;
    app.post("/v1/secrets/rotate", &json!({ "key": "master" })).await;
    app.clock.advance(totp::STEP);
    let users = app.get("/v1/users?publisher=contoso").await;
    let id = users["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(users["items"][0]["second_factor"], true);
    let made = app.post(&format!("/v1/users/{id}/link"), &json!({})).await;
    let half = Visitor::by_link(&app, &path_of(made["link"].as_str().unwrap()), "member@contoso.com").await;
    assert_eq!(half.open("/leads").await.status, 303, "a new password is half a sign-in");
    let done = half.send("/sign-in/code", &[("code", &phone.code())]).await;
    assert_eq!(done.status, 303, "the secret came over to the new master key: {}", text(&done));
    let key = async |publisher: &str| {
        let new = json!({ "title": "t", "role": "publisher" });
        let made = app.post(&format!("/v1/keys?publisher={publisher}"), &new).await;
        format!("Bearer {}", made["key"].as_str().unwrap())
    };
    let path = format!("/v1/users/{id}/second-factor");
    let remove = async |key: &str| {
        app.raw(Method::DELETE, &path, &[("authorization", key)], bytes::Bytes::new()).await.status
    };
    assert_eq!(remove(&key("fabrikam").await).await, 404, "of others nobody knows");
    let own = key("contoso").await;
    assert_eq!((remove(&own).await, remove(&own).await), (204, 404));
    let told = app.get("/v1/audit?publisher=contoso").await;
    let entry = &told["items"][0];
    assert_eq!((&entry["action"], &entry["subject"]), (&json!("user.second_factor.remove"), &json!(id)));
    let set = told["items"].as_array().unwrap().iter().find(|it| it["action"] == "account.second_factor");
    assert_eq!(set.unwrap()["who"], json!(id), "setting it up is told too");
    let (bob, answer) = with_password(&app, "member@contoso.com").await;
    assert_eq!((location(&answer), bob.open("/leads").await.status), ("/", 200));
    bob.set_up_factor().await;
    assert!(ada.read("/users").await.contains(&format!("/users/{id}/remove-factor")));
    assert_eq!(ada.act(&format!("/users/{id}/remove-factor"), &[]).await.status, 303);
    assert!(bob.read("/account").await.contains("/account/factor\""), "it can be set up anew");
    app.stop().await;
}

#[tokio::test]
async fn who_must_have_one_sets_it_up_before_anything_else() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let app = TestApp::start_in(folder, Arc::new(TestClock::default()), |it| {
        it.apply("second_factor", "operators, fabrikam", "test").expect("it can be set");
    })
    .await;
    app.add_contoso().await;
    let ada = Visitor::operator(&app).await;
    for path in ["/", "/leads", "/users"] {
        let answer = ada.open(path).await;
        assert_eq!((answer.status, location(&answer)), (303, "/account"), "{path}");
    }
    let page = ada.read("/account").await;
    assert!(page.contains("Set up a second factor first"));
    let mark = between(&page, "name=\"form_token\" value=\"", "\"").to_owned();
    let shown = ada.send("/account/factor", &[("form_token", &mark), ("current", PASSWORD)]).await;
    let secret = from_base32(between(&text(&shown), "<code class=\"link\" translate=\"no\">", "</code>"));
    let code = totp::code(&secret, totp::step_of(app.clock.wall()));
    let done = ada.send("/account/confirm", &[("form_token", &mark), ("code", &code)]).await;
    assert_eq!(done.status, 200, "{}", text(&done));
    assert_eq!(ada.open("/leads").await.status, 200);
    let bob = Visitor::of_contoso(&app, "member").await;
    assert_eq!(bob.open("/leads").await.status, 200, "of contoso nobody asks for it");
    app.stop().await;
}

#[tokio::test]
async fn a_name_a_language_and_a_password_are_changed_and_others_are_signed_out() {
    let app = contoso().await;
    let mut bob = Visitor::of_contoso(&app, "reader").await;
    let email = "reader@contoso.com";
    let (elsewhere, _) = with_password(&app, email).await;
    assert_eq!(bob.act("/account/me", &[("name", " ")]).await.status, 422);
    let saved = bob.act("/account/me", &[("name", "Bob <b>Bell</b>"), ("language", "hu")]).await;
    assert_eq!((saved.status, location(&saved)), (303, "/account?done=saved"));
    assert!(saved.headers["set-cookie"].to_str().unwrap().starts_with("leadwire_look=hu."));
    assert!(bob.read("/account").await.contains("Bob &#60;b&#62;Bell"));
    let (_, signed_in) = with_password(&app, email).await;
    let set: Vec<_> = signed_in.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
    assert!(set.iter().any(|it| it.starts_with("leadwire_look=hu.")), "every machine speaks it: {set:?}");
    assert!(bob.read("/account").await.contains("/account/sign-out-others"));
    assert_eq!(bob.act("/account/sign-out-others", &[]).await.status, 303);
    assert_eq!((bob.open("/").await.status, elsewhere.open("/").await.status), (200, 303));
    assert!(!bob.read("/account").await.contains("/account/sign-out-others"), "there is nobody else");
    let better = "a quite different sentence";
    let change = async |it: &Visitor<'_>, current: &str, password: &str, again: &str| {
        let fields = [("current", current), ("password", password), ("again", again)];
        it.act("/account/password", &fields).await
    };
    for (current, password, again) in [
        ("wrong password", better, better),
        (PASSWORD, "short", "short"),
        (PASSWORD, better, "another sentence"),
    ] {
        let answer = change(&bob, current, password, again).await;
        assert_eq!(answer.status, 422);
        assert!(text(&answer).contains("role=\"alert\""), "{password}");
    }
    let (elsewhere, _) = with_password(&app, email).await;
    let before = bob.cookie.clone();
    let changed = change(&bob, PASSWORD, better, better).await;
    assert_eq!((changed.status, location(&changed)), (303, "/account?done=password-changed"));
    bob.keep(&changed);
    let old = Visitor::with(&app, before);
    assert_eq!((old.open("/").await.status, elsewhere.open("/").await.status), (303, 303));
    assert_eq!(bob.open("/").await.status, 200, "the session goes on under a new token");
    let refused = Visitor::new(&app).send("/sign-in", &[("email", email), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, 422);
    for _ in 0..limits::CODES_PER_ACCOUNT.burst {
        change(&bob, "wrong password", better, better).await;
    }
    assert_eq!(change(&bob, better, PASSWORD, PASSWORD).await.status, 429, "nobody tries passwords out here");
    assert_eq!(bob.act("/account/nothing", &[]).await.status, 404);
    app.stop().await;
}

#[tokio::test]
async fn a_second_factor_is_switched_off_and_its_codes_renewed_with_the_password_alone() {
    let app = contoso().await;
    let ada = Visitor::operator(&app).await;
    let phone = ada.set_up_factor().await;
    for deed in ["codes", "remove-factor"] {
        let wrong = ada.act(&format!("/account/{deed}"), &[("current", "wrong password")]).await;
        assert_eq!(wrong.status, 422, "{deed}");
        assert!(text(&wrong).contains("role=\"alert\""), "{deed}");
    }
    let renewed = text(&ada.act("/account/codes", &[("current", PASSWORD)]).await);
    let fresh = between(&renewed, "<code>", "</code>");
    let (half, _) = with_password(&app, ADA).await;
    assert_eq!(half.send("/sign-in/code", &[("code", &phone.codes[0])]).await.status, 422);
    assert_eq!(half.send("/sign-in/code", &[("code", fresh)]).await.status, 303);
    let off = ada.act("/account/remove-factor", &[("current", PASSWORD)]).await;
    assert_eq!(location(&off), "/account?done=factor-removed");
    let (_, answer) = with_password(&app, ADA).await;
    assert_eq!(location(&answer), "/");
    app.stop().await;
}
