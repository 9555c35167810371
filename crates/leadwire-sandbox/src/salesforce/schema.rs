//! The fields of Lead in the simulated org, and what they take (Object Reference, Lead, v62.0).

use super::Problem;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Text,
    TextArea,
    Phone,
    Url,
    Email,
    Picklist,
    Boolean,
    Number,
    Moment,
    Reference,
}

/// One field.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) kind: Kind,
    pub(super) length: usize,
    pub(super) is_writable: bool,
    pub(super) is_required: bool,
    pub(super) is_external_id: bool,
    pub(super) is_unique: bool,
    /// Whether the integration user may see it; what is hidden is as good as absent.
    pub(super) is_visible: bool,
    pub(super) choices: Vec<String>,
    pub(super) is_restricted: bool,
}

/// The fields of Lead.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    fields: Vec<Field>,
    /// Places by name in lower case.
    by_name: HashMap<String, usize>,
}

/// Name, label, kind, length.
const STANDARD: &[(&str, &str, Kind, usize)] = &[
    ("FirstName", "First Name", Kind::Text, 40),
    ("LastName", "Last Name", Kind::Text, 80),
    ("Salutation", "Salutation", Kind::Picklist, 40),
    ("Company", "Company", Kind::Text, 255),
    ("Title", "Title", Kind::Text, 128),
    ("Email", "Email", Kind::Email, 80),
    ("Phone", "Phone", Kind::Phone, 40),
    ("MobilePhone", "Mobile Phone", Kind::Phone, 40),
    ("Fax", "Fax", Kind::Phone, 40),
    ("Street", "Street", Kind::TextArea, 255),
    ("City", "City", Kind::Text, 40),
    ("State", "State/Province", Kind::Text, 80),
    ("PostalCode", "Zip/Postal Code", Kind::Text, 20),
    ("Country", "Country", Kind::Text, 80),
    ("Website", "Website", Kind::Url, 255),
    ("Description", "Description", Kind::TextArea, 32_000),
    ("LeadSource", "Lead Source", Kind::Picklist, 255),
    ("Status", "Status", Kind::Picklist, 255),
    ("Industry", "Industry", Kind::Picklist, 255),
    ("Rating", "Rating", Kind::Picklist, 255),
    ("AnnualRevenue", "Annual Revenue", Kind::Number, 0),
    ("NumberOfEmployees", "Employees", Kind::Number, 0),
    ("HasOptedOutOfEmail", "Email Opt Out", Kind::Boolean, 0),
    ("HasOptedOutOfFax", "Fax Opt Out", Kind::Boolean, 0),
    ("DoNotCall", "Do Not Call", Kind::Boolean, 0),
    ("OwnerId", "Owner ID", Kind::Reference, 18),
    ("RecordTypeId", "Record Type ID", Kind::Reference, 18),
];
/// Fields that only the service writes.
const READ_ONLY: &[(&str, &str, Kind, usize)] = &[
    ("Id", "Lead ID", Kind::Id, 18),
    ("IsDeleted", "Deleted", Kind::Boolean, 0),
    ("IsConverted", "Converted", Kind::Boolean, 0),
    ("Name", "Full Name", Kind::Text, 121),
    ("CreatedDate", "Created Date", Kind::Moment, 0),
    ("LastModifiedDate", "Last Modified Date", Kind::Moment, 0),
    ("SystemModstamp", "System Modstamp", Kind::Moment, 0),
];
const STATUSES: &[&str] =
    &["Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted"];

impl Schema {
    /// The standard fields, without an external id.
    pub(super) fn standard() -> Self {
        let field = |it: &(&str, &str, Kind, usize), is_writable: bool| Field {
            name: it.0.to_owned(),
            label: it.1.to_owned(),
            kind: it.2,
            length: it.3,
            is_writable,
            is_required: matches!(it.0, "LastName" | "Company"),
            is_external_id: false,
            is_unique: false,
            is_visible: true,
            choices: if it.0 == "Status" {
                STATUSES.iter().map(|it| (*it).to_owned()).collect()
            } else {
                Vec::new()
            },
            is_restricted: false,
        };
        let mut schema = Self { fields: Vec::new(), by_name: HashMap::new() };
        let all =
            READ_ONLY.iter().map(|it| field(it, false)).chain(STANDARD.iter().map(|it| field(it, true)));
        for field in all {
            schema.add(field);
        }
        schema
    }

    /// Adds a custom text field.
    pub(super) fn add_text(&mut self, name: &str, length: usize, is_key: bool, is_visible: bool) {
        self.add(Field {
            name: name.to_owned(),
            label: name.trim_end_matches("__c").to_owned(),
            kind: Kind::Text,
            length,
            is_writable: true,
            is_required: false,
            is_external_id: is_key,
            is_unique: is_key,
            is_visible,
            choices: Vec::new(),
            is_restricted: false,
        });
    }

    fn add(&mut self, field: Field) {
        self.by_name.insert(field.name.to_lowercase(), self.fields.len());
        self.fields.push(field);
    }

    /// A field the integration user can see.
    pub(super) fn get(&self, name: &str) -> Option<&Field> {
        self.any(name).filter(|it| it.is_visible)
    }

    /// A field, hidden or not.
    pub(super) fn any(&self, name: &str) -> Option<&Field> {
        self.by_name.get(&name.to_lowercase()).map(|it| &self.fields[*it])
    }

    pub(super) fn change(&mut self, name: &str, change: impl FnOnce(&mut Field)) -> bool {
        let place = self.by_name.get(&name.to_lowercase()).copied();
        if let Some(place) = place {
            change(&mut self.fields[place]);
        }
        place.is_some()
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.fields.retain(|it| !it.name.eq_ignore_ascii_case(name));
        self.by_name = self.fields.iter().enumerate().map(|it| (it.1.name.to_lowercase(), it.0)).collect();
    }

    pub(super) fn visible(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|it| it.is_visible)
    }

    pub(super) fn unique(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|it| it.is_unique)
    }
}

impl Field {
    /// Why a value cannot be stored in the field.
    pub(super) fn refuses(&self, value: &Value) -> Option<Problem> {
        let problem = |code, message: String| Some(Problem::new(code, message).of_field(&self.name));
        let wrong_type = || {
            problem(
                "INVALID_TYPE_ON_FIELD_IN_RECORD",
                format!("{}: value not of required type: {value}", self.label),
            )
        };
        if value.is_null() {
            return None;
        }
        match self.kind {
            Kind::Boolean => (!value.is_boolean()).then(wrong_type).flatten(),
            Kind::Number => (!value.is_number()).then(wrong_type).flatten(),
            Kind::Id
            | Kind::Text
            | Kind::TextArea
            | Kind::Phone
            | Kind::Url
            | Kind::Email
            | Kind::Picklist
            | Kind::Moment
            | Kind::Reference => match value.as_str() {
                None => wrong_type(),
                Some(text) => self.refuses_text(text),
            },
        }
    }

    fn refuses_text(&self, text: &str) -> Option<Problem> {
        let problem = |code, message: String| Some(Problem::new(code, message).of_field(&self.name));
        if self.length > 0 && text.encode_utf16().count() > self.length {
            let (label, length) = (&self.label, self.length);
            return problem(
                "STRING_TOO_LONG",
                format!("{label}: data value too large: {text} (max length={length})"),
            );
        }
        if self.kind == Kind::Email && !text.is_empty() && !is_email(text) {
            return problem(
                "INVALID_EMAIL_ADDRESS",
                format!("{}: invalid email address: {text}", self.label),
            );
        }
        if self.kind == Kind::Reference && !is_id(text) {
            return problem("MALFORMED_ID", format!("{}: id value of incorrect type: {text}", self.label));
        }
        if self.kind == Kind::Reference && !["005", "00G", "012"].iter().any(|it| text.starts_with(it)) {
            return problem("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id".to_owned());
        }
        if self.is_restricted && !self.choices.iter().any(|it| it == text) {
            return problem(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                format!("{}: bad value for restricted picklist field: {text}", self.label),
            );
        }
        None
    }

    /// One entry of a describe.
    pub(super) fn describe(&self) -> Value {
        let kind = match self.kind {
            Kind::Id => "id",
            Kind::Text => "string",
            Kind::TextArea => "textarea",
            Kind::Phone => "phone",
            Kind::Url => "url",
            Kind::Email => "email",
            Kind::Picklist => "picklist",
            Kind::Boolean => "boolean",
            Kind::Number => "double",
            Kind::Moment => "datetime",
            Kind::Reference => "reference",
        };
        let is_custom = self.name.ends_with("__c");
        let is_defaulted = matches!(self.kind, Kind::Boolean) || matches!(&*self.name, "Status" | "OwnerId");
        let choices: Vec<Value> = self
            .choices
            .iter()
            .map(|it| json!({ "active": true, "defaultValue": false, "label": it, "validFor": null, "value": it }))
            .collect();
        json!({
            "name": self.name, "label": self.label, "type": kind, "length": self.length,
            "byteLength": self.length * 3, "precision": 0, "scale": 0, "digits": 0,
            "nillable": !self.is_required && !is_defaulted, "createable": self.is_writable,
            "updateable": self.is_writable, "defaultedOnCreate": is_defaulted,
            "externalId": self.is_external_id, "idLookup": self.is_external_id || self.name == "Email",
            "unique": self.is_unique, "caseSensitive": false, "custom": is_custom, "calculated": false,
            "restrictedPicklist": self.is_restricted, "controllerName": null, "referenceTo": [],
            "picklistValues": choices,
        })
    }
}

/// Stricter than the service, which takes a few odd ones.
fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        let is_plain = |it: &str| !it.is_empty() && !it.contains(char::is_whitespace) && !it.contains('@');
        is_plain(local)
            && is_plain(domain)
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
    })
}

pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|it| it.is_ascii_alphanumeric())
}
