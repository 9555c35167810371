//! The OpenAPI 3.1 document, made from the table of endpoints and the shapes they name.

use super::answer;
use super::call::Call;
use super::endpoints::{ENDPOINTS, Endpoint, Tenancy};
use super::problem::Problem;
use crate::access::Action;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// `GET /openapi.json`
pub(super) async fn document(_call: Call) -> Result<Response, Problem> {
    Ok(answer::json(StatusCode::OK, &describe()))
}

/// The document.
pub fn describe() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|it| it.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in ENDPOINTS {
        let operation = operation(endpoint, &mut generator);
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method.as_str().to_ascii_lowercase()] = operation;
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Problem".to_owned(), problem_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Leadwire",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Lead management connector for software marketplaces",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer", "bearerFormat": "lw_live_…" } },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let (status, gives) = endpoint.gives;
    let mut good = json!({ "description": "Done" });
    if let Some(gives) = gives {
        good["content"] = json!({ "application/json": { "schema": gives(generator) } });
    }
    let mut operation = json!({
        "operationId": operation_id(endpoint),
        "summary": endpoint.summary,
        "parameters": parameters(endpoint),
        "responses": {
            status.to_string(): good,
            "default": {
                "description": "What is wrong, where, and how to mend it (RFC 9457)",
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            },
        },
    });
    if let Some(takes) = endpoint.takes {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": takes(generator) } } });
    }
    if !matches!(endpoint.action, Action::Open | Action::SendToAddress) {
        operation["security"] = json!([{ "key": [] }]);
    }
    operation
}

fn operation_id(endpoint: &Endpoint) -> String {
    let words = endpoint.path.split(['/', '{', '}', '.']).filter(|it| !it.is_empty() && *it != "v1");
    let name: Vec<&str> = words.collect();
    format!("{}_{}", endpoint.method.as_str().to_ascii_lowercase(), name.join("_").replace('-', "_"))
}

fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let in_path = endpoint.path.split('{').skip(1).filter_map(|it| it.split('}').next());
    let mut parameters: Vec<Value> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    if endpoint.tenancy != Tenancy::Service {
        parameters.push(json!({
            "name": "publisher",
            "in": "query",
            "description": "Whose things; not needed with a key that belongs to a publisher",
            "schema": { "type": "string" },
        }));
    }
    if endpoint.path == "/v1/leads" && endpoint.takes.is_some() {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A repetition under the same key stores nothing and is answered as the first was",
            "schema": { "type": "string", "maxLength": leadwire_core::limits::IDEMPOTENCY_KEY_BYTES_MAX },
        }));
    }
    parameters
}

fn problem_schema() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "detail", "fix"],
        "properties": {
            "type": text, "title": text, "status": { "type": "integer" }, "code": text, "detail": text,
            "fix": text, "request_id": text,
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": { "pointer": text, "code": text, "message": text, "fix": text },
                },
            },
        },
    })
}
