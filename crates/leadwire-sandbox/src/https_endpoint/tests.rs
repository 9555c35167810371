//! The endpoint over real sockets, with requests written by hand so that no client library softens them.

use super::*;
use crate::webhook_signature::Verifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const NOW: u64 = 1_614_265_330;

async fn endpoint(change: impl FnOnce(&mut Options)) -> HttpsEndpoint {
    let mut options = Options::new(Arc::new(|| NOW));
    change(&mut options);
    start(TcpListener::bind("127.0.0.1:0").await.unwrap(), options).unwrap()
}

fn post(headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /leads HTTP/1.1\r\nHost: sandbox\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

fn with_id(id: &str, body: &str) -> String {
    post(&format!("webhook-id: {id}\r\nConnection: close\r\n"), body)
}

/// Sends one request and reads until the other side closes.
async fn send(endpoint: &HttpsEndpoint, request: &str) -> String {
    let mut stream = TcpStream::connect(endpoint.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[track_caller]
fn check_status(answer: &str, expected: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "expected {expected}, got: {answer}");
}

#[tokio::test]
async fn ids_are_counted_once_and_bodies_compared() {
    let endpoint = endpoint(|_| {}).await;
    for (id, body) in [("a", "{}"), ("b", "{\"n\":1}"), ("a", "{}"), ("b", "{\"n\":2}")] {
        check_status(&send(&endpoint, &with_id(id, body)).await, "200");
    }
    assert_eq!((endpoint.calls(), endpoint.distinct(), endpoint.accepted_distinct()), (4, 2, 2));
    let seen: Vec<_> =
        endpoint.seen().into_iter().map(|it| (it.webhook_id, it.calls, it.body_changed)).collect();
    assert_eq!(seen, [("a".to_owned(), 2, false), ("b".to_owned(), 2, true)]);
    let order: Vec<String> = endpoint.received().into_iter().map(|it| it.webhook_id).collect();
    assert_eq!(order, ["a", "b", "a", "b"]);
    assert_eq!(&endpoint.received()[1].body[..], b"{\"n\":1}");
    endpoint.stop().await;
}

#[tokio::test]
async fn a_signature_is_required_once_a_key_is_given() {
    let verifier = Verifier::new(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]).unwrap();
    let endpoint = endpoint(|it| it.verifier = Some(Arc::new(verifier))).await;
    let signed = |body: &str| {
        let headers = "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\r\nwebhook-timestamp: 1614265330\r\n\
             webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\r\nConnection: close\r\n";
        post(headers, body)
    };
    check_status(&send(&endpoint, &signed(r#"{"test": 2432232314}"#)).await, "200");
    check_status(&send(&endpoint, &signed(r#"{"test": 2432232315}"#)).await, "401");
    check_status(&send(&endpoint, &with_id("unsigned", "{}")).await, "400");
    assert_eq!((endpoint.calls(), endpoint.refused()), (1, 2));
}

#[tokio::test]
async fn what_a_strict_receiver_refuses_is_refused() {
    let endpoint = endpoint(|it| {
        it.body_bytes_max = 10;
        it.required_headers = vec![(http::header::AUTHORIZATION, HeaderValue::from_static("Bearer t"))];
    })
    .await;
    let close = "Connection: close\r\n";
    let good = format!("{close}Authorization: Bearer t\r\nwebhook-id: a\r\n");
    check_status(&send(&endpoint, &post(&good, "{}")).await, "200");
    check_status(&send(&endpoint, &post(&good, "{}").replace("POST", "PUT")).await, "405");
    check_status(&send(&endpoint, &post(&good, "{}").replace("application/json", "text/plain")).await, "415");
    check_status(&send(&endpoint, &post(&good, "{")).await, "400");
    check_status(&send(&endpoint, &post(&good, "{\"a\":\"12345\"}")).await, "413");
    check_status(&send(&endpoint, &post(&good, "{}").replace("Bearer t", "Bearer u")).await, "401");
    check_status(
        &send(&endpoint, &post(&good, "{}").replace("webhook-id: a", "webhook-id: a.b")).await,
        "400",
    );
    check_status(&send(&endpoint, &post(&good, "{}").replace("webhook-id: a\r\n", "")).await, "400");
    assert_eq!((endpoint.calls(), endpoint.refused()), (1, 7));
}

#[tokio::test]
async fn the_script_is_followed_in_order_and_then_all_is_well() {
    let endpoint = endpoint(|_| {}).await;
    endpoint.script(vec![
        Answer::retry_after(503, "7"),
        Answer::retry_after(429, "Wed, 21 Oct 2026 07:28:00 GMT"),
        Answer::status(410),
        Answer::redirect(302, "http://169.254.169.254/"),
        Answer::html(200),
    ]);
    let request = with_id("a", "{}");
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(send(&endpoint, &request).await);
    }
    for (answer, status) in answers.iter().zip(["503", "429", "410", "302", "200", "200"]) {
        check_status(answer, status);
    }
    assert!(answers[0].contains("retry-after: 7\r\n"));
    assert!(answers[1].contains("retry-after: Wed, 21 Oct 2026 07:28:00 GMT\r\n"));
    assert!(answers[3].contains("location: http://169.254.169.254/\r\n"));
    assert!(answers[4].contains("text/html") && answers[4].contains("Sign in"));
    assert_eq!((endpoint.calls(), endpoint.accepted(), endpoint.accepted_distinct()), (6, 2, 1));
    endpoint.otherwise(Answer::status(500));
    check_status(&send(&endpoint, &request).await, "500");
}

#[tokio::test]
async fn cut_answers_are_cut_where_they_say() {
    let endpoint = endpoint(|_| {}).await;
    endpoint.script(vec![Answer::CutBeforeAnswer, Answer::CutMidAnswer]);
    assert_eq!(send(&endpoint, &with_id("a", "{}")).await, "");
    let part = send(&endpoint, &with_id("a", "{}")).await;
    check_status(&part, "200");
    assert!(part.contains("content-length: 4096\r\n") && part.len() < 1024, "{part}");
    assert_eq!((endpoint.calls(), endpoint.accepted()), (2, 0));
}

#[tokio::test]
async fn an_endless_body_has_a_bound() {
    let endpoint = endpoint(|_| {}).await;
    endpoint.script(vec![Answer::Endless]);
    let mut stream = TcpStream::connect(endpoint.address()).await.unwrap();
    stream.write_all(with_id("a", "{}").as_bytes()).await.unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut total = 0;
    loop {
        match stream.read(&mut buffer).await.unwrap() {
            0 => break,
            bytes => total += u64::try_from(bytes).unwrap(),
        }
    }
    assert!((ENDLESS_BYTES..ENDLESS_BYTES + 1024 * 1024).contains(&total), "{total}");
}

#[tokio::test]
async fn a_hanging_request_is_answered_when_released() {
    let endpoint = endpoint(|_| {}).await;
    endpoint.script(vec![Answer::Hang]);
    let (request, free) = (with_id("a", "{}"), with_id("b", "{}"));
    let act = async {
        endpoint.wait_for_calls(1).await;
        check_status(&send(&endpoint, &free).await, "200");
        endpoint.release();
    };
    let (answer, ()) = tokio::join!(send(&endpoint, &request), act);
    check_status(&answer, "200");
    endpoint.wait_for_accepted_distinct(2).await;
}

#[tokio::test]
async fn stopping_ends_hanging_and_stalled_connections() {
    let endpoint = endpoint(|_| {}).await;
    endpoint.script(vec![Answer::Hang, Answer::StallMidAnswer]);
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(endpoint.address()).await.unwrap();
        stream.write_all(with_id("a", "{}").as_bytes()).await.unwrap();
        streams.push(stream);
    }
    endpoint.wait_for_calls(2).await;
    let address = endpoint.address();
    endpoint.stop().await;
    for mut stream in streams {
        // Either end of file or a reset: what counts is that it ends.
        drop(stream.read_to_end(&mut Vec::new()).await);
    }
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_benchmark_keeps_hashes_only() {
    let endpoint = endpoint(|it| it.keep = Keep::IdHashes).await;
    for id in ["a", "b", "a"] {
        send(&endpoint, &with_id(id, "{}")).await;
    }
    assert_eq!((endpoint.calls(), endpoint.distinct()), (3, 2));
    assert!(endpoint.has_accepted("b") && !endpoint.has_accepted("c"));
    assert!(endpoint.received().is_empty() && endpoint.seen().is_empty());
}

#[tokio::test]
async fn pipelined_requests_on_one_connection_are_answered_in_order() {
    let endpoint = endpoint(|it| it.keep = Keep::Requests { count_max: 2 }).await;
    let keep_alive = |id: &str| post(&format!("webhook-id: {id}\r\n"), "{}");
    let all = [keep_alive("a"), keep_alive("b"), with_id("c", "{}")].concat();
    let answers = send(&endpoint, &all).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 3);
    // The third is counted, though only two are kept.
    assert_eq!((endpoint.calls(), endpoint.distinct(), endpoint.received().len()), (3, 3, 2));
}
