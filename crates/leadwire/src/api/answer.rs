//! Good answers: JSON with a status, pages with a cursor.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An answer in JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let text = serde_json::to_vec(value).expect("our own answers are JSON");
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer without a body.
pub(super) fn empty() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// A page of rows; `next` is there when the page is full, and is the cursor of the one behind it.
pub(super) fn page<T: Serialize>(rows: Vec<T>, limit: usize, cursor: impl FnOnce(&T) -> String) -> Response {
    let next = rows.last().filter(|_| rows.len() == limit).map(cursor);
    json(StatusCode::OK, &super::wire::Page { items: rows, next })
}
