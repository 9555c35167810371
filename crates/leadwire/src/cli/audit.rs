//! `leadwire audit`: whether the store is as it must be, who changed what, and what came and went on a day.

mod verdict;

use super::Session;
use super::client::{self, Query, Wanted};
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::output::{fields, harmless, table};
use crate::api::wire;
use crate::audit;
use crate::clock::{Clock, MachineClock};
use crate::vault::Vault;
use anyhow::Context;
use leadwire_core::hex;
use leadwire_core::id::PublisherId;
use leadwire_store::Store;
use leadwire_store::verify::{Bodies, Scope};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use verdict::Looked;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire audit verify
  leadwire audit verify --data /var/lib/leadwire --json
  leadwire audit verify --checkpoints /mnt/elsewhere/checkpoints.txt
  leadwire audit list --publisher contoso
  leadwire audit list --publisher contoso --action destination.update --from 2026-11-01
  leadwire audit checkpoint --publisher contoso > checkpoint.txt
  leadwire audit statement contoso --day 2026-11-20

`verify` reads the data folder itself, with the service running or not, and ends with 1 when something is wrong.";

/// What can be done with the audit log.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Look whether the store is as it must be, from its rows alone; needs no service
    Verify {
        /// Leave kept bytes unread: quicker, and a changed byte goes unseen
        #[arg(long)]
        without_bodies: bool,
        /// A file of lines that `audit checkpoint` printed, to be found in the log as they are
        #[arg(long, value_name = "FILE")]
        checkpoints: Option<PathBuf>,
    },
    /// List who changed what, newest first
    List {
        /// Whose things; without it what belongs to nobody in particular
        #[arg(long, value_parser = super::publisher_id)]
        publisher: Option<PublisherId>,
        #[command(flatten)]
        found: Found,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Sign the audit log up to its newest entry, and print that on a line, for keeping elsewhere
    Checkpoint {
        /// Whose log; without it the operator's own
        #[arg(long, value_parser = super::publisher_id)]
        publisher: Option<PublisherId>,
    },
    /// Show the daily statement: what came and where it went
    Statement {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// The day in UTC, such as 2026-11-20; the last one that is told when missing
        #[arg(long)]
        day: Option<String>,
    },
}

/// Which entries are listed.
#[derive(clap::Args)]
pub(super) struct Found {
    /// Only what this key, user or `service` did
    #[arg(long)]
    who: Option<String>,
    /// Only what is called so, such as destination.update
    #[arg(long)]
    action: Option<String>,
    /// Only from this day or moment on, in UTC
    #[arg(long)]
    from: Option<String>,
    /// Only before this day or moment, in UTC
    #[arg(long)]
    to: Option<String>,
}

const HEADS: [&str; 6] = ["NUMBER", "AT", "WHO", "ROLE", "ACTION", "SUBJECT"];

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        Command::Verify { without_bodies, checkpoints } => {
            let bodies = if without_bodies { Bodies::Left } else { Bodies::Hashed };
            verify(bodies, checkpoints.as_deref(), session).await
        }
        Command::List { publisher, found, wanted } => {
            list((publisher.as_ref(), &found), wanted, session).await
        }
        Command::Checkpoint { publisher } => checkpoint(publisher.as_ref(), session).await,
        Command::Statement { publisher, day } => statement(&publisher, day.as_deref(), session).await,
    }
}

async fn list(
    (publisher, found): (Option<&PublisherId>, &Found),
    wanted: Wanted,
    session: &Session,
) -> anyhow::Result<ExitCode> {
    let (out, mut heads): (_, &[&str]) = (session.out, &HEADS);
    let only = [("who", &found.who), ("action", &found.action), ("from", &found.from), ("to", &found.to)];
    let mut query: Vec<(&str, &str)> = publisher.iter().map(|it| ("publisher", it.as_str())).collect();
    query.extend(only.into_iter().filter_map(|(name, it)| Some((name, it.as_deref()?))));
    let client = session.client()?;
    let has_more = client.pages(&["v1", "audit"], &query, wanted, |rows| {
        out.rows(rows, std::mem::take(&mut heads), |it: wire::AuditEntry| {
            let subject =
                if it.detail.is_empty() { it.subject } else { format!("{} ({})", it.subject, it.detail) };
            vec![it.number.to_string(), it.at, it.who, it.role, it.action, harmless(&subject)]
        })
    });
    if has_more.await? {
        out.note("There are more: --all shows every entry, --limit more of them.");
    }
    Ok(ExitCode::Ok)
}

async fn checkpoint(publisher: Option<&PublisherId>, session: &Session) -> anyhow::Result<ExitCode> {
    let query: Vec<(&str, &str)> = publisher.iter().map(|it| ("publisher", it.as_str())).collect();
    let made = session.client()?.act(&["v1", "audit", "checkpoint"], &query).await?;
    session.out.one(made, |it: wire::AuditCheckpoint| it.line())?;
    Ok(ExitCode::Ok)
}

async fn statement(
    publisher: &PublisherId,
    day: Option<&str>,
    session: &Session,
) -> anyhow::Result<ExitCode> {
    let mut query = vec![("publisher", publisher.as_str()), ("limit", "1")];
    query.extend(day.map(|it| ("day", it)));
    let query: Query<'_> = &query;
    let answer = session.client()?.get(&["v1", "statements"], query).await?;
    let mut page: wire::Page<serde_json::Value> = client::shape(answer)?;
    let found = page.items.pop().ok_or_else(|| {
        Failure::new(
            ExitCode::NotFound,
            "there is no such statement",
            "a day's statement is made an hour after its end, in UTC; leave --day out for the last one",
        )
    })?;
    let shown: wire::Statement = client::shape(found.clone())?;
    session.out.one(found, |it: wire::Statement| statement_text(&it))?;
    Ok(if shown.is_ours { ExitCode::Ok } else { ExitCode::Failed })
}

fn statement_text(it: &wire::Statement) -> String {
    let said = &it.statement;
    let channels: Vec<String> =
        said.channels.iter().map(|(channel, count)| format!("{count} {channel}")).collect();
    let mut text = fields(&[
        ("statement", &format!("{} {}", said.publisher, said.day)),
        ("made", &said.made_at),
        (
            "touchpoints",
            &format!(
                "{} ({} tests, {} taken by no route, {} erased)",
                said.touchpoints, said.tests, said.unrouted, said.erased
            ),
        ),
        ("by channel", &channels.join(", ")),
        ("quarantined", &said.quarantined.to_string()),
        ("repetitions", &said.duplicates.to_string()),
        ("audit log", &format!("{} entries {}", said.audit_number, said.audit_hash)),
        ("mark", &format!("{} ({})", it.mark, if it.is_ours { "ours" } else { "NOT OURS" })),
    ]);
    if !said.destinations.is_empty() {
        let cells = |it: &wire::PlacesOfDay| {
            let counts = [it.accepted, it.pending, it.delivered, it.parked, it.suppressed, it.erased];
            let name = if it.name.is_empty() { format!("number {}", it.number) } else { it.name.clone() };
            std::iter::once(harmless(&name)).chain(counts.iter().map(u64::to_string)).collect()
        };
        let heads = ["DESTINATION", "ACCEPTED", "PENDING", "DELIVERED", "PARKED", "SUPPRESSED", "ERASED"];
        text.push('\n');
        text.push_str(&table(&heads, said.destinations.iter().map(cells).collect()));
    }
    text
}

async fn verify(bodies: Bodies, checkpoints: Option<&Path>, session: &Session) -> anyhow::Result<ExitCode> {
    let known = checkpoints.map(read_checkpoints).transpose()?.unwrap_or_default();
    let (folder, out) = (session.global.folder().to_owned(), session.out);
    let progress = out.shows_progress();
    let looked = tokio::task::spawn_blocking(move || look(&folder, (bodies, known), progress)).await??;
    let found = looked.ok_or_else(|| {
        Failure::new(
            ExitCode::NotFound,
            "there is no store of this version in the data folder",
            "name the folder of the service with --data; a store of an older Leadwire is brought up to date by `leadwire serve`",
        )
    })?;
    if out.json {
        out.value(&verdict::json(&found))?;
    } else {
        out.line(verdict::text(&found).trim_end())?;
    }
    Ok(if found.findings.violations() == 0 { ExitCode::Ok } else { ExitCode::Failed })
}

/// An entry of the log as it was when it was signed: whose chain, its number and its hash.
type Known = (String, u64, [u8; 32]);

/// Reads lines that `audit checkpoint` printed, as text or as JSON.
fn read_checkpoints(file: &Path) -> anyhow::Result<Vec<Known>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let lines = text.lines().enumerate().filter(|it| !it.1.trim().is_empty());
    let read = lines.map(|(place, line)| {
        read_checkpoint(line).ok_or_else(|| {
            let what = format!("line {} of {} is no checkpoint", place + 1, file.display());
            Failure::new(ExitCode::Usage, what, "`leadwire audit checkpoint` prints such lines").into()
        })
    });
    read.collect()
}

fn read_checkpoint(line: &str) -> Option<Known> {
    if let Ok(it) = serde_json::from_str::<wire::AuditCheckpoint>(line) {
        return Some((it.publisher, it.number, hex::decode(&it.hash)?.try_into().ok()?));
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let [publisher, number, _, hash, _] = words.as_slice() else { return None };
    let publisher = if *publisher == OPERATOR { String::new() } else { (*publisher).to_owned() };
    Some((publisher, number.parse().ok()?, hex::decode(hash)?.try_into().ok()?))
}

/// How the operator's own chain is called on a line; no publisher's name begins so.
const OPERATOR: &str = wire::AuditCheckpoint::OPERATOR;

/// Looks at the store of a folder, with the master key when it is at hand.
fn look(
    folder: &Path,
    (bodies, known): (Bodies, Vec<Known>),
    progress: bool,
) -> anyhow::Result<Option<Looked>> {
    let database = super::doctor::place(folder)?;
    let Some(setup) = Store::look(&database)? else { return Ok(None) };
    let vault = super::doctor::vault_at_hand(folder).map(Arc::<Vault>::new);
    let has_key = vault.is_some();
    let scope = audit::scope(&setup, vault, bodies, MachineClock::start().wall());
    let scope = Scope { known: Arc::new(known), ..scope };
    let bar = if progress { indicatif::ProgressBar::new_spinner() } else { indicatif::ProgressBar::hidden() };
    let findings = Store::verify(&database, &scope, |it| {
        bar.set_message(format!(
            "{} touchpoints, {} deliveries",
            it.counted.touchpoints, it.counted.deliveries
        ));
        bar.tick();
    })?;
    bar.finish_and_clear();
    let named = setup.destinations.into_iter();
    let names = named.map(|it| ((it.publisher.to_string(), i64::from(it.number.get())), it.name)).collect();
    Ok(findings.map(|findings| Looked { findings, names, has_key }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_reads_back_from_its_line() {
        let hash = "0f".repeat(32);
        let line = format!("contoso 7 2026-11-20T00:00:00Z {hash} 00");
        assert_eq!(read_checkpoint(&line), Some(("contoso".to_owned(), 7, [15; 32])));
        assert_eq!(read_checkpoint(&line.replace("contoso", OPERATOR)).map(|it| it.0), Some(String::new()));
        assert_eq!(read_checkpoint("contoso 7 x 0f 00"), None);
    }
}
