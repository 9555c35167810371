//! The portal from outside: who gets in, what keeps others out, and every form without a script.

use http::Method;
use leadwire_core::limits;
use leadwire_sandbox::https_endpoint::Answer as Reply;
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::clock::TestClock;
use leadwire_testkit::portal::{PASSWORD, Visitor, path_of, text};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const PAGES: [&str; 7] =
    ["/", "/leads", "/deliveries", "/failures", "/unrouted", "/quarantine", "/destinations"];
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

async fn contoso() -> TestApp {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app
}

#[tokio::test]
async fn the_first_link_works_once_and_makes_an_operator() {
    let app = contoso().await;
    let link = app.app.first_link().await.unwrap().unwrap();
    let path = path_of(link.expose());
    let nobody = Visitor::new(&app);
    let good = [("name", "Ada"), ("email", "Ada@Example.com"), ("password", PASSWORD), ("again", PASSWORD)];
    let short = [("name", "Ada"), ("email", "ada@example.com"), ("password", "short"), ("again", "short")];
    assert!(nobody.read(&path).await.contains("minlength=\"12\""));
    assert_eq!(nobody.send(&path, &short).await.status, 422);
    let used = nobody.send(&path, &good).await;
    assert_eq!((used.status, used.headers["location"].to_str().unwrap()), (303, "/"));
    assert_eq!(nobody.send(&path, &good).await.status, 404);
    assert_eq!(nobody.open(&path).await.status, 404);
    assert!(app.app.first_link().await.unwrap().is_none(), "somebody can sign in by now");
    let signed_in = nobody.send("/sign-in", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(signed_in.status, 303);
    let kept = app.app.store.user_by_email("ada@example.com".to_owned()).await.unwrap().unwrap();
    assert!(kept.password.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", kept.password);
    assert_eq!((kept.role.as_str(), kept.publisher), ("operator", None));
    app.stop().await;
}

#[tokio::test]
async fn a_link_ends_and_a_new_one_ends_every_session() {
    let app = contoso().await;
    let new = json!({ "email": "bob@contoso.com", "role": "member" });
    let made = app.post("/v1/users?publisher=contoso", &new).await;
    let path = path_of(made["link"].as_str().unwrap());
    app.clock.advance(limits::USER_LINK_KEPT);
    assert_eq!(Visitor::new(&app).open(&path).await.status, 404);
    let renew = format!("/v1/users/{}/link", made["id"].as_str().unwrap());
    let again = path_of(app.post(&renew, &json!({})).await["link"].as_str().unwrap());
    let bob = Visitor::by_link(&app, &again, "somebody.else@example.com").await;
    assert_eq!(bob.open("/leads").await.status, 200);
    let listed = app.get("/v1/users?publisher=contoso").await;
    assert_eq!(listed["items"][0]["email"], "bob@contoso.com", "nobody comes in under another address");
    let third = path_of(app.post(&renew, &json!({})).await["link"].as_str().unwrap());
    assert_eq!(bob.open("/leads").await.status, 200, "the old password goes on until a new one is chosen");
    Visitor::by_link(&app, &third, "bob@contoso.com").await;
    assert_eq!(bob.open("/leads").await.status, 303, "whoever was signed in before is not any more");
    let twice = app.call(Method::POST, "/v1/users?publisher=contoso", Some(&new)).await;
    assert_eq!((twice.status, twice.text("/code")), (409, "taken".to_owned()));
    app.stop().await;
}

#[tokio::test]
async fn a_session_ends_when_it_rests_when_it_is_old_and_when_its_user_goes() {
    let app = contoso().await;
    let mut ada = Visitor::operator(&app).await;
    let is_in = async |it: &Visitor<'_>| it.open("/leads").await.status == 200;
    for _ in 0..3 {
        app.clock.advance(limits::SESSION_IDLE_MAX - Duration::from_secs(1));
        assert!(is_in(&ada).await, "a session in use goes on");
    }
    app.clock.advance(limits::SESSION_IDLE_MAX);
    assert!(!is_in(&ada).await);
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let before = ada.cookie.clone();
    ada.keep(&ada.send("/sign-in", &fields).await);
    assert_ne!(ada.cookie, before, "every sign-in has a token of its own");
    let step = limits::SESSION_IDLE_MAX - Duration::from_secs(1);
    let mut passed = Duration::ZERO;
    while passed + step < limits::SESSION_MAX {
        app.clock.advance(step);
        passed += step;
        assert!(is_in(&ada).await, "after {passed:?}");
    }
    app.clock.advance(limits::SESSION_MAX - passed);
    assert!(!is_in(&ada).await, "a session in use ends after a day's work");
    let bob = Visitor::of_contoso(&app, "member").await;
    assert!(is_in(&bob).await);
    let id = app.get("/v1/users?publisher=contoso").await["items"][0]["id"].as_str().unwrap().to_owned();
    app.call(Method::DELETE, &format!("/v1/users/{id}"), None).await.expect(204);
    assert!(!is_in(&bob).await);
    app.stop().await;
}

#[tokio::test]
async fn signing_out_ends_the_session_for_every_copy_of_its_cookie() {
    let app = contoso().await;
    let ada = Visitor::operator(&app).await;
    let out = ada.act("/sign-out", &[]).await;
    assert_eq!((out.status, out.headers["location"].to_str().unwrap()), (303, "/sign-in?done=signed-out"));
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert!(out.headers.contains_key("clear-site-data"));
    assert_eq!(ada.open("/leads").await.status, 303);
    app.stop().await;
}

#[tokio::test]
async fn a_form_from_elsewhere_or_without_its_mark_does_nothing() {
    let app = contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let ada = Visitor::operator(&app).await;
    let mark = ada.mark().await;
    let fields = [("form_token", mark.as_str()), ("publisher", "contoso")];
    let path = "/destinations/crm/pause";
    let host = app.url("");
    let elsewhere: [&[(&str, &str)]; 5] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    for headers in elsewhere {
        assert_eq!(ada.send_with(path, &fields, headers).await.status, 403, "{headers:?}");
    }
    for wrong in [&[("publisher", "contoso")][..], &[("form_token", "0"), ("publisher", "contoso")]] {
        assert_eq!(ada.send(path, wrong).await.status, 403);
    }
    let others = Visitor::of_contoso(&app, "publisher").await.mark().await;
    assert_eq!(ada.send(path, &[("form_token", &others), ("publisher", "contoso")]).await.status, 403);
    let state = async || app.get("/v1/destinations/crm?publisher=contoso").await["state"].clone();
    assert_eq!(state().await, "open");
    let origin = [("origin", host.as_str())];
    assert_eq!(ada.send_with(path, &fields, &origin).await.status, 303, "an older browser says where from");
    assert_eq!(state().await, "paused");
    app.stop().await;
}

#[tokio::test]
async fn passwords_are_not_tried_out_and_nobody_is_kept_out_for_long() {
    let app =
        TestApp::start_in(Arc::new(tempfile::tempdir().unwrap()), Arc::new(TestClock::default()), |it| {
            it.proxies = vec!["127.0.0.0/8".parse().unwrap()];
        })
        .await;
    app.add_contoso().await;
    Visitor::operator(&app).await;
    let nobody = Visitor::new(&app);
    let same = ("sec-fetch-site", "same-origin");
    let from = async |address: &str, password: &str| {
        let fields = [("email", "ada@example.com"), ("password", password)];
        nobody.send_with("/sign-in", &fields, &[same, ("x-forwarded-for", address)]).await
    };
    for _ in 0..limits::SIGN_INS_PER_ACCOUNT_AND_NETWORK.burst {
        assert_eq!(from("203.0.113.7", "wrong password").await.status, 422);
    }
    let held = from("203.0.113.7", PASSWORD).await;
    assert_eq!(held.status, 429, "even the right one, or trying would tell");
    assert!(held.headers.contains_key("retry-after"));
    assert_eq!(from("198.51.100.9", PASSWORD).await.status, 303, "from elsewhere their owner comes in");
    app.clock.advance(limits::SIGN_INS_PER_ACCOUNT_AND_NETWORK.every);
    assert_eq!(from("203.0.113.7", PASSWORD).await.status, 303);
    let unknown = nobody.send("/sign-in", &[("email", "nobody@example.com"), ("password", PASSWORD)]).await;
    let wrong =
        nobody.send("/sign-in", &[("email", "ada@example.com"), ("password", "wrong password")]).await;
    let said = |it| text(it).replace("nobody@example.com", "ada@example.com");
    assert_eq!(
        (unknown.status, said(&unknown)),
        (wrong.status, said(&wrong)),
        "nobody learns who has an account"
    );
    app.stop().await;
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let app = contoso().await;
    let ada = Visitor::operator(&app).await;
    let nobody = Visitor::new(&app);
    let asked = nobody.open("/deliveries?state=parked").await;
    assert_eq!(asked.headers["location"].to_str().unwrap(), "/sign-in?next=%2Fdeliveries%3Fstate%3Dparked");
    let to = async |next: &str| {
        let fields = [("email", "ada@example.com"), ("password", PASSWORD), ("next", next)];
        let answer = nobody.send("/sign-in", &fields).await;
        answer.headers["location"].to_str().unwrap().to_owned()
    };
    assert_eq!(to("/deliveries?state=parked").await, "/deliveries?state=parked");
    for evil in ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"] {
        assert_eq!(to(evil).await, "/", "{evil}");
        let look = ada.act("/look", &[("back", evil), ("theme", "dark")]).await;
        assert_eq!(look.headers["location"].to_str().unwrap(), "/", "{evil}");
    }
    app.stop().await;
}

#[tokio::test]
async fn every_page_keeps_to_itself() {
    let app = contoso().await;
    let ada = Visitor::operator(&app).await;
    let signed_out = Visitor::new(&app);
    let mut all =
        vec![signed_out.open("/sign-in").await, signed_out.open("/").await, ada.open("/users").await];
    all.push(ada.open("/leads/none").await);
    for path in PAGES {
        all.push(ada.open(path).await);
    }
    for answer in all {
        let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
        let page = text(&answer);
        for inline in [" style=", "<style", " onclick=", " onload=", "javascript:"] {
            assert!(!page.contains(inline), "{inline}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn no_page_of_the_router_is_held_in_a_frame_and_no_form_is_taken_from_elsewhere() {
    let app = contoso().await;
    let (ada, nobody) = (Visitor::operator(&app).await, Visitor::new(&app));
    let mut forms = 0;
    for (method, pattern) in leadwire::portal::pages() {
        let mut path = pattern.to_owned();
        while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
            path.replace_range(from..=to, "missing");
        }
        let mut answers = Vec::new();
        if method == Method::GET {
            answers.extend([nobody.open(&path).await, ada.open(&path).await]);
        } else {
            let mark = ada.mark().await;
            let fields = [("form_token", mark.as_str()), ("publisher", "contoso")];
            let cross = ada.send_with(&path, &fields, &[("sec-fetch-site", "cross-site")]).await;
            let unsaid = ada.send_with(&path, &fields, &[]).await;
            assert_eq!((cross.status, unsaid.status), (403, 403), "{path}");
            answers.extend([cross, unsaid]);
            forms += 1;
        }
        for answer in answers {
            let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
            let policy = header("content-security-policy");
            assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
            assert!(policy.contains("require-trusted-types-for 'script'"), "{path}: {policy}");
            assert_eq!(header("x-frame-options"), "DENY", "{path}");
            assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
            assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{path}");
            assert_eq!(header("referrer-policy"), "same-origin", "{path}");
            assert_eq!(header("cache-control"), "no-store", "{path}");
        }
    }
    assert!(forms > 20, "{forms}");
    app.stop().await;
}

#[tokio::test]
async fn behind_https_the_cookie_is_bound_to_its_host() {
    let app =
        TestApp::start_in(Arc::new(tempfile::tempdir().unwrap()), Arc::new(TestClock::default()), |it| {
            it.public_url = Some("https://leads.example.com".to_owned());
        })
        .await;
    let link = app.app.first_link().await.unwrap().unwrap();
    let path = path_of(link.expose());
    let fields = [("name", "Ada"), ("email", "ada@example.com"), ("password", PASSWORD), ("again", PASSWORD)];
    let origin = [("origin", "https://leads.example.com")];
    let used = Visitor::new(&app).send_with(&path, &fields, &origin).await;
    let cookie = used.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-leadwire=lw_ses_"), "{cookie}");
    for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/;"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(used.headers["strict-transport-security"], "max-age=31536000; includeSubDomains");
    app.stop().await;
}

#[tokio::test]
async fn a_user_sees_their_publisher_alone_and_does_what_their_role_may() {
    let app = contoso().await;
    app.post("/v1/publishers", &json!({ "id": "fabrikam" })).await;
    app.post("/v1/offers?publisher=fabrikam", &json!({ "id": "erp" })).await;
    let lead = json!({ "offer": "fabrikam.erp", "customer": { "email": "secret@fabrikam.example" } });
    let theirs = app.post("/v1/leads", &lead).await["lead"].as_str().unwrap().to_owned();
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    for role in ["publisher", "member", "reader"] {
        let visitor = Visitor::of_contoso(&app, role).await;
        for path in PAGES {
            let page = visitor.read(&format!("{path}?publisher=fabrikam")).await;
            assert!(!page.contains("fabrikam"), "{role} {path}");
        }
        let path = format!("/leads/{theirs}?publisher=fabrikam");
        assert_eq!(visitor.open(&path).await.status, 404, "{role}");
        let may_run = role == "publisher";
        let paused = visitor.act("/destinations/crm/pause", &[("publisher", "fabrikam")]).await.status;
        assert_eq!(paused, if may_run { 303 } else { 403 }, "{role}");
        assert_eq!(visitor.open("/users").await.status, if may_run { 200 } else { 403 }, "{role}");
        let page = visitor.read("/destinations").await;
        assert_eq!(
            page.contains("/destinations/crm/"),
            may_run,
            "{role}: buttons are for those who may press them"
        );
        let tried = visitor.act("/failures/retry", &[("destination", "crm"), ("cause", "x")]).await.status;
        assert_eq!(tried, if role == "reader" { 403 } else { 303 }, "{role}");
        let invited = [("email", "new@contoso.com"), ("role", "operator")];
        assert!([403, 422].contains(&visitor.act("/users", &invited).await.status), "{role}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_people_typed_is_shown_as_text_and_pages_stay_small() {
    let app = contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    // Fewer than would pause the destination.
    endpoint.script(vec![Reply::status(422), Reply::status(422), Reply::status(422)]);
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let mut lead = String::new();
    for number in 0..60 {
        let customer = json!({
            "first_name": HOSTILE, "last_name": HOSTILE, "company": HOSTILE, "title": HOSTILE,
            "email": format!("x{number}@example.com"),
        });
        let sent = json!({ "offer": "contoso.crm-pro", "source": HOSTILE, "action": HOSTILE,
            "notes": HOSTILE.repeat(20), "customer": customer });
        lead = app.post("/v1/leads", &sent).await["lead"].as_str().unwrap().to_owned();
    }
    app.wait_until_settled().await;
    let ada = Visitor::operator(&app).await;
    let found = app.get("/v1/deliveries?publisher=contoso&limit=1").await;
    let delivery = found["items"][0]["id"].as_str().unwrap();
    let more = [format!("/leads/{lead}"), format!("/deliveries/{delivery}"), format!("/leads?q={HOSTILE}")];
    let more = more.iter().map(|it| it.replace(['<', '>', '"', '\'', ' '], "%3C"));
    let all: Vec<String> = PAGES.iter().map(|it| (*it).to_owned()).chain(more).collect();
    for path in all {
        let page = ada.read(&path).await;
        assert!(!page.contains("<script>alert") && !page.contains("<img"), "{path}");
        assert!(page.len() < 100_000, "{path}: {} bytes", page.len());
    }
    assert!(
        ada.read(&format!("/leads/{lead}")).await.contains("&#60;script&#62;alert(1)"),
        "it is there, as text"
    );
    app.stop().await;
}

#[tokio::test]
async fn every_form_of_leads_and_failures_works_without_a_script() {
    let app = contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    endpoint.otherwise(Reply::status(422));
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    for number in 0..3 {
        app.send_lead(&format!("x{number}@example.com")).await;
    }
    app.wait_until_settled().await;
    let bob = Visitor::of_contoso(&app, "member").await;
    let page = bob.read("/failures").await;
    assert!(page.contains("Try all 3 again") && page.contains("http_422"), "{page}");
    endpoint.otherwise(Reply::status(200));
    let found = app.get("/v1/deliveries?publisher=contoso&limit=1").await;
    let first = found["items"][0]["id"].as_str().unwrap().to_owned();
    let lead = found["items"][0]["lead"].as_str().unwrap().to_owned();
    let back = format!("/leads/{lead}");
    let retried = bob.act(&format!("/deliveries/{first}/retry"), &[("back", &back)]).await;
    assert_eq!(retried.headers["location"].to_str().unwrap(), format!("{back}?done=retried"));
    assert!(bob.read(&format!("{back}?done=retried")).await.contains("role=\"status\""));
    let all = bob.act("/failures/retry", &[("destination", "crm"), ("cause", "http_422")]).await;
    assert_eq!(all.status, 303);
    app.wait_for("/v1/ledger?publisher=contoso", |it| it["destinations"][0]["delivered"] == 3).await;
    assert!(!bob.read("/failures").await.contains("http_422"));
    let deed = async |name: &str, fields: &[(&str, &str)]| {
        let answer = bob.act(&format!("/leads/{lead}/{name}"), fields).await;
        assert_eq!(answer.status, 303, "{name}: {}", text(&answer));
        bob.read(&back).await
    };
    assert!(deed("interest", &[("interest", "active"), ("reason", "called us")]).await.contains("called us"));
    assert!(deed("feedback", &[("outcome", "qualified")]).await.contains("Qualified"));
    assert!(deed("do-not-contact", &[("reason", "asked")]).await.contains("Permit contact"));
    app.clock.advance(Duration::from_secs(1));
    assert!(deed("permit-contact", &[("reason", "agreed")]).await.contains("Do not contact any more"));
    let none = bob.act(&format!("/leads/{lead}/interest"), &[("interest", "active"), ("reason", "")]).await;
    assert_eq!(none.status, 422);
    let other = app.get("/v1/leads?publisher=contoso").await["items"][2]["id"].as_str().unwrap().to_owned();
    assert!(deed("merge", &[("with", &other), ("reason", "the same")]).await.contains(&other));
    let told = app.get("/v1/audit?publisher=contoso").await;
    let by_bob = |it: &&serde_json::Value| it["who"].as_str().unwrap().starts_with("usr_");
    let deeds: Vec<_> =
        told["items"].as_array().unwrap().iter().filter(by_bob).map(|it| &it["action"]).collect();
    assert!(deeds.contains(&&json!("lead.merge")) && deeds.contains(&&json!("delivery.retry")), "{deeds:?}");
    let unsure = bob.act(&format!("/leads/{lead}/erase"), &[("reason", "asked to be forgotten")]).await;
    assert_eq!(unsure.status, 422, "nobody erases by a slip");
    deed("unmerge", &[("member", &lead), ("reason", "two after all")]).await;
    let apart = app.get(&format!("/v1/leads/{lead}?publisher=contoso")).await;
    assert_eq!(apart["merged_into"], json!(null));
    deed("erase", &[("reason", "asked to be forgotten"), ("sure", "yes")]).await;
    app.stop().await;
}

#[tokio::test]
async fn people_are_invited_and_removed_and_the_rest_of_the_forms_works() {
    let app = contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let address = app.add_address().await;
    app.raw(Method::POST, &address, &[], "no lead".into()).await.expect(202);
    let ada = Visitor::operator(&app).await;
    let made =
        ada.act("/users", &[("email", "carl@contoso.com"), ("role", "reader"), ("name", "Carl")]).await;
    assert_eq!(made.status, 201);
    let page = text(&made);
    let link = page.split_once("<code class=\"link\">").unwrap().1.split('<').next().unwrap();
    let carl = Visitor::by_link(&app, &path_of(link), "carl@contoso.com").await;
    assert!(carl.read("/quarantine").await.contains("<table"));
    let users = app.get("/v1/users?publisher=contoso").await;
    let id = users["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(ada.act(&format!("/users/{id}/link"), &[]).await.status, 200);
    assert_eq!(ada.act(&format!("/users/{id}/remove"), &[]).await.status, 303);
    assert_eq!(carl.open("/").await.status, 303);
    let bad =
        app.get("/v1/quarantine?publisher=contoso").await["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(ada.act(&format!("/quarantine/{bad}/retry"), &[]).await.status, 303);
    for (deed, state) in [("pause", "paused"), ("resume", "open")] {
        assert_eq!(ada.act(&format!("/destinations/crm/{deed}"), &[]).await.status, 303);
        assert_eq!(app.get("/v1/destinations/crm?publisher=contoso").await["state"], state);
    }
    let look = ada.act("/look", &[("language", "hu"), ("theme", "dark"), ("back", "/leads")]).await;
    let cookie = look.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let both = format!("{}; {cookie}", ada.cookie);
    let mut hungarian = Visitor::new(&app);
    hungarian.cookie = both;
    let page = hungarian.read("/leads").await;
    assert!(
        page.contains("<html lang=\"hu\" dir=\"ltr\" data-theme=\"dark\">") && page.contains("Érdeklődők")
    );
    app.stop().await;
}
