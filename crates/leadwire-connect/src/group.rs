//! Touchpoints of one record in a batch, written as one: no system bears a key twice in a call, and one write is enough.

use crate::{Payload, redact};
use leadwire_core::mapping::{Mapped, MappedField, Value, Write};
use leadwire_core::outcome::{Outcome, Tried};
use std::collections::HashMap;

/// One record to be written. Has no `Debug`: it holds personal values.
#[derive(Clone)]
pub(crate) struct Record {
    /// What it is known by at the destination.
    pub(crate) key: String,
    /// Its fields; each target at most once.
    pub(crate) fields: Vec<MappedField>,
}

/// All payloads of a batch that are one record.
pub(crate) struct Group {
    pub(crate) record: Record,
    /// No record of it can be there yet.
    pub(crate) is_first: bool,
    /// Values that were sent, which an answer may repeat.
    pub(crate) known: Vec<String>,
    /// Places in the batch.
    places: Vec<usize>,
    notes: Vec<String>,
}

impl Record {
    /// Adds a later touchpoint, as if it were written after this one: its own fields win.
    fn fold(&mut self, later: &Mapped) {
        for field in later.owned() {
            match self.fields.iter_mut().find(|it| it.target == field.target) {
                Some(mine) => *mine = field.clone(),
                None => self.fields.push(field.clone()),
            }
        }
    }

    /// Whether there is anything that may be written to a record that is there.
    pub(crate) fn has_owned(&self) -> bool {
        self.fields.iter().any(|it| it.write == Write::Always)
    }
}

impl Group {
    fn add(&mut self, place: usize, payload: &Payload, mapped: Mapped) {
        self.is_first |= payload.is_first();
        let texts = mapped.fields.iter().filter_map(|it| match &it.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => None,
        });
        self.known.extend(texts);
        self.known.extend(redact::known(&payload.touchpoint).map(str::to_owned));
        for note in &mapped.notes {
            if !self.notes.contains(note) {
                self.notes.push(note.clone());
            }
        }
        if self.places.is_empty() {
            self.record.fields = mapped.fields;
        } else {
            self.record.fold(&mapped);
        }
        self.places.push(place);
    }
}

/// One group for each key that `read` gives, oldest touchpoint first; a payload that cannot be read has its outcome
/// put in its place.
pub(crate) fn gather(
    batch: &[Payload],
    tried: &mut [Option<Tried>],
    read: impl Fn(&Payload) -> Result<(String, Mapped), Box<Tried>>,
) -> Vec<Group> {
    let mut places: Vec<usize> = (0..batch.len()).collect();
    places.sort_by_key(|it| batch[*it].delivery.touchpoint);
    let mut groups: Vec<Group> = Vec::new();
    let mut by_key: HashMap<String, usize> = HashMap::new();
    for place in places {
        let payload = &batch[place];
        match read(payload) {
            Err(parked) => tried[place] = Some(*parked),
            Ok((key, mapped)) => {
                let at = *by_key.entry(key.clone()).or_insert_with(|| {
                    let record = Record { key, fields: Vec::new() };
                    let (known, places, notes) = (Vec::new(), Vec::new(), Vec::new());
                    groups.push(Group { record, is_first: false, known, places, notes });
                    groups.len() - 1
                });
                groups[at].add(place, payload, mapped);
            }
        }
    }
    groups
}

/// Gives every payload the outcome of its group.
pub(crate) fn spread(groups: &[Group], all: impl IntoIterator<Item = Tried>, tried: &mut [Option<Tried>]) {
    for (group, one) in groups.iter().zip(all) {
        for place in &group.places {
            tried[*place] = Some(with_notes(one.clone(), &group.notes));
        }
    }
}

/// The outcomes of a batch whose groups were all spread, in its order.
pub(crate) fn settled(tried: Vec<Option<Tried>>) -> Vec<Tried> {
    let settled = |it: Option<Tried>| it.expect("every payload was grouped or could not be mapped");
    tried.into_iter().map(settled).collect()
}

/// What had to be changed to fit is said where the lead was taken.
fn with_notes(mut tried: Tried, notes: &[String]) -> Tried {
    if matches!(tried.outcome, Outcome::Done(_)) && !notes.is_empty() {
        tried.evidence.message = format!("{}; {}", tried.evidence.message, notes.join("; "));
    }
    tried
}
