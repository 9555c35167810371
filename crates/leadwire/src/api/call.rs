//! One request on its way to its handler: who asks, for whose things, and with what.

use super::problem::Problem;
use crate::access::Actor;
use crate::app::App;
use axum::http::{HeaderMap, Uri};
use bytes::Bytes;
use leadwire_core::id::{PublisherId, RequestId};
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::secret::Secret;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// A request that was let in.
pub struct Call {
    /// The program.
    pub app: Arc<App>,
    /// This request.
    pub request: RequestId,
    /// Who asks; none at an endpoint that needs no key.
    pub actor: Option<Actor>,
    /// For whose things, at an endpoint of a publisher.
    pub publisher: Option<PublisherId>,
    /// The placeholders of the path.
    pub path: HashMap<String, Secret<String>>,
    /// The query's parameters; each is there once.
    pub query: HashMap<String, String>,
    /// The address that was asked for: path and query.
    pub address: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, within its cap.
    pub body: Bytes,
    /// The network address of the machine that asks.
    pub peer: IpAddr,
}

impl Call {
    /// The publisher of a publisher's endpoint.
    pub fn publisher(&self) -> PublisherId {
        self.publisher.clone().expect("the way in sets it for every endpoint of a publisher")
    }

    /// A placeholder of the path.
    pub fn path(&self, name: &str) -> &str {
        self.path.get(name).map_or("", |it| it.expose().as_str())
    }

    /// A header as text; empty when it is missing or not text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or("")
    }

    /// Rows on a page: `limit`, or the default.
    pub fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.query.get("limit") else { return Ok(limits::PAGE_ROWS) };
        match text.parse() {
            Ok(limit) if (1..=limits::PAGE_ROWS_MAX).contains(&limit) => Ok(limit),
            _ => Err(bad_query("limit", format!("give a whole number from 1 to {}", limits::PAGE_ROWS_MAX))),
        }
    }

    /// A parameter of the query, read by `read`.
    pub fn query_as<T, E>(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Problem>
    where
        E: std::fmt::Display,
    {
        match self.query.get(name) {
            None => Ok(None),
            Some(text) => read(text).map(Some).map_err(|error| bad_query(name, error.to_string())),
        }
    }

    /// Whether the asker would have figures of a while ago sooner than wait for them.
    pub fn is_lately(&self) -> bool {
        self.query.get("counted").is_some_and(|it| it == "lately")
    }

    /// The body as the shape an endpoint of the set-up wants; unknown fields are refused there.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        // The strict reader first: it bounds the depth and refuses duplicate keys, with a pointer.
        leadwire_core::json::parse(&self.body).map_err(|it| Problem::from(Refusal::from(it)))?;
        serde_json::from_slice(&self.body).map_err(|error| {
            let field = field_named_in(&error);
            Refusal::new(
                field,
                "wrong_shape",
                without_values(&error.to_string()),
                "see the endpoint's schema in /openapi.json",
            )
            .into()
        })
    }
}

fn bad_query(name: &str, fix: impl Into<String>) -> Problem {
    Refusal::new(format!("?{name}"), "bad_query", format!("the query parameter `{name}` cannot be used"), fix)
        .into()
}

/// Serde names the field in backticks: an unknown, missing or duplicate one.
fn field_named_in(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split('`').nth(1).map_or_else(String::new, |field| format!("/{field}"))
}

/// Serde quotes the value it did not expect; an error text never holds a value from the input.
fn without_values(text: &str) -> String {
    text.split('"').enumerate().map(|(at, piece)| if at % 2 == 0 { piece } else { "…" }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_out_of_serdes_words() {
        let text = r#"invalid type: string "hunter2", expected u32 at line 1 column 9"#;
        assert_eq!(without_values(text), "invalid type: string …, expected u32 at line 1 column 9");
    }
}
