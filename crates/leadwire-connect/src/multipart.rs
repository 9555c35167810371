//! `multipart/mixed` bodies that carry HTTP messages, as `$batch` of OData does: written exactly, read with bounds.
//!
//! Format: OData 4.01 Part 1, 11.7 (Batch Requests); RFC 2046, 5.1. Pure: bytes in, bytes out.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// Most headers read of one part.
const HEADERS_MAX: usize = 64;
/// Longest boundary (RFC 2046, 5.1.1).
const BOUNDARY_MAX: usize = 70;

/// Writes a body part by part. Every line ends with CRLF, the last one included: Dataverse refuses a body that ends
/// otherwise with `Stream was not readable`.
pub(crate) struct Writer {
    boundary: String,
    out: Vec<u8>,
}

impl Writer {
    /// `boundary` must not occur in what is carried: take one that is made from a hash or an id.
    pub(crate) fn new(boundary: &str) -> Self {
        Self { boundary: boundary.to_owned(), out: Vec::new() }
    }

    /// The value of `Content-Type`.
    pub(crate) fn content_type(&self) -> String {
        content_type(&self.boundary)
    }

    /// Adds a part of these headers.
    pub(crate) fn part(&mut self, headers: &[(&str, &str)], content: &[u8]) {
        self.line(&["--", &self.boundary.clone()]);
        for (name, value) in headers {
            self.line(&[name, ": ", value]);
        }
        self.line(&[]);
        self.out.extend_from_slice(content);
        self.line(&[]);
    }

    /// Adds an HTTP request as a part of its own.
    pub(crate) fn request(&mut self, request: &[u8]) {
        self.part(&[("Content-Type", "application/http"), ("Content-Transfer-Encoding", "binary")], request);
    }

    /// The body.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.line(&["--", &self.boundary.clone(), "--"]);
        self.out
    }

    fn line(&mut self, pieces: &[&str]) {
        for piece in pieces {
            self.out.extend_from_slice(piece.as_bytes());
        }
        self.out.extend_from_slice(b"\r\n");
    }
}

/// The value of `Content-Type` for a boundary.
pub(crate) fn content_type(boundary: &str) -> String {
    format!("multipart/mixed; boundary=\"{boundary}\"")
}

/// An HTTP request as a part carries it; `target` is a path with a query, or a whole URL.
pub(crate) fn http_request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut out = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
    for (name, value) in headers {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// One part of a body.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) headers: HeaderMap,
    pub(crate) content: Bytes,
}

/// A body that was read.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    /// Those that are complete, in order.
    pub(crate) parts: Vec<Part>,
    /// The closing line was there: no part is missing.
    pub(crate) is_whole: bool,
}

/// One answer of a batch. Prints no body: it may repeat what was sent.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The answers of a batch.
pub(crate) struct Answers {
    /// Those that are complete, in order; a change set's stand in its place.
    pub(crate) answers: Vec<Said>,
    /// No answer is missing for want of bytes.
    pub(crate) is_whole: bool,
}

/// The boundary in a `Content-Type`; none when it is another type.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let parameter = parameters.split(';').map(str::trim).find_map(|it| {
        let (name, value) = it.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (!parameter.is_empty() && parameter.len() <= BOUNDARY_MAX).then_some(parameter)
}

/// Reads a body of at most `parts_max` parts. None: it has no first boundary, or more parts, or one that is no part.
pub(crate) fn read(body: &Bytes, boundary: &str, parts_max: usize) -> Option<Parts> {
    let delimiter = format!("--{boundary}");
    let (_, mut at) = next_delimiter(body, &delimiter, 0)?;
    let mut parts = Vec::new();
    loop {
        // What follows the boundary on its line: two dashes end the body.
        if body[at..].starts_with(b"--") {
            return Some(Parts { parts, is_whole: true });
        }
        let Some(start) = line_end(body, at) else { break };
        let Some((end, after)) = next_delimiter(body, &delimiter, start) else { break };
        if parts.len() == parts_max {
            return None;
        }
        parts.push(read_part(body.slice(start..end))?);
        at = after;
    }
    Some(Parts { parts, is_whole: false })
}

/// Reads the answers of a batch, those of change sets among them; `answers_max` bounds both.
pub(crate) fn answers(headers: &HeaderMap, body: &Bytes, answers_max: usize) -> Option<Answers> {
    let content_type = headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    let outer = read(body, boundary(content_type)?, answers_max)?;
    let (mut answers, mut is_whole) = (Vec::new(), outer.is_whole);
    for part in &outer.parts {
        let kind = part.headers.get(http::header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        match kind.and_then(boundary) {
            None => answers.push(http_answer(part)?),
            Some(inner) => {
                let inner = read(&part.content, inner, answers_max)?;
                is_whole &= inner.is_whole;
                for part in &inner.parts {
                    answers.push(http_answer(part)?);
                }
            }
        }
        if answers.len() > answers_max {
            return None;
        }
    }
    Some(Answers { answers, is_whole })
}

/// The HTTP answer a part carries.
pub(crate) fn http_answer(part: &Part) -> Option<Said> {
    let content = trimmed(&part.content);
    let first = line_end(&content, 0)?;
    let line = std::str::from_utf8(&content[..first]).ok()?;
    let mut words = line.split_ascii_whitespace();
    words.next().filter(|it| it.starts_with("HTTP/1."))?;
    let status = StatusCode::from_bytes(words.next()?.as_bytes()).ok()?;
    let Part { headers, content } = read_part(content.slice(first..))?;
    Some(Said { status, headers, body: content })
}

/// Where the next delimiter line begins, with the line end before it, and where the delimiter itself ends.
fn next_delimiter(body: &[u8], delimiter: &str, from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        if body[at..].starts_with(delimiter.as_bytes()) {
            let after = at + delimiter.len();
            // A longer boundary may start with this one.
            if matches!(body.get(after), None | Some(b'-' | b'\r' | b'\n' | b' ' | b'\t')) {
                let start = body[from..at].strip_suffix(b"\n").map_or(at, |it| from + it.len());
                let start = body[from..start].strip_suffix(b"\r").map_or(start, |it| from + it.len());
                return Some((start, after));
            }
        }
        at = line_end(body, at)?;
    }
}

/// Where the line after the one at a place begins.
fn line_end(body: &[u8], at: usize) -> Option<usize> {
    body.get(at..)?.iter().position(|it| *it == b'\n').map(|it| at + it + 1)
}

/// Headers, an empty line, and the content.
fn read_part(bytes: Bytes) -> Option<Part> {
    let mut headers = HeaderMap::new();
    let mut at = 0;
    loop {
        // A part without content may lack the empty line.
        let Some(next) = line_end(&bytes, at) else {
            let rest = bytes[at..].trim_ascii();
            return rest.is_empty().then(|| Part { headers, content: Bytes::new() });
        };
        let line = bytes[at..next].trim_ascii_end();
        at = next;
        if line.is_empty() {
            return Some(Part { headers, content: bytes.slice(at..) });
        }
        if headers.len() == HEADERS_MAX {
            return None;
        }
        let colon = line.iter().position(|it| *it == b':')?;
        let name = HeaderName::from_bytes(line[..colon].trim_ascii()).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        headers.append(name, value);
    }
}

fn trimmed(bytes: &Bytes) -> Bytes {
    let start = bytes.len() - bytes.trim_ascii_start().len();
    bytes.slice(start..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KIND: &str = "multipart/mixed; boundary=batchresponse_b1";

    fn headers(content_type: &str) -> HeaderMap {
        let value = HeaderValue::from_str(content_type).unwrap();
        HeaderMap::from_iter([(http::header::CONTENT_TYPE, value)])
    }

    #[test]
    fn a_batch_is_written_line_by_line() {
        let mut writer = Writer::new("batch_1");
        assert_eq!(writer.content_type(), "multipart/mixed; boundary=\"batch_1\"");
        let get = http_request("GET", "/leads(1)", &[("Accept", "application/json")], b"");
        writer.request(&get);
        let put = http_request("PUT", "/leads(2)", &[], b"{}");
        writer.part(&[("Content-Type", "application/http"), ("Content-ID", "1")], &put);
        let expected = "--batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
            GET /leads(1) HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n\
            --batch_1\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\nPUT /leads(2) HTTP/1.1\r\n\r\n{}\r\n\
            --batch_1--\r\n";
        assert_eq!(String::from_utf8(writer.finish()).unwrap(), expected);
    }

    #[test]
    fn answers_are_read_in_order_those_of_change_sets_among_them() {
        let body = "--batchresponse_b1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
            HTTP/1.1 204 No Content\r\nOData-EntityId: https://x/leads(1)\r\n\r\n\r\n\
            --batchresponse_b1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_c\r\n\r\n\
            --changesetresponse_c\r\nContent-Type: application/http\r\nContent-ID: 7\r\n\r\n\
            HTTP/1.1 412 Precondition Failed\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n--changesetresponse_c--\r\n\
            --batchresponse_b1--\r\n";
        for body in [body.to_owned(), body.replace("\r\n", "\n")] {
            let read = answers(&headers(KIND), &Bytes::from(body), 2).unwrap();
            assert!(read.is_whole);
            let seen: Vec<(u16, &[u8])> =
                read.answers.iter().map(|it| (it.status.as_u16(), it.body.trim_ascii())).collect();
            assert_eq!(seen, [(204, &b""[..]), (412, &b"{\"a\":1}"[..])]);
            assert_eq!(read.answers[0].headers["odata-entityid"], "https://x/leads(1)");
        }
    }

    #[test]
    fn what_is_not_a_batch_or_too_much_of_one_is_none() {
        let part = "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n";
        let read_all = |kind: &str, body: &str, max: usize| {
            answers(&headers(kind), &Bytes::from(body.to_owned()), max)
                .map(|it| (it.answers.len(), it.is_whole))
        };
        let kind = "multipart/mixed;boundary=\"b\"";
        assert_eq!(read_all(kind, &format!("{part}{part}--b--"), 2), Some((2, true)));
        assert_eq!(read_all(kind, &format!("{part}{part}--b--"), 1), None);
        // Cut off: what is complete is known, and no more.
        assert_eq!(read_all(kind, &format!("{part}{part}"), 2), Some((1, false)));
        assert_eq!(read_all(kind, &format!("{part}--b\r\nContent-Type: app"), 2), Some((1, false)));
        assert_eq!(read_all(kind, "--b\r\n\r\nHTTP/2 200\r\n\r\n--b--", 2), None);
        assert_eq!(read_all(kind, "<html>", 2), None);
        assert_eq!(read_all("application/json", &format!("{part}--b--"), 2), None);
        assert_eq!(read_all("multipart/mixed", &format!("{part}--b--"), 2), None);
        // A boundary that starts with another one.
        assert_eq!(read_all(kind, &format!("{part}--bc\r\n--b--"), 2), Some((1, true)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in "(--b|\r\n|HTTP/1.1 2|: |a|--|\n){0,40}") {
            let kind = headers("multipart/mixed; boundary=b");
            if let Some(read) = answers(&kind, &Bytes::from(body), 8) {
                prop_assert!(read.answers.len() <= 8);
            }
        }

        #[test]
        fn what_is_written_is_read_again(bodies in prop::collection::vec("[a-z{}\"\r\n-]{0,20}", 0..5)) {
            let mut writer = Writer::new("batch_0c5e");
            for body in &bodies {
                let mut said = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n".to_vec();
                said.extend_from_slice(body.as_bytes());
                writer.request(&said);
            }
            let headers = headers(&writer.content_type());
            let read = answers(&headers, &Bytes::from(writer.finish()), 5).unwrap();
            prop_assert!(read.is_whole);
            let seen: Vec<&[u8]> = read.answers.iter().map(|it| &*it.body).collect();
            let sent: Vec<&[u8]> = bodies.iter().map(String::as_bytes).collect();
            prop_assert_eq!(seen, sent);
        }
    }
}
