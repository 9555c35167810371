//! The form of a destination's settings: made from the descriptors of its connector, and read back into what the API takes.

use super::shell::Shell;
use super::visit::Visit;
use leadwire_connect::ConnectorKind;
use leadwire_connect::descriptor::{self, Field, FieldShape};
use leadwire_core::refusal::Refusal;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// One setting as a form asks for it.
pub(super) struct Input {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) label: &'static str,
    pub(super) help: &'static str,
    pub(super) asked: Asked,
    pub(super) value: String,
    pub(super) placeholder: &'static str,
    /// Whether the destination cannot do without it.
    pub(super) required: bool,
    /// Whether a browser lets nobody send the form before something is typed here.
    pub(super) must_type: bool,
    /// The input and its value beside which alone this one has a meaning, with the words for it.
    pub(super) only_when: Option<(String, &'static str, String)>,
    /// A secret that is there and is kept when nothing is typed.
    pub(super) is_kept: bool,
    pub(super) mistake: Option<(String, String)>,
}

impl Input {
    /// The box that takes a secret away.
    pub(super) fn forget(&self) -> String {
        self.name.replacen("set_", "forget_", 1)
    }
}

/// How it is asked for.
pub(super) enum Asked {
    Line(&'static str),
    Number(i64, i64),
    Lines(u32),
    Choice(Vec<(&'static str, &'static str, bool)>),
}

/// The form: what somebody must look at, and the rest, which has good defaults.
pub(super) struct SettingsForm {
    pub(super) front: Vec<Input>,
    pub(super) rest: Vec<Input>,
    pub(super) has_mistakes_in_rest: bool,
}

/// What a form is filled with.
pub(super) struct Filled<'a> {
    /// What was typed, when the form was sent and something was wrong.
    pub(super) typed: Option<&'a Visit>,
    /// The settings that are there.
    pub(super) present: Option<&'a Map<String, Value>>,
    pub(super) mistakes: &'a [Refusal],
}

fn input_name(field: &Field) -> String {
    format!("set_{}", field.name)
}

fn input_id(name: &str) -> String {
    format!("set-{}", name.replace('_', "-"))
}

/// Settings that a form asks for; what validation writes is nobody's to type.
fn asked_for(kind: &ConnectorKind) -> impl Iterator<Item = &'static Field> + Clone + use<> {
    kind.fields().filter(|it| it.shape != FieldShape::FieldRules)
}

/// Makes the form.
pub(super) fn form(shell: &Shell, kind: &ConnectorKind, filled: &Filled<'_>) -> SettingsForm {
    let (front, rest): (Vec<&Field>, Vec<&Field>) =
        asked_for(kind).partition(|it| is_in_front(kind, it) || is_set(it, filled.present));
    let make = |all: Vec<&'static Field>| -> Vec<Input> {
        all.into_iter().map(|it| input(shell, kind, it, filled)).collect()
    };
    let (front, rest) = (make(front), make(rest));
    SettingsForm { has_mistakes_in_rest: rest.iter().any(|it| it.mistake.is_some()), front, rest }
}

/// Whether somebody must look at a setting: one that must be given, a choice on which such a one depends, and what depends
/// on a choice that is looked at.
fn is_in_front(kind: &ConnectorKind, field: &Field) -> bool {
    let decides = |it: &Field| {
        let depends = |other: &&Field| other.only_when.is_some_and(|(name, _)| name == it.name);
        kind.fields().filter(|other| depends(other)).any(|other| other.required)
    };
    match field.only_when {
        None => field.required || decides(field),
        Some((name, _)) => field.required || kind.fields().any(|it| it.name == name && decides(it)),
    }
}

fn is_set(field: &Field, present: Option<&Map<String, Value>>) -> bool {
    present.is_some_and(|it| it.contains_key(field.name))
}

fn input(shell: &Shell, kind: &ConnectorKind, field: &'static Field, filled: &Filled<'_>) -> Input {
    let name = input_name(field);
    let present = filled.present.and_then(|it| it.get(field.name));
    let value = match (filled.typed, present) {
        // What is secret is never shown again, a mistake beside it or not.
        _ if field.secret => String::new(),
        (Some(typed), _) => typed.field(&name).to_owned(),
        (None, Some(value)) => as_typed(value),
        (None, None) => String::new(),
    };
    let default = field.default.unwrap_or_default();
    let asked = match field.shape {
        FieldShape::Text | FieldShape::StatusMap => Asked::Line("text"),
        FieldShape::Url => Asked::Line("url"),
        FieldShape::Secret => Asked::Line("password"),
        FieldShape::Number { min, max } => Asked::Number(min, max),
        FieldShape::Lines => Asked::Lines(6),
        FieldShape::Mapping | FieldShape::FieldRules => Asked::Lines(8),
        FieldShape::Choice(all) => {
            let chosen = if value.is_empty() { default } else { &value };
            Asked::Choice(all.iter().map(|it| (it.0, it.1, it.0 == chosen)).collect())
        }
    };
    let pointer = format!("/{}", field.name);
    let is_about = |it: &&Refusal| {
        let own = it.pointer.strip_prefix("/settings").unwrap_or(&it.pointer);
        own == pointer || own.strip_prefix(&pointer).is_some_and(|it| it.starts_with('/'))
    };
    Input {
        id: input_id(field.name),
        name,
        label: field.label,
        help: field.help,
        asked,
        value,
        placeholder: default,
        // Without a script nobody knows yet whether a setting that depends on a choice is asked for.
        must_type: field.required && field.only_when.is_none() && present.is_none(),
        required: field.required,
        only_when: field.only_when.map(|it| condition(shell, kind, it)),
        is_kept: field.secret && present.is_some(),
        // A fix may end with the help of the setting; the page sets the full stop.
        mistake: filled
            .mistakes
            .iter()
            .find(is_about)
            .map(|it| (it.message.clone(), it.fix.trim_end_matches('.').to_owned())),
    }
}

fn condition(
    shell: &Shell,
    kind: &ConnectorKind,
    (name, value): (&str, &'static str),
) -> (String, &'static str, String) {
    let other = kind.fields().find(|it| it.name == name);
    let words = match other.map(|it| it.shape) {
        Some(FieldShape::Choice(all)) => all.iter().find(|it| it.0 == value).map(|it| it.1),
        _ => None,
    };
    let (label, words) =
        (shell.named(other.map_or(name, |it| it.label)), shell.named(words.unwrap_or(value)));
    (input_id(name), value, shell.say_of("only-when", &label, &words))
}

/// A setting as a person types it; the other way round is [`descriptor::from_text`].
fn as_typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(rows)
            if rows
                .values()
                .all(|it| matches!(it.as_str(), Some("delivered" | "retry" | "pause" | "park"))) =>
        {
            let all: Vec<String> = rows
                .iter()
                .map(|(status, it)| format!("{status}={}", it.as_str().unwrap_or_default()))
                .collect();
            all.join(", ")
        }
        Value::Object(rows) => {
            let all: Vec<String> = rows
                .iter()
                .map(|(target, it)| format!("{target} = {}", it.as_str().unwrap_or_default()))
                .collect();
            all.join("\n")
        }
        other => other.to_string(),
    }
}

/// Reads what was typed: settings to set, and null for those to take away.
///
/// # Errors
/// Everything that does not have its setting's shape.
pub(super) fn read(
    kind: &ConnectorKind,
    visit: &Visit,
    present: Option<&Map<String, Value>>,
) -> Result<Map<String, Value>, Vec<Refusal>> {
    read_form(kind, &visit.form, present)
}

fn read_form(
    kind: &ConnectorKind,
    form: &HashMap<String, String>,
    present: Option<&Map<String, Value>>,
) -> Result<Map<String, Value>, Vec<Refusal>> {
    let typed_in = |name: &str| form.get(name).map_or("", String::as_str);
    let (mut settings, mut mistakes) = (Map::new(), Vec::new());
    for field in asked_for(kind) {
        let typed = typed_in(&input_name(field)).trim();
        let is_there = is_set(field, present);
        let forgets = typed_in(&format!("forget_{}", field.name)) == "yes";
        // A choice always says something: what is the default need not be written down.
        let is_default = matches!(field.shape, FieldShape::Choice(_)) && field.default == Some(typed);
        if typed.is_empty() || is_default {
            if is_there && (!field.secret || forgets) {
                settings.insert(field.name.to_owned(), Value::Null);
            }
            continue;
        }
        match descriptor::from_text(field, typed) {
            Ok(value) => drop(settings.insert(field.name.to_owned(), value)),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if let Some(present) = present {
        for name in left_behind(kind, &settings, present) {
            settings.insert(name.to_owned(), Value::Null);
        }
    }
    if mistakes.is_empty() { Ok(settings) } else { Err(mistakes) }
}

/// Secrets that are there and lose their meaning by what is set now, such as the token of another way to sign in. Nobody can
/// see them in the form any more, with a script not even the box that takes them away, and the API refuses what has no effect.
/// One that was typed is not among them: whoever typed it must hear that it does nothing.
fn left_behind(
    kind: &ConnectorKind,
    settings: &Map<String, Value>,
    present: &Map<String, Value>,
) -> Vec<&'static str> {
    let mut then = present.clone();
    then.extend(settings.clone());
    // The check of settings is asked, so that there is one opinion of what has an effect.
    let refusals = descriptor::check(kind.fields(), &then);
    let has_no_effect = |field: &Field| {
        let is_own = |it: &Refusal| it.pointer.strip_prefix('/') == Some(field.name);
        refusals.iter().any(|it| it.code == "without_effect" && is_own(it))
    };
    asked_for(kind)
        .filter(|it| it.secret && is_set(it, Some(present)) && !settings.contains_key(it.name))
        .filter(|it| has_no_effect(it))
        .map(|it| it.name)
        .collect()
}

/// A setting that is there, for people.
pub(super) struct Shown {
    pub(super) label: &'static str,
    pub(super) value: String,
    /// The value is one of the kind's own words, not what somebody typed.
    pub(super) is_choice: bool,
    pub(super) is_secret: bool,
}

/// The settings of a destination that somebody chose, in the order of the form.
pub(super) fn shown(kind: &ConnectorKind, present: &Map<String, Value>) -> Vec<Shown> {
    // Rows of a mapping have a page of their own.
    let asked = asked_for(kind).filter(|it| it.shape != FieldShape::Mapping);
    let known = asked.filter_map(|field| present.get(field.name).map(|value| (field, value)));
    known
        .map(|(field, value)| {
            let typed = as_typed(value);
            let label = match field.shape {
                FieldShape::Choice(all) => all.iter().find(|it| it.0 == typed).map(|it| it.1.to_owned()),
                _ => None,
            };
            Shown {
                label: field.label,
                is_choice: label.is_some(),
                value: label.unwrap_or(typed),
                is_secret: field.secret,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fronts(kind: &str) -> Vec<&'static str> {
        let kind = leadwire_connect::kind(kind).expect("a connector");
        asked_for(kind).filter(|it| is_in_front(kind, it)).map(|it| it.name).collect()
    }

    #[test]
    fn what_must_be_given_stands_in_front_with_the_choices_it_depends_on() {
        assert_eq!(fronts("hubspot"), ["token"]);
        let dynamics = fronts("dynamics");
        for name in ["url", "tenant", "client_id", "auth", "client_secret", "certificate", "private_key"] {
            assert!(dynamics.contains(&name), "{name} of {dynamics:?}");
        }
        assert!(!dynamics.contains(&"api_version") && !dynamics.contains(&"in_flight"));
    }

    #[test]
    fn every_form_is_read_whole() {
        for kind in leadwire_connect::CONNECTORS {
            let count = asked_for(kind).count();
            assert!(
                count * 2 + 8 <= leadwire_core::limits::PORTAL_FORM_ENTRIES_MAX,
                "{}: {count}",
                kind.name
            );
        }
    }

    #[test]
    fn what_is_shown_as_typed_is_read_as_the_same_again() {
        let https = leadwire_connect::kind("https").expect("a connector");
        let hubspot = leadwire_connect::kind("hubspot").expect("a connector");
        let all = [
            (https, "in_flight", json!(4)),
            (https, "url", json!("https://x.example/a?b=c")),
            (hubspot, "mapping", json!({ "company": "customer.company | trim", "phone": null })),
        ];
        for (kind, name, value) in all {
            let field = kind.fields().find(|it| it.name == name).expect("a setting");
            assert_eq!(descriptor::from_text(field, &as_typed(&value)), Ok(value), "{name}");
        }
    }

    fn sent(kind: &str, typed: &[(&str, &str)], present: &Value) -> Map<String, Value> {
        let kind = leadwire_connect::kind(kind).expect("a connector");
        let form = typed.iter().map(|(name, it)| ((*name).to_owned(), (*it).to_owned())).collect();
        read_form(kind, &form, present.as_object()).expect("settings")
    }

    #[test]
    fn a_secret_of_the_way_to_sign_in_that_was_given_up_is_taken_away() {
        let present = json!({ "url": "https://x.example/", "auth": "bearer", "token": true });
        let url = ("set_url", "https://x.example/");
        let kept = sent("https", &[url, ("set_auth", "bearer")], &present);
        assert!(!kept.contains_key("token"), "{kept:?}");
        let basic = [url, ("set_auth", "basic"), ("set_username", "ada"), ("set_password", "xyz")];
        let changed = sent("https", &basic, &present);
        assert_eq!((&changed["token"], &changed["password"]), (&Value::Null, &json!("xyz")));
        let without = sent("https", &[url, ("set_auth", "none")], &present);
        assert_eq!(without["token"], Value::Null, "the default is written down nowhere");
        let both = sent("https", &[url, ("set_auth", "none"), ("set_token", "abc")], &present);
        assert_eq!(both["token"], json!("abc"), "what was typed is for the API to refuse");
    }

    #[test]
    fn overridden_statuses_are_shown_as_they_are_typed() {
        assert_eq!(as_typed(&json!({ "404": "retry", "409": "delivered" })), "404=retry, 409=delivered");
    }
}
