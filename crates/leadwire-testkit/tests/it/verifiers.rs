//! Signatures checked by the `standardwebhooks` packages of PyPI and npm, which nobody here wrote.

use leadwire::clock::{Clock, MachineClock};
use leadwire_sandbox::https_endpoint::{HttpsEndpoint, Received};
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::clock::TestClock;
use leadwire_testkit::peers::{Language, ask};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const CURRENT: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const PREVIOUS: &str = "whsec_b2xkIHNlY3JldCBvZiB0aHJlZSB0aW1lcyB0d2VsdmU=";
const STRANGE: &str = "whsec_bm9ib2R5IGhhcyBldmVyIHNpZ25lZCB3aXRoIHRoaXMh";

/// A request as the verifiers read it.
fn request(received: &Received, secret: &str, body: &str) -> Value {
    let headers: Map<String, Value> = received
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())))
        .collect();
    json!({ "secret": secret, "headers": headers, "body": body })
}

/// An endpoint that is a destination with these settings.
async fn endpoint_with(app: &TestApp, name: &str, settings: Value) -> HttpsEndpoint {
    let endpoint = start_endpoint(&app.clock, None).await;
    let mut settings = settings;
    settings["url"] = json!(endpoint.url());
    app.add_destination(name, settings).await;
    endpoint
}

#[tokio::test]
async fn independent_verifiers_accept_every_request_and_refuse_an_altered_one() {
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

    let (mut requests, mut expected) = (Vec::new(), Vec::new());
    for (endpoint, secrets) in &endpoints {
        let all = endpoint.received();
        assert_eq!(all.len(), customers.len());
        for received in &all {
            let body = str::from_utf8(&received.body).unwrap();
            for secret in *secrets {
                requests.push(request(received, secret, body));
                expected.push("ok");
                requests.push(request(received, secret, &body.replacen('a', "e", 1)));
                expected.push("bad");
            }
            requests.push(request(received, STRANGE, body));
            expected.push("bad");
        }
    }
    for (language, script) in [(Language::Python, "verify.py"), (Language::Node, "verify.mjs")] {
        let verdicts = ask(language, script, &json!(requests)).await;
        let all = verdicts.as_array().unwrap().iter().map(|it| it.as_str().unwrap());
        let short: Vec<&str> = all.map(|it| it.split(':').next().unwrap()).collect();
        assert_eq!(short, expected, "{script}: {verdicts}");
    }
    app.stop().await;
}
