//! `leadwire import`: brings in leads of earlier times from files; an interrupted import goes on where it was.

mod bookmark;

use super::Session;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::send::batch::{Batch, Batcher};
use super::send::items::{self, Format};
use super::send::post::{Post, Poster};
use super::send::progress::Progress;
use super::send::tally::Tally;
use super::send::{Input, dry, open};
use super::{output, send};
use crate::clock::MachineClock;
use bookmark::{Bookmark, Place};
use leadwire_core::id::OfferRef;
use leadwire_core::limits;
use std::path::PathBuf;
use std::time::Duration;

/// What `import` can be told.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leadwire import leads.csv --to contoso.crm-pro --dry-run
  leadwire import leads.csv --to contoso.crm-pro
  leadwire import 2024.ndjson 2025.ndjson
  leadwire import - --format ndjson < leads.ndjson

The columns of a table are recognised by the names that spreadsheets, CRMs and Partner Center give them; see what was
recognised with --dry-run first. Each lead is recognised by its content for three months, so the same file, sorted,
mended or lengthened, can be imported again. What was interrupted goes on where it was.
Old leads are routed like new ones, no follow-up is sent for them, and erased persons stay out.
Ends with 1 when any lead was refused.")]
pub(super) struct Args {
    /// Files to import; `-` is standard input
    #[arg(value_name = "FILES")]
    files: Vec<String>,
    /// How the leads are written
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
    /// The offer of leads that name none
    #[arg(long, value_parser = super::offer_ref, value_name = "PUBLISHER.OFFER")]
    to: Option<OfferRef>,
    /// Import nothing: say what was recognised in each file, and what would be refused
    #[arg(long)]
    dry_run: bool,
    /// Begin at the start of each file, wherever an earlier import was interrupted
    #[arg(long)]
    restart: bool,
    /// Give up when the service has not answered for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    patience: u64,
}

pub(super) async fn run(mut args: Args, session: &Session) -> anyhow::Result<ExitCode> {
    let out = session.out;
    let inputs = send::inputs(&mut args.files, "name a file, such as a table saved as CSV")?;
    if args.dry_run {
        return dry::run((args.format, args.to.as_ref()), inputs, out);
    }
    let clock = MachineClock::start();
    let mut poster = Poster::new(session.client()?, &clock, out, Duration::from_secs(args.patience));
    let progress = Progress::start(out, inputs.iter().map(|it| it.bytes).sum());
    let mut tally = Tally::default();
    // Cancel-safe: a request that is dropped may have been stored, and importing again recognises it.
    let ended = tokio::select! {
        ended = import_all(&args, inputs, &mut poster, &progress, &mut tally) => ended,
        _ = tokio::signal::ctrl_c() => Err(Failure::new(ExitCode::Failed, "stopped by Ctrl-C", "").into()),
    };
    progress.end();
    if ended.is_ok() || tally.total() > 0 {
        tell(session, &tally)?;
    }
    match ended {
        Ok(()) if tally.refused == 0 => Ok(ExitCode::Ok),
        Ok(()) => Ok(ExitCode::Failed),
        Err(error) => Err(resumable(error, &tally)),
    }
}

async fn import_all(
    args: &Args,
    inputs: Vec<Input>,
    poster: &mut Poster<'_>,
    progress: &Progress,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    for (input, file) in inputs.into_iter().zip(&args.files) {
        let mut place = find_place(args, file, &poster.client().base_and_key())?;
        tally.before += place.leads();
        let skipped = place.leads();
        let (name, reader) = (input.name, progress.watch(input.reader));
        let mut batcher = Batcher::default();
        let all = items::read(reader, &name, args.format, args.to.clone())?;
        for (number, item) in (1u64..).zip(all) {
            let item = item?;
            if number <= skipped {
                continue;
            }
            place.pass(&item);
            let full = match item.body {
                Ok(body) => batcher.push(item.line, &body),
                Err(details) => {
                    tally.refuse(&name, item.line, details);
                    None
                }
            };
            if let Some(batch) = full {
                import_batch(&name, &batch, poster, tally).await?;
                // The lead that filled the batch is in the next one.
                place.keep_without_last();
                progress.tell(tally.line());
            }
        }
        if let Some(batch) = batcher.take() {
            import_batch(&name, &batch, poster, tally).await?;
            progress.tell(tally.line());
        }
        place.remove();
    }
    Ok(())
}

/// Where a file's import goes on: at the bookmark of an interrupted one, when the file is still what it was up to there.
fn find_place(args: &Args, file: &str, service: &str) -> anyhow::Result<Place> {
    if file == "-" {
        return Ok(Place::nowhere());
    }
    let path = PathBuf::from(file);
    let place = Place::at_start(&path, service);
    if args.restart {
        return Ok(place);
    }
    let Some(bookmark) = Bookmark::read(&path, service) else { return Ok(place) };
    let mut passed = Place::at_start(&path, service);
    let input = open(file)?;
    for item in items::read(input.reader, &input.name, args.format, args.to.clone())? {
        if passed.leads() == bookmark.leads {
            break;
        }
        passed.pass(&item?);
    }
    Ok(if passed.is_at(&bookmark) { passed } else { place })
}

async fn import_batch(
    name: &str,
    batch: &Batch,
    poster: &mut Poster<'_>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let post = Post { body: batch.body.clone(), content_type: "application/x-ndjson", key: Some(&batch.key) };
    let url = poster.client().url(&["v1", "leads"], &[("import", "true")])?;
    send::send_to(&url, &post, (name, &batch.lines), poster, tally).await
}

fn tell(session: &Session, tally: &Tally) -> anyhow::Result<()> {
    let out = session.out;
    if out.json {
        return out.value(&tally.to_json());
    }
    out.line(&tally.line())?;
    if tally.before > 0 {
        out.note(&format!("{} were brought in before the interruption.", tally.before));
    }
    if tally.refused > 0 {
        output::warn(&tally.refusals());
        out.note("Mend the refused leads in the file and import it again; the others are recognised.");
    }
    if tally.duplicates > 0 {
        out.note("Duplicates were imported before; nothing was stored twice.");
    }
    Ok(())
}

/// Adds to what went wrong how to go on.
fn resumable(error: anyhow::Error, tally: &Tally) -> anyhow::Error {
    let days = limits::IMPORT_KEPT.as_secs() / (24 * 3600);
    let fix = format!(
        "run the same command again to go on where it was; for {days} days what has arrived is recognised and not stored twice"
    );
    send::go_on_with(error, tally, fix)
}
