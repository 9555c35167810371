//! `$batch` of the simulated environment: single requests and change sets, strict about line ends.
//!
//! learn.microsoft.com, `webapi/execute-batch-operations-using-web-api`.

use super::{Dynamics, Problem};
use crate::service::{Call, Reply};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Most requests of a batch.
const REQUESTS_MAX: usize = 1000;
/// Longest address within a batch.
const TARGET_BYTES_MAX: usize = 65_536;
const RESPONSE: &str = "batchresponse_9e2d7a40-0000-4000-8000-000000000001";
const SET_RESPONSE: &str = "changesetresponse_9e2d7a40-0000-4000-8000-000000000002";

enum Item {
    Request(Call),
    /// Each with its `Content-ID`.
    Set(Vec<(String, Call)>),
}

impl Dynamics {
    /// Answers a batch. `refuse_every`: every so many-th request is refused, for a fault.
    pub(super) fn batch(&mut self, call: &Call, refuse_every: Option<usize>, now: i64) -> Reply {
        let items = match items(call) {
            Ok(items) => items,
            Err(problem) => return problem.reply(),
        };
        let count: usize = items.iter().map(|it| if let Item::Set(all) = it { all.len() } else { 1 }).sum();
        if count > REQUESTS_MAX {
            let message = format!("The number of requests in the batch exceeds the limit of {REQUESTS_MAX}.");
            return Problem::new(400, "0x80060888", message).reply();
        }
        let goes_on = call
            .header("prefer")
            .is_some_and(|it| it.split(',').any(|it| it.trim() == "odata.continue-on-error"));
        let (mut out, mut status) = (Vec::new(), 200);
        for (at, item) in items.into_iter().enumerate() {
            let is_refused = refuse_every.is_some_and(|every| (at + 1) % every == 0);
            let failed = match item {
                Item::Request(_) if is_refused => answered(&mut out, RESPONSE, None, &rejected().reply()),
                Item::Request(request) => {
                    let reply = self.request(&request, now);
                    answered(&mut out, RESPONSE, None, &reply)
                }
                Item::Set(requests) => self.change_set(&mut out, requests, now),
            };
            if let Some(failed) = failed.filter(|_| !goes_on) {
                status = failed;
                break;
            }
        }
        out.extend_from_slice(format!("--{RESPONSE}--\r\n").as_bytes());
        Reply::text(status, &format!("multipart/mixed; boundary={RESPONSE}"), out)
            .header("odata-version", "4.0")
    }

    /// All or none; a set that fails is one answer, that of the request that failed.
    fn change_set(&mut self, out: &mut Vec<u8>, requests: Vec<(String, Call)>, now: i64) -> Option<u16> {
        let before = (self.leads.clone(), self.notes.clone());
        let mut inner = Vec::new();
        for (id, request) in requests {
            let reply = self.request(&request, now);
            if !reply.status.is_success() {
                (self.leads, self.notes) = before;
                return answered(out, RESPONSE, None, &reply);
            }
            answered(&mut inner, SET_RESPONSE, Some(&id), &reply);
        }
        let head = format!("--{RESPONSE}\r\nContent-Type: multipart/mixed; boundary={SET_RESPONSE}\r\n\r\n");
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&inner);
        out.extend_from_slice(format!("--{SET_RESPONSE}--\r\n\r\n").as_bytes());
        None
    }
}

/// What the fault of a refused lead says.
pub(super) fn rejected() -> Problem {
    Problem::new(400, "0x80040265", "A plug-in of the environment refused the row.")
}

/// Adds an answer; its status when it is a failure.
fn answered(out: &mut Vec<u8>, boundary: &str, id: Option<&str>, reply: &Reply) -> Option<u16> {
    let mut head =
        format!("--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n");
    if let Some(id) = id {
        head.push_str(&format!("Content-ID: {id}\r\n"));
    }
    let reason = reply.status.canonical_reason().unwrap_or_default();
    head.push_str(&format!("\r\nHTTP/1.1 {} {reason}\r\n", reply.status.as_u16()));
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&reply.body);
    out.extend_from_slice(b"\r\n");
    (!reply.status.is_success()).then(|| reply.status.as_u16())
}

fn unreadable() -> Problem {
    let message = "Error identified in Payload provided by the user for Entity :'', For more information on this error \
                   please follow this help link. InnerException: System.ArgumentException: Stream was not readable.";
    Problem::new(400, "0x80048d19", message)
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, rest) = content_type.split_once(';')?;
    let value = rest.trim().strip_prefix("boundary=")?.trim().trim_matches('"');
    (kind.trim().eq_ignore_ascii_case("multipart/mixed") && !value.is_empty()).then(|| value.to_owned())
}

fn items(call: &Call) -> Result<Vec<Item>, Problem> {
    if call.method != Method::POST {
        return Err(Problem::new(405, "", "The requested resource only supports http method 'POST'."));
    }
    let boundary = call.header("content-type").and_then(boundary).ok_or_else(|| {
        Problem::new(
            415,
            "0x80060888",
            "The content type of a batch request is multipart/mixed with a boundary.",
        )
    })?;
    let text = std::str::from_utf8(&call.body).map_err(|_| unreadable())?;
    let mut items = Vec::new();
    for part in parts(text, &boundary, true)? {
        let (headers, content) = headers(part).ok_or_else(unreadable)?;
        let kind = headers.get("content-type").and_then(|it| it.to_str().ok()).unwrap_or_default();
        items.push(match self::boundary(kind) {
            None => Item::Request(request(&headers, content, call)?.1),
            Some(inner) => {
                let mut set = Vec::new();
                for part in parts(content, &inner, false)? {
                    let (headers, content) = self::headers(part).ok_or_else(unreadable)?;
                    let (id, request) = request(&headers, content, call)?;
                    if id.is_empty() || request.method == Method::GET {
                        let message = "A change set has no GET, and every request of it has a Content-ID.";
                        return Err(Problem::new(400, "0x80048d19", message));
                    }
                    set.push((id, request));
                }
                Item::Set(set)
            }
        });
    }
    Ok(items)
}

/// What is between the delimiters. Every line ends with CRLF, the last one of the body included.
fn parts<'a>(text: &'a str, boundary: &str, is_body: bool) -> Result<Vec<&'a str>, Problem> {
    let (first, delimiter, last) =
        (format!("--{boundary}\r\n"), format!("\r\n--{boundary}\r\n"), format!("\r\n--{boundary}--"));
    let text = text.strip_prefix("\r\n").unwrap_or(text);
    let inside = text.strip_prefix(&first).ok_or_else(unreadable)?;
    let (inside, rest) = inside.rsplit_once(&last).ok_or_else(unreadable)?;
    if is_body && rest != "\r\n" {
        return Err(unreadable());
    }
    Ok(inside.split(&*delimiter).collect())
}

/// Headers up to the empty line, and what follows; a request without a body may lack that line.
fn headers(text: &str) -> Option<(HeaderMap, &str)> {
    let (head, rest) = text.split_once("\r\n\r\n").unwrap_or((text.trim_end_matches("\r\n"), ""));
    let mut headers = HeaderMap::new();
    for line in head.split("\r\n").filter(|it| !it.is_empty()) {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some((headers, rest))
}

/// A request within a batch, with what it takes over from the batch.
fn request(part: &HeaderMap, content: &str, batch: &Call) -> Result<(String, Call), Problem> {
    let is_http = |it: &HeaderValue| it.to_str().is_ok_and(|it| it.trim().starts_with("application/http"));
    let is_binary = part.get("content-transfer-encoding").is_some_and(|it| it == "binary");
    if !part.get("content-type").is_some_and(is_http) || !is_binary {
        return Err(unreadable());
    }
    let (line, rest) = content.split_once("\r\n").ok_or_else(unreadable)?;
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1"), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(unreadable());
    };
    if target.len() > TARGET_BYTES_MAX {
        return Err(Problem::new(400, "0x80048d19", "The address of a request is too long."));
    }
    let (mut headers, body) = headers(rest).ok_or_else(unreadable)?;
    for name in ["authorization", "host"] {
        if let Some(value) = batch.headers.get(name) {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
    }
    let target = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |it| &rest[it..]),
        None => target,
    };
    // Without a slash it is below the root of the batch.
    let root = batch.path.trim_end_matches("$batch");
    let target = if target.starts_with('/') { target.to_owned() } else { format!("{root}{target}") };
    if target.split('?').next().is_some_and(|it| it.ends_with("/$batch")) {
        return Err(Problem::new(400, "0x80048d19", "A batch cannot hold another batch."));
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let id = part.get("content-id").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let call = Call {
        method: method.parse().map_err(|_| unreadable())?,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Bytes::from(body.trim_end_matches("\r\n").to_owned()),
    };
    Ok((id, call))
}
