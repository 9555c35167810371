//! The command line's way to the service: typed requests, pages of lists, and errors a person can act on.

use super::exit_code::ExitCode;
use super::failure::Failure;
use super::whereabouts::{Global, is_same_service, read_local, whereabouts};
use crate::api::wire::{List, Page};
use crate::secrets::{self, CredentialKind};
use anyhow::Context;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use leadwire_connect::egress::guard::EgressPolicy;
use leadwire_connect::egress::{Answer, Egress, Request, error::SendError};
use leadwire_core::hex;
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use leadwire_core::secret::Secret;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// Most bytes read of an answer: a lead with a full timeline of the largest touchpoints.
const ANSWER_BYTES_MAX: usize = (limits::PAGE_ROWS_MAX + 8) * limits::TOUCHPOINT_BYTES_MAX;
/// Longest wait for what the service does at a destination: a handful of attempts at their longest.
const LONG_WAIT: Duration = limits::ATTEMPT_WAIT.saturating_mul(5);

/// Talks to one service as one key.
pub(super) struct Client {
    egress: Egress,
    base: Url,
    key: Option<Secret<String>>,
    /// The data folder the key was found in, unless it was told.
    key_from: Option<PathBuf>,
}

/// How much of a list is wanted.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Wanted {
    /// Most rows to show
    #[arg(long, default_value_t = limits::PAGE_ROWS, value_name = "ROWS", conflicts_with = "all")]
    limit: usize,
    /// Show every row, page after page
    #[arg(long)]
    all: bool,
}

/// The path of a request, percent-encoded step by step, and its query.
pub(super) type Query<'a> = &'a [(&'a str, &'a str)];

impl Client {
    /// Finds the service: as told, else by what the one on this machine left in its data folder.
    ///
    /// # Errors
    /// When the address is no address, or the client cannot be made.
    pub(super) fn open(global: &Global) -> anyhow::Result<Self> {
        let (base, key) = whereabouts(global, read_local(global.folder()))?;
        let egress = Egress::new(EgressPolicy::unrestricted(), None).context("cannot make an HTTP client")?;
        let is_found = global.key.is_none() && key.is_some();
        Ok(Self { egress, base, key, key_from: is_found.then(|| global.folder().to_owned()) })
    }

    /// Talks to the service at an address as a key.
    ///
    /// # Errors
    /// When the address is no address, or the client cannot be made.
    pub(super) fn at(base: &str, key: Secret<String>) -> anyhow::Result<Self> {
        let egress = Egress::new(EgressPolicy::unrestricted(), None).context("cannot make an HTTP client")?;
        Ok(Self { egress, base: Url::parse(base)?, key: Some(key), key_from: None })
    }

    /// Where the service is.
    pub(super) fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Where the service is, and a mark by which its key is told from others and from which nobody can guess it.
    pub(super) fn base_and_key(&self) -> String {
        let key = self.key.as_ref().map_or("", |it| it.expose());
        let mark = secrets::short_hash(&[b"leadwire-client-1", key.as_bytes()]);
        format!("{} {}", self.base(), hex::encode(&mark))
    }

    /// Reads one thing.
    ///
    /// # Errors
    /// A [`Failure`] with the service's own words.
    pub(super) async fn get(&self, path: &[&str], query: Query<'_>) -> anyhow::Result<Value> {
        self.call(Method::GET, path, query, Bytes::new()).await
    }

    /// Makes one thing, or does something to it.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(super) async fn post(
        &self,
        path: &[&str],
        query: Query<'_>,
        body: &impl Serialize,
    ) -> anyhow::Result<Value> {
        self.call(Method::POST, path, query, Bytes::from(serde_json::to_vec(body)?)).await
    }

    /// Does something to one thing that may take minutes.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(super) async fn post_long(
        &self,
        path: &[&str],
        query: Query<'_>,
        body: &impl Serialize,
    ) -> anyhow::Result<Value> {
        let mut headers = self.headers()?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = Bytes::from(serde_json::to_vec(body)?);
        let mut request = Request::new(Method::POST, self.url(path, query)?, headers, body);
        request.answer_bytes_max = ANSWER_BYTES_MAX;
        request.wait = LONG_WAIT;
        self.good(&self.egress.send(request).await.map_err(|it| unreachable(self.base(), &it))?)
    }

    /// Does something to one thing that needs no further words.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(super) async fn act(&self, path: &[&str], query: Query<'_>) -> anyhow::Result<Value> {
        self.call(Method::POST, path, query, Bytes::new()).await
    }

    /// Changes one thing.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(super) async fn patch(
        &self,
        path: &[&str],
        query: Query<'_>,
        body: &impl Serialize,
    ) -> anyhow::Result<Value> {
        self.call(Method::PATCH, path, query, Bytes::from(serde_json::to_vec(body)?)).await
    }

    /// Puts one thing in the place of what was there.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(super) async fn put(
        &self,
        path: &[&str],
        query: Query<'_>,
        body: &impl Serialize,
    ) -> anyhow::Result<Value> {
        self.call(Method::PUT, path, query, Bytes::from(serde_json::to_vec(body)?)).await
    }

    /// Takes one thing away.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(super) async fn delete(&self, path: &[&str], query: Query<'_>) -> anyhow::Result<()> {
        self.call(Method::DELETE, path, query, Bytes::new()).await.map(|_| ())
    }

    /// Reads a list that is never long.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(super) async fn list(&self, path: &[&str], query: Query<'_>) -> anyhow::Result<Vec<Value>> {
        Ok(shape::<List<Value>>(self.get(path, query).await?)?.items)
    }

    /// Reads a long list, page by page, and gives each page to `show`. Says whether there is more than was wanted.
    ///
    /// # Errors
    /// As [`Client::get`], and what `show` says.
    pub(super) async fn pages(
        &self,
        path: &[&str],
        query: Query<'_>,
        wanted: Wanted,
        mut show: impl FnMut(Vec<Value>) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        let mut left = if wanted.all { usize::MAX } else { wanted.limit };
        let mut cursor: Option<String> = None;
        while left > 0 {
            let limit = left.min(limits::PAGE_ROWS_MAX).to_string();
            let mut query = query.to_vec();
            query.push(("limit", &limit));
            query.extend(cursor.as_deref().map(|it| ("cursor", it)));
            let Page { items, next } = shape::<Page<Value>>(self.get(path, &query).await?)?;
            left = left.saturating_sub(items.len());
            let is_empty = items.is_empty();
            show(items)?;
            match next {
                // An empty page that promises another would be followed for ever.
                Some(_) if is_empty => return Ok(false),
                Some(next) => cursor = Some(next),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: Query<'_>,
        body: Bytes,
    ) -> anyhow::Result<Value> {
        self.good(&self.raw(method, path, query, body).await?)
    }

    /// What a good answer says; null when it says nothing.
    ///
    /// # Errors
    /// A [`Failure`] with the service's own words when the answer is not good.
    pub(super) fn good(&self, answer: &Answer) -> anyhow::Result<Value> {
        if !answer.status.is_success() {
            return Err(self.failure(answer).into());
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body)
            .with_context(|| format!("{} answered something that is not JSON", self.base()))
    }

    /// Makes a request and gives the answer as it is.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub(super) async fn raw(
        &self,
        method: Method,
        path: &[&str],
        query: Query<'_>,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let url = self.url(path, query)?;
        let mut headers = self.headers()?;
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let answer =
            self.send(url, headers, body, method).await.map_err(|it| unreachable(self.base(), &it))?;
        if answer.is_truncated {
            anyhow::bail!("the answer has more than {ANSWER_BYTES_MAX} bytes");
        }
        Ok(answer)
    }

    /// Makes a request that the caller has put together.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub(super) async fn send(
        &self,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
        method: Method,
    ) -> Result<Answer, Box<SendError>> {
        let request =
            Request { answer_bytes_max: ANSWER_BYTES_MAX, ..Request::new(method, url, headers, body) };
        self.egress.send(request).await
    }

    /// The address of something at the service.
    ///
    /// # Errors
    /// When a step of the path cannot stand in an address.
    pub(super) fn url(&self, path: &[&str], query: Query<'_>) -> anyhow::Result<Url> {
        let mut url = self.base.clone();
        if let Some(step) = path.iter().find(|it| matches!(**it, "" | "." | "..")) {
            // An address would lose these steps, and name another thing.
            let what = format!("nothing can be called `{step}`");
            return Err(Failure::new(ExitCode::NotFound, what, "check the name").into());
        }
        url.path_segments_mut()
            .ok()
            .context("the address of the service cannot have a path")?
            .pop_if_empty()
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// The headers of every request: who asks.
    ///
    /// # Errors
    /// When the key cannot be one.
    pub(super) fn headers(&self) -> anyhow::Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(key) = &self.key {
            let bad =
                || Failure::new(ExitCode::Usage, "the API key holds characters no key has", "copy it again");
            let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose())).map_err(|_| bad())?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }

    /// Looks the key up again where it was found: a service that was started anew has another. Says whether it could.
    pub(super) fn renew_key(&mut self) -> bool {
        let found = self.key_from.as_deref().and_then(read_local);
        let is_found = found.is_some();
        if let Some(local) = found.filter(|it| is_same_service(&it.url, &self.base)) {
            self.key = Some(Secret::new(local.key));
        }
        is_found
    }

    /// What an answer that is not good means.
    pub(super) fn failure(&self, answer: &Answer) -> Failure {
        let failure = Failure::of_answer(answer.status.as_u16(), &answer.body, self.base());
        if answer.status.as_u16() != 401 {
            return failure;
        }
        match &self.key {
            None => Failure::new(
                ExitCode::Refused,
                "no API key was given, and no service runs with this data folder",
                "start `leadwire serve` here, name its folder with --data, or set LEADWIRE_KEY",
            ),
            Some(key) if !secrets::is_well_formed(CredentialKind::ApiKey, key.expose()) => Failure::new(
                ExitCode::Refused,
                "the API key was mistyped or cut: its checksum does not match",
                "copy the whole key again; it starts with lw_live_",
            ),
            Some(_) => failure,
        }
    }
}

/// What it means that there was no answer from an address.
pub(super) fn unreachable(base: &str, error: &SendError) -> Failure {
    let unknown = if error.written { "; whether it was done is not known" } else { "" };
    let what = format!("no answer from {base}: {error}{unknown}");
    let fix = match error.cause {
        "connection_refused" | "dns_not_found" => {
            "start it with `leadwire serve`, or say where it is with LEADWIRE_URL"
        }
        _ if error.fix.is_empty() => "try again; the log of the service may tell more",
        _ => error.fix,
    };
    Failure::new(ExitCode::Unreachable, what, fix)
}

/// The query that names one publisher, or nobody: then it is about all, or about the operator.
pub(super) fn whose(publisher: Option<&PublisherId>) -> Vec<(&'static str, &str)> {
    publisher.map(|it| ("publisher", it.as_str())).into_iter().collect()
}

/// Reads a value of the service as a shape of the API.
///
/// # Errors
/// When it has another shape.
pub(super) fn shape<T: DeserializeOwned>(value: Value) -> anyhow::Result<T> {
    serde_json::from_value(value).context("the service answered in a shape this version does not know")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_url(base: &str, path: &[&str], query: Query<'_>, expected: &str) {
        let client = Client::at(base, Secret::default()).expect("a client");
        assert_eq!(client.url(path, query).expect("an address").as_str(), expected);
    }

    #[test]
    fn a_key_is_told_from_others_and_not_told() {
        let as_key = |base: &str, key: &str| {
            Client::at(base, Secret::new(key.to_owned())).expect("a client").base_and_key()
        };
        assert_eq!(as_key("http://h/", "lw_live_one"), as_key("http://h", "lw_live_one"));
        assert_ne!(as_key("http://h", "lw_live_one"), as_key("http://h", "lw_live_two"));
        assert_ne!(as_key("http://h", "lw_live_one"), as_key("http://other", "lw_live_one"));
        assert!(!as_key("http://h", "lw_live_one").contains("one"));
    }

    #[test]
    fn names_are_encoded_and_a_prefix_is_kept() {
        let query = [("publisher", "contoso"), ("email", "a+b@x.y")];
        check_url(
            "http://h",
            &["v1", "leads"],
            &query,
            "http://h/v1/leads?publisher=contoso&email=a%2Bb%40x.y",
        );
        check_url(
            "http://h/lw/",
            &["v1", "destinations", "my/end point"],
            &[],
            "http://h/lw/v1/destinations/my%2Fend%20point",
        );
    }

    #[test]
    fn a_step_that_an_address_would_swallow_is_refused() {
        let client = Client::at("http://h", Secret::default()).expect("a client");
        assert!(client.url(&["v1", "destinations", ".."], &[]).is_err());
    }
}
