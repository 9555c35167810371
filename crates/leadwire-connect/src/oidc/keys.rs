//! Keys of a provider (RFC 7517), and whether one of them signed a token (RFC 7515). Which kinds of signatures count is said here,
//! never by a token: none at all, and those whose key both sides know, count nowhere.

use super::Trouble;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leadwire_core::json::{self, Json};
use leadwire_core::limits;

/// A kind of signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Ps256,
    Es256,
    EdDsa,
}

impl Algorithm {
    /// Their names (RFC 7518, 3.1; RFC 8037, 3.1).
    pub(super) const NAMES: [&'static str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];

    fn parse(text: &str) -> Option<Self> {
        match text {
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// A public key.
#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    /// The only kind of signature that it is for, when it says so.
    only: Option<Algorithm>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A token, not believed yet.
#[derive(Debug)]
pub(super) struct Token<'a> {
    algorithm: Algorithm,
    key_id: Option<String>,
    signed: &'a str,
    signature: Vec<u8>,
    /// What it claims.
    pub(super) claims: Json,
}

/// Reads a set of keys; those of kinds that do not count, or that are not for signatures, are left out.
pub(super) fn read(body: &[u8]) -> Result<Vec<Key>, Trouble> {
    let fix = "look at `jwks_uri` of the provider's discovery document";
    let bad = || Trouble::unreachable("bad_keys", "the provider's keys cannot be read", fix);
    let set = json::parse(body).map_err(|_| bad())?;
    let all = set.get("keys").and_then(Json::as_array).ok_or_else(bad)?;
    Ok(all.iter().take(limits::PROVIDER_KEYS_MAX).filter_map(read_key).collect())
}

fn read_key(key: &Json) -> Option<Key> {
    let text = |name: &str| key.get(name).and_then(Json::as_text);
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    if text("use").is_some_and(|it| it != "sig") {
        return None;
    }
    let only = match text("alg") {
        Some(name) => Some(Algorithm::parse(name)?),
        None => None,
    };
    let material = match (text("kty")?, text("crv")) {
        ("RSA", _) => {
            Material::Rsa { modulus: without_zeros(bytes("n")?), exponent: without_zeros(bytes("e")?) }
        }
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes("x")?, bytes("y")?);
            let is_whole = x.len() == 32 && y.len() == 32;
            Material::P256(is_whole.then(|| [&[4][..], &x, &y].concat())?)
        }
        ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x")?),
        _ => return None,
    };
    Some(Key { id: text("kid").map(str::to_owned), only, material })
}

/// Some providers write a zero in front of a number, which the library refuses.
fn without_zeros(mut number: Vec<u8>) -> Vec<u8> {
    let zeros = number.iter().take_while(|it| **it == 0).count();
    number.drain(..zeros);
    number
}

/// Takes a token apart: header, claims and signature.
pub(super) fn parse(token: &str) -> Result<Token<'_>, Trouble> {
    let bad = || Trouble::refused("bad_token", "the token cannot be read");
    if token.len() > limits::PROVIDER_TOKEN_BYTES_MAX {
        return Err(Trouble::refused("token_too_large", "the token is too large"));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or_else(bad)?;
    let (header, claims) = signed.split_once('.').filter(|it| !it.1.contains('.')).ok_or_else(bad)?;
    let part = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
        json::parse(&bytes).map_err(|_| bad())
    };
    let header = part(header)?;
    let name = header.get("alg").and_then(Json::as_text).unwrap_or_default();
    let algorithm = Algorithm::parse(name).ok_or_else(|| {
        Trouble::refused("algorithm", "the token is signed in a way that does not count, or not at all")
    })?;
    // What must be understood and is not (RFC 7515, 4.1.11): we understand nothing beside the usual.
    if header.get("crit").is_some() {
        return Err(Trouble::refused(
            "critical_header",
            "the token asks for something that is not known here",
        ));
    }
    Ok(Token {
        algorithm,
        key_id: header.get("kid").and_then(Json::as_text).map(str::to_owned),
        signed,
        signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| bad())?,
        claims: part(claims)?,
    })
}

/// The key that a token names; without a name, the only one that fits.
pub(super) fn named<'a>(keys: &'a [Key], token: &Token<'_>) -> Option<&'a Key> {
    let mut all = keys.iter().filter(|it| it.fits(token.algorithm));
    match &token.key_id {
        Some(id) => all.find(|it| it.id.as_ref() == Some(id)),
        None => all.next().filter(|_| all.next().is_none()),
    }
}

impl Key {
    fn fits(&self, algorithm: Algorithm) -> bool {
        let is_its_kind = match (&self.material, algorithm) {
            (Material::Rsa { .. }, Algorithm::Rs256 | Algorithm::Ps256)
            | (Material::P256(_), Algorithm::Es256)
            | (Material::Ed25519(_), Algorithm::EdDsa) => true,
            (Material::Rsa { .. }, Algorithm::Es256 | Algorithm::EdDsa)
            | (Material::P256(_), Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::EdDsa)
            | (Material::Ed25519(_), Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256) => false,
        };
        is_its_kind && self.only.is_none_or(|it| it == algorithm)
    }

    /// Whether it signed a token.
    pub(super) fn signed(&self, token: &Token<'_>) -> bool {
        let (message, signature) = (token.signed.as_bytes(), token.signature.as_slice());
        let rsa = |how: &RsaParameters| match &self.material {
            Material::Rsa { modulus, exponent } => {
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(how, message, signature).is_ok()
            }
            Material::P256(_) | Material::Ed25519(_) => false,
        };
        match (token.algorithm, &self.material) {
            _ if !self.fits(token.algorithm) => false,
            (Algorithm::Rs256, _) => rsa(&RSA_PKCS1_2048_8192_SHA256),
            (Algorithm::Ps256, _) => rsa(&RSA_PSS_2048_8192_SHA256),
            (Algorithm::Es256, Material::P256(point)) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
            (Algorithm::EdDsa, Material::Ed25519(point)) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature).is_ok()
            }
            (Algorithm::Es256, Material::Rsa { .. } | Material::Ed25519(_))
            | (Algorithm::EdDsa, Material::Rsa { .. } | Material::P256(_)) => false,
        }
    }
}
