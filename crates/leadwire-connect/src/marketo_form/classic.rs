//! The post of a browser, which Microsoft's connector made until 2022: no credentials, no id back, thirty in a minute.

use super::errors::CLASSIC;
use super::fields::{FIELDS, field};
use super::reply;
use super::request::Shape;
use crate::Moment;
use crate::catalogue::Known;
use crate::descriptor::{Values, refusal};
use crate::egress::{Egress, Request};
use crate::marketo::session::base_url;
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use leadwire_core::mapping::Mapped;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::refusal::Refusal;
use leadwire_core::time::Timestamp;
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
            Ok(answer) => reply::classic(&answer, known, moment.now),
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
