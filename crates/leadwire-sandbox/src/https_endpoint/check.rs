//! What a strict receiver asks of a request before it does anything with it.

use super::Options;
use super::answer::Answer;
use crate::listen::{self, NoBody};
use crate::webhook_signature::Signed;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Method};
use hyper::body::Incoming;
use serde_json::json;

/// Longest `webhook-id`, in bytes.
const WEBHOOK_ID_BYTES_MAX: usize = 256;
/// The content types a sender of leads may use.
const CONTENT_TYPES: [&str; 2] = ["application/json", "application/cloudevents+json"];

/// A request that passed.
pub(super) struct Passed<'a> {
    pub(super) webhook_id: &'a str,
    pub(super) body: Bytes,
}

/// Reads the body and checks everything; an error is the answer to give.
pub(super) async fn check<'a>(
    options: &Options,
    head: &'a Parts,
    body: Incoming,
) -> Result<Passed<'a>, Answer> {
    if head.method != Method::POST {
        return Err(refusal(405, "send a POST").header(ALLOW, "POST"));
    }
    let body = listen::read(body, options.body_bytes_max).await.map_err(|why| match why {
        NoBody::TooLarge => refusal(413, "the body is too large"),
        // The client left while sending; nobody will read the answer.
        NoBody::Cut => refusal(400, "the body was cut"),
    })?;
    let webhook_id = text(&head.headers, "webhook-id")?;
    if webhook_id.is_empty() || webhook_id.len() > WEBHOOK_ID_BYTES_MAX || webhook_id.contains('.') {
        return Err(refusal(400, "webhook-id must have 1 to 256 characters and no full stop"));
    }
    // Every value is compared in full, so that the time tells nothing about where it differs.
    let is_there = |(name, value): &(_, http::HeaderValue)| {
        let sent = head.headers.get(name).map_or(&b""[..], |it| it.as_bytes());
        aws_lc_rs::constant_time::verify_slices_are_equal(sent, value.as_bytes()).is_ok()
    };
    if !options.required_headers.iter().all(is_there) {
        return Err(refusal(401, "the credentials are missing or wrong"));
    }
    if let Some(verifier) = &options.verifier {
        let signed = Signed {
            id: webhook_id,
            timestamp: text(&head.headers, "webhook-timestamp")?,
            signatures: text(&head.headers, "webhook-signature")?,
            body: &body,
        };
        verifier.check(&signed, (options.now)()).map_err(|error| refusal(401, &error.to_string()))?;
    }
    let content_type = text(&head.headers, CONTENT_TYPE.as_str())?;
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !CONTENT_TYPES.iter().any(|it| it.eq_ignore_ascii_case(essence)) {
        return Err(refusal(415, "send application/json"));
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
        return Err(refusal(400, "the body is not JSON"));
    }
    Ok(Passed { webhook_id, body })
}

/// The one value of a header; a header that comes twice is as bad as none.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Answer> {
    let mut values = headers.get_all(name).iter();
    match (values.next().and_then(|it| it.to_str().ok()), values.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(refusal(400, &format!("send the header {name} once"))),
    }
}

fn refusal(status: u16, detail: &str) -> Answer {
    Answer::status(status)
        .header(CONTENT_TYPE, "application/problem+json")
        .body(json!({ "status": status, "detail": detail }).to_string())
}
