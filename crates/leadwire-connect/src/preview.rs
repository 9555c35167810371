//! The exact requests of a delivery, for people to look at: nothing is sent, and credentials are masked.

use crate::egress::Request;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use leadwire_core::outcome::Tried;

/// What stands where a credential would.
const MASK: &str = "***";
/// Headers that are credentials, whether or not they are marked as such.
const CREDENTIALS: &[&str] =
    &["authorization", "proxy-authorization", "x-api-key", "cookie", "webhook-signature"];

/// One request as it would be sent. Has no `Debug`: it holds personal values.
#[derive(Clone, PartialEq, Eq)]
pub struct PreviewedRequest {
    /// `POST`, mostly; for mail `SMTP`.
    pub method: String,
    /// Where to; a query that is a credential is masked.
    pub url: String,
    /// Headers, in order; values of credentials are masked.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// What a delivery would send.
#[derive(Clone, Default)]
pub struct Preview {
    /// The requests, in order. What depends on an answer is left out and said in the notes.
    pub requests: Vec<PreviewedRequest>,
    /// What happened to values on the way, and what would follow, for people.
    pub notes: Vec<String>,
    /// What would become of payloads that are never sent, such as one without a required field.
    pub unsent: Vec<Tried>,
}

impl PreviewedRequest {
    /// The request with its credentials masked. `secret_url`: the URL itself is a credential, of which only the host
    /// is shown.
    pub fn of(request: &Request, secret_url: bool) -> Self {
        let headers = request.headers.iter().map(|(name, value)| {
            let is_secret = value.is_sensitive() || CREDENTIALS.contains(&name.as_str());
            let shown = if is_secret && name == AUTHORIZATION {
                let text = value.to_str().unwrap_or_default();
                format!("{} {MASK}", text.split(' ').next().unwrap_or_default())
            } else if is_secret {
                MASK.to_owned()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            (name.to_string(), shown)
        });
        let url = if secret_url {
            format!("{}/{MASK}", request.url.origin().ascii_serialization())
        } else {
            request.url.to_string()
        };
        Self {
            method: request.method.to_string(),
            url,
            headers: headers.collect(),
            body: request.body.clone(),
        }
    }
}
