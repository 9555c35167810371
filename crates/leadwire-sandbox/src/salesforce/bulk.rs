//! Ingest jobs of Bulk API 2.0 in the simulated org: states, limits, rows that fail alone, and the three files of results.
//!
//! Shapes follow the Bulk API 2.0 Developer Guide and what public clients recorded. Stricter where that is silent: one upload for
//! each job, no upload and no closing but while it is open, only the operation `insert` of leads, and an unknown column fails the
//! job as a whole.

use super::org::{Manner, id};
use super::rest::{not_allowed, not_found, object};
use super::schema::Kind;
use super::{Assign, Problem, Salesforce};
use crate::service::{Call, Reply};
use http::Method;
use serde_json::{Map, Number, Value, json};

/// The active assignment rule.
pub(super) const RULE: &str = "01Q5e000000AAAAEA4";
/// Largest file, in bytes.
const FILE_BYTES_MAX: usize = 150_000_000;
/// Most characters of a field.
const FIELD_CHARS_MAX: usize = 32_000;
/// What clears a field.
const NOTHING: &str = "#N/A";

/// What becomes of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobFate {
    /// They are worked off, each row by itself.
    Complete,
    /// They fail once this many rows were worked off.
    FailAfter(usize),
    /// They are never begun.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    UploadComplete,
    InProgress,
    JobComplete,
    Failed,
    Aborted,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }
}

/// One job.
pub(super) struct Job {
    id: String,
    state: State,
    assigns: bool,
    created_at: i64,
    closed_at: i64,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    is_uploaded: bool,
    /// Row, id.
    written: Vec<(usize, String)>,
    /// Row, error.
    failed: Vec<(usize, String)>,
    untouched_from: usize,
    error: String,
}

impl Salesforce {
    /// The ingest jobs that were made: state, and rows.
    pub fn ingest_jobs(&self) -> Vec<(&'static str, usize)> {
        self.jobs.iter().map(|it| (it.state.name(), it.rows.len())).collect()
    }

    pub(super) fn ingest(&mut self, call: &Call, rest: &[&str], now: i64) -> Reply {
        self.work_off(now);
        match (call.method.as_str(), rest) {
            ("POST", []) => self.create_job(call, now),
            ("GET", []) => {
                let all: Vec<Value> = self.jobs.iter().map(Self::info).collect();
                Reply::json(200, &json!({ "done": true, "records": all, "nextRecordsUrl": null }))
            }
            (_, []) => not_allowed(call),
            (method, [job, rest @ ..]) => {
                let Some(at) = self.jobs.iter().position(|it| it.id == *job) else { return not_found() };
                match (method, rest) {
                    ("GET", []) => Reply::json(200, &Self::info(&self.jobs[at])),
                    ("PATCH", []) => self.change_job(call, at, now),
                    ("DELETE", []) if self.jobs[at].state >= State::JobComplete => {
                        self.jobs.remove(at);
                        Reply::empty(204)
                    }
                    ("PUT", ["batches"]) => self.upload(call, at),
                    ("GET", ["successfulResults"]) => self.successful(at),
                    ("GET", ["failedResults"]) => self.failed_rows(at),
                    // So in the guide; clients spell it with a capital too.
                    ("GET", ["unprocessedrecords" | "unprocessedRecords"]) => self.unprocessed(at),
                    _ if call.method == Method::GET => not_found(),
                    _ => not_allowed(call),
                }
            }
        }
    }

    fn create_job(&mut self, call: &Call, now: i64) -> Reply {
        let body = match object(call) {
            Ok(body) => body,
            Err(reply) => return *reply,
        };
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let refuse = |code, message: &str| Problem::new(code, message).reply(400);
        const KNOWN: &[&str] = &[
            "object",
            "operation",
            "contentType",
            "lineEnding",
            "columnDelimiter",
            "assignmentRuleId",
            "externalIdFieldName",
        ];
        if let Some(unknown) = body.keys().find(|it| !KNOWN.contains(&it.as_str())) {
            return refuse("JSON_PARSER_ERROR", &format!("Unrecognized field \"{unknown}\""));
        }
        if text("object") != Some("Lead") {
            return refuse("INVALIDENTITY", "Entity is not supported by this simulated org.");
        }
        if text("operation") != Some("insert") || text("externalIdFieldName").is_some() {
            return refuse("INVALIDJOB", "this simulated org takes the operation insert only");
        }
        let is = |name: &str, only: &str| text(name).is_none_or(|it| it == only);
        if !is("contentType", "CSV") || !is("lineEnding", "LF") || !is("columnDelimiter", "COMMA") {
            return refuse("INVALIDJOB", "this simulated org takes CSV with commas and LF only");
        }
        let rule = text("assignmentRuleId");
        if rule.is_some_and(|it| it != RULE || !self.options.has_assignment_rule) {
            return refuse("INVALID_ASSIGNMENT_RULE", "assignment rule not found");
        }
        if self.job_records(now) >= self.options.daily_job_records {
            return refuse("EXCEEDEDQUOTA", "ApiBatchItems Limit exceeded.");
        }
        let job = Job {
            id: id("750", self.jobs_made + 1),
            state: State::Open,
            assigns: rule.is_some(),
            created_at: now,
            closed_at: 0,
            header: Vec::new(),
            rows: Vec::new(),
            is_uploaded: false,
            written: Vec::new(),
            failed: Vec::new(),
            untouched_from: 0,
            error: String::new(),
        };
        self.jobs_made += 1;
        let reply = Reply::json(200, &Self::info(&job));
        self.jobs.push(job);
        reply
    }

    /// Rows of jobs in the last 24 hours.
    fn job_records(&self, now: i64) -> usize {
        self.jobs.iter().filter(|it| it.created_at > now - 86_400_000).map(|it| it.rows.len()).sum()
    }

    fn upload(&mut self, call: &Call, at: usize) -> Reply {
        let job = &mut self.jobs[at];
        let refuse = |code, message: &str| Problem::new(code, message).reply(400);
        if job.state != State::Open || job.is_uploaded {
            return refuse("INVALIDJOBSTATE", "Data has been uploaded, or the job is not open.");
        }
        if call.media_type() != "text/csv" {
            return Problem::new("UNSUPPORTED_MEDIA_TYPE", "Content-Type must be text/csv").reply(415);
        }
        if call.body.len() > FILE_BYTES_MAX {
            return Problem::new("EXCEEDEDQUOTA", "The file is larger than 150 MB").reply(413);
        }
        job.is_uploaded = true;
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(&call.body[..]);
        job.header = reader.headers().map(|it| it.iter().map(str::to_owned).collect()).unwrap_or_default();
        for record in reader.records() {
            match record {
                Ok(record) => job.rows.push(record.iter().map(str::to_owned).collect()),
                Err(_) => job.error = "InvalidBatch : Failed to parse CSV".to_owned(),
            }
        }
        Reply::empty(201)
    }

    fn change_job(&mut self, call: &Call, at: usize, now: i64) -> Reply {
        let body = match object(call) {
            Ok(body) => body,
            Err(reply) => return *reply,
        };
        let wish = body.get("state").and_then(Value::as_str).unwrap_or_default();
        let job = &mut self.jobs[at];
        match (wish, job.state) {
            ("UploadComplete", State::Open) if job.is_uploaded => {
                (job.state, job.closed_at) = (State::UploadComplete, now);
            }
            ("Aborted", State::Open | State::UploadComplete | State::InProgress) => {
                job.state = State::Aborted
            }
            _ => {
                let message = format!("Job cannot become {wish} from {}", job.state.name());
                return Problem::new("INVALIDJOBSTATE", message).reply(400);
            }
        }
        self.work_off(now);
        Reply::json(200, &Self::info(&self.jobs[at]))
    }

    fn info(job: &Job) -> Value {
        let mut info = json!({
            "id": job.id, "operation": "insert", "object": "Lead", "createdById": super::USER,
            "createdDate": super::query::moment(job.created_at), "systemModstamp": super::query::moment(job.created_at),
            "state": job.state.name(), "concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": 62.0,
            "lineEnding": "LF", "columnDelimiter": "COMMA", "jobType": "V2Ingest",
        });
        if job.state == State::Open {
            info["contentUrl"] = json!(format!("services/data/v62.0/jobs/ingest/{}/batches", job.id));
        } else {
            info["numberRecordsProcessed"] = json!(job.written.len() + job.failed.len());
            info["numberRecordsFailed"] = json!(job.failed.len());
            info["retries"] = json!(0);
            info["totalProcessingTime"] = json!(job.rows.len());
        }
        if job.state == State::Failed {
            info["errorMessage"] = json!(job.error);
        }
        info
    }

    /// Moves jobs on as time passes: nobody sees it but those who ask.
    fn work_off(&mut self, now: i64) {
        for at in 0..self.jobs.len() {
            let job = &self.jobs[at];
            let is_closed = matches!(job.state, State::UploadComplete | State::InProgress);
            if !is_closed || self.options.job_fate == JobFate::Never {
                continue;
            }
            let passed = now - job.closed_at;
            if passed >= self.options.job_millis {
                self.work(at, now);
            } else if passed * 2 >= self.options.job_millis {
                self.jobs[at].state = State::InProgress;
            }
        }
    }

    fn work(&mut self, at: usize, now: i64) {
        let job = &mut self.jobs[at];
        let (header, rows) = (job.header.clone(), job.rows.clone());
        let unknown = header.iter().find(|it| self.schema.get(it).is_none());
        if let Some(name) = unknown {
            job.error = format!("InvalidBatch : Field name not found : {name}");
        }
        if !job.error.is_empty() {
            job.state = State::Failed;
            return;
        }
        let assign = if job.assigns { Assign::Rule } else { Assign::Keep };
        let manner = Manner { assign, allow_save: false, now };
        let end = match self.options.job_fate {
            JobFate::FailAfter(rows) => rows,
            JobFate::Complete | JobFate::Never => rows.len(),
        };
        for (place, row) in rows.iter().enumerate().take(end) {
            let said = match self.record_of(&header, row) {
                Ok(values) => self.leads.create(&values, &self.schema, self.options.duplicate_rule, &manner),
                Err(problem) => Err(problem),
            };
            let job = &mut self.jobs[at];
            job.untouched_from = place + 1;
            match said {
                Ok(id) => job.written.push((place, id)),
                Err(problem) => {
                    let fields = problem.fields.join(",");
                    job.failed.push((place, format!("{}:{}:{fields} --", problem.code, problem.message)));
                }
            }
        }
        let job = &mut self.jobs[at];
        job.state = if end < rows.len() { State::Failed } else { State::JobComplete };
        if job.state == State::Failed {
            job.error = "InternalServerError : the job was retried too often".to_owned();
        }
    }

    /// A row as a record: an empty cell is no value, and text becomes what its field takes.
    fn record_of(&self, header: &[String], row: &[String]) -> Result<Map<String, Value>, Problem> {
        if header.len() != row.len() {
            return Err(Problem::new(
                "INVALID_FIELD",
                "The row has another number of columns than the header",
            ));
        }
        let mut values = Map::new();
        for (name, text) in header.iter().zip(row).filter(|it| !it.1.is_empty()) {
            let field = self.schema.get(name).expect("columns were checked");
            if text.chars().count() > FIELD_CHARS_MAX {
                return Err(
                    Problem::new("STRING_TOO_LONG", format!("{name}: data value too large")).of_field(name)
                );
            }
            let value = match (field.kind, text.as_str()) {
                (_, NOTHING) => Value::Null,
                (Kind::Boolean, "true" | "TRUE" | "1") => json!(true),
                (Kind::Boolean, "false" | "FALSE" | "0") => json!(false),
                (Kind::Number, text) => text.parse::<Number>().map_or_else(|_| json!(text), Value::Number),
                (_, text) => json!(text),
            };
            values.insert(name.clone(), value);
        }
        Ok(values)
    }

    fn successful(&self, at: usize) -> Reply {
        let job = &self.jobs[at];
        let rows = job.written.iter().map(|(row, id)| (vec![id.as_str(), "true"], *row));
        file(job, &["sf__Id", "sf__Created"], rows)
    }

    fn failed_rows(&self, at: usize) -> Reply {
        let job = &self.jobs[at];
        let rows = job.failed.iter().map(|(row, error)| (vec!["", error.as_str()], *row));
        file(job, &["sf__Id", "sf__Error"], rows)
    }

    fn unprocessed(&self, at: usize) -> Reply {
        let job = &self.jobs[at];
        file(job, &[], (job.untouched_from..job.rows.len()).map(|row| (Vec::new(), row)))
    }
}

impl PartialOrd for State {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        (*self as u8).partial_cmp(&(*other as u8))
    }
}

fn file<'a>(job: &Job, more: &[&str], rows: impl Iterator<Item = (Vec<&'a str>, usize)>) -> Reply {
    if job.state < State::JobComplete {
        return Problem::new("INVALIDJOBSTATE", "The job is not over").reply(400);
    }
    let style = csv::QuoteStyle::Always;
    let mut writer = csv::WriterBuilder::new()
        .quote_style(style)
        .terminator(csv::Terminator::Any(b'\n'))
        .flexible(true)
        .from_writer(Vec::new());
    let infallible = "writing to memory does not fail";
    writer.write_record(more.iter().copied().chain(job.header.iter().map(String::as_str))).expect(infallible);
    for (first, row) in rows {
        writer
            .write_record(first.into_iter().chain(job.rows[row].iter().map(String::as_str)))
            .expect(infallible);
    }
    Reply::text(200, "text/csv", writer.into_inner().expect(infallible))
}

#[cfg(test)]
#[path = "bulk_tests.rs"]
mod tests;
