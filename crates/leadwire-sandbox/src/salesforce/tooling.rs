//! Set-up of the simulated org: making a custom field, and letting the integration user see it.

use super::query::attributes;
use super::rest::{not_allowed, not_found, object};
use super::soql::Query;
use super::{Problem, Salesforce, USER};
use crate::service::{Call, Reply};
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const SET_PREFIX: &str = "0PS5e0000000";

impl Salesforce {
    /// `POST /tooling/sobjects/CustomField`. Fields made so are hidden from everybody at first.
    pub(super) fn custom_field(&mut self, call: &Call) -> Reply {
        let body = match self.set_up_body(call) {
            Ok(body) => body,
            Err(reply) => return *reply,
        };
        let refuse = |code, message: &str| Problem::new(code, message).reply(400);
        let full_name = body.get("FullName").and_then(Value::as_str).unwrap_or_default();
        let Some(name) = full_name.strip_prefix("Lead.").filter(|it| it.ends_with("__c")) else {
            return refuse("INVALID_FULLNAME", "The full name must be Lead.Name__c");
        };
        let metadata = body.get("Metadata").cloned().unwrap_or_default();
        let text = |name: &str| metadata.get(name).and_then(Value::as_str).unwrap_or_default();
        let flag = |name: &str| metadata.get(name).and_then(Value::as_bool).unwrap_or(false);
        let length = metadata.get("length").and_then(Value::as_u64).and_then(|it| usize::try_from(it).ok());
        if text("label").is_empty() {
            return refuse("FIELD_INTEGRITY_EXCEPTION", "You must specify a label for the CustomField");
        }
        let Some(length) = length.filter(|it| text("type") == "Text" && (1..=255).contains(it)) else {
            return refuse(
                "FIELD_INTEGRITY_EXCEPTION",
                "field integrity exception: type must be Text of 1 to 255",
            );
        };
        if self.schema.any(name).is_some() {
            let message = format!("There is already a field named {} on Lead.", name.trim_end_matches("__c"));
            return refuse("DUPLICATE_DEVELOPER_NAME", &message);
        }
        self.schema.add_text(name, length, flag("externalId") && flag("unique"), false);
        Reply::json(
            201,
            &json!({
                "id": "00N5e00000AbCdEEAV", "success": true, "errors": [], "warnings": [], "infos": [],
            }),
        )
    }

    /// `POST /sobjects/PermissionSet`, `FieldPermissions` and `PermissionSetAssignment`.
    pub(super) fn set_up(&mut self, call: &Call, kind: &str) -> Reply {
        if !matches!(kind, "PermissionSet" | "FieldPermissions" | "PermissionSetAssignment") {
            return not_found();
        }
        let body = match self.set_up_body(call) {
            Ok(body) => body,
            Err(reply) => return *reply,
        };
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let made = match kind {
            "PermissionSet" => self.make_set(&text("Name"), &text("Label")),
            "FieldPermissions" => self.show_field(&body, &text("ParentId"), &text("Field")),
            _ => self.assign_set(&text("AssigneeId"), &text("PermissionSetId")),
        };
        match made {
            Ok(id) => Reply::json(201, &json!({ "id": id, "success": true, "errors": [] })),
            Err(problem) => problem.reply(400),
        }
    }

    fn set_up_body(&self, call: &Call) -> Result<Map<String, Value>, Box<Reply>> {
        if call.method != Method::POST {
            return Err(Box::new(not_allowed(call)));
        }
        if !self.options.is_admin {
            let message = "insufficient access rights on cross-reference id";
            return Problem::new("INSUFFICIENT_ACCESS_OR_READONLY", message).refusal(403);
        }
        object(call)
    }

    fn make_set(&mut self, name: &str, label: &str) -> Result<String, Problem> {
        if name.is_empty() || label.is_empty() {
            return Err(Problem::new("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name, Label]"));
        }
        if self.permission_sets.contains_key(name) {
            let message = "duplicate value found: Name duplicates value on record with id: 0PS";
            return Err(Problem::new("DUPLICATE_VALUE", message));
        }
        self.permission_sets.insert(name.to_owned(), BTreeSet::new());
        Ok(set_id(name))
    }

    fn show_field(&mut self, body: &Map<String, Value>, set: &str, field: &str) -> Result<String, Problem> {
        let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or(false);
        let name = field.strip_prefix("Lead.").filter(|it| self.schema.any(it).is_some());
        let shown = self.permission_sets.iter_mut().find(|it| set_id(it.0) == set).map(|it| it.1);
        let (Some(name), Some(shown)) = (name, shown) else {
            return Err(Problem::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"));
        };
        if flag("PermissionsEdit") && !flag("PermissionsRead") {
            let message = "PermissionsEdit requires PermissionsRead";
            return Err(Problem::new("FIELD_INTEGRITY_EXCEPTION", message));
        }
        if !shown.insert(name.to_owned()) {
            let message = "duplicate value found: <unknown> duplicates value on record with id: <unknown>";
            return Err(Problem::new("DUPLICATE_VALUE", message));
        }
        self.show();
        Ok("01k5e00000AbCdEAAV".to_owned())
    }

    fn assign_set(&mut self, user: &str, set: &str) -> Result<String, Problem> {
        let name = self.permission_sets.keys().find(|it| set_id(it) == set).cloned();
        let Some(name) = name.filter(|_| user == USER) else {
            return Err(Problem::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"));
        };
        if !self.assigned.insert(name) {
            let message = "duplicate value found: AssigneeId duplicates value on record with id: 0Pa";
            return Err(Problem::new("DUPLICATE_VALUE", message));
        }
        self.show();
        Ok("0Pa5e00000AbCdEAAV".to_owned())
    }

    /// What assigned permission sets show becomes visible.
    fn show(&mut self) {
        let shown = self.permission_sets.iter().filter(|it| self.assigned.contains(it.0)).flat_map(|it| it.1);
        for name in shown {
            self.schema.change(name, |it| it.is_visible = true);
        }
    }

    pub(super) fn permission_sets_of(&self, query: &Query) -> Vec<Value> {
        let holds = |name: &str| {
            query
                .conditions
                .iter()
                .all(|it| it.field.eq_ignore_ascii_case("name") && it.test.holds(&json!(name)))
        };
        let names = self.permission_sets.keys().filter(|it| holds(it));
        names
            .map(|it| {
                let mut row = attributes(&set_id(it));
                row.insert("Id".to_owned(), json!(set_id(it)));
                Value::Object(row)
            })
            .collect()
    }
}

/// An id that follows from the name; six characters are enough to tell a handful apart.
fn set_id(name: &str) -> String {
    let sum = name.bytes().fold(7_u32, |sum, it| sum.wrapping_mul(31).wrapping_add(u32::from(it)));
    format!("{SET_PREFIX}{:06}", sum % 1_000_000)
}
