//! Looks whether rows can be written: sign-in, the table, the permission; and at the row a test wrote.

use super::AzureTable;
use super::deliver::Trip;
use super::entity::Keys;
use super::reply;
use super::request::Draft;
use crate::egress::{Answer, Egress};
use crate::validation::{Checked, Step, Verdict};
use crate::{Moment, Payload};
use leadwire_core::outcome::Tried;
use leadwire_core::rfc3339;
use serde_json::Value;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// The table, as a look found it.
enum Table {
    There,
    Missing,
    /// Nobody may tell: the signature may not read.
    Unseen,
}

impl AzureTable {
    pub(super) async fn look_over(&self, moment: Moment, egress: &Egress) -> Checked {
        let mut checked = Checked::default();
        let calls = AtomicU32::new(0);
        let title = match self.sign_in.entra() {
            Some(app) => format!("Sign in at {}", app.token_url().host_str().unwrap_or_default()),
            None => format!("Sign in at {}", self.place.endpoint.host_str().unwrap_or_default()),
        };
        let signed = match self.sign_in.signed(moment.now, egress, &calls).await {
            Ok(signed) => signed,
            Err(tried) => {
                checked.add(Step::of_attempt("sign_in", title, &tried));
                return checked;
            }
        };
        let trip = Trip { azure: self, signed, moment, egress, calls: &calls };
        let (table, took) = match self.table(&trip).await {
            Ok(found) => found,
            Err(tried) => {
                checked.add(Step::of_attempt("sign_in", title, &tried));
                return checked;
            }
        };
        let step = match (&table, self.sign_in.ends_at()) {
            (Table::Unseen, _) => {
                let message = "the signature may not read, so only the test lead shows whether it is good";
                let fix = "allow Read when you make the signature; repetitions then cost fewer calls";
                Step::passed("sign_in", title, message).but(Verdict::Warned, "not_seen", fix)
            }
            (_, Some(end)) => {
                Step::passed("sign_in", title, format!("signed in; it ends on {}", rfc3339::format(end)))
            }
            (_, None) => Step::passed("sign_in", title, "signed in"),
        };
        checked.add(step.took(took));
        checked.add(self.table_step(&trip, &table).await);
        if checked.is_passed() && !matches!(table, Table::Missing if !self.creates_table) {
            checked.add(self.permission(&trip).await);
        }
        checked
    }

    /// Looks at the table.
    async fn table(&self, trip: &Trip<'_>) -> Result<(Table, Duration), Box<Tried>> {
        if !self.sign_in.may_read() {
            return Ok((Table::Unseen, Duration::ZERO));
        }
        let answer = trip.call(self.place.first_row()).await;
        let answer = answer.map_err(|it| Box::new(reply::not_written(it.tried())))?;
        let is_missing = ["TableNotFound", "ResourceNotFound"].contains(&reply::code(&answer).as_str());
        match answer.status.as_u16() {
            200 => {
                reply::page(&answer, &trip.about(&[]))?;
                Ok((Table::There, took(&answer)))
            }
            404 if is_missing => Ok((Table::Missing, took(&answer))),
            201..=299 => Err(Box::new(reply::not_written(reply::unreadable(&answer)))),
            _ => Err(trip.explained(Box::new(reply::not_written(reply::refused(&answer, &trip.about(&[])))))),
        }
    }

    async fn table_step(&self, trip: &Trip<'_>, table: &Table) -> Step {
        let title = format!("The table {}", self.place.table);
        match table {
            Table::There => Step::passed("table", title, "it is there"),
            Table::Unseen => {
                let message = "it was not looked at, for the signature may not read";
                Step::passed("table", title, message).but(Verdict::Skipped, "not_seen", "")
            }
            Table::Missing if !self.creates_table => {
                let fix = "make the table, or let Leadwire create it (`create_table`)";
                Step::passed("table", title, "it does not exist").but(Verdict::Failed, "table_missing", fix)
            }
            Table::Missing => match trip.create_table().await {
                Ok(()) => Step::passed("table", title, "it was created"),
                Err(tried) => Step::of_attempt("table", title, &tried),
            },
        }
    }

    /// Whether rows may be written, without writing one: a merge into a row that cannot be there is refused for the row
    /// when it would be permitted, and for the permission otherwise.
    async fn permission(&self, trip: &Trip<'_>) -> Step {
        let title = "The right to write rows";
        if let Some(sas) = self.sign_in.sas() {
            let said = sas.permissions().unwrap_or("a stored access policy");
            if !sas.may('u') {
                let message = format!("the signature may add rows and not update them ({said})");
                let fix = "allow Update when you make it, so that `always` columns of a row that is there are written";
                return Step::passed("permission", title, message).but(
                    Verdict::Warned,
                    "sas_without_update",
                    fix,
                );
            }
        }
        let answer = match trip.call(self.place.probe()).await {
            Ok(answer) => answer,
            Err(error) => {
                return Step::of_attempt("permission", title, &reply::not_written(error.tried()));
            }
        };
        if answer.status.as_u16() == 404 {
            return Step::passed("permission", title, "rows may be written").took(took(&answer));
        }
        let tried = reply::not_written(reply::refused(&answer, &trip.about(&[])));
        Step::of_attempt("permission", title, &trip.explained(Box::new(tried)))
    }

    /// Makes the table, if it is not there.
    pub(super) async fn make_ready(&self, moment: Moment, egress: &Egress) -> Vec<Step> {
        let title = format!("The table {}", self.place.table);
        let calls = AtomicU32::new(0);
        let signed = match self.sign_in.signed(moment.now, egress, &calls).await {
            Ok(signed) => signed,
            Err(tried) => return vec![Step::of_attempt("sign_in", "Sign in", &tried)],
        };
        if let Some(sas) = self.sign_in.sas().filter(|it| !it.may_create()) {
            let said = sas.permissions().unwrap_or("a stored access policy");
            let message = format!("the signature may not create tables ({said})");
            let fix = "make the table by hand, or a signature with the resource type Container and the permission Create";
            return vec![Step::passed("table", title, message).but(Verdict::Warned, "access_missing", fix)];
        }
        let trip = Trip { azure: self, signed, moment, egress, calls: &calls };
        vec![match trip.create_table().await {
            Ok(()) => Step::passed("table", title, "it is there"),
            Err(tried) => Step::of_attempt("table", title, &tried),
        }]
    }

    /// Reads the row of a test lead back, and holds it to its keys.
    pub(super) async fn read_test_lead(&self, payload: &Payload, moment: Moment, egress: &Egress) -> Step {
        let title = "Read the test lead back";
        let keys = Keys::of(payload, self.partition);
        match self.ask(self.place.read(&keys), moment, egress).await {
            Ok(answer) => {
                let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
                let is_it =
                    json.is_some_and(|it| it.get("RowKey").and_then(Value::as_str) == Some(&keys.row));
                let step = Step::passed("read_back", title, format!("the row is there: {}", keys.record()));
                if is_it {
                    step.took(took(&answer))
                } else {
                    Step::of_attempt("read_back", title, &reply::not_written(reply::unreadable(&answer)))
                }
            }
            Err(tried) => self.unless_not_permitted("read_back", title, 'r', &tried),
        }
    }

    /// Deletes the row of a test lead.
    pub(super) async fn delete_test_lead(&self, payload: &Payload, moment: Moment, egress: &Egress) -> Step {
        let title = "Take the test lead away";
        let keys = Keys::of(payload, self.partition);
        match self.ask(self.place.delete(&keys), moment, egress).await {
            Ok(answer) => Step::passed("clean_up", title, "the row is deleted").took(took(&answer)),
            Err(tried) => self.unless_not_permitted("clean_up", title, 'd', &tried),
        }
    }

    /// A signature that leaves this out on purpose is no failure: the lead has arrived.
    fn unless_not_permitted(&self, name: &'static str, title: &str, permission: char, tried: &Tried) -> Step {
        let step = Step::of_attempt(name, title, tried);
        if self.sign_in.sas().is_some_and(|it| !it.may(permission)) {
            let fix = "nothing; or see to the row by hand";
            return step.but(Verdict::Skipped, "access_missing", fix);
        }
        if name == "clean_up" {
            return step.but(
                Verdict::Warned,
                &tried.evidence.cause,
                "delete the row of the test lead by hand",
            );
        }
        step
    }

    async fn ask(&self, draft: Draft, moment: Moment, egress: &Egress) -> Result<Answer, Box<Tried>> {
        let calls = AtomicU32::new(0);
        let signed = self.sign_in.signed(moment.now, egress, &calls).await?;
        let trip = Trip { azure: self, signed, moment, egress, calls: &calls };
        let answer = trip.call(draft).await.map_err(|it| Box::new(reply::not_written(it.tried())))?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(trip.explained(Box::new(reply::not_written(reply::refused(&answer, &trip.about(&[]))))))
    }
}

fn took(answer: &Answer) -> Duration {
    Duration::from_micros(answer.timings.total_us.unwrap_or(0).into())
}
