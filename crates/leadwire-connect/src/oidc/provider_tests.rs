//! A provider against a real socket of this machine: what is asked for, how often, and what becomes of odd answers.

use super::{Back, Provider, ProviderSettings, Question, TroubleKind};
use crate::egress::Egress;
use crate::egress::guard::{EgressPolicy, Ports};
use crate::test_server::{Act, Seen, Server, answer};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leadwire_core::limits::{PROVIDER_ANSWER_BYTES_MAX, PROVIDER_ASKED_EVERY, PROVIDER_KEPT};
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const NOW: i64 = 1_795_305_600_000;

fn now() -> Timestamp {
    Timestamp::from_millis(NOW)
}

fn egress() -> Egress {
    let policy = EgressPolicy {
        allow_http: true,
        allow_nets: vec!["127.0.0.0/8".parse().unwrap()],
        allow_hosts: Vec::new(),
        ports: Ports::Any,
    };
    Egress::new(policy, None).unwrap()
}

fn provider(server: &Server) -> Provider {
    let settings = ProviderSettings {
        name: "idp".to_owned(),
        title: "IdP".to_owned(),
        issuer: format!("http://{}", server.addr),
        client_id: "lead wire".to_owned(),
        client_secret: Some(Secret::new("s:1%".to_owned())),
        domains: Vec::new(),
        trust_email: false,
        only: false,
    };
    Provider::new(settings, &egress())
}

fn question() -> Question<'static> {
    Question {
        redirect: "http://127.0.0.1/back",
        state: "st",
        nonce: "no",
        verifier: "ve",
        asked_at: now(),
        again: false,
    }
}

const BACK: Back<'static> = Back { code: "c", issuer: None };

fn ok(body: &Value) -> Act {
    Act::Say(answer("200 OK", "content-type: application/json\r\n", &body.to_string()))
}

fn document(seen: &Seen) -> Value {
    let base = format!("http://{}", seen.header("host").unwrap());
    json!({ "issuer": base, "authorization_endpoint": format!("{base}/auth?tenant=1"), "token_endpoint": format!("{base}/token"),
        "jwks_uri": format!("{base}/keys"), "userinfo_endpoint": format!("{base}/me") })
}

/// What a provider does that signs with this key, calls it so, and says this of a person beside the token.
fn signing(
    key: Ed25519KeyPair,
    called: Arc<Mutex<String>>,
    me: Value,
) -> impl Fn(&Seen) -> Act + Send + Sync {
    let coded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    move |seen| {
        let name = called.lock().unwrap().clone();
        match seen.head.split(' ').nth(1).unwrap() {
            "/token" => {
                let header = json!({ "alg": "EdDSA", "kid": name });
                let base = format!("http://{}", seen.header("host").unwrap());
                let claims = json!({ "iss": base, "aud": "lead wire", "sub": "1", "nonce": "no", "iat": NOW / 1000,
                    "exp": NOW / 1000 + 60 });
                let text = format!(
                    "{}.{}",
                    coded(header.to_string().as_bytes()),
                    coded(claims.to_string().as_bytes())
                );
                let token = format!("{text}.{}", coded(key.sign(text.as_bytes()).as_ref()));
                ok(&json!({ "id_token": token, "access_token": "at", "token_type": "Bearer" }))
            }
            "/keys" => ok(&json!({ "keys": [
                { "kty": "OKP", "crv": "Ed25519", "kid": "known", "x": coded(key.public_key().as_ref()) }] })),
            "/me" => ok(&me),
            _ => ok(&document(seen)),
        }
    }
}

fn asked(server: &Server, path: &str) -> usize {
    server.seen().iter().filter(|it| it.head.split(' ').nth(1) == Some(path)).count()
}

#[tokio::test]
async fn a_browser_is_sent_with_a_hash_and_comes_back_as_somebody() {
    let me = json!({ "sub": "1", "email": "ada@example.com", "email_verified": true });
    let called = Arc::new(Mutex::new("known".to_owned()));
    let server = Server::start(signing(Ed25519KeyPair::generate().unwrap(), called, me));
    let provider = provider(&server);
    let url = provider.address(&Question { again: true, ..question() }, now()).await.unwrap();
    let all: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let value = |name: &str| all.iter().find(|it| it.0 == name).map_or("", |it| it.1.as_str());
    // RFC 7636, 4.2: the hash of `ve`.
    assert_eq!(value("code_challenge"), "S9LEErpwhH9JenrbXM1SdyS_0in8myT3VcMrJwRZRks");
    let rest = [
        "tenant",
        "response_type",
        "client_id",
        "state",
        "nonce",
        "code_challenge_method",
        "prompt",
        "max_age",
    ];
    assert_eq!(rest.map(value), ["1", "code", "lead wire", "st", "no", "S256", "login", "0"]);
    assert!(!url.as_str().contains("ve&"), "the verifier stays here");
    let person = provider.person(&BACK, &question(), now()).await.unwrap_or_else(|it| panic!("{it}"));
    assert_eq!((person.subject.as_str(), person.email.as_str()), ("1", "ada@example.com"));
    assert!(person.is_email_verified);
    let seen = server.seen();
    let token = seen.iter().find(|it| it.head.starts_with("POST /token")).unwrap();
    // `lead wire` and `s:1%`, each escaped, then both in base 64 (RFC 6749, 2.3.1).
    assert_eq!(token.header("authorization"), Some("Basic bGVhZCt3aXJlOnMlM0ExJTI1"));
    assert_eq!(
        token.body,
        "grant_type=authorization_code&code=c&redirect_uri=http%3A%2F%2F127.0.0.1%2Fback&code_verifier=ve"
    );
    let me = seen.iter().find(|it| it.head.starts_with("GET /me")).unwrap();
    assert_eq!(me.header("authorization"), Some("Bearer at"));
}

#[tokio::test]
async fn what_a_provider_says_of_somebody_else_is_not_taken() {
    let me = json!({ "sub": "2", "email": "eve@example.com", "email_verified": true });
    let called = Arc::new(Mutex::new("known".to_owned()));
    let server = Server::start(signing(Ed25519KeyPair::generate().unwrap(), called, me));
    let trouble = provider(&server).person(&BACK, &question(), now()).await.err().unwrap();
    assert_eq!(trouble.cause, "wrong_subject");
}

#[tokio::test]
async fn whoever_sent_somebody_back_must_be_the_provider_that_was_asked() {
    let called = Arc::new(Mutex::new("known".to_owned()));
    let server = Server::start(signing(Ed25519KeyPair::generate().unwrap(), called, json!({})));
    let back = Back { code: "c", issuer: Some("https://evil.example") };
    let trouble = provider(&server).person(&back, &question(), now()).await.err().unwrap();
    assert_eq!((trouble.cause, asked(&server, "/token")), ("wrong_issuer", 0), "the code is shown to nobody");
}

#[tokio::test]
async fn a_flood_of_unknown_keys_asks_the_provider_now_and_then() {
    let called = Arc::new(Mutex::new("unknown".to_owned()));
    let server = Server::start(signing(Ed25519KeyPair::generate().unwrap(), Arc::clone(&called), json!({})));
    let provider = provider(&server);
    let come = async |at: Timestamp| provider.person(&BACK, &question(), at).await.err().map(|it| it.cause);
    for _ in 0..20 {
        assert_eq!(come(now()).await, Some("unknown_key"));
    }
    assert_eq!((asked(&server, "/keys"), asked(&server, "/.well-known/openid-configuration")), (1, 1));
    let later = now().plus(PROVIDER_ASKED_EVERY);
    for _ in 0..20 {
        assert_eq!(come(later).await, Some("unknown_key"));
    }
    assert_eq!(asked(&server, "/keys"), 2);
    // A key that is known is not asked for again, until it is old.
    "known".clone_into(&mut called.lock().unwrap());
    assert_eq!(
        provider.person(&BACK, &question(), later).await.err().map(|it| it.cause),
        Some("wrong_subject")
    );
    assert_eq!(asked(&server, "/keys"), 2);
    assert_eq!(come(later.plus(PROVIDER_KEPT)).await, Some("expired"));
    assert_eq!(asked(&server, "/keys"), 3);
}

#[tokio::test]
async fn odd_answers_are_told_and_a_provider_that_failed_is_left_alone_for_a_while() {
    let huge = PROVIDER_ANSWER_BYTES_MAX + 1;
    let flood =
        move |_: &Seen| Act::Flood(format!("HTTP/1.1 200 OK\r\ncontent-length: {huge}\r\n\r\n"), huge);
    let say = |status: &'static str, headers: &'static str, body: &'static str| {
        move |_: &Seen| Act::Say(answer(status, headers, body))
    };
    type Script = Box<dyn Fn(&Seen) -> Act + Send + Sync>;
    let table: Vec<(Script, TroubleKind, &str)> = vec![
        (Box::new(flood), TroubleKind::Unreachable, "answer_too_large"),
        (
            Box::new(say("302 Found", "location: http://127.0.0.1:1/\r\n", "")),
            TroubleKind::Setup,
            "redirected",
        ),
        (Box::new(say("200 OK", "", "<html>")), TroubleKind::Setup, "bad_document"),
        (
            Box::new(say("200 OK", "", r#"{"issuer":"https://evil.example"}"#)),
            TroubleKind::Setup,
            "wrong_issuer",
        ),
        (Box::new(say("404 Not Found", "", "")), TroubleKind::Setup, "provider_refused"),
        (Box::new(say("503 Busy", "", "")), TroubleKind::Unreachable, "provider_failed"),
        (
            Box::new(say("200 OK", "", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")),
            TroubleKind::Setup,
            "bad_document",
        ),
    ];
    for (script, kind, cause) in table {
        let server = Server::start(script);
        let provider = provider(&server);
        for _ in 0..3 {
            let trouble = provider.address(&question(), now()).await.unwrap_err();
            assert_eq!((trouble.kind, trouble.cause), (kind, cause));
        }
        assert_eq!(server.seen().len(), 1, "{cause}");
        let later = now().plus(PROVIDER_ASKED_EVERY);
        assert!(provider.address(&question(), later).await.is_err());
        assert_eq!(server.seen().len(), 2, "{cause}");
    }
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_not_waited_for() {
    let server = Server::start(|_| Act::Hang);
    let provider = provider(&server).waiting(Duration::from_millis(200));
    let trouble = provider.address(&question(), now()).await.unwrap_err();
    assert_eq!((trouble.kind, trouble.cause), (TroubleKind::Unreachable, "answer_timeout"));
}

#[tokio::test]
async fn why_there_is_no_token_is_told_without_what_the_provider_writes_beside_it() {
    for (status, body, kind, told) in [
        (
            "401 No",
            r#"{"error":"invalid_client","error_description":"secret s:1% expired"}"#,
            TroubleKind::Setup,
            "invalid_client",
        ),
        (
            "400 No",
            r#"{"error":"invalid_grant","error_description":"ada@example.com"}"#,
            TroubleKind::Refused,
            "invalid_grant",
        ),
        ("400 No", r#"{"error":"<script>ada@example.com"}"#, TroubleKind::Refused, "script"),
        ("500 No", "", TroubleKind::Unreachable, "500"),
        ("200 OK", "{}", TroubleKind::Refused, "no ID token"),
    ] {
        let server = Server::start(move |seen| match seen.head.starts_with("POST /token") {
            true => Act::Say(answer(status, "", body)),
            false => ok(&document(seen)),
        });
        let trouble = provider(&server).person(&BACK, &question(), now()).await.err().unwrap();
        assert_eq!(trouble.kind, kind, "{body}");
        let said = trouble.to_string();
        assert!(
            said.contains(told) && !said.contains("s:1%") && !said.contains('@') && !said.contains('<'),
            "{said}"
        );
    }
}

#[tokio::test]
async fn an_address_that_is_not_permitted_is_not_called() {
    let server = Server::start(|seen| ok(&document(seen)));
    let provider = provider(&server);
    let guarded =
        Provider::new(provider.settings().clone(), &Egress::new(EgressPolicy::default(), None).unwrap());
    let trouble = guarded.look(now()).await.unwrap_err();
    assert_eq!((trouble.cause, server.seen().len()), ("egress_denied", 0));
    assert!(!trouble.fix.is_empty());
}
