//! A form's submission: from a mapped lead to the bytes of a request. Pure.

use super::fields::TARGETS;
use crate::marketo::fields::CONSENT_FIELDS;
use crate::marketo::request::as_json;
use crate::marketo::session::Call;
use leadwire_core::mapping::{Mapped, MappedField, Value, Write};
use serde_json::{Map, Value as Json, json};
use url::form_urlencoded::Serializer;

/// What a submission depends on besides the lead.
pub(super) struct Shape {
    pub(super) munchkin_id: String,
    pub(super) form_id: u64,
    pub(super) program_id: Option<u64>,
    pub(super) page_url: Option<String>,
}

/// Which fields go into a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// The address, and what is Leadwire's own.
    Own,
}

impl Shape {
    /// `submitForm.json`: exactly one submission, and no null in it, which Marketo refuses (Adobe's release notes).
    pub(super) fn submit(&self, mapped: &Mapped, part: Part) -> Call {
        let fields: Map<String, Json> =
            meant(mapped, part).map(|it| (it.target.clone(), as_json(&it.value))).collect();
        let mut input = json!({ "leadFormFields": fields });
        if let Some(page) = &self.page_url {
            input["visitorData"] = json!({ "pageURL": page });
        }
        let mut body = json!({ "formId": self.form_id });
        if let Some(program) = self.program_id {
            body["programId"] = json!(program);
        }
        body["input"] = json!([input]);
        Call::post("rest/v1/leads/submitForm.json", body.to_string())
    }

    /// What a browser posts, with the names of the rendered form: `Email` for `email`; custom names as they stand.
    pub(super) fn form(&self, mapped: &Mapped) -> String {
        let id = self.form_id.to_string();
        let mut form = Serializer::new(String::new());
        form.append_pair("munchkinId", &self.munchkin_id)
            .append_pair("formid", &id)
            .append_pair("formVid", &id);
        for field in meant(mapped, Part::Whole) {
            let value = match &field.value {
                Value::Bool(true) => "yes",
                Value::Bool(false) => "no",
                Value::Text(text) | Value::Number(text) => text,
            };
            form.append_pair(&form_name(&field.target), value);
        }
        form.finish()
    }
}

/// Without an opt-out taken back.
fn meant(mapped: &Mapped, part: Part) -> impl Iterator<Item = &MappedField> {
    mapped.fields.iter().filter(move |it| {
        let undoes = CONSENT_FIELDS.contains(&it.target.as_str()) && it.value == Value::Bool(false);
        let is_meant = part == Part::Whole || it.target == "email" || it.write == Write::Always;
        is_meant && !undoes
    })
}

/// A field's name on the rendered form.
pub(super) fn form_name(name: &str) -> String {
    let is_standard = TARGETS.iter().any(|it| it.name == name);
    let mut letters = name.chars();
    match letters.next() {
        Some(first) if is_standard => first.to_ascii_uppercase().to_string() + letters.as_str(),
        _ => name.to_owned(),
    }
}
