//! The rows of the simulated environment: what may be written, what is unique, what a duplicate rule finds.

use super::schema::{Kind, Schema};
use super::{Problem, is_guid};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};

/// One lead.
#[derive(Clone, Debug)]
pub(super) struct Lead {
    pub(super) id: String,
    pub(super) values: Map<String, Value>,
    pub(super) is_deleted: bool,
    pub(super) modified_at: i64,
    pub(super) version: u64,
}

impl Lead {
    /// 0 open, 1 qualified, 2 disqualified.
    pub(super) fn state(&self) -> i64 {
        self.values.get("statecode").and_then(Value::as_i64).unwrap_or(0)
    }
}

/// How a write wants to be treated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Whether duplicate rules are asked.
    pub(super) asks_rules: bool,
    /// Status of what a rule answers: documents disagree between 412 and 500.
    pub(super) duplicate_status: u16,
    pub(super) now: i64,
}

/// The leads, and what finds them.
#[derive(Clone, Default)]
pub(super) struct Leads {
    all: Vec<Lead>,
    by_id: HashMap<String, usize>,
    /// By column and value, for columns of alternate keys.
    by_key: HashMap<(String, String), usize>,
    by_email: HashMap<String, BTreeSet<usize>>,
    keys: Vec<String>,
    /// Rows of other tables that lookups may name: logical name and id.
    pub(super) others: BTreeSet<(String, String)>,
    versions: u64,
}

impl Leads {
    pub(super) fn all(&self) -> impl Iterator<Item = &Lead> {
        self.all.iter().filter(|it| !it.is_deleted)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Lead> {
        self.by_id.get(&id.to_lowercase()).map(|it| &self.all[*it])
    }

    pub(super) fn find(&self, column: &str, value: &str) -> Option<&Lead> {
        self.by_key.get(&(column.to_owned(), value.to_lowercase())).map(|it| &self.all[*it])
    }

    /// Makes the values of a column unique; false: they are not.
    pub(super) fn add_key(&mut self, column: &str) -> bool {
        let mut found = HashMap::new();
        for (place, lead) in self.all.iter().enumerate().filter(|it| !it.1.is_deleted) {
            if let Some(text) = lead.values.get(column).and_then(Value::as_str)
                && found.insert((column.to_owned(), text.to_lowercase()), place).is_some()
            {
                return false;
            }
        }
        self.by_key.extend(found);
        self.keys.push(column.to_owned());
        true
    }

    /// Qualifies or disqualifies a lead, or opens it again.
    pub(super) fn set_state(&mut self, id: &str, state: i64) -> bool {
        let place = self.by_id.get(&id.to_lowercase()).copied();
        place.is_some_and(|it| {
            self.all[it].values.insert("statecode".to_owned(), json!(state));
            let reason = [1, 3, 4][usize::try_from(state).unwrap_or(0).min(2)];
            self.all[it].values.insert("statuscode".to_owned(), json!(reason));
            true
        })
    }

    /// The same at a moment, which those who ask for changes see.
    pub(super) fn set_state_at(&mut self, id: &str, state: i64, now: i64) -> bool {
        let is_there = self.set_state(id, state);
        if let Some(place) = self.by_id.get(&id.to_lowercase()).copied() {
            self.versions += 1;
            (self.all[place].modified_at, self.all[place].version) = (now, self.versions);
        }
        is_there
    }

    pub(super) fn delete(&mut self, id: &str) -> bool {
        let Some(place) = self.by_id.remove(&id.to_lowercase()) else { return false };
        self.forget(place);
        self.all[place].is_deleted = true;
        true
    }

    /// Creates a lead; the id may be the client's.
    pub(super) fn create(
        &mut self,
        id: Option<&str>,
        body: &Map<String, Value>,
        schema: &Schema,
        manner: &Manner,
    ) -> Result<Lead, Problem> {
        let (told, mut values) = self.accepted(body, schema, false)?;
        let id = id.map(str::to_lowercase).or(told).unwrap_or_else(|| self.new_id());
        if self.by_id.contains_key(&id) {
            return Err(exists());
        }
        self.unique(&values, None)?;
        self.duplicate(&values, manner)?;
        values.entry("statecode").or_insert(json!(0));
        values.entry("statuscode").or_insert(json!(1));
        for flag in ["donotemail", "donotbulkemail", "donotphone"] {
            values.entry(flag).or_insert(json!(false));
        }
        self.versions += 1;
        let (modified_at, version) = (manner.now, self.versions);
        let lead = Lead { id: id.clone(), values, is_deleted: false, modified_at, version };
        self.all.push(lead.clone());
        let place = self.all.len() - 1;
        self.by_id.insert(id, place);
        self.index(place);
        Ok(lead)
    }

    /// Changes a lead that is there.
    pub(super) fn update(
        &mut self,
        id: &str,
        body: &Map<String, Value>,
        schema: &Schema,
        manner: &Manner,
    ) -> Result<Lead, Problem> {
        let place = self.by_id.get(&id.to_lowercase()).copied().ok_or_else(|| missing("lead", id))?;
        let (_, values) = self.accepted(body, schema, true)?;
        let reopens = values.get("statecode").and_then(Value::as_i64) == Some(0);
        if self.all[place].state() != 0 && !reopens {
            return Err(Problem::new(
                400,
                "0x8004022e",
                "The object cannot be updated because it is read-only.",
            ));
        }
        self.unique(&values, Some(place))?;
        if values
            .get("emailaddress1")
            .is_some_and(|it| Some(it) != self.all[place].values.get("emailaddress1"))
        {
            self.duplicate(&values, manner)?;
        }
        self.forget(place);
        self.versions += 1;
        let lead = &mut self.all[place];
        lead.values.extend(values);
        lead.modified_at = manner.now;
        lead.version = self.versions;
        let lead = lead.clone();
        self.index(place);
        Ok(lead)
    }

    /// The values of a body, and the id it names.
    fn accepted(
        &self,
        body: &Map<String, Value>,
        schema: &Schema,
        is_update: bool,
    ) -> Result<(Option<String>, Map<String, Value>), Problem> {
        let (mut id, mut values) = (None, Map::new());
        for (name, value) in body {
            if name.starts_with("@odata.") {
                continue;
            }
            if let Some(property) = name.strip_suffix("@odata.bind") {
                let bound = self.bound(property, value, schema)?;
                values.insert(format!("_{property}_value"), json!(bound));
                continue;
            }
            let Some(column) = schema.get(name) else {
                let message = format!(
                    "Invalid property '{name}' was found in entity 'Microsoft.Dynamics.CRM.lead'. ---> \
                     Microsoft.OData.ODataException: Invalid property '{name}' was found in entity \
                     'Microsoft.Dynamics.CRM.lead'."
                );
                return Err(Problem::new(400, "0x0", message));
            };
            if let Some(problem) = column.refusal(value) {
                return Err(problem);
            }
            if name == "leadid" {
                let text = value.as_str().unwrap_or_default();
                if !is_guid(text) {
                    let message =
                        "Cannot convert the literal of property 'leadid' to the expected type 'Edm.Guid'.";
                    return Err(Problem::new(400, "0x80048d19", message));
                }
                id = Some(text.to_lowercase());
                continue;
            }
            if column.is_secured {
                let verb = if is_update { "Update" } else { "Create" };
                let message = format!(
                    "Caller user with ID 00000000-0000-0000-0000-000000000000 does not have {verb} permissions for the \
                     {name} attribute in the lead entity."
                );
                return Err(Problem::new(403, "0x8004f508", message));
            }
            if !(if is_update { column.is_updatable } else { column.is_creatable }) {
                let message = format!("The property '{name}' cannot be set.");
                return Err(Problem::new(400, "0x80040203", message));
            }
            values.insert(name.clone(), value.clone());
        }
        Ok((id, values))
    }

    fn bound(&self, property: &str, value: &Value, schema: &Schema) -> Result<String, Problem> {
        let undeclared = || {
            let message = format!(
                "Error identified in Payload provided by the user for Entity :'leads'. An undeclared property \
                 '{property}' which only has property annotations in the payload but no property value was found."
            );
            Problem::new(400, "0x80048d19", message)
        };
        let tables = match schema.get(property).map(|it| &it.kind) {
            Some(Kind::Lookup(tables)) => tables,
            _ => return Err(undeclared()),
        };
        let text = value.as_str().unwrap_or_default();
        let parts =
            text.trim_start_matches('/').split_once('(').and_then(|it| Some((it.0, it.1.strip_suffix(')')?)));
        let found = parts.and_then(|(set, id)| Some((tables.iter().find(|it| it.0 == set)?.1, id)));
        let Some((table, id)) = found.filter(|it| is_guid(it.1)) else {
            let message = format!("Resource not found for the segment '{text}'.");
            return Err(Problem::new(404, "0x8006088a", message));
        };
        let id = id.to_lowercase();
        if self.others.contains(&(table.to_owned(), id.clone())) { Ok(id) } else { Err(missing(table, &id)) }
    }

    fn unique(&self, values: &Map<String, Value>, mine: Option<usize>) -> Result<(), Problem> {
        for column in &self.keys {
            let Some(text) = values.get(column).and_then(Value::as_str) else { continue };
            let other = self.by_key.get(&(column.clone(), text.to_lowercase()));
            if other.is_some_and(|it| Some(*it) != mine) {
                let message = format!(
                    "Entity Key {column}key violated. A record with the same value for {column} already exists. A \
                     duplicate record cannot be created. Select one or more unique values and try again."
                );
                return Err(Problem::new(412, "0x80060892", message));
            }
        }
        Ok(())
    }

    fn duplicate(&self, values: &Map<String, Value>, manner: &Manner) -> Result<(), Problem> {
        let email = values.get("emailaddress1").and_then(Value::as_str).map(str::to_lowercase);
        let is_found = email.and_then(|it| self.by_email.get(&it)).is_some_and(|it| !it.is_empty());
        if manner.asks_rules && is_found {
            let message = "A record was not created or updated because a duplicate of the current record already exists.";
            return Err(Problem::new(manner.duplicate_status, "0x80040333", message));
        }
        Ok(())
    }

    fn index(&mut self, place: usize) {
        let values = &self.all[place].values;
        for column in &self.keys {
            if let Some(text) = values.get(column).and_then(Value::as_str) {
                self.by_key.insert((column.clone(), text.to_lowercase()), place);
            }
        }
        if let Some(email) = values.get("emailaddress1").and_then(Value::as_str) {
            self.by_email.entry(email.to_lowercase()).or_default().insert(place);
        }
    }

    /// Takes a lead out of what finds it.
    fn forget(&mut self, place: usize) {
        let values = &self.all[place].values;
        for column in &self.keys {
            if let Some(text) = values.get(column).and_then(Value::as_str) {
                self.by_key.remove(&(column.clone(), text.to_lowercase()));
            }
        }
        let email = values.get("emailaddress1").and_then(Value::as_str).map(str::to_lowercase);
        if let Some(places) = email.and_then(|it| self.by_email.get_mut(&it)) {
            places.remove(&place);
        }
    }

    fn new_id(&self) -> String {
        format!("5c1f0b1e-6a55-ee11-9a52-{:012x}", self.all.len() + 1)
    }
}

pub(super) fn exists() -> Problem {
    Problem::new(412, "0x80040237", "A record with matching key values already exists.")
}

pub(super) fn missing(table: &str, id: &str) -> Problem {
    Problem::new(404, "0x80040217", format!("{table} With Id = {id} Does Not Exist"))
}
