//! The OpenAPI 3.1 document, made from the table of endpoints and the shapes they name.

use super::answer;
use super::call::Call;
use super::endpoints::{ENDPOINTS, Endpoint, Tenancy};
use super::problem::Problem;
use super::wire;
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
    } else if status == 200 {
        let kind = match endpoint.path {
            "/o/{offer}/embed.js" => "text/javascript",
            "/assets/{name}" => "*/*",
            path if path.ends_with("/body") => "application/octet-stream",
            _ if endpoint.action == Action::Visit => "text/html",
            _ => "application/json",
        };
        good["content"] = json!({ kind: {} });
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
        let mut content = json!({ "application/json": { "schema": takes(generator) } });
        if endpoint.action == Action::SendTouchpoints {
            let lines = json!({ "type": "string", "description": "A touchpoint on each line" });
            content["application/x-ndjson"] = json!({ "schema": lines });
        }
        if endpoint.action == Action::SendToAddress {
            content["application/x-www-form-urlencoded"] = json!({ "schema": { "type": "object" } });
        }
        if endpoint.action == Action::Visit {
            content = json!({ "application/x-www-form-urlencoded": { "schema": { "type": "object" } } });
        }
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    add_other_answers(endpoint, &mut operation, generator);
    if !matches!(endpoint.action, Action::Open | Action::SendToAddress | Action::Visit) {
        operation["security"] = json!([{ "key": [] }]);
    }
    operation
}

/// Answers that tell of a failure in the shape of a good one.
fn add_other_answers(endpoint: &Endpoint, operation: &mut Value, generator: &mut SchemaGenerator) {
    let (status, description, schema) = match endpoint.path {
        "/v1/leads" if endpoint.takes.is_some() => {
            ("422", "Refused; of several touchpoints, every one", generator.subschema_for::<wire::Receipts>())
        }
        "/readyz" => ("503", "Not ready", generator.subschema_for::<wire::Readiness>()),
        _ => return,
    };
    operation["responses"][status] = json!({
        "description": description,
        "content": {
            "application/json": { "schema": schema },
            "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
        },
    });
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
    for (name, purpose) in endpoint.query {
        let schema = match *name {
            "limit" => {
                json!({ "type": "integer", "minimum": 1, "maximum": leadwire_core::limits::PAGE_ROWS_MAX })
            }
            _ => json!({ "type": "string" }),
        };
        parameters.push(json!({ "name": name, "in": "query", "description": purpose, "schema": schema }));
    }
    if endpoint.path == "/v1/leads" && endpoint.takes.is_some() {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A repetition under the same key stores nothing and is answered as the first was",
            "schema": {
                "type": "string",
                "pattern": "^[!-~]+$",
                "maxLength": leadwire_core::limits::IDEMPOTENCY_KEY_BYTES_MAX,
            },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_can_be_turned() {
        let document = describe();
        let operations = document["paths"].as_object().expect("paths").values();
        let pages: Vec<&Value> = operations
            .map(|path| &path["get"])
            .filter(|it| {
                let schema = &it["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
                schema.as_str().is_some_and(|it| it.starts_with("#/components/schemas/Page"))
            })
            .collect();
        assert!(pages.len() >= 3, "only {} pages", pages.len());
        for page in pages {
            let parameters = page["parameters"].as_array().expect("parameters");
            for wanted in ["limit", "cursor"] {
                assert!(
                    parameters.iter().any(|it| it["name"] == wanted),
                    "{} lacks {wanted}",
                    page["operationId"]
                );
            }
        }
    }
}
