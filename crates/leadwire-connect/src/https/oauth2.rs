//! Fetches and keeps an access token by OAuth 2.0 client credentials (RFC 6749, 4.4).

use super::auth::{Token, basic, bearer};
use super::fields::field;
use crate::descriptor::{Values, refusal};
use crate::egress::error::SendError;
use crate::egress::{Answer, Egress, Request};
use crate::{redact, retry_after};
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::refusal::Refusal;
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use url::Url;
use url::form_urlencoded::Serializer;

/// How long a token is good for when the service does not say, as RFC 6749, 5.1 permits.
const LIFE_UNSAID: Duration = Duration::from_secs(300);
/// The longest life that is believed.
const LIFE_LONGEST: Duration = Duration::from_secs(24 * 3600);
/// A token is replaced this long before its end, or a quarter of its life when that is shorter.
const MARGIN: Duration = Duration::from_secs(120);

pub(super) struct OAuth2 {
    url: Url,
    headers: HeaderMap,
    form: Secret<String>,
    /// Fetches that came to an end, whatever it was. Outside the lock, so that who waits for it can tell
    /// whether a fetch ended meanwhile.
    ended: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Kept>,
    /// What the last fetch came to when it brought no token.
    failed: Option<Box<Tried>>,
}

struct Kept {
    header: HeaderValue,
    generation: u64,
    replace_at: Timestamp,
}

impl OAuth2 {
    pub(super) fn read(values: &Values<'_>) -> Result<Self, Vec<Refusal>> {
        let text = |name: &str| values.text(name).unwrap_or_default();
        let Ok(url) = Url::parse(text("oauth2_token_url")) else {
            let name = "oauth2_token_url";
            return Err(vec![refusal(
                field(name),
                "bad_url",
                format!("`{name}` is not a URL"),
                "enter the whole URL",
            )]);
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        let (id, secret) = (text("oauth2_client_id"), text("oauth2_client_secret"));
        if text("oauth2_client_auth") == "basic" {
            // Both are form-encoded before they are joined (RFC 6749, 2.3.1).
            let encoded = |it: &str| url::form_urlencoded::byte_serialize(it.as_bytes()).collect::<String>();
            headers.insert(AUTHORIZATION, basic(&encoded(id), &encoded(secret)));
        } else {
            form.append_pair("client_id", id).append_pair("client_secret", secret);
        }
        for (key, name) in [("scope", "oauth2_scope"), ("audience", "oauth2_audience")] {
            if let Some(value) = values.text(name) {
                form.append_pair(key, value);
            }
        }
        let form = Secret::new(form.finish());
        Ok(Self { url, headers, form, ended: AtomicU64::new(0), state: Mutex::default() })
    }

    /// A token that is still good, fetched if need be. Requests that need one at the same time share one fetch,
    /// and its failure.
    pub(super) async fn token(
        &self,
        now: Timestamp,
        egress: &Egress,
        wait: Duration,
        calls: &mut u32,
    ) -> Result<(HeaderValue, Token), Box<Tried>> {
        let ended = self.ended.load(Ordering::Acquire);
        // Held over the fetch on purpose: it is what makes the others wait. The fetch has an end of its own, and
        // dropping the future lets the next one in.
        let mut state = self.state.lock().await;
        if let Some(kept) = state.token.as_ref().filter(|it| now < it.replace_at) {
            return Ok((kept.header.clone(), Token::Cached(kept.generation)));
        }
        let generation = self.ended.load(Ordering::Acquire);
        if generation != ended
            && let Some(failed) = &state.failed
        {
            return Err(failed.clone());
        }
        *calls += 1;
        let fetched = self.fetch(now, egress, wait).await;
        self.ended.store(generation + 1, Ordering::Release);
        match fetched {
            Ok((header, life)) => {
                let replace_at = now.plus(life.saturating_sub(MARGIN.min(life / 4)));
                state.token = Some(Kept { header: header.clone(), generation: generation + 1, replace_at });
                state.failed = None;
                Ok((header, Token::Fresh(generation + 1)))
            }
            Err(tried) => {
                state.token = None;
                state.failed = Some(tried.clone());
                Err(tried)
            }
        }
    }

    /// Forgets the token a receiver refused, unless another one has taken its place.
    pub(super) async fn drop_token(&self, generation: u64) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|it| it.generation == generation) {
            state.token = None;
        }
    }

    async fn fetch(
        &self,
        now: Timestamp,
        egress: &Egress,
        wait: Duration,
    ) -> Result<(HeaderValue, Duration), Box<Tried>> {
        let body = Bytes::from(self.form.expose().clone());
        let mut request = Request::new(Method::POST, self.url.clone(), self.headers.clone(), body);
        request.wait = wait;
        match egress.send(request).await {
            Ok(answer) => read(&answer, now),
            Err(error) => Err(Box::new(not_sent(&error))),
        }
    }
}

/// Nothing of the lead was sent, so the outcome is never unknown.
fn not_sent(error: &SendError) -> Tried {
    let mut tried = error.tried();
    tried.outcome = Outcome::NotDone(error.fault);
    tried.evidence.cause = format!("token_{}", error.cause);
    tried.evidence.message = format!("no access token: {}", error.message);
    tried
}

/// Reads the token service's answer: a token and its life, or why there is none.
fn read(answer: &Answer, now: Timestamp) -> Result<(HeaderValue, Duration), Box<Tried>> {
    let status = answer.status.as_u16();
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let text = |name: &str| json.as_ref()?.get(name)?.as_str();
    if answer.status.is_success() {
        // RFC 6749, 5.1: the type is matched without regard to case.
        let is_bearer = text("token_type").is_none_or(|it| it.eq_ignore_ascii_case("bearer"));
        if let Some(header) = text("access_token").filter(|_| is_bearer).and_then(bearer) {
            return Ok((header, life(json.as_ref().and_then(|it| it.get("expires_in")))));
        }
    }
    // The error codes are a fixed vocabulary (RFC 6749, 5.2); the description may hold anything.
    let code = text("error").and_then(redact::code);
    let message = match code {
        Some(code) => format!("the token service answered {status}: {code}"),
        None => format!("the token service answered {status} without a token"),
    };
    let (fault, fix) = match status {
        400 | 401 | 403 => {
            (Fault::Pause, "check client id, client secret and scope; a client secret may have expired")
        }
        300..=399 | 404 | 405 => {
            (Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE }, "check the token URL")
        }
        _ => (Fault::RetryAfter(retry_after::read(&answer.headers, now)), ""),
    };
    let evidence = Evidence {
        cause: format!("token_http_{status}"),
        message,
        fix: fix.to_owned(),
        http_status: Some(status),
        // Never the body: it may hold a token.
        answer: String::new(),
        peer: Some(answer.peer),
        timings: answer.timings,
    };
    Err(Box::new(Tried { outcome: Outcome::NotDone(fault), evidence }))
}

/// Some services send the seconds as a text.
fn life(seconds: Option<&Value>) -> Duration {
    let seconds = seconds.and_then(|it| it.as_u64().or_else(|| it.as_str()?.parse().ok()));
    seconds.map_or(LIFE_UNSAID, Duration::from_secs).min(LIFE_LONGEST)
}
