//! A note (`annotation`) on the lead for each touchpoint, under an id of the touchpoint's own, so that none is there twice.
//!
//! learn.microsoft.com, `reference/entities/annotation`: columns and lengths. `objectid_lead` binds it to its lead.

use super::Dynamics;
use super::deliver::Way;
use super::reply::{self, Batch, Fate};
use super::request::{Act, Call, batch_len};
use crate::egress::{Answer, Egress};
use crate::preview::{Preview, PreviewedRequest};
use crate::touchpoint_notes::{self as notes, MARK, Told, Wanted, Which};
use crate::validation::{Step, Verdict};
use crate::{Moment, Payload, record_id};
use http::{HeaderValue, Method};
use leadwire_core::limits::NOTES_READ_MAX;
use leadwire_core::mapping::{Note, NoteLengths};
use leadwire_core::outcome::Tried;
use serde_json::{Value, json};

/// Columns `subject` and `notetext`.
const LENGTHS: NoteLengths = NoteLengths { subject_max: 500, text_max: 100_000 };
const PRIVILEGES: [(&str, &str); 4] = [
    ("prvCreateNote", "create notes"),
    ("prvReadNote", "read notes"),
    ("prvAppendNote", "append notes"),
    ("prvAppendToLead", "append to leads"),
];
const FIX: &str = "let the application user's security role create, read and append notes, and append to leads; or set `touchpoint_notes` to none";

impl Dynamics {
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
        let all = match self.sign_in.get(moment.now, egress, calls).await {
            Ok(held) => self.send_notes(&wanted, &Way { held: &held, moment, egress }, calls).await,
            Err(refused) => vec![Told::of(&reply::not_written(*refused)); wanted.len()],
        };
        for (wanted, told) in wanted.iter().zip(all) {
            notes::tell(&mut tried[wanted.place], wanted.payload, told);
        }
    }

    async fn send_notes(&self, wanted: &[Wanted<'_>], way: &Way<'_>, calls: &mut u32) -> Vec<Told> {
        let address = |it: &Wanted<'_>| format!("/leads({})", it.record);
        let all: Vec<Call> =
            wanted.iter().map(|it| self.note_call(it.payload, &it.note, &address(it))).collect();
        let mut told = Vec::with_capacity(all.len());
        let mut left = &all[..];
        while !left.is_empty() {
            let (now, later) = left.split_at(batch_len(left));
            left = later;
            *calls += 1;
            for answer in self.send_each(now, way).await {
                let known = wanted[told.len()].known();
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                told.push(match answer {
                    Ok(answer) => self.told(&answer, &known, way),
                    Err(tried) => Told::of(&tried),
                });
            }
        }
        told
    }

    /// The answers to requests that are sent as one.
    async fn send_each(&self, calls: &[Call], way: &Way<'_>) -> Vec<Result<Answer, Box<Tried>>> {
        let answer = match way.egress.send(self.batch_request(calls, way)).await {
            Err(error) => return vec![Err(Box::new(error.tried())); calls.len()],
            Ok(answer) => answer,
        };
        self.forget_refused(&answer, way).await;
        if calls.len() == 1 {
            return vec![Ok(answer)];
        }
        match reply::read_batch(&answer, calls.len(), &self.about(way)) {
            Batch::Each(answers) => answers,
            Batch::Refused(tried) => vec![Err(Box::new(tried)); calls.len()],
        }
    }

    fn told(&self, answer: &Answer, known: &[&str], way: &Way<'_>) -> Told {
        let refused = |why: &str, fix: &str| Told::Refused { why: why.to_owned(), fix: fix.to_owned() };
        match reply::read(answer, Act::Create, known, &self.about(way)) {
            // An earlier attempt wrote it.
            Fate::Written(_) | Fate::Open(_) => Told::Written,
            Fate::Closed(_) => refused("the lead takes no more notes there", ""),
            Fate::Missing => refused("the lead is not there any more", ""),
            Fate::Other(tried) => match (&*tried.evidence.cause, Told::of(&tried)) {
                ("privilege_missing" | "role_missing", Told::Refused { why, .. }) => refused(&why, FIX),
                ("lookup_missing", _) => refused("the lead is not there any more", ""),
                ("field_unknown" | "table_unknown", Told::Refused { why, .. }) => {
                    refused(&why, "enable notes for the table of leads, or set `touchpoint_notes` to none")
                }
                (_, told) => told,
            },
        }
    }

    fn note_call(&self, payload: &Payload, note: &Note, lead: &str) -> Call {
        let path = format!("{}/annotations({})", self.shape.root, record_id::note_guid(payload));
        let body = json!({
            "subject": note.subject,
            "notetext": without_tags(&note.text),
            "objectid_lead@odata.bind": lead,
        });
        let mut call = Call::with(Method::PATCH, path, &body);
        call.headers.push(("If-None-Match", "*".to_owned()));
        call
    }

    /// Shows the notes that would be written if all leads are delivered.
    pub(super) fn preview_notes(&self, batch: &[Payload], token: &HeaderValue, preview: &mut Preview) {
        let mapped = batch.iter().filter(|it| self.notes.wants(it) && self.map.apply(it).is_ok());
        let calls: Vec<Call> = mapped
            .map(|it| {
                let address = self.shape.address(&self.key(it));
                let lead = address.strip_prefix(&self.shape.root).unwrap_or(&address);
                self.note_call(it, &notes::note(it, LENGTHS), lead)
            })
            .collect();
        let mut left = &calls[..];
        while !left.is_empty() {
            let (now, later) = left.split_at(batch_len(left));
            preview.requests.push(PreviewedRequest::of(&self.request(self.shape.batch(now), token), false));
            left = later;
        }
    }

    /// Whether notes may be written. That they may not is no failure: leads arrive without them.
    pub(super) async fn notes_permission(&self, way: &Way<'_>, user: &str) -> Option<Step> {
        if self.notes == Which::None {
            return None;
        }
        let title = "The right to write notes";
        let (missing, spent) = match self.missing(way, user, &PRIVILEGES).await {
            Ok(found) => found,
            Err(tried) => {
                let step = Step::of_attempt("notes", title, &tried);
                return Some(step.but(Verdict::Warned, &tried.evidence.cause, FIX));
            }
        };
        if missing.is_empty() {
            let message = "the application user may write notes on leads";
            return Some(Step::passed("notes", title, message).took(spent));
        }
        let message = format!("the application user may not {}", missing.join(", nor "));
        Some(Step::passed("notes", title, message).took(spent).but(Verdict::Warned, "privilege_missing", FIX))
    }

    /// Deletes Leadwire's notes on a lead, and gives some that it may not delete. A deleted lead takes its notes along
    /// where the relationship is as it was delivered; an administrator may have changed that. What the calls do not
    /// suffice for is deleted in the next attempt.
    pub(super) async fn erase_notes(&self, lead: &str, way: &Way<'_>) -> Result<Vec<String>, Box<Tried>> {
        let query = format!(
            "_objectid_value%20eq%20{lead}%20and%20contains(notetext,'{}')",
            MARK.replace(' ', "%20").replace(':', "%3A")
        );
        let path = format!(
            "{}/annotations?$select=annotationid&$filter={query}&$top={NOTES_READ_MAX}",
            self.shape.root
        );
        let sent = way.egress.send(self.request(Call::get(path), &way.held.header)).await;
        let answer = sent.map_err(|it| Box::new(reply::not_written(it.tried())))?;
        self.forget_refused(&answer, way).await;
        let Some(found) = self.settled(answer, way)? else { return Ok(Vec::new()) };
        let json: Value = serde_json::from_slice(&found.body).unwrap_or_default();
        let ids = json.get("value").and_then(Value::as_array).into_iter().flatten();
        let ids = ids.filter_map(|it| it.get("annotationid")?.as_str()).filter(|it| reply::is_guid(it));
        let ids: Vec<String> = ids.map(str::to_owned).collect();
        self.about_each(ids, Method::DELETE, Found::Refused, way).await
    }

    /// Which of these notes are there.
    pub(super) async fn left(&self, ids: Vec<String>, way: &Way<'_>) -> Result<Vec<String>, Box<Tried>> {
        self.about_each(ids, Method::GET, Found::There, way).await
    }

    /// Asks for each note the same, and gives those about which the answer is the one that is looked for; no more, once it
    /// is that for all that were asked for together.
    async fn about_each(
        &self,
        ids: Vec<String>,
        method: Method,
        found: Found,
        way: &Way<'_>,
    ) -> Result<Vec<String>, Box<Tried>> {
        let call = |it: &String| {
            let path = format!("{}/annotations({it})?$select=annotationid", self.shape.root);
            let path = if method == Method::GET { &*path } else { path.split('?').next().unwrap_or(&path) };
            Call { method: method.clone(), headers: Vec::new(), ..Call::get(path.to_owned()) }
        };
        let calls: Vec<Call> = ids.iter().map(call).collect();
        let (mut left, mut all) = (&calls[..], Vec::new());
        while !left.is_empty() {
            let (now, later) = left.split_at(batch_len(left).min(at_once(way.egress)));
            left = later;
            for answer in self.send_each(now, way).await {
                let answer = answer?;
                let is_missing = answer.status.as_u16() == 404;
                all.push(match self.settled(answer, way)? {
                    Some(_) => Found::There,
                    None if is_missing => Found::Missing,
                    None => Found::Refused,
                });
            }
            // A right that is missing is missing for the others too, and one note that is there is one too many.
            if all[all.len() - now.len()..].iter().all(|it| *it == found) {
                break;
            }
        }
        Ok(ids.into_iter().zip(all).filter(|it| it.1 == found).map(|it| it.0).collect())
    }

    /// None: the user may not, or there is nothing of the kind.
    fn settled(&self, answer: Answer, way: &Way<'_>) -> Result<Option<Answer>, Box<Tried>> {
        match answer.status.as_u16() {
            200..=299 => Ok(Some(answer)),
            403 | 404 => Ok(None),
            _ => {
                let tried = reply::refusal(&answer, &[], &self.about(way));
                // Notes that cannot be looked for are gone with their lead; what passes is tried again.
                let is_passing = matches!(Told::of(&tried), Told::Open { .. });
                let is_sign_in = answer.status.as_u16() == 401;
                if is_passing || is_sign_in { Err(Box::new(tried)) } else { Ok(None) }
            }
        }
    }
}

/// How many notes are asked for together: no more than the calls suffice for, of which the lead's own deletion takes one, and
/// each note that is refused another one afterwards.
fn at_once(egress: &Egress) -> usize {
    let calls = egress.calls_left().map(|it| it.saturating_sub(1) / 2);
    calls.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX)).max(1)
}

/// What came of a question about a note that is there, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    There,
    Missing,
    Refused,
}

/// Newer forms show a note as rich text, older ones as plain text: signs that neither takes for a tag read the same in
/// both, so that no customer's words become a link or a picture.
fn without_tags(text: &str) -> String {
    text.replace('<', "‹").replace('>', "›")
}
