//! Makes the signed assertion of the JWT bearer flow (RFC 7523; help.salesforce.com, `remoteaccess_oauth_jwt_flow`).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leadwire_core::time::Timestamp;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::json;

/// How long an assertion is good for, in seconds: what simple-salesforce uses. Salesforce does not document a bound.
const LIFE_SECONDS: i64 = 180;

/// Who signs, for whom.
pub(super) struct Signer {
    pub(super) client_id: String,
    pub(super) username: String,
    pub(super) audience: String,
    key: RsaKeyPair,
}

impl Signer {
    /// Reads a private key in PEM: PKCS #8 or PKCS #1, RSA, without a passphrase. None: it is something else.
    pub(super) fn new(client_id: &str, username: &str, audience: &str, pem: &str) -> Option<Self> {
        let key = match PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()? {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok()?,
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok()?,
            _ => return None,
        };
        Some(Self {
            client_id: client_id.to_owned(),
            username: username.to_owned(),
            audience: audience.to_owned(),
            key,
        })
    }

    /// The assertion: header, claims and signature. None only when the library cannot sign.
    pub(super) fn assertion(&self, now: Timestamp) -> Option<String> {
        let encoded = |it: &str| URL_SAFE_NO_PAD.encode(it);
        let claims = json!({
            "iss": self.client_id,
            "sub": self.username,
            "aud": self.audience,
            "exp": now.millis().div_euclid(1000) + LIFE_SECONDS,
        });
        let signed = format!("{}.{}", encoded(r#"{"alg":"RS256"}"#), encoded(&claims.to_string()));
        let mut signature = vec![0; self.key.public_modulus_len()];
        // PKCS #1 v1.5 throws no dice; the library asks for them for other paddings.
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
