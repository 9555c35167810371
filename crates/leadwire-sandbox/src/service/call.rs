//! A call as a simulated service sees it, and its reply.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use url::form_urlencoded;

/// One request, read whole.
#[derive(Clone)]
pub struct Call {
    /// Its method.
    pub method: Method,
    /// Its path as sent, still percent-encoded.
    pub path: String,
    /// Its query as sent, without the question mark; empty when there is none.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Call {
    /// The segments of the path, decoded.
    pub fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|it| !it.is_empty()).map(decoded).collect()
    }

    /// The first value of a query parameter, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes()).find(|it| it.0 == name).map(|it| it.1.into_owned())
    }

    /// The fields of a form body, decoded, in order.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// A header's value as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The host it was sent to, with the port.
    pub fn host(&self) -> &str {
        self.header("host").unwrap_or_default()
    }

    /// The media type of the body, without parameters and in lower case.
    pub fn media_type(&self) -> String {
        let whole = self.header("content-type").unwrap_or_default();
        whole.split(';').next().unwrap_or_default().trim().to_lowercase()
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The token of `Authorization: Bearer`.
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    }
}

/// Percent-decoded text; what is not UTF-8 becomes a replacement character.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = pair.and_then(|it| u8::from_str_radix(std::str::from_utf8(it).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, but for `Content-Length` and `Date`.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Reply {
    /// An empty reply.
    ///
    /// # Panics
    /// When the number is not a status.
    pub fn empty(status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("a status is 100 to 999");
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A reply with a body of this type.
    ///
    /// # Panics
    /// When the number is not a status, or the type cannot be a header's value.
    pub fn text(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let mut reply = Self::empty(status).header(header::CONTENT_TYPE.as_str(), content_type);
        reply.body = body.into();
        reply
    }

    /// A reply in JSON.
    ///
    /// # Panics
    /// When the number is not a status.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json;charset=UTF-8", body.to_string())
    }

    /// The same reply with one more header.
    ///
    /// # Panics
    /// When the name or the value cannot be sent.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        self.headers.append(name, HeaderValue::from_str(value).expect("a header's value"));
        self
    }
}
