//! Leads by e-mail, judged by a mail server of the Python world: encryption, signing in, and what people get to read.

use leadwire_testkit::app::{PATIENCE, TestApp};
use leadwire_testkit::clock::TestClock;
use leadwire_testkit::peers::{Aiosmtpd, ServerCertificate, SmtpOptions, SmtpTls};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The program with a destination `team` at this mail server, whose certificate it trusts.
async fn start(sink: &Aiosmtpd, more: Value, authority_pem: &str) -> TestApp {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, authority_pem).unwrap();
    let app = TestApp::start_in(folder, Arc::new(TestClock::default()), |config| {
        config.extra_ca = (!authority_pem.is_empty()).then_some(authority);
    })
    .await;
    app.add_contoso().await;
    let mut settings = json!({
        "to": "Sales Őrs <sales@contoso.example>\ngone@contoso.example", "from": "Leads <leads@contoso.example>",
        "server": "127.0.0.1", "port": sink.address().port(),
    });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    app.add_destination_of_kind("team", "email", settings).await;
    app
}

fn header<'a>(message: &'a Value, name: &str) -> &'a str {
    let headers = message["headers"].as_array().unwrap();
    headers.iter().find(|it| it[0] == name).map(|it| it[1].as_str().unwrap()).unwrap_or_default()
}

async fn check_encrypted(tls: SmtpTls, security: &str, authority_pem: &str) {
    let folder = tempfile::tempdir().unwrap();
    let login = Some(("leads".to_owned(), "a right password".to_owned()));
    let refused = BTreeMap::from([("gone@contoso.example".to_owned(), "550 5.1.1 No such user".to_owned())]);
    let sink = Aiosmtpd::start(folder.path(), &SmtpOptions { tls, login, refused }).await;
    let right = json!({ "security": security, "user": "leads", "password": "a right password" });
    let app = start(&sink, right, authority_pem).await;
    app.send_lead("ada@example.com").await;
    app.send_lead("grace@example.com").await;
    app.wait_until_settled().await;
    let messages = tokio::time::timeout(PATIENCE, sink.wait_for_messages(2)).await.unwrap();
    for message in &messages {
        assert_eq!((&message["tls"], &message["login"]), (&json!(true), &json!("leads")), "{message}");
        assert_eq!((&message["to"], &message["defects"]), (&json!(["sales@contoso.example"]), &json!([])));
        let kinds: Vec<&Value> = message["parts"].as_array().unwrap().iter().map(|it| &it["type"]).collect();
        assert_eq!(kinds, ["text/plain", "text/html"]);
        assert_eq!(header(message, "auto-submitted"), "auto-generated");
        assert_eq!(header(message, "to"), "Sales Őrs <sales@contoso.example>, gone@contoso.example");
    }
    let mut answers_to: Vec<&str> = messages.iter().map(|it| header(it, "reply-to")).collect();
    answers_to.sort_unstable();
    assert_eq!(answers_to, ["ada@example.com", "grace@example.com"]);
    let page = app.get("/v1/deliveries?publisher=contoso").await;
    // A mail server names no record, so no record is claimed.
    assert_eq!(
        (&page["items"][0]["state"], &page["items"][0]["record"]),
        (&json!("delivered"), &Value::Null)
    );
    assert_eq!(sink.messages().len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_lead_goes_out_over_starttls() {
    let certificate = ServerCertificate::for_loopback();
    let authority_pem = certificate.authority_pem.clone();
    check_encrypted(SmtpTls::StartTls(certificate), "starttls", &authority_pem).await;
}

#[tokio::test]
async fn a_lead_goes_out_over_tls_from_the_first_byte() {
    let certificate = ServerCertificate::for_loopback();
    let authority_pem = certificate.authority_pem.clone();
    check_encrypted(SmtpTls::Implicit(certificate), "tls", &authority_pem).await;
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let tls = SmtpTls::StartTls(ServerCertificate::for_loopback());
    let login = Some(("leads".to_owned(), "a right password".to_owned()));
    let sink = Aiosmtpd::start(folder.path(), &SmtpOptions { tls, login, ..SmtpOptions::default() }).await;
    let app = start(&sink, json!({ "user": "leads", "password": "a right password" }), "").await;
    let verdict = app.post("/v1/destinations/team/validate?publisher=contoso", &json!({})).await;
    assert_eq!(verdict["steps"][1]["cause"], "tls_certificate_untrusted", "{verdict}");
    assert!(sink.messages().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_test_lead_says_that_it_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Aiosmtpd::start(folder.path(), &SmtpOptions::default()).await;
    let app = start(&sink, json!({ "security": "plain" }), "").await;
    let proof = app.post("/v1/destinations/team/test-lead?publisher=contoso", &json!({})).await;
    assert_eq!(proof["passed"], true, "{proof}");
    let messages = tokio::time::timeout(PATIENCE, sink.wait_for_messages(1)).await.unwrap();
    assert!(header(&messages[0], "subject").starts_with("[Test] "), "{}", messages[0]);
    let text = messages[0]["parts"][0]["content"].as_str().unwrap();
    assert!(text.starts_with("Test: this is a test of the connection, not a customer"), "{text}");
    app.stop().await;
}
