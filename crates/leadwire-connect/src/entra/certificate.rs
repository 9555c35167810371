//! Signs the assertion an app shows instead of a secret, and reads when its certificate ends.
//!
//! learn.microsoft.com, `identity-platform/certificate-credentials`: PS256 and the SHA-256 thumbprint; RS256 with the SHA-1
//! thumbprint is what the flow's own page and older clients send.

use super::fields;
use crate::descriptor::refusal;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leadwire_core::refusal::Refusal;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};

/// How long an assertion is good for, in seconds: 5 to 10 minutes are documented.
const LIFE_SECONDS: i64 = 600;

/// A certificate with its key.
pub(super) struct Certificate {
    der: CertificateDer<'static>,
    key: RsaKeyPair,
    is_pss: bool,
    signed: AtomicU64,
}

impl Certificate {
    /// Reads both from PEM.
    pub(super) fn read(certificate: &str, key: &str, is_pss: bool) -> Result<Self, Box<Refusal>> {
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| {
            let message = format!("`{}` is not a certificate in PEM", fields::CERTIFICATE.name);
            let fix = "paste the whole file, from `-----BEGIN CERTIFICATE-----` to the end";
            Box::new(refusal(&fields::CERTIFICATE, "bad_certificate", message, fix))
        })?;
        let key = match PrivateKeyDer::from_pem_slice(key.as_bytes()).ok() {
            Some(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
            Some(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok(),
            _ => None,
        };
        let key = key.ok_or_else(|| {
            let message = format!(
                "`{}` is not an RSA private key in PEM without a passphrase",
                fields::PRIVATE_KEY.name
            );
            let fix = "paste the whole file, from `-----BEGIN PRIVATE KEY-----` to the end";
            Box::new(refusal(&fields::PRIVATE_KEY, "bad_private_key", message, fix))
        })?;
        // The certificate holds the public key as the key pair writes it (RFC 3279, 2.3.1).
        let public = key.public_key().as_ref();
        if !der.windows(public.len()).any(|it| it == public) {
            let message = format!("`{}` is not the key of the certificate", fields::PRIVATE_KEY.name);
            let fix = "paste the key the certificate was made with";
            return Err(Box::new(refusal(&fields::PRIVATE_KEY, "key_of_another", message, fix)));
        }
        Ok(Self { der, key, is_pss, signed: AtomicU64::new(0) })
    }

    /// The assertion for a token endpoint; none only when the library cannot sign.
    pub(super) fn assertion(&self, client_id: &str, audience: &str, now: Timestamp) -> Option<String> {
        let thumbprint = |hash| URL_SAFE_NO_PAD.encode(digest(hash, &self.der));
        let mut header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint(&SHA256) });
        if !self.is_pss {
            header["alg"] = json!("RS256");
            header["x5t"] = json!(thumbprint(&SHA1_FOR_LEGACY_USE_ONLY));
        }
        let seconds = now.millis().div_euclid(1000);
        // Unique as far as this destination goes: the moment, and a number that never comes twice in one process.
        let serial = self.signed.fetch_add(1, Ordering::Relaxed);
        let name = format!("leadwire:assertion:{client_id}:{}:{serial}", now.millis());
        let id = digest(&SHA256, name.as_bytes());
        let claims = json!({
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": URL_SAFE_NO_PAD.encode(&id.as_ref()[..16]),
            "nbf": seconds,
            "iat": seconds,
            "exp": seconds + LIFE_SECONDS,
        });
        let encoded = |it: &serde_json::Value| URL_SAFE_NO_PAD.encode(it.to_string());
        let signed = format!("{}.{}", encoded(&header), encoded(&claims));
        let padding: &'static dyn aws_lc_rs::signature::RsaEncoding =
            if self.is_pss { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(padding, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// When it ends; none when its dates cannot be read.
    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        ends_at(&self.der)
    }
}

/// `notAfter` of RFC 5280, 4.1: the second date of the sequence behind the issuer.
fn ends_at(der: &[u8]) -> Option<Timestamp> {
    const SEQUENCE: u8 = 0x30;
    let (_, certificate, _) = element(der).filter(|it| it.0 == SEQUENCE)?;
    let (_, mut signed, _) = element(certificate).filter(|it| it.0 == SEQUENCE)?;
    // [0] version, which may be absent, then serial number, algorithm, issuer.
    if signed.first() == Some(&0xa0) {
        signed = element(signed)?.2;
    }
    for _ in 0..3 {
        signed = element(signed)?.2;
    }
    let (_, validity, _) = element(signed).filter(|it| it.0 == SEQUENCE)?;
    let (kind, text, _) = element(element(validity)?.2)?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    // UTCTime has two digits of the year, and means 1950 to 2049.
    let text = match (kind, text.len()) {
        (0x17, 12) if text < "50" => format!("20{text}"),
        (0x17, 12) => format!("19{text}"),
        (0x18, 14) => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| text.get(from..to);
    let day = format!("{}-{}-{}", part(0, 4)?, part(4, 6)?, part(6, 8)?);
    rfc3339::parse(&format!("{day}T{}:{}:{}Z", part(8, 10)?, part(10, 12)?, part(12, 14)?))
}

/// Tag and content of the first DER element, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], mut rest) = der.split_first_chunk::<2>()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        // Four bytes of length are more than any certificate has.
        let count = usize::from(first & 0x7f).min(5);
        let (bytes, after) = rest.split_at_checked(count).filter(|_| count <= 4)?;
        length = bytes.iter().fold(0, |length, it| length << 8 | usize::from(*it));
        rest = after;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}
