//! Reading leads from JSON, NDJSON and CSV, one by one, so that a file of any size fits in memory.

use crate::cli::exit_code::ExitCode;
use crate::cli::failure::{Detail, Failure};
use leadwire_core::id::OfferRef;
use leadwire_core::json::{self, Json, TopLevel};
use leadwire_core::limits::TOUCHPOINT_BYTES_MAX;
use leadwire_core::refusal::Refusal;
use leadwire_core::touchpoint::Touchpoint;
use serde_json::value::RawValue;
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

/// Largest file that is read as one piece of JSON, in bytes; NDJSON and CSV have no such bound.
const JSON_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most bytes a row of CSV may take from the file: past it, a quote was surely not closed.
const ROW_BYTES_MAX: usize = 4 * TOUCHPOINT_BYTES_MAX;
/// Bytes looked at to tell what a file is.
const LOOK_BYTES: usize = 64 * 1024;

/// How leads are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Format {
    /// Told by the file's name, else by its beginning
    Auto,
    /// One JSON object, or an array of them
    Json,
    /// One JSON object on each line
    Ndjson,
    /// A table with a line of headers
    Csv,
}

/// One lead of a file.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Item {
    /// The line it starts on, from 1.
    pub(in crate::cli) line: u64,
    /// What is sent for it, on one line, or why it cannot be sent.
    pub(in crate::cli) body: Result<Vec<u8>, Vec<Detail>>,
}

/// The leads of a file. An error ends it.
pub(in crate::cli) type Items = Box<dyn Iterator<Item = anyhow::Result<Item>>>;

/// Reads a file's leads. `to` is the offer of those that name none.
///
/// # Errors
/// When the file cannot be read, or is not what it should be.
pub(in crate::cli) fn read(
    reader: impl Read + 'static,
    name: &str,
    format: Format,
    to: Option<OfferRef>,
) -> anyhow::Result<Items> {
    let mut reader = BufReader::with_capacity(LOOK_BYTES, reader);
    let start = reader.fill_buf().map_err(|it| unreadable(name, &it))?;
    if start.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    let start = reader.fill_buf().map_err(|it| unreadable(name, &it))?;
    match tell(format, name, start) {
        Format::Json | Format::Auto => whole(reader, name, to),
        Format::Ndjson => Ok(Box::new(Lines { reader, name: name.to_owned(), line: 0, to })),
        Format::Csv => {
            let separator = separator(start);
            rows(reader, name, separator, to)
        }
    }
}

/// What a file is, by its name, else by how it begins.
pub(in crate::cli) fn tell(format: Format, name: &str, start: &[u8]) -> Format {
    if format != Format::Auto {
        return format;
    }
    match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("json") => Format::Json,
        Some("ndjson" | "jsonl") => Format::Ndjson,
        Some("csv" | "tsv") => Format::Csv,
        _ => match json::top_level(start) {
            TopLevel::Array => Format::Json,
            // A whole object on the first line is a line of NDJSON, if only the first of one.
            TopLevel::Object => {
                let line =
                    start.split(|it| *it == b'\n').find(|it| !it.trim_ascii().is_empty()).unwrap_or_default();
                if json::parse(line).is_ok() { Format::Ndjson } else { Format::Json }
            }
            TopLevel::Other => Format::Csv,
        },
    }
}

fn whole(reader: impl Read, name: &str, to: Option<OfferRef>) -> anyhow::Result<Items> {
    let mut text = Vec::new();
    reader.take(JSON_BYTES_MAX + 1).read_to_end(&mut text).map_err(|it| unreadable(name, &it))?;
    if text.len() as u64 > JSON_BYTES_MAX {
        let what = format!("{name} has more than {} MiB of JSON", JSON_BYTES_MAX / 1024 / 1024);
        let fix = "write it as NDJSON, one object on each line; that may have any size";
        return Err(Failure::new(ExitCode::Failed, what, fix).into());
    }
    let pieces: Vec<&RawValue> = match json::top_level(&text) {
        TopLevel::Array => serde_json::from_slice(&text),
        TopLevel::Object | TopLevel::Other => serde_json::from_slice(&text).map(|it| vec![it]),
    }
    .map_err(|error| {
        // The position without serde's words, which may quote the input.
        let what = format!("{name} is not JSON, at line {} column {}", error.line(), error.column());
        Failure::new(
            ExitCode::Failed,
            what,
            "mend it, or say what it is with --format; nothing of it was sent",
        )
    })?;
    let (mut at, mut line, mut items) = (0, 1, Vec::with_capacity(pieces.len()));
    for piece in pieces {
        let start = piece.get().as_ptr().addr() - text.as_ptr().addr();
        line += count_lines(&text[at..start]);
        at = start;
        // Line ends are white space here: inside a text they are escaped.
        let flat = piece.get().replace(['\n', '\r'], " ").into_bytes();
        items.push(Ok(item(line, flat, to.as_ref())));
    }
    Ok(Box::new(items.into_iter()))
}

fn count_lines(text: &[u8]) -> u64 {
    text.iter().filter(|it| **it == b'\n').count() as u64
}

fn item(line: u64, body: Vec<u8>, to: Option<&OfferRef>) -> Item {
    if body.len() > TOUCHPOINT_BYTES_MAX {
        return Item { line, body: Err(vec![too_large()]) };
    }
    Item { line, body: Ok(to.map_or_else(|| body.clone(), |to| with_offer(&body, to))) }
}

fn too_large() -> Detail {
    Detail {
        pointer: String::new(),
        code: "too_large".to_owned(),
        message: format!("this is larger than {TOUCHPOINT_BYTES_MAX} bytes"),
        fix: "shorten it".to_owned(),
    }
}

/// Adds the offer to a touchpoint that names none. What cannot be read goes as it is: the service says why.
fn with_offer(body: &[u8], to: &OfferRef) -> Vec<u8> {
    let Ok(json) = json::parse(body) else { return body.to_vec() };
    let names_none = Touchpoint::parse(&json).is_ok_and(|it| it.offer.is_none());
    let Json::Object(mut entries) = json else { return body.to_vec() };
    if !names_none {
        return body.to_vec();
    }
    entries.retain(|(name, _)| name != "offer");
    entries.push(("offer".to_owned(), Json::text(to.to_string())));
    Json::Object(entries).to_string().into_bytes()
}

/// The lines of NDJSON.
struct Lines<R> {
    reader: BufReader<R>,
    name: String,
    line: u64,
    to: Option<OfferRef>,
}

impl<R: Read> Iterator for Lines<R> {
    type Item = anyhow::Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut body = Vec::new();
            // A line without an end must not fill the memory; what is left of it is read over.
            let read =
                self.reader.by_ref().take(TOUCHPOINT_BYTES_MAX as u64 + 2).read_until(b'\n', &mut body);
            match read {
                Err(error) => return Some(Err(unreadable(&self.name, &error).into())),
                Ok(0) => return None,
                Ok(_) => self.line += 1,
            }
            if !body.ends_with(b"\n")
                && body.len() > TOUCHPOINT_BYTES_MAX
                && let Err(error) = self.reader.skip_until(b'\n')
            {
                return Some(Err(unreadable(&self.name, &error).into()));
            }
            let body = body.trim_ascii();
            if !body.is_empty() {
                return Some(Ok(item(self.line, body.to_vec(), self.to.as_ref())));
            }
        }
    }
}

/// A spreadsheet separates by what its language leaves free: the most frequent in the headers is it.
fn separator(start: &[u8]) -> u8 {
    let headers = start.split(|it| *it == b'\n').next().unwrap_or_default();
    let count = |separator: u8| {
        let outside = headers.split(|it| *it == b'"').step_by(2);
        outside.flatten().filter(|it| **it == separator).count()
    };
    // The last of equals wins, and the comma is it.
    [b'\t', b';', b','].into_iter().max_by_key(|it| count(*it)).unwrap_or(b',')
}

/// Lets a row take so many bytes from the file and no more.
struct RowBudget<R> {
    reader: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for RowBudget<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            return Err(io::Error::other(
                "a row is larger than any lead; look for a quote that is not closed",
            ));
        }
        let read = self.reader.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(read));
        Ok(read)
    }
}

fn rows(
    reader: impl Read + 'static,
    name: &str,
    separator: u8,
    to: Option<OfferRef>,
) -> anyhow::Result<Items> {
    let left = Rc::new(Cell::new(ROW_BYTES_MAX));
    let reader = RowBudget { reader, left: Rc::clone(&left) };
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(reader);
    let name = name.to_owned();
    let headers = reader.headers().map_err(|error| bad_table(&name, 1, &error))?.clone();
    if headers.is_empty() {
        let what = format!("{name} is empty");
        return Err(Failure::new(ExitCode::Failed, what, "give a table with headers, or JSON").into());
    }
    let mut rows = reader.into_records();
    let mut ended = false;
    Ok(Box::new(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        // Spreadsheets leave rows of separators behind, which are no leads.
        let (line, row) = loop {
            left.set(ROW_BYTES_MAX);
            let line = rows.reader().position().line();
            match rows.next()? {
                Ok(row) if row.iter().all(|it| it.trim().is_empty()) => {}
                Ok(row) => break (line, row),
                Err(error) => {
                    ended = true;
                    return Some(Err(bad_table(&name, line, &error).into()));
                }
            }
        };
        let line = row.position().map_or(line, csv::Position::line);
        let (headers, cells): (Vec<&str>, Vec<&str>) = (headers.iter().collect(), row.iter().collect());
        let body = match Touchpoint::from_csv(&headers, &cells) {
            Ok(mut touchpoint) => {
                touchpoint.offer = touchpoint.offer.or_else(|| to.clone());
                Ok(touchpoint.canonical_json().to_string().into_bytes())
            }
            Err(refusals) => Err(refusals.iter().map(detail).collect()),
        };
        Some(Ok(match body {
            Ok(body) => item(line, body, None),
            Err(details) => Item { line, body: Err(details) },
        }))
    })))
}

pub(in crate::cli) fn detail(it: &Refusal) -> Detail {
    Detail {
        pointer: it.pointer.clone(),
        code: it.code.to_owned(),
        message: it.message.clone(),
        fix: it.fix.clone(),
    }
}

fn bad_table(name: &str, line: u64, error: &csv::Error) -> Failure {
    let (what, fix) = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => ("is not UTF-8".to_owned(), "save it as `CSV UTF-8`"),
        csv::ErrorKind::Io(error) => (format!("cannot be read: {error}"), "mend it and send it again"),
        _ => ("is not a table".to_owned(), "check the quotes, or say what it is with --format"),
    };
    Failure::new(ExitCode::Failed, format!("{name} {what}, at or after line {line}"), fix)
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::new(ExitCode::Failed, format!("cannot read {name}: {error}"), "")
}

#[cfg(test)]
#[path = "items_tests.rs"]
mod tests;
