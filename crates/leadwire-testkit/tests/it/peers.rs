//! Our connectors against servers that nobody here wrote, and those servers against clients that nobody here wrote.

use leadwire_testkit::app::TestApp;
use leadwire_testkit::peers::{
    Aiosmtpd, Azurite, Language, NodeRed, ServerCertificate, SmtpOptions, SmtpTls, ask,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const DELIVERIES: &str = "/v1/deliveries?publisher=contoso";
const CRM: &str = "/v1/destinations/crm?publisher=contoso";

/// The program whose destination `crm` is this Node-RED.
async fn start_with_node_red(node_red: &NodeRed) -> TestApp {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app.add_destination("crm", json!({ "url": node_red.url("/leads") })).await;
    app
}

/// Waits until the only delivery has come to the end of its try of this number, and gives back its state, its cause
/// and the outcome of that try.
async fn tried(app: &TestApp, number: usize) -> [Value; 3] {
    let ended = |it: &Value| it["attempts"] == number && it["in_flight"] == false;
    let page = app.wait_for(DELIVERIES, |it| ended(&it["items"][0])).await;
    let delivery = &page["items"][0];
    let path = format!("/v1/deliveries/{}?publisher=contoso", delivery["id"].as_str().unwrap());
    let attempts = app.get(&path).await["attempts"].clone();
    [delivery["state"].clone(), delivery["cause"].clone(), attempts[number - 1]["outcome"].clone()]
}

#[tokio::test]
async fn node_red_gets_the_lead_as_it_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let flow = NodeRed::flow_answering("msg.payload = { ok: true };");
    let node_red = NodeRed::start(folder.path(), &flow).await;
    let app = start_with_node_red(&node_red).await;
    let customer = json!({ "first_name": "Őrs", "last_name": "愛 מרים 🦊 e\u{301} \"\\\u{2028}</script>",
        "email": "ors@example.hu", "company": "İstanbul Ürün A.Ş." });
    let notes = "árvíztűrő tükörfúrógép\r\n".repeat(100);
    let custom = json!({ "ключ": "значение", "seats": 12, "list": [true, { "a": 1.5 }] });
    let lead = json!({ "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro",
        "customer": customer, "notes": notes, "custom": custom });
    let touchpoint = app.post("/v1/leads", &lead).await["id"].clone();
    assert_eq!(app.wait_until_settled().await["destinations"][0]["delivered"], 1);
    assert_eq!(tried(&app, 1).await, [json!("delivered"), Value::Null, json!("done")]);

    let received = node_red.wait_for_received(1).await;
    assert_eq!(received.len(), 1);
    let (headers, body) = (&received[0]["headers"], &received[0]["body"]);
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["webhook-id"], body["id"], "{body}");
    let data = &body["data"];
    assert_eq!(data["touchpoint"], touchpoint, "{body}");
    assert_eq!((&data["customer"], &data["custom"]), (&customer, &custom));
    assert_eq!(data["notes"], notes.trim_end(), "{body}");
    app.stop().await;
}

#[tokio::test]
async fn a_busy_node_red_is_tried_again_when_it_asked_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let flow = NodeRed::flow_answering(
        "if (call === 1) { msg.statusCode = 503; msg.headers = { 'retry-after': '120' }; }",
    );
    let node_red = NodeRed::start(folder.path(), &flow).await;
    let app = start_with_node_red(&node_red).await;
    app.send_lead("ada@example.com").await;
    assert_eq!(tried(&app, 1).await, ["pending", "http_503", "retry"].map(Value::from));
    assert_eq!(node_red.wait_for_received(1).await.len(), 1);
    // Beyond the two minutes and the tenth of jitter on top.
    app.clock.advance(Duration::from_secs(133));
    assert_eq!(app.wait_until_settled().await["destinations"][0]["delivered"], 1);
    assert_eq!(tried(&app, 2).await[2], "done");
    let received = node_red.wait_for_received(2).await;
    assert_eq!(received.len(), 2);
    assert_eq!(received[0]["body"], received[1]["body"]);
    assert_eq!(received[0]["headers"]["webhook-id"], received[1]["headers"]["webhook-id"]);
    app.stop().await;
}

#[tokio::test]
async fn an_address_that_the_flow_does_not_have_is_tried_again_before_a_person_must_act() {
    let folder = tempfile::tempdir().unwrap();
    let node_red = NodeRed::start(folder.path(), &NodeRed::flow_answering("")).await;
    let app = TestApp::start().await;
    app.add_contoso().await;
    app.add_destination("crm", json!({ "url": node_red.url("/lead") })).await;
    app.send_lead("ada@example.com").await;
    assert_eq!(tried(&app, 1).await, ["pending", "http_404", "retry"].map(Value::from));
    let correction = json!({ "settings": { "url": node_red.url("/leads") } });
    app.call(http::Method::PATCH, CRM, Some(&correction)).await.expect(200);
    // Beyond the longest first delay after a failed try.
    app.clock.advance(Duration::from_secs(6));
    assert_eq!(app.wait_until_settled().await["destinations"][0]["delivered"], 1);
    assert_eq!(node_red.wait_for_received(1).await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn azurite_keeps_what_the_client_of_microsoft_writes() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(folder.path()).await;
    let entity =
        json!({ "PartitionKey": "contoso", "RowKey": "tp_1", "Name": "Őrs 愛", "Seats": 12, "Test": true });
    let request = json!({ "connection": azurite.connection_string(), "table": "Leads", "entity": entity });
    let answer = ask(Language::Python, "azure_table_round.py", &request).await;
    assert_eq!(answer, json!({ "tables": ["Leads"], "entity": entity }));
}

/// What smtplib hears when it sends a message that is the same in every test.
async fn send(sink: &Aiosmtpd, tls: &str, authority: Option<&Path>, login: Option<[&str; 2]>) -> Value {
    let request = json!({
        "host": "127.0.0.1", "port": sink.address().port(), "tls": tls, "authority": authority, "login": login,
        "from": "leads@contoso.example", "to": ["sales@contoso.example", "gone@contoso.example"],
        "subject": "Őrs 愛", "text": "árvíztűrő\ntükörfúrógép\n",
    });
    ask(Language::Python, "smtplib_send.py", &request).await
}

/// Checks that the message of [`send`] arrived, to this first recipient at least.
fn assert_arrived(message: &Value, tls: bool, login: Option<&str>) {
    assert_eq!((&message["tls"], &message["login"]), (&json!(tls), &json!(login)), "{message}");
    assert_eq!(
        (&message["from"], &message["to"][0]),
        (&json!("leads@contoso.example"), &json!("sales@contoso.example"))
    );
    let headers = message["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["subject", "Őrs 愛"])), "{message}");
    let part = json!({ "type": "text/plain", "content": "árvíztűrő\r\ntükörfúrógép\r\n" });
    assert_eq!((&message["parts"], &message["defects"]), (&json!([part]), &json!([])), "{message}");
}

#[tokio::test]
async fn aiosmtpd_shows_a_message_and_refuses_whom_it_is_told_to_refuse() {
    let folder = tempfile::tempdir().unwrap();
    let refused = BTreeMap::from([("gone@contoso.example".to_owned(), "550 5.1.1 No such user".to_owned())]);
    let sink = Aiosmtpd::start(folder.path(), &SmtpOptions { refused, ..SmtpOptions::default() }).await;
    let answer = send(&sink, "none", None, None).await;
    assert_eq!(answer, json!({ "refused": { "gone@contoso.example": [550, "5.1.1 No such user"] } }));
    let messages = sink.wait_for_messages(1).await;
    assert_arrived(&messages[0], false, None);
    assert_eq!((messages.len(), &messages[0]["to"]), (1, &json!(["sales@contoso.example"])));
}

/// Checks that the sink demands encryption, where it can, and the right password, and then takes the message.
async fn check_encrypted(tls: SmtpTls, word: &str, authority_pem: &str) {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, authority_pem).unwrap();
    let login = Some(("leads".to_owned(), "a right password".to_owned()));
    let sink = Aiosmtpd::start(folder.path(), &SmtpOptions { tls, login, ..SmtpOptions::default() }).await;
    let answer = send(&sink, word, Some(&authority), None).await;
    assert_eq!(answer["error"][0], 530, "{answer}");
    let answer = send(&sink, word, Some(&authority), Some(["leads", "a wrong password"])).await;
    assert_eq!(answer["error"][0], 535, "{answer}");
    assert!(sink.messages().is_empty());
    let answer = send(&sink, word, Some(&authority), Some(["leads", "a right password"])).await;
    assert_eq!(answer, json!({ "refused": {} }));
    assert_arrived(&sink.wait_for_messages(1).await[0], true, Some("leads"));
    if word == "starttls" {
        let answer = send(&sink, "none", None, None).await;
        assert_eq!(answer["error"][0], 530, "{answer}");
    }
}

#[tokio::test]
async fn aiosmtpd_wants_starttls_and_a_password() {
    let certificate = ServerCertificate::for_loopback();
    let authority_pem = certificate.authority_pem.clone();
    check_encrypted(SmtpTls::StartTls(certificate), "starttls", &authority_pem).await;
}

#[tokio::test]
async fn aiosmtpd_wants_tls_from_the_first_byte_and_a_password() {
    let certificate = ServerCertificate::for_loopback();
    let authority_pem = certificate.authority_pem.clone();
    check_encrypted(SmtpTls::Implicit(certificate), "implicit", &authority_pem).await;
}

#[tokio::test]
#[should_panic(expected = "KeyError: 'connection'")]
async fn a_script_that_fails_shows_why() {
    ask(Language::Python, "azure_table_round.py", &json!({})).await;
}
