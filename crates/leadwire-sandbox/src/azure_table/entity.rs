//! What a row may hold: keys, names and types of properties, and sizes, as the data model has them.
//!
//! Source: learn.microsoft.com, "Understanding the Table service data model".

use super::wrong::{Wrong, invalid, wrong};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Own properties, besides the two keys and the timestamp.
const PROPERTIES_MAX: usize = 252;
/// Longest name of a property, in characters.
const NAME_MAX: usize = 255;
/// Longest text, in UTF-16 units, and longest binary value, in bytes.
const TEXT_MAX: usize = 32_768;
const BINARY_MAX: usize = 64 * 1024;
/// Longest key, in UTF-16 units: 1 KiB. Cosmos DB takes 255 bytes.
const KEY_MAX: usize = 512;
const COSMOS_KEY_MAX: usize = 255;
/// Largest row, in bytes.
const ENTITY_MAX: usize = 1024 * 1024;
/// What ends the name of a property's type.
const TYPE: &str = "@odata.type";

/// A row that may be stored: its properties with their types, without the keys.
pub(super) struct Checked {
    pub(super) partition: Option<String>,
    pub(super) row: Option<String>,
    pub(super) properties: Map<String, Value>,
}

/// Holds a body to the data model.
pub(super) fn check(body: &Value, is_cosmos: bool) -> Result<Checked, Wrong> {
    let Some(body) = body.as_object() else { return Err(invalid("The body is not an object.")) };
    let mut checked = Checked { partition: None, row: None, properties: Map::new() };
    let (mut count, mut size) = (0, 4);
    for (name, value) in body {
        if name.starts_with("odata.") || name.ends_with(TYPE) || name == "Timestamp" {
            continue;
        }
        let kind = body.get(&format!("{name}{TYPE}")).and_then(Value::as_str);
        match name.as_str() {
            "PartitionKey" | "RowKey" => {
                let text = value.as_str().ok_or_else(|| {
                    wrong(
                        400,
                        "PropertiesNeedValue",
                        "The values are not specified for all properties in the entity.",
                    )
                })?;
                check_key(text, is_cosmos)?;
                size += 2 * text.encode_utf16().count();
                let key = if name == "RowKey" { &mut checked.row } else { &mut checked.partition };
                *key = Some(text.to_owned());
            }
            _ if value.is_null() => {}
            _ => {
                check_name(name, is_cosmos)?;
                count += 1;
                size += 8 + 2 * name.encode_utf16().count() + check_value(value, kind)?;
                checked.properties.insert(name.clone(), value.clone());
                if let Some(kind) = kind {
                    checked.properties.insert(format!("{name}{TYPE}"), Value::from(kind));
                }
            }
        }
    }
    if count > PROPERTIES_MAX {
        let text = "The entity contains more properties than allowed. Each entity can include up to 252 properties to store data.";
        return Err(wrong(400, "TooManyProperties", text));
    }
    if size > ENTITY_MAX {
        let text = "The entity is larger than the maximum allowed size (1MB).";
        return Err(wrong(400, "EntityTooLarge", text));
    }
    Ok(checked)
}

/// Holds a key to its length and characters.
pub(super) fn check_key(key: &str, is_cosmos: bool) -> Result<(), Wrong> {
    let is_long = if is_cosmos { key.len() > COSMOS_KEY_MAX } else { key.encode_utf16().count() > KEY_MAX };
    if is_long {
        return Err(wrong(400, "KeyValueTooLarge", "The key value exceeds the maximum allowed size."));
    }
    if key.chars().any(|it| "/\\#?".contains(it) || it.is_control()) {
        return Err(wrong(400, "OutOfRangeInput", "One of the request inputs is out of range."));
    }
    Ok(())
}

fn check_name(name: &str, is_cosmos: bool) -> Result<(), Wrong> {
    if name.encode_utf16().count() > NAME_MAX {
        let text = "The property name exceeds the maximum allowed length (255).";
        return Err(wrong(400, "PropertyNameTooLong", text));
    }
    let is_letter = |it: char| it.is_alphabetic() || it == '_';
    let is_name = name.starts_with(is_letter) && name.chars().all(|it| is_letter(it) || it.is_numeric());
    if !is_name || (is_cosmos && ["id", "rid", "etag", "ResourceId"].contains(&name)) {
        return Err(wrong(400, "PropertyNameInvalid", "The property name is invalid."));
    }
    Ok(())
}

/// The bytes a value takes.
fn check_value(value: &Value, kind: Option<&str>) -> Result<usize, Wrong> {
    let bad = || invalid("The value does not fit its type.");
    let text = || value.as_str().ok_or_else(bad);
    let size = match (kind, value) {
        (_, Value::Null | Value::Array(_) | Value::Object(_)) => {
            return Err(invalid("An error occurred while processing this request."));
        }
        (None | Some("Edm.Boolean"), Value::Bool(_)) => 1,
        (None | Some("Edm.Int32"), Value::Number(number)) if number.as_i64().is_some() => {
            i32::try_from(number.as_i64().unwrap_or(i64::MAX)).map_err(|_| bad())?;
            4
        }
        (None | Some("Edm.Double"), Value::Number(number)) => {
            number.as_f64().filter(|it| it.is_finite()).ok_or_else(bad)?;
            8
        }
        (None | Some("Edm.String"), Value::String(text)) => {
            let units = text.encode_utf16().count();
            if units > TEXT_MAX {
                let text = "The property value exceeds the maximum allowed size (64KB).";
                return Err(wrong(400, "PropertyValueTooLarge", text));
            }
            4 + 2 * units
        }
        (Some("Edm.Double"), Value::String(text))
            if ["NaN", "Infinity", "-Infinity"].contains(&text.as_str()) =>
        {
            8
        }
        (Some("Edm.Int64"), _) => {
            text()?.parse::<i64>().map_err(|_| bad())?;
            8
        }
        (Some("Edm.DateTime"), _) => {
            let text = text()?;
            // `2026-01-02T03:04:05.0000000Z`, from 1601 on.
            let is_shape = text.len() >= 20
                && text.ends_with('Z')
                && text.bytes().enumerate().all(|(at, it)| match at {
                    4 | 7 => it == b'-',
                    10 => it == b'T',
                    13 | 16 => it == b':',
                    19 => it == b'.' || it == b'Z',
                    _ => it.is_ascii_digit() || it == b'Z',
                });
            if !is_shape || text < "1601" || &text[5..7] > "12" || &text[8..10] > "31" {
                return Err(bad());
            }
            8
        }
        (Some("Edm.Guid"), _) => {
            let text = text()?;
            let is_guid = text.len() == 36
                && text.bytes().enumerate().all(|(at, it)| match at {
                    8 | 13 | 18 | 23 => it == b'-',
                    _ => it.is_ascii_hexdigit(),
                });
            is_guid.then_some(16).ok_or_else(bad)?
        }
        (Some("Edm.Binary"), _) => {
            let bytes = STANDARD.decode(text()?).map_err(|_| bad())?;
            if bytes.len() > BINARY_MAX {
                let text = "The property value exceeds the maximum allowed size (64KB).";
                return Err(wrong(400, "PropertyValueTooLarge", text));
            }
            4 + bytes.len()
        }
        _ => return Err(wrong(400, "InvalidValueType", "The value specified is invalid.")),
    };
    Ok(size)
}
