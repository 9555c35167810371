//! The rows of a mapping as a form: filled in, shown again as they were typed, and read.

use super::shell::Shell;
use crate::api::wire;
use leadwire_core::limits;
use leadwire_core::mapping::Write;
use leadwire_core::mapping::parts::Parts;
use leadwire_core::refusal::Refusal;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Rows for fields that no row writes yet, beside those that are there.
const BLANK: usize = 3;
// The largest mapping fits into a form.
const _: () = assert!(5 * (limits::MAPPING_ROWS_MAX + BLANK) + 12 <= limits::PORTAL_FORM_ENTRIES_MAX);
/// Longest text of a field that is told of, in its own unit: longer than what people type into a field.
const LENGTH_SHOWN_MAX: usize = 5000;
/// One row of the form.
pub(super) struct Row {
    pub(super) at: usize,
    pub(super) field: String,
    pub(super) label: String,
    pub(super) parts: Parts,
    /// The kind's own row, where it has one.
    pub(super) own: Option<String>,
    /// What is known of the field, in words.
    pub(super) facts: Vec<String>,
    pub(super) choices: String,
    pub(super) required: bool,
    pub(super) is_new: bool,
    pub(super) mistake: Option<(String, String)>,
}

/// The rows of the form: as they are, or as they were typed.
pub(super) fn rows(
    shell: &Shell,
    form: &HashMap<String, String>,
    now: &wire::MappingNow,
    mistakes: &[Refusal],
) -> Vec<Row> {
    let known = || now.rows.iter().chain(&now.others);
    let was_sent = form.contains_key("field_0");
    let count = if was_sent { sent_rows(form) } else { now.rows.len() + BLANK };
    let make = |at: usize| {
        let there = now.rows.get(at);
        let field = match (there, was_sent) {
            (Some(it), _) => it.field.clone(),
            (None, true) => typed(form, "field", at).trim().to_owned(),
            (None, false) => String::new(),
        };
        let parts = match was_sent {
            true => typed_parts(form, at),
            false => Parts::of(there.and_then(|it| it.row.as_deref()).unwrap_or_default()),
        };
        let about = known().find(|it| it.field == field);
        let pointer = format!("/mapping/{}", field.replace('~', "~0").replace('/', "~1"));
        let mistake = mistakes.iter().find(|it| !field.is_empty() && it.pointer == pointer);
        Row {
            at,
            label: about.map_or_else(|| field.clone(), |it| it.label.clone()),
            own: about.and_then(|it| it.own.clone()),
            facts: about.map(|it| facts(shell, it)).unwrap_or_default(),
            choices: about.map(|it| it.choices.join(", ")).unwrap_or_default().chars().take(200).collect(),
            required: about.is_some_and(|it| it.required),
            is_new: there.is_none(),
            mistake: mistake.map(|it| (it.message.clone(), it.fix.clone())),
            parts,
            field,
        }
    };
    (0..count).map(make).collect()
}

fn sent_rows(form: &HashMap<String, String>) -> usize {
    (0..limits::MAPPING_ROWS_MAX + BLANK).take_while(|at| form.contains_key(&format!("field_{at}"))).count()
}

fn typed<'a>(form: &'a HashMap<String, String>, part: &str, at: usize) -> &'a str {
    form.get(&format!("{part}_{at}")).map_or("", String::as_str)
}

fn typed_parts(form: &HashMap<String, String>, at: usize) -> Parts {
    Parts {
        from: typed(form, "from", at).trim().to_owned(),
        steps: typed(form, "steps", at).trim().to_owned(),
        otherwise: typed(form, "otherwise", at).to_owned(),
        write: if typed(form, "write", at) == "always" { Write::Always } else { Write::Once },
    }
}

fn facts(shell: &Shell, it: &wire::MappingRow) -> Vec<String> {
    let kind = it.kind.as_ref().filter(|it| *it != "text").map(|it| shell.name_of("takes", it));
    let number = |it: usize| shell.number(&(it as u64));
    // What no lead comes near is not worth a word.
    let near = |it: &usize| *it <= LENGTH_SHOWN_MAX;
    let characters = it.characters_max.filter(near).map(|it| shell.say_with("takes-characters", number(it)));
    let bytes = it.bytes_max.filter(near).map(|it| shell.say_with("takes-bytes", number(it)));
    [kind, characters, bytes].into_iter().flatten().collect()
}

/// The rows of a form that differ from the kind's own, as the API takes them.
///
/// # Errors
/// What the form itself says wrongly; whether a row can be read, the API says.
pub(super) fn read(
    form: &HashMap<String, String>,
    now: &wire::MappingNow,
) -> Result<Map<String, Value>, Vec<Refusal>> {
    let (mut mapping, mut seen, mut mistakes) = (Map::new(), Vec::new(), Vec::new());
    for at in 0..sent_rows(form) {
        let there = now.rows.get(at);
        let field = there.map_or_else(|| typed(form, "field", at).trim(), |it| it.field.as_str());
        let text = typed_parts(form, at).text();
        if field.is_empty() {
            if !text.is_empty() {
                let fix = "type the name of the field at the destination, or empty the row";
                mistakes.push(Refusal::new("", "no_field", "a row says what to write and not where", fix));
            }
            continue;
        }
        if seen.contains(&field) {
            let fix = "keep one row for each field";
            mistakes.push(Refusal::new(
                pointer(field),
                "twice",
                format!("there are two rows for `{field}`"),
                fix,
            ));
        }
        seen.push(field);
        let own = there.and_then(|it| it.own.as_deref());
        match (own, text.is_empty()) {
            (Some(own), _) if own == text => {}
            (None, true) => {}
            (Some(_), true) => drop(mapping.insert(field.to_owned(), Value::Null)),
            (_, false) => drop(mapping.insert(field.to_owned(), Value::from(text))),
        }
    }
    if mistakes.is_empty() { Ok(mapping) } else { Err(mistakes) }
}

fn pointer(field: &str) -> String {
    format!("/mapping/{}", field.replace('~', "~0").replace('/', "~1"))
}

impl Row {
    /// How it stands to the kind's own row.
    pub(super) fn mark(&self) -> &'static str {
        let text = self.parts.text();
        match &self.own {
            None if self.field.is_empty() || text.is_empty() => "",
            None => "added",
            Some(own) if *own == text => "",
            Some(_) if text.is_empty() => "left-out",
            Some(_) => "changed",
        }
    }

    pub(super) fn is_always(&self) -> bool {
        self.parts.write == Write::Always
    }
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
