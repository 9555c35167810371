//! Names that answers hold: ids, fields, and the record a duplicate rule found.

use serde_json::Value;

/// The record that a rule found: a lead rather than a contact or another kind, and the surest match first.
pub(super) fn matched(details: &Value) -> Option<(&str, &str)> {
    let results = details.get("matchResults")?.as_array()?;
    let records = results.iter().filter_map(|it| it.get("matchRecords")?.as_array()).flatten();
    let mut best: Option<(bool, f64, &str, &str)> = None;
    for entry in records {
        let Some(record) = entry.get("record") else { continue };
        let Some(id) = record.get("Id").and_then(Value::as_str).filter(|it| is_id(it)) else { continue };
        let kind = record.get("attributes").and_then(|it| it.get("type")?.as_str()).unwrap_or_default();
        let kind = if is_field_name(kind) { kind } else { "record" };
        let sure = entry.get("matchConfidence").and_then(Value::as_f64).unwrap_or(0.0);
        let is_better = best.is_none_or(|it| (kind == "Lead", sure) > (it.0, it.1));
        if is_better {
            best = Some((kind == "Lead", sure, kind, id));
        }
    }
    best.map(|(_, _, kind, id)| (kind, id))
}

/// An id of 15 or 18 letters and digits.
pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|it| it.is_ascii_alphanumeric())
}

/// The API name of a field or kind of record.
pub(super) fn is_field_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 80 && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}
