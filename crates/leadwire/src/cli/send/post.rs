//! Posting until there is an answer: what may be tried again is, as the service asks, and not for ever.

use crate::cli::client::{Client, unreachable};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::clock::{self, Clock};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use leadwire_connect::egress::Answer;
use leadwire_core::retry::{self, RetryPolicy};
use leadwire_core::time::{Jitter, Timestamp};
use std::time::Duration;
use url::Url;

/// A person is waiting: ask again sooner than a lane would.
const PATIENT: RetryPolicy = RetryPolicy { first: Duration::from_secs(2), longest: Duration::from_secs(30) };

/// Posts one request after another to one service.
pub(in crate::cli) struct Poster<'a> {
    client: Client,
    clock: &'a dyn Clock,
    out: Output,
    patience: Duration,
    has_answered: bool,
}

impl<'a> Poster<'a> {
    /// `patience` is how long a service may stay away before it is given up.
    pub(in crate::cli) fn new(client: Client, clock: &'a dyn Clock, out: Output, patience: Duration) -> Self {
        Self { client, clock, out, patience, has_answered: false }
    }

    /// What is posted to.
    pub(in crate::cli) fn client(&self) -> &Client {
        &self.client
    }

    /// Posts, again and again, until the service takes it or refuses it.
    ///
    /// # Errors
    /// When the patience is over.
    pub(in crate::cli) async fn post(&mut self, url: &Url, post: &Post<'_>) -> anyhow::Result<Answer> {
        let (since, base) = (self.clock.steady(), url.origin().ascii_serialization());
        let mut tries = 0;
        loop {
            tries += 1;
            let headers = post.headers(&self.client)?;
            let sent = self.client.send(url.clone(), headers, post.body.clone(), Method::POST).await;
            let (failure, hint) = match sent {
                // A service that was started anew knows the key it wrote for this machine's users, and no older one.
                Ok(answer)
                    if answer.status.as_u16() == 401 && self.has_answered && self.client.renew_key() =>
                {
                    (self.client.failure(&answer), None)
                }
                Ok(answer) if is_good_to_know(&answer) => {
                    self.has_answered = true;
                    return Ok(answer);
                }
                Ok(answer) => (self.client.failure(&answer), asked_to_wait(&answer)),
                // Nobody is there from the start: whoever typed this should know at once.
                Err(error)
                    if !self.has_answered
                        && matches!(error.cause, "connection_refused" | "dns_not_found") =>
                {
                    return Err(unreachable(&base, &error).into());
                }
                Err(error) => (unreachable(&base, &error), None),
            };
            let now = self.clock.steady();
            let Some(wait) = wait(tries, hint, now.since(since), self.patience, clock::jitter()) else {
                let what = format!("{failure}; gave up after {} s", now.since(since).as_secs());
                return Err(Failure::new(failure.exit(), what, failure.fix()).into());
            };
            self.out.note(&format!("{failure}; trying again in {} s", wait.as_secs().max(1)));
            self.pause(now, wait).await;
        }
    }

    async fn pause(&self, now: Timestamp, wait: Duration) {
        self.clock.wait_until(now.plus(wait)).await;
    }
}

/// A body to post, and what is said about it.
pub(in crate::cli) struct Post<'a> {
    /// The body.
    pub(in crate::cli) body: Bytes,
    /// Its content type.
    pub(in crate::cli) content_type: &'static str,
    /// Its idempotency key, at the API; an intake address has none, and needs no API key either.
    pub(in crate::cli) key: Option<&'a str>,
}

impl Post<'_> {
    fn headers(&self, client: &Client) -> anyhow::Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        if let Some(key) = self.key {
            headers = client.headers()?;
            headers.insert(HeaderName::from_static("idempotency-key"), HeaderValue::try_from(key)?);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        Ok(headers)
    }
}

/// Whether an answer is the end of it: taken, or refused for good.
fn is_good_to_know(answer: &Answer) -> bool {
    !matches!(answer.status.as_u16(), 408 | 429 | 502..=504)
}

fn asked_to_wait(answer: &Answer) -> Option<Duration> {
    let seconds = answer.headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// How long to wait before the next try; none when that would be longer than the patience.
fn wait(
    tries: u32,
    hint: Option<Duration>,
    waited: Duration,
    patience: Duration,
    jitter: Jitter,
) -> Option<Duration> {
    let wait = retry::delay(&PATIENT, tries, hint, jitter);
    (waited.saturating_add(wait) <= patience).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_service_says_how_long_to_wait() {
        assert_eq!(wait(1, Some(s(7)), s(0), s(60), Jitter::new(0.0)), Some(s(7)));
        assert_eq!(wait(9, Some(s(7)), s(50), s(60), Jitter::new(0.0)), Some(s(7)));
    }

    #[test]
    fn a_service_that_stays_away_is_given_up() {
        assert_eq!(wait(1, Some(s(61)), s(0), s(60), Jitter::new(0.0)), None);
        assert_eq!(wait(20, None, s(60), s(60), Jitter::new(0.0)), None);
        assert!(wait(20, None, s(0), s(60), Jitter::new(1.0)).is_some_and(|it| it <= s(30)));
    }
}
