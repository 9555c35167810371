//! Requests that are odd on the wire: each is answered clearly, whatever another program on the way would make of it.

use bytes::Bytes;
use http::Method;
use leadwire_testkit::app::{PATIENCE, TestApp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn a_client_that_closes_its_side_is_still_answered() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let body = r#"{"offer":"contoso.crm-pro"}"#;
    let request = format!(
        "POST /v1/leads HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        app.key.expose(),
        body.len()
    );
    let mut stream = TcpStream::connect(app.app.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn what_is_there_twice_is_refused_and_not_guessed() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let answer = app.call(Method::GET, "/v1/leads?publisher=contoso&publisher=other", None).await;
    assert_eq!((answer.status, answer.text("/code")), (400, "query_twice".to_owned()));
    let key = format!("Bearer {}", app.key.expose());
    let twice = [("authorization", key.as_str()), ("idempotency-key", "a"), ("idempotency-key", "b")];
    let answer = app.raw(Method::POST, "/v1/leads", &twice, Bytes::from_static(b"{}")).await;
    assert_eq!((answer.status, answer.text("/code")), (400, "header_twice".to_owned()));
    app.stop().await;
}

#[tokio::test]
async fn an_address_counts_towards_the_head() {
    let app = TestApp::start().await;
    let path = format!("/v1/publishers?x={}", "y".repeat(leadwire_core::limits::REQUEST_HEAD_BYTES_MAX));
    let answer = app.call(Method::GET, &path, None).await;
    assert_eq!((answer.status, answer.text("/code")), (431, "headers_too_large".to_owned()));
    app.stop().await;
}
