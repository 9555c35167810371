//! `leadwire migrate`: a store is moved from a data folder into a PostgreSQL database, or back.

use super::Session;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::output::Output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use leadwire_core::hex;
use leadwire_store::moving::{Difference, GoOn, MoveError, Moved, Progress, Stage};
use leadwire_store::postgres::Address;
use leadwire_store::{Database, Store};
use serde_json::json;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire migrate --from leadwire-data --to @address.txt
  leadwire migrate --from postgres://leadwire@localhost/leadwire --to /var/lib/leadwire

Stop every service on both first. An address with a password in it stands in a file, whose name follows an `@`: a command
line can be seen by others of the machine. The target must be empty; one that was interrupted is gone on with by the same
command, and no service starts on it before. What came over is read again on both sides and compared. The source stays as
it is: start no service on it any more, or it sends the same leads again.";

/// What `migrate` can be told.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Where the store is: a data folder, a database address, or `@` and a file that holds one
    #[arg(long, value_name = "PLACE")]
    from: String,
    /// Where it shall be, in the same words
    #[arg(long, value_name = "PLACE")]
    to: String,
}

pub(super) async fn run(args: Args, session: &Session) -> anyhow::Result<ExitCode> {
    let out = session.out;
    let (from, to) = (place("--from", &args.from)?, place("--to", &args.to)?);
    let shown = Shown::start(out);
    let work = move || {
        let mut shown = shown;
        let done = Store::move_all(&from, &to, &mut |progress| shown.tell(progress));
        shown.end();
        (done, from, to)
    };
    let (done, from, to) = tokio::task::spawn_blocking(work).await?;
    let moved = done.map_err(explained)?;
    let rows: u64 = moved.tables.iter().map(|it| it.1).sum();
    if out.json {
        out.value(&shape(&moved, rows))?;
    }
    out.note(&format!(
        "Moved {rows} rows of {} tables; both sides are the same.{}",
        moved.tables.len(),
        if moved.went_on { " An earlier move was gone on with." } else { "" }
    ));
    out.note(next_step(&from, &to));
    Ok(ExitCode::Ok)
}

/// What is left to be done by hand.
fn next_step(from: &Database, to: &Database) -> &'static str {
    match (from, to) {
        (Database::Folder(_), Database::Server(_)) => {
            "Now set `database`, and start the service with the same data folder: `secret.key` is in it. Keep `leadwire.db` as a \
             backup of this moment, and start nothing on it."
        }
        (_, Database::Folder(_)) => {
            "Now put `secret.key` into that folder, take `database` out of the settings, and start one service on it. Start \
             nothing on the other store."
        }
        (Database::Server(_), Database::Server(_)) => {
            "Now change `database`, and start the service with the same master key. Start nothing on the other store."
        }
    }
}

/// Reads a place; what is wrong is told without the text, which may hold a password.
fn place(option: &str, text: &str) -> Result<Database, Failure> {
    let bad = |what: String| {
        let fix = "name a data folder, a `postgres://` address, or `@` and a file that holds one";
        Failure::new(ExitCode::Usage, format!("{option}: {what}"), fix)
    };
    let read;
    let text = match text.strip_prefix('@') {
        None => text,
        Some(file) => {
            read =
                std::fs::read_to_string(file).map_err(|error| bad(format!("cannot read {file}: {error}")))?;
            read.trim()
        }
    };
    // Both ways to begin an address; a folder has no such name.
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Address::parse(text).map(Database::Server).map_err(bad);
    }
    if text.is_empty() || text.contains("://") {
        return Err(bad("neither a folder nor a database address".to_owned()));
    }
    Ok(Database::Folder(PathBuf::from(text)))
}

fn explained(error: MoveError) -> anyhow::Error {
    let said = error.to_string();
    let (exit, said, fix) = match &error {
        MoveError::Store(_) | MoveError::Ended => (
            ExitCode::Failed,
            said,
            "see to it, and give the same command again: it goes on where it was".to_owned(),
        ),
        MoveError::NoSource(_) => (
            ExitCode::NotFound,
            said,
            "correct --from; or start this version on it once, which brings it up to date, and stop it"
                .to_owned(),
        ),
        MoveError::HalfSource(_) => {
            (ExitCode::Refused, said, "move from the store that it came from".to_owned())
        }
        MoveError::InUse(_) => (
            ExitCode::Refused,
            said,
            "stop every service on it; one that was killed counts as alive for ten seconds more".to_owned(),
        ),
        MoveError::NotEmpty(_) => {
            (ExitCode::Refused, said, "name an empty folder or database with --to".to_owned())
        }
        MoveError::OtherSource { .. } => (
            ExitCode::Refused,
            said,
            "name that one with --from, to go on with it, or empty the target".to_owned(),
        ),
        MoveError::Differs(found) => (
            ExitCode::Failed,
            format!("these tables are not the same on both sides: {}", listed(found)),
            "somebody wrote to one of them meanwhile, or a disk is bad; empty the target and begin again"
                .to_owned(),
        ),
    };
    Failure::new(exit, said, fix).into()
}

fn listed(found: &[Difference]) -> String {
    let each = found.iter().map(|it| match it.rows {
        (here, there) if here == there => format!("{} ({here} rows on both)", it.table),
        (here, there) => format!("{} ({here} rows, and {there} came over)", it.table),
    });
    each.collect::<Vec<_>>().join(", ")
}

fn shape(moved: &Moved, rows: u64) -> serde_json::Value {
    let tables = moved.tables.iter().map(|(name, rows, sum)| {
        let mut sha256 = String::new();
        hex::encode_into(sum, &mut sha256);
        json!({ "table": name, "rows": rows, "sha256": sha256 })
    });
    json!({ "went_on": moved.went_on, "rows": rows, "tables": tables.collect::<Vec<_>>() })
}

/// How far it is: a bar on a terminal, else a line for each table.
struct Shown {
    out: Output,
    bar: Option<ProgressBar>,
    last: Option<(Stage, String)>,
}

impl Shown {
    fn start(out: Output) -> Self {
        let bar = out.shows_progress().then(|| {
            let template = "{prefix:10} {bar:30} {human_pos}/{human_len} rows  {per_sec}  {eta} left  {msg}";
            let bar = ProgressBar::new(0);
            bar.set_style(ProgressStyle::with_template(template).expect("the template is the one above"));
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar
        });
        Self { out, bar, last: None }
    }

    fn tell(&mut self, now: Progress<'_>) -> GoOn {
        let stage = match now.stage {
            Stage::Copying => "copying",
            Stage::Comparing => "comparing",
        };
        if let Some(bar) = &self.bar {
            bar.set_length(now.total);
            bar.set_position(now.done);
            bar.set_prefix(stage);
            bar.set_message(now.table.to_owned());
        } else if self.last.as_ref().is_none_or(|it| it.0 != now.stage || it.1 != now.table) {
            self.last = Some((now.stage, now.table.to_owned()));
            self.out.note(&format!("{stage} {} ({} of {} rows)", now.table, now.done, now.total));
        }
        GoOn::Continue(())
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart_and_a_password_is_never_repeated() {
        assert!(matches!(place("--to", "leadwire-data"), Ok(Database::Folder(_))));
        assert!(matches!(place("--to", "postgres://a:hunter2@db/b"), Ok(Database::Server(_))));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("address");
        std::fs::write(&file, "postgresql://a:hunter2@db/b\n").expect("written");
        assert!(matches!(place("--to", &format!("@{}", file.display())), Ok(Database::Server(_))));
        for bad in
            ["", "mysql://a:hunter2@db/b", "postgres://a:hunter2@db/b?sslmode=require", "@/no/such/file"]
        {
            let Err(failure) = place("--from", bad) else { panic!("it was taken: {bad}") };
            let said = failure.to_text();
            assert!(said.contains("--from") && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn tables_that_differ_are_listed_with_their_rows() {
        let found = |table: &str, rows| Difference { table: table.to_owned(), rows };
        let said = explained(MoveError::Differs(vec![found("lead", (3, 3)), found("touchpoint", (7, 6))]));
        let said = said.downcast_ref::<Failure>().expect("a failure").to_text();
        assert!(said.contains("lead (3 rows on both), touchpoint (7 rows, and 6 came over)"), "{said}");
    }
}
