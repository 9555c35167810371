//! The receiver's side of Standard Webhooks: is this request signed by someone who knows a secret of ours, and now?
//!
//! Written from the specification and apart from the sender, so that one mistake cannot hide in both.
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use aws_lc_rs::{constant_time, hmac, signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// How far the sender's clock may be from ours, in seconds, either way: what the reference libraries allow.
pub const TOLERANCE_SECONDS: u64 = 5 * 60;
/// Shortest and longest shared secret, in bytes (specification, "Signature scheme").
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Most signatures looked at in one header: more than any rotation needs, and a bound on the work of a request.
const SIGNATURES_MAX: usize = 16;

/// Why a secret or public key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Neither of the two known prefixes.
    #[error("a key starts with `whsec_` (shared secret) or `whpk_` (ed25519 public key)")]
    Prefix,
    /// What follows the prefix is not base64.
    #[error("what follows the prefix is not base64")]
    Base64,
    /// Too short or too long.
    #[error("a shared secret has 24 to 64 bytes, a public key 32")]
    Length,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// The timestamp is not a number of seconds.
    #[error("webhook-timestamp is not a number of seconds")]
    Timestamp,
    /// The timestamp is too far from now.
    #[error("webhook-timestamp is more than five minutes from now")]
    Stale,
    /// No signature fits.
    #[error("no signature in webhook-signature fits")]
    Signature,
}

enum Key {
    Shared(Box<hmac::Key>),
    Public(signature::UnparsedPublicKey<Vec<u8>>),
}

/// The keys a receiver accepts; several while a secret is being rotated.
pub struct Verifier {
    keys: Vec<Key>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Verifier({} keys)", self.keys.len())
    }
}

impl Verifier {
    /// Reads keys in their text form: `whsec_…` or `whpk_…`.
    ///
    /// # Errors
    /// When one of them is neither.
    pub fn new<T: AsRef<str>>(keys: &[T]) -> Result<Self, BadKey> {
        let keys = keys.iter().map(|it| parse_key(it.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { keys })
    }

    /// Checks one request. `now` is in seconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// When the request must not be trusted.
    pub fn check(&self, request: &Signed<'_>, now: u64) -> Result<(), Forged> {
        let digits = !request.timestamp.is_empty() && request.timestamp.bytes().all(|it| it.is_ascii_digit());
        let sent: u64 = request.timestamp.parse().ok().filter(|_| digits).ok_or(Forged::Timestamp)?;
        if sent.abs_diff(now) > TOLERANCE_SECONDS {
            return Err(Forged::Stale);
        }
        let head = [request.id, ".", request.timestamp, "."];
        let mut shared: Vec<[u8; 32]> = Vec::new();
        let mut whole: Vec<u8> = Vec::new();
        for signature in request.signatures.split(' ').take(SIGNATURES_MAX) {
            let Some((version, encoded)) = signature.split_once(',') else { continue };
            let Ok(claimed) = STANDARD.decode(encoded) else { continue };
            let fits = match version {
                "v1" => {
                    if shared.is_empty() {
                        shared = self.shared_signatures(&head, request.body);
                    }
                    shared.iter().any(|it| constant_time::verify_slices_are_equal(it, &claimed).is_ok())
                }
                "v1a" => {
                    if whole.is_empty() {
                        whole = [head.concat().as_bytes(), request.body].concat();
                    }
                    self.keys
                        .iter()
                        .any(|it| matches!(it, Key::Public(key) if key.verify(&whole, &claimed).is_ok()))
                }
                // The specification asks receivers to pass over versions they do not know.
                _ => false,
            };
            if fits {
                return Ok(());
            }
        }
        Err(Forged::Signature)
    }

    fn shared_signatures(&self, head: &[&str], body: &[u8]) -> Vec<[u8; 32]> {
        let sign = |key: &hmac::Key| {
            let mut context = hmac::Context::with_key(key);
            head.iter().for_each(|it| context.update(it.as_bytes()));
            context.update(body);
            context.sign().as_ref().try_into().expect("HMAC-SHA256 has 32 bytes")
        };
        let shared = |key: &Key| match key {
            Key::Shared(key) => Some(sign(key)),
            Key::Public(_) => None,
        };
        self.keys.iter().filter_map(shared).collect()
    }
}

/// The parts of a request that a signature covers, and the signatures, as they came.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// `webhook-id`
    pub id: &'a str,
    /// `webhook-timestamp`
    pub timestamp: &'a str,
    /// `webhook-signature`
    pub signatures: &'a str,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

fn parse_key(text: &str) -> Result<Key, BadKey> {
    let bytes = |encoded: &str| STANDARD.decode(encoded).map_err(|_| BadKey::Base64);
    if let Some(encoded) = text.strip_prefix("whsec_") {
        let secret = bytes(encoded)?;
        if !SECRET_BYTES.contains(&secret.len()) {
            return Err(BadKey::Length);
        }
        Ok(Key::Shared(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &secret))))
    } else if let Some(encoded) = text.strip_prefix("whpk_") {
        let public = bytes(encoded)?;
        if public.len() != 32 {
            return Err(BadKey::Length);
        }
        Ok(Key::Public(signature::UnparsedPublicKey::new(&signature::ED25519, public)))
    } else {
        Err(BadKey::Prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::Ed25519KeyPair;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    // The pair of the tests of Svix, the author of the specification; public, so a secret to nobody.
    const PRIVATE: &str =
        "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

    const FIRST: Signed<'static> = Signed {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        signatures: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        body: br#"{"test": 2432232314}"#,
    };
    const SECOND: Signed<'static> = Signed {
        id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        timestamp: "1649367553",
        signatures: "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        body: br#"{"email":"test@example.com","username":"test_user"}"#,
    };

    #[track_caller]
    fn check(keys: &[&str], request: &Signed<'_>, now: u64, expected: Result<(), Forged>) {
        assert_eq!(Verifier::new(keys).unwrap().check(request, now), expected);
    }

    #[test]
    fn the_published_vectors_fit() {
        check(&[SECRET], &FIRST, 1_614_265_330, Ok(()));
        check(&[OTHER_SECRET], &SECOND, 1_649_367_553, Ok(()));
    }

    #[test]
    fn either_secret_fits_while_rotating() {
        check(&[OTHER_SECRET, SECRET], &FIRST, 1_614_265_330, Ok(()));
        let both = format!("v1,AAAA v2,xyz {}", FIRST.signatures);
        check(&[SECRET], &Signed { signatures: &both, ..FIRST }, 1_614_265_330, Ok(()));
    }

    #[test]
    fn five_minutes_either_way_are_allowed_and_no_more() {
        check(&[SECRET], &FIRST, 1_614_265_330 + 300, Ok(()));
        check(&[SECRET], &FIRST, 1_614_265_330 - 300, Ok(()));
        check(&[SECRET], &FIRST, 1_614_265_330 + 301, Err(Forged::Stale));
        check(&[SECRET], &FIRST, 1_614_265_330 - 301, Err(Forged::Stale));
    }

    #[test]
    fn any_change_is_noticed() {
        let now = 1_614_265_330;
        check(&[OTHER_SECRET], &FIRST, now, Err(Forged::Signature));
        check(&[SECRET], &Signed { id: "msg_other", ..FIRST }, now, Err(Forged::Signature));
        check(&[SECRET], &Signed { timestamp: "1614265331", ..FIRST }, now, Err(Forged::Signature));
        check(&[SECRET], &Signed { body: b"{\"test\":2432232314}", ..FIRST }, now, Err(Forged::Signature));
        check(&[SECRET], &Signed { signatures: "", ..FIRST }, now, Err(Forged::Signature));
        check(&[SECRET], &Signed { signatures: "v1,", ..FIRST }, now, Err(Forged::Signature));
        check(&[SECRET], &Signed { timestamp: "+1614265330", ..FIRST }, now, Err(Forged::Timestamp));
        check(&[SECRET], &Signed { timestamp: "", ..FIRST }, now, Err(Forged::Timestamp));
    }

    #[test]
    fn an_asymmetric_signature_fits_its_public_key_only() {
        let pair = STANDARD.decode(PRIVATE).unwrap();
        let pair = Ed25519KeyPair::from_seed_and_public_key(&pair[..32], &pair[32..]).unwrap();
        let whole = [FIRST.id.as_bytes(), b".", FIRST.timestamp.as_bytes(), b".", FIRST.body].concat();
        let signatures = format!("v1a,{}", STANDARD.encode(pair.sign(&whole)));
        let request = Signed { signatures: &signatures, ..FIRST };
        check(&[PUBLIC], &request, 1_614_265_330, Ok(()));
        check(&[SECRET], &request, 1_614_265_330, Err(Forged::Signature));
        check(&[PUBLIC], &Signed { body: b"{}", ..request }, 1_614_265_330, Err(Forged::Signature));
    }

    #[test]
    fn keys_of_another_shape_are_refused() {
        let error = |key: &str| Verifier::new(&[key]).err();
        assert_eq!(error("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Some(BadKey::Prefix));
        assert_eq!(error("whsec_***"), Some(BadKey::Base64));
        assert_eq!(error("whsec_AAAA"), Some(BadKey::Length));
        assert_eq!(error("whpk_AAAA"), Some(BadKey::Length));
    }
}
