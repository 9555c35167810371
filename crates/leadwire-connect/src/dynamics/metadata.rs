//! Reads what an environment says of its leads' columns and alternate keys.
//!
//! learn.microsoft.com, `webapi/query-metadata-web-api` and `define-alternate-keys-entity`.

use super::request::Call;
use crate::mapped::rule_json;
use leadwire_core::mapping::{Kind, Length, Rule};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The table of leads.
pub(super) const LEAD: &str = "EntityDefinitions(LogicalName='lead')";
/// Most columns read: a table has at most about a thousand.
const COLUMNS_MAX: usize = 2000;

/// The columns of a lead, by logical name.
#[derive(Default)]
pub(super) struct Columns {
    by_name: BTreeMap<String, Column>,
}

struct Column {
    is_creatable: bool,
    rule: Rule,
}

impl Columns {
    /// The requests that tell all of it, in the order [`Columns::read`] takes their answers.
    pub(super) fn calls(root: &str) -> [Call; 4] {
        let of = |cast: &str, query: &str| {
            Call::get(format!("{root}/{LEAD}/Attributes{cast}?$select=LogicalName{query}"))
        };
        let cast = |name: &str| format!("/Microsoft.Dynamics.CRM.{name}AttributeMetadata");
        [
            of("", ",AttributeType,IsValidForCreate,IsValidForUpdate"),
            of(&cast("String"), ",MaxLength,Format"),
            of(&cast("Memo"), ",MaxLength"),
            of(&cast("Picklist"), "&$expand=OptionSet($select=Options)"),
        ]
    }

    /// Takes the next answer; none when it is something else.
    pub(super) fn read(&mut self, body: &[u8]) -> Option<()> {
        let json: Value = serde_json::from_slice(body).ok()?;
        for it in json.get("value")?.as_array()?.iter().take(COLUMNS_MAX) {
            let name = it.get("LogicalName")?.as_str()?.to_lowercase();
            let text = |name: &str| it.get(name).and_then(Value::as_str);
            let column = self.by_name.entry(name).or_insert_with(|| Column {
                is_creatable: true,
                rule: Rule { kind: Kind::Text, longest: None, choices: Vec::new(), required: false },
            });
            if let Some(is_creatable) = it.get("IsValidForCreate").and_then(Value::as_bool) {
                column.is_creatable = is_creatable;
            }
            match text("AttributeType") {
                Some("Boolean") => column.rule.kind = Kind::Bool,
                Some("DateTime") => column.rule.kind = Kind::Moment,
                Some(
                    "Integer" | "BigInt" | "Decimal" | "Double" | "Money" | "Picklist" | "State" | "Status",
                ) => column.rule.kind = Kind::Number,
                _ => {}
            }
            if text("Format") == Some("Email") {
                column.rule.kind = Kind::Email;
            }
            if let Some(longest) = it.get("MaxLength").and_then(Value::as_u64) {
                column.rule.longest = usize::try_from(longest).ok().map(Length::Utf16);
            }
            if let Some(options) = it.pointer("/OptionSet/Options").and_then(Value::as_array) {
                let values = options.iter().filter_map(|it| it.get("Value")?.as_i64());
                column.rule.choices = values.map(|it| it.to_string()).collect();
            }
        }
        Some(())
    }

    /// Targets of the mapping that no lead has. Those of lookups are navigation properties, which have names of their own.
    pub(super) fn unknown<'a>(&self, targets: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        targets.filter(|it| !it.contains('@') && !self.by_name.contains_key(*it)).collect()
    }

    /// Targets of the mapping that cannot be written.
    pub(super) fn locked<'a>(&self, targets: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        targets.filter(|it| self.by_name.get(*it).is_some_and(|it| !it.is_creatable)).collect()
    }

    /// The longest text of a column.
    pub(super) fn longest(&self, name: &str) -> Option<usize> {
        match self.by_name.get(name)?.rule.longest? {
            Length::Utf16(longest) | Length::Bytes(longest) => Some(longest),
        }
    }

    /// Whether there is such a column.
    pub(super) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The setting `field_rules` for these targets; `required` are those no lead is made without.
    pub(super) fn field_rules<'a>(
        &self,
        targets: impl Iterator<Item = &'a str>,
        is_required: impl Fn(&str) -> bool,
    ) -> Value {
        let rules = targets.filter_map(|it| {
            let mut rule = self.by_name.get(it)?.rule.clone();
            rule.required = is_required(it);
            Some((it.to_owned(), rule_json(&rule)))
        });
        Value::Object(rules.collect::<Map<_, _>>())
    }
}

/// What an environment says of the alternate key of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyState {
    Missing,
    /// Its index is being built.
    Building,
    Failed,
    Active,
}

/// Asks for the alternate keys of leads, past caches that may be half a minute old.
pub(super) fn keys(root: &str) -> Call {
    let mut call = Call::get(format!(
        "{root}/{LEAD}/Keys?$select=SchemaName,LogicalName,KeyAttributes,EntityKeyIndexStatus"
    ));
    call.headers.push(("Consistency", "Strong".to_owned()));
    call
}

/// The state of the key that has this column alone; none when the answer is something else.
pub(super) fn read_keys(body: &[u8], column: &str) -> Option<KeyState> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let is_it = |it: &&Value| it.get("KeyAttributes") == Some(&json!([column]));
    let found = json.get("value")?.as_array()?.iter().find(is_it);
    Some(match found.map(|it| it.get("EntityKeyIndexStatus").and_then(Value::as_str)) {
        None => KeyState::Missing,
        Some(Some("Active")) => KeyState::Active,
        Some(Some("Failed")) => KeyState::Failed,
        Some(_) => KeyState::Building,
    })
}

fn label(text: &str) -> Value {
    json!({
        "@odata.type": "Microsoft.Dynamics.CRM.Label",
        "LocalizedLabels": [{
            "@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel", "Label": text, "LanguageCode": 1033,
        }],
    })
}

/// The schema name of a column: its logical name, with the first letter behind the prefix in capitals.
fn schema_name(column: &str) -> String {
    let (prefix, name) = column.split_once('_').unwrap_or(("", column));
    let (first, rest) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
    format!("{prefix}_{}{rest}", first.to_uppercase())
}

/// Makes the column of an alternate key.
pub(super) fn make_column(root: &str, column: &str) -> Call {
    let body = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "AttributeType": "String",
        "AttributeTypeName": { "Value": "StringType" },
        "SchemaName": schema_name(column),
        "MaxLength": 100,
        "FormatName": { "Value": "Text" },
        "RequiredLevel": { "Value": "None" },
        "DisplayName": label("Leadwire lead id"),
    });
    Call::with(http::Method::POST, format!("{root}/{LEAD}/Attributes"), &body)
}

/// Makes the alternate key of a column.
pub(super) fn make_key(root: &str, column: &str) -> Call {
    let body = json!({
        "SchemaName": format!("{}Key", schema_name(column)),
        "LogicalName": format!("{column}key"),
        "EntityLogicalName": "lead",
        "KeyAttributes": [column],
        "DisplayName": label("Leadwire lead id key"),
    });
    Call::with(http::Method::POST, format!("{root}/{LEAD}/Keys"), &body)
}
