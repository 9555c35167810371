//! Notes on leads in the simulated environment: made once under the client's id, read by lead, and gone with their lead.
//!
//! learn.microsoft.com, `power-apps/developer/data-platform/reference/entities/annotation`.

use super::rows::body;
use super::{Dynamics, Problem, is_guid, json_reply, leads};
use crate::service::{Call, Reply};
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Lengths of `subject` and `notetext`.
const LENGTHS: [(&str, usize); 2] = [("subject", 500), ("notetext", 100_000)];

/// One note.
#[derive(Clone, Debug)]
pub(super) struct Note {
    /// The lead it hangs on; none when that was deleted and the note stayed.
    pub(super) lead: Option<String>,
    values: Map<String, Value>,
}

/// The notes, by id.
#[derive(Clone, Default)]
pub(super) struct Notes(BTreeMap<String, Note>);

impl Notes {
    /// What the notes of a lead say, or of no lead any more.
    pub(super) fn of(&self, lead: Option<&str>) -> Vec<Value> {
        let mine = self.0.values().filter(|it| it.lead.as_deref() == lead);
        mine.map(|it| Value::Object(it.values.clone())).collect()
    }

    /// The lead is gone, and its notes with it, unless an administrator set the relationship to another behaviour.
    pub(super) fn lead_deleted(&mut self, lead: &str, cascades: bool) {
        if cascades {
            self.0.retain(|_, it| it.lead.as_deref() != Some(lead));
        }
        for note in self.0.values_mut().filter(|it| it.lead.as_deref() == Some(lead)) {
            note.lead = None;
        }
    }
}

impl Dynamics {
    pub(super) fn note(&mut self, call: &Call, segment: &str) -> Result<Reply, Problem> {
        let id = segment.strip_prefix("annotations(").and_then(|it| it.strip_suffix(')'));
        match (&call.method, id.filter(|it| is_guid(it)).map(str::to_lowercase)) {
            (&Method::GET, None) if id.is_none() => self.list_notes(call),
            (&Method::GET, Some(id)) => {
                self.may("prvReadNote")?;
                match self.notes.0.get(&id) {
                    Some(_) => Ok(json_reply(200, &json!({ "annotationid": id }))),
                    None => Err(leads::missing("annotation", &id)),
                }
            }
            (&Method::PATCH, Some(id)) => self.write_note(call, id),
            (&Method::DELETE, Some(id)) => {
                self.may("prvDeleteNote")?;
                match self.notes.0.remove(&id) {
                    Some(_) => Ok(Reply::empty(204).header("odata-version", "4.0")),
                    None => Err(leads::missing("annotation", &id)),
                }
            }
            _ => {
                let message =
                    format!("The requested resource does not support http method '{}'.", call.method);
                Err(Problem::new(405, "", message))
            }
        }
    }

    /// Only makes notes, as a client does that must not write over one: with `If-None-Match: *`.
    fn write_note(&mut self, call: &Call, id: String) -> Result<Reply, Problem> {
        if call.header("if-none-match") != Some("*") {
            let message = "The sandbox takes notes with If-None-Match: * only.";
            return Err(Problem::new(400, "0x80048d19", message));
        }
        let body = body(call)?;
        if self.notes.0.contains_key(&id) {
            self.may("prvReadNote")?;
            return Err(leads::exists());
        }
        for privilege in ["prvCreateNote", "prvAppendNote", "prvAppendToLead"] {
            self.may(privilege)?;
        }
        let mut note = Note { lead: None, values: Map::new() };
        for (name, value) in &body {
            if name == "objectid_lead@odata.bind" {
                note.lead = Some(self.noted_lead(value)?);
                continue;
            }
            let longest = LENGTHS.iter().find(|it| it.0 == name).map(|it| it.1).ok_or_else(|| {
                let message = format!(
                    "Invalid property '{name}' was found in entity 'Microsoft.Dynamics.CRM.annotation'."
                );
                Problem::new(400, "0x0", message)
            })?;
            let units = value.as_str().map(|it| it.encode_utf16().count());
            if units.is_none_or(|it| it > longest) {
                let message = format!(
                    "A validation error occurred. The length of the '{name}' attribute of the 'annotation' entity \
                     exceeded the maximum allowed length of '{longest}'."
                );
                return Err(Problem::new(400, "0x80044331", message));
            }
            note.values.insert(name.clone(), value.clone());
        }
        if !note.values.contains_key("subject") || note.lead.is_none() {
            // Stricter: the service would keep a note that hangs on nothing.
            return Err(Problem::new(400, "0x80040203", "A note has a subject and an object."));
        }
        self.notes.0.insert(id.clone(), note);
        let address = format!("http://{}/api/data/v9.2/annotations({id})", call.host());
        Ok(Reply::empty(204).header("odata-version", "4.0").header("odata-entityid", &address))
    }

    /// The lead that `/leads(…)` names.
    fn noted_lead(&self, value: &Value) -> Result<String, Problem> {
        let text = value.as_str().unwrap_or_default();
        let Some(segment) = text.strip_prefix('/').filter(|it| it.starts_with("leads(")) else {
            let message = format!("Resource not found for the segment '{text}'.");
            return Err(Problem::new(404, "0x8006088a", message));
        };
        let name = self.name(segment)?;
        Ok(self.found(&name)?.id)
    }

    /// Notes of one lead whose text holds a word.
    fn list_notes(&self, call: &Call) -> Result<Reply, Problem> {
        self.may("prvReadNote")?;
        let bad = || {
            let message = "The sandbox finds notes by `_objectid_value eq` and `contains(notetext,'…')`.";
            Problem::new(400, "0x80060888", message)
        };
        let filter = call.parameter("$filter").ok_or_else(bad)?;
        let (lead, word) = filter
            .strip_prefix("_objectid_value eq ")
            .and_then(|it| it.split_once(" and contains(notetext,'"))
            .ok_or_else(bad)?;
        let word = word.strip_suffix("')").filter(|_| is_guid(lead)).ok_or_else(bad)?;
        let is_meant = |it: &Note| {
            let text = it.values.get("notetext").and_then(Value::as_str).unwrap_or_default();
            it.lead.as_deref() == Some(&*lead.to_lowercase()) && text.contains(word)
        };
        let found = self.notes.0.iter().filter(|it| is_meant(it.1));
        let rows: Vec<Value> = found.map(|it| json!({ "annotationid": it.0 })).collect();
        Ok(json_reply(200, &json!({ "value": rows })))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    const ID: &str = "9ee060cd-b10c-8886-9464-69b50b3129dc";

    fn write(environment: &mut Dynamics, condition: &'static str, body: &Value) -> (u16, &'static str) {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert("if-none-match", HeaderValue::from_static(condition));
        let (path, query) = (format!("/api/data/v9.2/annotations({ID})"), String::new());
        let body = Bytes::from(body.to_string());
        let call = Call { method: Method::PATCH, path, query, headers, body };
        match environment.note(&call, &format!("annotations({ID})")) {
            Ok(reply) => (reply.status.as_u16(), ""),
            Err(problem) => (problem.status, problem.code),
        }
    }

    #[test]
    fn a_note_is_made_once_on_a_lead_that_is_there_by_who_may() {
        let mut environment = Dynamics::new(Options::new("s"));
        let lead = environment.edit(None, &json!({ "lastname": "L", "subject": "S" }), 0).unwrap();
        let whole = |lead: &str| json!({ "subject": "S", "notetext": "N", "objectid_lead@odata.bind": format!("/leads({lead})") });
        assert_eq!(write(&mut environment, "*", &whole(ID)), (404, "0x80040217"));
        assert_eq!(write(&mut environment, "null", &whole(&lead)).0, 400);
        let mut long = whole(&lead);
        long["subject"] = json!("s".repeat(501));
        assert_eq!(write(&mut environment, "*", &long), (400, "0x80044331"));
        let mut odd = whole(&lead);
        odd["title"] = json!("T");
        assert_eq!(write(&mut environment, "*", &odd), (400, "0x0"));
        environment.change(|it| it.privileges.retain(|it| *it != "prvAppendToLead"));
        assert_eq!(write(&mut environment, "*", &whole(&lead)), (403, "0x80040220"));
        environment.change(|it| it.privileges.push("prvAppendToLead"));
        assert_eq!(write(&mut environment, "*", &whole(&lead)), (204, ""));
        assert_eq!(write(&mut environment, "*", &whole(&lead)), (412, "0x80040237"));
        assert!(environment.delete(&lead) && environment.notes.0.is_empty(), "it goes with its lead");
    }
}
