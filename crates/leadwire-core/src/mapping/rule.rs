//! What a destination's field takes, and how a value is held to it before it is sent.

use super::transform::truth;
use super::{Mapped, Unmappable, Value};
use crate::email::Email;
use crate::{rfc3339, text};
use std::collections::BTreeMap;

/// A field of a destination that its connector knows, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name there.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// The longest text it takes.
    pub longest: Option<Length>,
    /// A record cannot be made without it.
    pub required: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// An e-mail address, whose syntax is checked there.
    Email,
    /// A number.
    Number,
    /// Yes or no.
    Bool,
    /// A day or a moment of RFC 3339.
    Moment,
}

/// How long a text may be, in the unit the destination counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// UTF-16 code units, as .NET, Java and SQL Server count characters.
    Utf16(usize),
    /// Bytes of UTF-8.
    Bytes(usize),
}

/// What a field of one destination takes: what its connector knows, and what its metadata said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it holds.
    pub kind: Kind,
    /// The longest text.
    pub longest: Option<Length>,
    /// The only values it takes; empty when any value will do.
    pub choices: Vec<String>,
    /// A record cannot be made without it.
    pub required: bool,
}

/// The rules of a destination, by target. A target without a rule takes anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    by_target: BTreeMap<String, Rule>,
}

impl Rules {
    /// The rules of the fields a connector knows.
    pub fn known(targets: &[Target]) -> Self {
        let rule = |it: &Target| Rule {
            kind: it.kind,
            longest: it.longest,
            choices: Vec::new(),
            required: it.required,
        };
        Self { by_target: targets.iter().map(|it| (it.name.to_owned(), rule(it))).collect() }
    }

    /// Puts a rule in the place of the one for the same target.
    pub fn learn(&mut self, target: &str, rule: Rule) {
        self.by_target.insert(target.to_owned(), rule);
    }

    /// The rule for a target.
    pub fn get(&self, target: &str) -> Option<&Rule> {
        self.by_target.get(target)
    }

    /// Holds a value to its target's rule. None: the field is left out.
    pub(super) fn hold(
        &self,
        target: &str,
        value: Option<Value>,
        notes: &mut Vec<String>,
    ) -> Result<Option<Value>, Unmappable> {
        let (Some(value), Some(rule)) = (value.clone(), self.get(target)) else { return Ok(value) };
        match rule.hold(target, value, notes) {
            Ok(value) => Ok(Some(value)),
            Err(what) if rule.required => Err(Unmappable {
                target: target.to_owned(),
                cause: "field_invalid",
                message: format!("the value for {target} {what}"),
                fix: format!("mend the value, or change the mapping of {target}"),
            }),
            Err(what) => {
                notes.push(format!("{target} was left out: its value {what}"));
                Ok(None)
            }
        }
    }

    pub(super) fn none_missing(&self, mapped: &Mapped) -> Result<(), Unmappable> {
        self.missing(|target| mapped.get(target).is_some()).map_or(Ok(()), Err)
    }

    /// The first target that must have a value and has none.
    pub(super) fn missing(&self, has: impl Fn(&str) -> bool) -> Option<Unmappable> {
        let missing = self.by_target.iter().find(|(target, rule)| rule.required && !has(target));
        let (target, rule) = missing?;
        // A default for an address would make one record of all who have none.
        let fix = if rule.kind == Kind::Email {
            format!("ask for an e-mail address where leads are taken, or map {target} from another source")
        } else {
            format!("give {target} a default in the mapping, such as `… | default('[not provided]')`")
        };
        let message = format!("there is no value for {target}, without which no record can be made");
        Some(Unmappable { target: target.clone(), cause: "field_missing", message, fix })
    }
}

impl Rule {
    /// The value as the field takes it, or what is wrong with it.
    fn hold(&self, target: &str, value: Value, notes: &mut Vec<String>) -> Result<Value, String> {
        if !self.choices.is_empty() {
            let wanted = text::fold(value.as_text());
            let choice = self.choices.iter().find(|it| text::fold(it) == wanted);
            let choice = choice.ok_or("is none of the choices there")?;
            return Ok(match value {
                Value::Number(_) => Value::Number(choice.clone()),
                Value::Text(_) | Value::Bool(_) => Value::Text(choice.clone()),
            });
        }
        match self.kind {
            Kind::Bool => truth(&value).map(Value::Bool).ok_or_else(|| "is neither yes nor no".to_owned()),
            Kind::Number => {
                let text = value.as_text().trim().to_owned();
                let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
                if is_number { Ok(Value::Number(text)) } else { Err("is not a number".to_owned()) }
            }
            Kind::Moment => {
                let text = value.as_text();
                let is_day = text.len() == 10 && rfc3339::parse(&format!("{text}T00:00:00Z")).is_some();
                if is_day || rfc3339::parse(text).is_some() {
                    Ok(value)
                } else {
                    Err("is neither a day nor a moment".to_owned())
                }
            }
            Kind::Email => match Email::parse(value.as_text()) {
                Ok(_) if self.fits(value.as_text()) => {
                    Ok(Value::Text(text::trim(value.as_text()).to_owned()))
                }
                Ok(_) => Err("is too long".to_owned()),
                Err(_) => Err("is not an e-mail address".to_owned()),
            },
            Kind::Text => {
                let text = value.as_text();
                if self.fits(text) {
                    return Ok(Value::Text(text.to_owned()));
                }
                let (short, longest) = self.shortened(text);
                notes.push(format!("{target} was shortened to {longest}"));
                Ok(Value::Text(short))
            }
        }
    }

    fn fits(&self, text: &str) -> bool {
        match self.longest {
            None => true,
            Some(Length::Bytes(max)) => text.len() <= max,
            // A character takes at least one byte for each UTF-16 unit.
            Some(Length::Utf16(max)) => text.len() <= max || text.encode_utf16().count() <= max,
        }
    }

    fn shortened(&self, text: &str) -> (String, String) {
        match self.longest {
            None => (text.to_owned(), String::new()),
            Some(Length::Bytes(max)) => {
                (text[..text.floor_char_boundary(max)].to_owned(), format!("{max} bytes"))
            }
            Some(Length::Utf16(max)) => {
                let mut left = max;
                let fitting = text.chars().take_while(|it| {
                    let fits = it.len_utf16() <= left;
                    left = left.saturating_sub(it.len_utf16());
                    fits
                });
                (fitting.collect(), format!("{max} characters"))
            }
        }
    }
}
