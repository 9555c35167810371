//! Notes of a simulated HubSpot account: made in batches on a contact, read by contact, changed and archived.
//!
//! developers.hubspot.com, "Activities | Notes" and "Associations". Stricter: a note hangs on one contact, and stays when
//! the contact is deleted for good, for HubSpot does not say of every note that it goes.

use super::HubSpot;
use super::contacts::Problem;
use crate::service::{Call, Reply};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Longest body, in characters.
const BODY_MAX: usize = 65_536;
/// A note to its contact.
const NOTE_TO_CONTACT: u64 = 202;
/// Ids of notes are numbers, and others than those of contacts.
const FIRST_ID: u64 = 90_001;

/// One note.
struct Note {
    contact: String,
    body: String,
    at: String,
    is_archived: bool,
}

impl Note {
    fn shape(&self, id: u64) -> Value {
        let properties =
            json!({ "hs_note_body": self.body, "hs_timestamp": self.at, "hs_object_id": id.to_string() });
        json!({ "id": id.to_string(), "properties": properties, "archived": self.is_archived })
    }
}

/// All notes of the account.
#[derive(Default)]
pub(super) struct Notes {
    all: BTreeMap<u64, Note>,
}

impl Notes {
    fn get(&mut self, id: &Value) -> Option<(u64, &mut Note)> {
        let id: u64 = id.as_str()?.parse().ok()?;
        Some((id, self.all.get_mut(&id).filter(|it| !it.is_archived)?))
    }

    /// Ids of a contact's notes.
    fn ids_of(&self, contact: &str) -> Vec<u64> {
        let mine = self.all.iter().filter(|it| it.1.contact == contact && !it.1.is_archived);
        mine.map(|it| *it.0).collect()
    }

    /// What the notes of each contact say. Archived ones can be restored, so they are still there for who looks for a person.
    pub(super) fn by_contact(&self) -> HashMap<&str, Vec<&str>> {
        let mut notes: HashMap<&str, Vec<&str>> = HashMap::new();
        for note in self.all.values().filter(|it| !it.is_archived) {
            notes.entry(&note.contact).or_default().push(&note.body);
        }
        notes
    }

    /// Bodies of notes that are in the recycle bin, or whose contact is none of these.
    pub(super) fn left(&self, contacts: &HashSet<String>) -> Vec<&str> {
        let is_left = |it: &&Note| it.is_archived || !contacts.contains(&it.contact);
        self.all.values().filter(is_left).map(|it| &*it.body).collect()
    }
}

fn bad(message: impl Into<String>) -> Problem {
    Problem { status: 400, category: "VALIDATION_ERROR", message: message.into() }
}

fn missing() -> Problem {
    Problem { status: 404, category: "OBJECT_NOT_FOUND", message: "resource not found".to_owned() }
}

impl HubSpot {
    pub(super) fn notes_batch(&mut self, verb: &str, call: &Call) -> Reply {
        let inputs = match self.inputs(call) {
            Ok(inputs) => inputs,
            Err(reply) => return *reply,
        };
        if !self.options.may_write_notes {
            let message = "This app hasn't been granted all required scopes to make this call.";
            return self.error(403, "MISSING_SCOPES", message);
        }
        match verb {
            "create" if self.has_refused_note(&inputs) => {
                self.error(400, "VALIDATION_ERROR", "Property values were not valid")
            }
            "create" => {
                let outcomes: Vec<Result<Value, Problem>> =
                    inputs.iter().map(|it| self.create_note(it)).collect();
                super::batch::finish(&inputs, outcomes, 201)
            }
            "read" => {
                let (mut results, mut missing) = (Vec::new(), Vec::new());
                for input in &inputs {
                    match self.notes.get(&input["id"]) {
                        Some((id, note)) => results.push(note.shape(id)),
                        None => missing.push(input["id"].clone()),
                    }
                }
                super::batch::read(results, missing, "NOTE")
            }
            "update" => {
                let outcomes: Vec<Result<Value, Problem>> =
                    inputs.iter().map(|it| self.update_note(it)).collect();
                super::batch::finish(&inputs, outcomes, 200)
            }
            "archive" => {
                for input in &inputs {
                    if let Some((_, note)) = self.notes.get(&input["id"]) {
                        note.is_archived = true;
                    }
                }
                Reply::empty(204)
            }
            _ => self.error(404, "OBJECT_NOT_FOUND", "resource not found"),
        }
    }

    fn has_refused_note(&self, inputs: &[Value]) -> bool {
        let Some(word) = &self.options.refused_note else { return false };
        let body = |it: &Value| it["properties"]["hs_note_body"].as_str().is_some_and(|it| it.contains(word));
        inputs.iter().any(body)
    }

    pub(super) fn list_notes(&mut self) -> Reply {
        if !self.options.may_write_notes {
            let message = "This app hasn't been granted all required scopes to make this call.";
            return self.error(403, "MISSING_SCOPES", message);
        }
        let first = self.notes.all.iter().filter(|it| !it.1.is_archived).take(1);
        let shown: Vec<Value> = first.map(|(id, note)| note.shape(*id)).collect();
        Reply::json(200, &json!({ "results": shown }))
    }

    fn create_note(&mut self, input: &Value) -> Result<Value, Problem> {
        let (body, at) = checked(&input["properties"])?;
        let at = at.ok_or_else(|| bad("Some required properties were not set: hs_timestamp"))?;
        let [association] = input["associations"].as_array().map(Vec::as_slice).unwrap_or_default() else {
            return Err(bad("the simulated account takes a note with one association"));
        };
        let kind = &association["types"][0];
        if kind["associationCategory"] != "HUBSPOT_DEFINED" || kind["associationTypeId"] != NOTE_TO_CONTACT {
            return Err(bad("the association type is not that of a note to a contact"));
        }
        let contact = association["to"]["id"].as_str().unwrap_or_default();
        self.contacts.find(None, contact).ok_or_else(missing)?;
        let id = FIRST_ID + u64::try_from(self.notes.all.len()).expect("a small number");
        let note = Note { contact: contact.to_owned(), body, at, is_archived: false };
        let mut shape = note.shape(id);
        shape["objectWriteTraceId"] = input["objectWriteTraceId"].clone();
        self.notes.all.insert(id, note);
        Ok(shape)
    }

    fn update_note(&mut self, input: &Value) -> Result<Value, Problem> {
        let (body, at) = checked(&input["properties"])?;
        let (id, note) = self.notes.get(&input["id"]).ok_or_else(missing)?;
        note.body = body;
        if let Some(at) = at {
            note.at = at;
        }
        Ok(note.shape(id))
    }

    /// Which notes contacts have, in the words of v3 or of later versions. Contacts without any are told as errors.
    pub(super) fn notes_of_contacts(&mut self, call: &Call, is_v3: bool) -> Reply {
        let inputs = match self.inputs(call) {
            Ok(inputs) => inputs,
            Err(reply) => return *reply,
        };
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in &inputs {
            let contact = input["id"].as_str().unwrap_or_default();
            let ids = self.notes.ids_of(contact);
            if ids.is_empty() {
                errors.push(json!({
                    "status": "error",
                    "category": "OBJECT_NOT_FOUND",
                    "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "message": format!("No note is associated with contact {contact}."),
                    "context": { "fromObjectId": [contact] },
                }));
                continue;
            }
            let to = ids.iter().map(|it| match is_v3 {
                true => json!({ "id": it.to_string(), "type": "contact_to_note" }),
                false => json!({ "toObjectId": it, "associationTypes": [{ "typeId": 201 }] }),
            });
            results.push(json!({ "from": { "id": contact }, "to": to.collect::<Vec<_>>() }));
        }
        let mut answer = json!({ "status": "COMPLETE", "results": results });
        if errors.is_empty() {
            return Reply::json(200, &answer);
        }
        answer["numErrors"] = json!(errors.len());
        answer["errors"] = json!(errors);
        Reply::json(207, &answer)
    }
}

/// Body and moment of a note's properties.
fn checked(properties: &Value) -> Result<(String, Option<String>), Problem> {
    let entries = properties.as_object().ok_or_else(|| bad("Invalid input JSON: properties is required"))?;
    let known = ["hs_note_body", "hs_timestamp"];
    if let Some(unknown) = entries.keys().find(|it| !known.contains(&it.as_str())) {
        return Err(bad(format!("Property \"{unknown}\" does not exist")));
    }
    let text = |name: &str| entries.get(name).and_then(Value::as_str).map(str::to_owned);
    let body = text("hs_note_body").ok_or_else(|| bad("a note needs hs_note_body"))?;
    if body.chars().count() > BODY_MAX {
        return Err(bad("hs_note_body is too long"));
    }
    let at = text("hs_timestamp");
    if at.as_ref().is_some_and(|it| !(it.len() >= 20 && it.ends_with('Z') && it.as_bytes()[10] == b'T')) {
        return Err(bad("hs_timestamp is not a moment"));
    }
    Ok((body, at))
}

#[cfg(test)]
mod tests {
    use super::super::{HubSpot, Options};
    use super::*;

    fn note(contact: &str) -> Value {
        json!({
            "properties": { "hs_timestamp": "2026-11-20T10:00:00Z", "hs_note_body": "B" },
            "associations": [{ "to": { "id": contact },
                "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": NOTE_TO_CONTACT }] }],
        })
    }

    #[test]
    fn a_note_needs_a_moment_a_body_and_a_contact_that_is_there() {
        let mut account = HubSpot::new(Options::new("t"));
        assert_eq!(account.create_note(&note("151")).err().map(|it| it.status), Some(404));
        let contact = account.contacts.create(&json!({ "email": "ada@example.com" }), 0);
        assert!(contact.is_ok());
        assert!(account.create_note(&note("151")).is_ok());
        for (pointer, value) in [
            ("/properties/hs_timestamp", json!("yesterday")),
            ("/properties/hs_timestamp", Value::Null),
            ("/properties/hs_note_body", Value::Null),
            ("/properties/hs_note_body", json!("b".repeat(BODY_MAX + 1))),
            ("/associations/0/types/0/associationTypeId", json!(201)),
            ("/associations", json!([])),
        ] {
            let mut bad = note("151");
            *bad.pointer_mut(pointer).unwrap() = value;
            assert_eq!(account.create_note(&bad).err().map(|it| it.status), Some(400), "{pointer}");
        }
        assert_eq!(account.notes.by_contact()["151"], ["B"]);
    }

    #[test]
    fn notes_that_are_not_there_are_told_when_they_are_read() {
        let mut account = HubSpot::new(Options::new("t"));
        assert!(account.contacts.create(&json!({ "email": "ada@example.com" }), 0).is_ok());
        let made = account.create_note(&note("151")).map_err(|it| it.message).unwrap();
        let read = |account: &mut HubSpot, ids: &[&Value]| {
            let inputs: Vec<Value> = ids.iter().map(|it| json!({ "id": it })).collect();
            let body = json!({ "inputs": inputs }).to_string();
            let call = Call {
                method: http::Method::POST,
                path: String::new(),
                query: String::new(),
                headers: http::HeaderMap::new(),
                body: body.into(),
            };
            let reply = account.notes_batch("read", &call);
            (reply.status.as_u16(), serde_json::from_slice::<Value>(&reply.body).unwrap())
        };
        let (status, _) = read(&mut account, &[&made["id"]]);
        assert_eq!(status, 200);
        let (status, answer) = read(&mut account, &[&made["id"], &json!("1")]);
        assert_eq!((status, &answer["errors"][0]["context"]["ids"]), (207, &json!(["1"])));
        assert_eq!(answer["results"].as_array().map_or(0, Vec::len), 1);
    }

    #[test]
    fn an_archived_note_can_still_be_found_by_who_looks_for_a_person() {
        let mut account = HubSpot::new(Options::new("t"));
        assert!(account.contacts.create(&json!({ "email": "ada@example.com" }), 0).is_ok());
        let made = account.create_note(&note("151")).map_err(|it| it.message).unwrap();
        let (_, note) = account.notes.get(&made["id"]).unwrap();
        note.is_archived = true;
        assert!(!account.notes.by_contact().contains_key("151"));
        assert_eq!(account.notes.left(&HashSet::from(["151".to_owned()])), ["B"]);
    }
}
