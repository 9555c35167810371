//! Looks whether leads can be written: sign-in, the fields of the mapping, the lookup field, the right to write, the partition.

use super::Marketo;
use super::envelope::took;
use super::errors::ERRORS;
use super::look::ask;
use super::session::{Call, Session};
use crate::Moment;
use crate::catalogue::Known;
use crate::egress::Egress;
use crate::feedback::{self, Position};
use crate::mapped::{FieldMap, rule_json};
use crate::validation::{Checked, Step, Verdict};
use leadwire_core::mapping::{Kind, Length, Rule};
use serde_json::{Map, Value};

/// Most bytes a text area holds (Adobe, rest-api/field-types.md).
const TEXT_AREA_BYTES_MAX: usize = 30_000;

impl Marketo {
    pub(super) async fn look(&self, moment: Moment, egress: &Egress) -> Checked {
        let mut checked = Checked::default();
        let way = (moment, egress);
        if !sign_in(&self.session, &mut checked, way).await {
            return checked;
        }
        let title = "Read the fields of people";
        let call = Call::get("rest/v1/leads/describe2.json");
        let (answer, results) = match ask(&self.session, &call, moment, egress).await {
            Ok(it) => it,
            Err(tried) => {
                checked.add(Step::of_attempt("metadata", title, &tried));
                return checked;
            }
        };
        let described = Described::read(&results);
        checked.add(described.judge(title, &self.map).took(took(&answer)));
        checked.add(self.lookup_step(&described));
        if self.reading.every.is_some() {
            let asked = self.ask_for_changes(&Position::at(moment.now), moment, egress).await;
            checked.add(feedback::permission(&asked));
        }
        checked.field_rules = Some(described.rules(self.map.targets()));
        if checked.is_passed() {
            let step = may_write(&self.session, way).await;
            checked.add(step);
        }
        if checked.is_passed()
            && let Some(step) = self.partition_step(way).await
        {
            checked.add(step);
        }
        checked
    }

    fn lookup_step(&self, described: &Described<'_>) -> Step {
        let name = &self.shape.lookup;
        let title = format!("Look people up by {name}");
        if described.searchable.contains(&&**name) {
            return Step::passed("lookup_field", title, "people can be looked up by it");
        }
        let known = Known::find(ERRORS, "1011").expect("the catalogue has the code");
        Step::passed("lookup_field", title, known.message).but(Verdict::Failed, known.cause, known.fix)
    }

    /// The partition, when the settings name one or the instance has several.
    async fn partition_step(&self, (moment, egress): (Moment, &Egress)) -> Option<Step> {
        let title = "Look at the lead partitions";
        let call = Call::get("rest/v1/leads/partitions.json");
        let (answer, results) = match ask(&self.session, &call, moment, egress).await {
            Ok(it) => it,
            Err(tried) => {
                let step = Step::of_attempt("partition", title, &tried);
                let fix = "see under Admin, Workspaces & Partitions, whether `partition_name` is right";
                return Some(step.but(Verdict::Warned, &tried.evidence.cause, fix));
            }
        };
        let names: Vec<&str> = results.iter().filter_map(|it| it.get("name")?.as_str()).collect();
        let step = |message: String| Step::passed("partition", title, message).took(took(&answer));
        Some(match &self.shape.partition {
            None if names.len() < 2 => return None,
            None => step(format!("the instance has several: {}", names.join(", "))).but(
                Verdict::Warned,
                "partition_missing",
                "set `partition_name`, or new people go to the API user's own partition, if it has one",
            ),
            Some(name) if names.contains(&&**name) => step("the partition is there".to_owned()),
            Some(_) => step(format!("the partition is none of {}", names.join(", "))).but(
                Verdict::Failed,
                "partition_refused",
                "write `partition_name` as Marketo does, and give the API user's role access to it",
            ),
        })
    }
}

/// Signs in; false when that failed.
pub(crate) async fn sign_in(
    session: &Session,
    checked: &mut Checked,
    (moment, egress): (Moment, &Egress),
) -> bool {
    let title = format!("Sign in at {}", session.host());
    match session.token(moment.now, egress, &mut 0).await {
        Ok(_) => {
            checked.add(Step::passed("token", title, "the client id and the client secret are good"));
            true
        }
        Err(tried) => {
            checked.add(Step::of_attempt("token", title, &tried));
            false
        }
    }
}

/// Whether people may be written: an update of the person 0, whom no instance has, is refused in one way when the role
/// permits writing and in another when it does not. Nothing is written.
pub(crate) async fn may_write(session: &Session, (moment, egress): (Moment, &Egress)) -> Step {
    let title = "Look whether people may be written";
    let body = r#"{"action":"updateOnly","lookupField":"id","asyncProcessing":false,"input":[{"id":0}]}"#;
    let call = Call::post("rest/v1/leads.json", body.to_owned());
    match ask(session, &call, moment, egress).await {
        Err(tried) if tried.evidence.cause == "permission_missing" => {
            Step::of_attempt("permission", title, &tried)
        }
        Ok((answer, _)) => {
            Step::passed("permission", title, "the API user may write people").took(took(&answer))
        }
        // Refused for another reason: the test lead will show it.
        Err(tried) => {
            let message = "Marketo did not say; the test lead shows it";
            Step::passed("permission", title, message).but(Verdict::Skipped, &tried.evidence.cause, "")
        }
    }
}

/// What `describe2.json` says.
struct Described<'a> {
    fields: Vec<&'a Value>,
    searchable: Vec<&'a str>,
}

impl<'a> Described<'a> {
    fn read(results: &'a [Value]) -> Self {
        let array =
            |name: &str| results.first().and_then(|it| it.get(name)?.as_array()).into_iter().flatten();
        // Each entry is a list of fields that are searched by together; one field alone is what is wanted.
        let alone = array("searchableFields").filter_map(|it| match it.as_array()?.as_slice() {
            [one] => one.as_str(),
            _ => None,
        });
        Self { fields: array("fields").collect(), searchable: alone.collect() }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.iter().copied().find(|it| it.get("name").and_then(Value::as_str) == Some(name))
    }

    fn judge(&self, title: &str, map: &FieldMap) -> Step {
        let unknown: Vec<&str> = map.targets().filter(|it| self.get(it).is_none()).collect();
        let is_locked =
            |it: &&str| self.get(it).is_some_and(|it| it.get("updateable") == Some(&Value::Bool(false)));
        let locked: Vec<&str> = map.targets().filter(is_locked).collect();
        let failed = |message: String, code: &str, cause: &str| {
            let known = Known::find(ERRORS, code).expect("the catalogue has the code");
            Step::passed("metadata", title, message).but(Verdict::Failed, cause, known.fix)
        };
        if !unknown.is_empty() {
            return failed(
                format!("Marketo has no field called {}", unknown.join(", ")),
                "1006",
                "field_unknown",
            );
        }
        if !locked.is_empty() {
            return failed(
                format!("these cannot be written: {}", locked.join(", ")),
                "1006",
                "field_read_only",
            );
        }
        Step::passed("metadata", title, format!("all {} mapped fields are there", map.targets().count()))
    }

    fn rules<'b>(&self, targets: impl Iterator<Item = &'b str>) -> Value {
        let rules = targets.filter_map(|it| Some((it.to_owned(), rule_json(&rule(self.get(it)?)))));
        Value::Object(rules.collect::<Map<String, Value>>())
    }
}

fn rule(field: &Value) -> Rule {
    let length = field.get("length").and_then(Value::as_u64).and_then(|it| usize::try_from(it).ok());
    let kind = match field.get("dataType").and_then(Value::as_str).unwrap_or_default() {
        "email" => Kind::Email,
        "boolean" => Kind::Bool,
        "integer" | "float" | "currency" | "percent" | "score" => Kind::Number,
        "date" | "datetime" => Kind::Moment,
        _ => Kind::Text,
    };
    let is_area = field.get("dataType").and_then(Value::as_str) == Some("text");
    let longest = match kind {
        Kind::Text if is_area => Some(Length::Bytes(length.unwrap_or(TEXT_AREA_BYTES_MAX))),
        Kind::Text | Kind::Email => Some(Length::Utf16(length.unwrap_or(255))),
        Kind::Number | Kind::Bool | Kind::Moment => None,
    };
    Rule { kind, longest, choices: Vec::new(), required: false }
}
