//! The endpoint of mapping versions.

use super::answer;
use super::call::Call;
use super::destinations::find;
use super::problem::Problem;
use super::wire::{self, List, moment};
use axum::http::StatusCode;
use axum::response::Response;

/// `GET /v1/destinations/{destination}/mappings`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let (_, destination) = find(&call)?;
    let found = call.app.store.mapping_versions(destination.publisher, destination.number).await?;
    let newest = found.first().map(|it| it.number);
    let items = found.into_iter().map(|it| wire::MappingVersion {
        number: it.number,
        current: Some(it.number) == newest,
        created_at: moment(it.created_at),
        created_by: Some(it.created_by).filter(|it| !it.is_empty()),
        // Written by this program; a row that cannot be read has no rows to show.
        mapping: serde_json::from_str(&it.mapping).unwrap_or_default(),
    });
    Ok(answer::json(StatusCode::OK, &List { items: items.collect() }))
}
