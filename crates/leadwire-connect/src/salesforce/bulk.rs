//! A backlog as one ingest job of Bulk API 2.0: opened, filled, closed, asked after, and its three files of results read.
//!
//! Bulk API 2.0 Developer Guide: Create a Job, Upload Job Data, Close or Abort a Job, Get Job Info, Get Job Successful, Failed and
//! Unprocessed Record Results; facts and doubts: `docs/bulk-jobs.md`. Jobs insert, by a key that is unique: what is there
//! already is refused, row by row, and goes by batches, which keep what people edited.

use super::deliver::Way;
use super::reply;
use super::request::{Assignment, Call, quoted};
use super::usage::Reading;
use super::{Salesforce, bulk_reply};
use crate::bulk::{self, Bulk, Looked, Results, Sent};
use crate::egress::{Answer, Egress};
use crate::{Moment, Payload, record_id};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use leadwire_core::lane::goes_by_batches;
use leadwire_core::limits::{BULK_ANSWER_BYTES_MAX, REQUEST_WAIT_MAX};
use leadwire_core::mapping::MappedField;
use leadwire_core::outcome::{Outcome, Tried};
use serde_json::json;
use std::collections::HashMap;

/// What a value says that clears its field.
const NOTHING: &str = "#N/A";

impl Salesforce {
    /// The job's record of a delivery. None: it does not go by a job.
    fn job_record(&self, payload: &Payload) -> Option<(String, Vec<MappedField>)> {
        let is_lead = payload.message.is_none() && !payload.erases() && !payload.do_not_contact();
        if !payload.is_first() || !is_lead || self.notes.wants(payload) {
            return None;
        }
        let mut fields = self.map.apply(payload).ok()?.fields;
        let is_key =
            |it: &str| it.eq_ignore_ascii_case(&self.shape.key_field) || it.eq_ignore_ascii_case("id");
        fields.retain(|it| !is_key(&it.target));
        (!fields.iter().any(|it| it.value.as_text() == NOTHING)).then(|| (record_id::text(payload), fields))
    }

    fn jobs(&self) -> String {
        format!("{}/jobs/ingest", self.shape.root())
    }

    pub(super) fn job_call(&self, rule: Option<&str>) -> Call {
        let mut body =
            json!({ "object": "Lead", "operation": "insert", "contentType": "CSV", "lineEnding": "LF" });
        if let Some(rule) = rule {
            body["assignmentRuleId"] = json!(rule);
        }
        Call::with(Method::POST, self.jobs(), &body)
    }

    pub(super) fn upload_call(&self, handle: &str, batch: &[Payload]) -> Call {
        let records: Vec<_> = batch.iter().filter_map(|it| self.job_record(it)).collect();
        let mut call = Call::get(format!("{}/{handle}/batches", self.jobs()));
        call.method = Method::PUT;
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv"));
        call.body = bulk::file(&self.shape.key_field, &records);
        call
    }

    pub(super) fn state_call(&self, handle: &str, state: &str) -> Call {
        Call::with(Method::PATCH, format!("{}/{handle}", self.jobs()), &json!({ "state": state }))
    }

    /// The rule that new leads are assigned by: a job has to name it, where a batch says only that it is to run.
    async fn job_rule(&self, way: &Way<'_>) -> Result<Option<String>, Box<Tried>> {
        match &self.shape.assignment {
            Assignment::None => return Ok(None),
            Assignment::Rule(id) => return Ok(Some(id.clone())),
            Assignment::Active => {}
        }
        let soql =
            format!("SELECT Id FROM AssignmentRule WHERE SobjectType = {} AND Active = true", quoted("Lead"));
        let (answer, _) = self.call(way, self.shape.query(&soql)).await.map_err(|it| it.tried())?;
        if !answer.status.is_success() {
            return Err(Box::new(reply::read_refusal(&answer, &[], &self.about(way))));
        }
        bulk_reply::rule(&answer).ok_or_else(|| Box::new(reply::unreadable(&answer)))
    }

    async fn open_job(&self, moment: Moment, egress: &Egress) -> Result<String, Box<Tried>> {
        if let Reading::Held(usage) = self.gauge.reading(moment.now) {
            return Err(Box::new(self.gauge.hold(usage)));
        }
        let held = self.session.get(moment.now, egress, &mut 0).await?;
        let way = Way { held: &held, moment, egress };
        let rule = self.job_rule(&way).await?;
        let (answer, _) = self.call(&way, self.job_call(rule.as_deref())).await.map_err(|it| it.tried())?;
        if !answer.status.is_success() {
            return Err(Box::new(reply::read_refusal(&answer, &[], &self.about(&way))));
        }
        match bulk_reply::job(&answer) {
            Some(job) if job.state == "Open" => Ok(job.id),
            Some(_) | None => Err(Box::new(reply::unreadable(&answer))),
        }
    }

    /// Nothing is worked off before the job is closed; so only the end of that call can be in doubt.
    async fn send_job(&self, handle: &str, batch: &[Payload], moment: Moment, egress: &Egress) -> Sent {
        let held = match self.session.get(moment.now, egress, &mut 0).await {
            Ok(held) => held,
            Err(tried) => return Sent::Refused(tried),
        };
        let way = Way { held: &held, moment, egress };
        let mut request = self.request(&held.more.url, &held.header, self.upload_call(handle, batch));
        request.wait = REQUEST_WAIT_MAX;
        match egress.send(request).await {
            Ok(answer) if answer.status.is_success() => {}
            Ok(answer) => return Sent::Refused(Box::new(self.refused(&answer, &way))),
            Err(error) => return Sent::Refused(Box::new(error.tried())),
        }
        match self.call(&way, self.state_call(handle, "UploadComplete")).await {
            Ok((answer, _)) if answer.status.is_success() => Sent::Taken(handle.to_owned()),
            Ok((answer, _)) => Sent::Unknown(Box::new(self.refused(&answer, &way))),
            Err(error) => Sent::Unknown(Box::new(error.tried())),
        }
    }

    fn refused(&self, answer: &Answer, way: &Way<'_>) -> Tried {
        reply::read_refusal(answer, &[], &self.about(way))
    }

    async fn look_at_job(&self, handle: &str, moment: Moment, egress: &Egress) -> Result<Looked, Box<Tried>> {
        let held = self.session.get(moment.now, egress, &mut 0).await?;
        let way = Way { held: &held, moment, egress };
        let path = format!("{}/{handle}", self.jobs());
        let (answer, _) = self.call(&way, Call::get(path.clone())).await.map_err(|it| it.tried())?;
        if answer.status.as_u16() == 404 {
            let message = "Salesforce does not know the bulk job any more";
            return Ok(Looked::Ended(Results::unknown("job_gone", message)));
        }
        if !answer.status.is_success() {
            return Err(Box::new(self.refused(&answer, &way)));
        }
        let job = bulk_reply::job(&answer).ok_or_else(|| Box::new(reply::unreadable(&answer)))?;
        match &*job.state {
            "Open" => {
                // It was never closed. It must not be closed by a request that comes late, either.
                let (aborted, _) =
                    self.call(&way, self.state_call(handle, "Aborted")).await.map_err(|it| it.tried())?;
                if !aborted.status.is_success() {
                    return Err(Box::new(self.refused(&aborted, &way)));
                }
                let message = "the bulk job was not closed, so nothing of it was worked off";
                Ok(Looked::Ended(Results::refused(reply::done(&answer, None, "job_not_closed", message))))
            }
            "JobComplete" | "Failed" | "Aborted" => {
                self.results(&path, &job, &answer, &way).await.map(Looked::Ended)
            }
            _ => Ok(Looked::Running),
        }
    }

    /// What came of each row: of a job that failed or was stopped, too, what was written stays.
    async fn results(
        &self,
        path: &str,
        job: &bulk_reply::Job,
        answer: &Answer,
        way: &Way<'_>,
    ) -> Result<Results, Box<Tried>> {
        let key = &*self.shape.key_field;
        let mut rows = HashMap::new();
        let file = self.result_file(&format!("{path}/successfulResults/"), way).await?;
        let read = bulk_reply::written(&file, key).ok_or_else(|| Box::new(reply::unreadable(&file)))?;
        rows.extend(read);
        let is_whole = job.state == "JobComplete";
        if job.failed > 0 || !is_whole {
            let file = self.result_file(&format!("{path}/failedResults/"), way).await?;
            let read = bulk_reply::failed(&file, key).ok_or_else(|| Box::new(reply::unreadable(&file)))?;
            rows.extend(read);
        }
        let others = if is_whole {
            let message = "the bulk job is complete and says nothing of this lead";
            Tried { outcome: Outcome::Unknown, ..reply::done(answer, None, "unaccounted", message) }
        } else {
            let file = self.result_file(&format!("{path}/unprocessedrecords/"), way).await?;
            let keys = bulk::rows(&file.body, &[key]).ok_or_else(|| Box::new(reply::unreadable(&file)))?;
            let untouched = goes_by_batches(bulk_reply::ended_early(answer, job));
            rows.extend(keys.into_iter().flatten().map(|it| (it.to_lowercase(), untouched.clone())));
            Tried { outcome: Outcome::Unknown, ..bulk_reply::ended_early(answer, job) }
        };
        Ok(Results { rows, others: Box::new(others) })
    }

    async fn result_file(&self, path: &str, way: &Way<'_>) -> Result<Answer, Box<Tried>> {
        let mut call = Call::get(path.to_owned());
        call.headers.insert(http::header::ACCEPT, HeaderValue::from_static("text/csv"));
        let mut request = self.request(&way.held.more.url, &way.held.header, call);
        request.answer_bytes_max = BULK_ANSWER_BYTES_MAX;
        request.wait = REQUEST_WAIT_MAX;
        let answer = way.egress.send(request).await.map_err(|it| Box::new(it.tried()))?;
        if answer.status.is_success() && !answer.is_truncated {
            return Ok(answer);
        }
        // A job that worked off nothing has no such file yet.
        if answer.status.as_u16() == 204 {
            return Ok(Answer { body: Bytes::new(), ..answer });
        }
        Err(Box::new(self.refused(&answer, way)))
    }
}

impl Bulk for Salesforce {
    fn may_begin(&self) -> bool {
        self.bulk
    }

    /// A token, the look for the rule, and the job; or a token, the file and the closing.
    fn calls(&self) -> u32 {
        4
    }

    fn weigh(&self, payload: &Payload) -> Option<usize> {
        self.job_record(payload).map(|(key, fields)| bulk::weight(&key, &fields))
    }

    fn open<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Result<String, Box<Tried>>> {
        self.open_job(moment, egress).boxed()
    }

    fn send<'a>(
        &'a self,
        handle: &'a str,
        batch: &'a [Payload],
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Sent> {
        self.send_job(handle, batch, moment, egress).boxed()
    }

    fn look<'a>(&'a self, handle: &'a str, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Looked> {
        async move { self.look_at_job(handle, moment, egress).await.unwrap_or_else(Looked::Failed) }.boxed()
    }
}

#[cfg(test)]
#[path = "bulk_tests.rs"]
mod tests;
