//! The named steps a value passes through; each takes a value or none and gives a value or none, of bounded length.

use super::expression::{Argument, BadExpression};
use super::{Subject, Value};
use crate::hex;
use crate::language::Language;
use crate::limits::MAPPED_BYTES_MAX;
use crate::phone::Phone;
use crate::{country, rfc3339, text};
use aws_lc_rs::digest::{SHA256, digest};

/// Every transform: how it is written, and what it does.
pub const TRANSFORMS: &[(&str, &str)] = &[
    ("always", "the field is Leadwire's own: every touchpoint writes it"),
    (
        "once",
        "the field is written when the record is made, and never again; so it is unless a row says `always`",
    ),
    ("trim", "takes white space off both ends"),
    ("one_line", "line breaks become spaces"),
    ("upper", "capital letters; upper('tr') minds that Turkish has two letters i, and so do the next two"),
    ("lower", "small letters"),
    ("title", "a capital at the start of each word"),
    ("default('x')", "x when there is no value"),
    ("truncate(n)", "at most n characters"),
    ("prefix('x')", "x in front"),
    ("suffix('x')", "x behind"),
    ("replace('a', 'b')", "b wherever a is"),
    ("map('a', 'b', …)", "b for a, and so on in pairs; a last single text is for everything else"),
    ("first_word", "up to the first space"),
    ("rest", "what follows the first space"),
    ("part('x', n)", "the n-th of the parts between x, from 1"),
    ("digits", "digits only"),
    ("domain", "what follows the last @"),
    (
        "e164",
        "a telephone number as + and digits, read by the customer's country; a number that is not valid stays as it is",
    ),
    ("country_code", "the two letters of a country, such as HU; none when the country is not known"),
    ("country_code3", "the three letters of a country, such as HUN; none when the country is not known"),
    (
        "country_name('en')",
        "the name of a country in English (en), Hungarian (hu) or Turkish (tr); unknown ones stay as written",
    ),
    ("date", "the day of a moment, such as 2026-11-20"),
    ("unix_seconds", "a moment as seconds since 1970"),
    ("unix_milliseconds", "a moment as milliseconds since 1970"),
    ("sha256", "SHA-256 of the text, in hexadecimal"),
    ("number", "a number; none when the text is not one"),
    ("boolean", "yes or no, from true, yes, 1 and their opposites; none otherwise"),
    ("not", "the opposite of yes or no"),
    ("only_true", "yes, or no value at all: for a flag that must never be taken back"),
    ("yes_no('x', 'y')", "x for yes, y for no"),
];

/// A step of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    Trim,
    OneLine,
    Upper(Option<Language>),
    Lower(Option<Language>),
    Title(Option<Language>),
    Default(String),
    Truncate(usize),
    Prefix(String),
    Suffix(String),
    Replace(String, String),
    Map(Vec<(String, String)>, Option<String>),
    FirstWord,
    Rest,
    Part(String, usize),
    Digits,
    Domain,
    E164,
    CountryCode,
    CountryCode3,
    CountryName(Option<Language>),
    Date,
    UnixSeconds,
    UnixMilliseconds,
    Sha256,
    Number,
    Boolean,
    Not,
    OnlyTrue,
    YesNo(String, String),
}

/// The transform of that name with these arguments.
pub(super) fn find(name: &str, arguments: &[Argument]) -> Result<Transform, BadExpression> {
    use Argument::{Number, Text};
    use Transform as T;
    Ok(match (name, arguments) {
        ("trim", []) => T::Trim,
        ("one_line", []) => T::OneLine,
        ("upper", []) => T::Upper(None),
        ("upper", [Text(code)]) => T::Upper(Some(language(name, code)?)),
        ("lower", []) => T::Lower(None),
        ("lower", [Text(code)]) => T::Lower(Some(language(name, code)?)),
        ("title", []) => T::Title(None),
        ("title", [Text(code)]) => T::Title(Some(language(name, code)?)),
        ("default", [Text(text)]) => T::Default(text.clone()),
        ("truncate", [Number(count)]) if *count > 0 => T::Truncate(*count),
        ("prefix", [Text(text)]) => T::Prefix(text.clone()),
        ("suffix", [Text(text)]) => T::Suffix(text.clone()),
        ("replace", [Text(from), Text(to)]) if !from.is_empty() => T::Replace(from.clone(), to.clone()),
        ("map", [_, ..]) => return pairs(arguments),
        ("first_word", []) => T::FirstWord,
        ("rest", []) => T::Rest,
        ("part", [Text(separator), Number(place)]) if !separator.is_empty() && *place > 0 => {
            T::Part(separator.clone(), *place)
        }
        ("digits", []) => T::Digits,
        ("domain", []) => T::Domain,
        ("e164", []) => T::E164,
        ("country_code", []) => T::CountryCode,
        ("country_code3", []) => T::CountryCode3,
        ("country_name", []) => T::CountryName(None),
        ("country_name", [Text(code)]) => T::CountryName(Some(language(name, code)?)),
        ("date", []) => T::Date,
        ("unix_seconds", []) => T::UnixSeconds,
        ("unix_milliseconds", []) => T::UnixMilliseconds,
        ("sha256", []) => T::Sha256,
        ("number", []) => T::Number,
        ("boolean", []) => T::Boolean,
        ("not", []) => T::Not,
        ("only_true", []) => T::OnlyTrue,
        ("yes_no", [Text(yes), Text(no)]) => T::YesNo(yes.clone(), no.clone()),
        _ => return Err(unknown(name)),
    })
}

fn language(name: &str, code: &str) -> Result<Language, BadExpression> {
    let known = Language::ALL.into_iter().find(|it| it.code() == code);
    known.ok_or_else(|| {
        BadExpression::new(format!("`{name}` knows no such language"), "use 'en', 'hu' or 'tr'")
    })
}

fn pairs(arguments: &[Argument]) -> Result<Transform, BadExpression> {
    let texts: Option<Vec<&String>> = arguments
        .iter()
        .map(|it| match it {
            Argument::Text(text) => Some(text),
            Argument::Number(_) => None,
        })
        .collect();
    let texts = texts.ok_or_else(|| BadExpression::new("`map` takes texts only", "put them in '…'"))?;
    let (pairs, last) = texts.as_chunks::<2>();
    let pairs = pairs.iter().map(|[from, to]| ((*from).clone(), (*to).clone())).collect();
    Ok(Transform::Map(pairs, last.first().map(|it| (*it).clone())))
}

fn unknown(name: &str) -> BadExpression {
    let written = |it: &str| it.split('(').next() == Some(name);
    match TRANSFORMS.iter().find(|it| written(it.0)) {
        Some((usage, _)) => {
            BadExpression::new(format!("`{name}` does not take these arguments"), format!("write `{usage}`"))
        }
        None => {
            let names: Vec<&str> = TRANSFORMS.iter().filter_map(|it| it.0.split('(').next()).collect();
            BadExpression::new(
                format!("there is no transform called `{name}`"),
                format!("use {}", names.join(", ")),
            )
        }
    }
}

impl Transform {
    pub(super) fn apply(&self, value: Option<Value>, subject: &Subject<'_>) -> Option<Value> {
        match (self, value) {
            (Self::Default(text), None) => written(text.clone()),
            (Self::Default(_), value) => value,
            // A last single text is for everything else, nothing included.
            (Self::Map(_, Some(otherwise)), None) => written(otherwise.clone()),
            (_, None) => None,
            (Self::Not, Some(value)) => truth(&value).map(|it| Value::Bool(!it)),
            (Self::OnlyTrue, Some(value)) => truth(&value).filter(|it| *it).map(Value::Bool),
            (Self::Boolean, Some(value)) => truth(&value).map(Value::Bool),
            (Self::YesNo(yes, no), Some(value)) => {
                truth(&value).and_then(|it| written(if it { yes.clone() } else { no.clone() }))
            }
            (Self::Number, Some(value)) => {
                let text = value.as_text().trim().to_owned();
                text.parse::<f64>().is_ok_and(f64::is_finite).then_some(Value::Number(text))
            }
            (Self::UnixSeconds, Some(value)) => {
                millis(&value).map(|it| Value::Number((it.div_euclid(1000)).to_string()))
            }
            (Self::UnixMilliseconds, Some(value)) => millis(&value).map(|it| Value::Number(it.to_string())),
            (transform, Some(value)) => written(transform.text(value.as_text(), subject)?),
        }
    }

    /// The steps from text to text.
    fn text(&self, text: &str, subject: &Subject<'_>) -> Option<String> {
        Some(match self {
            Self::Trim => text::trim(text).to_owned(),
            Self::OneLine => text::one_line(text).into_owned(),
            Self::Upper(language) => language.unwrap_or(subject.language).upper(text),
            Self::Lower(language) => language.unwrap_or(subject.language).lower(text),
            Self::Title(language) => language.unwrap_or(subject.language).title(text),
            Self::Truncate(count) => text.chars().take(*count).collect(),
            Self::Prefix(prefix) => format!("{prefix}{text}"),
            Self::Suffix(suffix) => format!("{text}{suffix}"),
            Self::Replace(from, to) => replace(text, from, to),
            Self::Map(pairs, otherwise) => match pairs.iter().find(|it| it.0 == text) {
                Some((_, to)) => to.clone(),
                None => otherwise.clone().unwrap_or_else(|| text.to_owned()),
            },
            Self::FirstWord => text.split_whitespace().next()?.to_owned(),
            Self::Rest => text::trim(text).split_once(char::is_whitespace)?.1.trim_start().to_owned(),
            Self::Part(separator, place) => text.split(&**separator).nth(place - 1)?.trim().to_owned(),
            Self::Digits => text.chars().filter(char::is_ascii_digit).collect(),
            Self::Domain => text.rsplit_once('@')?.1.to_owned(),
            Self::E164 => match Phone::parse(text, subject.touchpoint.customer.country.as_deref()) {
                Some(phone) => phone.e164().to_owned(),
                None => text.to_owned(),
            },
            Self::CountryCode => country::iso2(text)?.to_owned(),
            Self::CountryCode3 => country::iso3(country::iso2(text)?)?.to_owned(),
            Self::CountryName(language) => match country::iso2(text) {
                Some(code) => match language.unwrap_or(subject.language) {
                    Language::En => country::english_name(code)?,
                    Language::Hu => country::hungarian_name(code)?,
                    Language::Tr => country::turkish_name(code)?,
                }
                .to_owned(),
                None => text.to_owned(),
            },
            Self::Date => rfc3339::format(rfc3339::parse(text)?)[..10].to_owned(),
            Self::Sha256 => hex::encode(digest(&SHA256, text.as_bytes()).as_ref()),
            // These are not from text to text, and `apply` has dealt with them.
            Self::Default(_)
            | Self::UnixSeconds
            | Self::UnixMilliseconds
            | Self::Number
            | Self::Boolean
            | Self::Not
            | Self::OnlyTrue
            | Self::YesNo(..) => return None,
        })
    }
}

/// The text as a value, shortened to the longest there may be; none when it is empty.
fn written(text: String) -> Option<Value> {
    (!text.is_empty()).then(|| Value::Text(capped(text)))
}

/// At most [`MAPPED_BYTES_MAX`] bytes of a text, ending at a character.
pub(super) fn capped(mut text: String) -> String {
    if text.len() > MAPPED_BYTES_MAX {
        text.truncate(text.floor_char_boundary(MAPPED_BYTES_MAX));
    }
    text
}

/// Stops when the longest text is reached: each of many short pieces could become a long one.
fn replace(text: &str, from: &str, to: &str) -> String {
    let mut out = String::new();
    for (at, piece) in text.split(from).enumerate() {
        if at > 0 {
            out.push_str(to);
        }
        out.push_str(piece);
        if out.len() > MAPPED_BYTES_MAX {
            break;
        }
    }
    out
}

pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(it) => Some(*it),
        Value::Text(text) | Value::Number(text) => match text.trim().to_lowercase().as_str() {
            "true" | "yes" | "1" | "on" => Some(true),
            "false" | "no" | "0" | "off" => Some(false),
            _ => None,
        },
    }
}

fn millis(value: &Value) -> Option<i64> {
    rfc3339::parse(value.as_text()).map(|it| it.millis())
}
