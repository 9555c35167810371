//! What came beside what is sent, field by field: a part of the page of a delivery.

use super::shell::{Shell, in_path};
use super::visit::Visit;
use crate::api::{Problem, Wish, wire};

/// Longest value that is shown at once, in characters; a longer one is folded in.
const VALUE_CHARS: usize = 120;
/// Longest value that a page holds, in characters.
const LONG_CHARS: usize = 3000;

/// A delivery's fields, for its page.
pub(super) struct Fields {
    pub(super) told: wire::DeliveryFields,
}

impl Fields {
    /// Rows for which something is sent, or should be.
    pub(super) fn filled(&self) -> Vec<&wire::FieldRow> {
        self.told.rows.iter().filter(|it| it.fate != "empty").collect()
    }

    /// Rows for which nothing came.
    pub(super) fn empty(&self) -> Vec<&wire::FieldRow> {
        self.told.rows.iter().filter(|it| it.fate == "empty").collect()
    }

    /// What a fixed format sends, written for people.
    pub(super) fn body(&self) -> Option<String> {
        let body = self.told.body.as_ref()?;
        let read: Result<serde_json::Value, _> = serde_json::from_str(body);
        let text =
            read.map_or_else(|_| body.clone(), |it| serde_json::to_string_pretty(&it).unwrap_or_default());
        Some(text.chars().take(LONG_CHARS).collect())
    }
}

/// Asks for the fields of the delivery of this page.
pub(super) async fn of(visit: &Visit) -> Result<Fields, Problem> {
    let places = [("delivery", visit.place("delivery"))];
    Ok(Fields { told: visit.ask(Wish::get("/v1/deliveries/{delivery}/fields").at(&places)).await? })
}

impl Shell {
    /// A long value: its start, and as much of it as a page holds. None for one that is short.
    pub(super) fn folded(&self, value: &str) -> Option<(String, String)> {
        let is_long = value.contains('\n') || value.chars().nth(VALUE_CHARS).is_some();
        let first = || {
            let line = value.lines().next().unwrap_or_default();
            line.chars().take(VALUE_CHARS / 2).collect::<String>()
        };
        is_long.then(|| (first(), value.chars().take(LONG_CHARS).collect()))
    }

    /// The address of a page below one thing's.
    pub(super) fn to_deed(&self, path: &str, id: &str, deed: &str) -> String {
        self.link(&format!("{path}/{}/{deed}", in_path(id)), &[])
    }

    /// What a source of a mapping is called.
    pub(super) fn source_name(&self, name: &str) -> String {
        self.variable(name)
    }
}
