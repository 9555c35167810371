//! The server around a service, with the smallest service there can be.

use super::*;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Counts what is posted to it.
#[derive(Default)]
struct Counter {
    posted: u64,
}

impl Service for Counter {
    fn kind(&self) -> &'static str {
        "counter"
    }

    fn answer(&mut self, call: &Call, _: i64) -> Reply {
        if self.is_write(call) {
            self.posted += 1;
        }
        Reply::json(200, &json!({ "posted": self.posted }))
    }

    fn is_write(&self, call: &Call) -> bool {
        call.method == http::Method::POST
    }

    fn records(&self) -> Vec<Value> {
        vec![json!(self.posted)]
    }

    fn misbehave(&mut self, fault: &Fault, _: &Call, _: i64) -> Option<Reply> {
        (*fault == Fault::Busy).then(|| Reply::empty(429))
    }

    fn destination_settings(&self, base: &str) -> Value {
        json!({ "url": base })
    }
}

async fn sandbox() -> Sandbox {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    start(listener, Box::new(Counter::default()), Options::new(Arc::new(|| 0))).unwrap()
}

/// Sends one request and reads until the other side closes.
async fn send(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(sandbox.address()).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn faults_strike_writes_and_say_whether_the_call_was_applied() {
    let sandbox = sandbox().await;
    for (fault, posted) in
        [("cut_before", 0), ("cut_after", 1), ("busy", 1), ("html", 1), ("cut_mid_answer", 2)]
    {
        let order = json!({ "fault": fault, "count": 1 }).to_string();
        assert!(
            send(&sandbox, "POST", "/_sandbox/faults", &order).await.starts_with("HTTP/1.1 204"),
            "{fault}"
        );
        assert!(send(&sandbox, "GET", "/", "").await.starts_with("HTTP/1.1 200"), "{fault}");
        let answer = send(&sandbox, "POST", "/", "").await;
        assert!(!answer.contains("posted"), "{fault}: {answer}");
        assert_eq!(sandbox.records(), [json!(posted)], "{fault}");
    }
    assert!(send(&sandbox, "POST", "/", "").await.contains("posted\":3"));
    assert_eq!(sandbox.writes(), 6);
}

#[tokio::test]
async fn an_order_that_is_not_understood_says_what_is() {
    let sandbox = sandbox().await;
    let answer = send(&sandbox, "POST", "/_sandbox/faults", r#"{"fault":"gremlins"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 422") && answer.contains("cut_after"), "{answer}");
}

#[test]
fn a_share_of_the_calls_is_struck_and_the_same_seed_strikes_the_same() {
    let struck = || {
        let mut plan = FaultPlan::new(7);
        plan.share(0.3, Fault::CutAfter, Scope::Writes);
        (0..1000).filter(|_| plan.throw(true).is_some()).count()
    };
    assert_eq!(struck(), struck());
    assert!((250..350).contains(&struck()), "{}", struck());
}
