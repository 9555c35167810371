//! A proof in the portal is on the page step by step, while the destination still thinks, and without a script.

use leadwire_testkit::app::{PATIENCE, TestApp};
use leadwire_testkit::clock::TestClock;
use leadwire_testkit::portal::Visitor;
use serde_json::json;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::form_urlencoded::Serializer;

/// A receiver that takes every request and answers none before it is told to.
async fn slow_receiver() -> (SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (answer, told) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut told = told.clone();
            tokio::spawn(async move {
                let mut seen = [0; 16 * 1024];
                while stream.read(&mut seen).await.is_ok_and(|it| it > 0) {
                    if told.wait_for(|it| *it).await.is_err() {
                        return;
                    }
                    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, answer)
}

/// Reads on until the page has this, and gives back all that came so far.
async fn read_until(stream: &mut TcpStream, seen: &mut String, wanted: &str) {
    let mut some = vec![0; 16 * 1024];
    while !seen.contains(wanted) {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut some)).await;
        let count = read.unwrap_or_else(|_| panic!("{wanted} never came: {seen}")).unwrap();
        assert!(count > 0, "{wanted} never came: {seen}");
        seen.push_str(&String::from_utf8_lossy(&some[..count]));
    }
}

/// Sends the form of a proof, and leaves the answer to be read.
async fn begin(app: &TestApp, ada: &Visitor<'_>, deed: &str) -> TcpStream {
    let mark = ada.mark().await;
    let form = Serializer::new(String::new())
        .extend_pairs([("form_token", mark.as_str()), ("publisher", "contoso")])
        .finish();
    let here = app.url("").trim_start_matches("http://").trim_end_matches('/').to_owned();
    let request = format!(
        "POST /destinations/crm/{deed} HTTP/1.1\r\nhost: {here}\r\ncookie: {}\r\nsec-fetch-site: same-origin\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{form}",
        ada.cookie,
        form.len()
    );
    let mut stream = TcpStream::connect(&here).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn each_step_is_shown_as_it_ends_and_the_rest_when_the_way_is_over() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let (address, answer) = slow_receiver().await;
    app.add_destination("crm", json!({ "url": format!("http://{address}/leads") })).await;
    let ada = Visitor::operator(&app).await;
    let mut stream = begin(&app, &ada, "test-lead").await;
    let mut seen = String::new();
    // The connection was looked at, the lead is on its way, and nobody has answered yet.
    read_until(&mut stream, &mut seen, "mark-passed").await;
    read_until(&mut stream, &mut seen, "Connect to 127.0.0.1").await;
    assert!(
        seen.contains("200 OK") && !seen.contains("Write a test lead") && !seen.contains("</html>"),
        "{seen}"
    );
    answer.send_replace(true);
    read_until(&mut stream, &mut seen, "</html>").await;
    let place = |text: &str| seen.find(text).unwrap_or_else(|| panic!("{text}: {seen}"));
    assert!(place("Connect to 127.0.0.1") < place("Write a test lead"));
    assert!(place("Write a test lead") < place("Everything works"));
    assert_eq!(seen.matches("Write a test lead").count(), 1, "no step is shown twice");
    let proved = app.get("/v1/destinations/crm?publisher=contoso").await;
    assert_eq!(proved["test_lead"]["current"], true);
    app.stop().await;
}

#[tokio::test]
async fn a_proof_that_is_left_goes_on_and_is_found_again() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let (address, answer) = slow_receiver().await;
    app.add_destination("crm", json!({ "url": format!("http://{address}/leads") })).await;
    let ada = Visitor::operator(&app).await;
    assert!(!ada.read("/destinations/crm").await.contains("id=\"proof\""), "nothing was looked at yet");
    let (mut stream, mut seen) = (begin(&app, &ada, "test-lead").await, String::new());
    read_until(&mut stream, &mut seen, "Connect to 127.0.0.1").await;
    drop(stream);
    let running = ada.read("/destinations/crm").await;
    assert!(running.contains("Connect to 127.0.0.1") && running.contains("Still on its way"), "{running}");
    assert!(running.contains("data-live") && !running.contains("Write a test lead"), "{running}");
    let asked = app.get("/v1/destinations/crm/proof?publisher=contoso").await;
    assert_eq!((&asked["items"][0]["what"], asked["items"][0].get("ended_at")), (&json!("test-lead"), None));
    let mut ended = app.app.proofs.ended();
    answer.send_replace(true);
    tokio::time::timeout(PATIENCE, ended.changed()).await.expect("it ends without anybody").unwrap();
    let found = ada.read("/destinations/crm").await;
    assert!(found.contains("Everything works") && found.contains("LEADWIRE_TEST_"), "{found}");
    assert!(!found.contains("Still on its way"), "{found}");
    let reader = Visitor::of_contoso(&app, "reader").await;
    assert!(
        reader.read("/destinations/crm").await.contains("Write a test lead"),
        "whoever may see the set-up sees it"
    );
    let kept = app.get("/v1/destinations/crm/proof?publisher=contoso").await["items"][0].clone();
    assert_eq!(
        (&kept["what"], &kept["current"], &kept["proof"]["passed"]),
        (&json!("test-lead"), &json!(true), &json!(true))
    );
    let folder = app.stop().await;
    let app = TestApp::start_in(folder, std::sync::Arc::new(TestClock::default()), |_| {}).await;
    let again = app.get("/v1/destinations/crm/proof?publisher=contoso").await["items"][0].clone();
    assert_eq!(again, kept, "it is kept over a restart");
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_a_step_that_failed_or_a_page_that_says_so() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let ada = Visitor::operator(&app).await;
    assert_eq!(ada.act("/destinations/none/validate", &[]).await.status, 404);
    let (address, _answer) = slow_receiver().await;
    app.add_destination("crm", json!({ "url": format!("http://{address}/leads") })).await;
    let reader = Visitor::of_contoso(&app, "reader").await;
    assert_eq!(reader.act("/destinations/crm/validate", &[]).await.status, 403);
    app.stop().await;
}
