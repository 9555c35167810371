//! Writes a filter from what somebody chose in a form, so that nobody has to know the language for the usual conditions.

use super::variables::{Read, VARIABLES, Variable};
use crate::limits;
use std::fmt::Write;

/// How a field is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is this.
    Is,
    /// It is anything but this.
    IsNot,
    /// It is one of these, with commas between them.
    IsOneOf,
    /// It is none of these.
    IsNoneOf,
    /// This is somewhere in it.
    Contains,
    /// It starts with this.
    StartsWith,
    /// It ends with this.
    EndsWith,
    /// Something was sent.
    IsFilled,
    /// Nothing was sent.
    IsEmpty,
}

impl Test {
    /// All of them.
    pub const ALL: [Test; 9] = [
        Test::Is,
        Test::IsNot,
        Test::IsOneOf,
        Test::IsNoneOf,
        Test::Contains,
        Test::StartsWith,
        Test::EndsWith,
        Test::IsFilled,
        Test::IsEmpty,
    ];

    /// Its name in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Test::Is => "is",
            Test::IsNot => "is_not",
            Test::IsOneOf => "is_one_of",
            Test::IsNoneOf => "is_none_of",
            Test::Contains => "contains",
            Test::StartsWith => "starts_with",
            Test::EndsWith => "ends_with",
            Test::IsFilled => "is_filled",
            Test::IsEmpty => "is_empty",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// Whether it asks for the opposite of something: of a field that is true or false, nothing else matters.
    fn is_negative(self) -> bool {
        matches!(self, Test::IsNot | Test::IsNoneOf | Test::IsEmpty)
    }
}

/// How conditions belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// All of them must hold.
    All,
    /// One is enough.
    Any,
}

/// One condition.
#[derive(Clone, Copy)]
pub struct Condition<'a> {
    /// Of which field.
    pub variable: &'static Variable,
    /// How it is asked.
    pub test: Test,
    /// With what; of some tests nothing.
    pub value: &'a str,
}

impl<'a> Condition<'a> {
    /// A condition on the field of this name.
    pub fn new(name: &str, test: Test, value: &'a str) -> Option<Self> {
        let variable = VARIABLES.iter().find(|it| it.name == name)?;
        Some(Self { variable, test, value })
    }
}

/// The filter that asks for these; empty when there are none.
pub fn build(join: Join, conditions: &[Condition<'_>]) -> String {
    let all: Vec<String> = conditions.iter().map(write).collect();
    all.join(match join {
        Join::All => " && ",
        Join::Any => " || ",
    })
}

fn write(it: &Condition<'_>) -> String {
    let name = it.variable.name;
    let value = it.value.trim();
    if matches!(it.variable.read, Read::Flag(_)) {
        return if it.test.is_negative() { format!("!{name}") } else { name.to_owned() };
    }
    match it.test {
        Test::Is => format!("{name} == {}", quoted(value)),
        Test::IsNot => format!("{name} != {}", quoted(value)),
        Test::IsOneOf => format!("{name} in {}", list(value)),
        Test::IsNoneOf => format!("!({name} in {})", list(value)),
        Test::Contains => format!("{name}.contains({})", quoted(value)),
        Test::StartsWith => format!("{name}.startsWith({})", quoted(value)),
        Test::EndsWith => format!("{name}.endsWith({})", quoted(value)),
        Test::IsFilled => format!("{name} != ''"),
        Test::IsEmpty => format!("{name} == ''"),
    }
}

fn items(value: &str) -> Vec<&str> {
    let all: Vec<&str> = value.split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
    // A list of nothing is asked for what was not sent, as a single value of nothing is.
    if all.is_empty() { vec![""] } else { all }
}

fn list(value: &str) -> String {
    let all: Vec<String> = items(value).into_iter().map(quoted).collect();
    format!("[{}]", all.join(", "))
}

/// A text of CEL (language definition, "Values").
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for letter in text.chars().take(limits::FILTER_BYTES_MAX) {
        match letter {
            '\\' | '\'' => {
                out.push('\\');
                out.push(letter);
            }
            it if it.is_control() => {
                write!(out, "\\u{:04x}", u32::from(it)).expect("writing into a text cannot fail");
            }
            it => out.push(it),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Filter, Subject};
    use super::*;
    use crate::touchpoint::Touchpoint;
    use proptest::prelude::*;

    fn of(conditions: &[(&str, Test, &'static str)], join: Join) -> String {
        let all = conditions.iter().map(|it| Condition::new(it.0, it.1, it.2).expect("a field"));
        build(join, &all.collect::<Vec<_>>())
    }

    #[test]
    fn conditions_are_written_as_a_person_would_write_them() {
        let rows = [
            ("customer.country_code", Test::IsOneOf, "DE, AT ,CH,"),
            ("action", Test::IsNot, "DNC"),
            ("test", Test::IsNot, ""),
            ("customer.company", Test::Contains, "O'Neil"),
        ];
        assert_eq!(
            of(&rows, Join::All),
            "customer.country_code in ['DE', 'AT', 'CH'] && action != 'DNC' && !test && customer.company.contains('O\\'Neil')"
        );
        assert_eq!(of(&rows[1..3], Join::Any), "action != 'DNC' || !test");
        assert_eq!(of(&[], Join::All), "");
        assert!(Condition::new("customer.shoe_size", Test::Is, "42").is_none());
    }

    /// What a condition means, said once more without the language.
    fn holds(it: &Condition<'_>, subject: &Subject<'_>) -> bool {
        let value = it.value.trim();
        let text = match it.variable.read {
            Read::Flag(read) => return read(subject) != it.test.is_negative(),
            Read::Text(read) => read(subject).into_owned(),
        };
        match it.test {
            Test::Is => text == value,
            Test::IsNot => text != value,
            Test::IsOneOf => items(value).contains(&text.as_str()),
            Test::IsNoneOf => !items(value).contains(&text.as_str()),
            Test::Contains => text.contains(value),
            Test::StartsWith => text.starts_with(value),
            Test::EndsWith => text.ends_with(value),
            Test::IsFilled => !text.is_empty(),
            Test::IsEmpty => text.is_empty(),
        }
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof!["\\PC{0,12}", "[\\x00-\\x7f]{0,12}", Just("DE, AT".to_owned()), "['\\\\,\\n\\t\"ab]{0,8}"]
    }

    proptest! {
        #[test]
        fn what_is_built_can_be_read_and_means_what_was_chosen(
            rows in prop::collection::vec((0..VARIABLES.len(), 0..Test::ALL.len(), value()), 1..5),
            any in any::<bool>(),
            (company, country, notes) in (prop::option::of(value()), prop::option::of(value()), prop::option::of(value())),
            test in any::<bool>(),
        ) {
            let mut touchpoint = Touchpoint { test, notes, ..Touchpoint::default() };
            touchpoint.customer.company = company;
            touchpoint.customer.country = country;
            let rows: Vec<Condition<'_>> = rows
                .iter()
                .map(|(variable, test, value)| Condition {
                    variable: &VARIABLES[*variable],
                    test: Test::ALL[*test],
                    value,
                })
                .collect();
            let join = if any { Join::Any } else { Join::All };
            let text = build(join, &rows);
            let filter = Filter::parse(&text).map_err(|it| TestCaseError::fail(format!("{text}: {it}")))?;
            let subject = Subject::new(&touchpoint);
            let mut each = rows.iter().map(|it| holds(it, &subject));
            let expected = if any { each.any(|it| it) } else { each.all(|it| it) };
            prop_assert_eq!(filter.takes_subject(&subject), Ok(expected), "{}", text);
        }
    }
}
