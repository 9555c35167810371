//! The leads of the simulated org: what may be written, what is unique, what a duplicate rule finds.

use super::schema::Schema;
use super::{Assign, DuplicateRule, Problem, QUEUE, USER};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// One lead.
#[derive(Clone, Debug)]
pub(super) struct Lead {
    pub(super) id: String,
    pub(super) values: Map<String, Value>,
    pub(super) is_converted: bool,
    pub(super) is_deleted: bool,
    pub(super) created_at: i64,
    pub(super) changed_at: i64,
}

/// How a write wants to be treated.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    pub(super) assign: Assign,
    /// Past rules that only alert.
    pub(super) allow_save: bool,
    pub(super) now: i64,
}

/// The leads, and what finds them.
pub(super) struct Leads {
    all: Vec<Lead>,
    by_id: HashMap<String, usize>,
    /// By field and value, both in lower case.
    by_unique: HashMap<(String, String), usize>,
    by_email: HashMap<String, Vec<usize>>,
}

impl Leads {
    pub(super) fn new() -> Self {
        Self { all: Vec::new(), by_id: HashMap::new(), by_unique: HashMap::new(), by_email: HashMap::new() }
    }

    pub(super) fn all(&self) -> &[Lead] {
        &self.all
    }

    /// A lead that is not deleted. Both forms of an id name it.
    pub(super) fn get(&self, id: &str) -> Option<&Lead> {
        let place = self.by_id.get(id.get(..15)?)?;
        Some(&self.all[*place]).filter(|it| !it.is_deleted)
    }

    pub(super) fn find(&self, field: &str, value: &str) -> Option<&Lead> {
        let place = self.by_unique.get(&(field.to_lowercase(), value.to_lowercase()))?;
        Some(&self.all[*place])
    }

    /// Marks a lead as converted, as a salesperson does; with the moment, where one is given.
    pub(super) fn convert(&mut self, id: &str, now: Option<i64>) -> bool {
        let place = id.get(..15).and_then(|it| self.by_id.get(it)).copied();
        place.is_some_and(|it| {
            self.all[it].is_converted = true;
            self.all[it].values.insert("Status".to_owned(), json!("Closed - Converted"));
            self.all[it].changed_at = now.unwrap_or(self.all[it].changed_at);
            true
        })
    }

    pub(super) fn delete(&mut self, id: &str, schema: &Schema) -> Result<(), Problem> {
        let place = id.get(..15).and_then(|it| self.by_id.get(it)).copied();
        let place =
            place.ok_or_else(|| Problem::new("NOT_FOUND", "The requested resource does not exist"))?;
        if self.all[place].is_deleted {
            return Err(Problem::new("ENTITY_IS_DELETED", "entity is deleted"));
        }
        self.all[place].is_deleted = true;
        self.forget(place, schema);
        Ok(())
    }

    /// Creates a lead.
    pub(super) fn create(
        &mut self,
        values: &Map<String, Value>,
        schema: &Schema,
        rule: DuplicateRule,
        manner: &Manner,
    ) -> Result<String, Problem> {
        let values = accepted(values, schema)?;
        let is_blank =
            |name: &str| values.get(name).and_then(Value::as_str).is_none_or(|it| it.trim().is_empty());
        let missing: Vec<&str> =
            schema.visible().filter(|it| it.is_required && is_blank(&it.name)).map(|it| &*it.name).collect();
        if !missing.is_empty() {
            let message = format!("Required fields are missing: [{}]", missing.join(", "));
            let mut problem = Problem::new("REQUIRED_FIELD_MISSING", message);
            problem.fields = missing.into_iter().map(str::to_owned).collect();
            return Err(problem);
        }
        self.unique(&values, schema, None)?;
        self.duplicate(&values, rule, manner)?;
        let id = id("00Q", self.all.len() + 1);
        let mut lead = Lead {
            id: id.clone(),
            values,
            is_converted: false,
            is_deleted: false,
            created_at: manner.now,
            changed_at: manner.now,
        };
        lead.values.entry("OwnerId").or_insert_with(|| json!(USER));
        lead.values.entry("Status").or_insert_with(|| json!("Open - Not Contacted"));
        assign(&mut lead, &manner.assign);
        let place = self.all.len();
        self.by_id.insert(id[..15].to_owned(), place);
        self.all.push(lead);
        self.index(place, schema);
        Ok(id)
    }

    /// Changes a lead.
    pub(super) fn update(
        &mut self,
        id: &str,
        values: &Map<String, Value>,
        schema: &Schema,
        rule: DuplicateRule,
        manner: &Manner,
    ) -> Result<(), Problem> {
        let place = id.get(..15).and_then(|it| self.by_id.get(it)).copied();
        let place =
            place.ok_or_else(|| Problem::new("NOT_FOUND", "The requested resource does not exist"))?;
        if self.all[place].is_deleted {
            return Err(Problem::new("ENTITY_IS_DELETED", "entity is deleted"));
        }
        if self.all[place].is_converted {
            return Err(Problem::new("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"));
        }
        let values = accepted(values, schema)?;
        let blanked = values.iter().find(|(name, value)| {
            schema.get(name).is_some_and(|it| it.is_required)
                && value.as_str().is_none_or(|it| it.trim().is_empty())
        });
        if let Some((name, _)) = blanked {
            let message = format!("Required fields are missing: [{name}]");
            return Err(Problem::new("REQUIRED_FIELD_MISSING", message).of_field(name));
        }
        self.unique(&values, schema, Some(place))?;
        if values.get("Email").is_some_and(|it| Some(it) != self.all[place].values.get("Email")) {
            self.duplicate(&values, rule, manner)?;
        }
        self.forget(place, schema);
        for (name, value) in values {
            self.all[place].values.insert(name, value);
        }
        self.all[place].changed_at = manner.now;
        assign(&mut self.all[place], &manner.assign);
        self.index(place, schema);
        Ok(())
    }

    fn index(&mut self, place: usize, schema: &Schema) {
        let values = &self.all[place].values;
        for field in schema.unique() {
            if let Some(text) = values.get(&field.name).and_then(Value::as_str) {
                self.by_unique.insert((field.name.to_lowercase(), text.to_lowercase()), place);
            }
        }
        if let Some(email) = values.get("Email").and_then(Value::as_str) {
            let places = self.by_email.entry(email.to_lowercase()).or_default();
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }

    /// Takes a lead out of what finds it.
    fn forget(&mut self, place: usize, schema: &Schema) {
        let values = &self.all[place].values;
        for field in schema.unique() {
            let Some(text) = values.get(&field.name).and_then(Value::as_str) else { continue };
            let key = (field.name.to_lowercase(), text.to_lowercase());
            if self.by_unique.get(&key) == Some(&place) {
                self.by_unique.remove(&key);
            }
        }
        let email = values.get("Email").and_then(Value::as_str).map(str::to_lowercase);
        if let Some(places) = email.and_then(|it| self.by_email.get_mut(&it)) {
            places.retain(|it| *it != place);
        }
    }

    fn unique(
        &self,
        values: &Map<String, Value>,
        schema: &Schema,
        mine: Option<usize>,
    ) -> Result<(), Problem> {
        for field in schema.unique() {
            let Some(text) = values.get(&field.name).and_then(Value::as_str) else { continue };
            let other = self.by_unique.get(&(field.name.to_lowercase(), text.to_lowercase()));
            if let Some(other) = other.filter(|it| Some(**it) != mine) {
                let message = format!(
                    "duplicate value found: {} duplicates value on record with id: {}",
                    field.name,
                    &self.all[*other].id[..15]
                );
                return Err(Problem::new("DUPLICATE_VALUE", message));
            }
        }
        Ok(())
    }

    /// The standard rule finds a lead by e-mail address.
    fn duplicate(
        &self,
        values: &Map<String, Value>,
        rule: DuplicateRule,
        manner: &Manner,
    ) -> Result<(), Problem> {
        let is_passed = match rule {
            DuplicateRule::Off => true,
            DuplicateRule::Alert => manner.allow_save,
            DuplicateRule::Block => false,
        };
        let email = values.get("Email").and_then(Value::as_str).map(str::to_lowercase);
        let found = email.and_then(|it| self.by_email.get(&it)).filter(|it| !it.is_empty() && !is_passed);
        let Some(found) = found else { return Ok(()) };
        let matched: Vec<Value> = found
            .iter()
            .map(|it| {
                let id = &self.all[*it].id;
                json!({
                    "additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0,
                    "record": {
                        "attributes": { "type": "Lead", "url": format!("/services/data/v62.0/sobjects/Lead/{id}") },
                        "Id": id,
                    },
                })
            })
            .collect();
        let mut problem = Problem::new("DUPLICATES_DETECTED", "Use one of these records?");
        // Spelled so by the service.
        problem.duplicate = Some(Box::new(json!({
            "allowSave": rule == DuplicateRule::Alert,
            "duplicateRule": "Standard_Lead_Duplicate_Rule",
            "duplicateRuleEntityType": "Lead",
            "errorMessage": "Use one of these records?",
            "matchResults": [{
                "entityType": "Lead", "errors": [], "matchEngine": "FuzzyMatchEngine",
                "matchRecords": matched, "rule": "Standard_Lead_Match_Rule_v1_1",
                "size": found.len(), "success": true,
            }],
        })));
        Err(problem)
    }
}

/// The values under the names of the schema, or the first that cannot be stored.
fn accepted(values: &Map<String, Value>, schema: &Schema) -> Result<Map<String, Value>, Problem> {
    let mut out = Map::new();
    for (name, value) in values {
        if name == "attributes" {
            continue;
        }
        let field = schema.get(name).ok_or_else(|| no_such_column(name))?;
        if !field.is_writable {
            let message = format!(
                "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
                field.name
            );
            return Err(Problem::new("INVALID_FIELD_FOR_INSERT_UPDATE", message).of_field(&field.name));
        }
        if let Some(problem) = field.refuses(value) {
            return Err(problem);
        }
        out.insert(field.name.clone(), value.clone());
    }
    Ok(out)
}

pub(super) fn no_such_column(name: &str) -> Problem {
    Problem::new("INVALID_FIELD", format!("No such column '{name}' on sobject of type Lead"))
}

fn assign(lead: &mut Lead, assign: &Assign) {
    match assign {
        Assign::Rule => {
            lead.values.insert("OwnerId".to_owned(), json!(QUEUE));
        }
        Assign::Keep => {}
    }
}

/// An id of 18 characters: 15, and 3 that keep the case of the first for who forgets it.
pub(super) fn id(prefix: &str, number: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const SUMS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let mut digits = [b'0'; 8];
    let mut rest = number;
    for slot in digits.iter_mut().rev() {
        *slot = DIGITS[rest % 62];
        rest /= 62;
    }
    let mut id = format!("{prefix}5e00").into_bytes();
    id.extend(digits);
    let sums: Vec<u8> = id
        .chunks(5)
        .map(|it| {
            let sum = it
                .iter()
                .enumerate()
                .map(|(at, it)| usize::from(it.is_ascii_uppercase()) << at)
                .sum::<usize>();
            SUMS[sum]
        })
        .collect();
    id.extend(sums);
    String::from_utf8(id).expect("digits are ASCII")
}
