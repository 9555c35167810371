//! What the simulated endpoint answers, well-behaved or not.

use crate::listen::{AnswerBody, Cut, Then};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};

/// Where an endless body ends after all, in bytes, so that a client without a cap fails its test instead of the machine.
pub const ENDLESS_BYTES: u64 = 200 * 1024 * 1024;

/// One answer to one request that passed the checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A status, with headers and a body.
    Status {
        /// The status.
        status: StatusCode,
        /// Further headers.
        headers: Vec<(HeaderName, HeaderValue)>,
        /// The body.
        body: Bytes,
    },
    /// Nothing, until [`release`](super::HttpsEndpoint::release) is called; then 200.
    Hang,
    /// The connection is closed after the request was read: the sender cannot know what happened.
    CutBeforeAnswer,
    /// The head and a part of the body, then the connection is closed.
    CutMidAnswer,
    /// The head and a part of the body, then nothing more.
    StallMidAnswer,
    /// A body that goes on for [`ENDLESS_BYTES`].
    Endless,
}

impl Answer {
    /// An empty answer with a status.
    ///
    /// # Panics
    /// When the number is not a status.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("a status is 100 to 999");
        Self::Status { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// A status with `Retry-After`: seconds, or an HTTP date.
    ///
    /// # Panics
    /// When the status or the text cannot be sent.
    pub fn retry_after(status: u16, when: &str) -> Self {
        Self::status(status).header(RETRY_AFTER, when)
    }

    /// A redirect.
    ///
    /// # Panics
    /// When the status or the address cannot be sent.
    pub fn redirect(status: u16, to: &str) -> Self {
        Self::status(status).header(LOCATION, to)
    }

    /// An HTML page, as a login form or a proxy's error page would be.
    ///
    /// # Panics
    /// When the number is not a status.
    pub fn html(status: u16) -> Self {
        Self::status(status)
            .header(CONTENT_TYPE, "text/html; charset=utf-8")
            .body("<!doctype html><title>Sign in</title><h1>Sign in</h1>")
    }

    /// The same answer with one more header.
    ///
    /// # Panics
    /// When the text cannot be a header's value, or the answer has no head of its own.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("the value can be sent");
        let Self::Status { headers, .. } = &mut self else { panic!("only `Status` has headers") };
        headers.push((name, value));
        self
    }

    /// The same answer with a body.
    ///
    /// # Panics
    /// When the answer has no body of its own.
    #[must_use]
    pub fn body(mut self, text: impl Into<Bytes>) -> Self {
        let Self::Status { body, .. } = &mut self else { panic!("only `Status` has a body") };
        *body = text.into();
        self
    }

    /// Whether a sender that gets all of this may take the request as done.
    pub(super) fn is_success(&self) -> bool {
        match self {
            Self::Status { status, .. } => status.is_success(),
            Self::Hang => true,
            Self::CutBeforeAnswer | Self::CutMidAnswer | Self::StallMidAnswer | Self::Endless => false,
        }
    }

    /// The answer on the wire; an error closes the connection.
    pub(super) fn into_response(self) -> Result<Response<AnswerBody>, Cut> {
        let with = |body| Response::new(body);
        Ok(match self {
            Self::Status { status, headers, body } => {
                let mut response = with(AnswerBody::Whole(Some(body).filter(|it| !it.is_empty())));
                *response.status_mut() = status;
                response.headers_mut().extend(headers.into_iter().map(|(name, value)| (Some(name), value)));
                response
            }
            Self::Hang => with(AnswerBody::Whole(None)),
            Self::CutBeforeAnswer => return Err(Cut),
            Self::CutMidAnswer => with(AnswerBody::Part { then: Then::Pause, sent: false }),
            Self::StallMidAnswer => with(AnswerBody::Part { then: Then::Stall, sent: false }),
            Self::Endless => with(AnswerBody::Endless { left: ENDLESS_BYTES }),
        })
    }
}
