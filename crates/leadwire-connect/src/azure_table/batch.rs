//! An entity group transaction as bytes, and its answer read back: MIME parts that hold HTTP messages. Pure.
//!
//! Source: learn.microsoft.com, "Performing entity group transactions"; bytes recorded in contract 2.9.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// Most parts read of an answer: a hundred operations, and one to spare.
const PARTS_MAX: usize = 101;
/// Most headers read of a part.
const HEADERS_MAX: usize = 32;

/// One operation of a transaction.
pub(super) struct Operation {
    /// `POST` inserts, `PATCH` merges.
    pub(super) method: &'static str,
    /// Absolute.
    pub(super) url: String,
    /// Headers besides those every operation has.
    pub(super) more: &'static str,
    /// The row, as JSON.
    pub(super) body: String,
}

/// What was answered to one operation.
pub(super) struct Part {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The body of a transaction. Every line ends with CR and LF, the last one too. A boundary cannot be within a row: JSON
/// writes its line breaks as `\n`.
pub(super) fn write(batch: &str, changeset: &str, operations: &[Operation]) -> String {
    let mut out = format!("--{batch}\r\nContent-Type: multipart/mixed; boundary={changeset}\r\n\r\n");
    for (at, it) in operations.iter().enumerate() {
        out.push_str(&format!(
            "--{changeset}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: {at}\r\n\r\n{} {} HTTP/1.1\r\nContent-Type: application/json\r\n\
             Accept: application/json;odata=minimalmetadata\r\nPrefer: return-no-content\r\n\
             DataServiceVersion: 3.0\r\n{}\r\n{}\r\n",
            it.method, it.url, it.more, it.body
        ));
    }
    out.push_str(&format!("--{changeset}--\r\n--{batch}--\r\n"));
    out
}

/// The parts of an answer, in order; none when it is not one. A refused transaction has a single part, which may stand
/// within a changeset or, as OData has it, without one.
pub(super) fn read(content_type: &str, body: &[u8]) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for whole in split(body, boundary(content_type)?)? {
        let (headers, content) = head(whole)?;
        let inner = headers.get(http::header::CONTENT_TYPE).and_then(|it| it.to_str().ok())?;
        match boundary(inner) {
            Some(changeset) => {
                for part in split(content, changeset)? {
                    parts.push(message(head(part)?.1)?);
                }
            }
            None => parts.push(message(content)?),
        }
        if parts.len() > PARTS_MAX {
            return None;
        }
    }
    (!parts.is_empty()).then_some(parts)
}

/// The boundary of a `multipart/mixed`, which may be in quotes.
fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let value = parameters.split(';').find_map(|it| {
        let (name, value) = it.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (!value.is_empty() && value.len() <= 200).then_some(value)
}

/// What stands between the lines of a boundary. None: there is no closing line, so the answer was cut off.
fn split<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<&'a [u8]>> {
    let (mut parts, mut start, mut at) = (Vec::new(), None, 0);
    while at < body.len() {
        let end = body[at..].iter().position(|it| *it == b'\n').map_or(body.len(), |it| at + it + 1);
        let line = body[at..end].trim_ascii_end();
        let mark = line.strip_prefix(b"--").and_then(|it| it.strip_prefix(boundary.as_bytes()));
        if let Some(mark) = mark.filter(|it| it.is_empty() || *it == b"--") {
            if let Some(start) = start {
                parts.push(&body[start..at]);
            }
            if mark == b"--" {
                return Some(parts);
            }
            if parts.len() > PARTS_MAX {
                return None;
            }
            start = Some(end);
        }
        at = end;
    }
    None
}

/// Headers up to the first empty line, and what follows.
fn head(part: &[u8]) -> Option<(HeaderMap, &[u8])> {
    let (mut headers, mut at) = (HeaderMap::new(), 0);
    while at < part.len() {
        let end = part[at..].iter().position(|it| *it == b'\n').map_or(part.len(), |it| at + it + 1);
        let line = part[at..end].trim_ascii_end();
        at = end;
        if line.is_empty() {
            return Some((headers, &part[at..]));
        }
        let colon = line.iter().position(|it| *it == b':')?;
        let name = HeaderName::from_bytes(line[..colon].trim_ascii()).ok()?;
        headers.append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
        if headers.len() > HEADERS_MAX {
            return None;
        }
    }
    Some((headers, &[]))
}

/// `HTTP/1.1 204 No Content`, headers and a body.
fn message(part: &[u8]) -> Option<Part> {
    let part = part.trim_ascii_start();
    let end = part.iter().position(|it| *it == b'\n').map_or(part.len(), |it| it + 1);
    let mut words = part[..end].split(u8::is_ascii_whitespace).filter(|it| !it.is_empty());
    words.next().filter(|it| it.starts_with(b"HTTP/"))?;
    let status = StatusCode::from_bytes(words.next()?).ok()?;
    let (headers, body) = head(&part[end..])?;
    Some(Part { status, headers, body: Bytes::copy_from_slice(body.trim_ascii()) })
}
