//! Handing a backlog over as one job: the face of connectors whose systems take thousands of records in a file and work them off by
//! themselves.
//!
//! As everywhere a connector tries once and waits for nothing: when a job is looked at, and what becomes of its deliveries, is
//! decided by who calls it. Rows are known by the lead's id, so that an answer can be read long after what was sent is
//! forgotten.

use crate::descriptor::{Field, FieldShape, Values};
use crate::egress::Egress;
use crate::{Moment, Payload};
use futures_util::future::BoxFuture;
use leadwire_core::lane::goes_by_batches;
use leadwire_core::limits::BULK_HANDLE_BYTES_MAX;
use leadwire_core::mapping::MappedField;
use leadwire_core::outcome::{Evidence, Outcome, Tried};
use std::collections::HashMap;

/// Whether backlogs may go as jobs.
pub(crate) const BULK: Field = Field {
    name: "bulk",
    label: "Bulk jobs",
    help: "A backlog that the calls of the day would bring too late is handed over as one job; off brings everything by batches.",
    shape: FieldShape::Choice(&[("auto", "When batches are too slow"), ("off", "Never")]),
    default: Some("auto"),
    ..Field::PLAIN
};

/// Whether the settings allow jobs.
pub(crate) fn is_on(values: &Values<'_>) -> bool {
    values.text(BULK.name) != Some("off")
}

/// Hands batches over as jobs.
pub trait Bulk: Send + Sync {
    /// Whether the settings let a job be begun. One that is under way is looked at in any case.
    fn may_begin(&self) -> bool;

    /// Most calls of [`Bulk::open`], and of [`Bulk::send`].
    fn calls(&self) -> u32;

    /// Bytes that a delivery takes in a job's file. None: it cannot go that way, or must not: only what makes a new record is
    /// written by a job, since a job overwrites, or refuses, what is there.
    fn weigh(&self, payload: &Payload) -> Option<usize>;

    /// Begins a job in which nothing is yet, and gives what the system calls it: empty, when it only says so as it takes the
    /// file. Nothing that this does writes a lead, whatever came of it.
    ///
    /// # Errors
    /// Why there is no job.
    fn open<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Result<String, Box<Tried>>>;

    /// Hands over the file, once.
    fn send<'a>(
        &'a self,
        handle: &'a str,
        batch: &'a [Payload],
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Sent>;

    /// Asks how far a job is. May be repeated, for days.
    fn look<'a>(&'a self, handle: &'a str, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Looked>;
}

/// What came of handing a job over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is taken, under this name.
    Taken(String),
    /// It is not, for sure: nothing of it will be written.
    Refused(Box<Tried>),
    /// Nobody knows: a look tells, where its name is known.
    Unknown(Box<Tried>),
}

/// What a look at a job told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// It is not over.
    Running,
    /// The look itself failed, and told nothing.
    Failed(Box<Tried>),
    /// It is over.
    Ended(Results),
}

/// What came of a job's deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    /// By the lead's id, in lower case.
    pub rows: HashMap<String, Tried>,
    /// Of all others.
    pub others: Box<Tried>,
}

impl Results {
    /// The same for all.
    pub fn all(tried: Tried) -> Self {
        Self { rows: HashMap::new(), others: Box::new(tried) }
    }

    /// Of a job that was not taken: batches bring its deliveries.
    pub fn refused(tried: Tried) -> Self {
        Self::all(goes_by_batches(tried))
    }

    /// Of a job that nobody can tell anything of any more.
    pub fn unknown(cause: &str, message: &str) -> Self {
        let evidence =
            Evidence { cause: cause.to_owned(), message: message.to_owned(), ..Evidence::default() };
        Self::all(Tried { outcome: Outcome::Unknown, evidence })
    }

    /// Whether it is not known of all what came of them.
    pub fn is_unknown(&self) -> bool {
        self.others.outcome == Outcome::Unknown
    }

    /// What came of a lead's delivery.
    pub fn of(&self, lead: &str) -> &Tried {
        self.rows.get(lead).unwrap_or(&*self.others)
    }
}

/// A name that may be kept and sent back, in a path: letters and digits.
pub(crate) fn is_handle(text: &str) -> bool {
    (1..=BULK_HANDLE_BYTES_MAX).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_alphanumeric())
}

/// A file of these records, the key first, and a column for every field that any of them has. What a record lacks is empty there.
pub(crate) fn file(key_field: &str, records: &[(String, Vec<MappedField>)]) -> Vec<u8> {
    let mut columns: Vec<&str> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for field in records.iter().flat_map(|it| &it.1) {
        if !places.contains_key(field.target.as_str()) {
            places.insert(&field.target, columns.len());
            columns.push(&field.target);
        }
    }
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    let infallible = "writing to memory does not fail, and all rows have the same length";
    writer.write_record(std::iter::once(key_field).chain(columns.iter().copied())).expect(infallible);
    for (key, fields) in records {
        let mut row = vec![""; columns.len()];
        for field in fields {
            row[places[field.target.as_str()]] = field.value.as_text();
        }
        writer.write_record(std::iter::once(&**key).chain(row)).expect(infallible);
    }
    writer.into_inner().expect(infallible)
}

/// Bytes of a record's row at the most, its quotes included.
pub(crate) fn weight(key: &str, fields: &[MappedField]) -> usize {
    let quoted = |it: &str| it.len() + it.bytes().filter(|it| *it == b'"').count() + 3;
    quoted(key) + fields.iter().map(|it| quoted(it.value.as_text())).sum::<usize>()
}

/// Rows of a file that came back, each as what it has in these columns. None: it has not all of them, or cannot be read.
pub(crate) fn rows(body: &[u8], columns: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(body);
    let headers = reader.headers().ok()?.clone();
    let place = |name: &&str| {
        headers.iter().position(|it| it.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name))
    };
    let places: Vec<usize> = columns.iter().map(place).collect::<Option<_>>()?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.ok()?;
        rows.push(places.iter().map(|it| record.get(*it).unwrap_or_default().to_owned()).collect());
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadwire_core::mapping::{Value, Write};
    use proptest::prelude::*;

    fn field(target: &str, value: &str) -> MappedField {
        let value = Value::Text(value.to_owned());
        MappedField { target: target.to_owned(), value, write: Write::Once }
    }

    proptest! {
        #[test]
        fn a_file_reads_back_as_it_was_written_and_is_no_heavier_than_weighed(
            texts in proptest::collection::vec(("[a-z0-9]{1,8}", any::<String>(), any::<String>()), 1..20),
        ) {
            let records: Vec<(String, Vec<MappedField>)> = texts
                .iter()
                .map(|(key, a, b)| (key.clone(), vec![field("Company", a), field("LastName", b)]))
                .collect();
            let file = file("Key__c", &records);
            let heavy: usize = records.iter().map(|it| weight(&it.0, &it.1)).sum();
            prop_assert!(file.len() <= heavy + "Key__c,Company,LastName\n".len());
            let read = rows(&file, &["lastname", "Key__c", "Company"]).unwrap();
            let expected: Vec<Vec<String>> =
                texts.iter().map(|(key, a, b)| vec![b.clone(), key.clone(), a.clone()]).collect();
            prop_assert_eq!(read, expected);
        }
    }

    #[test]
    fn a_file_that_was_cut_or_lacks_a_column_is_not_half_read() {
        assert_eq!(rows(b"\"sf__Id\",\"Key\"\n\"1\",\"a\"\n\"2\"\n", &["sf__id", "key"]), None);
        assert_eq!(rows(b"sf__Id,Key\n1,a\n", &["sf__Error"]), None);
        assert_eq!(rows(b"", &["Key"]), None);
    }

    #[test]
    fn what_stands_in_a_path_is_letters_and_digits() {
        assert!(is_handle("7505e000000AAAAAA4") && is_handle("1022"));
        assert!(!is_handle("") && !is_handle("../x") && !is_handle(&"1".repeat(101)));
    }
}
