//! The audit log in the portal: in words, found by who, what and when, and signed for keeping elsewhere.

use http::Method;
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::portal::{PASSWORD, Visitor, text};
use serde_json::json;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Rows of the page's table.
fn rows(page: &str) -> usize {
    page.matches("<tr><th scope=\"row\">").count()
}

#[tokio::test]
async fn who_changed_what_is_told_in_words_and_found_by_who_what_and_when() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let mut bob = Visitor::of_contoso(&app, "publisher").await;
    let sign_in = [("email", "publisher@contoso.com"), ("password", PASSWORD)];
    app.clock.advance(DAY);
    bob.keep(&bob.send("/sign-in", &sign_in).await);
    assert_eq!(bob.act("/destinations/crm/pause", &[]).await.status, 303);
    app.clock.advance(DAY);
    bob.keep(&bob.send("/sign-in", &sign_in).await);
    assert_eq!(bob.act("/destinations/crm/resume", &[]).await.status, 303);
    let page = bob.read("/audit").await;
    let shown = ["<th scope=\"row\">Paused a destination", "<th scope=\"row\">Connected a destination"];
    for said in shown.into_iter().chain(["href=\"/destinations/crm\"", ">Ada"]) {
        assert!(page.contains(said), "{said}: {page}");
    }
    let users = app.get("/v1/users?publisher=contoso").await;
    let who = users["items"][0]["id"].as_str().unwrap().to_owned();
    let of_bob = bob.read(&format!("/audit?who={who}")).await;
    assert_eq!(rows(&of_bob), 2, "{of_bob}");
    let paused = bob.read("/audit?action=destination.pause").await;
    assert_eq!(rows(&paused), 1);
    assert_eq!(rows(&bob.read(&format!("/audit?who={who}&action=route.add")).await), 0);
    let all = app.get("/v1/audit?publisher=contoso&limit=200").await;
    let entries = all["items"].as_array().unwrap();
    let day = |at: usize| entries[at]["at"].as_str().unwrap()[..10].to_owned();
    let (last, before) = (day(0), day(1));
    assert_eq!(rows(&bob.read(&format!("/audit?from={last}")).await), 1);
    assert_eq!(rows(&bob.read(&format!("/audit?from={before}&to={before}")).await), 1);
    assert_eq!(rows(&bob.read(&format!("/audit?to={before}")).await), entries.len() - 1);
    let bad = bob.open("/audit?from=yesterday").await;
    assert_eq!((bad.status, text(&bad).contains("role=\"alert\"")), (422, true));
    let hungarian = Visitor::with(&app, format!("{}; leadwire_look=hu.auto", bob.cookie));
    assert!(hungarian.read("/audit").await.contains("<th scope=\"row\">Célrendszert szüneteltetett"));
    app.stop().await;
}

#[tokio::test]
async fn a_long_log_has_pages_and_keeps_what_is_looked_for() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let ada = Visitor::operator(&app).await;
    for days in 1..=50 {
        app.call(Method::PUT, "/v1/retention?publisher=contoso", Some(&json!({ "days": days })))
            .await
            .expect(200);
    }
    let first = ada.read("/audit?action=retention.update").await;
    let next = first.split_once("rel=\"next\" href=\"").expect("there is more").1.split('"').next().unwrap();
    let second = ada.read(&next.replace("&#38;", "&")).await;
    assert_eq!(rows(&first) + rows(&second), 50);
    assert!(!second.contains("Added or renamed an offer</th>"), "what is looked for stays: {second}");
    app.stop().await;
}

#[tokio::test]
async fn a_checkpoint_is_kept_elsewhere_and_the_operators_log_is_for_operators() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let ada = Visitor::operator(&app).await;
    let bob = Visitor::of_contoso(&app, "publisher").await;
    let kept = bob.act("/audit/checkpoint", &[("whose", "operator")]).await;
    let named = kept.headers["content-disposition"].to_str().unwrap().to_owned();
    assert!(named.starts_with("attachment; filename=\"checkpoint-contoso-"), "{named}");
    let line = text(&kept);
    let parts: Vec<&str> = line.trim_end().split(' ').collect();
    let all = app.get("/v1/audit?publisher=contoso&limit=200").await;
    let number: u64 = parts[1].parse().unwrap();
    let signed = all["items"].as_array().unwrap().iter().find(|it| it["number"] == number);
    assert_eq!((parts[0], parts.len()), ("contoso", 5), "as `leadwire audit verify` takes it: {line}");
    assert_eq!(signed.expect("an entry")["hash"], parts[3]);
    let own = ada.act("/audit/checkpoint", &[("whose", "operator")]).await;
    assert!(text(&own).starts_with("(operator) "), "{}", text(&own));
    assert!(ada.read("/audit?whose=operator").await.contains("<th scope=\"row\">Added a publisher"));
    assert!(!bob.read("/audit?whose=operator").await.contains("<th scope=\"row\">Added a publisher"));
    for role in ["member", "reader"] {
        let visitor = Visitor::of_contoso(&app, role).await;
        assert_eq!(visitor.open("/audit").await.status, 403, "{role}");
        assert_eq!(visitor.act("/audit/checkpoint", &[]).await.status, 403, "{role}");
        assert!(!visitor.read("/").await.contains("href=\"/audit"), "{role}");
    }
    app.stop().await;
}
