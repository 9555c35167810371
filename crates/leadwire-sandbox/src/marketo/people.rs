//! People of the simulated instance, their fields, and what each field takes.

use super::Refused;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// A field, as describe2 tells it.
struct Field {
    name: String,
    data_type: &'static str,
    is_updateable: bool,
    is_searchable: bool,
}

/// Standard fields (Adobe, list-of-standard-fields.md).
const STRINGS: &[&str] = &[
    "firstName",
    "lastName",
    "middleName",
    "salutation",
    "title",
    "company",
    "mainPhone",
    "address",
    "city",
    "state",
    "country",
    "postalCode",
    "industry",
    "leadSource",
    "leadStatus",
    "leadRole",
    "rating",
    "department",
    "unsubscribedReason",
    "doNotCallReason",
    "emailInvalidCause",
];
const OTHERS: &[(&str, &str)] = &[
    ("phone", "phone"),
    ("mobilePhone", "phone"),
    ("fax", "phone"),
    ("website", "url"),
    ("leadScore", "integer"),
    ("annualRevenue", "currency"),
    ("numberOfEmployees", "integer"),
    ("unsubscribed", "boolean"),
    ("doNotCall", "boolean"),
    ("emailInvalid", "boolean"),
];

/// One person.
struct Person {
    id: u64,
    fields: Map<String, Value>,
    partition: String,
    created_at: i64,
    updated_at: i64,
    activities: Vec<Value>,
    is_deleted: bool,
}

pub(super) struct People {
    fields: Vec<Field>,
    all: Vec<Person>,
    /// Places of people, by searchable field and by value in small letters.
    index: HashMap<String, HashMap<String, Vec<usize>>>,
    race_millis: i64,
    changes: Vec<FieldChange>,
}

/// A change of one field, which is an activity.
pub(super) struct FieldChange {
    pub(super) at: i64,
    pub(super) person: u64,
    pub(super) name: String,
    pub(super) old: Value,
    pub(super) new: Value,
}

impl People {
    pub(super) fn new(race_millis: i64) -> Self {
        let field = |name: &str, data_type, is_updateable, is_searchable| Field {
            name: name.to_owned(),
            data_type,
            is_updateable,
            is_searchable,
        };
        let mut fields = vec![field("id", "integer", false, true), field("email", "email", true, true)];
        fields.extend(STRINGS.iter().map(|it| field(it, "string", true, false)));
        fields.extend(OTHERS.iter().map(|it| field(it.0, it.1, true, false)));
        fields.push(field("createdAt", "datetime", false, false));
        fields.push(field("updatedAt", "datetime", false, false));
        Self { fields, all: Vec::new(), index: HashMap::new(), race_millis, changes: Vec::new() }
    }

    pub(super) fn add_field(&mut self, name: &str, data_type: &'static str, is_searchable: bool) {
        self.fields.push(Field { name: name.to_owned(), data_type, is_updateable: true, is_searchable });
    }

    pub(super) fn remove_field(&mut self, name: &str) {
        self.fields.retain(|it| it.name != name);
    }

    pub(super) fn is_searchable(&self, name: &str) -> bool {
        self.fields.iter().any(|it| it.name == name && it.is_searchable)
    }

    pub(super) fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|it| it.name == name)
    }

    pub(super) fn data_type(&self, name: &str) -> Option<&'static str> {
        self.fields.iter().find(|it| it.name == name).map(|it| it.data_type)
    }

    /// The answer of describe2.
    pub(super) fn describe(&self) -> Value {
        let searchable: Vec<Value> =
            self.fields.iter().filter(|it| it.is_searchable).map(|it| json!([it.name])).collect();
        let fields: Vec<Value> = self
            .fields
            .iter()
            .map(|it| {
                let mut field = json!({
                    "name": it.name, "displayName": it.name, "dataType": it.data_type,
                    "updateable": it.is_updateable, "crmManaged": false,
                });
                if let Some(length) = length(it.data_type) {
                    field["length"] = json!(length);
                }
                field
            })
            .collect();
        json!({ "name": "API Lead", "searchableFields": searchable, "fields": fields })
    }

    /// The fields of a record, each checked; the key by which it is looked up is checked too.
    pub(super) fn checked(
        &self,
        record: &Map<String, Value>,
        lookup: &str,
    ) -> Result<Map<String, Value>, Refused> {
        for (name, value) in record {
            let field = self.fields.iter().find(|it| it.name == *name);
            let field = field.ok_or_else(|| ("1006", format!("Field '{name}' not found")))?;
            if !field.is_updateable && name != lookup {
                return Err(("1003", format!("Invalid data: field '{name}' is read-only")));
            }
            takes(field, value)?;
        }
        let mut fields = record.clone();
        fields.remove("id");
        Ok(fields)
    }

    /// Places of the people whose field has this value. `race` leaves those out that another call has just made.
    pub(super) fn find(&self, field: &str, value: &str, race: Option<i64>) -> Vec<usize> {
        let places = self.index.get(field).and_then(|it| it.get(&value.to_lowercase()));
        let is_seen = |it: &Person| race.is_none_or(|now| it.created_at <= now - self.race_millis);
        let is_there = |it: &&usize| !self.all[**it].is_deleted && is_seen(&self.all[**it]);
        places.into_iter().flatten().filter(is_there).copied().collect()
    }

    /// Makes a person, and gives their id.
    pub(super) fn create(&mut self, fields: Map<String, Value>, partition: &str, now: i64) -> u64 {
        let id = 100 + self.all.len() as u64;
        let at = self.all.len();
        self.all.push(Person {
            id,
            fields: Map::new(),
            partition: partition.to_owned(),
            created_at: now,
            updated_at: now,
            activities: Vec::new(),
            is_deleted: false,
        });
        self.put(at, "id", &json!(id));
        self.write(at, fields, now);
        id
    }

    pub(super) fn update(&mut self, at: usize, fields: Map<String, Value>, now: i64) {
        let person = &self.all[at];
        let changes = fields.iter().filter_map(|(name, new)| {
            let old = person.fields.get(name).cloned().unwrap_or_default();
            let (name, new) = (name.clone(), new.clone());
            (old != new).then_some(FieldChange { at: now, person: person.id, name, old, new })
        });
        let changes: Vec<FieldChange> = changes.collect();
        self.changes.extend(changes);
        self.write(at, fields, now);
    }

    /// Changes of fields, oldest first.
    pub(super) fn changes(&self) -> &[FieldChange] {
        &self.changes
    }

    fn write(&mut self, at: usize, fields: Map<String, Value>, now: i64) {
        for (name, value) in fields {
            if let Some(old) = self.all[at].fields.get(&name).cloned() {
                let places = self.index.get_mut(&name).and_then(|it| it.get_mut(&key(&old)));
                if let Some(places) = places {
                    places.retain(|it| *it != at);
                }
            }
            self.put(at, &name, &value);
            self.all[at].fields.insert(name, value);
        }
        self.all[at].updated_at = now;
    }

    fn put(&mut self, at: usize, name: &str, value: &Value) {
        if self.is_searchable(name) && !value.is_null() {
            self.index.entry(name.to_owned()).or_default().entry(key(value)).or_default().push(at);
        }
    }

    pub(super) fn delete(&mut self, at: usize) {
        self.all[at].is_deleted = true;
    }

    pub(super) fn act(&mut self, at: usize, activity: Value) {
        self.all[at].activities.push(activity);
    }

    pub(super) fn id(&self, at: usize) -> u64 {
        self.all[at].id
    }

    pub(super) fn partition(&self, at: usize) -> &str {
        &self.all[at].partition
    }

    /// When a person was last changed.
    pub(super) fn updated_at(&self, at: usize) -> i64 {
        self.all[at].updated_at
    }

    /// A person with these fields, as a read tells them: a field without a value is null.
    pub(super) fn shape(&self, at: usize, fields: &[&str]) -> Value {
        let person = &self.all[at];
        let mut shape = json!({ "id": person.id });
        for name in fields.iter().filter(|it| self.has_field(it) && **it != "id") {
            shape[*name] = match *name {
                "createdAt" => json!(crate::moment::rfc3339(person.created_at)),
                "updatedAt" => json!(crate::moment::rfc3339(person.updated_at)),
                name => person.fields.get(name).cloned().unwrap_or_default(),
            };
        }
        shape
    }

    pub(super) fn records(&self) -> Vec<Value> {
        let there = self.all.iter().filter(|it| !it.is_deleted);
        let record = |it: &Person| {
            json!({
                "id": it.id, "fields": it.fields, "partition": it.partition, "activities": it.activities,
                "created_at": it.created_at, "updated_at": it.updated_at,
            })
        };
        there.map(record).collect()
    }
}

/// A value as the index has it.
pub(super) fn key(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_lowercase)
}

fn length(data_type: &str) -> Option<usize> {
    match data_type {
        "string" | "email" | "phone" | "url" => Some(255),
        "text" => Some(30_000),
        _ => None,
    }
}

fn takes(field: &Field, value: &Value) -> Result<(), Refused> {
    let name = &field.name;
    let wrong = || {
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Err(("1001", format!("Invalid value '{shown}'. Required of type '{}'", field.data_type)))
    };
    match (field.data_type, value) {
        (_, Value::Null) | ("boolean", Value::Bool(_)) => Ok(()),
        ("integer", Value::Number(it)) if it.is_i64() => Ok(()),
        ("float" | "currency" | "percent", Value::Number(_)) => Ok(()),
        ("email", Value::String(text)) if !text.is_ascii() || !text.contains('@') => {
            Err(("1003", format!("Invalid data: {name} is not an e-mail address in ASCII")))
        }
        ("text", Value::String(text)) if text.len() > 30_000 => {
            Err(("1003", format!("Invalid data: {name} is longer than 30000 bytes")))
        }
        ("string" | "email" | "phone" | "url", Value::String(text)) if text.encode_utf16().count() > 255 => {
            Err(("1003", format!("Invalid data: {name} is longer than 255 characters")))
        }
        ("string" | "email" | "phone" | "url" | "text" | "date" | "datetime", Value::String(_)) => Ok(()),
        _ => wrong(),
    }
}
