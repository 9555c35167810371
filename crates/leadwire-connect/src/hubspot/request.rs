//! HubSpot's batch calls: from contacts to the bytes of a request. Pure.

use super::Contact;
use crate::egress::Request;
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use leadwire_core::mapping::{MappedField, Value};
use serde_json::{Map, Value as Json, json};
use std::time::Duration;
use url::Url;

/// Where HubSpot is and how it is spoken to.
pub(super) struct Place {
    pub(super) base: Url,
    pub(super) version: String,
    pub(super) credential: HeaderValue,
    pub(super) wait: Duration,
}

impl Place {
    /// An address below the contacts: `crm/v3/objects/contacts/…`, or `crm/objects/2026-09/contacts/…` for dated versions.
    pub(super) fn contacts(&self, rest: &str) -> Url {
        self.of("objects", rest)
    }

    /// An address below the properties of contacts.
    pub(super) fn properties(&self) -> Url {
        self.of("properties", "")
    }

    fn of(&self, noun: &str, rest: &str) -> Url {
        self.below(noun, &format!("contacts{rest}"))
    }

    /// An address below the objects, properties or associations of any type.
    pub(super) fn below(&self, noun: &str, rest: &str) -> Url {
        let path = if self.version.starts_with('v') {
            format!("crm/{}/{noun}/{rest}", self.version)
        } else {
            format!("crm/{noun}/{}/{rest}", self.version)
        };
        self.base.join(&path).expect("a base that was checked, and a path of letters and digits")
    }

    /// A request without a body.
    pub(super) fn request(&self, method: Method, url: Url) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.credential.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut request = Request::new(method, url, headers, Bytes::new());
        request.wait = self.wait;
        // A hundred contacts come back with every property that was sent, so answers are as long as requests.
        request.answer_bytes_max = 16 * 1024 * 1024;
        request
    }

    /// Deletes a contact for good.
    pub(super) fn erase(&self, id: &str) -> Request {
        self.post("/gdpr-delete", &json!({ "objectId": id }))
    }

    pub(super) fn post(&self, rest: &str, body: &Json) -> Request {
        self.post_to(self.contacts(rest), body)
    }

    pub(super) fn post_to(&self, url: Url, body: &Json) -> Request {
        let mut request = self.request(Method::POST, url);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = Bytes::from(body.to_string());
        request
    }

    /// Makes contacts; those that are there already are refused one by one.
    pub(super) fn create(&self, contacts: &[&Contact]) -> Request {
        let inputs: Vec<Json> = contacts
            .iter()
            .map(|it| {
                let properties = properties(it.mapped.fields.iter(), Some(it), &it.key_property);
                json!({ "properties": properties, "objectWriteTraceId": it.trace })
            })
            .collect();
        self.post("/batch/create", &json!({ "inputs": inputs }))
    }

    /// Makes or overwrites contacts, with every property: a partial upsert by e-mail is not supported.
    pub(super) fn upsert(&self, contacts: &[&Contact]) -> Request {
        let inputs: Vec<Json> = contacts
            .iter()
            .map(|it| {
                let properties = properties(it.mapped.fields.iter(), Some(it), &it.key_property);
                json!({
                    "id": it.key,
                    "idProperty": it.key_property,
                    "objectWriteTraceId": it.trace,
                    "properties": properties,
                })
            })
            .collect();
        self.post("/batch/upsert", &json!({ "inputs": inputs }))
    }

    /// Writes the properties that are Leadwire's own to contacts that are there.
    pub(super) fn update(&self, contacts: &[&Contact]) -> Request {
        let inputs: Vec<Json> = contacts
            .iter()
            .map(|it| {
                json!({
                    "id": it.key,
                    "idProperty": it.key_property,
                    "objectWriteTraceId": it.trace,
                    "properties": properties(it.mapped.owned(), None, &it.key_property),
                })
            })
            .collect();
        self.post("/batch/update", &json!({ "inputs": inputs }))
    }

    /// Asks which contacts are there.
    pub(super) fn read(&self, contacts: &[&Contact]) -> Request {
        let id_property = contacts.first().map_or("email", |it| it.key_property.as_str());
        let inputs: Vec<Json> = contacts.iter().map(|it| json!({ "id": it.key })).collect();
        let body = json!({ "idProperty": id_property, "properties": [id_property], "inputs": inputs });
        self.post("/batch/read", &body)
    }
}

/// Every property is a text (HubSpot, contacts guide).
fn properties<'a>(
    fields: impl Iterator<Item = &'a MappedField>,
    keyed: Option<&Contact>,
    key_property: &str,
) -> Map<String, Json> {
    let mut properties = Map::new();
    // A property of the publisher's own holds the lead's id, which is no row of the mapping.
    if let Some(contact) = keyed.filter(|it| it.key_property != "email") {
        properties.insert(contact.key_property.clone(), json!(contact.key));
    }
    for field in fields.filter(|it| it.target != key_property || key_property == "email") {
        let text = match &field.value {
            Value::Text(text) | Value::Number(text) => json!(text),
            Value::Bool(it) => json!(it.to_string()),
        };
        properties.insert(field.target.clone(), text);
    }
    properties
}
