//! The token endpoint of the simulated org: client credentials and JWT bearer, with the service's own refusals.

use super::{Options, USER};
use crate::service::{Call, Reply};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use serde_json::{Value, json};
use std::collections::HashSet;

/// How far in the future an assertion may end, in seconds. The service does not document its bound; stricter is safe.
const ASSERTION_LIFE_MAX: i64 = 300;

/// The tokens that are good.
#[derive(Default)]
pub(super) struct Tokens {
    good: HashSet<String>,
    given: u64,
}

impl Tokens {
    pub(super) fn is_good(&self, token: &str) -> bool {
        self.good.contains(token)
    }

    pub(super) fn forget(&mut self) {
        self.good.clear();
    }

    /// Answers a call to `/services/oauth2/token`.
    pub(super) fn answer(&mut self, call: &Call, options: &Options, now: i64) -> Reply {
        if call.method != Method::POST {
            return refused("invalid_request", "must use HTTP POST");
        }
        if call.media_type() != "application/x-www-form-urlencoded" {
            return refused("unsupported_grant_type", "grant type not supported");
        }
        let form = call.form();
        let get = |name: &str| form.iter().find(|it| it.0 == name).map_or("", |it| it.1.as_str());
        let judged = match get("grant_type") {
            "" => Err(("invalid_request", "missing required parameter: grant_type")),
            "client_credentials" => client(call, get("client_id"), get("client_secret"), options),
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => assertion(get("assertion"), options, now),
            _ => Err(("unsupported_grant_type", "grant type not supported")),
        };
        match judged {
            Ok(()) => self.give(call, now),
            Err((error, description)) => refused(error, description),
        }
    }

    fn give(&mut self, call: &Call, now: i64) -> Reply {
        self.given += 1;
        let token = format!("00D5e0000000001!AR8AQ.{:010}.simulated", self.given);
        self.good.insert(token.clone());
        let body = json!({
            "access_token": token,
            "signature": "c2ltdWxhdGVk",
            "token_format": "opaque",
            "instance_url": format!("http://{}", call.host()),
            "id": format!("https://login.salesforce.com/id/00D5e0000000001EAA/{USER}"),
            "token_type": "Bearer",
            "issued_at": now.to_string(),
        });
        Reply::json(200, &body).header("cache-control", "no-store")
    }
}

type Judged = Result<(), (&'static str, &'static str)>;

fn client(call: &Call, id: &str, secret: &str, options: &Options) -> Judged {
    let host = call.host().split(':').next().unwrap_or_default();
    if matches!(host, "login.salesforce.com" | "test.salesforce.com") {
        return Err(("invalid_grant", "request not supported on this domain"));
    }
    let basic = basic(call);
    let (id, secret) = basic.as_ref().map_or((id, secret), |it| (&*it.0, &*it.1));
    if id != options.client_id {
        return Err(("invalid_client_id", "client identifier invalid"));
    }
    if secret != options.client_secret {
        return Err(("invalid_client", "invalid client credentials"));
    }
    if !options.has_run_as_user {
        return Err(("invalid_grant", "no client credentials user enabled"));
    }
    Ok(())
}

fn basic(call: &Call) -> Option<(String, String)> {
    let encoded = call.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    text.split_once(':').map(|it| (it.0.to_owned(), it.1.to_owned()))
}

fn assertion(text: &str, options: &Options, now: i64) -> Judged {
    const INVALID: (&str, &str) = ("invalid_grant", "invalid assertion");
    let Some(user) = &options.jwt_user else {
        return Err(("invalid_grant", "user hasn't approved this consumer"));
    };
    let (signed, signature) = text.rsplit_once('.').ok_or(INVALID)?;
    let (header, claims) = signed.split_once('.').ok_or(INVALID)?;
    let json = |it: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(it).ok()?).ok() };
    let (header, claims) = (json(header).ok_or(INVALID)?, json(claims).ok_or(INVALID)?);
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err(INVALID);
    }
    if claim("iss") != options.client_id {
        return Err(("invalid_client_id", "client identifier invalid"));
    }
    let key = der(&user.public_key_pem).ok_or(INVALID)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| INVALID)?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(signed.as_bytes(), &signature)
        .map_err(|_| ("invalid_client", "invalid client credentials"))?;
    if claim("aud") != user.audience {
        return Err(("invalid_grant", "audience is invalid"));
    }
    // A number, or as simple-salesforce sends it, a text.
    let exp =
        claims.get("exp").and_then(|it| it.as_i64().or_else(|| it.as_str()?.parse().ok())).ok_or(INVALID)?;
    let seconds = now.div_euclid(1000);
    if exp <= seconds || exp > seconds + ASSERTION_LIFE_MAX {
        return Err(("invalid_grant", "expired authorization code"));
    }
    if claim("sub") != user.username {
        return Err(("invalid_grant", "user hasn't approved this consumer"));
    }
    Ok(())
}

/// The bytes between the lines of a PEM.
fn der(pem: &str) -> Option<Vec<u8>> {
    let inside: String = pem.lines().map(str::trim).filter(|it| !it.starts_with('-')).collect();
    STANDARD.decode(inside).ok()
}

fn refused(error: &str, description: &str) -> Reply {
    Reply::json(400, &json!({ "error": error, "error_description": description }))
        .header("cache-control", "no-store")
}
