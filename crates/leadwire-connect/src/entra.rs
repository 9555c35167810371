//! Signs in at Microsoft Entra ID as an app, with a secret or a certificate: shared by what is reached through it.
//!
//! Flow: learn.microsoft.com, `identity-platform/v2-oauth2-client-creds-grant-flow`; assertion: `certificate-credentials`;
//! errors: `reference-error-codes`. A connector puts [`fields`] among its own, says which scope it wants, and adds
//! [`ERRORS`] to its catalogue.

mod certificate;
mod errors;
pub(crate) mod fields;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use errors::{ERRORS, with_own};

use crate::catalogue::Known;
use crate::descriptor::{Field, Values, refusal};
use crate::egress::{Answer, Egress, Request};
use crate::token::{self, Age, Fetched, Held, LIFE_UNSAID, TokenCache, bearer};
use crate::{redact, retry_after};
use bytes::Bytes;
use certificate::Certificate;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::refusal::Refusal;
use leadwire_core::rfc3339;
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use serde_json::Value;
use std::time::Duration;
use url::Url;
use url::form_urlencoded::Serializer;

/// What the app shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// `client_secret`.
    Secret,
    /// `certificate` and `private_key`.
    Certificate,
}

/// An app that signs in. Kept as long as its connector, for it keeps the token.
pub(crate) struct SignIn {
    token_url: Url,
    client_id: String,
    scope: String,
    proof: Shown,
    wait: Duration,
    ends_at: Option<Timestamp>,
    tokens: TokenCache<()>,
}

enum Shown {
    Secret(Secret<String>),
    Certificate(Box<Certificate>),
}

impl SignIn {
    /// Reads the settings of [`fields`]. `scope` is the resource with `/.default` behind it, such as
    /// `https://contoso.crm4.dynamics.com/.default`; `wait` is the longest wait for a token.
    ///
    /// # Errors
    /// Every setting that is missing or cannot work, whatever the descriptor says of it.
    pub(crate) fn read(
        values: &Values<'_>,
        proof: Proof,
        scope: String,
        wait: Duration,
    ) -> Result<Self, Vec<Refusal>> {
        let mut refusals = Vec::new();
        let mut need = |field: &Field| {
            let text = values.text(field.name).map(str::trim).filter(|it| !it.is_empty());
            if text.is_none() {
                let message = format!("`{}` is missing", field.name);
                refusals.push(refusal(field, "missing", message, field.help));
            }
            text.unwrap_or_default()
        };
        let (tenant, client_id) = (need(&fields::TENANT), need(&fields::CLIENT_ID));
        let (mut secret, mut pem) = ("", ("", ""));
        match proof {
            Proof::Secret => secret = need(&fields::CLIENT_SECRET),
            Proof::Certificate => pem = (need(&fields::CERTIFICATE), need(&fields::PRIVATE_KEY)),
        }
        let token_url = token_url(values.text(fields::AUTHORITY.name), tenant)
            .map_err(|it| refusals.extend((!tenant.is_empty()).then_some(it)));
        let day = values.text(fields::SECRET_ENDS_ON.name).map(|it| format!("{}T00:00:00Z", it.trim()));
        let mut ends_at = day.as_deref().and_then(rfc3339::parse);
        if day.is_some() && ends_at.is_none() {
            let message = format!("`{}` is not a day", fields::SECRET_ENDS_ON.name);
            refusals.push(refusal(&fields::SECRET_ENDS_ON, "not_a_day", message, "write it as 2027-01-31"));
        }
        let proof = match proof {
            Proof::Secret => Some(Shown::Secret(Secret::new(secret.to_owned()))),
            Proof::Certificate if pem.0.is_empty() || pem.1.is_empty() => None,
            Proof::Certificate => {
                let is_pss = values.text(fields::ASSERTION.name) != Some("RS256");
                match Certificate::read(pem.0, pem.1, is_pss) {
                    Ok(certificate) => {
                        ends_at = certificate.ends_at();
                        Some(Shown::Certificate(Box::new(certificate)))
                    }
                    Err(refusal) => {
                        refusals.push(*refusal);
                        None
                    }
                }
            }
        };
        let (Ok(token_url), Some(proof), true) = (token_url, proof, refusals.is_empty()) else {
            return Err(refusals);
        };
        let (client_id, tokens) = (client_id.to_owned(), TokenCache::default());
        Ok(Self { token_url, client_id, scope, proof, wait, ends_at, tokens })
    }

    /// Where tokens are asked for.
    pub(crate) fn token_url(&self) -> &Url {
        &self.token_url
    }

    /// When the certificate ends, or the secret, where a person said so.
    pub(crate) fn ends_at(&self) -> Option<Timestamp> {
        self.ends_at
    }

    /// A token that is still good, fetched if need be; `calls` counts the request.
    pub(crate) async fn get(
        &self,
        now: Timestamp,
        egress: &Egress,
        calls: &mut u32,
    ) -> Result<Held<()>, Box<Tried>> {
        let fetch = async {
            let request = self.request(now).ok_or_else(cannot_sign)?;
            *calls += 1;
            match egress.send(request).await {
                Ok(answer) => read_answer(&answer, now),
                Err(error) => Err(Box::new(token::not_sent(&error))),
            }
        };
        self.tokens.get(now, fetch).await
    }

    /// Forgets the token that was refused, unless another one has taken its place.
    pub(crate) async fn forget(&self, age: Age) {
        self.tokens.forget(age).await;
    }

    /// The request for a token; none when the key cannot sign.
    pub(crate) fn request(&self, now: Timestamp) -> Option<Request> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut form = Serializer::new(String::new());
        form.append_pair("client_id", &self.client_id).append_pair("scope", &self.scope);
        match &self.proof {
            Shown::Secret(secret) => form.append_pair("client_secret", secret.expose()),
            Shown::Certificate(certificate) => {
                let assertion = certificate.assertion(&self.client_id, self.token_url.as_str(), now)?;
                form.append_pair(
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                )
                .append_pair("client_assertion", &assertion)
            }
        };
        let form = form.append_pair("grant_type", "client_credentials").finish();
        let mut request = Request::new(Method::POST, self.token_url.clone(), headers, Bytes::from(form));
        request.wait = self.wait;
        Some(request)
    }
}

fn token_url(authority: Option<&str>, tenant: &str) -> Result<Url, Refusal> {
    let is_name = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'.');
    let is_general = ["common", "organizations", "consumers"].contains(&tenant);
    if is_general || !tenant.bytes().all(is_name) || tenant.contains("..") {
        let message = format!("`{}` is not the id or domain of a directory", fields::TENANT.name);
        return Err(refusal(&fields::TENANT, "bad_tenant", message, fields::TENANT.help));
    }
    let mut url = Url::parse(authority.unwrap_or(fields::AUTHORITY_GLOBAL)).ok().filter(Url::has_host);
    if let Some(url) = &mut url {
        url.set_path(&format!("/{tenant}/oauth2/v2.0/token"));
        url.set_query(None);
    }
    url.ok_or_else(|| {
        let message = format!("`{}` is not a URL", fields::AUTHORITY.name);
        refusal(&fields::AUTHORITY, "bad_url", message, "leave it out, or see its choices")
    })
}

/// What a token service said.
pub(crate) fn read_answer(answer: &Answer, now: Timestamp) -> Result<Fetched<()>, Box<Tried>> {
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let text = |name: &str| json.as_ref()?.get(name)?.as_str();
    let is_bearer = text("token_type").is_none_or(|it| it.eq_ignore_ascii_case("bearer"));
    let header = text("access_token").filter(|_| answer.status.is_success() && is_bearer).and_then(bearer);
    match header {
        Some(header) => {
            let life = token::life(json.as_ref().and_then(|it| it.get("expires_in"))).unwrap_or(LIFE_UNSAID);
            Ok(Fetched { header, life, more: () })
        }
        None => Err(Box::new(refused(answer, json.as_ref(), now))),
    }
}

/// The catalogue's entry for a refusal: by the codes, then by the error, then by the code in the description, which
/// older versions send alone.
fn known(json: &Value) -> Option<&'static Known> {
    let find = |code: &str| Known::find(ERRORS, code);
    let codes = json.get("error_codes").and_then(Value::as_array).into_iter().flatten();
    let by_code = codes.filter_map(Value::as_u64).find_map(|it| find(&format!("AADSTS{it}")));
    let text = json.get("error_description").and_then(Value::as_str).unwrap_or_default();
    let told = text.split(|it: char| !it.is_ascii_alphanumeric()).find(|it| it.starts_with("AADSTS"));
    let by_text = || {
        let text = text.to_lowercase();
        let is_told = |it: &&Known| it.texts.iter().any(|piece| text.contains(&piece.to_lowercase()));
        ERRORS.iter().find(is_told)
    };
    by_code.or_else(|| find(told?)).or_else(by_text).or_else(|| find(token::error_code(json)?))
}

fn refused(answer: &Answer, json: Option<&Value>, now: Timestamp) -> Tried {
    let status = answer.status.as_u16();
    let wait = retry_after::read(&answer.headers, now);
    let code = json.and_then(token::error_code);
    let number = json.and_then(|it| it.pointer("/error_codes/0")?.as_u64());
    let shown = match (number, code) {
        (Some(number), _) => format!(" (AADSTS{number})"),
        (None, Some(code)) => format!(" ({code})"),
        (None, None) => String::new(),
    };
    // A server error or a throttle is one whatever else it says.
    let known = json.filter(|_| (400..500).contains(&status) && status != 429).and_then(known);
    let (fault, cause, message, fix) = match (known, status) {
        (Some(it), _) => (waiting(it.fault, wait), it.cause.to_owned(), it.message.to_owned(), it.fix),
        (None, 429) => (
            Fault::HoldLane(wait),
            "throttled".to_owned(),
            "Entra ID has had too many requests".to_owned(),
            "",
        ),
        (None, 400..=403) => (
            Fault::Pause,
            format!("http_{status}"),
            format!("Entra ID answered {status}"),
            "look the code up at https://login.microsoftonline.com/error, and check the settings for signing in",
        ),
        (None, 200..=399 | 404..=407) => (
            Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE },
            format!("http_{status}"),
            format!("what answered is not Entra ID: {status} without a token"),
            "check the authority, and what stands in between",
        ),
        (None, _) => {
            (Fault::RetryAfter(wait), format!("http_{status}"), format!("Entra ID answered {status}"), "")
        }
    };
    Tried {
        outcome: Outcome::NotDone(fault),
        evidence: Evidence {
            cause: format!("token_{cause}"),
            message: format!("no access token: {message}{shown}"),
            fix: fix.to_owned(),
            http_status: Some(status),
            answer: trace(json),
            peer: Some(answer.peer),
            timings: answer.timings,
        },
    }
}

/// Of the body only what a vendor's support asks for: the description names app and tenant, and a success a token.
fn trace(json: Option<&Value>) -> String {
    let part = |name: &str| {
        let id = json?.get(name)?.as_str()?;
        Some(format!("{name} {}", redact::redact(id.as_bytes(), std::iter::empty())))
    };
    let parts: Vec<String> =
        ["trace_id", "correlation_id", "timestamp"].into_iter().filter_map(part).collect();
    parts.join(", ")
}

fn waiting(fault: Fault, wait: Option<Duration>) -> Fault {
    match fault {
        Fault::RetryAfter(None) => Fault::RetryAfter(wait),
        Fault::HoldLane(None) => Fault::HoldLane(wait),
        other => other,
    }
}

fn cannot_sign() -> Box<Tried> {
    let evidence = Evidence {
        cause: "assertion_not_signed".to_owned(),
        message: "the private key cannot sign".to_owned(),
        fix: "make another RSA key of 2048 bits or more, and upload its certificate to the app".to_owned(),
        ..Evidence::default()
    };
    Box::new(Tried { outcome: Outcome::NotDone(Fault::Pause), evidence })
}
