//! Golden requests for tokens, the corpus of refusals, and signing in at the simulated directory.

use super::*;
use crate::descriptor::{FieldShape, Settings};
use crate::verdicts;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leadwire_sandbox::entra::{Certificate as Uploaded, Entra, Options, TokenState};
use leadwire_sandbox::service::{Call, Reply};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;

/// 2026-11-20T10:00:05Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_168_805_000);
const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const CLIENT: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
const SCOPE: &str = "https://contoso.crm4.dynamics.com/.default";

static FIELDS: &[Field] = &[
    fields::TENANT,
    fields::CLIENT_ID,
    fields::CLIENT_SECRET,
    fields::SECRET_ENDS_ON,
    fields::CERTIFICATE,
    fields::PRIVATE_KEY,
    fields::ASSERTION,
    fields::AUTHORITY,
];

/// A certificate that ends with the first day of 2031, its key, and what is uploaded of it.
pub(crate) fn certificate() -> (String, String, Uploaded) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["leadwire.example".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2031, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    let public_key =
        SubjectPublicKeyInfoDer::from_pem_slice(key.public_key_pem().as_bytes()).unwrap().to_vec();
    let uploaded = Uploaded { der: certificate.der().to_vec(), public_key };
    (certificate.pem(), key.serialize_pem(), uploaded)
}

fn settings(more: Value) -> Settings {
    let mut settings = json!({ "tenant": TENANT, "client_id": CLIENT, "client_secret": "s3cr3t~+/ä" });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings.as_object().unwrap().clone()
}

fn read(more: Value, proof: Proof) -> Result<SignIn, Vec<Refusal>> {
    let settings = settings(more);
    SignIn::read(&Values::new(FIELDS, &settings), proof, SCOPE.to_owned(), Duration::from_secs(5))
}

fn signing(certificate: &str, key: &str, more: Value) -> SignIn {
    let mut settings = json!({ "certificate": certificate, "private_key": key });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    read(settings, Proof::Certificate).unwrap_or_else(|it| panic!("{it:?}"))
}

fn form(request: &Request) -> Vec<(String, String)> {
    url::form_urlencoded::parse(&request.body).into_owned().collect()
}

#[test]
fn a_secret_is_shown_as_documented() {
    let request = read(json!({}), Proof::Secret).unwrap_or_else(|it| panic!("{it:?}")).request(NOW).unwrap();
    let headers: Vec<String> =
        request.headers.iter().map(|it| format!("{}: {}\n", it.0, it.1.to_str().unwrap())).collect();
    let body = std::str::from_utf8(&request.body).unwrap();
    let text = format!("{} {}\n{}\n{body}\n", request.method, request.url, headers.concat());
    assert_eq!(text, include_str!("golden/secret.txt"));
}

#[test]
fn an_assertion_names_the_app_the_directory_and_the_certificate() {
    let (pem, key, uploaded) = certificate();
    let sign_in = signing(&pem, &key, json!({}));
    let form = form(&sign_in.request(NOW).unwrap());
    let names: Vec<&str> = form.iter().map(|it| &*it.0).collect();
    assert_eq!(names, ["client_id", "scope", "client_assertion_type", "client_assertion", "grant_type"]);
    let parts: Vec<&str> = form[3].1.split('.').collect();
    let part = |at: usize| URL_SAFE_NO_PAD.decode(parts[at]).unwrap();
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &uploaded.der));
    let mut claims: Value = serde_json::from_slice(&part(1)).unwrap();
    let id = claims["jti"].take();
    assert_eq!(id.as_str().unwrap().len(), 22);
    let shown = format!(
        "{}\n{}\n{}\n",
        String::from_utf8(part(0)).unwrap().replace(&thumbprint, "{thumbprint}"),
        claims,
        form[2].1,
    );
    assert_eq!(shown, include_str!("golden/assertion.txt"));
    let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &uploaded.public_key);
    key.verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &part(2)).unwrap();
    // No two assertions have one id.
    assert_ne!(self::form(&sign_in.request(NOW).unwrap())[3].1, form[3].1);
}

#[test]
fn the_older_signature_comes_with_the_older_thumbprint() {
    let (pem, key, uploaded) = certificate();
    let sign_in = signing(&pem, &key, json!({ "assertion": "RS256" }));
    let assertion = form(&sign_in.request(NOW).unwrap())[3].1.clone();
    let header = URL_SAFE_NO_PAD.decode(assertion.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    let old = URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &uploaded.der));
    assert_eq!((&header["alg"], &header["x5t"]), (&json!("RS256"), &json!(old)));
}

#[test]
fn the_end_of_what_is_shown_is_known() {
    let (pem, key, _) = certificate();
    let at = |text: &str| rfc3339::parse(text);
    let end = signing(&pem, &key, json!({})).ends_at();
    assert_eq!(end, at("2031-01-01T00:00:00Z"));
    let secret = |more| read(more, Proof::Secret).map(|it| it.ends_at()).map_err(|it| it[0].pointer.clone());
    assert_eq!(secret(json!({})), Ok(None));
    assert_eq!(secret(json!({ "secret_ends_on": "2027-02-28" })), Ok(at("2027-02-28T00:00:00Z")));
    assert_eq!(secret(json!({ "secret_ends_on": "28.2.2027" })), Err("/secret_ends_on".to_owned()));
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let (pem, key, _) = certificate();
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_pem();
    for (more, proof, pointers) in [
        (json!({ "tenant": "common" }), Proof::Secret, &["/tenant"][..]),
        (json!({ "tenant": "a/b" }), Proof::Secret, &["/tenant"]),
        (json!({ "tenant": "..", "client_id": null }), Proof::Secret, &["/client_id", "/tenant"]),
        (json!({ "client_secret": " " }), Proof::Secret, &["/client_secret"]),
        (json!({ "authority": "login" }), Proof::Secret, &["/authority"]),
        (json!({}), Proof::Certificate, &["/certificate", "/private_key"]),
        (json!({ "certificate": "x", "private_key": key }), Proof::Certificate, &["/certificate"]),
        (json!({ "certificate": pem, "private_key": "x" }), Proof::Certificate, &["/private_key"]),
        (json!({ "certificate": pem, "private_key": other }), Proof::Certificate, &["/private_key"]),
    ] {
        let refusals = read(more.clone(), proof).err().unwrap_or_default();
        let found: Vec<&str> = refusals.iter().map(|it| &*it.pointer).collect();
        assert_eq!(found, pointers, "{more}: {refusals:?}");
    }
    let at = |authority: &str| {
        let sign_in = read(json!({ "authority": authority }), Proof::Secret);
        sign_in.unwrap_or_else(|it| panic!("{it:?}")).token_url().to_string()
    };
    let path = format!("{TENANT}/oauth2/v2.0/token");
    assert_eq!(
        at("https://login.microsoftonline.us/x?y"),
        format!("https://login.microsoftonline.us/{path}")
    );
}

#[test]
fn every_answer_of_the_corpus_is_read_right() {
    let corpus = verdicts::cases(include_str!("verdicts.json"));
    assert!(corpus.len() >= 30, "{}", corpus.len());
    for case in corpus {
        let tried = match read_answer(&case.answer, NOW) {
            Ok(_) => panic!("{} is not refused", case.name),
            Err(tried) => *tried,
        };
        let evidence = format!("{} {} {}", tried.evidence.message, tried.evidence.fix, tried.evidence.answer);
        assert!(!evidence.contains("s3cr3t") && !evidence.contains(CLIENT), "{}: {evidence}", case.name);
        verdicts::check(&case, &[tried]);
    }
}

/// What another product prints of these errors finds its cause here too.
#[test]
fn texts_of_the_marketplaces_own_lead_writer_name_the_cause() {
    for (text, cause) in [
        ("using AAD. Exception:: Tenant not found.", "tenant_unknown"),
        ("using AAD. Exception:: Application with identifier was not found in the directory", "app_unknown"),
        (
            "using AAD. Exception:: Requested tenant identifier is not valid and not valid external domain format",
            "tenant_invalid",
        ),
        (
            "using AAD. Exception:: Error validating credentials.: Invalid client secret is provided.",
            "secret_wrong",
        ),
        ("LastCRMError: Unable to sign in to Dynamics CRM", "client_refused"),
    ] {
        let found = known(&json!({ "error": "other", "error_description": text }));
        assert_eq!(found.map(|it| it.cause), Some(cause), "{text}");
    }
}

#[test]
fn the_fields_are_in_order_for_a_form() {
    for field in FIELDS {
        assert!(!field.help.is_empty() && !field.label.is_empty());
        assert_eq!(field.secret, matches!(field.name, "client_secret" | "private_key"), "{}", field.name);
        assert!(!matches!(field.shape, FieldShape::Mapping));
    }
}

fn ask(entra: &mut Entra, sign_in: &SignIn, now: Timestamp) -> Reply {
    let request = sign_in.request(now).unwrap();
    let mut headers = request.headers.clone();
    headers.insert("host", request.url.host_str().unwrap().parse().unwrap());
    let call = Call {
        method: request.method,
        path: request.url.path().to_owned(),
        query: String::new(),
        headers,
        body: request.body,
    };
    entra.answer(&call, |it| it == "https://contoso.crm4.dynamics.com", NOW.millis())
}

fn code(reply: &Reply) -> Option<u64> {
    let json: Value = serde_json::from_slice(&reply.body).unwrap();
    json.pointer("/error_codes/0").and_then(Value::as_u64)
}

#[test]
fn the_simulated_directory_takes_what_is_signed_and_nothing_else() {
    let (pem, key, uploaded) = certificate();
    let options = Options { certificate: Some(uploaded), ..Options::new("s3cr3t~+/ä") };
    let mut entra = Entra::new(options);
    for assertion in ["PS256", "RS256"] {
        let sign_in = signing(&pem, &key, json!({ "assertion": assertion }));
        let reply = ask(&mut entra, &sign_in, NOW);
        let json: Value = serde_json::from_slice(&reply.body).unwrap();
        let token = json["access_token"].as_str().unwrap_or_else(|| panic!("{json}"));
        let state = |resource: &str, at: i64| entra.state(token, resource, NOW.millis() + at);
        assert_eq!(state("https://contoso.crm4.dynamics.com", 3_598_999), TokenState::Good);
        assert_eq!(state("https://contoso.crm4.dynamics.com", 3_599_000), TokenState::Expired);
        assert_eq!(state("https://other.crm4.dynamics.com", 0), TokenState::Unknown);
        let late = NOW.plus(Duration::from_secs(301));
        assert_eq!(code(&ask(&mut entra, &sign_in, late)), Some(700_024));
        assert_eq!(code(&ask(&mut entra, &sign_in, Timestamp::from_millis(0))), Some(700_024));
    }
    let (other_pem, other_key, _) = certificate();
    assert_eq!(code(&ask(&mut entra, &signing(&other_pem, &other_key, json!({})), NOW)), Some(700_027));
    let secret = |more| read(more, Proof::Secret).unwrap_or_else(|it| panic!("{it:?}"));
    assert_eq!(code(&ask(&mut entra, &secret(json!({})), NOW)), None);
    for (more, expected) in [
        (json!({ "client_secret": "other" }), 7_000_215),
        (json!({ "client_id": "other" }), 700_016),
        (json!({ "tenant": "fabrikam.onmicrosoft.com" }), 90_002),
        (json!({ "tenant": "fabrikam" }), 900_023),
    ] {
        assert_eq!(code(&ask(&mut entra, &secret(more.clone()), NOW)), Some(expected), "{more}");
    }
    entra.change(|it| it.is_secret_expired = true);
    assert_eq!(code(&ask(&mut entra, &secret(json!({})), NOW)), Some(7_000_222));
}
