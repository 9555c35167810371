//! Reading back what became of leads: settings that four kinds share, which status means what, and how far was read. Pure.

use crate::descriptor::{Field, FieldShape, Settings, Values, refusal};
use crate::validation::{Step, Verdict};
use leadwire_core::feedback::FeedbackKind;
use leadwire_core::id::LeadId;
use leadwire_core::limits::{
    FEEDBACK_OVERLAP, FEEDBACK_RECORD_BYTES_MAX, FEEDBACK_STATES_MAX, REASON_BYTES_MAX,
};
use leadwire_core::outcome::Tried;
use leadwire_core::refusal::Refusal;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Customer;
use serde_json::{Value, json};
use std::time::Duration;

/// Whether it is read at all. It costs calls of the destination's allowance, so somebody must want it.
pub(crate) const READ_FEEDBACK: Field = Field {
    name: "read_feedback",
    label: "Read what became of leads",
    help: "On asks the system again and again which leads were qualified, disqualified or converted; each time costs a call or two.",
    shape: FieldShape::Choice(&[("off", "Off"), ("on", "On")]),
    default: Some("off"),
    ..Field::PLAIN
};

/// How often.
pub(crate) const FEEDBACK_MINUTES: Field = Field {
    name: "feedback_minutes",
    label: "Minutes between readings",
    help: "How long after one reading the next one comes.",
    shape: FieldShape::Number { min: 1, max: 1440 },
    default: Some("15"),
    only_when: Some(("read_feedback", "on")),
    ..Field::PLAIN
};

/// The publisher's own words.
pub(crate) const FEEDBACK_STATES: Field = Field {
    name: "feedback_states",
    label: "What your statuses mean",
    help: "A line for each status of your own, such as `Nurturing = nothing` or `Won = converted`; also qualified, disqualified, lost.",
    shape: FieldShape::Lines,
    only_when: Some(("read_feedback", "on")),
    ..Field::PLAIN
};

/// What a status means: a word about the lead, or that nothing became of it yet.
pub type Row = (&'static str, Option<FeedbackKind>);

/// What the statuses of a kind mean unless a publisher says otherwise; empty for kinds that cannot tell.
pub fn states(kind: &str) -> &'static [Row] {
    match kind {
        "dynamics" => crate::dynamics::STATES,
        "hubspot" => crate::hubspot::STATES,
        "marketo" => crate::marketo::STATES,
        "salesforce" => crate::salesforce::STATES,
        _ => &[],
    }
}

/// How a destination says that a lead stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// This became of it.
    Became(FeedbackKind),
    /// Nothing yet.
    Nothing,
    /// In a word that nobody explained.
    Unknown,
}

/// The settings, read.
pub(crate) struct Reading {
    /// How long after one reading the next one comes; none: nothing is read.
    pub(crate) every: Option<Duration>,
    /// In small letters; the publisher's own rows first.
    rows: Vec<(String, Option<FeedbackKind>)>,
}

impl Reading {
    /// Reads them over a kind's own table.
    pub(crate) fn read(
        fields: &'static [Field],
        defaults: &[Row],
        settings: &Settings,
    ) -> Result<Self, Vec<Refusal>> {
        let values = Values::new(fields, settings);
        let minutes = values.number(FEEDBACK_MINUTES.name).and_then(|it| u64::try_from(it).ok());
        let is_on = values.text(READ_FEEDBACK.name) == Some("on");
        let mut rows = own_rows(values.text(FEEDBACK_STATES.name).unwrap_or_default())?;
        rows.extend(defaults.iter().map(|(status, kind)| (status.to_lowercase(), *kind)));
        let every = is_on.then(|| Duration::from_secs(60 * minutes.unwrap_or(15)));
        Ok(Self { every, rows })
    }

    /// What a status means.
    pub(crate) fn of(&self, status: &str) -> Said {
        let status = status.trim().to_lowercase();
        match self.rows.iter().find(|it| it.0 == status) {
            Some((_, Some(kind))) => Said::Became(*kind),
            Some((_, None)) => Said::Nothing,
            None if status.is_empty() => Said::Nothing,
            None => Said::Unknown,
        }
    }
}

fn own_rows(text: &str) -> Result<Vec<(String, Option<FeedbackKind>)>, Vec<Refusal>> {
    let mut rows = Vec::new();
    for line in text.lines().map(str::trim).filter(|it| !it.is_empty()) {
        // A status may hold the sign; what it means does not.
        let read = line.rsplit_once('=').and_then(|(status, meaning)| {
            let kind = match meaning.trim() {
                "nothing" => None,
                other => Some(FeedbackKind::parse(other)?),
            };
            Some((status.trim().to_lowercase(), kind))
        });
        match read.filter(|it| !it.0.is_empty() && rows.len() < FEEDBACK_STATES_MAX) {
            Some(row) => rows.push(row),
            None => {
                let message = format!(
                    "`{}` has a line that cannot be read, or more than {FEEDBACK_STATES_MAX} lines",
                    FEEDBACK_STATES.name
                );
                let fix = "write lines such as `Won = converted`; meanings are qualified, disqualified, converted, lost and nothing";
                return Err(vec![refusal(&FEEDBACK_STATES, "bad_states", message, fix)]);
            }
        }
    }
    Ok(rows)
}

/// Whose lead a record is.
#[derive(Clone, PartialEq, Eq)]
pub enum Whose {
    /// The lead whose id Leadwire wrote into it.
    Lead(LeadId),
    /// The lead of this customer, if Leadwire wrote this very record for it.
    Customer(Box<Customer>),
}

/// Prints no personal value.
impl std::fmt::Debug for Whose {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lead(lead) => write!(out, "{lead}"),
            Self::Customer(_) => out.write_str("Customer(***)"),
        }
    }
}

/// What a destination says became of a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose lead.
    pub whose: Whose,
    /// The record's id there.
    pub record: String,
    /// When the record was last changed, which is when it became so or later.
    pub at: Timestamp,
    /// What became of it.
    pub kind: FeedbackKind,
    /// In the destination's own words; may be empty.
    pub reason: String,
}

impl Change {
    /// Puts one together; the words are cut where they are too long.
    pub(crate) fn new(
        whose: Whose,
        record: impl Into<String>,
        at: Timestamp,
        (kind, reason): (FeedbackKind, &str),
    ) -> Self {
        let reason = reason[..reason.floor_char_boundary(REASON_BYTES_MAX)].to_owned();
        let mut record = record.into();
        record.truncate(record.floor_char_boundary(FEEDBACK_RECORD_BYTES_MAX));
        Self { whose, record, at, kind, reason }
    }
}

/// A page of what changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// What became of leads, oldest change first.
    pub items: Vec<Change>,
    /// Records looked at.
    pub seen: u64,
    /// Of these, those whose status nobody explained.
    pub unknown: u64,
    /// Where the next page begins.
    pub position: Position,
    /// Whether that was all there is now.
    pub is_end: bool,
    /// Requests made, those for tokens included.
    pub calls: u32,
}

/// What came of asking: a page, or why there is none.
pub type Asked = Result<Changes, Box<Tried>>;

/// How far was read: a destination's own clock, so that no two clocks need to agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Everything that changed before this moment was read.
    pub from: Timestamp,
    /// The destination's word for the next page; none where a new question begins.
    pub next: Option<String>,
}

impl Position {
    /// Where reading begins.
    pub fn at(from: Timestamp) -> Self {
        Self { from, next: None }
    }

    /// Reads what [`Position::to_text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(text).ok()?;
        let from = rfc3339::parse(json.get("from")?.as_str()?)?;
        Some(Self { from, next: json.get("next").and_then(Value::as_str).map(str::to_owned) })
    }

    /// As it is kept.
    pub fn to_text(&self) -> String {
        json!({ "from": rfc3339::format(self.from), "next": self.next }).to_string()
    }

    /// From when a new question asks: a little before what was read last, for a change becomes visible some time after
    /// the moment it carries. What is read twice is written down once.
    pub(crate) fn asked_from(&self) -> Timestamp {
        let overlap = i64::try_from(FEEDBACK_OVERLAP.as_millis()).expect("minutes");
        Timestamp::from_millis(self.from.millis().saturating_sub(overlap))
    }

    /// After a page whose last change was at `last`. Never goes back: a page of the overlap holds older ones.
    pub(crate) fn after(&self, last: Option<Timestamp>, next: Option<String>) -> Self {
        Self { from: last.map_or(self.from, |it| it.max(self.from)), next }
    }
}

/// What a look at a destination says of whether feedback can be read. Leads do not need it, so it is never a failure.
pub(crate) fn permission(asked: &Asked) -> Step {
    let title = "Read what became of leads";
    match asked {
        Ok(_) => Step::passed("feedback", title, "it can be read"),
        Err(tried) => {
            let step = Step::of_attempt("feedback", title, tried);
            let fix = if tried.evidence.fix.is_empty() {
                "let the user that Leadwire signs in as read leads and how they stand"
            } else {
                &tried.evidence.fix
            };
            step.but(Verdict::Warned, &tried.evidence.cause, fix)
        }
    }
}

/// A moment as systems write it; Salesforce leaves the colon out of the offset.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    rfc3339::parse(text).or_else(|| {
        let at = text.len().checked_sub(2)?;
        rfc3339::parse(&format!("{}:{}", text.get(..at)?, text.get(at..)?))
    })
}

/// A moment in whole seconds, not later than it is: some query languages know no smaller parts.
pub(crate) fn whole_seconds(at: Timestamp) -> String {
    rfc3339::format(Timestamp::from_millis(at.millis().div_euclid(1000) * 1000))
}

/// A request as a person reads it, for golden files.
#[cfg(test)]
pub(crate) fn shown(request: &crate::egress::Request) -> String {
    let shown = crate::preview::PreviewedRequest::of(request, false);
    let mut lines: Vec<String> = shown.headers.iter().map(|it| format!("{}: {}\n", it.0, it.1)).collect();
    lines.sort();
    let body: Value = serde_json::from_slice(&shown.body).unwrap_or_default();
    let body = if body.is_null() { String::new() } else { format!("\n{body:#}\n") };
    format!("{} {}\n{}{body}", shown.method, shown.url, lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[READ_FEEDBACK, FEEDBACK_MINUTES, FEEDBACK_STATES];
    const DEFAULTS: &[Row] = &[("Qualified", Some(FeedbackKind::Qualified)), ("Open", None)];

    fn read(settings: &Value) -> Result<Reading, Vec<Refusal>> {
        Reading::read(FIELDS, DEFAULTS, settings.as_object().expect("an object"))
    }

    #[test]
    fn a_publishers_own_rows_count_before_the_kinds_and_case_does_not() {
        let states = "won = converted\n\n QUALIFIED = nothing\nA=B = lost";
        let Ok(reading) = read(&json!({ "read_feedback": "on", "feedback_states": states })) else {
            panic!("good rows are refused")
        };
        assert_eq!(reading.every, Some(Duration::from_secs(900)));
        let of = |status: &str| reading.of(status);
        assert_eq!(of("Won "), Said::Became(FeedbackKind::Converted));
        assert_eq!((of("qualified"), of("open"), of("")), (Said::Nothing, Said::Nothing, Said::Nothing));
        assert_eq!((of("a=b"), of("New")), (Said::Became(FeedbackKind::Lost), Said::Unknown));
    }

    #[test]
    fn rows_that_cannot_be_read_are_refused() {
        for states in ["Won", "Won = sold", " = lost"] {
            let refused = read(&json!({ "read_feedback": "on", "feedback_states": states })).err();
            assert_eq!(
                refused.map(|it| it[0].pointer.clone()),
                Some("/feedback_states".to_owned()),
                "{states}"
            );
        }
        assert!(read(&json!({})).is_ok_and(|it| it.every.is_none()));
    }

    #[test]
    fn a_position_reads_back_and_never_goes_back() {
        let position =
            Position { from: Timestamp::from_millis(1_795_168_805_123), next: Some("a b".to_owned()) };
        assert_eq!(Position::parse(&position.to_text()), Some(position.clone()));
        assert_eq!(Position::parse("{}"), None);
        let after = position.after(Some(Timestamp::from_millis(5)), None);
        assert_eq!(after, Position::at(position.from));
        assert_eq!(position.from.since(position.asked_from()), FEEDBACK_OVERLAP);
        assert_eq!(whole_seconds(position.from), "2026-11-20T10:00:05Z");
    }

    #[test]
    fn what_a_system_says_is_kept_within_bounds() {
        let (record, reason) = ("r".repeat(5000), "ő".repeat(5000));
        let whose = Whose::Lead(LeadId::new(1));
        let change = Change::new(whose, record, Timestamp::from_millis(0), (FeedbackKind::Lost, &reason));
        assert_eq!((change.record.len(), change.reason.len()), (FEEDBACK_RECORD_BYTES_MAX, REASON_BYTES_MAX));
    }

    #[test]
    fn moments_are_read_with_and_without_a_colon() {
        let at = moment("2026-11-20T10:00:05.000+0000");
        assert_eq!(at, moment("2026-11-20T10:00:05Z"));
        assert_eq!(at.map(Timestamp::millis), Some(1_795_168_805_000));
        assert_eq!((moment("soon"), moment("")), (None, None));
    }
}
