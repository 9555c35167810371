//! The contacts of a simulated HubSpot account, and the properties they may have.

use crate::moment::rfc3339;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// Longest text of a property, in characters (HubSpot, property limits).
const TEXT_MAX: usize = 65_536;

/// Why a contact is refused.
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) category: &'static str,
    pub(super) message: String,
}

impl Problem {
    fn invalid(name: &str, code: &str, message: &str) -> Self {
        let embedded = json!([{ "isValid": false, "message": message, "error": code, "name": name }]);
        Self {
            status: 400,
            category: "VALIDATION_ERROR",
            message: format!("Property values were not valid: {embedded}"),
        }
    }
}

struct Property {
    unique: bool,
    options: &'static [&'static str],
}

struct Contact {
    id: u64,
    properties: BTreeMap<String, String>,
    created: i64,
    updated: i64,
    archived: bool,
}

/// All contacts of the account.
pub(super) struct Contacts {
    all: Vec<Contact>,
    /// By property that is unique, and its value in small letters.
    known: HashMap<(String, String), usize>,
    properties: BTreeMap<String, Property>,
}

impl Default for Contacts {
    fn default() -> Self {
        let stages: &'static [&'static str] = &[
            "subscriber",
            "lead",
            "marketingqualifiedlead",
            "salesqualifiedlead",
            "opportunity",
            "customer",
            "other",
        ];
        let statuses: &'static [&'static str] = &[
            "NEW",
            "OPEN",
            "IN_PROGRESS",
            "OPEN_DEAL",
            "UNQUALIFIED",
            "ATTEMPTED_TO_CONTACT",
            "CONNECTED",
            "BAD_TIMING",
        ];
        let plain = [
            "firstname",
            "lastname",
            "phone",
            "mobilephone",
            "company",
            "jobtitle",
            "country",
            "city",
            "state",
            "zip",
            "address",
            "website",
            "message",
            "hs_language",
        ];
        let mut properties: BTreeMap<String, Property> =
            plain.iter().map(|it| ((*it).to_owned(), Property { unique: false, options: &[] })).collect();
        properties.insert("email".to_owned(), Property { unique: true, options: &[] });
        properties.insert("lifecyclestage".to_owned(), Property { unique: false, options: stages });
        properties.insert("hs_lead_status".to_owned(), Property { unique: false, options: statuses });
        Self { all: Vec::new(), known: HashMap::new(), properties }
    }
}

impl Contacts {
    pub(super) fn add_property(&mut self, name: &str, unique: bool) {
        self.properties.insert(name.to_owned(), Property { unique, options: &[] });
    }

    pub(super) fn remove_property(&mut self, name: &str) {
        self.properties.remove(name);
    }

    pub(super) fn is_unique(&self, property: &str) -> bool {
        self.properties.get(property).is_some_and(|it| it.unique)
    }

    pub(super) fn properties(&self) -> Value {
        let results: Vec<Value> = self.properties.keys().filter_map(|it| self.property(it)).collect();
        json!({ "results": results })
    }

    pub(super) fn property(&self, name: &str) -> Option<Value> {
        let property = self.properties.get(name)?;
        let options: Vec<Value> =
            property.options.iter().map(|it| json!({ "label": it, "value": it, "hidden": false })).collect();
        Some(json!({
            "name": name,
            "label": name,
            "type": if options.is_empty() { "string" } else { "enumeration" },
            "fieldType": if options.is_empty() { "text" } else { "select" },
            "options": options,
            "hasUniqueValue": property.unique && name != "email",
            "modificationMetadata": { "readOnlyValue": false },
        }))
    }

    /// The contact of an id, or of a unique property's value.
    pub(super) fn find(&self, property: Option<&str>, value: &str) -> Option<usize> {
        match property {
            None | Some("hs_object_id") => {
                let id: u64 = value.parse().ok()?;
                let at = usize::try_from(id.checked_sub(FIRST_ID)?).ok()?;
                self.all.get(at).filter(|it| !it.archived).map(|_| at)
            }
            Some(property) => self.known.get(&(property.to_owned(), value.to_lowercase())).copied(),
        }
    }

    pub(super) fn create(&mut self, properties: &Value, now: i64) -> Result<usize, Problem> {
        let properties = self.check(properties)?;
        if !["email", "firstname", "lastname"].iter().any(|it| properties.contains_key(*it)) {
            return Err(Problem {
                status: 400,
                category: "VALIDATION_ERROR",
                message: "one of email, firstname or lastname is required".to_owned(),
            });
        }
        if let Some(at) = self.holder_of(&properties, None) {
            return Err(Problem {
                status: 409,
                category: "CONFLICT",
                message: format!("Contact already exists. Existing ID: {}", self.all[at].id),
            });
        }
        let at = self.all.len();
        let id = FIRST_ID + u64::try_from(at).expect("a small number");
        self.index(at, &properties);
        self.all.push(Contact { id, properties, created: now, updated: now, archived: false });
        Ok(at)
    }

    pub(super) fn update(&mut self, at: usize, properties: &Value, now: i64) -> Result<(), Problem> {
        let properties = self.check(properties)?;
        if let Some(other) = self.holder_of(&properties, Some(at)) {
            return Err(Problem {
                status: 409,
                category: "CONFLICT",
                message: format!("Contact already exists. Existing ID: {}", self.all[other].id),
            });
        }
        self.index(at, &properties);
        let contact = &mut self.all[at];
        contact.properties.extend(properties);
        contact.updated = now;
        Ok(())
    }

    /// What is wrong with these properties, if anything.
    pub(super) fn refusal(&self, properties: &Value) -> Option<Problem> {
        self.check(properties).err()
    }

    pub(super) fn archive(&mut self, id: &str) {
        if let Some(at) = self.find(None, id) {
            self.all[at].archived = true;
            self.known.retain(|_, it| *it != at);
        }
    }

    /// Deletes a contact with everything it holds; false: there is none.
    pub(super) fn erase(&mut self, property: Option<&str>, id: &str) -> bool {
        let Some(at) = self.find(property, id) else { return false };
        self.all[at].archived = true;
        self.all[at].properties.clear();
        self.known.retain(|_, it| *it != at);
        true
    }

    /// What a contact looks like in an answer.
    pub(super) fn shape(&self, at: usize) -> Value {
        let contact = &self.all[at];
        let mut properties: Map<String, Value> =
            contact.properties.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        properties.insert("hs_object_id".to_owned(), json!(contact.id.to_string()));
        json!({
            "id": contact.id.to_string(),
            "properties": properties,
            "createdAt": rfc3339(contact.created),
            "updatedAt": rfc3339(contact.updated),
            "archived": contact.archived,
        })
    }

    /// Places of the contacts that changed at a moment or later, oldest change first.
    pub(super) fn changed_since(&self, from: i64) -> Vec<usize> {
        let is_meant = |it: &usize| !self.all[*it].archived && self.all[*it].updated >= from;
        let mut found: Vec<usize> = (0..self.all.len()).filter(is_meant).collect();
        found.sort_by_key(|it| self.all[*it].updated);
        found
    }

    /// A contact with these properties and no others; what it has no value of is null.
    pub(super) fn picked(&self, at: usize, names: &[&str]) -> Value {
        let contact = &self.all[at];
        let value = |name: &str| match name {
            "lastmodifieddate" => json!(rfc3339(contact.updated)),
            "createdate" => json!(rfc3339(contact.created)),
            name => json!(contact.properties.get(name)),
        };
        let mut shape = self.shape(at);
        let mut properties: Map<String, Value> =
            names.iter().map(|it| ((*it).to_owned(), value(it))).collect();
        properties.insert("hs_object_id".to_owned(), json!(contact.id.to_string()));
        shape["properties"] = Value::Object(properties);
        shape
    }

    pub(super) fn has_property(&self, name: &str) -> bool {
        ["lastmodifieddate", "createdate", "hs_object_id"].contains(&name)
            || self.properties.contains_key(name)
    }

    pub(super) fn first(&self, count: usize) -> Value {
        let there = (0..self.all.len()).filter(|it| !self.all[*it].archived).take(count);
        json!({ "results": there.map(|it| self.shape(it)).collect::<Vec<_>>() })
    }

    pub(super) fn records(&self) -> Vec<Value> {
        let there = self.all.iter().filter(|it| !it.archived);
        there
            .map(|it| {
                json!({ "id": it.id.to_string(), "key": it.properties.get("email"), "fields": it.properties })
            })
            .collect()
    }

    fn holder_of(&self, properties: &BTreeMap<String, String>, but: Option<usize>) -> Option<usize> {
        properties
            .iter()
            .filter(|(name, _)| self.is_unique(name))
            .filter_map(|(name, value)| self.find(Some(name), value))
            .find(|it| Some(*it) != but)
    }

    fn index(&mut self, at: usize, properties: &BTreeMap<String, String>) {
        for (name, value) in properties {
            if self.is_unique(name) {
                self.known.insert((name.clone(), value.to_lowercase()), at);
            }
        }
    }

    fn check(&self, properties: &Value) -> Result<BTreeMap<String, String>, Problem> {
        let Some(entries) = properties.as_object() else {
            return Err(Problem {
                status: 400,
                category: "VALIDATION_ERROR",
                message: "Invalid input JSON: properties is required".to_owned(),
            });
        };
        let mut checked = BTreeMap::new();
        for (name, value) in entries {
            let Some(property) = self.properties.get(name) else {
                let message = format!("Property \"{name}\" does not exist");
                return Err(Problem::invalid(name, "PROPERTY_DOESNT_EXIST", &message));
            };
            let Some(text) = value.as_str() else {
                return Err(Problem {
                    status: 400,
                    category: "VALIDATION_ERROR",
                    message: format!("Invalid input JSON: the value of {name} is not a string"),
                });
            };
            if name == "email" && !is_address(text) {
                return Err(Problem::invalid(
                    name,
                    "INVALID_EMAIL",
                    &format!("Email address {text} is invalid"),
                ));
            }
            if !property.options.is_empty() && !property.options.contains(&text) && !text.is_empty() {
                let message = format!("{text} was not one of the allowed options");
                return Err(Problem::invalid(name, "INVALID_OPTION", &message));
            }
            if text.chars().count() > TEXT_MAX {
                return Err(Problem::invalid(name, "PROPERTY_VALUE_TOO_LONG", "the value is too long"));
            }
            let text = if name == "email" { text.to_lowercase() } else { text.to_owned() };
            checked.insert(name.clone(), text);
        }
        Ok(checked)
    }
}

/// Ids are numbers that say nothing about how many contacts there are.
const FIRST_ID: u64 = 151;

fn is_address(text: &str) -> bool {
    let Some((name, domain)) = text.rsplit_once('@') else { return false };
    let is_plain = |it: &str| {
        !it.is_empty() && !it.contains(|it: char| it.is_whitespace() || "<>()[],;:\\\"".contains(it))
    };
    is_plain(name)
        && is_plain(domain)
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
}
