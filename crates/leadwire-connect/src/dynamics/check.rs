//! Looks whether leads can be written: sign-in, the application user and its privileges, the columns of the mapping, the key.

use super::Dynamics;
use super::deliver::Way;
use super::fields::TARGETS;
use super::metadata::{self, Columns, KeyState};
use super::reply;
use super::request::{Call, Key};
use crate::egress::{Answer, Egress};
use crate::feedback::{self, Position};
use crate::token::Held;
use crate::validation::{Checked, Step, Verdict};
use crate::{Moment, Payload};
use http::Method;
use leadwire_core::outcome::{Receipt, Tried};
use serde_json::Value;
use std::time::Duration;

/// Most bytes of an answer about all columns: each takes about half a KB, and a choice's labels come in every language.
const METADATA_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Characters of the value of an alternate key: `lead_` and 26.
const KEY_LENGTH: usize = 31;
/// Privileges a lead needs, and what is missing without them.
const PRIVILEGES: [(&str, &str); 3] =
    [("prvCreateLead", "create"), ("prvReadLead", "read"), ("prvWriteLead", "write")];

impl Dynamics {
    pub(super) async fn look(&self, moment: Moment, egress: &Egress) -> Checked {
        let mut checked = Checked::default();
        let held = match self.token_step(moment, egress, &mut checked.steps).await {
            Some(held) => held,
            None => return checked,
        };
        let way = Way { held: &held, moment, egress };
        let title = "Look who the app is there";
        let user = match self.ask(&way, Call::get(format!("{}/WhoAmI", self.shape.root)), user_id).await {
            Ok((user, answer)) => {
                checked
                    .steps
                    .push(Step::passed("who_am_i", title, "the app is a user there").took(took(&answer)));
                user
            }
            Err(tried) => {
                checked.add(Step::of_attempt("who_am_i", title, &tried));
                return checked;
            }
        };
        checked.add(self.permission(&way, &user).await);
        if !checked.is_passed() {
            return checked;
        }
        checked.steps.extend(self.notes_permission(&way, &user).await);
        let columns = match self.columns(&way).await {
            Ok(columns) => columns,
            Err(tried) => {
                checked.add(Step::of_attempt("fields", "Columns of the mapping", &tried));
                return checked;
            }
        };
        checked.add(self.fields(&columns));
        let is_required = |name: &str| TARGETS.iter().any(|it| it.name == name && it.required);
        if self.reading.every.is_some() {
            let asked = self.ask_for_changes(&Position::at(moment.now), moment, egress).await;
            checked.add(feedback::permission(&asked));
        }
        checked.field_rules = Some(columns.field_rules(self.map.targets(), is_required));
        if let (Key::Column(column), true) = (&self.shape.key, checked.is_passed()) {
            checked.add(self.key_step(&way, column, &columns).await);
        }
        checked
    }

    /// A token, with a step that says how it went; none when there is none.
    pub(super) async fn token_step(
        &self,
        moment: Moment,
        egress: &Egress,
        steps: &mut Vec<Step>,
    ) -> Option<Held<()>> {
        let host = self.sign_in.token_url().host_str().unwrap_or_default();
        let title = format!("Sign in at {host}");
        match self.sign_in.get(moment.now, egress, &mut 0).await {
            Ok(held) => {
                steps.push(Step::passed("token", title, "signed in"));
                Some(held)
            }
            Err(tried) => {
                steps.push(Step::of_attempt("token", title, &tried));
                None
            }
        }
    }

    /// Makes a request that writes no lead, and reads what it says.
    pub(super) async fn ask<T>(
        &self,
        way: &Way<'_>,
        call: Call,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<(T, Answer), Box<Tried>> {
        let mut request = self.request(call, &way.held.header);
        request.answer_bytes_max = METADATA_BYTES_MAX;
        let sent = way.egress.send(request).await;
        let answer = sent.map_err(|it| Box::new(reply::not_written(it.tried())))?;
        self.forget_refused(&answer, way).await;
        if !answer.status.is_success() {
            return Err(Box::new(reply::not_written(reply::refusal(&answer, &[], &self.about(way)))));
        }
        match read(&answer.body) {
            Some(found) => Ok((found, answer)),
            None => Err(Box::new(reply::not_written(reply::unreadable(&answer)))),
        }
    }

    /// A green `WhoAmI` proves no right to make leads.
    async fn permission(&self, way: &Way<'_>, user: &str) -> Step {
        let title = "The right to write leads";
        let (missing, spent) = match self.missing(way, user, &PRIVILEGES).await {
            Ok(found) => found,
            Err(tried) => return Step::of_attempt("permission", title, &tried),
        };
        if missing.is_empty() {
            return Step::passed(
                "permission",
                title,
                "the application user may create, read and write leads",
            )
            .took(spent);
        }
        let message = format!("the application user may not {} leads", missing.join(" nor "));
        let known = reply::entry("0x80040220");
        Step::passed("permission", title, message).took(spent).but(Verdict::Failed, known.cause, known.fix)
    }

    /// What the user may not do of these, each a privilege with words for it, and how long it took to ask.
    pub(super) async fn missing(
        &self,
        way: &Way<'_>,
        user: &str,
        privileges: &[(&str, &'static str)],
    ) -> Result<(Vec<&'static str>, Duration), Box<Tried>> {
        let (mut missing, mut spent) = (Vec::new(), Duration::ZERO);
        for (privilege, words) in privileges {
            let path = format!(
                "{}/systemusers({user})/Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeName(PrivilegeName='{privilege}')",
                self.shape.root
            );
            let (is_held, answer) = self.ask(way, Call::get(path), has_privilege).await?;
            spent += took(&answer);
            if !is_held {
                missing.push(*words);
            }
        }
        Ok((missing, spent))
    }

    pub(super) async fn columns(&self, way: &Way<'_>) -> Result<Columns, Box<Tried>> {
        let mut columns = Columns::default();
        for call in Columns::calls(&self.shape.root) {
            self.ask(way, call, |body| columns.read(body)).await?;
        }
        Ok(columns)
    }

    fn fields(&self, columns: &Columns) -> Step {
        let title = "Columns of the mapping";
        let failed = |message: String, cause: &str, fix: &str| {
            Step::passed("fields", title, message).but(Verdict::Failed, cause, fix)
        };
        let unknown = columns.unknown(self.map.targets());
        if !unknown.is_empty() {
            let message = format!("these do not exist there: {}", unknown.join(", "));
            return failed(
                message,
                "field_unknown",
                "leave them out of the mapping, or make the columns in Dynamics",
            );
        }
        let locked = columns.locked(self.map.targets());
        if !locked.is_empty() {
            let message = format!("these cannot be written: {}", locked.join(", "));
            return failed(message, "field_not_writable", "leave them out of the mapping");
        }
        Step::passed("fields", title, format!("all {} can be written", self.map.targets().count()))
    }

    pub(super) async fn key_step(&self, way: &Way<'_>, column: &str, columns: &Columns) -> Step {
        let title = format!("Alternate key of {column}");
        let failed = |message: &str, cause: &str, fix: &str| {
            Step::passed("key", title.clone(), message).but(Verdict::Failed, cause, fix)
        };
        if !columns.has(column) {
            let fix =
                "have `destination prepare` make it, or make a text column of 100 characters and a key of it";
            return failed("there is no such column on leads", "key_column_missing", fix);
        }
        if columns.longest(column).is_some_and(|it| it < KEY_LENGTH) {
            return failed(
                "the column is too short for Leadwire's lead id",
                "key_column_short",
                "make it 100 characters long",
            );
        }
        let known = reply::entry("key_unknown");
        match self.ask(way, metadata::keys(&self.shape.root), |it| metadata::read_keys(it, column)).await {
            Err(tried) => Step::of_attempt("key", title, &tried),
            Ok((KeyState::Active, answer)) => Step::passed("key", title, "it is active").took(took(&answer)),
            Ok((KeyState::Missing, _)) => {
                failed("there is no key of that column alone", known.cause, known.fix)
            }
            Ok((KeyState::Building, _)) => {
                failed("its index is being built", "key_building", "wait a few minutes, then validate again")
            }
            Ok((KeyState::Failed, _)) => failed(
                "its index could not be built",
                "key_failed",
                "look in Dynamics for leads that share a value, then reactivate the key",
            ),
        }
    }

    pub(super) async fn read_test_lead(
        &self,
        payload: &Payload,
        receipt: &Receipt,
        moment: Moment,
        egress: &Egress,
    ) -> Option<Step> {
        let Receipt::Confirmed { record } = receipt else { return None };
        let title = "Read the test lead back";
        let held = match self.sign_in.get(moment.now, egress, &mut 0).await {
            Ok(held) => held,
            Err(tried) => return Some(Step::of_attempt("read_back", title, &tried)),
        };
        let way = Way { held: &held, moment, egress };
        let call = Call::get(format!("{}?$select=leadid", self.shape.address(&self.key(payload))));
        Some(match self.ask(&way, call, lead_id).await {
            Ok((id, answer)) if id.eq_ignore_ascii_case(record) => {
                Step::passed("read_back", title, "it is there under its Leadwire id").took(took(&answer))
            }
            Ok((_, answer)) => {
                let fix = "look in Dynamics which of the two is meant";
                Step::passed("read_back", title, "another lead has its Leadwire id").took(took(&answer)).but(
                    Verdict::Failed,
                    "record_of_another",
                    fix,
                )
            }
            Err(tried) => Step::of_attempt("read_back", title, &tried),
        })
    }

    /// Deletes a test lead by what only Leadwire's own lead is known by.
    pub(super) async fn delete_test_lead(
        &self,
        payload: &Payload,
        receipt: &Receipt,
        moment: Moment,
        egress: &Egress,
    ) -> Option<Step> {
        let Receipt::Confirmed { .. } = receipt else { return None };
        let title = "Take the test lead away";
        let held = match self.sign_in.get(moment.now, egress, &mut 0).await {
            Ok(held) => held,
            Err(tried) => return Some(Step::of_attempt("clean_up", title, &tried)),
        };
        let way = Way { held: &held, moment, egress };
        let call = Call {
            method: Method::DELETE,
            headers: Vec::new(),
            ..Call::get(self.shape.address(&self.key(payload)))
        };
        Some(match self.ask(&way, call, |_| Some(())).await {
            Ok(((), answer)) => Step::passed("clean_up", title, "it was deleted").took(took(&answer)),
            Err(tried) => {
                let fix = "delete the test lead by hand, or let the application user delete leads";
                let step = Step::of_attempt("clean_up", title, &tried);
                step.but(Verdict::Warned, &tried.evidence.cause, fix)
            }
        })
    }
}

fn user_id(body: &[u8]) -> Option<String> {
    guid_of(body, "UserId")
}

fn lead_id(body: &[u8]) -> Option<String> {
    guid_of(body, "leadid")
}

fn guid_of(body: &[u8], name: &str) -> Option<String> {
    let json: Value = serde_json::from_slice(body).ok()?;
    json.get(name)?.as_str().filter(|it| reply::is_guid(it)).map(str::to_owned)
}

/// A privilege nobody has answers with an empty list, and so does one that does not exist.
fn has_privilege(body: &[u8]) -> Option<bool> {
    let json: Value = serde_json::from_slice(body).ok()?;
    Some(!json.get("RolePrivileges")?.as_array()?.is_empty())
}

pub(super) fn took(answer: &Answer) -> Duration {
    Duration::from_micros(answer.timings.total_us.unwrap_or(0).into())
}
