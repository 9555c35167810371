//! `leadwire export`: leads as CSV or NDJSON, page by page, into a file that can be gone on with after an interruption.

use super::client::{self, Client};
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::{Session, output};
use crate::api::{sheet, wire};
use anyhow::Context;
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What `export` can be told.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leadwire export contoso leads.csv
  leadwire export contoso leads.ndjson
  leadwire export contoso - --format csv > leads.csv

Newest leads come first; leads that come while it runs are left for the next time. When it is interrupted, the same command
goes on where it was: FILE.cursor beside the file says where. In CSV a cell that starts with = + - @, a tab or a carriage
return gets an apostrophe before it, or a spreadsheet would calculate what a customer typed; `leadwire send` takes it off.")]
pub(super) struct Args {
    /// Whose
    #[arg(value_parser = super::publisher_id)]
    publisher: PublisherId,
    /// File to write; `-` is standard output
    file: String,
    /// How leads are written; by the end of the file's name unless said
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table, a row for each lead
    Csv,
    /// A line of JSON for each lead, with its timeline and its deliveries
    Ndjson,
}

/// Where an export is, written beside the file after each page.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Place {
    /// What is in the file: another export must not go on in it.
    of: String,
    /// The last lead that is in the file.
    cursor: Option<String>,
    /// Length of the file with it, in bytes; what is behind was not finished.
    bytes: u64,
    /// Leads in the file.
    leads: u64,
}

/// Where leads go.
enum Target {
    Stdout,
    File { file: File, place_at: PathBuf },
}

const HEADS: [&str; 16] = [
    "lead",
    "first_name",
    "last_name",
    "email",
    "phone",
    "country",
    "company",
    "title",
    "test",
    "touchpoints",
    "first_came",
    "last_came",
    "sources",
    "actions",
    "offers",
    "deliveries",
];

pub(super) async fn run(args: Args, session: &Session) -> anyhow::Result<ExitCode> {
    let format =
        args.format.unwrap_or(if args.file.ends_with("json") { Format::Ndjson } else { Format::Csv });
    let (client, out) = (session.client()?, session.out);
    let (mut target, mut place) =
        open(&args.file, format!("{format:?} of {} at {}", args.publisher, client.base()))?;
    if place.leads > 0 {
        out.note(&format!("Going on behind the {} leads that are in {}.", place.leads, args.file));
    }
    if place.bytes == 0 {
        // Also for a file without a head: what is begun can be gone on with.
        let head = match format {
            Format::Csv => sheet::row(HEADS.map(str::to_owned).to_vec()),
            Format::Ndjson => Vec::new(),
        };
        target.write(out, &head, &mut place)?;
    }
    loop {
        let limit = limits::PAGE_ROWS_MAX.to_string();
        let mut query = vec![("publisher", args.publisher.as_str()), ("limit", limit.as_str())];
        query.extend(place.cursor.as_deref().map(|it| ("cursor", it)));
        let page: wire::Page<wire::Lead> = client::shape(client.get(&["v1", "leads"], &query).await?)?;
        let mut text = Vec::new();
        for lead in &page.items {
            text.extend(one(&client, &args.publisher, &lead.id, format).await?);
        }
        place.cursor = page.items.last().map(|it| it.id.clone()).or(place.cursor);
        place.leads += page.items.len() as u64;
        target.write(out, &text, &mut place)?;
        if page.next.is_none() || page.items.is_empty() {
            break;
        }
        if out.shows_progress() {
            output::warn(&format!("{} leads", place.leads));
        }
    }
    target.finish()?;
    out.note(&format!("{} leads are written.", place.leads));
    Ok(ExitCode::Ok)
}

async fn one(
    client: &Client,
    publisher: &PublisherId,
    lead: &str,
    format: Format,
) -> anyhow::Result<Vec<u8>> {
    let detail = client.get(&["v1", "leads", lead], &[("publisher", publisher.as_str())]).await?;
    match format {
        Format::Ndjson => Ok(format!("{detail}\n").into_bytes()),
        Format::Csv => Ok(sheet::row(cells(&client::shape(detail)?))),
    }
}

fn cells(it: &wire::LeadDetail) -> Vec<String> {
    let said = |name: &str| it.lead.customer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let each = |of: fn(&wire::TouchpointRow) -> Option<&str>| {
        let all: BTreeSet<&str> = it.timeline.iter().filter_map(of).filter(|it| !it.is_empty()).collect();
        all.into_iter().collect::<Vec<_>>().join("; ")
    };
    // Newest first: the first of a destination says how it stands there.
    let mut seen = BTreeSet::new();
    let deliveries = it.deliveries.iter().filter(|it| seen.insert(it.destination.as_str()));
    let deliveries: Vec<String> = deliveries.map(|it| format!("{}: {}", it.destination, it.state)).collect();
    let mut cells = vec![it.lead.id.clone()];
    cells.extend(["first_name", "last_name", "email", "phone", "country", "company", "title"].map(said));
    cells.extend([
        it.lead.test.to_string(),
        it.lead.touchpoints.to_string(),
        it.lead.created_at.clone(),
        it.lead.updated_at.clone(),
        each(|it| Some(&it.source)),
        each(|it| Some(&it.action)),
        each(|it| it.offer.as_deref()),
        deliveries.join("; "),
    ]);
    cells
}

/// Opens the target, and finds the place where an earlier run was interrupted.
fn open(name: &str, of: String) -> anyhow::Result<(Target, Place)> {
    let new = Place { of, ..Place::default() };
    if name == "-" {
        return Ok((Target::Stdout, new));
    }
    let place_at = PathBuf::from(format!("{name}.cursor"));
    let length = Path::new(name).metadata().map_or(0, |it| it.len());
    let place: Place = match std::fs::read(&place_at) {
        Ok(kept) => match serde_json::from_slice::<Place>(&kept) {
            Ok(place) if place.of == new.of && place.bytes <= length => place,
            _ => {
                let what = format!("{} is the place of another export", place_at.display());
                let fix = format!("name another file, or remove it and {name} to start anew");
                return Err(Failure::new(ExitCode::Usage, what, fix).into());
            }
        },
        Err(_) if length > 0 => {
            let fix = "name another file, or remove it";
            return Err(Failure::new(ExitCode::Usage, format!("{name} is there already"), fix).into());
        }
        Err(_) => new,
    };
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(name)
        .with_context(|| format!("cannot write {name}"))?;
    file.set_len(place.bytes)?;
    file.seek(SeekFrom::End(0))?;
    Ok((Target::File { file, place_at }, place))
}

impl Target {
    /// Writes a page, and only then that it is there: after a crash in between it is written again.
    fn write(&mut self, out: output::Output, text: &[u8], place: &mut Place) -> anyhow::Result<()> {
        match self {
            Target::Stdout => out.bytes(text),
            Target::File { file, place_at } => {
                file.write_all(text)?;
                file.sync_data()?;
                place.bytes += text.len() as u64;
                std::fs::write(place_at, serde_json::to_vec(place)?)
                    .context("cannot write where the export is")
            }
        }
    }

    fn finish(self) -> anyhow::Result<()> {
        match self {
            Target::Stdout => Ok(()),
            Target::File { place_at, .. } => std::fs::remove_file(place_at).context("cannot end the export"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_file_is_cut_where_it_was_finished_and_a_finished_one_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("leads.csv").to_str().unwrap().to_owned();
        let out = output::Output { json: false, quiet: true };
        let of = || "Csv of contoso".to_owned();
        let (mut target, mut place) = open(&name, of()).unwrap();
        place.cursor = Some("lead_1".to_owned());
        place.leads = 1;
        target.write(out, b"one\n", &mut place).unwrap();
        let Target::File { file, .. } = &mut target else { panic!("a file") };
        file.write_all(b"half a").unwrap();
        drop(target);
        assert!(open(&name, "Csv of fabrikam".to_owned()).is_err(), "another one's leads in the same file");
        let (mut target, mut place) = open(&name, of()).unwrap();
        assert_eq!((place.cursor.as_deref(), place.leads), (Some("lead_1"), 1));
        target.write(out, b"two\n", &mut place).unwrap();
        target.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&name).unwrap(), "one\ntwo\n");
        assert!(open(&name, of()).is_err());
    }
    #[test]
    fn a_file_that_was_begun_with_nothing_in_it_is_gone_on_with_and_a_shorter_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("leads.ndjson").to_str().unwrap().to_owned();
        let out = output::Output { json: false, quiet: true };
        let of = || "Ndjson of contoso".to_owned();
        drop(open(&name, of()).unwrap());
        let (mut target, mut place) = open(&name, of()).unwrap();
        target.write(out, b"one\n", &mut place).unwrap();
        drop(target);
        std::fs::remove_file(&name).unwrap();
        assert!(open(&name, of()).is_err(), "what the place counts on is gone");
    }
}
