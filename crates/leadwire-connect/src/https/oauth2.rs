//! Fetches and keeps an access token by OAuth 2.0 client credentials (RFC 6749, 4.4).

use super::auth::basic;
use super::fields::field;
use crate::descriptor::{Values, refusal};
use crate::egress::{Answer, Egress, Request};
use crate::retry_after;
use crate::token::{self, Age, Fetched, Held, LIFE_UNSAID, TokenCache, bearer};
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::refusal::Refusal;
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use serde_json::Value;
use std::time::Duration;
use url::Url;
use url::form_urlencoded::Serializer;

pub(super) struct OAuth2 {
    url: Url,
    headers: HeaderMap,
    form: Secret<String>,
    tokens: TokenCache<()>,
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
        Ok(Self { url, headers, form, tokens: TokenCache::default() })
    }

    /// A token that is still good, fetched if need be.
    pub(super) async fn token(
        &self,
        now: Timestamp,
        egress: &Egress,
        wait: Duration,
        calls: &mut u32,
    ) -> Result<Held<()>, Box<Tried>> {
        let fetch = async {
            *calls += 1;
            self.fetch(now, egress, wait).await
        };
        self.tokens.get(now, fetch).await
    }

    /// Forgets the token a receiver refused, unless another one has taken its place.
    pub(super) async fn forget(&self, age: Age) {
        self.tokens.forget(age).await;
    }

    async fn fetch(
        &self,
        now: Timestamp,
        egress: &Egress,
        wait: Duration,
    ) -> Result<Fetched<()>, Box<Tried>> {
        let body = Bytes::from(self.form.expose().clone());
        let mut request = Request::new(Method::POST, self.url.clone(), self.headers.clone(), body);
        request.wait = wait;
        match egress.send(request).await {
            Ok(answer) => read(&answer, now),
            Err(error) => Err(Box::new(token::not_sent(&error))),
        }
    }
}

/// Reads the token service's answer: a token and its life, or why there is none.
fn read(answer: &Answer, now: Timestamp) -> Result<Fetched<()>, Box<Tried>> {
    let status = answer.status.as_u16();
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let text = |name: &str| json.as_ref()?.get(name)?.as_str();
    if answer.status.is_success() {
        // RFC 6749, 5.1: the type is matched without regard to case.
        let is_bearer = text("token_type").is_none_or(|it| it.eq_ignore_ascii_case("bearer"));
        if let Some(header) = text("access_token").filter(|_| is_bearer).and_then(bearer) {
            let life = token::life(json.as_ref().and_then(|it| it.get("expires_in")));
            return Ok(Fetched { header, life: life.unwrap_or(LIFE_UNSAID), more: () });
        }
    }
    // The error codes are a fixed vocabulary (RFC 6749, 5.2); the description may hold anything.
    let code = json.as_ref().and_then(token::error_code);
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
