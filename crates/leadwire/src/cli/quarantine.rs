//! `leadwire quarantine`: bodies that could not be read, kept as they came.

use super::Session;
use super::client::Wanted;
use super::exit_code::ExitCode;
use super::output::harmless;
use crate::api::wire;
use bytes::Bytes;
use http::Method;
use leadwire_core::id::PublisherId;
use std::io::IsTerminal;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire quarantine list contoso
  leadwire quarantine show contoso qrt_01hzx2g7q0abcdefghjkmnpqrs > body.bin
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
