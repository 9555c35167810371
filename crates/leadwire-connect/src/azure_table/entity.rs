//! A lead as a row of the table: its two keys, its properties and their types. Pure.

use super::fields::{CUSTOMER_INFO, TARGETS, TEXT_MAX};
use crate::{Payload, record_id, redact};
use leadwire_core::mapping::{Kind, Mapped, MappedField, Value};
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Touchpoint;
use serde_json::{Map, Number, Value as Json, json};

/// How the partition key is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Partition {
    Day,
    PublisherDay,
}

/// What a row is known by. Both are made of the lead's id alone, so that a repetition finds its own row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Keys {
    pub(super) partition: String,
    pub(super) row: String,
}

impl Keys {
    /// The day is the one the lead was made on: a lead's id starts with the milliseconds since 1970, as UUID version 7
    /// does. Leads that come together share it, so that they can be written together.
    pub(super) fn of(payload: &Payload, partition: Partition) -> Self {
        let millis = i64::try_from(payload.lead.bits() >> 80).expect("48 bits fit");
        let day = &rfc3339::format(Timestamp::from_millis(millis))[..10];
        let partition = match partition {
            Partition::Day => day.to_owned(),
            Partition::PublisherDay => format!("{}_{day}", payload.publisher.as_str()),
        };
        Self { partition, row: record_id::text(payload) }
    }

    /// As people and receipts name the row.
    pub(super) fn record(&self) -> String {
        format!("{}/{}", self.partition, self.row)
    }
}

/// All touchpoints of one lead in a batch, as one row. Has no `Debug`: it holds personal values.
pub(super) struct Entity {
    pub(super) keys: Keys,
    /// No row of this lead can be there yet.
    pub(super) is_first: bool,
    /// Places in the batch.
    pub(super) places: Vec<usize>,
    /// What had to be changed to fit.
    pub(super) notes: Vec<String>,
    /// Values that were sent, which an answer may repeat.
    pub(super) known: Vec<String>,
    all: Map<String, Json>,
    owned: Map<String, Json>,
}

impl Entity {
    pub(super) fn new(keys: Keys) -> Self {
        let own = json!({ "PartitionKey": keys.partition, "RowKey": keys.row });
        let start = || own.as_object().cloned().unwrap_or_default();
        Self {
            is_first: false,
            places: Vec::new(),
            notes: Vec::new(),
            known: Vec::new(),
            all: start(),
            owned: start(),
            keys,
        }
    }

    /// Adds a touchpoint; they come oldest first. The first makes the row, later ones only change what is Leadwire's own.
    pub(super) fn add(&mut self, place: usize, payload: &Payload, mapped: &Mapped, packs_customer: bool) {
        self.is_first |= payload.is_first();
        self.known.extend(redact::known(&payload.touchpoint).map(str::to_owned));
        let mut notes = mapped.notes.clone();
        let is_new = self.places.is_empty();
        for field in &mapped.fields {
            if let Value::Text(text) = &field.value {
                self.known.push(text.clone());
            }
            if is_new {
                put(&mut self.all, field, &mut notes);
            }
        }
        for field in mapped.owned() {
            put(&mut self.all, field, &mut notes);
            put(&mut self.owned, field, &mut notes);
        }
        if is_new && packs_customer {
            let packed = customer_info(&payload.touchpoint);
            if packed.encode_utf16().count() <= TEXT_MAX {
                self.known.push(packed.clone());
                self.all.insert(CUSTOMER_INFO.to_owned(), Json::String(packed));
            } else {
                notes.push(format!("{CUSTOMER_INFO} was left out: it is too long"));
            }
        }
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self.places.push(place);
    }

    /// The whole row.
    pub(super) fn whole(&self) -> String {
        ascii(&Json::Object(self.all.clone()))
    }

    /// The keys and what is Leadwire's own.
    pub(super) fn own(&self) -> String {
        ascii(&Json::Object(self.owned.clone()))
    }

    pub(super) fn has_own(&self) -> bool {
        self.owned.len() > 2
    }
}

/// JSON in which everything beyond ASCII is escaped, as Microsoft's SDK writes it: a line separator such as U+2028 within a
/// transaction is taken for the end of a line by their emulator.
fn ascii(json: &Json) -> String {
    let text = json.to_string();
    if text.is_ascii() {
        return text;
    }
    let mut out = String::with_capacity(2 * text.len());
    let mut units = [0; 2];
    for letter in text.chars() {
        if letter.is_ascii() {
            out.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// `{"FirstName":…}` with what is there, in the order the marketplace documents.
fn customer_info(touchpoint: &Touchpoint) -> String {
    let it = &touchpoint.customer;
    let mut packed = Map::new();
    for (name, value) in [
        ("FirstName", &it.first_name),
        ("LastName", &it.last_name),
        ("Email", &it.email),
        ("Phone", &it.phone),
        ("Country", &it.country),
        ("Company", &it.company),
        ("Title", &it.title),
    ] {
        if let Some(value) = value {
            packed.insert(name.to_owned(), Json::String(value.clone()));
        }
    }
    Json::Object(packed).to_string()
}

/// Writes one property, with its type where JSON alone does not tell it.
fn put(row: &mut Map<String, Json>, field: &MappedField, notes: &mut Vec<String>) {
    let (value, edm) = typed(field, notes);
    let annotation = format!("{}@odata.type", field.target);
    row.insert(field.target.clone(), value);
    match edm {
        Some(edm) => drop(row.insert(annotation, Json::from(edm))),
        None => drop(row.shift_remove(&annotation)),
    }
}

fn typed(field: &MappedField, notes: &mut Vec<String>) -> (Json, Option<&'static str>) {
    match &field.value {
        Value::Bool(it) => (Json::Bool(*it), None),
        Value::Number(text) => {
            let text = text.trim();
            match (text.parse::<i64>(), text.parse::<f64>().ok().and_then(Number::from_f64)) {
                (Ok(whole), _) if i32::try_from(whole).is_ok() => (Json::from(whole), None),
                (Ok(whole), _) => (Json::from(whole.to_string()), Some("Edm.Int64")),
                (Err(_), Some(number)) => (Json::Number(number), Some("Edm.Double")),
                (Err(_), None) => (Json::from(text), None),
            }
        }
        Value::Text(text) => {
            let kind = TARGETS.iter().find(|it| it.name == field.target).map(|it| it.kind);
            if kind == Some(Kind::Moment)
                && let Some(moment) = moment(text)
            {
                return (Json::from(moment), Some("Edm.DateTime"));
            }
            (Json::from(fitting(text, &field.target, notes)), None)
        }
    }
}

/// A moment in UTC, if the service takes it: its calendar starts in 1601.
fn moment(text: &str) -> Option<String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let text = rfc3339::format(rfc3339::parse(&whole)?);
    (text.as_str() >= "1601").then_some(text)
}

/// Columns of the publisher's own have no rule, but the service's limit.
fn fitting(text: &str, target: &str, notes: &mut Vec<String>) -> String {
    if text.len() <= TEXT_MAX || text.encode_utf16().count() <= TEXT_MAX {
        return text.to_owned();
    }
    let mut left = TEXT_MAX;
    let short: String = text
        .chars()
        .take_while(|it| {
            let fits = it.len_utf16() <= left;
            left = left.saturating_sub(it.len_utf16());
            fits
        })
        .collect();
    notes.push(format!("{target} was shortened to {TEXT_MAX} characters"));
    short
}
