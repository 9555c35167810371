//! Products that answer in their own way, mutual TLS, and message signatures over real sockets.

use super::*;
use crate::egress::Answer;
use crate::egress::guard::{EgressPolicy, Ports};
use crate::test_server::{Act, Server, answer};
use http::{HeaderMap, StatusCode};
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, PublisherId, TouchpointId};
use leadwire_core::outcome::{Fault, Outcome, Timings};
use leadwire_core::touchpoint::Touchpoint;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const NOW: Moment = Moment { now: Timestamp::from_millis(1_795_168_800_000) };

fn said(status: u16) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        is_truncated: false,
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        timings: Timings::default(),
    }
}

#[track_caller]
fn check(receiver: &str, status: u16, outcome: &Outcome, cause: &str) {
    let receiver = reply::Receiver::read(Some(receiver));
    let about = reply::About { now: NOW.now, overrides: &BTreeMap::new(), token: None, known: &[], receiver };
    let tried = reply::read(&said(status), &about);
    assert_eq!((&tried.outcome, tried.evidence.cause.as_str()), (outcome, cause), "{receiver:?} {status}");
}

#[test]
fn each_product_is_understood_in_its_own_way() {
    let not_done = Outcome::NotDone;
    let held = |seconds| not_done(Fault::HoldLane(Some(Duration::from_secs(seconds))));
    check("power_automate", 408, &Outcome::Unknown, "flow_too_slow");
    check("power_automate", 429, &held(60), "flow_throttled");
    check("n8n", 404, &not_done(Fault::Pause), "n8n_not_active");
    check("n8n", 403, &not_done(Fault::Pause), "n8n_refused");
    check("zapier", 429, &held(10), "zapier_throttled");
    check("zapier", 410, &not_done(Fault::Stop), "zap_gone");
    check("make", 400, &held(60), "make_queue_full");
    check("make", 410, &not_done(Fault::Pause), "make_not_listening");
    check("node_red", 404, &not_done(Fault::RetryThenPause { attempts: 5 }), "node_red_no_flow");
    check("endpoint", 400, &not_done(Fault::Park), "http_400");
    for receiver in ["power_automate", "n8n", "zapier", "make", "node_red"] {
        check(receiver, 202, &Outcome::Done(leadwire_core::outcome::Receipt::Accepted), "http_202");
        check(receiver, 503, &not_done(Fault::RetryAfter(None)), "http_503");
    }
}

/// An authority, and what it signs, in PEM.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Test authority");
    let certificate = params.self_signed(&key).unwrap();
    Authority { pem: certificate.pem(), issuer: Issuer::new(params, key) }
}

fn signed(authority: &Authority, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, &authority.issuer).unwrap().pem(), key.serialize_pem())
}

/// A receiver that takes only clients with a certificate of its authority.
fn receiver_with_mutual_tls(authority: &Authority) -> Server {
    let (chain, key) = signed(authority, "127.0.0.1");
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let clients =
        rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    Server::start_over(
        move |stream| {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            Some(rustls::StreamOwned::new(connection, stream))
        },
        |_| Act::Say(answer("200 OK", "", "")),
    )
}

fn payload() -> Payload {
    Payload {
        delivery: DeliveryId { touchpoint: TouchpointId::new(7), destination: DestinationNo::new(3) },
        publisher: PublisherId::parse("contoso").unwrap(),
        lead: LeadId::new(42),
        received_at: NOW.now,
        touchpoint: Arc::new(Touchpoint::default()),
        attempt: 1,
        standing: Default::default(),
        message: None,
        mapping: None,
    }
}

async fn deliver(settings: Value) -> Tried {
    let policy = EgressPolicy { allow_http: true, ports: Ports::Any, ..EgressPolicy::unrestricted() };
    let egress = Egress::new(policy, None).unwrap();
    let connector = KIND.open(settings.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"));
    connector.deliver(&[payload()], NOW, &egress).await.tried.remove(0)
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_certificate_gets_it() {
    let authority = authority();
    let server = receiver_with_mutual_tls(&authority);
    let url = server.url("/").replace("http://", "https://");
    let (chain, key) = signed(&authority, "leadwire");
    let with =
        json!({ "url": url, "authorities": authority.pem, "client_certificate": chain, "client_key": key });
    assert_eq!(deliver(with).await.outcome, Outcome::Done(leadwire_core::outcome::Receipt::Accepted));
    let without = deliver(json!({ "url": url, "authorities": authority.pem })).await;
    assert!(!matches!(without.outcome, Outcome::Done(_)), "{without:?}");
    let stranger = deliver(json!({ "url": url })).await;
    assert_eq!(stranger.evidence.cause, "tls_certificate_untrusted");
}

#[test]
fn a_certificate_without_its_key_is_refused_when_it_is_entered() {
    let authority = authority();
    let (chain, key) = signed(&authority, "leadwire");
    let (_, other) = signed(&authority, "other");
    let refused = |settings: Value| {
        let refusals = KIND.open(settings.as_object().unwrap()).err().expect("refused");
        refusals[0].pointer.clone()
    };
    let url = "https://crm.example.com/";
    assert_eq!(refused(json!({ "url": url, "client_certificate": chain })), "/client_key");
    assert_eq!(refused(json!({ "url": url, "client_key": key })), "/client_certificate");
    assert_eq!(
        refused(json!({ "url": url, "client_certificate": chain, "client_key": other })),
        "/client_certificate"
    );
    assert_eq!(refused(json!({ "url": url, "client_certificate": chain, "client_key": "x" })), "/client_key");
    assert_eq!(refused(json!({ "url": url, "authorities": "x" })), "/authorities");
    let no_key = json!({ "url": url, "message_signature": "hmac-sha256", "message_signature_key_id": "k" });
    assert_eq!(refused(no_key), "/message_signature_key");
}

#[tokio::test]
async fn a_message_is_signed_with_an_ed25519_key_that_its_public_half_checks() {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let server = Server::start(|_| Act::Say(answer("200 OK", "", "")));
    let pair = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let settings = json!({
        "url": server.url("/in"),
        "message_signature": "ed25519",
        "message_signature_key": pair.serialize_pem(),
        "message_signature_key_id": "leadwire-2026",
    });
    assert!(matches!(deliver(settings).await.outcome, Outcome::Done(_)));
    let seen = &server.seen()[0];
    let header = |name: &str| seen.header(name).unwrap().to_owned();
    let parameters = header("signature-input").strip_prefix("sig1=").unwrap().to_owned();
    assert!(parameters.contains(r#"keyid="leadwire-2026";alg="ed25519""#), "{parameters}");
    let base = format!(
        "\"@method\": POST\n\"@authority\": {}\n\"@path\": /in\n\"content-type\": application/json\n\"content-digest\": {}\n\"@signature-params\": {parameters}",
        server.addr,
        header("content-digest"),
    );
    let signature = header("signature");
    let signature = STANDARD.decode(signature.strip_prefix("sig1=:").unwrap().trim_end_matches(':')).unwrap();
    let public = UnparsedPublicKey::new(&ED25519, pair.public_key_raw());
    assert!(public.verify(base.as_bytes(), &signature).is_ok());
}
