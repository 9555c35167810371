//! Keeps an access token as long as it is good: fetched once for everybody who needs it, and dropped when refused.

use crate::egress::error::SendError;
use crate::redact;
use http::HeaderValue;
use leadwire_core::outcome::{Outcome, Tried};
use leadwire_core::time::Timestamp;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a token is good for when the service does not say, as RFC 6749, 5.1 permits.
pub(crate) const LIFE_UNSAID: Duration = Duration::from_secs(300);
/// The longest life that is believed.
const LIFE_LONGEST: Duration = Duration::from_secs(24 * 3600);
/// A token is replaced this long before its end, or a quarter of its life when that is shorter.
const MARGIN: Duration = Duration::from_secs(120);

/// A token as the service gave it.
pub(crate) struct Fetched<T> {
    /// What requests show: `Bearer …`, marked as sensitive.
    pub(crate) header: HeaderValue,
    /// How long it is good for.
    pub(crate) life: Duration,
    /// What else the service said, such as the address to call.
    pub(crate) more: T,
}

/// A token in use.
pub(crate) struct Held<T> {
    /// What requests show.
    pub(crate) header: HeaderValue,
    /// What else the service said.
    pub(crate) more: Arc<T>,
    /// Which of the tokens fetched so far it is.
    pub(crate) age: Age,
}

/// Which token a request went out with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// One fetched for an earlier attempt, which the service may have forgotten meanwhile: fetch another, once.
    Cached(u64),
    /// One fetched in this attempt: another would be refused too.
    Fresh(u64),
}

/// The token of one destination. Kept as long as its connector.
pub(crate) struct TokenCache<T> {
    /// Fetches that came to an end, whatever it was. Outside the lock, so that who waits for it can tell whether a
    /// fetch ended meanwhile.
    ended: AtomicU64,
    state: Mutex<State<T>>,
}

struct State<T> {
    token: Option<Kept<T>>,
    /// What the last fetch came to when it brought no token.
    failed: Option<Box<Tried>>,
}

struct Kept<T> {
    header: HeaderValue,
    more: Arc<T>,
    generation: u64,
    replace_at: Timestamp,
}

impl<T> Default for TokenCache<T> {
    fn default() -> Self {
        Self { ended: AtomicU64::new(0), state: Mutex::new(State { token: None, failed: None }) }
    }
}

impl<T> TokenCache<T> {
    /// A token that is still good, fetched if need be. Requests that need one at the same time share one fetch, and
    /// its failure. `fetch` counts its own calls; it is not polled when a token is at hand.
    pub(crate) async fn get(
        &self,
        now: Timestamp,
        fetch: impl Future<Output = Result<Fetched<T>, Box<Tried>>>,
    ) -> Result<Held<T>, Box<Tried>> {
        let ended = self.ended.load(Ordering::Acquire);
        // Held over the fetch on purpose: it is what makes the others wait. The fetch has an end of its own, and
        // dropping the future lets the next one in.
        let mut state = self.state.lock().await;
        if let Some(kept) = state.token.as_ref().filter(|it| now < it.replace_at) {
            let age = Age::Cached(kept.generation);
            return Ok(Held { header: kept.header.clone(), more: Arc::clone(&kept.more), age });
        }
        let generation = self.ended.load(Ordering::Acquire);
        if generation != ended
            && let Some(failed) = &state.failed
        {
            return Err(failed.clone());
        }
        let fetched = fetch.await;
        self.ended.store(generation + 1, Ordering::Release);
        match fetched {
            Ok(Fetched { header, life, more }) => {
                let life = life.min(LIFE_LONGEST);
                let replace_at = now.plus(life.saturating_sub(MARGIN.min(life / 4)));
                let more = Arc::new(more);
                let kept = Kept {
                    header: header.clone(),
                    more: Arc::clone(&more),
                    generation: generation + 1,
                    replace_at,
                };
                *state = State { token: Some(kept), failed: None };
                Ok(Held { header, more, age: Age::Fresh(generation + 1) })
            }
            Err(tried) => {
                *state = State { token: None, failed: Some(tried.clone()) };
                Err(tried)
            }
        }
    }

    /// Forgets the token that the service refused, unless another one has taken its place.
    pub(crate) async fn forget(&self, age: Age) {
        let (Age::Cached(generation) | Age::Fresh(generation)) = age;
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|it| it.generation == generation) {
            state.token = None;
        }
    }
}

/// `Bearer …` of RFC 6750, marked as sensitive; none when the token cannot be in a header.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    sensitive(&format!("Bearer {token}"))
}

/// A header's value that is never printed; none when it holds what a header cannot.
pub(crate) fn sensitive(text: &str) -> Option<HeaderValue> {
    let is_visible = text.bytes().all(|it| it == b' ' || it.is_ascii_graphic());
    let mut value = HeaderValue::try_from(text).ok().filter(|_| is_visible)?;
    value.set_sensitive(true);
    Some(value)
}

/// What `expires_in` says; some services send the seconds as a text.
pub(crate) fn life(seconds: Option<&serde_json::Value>) -> Option<Duration> {
    let seconds = seconds?;
    seconds.as_u64().or_else(|| seconds.as_str()?.parse().ok()).map(Duration::from_secs)
}

/// A request for a token that brought no answer. Nothing of the lead was sent, so the outcome is never unknown.
pub(crate) fn not_sent(error: &SendError) -> Tried {
    let mut tried = error.tried();
    tried.outcome = Outcome::NotDone(error.fault);
    tried.evidence.cause = format!("token_{}", error.cause);
    tried.evidence.message = format!("no access token: {}", error.message);
    tried
}

/// The error code of a token service's answer (RFC 6749, 5.2): a fixed vocabulary, while the description may hold
/// anything.
pub(crate) fn error_code(json: &serde_json::Value) -> Option<&str> {
    json.get("error")?.as_str().and_then(redact::code)
}
