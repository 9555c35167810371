//! The two settings of every connector that maps fields: a publisher's own rows, and what the destination's metadata
//! said of its fields.

use crate::Payload;
use crate::descriptor::{Field, FieldShape, Settings, refusal};
use leadwire_core::language::Language;
use leadwire_core::limits::MAPPING_ROWS_MAX;
use leadwire_core::mapping::{Explained, Kind, Length, Mapped, Mapping, Rule, Rules, Subject, Target};
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::refusal::Refusal;
use serde_json::{Map, Value, json};

/// The publisher's rows.
pub(crate) const MAPPING: Field = Field {
    name: "mapping",
    label: "Fields",
    help: "Rows that differ from the connector's own: `Target = source | transform`, or `Target =` to leave it out.",
    shape: FieldShape::Mapping,
    required: false,
    default: None,
    secret: false,
    only_when: None,
};

/// What the destination's metadata said; validation writes it.
pub(crate) const FIELD_RULES: Field = Field {
    name: "field_rules",
    label: "What the destination's fields take",
    help: "Read from the destination by validation; values are held to it before they are sent.",
    shape: FieldShape::FieldRules,
    required: false,
    default: None,
    secret: false,
    only_when: None,
};

/// Most choices kept of one field: lists of countries have about 250.
const CHOICES_MAX: usize = 500;

/// A connector's mapping with a publisher's changes, and the rules of the fields.
pub struct FieldMap {
    mapping: Mapping,
    defaults: &'static [(&'static str, &'static str)],
    rules: Rules,
}

impl FieldMap {
    /// Reads both settings over a connector's defaults.
    pub(crate) fn read(
        defaults: &'static [(&'static str, &'static str)],
        targets: &[Target],
        settings: &Settings,
    ) -> Result<Self, Vec<Refusal>> {
        let changes = settings.get(MAPPING.name).and_then(Value::as_object);
        let changes = changes.into_iter().flatten().map(|(target, text)| (&**target, text.as_str()));
        let mapping = Mapping::compose(defaults, changes).map_err(|bad| {
            let refusal = |it: leadwire_core::mapping::BadRow| {
                Refusal::new(
                    format!("/{}/{}", MAPPING.name, pointer(&it.target)),
                    "bad_mapping",
                    format!("the row for `{}` cannot be read: {}", it.target, it.why.message),
                    it.why.fix,
                )
            };
            bad.into_iter().map(refusal).collect::<Vec<_>>()
        })?;
        let mut rules = Rules::known(targets);
        for (target, rule) in settings.get(FIELD_RULES.name).and_then(Value::as_object).into_iter().flatten()
        {
            let known = targets.iter().find(|it| it.name == target);
            rules.learn(target, read_rule(rule, known));
        }
        Ok(Self { mapping, defaults, rules })
    }

    /// The payload as a record of the destination, or what became of it without an attempt.
    pub(crate) fn apply(&self, payload: &Payload) -> Result<Mapped, Box<Tried>> {
        let subject = subject(payload);
        let mapped = match &payload.mapping {
            None => self.mapping.apply(&subject, &self.rules),
            Some(rows) => self.older(rows)?.apply(&subject, &self.rules),
        };
        mapped.map_err(|it| parked(it.cause, it.message, it.fix))
    }

    /// The same, told row by row, for people to see. Sends nothing.
    ///
    /// # Errors
    /// When the version of the mapping that the payload is to be mapped by cannot be read any more.
    pub fn explain(&self, payload: &Payload) -> Result<Explained, Box<Tried>> {
        let subject = subject(payload);
        Ok(match &payload.mapping {
            None => self.mapping.explain(&subject, &self.rules),
            Some(rows) => self.older(rows)?.explain(&subject, &self.rules),
        })
    }

    /// What a field takes, as far as it is known.
    pub fn rule(&self, target: &str) -> Option<&Rule> {
        self.rules.get(target)
    }

    /// Target and text of every row, in order.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str)> {
        self.mapping.rows().map(|(target, expression)| (target, expression.text()))
    }

    /// An older version of the mapping. Its rows were read when they were written; they may be of no use any more.
    fn older(&self, rows: &str) -> Result<Mapping, Box<Tried>> {
        let fix = "replay it with another version of the mapping, or with the current one";
        let bad = || {
            parked(
                "mapping_unreadable",
                "this version of the mapping cannot be read".to_owned(),
                fix.to_owned(),
            )
        };
        let rows: serde_json::Map<String, Value> = serde_json::from_str(rows).map_err(|_| bad())?;
        let rows = rows.iter().map(|(target, text)| (target.as_str(), text.as_str()));
        Mapping::compose(self.defaults, rows).map_err(|_| bad())
    }

    /// Lets no record be made without a target; `rule` is for one that has none yet.
    pub(crate) fn require(&mut self, target: &str, rule: Rule) {
        let mut rule = self.rules.get(target).cloned().unwrap_or(rule);
        rule.required = true;
        self.rules.learn(target, rule);
    }

    /// Targets of the rows, in order.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &str> {
        self.mapping.rows().map(|it| it.0)
    }
}

fn subject(payload: &Payload) -> Subject<'_> {
    Subject {
        touchpoint: &payload.touchpoint,
        publisher: &payload.publisher,
        lead: payload.lead,
        id: payload.delivery.touchpoint,
        received_at: payload.received_at,
        standing: payload.standing,
        language: Language::En,
    }
}

fn parked(cause: &str, message: String, fix: String) -> Box<Tried> {
    let evidence = Evidence { cause: cause.to_owned(), message, fix, ..Evidence::default() };
    Box::new(Tried { outcome: Outcome::NotDone(Fault::Park), evidence })
}

/// One entry of `field_rules`, as validation writes it.
pub(crate) fn rule_json(rule: &Rule) -> Value {
    let mut entry = Map::new();
    let kind = match rule.kind {
        Kind::Text => "text",
        Kind::Email => "email",
        Kind::Number => "number",
        Kind::Bool => "bool",
        Kind::Moment => "moment",
    };
    entry.insert("kind".to_owned(), json!(kind));
    match rule.longest {
        Some(Length::Utf16(max)) => drop(entry.insert("characters_max".to_owned(), json!(max))),
        Some(Length::Bytes(max)) => drop(entry.insert("bytes_max".to_owned(), json!(max))),
        None => {}
    }
    if !rule.choices.is_empty() {
        let choices: Vec<&String> = rule.choices.iter().take(CHOICES_MAX).collect();
        entry.insert("choices".to_owned(), json!(choices));
    }
    if rule.required {
        entry.insert("required".to_owned(), json!(true));
    }
    Value::Object(entry)
}

fn read_rule(entry: &Value, known: Option<&Target>) -> Rule {
    let number = |name: &str| entry.get(name).and_then(Value::as_u64).and_then(|it| usize::try_from(it).ok());
    let kind = match entry.get("kind").and_then(Value::as_str) {
        Some("text") => Kind::Text,
        Some("email") => Kind::Email,
        Some("number") => Kind::Number,
        Some("bool") => Kind::Bool,
        Some("moment") => Kind::Moment,
        _ => known.map_or(Kind::Text, |it| it.kind),
    };
    let longest =
        number("characters_max").map(Length::Utf16).or_else(|| number("bytes_max").map(Length::Bytes));
    let choices = entry.get("choices").and_then(Value::as_array).into_iter().flatten();
    Rule {
        kind,
        longest: longest.or_else(|| known?.longest),
        choices: choices.filter_map(|it| Some(it.as_str()?.to_owned())).take(CHOICES_MAX).collect(),
        required: entry
            .get("required")
            .and_then(Value::as_bool)
            .unwrap_or_else(|| known.is_some_and(|it| it.required)),
    }
}

/// What is wrong with the shape of a mapping setting, if anything; its rows are read by [`FieldMap::read`].
pub(crate) fn check_mapping(field: &Field, value: &Value) -> Option<Refusal> {
    let rows = value.as_object();
    let is_row = |it: &Value| it.is_string() || it.is_null();
    if rows.is_some_and(|it| it.len() <= MAPPING_ROWS_MAX && it.values().all(is_row)) {
        return None;
    }
    Some(refusal(
        field,
        "bad_mapping",
        format!(
            "`{}` is not an object from target to row, or has more than {MAPPING_ROWS_MAX} rows",
            field.name
        ),
        "give rows such as {\"Company\": \"customer.company | default('-')\"}; null leaves a target out",
    ))
}

fn pointer(target: &str) -> String {
    let target: String = target.chars().filter(|it| !it.is_control()).take(64).collect();
    target.replace('~', "~0").replace('/', "~1")
}
