//! Which signatures count: right ones of four kinds, and nothing that a token says of itself.

use super::keys::{Key, named, parse, read};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

fn coded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn signed(header: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let text = format!("{}.{}", coded(header.to_string()), coded(r#"{"sub":"1"}"#));
    format!("{text}.{}", coded(sign(text.as_bytes())))
}

struct Lab {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

impl Lab {
    fn new() -> Self {
        Self {
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            ed: Ed25519KeyPair::generate().unwrap(),
        }
    }

    fn modulus(&self) -> Vec<u8> {
        // RFC 8017, A.1.1, of 2048 bits: two heads and a zero before the modulus, 65537 behind it.
        self.rsa.public_key().as_ref()[9..265].to_vec()
    }

    fn rsa_key(&self) -> Value {
        json!({ "kty": "RSA", "kid": "r", "n": coded(self.modulus()), "e": coded([1, 0, 1]) })
    }

    fn keys(&self) -> Vec<Key> {
        let point = self.p256.public_key().as_ref();
        let all = json!([
            self.rsa_key(),
            { "kty": "EC", "kid": "p", "crv": "P-256", "x": coded(&point[1..33]), "y": coded(&point[33..]) },
            { "kty": "OKP", "kid": "e", "crv": "Ed25519", "x": coded(self.ed.public_key()) },
        ]);
        keys(&all)
    }

    fn with_rsa(&self, header: &Value, how: &'static dyn RsaEncoding) -> String {
        signed(header, |text| {
            let mut signature = vec![0; self.rsa.public_modulus_len()];
            self.rsa.sign(how, &SystemRandom::new(), text, &mut signature).unwrap();
            signature
        })
    }
}

fn keys(all: &Value) -> Vec<Key> {
    read(json!({ "keys": all }).to_string().as_bytes()).unwrap()
}

/// Whether a token counts with these keys.
fn counts(keys: &[Key], token: &str) -> bool {
    parse(token).is_ok_and(|it| named(keys, &it).is_some_and(|key| key.signed(&it)))
}

#[test]
fn four_kinds_of_signatures_count() {
    let lab = Lab::new();
    let keys = lab.keys();
    let random = SystemRandom::new();
    for token in [
        lab.with_rsa(&json!({ "alg": "RS256", "kid": "r" }), &RSA_PKCS1_SHA256),
        lab.with_rsa(&json!({ "alg": "PS256", "kid": "r", "typ": "JWT" }), &RSA_PSS_SHA256),
        signed(&json!({ "alg": "ES256", "kid": "p" }), |it| {
            lab.p256.sign(&random, it).unwrap().as_ref().to_vec()
        }),
        signed(&json!({ "alg": "ES256" }), |it| lab.p256.sign(&random, it).unwrap().as_ref().to_vec()),
        signed(&json!({ "alg": "EdDSA", "kid": "e" }), |it| lab.ed.sign(it).as_ref().to_vec()),
    ] {
        assert!(counts(&keys, &token), "{token}");
        // One bit of what is signed, and it counts no more.
        assert!(!counts(&keys, &token.replacen(&coded(r#"{"sub":"1"}"#), &coded(r#"{"sub":"2"}"#), 1)));
    }
}

#[test]
fn a_token_does_not_choose_how_it_is_looked_at() {
    let lab = Lab::new();
    let keys = lab.keys();
    let modulus = lab.modulus();
    let none =
        |name: &str| format!("{}.{}.", coded(json!({ "alg": name, "kid": "r" }).to_string()), coded("{}"));
    for name in ["none", "None", "NONE", "", "HS256", "RS512", "RS1", "ES384", "rs256", "dir"] {
        assert_eq!(parse(&none(name)).unwrap_err().cause, "algorithm", "{name}");
    }
    assert_eq!(parse(&format!("{}.{}.", coded("{}"), coded("{}"))).unwrap_err().cause, "algorithm");
    // The public key as the secret of a kind whose key both sides know, which some libraries took.
    for secret in [modulus.clone(), coded(&modulus).into_bytes(), lab.rsa_key().to_string().into_bytes()] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let sign = |it: &[u8]| hmac::sign(&key, it).as_ref().to_vec();
        let token = signed(&json!({ "alg": "HS256", "kid": "r" }), sign);
        assert_eq!(parse(&token).unwrap_err().cause, "algorithm");
        assert!(!counts(&keys, &signed(&json!({ "alg": "RS256", "kid": "r" }), sign)));
    }
    for (header, cause) in [
        (json!({ "alg": "RS256", "kid": "r", "crit": ["exp"] }), "critical_header"),
        (json!({ "alg": "RS256", "kid": "r", "crit": [] }), "critical_header"),
    ] {
        assert_eq!(parse(&lab.with_rsa(&header, &RSA_PKCS1_SHA256)).unwrap_err().cause, cause);
    }
    // A right signature, and another kind or another key is named.
    for header in [
        json!({ "alg": "PS256", "kid": "r" }),
        json!({ "alg": "ES256", "kid": "r" }),
        json!({ "alg": "RS256", "kid": "p" }),
        json!({ "alg": "RS256", "kid": "unknown" }),
        json!({ "alg": "RS256", "kid": "R" }),
    ] {
        assert!(!counts(&keys, &lab.with_rsa(&header, &RSA_PKCS1_SHA256)), "{header}");
    }
    // Its own key, which a header may hold, is nobody's.
    let stranger = Lab::new();
    let own = json!({ "alg": "RS256", "jwk": stranger.rsa_key(), "jku": "https://evil.example", "kid": "r" });
    assert!(!counts(&keys, &stranger.with_rsa(&own, &RSA_PKCS1_SHA256)));
}

#[test]
fn only_keys_for_signatures_count_and_each_for_what_it_is() {
    let lab = Lab::new();
    let token = lab.with_rsa(&json!({ "alg": "RS256" }), &RSA_PKCS1_SHA256);
    let with = |more: Value| {
        let mut key = lab.rsa_key();
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    };
    let zero = json!({ "n": coded([&[0][..], &lab.modulus()].concat()) });
    for good in [json!({}), json!({ "use": "sig" }), json!({ "alg": "RS256" }), zero] {
        assert!(counts(&keys(&json!([with(good.clone())])), &token), "{good}");
    }
    for bad in [
        json!({ "use": "enc" }),
        json!({ "alg": "PS256" }),
        json!({ "alg": "RS512" }),
        json!({ "kty": "oct" }),
        json!({ "n": "" }),
        json!({ "n": "not base 64!" }),
        json!({ "e": "" }),
        // Too small to count, whoever says that it is a key.
        json!({ "n": coded([0xff; 64]) }),
    ] {
        assert!(!counts(&keys(&json!([with(bad.clone())])), &token), "{bad}");
    }
    // Of two that fit, one that is not named is not guessed.
    assert!(!counts(&keys(&json!([with(json!({ "kid": "a" })), with(json!({ "kid": "b" }))])), &token));
    for bad in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        assert!(read(bad.as_bytes()).is_err(), "{bad}");
    }
    let many: Vec<Value> = (0..500).map(|it| with(json!({ "kid": it.to_string() }))).collect();
    assert_eq!(keys(&json!(many)).len(), leadwire_core::limits::PROVIDER_KEYS_MAX);
}

#[test]
fn what_is_no_token_is_none() {
    let header = coded(r#"{"alg":"RS256"}"#);
    let huge = format!("{header}.{}.x", coded(vec![b' '; leadwire_core::limits::PROVIDER_TOKEN_BYTES_MAX]));
    assert_eq!(parse(&huge).unwrap_err().cause, "token_too_large");
    for bad in [
        String::new(),
        "..".to_owned(),
        header.clone(),
        format!("{header}.{}", coded("{}")),
        format!("{header}.{}.a.b.c", coded("{}")),
        format!("{header}.{}.=", coded("{}")),
        format!("{header}.{}.AA", coded("{")),
        format!("{}.{}.AA", coded(r#"{"alg":"none","alg":"RS256"}"#), coded("{}")),
    ] {
        assert_eq!(parse(&bad).unwrap_err().cause, "bad_token", "{bad}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_nothing_panics(text in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(parse(&text).is_err());
        let token = [coded(&bytes), coded(&bytes), coded(&bytes)].join(".");
        prop_assert!(parse(&token).is_err());
        read(&bytes).ok();
    }
}
