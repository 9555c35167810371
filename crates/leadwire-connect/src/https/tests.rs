//! Golden requests, the table of answers, and the connector against real sockets of this machine.

use super::reply::{About, Override};
use super::request::{Format, LeadSourceShape, Shape, compose};
use super::*;
use crate::egress::Answer;
use crate::egress::guard::{EgressPolicy, Ports};
use crate::test_server::{Act, Server, answer};
use crate::token::Age;
use http::{HeaderMap, HeaderValue, StatusCode};
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, OfferRef, PublisherId, TouchpointId};
use leadwire_core::json::Json;
use leadwire_core::limits::{EVIDENCE_BYTES_MAX, RETRY_AFTER_LONGEST};
use leadwire_core::outcome::{Fault, Outcome, Receipt, Timings};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Action, Consent, Customer, Source, Touchpoint};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// 2026-11-20T10:00:00Z.
const RECEIVED: Timestamp = Timestamp::from_millis(1_795_168_800_000);
/// 2026-11-20T10:00:05Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_168_805_000);

fn payload(touchpoint: Touchpoint) -> Payload {
    Payload {
        attempt: 1,
        standing: Default::default(),
        delivery: DeliveryId { touchpoint: TouchpointId::new(7), destination: DestinationNo::new(3) },
        publisher: PublisherId::parse("contoso").unwrap(),
        lead: LeadId::new(42),
        received_at: RECEIVED,
        touchpoint: Arc::new(touchpoint),
        message: None,
        mapping: None,
    }
}

fn full() -> Payload {
    let some = |text: &str| Some(text.to_owned());
    payload(Touchpoint {
        source: Source::AzureMarketplace,
        action: Action::Installation,
        offer: Some(OfferRef::parse("contoso.crm-pro").unwrap()),
        offer_title: some("CRM Pro"),
        occurred_at: Some(Timestamp::from_millis(1_795_168_740_500)),
        customer: Customer {
            first_name: some("Ada"),
            last_name: some("Lővelace \"A\"\nX"),
            email: some("ada@example.com"),
            phone: some("+36201234567"),
            country: some("HU"),
            company: some("Analytical"),
            title: some("CTO"),
        },
        notes: some("Please call"),
        campaign: vec![("utm_source".to_owned(), Json::text("mail"))],
        consent: Some(Consent { shared: true, text_version: some("2026-01"), at: Some(RECEIVED) }),
        custom: vec![
            ("seats".to_owned(), Json::Number("12345678901234567890.10".to_owned())),
            ("nothing".to_owned(), Json::Null),
            ("list".to_owned(), Json::Array(vec![Json::Null, Json::Bool(true)])),
        ],
        preview: false,
        test: true,
    })
}

fn minimal() -> Payload {
    payload(Touchpoint { action: Action::DoNotContact, ..Touchpoint::default() })
}

#[track_caller]
fn check_golden(format: Format, payload: &Payload, secrets: &[&str], golden: &str) {
    let signing = secrets.iter().map(|it| SigningSecret::parse(it).unwrap()).collect();
    let shape = Shape { format, lead_source: LeadSourceShape::Compound, signing };
    check_shape(&shape, payload, golden);
}

#[track_caller]
fn check_shape(shape: &Shape, payload: &Payload, golden: &str) {
    let (headers, body) = compose(shape, payload, NOW);
    let mut lines: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect();
    lines.sort();
    assert_eq!(format!("{}\n{body}\n", lines.concat()), golden);
    if let Some(signatures) = headers.get("webhook-signature") {
        let text = |name: &str| headers[name].to_str().unwrap();
        let (id, timestamp) = (text("webhook-id"), text("webhook-timestamp"));
        let secret = SigningSecret::parse(SECRET).unwrap();
        let signatures = signatures.to_str().unwrap();
        assert!(crate::signing::is_signed_by(&secret, id, timestamp, body.as_bytes(), signatures));
    }
}

#[test]
fn a_follow_up_brings_its_words_with_the_lead() {
    let words = leadwire_core::follow_up::Message {
        audience: leadwire_core::follow_up::Audience::Team,
        language: leadwire_core::language::Language::Hu,
        subject: "Új érdeklődő".to_owned(),
        text: "Lovelace Ada\nkipróbálja".to_owned(),
        stop_url: None,
    };
    let payload = Payload { message: Some(Arc::new(words)), ..minimal() };
    check_golden(Format::Leadwire, &payload, &[], include_str!("golden/follow_up.txt"));
    // Partner Center's body has no place for words, and gives way.
    check_golden(Format::PartnerCenter, &payload, &[], include_str!("golden/follow_up.txt"));
}

#[test]
fn requests_are_those_of_the_golden_files() {
    check_golden(Format::Leadwire, &full(), &[SECRET], include_str!("golden/leadwire.txt"));
    check_golden(
        Format::Leadwire,
        &minimal(),
        &[SECRET, OLD_SECRET],
        include_str!("golden/leadwire_minimal.txt"),
    );
    check_golden(Format::PartnerCenter, &full(), &[], include_str!("golden/partner_center.txt"));
    check_golden(Format::PartnerCenter, &minimal(), &[], include_str!("golden/partner_center_minimal.txt"));
    check_golden(Format::CloudEvents, &full(), &[], include_str!("golden/cloudevents.txt"));
    check_golden(Format::CloudEventsBinary, &minimal(), &[], include_str!("golden/cloudevents_binary.txt"));
    let bare =
        Shape { format: Format::PartnerCenter, lead_source: LeadSourceShape::Bare, signing: Vec::new() };
    check_shape(&bare, &full(), include_str!("golden/partner_center_bare.txt"));
}

#[test]
fn no_body_holds_null() {
    for format in [Format::Leadwire, Format::PartnerCenter, Format::CloudEvents, Format::CloudEventsBinary] {
        for payload in [full(), minimal()] {
            let shape = Shape { format, lead_source: LeadSourceShape::Compound, signing: Vec::new() };
            let (_, body) = compose(&shape, &payload, NOW);
            assert!(!body.contains("null"), "{body}");
            assert!(serde_json::from_str::<Value>(&body).is_ok(), "{body}");
        }
    }
}

fn said(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        is_truncated: false,
        peer: "192.0.2.1".parse().unwrap(),
        timings: Timings::default(),
    }
}

fn read_with(answer: &Answer, token: Option<Age>, overrides: &BTreeMap<u16, Override>) -> Tried {
    reply::read(
        answer,
        &About { now: NOW, overrides, token, known: &["Ada"], receiver: reply::Receiver::Endpoint },
    )
}

fn after(seconds: u64) -> Outcome {
    Outcome::NotDone(Fault::RetryAfter(Some(Duration::from_secs(seconds))))
}

const DONE: Outcome = Outcome::Done(Receipt::Accepted);
const LATER: Outcome = Outcome::NotDone(Fault::RetryAfter(None));
const SOMETIMES: Outcome = Outcome::NotDone(Fault::RetryThenPause { attempts: 5 });
const PAUSE: Outcome = Outcome::NotDone(Fault::Pause);
const PARK: Outcome = Outcome::NotDone(Fault::Park);
const STOP: Outcome = Outcome::NotDone(Fault::Stop);

#[test]
fn every_status_has_its_outcome() {
    type Row<'a> = (&'a [u16], Outcome, &'a [(&'static str, &'static str)]);
    let table: &[Row<'_>] = &[
        (&[200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 299], DONE, &[]),
        (&[300, 301, 302, 303, 304, 305, 307, 308, 399], PAUSE, &[("location", "http://169.254.169.254/")]),
        (&[400, 405, 406, 411, 412, 413, 414, 415, 416, 417, 418, 422, 424, 431, 499], PARK, &[]),
        (&[401, 402, 403, 407, 426, 428, 451], PAUSE, &[]),
        (&[404, 421, 423], SOMETIMES, &[]),
        (&[408, 425, 429], LATER, &[]),
        (&[408, 425, 429, 500, 503], after(30), &[("retry-after", "30")]),
        (&[429, 503], after(54), &[("retry-after", "Fri, 20 Nov 2026 10:00:59 GMT")]),
        (&[429, 503], after(24 * 3600), &[("retry-after", "999999999")]),
        (&[429, 503], after(1), &[("retry-after", "0")]),
        (&[429, 503], LATER, &[("retry-after", "soon")]),
        (&[409], DONE, &[]),
        (&[410], STOP, &[]),
        (
            &[500, 501, 502, 503, 505, 506, 507, 508, 510, 511, 520, 521, 522, 523, 525, 526, 529, 530, 599],
            LATER,
            &[],
        ),
        (&[504, 524], Outcome::Unknown, &[("retry-after", "30")]),
        (&[100, 101, 199, 600, 999], SOMETIMES, &[]),
    ];
    let mut seen = 0;
    for (statuses, outcome, headers) in table {
        for status in *statuses {
            let tried = read_with(&said(*status, headers, ""), None, &BTreeMap::new());
            assert_eq!(&tried.outcome, outcome, "{status} {headers:?}");
            assert_eq!(tried.evidence.http_status, Some(*status));
            assert!(!tried.evidence.cause.is_empty() && !tried.evidence.message.is_empty());
            assert!(*outcome != PAUSE || !tried.evidence.fix.is_empty(), "{status} says what to do");
            seen += 1;
        }
    }
    assert!(seen >= 60, "{seen} statuses");
}

#[test]
fn products_that_answer_in_their_own_way_are_understood() {
    let flow = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"…"}}}}"#);
    let n8n = r#"{"code":404,"message":"This webhook is not registered for POST requests. Did you mean to make a GET request?"}"#;
    let n8n_test = r#"{"code":404,"message":"The requested webhook \"leads\" is not registered."}"#;
    for (status, body, outcome, cause) in [
        (400, flow("TriggerInputSchemaMismatch"), PARK, "flow_schema_mismatch"),
        (400, flow("WorkflowTriggerIsNotEnabled"), PAUSE, "flow_off"),
        (404, flow("WorkflowNotFound"), PAUSE, "flow_deleted"),
        (401, flow("DirectApiAuthorizationRequired"), PAUSE, "flow_wants_sign_in"),
        (401, flow("MisMatchingOAuthClaims"), PAUSE, "flow_wrong_audience"),
        (400, flow("SomethingElse"), PARK, "http_400"),
        (404, n8n.to_owned(), PAUSE, "n8n_not_active"),
        (404, n8n_test.to_owned(), PAUSE, "n8n_not_active"),
        (404, "<html>not found</html>".to_owned(), SOMETIMES, "http_404"),
        (400, "[[[[".repeat(10_000), PARK, "http_400"),
        (400, r#"{"error":"code"}"#.to_owned(), PARK, "http_400"),
        (400, r#"{"error":{"code":5}}"#.to_owned(), PARK, "http_400"),
        (301, String::new(), PAUSE, "endpoint_redirects"),
        (200, "<html>hello</html>".to_owned(), DONE, "http_200"),
        (202, String::new(), DONE, "http_202"),
    ] {
        let tried = read_with(&said(status, &[], &body), None, &BTreeMap::new());
        assert_eq!((tried.outcome, tried.evidence.cause.as_str()), (outcome, cause), "{status} {body:.80}");
    }
}

proptest! {
    #[test]
    fn any_answer_has_an_outcome_and_bounded_evidence(
        status in 100u16..=999, body: Vec<u8>, wait in "[ -~]*", token in 0u8..3,
    ) {
        let mut answer = said(status, &[], "");
        answer.body = Bytes::from(body);
        answer.headers.insert("retry-after", HeaderValue::try_from(wait).unwrap());
        let token = [None, Some(Age::Cached(1)), Some(Age::Fresh(1))][usize::from(token)];
        let tried = read_with(&answer, token, &BTreeMap::new());
        prop_assert!(tried.evidence.answer.len() <= EVIDENCE_BYTES_MAX);
        let is_success = (200..300).contains(&status) || status == 409;
        prop_assert_eq!(matches!(tried.outcome, Outcome::Done(_)), is_success);
        if let Outcome::NotDone(Fault::RetryAfter(Some(wait))) = tried.outcome {
            prop_assert!(wait >= Duration::from_secs(1) && wait <= RETRY_AFTER_LONGEST);
        }
    }
}

#[test]
fn overrides_come_first() {
    let map =
        reply::overrides(Some(&json!({"400": "retry", "404": "park", "409": "pause", "302": "delivered"})));
    let off = r#"{"error":{"code":"WorkflowTriggerIsNotEnabled"}}"#;
    for (status, headers, outcome) in [
        (400, &[][..], LATER),
        (400, &[("retry-after", "7")], after(7)),
        (404, &[], PARK),
        (409, &[], PAUSE),
        (302, &[], DONE),
        (403, &[], PAUSE),
    ] {
        assert_eq!(read_with(&said(status, headers, off), None, &map).outcome, outcome, "{status}");
    }
}

#[test]
fn a_refused_token_is_replaced_at_once_when_it_was_an_old_one() {
    for (token, outcome) in [
        (Some(Age::Cached(1)), Outcome::NotDone(Fault::RetryNow)),
        (Some(Age::Fresh(1)), PAUSE),
        (None, PAUSE),
    ] {
        assert_eq!(read_with(&said(401, &[], ""), token, &BTreeMap::new()).outcome, outcome, "{token:?}");
    }
}

#[test]
fn evidence_repeats_no_personal_value() {
    let mut answer =
        said(422, &[], r#"{"error":{"code":"Bad_Lead"},"lead":"Ada, ada@example.com, +36201234567"}"#);
    answer.is_truncated = true;
    let evidence = read_with(&answer, None, &BTreeMap::new()).evidence;
    assert_eq!(evidence.answer, r#"{"error":{"code":"Bad_Lead"},"lead":"[sent], [email], +[number]"}"#);
    let message =
        "the endpoint answered 422 Unprocessable Entity (Bad_Lead); its long body was not read to the end";
    assert_eq!(evidence.message, message);
}

fn lab() -> Egress {
    let policy = EgressPolicy {
        allow_http: true,
        allow_nets: vec!["127.0.0.0/8".parse().unwrap()],
        allow_hosts: Vec::new(),
        ports: Ports::Any,
    };
    Egress::new(policy, None).unwrap()
}

fn connector(settings: Value) -> Box<dyn Connector> {
    let settings = settings.as_object().unwrap().clone();
    KIND.open(&settings).unwrap_or_else(|refusals| panic!("{refusals:?}"))
}

async fn deliver(connector: &dyn Connector, egress: &Egress) -> (Tried, u32) {
    let batch = [full()];
    let mut delivered = connector.deliver(&batch, Moment { now: NOW }, egress).await;
    assert_eq!(delivered.tried.len(), 1);
    (delivered.tried.remove(0), delivered.calls)
}

#[tokio::test]
async fn a_delivery_is_one_signed_post() {
    let server = Server::start(|_| Act::Say(answer("202 Accepted", "", "")));
    let connector = connector(json!({
        "url": server.url("/in?sig=abc"), "signing_secret": SECRET, "auth": "api_key", "api_key": "k3y",
    }));
    let (tried, calls) = deliver(&*connector, &lab()).await;
    assert_eq!((tried.outcome, calls), (DONE, 1));
    assert!(tried.evidence.timings.total_us.is_some());
    let seen = &server.seen()[0];
    let header = |name: &str| seen.header(name).unwrap();
    let secret = SigningSecret::parse(SECRET).unwrap();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    assert!(crate::signing::is_signed_by(
        &secret,
        id,
        timestamp,
        seen.body.as_bytes(),
        header("webhook-signature")
    ));
    assert_eq!(header("idempotency-key"), format!("\"{id}\""));
    assert_eq!(header("x-api-key"), "k3y");
    assert!(seen.head.starts_with("POST /in?sig=abc HTTP/1.1\n"));
}

#[tokio::test]
async fn fixed_credentials_are_sent_as_their_scheme_says() {
    let server = Server::start(|_| Act::Say(answer("200 OK", "", "")));
    let basic = connector(
        json!({"url": server.url("/"), "auth": "basic", "username": "Aladdin", "password": "open sesame"}),
    );
    let bearer = connector(json!({"url": server.url("/"), "auth": "bearer", "token": "mF_9.B5f-4.1JqM"}));
    let egress = lab();
    for connector in [&basic, &bearer] {
        assert_eq!(deliver(&**connector, &egress).await.0.outcome, DONE);
    }
    let seen = server.seen();
    // The examples of RFC 7617, 2 and RFC 6750, 2.1.
    assert_eq!(seen[0].header("authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    assert_eq!(seen[1].header("authorization"), Some("Bearer mF_9.B5f-4.1JqM"));
}

#[tokio::test]
async fn a_batch_has_one_answer_per_payload_in_order() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let status = ["200 OK", "503 Service Unavailable", "422 Unprocessable Content"];
        Act::Say(answer(status[count.fetch_add(1, Ordering::SeqCst)], "", ""))
    });
    let connector = connector(json!({"url": server.url("/")}));
    assert_eq!(connector.batch_max(), 1);
    let batch = [full(), minimal(), full()];
    let delivered = connector.deliver(&batch, Moment { now: NOW }, &lab()).await;
    let outcomes: Vec<_> = delivered.tried.into_iter().map(|it| it.outcome).collect();
    assert_eq!((outcomes, delivered.calls), (vec![DONE, LATER, PARK], 3));
}

#[tokio::test]
async fn the_timeout_of_the_settings_holds_and_a_denied_url_pauses() {
    let server = Server::start(|_| Act::Hang);
    let mut https = Https::read(json!({"url": server.url("/")}).as_object().unwrap()).unwrap();
    assert_eq!(https.wait, Duration::from_secs(20));
    https.wait = Duration::from_millis(200);
    assert_eq!(deliver(&https, &lab()).await.0.outcome, Outcome::Unknown);
    let (tried, _) = deliver(&https, &Egress::new(EgressPolicy::default(), None).unwrap()).await;
    assert_eq!((tried.outcome, tried.evidence.cause.as_str()), (PAUSE, "egress_denied"));
}

/// A server with a token service and an endpoint that takes the tokens `good` likes.
fn oauth2(token_answer: impl Fn(usize) -> String + Send + Sync + 'static, good: fn(&str) -> bool) -> Server {
    let fetched = AtomicUsize::new(0);
    Server::start(move |seen| {
        if seen.head.starts_with("POST /token ") {
            return Act::Say(token_answer(fetched.fetch_add(1, Ordering::SeqCst)));
        }
        let token =
            seen.header("authorization").and_then(|it| it.strip_prefix("Bearer ")).unwrap_or_default();
        Act::Say(answer(if good(token) { "200 OK" } else { "401 Unauthorized" }, "", ""))
    })
}

fn token(number: usize) -> String {
    answer(
        "200 OK",
        "",
        &format!(r#"{{"access_token":"t{number}","token_type":"Bearer","expires_in":3600}}"#),
    )
}

fn oauth2_connector(server: &Server, more: Value) -> Box<dyn Connector> {
    let mut settings = json!({
        "url": server.url("/leads"), "auth": "oauth2", "oauth2_token_url": server.url("/token"),
        "oauth2_client_id": "my app", "oauth2_client_secret": "s&cret",
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    connector(settings)
}

fn fetches(server: &Server) -> usize {
    server.seen().iter().filter(|it| it.head.starts_with("POST /token ")).count()
}

#[tokio::test]
async fn requests_side_by_side_share_one_token() {
    let server = oauth2(token, |it| it == "t0");
    let connector = oauth2_connector(&server, json!({"oauth2_scope": "a b"}));
    let egress = lab();
    let all = (0..16).map(|_| deliver(&*connector, &egress));
    let all = futures_util::future::join_all(all).await;
    assert!(all.iter().all(|(tried, _)| tried.outcome == DONE));
    assert_eq!((fetches(&server), all.iter().map(|(_, calls)| calls).sum::<u32>()), (1, 17));
    let seen = server.seen();
    let expected = "grant_type=client_credentials&client_id=my+app&client_secret=s%26cret&scope=a+b";
    assert_eq!(seen[0].body, expected);
}

#[tokio::test]
async fn the_client_may_show_itself_by_http_basic() {
    let server = oauth2(token, |_| true);
    let connector =
        oauth2_connector(&server, json!({"oauth2_client_auth": "basic", "oauth2_audience": "api"}));
    assert_eq!(deliver(&*connector, &lab()).await.0.outcome, DONE);
    let seen = &server.seen()[0];
    assert_eq!(seen.body, "grant_type=client_credentials&audience=api");
    // "my+app:s%26cret"
    assert_eq!(seen.header("authorization"), Some("Basic bXkrYXBwOnMlMjZjcmV0"));
}

#[tokio::test]
async fn a_token_is_replaced_before_it_ends() {
    let server = oauth2(token, |_| true);
    let connector = oauth2_connector(&server, json!({}));
    let egress = lab();
    let batch = [full()];
    for (seconds, expected) in [(0, 1), (3479, 1), (3480, 2), (3481, 2)] {
        let now = NOW.plus(Duration::from_secs(seconds));
        connector.deliver(&batch, Moment { now }, &egress).await;
        assert_eq!(fetches(&server), expected, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_token_the_receiver_forgot_is_dropped_and_fetched_again() {
    let server = oauth2(token, |it| it == "t1");
    let connector = oauth2_connector(&server, json!({}));
    let egress = lab();
    // Fetched just now and refused: a person must look.
    assert_eq!(deliver(&*connector, &egress).await.0.outcome, PAUSE);
    assert_eq!(deliver(&*connector, &egress).await.0.outcome, DONE);
    assert_eq!(fetches(&server), 2);

    let refuse = |it: &str| it.is_empty();
    let count = AtomicUsize::new(0);
    let server = oauth2(token, refuse);
    let forgetful = Server::start(move |_| {
        let status = if count.fetch_add(1, Ordering::SeqCst) == 1 { "401 Unauthorized" } else { "200 OK" };
        Act::Say(answer(status, "", ""))
    });
    let connector = oauth2_connector(&server, json!({"url": forgetful.url("/")}));
    let outcomes = [DONE, Outcome::NotDone(Fault::RetryNow), DONE];
    for (at, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(deliver(&*connector, &egress).await.0.outcome, outcome, "try {at}");
    }
    assert_eq!(fetches(&server), 2);
}

#[tokio::test]
async fn a_token_service_that_refuses_pauses_and_one_in_trouble_is_asked_later() {
    for (status, headers, body, outcome, cause) in [
        ("401 Unauthorized", "", r#"{"error":"invalid_client"}"#, PAUSE, "token_http_401"),
        ("400 Bad Request", "", r#"{"error":"invalid_scope"}"#, PAUSE, "token_http_400"),
        ("403 Forbidden", "", "", PAUSE, "token_http_403"),
        ("404 Not Found", "", "", SOMETIMES, "token_http_404"),
        ("302 Found", "location: http://169.254.169.254/\r\n", "", SOMETIMES, "token_http_302"),
        ("429 Too Many Requests", "retry-after: 9\r\n", "", after(9), "token_http_429"),
        ("503 Service Unavailable", "", "", LATER, "token_http_503"),
        ("200 OK", "", "<html>", LATER, "token_http_200"),
        ("200 OK", "", r#"{"access_token":"a","token_type":"mac"}"#, LATER, "token_http_200"),
        ("200 OK", "", r#"{"access_token":"a\nb"}"#, LATER, "token_http_200"),
    ] {
        let server = oauth2(move |_| answer(status, headers, body), |_| true);
        let (tried, calls) = deliver(&*oauth2_connector(&server, json!({})), &lab()).await;
        assert_eq!(
            (tried.outcome, tried.evidence.cause.as_str(), calls),
            (outcome, cause, 1),
            "{status} {body}"
        );
        assert_eq!(tried.evidence.answer, "");
        assert!(server.seen().iter().all(|it| it.head.starts_with("POST /token ")));
    }
}

#[tokio::test]
async fn a_token_request_without_answer_leaves_no_doubt_about_the_lead() {
    let server = Server::start(|_| Act::SayAndClose(String::new()));
    let (tried, _) = deliver(&*oauth2_connector(&server, json!({})), &lab()).await;
    assert_eq!((tried.outcome, tried.evidence.cause.as_str()), (LATER, "token_connection_lost"));
    let denied = oauth2_connector(&server, json!({"oauth2_token_url": "http://169.254.169.254/token"}));
    let (tried, _) = deliver(&*denied, &lab()).await;
    assert_eq!((tried.outcome, tried.evidence.cause.as_str()), (PAUSE, "token_egress_denied"));
}

#[tokio::test]
async fn requests_that_wait_for_a_token_share_its_failure() {
    let server = oauth2(|_| answer("503 Service Unavailable", "", ""), |_| true);
    let connector = oauth2_connector(&server, json!({}));
    let egress = lab();
    let all = (0..16).map(|_| deliver(&*connector, &egress));
    let all = futures_util::future::join_all(all).await;
    assert!(all.iter().all(|(tried, _)| tried.outcome == LATER));
    assert_eq!(fetches(&server), 1);
    deliver(&*connector, &egress).await;
    assert_eq!(fetches(&server), 2);
}

#[test]
fn headers_with_credentials_are_marked_so_that_nothing_prints_them() {
    let value = auth::basic("a", "b");
    let mut headers = HeaderMap::new();
    headers.insert("authorization", value);
    assert!(!format!("{headers:?}").contains("Basic"));
}
