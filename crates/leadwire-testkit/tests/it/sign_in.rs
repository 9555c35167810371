//! Signing in with an account at a provider, through the whole program: a real provider in a real browser, and one that misbehaves.

use bytes::Bytes;
use http::Method;
use leadwire::clock::{Clock, MachineClock};
use leadwire::config::Config;
use leadwire::secrets::sha256;
use leadwire_core::limits::{ERRAND_KEPT, PROOF_KEPT, PROVIDER_ANSWER_BYTES_MAX, PROVIDER_KEPT};
use leadwire_core::totp;
use leadwire_testkit::app::{Answer, TestApp};
use leadwire_testkit::clock::TestClock;
use leadwire_testkit::peers::{Language, OidcProvider, ask};
use leadwire_testkit::portal::{PASSWORD, Visitor, path_of, text};
use leadwire_testkit::provider::{HostileProvider, Manner, Signs};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use url::Url;

const BOB: &str = "bob@contoso.com";

fn set(config: &mut Config, all: &[(&str, &str)]) {
    for (name, value) in all {
        config.apply(name, value, "test").unwrap_or_else(|it| panic!("{name}: {it:#}"));
    }
}

/// The program with a provider that misbehaves on demand, and `contoso`.
pub(crate) async fn start(more: &[(&str, &str)]) -> (TestApp, HostileProvider) {
    let clock = Arc::new(TestClock::default());
    let provider = HostileProvider::start(Arc::<TestClock>::clone(&clock)).await;
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let app = TestApp::start_in(folder, clock, |config| {
        let issuer = provider.issuer();
        let own = [("title", "Contoso account"), ("issuer", &issuer), ("client_id", "leadwire")];
        own.into_iter().for_each(|(name, value)| set(config, &[(&format!("sign_in.idp.{name}"), value)]));
        set(config, more);
    })
    .await;
    app.add_contoso().await;
    (app, provider)
}

pub(crate) async fn invite_bob(app: &TestApp) -> Value {
    app.post("/v1/users?publisher=contoso", &json!({ "email": BOB, "role": "member" })).await
}

/// Somebody on the way to a provider: what their browser keeps, and what it would show there.
pub(crate) struct OnTheWay {
    pub(crate) cookie: String,
    pub(crate) asked: HashMap<String, String>,
}

impl OnTheWay {
    /// Sets out from a page of ours.
    pub(crate) async fn begin(app: &TestApp, path: &str, cookie: &str) -> Self {
        let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
        let answer = app.raw(Method::GET, path, &headers, Bytes::new()).await;
        assert_eq!(answer.status, 303, "{}", text(&answer));
        let set = answer.headers["set-cookie"].to_str().unwrap();
        assert!(
            set.starts_with("leadwire_way=lw_way_")
                && set.contains("HttpOnly")
                && set.contains("SameSite=Lax")
        );
        let to = Url::parse(location(&answer)).unwrap();
        let own = set.split(';').next().unwrap();
        let cookie = if cookie.is_empty() { own.to_owned() } else { format!("{cookie}; {own}") };
        Self { cookie, asked: to.query_pairs().into_owned().collect() }
    }

    /// The way back, as the provider would send them.
    pub(crate) fn back(&self) -> String {
        let (state, nonce) = (&self.asked["state"], &self.asked["nonce"]);
        format!("{}?code={nonce}&state={state}", Url::parse(&self.asked["redirect_uri"]).unwrap().path())
    }

    pub(crate) async fn open(&self, app: &TestApp, path: &str) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), ("sec-fetch-site", "cross-site")];
        app.raw(Method::GET, path, &headers, Bytes::new()).await
    }
}

pub(crate) fn location(answer: &Answer) -> &str {
    answer.headers.get("location").map_or("", |it| it.to_str().unwrap())
}

/// Goes there and back.
pub(crate) async fn come(app: &TestApp) -> Answer {
    let way = OnTheWay::begin(app, "/sign-in/with/idp?next=%2Fleads", "").await;
    way.open(app, &way.back()).await
}

/// Somebody who came in.
pub(crate) async fn come_in(app: &TestApp) -> Visitor<'_> {
    let answer = come(app).await;
    assert_eq!((answer.status, location(&answer)), (303, "/leads"), "{}", text(&answer));
    let mut visitor = Visitor::new(app);
    visitor.keep(&answer);
    assert!(visitor.cookie.starts_with("leadwire=lw_ses_"), "{}", visitor.cookie);
    visitor
}

fn behaves(claims: Value) -> Manner {
    Manner { claims, ..Manner::default() }
}

#[tokio::test]
async fn whoever_was_invited_comes_in_and_stays_who_they_are_whatever_their_address_becomes() {
    let (app, provider) = start(&[]).await;
    let refused = come(&app).await;
    assert_eq!(refused.status, 422);
    assert!(text(&refused).contains("Ask whoever runs Leadwire to invite you"), "nobody is made by coming");
    let made = invite_bob(&app).await;
    let bob = come_in(&app).await;
    assert_eq!(bob.open("/leads").await.status, 200);
    assert_eq!(bob.open("/users").await.status, 403, "they may do what a member may");
    let account = bob.read("/account").await;
    assert!(account.contains("You sign in with Contoso account.") && !account.contains("id=\"current\""));
    let users = app.get("/v1/users?publisher=contoso").await;
    let user = &users["items"][0];
    assert_eq!((&user["company_account"], &user["can_sign_in"]), (&json!(provider.issuer()), &json!(true)));
    let link = Visitor::new(&app).open(&path_of(made["link"].as_str().unwrap())).await;
    assert_eq!(link.status, 404, "the invitation is used by that");
    let told = app.get("/v1/audit?publisher=contoso").await;
    let bound: Vec<&Value> =
        told["items"].as_array().unwrap().iter().filter(|it| it["action"] == "account.bind").collect();
    assert_eq!((bound.len(), &bound[0]["who"]), (1, &user["id"]), "once, and by whom");
    for claims in [
        json!({ "email": "robert@contoso.com" }),
        json!({ "email": null }),
        json!({ "email_verified": false }),
    ] {
        provider.behave(behaves(claims));
        come_in(&app).await;
    }
    // Whoever gets the address of somebody who has an account gets nothing else of theirs.
    provider.behave(behaves(json!({ "sub": "eve" })));
    let refused = come(&app).await;
    assert_eq!(refused.status, 422);
    assert!(text(&refused).contains("an administrator takes the former off"));
    let id = user["id"].as_str().unwrap();
    let path = format!("/v1/users/{id}/company-account");
    app.call(Method::DELETE, &path, None).await.expect(204);
    app.call(Method::DELETE, &path, None).await.expect(404);
    assert_eq!(bob.open("/leads").await.status, 303, "they are signed out by that");
    come_in(&app).await;
    provider.behave(Manner::default());
    assert_eq!(come(&app).await.status, 422, "the former account is nobody's");
    let ada = Visitor::operator(&app).await;
    assert!(ada.read("/users").await.contains(&format!("/users/{id}/unbind")));
    let done = ada.act(&format!("/users/{id}/unbind"), &[]).await;
    assert_eq!((done.status, location(&done)), (303, "/users?done=unbound"));
    app.stop().await;
}

#[tokio::test]
async fn a_way_counts_once_in_its_own_browser_and_not_for_long() {
    let (app, provider) =
        start(&[("sign_in.other.issuer", "http://127.0.0.1:9"), ("sign_in.other.client_id", "x")]).await;
    invite_bob(&app).await;
    let over = async |way: &OnTheWay, path: &str| {
        let answer = way.open(&app, path).await;
        let page = text(&answer);
        assert!(
            answer.status == 422 && page.contains("begun in another browser"),
            "{} {page}",
            answer.status
        );
    };
    let way = OnTheWay::begin(&app, "/sign-in/with/idp", "").await;
    let (back, state) = (way.back(), way.asked["state"].clone());
    let other = OnTheWay::begin(&app, "/sign-in/with/idp", "").await;
    over(&OnTheWay { cookie: String::new(), asked: HashMap::new() }, &back).await;
    over(&other, &back).await;
    over(&way, &back.replace(&state, "")).await;
    over(&way, &back.replace(&state, &other.asked["state"])).await;
    over(&way, &format!("/sign-in/back/idp?code=x&state={}", "0".repeat(64))).await;
    over(&OnTheWay { cookie: way.cookie.replace("_way=", "_way=x"), asked: HashMap::new() }, &back).await;
    assert_eq!(provider.asked("/token"), 0, "nothing of that came to the provider");
    // None of them ended the way that was begun.
    assert_eq!(way.open(&app, &back).await.status, 303);
    over(&way, &back).await;
    assert_eq!(provider.asked("/token"), 1);
    // Each provider answers for itself.
    over(&other, &other.back().replace("/back/idp", "/back/other")).await;
    over(&other, &other.back()).await;
    let late = OnTheWay::begin(&app, "/sign-in/with/idp", "").await;
    app.clock.advance(ERRAND_KEPT);
    over(&late, &late.back()).await;
    let cancelled = OnTheWay::begin(&app, "/sign-in/with/idp", "").await;
    let path = format!("/sign-in/back/idp?error=access_denied&state={}", cancelled.asked["state"]);
    assert!(text(&cancelled.open(&app, &path).await).contains("did not sign you in"));
    over(&cancelled, &cancelled.back()).await;
    app.stop().await;
}

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Ways to misbehave, and what people are told of each.
fn lies() -> Vec<(Manner, &'static str)> {
    let http = |text: &str| Some(("/token", format!("HTTP/1.1 {text}")));
    let huge = format!("{{\"keys\":[\"{}\"]}}", "x".repeat(PROVIDER_ANSWER_BYTES_MAX));
    let huge =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{huge}", huge.len());
    let instead = |it| Manner { instead: it, ..Manner::default() };
    let signs = |it| Manner { signs: it, ..Manner::default() };
    let led_away = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let (trust, answer, setup) = ("could not be trusted", "does not answer", "leadwire doctor");
    vec![
        (behaves(json!({ "iss": "https://evil.example" })), trust),
        (behaves(json!({ "aud": "another" })), trust),
        (behaves(json!({ "aud": ["leadwire", "another"] })), trust),
        (behaves(json!({ "azp": "another" })), trust),
        (behaves(json!({ "nonce": "another" })), trust),
        (behaves(json!({ "nonce": null })), trust),
        (behaves(json!({ "exp": 1 })), trust),
        (behaves(json!({ "exp": null })), trust),
        (behaves(json!({ "iat": 1 })), trust),
        (behaves(json!({ "sub": null })), trust),
        (signs(Signs::Nothing), trust),
        (signs(Signs::ByPublicKey), trust),
        (signs(Signs::AsAnother), trust),
        (Manner { key_id: "unknown".to_owned(), ..Manner::default() }, trust),
        (
            instead(http(
                "400 No\r\ncontent-length: 25\r\nconnection: close\r\n\r\n{\"error\":\"invalid_grant\"}",
            )),
            trust,
        ),
        (
            instead(http(
                "401 No\r\ncontent-length: 26\r\nconnection: close\r\n\r\n{\"error\":\"invalid_client\"}",
            )),
            setup,
        ),
        (instead(http("500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")), answer),
        (instead(Some(("/token", String::new()))), answer),
        (instead(Some(("/keys", huge.clone()))), answer),
        (instead(Some(("/keys", led_away.to_owned()))), setup),
        (instead(Some((DISCOVERY, huge))), answer),
        (instead(Some((DISCOVERY, led_away.to_owned()))), setup),
    ]
}

#[tokio::test]
async fn nothing_that_a_hostile_provider_says_lets_anybody_in() {
    let (app, provider) = start(&[]).await;
    invite_bob(&app).await;
    for (manner, told) in lies() {
        // What was said before is forgotten, and so is that it failed.
        app.clock.advance(PROVIDER_KEPT);
        provider.behave(Manner::default());
        let is_first = manner.instead.as_ref().is_some_and(|it| it.0 == DISCOVERY);
        let answer = if is_first {
            provider.behave(manner.clone());
            let headers = [("sec-fetch-site", "same-origin")];
            app.raw(Method::GET, "/sign-in/with/idp", &headers, Bytes::new()).await
        } else {
            let way = OnTheWay::begin(&app, "/sign-in/with/idp", "").await;
            provider.behave(manner.clone());
            way.open(&app, &way.back()).await
        };
        let page = text(&answer);
        assert!(
            [422, 502].contains(&answer.status) && page.contains(told),
            "{manner:?}: {} {page}",
            answer.status
        );
        assert!(page.contains("Contoso account") && page.contains("role=\"alert\""));
        let sets = answer.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap());
        assert!(sets.into_iter().all(|it| !it.contains("lw_ses_")), "{manner:?}");
        assert!(!page.contains(BOB), "{manner:?}");
    }
    let users = app.get("/v1/users?publisher=contoso").await;
    assert_eq!(users["items"][0]["company_account"], Value::Null);
    app.clock.advance(PROVIDER_KEPT);
    provider.behave(Manner::default());
    come_in(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn a_flood_of_unknown_keys_reaches_the_provider_now_and_then() {
    let (app, provider) = start(&[]).await;
    provider.behave(Manner { key_id: "unknown".to_owned(), ..Manner::default() });
    for _ in 0..10 {
        assert_eq!(come(&app).await.status, 422);
    }
    assert_eq!((provider.asked("/keys"), provider.asked("/.well-known/openid-configuration")), (1, 1));
    app.stop().await;
}

#[tokio::test]
async fn which_addresses_count_is_for_the_operator_to_say() {
    let (app, provider) = start(&[("sign_in.idp.domains", "contoso.com, contoso.hu")]).await;
    invite_bob(&app).await;
    for (claims, told) in [
        (json!({ "email_verified": false }), "does not say that the e-mail address is yours"),
        (json!({ "email_verified": null }), "does not say that the e-mail address is yours"),
        (json!({ "email": "bob@fabrikam.com" }), "of that domain do not come in"),
        (json!({ "email": "bob@contoso.com.evil.example" }), "of that domain do not come in"),
        (json!({ "email": null }), "Nobody here has"),
        (json!({ "email": "bob" }), "Nobody here has"),
    ] {
        provider.behave(behaves(claims.clone()));
        let answer = come(&app).await;
        assert!(answer.status == 422 && text(&answer).contains(told), "{claims}: {}", text(&answer));
    }
    let folder = app.stop().await;
    let clock = Arc::new(TestClock::default());
    let provider = HostileProvider::start(Arc::<TestClock>::clone(&clock)).await;
    provider.behave(behaves(json!({ "email": "BOB@Contoso.com", "email_verified": null })));
    let app = TestApp::start_in(folder, clock, |config| {
        let issuer = provider.issuer();
        set(config, &[("sign_in.idp.issuer", &issuer), ("sign_in.idp.client_id", "leadwire")]);
        set(config, &[("sign_in.idp.domains", "contoso.com"), ("sign_in.idp.trust_email", "true")]);
    })
    .await;
    come_in(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn a_second_factor_is_asked_of_whom_the_provider_asked_none() {
    let (app, provider) = start(&[("second_factor", "contoso")]).await;
    invite_bob(&app).await;
    let bob = come_in(&app).await;
    assert_eq!(location(&bob.open("/leads").await), "/account", "it is set up before anything else");
    let mark = bob.read("/account").await;
    let mark =
        mark.split_once("name=\"form_token\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let shown = bob.send("/account/factor", &[("form_token", &mark)]).await;
    assert_eq!(shown.status, 200, "who has no password is asked for none: {}", text(&shown));
    provider.behave(behaves(json!({ "amr": ["pwd", "mfa"] })));
    let vouched = come_in(&app).await;
    assert_eq!(vouched.open("/leads").await.status, 200, "the provider asked for one");
    let phone = vouched.set_up_factor().await;
    assert_eq!(come_in(&app).await.open("/leads").await.status, 200);
    provider.behave(behaves(json!({ "amr": ["pwd"] })));
    let answer = come(&app).await;
    assert_eq!(location(&answer), "/sign-in/code?next=%2Fleads");
    let mut half = Visitor::new(&app);
    half.keep(&answer);
    app.clock.advance(totp::STEP);
    assert_eq!(half.send("/sign-in/code", &[("code", &phone.code())]).await.status, 303);
    app.stop().await;
}

#[tokio::test]
async fn where_providers_alone_sign_people_in_named_operators_keep_a_password() {
    let only = [("sign_in.idp.only", "true"), ("password_operators", "ada@example.com")];
    let (app, _provider) = start(&only).await;
    let made = invite_bob(&app).await;
    let link = path_of(made["link"].as_str().unwrap());
    let bob = Visitor::new(&app);
    let fields = [("name", "Bob"), ("password", PASSWORD), ("again", PASSWORD)];
    for answer in [bob.open(&link).await, bob.send(&link, &fields).await] {
        assert_eq!((answer.status, location(&answer)), (303, "/sign-in?done=use-provider"));
    }
    // The first of all chooses one: nobody else could let them in.
    let ada = Visitor::operator(&app).await;
    assert_eq!(ada.open("/leads").await.status, 200);
    let sign_in = async |email: &str| {
        Visitor::new(&app).send("/sign-in", &[("email", email), ("password", PASSWORD)]).await
    };
    assert_eq!((sign_in("ada@example.com").await.status, sign_in(BOB).await.status), (303, 422));
    let page = text(&bob.open("/sign-in?done=use-provider").await);
    assert!(page.contains("With a password, for operators") && page.contains("No password is needed"));
    let made = ada
        .act("/users", &[("email", "eve@contoso.com"), ("role", "reader"), ("publisher", "contoso")])
        .await;
    assert!(made.status == 201 && text(&made).contains("may come in") && !text(&made).contains("/first/"));
    come_in(&app).await;
    let folder = app.stop().await;
    // Passwords that were chosen before count no more, but those of the named.
    let app = TestApp::start_in(folder, Arc::new(TestClock::default()), |_| {}).await;
    let users = app.get("/v1/users?publisher=contoso").await;
    let id = users["items"][0]["id"].as_str().unwrap();
    let made = app.post(&format!("/v1/users/{id}/link"), &json!({})).await;
    Visitor::by_link(&app, &path_of(made["link"].as_str().unwrap()), BOB).await;
    let folder = app.stop().await;
    let app = TestApp::start_in(folder, Arc::new(TestClock::default()), |config| {
        set(config, &[("sign_in.idp.issuer", "http://127.0.0.1:9"), ("sign_in.idp.client_id", "x")]);
        set(config, &only);
    })
    .await;
    let refused = Visitor::new(&app).send("/sign-in", &[("email", BOB), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, 422);
    app.stop().await;
}

#[tokio::test]
async fn nobody_is_led_to_a_provider_or_away_by_another_site() {
    let (app, provider) = start(&[]).await;
    let open =
        async |path: &str, headers: &[(&str, &str)]| app.raw(Method::GET, path, headers, Bytes::new()).await;
    for site in ["cross-site", "same-site"] {
        let answer = open("/sign-in/with/idp", &[("sec-fetch-site", site)]).await;
        assert_eq!((answer.status, location(&answer)), (303, "/sign-in"), "{site}");
    }
    assert_eq!(open("/sign-in/with/idp", &[("sec-purpose", "prefetch")]).await.status, 204);
    assert_eq!(open("/sign-in/with/nobody", &[]).await.status, 404);
    assert_eq!(provider.asked("/.well-known/openid-configuration"), 0);
    let page = open("/sign-in?next=%2Fleads", &[]).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self';"), "a link leads there, and no form: {policy}");
    assert!(text(&page).contains("href=\"/sign-in/with/idp?next=%2Fleads\""));
    invite_bob(&app).await;
    for evil in ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%2F%5Cevil.example"] {
        let way = OnTheWay::begin(&app, &format!("/sign-in/with/idp?next={evil}"), "").await;
        assert_eq!(location(&way.open(&app, &way.back()).await), "/", "{evil}");
    }
    for name in ["response_type", "code_challenge_method", "scope", "client_id"] {
        let way = OnTheWay::begin(&app, "/sign-in/with/idp", "").await;
        let expected = ["code", "S256", "openid email profile", "leadwire"];
        assert!(expected.contains(&way.asked[name].as_str()), "{name}");
    }
    app.stop().await;
}

/// The real provider, which signs so, with `contoso` and Bob.
async fn with_real(algorithm: &str) -> (TestApp, OidcProvider) {
    let provider = OidcProvider::start(algorithm, "s:cr%t/of+ours").await;
    // It knows the machine's time alone.
    let clock = Arc::new(TestClock::at(MachineClock::start().wall()));
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let app = TestApp::start_in(folder, clock, |config| {
        let issuer = provider.issuer();
        set(config, &[("sign_in.real.issuer", &issuer), ("sign_in.real.client_id", "leadwire")]);
        set(config, &[("sign_in.real.client_secret", "s:cr%t/of+ours"), ("sign_in.real.title", "Contoso")]);
    })
    .await;
    app.add_contoso().await;
    for name in ["bob", "new"] {
        let user = json!({ "email": format!("{name}@contoso.com"), "role": "publisher" });
        app.post("/v1/users?publisher=contoso", &user).await;
    }
    (app, provider)
}

#[tokio::test]
async fn a_person_signs_in_by_a_real_provider_and_is_known_again_there() {
    let (app, provider) = with_real("RS256").await;
    let wish = json!({ "base": app.url(""), "name": "bob", "step": "in" });
    let seen = ask(Language::Node, "sign_in.mjs", &wish).await;
    assert_eq!(
        (&seen["at"], &seen["said"], &seen["complaints"]),
        (&json!("/destinations"), &json!([]), &json!([]))
    );
    // The provider knows the machine's time alone, so that what was shown is made older, and time stands still.
    let cookies = seen["state"]["cookies"].as_array().unwrap();
    let token = cookies.iter().find(|it| it["name"] == "leadwire").unwrap()["value"].as_str().unwrap();
    let long_ago = app.clock.wall().minus(PROOF_KEPT);
    app.app.store.prove_session(sha256(token.as_bytes()), long_ago).await.unwrap();
    let wish = json!({ "base": app.url(""), "name": "bob", "step": "again", "state": seen["state"] });
    let seen = ask(Language::Node, "sign_in.mjs", &wish).await;
    assert_eq!(seen["complaints"], json!([]));
    assert_eq!(
        (seen["title"].as_str(), seen["early"].as_str()),
        (Some("Is it still you?"), Some("Nothing was shown yet. Sign in once more, and press Go on."))
    );
    assert!(seen["known"].as_str().unwrap().starts_with("It is you."), "{}", seen["known"]);
    assert!(seen["made"].as_str().unwrap().contains("Kept while asked again"), "{}", seen["made"]);
    assert!(seen["account"].as_str().unwrap().contains("Firefox on Linux"), "{}", seen["account"]);
    drop(provider);
    app.stop().await;
}

#[tokio::test]
async fn real_tokens_of_every_kind_count_and_an_unverified_address_does_not() {
    for algorithm in ["PS256", "ES256", "EdDSA"] {
        let (app, provider) = with_real(algorithm).await;
        let name = if algorithm == "EdDSA" { "new" } else { "bob" };
        let wish = json!({ "base": app.url(""), "name": name, "step": "in" });
        let seen = ask(Language::Node, "sign_in.mjs", &wish).await;
        match name {
            "bob" => {
                assert_eq!((&seen["at"], &seen["said"]), (&json!("/destinations"), &json!([])), "{algorithm}")
            }
            _ => assert!(
                seen["said"][0].as_str().unwrap().contains("does not say that the e-mail address is yours")
            ),
        }
        drop(provider);
        app.stop().await;
    }
}
