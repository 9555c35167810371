//! The post of a browser, which Microsoft's connector made until 2022: no credentials, no id back, thirty in a minute.

use super::errors::CLASSIC;
use super::fields::{FIELDS, field};
use super::request::Shape;
use crate::catalogue::{Known, evidence};
use crate::descriptor::{Values, refusal};
use crate::egress::{Answer, Egress, Request};
use crate::marketo::envelope::unreadable;
use crate::marketo::reply::delivered;
use crate::marketo::session::base_url;
use crate::{Moment, retry_after};
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::mapping::Mapped;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::refusal::Refusal;
use leadwire_core::time::Timestamp;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// Posts in a minute: Marketo takes thirty from one address, and other programs may post from it too.
const POSTS_MAX: usize = 25;
const MINUTE: Duration = Duration::from_secs(60);

pub(super) struct Classic {
    base: Url,
    wait: Duration,
    /// The moments of the last posts. In memory only: after a restart Marketo itself may refuse one.
    posts: Mutex<VecDeque<Timestamp>>,
}

impl Classic {
    pub(super) fn read(values: &Values<'_>, wait: Duration) -> Result<Self, Vec<Refusal>> {
        // Checks the Munchkin ID, which is part of the form.
        let tested = base_url(values, FIELDS)?;
        let server = values.text("server_id").unwrap_or_default().trim().trim_start_matches('/');
        let server = server.split('.').next().unwrap_or_default();
        let server = server.strip_prefix("app-").unwrap_or(server);
        if server.is_empty() || !server.bytes().all(|it| it.is_ascii_alphanumeric()) {
            let message = "`server_id` is not a server's id";
            let fix = "copy it from the form's embed code: it is ys12 in //app-ys12.marketo.com";
            return Err(vec![refusal(field("server_id"), "bad_server_id", message, fix)]);
        }
        let base = if values.text("api_url").is_some() {
            tested
        } else {
            Url::parse(&format!("https://app-{}.marketo.com/", server.to_lowercase()))
                .expect("letters and digits")
        };
        Ok(Self { base, wait, posts: Mutex::default() })
    }

    pub(super) fn url(&self, path: &str) -> Url {
        self.base.join(path).expect("a base that was checked, and a path of our own")
    }

    pub(super) fn request(&self, shape: &Shape, mapped: &Mapped) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let url = self.url("index.php/leadCapture/save2");
        let mut request = Request::new(Method::POST, url, headers, Bytes::from(shape.form(mapped)));
        request.wait = self.wait;
        request
    }

    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    pub(super) async fn post(
        &self,
        shape: &Shape,
        mapped: &Mapped,
        known: &[&str],
        (moment, egress, calls): (Moment, &Egress, &mut u32),
    ) -> Tried {
        if let Some(held) = self.take(moment.now) {
            return held;
        }
        *calls += 1;
        match egress.send(self.request(shape, mapped)).await {
            Ok(answer) => read(&answer, known, moment.now),
            Err(error) => error.tried(),
        }
    }

    /// Takes one of the minute's posts, or says when there is one again.
    fn take(&self, now: Timestamp) -> Option<Tried> {
        let mut posts = self.posts.lock().unwrap_or_else(PoisonError::into_inner);
        while posts.front().is_some_and(|it| it.plus(MINUTE) <= now) {
            posts.pop_front();
        }
        match posts.front() {
            Some(oldest) if posts.len() >= POSTS_MAX => {
                let wait = oldest.plus(MINUTE).since(now);
                let known = Known::find(CLASSIC, "too_many_posts").expect("the catalogue has the code");
                let evidence = Evidence {
                    cause: known.cause.to_owned(),
                    message: format!("{POSTS_MAX} forms were posted within a minute; the lead waits"),
                    ..Evidence::default()
                };
                Some(Tried { outcome: Outcome::NotDone(Fault::HoldLane(Some(wait))), evidence })
            }
            Some(_) | None => {
                posts.push_back(now);
                None
            }
        }
    }
}

/// What came of a post.
pub(super) fn read(answer: &Answer, known: &[&str], now: Timestamp) -> Tried {
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let status = answer.status.as_u16();
    let is_taken = json.as_ref().is_some_and(|it| it.get("formId").is_some() || it.get("aliId").is_some());
    let message = json.as_ref().and_then(|it| it.get("message")?.as_str());
    let code = |code: &str| {
        let entry = Known::find(CLASSIC, code).expect("the catalogue has the code");
        entry.tried(answer, known)
    };
    let entry = message.and_then(|it| Known::find(CLASSIC, it));
    match (status, entry) {
        (200, _) if is_taken => delivered(None, "Marketo took the form"),
        (200, Some(entry)) => entry.tried(answer, known),
        (200, None) if json.as_ref().is_some_and(|it| it.get("error").is_some()) => code("Rejected"),
        (200..=299, _) => unreadable(answer),
        (429, _) => code("too_many_posts"),
        (_, Some(entry)) if status < 500 => entry.tried(answer, known),
        _ => by_status(answer, known, now),
    }
}

fn by_status(answer: &Answer, known: &[&str], now: Timestamp) -> Tried {
    let status = answer.status.as_u16();
    let (outcome, fix) = match status {
        503 => (Outcome::NotDone(Fault::RetryAfter(retry_after::read(&answer.headers, now))), ""),
        500..=599 => (Outcome::Unknown, ""),
        408 | 425 => (Outcome::NotDone(Fault::RetryAfter(None)), ""),
        413 => (Outcome::NotDone(Fault::Park), "map fewer or shorter fields"),
        400..=499 => (Outcome::NotDone(Fault::Pause), "check server id, Munchkin ID and form id"),
        _ => (
            Outcome::NotDone(Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE }),
            "check the server id: its host sends elsewhere",
        ),
    };
    let message = format!("Marketo answered {status}");
    Tried { outcome, evidence: evidence(answer, known, (&format!("http_{status}"), message, fix)) }
}
