//! A note on the contact for each touchpoint. HubSpot has no key for notes, so a repetition looks for its own first.
//!
//! developers.hubspot.com, "Activities | Notes" (properties, length, scopes), "Create notes" (batch), "Retrieve associations".

use super::reply::{self, Fate};
use super::{Contact, HubSpot};
use crate::egress::{Answer, Egress, Request};
use crate::preview::{Preview, PreviewedRequest};
use crate::touchpoint_notes::{self as notes, Told, Wanted, Which};
use crate::validation::{Step, Verdict};
use crate::{Moment, Payload};
use leadwire_core::limits::{NOTES_READ_AT_ONCE, NOTES_READ_MAX};
use leadwire_core::mapping::{Mapped, Note, NoteLengths};
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A body takes 65,536 characters, and each of ours takes up to five there (`&amp;`). It has no subject of its own.
const LENGTHS: NoteLengths = NoteLengths { subject_max: 255, text_max: 12_000 };
/// Most notes in a call (HubSpot, batch endpoints).
const BATCH_MAX: usize = 100;
/// Of a note to its contact, as HubSpot defines it ("Association type ID values").
const NOTE_TO_CONTACT: u32 = 202;
/// What is left of an erased person's note.
const EMPTIED: &str = "Erased.";
const FIX: &str = "give the key the scopes crm.objects.contacts.read and crm.objects.contacts.write, with which notes are written; or set `touchpoint_notes` to none";

/// What every call about notes has in common.
pub(super) struct Way<'a> {
    pub(super) moment: Moment,
    pub(super) egress: &'a Egress,
}

impl HubSpot {
    /// Writes the notes of contacts that were delivered, and says in each outcome what came of its note.
    pub(super) async fn write_notes(
        &self,
        batch: &[Payload],
        tried: &mut [Tried],
        way: &Way<'_>,
        calls: &mut u32,
    ) {
        let wanted = notes::wanted(self.notes, LENGTHS, batch, tried);
        let mut told: Vec<Option<Told>> = vec![None; wanted.len()];
        self.find_own(&wanted, &mut told, way, calls).await;
        let missing: Vec<usize> = (0..wanted.len()).filter(|it| told[*it].is_none()).collect();
        let mut left: Vec<&[usize]> = missing.chunks(BATCH_MAX).rev().collect();
        while let Some(places) = left.pop() {
            let fates = self.send_notes(&wanted, places, way, calls).await;
            // One of them is refused, and HubSpot did not say which: the others are not to be lost for it.
            if places.len() > 1 && fates.iter().all(wants_smaller) {
                let (first, second) = places.split_at(places.len() / 2);
                left.extend([second, first]);
                continue;
            }
            for (place, fate) in places.iter().zip(fates) {
                told[*place] = Some(of_fate(fate));
            }
        }
        for (wanted, told) in wanted.iter().zip(told) {
            let told = told.expect("each was found, refused or sent");
            notes::tell(&mut tried[wanted.place], wanted.payload, told);
        }
    }

    async fn send_notes(
        &self,
        wanted: &[Wanted<'_>],
        places: &[usize],
        way: &Way<'_>,
        calls: &mut u32,
    ) -> Vec<Fate> {
        let chosen: Vec<&Wanted<'_>> = places.iter().map(|it| &wanted[*it]).collect();
        let entries: Vec<Contact> = chosen.iter().map(|it| entry(it)).collect();
        let entries: Vec<&Contact> = entries.iter().collect();
        *calls += 1;
        match way.egress.send(self.create_notes(&chosen)).await {
            Ok(answer) => reply::batch(&answer, &entries, way.moment.now),
            Err(error) => vec![Fate::Other(Box::new(error.tried())); chosen.len()],
        }
    }

    /// Looks whether an earlier attempt wrote some of the notes. A search would miss what is a few seconds old, so the notes of the
    /// contacts are read.
    async fn find_own(
        &self,
        wanted: &[Wanted<'_>],
        told: &mut [Option<Told>],
        way: &Way<'_>,
        calls: &mut u32,
    ) {
        let repeated: Vec<usize> = (0..wanted.len()).filter(|it| wanted[*it].may_be_there()).collect();
        if repeated.is_empty() {
            return;
        }
        let mut records: Vec<&str> = repeated.iter().map(|it| &*wanted[*it].record).collect();
        records.sort_unstable();
        records.dedup();
        match self.read_notes(&records, way, calls).await {
            Ok(read) => {
                for place in repeated {
                    let mark = notes::mark(wanted[place].payload);
                    told[place] = if read.bodies.iter().any(|it| it.1.contains(&mark)) {
                        Some(Told::Written)
                    } else {
                        // Without a look, a second note might be made.
                        read.unread.get(&wanted[place].record).map(refusal)
                    };
                }
            }
            Err(tried) => repeated.into_iter().for_each(|it| told[it] = Some(refusal(&tried))),
        }
    }

    /// The notes of these contacts, but for those contacts that have too many.
    async fn read_notes(&self, records: &[&str], way: &Way<'_>, calls: &mut u32) -> Result<Read, Box<Tried>> {
        let mut read = Read::default();
        let mut ids: Vec<String> = Vec::new();
        for records in records.chunks(BATCH_MAX) {
            let inputs: Vec<Value> = records.iter().map(|it| json!({ "id": it })).collect();
            let url = self.place.below("associations", "contacts/notes/batch/read");
            *calls += 1;
            let json = self.ask_notes(self.place.post_to(url, &json!({ "inputs": inputs })), way).await?;
            for result in json.get("results").and_then(Value::as_array).into_iter().flatten() {
                let own = result.get("to").and_then(Value::as_array).into_iter().flatten();
                let own: Vec<String> = own.filter_map(note_id).collect();
                let unread = if result.pointer("/paging/next").is_some() || own.len() > NOTES_READ_MAX {
                    too_many()
                } else if ids.len() + own.len() > NOTES_READ_AT_ONCE {
                    open("the contacts of this batch have more notes than are read at once")
                } else {
                    ids.extend(own);
                    continue;
                };
                let contact = result.get("from").and_then(note_id).ok_or_else(|| Box::new(unread.clone()))?;
                read.unread.insert(contact, unread);
            }
        }
        for ids in ids.chunks(BATCH_MAX) {
            let inputs: Vec<Value> = ids.iter().map(|it| json!({ "id": it })).collect();
            let url = self.place.below("objects", "notes/batch/read");
            let body = json!({ "properties": ["hs_note_body"], "inputs": inputs });
            *calls += 1;
            let json = self.ask_notes(self.place.post_to(url, &body), way).await?;
            read.bodies.extend(
                bodies_of(&json, ids)
                    .ok_or_else(|| Box::new(open("HubSpot did not say what became of some of the notes")))?,
            );
        }
        Ok(read)
    }

    /// Makes a call that reads, or deletes what may be deleted twice.
    async fn ask_notes(&self, request: Request, way: &Way<'_>) -> Result<Value, Box<Tried>> {
        let answer: Answer = way.egress.send(request).await.map_err(|error| Box::new(error.tried()))?;
        match answer.status.as_u16() {
            204 => Ok(Value::Null),
            200..=299 => match serde_json::from_slice::<Value>(&answer.body) {
                Ok(json) if json.get("results").is_some_and(Value::is_array) && is_whole(&json) => Ok(json),
                Ok(_) | Err(_) => Err(Box::new(open("HubSpot's answer about notes could not be read"))),
            },
            _ => match reply::whole(&answer, 1, &[], way.moment.now) {
                Fate::Other(tried) => Err(tried),
                Fate::Written(_) | Fate::Exists(_) => Err(Box::new(open("HubSpot was busy with the notes"))),
            },
        }
    }

    fn create_notes(&self, wanted: &[&Wanted<'_>]) -> Request {
        let inputs: Vec<Value> =
            wanted.iter().map(|it| input(&it.note, &it.record, &it.payload.delivery.to_string())).collect();
        let url = self.place.below("objects", "notes/batch/create");
        self.place.post_to(url, &json!({ "inputs": inputs }))
    }

    /// Shows the notes that would be written if all leads are delivered.
    pub(super) fn preview_notes(&self, batch: &[Payload], preview: &mut Preview) {
        let chosen = batch.iter().filter(|it| self.notes.wants(it) && self.contact(it).is_ok());
        let inputs: Vec<Value> = chosen
            .map(|it| input(&notes::note(it, LENGTHS), "CONTACT-ID", &it.delivery.to_string()))
            .collect();
        for inputs in inputs.chunks(BATCH_MAX) {
            let url = self.place.below("objects", "notes/batch/create");
            let request = self.place.post_to(url, &json!({ "inputs": inputs }));
            preview.requests.push(PreviewedRequest::of(&request, false));
        }
        if !inputs.is_empty() {
            let note = "CONTACT-ID stands for the id that HubSpot gives the contact";
            preview.notes.push(note.to_owned());
        }
    }

    /// Whether notes may be read, which takes what writing takes. That they may not is no failure: leads arrive without.
    pub(super) async fn notes_permission(&self, way: &Way<'_>) -> Option<Step> {
        if self.notes == Which::None {
            return None;
        }
        let title = "Read notes";
        let url = self.place.below("objects", "notes?limit=1");
        let request = self.place.request(http::Method::GET, url);
        Some(match self.ask_notes(request, way).await {
            Ok(_) => Step::passed("notes", title, "the key may read notes; the test lead has none"),
            Err(tried) => {
                Step::of_attempt("notes", title, &tried).but(Verdict::Warned, &tried.evidence.cause, FIX)
            }
        })
    }

    /// Deletes Leadwire's notes of a contact. HubSpot says that a contact that is deleted for good takes its activity along,
    /// and that a note of a company besides stays there ("Understand restorable and permanent contact deletions").
    pub(super) async fn erase_notes(&self, contact: &str, way: &Way<'_>) -> Result<(), Box<Tried>> {
        let bodies = match self.read_notes(&[contact], way, &mut 0).await {
            Ok(Read { unread, .. }) if !unread.is_empty() => return Err(Box::new(too_many())),
            Ok(read) => read.bodies,
            // A contact that is not there has no notes.
            Err(tried) if tried.evidence.http_status == Some(404) => return Ok(()),
            Err(tried) => return Err(tried),
        };
        let ours: Vec<Value> =
            bodies.iter().filter(|it| notes::is_ours(&it.1)).map(|it| json!({ "id": it.0 })).collect();
        for ids in ours.chunks(BATCH_MAX) {
            // An archived note can be restored for 90 days, so its words are taken out first.
            let emptied: Vec<Value> = ids
                .iter()
                .map(|it| json!({ "id": it["id"], "properties": { "hs_note_body": EMPTIED } }))
                .collect();
            let url = self.place.below("objects", "notes/batch/update");
            self.ask_notes(self.place.post_to(url, &json!({ "inputs": emptied })), way).await?;
            let url = self.place.below("objects", "notes/batch/archive");
            self.ask_notes(self.place.post_to(url, &json!({ "inputs": ids })), way).await?;
        }
        Ok(())
    }
}

/// What was read of the notes of contacts.
#[derive(Default)]
struct Read {
    /// Id and body of each.
    bodies: Vec<(String, String)>,
    /// Contacts whose notes were not read, and why.
    unread: BTreeMap<String, Tried>,
}

/// Id and body of each of these notes that is there. None: the answer leaves one out without saying that it is gone.
pub(super) fn bodies_of(json: &Value, asked: &[String]) -> Option<Vec<(String, String)>> {
    let list = |name: &str| json.get(name).and_then(Value::as_array).into_iter().flatten();
    let bodies = list("results").filter_map(|it| {
        let text = it.pointer("/properties/hs_note_body").and_then(Value::as_str).unwrap_or_default();
        Some((note_id(it)?, text.to_owned()))
    });
    let bodies: Vec<(String, String)> = bodies.collect();
    // An error of another shape speaks of all that are not there.
    if list("errors").any(|it| it.pointer("/context/ids").is_none()) {
        return Some(bodies);
    }
    let gone = list("errors").filter_map(|it| it.pointer("/context/ids")?.as_array()).flatten();
    let known: BTreeSet<&str> =
        bodies.iter().map(|it| &*it.0).chain(gone.filter_map(Value::as_str)).collect();
    asked.iter().all(|it| known.contains(&**it)).then_some(bodies)
}

fn wants_smaller(fate: &Fate) -> bool {
    matches!(fate, Fate::Other(tried) if tried.outcome == Outcome::NotDone(Fault::SmallerBatch))
}

fn input(note: &Note, contact: &str, trace: &str) -> Value {
    json!({
        "properties": { "hs_timestamp": note.at, "hs_note_body": body(note) },
        "associations": [{
            "to": { "id": contact },
            "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": NOTE_TO_CONTACT }],
        }],
        "objectWriteTraceId": trace,
    })
}

/// The body is HTML: a customer's words stay words.
fn body(note: &Note) -> String {
    let safe = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<strong>{}</strong><br>{}", safe(&note.subject), safe(&note.text).replace('\n', "<br>"))
}

/// A note's id in an association: v3 calls it `id`, a text; later versions `toObjectId`, a text or a number.
fn note_id(to: &Value) -> Option<String> {
    match to.get("toObjectId").or_else(|| to.get("id"))? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A note as an entry of a batch, whose answer is read as that of contacts is.
fn entry(wanted: &Wanted<'_>) -> Contact {
    let trace = wanted.payload.delivery.to_string();
    Contact {
        key: trace.clone(),
        key_property: String::new(),
        trace,
        mapped: Mapped::default(),
        known: wanted.known(),
        is_first: false,
        began_at: None,
    }
}

fn of_fate(fate: Fate) -> Told {
    match fate {
        Fate::Written(_) | Fate::Exists(_) => Told::Written,
        Fate::Other(tried) => refusal(&tried),
    }
}

/// The catalogue speaks of contacts.
fn refusal(tried: &Tried) -> Told {
    match (&*tried.evidence.cause, Told::of(tried)) {
        ("permission_missing", Told::Refused { .. }) => {
            Told::Refused { why: "the key may not write notes".to_owned(), fix: FIX.to_owned() }
        }
        ("record_gone", Told::Refused { .. }) => {
            Told::Refused { why: "the contact is not there any more".to_owned(), fix: String::new() }
        }
        (_, told) => told,
    }
}

/// Whether an answer about many leaves nothing out, but for what is not there: else a note would be written twice, or
/// archived with its words.
pub(super) fn is_whole(json: &Value) -> bool {
    let is = |it: &Value, name: &str, text: &str| it.get(name).and_then(Value::as_str) == Some(text);
    let mut errors = json.get("errors").and_then(Value::as_array).into_iter().flatten();
    errors.all(|it| {
        is(it, "category", "OBJECT_NOT_FOUND")
            || is(it, "subCategory", "crm.associations.NO_ASSOCIATIONS_FOUND")
    })
}

fn open(message: &str) -> Tried {
    let evidence = Evidence { message: message.to_owned(), ..Evidence::default() };
    Tried { outcome: Outcome::NotDone(Fault::RetryAfter(None)), evidence }
}

/// Why notes are not read.
pub(super) const TOO_MANY: &str = "notes_too_many";

fn too_many() -> Tried {
    let message = format!("the contact has more notes than are read, {NOTES_READ_MAX}");
    let evidence = Evidence { cause: TOO_MANY.to_owned(), message, ..Evidence::default() };
    Tried { outcome: Outcome::NotDone(Fault::Park), evidence }
}
