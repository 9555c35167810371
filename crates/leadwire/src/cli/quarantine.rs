//! `leadwire quarantine`: bodies that could not be read, kept as they came.

use super::Session;
use super::client::{self, Wanted};
use super::exit_code::ExitCode;
use super::output::harmless;
use crate::api::wire;
use anyhow::Context;
use bytes::Bytes;
use http::Method;
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

pub(super) const EXAMPLES: &str = "Examples:
  leadwire quarantine list contoso
  leadwire quarantine show contoso qrt_01hzx2g7q0abcdefghjkmnpqrs > body.bin
  leadwire quarantine explain contoso qrt_01hzx2g7q0abcdefghjkmnpqrs
  leadwire quarantine retry contoso qrt_01hzx2g7q0abcdefghjkmnpqrs --body mended.json
  leadwire quarantine retry contoso --offer crm-pro --from 2026-11-20T00:00:00Z
  leadwire quarantine list contoso --all --json";

/// What can be done with what is in quarantine.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// List bodies that could not be read, newest first, with the reason
    List {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Write a body to standard output, byte for byte as it came
    Show {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the body
        id: String,
    },
    /// Say what is wrong with a body, and where in it
    Explain {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the body
        id: String,
    },
    /// Read bodies anew, one or all that wait; those that can be read now are accepted, each once
    Retry {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of one body
        #[arg(conflicts_with_all = ["offer", "from", "until"])]
        id: Option<String>,
        /// Read this file in its place, `-` for standard input; what came is kept
        #[arg(long, value_name = "FILE", requires = "id")]
        body: Option<PathBuf>,
        /// Read it by this content type
        #[arg(long, value_name = "TYPE", requires = "id")]
        content_type: Option<String>,
        /// Only those that came to addresses of this offer
        #[arg(long)]
        offer: Option<String>,
        /// Only those that came at this moment or later
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Only those that came before this moment
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
}

/// The query of a retry.
type Query = Vec<(&'static str, String)>;

/// Reads anew what waits, as many requests long as it takes.
async fn retry(
    session: &Session,
    id: Option<(&str, wire::QuarantineReading)>,
    mut query: Query,
) -> anyhow::Result<()> {
    let (client, out) = (session.client()?, session.out);
    let mut all = wire::QuarantineRetried {
        looked: 0,
        accepted: 0,
        duplicates: 0,
        erased: 0,
        unreadable: 0,
        next: None,
    };
    loop {
        let asked: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = match &id {
            Some((id, wish)) => client.post(&["v1", "quarantine", id, "retry"], &asked, wish).await?,
            None => client.act(&["v1", "quarantine", "retry-waiting"], &asked).await?,
        };
        let done: wire::QuarantineRetried = client::shape(answer)?;
        all.looked += done.looked;
        all.accepted += done.accepted;
        all.duplicates += done.duplicates;
        all.erased += done.erased;
        all.unreadable += done.unreadable;
        let Some(next) = done.next else { break };
        query.retain(|it| it.0 != "cursor");
        query.push(("cursor", next));
    }
    if out.json {
        out.value(&serde_json::to_value(&all)?)?;
    }
    out.note(&format!(
        "{} bodies were read: {} accepted, {} accepted before, {} of erased people, {} still cannot be read.",
        all.looked, all.accepted, all.duplicates, all.erased, all.unreadable
    ));
    Ok(())
}

/// A file that is read in a body's place.
fn read_text(file: &Path) -> anyhow::Result<String> {
    let name = file.display();
    let reader: Box<dyn Read> = match file == Path::new("-") {
        true => Box::new(io::stdin()),
        false => Box::new(std::fs::File::open(file).with_context(|| format!("cannot read {name}"))?),
    };
    let mut text = String::new();
    // One byte more than is taken: then the service says so.
    let most = limits::TOUCHPOINT_BYTES_MAX as u64 + 1;
    reader.take(most).read_to_string(&mut text).with_context(|| format!("{name} is not text"))?;
    Ok(text)
}

/// What is wrong with a body, a paragraph each.
fn explained(it: &wire::QuarantinedBody) -> String {
    if let Some(touchpoint) = &it.row.touchpoint {
        return format!("It became the touchpoint {touchpoint}.");
    }
    if it.mistakes.is_empty() {
        return "Nothing that could be told: it can be read by now, or its bytes are gone.".to_owned();
    }
    let told = it.mistakes.iter().map(|it| {
        let at = it.place.as_ref().map_or_else(String::new, |at| {
            let line = |text: &str| text.lines().map(harmless).collect::<Vec<_>>().join("\n  ");
            let shown = format!("{}»{}«{}", line(&at.before), line(&at.there), line(&at.behind));
            format!("\n  line {}, sign {}:\n  {shown}", at.line, at.column)
        });
        let pointer = if it.pointer.is_empty() { String::new() } else { format!("{}: ", it.pointer) };
        format!("{pointer}{}\n  To do: {}{at}", it.message, it.fix)
    });
    told.collect::<Vec<_>>().join("\n\n")
}

const HEADS: [&str; 6] = ["ID", "CAME", "OFFER", "BYTES", "CODE", "WHY"];

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::List { publisher, wanted } => {
            let mut heads: &[&str] = &HEADS;
            let query = [("publisher", publisher.as_str())];
            let has_more = client.pages(&["v1", "quarantine"], &query, wanted, |rows| {
                out.rows(rows, std::mem::take(&mut heads), |it: wire::QuarantinedRow| {
                    let place =
                        if it.pointer.is_empty() { String::new() } else { format!("{}: ", it.pointer) };
                    let why = format!("{place}{}", it.message);
                    vec![it.id, it.received_at, it.offer, it.body_bytes.to_string(), it.code, why]
                })
            });
            if has_more.await? {
                out.note("There are more: --all shows every body, --limit more of them.");
            }
        }
        Command::Retry { publisher, id, body, content_type, offer, from, until } => {
            let mut query: Query = vec![("publisher", publisher.to_string())];
            for (name, value) in [("offer", offer), ("from", from), ("until", until)] {
                query.extend(value.map(|it| (name, it)));
            }
            let body = body.as_deref().map(read_text).transpose()?;
            let wish = wire::QuarantineReading { body, content_type };
            retry(session, id.as_deref().map(|id| (id, wish)), query).await?;
        }
        Command::Explain { publisher, id } => {
            let path = ["v1", "quarantine", &id];
            let found = client.get(&path, &[("publisher", publisher.as_str())]).await?;
            out.one(found, |it: wire::QuarantinedBody| explained(&it))?;
        }
        Command::Show { publisher, id } => {
            let path = ["v1", "quarantine", &id, "body"];
            let answer =
                client.raw(Method::GET, &path, &[("publisher", publisher.as_str())], Bytes::new()).await?;
            if !answer.status.is_success() {
                return Err(client.failure(&answer).into());
            }
            if std::io::stdout().is_terminal() {
                // Who knows what is in it: a terminal gets it line by line, made harmless.
                let text = String::from_utf8_lossy(&answer.body);
                let lines: Vec<String> = text.lines().map(harmless).collect();
                out.line(&lines.join("\n"))?;
            } else {
                out.bytes(&answer.body)?;
            }
        }
    }
    Ok(ExitCode::Ok)
}
