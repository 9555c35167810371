//! A provider that is asked: where its page is, what became of somebody who comes back from it, and with which keys it signs.

use super::claims::{self, Expected};
use super::document::{self, ClientProof, Document};
use super::keys::{self, Key, Token};
use super::{Person, ProviderSettings, Trouble};
use crate::egress::{Answer, Egress, Request};
use crate::token::{bearer, sensitive};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use leadwire_core::json::{self, Json};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

/// What we ask a provider about somebody. State, nonce and verifier are known to that person's browser and to us.
pub struct Question<'a> {
    /// Where the provider sends them back to.
    pub redirect: &'a str,
    /// Comes back with them.
    pub state: &'a str,
    /// Comes back in the token.
    pub nonce: &'a str,
    /// Shown with the code that comes back; the provider gets only its hash before (RFC 7636).
    pub verifier: &'a str,
    /// When they were sent.
    pub asked_at: Timestamp,
    /// Whether they are to show again who they are, although the provider knows them.
    pub again: bool,
}

/// What a browser brings back.
pub struct Back<'a> {
    /// What the provider gives the token for, once.
    pub code: &'a str,
    /// Who says so (RFC 9207); none: nobody said.
    pub issuer: Option<&'a str>,
}

/// A provider, with what it said of itself lately. Shared by all who sign in by it.
pub struct Provider {
    settings: ProviderSettings,
    asker: Asker,
    document: Mutex<Kept<Document>>,
    keys: Mutex<Kept<Vec<Key>>>,
}

/// What asks it, and how long for.
struct Asker {
    egress: Egress,
    /// [`limits::PROVIDER_WAIT`]; shorter in tests.
    wait: Duration,
}

/// What was asked for and is kept for a while, or why there is nothing.
struct Kept<T> {
    value: Option<(Arc<T>, Timestamp)>,
    failed: Option<(Trouble, Timestamp)>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { value: None, failed: None }
    }
}

impl<T> Kept<T> {
    /// What is kept, unless it is too old or not `good`; then it is asked for, which it was not a moment ago.
    async fn get(
        &mut self,
        now: Timestamp,
        is_good: impl Fn(&T) -> bool,
        fetch: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<Arc<T>, Trouble> {
        let is_fresh = |at: Timestamp| now.since(at) < limits::PROVIDER_ASKED_EVERY;
        if let Some((value, at)) = &self.value {
            let is_kept = now.since(*at) < limits::PROVIDER_KEPT;
            if is_kept && (is_good(value) || is_fresh(*at)) {
                return Ok(Arc::clone(value));
            }
        }
        if let Some((trouble, _)) = self.failed.as_ref().filter(|it| is_fresh(it.1)) {
            return Err(trouble.clone());
        }
        match fetch.await {
            Ok(value) => {
                let value = Arc::new(value);
                *self = Self { value: Some((Arc::clone(&value), now)), failed: None };
                Ok(value)
            }
            Err(trouble) => {
                self.failed = Some((trouble.clone(), now));
                Err(trouble)
            }
        }
    }
}

impl Provider {
    /// A provider that this client asks, over connections of its own.
    pub fn new(settings: ProviderSettings, egress: &Egress) -> Self {
        let asker = Asker { egress: egress.for_destination(), wait: limits::PROVIDER_WAIT };
        Self { settings, asker, document: Mutex::default(), keys: Mutex::default() }
    }

    /// The same, which waits no longer than this for an answer.
    #[cfg(test)]
    pub(super) fn waiting(mut self, wait: Duration) -> Self {
        self.asker.wait = wait;
        self
    }

    /// How the operator set it up.
    pub fn settings(&self) -> &ProviderSettings {
        &self.settings
    }

    /// Where a browser is sent with a question (RFC 6749, 4.1.1; OpenID Connect Core, 3.1.2.1).
    ///
    /// # Errors
    /// When the provider cannot be asked where its page is.
    pub async fn address(&self, it: &Question<'_>, now: Timestamp) -> Result<Url, Trouble> {
        let document = self.document(now).await?;
        let mut url = document.authorization_endpoint.clone();
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, it.verifier.as_bytes()));
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", it.redirect)
            .append_pair("scope", "openid email profile")
            .append_pair("state", it.state)
            .append_pair("nonce", it.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if it.again {
            url.query_pairs_mut().append_pair("prompt", "login").append_pair("max_age", "0");
        }
        Ok(url)
    }

    /// Who came back: exchanges the code for a token, and believes it when it was signed by the provider and answers the question.
    ///
    /// # Errors
    /// When the provider cannot be asked, or when what it said is not to be believed.
    pub async fn person(
        &self,
        back: &Back<'_>,
        it: &Question<'_>,
        now: Timestamp,
    ) -> Result<Person, Trouble> {
        let document = self.document(now).await?;
        let is_another = back.issuer.is_some_and(|said| said != self.settings.issuer);
        if is_another || back.issuer.is_none() && document.says_issuer {
            return Err(Trouble::refused("wrong_issuer", "another provider sent them back"));
        }
        let answer = self.exchange(&document, back.code, it).await?;
        let text = |name: &str| answer.get(name).and_then(Json::as_text);
        let token =
            text("id_token").ok_or_else(|| Trouble::refused("no_token", "the provider gave no ID token"))?;
        let token = keys::parse(token)?;
        self.check_signature(&document, &token, now).await?;
        let expected = Expected {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            nonce: it.nonce,
            asked_at: it.asked_at,
            again: it.again,
            now,
        };
        let person = claims::check(&token.claims, &expected)?;
        match (&document.userinfo_endpoint, text("access_token")) {
            (Some(url), Some(access)) if person.email.is_empty() => self.described(person, url, access).await,
            _ => Ok(person),
        }
    }

    /// Looks whether the provider can be used as it is set up, and says with how many keys it signs.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn look(&self, now: Timestamp) -> Result<usize, Trouble> {
        let document = self.document(now).await?;
        let keys = self.asker.keys(&document).await?;
        if keys.is_empty() {
            let message = "none of the provider's keys is of a kind that counts";
            return Err(Trouble::setup("no_keys", message, "have it sign with RS256, PS256, ES256 or EdDSA"));
        }
        Ok(keys.len())
    }

    async fn document(&self, now: Timestamp) -> Result<Arc<Document>, Trouble> {
        let fetch = async {
            let url = document::address(&self.settings.issuer).ok_or_else(|| {
                Trouble::setup(
                    "bad_issuer",
                    "the issuer is no address",
                    "write it as https://login.example.com",
                )
            })?;
            let body = self.asker.get(url, None).await?;
            document::read(&body, &self.settings.issuer, self.settings.client_secret.is_some())
        };
        // Held over the question on purpose: whoever comes meanwhile waits for its answer. It has an end of its own.
        self.document.lock().await.get(now, |_| true, fetch).await
    }

    /// Whether a key of the provider signed a token. A key that is not known is asked for, now and then.
    async fn check_signature(
        &self,
        document: &Document,
        token: &Token<'_>,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let is_known = |all: &Vec<Key>| keys::named(all, token).is_some();
        let all = self.keys.lock().await.get(now, is_known, self.asker.keys(document)).await?;
        let key = keys::named(&all, token)
            .ok_or_else(|| Trouble::refused("unknown_key", "the provider has no such key"))?;
        match key.signed(token) {
            true => Ok(()),
            false => Err(Trouble::refused("bad_signature", "the provider did not sign the token")),
        }
    }

    /// Exchanges the code (RFC 6749, 4.1.3).
    async fn exchange(&self, document: &Document, code: &str, it: &Question<'_>) -> Result<Json, Trouble> {
        let (headers, body) = self.token_request(document.proof, code, it);
        let url = document.token_endpoint.clone();
        let answer = self.asker.ask(Method::POST, url, headers, body).await?;
        let said = json::parse(&answer.body).map_err(|_| not_json());
        if answer.status == StatusCode::OK {
            return said;
        }
        Err(no_token(answer.status, said.ok().as_ref()))
    }

    fn token_request(&self, proof: ClientProof, code: &str, it: &Question<'_>) -> (HeaderMap, Bytes) {
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut body = Serializer::new(String::new());
        body.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", it.redirect)
            .append_pair("code_verifier", it.verifier);
        let client_id = &self.settings.client_id;
        match (proof, &self.settings.client_secret) {
            (ClientProof::Basic, Some(secret)) => {
                // Each is escaped before they are put together (RFC 6749, 2.3.1).
                let escaped = |it: &str| byte_serialize(it.as_bytes()).collect::<String>();
                let both = format!("{}:{}", escaped(client_id), escaped(secret.expose()));
                let basic = sensitive(&format!("Basic {}", STANDARD.encode(both)));
                headers.insert(AUTHORIZATION, basic.expect("base 64 is ASCII"));
            }
            (ClientProof::Post, Some(secret)) => {
                body.append_pair("client_id", client_id).append_pair("client_secret", secret.expose());
            }
            (ClientProof::Basic | ClientProof::Post | ClientProof::None, _) => {
                body.append_pair("client_id", client_id);
            }
        }
        (headers, body.finish().into())
    }

    /// What the provider says of somebody beside the token (OpenID Connect Core, 5.3), where that says too little.
    async fn described(&self, person: Person, url: &Url, access: &str) -> Result<Person, Trouble> {
        let Some(access) = bearer(access) else { return Ok(person) };
        let body = self.asker.get(url.clone(), Some(access)).await?;
        let said = json::parse(&body).map_err(|_| not_json())?;
        // Whom it is about counts before anything that it says (5.3.2).
        if said.get("sub").and_then(Json::as_text) != Some(person.subject.as_str()) {
            return Err(Trouble::refused("wrong_subject", "the provider described somebody else"));
        }
        let email = said.get("email").and_then(Json::as_text).unwrap_or_default();
        Ok(Person { email: email.to_owned(), is_email_verified: claims::is_verified(&said), ..person })
    }
}

/// Why there is no token (RFC 6749, 5.2). Of what the provider says only the name of the mistake is told.
fn no_token(status: StatusCode, said: Option<&Json>) -> Trouble {
    let code = said.and_then(|it| it.get("error")).and_then(Json::as_text).unwrap_or_default();
    let code: String = code.chars().filter(|it| it.is_ascii_lowercase() || *it == '_').take(40).collect();
    match code.as_str() {
        "invalid_client" | "unauthorized_client" => {
            let fix = "compare `client_id` and `client_secret` with the provider's; secrets end there";
            Trouble::setup("client_refused", format!("the provider does not know us: {code}"), fix)
        }
        _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            Trouble::unreachable("provider_failed", format!("the provider answered {}", status.as_u16()), "")
        }
        "" => Trouble::refused("code_refused", &format!("the provider answered {}", status.as_u16())),
        _ => Trouble::refused("code_refused", &format!("the provider refused the code: {code}")),
    }
}

fn not_json() -> Trouble {
    Trouble::unreachable("not_json", "the provider's answer cannot be read", "see whether `issuer` is right")
}

impl Asker {
    async fn keys(&self, document: &Document) -> Result<Vec<Key>, Trouble> {
        keys::read(&self.get(document.jwks_uri.clone(), None).await?)
    }

    /// What stands at an address of a provider, as JSON.
    async fn get(&self, url: Url, access: Option<HeaderValue>) -> Result<Bytes, Trouble> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.extend(access.map(|it| (AUTHORIZATION, it)));
        let answer = self.ask(Method::GET, url, headers, Bytes::new()).await?;
        match answer.status {
            StatusCode::OK => Ok(answer.body),
            // Nobody is led elsewhere, least of all by whoever says who people are.
            it if it.is_redirection() => {
                let fix = "write the address that it leads to as `issuer`, if the provider names itself so";
                Err(Trouble::setup("redirected", "the provider's address leads elsewhere", fix))
            }
            it if it.is_server_error() || it == StatusCode::TOO_MANY_REQUESTS => Err(Trouble::unreachable(
                "provider_failed",
                format!("the provider answered {}", it.as_u16()),
                "",
            )),
            it => {
                let fix = "check `issuer`: it is the address that the provider shows for OpenID Connect";
                Err(Trouble::setup("provider_refused", format!("the provider answered {}", it.as_u16()), fix))
            }
        }
    }

    async fn ask(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Trouble> {
        let request = Request {
            wait: self.wait,
            answer_bytes_max: limits::PROVIDER_ANSWER_BYTES_MAX,
            ..Request::new(method, url, headers, body)
        };
        let answer = self.egress.send(request).await.map_err(|it| {
            let fix = if it.fix.is_empty() { "see whether the provider is up" } else { it.fix };
            Trouble::unreachable(it.cause, it.message.clone(), fix)
        })?;
        if answer.is_truncated {
            let fix = "see whether `issuer` is right";
            return Err(Trouble::unreachable("answer_too_large", "the provider's answer is too large", fix));
        }
        Ok(answer)
    }
}
