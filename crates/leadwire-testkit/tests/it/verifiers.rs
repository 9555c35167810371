//! Signatures checked by the `standardwebhooks` packages of PyPI and npm, which nobody here wrote.

use leadwire::clock::{Clock, MachineClock};
use leadwire_sandbox::https_endpoint::{HttpsEndpoint, Received};
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::clock::TestClock;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

const CURRENT: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const PREVIOUS: &str = "whsec_b2xkIHNlY3JldCBvZiB0aHJlZSB0aW1lcyB0d2VsdmU=";
const STRANGE: &str = "whsec_bm9ib2R5IGhhcyBldmVyIHNpZ25lZCB3aXRoIHRoaXMh";

/// A request as the verifiers read it.
fn line(received: &Received, secret: &str, body: &str) -> String {
    let headers: Map<String, Value> = received
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())))
        .collect();
    json!({ "secret": secret, "headers": headers, "body": body }).to_string()
}

/// What a verifier says to each line.
fn ask(program: &Path, script: &str, folder: &Path, lines: &[String]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("verifiers").join(script);
    let mut child = Command::new(program)
        .arg(script)
        .env("LEADWIRE_VERIFIERS", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}; run scripts/test", program.display()));
    let mut input = child.stdin.take().unwrap();
    let text = lines.join("\n") + "\n";
    // Written beside the reading: both pipes are smaller than the work.
    let writing = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success(), "{}: {}", program.display(), output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// An endpoint that is a destination with these settings.
async fn endpoint_with(app: &TestApp, name: &str, settings: Value) -> HttpsEndpoint {
    let endpoint = start_endpoint(&app.clock, None).await;
    let mut settings = settings;
    settings["url"] = json!(endpoint.url());
    app.add_destination(name, settings).await;
    endpoint
}

#[expect(clippy::disallowed_methods, reason = "scripts/test says where it has installed the verifiers")]
fn verifiers() -> PathBuf {
    std::env::var_os("LEADWIRE_VERIFIERS").map(PathBuf::from).unwrap_or_else(|| {
        panic!(
            "LEADWIRE_VERIFIERS is not set: run scripts/test, which installs the verifiers into target/verifiers; \
             after it has run once, `LEADWIRE_VERIFIERS=$PWD/target/verifiers cargo test …` does too"
        )
    })
}

#[tokio::test]
async fn independent_verifiers_accept_every_request_and_refuse_an_altered_one() {
    let folder = verifiers();
    // The packages look at the machine's clock, and allow five minutes.
    let now = MachineClock::start().wall();
    let clock = Arc::new(TestClock::at(now));
    let app = TestApp::start_in(Arc::new(tempfile::tempdir().unwrap()), clock, |_| {}).await;
    app.add_contoso().await;
    let rotating = json!({ "signing_secret": CURRENT, "signing_secret_previous": PREVIOUS });
    let endpoints = [
        (endpoint_with(&app, "plain", json!({ "signing_secret": CURRENT })).await, &[CURRENT][..]),
        (endpoint_with(&app, "rotating", rotating).await, &[CURRENT, PREVIOUS][..]),
        (
            endpoint_with(&app, "events", json!({ "signing_secret": PREVIOUS, "format": "cloudevents" }))
                .await,
            &[PREVIOUS],
        ),
        (
            endpoint_with(&app, "partner", json!({ "signing_secret": CURRENT, "format": "partner_center" }))
                .await,
            &[CURRENT],
        ),
    ];
    let customers = [
        json!({ "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com" }),
        json!({ "first_name": "Őrs", "last_name": "Çağlı-Iğdır", "company": "İstanbul Ürün A.Ş.", "email": "ors@example.hu" }),
        json!({ "first_name": "愛", "last_name": "מרים 🦊 e\u{301}", "title": "\"\\\u{2028}</script>", "email": "ai@example.jp" }),
        json!({}),
    ];
    for customer in &customers {
        let notes = "árvíztűrő tükörfúrógép\r\n".repeat(200);
        let lead = json!({ "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro",
            "customer": customer, "notes": notes, "custom": { "ключ": "значение" } });
        app.post("/v1/leads", &lead).await;
    }
    app.wait_until_settled().await;

    let (mut lines, mut expected) = (Vec::new(), Vec::new());
    for (endpoint, secrets) in &endpoints {
        let all = endpoint.received();
        assert_eq!(all.len(), customers.len());
        for received in &all {
            let body = str::from_utf8(&received.body).unwrap();
            for secret in *secrets {
                lines.push(line(received, secret, body));
                expected.push("ok");
                lines.push(line(received, secret, &body.replacen('a', "e", 1)));
                expected.push("bad");
            }
            lines.push(line(received, STRANGE, body));
            expected.push("bad");
        }
    }
    for (program, script) in [(folder.join("venv/bin/python"), "verify.py"), ("node".into(), "verify.mjs")] {
        let verdicts = ask(&program, script, &folder, &lines);
        let short: Vec<&str> = verdicts.iter().map(|it| it.split(':').next().unwrap()).collect();
        assert_eq!(short, expected, "{script}: {verdicts:?}");
    }
    app.stop().await;
}
