//! A backlog as one bulk import: a file of new people, asked after until it is imported, and its failed rows.
//!
//! Adobe, "Bulk Lead Import"; facts and doubts: `docs/bulk-jobs.md`. An import updates whoever is there, in all its fields. So it is
//! only for people who cannot be: those who are known by a field of Leadwire's own.

use super::Marketo;
use super::envelope::{self, About, not_written};
use super::fields::CONSENT_FIELDS;
use super::session::Call;
use crate::bulk::{self, Bulk, Looked, Results, Sent};
use crate::egress::{Answer, Egress, Request};
use crate::{Moment, Payload, record_id};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, HeaderValue};
use leadwire_core::lane::goes_by_batches;
use leadwire_core::limits::{BULK_ANSWER_BYTES_MAX, REQUEST_WAIT_MAX};
use leadwire_core::mapping::{MappedField, Value};
use leadwire_core::outcome::{Evidence, Outcome, Receipt, Tried};
use serde_json::Value as Json;
use std::collections::HashMap;
use url::form_urlencoded::Serializer;

/// What a failed row says besides what was sent.
const REASON: &str = "Import Failure Reason";

impl Marketo {
    /// The import's record of a delivery. None: it does not go that way.
    fn job_record(&self, payload: &Payload) -> Option<(String, Vec<MappedField>)> {
        let is_lead = payload.message.is_none() && !payload.erases() && !payload.do_not_contact();
        if !payload.is_first() || !is_lead {
            return None;
        }
        let (key, mapped) = self.record(payload).ok()?;
        let mut fields = mapped.fields;
        let undoes =
            |it: &MappedField| CONSENT_FIELDS.contains(&it.target.as_str()) && it.value == Value::Bool(false);
        fields.retain(|it| it.target != self.shape.lookup && !undoes(it));
        // UNCONFIRMED what this word does; batches write it as it is.
        let is_nothing = |it: &MappedField| it.value.as_text().eq_ignore_ascii_case("null");
        (!fields.iter().any(is_nothing)).then_some((key, fields))
    }

    /// The request of an import. The boundary has the id of a lead that is not known anywhere yet, so nobody
    /// can have written it into what they sent.
    pub(super) fn import_request(&self, batch: &[Payload], token: &HeaderValue) -> Request {
        let records: Vec<_> = batch.iter().filter_map(|it| self.job_record(it)).collect();
        let first = batch.first().map(record_id::text).unwrap_or_default();
        let boundary = format!("----leadwire-{first}");
        let mut query = Serializer::new(String::new());
        query.append_pair("format", "csv").append_pair("lookupField", &self.shape.lookup);
        if let Some(partition) = &self.shape.partition {
            query.append_pair("partitionName", partition);
        }
        let call = Call::post(&format!("bulk/v1/leads.json?{}", query.finish()), String::new());
        let mut request = self.session.request(&call, token);
        let media = format!("multipart/form-data; boundary={boundary}");
        let media = HeaderValue::try_from(media).expect("letters, digits and dashes");
        request.headers.insert(CONTENT_TYPE, media);
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"leads.csv\"\r\nContent-Type: text/csv\r\n\r\n"
        )
        .into_bytes();
        body.extend(bulk::file(&self.shape.lookup, &records));
        body.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
        request.body = Bytes::from(body);
        request.wait = REQUEST_WAIT_MAX;
        request
    }

    async fn send_import(&self, batch: &[Payload], moment: Moment, egress: &Egress) -> Sent {
        let held = match self.session.token(moment.now, egress, &mut 0).await {
            Ok(held) => held,
            Err(tried) => return Sent::Refused(tried),
        };
        let sent = egress.send(self.import_request(batch, &held.header)).await;
        let said = match sent {
            Ok(answer) => {
                let about = About { records: 1, known: &[], now: moment.now };
                envelope::results(&answer, &about).and_then(|it| import(&answer, &it))
            }
            Err(error) => Err(Box::new(error.tried())),
        };
        match said {
            Ok(import) => Sent::Taken(import.id),
            Err(tried) if tried.outcome == Outcome::Unknown => Sent::Unknown(without_answer(tried)),
            Err(tried) => Sent::Refused(without_answer(tried)),
        }
    }

    async fn look_at_import(
        &self,
        handle: &str,
        moment: Moment,
        egress: &Egress,
    ) -> Result<Looked, Box<Tried>> {
        let call = Call::get(format!("bulk/v1/leads/batch/{handle}.json"));
        let answer = self.session.send(&call, moment.now, egress, &mut 0).await?;
        let about = About { records: 1, known: &[], now: moment.now };
        let results = envelope::results(&answer, &about).map_err(|it| Box::new(not_written(*it)))?;
        let import = import(&answer, &results)?;
        match &*import.status {
            "Complete" => {}
            // UNCONFIRMED whether rows were imported before: batches make who is not there, and no one twice.
            "Failed" => {
                let message = "Marketo says the bulk import failed, and not what it wrote";
                return Ok(Looked::Ended(Results::unknown("job_failed", message)));
            }
            _ => return Ok(Looked::Running),
        }
        let mut rows = HashMap::new();
        if import.failed > 0 {
            let held = self.session.token(moment.now, egress, &mut 0).await?;
            let call = Call::get(format!("bulk/v1/leads/batch/{handle}/failures.json"));
            let mut request = self.session.request(&call, &held.header);
            request.answer_bytes_max = BULK_ANSWER_BYTES_MAX;
            request.wait = REQUEST_WAIT_MAX;
            let file = egress.send(request).await.map_err(|it| Box::new(it.tried()))?;
            let unreadable = || without_answer(Box::new(envelope::unreadable(&file)));
            let is_whole = file.status.is_success() && !file.is_truncated;
            let read = bulk::rows(&file.body, &[&self.shape.lookup, REASON]).filter(|_| is_whole);
            for row in read.ok_or_else(unreadable)? {
                rows.insert(row[0].to_lowercase(), failed(&file));
            }
        }
        Ok(Looked::Ended(Results { rows, others: Box::new(imported(&answer)) }))
    }
}

/// An import, as far as it matters.
struct Import {
    id: String,
    status: String,
    failed: u64,
}

fn import(answer: &Answer, results: &[Json]) -> Result<Import, Box<Tried>> {
    let read = || {
        let entry = results.first()?;
        let id = entry.get("batchId")?;
        let id = id.as_u64().map(|it| it.to_string()).or_else(|| id.as_str().map(str::to_owned))?;
        let failed = entry.get("numOfRowsFailed").and_then(Json::as_u64).unwrap_or(0);
        let status = entry.get("status")?.as_str()?.to_owned();
        bulk::is_handle(&id).then_some(Import { id, status, failed })
    };
    read().ok_or_else(|| without_answer(Box::new(envelope::unreadable(answer))))
}

/// What was sent is not at hand to be taken out of it.
fn without_answer(mut tried: Box<Tried>) -> Box<Tried> {
    tried.evidence.answer.clear();
    tried
}

fn about(answer: &Answer, cause: &str, message: &str) -> Evidence {
    Evidence {
        cause: cause.to_owned(),
        message: message.to_owned(),
        http_status: Some(answer.status.as_u16()),
        peer: Some(answer.peer),
        timings: answer.timings,
        ..Evidence::default()
    }
}

/// Nothing tells the person's id: it would take a call for every three hundred.
fn imported(answer: &Answer) -> Tried {
    let message = "the person was imported by a bulk job, which names no id";
    Tried { outcome: Outcome::Done(Receipt::Accepted), evidence: about(answer, "", message) }
}

/// Its batch says precisely what is wrong with it.
fn failed(answer: &Answer) -> Tried {
    let evidence = about(answer, "row_failed", "Marketo could not import the row");
    goes_by_batches(Tried { outcome: Outcome::Unknown, evidence })
}

impl Bulk for Marketo {
    fn may_begin(&self) -> bool {
        self.bulk && self.shape.lookup != "email" && self.shape.program.is_none()
    }

    /// A token and the file.
    fn calls(&self) -> u32 {
        3
    }

    fn weigh(&self, payload: &Payload) -> Option<usize> {
        self.job_record(payload).map(|(key, fields)| bulk::weight(&key, &fields))
    }

    /// Marketo names an import only as it takes the file.
    fn open<'a>(&'a self, _: Moment, _: &'a Egress) -> BoxFuture<'a, Result<String, Box<Tried>>> {
        async { Ok(String::new()) }.boxed()
    }

    fn send<'a>(
        &'a self,
        _: &'a str,
        batch: &'a [Payload],
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Sent> {
        self.send_import(batch, moment, egress).boxed()
    }

    fn look<'a>(&'a self, handle: &'a str, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Looked> {
        async move { self.look_at_import(handle, moment, egress).await.unwrap_or_else(Looked::Failed) }
            .boxed()
    }
}

#[cfg(test)]
#[path = "bulk_tests.rs"]
mod tests;
