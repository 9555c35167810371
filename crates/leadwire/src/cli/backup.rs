//! `leadwire backup` and `leadwire restore`: a copy of the store while it runs, and the way back, which brings nobody back
//! who was erased since.

use super::exit_code::ExitCode;
use super::failure::Failure;
use super::{Session, erasure_list};
use crate::clock::{Clock, MachineClock, random_bits};
use leadwire_core::id::TouchpointId;
use leadwire_store::backup::{Contents, Restored};
use leadwire_store::{Database, Store};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What `backup` can be told.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leadwire backup leadwire-2026-11-21.backup
  leadwire backup /mnt/backup/leadwire.backup --data /var/lib/leadwire

The service may run meanwhile. The copy is read back whole before the file gets its name. The master key that opens
destinations' secrets is not in it: keep `secret.key` of the data folder elsewhere. Keep the list of erasures beside it,
written anew after each erasure, with `leadwire erasure export`.")]
pub(super) struct Args {
    /// The file, which must not be there
    file: PathBuf,
}

/// What `restore` can be told.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leadwire restore leadwire-2026-11-21.backup --yes
  leadwire restore leadwire.backup --data /var/lib/leadwire --erasures erasures.json --yes

The service must be stopped. Who was erased after the backup was made is erased in it before it takes its place: by the
store that it replaces, and by the list of --erasures. What may have been brought since, to a destination that would not
know a repetition, is parked until somebody decides.")]
pub(super) struct RestoreArgs {
    /// A file that `leadwire backup` wrote
    file: PathBuf,
    /// A list of erasures that `leadwire erasure export` wrote
    #[arg(long, value_name = "FILE")]
    erasures: Option<PathBuf>,
    /// Restore although nobody knows who was erased since the backup
    #[arg(long)]
    without_erasures: bool,
    /// Replace what is in the data folder
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(args: Args, session: &Session) -> anyhow::Result<ExitCode> {
    let (folder, file, out) = (session.global.folder().to_owned(), args.file, session.out);
    refuse_server(&folder)?;
    let target = file.clone();
    let contents = tokio::task::spawn_blocking(move || Store::back_up(&folder, &target)).await??;
    if out.json {
        out.value(&shape(&contents))?;
    }
    out.note(&format!("Backed up {} to {}.", told(&contents), file.display()));
    Ok(ExitCode::Ok)
}

pub(super) async fn restore(args: RestoreArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let (folder, out) = (session.global.folder().to_owned(), session.out);
    refuse_server(&folder)?;
    if !args.yes {
        return Err(Failure::new(
            ExitCode::Usage,
            format!("this replaces the store in {}", folder.display()),
            "say --yes when that is meant",
        )
        .into());
    }
    let mut lists = Vec::new();
    if let Some(file) = &args.erasures {
        lists.push(erasure_list::read(file)?);
    }
    let replaced = folder.clone();
    match tokio::task::spawn_blocking(move || Store::erasures_in(&Database::Folder(replaced))).await? {
        Ok(list) => lists.extend(list),
        Err(error) => out.note(&format!("The store that is replaced does not say who was erased: {error}.")),
    }
    if lists.is_empty() && !args.without_erasures {
        return Err(Failure::new(
            ExitCode::Refused,
            "nobody knows who was erased since the backup was made: there is no store to ask, and no list",
            "name the list with --erasures; or say --without-erasures, and erase them again by hand",
        )
        .into());
    }
    let now = MachineClock::start().wall();
    let file = args.file.clone();
    let kinds = leadwire_connect::CONNECTORS.iter().filter(|it| !it.knows_repeats);
    let unkeyed: Vec<&str> = kinds.map(|it| it.name).collect();
    let work = move || {
        let mut mint = || TouchpointId::new(random_bits());
        Store::restore(&file, &folder, (&lists, &unkeyed), &mut mint, now)
    };
    let Restored { contents, applied, held } = tokio::task::spawn_blocking(work).await??;
    if out.json {
        let mut shown = shape(&contents);
        shown["erased_again"] = json!({ "erasures": applied.erasures, "leads": applied.leads, "quarantined": applied.quarantined });
        shown["held"] = json!({ "deliveries": held.deliveries, "replays": held.replays });
        out.value(&shown)?;
    }
    out.note(&format!(
        "Restored {}. {} erasures since the backup were made again, of {} leads.",
        told(&contents),
        applied.erasures,
        applied.leads
    ));
    if held.deliveries > 0 {
        out.note(&format!(
            "{} deliveries may have been brought since the backup, to destinations that do not know a repetition. They are \
             parked as `restored`: `leadwire failure list` shows them, and `failure retry` or `failure drop` decides.",
            held.deliveries
        ));
    }
    if held.replays > 0 {
        out.note(&format!("{} replays are paused; `leadwire replay resume` lets one go on.", held.replays));
    }
    Ok(ExitCode::Ok)
}

/// A database server has its own ways to copy what it holds, of a moment and of every moment.
fn refuse_server(folder: &Path) -> anyhow::Result<()> {
    match super::doctor::place(folder)? {
        Database::Folder(_) => Ok(()),
        Database::Server(address) => Err(Failure::new(
            ExitCode::Refused,
            format!("the leads are in {}, which this does not copy", address.shown()),
            "use pg_basebackup with an archive of the log, or pg_dump; docs/operate.md says how erased people are kept out",
        )
        .into()),
    }
}

/// Writes the list of erasures of the store.
pub(super) async fn export(file: &Path, session: &Session) -> anyhow::Result<()> {
    let place = super::doctor::place(session.global.folder())?;
    let found = tokio::task::spawn_blocking(move || Store::erasures_in(&place)).await??;
    let list = found.ok_or_else(|| {
        Failure::new(
            ExitCode::NotFound,
            "there is no store in the data folder that can erase",
            "name the folder of the service with --data",
        )
    })?;
    erasure_list::write(file, &list)?;
    let count: usize = list.iter().map(|it| it.erasures.len()).sum();
    if session.out.json {
        session.out.value(&json!({ "erasures": count }))?;
    }
    session.out.note(&format!("Wrote {count} erasures to {}.", file.display()));
    Ok(())
}

fn told(it: &Contents) -> String {
    format!(
        "{} leads, {} touchpoints and {} deliveries of {} publishers, {} bytes",
        it.leads, it.touchpoints, it.deliveries, it.publishers, it.bytes
    )
}

fn shape(it: &Contents) -> serde_json::Value {
    json!({
        "bytes": it.bytes,
        "schema": it.schema,
        "publishers": it.publishers,
        "leads": it.leads,
        "touchpoints": it.touchpoints,
        "deliveries": it.deliveries,
    })
}
