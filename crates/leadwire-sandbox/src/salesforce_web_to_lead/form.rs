//! One submission of the form: the names it knows, what each takes, and what is wrong with it.

use crate::service::Call;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

/// Form name, field of Lead, longest value. Other names are ignored, as by the service.
const NAMES: &[(&str, &str, usize)] = &[
    ("first_name", "FirstName", 40),
    ("last_name", "LastName", 80),
    ("email", "Email", 80),
    ("company", "Company", 255),
    ("phone", "Phone", 40),
    ("mobile", "MobilePhone", 40),
    ("fax", "Fax", 40),
    ("title", "Title", 128),
    ("URL", "Website", 255),
    ("street", "Street", 255),
    ("city", "City", 40),
    ("state", "State", 80),
    ("zip", "PostalCode", 20),
    ("country", "Country", 80),
    ("lead_source", "LeadSource", 255),
    ("description", "Description", 32_000),
    ("industry", "Industry", 255),
    ("rating", "Rating", 255),
    ("salutation", "Salutation", 40),
    ("Campaign_ID", "CampaignId", 18),
    ("recordType", "RecordTypeId", 18),
];
/// Checkboxes: present with 1, or absent.
const BOXES: &[(&str, &str)] =
    &[("emailOptOut", "HasOptedOutOfEmail"), ("faxOptOut", "HasOptedOutOfFax"), ("doNotCall", "DoNotCall")];
/// Longest value of a custom field.
const CUSTOM_MAX: usize = 255;

/// A custom field of the org.
pub(super) struct Custom {
    pub(super) id: String,
    pub(super) is_unique: bool,
}

/// A submission.
pub(super) struct Form {
    oid: String,
    is_debug: bool,
    fields: Map<String, Value>,
    unique: Vec<(String, String)>,
    key: Option<String>,
    too_long: Option<String>,
}

impl Form {
    pub(super) fn read(call: &Call, customs: &[Custom]) -> Self {
        let mut form = Self {
            oid: String::new(),
            is_debug: false,
            fields: Map::new(),
            unique: Vec::new(),
            key: None,
            too_long: None,
        };
        let is_latin = call.parameter("encoding").is_some_and(|it| it.eq_ignore_ascii_case("ISO-8859-1"));
        for (name, value) in pairs(&call.body, is_latin) {
            form.put(&name, value, customs);
        }
        form
    }

    fn put(&mut self, name: &str, value: String, customs: &[Custom]) {
        match name {
            "oid" => self.oid = value,
            "debug" => self.is_debug = value == "1",
            _ => {
                let known = NAMES.iter().find(|it| it.0 == name);
                let custom = customs.iter().find(|it| it.id == name);
                let (field, longest) = match (known, custom) {
                    (Some((_, field, longest)), _) => (*field, *longest),
                    (None, Some(custom)) => (&*custom.id, CUSTOM_MAX),
                    (None, None) => {
                        if let Some((_, field)) = BOXES.iter().find(|it| it.0 == name) {
                            self.fields.insert((*field).to_owned(), json!(value == "1"));
                        }
                        return;
                    }
                };
                if value.encode_utf16().count() > longest {
                    self.too_long = Some(format!("{field}: data value too large (max length={longest})"));
                }
                if let Some(custom) = custom {
                    self.key.get_or_insert_with(|| value.clone());
                    if custom.is_unique {
                        self.unique.push((custom.id.clone(), value.clone()));
                        self.key = Some(value.clone());
                    }
                }
                self.fields.insert(field.to_owned(), json!(value));
            }
        }
    }

    /// The first 15 characters of an org's id name it.
    pub(super) fn is_for(&self, oid: &str) -> bool {
        matches!(self.oid.len(), 15 | 18) && self.oid.get(..15) == oid.get(..15)
    }

    pub(super) fn is_complete(&self) -> bool {
        let is_given = |name: &str| {
            self.fields.get(name).and_then(Value::as_str).is_some_and(|it| !it.trim().is_empty())
        };
        is_given("LastName") && is_given("Company")
    }

    pub(super) fn is_debug(&self) -> bool {
        self.is_debug
    }

    /// What only shows when the lead is made.
    pub(super) fn refused(&self) -> Option<&str> {
        self.too_long.as_deref()
    }

    pub(super) fn unique(&self) -> &[(String, String)] {
        &self.unique
    }

    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    pub(super) fn fields(self) -> Map<String, Value> {
        self.fields
    }
}

fn pairs(body: &[u8], is_latin: bool) -> Vec<(String, String)> {
    if !is_latin {
        return form_urlencoded::parse(body).into_owned().collect();
    }
    // Each byte is a character, so the text is decoded as if every escape were one of ISO-8859-1.
    let decoded = |part: &str| -> String {
        let bytes = part.as_bytes();
        let mut out = String::new();
        let mut at = 0;
        while at < bytes.len() {
            let pair = (bytes[at] == b'%').then(|| part.get(at + 1..at + 3)).flatten();
            match pair.and_then(|it| u8::from_str_radix(it, 16).ok()) {
                Some(byte) => {
                    out.push(char::from(byte));
                    at += 3;
                }
                None => {
                    out.push(if bytes[at] == b'+' { ' ' } else { char::from(bytes[at]) });
                    at += 1;
                }
            }
        }
        out
    };
    let text = String::from_utf8_lossy(body);
    text.split('&').filter_map(|it| it.split_once('=')).map(|it| (decoded(it.0), decoded(it.1))).collect()
}
