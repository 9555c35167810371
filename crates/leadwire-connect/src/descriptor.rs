//! A connector's settings as data: what forms, prompts, schema and docs are made from, and the one check of them.

use crate::egress::guard::EgressPolicy;
use crate::mapped;
use leadwire_core::limits::{FIELD_BYTES_MAX, LINES_BYTES_MAX, STATUS_OVERRIDES_MAX};
use leadwire_core::refusal::Refusal;
use serde_json::{Map, Value};
use url::Url;

/// A destination's settings: a JSON object in which secrets are plain. The program seals them at rest.
pub type Settings = Map<String, Value>;

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Key in [`Settings`].
    pub name: &'static str,
    /// Name for people.
    pub label: &'static str,
    /// What it is for, in one or two sentences.
    pub help: &'static str,
    /// What it holds.
    pub shape: FieldShape,
    /// Must be given; where `only_when` is set, only then.
    pub required: bool,
    /// Value when it is not given, as a person would type it.
    pub default: Option<&'static str>,
    /// Is sealed at rest and never shown again. A URL may be one: that of a Power Automate flow is a credential.
    pub secret: bool,
    /// Has a meaning only while another setting has this value.
    pub only_when: Option<(&'static str, &'static str)>,
}

impl Field {
    /// One optional line of text, to be given a name and words.
    pub(crate) const PLAIN: Self = Self {
        name: "",
        label: "",
        help: "",
        shape: FieldShape::Text,
        required: false,
        default: None,
        secret: false,
        only_when: None,
    };
}

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldShape {
    /// One line of text.
    Text,
    /// One line of text that is typed blind.
    Secret,
    /// A URL to call.
    Url,
    /// One of these: value and label.
    Choice(&'static [(&'static str, &'static str)]),
    /// A whole number.
    Number {
        /// Least.
        min: i64,
        /// Greatest.
        max: i64,
    },
    /// An object from HTTP status to one of [`STATUS_MEANINGS`].
    StatusMap,
    /// Several lines, such as a certificate with its key in PEM.
    Lines,
    /// An object from a target to a row of the mapping; see [`leadwire_core::mapping`].
    Mapping,
    /// What the destination's metadata said of its fields. Validation writes it; forms do not ask for it.
    FieldRules,
}

/// What an HTTP status may be made to mean: value and label.
pub const STATUS_MEANINGS: &[(&str, &str)] = &[
    ("delivered", "The lead has arrived"),
    ("retry", "Try again later"),
    ("pause", "Pause the destination"),
    ("park", "Put this lead aside"),
];

/// Checks settings against their descriptors: unknown, missing, of the wrong type, out of bounds, or without
/// effect. Returns everything that is wrong; messages hold no value from the settings.
pub fn check<'a>(fields: impl Iterator<Item = &'a Field> + Clone, settings: &Settings) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for name in settings.keys() {
        if !fields.clone().any(|it| it.name == name) {
            refusals.push(unknown(fields.clone(), name));
        }
    }
    for field in fields.clone() {
        let value = settings.get(field.name).filter(|it| !it.is_null());
        let applies = applies(field, fields.clone(), settings);
        match value {
            None if field.required && applies => refusals.push(missing(field)),
            None => {}
            // A value without effect is often half of a setting, and leads would go out unsigned or not signed in.
            Some(_) if !applies => refusals.push(without_effect(field)),
            Some(value) => refusals.extend(check_value(field, value)),
        }
    }
    refusals
}

/// Reads what a person typed for a setting into what [`Settings`] holds.
///
/// # Errors
/// When the text does not have the setting's shape. An empty text has none: leave the setting out instead.
pub fn from_text(field: &Field, text: &str) -> Result<Value, Refusal> {
    let text = text.trim();
    let value = match field.shape {
        FieldShape::Text
        | FieldShape::Secret
        | FieldShape::Url
        | FieldShape::Choice(_)
        | FieldShape::Lines => Value::from(text),
        FieldShape::Mapping => read_rows(field, text)?,
        FieldShape::FieldRules => {
            serde_json::from_str(text).map_err(|_| wrong_type(field, "a JSON object"))?
        }
        FieldShape::Number { .. } => match text.parse::<i64>() {
            Ok(number) => Value::from(number),
            Err(_) => return Err(wrong_type(field, "a whole number")),
        },
        FieldShape::StatusMap => {
            let mut map = Map::new();
            for entry in text.split([',', ' ', '\n']).filter(|it| !it.is_empty()) {
                let (status, meaning) =
                    entry.split_once('=').ok_or_else(|| wrong_type(field, "entries such as `404=retry`"))?;
                map.insert(status.trim().to_owned(), Value::from(meaning.trim()));
            }
            Value::Object(map)
        }
    };
    match check_value(field, &value) {
        Some(refusal) => Err(refusal),
        None => Ok(value),
    }
}

/// Rows as a person types them: `Target = row`, one a line; an empty row leaves the target out. Or the JSON object.
fn read_rows(field: &Field, text: &str) -> Result<Value, Refusal> {
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|_| wrong_type(field, "a JSON object"));
    }
    let mut rows = Map::new();
    for line in text.lines().map(str::trim).filter(|it| !it.is_empty()) {
        let (target, row) = line
            .split_once('=')
            .ok_or_else(|| wrong_type(field, "rows such as `Company = customer.company`"))?;
        let row = Some(row.trim()).filter(|it| !it.is_empty());
        rows.insert(target.trim().to_owned(), row.map_or(Value::Null, Value::from));
    }
    Ok(Value::Object(rows))
}

/// Checks every URL among the settings against the policy, as far as that can be done without a look-up.
pub(crate) fn check_egress<'a>(
    fields: impl Iterator<Item = &'a Field>,
    settings: &Settings,
    policy: &EgressPolicy,
) -> Vec<Refusal> {
    fields
        .filter(|it| it.shape == FieldShape::Url)
        .filter_map(|field| {
            let url = Url::parse(settings.get(field.name)?.as_str()?).ok()?;
            let denied = policy.check_url(&url).err()?;
            Some(refusal(
                field,
                "egress_denied",
                format!("`{}` is blocked by the egress policy: {denied}", field.name),
                "enter a public https address, or have the operator add the host or network to the egress allow-list",
            ))
        })
        .collect()
}

/// Reads settings with the defaults of their descriptors.
pub(crate) struct Values<'a> {
    fields: &'static [Field],
    settings: &'a Settings,
}

impl<'a> Values<'a> {
    pub(crate) fn new(fields: &'static [Field], settings: &'a Settings) -> Self {
        Self { fields, settings }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.settings.get(name).and_then(Value::as_str).or_else(|| self.default(name))
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.settings.get(name).and_then(Value::as_i64).or_else(|| self.default(name)?.parse().ok())
    }

    fn default(&self, name: &str) -> Option<&'static str> {
        self.fields.iter().find(|it| it.name == name)?.default
    }
}

/// A refusal of one setting; the message names the setting, never its value.
pub(crate) fn refusal(
    field: &Field,
    code: &'static str,
    message: impl Into<String>,
    fix: impl Into<String>,
) -> Refusal {
    Refusal::new(format!("/{}", field.name), code, message, fix)
}

fn applies<'a>(field: &Field, mut fields: impl Iterator<Item = &'a Field>, settings: &Settings) -> bool {
    let Some((other, expected)) = field.only_when else { return true };
    let default = fields.find(|it| it.name == other).and_then(|it| it.default);
    settings.get(other).and_then(Value::as_str).or(default) == Some(expected)
}

fn check_value(field: &Field, value: &Value) -> Option<Refusal> {
    match field.shape {
        FieldShape::Text | FieldShape::Secret => check_line(field, value).err(),
        FieldShape::Url => check_line(field, value).and_then(|text| check_url(field, text)).err(),
        FieldShape::Choice(choices) => match value.as_str() {
            None => Some(wrong_type(field, "a text")),
            Some(text) if choices.iter().any(|(value, _)| *value == text) => None,
            Some(_) => Some(refusal(
                field,
                "not_a_choice",
                format!("`{}` is none of the choices", field.name),
                format!("use {}", listed(choices)),
            )),
        },
        FieldShape::Number { min, max } => match value.as_i64() {
            None => Some(wrong_type(field, "a whole number")),
            Some(number) if (min..=max).contains(&number) => None,
            Some(_) => Some(refusal(
                field,
                "out_of_range",
                format!("`{}` is out of range", field.name),
                format!("use a number from {min} to {max}"),
            )),
        },
        FieldShape::StatusMap => check_statuses(field, value),
        FieldShape::Lines => check_lines(field, value),
        FieldShape::Mapping => mapped::check_mapping(field, value),
        FieldShape::FieldRules if value.is_object() => None,
        FieldShape::FieldRules => Some(wrong_type(field, "an object from target to what it takes")),
    }
}

fn check_lines(field: &Field, value: &Value) -> Option<Refusal> {
    match value.as_str() {
        None => Some(wrong_type(field, "a text")),
        Some(text) if text.trim().is_empty() => Some(refusal(
            field,
            "blank",
            format!("`{}` is blank", field.name),
            "give a value, or leave it out",
        )),
        Some(text) if text.len() > LINES_BYTES_MAX => Some(refusal(
            field,
            "too_long",
            format!("`{}` is too long", field.name),
            format!("use at most {LINES_BYTES_MAX} bytes"),
        )),
        Some(_) => None,
    }
}

fn check_line<'a>(field: &Field, value: &'a Value) -> Result<&'a str, Refusal> {
    let text = value.as_str().ok_or_else(|| wrong_type(field, "a text"))?;
    if text.trim().is_empty() {
        Err(refusal(field, "blank", format!("`{}` is blank", field.name), "give a value, or leave it out"))
    } else if text.len() > FIELD_BYTES_MAX {
        Err(refusal(
            field,
            "too_long",
            format!("`{}` is too long", field.name),
            format!("use at most {FIELD_BYTES_MAX} bytes"),
        ))
    } else if text.chars().any(char::is_control) {
        // A line break would add a header of its own to the request.
        Err(refusal(
            field,
            "control_character",
            format!("`{}` holds a line break or another control character", field.name),
            "paste it as one line",
        ))
    } else {
        Ok(text)
    }
}

fn check_url(field: &Field, text: &str) -> Result<(), Refusal> {
    let wrong =
        |what: &str, fix: &str| Err(refusal(field, "bad_url", format!("`{}` {what}", field.name), fix));
    let Ok(url) = Url::parse(text) else {
        return wrong("is not a URL", "enter the whole URL, starting with https://");
    };
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return wrong("is not a web address", "enter a URL that starts with https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("holds a user name or password", "use the settings for signing in");
    }
    if url.fragment().is_some() {
        return wrong("has a part behind `#`, which is never sent", "remove `#` and what follows it");
    }
    Ok(())
}

fn check_statuses(field: &Field, value: &Value) -> Option<Refusal> {
    let Some(map) = value.as_object() else {
        return Some(wrong_type(field, "an object from HTTP status to meaning"));
    };
    let is_status =
        |text: &str| text.len() == 3 && text.parse::<u16>().is_ok_and(|it| (200..=599).contains(&it));
    let is_meaning = |value: &Value| STATUS_MEANINGS.iter().any(|(it, _)| value.as_str() == Some(it));
    if map.len() <= STATUS_OVERRIDES_MAX
        && map.iter().all(|(status, meaning)| is_status(status) && is_meaning(meaning))
    {
        return None;
    }
    Some(refusal(
        field,
        "bad_status_map",
        format!(
            "`{}` holds an entry that is not understood, or more than {STATUS_OVERRIDES_MAX}",
            field.name
        ),
        format!("map a status from 200 to 599 to {}", listed(STATUS_MEANINGS)),
    ))
}

fn wrong_type(field: &Field, expected: &str) -> Refusal {
    refusal(field, "wrong_type", format!("`{}` is not {expected}", field.name), format!("give {expected}"))
}

fn missing(field: &Field) -> Refusal {
    refusal(
        field,
        "missing",
        format!("`{}` is missing", field.name),
        format!("give `{}`: {}", field.name, field.help),
    )
}

fn without_effect(field: &Field) -> Refusal {
    let (other, value) = field.only_when.unwrap_or_default();
    refusal(
        field,
        "without_effect",
        format!("`{}` is used only when `{other}` is `{value}`", field.name),
        format!("set `{other}` to `{value}`, or leave `{}` out", field.name),
    )
}

fn unknown<'a>(fields: impl Iterator<Item = &'a Field> + Clone, name: &str) -> Refusal {
    // A name far from every known one may be a pasted secret, so only its start is repeated.
    let shown: String = name.chars().filter(|it| !it.is_control()).take(40).collect();
    let nearest = fields.clone().map(|it| (distance(name, it.name), it.name)).min();
    let nearest = nearest.filter(|(distance, _)| *distance <= 2).map(|(_, it)| it);
    let fix = match nearest.or_else(|| fields.clone().map(|it| it.name).find(|it| it.starts_with(name))) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => {
            let names: Vec<_> = fields.map(|it| it.name).collect();
            format!("known settings: {}", names.join(", "))
        }
    };
    let pointer = format!("/{}", shown.replace('~', "~0").replace('/', "~1"));
    Refusal::new(pointer, "unknown_setting", format!("`{shown}` is not a setting"), fix)
}

fn listed(choices: &[(&str, &str)]) -> String {
    let values: Vec<_> = choices.iter().map(|(value, _)| format!("`{value}`")).collect();
    values.join(", ")
}

/// Levenshtein's distance, in bytes; far for long names, which are not misspellings.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 64 {
        return a.len();
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (corner + usize::from(x != y)).min(above + 1).min(row[j] + 1);
            corner = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
#[path = "descriptor_tests.rs"]
mod tests;
