//! A completed task on the lead for each touchpoint. Tasks have no key that every org has, so a repetition looks for its own first.
//!
//! Object Reference v62.0, Task: `WhoId` is a lead or contact, `Subject` takes 255 characters, `Description` 32,000 and cannot
//! be filtered by, `ActivityDate` can.

use super::Salesforce;
use super::check::took;
use super::deliver::Way;
use super::feedback::{PAGE, is_ours};
use super::names::is_id;
use super::reply::{self, Sent};
use super::request::{Call, RECORDS_MAX, Sort, quoted};
use crate::egress::Egress;
use crate::erase::Erasure;
use crate::touchpoint_notes::{self as notes, Told, Wanted, Which};
use crate::validation::{Step, Verdict};
use crate::{Moment, Payload, record_id};
use http::Method;
use http::header::{HeaderName, HeaderValue};
use leadwire_core::limits::{NOTES_LOOK_CALLS_MAX, NOTES_READ_AT_ONCE};
use leadwire_core::mapping::{Note, NoteLengths};
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use serde_json::{Value, json};

const LENGTHS: NoteLengths = NoteLengths { subject_max: 255, text_max: 32_000 };
/// What a task is made of.
const FIELDS: [&str; 5] = ["WhoId", "Subject", "Description", "Status", "ActivityDate"];
/// The status of what has happened, under the name that orgs are delivered with.
const COMPLETED: &str = "Completed";
/// Most bytes of an answer about tasks: 200 of the longest.
const TASKS_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Length of a date: `2026-11-20`.
const DATE_BYTES: usize = 10;
const FIX: &str = "give the integration user the permission Edit Tasks and access to the fields of tasks, by profile or permission set; or set `touchpoint_notes` to none";

impl Salesforce {
    /// Writes the notes of leads that were delivered, and says in each outcome what came of its note.
    pub(super) async fn write_notes(
        &self,
        batch: &[Payload],
        tried: &mut [Tried],
        (moment, egress): (Moment, &Egress),
        calls: &mut u32,
    ) {
        let wanted = notes::wanted(self.notes, LENGTHS, batch, tried);
        if wanted.is_empty() {
            return;
        }
        let told = match self.session.get(moment.now, egress, calls).await {
            Ok(held) => self.find_and_send(&wanted, tried, &Way { held: &held, moment, egress }, calls).await,
            Err(refused) => vec![Told::of(&reply::not_written(*refused)); wanted.len()],
        };
        for (wanted, told) in wanted.iter().zip(told) {
            notes::tell(&mut tried[wanted.place], wanted.payload, told);
        }
    }

    async fn find_and_send(
        &self,
        wanted: &[Wanted<'_>],
        tried: &[Tried],
        way: &Way<'_>,
        calls: &mut u32,
    ) -> Vec<Told> {
        let mut told: Vec<Option<Told>> =
            wanted.iter().map(|it| without_a_call(it, &tried[it.place])).collect();
        let repeated = |told: &[Option<Told>]| -> Vec<usize> {
            (0..wanted.len()).filter(|it| told[*it].is_none() && wanted[*it].may_be_there()).collect()
        };
        let mut looks = 0;
        self.find_own(wanted, repeated(&told), &mut told, (way, &mut looks)).await;
        *calls += looks;
        let missing: Vec<usize> = (0..wanted.len()).filter(|it| told[*it].is_none()).collect();
        for places in missing.chunks(RECORDS_MAX) {
            let chosen: Vec<&Wanted<'_>> = places.iter().map(|it| &wanted[*it]).collect();
            *calls += 1;
            for (place, one) in places.iter().zip(self.send_tasks(&chosen, way).await) {
                told[*place] = Some(refusal(&one));
            }
        }
        told.into_iter().map(|it| it.expect("each was refused, found or sent")).collect()
    }

    /// Looks whether an earlier attempt wrote some of the notes.
    async fn find_own(
        &self,
        wanted: &[Wanted<'_>],
        mut places: Vec<usize>,
        told: &mut [Option<Told>],
        (way, looks): (&Way<'_>, &mut u32),
    ) {
        places.sort_by_key(|it| &wanted[*it].record);
        let mut left: Vec<&[usize]> = places.chunks(RECORDS_MAX).rev().collect();
        while let Some(places) = left.pop() {
            let chosen: Vec<&Wanted<'_>> = places.iter().map(|it| &wanted[*it]).collect();
            let found = if *looks < NOTES_LOOK_CALLS_MAX {
                self.read_tasks(look_for(&chosen), way, looks).await
            } else {
                Err(Box::new(too_many(Fault::RetryAfter(None))))
            };
            // One lead with very many tasks is not to cost the others their notes.
            if is_too_many(&found)
                && let Some(at) = between_records(&chosen)
            {
                let (first, second) = places.split_at(at);
                left.extend([second, first]);
                continue;
            }
            for place in places {
                told[*place] = match &found {
                    // Without a look, a second note might be made.
                    Err(tried) => Some(refusal(tried)),
                    Ok(texts) => {
                        let mark = notes::mark(wanted[*place].payload);
                        texts.iter().any(|it| it.1.contains(&mark)).then_some(Told::Written)
                    }
                };
            }
        }
    }

    async fn send_tasks(&self, wanted: &[&Wanted<'_>], way: &Way<'_>) -> Vec<Tried> {
        let rows: Vec<Value> = wanted.iter().map(|it| row(&it.note, &it.record)).collect();
        let answer = match self.call(way, self.create_tasks(&rows)).await {
            Ok((answer, _)) => answer,
            Err(error) => return vec![error.tried(); wanted.len()],
        };
        let known: Vec<Vec<String>> = wanted.iter().map(|it| it.known()).collect();
        let known: Vec<Vec<&str>> = known.iter().map(|it| it.iter().map(String::as_str).collect()).collect();
        let sent: Vec<Sent<'_>> = known.iter().map(|known| Sent { sort: Sort::Whole, known }).collect();
        let verdicts = reply::read_batch(&answer, &sent, &self.about(way));
        verdicts.into_iter().map(reply::Verdict::into_tried).collect()
    }

    /// Makes tasks, each on its own.
    fn create_tasks(&self, rows: &[Value]) -> Call {
        let path = format!("{}/composite/sobjects", self.shape.root());
        Call::with(Method::POST, path, &json!({ "allOrNone": false, "records": rows }))
    }

    /// Id and text of the tasks that a query finds, page by page; it selects `Id` and `Description`.
    async fn read_tasks(
        &self,
        soql: String,
        way: &Way<'_>,
        calls: &mut u32,
    ) -> Result<Vec<(String, String)>, Box<Tried>> {
        let mut call = self.shape.query(&soql);
        let mut tasks = Vec::new();
        loop {
            let options = HeaderName::from_static("sforce-query-options");
            call.headers.insert(options, HeaderValue::from_static(PAGE));
            *calls += 1;
            let asked = self.call_within(way, call, TASKS_BYTES_MAX).await;
            let (answer, _) = asked.map_err(|it| reply::not_written(it.tried()))?;
            if !answer.status.is_success() {
                return Err(Box::new(reply::not_written(reply::read_refusal(
                    &answer,
                    &[],
                    &self.about(way),
                ))));
            }
            let unreadable = || Box::new(reply::not_written(reply::unreadable(&answer)));
            let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let rows = json.get("records").and_then(Value::as_array).ok_or_else(unreadable)?;
            let read = |it: &Value| {
                let text = it.get("Description").and_then(Value::as_str).unwrap_or_default();
                Some((it.get("Id")?.as_str()?.to_owned(), text.to_owned()))
            };
            tasks.extend(rows.iter().filter_map(read));
            if json.get("done").and_then(Value::as_bool) == Some(true) {
                return Ok(tasks);
            }
            if tasks.len() >= NOTES_READ_AT_ONCE {
                return Err(Box::new(too_many(Fault::Park)));
            }
            let next = json.get("nextRecordsUrl").and_then(Value::as_str);
            call = Call::get(next.filter(|it| is_ours(it, &self.shape)).ok_or_else(unreadable)?.to_owned());
        }
    }

    /// The calls that would write the notes if all leads are delivered.
    pub(super) fn previewed_notes(&self, batch: &[Payload]) -> Vec<Call> {
        let chosen = batch.iter().filter(|it| self.notes.wants(it) && self.map.apply(it).is_ok());
        let rows: Vec<Value> = chosen.map(|it| row(&notes::note(it, LENGTHS), "LEAD-ID")).collect();
        rows.chunks(RECORDS_MAX).map(|it| self.create_tasks(it)).collect()
    }

    /// Whether tasks may be written. That they may not is no failure: leads arrive without them.
    pub(super) async fn notes_permission(&self, way: &Way<'_>) -> Option<Step> {
        if self.notes == Which::None {
            return None;
        }
        let title = "The right to write tasks, for notes";
        let warned = |step: Step, cause: &str, fix: &str| Some(step.but(Verdict::Warned, cause, fix));
        let (answer, describe) = match self.describe_object("Task", way).await {
            Ok(found) => found,
            Err(tried) => {
                return warned(Step::of_attempt("notes", title, &tried), &tried.evidence.cause, FIX);
            }
        };
        let is_locked = |it: &&str| !describe.get(it).is_some_and(|it| it.is_createable);
        let locked: Vec<&str> = FIELDS.iter().copied().filter(is_locked).collect();
        let step = |message: String| Step::passed("notes", title, message).took(took(&answer));
        if !describe.is_createable || !locked.is_empty() {
            let what = if locked.is_empty() { "tasks".to_owned() } else { locked.join(", ") };
            return warned(step(format!("the integration user may not write {what}")), "access_missing", FIX);
        }
        if !describe.takes("Status", COMPLETED) {
            let fix = "add the status Completed to tasks in Setup, Object Manager, Task; or set `touchpoint_notes` to none";
            return warned(
                step("tasks do not have the status Completed".to_owned()),
                "value_not_in_list",
                fix,
            );
        }
        Some(step("the integration user may write tasks".to_owned()))
    }

    /// Deletes Leadwire's tasks on the records of an erased person. A lead takes its tasks along when it is deleted, a record
    /// that was only linked to stays; and a user who may not see tasks is no reason to keep the lead.
    pub(super) async fn erase_notes(&self, erasure: &Erasure<'_>, way: &Way<'_>) -> Result<bool, Box<Tried>> {
        let key = record_id::text(erasure.payload);
        let looked = self.call(way, self.shape.look_up([&*key].into_iter())).await;
        let (answer, _) = looked.map_err(|it| reply::not_written(it.tried()))?;
        let found = reply::read_look_up(&answer, &self.about(way))?;
        let mut records: Vec<&str> = erasure.records.iter().copied().filter(|it| is_id(it)).collect();
        records.extend(found.values().map(|it| &*it.id));
        records.sort_unstable();
        records.dedup();
        let mut are_gone = true;
        for records in records.chunks(RECORDS_MAX) {
            let ids: Vec<String> = records.iter().map(|it| quoted(it)).collect();
            let soql = format!("SELECT Id,Description FROM Task WHERE WhoId IN ({})", ids.join(","));
            let tasks = match self.read_tasks(soql, way, &mut 0).await {
                Ok(tasks) => tasks,
                Err(tried) if matches!(Told::of(&tried), Told::Open { .. }) => return Err(tried),
                Err(tried) if tried.evidence.cause == TOO_MANY => {
                    are_gone = false;
                    continue;
                }
                Err(_) => continue,
            };
            let ours = tasks.iter().filter(|it| notes::is_ours(&it.1)).map(|it| &*it.0);
            let ours: Vec<&str> = ours.filter(|it| is_id(it)).collect();
            for ours in ours.chunks(RECORDS_MAX) {
                are_gone &= self.delete_tasks(ours, way).await?;
            }
        }
        Ok(are_gone)
    }

    /// False: some were refused, each for itself, in an answer of success.
    async fn delete_tasks(&self, ids: &[&str], way: &Way<'_>) -> Result<bool, Box<Tried>> {
        let path = format!("{}/composite/sobjects?ids={}&allOrNone=false", self.shape.root(), ids.join(","));
        let sent = self.call(way, Call { method: Method::DELETE, ..Call::get(path) }).await;
        let (answer, _) = sent.map_err(|it| it.tried())?;
        if answer.status.is_success() {
            return each_deleted(&answer.body, ids.len());
        }
        let tried = reply::read_refusal(&answer, &[], &self.about(way));
        if matches!(Told::of(&tried), Told::Open { .. }) { Err(Box::new(tried)) } else { Ok(true) }
    }
}

/// Why tasks are not read.
const TOO_MANY: &str = "notes_too_many";

fn too_many(fault: Fault) -> Tried {
    let message = "the leads have more tasks of that day than are read at once".to_owned();
    let evidence = Evidence { cause: TOO_MANY.to_owned(), message, ..Evidence::default() };
    Tried { outcome: Outcome::NotDone(fault), evidence }
}

fn is_too_many<T>(found: &Result<T, Box<Tried>>) -> bool {
    let is_final = |it: &Tried| it.outcome == Outcome::NotDone(Fault::Park);
    matches!(found, Err(tried) if tried.evidence.cause == TOO_MANY && is_final(tried))
}

/// Where these, which are in the order of their records, can be parted between two records, about the middle.
fn between_records(wanted: &[&Wanted<'_>]) -> Option<usize> {
    let middle = wanted.len() / 2;
    let parts = |at: &usize| wanted[at - 1].record != wanted[*at].record;
    (1..=middle).rev().chain(middle + 1..wanted.len()).find(parts)
}

/// Reads whether each of the records asked for was deleted: an answer that says nothing of one does not say that it is gone. One that is in use by somebody else for a moment is tried again.
pub(super) fn each_deleted(body: &[u8], asked: usize) -> Result<bool, Box<Tried>> {
    let entries: Vec<Value> = serde_json::from_slice(body).unwrap_or_default();
    let codes = entries.iter().filter(|it| it.get("success") != Some(&Value::Bool(true)));
    let codes =
        codes.map(|it| it.pointer("/errors/0/statusCode").and_then(Value::as_str).unwrap_or_default());
    let codes: Vec<&str> = codes.filter(|it| *it != "ENTITY_IS_DELETED").collect();
    if codes.contains(&"UNABLE_TO_LOCK_ROW") {
        let message = "Salesforce was busy with the tasks".to_owned();
        let evidence = Evidence { message, ..Evidence::default() };
        return Err(Box::new(Tried { outcome: Outcome::NotDone(Fault::RetryAfter(None)), evidence }));
    }
    Ok(codes.is_empty() && entries.len() == asked)
}

/// What can be said of a note without a call.
fn without_a_call(wanted: &Wanted<'_>, tried: &Tried) -> Option<Told> {
    let refused = |why: &str| Some(Told::Refused { why: why.to_owned(), fix: String::new() });
    if tried.evidence.cause == "lead_converted" {
        return refused("a converted lead takes no tasks");
    }
    if !is_id(&wanted.record) {
        return refused("the record has no id that a task can name");
    }
    None
}

/// Tasks of these records of the days on which their customers acted.
fn look_for(wanted: &[&Wanted<'_>]) -> String {
    let unique = |mut all: Vec<String>| {
        all.sort_unstable();
        all.dedup();
        all.join(",")
    };
    let records = unique(wanted.iter().map(|it| quoted(&it.record)).collect());
    let days = unique(wanted.iter().map(|it| date(&it.note).to_owned()).collect());
    format!("SELECT Id,Description FROM Task WHERE WhoId IN ({records}) AND ActivityDate IN ({days})")
}

fn date(note: &Note) -> &str {
    note.at.get(..DATE_BYTES).unwrap_or(&note.at)
}

fn row(note: &Note, record: &str) -> Value {
    json!({
        "attributes": { "type": "Task" },
        "WhoId": record,
        "Subject": note.subject,
        "Description": note.text,
        "Status": COMPLETED,
        "ActivityDate": date(note),
    })
}

/// The catalogue speaks of leads.
fn refusal(tried: &Tried) -> Told {
    let refused = |why: &str, fix: &str| Told::Refused { why: why.to_owned(), fix: fix.to_owned() };
    match (&*tried.evidence.cause, Told::of(tried)) {
        ("access_missing" | "field_not_writable" | "field_unknown", Told::Refused { .. }) => {
            refused("the integration user may not write tasks", FIX)
        }
        // An error of the lead's that counts as delivered, and none of the task's.
        ("lead_converted", _) => refused("a converted lead takes no tasks", ""),
        ("id_unknown" | "record_deleted", Told::Refused { .. }) => {
            refused("the lead is not there any more, or the integration user cannot see it", "")
        }
        (_, told) => told,
    }
}
