//! Reads the body of an entity group transaction, and writes its answer.
//!
//! Source: learn.microsoft.com, "Performing entity group transactions". Line ends are CR and LF, as the documented example
//! has them: a body that ends its lines otherwise is refused.

use super::wrong::{Wrong, invalid};
use crate::service::Reply;

/// An operation as it stands in the body.
pub(super) struct Inner {
    pub(super) method: String,
    /// Absolute.
    pub(super) url: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Inner {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }
}

/// Operations of the only change set, in order.
pub(super) fn read(content_type: &str, body: &[u8]) -> Result<Vec<Inner>, Wrong> {
    let text = std::str::from_utf8(body).map_err(|_| invalid(""))?;
    let batch = parts(text, boundary(content_type).ok_or_else(|| invalid(""))?)?;
    let [set] = batch.as_slice() else { return Err(invalid("A batch holds one change set.")) };
    let (headers, content) = head(set)?;
    let inner = headers.iter().find(|it| it.0 == "content-type").and_then(|it| boundary(&it.1));
    parts(content, inner.ok_or_else(|| invalid("A batch holds one change set."))?)?
        .into_iter()
        .map(operation)
        .collect()
}

fn operation(part: &str) -> Result<Inner, Wrong> {
    let (headers, content) = head(part)?;
    let has =
        |name: &str, value: &str| headers.iter().any(|it| it.0 == name && it.1.eq_ignore_ascii_case(value));
    if !has("content-type", "application/http") || !has("content-transfer-encoding", "binary") {
        return Err(invalid("A part is not an HTTP request."));
    }
    let (line, rest) = content.split_once("\r\n").ok_or_else(|| invalid(""))?;
    let words: Vec<&str> = line.split(' ').collect();
    let [method, url, "HTTP/1.1"] = words.as_slice() else { return Err(invalid("")) };
    let (headers, body) = head(rest)?;
    let body = body.strip_suffix("\r\n").unwrap_or(body).as_bytes().to_vec();
    Ok(Inner { method: (*method).to_owned(), url: (*url).to_owned(), headers, body })
}

fn boundary(content_type: &str) -> Option<&str> {
    let value = content_type.strip_prefix("multipart/mixed;")?.trim().strip_prefix("boundary=")?;
    let value = value.trim_matches('"');
    (!value.is_empty() && !value.contains(';')).then_some(value)
}

fn parts<'a>(body: &'a str, boundary: &str) -> Result<Vec<&'a str>, Wrong> {
    let open = format!("--{boundary}\r\n");
    let close = format!("--{boundary}--");
    let inside = body.trim_start().strip_prefix(&open).ok_or_else(|| invalid("The batch is malformed."))?;
    let (inside, _) = inside.split_once(&close).ok_or_else(|| invalid("The batch is not closed."))?;
    Ok(inside.split(open.as_str()).collect())
}

type Head<'a> = (Vec<(String, String)>, &'a str);

fn head(part: &str) -> Result<Head<'_>, Wrong> {
    if let Some(rest) = part.strip_prefix("\r\n") {
        return Ok((Vec::new(), rest));
    }
    let (head, rest) = part.split_once("\r\n\r\n").ok_or_else(|| invalid("The batch is malformed."))?;
    let mut headers = Vec::new();
    for line in head.split("\r\n").filter(|it| !it.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| invalid("The batch is malformed."))?;
        headers.push((name.trim().to_lowercase(), value.trim().to_owned()));
    }
    Ok((headers, rest))
}

/// The answer: one part for each operation, or a single one for the operation that was refused. Each is a status line with
/// headers, and a body.
pub(super) fn reply(said: &[(String, String)], number: u64) -> Reply {
    let (batch, set) =
        (format!("batchresponse_{number:08x}-0000"), format!("changesetresponse_{number:08x}-0001"));
    let mut body = format!("--{batch}\r\nContent-Type: multipart/mixed; boundary={set}\r\n\r\n");
    for (head, content) in said {
        body.push_str(&format!(
            "--{set}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n{head}\r\n\r\n{content}\r\n"
        ));
    }
    body.push_str(&format!("--{set}--\r\n--{batch}--\r\n"));
    Reply::text(202, &format!("multipart/mixed; boundary={batch}"), body)
}
