//! Looks whether leads can be written: sign-in, the right to write leads, the fields of the mapping, the day's calls.

use super::Salesforce;
use super::deliver::Way;
use super::describe::Describe;
use super::errors::ERRORS;
use super::reply;
use super::request::Call;
use super::usage::Usage;
use crate::catalogue::Known;
use crate::egress::{Answer, Egress};
use crate::feedback::{self, Position};
use crate::validation::{Checked, Step, Verdict};
use crate::{Moment, Payload, record_id};
use http::Method;
use leadwire_core::outcome::{Receipt, Tried};
use serde_json::Value;
use std::time::Duration;

/// Most bytes of the description of an org's leads: each field takes about 1 KB, and an org may have 500 of its own
/// and as many in packages.
const DESCRIBE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Characters of a key: `lead_` and 26.
const KEY_LENGTH: usize = 31;

impl Salesforce {
    pub(super) async fn look(&self, moment: Moment, egress: &Egress) -> Checked {
        let mut checked = Checked::default();
        let host = self.session.token_url().host_str().unwrap_or_default();
        let title = format!("Sign in at {host}");
        let held = match self.session.get(moment.now, egress, &mut 0).await {
            Ok(held) => held,
            Err(tried) => {
                checked.add(Step::of_attempt("token", title, &tried));
                return checked;
            }
        };
        let message = format!("signed in; leads go to {}", held.more.url.host_str().unwrap_or_default());
        checked.add(Step::passed("token", title, message));
        let way = Way { held: &held, moment, egress };
        let (answer, describe) = match self.describe(&way).await {
            Ok(found) => found,
            Err(tried) => {
                checked.add(Step::of_attempt("permission", "Look at Lead", &tried));
                return checked;
            }
        };
        checked.add(permission(&describe).took(took(&answer)));
        if checked.is_passed() {
            checked.add(self.key_field(&describe));
            checked.add(self.fields(&describe));
            checked.field_rules = Some(describe.field_rules(self.map.targets()));
            checked.steps.extend(self.notes_permission(&way).await);
            if self.reading.every.is_some() {
                let asked = self.ask_for_changes(&Position::at(moment.now), moment, egress).await;
                checked.add(feedback::permission(&asked));
            }
            checked.steps.extend(Usage::read(&answer.headers).map(|it| self.calls_left(it)));
        }
        checked
    }

    pub(super) async fn describe(&self, way: &Way<'_>) -> Result<(Answer, Describe), Box<Tried>> {
        self.describe_object("Lead", way).await
    }

    pub(super) async fn describe_object(
        &self,
        object: &str,
        way: &Way<'_>,
    ) -> Result<(Answer, Describe), Box<Tried>> {
        let call = Call::get(format!("{}/sobjects/{object}/describe/", self.shape.root()));
        let mut request = self.request(&way.held.more.url, &way.held.header, call);
        request.answer_bytes_max = DESCRIBE_BYTES_MAX;
        let sent = way.egress.send(request).await;
        let answer = sent.map_err(|it| Box::new(reply::not_written(it.tried())))?;
        if answer.status.as_u16() == 401 {
            self.session.forget(way.held.age).await;
        }
        if !answer.status.is_success() {
            let tried = reply::read_refusal(&answer, &[], &self.about(way));
            return Err(Box::new(reply::not_written(tried)));
        }
        match Describe::read(&answer.body) {
            Some(describe) => Ok((answer, describe)),
            None => Err(Box::new(reply::not_written(reply::unreadable(&answer)))),
        }
    }

    pub(super) fn key_field(&self, describe: &Describe) -> Step {
        let name = &self.shape.key_field;
        let title = format!("External id field {name}");
        let known = |code: &str| Known::find(ERRORS, code).expect("the catalogue has the code");
        let failed = |message: String, cause: &str, fix: &str| {
            Step::passed("external_id", title.clone(), message).but(Verdict::Failed, cause, fix)
        };
        match describe.get(name) {
            None => failed(
                format!("{name} does not exist on Lead, or the integration user cannot see it"),
                "external_id_missing",
                known("NOT_FOUND").fix,
            ),
            Some(it) if !it.is_external_id => failed(
                format!("{name} is not marked as External ID"),
                "external_id_missing",
                "edit the field in Setup, Object Manager, Lead, and mark it as External ID",
            ),
            Some(it) if !it.is_unique => failed(
                format!("{name} is not marked as Unique"),
                "key_not_unique",
                "edit the field in Setup, Object Manager, Lead, and mark it as Unique, not case-sensitive",
            ),
            Some(it) if it.length < KEY_LENGTH => failed(
                format!("{name} holds {} characters; {KEY_LENGTH} are needed", it.length),
                "external_id_short",
                "make the field 40 characters long",
            ),
            Some(it) if !it.is_createable => failed(
                format!("the integration user may not write {name}"),
                "field_not_writable",
                known("INVALID_FIELD_FOR_INSERT_UPDATE").fix,
            ),
            Some(_) => {
                Step::passed("external_id", title, "it is there, unique, and may be written".to_owned())
            }
        }
    }

    fn fields(&self, describe: &Describe) -> Step {
        let title = "Fields of the mapping";
        let targets: Vec<&str> = self.map.targets().collect();
        let is_mapped = |name: &str| {
            name.eq_ignore_ascii_case(&self.shape.key_field)
                || targets.iter().any(|it| it.eq_ignore_ascii_case(name))
        };
        let unknown: Vec<&str> = targets.iter().copied().filter(|it| describe.get(it).is_none()).collect();
        let locked =
            targets.iter().copied().filter(|it| describe.get(it).is_some_and(|it| !it.is_createable));
        let locked: Vec<&str> = locked.collect();
        let unmapped: Vec<&str> = describe.required().filter(|it| !is_mapped(it)).collect();
        let failed = |message: String, cause: &str, fix: &str| {
            Step::passed("fields", title, message).but(Verdict::Failed, cause, fix)
        };
        if !unknown.is_empty() {
            return failed(
                format!(
                    "these do not exist, or the integration user cannot see them: {}",
                    unknown.join(", ")
                ),
                "field_unknown",
                "give the user access to the fields, or leave them out of the mapping",
            );
        }
        if !locked.is_empty() {
            return failed(
                format!("the integration user may not write these: {}", locked.join(", ")),
                "field_not_writable",
                "give the user the right to edit the fields, or leave them out of the mapping",
            );
        }
        if !unmapped.is_empty() {
            return failed(
                format!("Salesforce requires fields that are not mapped: {}", unmapped.join(", ")),
                "field_missing",
                "add a row for each of them to the mapping, or make them optional in Salesforce",
            );
        }
        Step::passed("fields", title, format!("all {} can be written", targets.len()))
    }

    fn calls_left(&self, usage: Usage) -> Step {
        let message = format!("{} of {} API calls of the last 24 hours are used", usage.used, usage.allowed);
        let step = Step::passed("api_calls", "API calls of the org", message);
        if !usage.is_above(self.share_percent) {
            return step;
        }
        let evidence = self.gauge.hold(usage).evidence;
        step.but(Verdict::Warned, &evidence.cause, evidence.fix)
    }

    /// Reads a delivered lead back, and whether it has Leadwire's id: only then is it the one that was made.
    pub(super) async fn read_record(
        &self,
        payload: &Payload,
        receipt: &Receipt,
        way: &Way<'_>,
    ) -> Option<Result<(bool, Answer), Box<Tried>>> {
        let Receipt::Confirmed { record } = receipt else { return None };
        let field = &self.shape.key_field;
        let call = Call::get(format!("{}/sobjects/Lead/{record}?fields=Id,{field}", self.shape.root()));
        let answer = match self.call(way, call).await {
            Ok((answer, _)) => answer,
            Err(error) => return Some(Err(Box::new(reply::not_written(error.tried())))),
        };
        if !answer.status.is_success() {
            let tried = reply::read_refusal(&answer, &[], &self.about(way));
            return Some(Err(Box::new(reply::not_written(tried))));
        }
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let key = json.as_ref().and_then(|it| it.get(field)?.as_str());
        let is_ours = key.is_some_and(|it| it.eq_ignore_ascii_case(&record_id::text(payload)));
        Some(Ok((is_ours, answer)))
    }

    pub(super) async fn read_test_lead(
        &self,
        payload: &Payload,
        receipt: &Receipt,
        moment: Moment,
        egress: &Egress,
    ) -> Option<Step> {
        let title = "Read the test lead back";
        let held = match self.session.get(moment.now, egress, &mut 0).await {
            Ok(held) => held,
            Err(tried) => return Some(Step::of_attempt("read_back", title, &tried)),
        };
        let way = Way { held: &held, moment, egress };
        Some(match self.read_record(payload, receipt, &way).await? {
            Ok((true, answer)) => {
                Step::passed("read_back", title, "it is there under its Leadwire id").took(took(&answer))
            }
            Ok((false, answer)) => {
                let message = "a record is there, but it is another one that a duplicate rule found";
                let fix = "nothing, or choose another answer to duplicates";
                Step::passed("read_back", title, message).took(took(&answer)).but(
                    Verdict::Warned,
                    "linked",
                    fix,
                )
            }
            Err(tried) => Step::of_attempt("read_back", title, &tried),
        })
    }

    /// Deletes a test lead, but never a record that was there before and was only linked to.
    pub(super) async fn delete_test_lead(
        &self,
        payload: &Payload,
        receipt: &Receipt,
        moment: Moment,
        egress: &Egress,
    ) -> Option<Step> {
        let title = "Take the test lead away";
        let Receipt::Confirmed { record } = receipt else { return None };
        let held = match self.session.get(moment.now, egress, &mut 0).await {
            Ok(held) => held,
            Err(tried) => return Some(Step::of_attempt("clean_up", title, &tried)),
        };
        let way = Way { held: &held, moment, egress };
        match self.read_record(payload, receipt, &way).await? {
            Ok((true, _)) => {}
            Ok((false, _)) => {
                let message = "the record was there before the test, so it is kept";
                return Some(Step::passed("clean_up", title, message).but(Verdict::Skipped, "linked", ""));
            }
            Err(tried) => return Some(Step::of_attempt("clean_up", title, &tried)),
        }
        let mut call = Call::get(format!("{}/sobjects/Lead/{record}", self.shape.root()));
        call.method = Method::DELETE;
        Some(match self.call(&way, call).await {
            Ok((answer, _)) if answer.status.is_success() => {
                Step::passed("clean_up", title, "it is in the org's recycle bin").took(took(&answer))
            }
            Ok((answer, _)) => {
                let tried = reply::read_refusal(&answer, &[], &self.about(&way));
                Step::of_attempt("clean_up", title, &tried)
            }
            Err(error) => Step::of_attempt("clean_up", title, &error.tried()),
        })
    }
}

fn permission(describe: &Describe) -> Step {
    let title = "The right to write leads";
    if describe.is_createable && describe.is_updateable {
        return Step::passed("permission", title, "the integration user may create and edit leads");
    }
    let message = "the integration user may not create or edit leads";
    let fix = "give the user Create and Edit on Lead, by profile or permission set";
    Step::passed("permission", title, message).but(Verdict::Failed, "access_missing", fix)
}

pub(super) fn took(answer: &Answer) -> Duration {
    Duration::from_micros(answer.timings.total_us.unwrap_or(0).into())
}
