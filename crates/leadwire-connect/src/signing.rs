//! Signs requests as Standard Webhooks 1.0 does, so that a receiver can tell that they come from here.
//!
//! Source: standard-webhooks specification, "Signature scheme" and "Symmetric keys".

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;

/// What every shared secret starts with.
const PREFIX: &str = "whsec_";
/// Random bytes in a secret made here; the specification asks for 24 to 64.
pub const SECRET_BYTES: usize = 32;

/// Why a text is not a signing secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `whsec_` and the base64 of 24 to 64 bytes")]
pub struct BadSecret;

/// A secret shared with the receiver.
#[derive(Clone)]
pub struct SigningSecret(hmac::Key);

impl SigningSecret {
    /// Reads `whsec_…`.
    ///
    /// # Errors
    /// When the prefix is missing, or what follows is not the base64 of 24 to 64 bytes.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).ok_or(BadSecret)?).map_err(|_| BadSecret)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(BadSecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// Makes the text form of a secret of random bytes.
    pub fn generate(random: &[u8; SECRET_BYTES]) -> Secret<String> {
        Secret::new(format!("{PREFIX}{}", STANDARD.encode(random)))
    }
}

/// The value of `webhook-signature`: one signature per secret, so that a receiver may know either of two
/// secrets while they are being exchanged.
pub fn sign(secrets: &[SigningSecret], id: &str, now: Timestamp, body: &[u8]) -> String {
    let signatures: Vec<_> = secrets
        .iter()
        .map(|secret| {
            let mut context = hmac::Context::with_key(&secret.0);
            context.update(format!("{id}.{}.", unix_seconds(now)).as_bytes());
            context.update(body);
            format!("v1,{}", STANDARD.encode(context.sign()))
        })
        .collect();
    signatures.join(" ")
}

/// Whether one of the signatures in a `webhook-signature` is by this secret.
#[cfg(test)]
pub(crate) fn is_signed_by(
    secret: &SigningSecret,
    id: &str,
    timestamp: &str,
    body: &[u8],
    signatures: &str,
) -> bool {
    let mut signed = format!("{id}.{timestamp}.").into_bytes();
    signed.extend_from_slice(body);
    signatures
        .split(' ')
        .filter_map(|it| STANDARD.decode(it.strip_prefix("v1,")?).ok())
        .any(|tag| hmac::verify(&secret.0, &signed, &tag).is_ok())
}

/// The value of `webhook-timestamp`.
pub(crate) fn unix_seconds(now: Timestamp) -> i64 {
    now.millis().div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SVIX: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SPEC: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    #[track_caller]
    fn check(secret: &str, id: &str, seconds: i64, body: &str, expected: &str) {
        let secret = SigningSecret::parse(secret).unwrap();
        let now = Timestamp::from_millis(seconds * 1000 + 999);
        assert_eq!(sign(std::slice::from_ref(&secret), id, now, body.as_bytes()), expected);
        assert!(is_signed_by(&secret, id, &seconds.to_string(), body.as_bytes(), expected));
        assert!(!is_signed_by(&secret, id, &(seconds + 1).to_string(), body.as_bytes(), expected));
    }

    #[test]
    fn the_published_vectors_come_out() {
        check(
            SVIX,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        );
        check(
            SPEC,
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        );
    }

    #[test]
    fn both_secrets_sign_while_they_are_exchanged() {
        let secrets = [SigningSecret::parse(SVIX).unwrap(), SigningSecret::parse(SPEC).unwrap()];
        let header = sign(&secrets, "dlv_1", Timestamp::from_millis(7000), b"{}");
        assert_eq!(header.split(' ').count(), 2);
        for secret in &secrets {
            assert!(is_signed_by(secret, "dlv_1", "7", b"{}", &header));
        }
    }

    #[test]
    fn only_24_to_64_bytes_of_base64_are_a_secret() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        for (text, is_secret) in [
            (of(23), false),
            (of(24), true),
            (of(64), true),
            (of(65), false),
            (of(32).replace("whsec_", ""), false),
            ("whsec_".to_owned(), false),
            ("whsec_not base64".to_owned(), false),
        ] {
            assert_eq!(SigningSecret::parse(&text).is_ok(), is_secret, "{} bytes", text.len());
        }
        assert!(SigningSecret::parse(SigningSecret::generate(&[9; SECRET_BYTES]).expose()).is_ok());
    }
}
