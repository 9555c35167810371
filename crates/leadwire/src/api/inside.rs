//! Endpoints asked from within the process, as the portal does: by the same table, with the same rights, told the same way.

use super::call::Call;
use super::endpoints::ENDPOINTS;
use super::problem::Problem;
use super::server::{admit, handle};
use crate::access::Actor;
use crate::app::App;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use leadwire_core::id::RequestId;
use leadwire_core::secret::Secret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;

/// Who asks.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) app: Arc<App>,
    pub(crate) request: RequestId,
    pub(crate) actor: Actor,
    pub(crate) peer: IpAddr,
}

/// What is asked: an endpoint by its method and the pattern of its path, and what stands in its places.
pub(crate) struct Wish<'a> {
    pub(crate) method: Method,
    pub(crate) pattern: &'static str,
    pub(crate) places: &'a [(&'static str, &'a str)],
    pub(crate) query: &'a [(&'static str, &'a str)],
    pub(crate) body: Option<Value>,
}

impl<'a> Wish<'a> {
    /// To be shown something.
    pub(crate) fn get(pattern: &'static str) -> Self {
        Self { method: Method::GET, pattern, places: &[], query: &[], body: None }
    }

    /// To have something done.
    pub(crate) fn post(pattern: &'static str) -> Self {
        Self { method: Method::POST, ..Self::get(pattern) }
    }

    /// The same with what stands in the places of the path.
    pub(crate) fn at(self, places: &'a [(&'static str, &'a str)]) -> Self {
        Self { places, ..self }
    }

    /// The same with parameters; an empty one is left out.
    pub(crate) fn with(self, query: &'a [(&'static str, &'a str)]) -> Self {
        Self { query, ..self }
    }

    /// The same with a body.
    pub(crate) fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

impl Asker {
    /// Asks, and reads the answer as its shape. What has no body reads as null.
    ///
    /// # Errors
    /// What the endpoint says, and what the table says of rights.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, wish: Wish<'_>) -> Result<T, Problem> {
        let answer = self.answer(wish).await?;
        let body = answer.into_body().collect().await;
        let body = body.map_err(|_| Problem::internal("an answer of our own broke off"))?.to_bytes();
        let text: &[u8] = if body.is_empty() { b"null" } else { &body };
        serde_json::from_slice(text).map_err(|it| Problem::internal(format!("an answer of our own: {it}")))
    }

    async fn answer(&self, wish: Wish<'_>) -> Result<Response, Problem> {
        let endpoint = ENDPOINTS.iter().find(|it| it.path == wish.pattern && it.method == wish.method);
        let endpoint = endpoint.ok_or_else(|| Problem::internal("the portal asks for what is not there"))?;
        let given = wish.query.iter().filter(|it| !it.1.is_empty());
        let query = given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let publisher = admit(endpoint, &self.actor, &query, &self.app.directory.now())?;
        let places = wish.places.iter();
        let path = places.map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())));
        let body = wish.body.map_or_else(Bytes::new, |it| Bytes::from(it.to_string()));
        let call = Call {
            app: Arc::clone(&self.app),
            request: self.request,
            actor: Some(self.actor.clone()),
            publisher,
            path: path.collect(),
            query,
            address: Uri::from_static(endpoint.path.split('{').next().unwrap_or("/")),
            headers: HeaderMap::new(),
            body,
            peer: self.peer,
        };
        handle(endpoint, call).await
    }
}
