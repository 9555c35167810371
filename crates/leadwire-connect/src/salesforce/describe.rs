//! Reads what an org says of its leads' fields (REST API Developer Guide v62.0, "sObject Describe").

use crate::mapped::rule_json;
use leadwire_core::mapping::{Kind, Length, Rule};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What Lead takes from the integration user.
pub(super) struct Describe {
    pub(super) is_createable: bool,
    pub(super) is_updateable: bool,
    /// By name in lower case: names are not case-sensitive there.
    fields: BTreeMap<String, Described>,
}

/// One field. Those the user may not see are absent.
pub(super) struct Described {
    pub(super) name: String,
    pub(super) is_createable: bool,
    pub(super) is_external_id: bool,
    pub(super) is_unique: bool,
    pub(super) length: usize,
    rule: Rule,
}

impl Describe {
    /// None: the body is something else.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(body).ok()?;
        let flag = |json: &Value, name: &str| json.get(name).and_then(Value::as_bool).unwrap_or(false);
        let mut fields = BTreeMap::new();
        for field in json.get("fields")?.as_array()? {
            let name = field.get("name")?.as_str()?.to_owned();
            let length = field.get("length").and_then(Value::as_u64).and_then(|it| usize::try_from(it).ok());
            let length = length.unwrap_or(0);
            let described = Described {
                is_createable: flag(field, "createable"),
                is_external_id: flag(field, "externalId"),
                is_unique: flag(field, "unique"),
                length,
                rule: rule(field, length),
                name,
            };
            fields.insert(described.name.to_lowercase(), described);
        }
        Some(Self {
            is_createable: flag(&json, "createable"),
            is_updateable: flag(&json, "updateable"),
            fields,
        })
    }

    pub(super) fn get(&self, name: &str) -> Option<&Described> {
        self.fields.get(&name.to_lowercase())
    }

    /// Whether a list of values has this one, as far as it is restricted.
    pub(super) fn takes(&self, name: &str, value: &str) -> bool {
        self.get(name)
            .is_none_or(|it| it.rule.choices.is_empty() || it.rule.choices.iter().any(|it| it == value))
    }

    /// Fields a lead cannot be made without.
    pub(super) fn required(&self) -> impl Iterator<Item = &str> {
        self.fields.values().filter(|it| it.rule.required).map(|it| &*it.name)
    }

    /// The setting `field_rules` for these targets.
    pub(super) fn field_rules<'a>(&self, targets: impl Iterator<Item = &'a str>) -> Value {
        let rules = targets.filter_map(|it| Some((it.to_owned(), rule_json(&self.get(it)?.rule))));
        Value::Object(rules.collect::<Map<_, _>>())
    }
}

fn rule(field: &Value, length: usize) -> Rule {
    let flag = |name: &str| field.get(name).and_then(Value::as_bool).unwrap_or(false);
    let kind = match field.get("type").and_then(Value::as_str).unwrap_or_default() {
        "boolean" => Kind::Bool,
        "email" => Kind::Email,
        "int" | "double" | "currency" | "percent" | "long" => Kind::Number,
        "date" | "datetime" => Kind::Moment,
        _ => Kind::Text,
    };
    let choices = field.get("picklistValues").and_then(Value::as_array).into_iter().flatten();
    let choices = choices
        .filter(|it| flag("restrictedPicklist") && it.get("active").and_then(Value::as_bool).unwrap_or(true))
        .filter_map(|it| Some(it.get("value")?.as_str()?.to_owned()));
    Rule {
        kind,
        // Apex and the API count characters as Java does.
        longest: (length > 0 && matches!(kind, Kind::Text | Kind::Email)).then_some(Length::Utf16(length)),
        choices: choices.collect(),
        required: flag("createable") && !flag("nillable") && !flag("defaultedOnCreate"),
    }
}
