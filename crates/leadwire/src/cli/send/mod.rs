//! `leadwire send`: brings leads in from files, in batches; sending the same again stores nothing twice.

pub(super) mod batch;
pub(super) mod dry;
pub(super) mod items;
pub(super) mod post;
pub(super) mod progress;
pub(super) mod tally;
mod verbatim;

use super::exit_code::ExitCode;
use super::failure::Failure;
use super::{Session, output};
use crate::api::wire::{ItemResult, Receipts};
use crate::clock::MachineClock;
use anyhow::Context;
use batch::{Batch, Batcher};
use items::Format;
use leadwire_core::id::OfferRef;
use leadwire_core::limits;
use post::{Post, Poster};
use progress::Progress;
use std::io::{IsTerminal, Read};
use std::time::Duration;
use tally::Tally;
use url::Url;

/// What `send` can be told.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leadwire send leads.csv --to contoso.crm-pro
  leadwire send leads.csv --to contoso.crm-pro --dry-run
  leadwire send january.ndjson february.ndjson
  leadwire send - --format ndjson < leads.ndjson
  leadwire send lead.json --address http://127.0.0.1:5323/in/lw_in_TOKEN

A file that was sent before, whole or in part, can be sent again for a week: what has arrived is recognised.
Ends with 1 when any lead was refused.")]
pub(super) struct Args {
    /// Files to send; `-` is standard input
    #[arg(value_name = "FILES")]
    files: Vec<String>,
    /// How the leads are written
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
    /// The offer of leads that name none
    #[arg(long, value_parser = super::offer_ref, value_name = "PUBLISHER.OFFER", conflicts_with = "address")]
    to: Option<OfferRef>,
    /// Post each file, or each line of NDJSON, as it is to an intake address, as a marketplace does
    #[arg(long, value_name = "URL")]
    address: Option<Url>,
    /// Send nothing: say what was recognised in each file, and what would be refused
    #[arg(long, conflicts_with = "address")]
    dry_run: bool,
    /// Give up when the service has not answered for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    patience: u64,
}

/// An input: its name, its length if known, and its bytes.
pub(super) struct Input {
    pub(super) name: String,
    pub(super) bytes: Option<u64>,
    pub(super) reader: Box<dyn Read>,
}

pub(super) async fn run(mut args: Args, session: &Session) -> anyhow::Result<ExitCode> {
    let out = session.out;
    let inputs = inputs(&mut args.files, "name a file, or `-` to type leads here")?;
    if args.dry_run {
        return dry::run((args.format, args.to.as_ref()), inputs, out);
    }
    let clock = MachineClock::start();
    let mut poster = Poster::new(session.client()?, &clock, out, Duration::from_secs(args.patience));
    let progress = Progress::start(out, inputs.iter().map(|it| it.bytes).sum());
    let mut tally = Tally::default();
    // Cancel-safe: a request that is dropped may have been stored, and sending again recognises it.
    let ended = tokio::select! {
        ended = send_all(&args, inputs, &mut poster, &progress, &mut tally) => ended,
        _ = tokio::signal::ctrl_c() => Err(Failure::new(ExitCode::Failed, "stopped by Ctrl-C", "").into()),
    };
    progress.end();
    if ended.is_ok() || tally.total() > 0 {
        tell(&args, session, &tally)?;
    }
    match ended {
        Ok(()) if tally.refused == 0 => Ok(ExitCode::Ok),
        Ok(()) => Ok(ExitCode::Failed),
        Err(error) => Err(resumable(error, &args, &tally)),
    }
}

async fn send_all(
    args: &Args,
    inputs: Vec<Input>,
    poster: &mut Poster<'_>,
    progress: &Progress,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    for input in inputs {
        let reader = progress.watch(input.reader);
        let name = input.name;
        if let Some(address) = &args.address {
            verbatim::send(address, (reader, &name, args.format), poster, progress, tally).await?;
            continue;
        }
        let mut batcher = Batcher::default();
        for item in items::read(reader, &name, args.format, args.to.clone())? {
            let item = item?;
            let full = match item.body {
                Ok(body) => batcher.push(item.line, &body),
                Err(details) => {
                    tally.refuse(&name, item.line, details);
                    None
                }
            };
            if let Some(batch) = full {
                send_batch(&name, &batch, poster, tally).await?;
                progress.tell(tally.line());
            }
        }
        if let Some(batch) = batcher.take() {
            send_batch(&name, &batch, poster, tally).await?;
            progress.tell(tally.line());
        }
    }
    Ok(())
}

async fn send_batch(
    name: &str,
    batch: &Batch,
    poster: &mut Poster<'_>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let post = Post { body: batch.body.clone(), content_type: "application/x-ndjson", key: Some(&batch.key) };
    let url = poster.client().url(&["v1", "leads"], &[])?;
    send_to(&url, &post, (name, &batch.lines), poster, tally).await
}

/// Posts leads that stand on these lines of a file, and counts what became of each.
///
/// # Errors
/// When the service refused them as a whole, or did not answer for long.
pub(super) async fn send_to(
    url: &Url,
    post: &Post<'_>,
    (name, lines): (&str, &[u64]),
    poster: &mut Poster<'_>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let answer = poster.post(url, post).await?;
    // A batch of which every lead was refused is answered 422, with the same list.
    let receipts = serde_json::from_slice::<Receipts>(&answer.body).ok();
    let Some(receipts) = receipts.filter(|it| it.results.len() == lines.len()) else {
        return Err(poster.client().failure(&answer).into());
    };
    for (result, line) in receipts.results.into_iter().zip(lines) {
        match result {
            ItemResult::Accepted(receipt) if receipt.duplicate => tally.duplicates += 1,
            ItemResult::Accepted(receipt) if receipt.erased => tally.erased += 1,
            ItemResult::Accepted(_) => tally.accepted += 1,
            ItemResult::Refused { problem } => tally.refuse_problem(name, *line, &problem),
        }
    }
    Ok(())
}

/// Opens every file before the first is read, so that a misspelt name is told before anything happens; standard input where
/// none is named.
///
/// # Errors
/// When one cannot be opened; and when none is named and nobody pipes anything in, with this fix.
pub(super) fn inputs(files: &mut Vec<String>, fix: &str) -> anyhow::Result<Vec<Input>> {
    if files.is_empty() {
        if std::io::stdin().is_terminal() {
            return Err(Failure::new(ExitCode::Usage, "no file was named", fix).into());
        }
        files.push("-".to_owned());
    }
    files.iter().map(|it| open(it)).collect()
}

/// Opens a file; `-` is standard input.
///
/// # Errors
/// When there is no such file, or it is a folder.
pub(super) fn open(name: &str) -> anyhow::Result<Input> {
    if name == "-" {
        return Ok(Input {
            name: "standard input".to_owned(),
            bytes: None,
            reader: Box::new(std::io::stdin()),
        });
    }
    let cannot =
        |error: std::io::Error| Failure::new(ExitCode::NotFound, format!("cannot read {name}: {error}"), "");
    let file = std::fs::File::open(name).map_err(cannot)?;
    let metadata = file.metadata().with_context(|| format!("cannot read {name}"))?;
    if metadata.is_dir() {
        let what = format!("{name} is a folder");
        return Err(Failure::new(ExitCode::Usage, what, "name the files in it, such as with *.json").into());
    }
    let bytes = metadata.is_file().then_some(metadata.len());
    Ok(Input { name: output::harmless(name), bytes, reader: Box::new(file) })
}

fn tell(args: &Args, session: &Session, tally: &Tally) -> anyhow::Result<()> {
    let out = session.out;
    if out.json {
        return out.value(&tally.to_json());
    }
    out.line(&tally.line())?;
    if tally.refused > 0 {
        output::warn(&tally.refusals());
        if args.address.is_none() {
            // A changed file has other keys, and its good leads would be stored again.
            out.note("Put the refused leads, mended, in a file of their own and send that; the others have arrived.");
        }
    }
    if tally.duplicates > 0 {
        out.note("Duplicates were stored before; nothing was stored twice.");
    }
    Ok(())
}

/// Adds to what went wrong how to go on.
fn resumable(error: anyhow::Error, args: &Args, tally: &Tally) -> anyhow::Error {
    let days = limits::IDEMPOTENCY_KEPT.as_secs() / (24 * 3600);
    let kept = match args.address {
        Some(_) => format!("{} min", limits::SAME_BODY_WINDOW.as_secs() / 60),
        None => format!("{days} days"),
    };
    let fix = format!(
        "run the same command again to go on: for {kept} what has arrived is recognised and not stored twice"
    );
    go_on_with(error, tally, fix)
}

/// Adds a fix to what went wrong behind the one it has, unless nothing was done yet.
pub(super) fn go_on_with(error: anyhow::Error, tally: &Tally, fix: String) -> anyhow::Error {
    if error.is::<output::ReaderLeft>() {
        return error;
    }
    let exit = error.downcast_ref::<Failure>().map_or(ExitCode::Failed, Failure::exit);
    if exit != ExitCode::Unreachable && tally.total() == 0 {
        return error;
    }
    let fix = match error.downcast_ref::<Failure>().map(Failure::fix).filter(|it| !it.is_empty()) {
        Some(first) => format!("{first}; {fix}"),
        None => fix,
    };
    Failure::new(exit, format!("{error:#}"), fix).into()
}
