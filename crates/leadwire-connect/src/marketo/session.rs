//! Speaks to a Marketo instance: asks for access tokens, shows them, and asks once more when one is refused.
//!
//! Adobe's "Authentication" (rest-api/authentication.md): tokens live an hour; asking early gives the same token with
//! what is left of its life; a refused token shows as HTTP 200 with code 601 or 602, and then nothing was executed.

use super::envelope;
use super::errors::ERRORS;
use crate::call_budget::{self, CallBudget};
use crate::catalogue::Known;
use crate::descriptor::{Field, Settings, Values, refusal};
use crate::destination_settings::DestinationSettings;
use crate::egress::{Answer, Egress, Request};
use crate::token::{self, Fetched, Held, LIFE_UNSAID, TokenCache, bearer};
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use leadwire_core::budget::Cost;
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::refusal::Refusal;
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use serde_json::Value;
use std::time::Duration;
use url::Url;
use url::form_urlencoded::Serializer;

/// Most bytes of an answer: three hundred results with reasons, or the description of a thousand fields.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long a write may take unless the settings say otherwise: Marketo gives up after 90 s (Adobe, best practices), and
/// a repetition that meets the first one still at work would make a second person.
const WRITE_WAIT: Duration = Duration::from_secs(95);

/// One call below the instance's address, without its token.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// With the query, without a slash in front: Marketo refuses double slashes.
    pub(crate) path: String,
    /// JSON; empty for none.
    pub(crate) body: String,
}

impl Call {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: String::new() }
    }

    pub(crate) fn post(path: &str, body: String) -> Self {
        Self { method: Method::POST, path: path.to_owned(), body }
    }
}

/// An instance and the credentials of its API user. Kept as long as the connector, with the token in use.
pub(crate) struct Session {
    base: Url,
    form: Secret<String>,
    wait: Duration,
    write_wait: Duration,
    tokens: TokenCache<()>,
}

impl Session {
    /// Reads `munchkin_id`, `client_id`, `client_secret` and `api_url`, which both kinds name alike.
    pub(crate) fn read(
        values: &Values<'_>,
        fields: &'static [Field],
        settings: &Settings,
    ) -> Result<Self, Vec<Refusal>> {
        let wait = DestinationSettings::read(settings).wait;
        let write_wait = if settings.contains_key("timeout_seconds") { wait } else { wait.max(WRITE_WAIT) };
        let text = |name: &str| values.text(name).unwrap_or_default().trim();
        let base = base_url(values, fields)?;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("client_id", text("client_id"))
            .append_pair("client_secret", text("client_secret"));
        let form = Secret::new(form.finish());
        Ok(Self { base, form, wait, write_wait, tokens: TokenCache::default() })
    }

    /// The instance, whose limits everybody who calls it shares (Adobe, best practices): the calls of a day end at midnight,
    /// which a window that moves keeps too. A call with a refused token is made once more.
    pub(crate) fn calls(&self, cost: Cost) -> CallBudget {
        CallBudget {
            account: call_budget::account_at("marketo", &self.base),
            windows: vec![
                call_budget::shared(Some(100), Duration::from_secs(20)),
                call_budget::shared(Some(50_000), call_budget::DAY),
            ],
            cost,
            ..CallBudget::default()
        }
    }

    pub(crate) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// The request of a call with this token.
    pub(crate) fn request(&self, call: &Call, token: &HeaderValue) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, token.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if !call.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let url = self.base.join(&call.path).expect("a base that was checked, and a path of our own");
        let mut request = Request::new(call.method.clone(), url, headers, Bytes::from(call.body.clone()));
        request.wait = if call.method == Method::GET { self.wait } else { self.write_wait };
        request.answer_bytes_max = ANSWER_BYTES_MAX;
        request
    }

    /// Makes a call with a token. One that is refused is asked for again, once.
    ///
    /// # Errors
    /// What every record of the call came to, when there is no answer.
    pub(crate) async fn send(
        &self,
        call: &Call,
        now: Timestamp,
        egress: &Egress,
        calls: &mut u32,
    ) -> Result<Answer, Box<Tried>> {
        let held = self.token(now, egress, calls).await?;
        let answer = self.send_with(call, &held, egress, calls).await?;
        if !envelope::is_token_refused(&answer) {
            return Ok(answer);
        }
        self.tokens.forget(held.age).await;
        let held = self.token(now, egress, calls).await?;
        let answer = self.send_with(call, &held, egress, calls).await?;
        if envelope::is_token_refused(&answer) {
            self.tokens.forget(held.age).await;
        }
        Ok(answer)
    }

    async fn send_with(
        &self,
        call: &Call,
        held: &Held<()>,
        egress: &Egress,
        calls: &mut u32,
    ) -> Result<Answer, Box<Tried>> {
        *calls += 1;
        egress.send(self.request(call, &held.header)).await.map_err(|it| Box::new(it.tried()))
    }

    /// A token that is still good, fetched if need be.
    pub(crate) async fn token(
        &self,
        now: Timestamp,
        egress: &Egress,
        calls: &mut u32,
    ) -> Result<Held<()>, Box<Tried>> {
        let fetch = async {
            let fetched = self.fetch(egress, calls).await?;
            if fetched.life > Duration::ZERO {
                return Ok(fetched);
            }
            // `expires_in: 0` is the last second of the old token: the next one is another.
            self.fetch(egress, calls).await
        };
        self.tokens.get(now, fetch).await
    }

    async fn fetch(&self, egress: &Egress, calls: &mut u32) -> Result<Fetched<()>, Box<Tried>> {
        *calls += 1;
        match egress.send(self.token_request()).await {
            Ok(answer) => read_token(&answer),
            Err(error) => Err(Box::new(token::not_sent(&error))),
        }
    }

    /// In the body, which no log keeps, and not in the query: the service takes both.
    pub(crate) fn token_request(&self) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let url = self.base.join("identity/oauth/token").expect("a base that was checked");
        let mut request = Request::new(Method::POST, url, headers, Bytes::from(self.form.expose().clone()));
        request.wait = self.wait;
        request
    }
}

/// Where the instance is: the Munchkin ID is the first label of its host.
pub(crate) fn base_url(values: &Values<'_>, fields: &'static [Field]) -> Result<Url, Vec<Refusal>> {
    let field = |name: &str| fields.iter().find(|it| it.name == name).expect("both kinds have the setting");
    let id = values.text("munchkin_id").unwrap_or_default().trim();
    if !is_munchkin_id(id) {
        let fix = "copy it from Admin, Integration, Munchkin; it looks like 123-PQR-789";
        let message = "`munchkin_id` is not a Munchkin ID";
        return Err(vec![refusal(field("munchkin_id"), "bad_munchkin_id", message, fix)]);
    }
    let host = format!("https://{}.mktorest.com/", id.to_lowercase());
    let mut text = values.text("api_url").unwrap_or(&host).to_owned();
    if !text.ends_with('/') {
        text.push('/');
    }
    Url::parse(&text)
        .map_err(|_| vec![refusal(field("api_url"), "bad_url", "`api_url` is not a URL", "leave it out")])
}

/// Three digits, three letters, three digits.
pub(crate) fn is_munchkin_id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [a, b, c] = parts.as_slice() else { return false };
    let is_of = |part: &str, is: fn(&u8) -> bool| part.len() == 3 && part.as_bytes().iter().all(is);
    is_of(a, u8::is_ascii_digit) && is_of(b, u8::is_ascii_alphabetic) && is_of(c, u8::is_ascii_digit)
}

/// What the token service said.
pub(super) fn read_token(answer: &Answer) -> Result<Fetched<()>, Box<Tried>> {
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let text = |name: &str| json.as_ref()?.get(name)?.as_str();
    if answer.status.is_success()
        && let Some(header) = text("access_token").and_then(bearer)
    {
        let life = token::life(json.as_ref().and_then(|it| it.get("expires_in")));
        return Ok(Fetched { header, life: life.unwrap_or(LIFE_UNSAID), more: () });
    }
    Err(Box::new(token_refused(answer, json.as_ref())))
}

fn token_refused(answer: &Answer, json: Option<&Value>) -> Tried {
    let status = answer.status.as_u16();
    // The identity service writes its own errors; trouble of the instance has the envelope of other calls.
    let code = json.and_then(token::error_code).map(str::to_owned);
    let code = code.or_else(|| envelope::first_code(json?));
    let known = code.as_deref().and_then(|it| Known::find(ERRORS, it));
    let (fault, cause, message, fix) = match (known, status) {
        (Some(it), _) => (it.fault, format!("token_{}", it.cause), it.message.to_owned(), it.fix),
        (None, 401) => {
            let it = Known::find(ERRORS, "invalid_client").expect("the catalogue has the code");
            (it.fault, format!("token_{}", it.cause), it.message.to_owned(), it.fix)
        }
        (None, 403 | 404) => (
            Fault::Pause,
            format!("token_http_{status}"),
            format!("Marketo answered {status}"),
            "check the Munchkin ID: its host has no such service",
        ),
        (None, 429) => {
            (Fault::HoldLane(None), "token_http_429".to_owned(), "Marketo answered 429".to_owned(), "")
        }
        (None, 200..=499) => (
            Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE },
            format!("token_http_{status}"),
            format!("Marketo answered {status} without a token"),
            "check the Munchkin ID, and what stands between here and Marketo",
        ),
        (None, _) => (
            Fault::RetryAfter(None),
            format!("token_http_{status}"),
            format!("Marketo answered {status}"),
            "",
        ),
    };
    // Never with the body: it may hold a token.
    let evidence = Evidence {
        cause,
        message: format!("no access token: {message}"),
        fix: fix.to_owned(),
        http_status: Some(status),
        answer: String::new(),
        peer: Some(answer.peer),
        timings: answer.timings,
    };
    Tried { outcome: Outcome::NotDone(fault), evidence }
}
