//! How interested a customer is: a table from where the customer acted and what they did to `initial` or `active`.
//!
//! Microsoft's documents changed their mind about it ("Get customer leads", versions of 2017 to 2021 and today's), so
//! nothing of it is fixed: [`DEFAULTS`] are data, and the operator's rows come before them.

use crate::touchpoint::{Action, Source};
use std::fmt;
use std::sync::Arc;

/// How interested a customer is. Ordered: a lead's interest rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interest {
    /// Looked at it, or tries it.
    Initial,
    /// Buys it, or asks to be contacted.
    Active,
}

impl Interest {
    /// Its name in the API and in mappings.
    pub fn as_str(self) -> &'static str {
        match self {
            Interest::Initial => "initial",
            Interest::Active => "active",
        }
    }

    /// Reads the name; none when it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        [Interest::Initial, Interest::Active].into_iter().find(|it| it.as_str() == text)
    }

    /// Its number in a store; 0 stands for none.
    pub fn number(interest: Option<Self>) -> i64 {
        match interest {
            None => 0,
            Some(Interest::Initial) => 1,
            Some(Interest::Active) => 2,
        }
    }

    /// Reads the number; any other one is none.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Interest::Initial),
            2 => Some(Interest::Active),
            _ => None,
        }
    }
}

/// Which touchpoints a rule is about. `*` in text stands for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Where the customer acted; none: anywhere.
    pub source: Option<Source>,
    /// What the customer did; none: anything.
    pub action: Option<Action>,
}

impl Pattern {
    /// Reads both halves, each a name in any spelling [`Source::parse`] and [`Action::parse`] know, or `*`.
    pub fn parse(source: &str, action: &str) -> Self {
        Self {
            source: (source.trim() != "*").then(|| Source::parse(source)),
            action: (action.trim() != "*").then(|| Action::parse(action)),
        }
    }

    /// The source as text, `*` for any.
    pub fn source_text(&self) -> &str {
        self.source.as_ref().map_or("*", Source::as_str)
    }

    /// The action as text, `*` for any.
    pub fn action_text(&self) -> &str {
        self.action.as_ref().map_or("*", Action::as_str)
    }
}

/// `source/action`, as people read which rule it was.
impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.source_text(), self.action_text())
    }
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterestRule {
    /// Which touchpoints it is about.
    pub pattern: Pattern,
    /// The pattern as `source/action`.
    pub name: Arc<str>,
    /// How interested they show a customer to be.
    pub interest: Interest,
    /// Whether the operator made it.
    pub is_own: bool,
}

/// The rows as delivered: get it now and a test drive are initial, a purchase and "contact me" active. Whatever else a
/// customer does shows some interest.
pub const DEFAULTS: &[(&str, &str, Interest)] = &[
    ("*", "INS", Interest::Initial),
    ("*", "StartTestDrive", Interest::Initial),
    ("*", "PLT", Interest::Active),
    ("*", "Create", Interest::Active),
    ("*", "*", Interest::Initial),
];

/// The whole table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterestRules(Vec<InterestRule>);

impl Default for InterestRules {
    fn default() -> Self {
        Self::with([])
    }
}

impl InterestRules {
    /// The delivered rows with the operator's: a row for the same touchpoints takes the place of the delivered one.
    pub fn with(own: impl IntoIterator<Item = (Pattern, Interest)>) -> Self {
        let rule = |pattern: Pattern, interest, is_own| {
            let name = pattern.to_string().into();
            InterestRule { pattern, name, interest, is_own }
        };
        let delivered = DEFAULTS
            .iter()
            .map(|(source, action, interest)| rule(Pattern::parse(source, action), *interest, false));
        let mut rules: Vec<InterestRule> = delivered.collect();
        for (pattern, interest) in own {
            let rule = rule(pattern, interest, true);
            match rules.iter_mut().find(|it| it.pattern == rule.pattern) {
                Some(known) => *known = rule,
                None => rules.push(rule),
            }
        }
        Self(rules)
    }

    /// The rows, delivered ones first.
    pub fn rules(&self) -> &[InterestRule] {
        &self.0
    }

    /// The rule for a touchpoint. The narrower one counts: source and action, then the source, then the action, then
    /// the one for everything.
    ///
    /// None for [`Action::DoNotContact`]: it is information about a customer, and shows no interest whatever a rule
    /// for its source says ("DNC … the publisher need not contact the customer").
    pub fn of(&self, source: &Source, action: &Action) -> Option<&InterestRule> {
        if *action == Action::DoNotContact {
            return None;
        }
        let fits = |it: &&InterestRule| {
            let Pattern { source: wanted, action: code } = &it.pattern;
            wanted.as_ref().is_none_or(|it| it == source) && code.as_ref().is_none_or(|it| it == action)
        };
        // The source weighs more than the action: a person who wrote a row for a whole source meant that source.
        let weight = |it: &&InterestRule| (it.pattern.source.is_some(), it.pattern.action.is_some());
        self.0.iter().filter(fits).max_by_key(weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rules: &InterestRules, source: &str, action: &str) -> Option<(Interest, String)> {
        let rule = rules.of(&Source::parse(source), &Action::parse(action))?;
        Some((rule.interest, rule.pattern.to_string()))
    }

    #[test]
    fn delivered_rows_say_what_the_documents_say_last() {
        let rules = InterestRules::default();
        for (action, interest, rule) in [
            ("INS", Interest::Initial, "*/INS"),
            ("ins", Interest::Initial, "*/INS"),
            ("StartTestDrive", Interest::Initial, "*/StartTestDrive"),
            ("PLT", Interest::Active, "*/PLT"),
            ("Create", Interest::Active, "*/Create"),
            ("FREE", Interest::Initial, "*/*"),
            ("", Interest::Initial, "*/*"),
        ] {
            assert_eq!(of(&rules, "SPZA", action), Some((interest, rule.to_owned())), "{action}");
        }
    }

    #[test]
    fn the_narrower_row_counts_whichever_came_first() {
        let own = [
            (Pattern::parse("*", "INS"), Interest::Active),
            (Pattern::parse("AppSource", "*"), Interest::Active),
            (Pattern::parse("AppSource (SPZA)", "PLT"), Interest::Initial),
        ];
        for own in [own.clone().to_vec(), own.into_iter().rev().collect()] {
            let rules = InterestRules::with(own);
            assert_eq!(of(&rules, "AzurePortal", "INS"), Some((Interest::Active, "*/INS".to_owned())));
            assert_eq!(of(&rules, "SPZA", "PLT"), Some((Interest::Initial, "SPZA/PLT".to_owned())));
            assert_eq!(of(&rules, "SPZA", "StartTestDrive"), Some((Interest::Active, "SPZA/*".to_owned())));
            assert_eq!(of(&rules, "AzurePortal", "PLT"), Some((Interest::Active, "*/PLT".to_owned())));
            assert_eq!(rules.rules().len(), DEFAULTS.len() + 2, "a delivered row was replaced");
        }
    }

    #[test]
    fn do_not_contact_shows_no_interest_whatever_the_table_says() {
        let own = [
            (Pattern::parse("SPZA", "DNC"), Interest::Active),
            (Pattern::parse("SPZA", "*"), Interest::Active),
        ];
        assert_eq!(of(&InterestRules::with(own), "SPZA", "DNC"), None);
    }

    #[test]
    fn names_and_numbers_are_read_back() {
        for interest in [Interest::Initial, Interest::Active] {
            assert_eq!(Interest::parse(interest.as_str()), Some(interest));
            assert_eq!(Interest::from_number(Interest::number(Some(interest))), Some(interest));
        }
        assert_eq!(Interest::from_number(Interest::number(None)), None);
        assert_eq!(Interest::parse("Active"), None);
        assert!(Interest::Initial < Interest::Active);
    }
}
