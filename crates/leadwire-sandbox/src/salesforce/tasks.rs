//! Tasks on leads in the simulated org: made and deleted in collections, found by queries, gone with their lead.
//!
//! Object Reference v62.0, Task; REST API Developer Guide v62.0, "sObject Collections".

use super::org::id;
use super::rest::not_found;
use super::soql::{Query, Test};
use super::{Problem, Salesforce};
use crate::service::{Call, Reply};
use serde_json::{Map, Value, json};

/// Most records of one collection.
const RECORDS_MAX: usize = 200;
/// Name, type as a description tells it, and length; 0 has none.
const FIELDS: [(&str, &str, usize); 5] = [
    ("WhoId", "reference", 18),
    ("Subject", "combobox", 255),
    ("Description", "textarea", 32_000),
    ("Status", "picklist", 255),
    ("ActivityDate", "date", 0),
];
const STATUSES: [&str; 3] = ["Not Started", "In Progress", "Completed"];

/// What the integration user may do about tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskAccess {
    /// All.
    Full,
    /// See them.
    Read,
    /// Not even that.
    None,
}

/// One task.
#[derive(Clone, Debug)]
pub(super) struct Task {
    id: String,
    pub(super) values: Map<String, Value>,
    is_deleted: bool,
}

impl Task {
    pub(super) fn is_of(&self, lead: &str) -> bool {
        !self.is_deleted && self.values.get("WhoId").and_then(Value::as_str) == Some(lead)
    }

    fn value(&self, name: &str) -> Value {
        let found = if name == "Id" { Some(json!(self.id)) } else { self.values.get(name).cloned() };
        found.unwrap_or(Value::Null)
    }
}

fn not_supported() -> Problem {
    Problem::new("INVALID_TYPE", "sObject type 'Task' is not supported.")
}

/// Whether all records of a collection are tasks.
pub(super) fn are_tasks(body: &Map<String, Value>) -> bool {
    let rows = body.get("records").and_then(Value::as_array);
    rows.is_some_and(|rows| {
        !rows.is_empty() && rows.iter().all(|it| it.pointer("/attributes/type") == Some(&json!("Task")))
    })
}

impl Salesforce {
    /// A lead is deleted, and its tasks with it.
    pub(super) fn lead_deleted(&mut self, lead: &str) {
        for task in self.tasks.iter_mut().filter(|it| it.is_of(lead)) {
            task.is_deleted = true;
        }
    }

    pub(super) fn create_tasks(
        &mut self,
        body: &Map<String, Value>,
        is_applied: impl Fn(usize) -> bool,
    ) -> Reply {
        if self.options.task_access == TaskAccess::None {
            return not_supported().reply(400);
        }
        let rows = body.get("records").and_then(Value::as_array).cloned().unwrap_or_default();
        if rows.len() > RECORDS_MAX {
            let message = format!("record count is {}; allowed are 1 to {RECORDS_MAX}", rows.len());
            return Problem::new("EXCEEDED_MAX_TYPES_LIMIT", message).reply(400);
        }
        let entries = rows.iter().enumerate().map(|(at, row)| {
            let made = if is_applied(at) {
                self.create_task(row)
            } else {
                let message = "unable to obtain exclusive access to this record or 1 records";
                Err(Problem::new("UNABLE_TO_LOCK_ROW", message))
            };
            made.map_or_else(|it| it.entry(), |id| json!({ "id": id, "success": true, "errors": [] }))
        });
        let entries: Vec<Value> = entries.collect();
        Reply::json(200, &Value::Array(entries))
    }

    fn create_task(&mut self, row: &Value) -> Result<String, Problem> {
        if self.options.task_access == TaskAccess::Read {
            let message = "insufficient access rights on object id";
            return Err(Problem::new("INSUFFICIENT_ACCESS_OR_READONLY", message));
        }
        let mut values = row.as_object().cloned().unwrap_or_default();
        values.remove("attributes");
        for (name, value) in &values {
            let field = FIELDS.iter().find(|it| it.0 == name).ok_or_else(|| {
                Problem::new("INVALID_FIELD", format!("No such column '{name}' on sobject of type Task"))
            })?;
            let text = value.as_str().unwrap_or_default();
            if field.2 > 0 && text.encode_utf16().count() > field.2 {
                let message = format!("{name}: data value too large: (max length={})", field.2);
                return Err(Problem::new("STRING_TOO_LONG", message).of_field(name));
            }
        }
        let text = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default();
        if !STATUSES.contains(&text("Status")) {
            let message = "Status: bad value for restricted picklist field";
            return Err(Problem::new("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message).of_field("Status"));
        }
        let date = text("ActivityDate").as_bytes();
        if !(date.len() == 10 && date[4] == b'-' && date[7] == b'-') {
            let message = "ActivityDate: value not of required type";
            return Err(Problem::new("INVALID_TYPE_ON_FIELD_IN_RECORD", message).of_field("ActivityDate"));
        }
        let lead = self.leads.get(text("WhoId")).cloned().ok_or_else(|| {
            Problem::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id").of_field("WhoId")
        })?;
        if lead.is_converted {
            return Err(Problem::new("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"));
        }
        values.insert("WhoId".to_owned(), json!(lead.id));
        let id = id("00T", self.tasks.len() + 1);
        self.tasks.push(Task { id: id.clone(), values, is_deleted: false });
        Ok(id)
    }

    /// A salesperson writes a task about a lead, on the day that Leadwire's samples are from.
    ///
    /// # Panics
    /// When there is no such lead.
    pub fn add_task(&mut self, lead: &str, text: &str) {
        let row = json!({ "WhoId": lead, "Subject": "Call", "Description": text, "Status": "Completed",
            "ActivityDate": "2026-11-20" });
        assert!(self.create_task(&row).is_ok(), "there is no lead {lead}");
    }

    /// `DELETE /composite/sobjects?ids=…`
    pub(super) fn delete_tasks(&mut self, call: &Call) -> Reply {
        let ids = call.parameter("ids").unwrap_or_default();
        let ids: Vec<&str> = ids.split(',').collect();
        if ids.len() > RECORDS_MAX {
            return Problem::new("EXCEEDED_ID_LIMIT", "too many ids").reply(400);
        }
        if self.options.task_access != TaskAccess::Full {
            return not_supported().reply(400);
        }
        let entries =
            ids.iter().map(|id| match self.tasks.iter_mut().find(|it| it.id == *id && !it.is_deleted) {
                Some(task) => {
                    task.is_deleted = true;
                    json!({ "id": id, "success": true, "errors": [] })
                }
                None => Problem::new("ENTITY_IS_DELETED", "entity is deleted").entry(),
            });
        let entries: Vec<Value> = entries.collect();
        Reply::json(200, &Value::Array(entries))
    }

    pub(super) fn describe_tasks(&self) -> Reply {
        if self.options.task_access == TaskAccess::None {
            return not_found();
        }
        let is_writable = self.options.task_access == TaskAccess::Full;
        let fields: Vec<Value> = FIELDS
            .iter()
            .map(|(name, kind, length)| {
                let choices: Vec<Value> = match *name {
                    "Status" => STATUSES.iter().map(|it| json!({ "active": true, "value": it })).collect(),
                    _ => Vec::new(),
                };
                json!({
                    "name": name, "label": name, "type": kind, "length": length, "createable": is_writable,
                    "updateable": is_writable, "nillable": *name != "Status", "defaultedOnCreate": *name == "Status",
                    "externalId": false, "unique": false, "restrictedPicklist": *name == "Status",
                    "picklistValues": choices,
                })
            })
            .collect();
        let whole =
            json!({ "name": "Task", "createable": is_writable, "updateable": is_writable, "fields": fields });
        Reply::json(200, &whole)
    }

    pub(super) fn tasks_of(&self, query: &Query) -> Result<Vec<Value>, Problem> {
        if self.options.task_access == TaskAccess::None {
            return Err(not_supported());
        }
        let is_known = |it: &str| it == "Id" || FIELDS.iter().any(|field| field.0 == it);
        let asked = query.fields.iter().chain(query.conditions.iter().map(|it| &it.field));
        if let Some(unknown) = asked.clone().find(|it| !is_known(it)) {
            return Err(Problem::new(
                "INVALID_FIELD",
                format!("No such column '{unknown}' on entity 'Task'."),
            ));
        }
        if query.conditions.iter().any(|it| it.field == "Description") {
            let message = "field 'Description' can not be filtered in a query call";
            return Err(Problem::new("INVALID_FIELD", message));
        }
        let holds = |task: &Task, field: &str, test: &Test| test.holds(&task.value(field));
        let found = self.tasks.iter().filter(|task| {
            !task.is_deleted && query.conditions.iter().all(|it| holds(task, &it.field, &it.test))
        });
        let rows = found.take(query.limit.unwrap_or(usize::MAX)).map(|task| {
            let row = query.fields.iter().map(|it| (it.clone(), task.value(it)));
            Value::Object(row.collect())
        });
        Ok(rows.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Options, Salesforce};
    use super::*;

    fn org() -> (Salesforce, String) {
        let mut org = Salesforce::new(Options::default());
        let lead = org.add(&json!({ "LastName": "L", "Company": "C" }), 0).unwrap();
        (org, lead)
    }

    fn row(lead: &str) -> Value {
        json!({ "attributes": { "type": "Task" }, "WhoId": lead, "Subject": "S", "Description": "D",
            "Status": "Completed", "ActivityDate": "2026-11-20" })
    }

    #[test]
    fn a_task_is_refused_for_what_the_service_refuses_it_for() {
        let (mut org, lead) = org();
        assert!(org.create_task(&row(&lead)).is_ok());
        for (name, value, code) in [
            ("WhoId", json!("00Q5e00000009999AA"), "INVALID_CROSS_REFERENCE_KEY"),
            ("Status", json!("Done"), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
            ("Subject", json!("s".repeat(256)), "STRING_TOO_LONG"),
            ("ActivityDate", json!("20.11.2026"), "INVALID_TYPE_ON_FIELD_IN_RECORD"),
            ("Nothing__c", json!("x"), "INVALID_FIELD"),
        ] {
            let mut bad = row(&lead);
            bad[name] = value;
            assert_eq!(org.create_task(&bad).unwrap_err().code, code, "{name}");
        }
        assert!(org.convert(&lead));
        assert_eq!(org.create_task(&row(&lead)).unwrap_err().code, "CANNOT_UPDATE_CONVERTED_LEAD");
    }

    #[test]
    fn texts_of_tasks_are_read_and_not_filtered_by() {
        let (mut org, lead) = org();
        org.create_task(&row(&lead)).unwrap();
        let ask = |org: &Salesforce, soql: &str| org.tasks_of(&super::super::soql::parse(soql).unwrap());
        let found = ask(
            &org,
            &format!(
                "SELECT Id,Description FROM Task WHERE WhoId IN ('{lead}') AND ActivityDate IN (2026-11-20)"
            ),
        );
        assert_eq!(found.unwrap()[0]["Description"], "D");
        let filtered = ask(&org, "SELECT Id FROM Task WHERE Description = 'D'");
        assert_eq!(filtered.unwrap_err().code, "INVALID_FIELD");
        org.lead_deleted(&lead);
        assert!(ask(&org, "SELECT Id FROM Task").unwrap().is_empty());
    }
}
