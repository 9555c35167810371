//! `leadwire audit`: whether the store is as it must be, and who changed what.

mod verdict;

use super::Session;
use super::exit_code::ExitCode;
use super::failure::Failure;
use crate::audit;
use crate::clock::{Clock, MachineClock};
use crate::vault::Vault;
use leadwire_store::Store;
use leadwire_store::verify::{Bodies, Findings};
use std::path::Path;
use std::sync::Arc;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire audit verify
  leadwire audit verify --data /var/lib/leadwire --json

`verify` reads the data folder itself, with the service running or not, and ends with 1 when something is wrong.";

/// What can be done with the audit log.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Look whether the store is as it must be, from its rows alone; needs no service
    Verify {
        /// Leave kept bytes unread: quicker, and a changed byte goes unseen
        #[arg(long)]
        without_bodies: bool,
    },
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        Command::Verify { without_bodies } => {
            let bodies = if without_bodies { Bodies::Left } else { Bodies::Hashed };
            verify(bodies, session).await
        }
    }
}

async fn verify(bodies: Bodies, session: &Session) -> anyhow::Result<ExitCode> {
    let (folder, out) = (session.global.folder().to_owned(), session.out);
    let progress = out.shows_progress();
    let looked = tokio::task::spawn_blocking(move || look(&folder, bodies, progress)).await??;
    let (findings, has_key) = looked.ok_or_else(|| {
        Failure::new(
            ExitCode::NotFound,
            "there is no store of this version in the data folder",
            "name the folder of the service with --data; a store of an older Leadwire is brought up to date by `leadwire serve`",
        )
    })?;
    if out.json {
        out.value(&verdict::json(&findings, has_key))?;
    } else {
        out.line(verdict::text(&findings, has_key).trim_end())?;
    }
    Ok(if findings.violations() == 0 { ExitCode::Ok } else { ExitCode::Failed })
}

/// Looks at the store of a folder, with the master key when it is at hand; says whether it was.
fn look(folder: &Path, bodies: Bodies, progress: bool) -> anyhow::Result<Option<(Findings, bool)>> {
    let Some(setup) = Store::look(folder)? else { return Ok(None) };
    let vault = super::doctor::vault_at_hand(folder).map(Arc::<Vault>::new);
    let has_key = vault.is_some();
    let scope = audit::scope(&setup, vault, bodies, MachineClock::start().wall());
    let bar = if progress { indicatif::ProgressBar::new_spinner() } else { indicatif::ProgressBar::hidden() };
    let findings = Store::verify(folder, &scope, |it| {
        bar.set_message(format!(
            "{} touchpoints, {} deliveries",
            it.counted.touchpoints, it.counted.deliveries
        ));
        bar.tick();
    })?;
    bar.finish_and_clear();
    Ok(findings.map(|it| (it, has_key)))
}
