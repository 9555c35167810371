//! `leadwire follow-up`: what is said to customers and to the team once a customer's interest rises.

use super::Session;
use super::client;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::output::{fields, harmless};
use crate::api::wire;
use crate::follow_ups::{GivenByLanguage, GivenWords};
use anyhow::Context;
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use serde_json::json;
use std::io::Read;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire follow-up add contoso --offer '*' --step initial --to customer \\
    --through mail --words en=thanks.txt
  leadwire follow-up add contoso --offer '*' --step active --to team \\
    --through team-mail --words en=new.txt
  leadwire follow-up list contoso
  leadwire follow-up preview contoso flw_01hzx2g7q0abcdefghjkmnpqrs lead.json
  leadwire follow-up set contoso flw_01hzx2g7q0abcdefghjkmnpqrs \\
    --words en=thanks.txt --words hu=koszonjuk.txt
  leadwire follow-up remove contoso flw_01hzx2g7q0abcdefghjkmnpqrs

A file of words begins with its subject, then an empty line, then the text:
  Subject: Thank you for trying {{offer_title}}

  Dear {{customer.first_name | default('customer')}}, ...";

/// What can be done with follow-ups.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Say something once a customer's interest in an offer rises to a step
    Add {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// The offer, the start of offers' ids with a '*' behind it, or '*' for every offer of the publisher
        #[arg(long)]
        offer: String,
        /// The step
        #[arg(long, value_parser = ["initial", "active"])]
        step: String,
        /// To the customer, with consent only, or to the team
        #[arg(long, value_parser = ["customer", "team"])]
        to: String,
        /// Name or number of the destination it is sent through, to which no route leads
        #[arg(long, value_name = "DESTINATION")]
        through: String,
        /// Collect until this minute of the day, in UTC; for the team
        #[arg(long, value_name = "HH:MM")]
        digest_at: Option<String>,
        /// The words in a language, from a file; `-` is standard input
        #[arg(long, value_name = "LANGUAGE=FILE", required = true, value_parser = language_file)]
        words: Vec<(String, String)>,
    },
    /// Change a follow-up; what is owed already is said in the new words
    Set {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the follow-up
        follow_up: String,
        /// The offer, the start of ids with a '*' behind it, or '*'
        #[arg(long)]
        offer: Option<String>,
        /// The step
        #[arg(long, value_parser = ["initial", "active"])]
        step: Option<String>,
        /// Name or number of the destination
        #[arg(long, value_name = "DESTINATION")]
        through: Option<String>,
        /// Collect until this minute of the day, in UTC; '' sends at once
        #[arg(long, value_name = "HH:MM")]
        digest_at: Option<String>,
        /// All words, in place of those that were
        #[arg(long, value_name = "LANGUAGE=FILE", value_parser = language_file)]
        words: Vec<(String, String)>,
    },
    /// List a publisher's follow-ups
    List {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
    },
    /// Show what a follow-up says of a lead, and whether it would be sent; nothing is
    Preview {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the follow-up
        follow_up: String,
        /// Id of a kept touchpoint, or a file with one lead in JSON; `-` is standard input
        #[arg(value_name = "TOUCHPOINT_OR_FILE")]
        lead: String,
    },
    /// Remove a follow-up; what it owes is not sent any more
    Remove {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the follow-up
        follow_up: String,
    },
}

fn language_file(text: &str) -> Result<(String, String), &'static str> {
    let (language, file) = text.split_once('=').ok_or("write LANGUAGE=FILE, such as en=thanks.txt")?;
    Ok((language.to_owned(), file.to_owned()))
}

const HEADS: [&str; 7] = ["FOLLOW-UP", "OFFER", "STEP", "TO", "THROUGH", "DIGEST", "WORDS"];

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::Add { publisher, offer, step, to, through, digest_at, words } => {
            let new = wire::NewFollowUp {
                offer,
                step,
                audience: to,
                destination: through,
                digest_at,
                words: read_all(&words)?,
            };
            let query = [("publisher", publisher.as_str())];
            let made = client.post(&["v1", "follow-ups"], &query, &new).await?;
            let id = client::shape::<wire::FollowUp>(made.clone())?.id;
            out.one(made, |it: wire::FollowUp| it.id)?;
            out.note(&format!("See how it reads: leadwire follow-up preview {publisher} {id} lead.json"));
        }
        Command::Set { publisher, follow_up, offer, step, through, digest_at, words } => {
            let words = if words.is_empty() { None } else { Some(read_all(&words)?) };
            let change = wire::FollowUpChange { offer, step, destination: through, digest_at, words };
            let path = ["v1", "follow-ups", &follow_up];
            let changed = client.patch(&path, &[("publisher", publisher.as_str())], &change).await?;
            out.rows(vec![changed], &HEADS, row)?;
        }
        Command::List { publisher } => {
            let rows = client.list(&["v1", "follow-ups"], &[("publisher", publisher.as_str())]).await?;
            out.rows(rows, &HEADS, row)?;
        }
        Command::Preview { publisher, follow_up, lead } => {
            let trial = if lead.starts_with("tp_") {
                wire::FollowUpTrial { touchpoint: Some(lead), lead: None }
            } else {
                let text = read(&lead)?;
                let bad = |error: serde_json::Error| {
                    let fix = "give the id of a kept touchpoint, or a file with one lead in JSON";
                    Failure::new(ExitCode::Usage, format!("{lead} is not a lead in JSON: {error}"), fix)
                };
                wire::FollowUpTrial {
                    touchpoint: None,
                    lead: Some(serde_json::from_str(&text).map_err(bad)?),
                }
            };
            let path = ["v1", "follow-ups", &follow_up, "preview"];
            let shown = client.post(&path, &[("publisher", publisher.as_str())], &trial).await?;
            out.one(shown, |it: wire::FollowUpShown| letter(&it))?;
        }
        Command::Remove { publisher, follow_up } => {
            let path = ["v1", "follow-ups", &follow_up];
            client.delete(&path, &[("publisher", publisher.as_str())]).await?;
            if out.json {
                out.value(&json!({ "removed": follow_up }))?;
            }
            out.note("Removed. What it owed is not sent any more.");
        }
    }
    Ok(ExitCode::Ok)
}

fn row(it: wire::FollowUp) -> Vec<String> {
    let languages: Vec<&str> = it.words.keys().map(String::as_str).collect();
    let digest = it.digest_at.unwrap_or_else(|| "at once".to_owned());
    vec![it.id, it.offer, it.step, it.audience, it.destination, digest, languages.join(", ")]
}

fn letter(it: &wire::FollowUpShown) -> String {
    let sent = match &it.because {
        None => "yes".to_owned(),
        Some(why) => format!("no: {why}"),
    };
    let head = fields(&[("would be sent", &sent), ("language", &it.language), ("subject", &it.subject)]);
    let lines: Vec<String> = it.text.lines().map(harmless).collect();
    format!("{}\n\n{}", head.trim_end(), lines.join("\n"))
}

fn read_all(files: &[(String, String)]) -> anyhow::Result<GivenByLanguage> {
    files.iter().map(|(language, file)| Ok((language.clone(), words_of(file, &read(file)?)?))).collect()
}

/// Splits a file of words at its subject.
fn words_of(file: &str, text: &str) -> Result<GivenWords, Failure> {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let subject = first.trim().strip_prefix("Subject:").map(str::trim);
    match subject {
        Some(subject) => Ok(GivenWords { subject: subject.to_owned(), text: rest.trim().to_owned() }),
        None => Err(Failure::new(
            ExitCode::Usage,
            format!("{file} does not begin with its subject"),
            "write `Subject: …` as the first line, then an empty line, then the text",
        )),
    }
}

fn read(file: &str) -> anyhow::Result<String> {
    let reader: Box<dyn Read> = match file {
        "-" => Box::new(std::io::stdin()),
        file => Box::new(std::fs::File::open(file).with_context(|| format!("cannot read {file}"))?),
    };
    let most = limits::SETUP_BODY_BYTES_MAX as u64;
    let mut text = String::new();
    reader.take(most).read_to_string(&mut text).with_context(|| format!("{file} is not text"))?;
    Ok(text)
}
