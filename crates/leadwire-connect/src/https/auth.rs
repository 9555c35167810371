//! Shows the receiver who calls: by a fixed header, or by a token of OAuth 2.0.

use super::fields::field;
use super::oauth2::OAuth2;
use crate::descriptor::{Values, refusal};
use crate::egress::Egress;
use crate::token::{Age, bearer, sensitive};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use leadwire_core::outcome::Tried;
use leadwire_core::refusal::Refusal;
use leadwire_core::time::Timestamp;
use std::time::Duration;

/// Headers the client or the body sets; a key in one of them would break the request.
const TAKEN: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "expect",
    "user-agent",
    "idempotency-key",
];

pub(super) enum Auth {
    None,
    Header(HeaderName, HeaderValue),
    OAuth2(Box<OAuth2>),
}

/// What a request needs to show who calls.
pub(super) struct Ready {
    pub(super) header: Option<(HeaderName, HeaderValue)>,
    /// Which token it is; none when the header, if any, is fixed.
    pub(super) token: Option<Age>,
}

impl Auth {
    pub(super) fn read(values: &Values<'_>) -> Result<Self, Vec<Refusal>> {
        let text = |name: &str| values.text(name).unwrap_or_default();
        match values.text("auth") {
            Some("basic") => {
                // RFC 7617, 2: the first colon ends the user name.
                if text("username").contains(':') {
                    return Err(vec![refusal(
                        field("username"),
                        "bad_username",
                        "`username` holds a colon, which ends a user name in HTTP Basic",
                        "use a user name without a colon",
                    )]);
                }
                let value = basic(text("username"), text("password"));
                Ok(Self::Header(AUTHORIZATION, value))
            }
            Some("bearer") => {
                Ok(Self::Header(AUTHORIZATION, bearer(text("token")).ok_or_else(|| unsendable("token"))?))
            }
            Some("api_key") => {
                let name = HeaderName::try_from(text("api_key_header")).ok();
                let name =
                    name.filter(|it| !TAKEN.contains(&it.as_str()) && !it.as_str().starts_with("webhook-"));
                let Some(name) = name.filter(|it| !it.as_str().starts_with("ce-")) else {
                    return Err(vec![refusal(
                        field("api_key_header"),
                        "bad_header",
                        "`api_key_header` is not a header that can hold a key",
                        "use the name the receiver documents, such as x-api-key",
                    )]);
                };
                Ok(Self::Header(name, sensitive(text("api_key")).ok_or_else(|| unsendable("api_key"))?))
            }
            Some("oauth2") => OAuth2::read(values).map(|it| Self::OAuth2(Box::new(it))),
            _ => Ok(Self::None),
        }
    }

    /// The header for the next request; may fetch a token first, and counts that call.
    pub(super) async fn ready(
        &self,
        now: Timestamp,
        egress: &Egress,
        wait: Duration,
        calls: &mut u32,
    ) -> Result<Ready, Box<Tried>> {
        match self {
            Self::None => Ok(Ready { header: None, token: None }),
            Self::Header(name, value) => {
                Ok(Ready { header: Some((name.clone(), value.clone())), token: None })
            }
            Self::OAuth2(oauth2) => {
                let held = oauth2.token(now, egress, wait, calls).await?;
                Ok(Ready { header: Some((AUTHORIZATION, held.header)), token: Some(held.age) })
            }
        }
    }

    /// The header a request would show, with a token that nobody fetched.
    pub(super) fn shown(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::None => None,
            Self::Header(name, value) => Some((name.clone(), value.clone())),
            Self::OAuth2(_) => bearer("token").map(|it| (AUTHORIZATION, it)),
        }
    }

    /// Forgets the token a receiver refused, unless another one has taken its place.
    pub(super) async fn forget(&self, token: Age) {
        match self {
            Self::OAuth2(oauth2) => oauth2.forget(token).await,
            Self::None | Self::Header(..) => {}
        }
    }
}

/// `Basic …` of RFC 7617, in UTF-8.
pub(super) fn basic(username: &str, password: &str) -> HeaderValue {
    let credentials = STANDARD.encode(format!("{username}:{password}"));
    sensitive(&format!("Basic {credentials}")).expect("base64 is visible ASCII")
}

fn unsendable(name: &str) -> Vec<Refusal> {
    vec![refusal(
        field(name),
        "not_a_header_value",
        format!("`{name}` holds a character that cannot be in a header"),
        "paste it again: it may only hold ASCII letters, digits and signs",
    )]
}
