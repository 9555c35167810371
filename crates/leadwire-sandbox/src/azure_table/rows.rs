//! Tables and their rows, with the operations on them and the marks by which changes are told apart.

use super::entity;
use super::wrong::{Wrong, invalid, wrong};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Partition and row key.
pub(super) type Keys = (String, String);

/// A row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) properties: Map<String, Value>,
    /// When it was written last, with seven digits behind the second.
    pub(super) timestamp: String,
    /// In which order rows were made.
    pub(super) number: u64,
}

/// A table.
#[derive(Default)]
pub(super) struct Table {
    /// As it was written when it was made.
    pub(super) name: String,
    pub(super) rows: BTreeMap<Keys, Row>,
}

/// What is done with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Insert,
    Merge,
    Replace,
    Delete,
}

/// An operation, read and held to the data model.
pub(super) struct Operation {
    pub(super) verb: Verb,
    pub(super) keys: Keys,
    pub(super) properties: Map<String, Value>,
    /// `If-Match`. None: a merge or replacement makes the row when it is not there.
    pub(super) if_match: Option<String>,
    /// The body came with it, so a reply may hold it.
    pub(super) wants_content: bool,
}

impl Row {
    pub(super) fn etag(&self) -> String {
        format!("W/\"datetime'{}'\"", self.timestamp.replace(':', "%3A"))
    }

    /// The row as an answer has it.
    pub(super) fn shape(&self, keys: &Keys) -> Map<String, Value> {
        let mut shape = Map::new();
        shape.insert("PartitionKey".to_owned(), json!(keys.0));
        shape.insert("RowKey".to_owned(), json!(keys.1));
        shape.insert("Timestamp".to_owned(), json!(self.timestamp));
        shape.extend(self.properties.clone());
        shape
    }
}

impl Operation {
    /// Reads what a request wants done.
    pub(super) fn read(
        method: &str,
        target: Option<Keys>,
        body: &[u8],
        if_match: Option<&str>,
        is_cosmos: bool,
    ) -> Result<Self, Wrong> {
        let verb = match (method, &target) {
            ("POST", None) => Verb::Insert,
            ("MERGE", Some(_)) => Verb::Merge,
            ("PATCH", Some(_)) if !is_cosmos => Verb::Merge,
            ("PUT", Some(_)) => Verb::Replace,
            ("DELETE", Some(_)) => Verb::Delete,
            _ => {
                let text = "The resource doesn't support the specified HTTP verb.";
                return Err(wrong(405, "UnsupportedHttpVerb", text));
            }
        };
        let if_match = if_match.map(str::to_owned);
        if verb == Verb::Delete {
            let keys = target.unwrap_or_default();
            if if_match.is_none() {
                let text = "A required HTTP header was not specified.";
                return Err(wrong(400, "MissingRequiredHeader", text));
            }
            return Ok(Self { verb, keys, properties: Map::new(), if_match, wants_content: false });
        }
        let body: Value = serde_json::from_slice(body).map_err(|_| invalid(""))?;
        let checked = entity::check(&body, is_cosmos)?;
        let keys = match (target, checked.partition, checked.row) {
            (None, Some(partition), Some(row)) => (partition, row),
            (None, _, _) => {
                let text = "The values are not specified for all properties in the entity.";
                return Err(wrong(400, "PropertiesNeedValue", text));
            }
            (Some(keys), partition, row) => {
                entity::check_key(&keys.0, is_cosmos)?;
                entity::check_key(&keys.1, is_cosmos)?;
                if partition.is_some_and(|it| it != keys.0) || row.is_some_and(|it| it != keys.1) {
                    return Err(invalid("The keys of the body are not those of the address."));
                }
                keys
            }
        };
        Ok(Self { verb, keys, properties: checked.properties, if_match, wants_content: true })
    }
}

impl Table {
    /// Does it. `timestamp` is the moment of the change, `number` the place of a row that is made.
    pub(super) fn apply(&mut self, it: &Operation, timestamp: &str, number: u64) -> Result<(), Wrong> {
        let there = self.rows.get(&it.keys);
        if it.verb == Verb::Insert && there.is_some() {
            return Err(wrong(409, "EntityAlreadyExists", "The specified entity already exists."));
        }
        if let Some(if_match) = &it.if_match {
            let Some(row) = there else {
                return Err(wrong(404, "ResourceNotFound", "The specified resource does not exist."));
            };
            if if_match != "*" && *if_match != row.etag() {
                let text = "The update condition specified in the request was not satisfied.";
                return Err(wrong(412, "UpdateConditionNotSatisfied", text));
            }
        }
        if it.verb == Verb::Delete {
            self.rows.remove(&it.keys);
            return Ok(());
        }
        let mut properties = match (it.verb, there) {
            (Verb::Merge, Some(row)) => row.properties.clone(),
            _ => Map::new(),
        };
        for (name, value) in &it.properties {
            // A value of another type leaves no trace of the former.
            if !name.ends_with("@odata.type") {
                properties.shift_remove(&format!("{name}@odata.type"));
            }
            properties.insert(name.clone(), value.clone());
        }
        let number = there.map_or(number, |row| row.number);
        self.rows.insert(it.keys.clone(), Row { properties, timestamp: timestamp.to_owned(), number });
        Ok(())
    }
}
