//! Signs in to an org: asks for an access token, keeps it, and learns which address data calls go to.

use super::errors::ERRORS;
use super::fields::field;
use super::jwt::Signer;
use crate::catalogue::Known;
use crate::descriptor::{Values, refusal};
use crate::egress::{Answer, Egress, Request};
use crate::token::{self, Age, Fetched, Held, TokenCache, bearer};
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::refusal::Refusal;
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use serde_json::Value;
use std::time::Duration;
use url::Url;
use url::form_urlencoded::Serializer;

/// Salesforce never says how long a token is good for; sessions end after two hours of silence unless the org says
/// otherwise, and an earlier end shows as a 401, after which another token is fetched.
const LIFE: Duration = Duration::from_secs(2 * 3600);

/// What the token's answer says besides the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Org {
    /// Where data calls go.
    pub(super) url: Url,
    /// The integration user's id, when the answer names it.
    pub(super) user: Option<String>,
}

pub(super) struct Session {
    url: Url,
    token_url: Url,
    grant: Grant,
    wait: Duration,
    tokens: TokenCache<Org>,
}

enum Grant {
    /// The whole form.
    Client(Secret<String>),
    Jwt(Box<Signer>),
}

impl Session {
    pub(super) fn read(values: &Values<'_>, wait: Duration) -> Result<Self, Vec<Refusal>> {
        let text = |name: &str| values.text(name).unwrap_or_default();
        let mut refusals = Vec::new();
        let mut url = |name: &str| {
            let parsed = Url::parse(text(name)).ok();
            if parsed.is_none() {
                let fix = "enter it as https://acme.my.salesforce.com";
                refusals.push(refusal(field(name), "bad_url", format!("`{name}` is not a URL"), fix));
            }
            parsed
        };
        let base = url("url");
        let login = if values.text("login_url").is_some() { url("login_url") } else { base.clone() };
        let grant = if text("auth") == "jwt" {
            let signer =
                Signer::new(text("client_id"), text("username"), text("audience"), text("private_key"));
            if signer.is_none() {
                refusals.push(refusal(
                    field("private_key"),
                    "bad_private_key",
                    "`private_key` is not an RSA private key in PEM without a passphrase",
                    "paste the whole file, from `-----BEGIN PRIVATE KEY-----` to the end",
                ));
            }
            signer.map(|it| Grant::Jwt(Box::new(it)))
        } else {
            let mut form = Serializer::new(String::new());
            form.append_pair("grant_type", "client_credentials")
                .append_pair("client_id", text("client_id"))
                .append_pair("client_secret", text("client_secret"));
            Some(Grant::Client(Secret::new(form.finish())))
        };
        let (Some(mut url), Some(mut token_url), Some(grant)) = (base, login, grant) else {
            return Err(refusals);
        };
        url.set_path("");
        url.set_query(None);
        token_url.set_path("/services/oauth2/token");
        token_url.set_query(None);
        Ok(Self { url, token_url, grant, wait, tokens: TokenCache::default() })
    }

    /// The address in the settings.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Where tokens are asked for.
    pub(super) fn token_url(&self) -> &Url {
        &self.token_url
    }

    /// A token that is still good, fetched if need be.
    pub(super) async fn get(
        &self,
        now: Timestamp,
        egress: &Egress,
        calls: &mut u32,
    ) -> Result<Held<Org>, Box<Tried>> {
        let fetch = async {
            *calls += 1;
            let request = self.request(now).ok_or_else(cannot_sign)?;
            match egress.send(request).await {
                Ok(answer) => self.read_answer(&answer),
                Err(error) => Err(Box::new(token::not_sent(&error))),
            }
        };
        self.tokens.get(now, fetch).await
    }

    /// Forgets the token that was refused, unless another one has taken its place.
    pub(super) async fn forget(&self, age: Age) {
        self.tokens.forget(age).await;
    }

    pub(super) fn request(&self, now: Timestamp) -> Option<Request> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let form = match &self.grant {
            Grant::Client(form) => form.expose().clone(),
            Grant::Jwt(signer) => Serializer::new(String::new())
                .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
                .append_pair("assertion", &signer.assertion(now)?)
                .finish(),
        };
        let mut request = Request::new(Method::POST, self.token_url.clone(), headers, Bytes::from(form));
        request.wait = self.wait;
        Some(request)
    }

    pub(super) fn read_answer(&self, answer: &Answer) -> Result<Fetched<Org>, Box<Tried>> {
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let text = |name: &str| json.as_ref()?.get(name)?.as_str();
        if !answer.status.is_success() {
            return Err(Box::new(refused(answer, json.as_ref())));
        }
        let is_bearer = text("token_type").is_none_or(|it| it.eq_ignore_ascii_case("bearer"));
        let Some(header) = text("access_token").filter(|_| is_bearer).and_then(bearer) else {
            return Err(Box::new(refused(answer, json.as_ref())));
        };
        let url = text("instance_url").and_then(|it| Url::parse(it).ok()).filter(|it| self.is_trusted(it));
        let Some(url) = url else {
            let evidence = about(
                answer,
                "instance_url_refused",
                "the token service named no address for data calls, or one without https",
            );
            let evidence =
                Evidence { fix: "enter the My Domain URL as Setup shows it".to_owned(), ..evidence };
            return Err(Box::new(Tried { outcome: Outcome::NotDone(Fault::Pause), evidence }));
        };
        // https://login.salesforce.com/id/<org>/<user>.
        let user = text("id").and_then(|it| it.rsplit('/').next()).filter(|it| it.starts_with("005"));
        let user = user.map(str::to_owned);
        Ok(Fetched { header, life: LIFE, more: Org { url, user } })
    }

    /// A token is sent to this address with every call, so it must be one that nobody can listen in on, or the very
    /// one a person entered.
    fn is_trusted(&self, url: &Url) -> bool {
        url.has_host() && (url.scheme() == "https" || url.origin() == self.url.origin())
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

/// The texts that tell causes apart which share the code `invalid_grant`.
const TEXTS: &[(&str, &str)] = &[
    ("no client credentials user enabled", "no_run_as_user"),
    ("request not supported on this domain", "wrong_domain"),
    ("user hasn't approved this consumer", "user_not_approved"),
    ("audience is invalid", "wrong_audience"),
    ("expired authorization code", "assertion_expired"),
];

fn refused(answer: &Answer, json: Option<&Value>) -> Tried {
    let status = answer.status.as_u16();
    let code = json.and_then(token::error_code);
    let text = json.and_then(|it| it.get("error_description")?.as_str()).unwrap_or_default();
    let name = TEXTS.iter().find(|it| text.eq_ignore_ascii_case(it.0)).map(|it| it.1).or(code);
    let known = name.and_then(|it| Known::find(ERRORS, it));
    if let Some(known) = known.filter(|_| (400..500).contains(&status)) {
        let message = format!("no access token: {} ({})", known.message, code.unwrap_or(known.code));
        let evidence = Evidence {
            fix: known.fix.to_owned(),
            ..about(answer, &format!("token_{}", known.cause), &message)
        };
        return Tried { outcome: Outcome::NotDone(known.fault), evidence };
    }
    let (fault, fix) = match status {
        429 => (Fault::HoldLane(None), ""),
        400..=403 => (Fault::Pause, "check the settings for signing in"),
        200..=399 | 404..=407 => (
            Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE },
            "enter the My Domain URL as Setup shows it",
        ),
        _ => (Fault::RetryAfter(None), ""),
    };
    let message = match code {
        Some(code) => format!("no access token: Salesforce answered {status} ({code})"),
        None => format!("no access token: Salesforce answered {status}"),
    };
    let evidence =
        Evidence { fix: fix.to_owned(), ..about(answer, &format!("token_http_{status}"), &message) };
    Tried { outcome: Outcome::NotDone(fault), evidence }
}

/// Never with the body: it may hold a token.
fn about(answer: &Answer, cause: &str, message: &str) -> Evidence {
    Evidence {
        cause: cause.to_owned(),
        message: message.to_owned(),
        fix: String::new(),
        http_status: Some(answer.status.as_u16()),
        answer: String::new(),
        peer: Some(answer.peer),
        timings: answer.timings,
    }
}
