//! HTTP message signatures (RFC 9421) with a content digest (RFC 9530), for receivers that check those.

use super::fields::field;
use crate::descriptor::{Values, refusal};
use crate::egress::Request;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use leadwire_core::refusal::Refusal;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use url::Url;

/// Shortest shared key, in bytes: as long as the hash, so that it is not the weakest part (RFC 2104, 3).
const KEY_BYTES_MIN: usize = 32;
const NAME: &str = "message_signature_key";

/// How messages are signed.
pub(super) struct MessageSigner {
    key: Key,
    key_id: String,
}

enum Key {
    Hmac(Box<hmac::Key>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl MessageSigner {
    /// Reads the settings; none when messages are not signed in this way.
    pub(super) fn read(values: &Values<'_>) -> Result<Option<Self>, Vec<Refusal>> {
        let bad = |message: &str, fix: &str| Err(vec![refusal(field(NAME), "bad_key", message, fix)]);
        let text = values.text(NAME).unwrap_or_default().trim();
        let key = match values.text("message_signature") {
            Some("hmac-sha256") => match STANDARD.decode(text) {
                Ok(bytes) if bytes.len() >= KEY_BYTES_MIN => {
                    Key::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
                }
                Ok(_) | Err(_) => {
                    return bad(
                        "the key is not the base64 of 32 bytes or more",
                        "make one with `openssl rand -base64 32`",
                    );
                }
            },
            Some("ed25519") => {
                let der = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).ok();
                let pair = der.and_then(|it| Ed25519KeyPair::from_pkcs8(it.secret_pkcs8_der()).ok());
                match pair {
                    Some(pair) => Key::Ed25519(Box::new(pair)),
                    None => {
                        return bad(
                            "the key is not an Ed25519 key in PEM (PKCS #8)",
                            "make one with `openssl genpkey -algorithm ed25519`",
                        );
                    }
                }
            }
            _ => return Ok(None),
        };
        let key_id = values.text("message_signature_key_id").unwrap_or_default().to_owned();
        if key_id.is_empty()
            || !key_id.bytes().all(|it| it == b' ' || it.is_ascii_graphic() && it != b'"' && it != b'\\')
        {
            let name = "message_signature_key_id";
            let fix = "give the name by which the receiver finds the key, in plain ASCII without quotes";
            return Err(vec![refusal(
                field(name),
                "bad_key_id",
                format!("`{name}` is missing or cannot be sent"),
                fix,
            )]);
        }
        Ok(Some(Self { key, key_id }))
    }

    /// Adds digest and signature to a request whose other headers are complete.
    pub(super) fn sign(&self, request: &mut Request, unix_seconds: i64) {
        let digest = content_digest(&request.body);
        let content_type =
            request.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let algorithm = match self.key {
            Key::Hmac(_) => "hmac-sha256",
            Key::Ed25519(_) => "ed25519",
        };
        let parameters = format!(
            "(\"@method\" \"@authority\" \"@path\" \"content-type\" \"content-digest\");created={unix_seconds};keyid=\"{}\";alg=\"{algorithm}\"",
            self.key_id
        );
        let base = format!(
            "\"@method\": {}\n\"@authority\": {}\n\"@path\": {}\n\"content-type\": {content_type}\n\"content-digest\": {digest}\n\"@signature-params\": {parameters}",
            request.method,
            authority(&request.url),
            request.url.path(),
        );
        let signature = match &self.key {
            Key::Hmac(key) => STANDARD.encode(hmac::sign(key, base.as_bytes())),
            Key::Ed25519(pair) => STANDARD.encode(pair.sign(base.as_bytes())),
        };
        for (name, value) in [
            ("content-digest", digest),
            ("signature-input", format!("sig1={parameters}")),
            ("signature", format!("sig1=:{signature}:")),
        ] {
            let value =
                HeaderValue::try_from(value).expect("base64, a checked key id and numbers are visible ASCII");
            request.headers.insert(HeaderName::from_static(name), value);
        }
    }
}

fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, body)))
}

/// RFC 9421, 2.2.3: in lower case, and without the port that the scheme has anyway.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().to_lowercase();
    url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, Method};

    #[test]
    fn the_digest_is_that_of_the_rfc() {
        assert_eq!(
            content_digest(br#"{"hello": "world"}"#),
            "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
        );
    }

    #[test]
    fn the_shared_key_of_the_rfc_signs_its_example() {
        // RFC 9421, B.2.5.
        let key = STANDARD
            .decode(
                "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==",
            )
            .unwrap();
        let base = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\"content-type\": application/json\n\"@signature-params\": (\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), base.as_bytes());
        assert_eq!(STANDARD.encode(signature), "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=");
    }

    #[test]
    fn what_is_signed_is_what_is_sent() {
        let bytes = [7; 32];
        let key = Key::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &bytes)));
        let signer = MessageSigner { key, key_id: "k1".to_owned() };
        let headers: HeaderMap =
            [(CONTENT_TYPE, HeaderValue::from_static("application/json"))].into_iter().collect();
        let url = Url::parse("https://CRM.example.com:8443/leads?x=1").unwrap();
        let mut request = Request::new(Method::POST, url, headers, Bytes::from_static(b"{}"));
        signer.sign(&mut request, 1_618_884_473);
        let text = |name: &str| request.headers[name].to_str().unwrap().to_owned();
        let parameters = text("signature-input").strip_prefix("sig1=").unwrap().to_owned();
        let base = format!(
            "\"@method\": POST\n\"@authority\": crm.example.com:8443\n\"@path\": /leads\n\"content-type\": application/json\n\"content-digest\": {}\n\"@signature-params\": {parameters}",
            text("content-digest")
        );
        let signature =
            STANDARD.decode(text("signature").strip_prefix("sig1=:").unwrap().trim_end_matches(':')).unwrap();
        assert!(
            hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &bytes), base.as_bytes(), &signature).is_ok()
        );
    }
}
