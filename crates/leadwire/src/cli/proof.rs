//! `leadwire destination validate`, `test-lead`, `preview` and `prepare`, and `leadwire explain`: whether leads arrive, and
//! what the destination says when they do not.

use super::Session;
use super::client::{self, Client};
use super::destination::Which;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::output::{Output, harmless};
use crate::api::wire;
use console::style;
use serde_json::{Map, Value, json};
use std::io::Read;

/// Most bytes read of a lead to preview.
const LEAD_BYTES_MAX: u64 = 256 * 1024;

pub(super) const EXPLAIN_EXAMPLES: &str = "Examples:
  leadwire explain INVALID_SESSION_ID
  leadwire explain AADSTS7000215
  leadwire explain --json";

/// What `explain` can be told.
#[derive(clap::Args)]
pub(super) struct Explain {
    /// A code or a message of a destination; everything that is known when missing
    text: Option<String>,
}

/// What a preview shows.
#[derive(clap::Args)]
pub(super) struct Subject {
    /// A stored touchpoint, by its id
    #[arg(long, conflicts_with = "lead")]
    touchpoint: Option<String>,
    /// A lead as JSON: a file, or `-` for standard input
    #[arg(long, value_name = "FILE")]
    lead: Option<String>,
}

/// Goes the way of a lead, and shows the steps.
pub(super) async fn validate(
    client: &Client,
    out: Output,
    which: &Which,
    look_only: bool,
) -> anyhow::Result<ExitCode> {
    let wish = wire::ValidateWish { look_only };
    let proof = client.post_long(&which.path_to("validate"), &which.query(), &wish).await?;
    show(out, proof, which)
}

/// Writes a test lead that stays.
pub(super) async fn test_lead(client: &Client, out: Output, which: &Which) -> anyhow::Result<ExitCode> {
    let proof = client.post_long(&which.path_to("test-lead"), &which.query(), &json!({})).await?;
    show(out, proof, which)
}

/// Makes what is needed at the destination.
pub(super) async fn prepare(client: &Client, out: Output, which: &Which) -> anyhow::Result<ExitCode> {
    let proof = client.post_long(&which.path_to("prepare"), &which.query(), &json!({})).await?;
    if proof.get("steps").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        if out.json {
            out.value(&proof)?;
        }
        out.note("This kind of destination needs nothing to be made.");
        return Ok(ExitCode::Ok);
    }
    show(out, proof, which)
}

fn show(out: Output, proof: Value, which: &Which) -> anyhow::Result<ExitCode> {
    let read: wire::Proof = client::shape(proof.clone())?;
    if out.json {
        out.value(&proof)?;
    } else {
        for step in &read.steps {
            out.line(&line(step))?;
        }
        if let Some(mark) = &read.mark {
            out.note(&format!("The test lead is called {}.", harmless(mark)));
        }
    }
    if read.passed {
        out.note(&format!("Leads will arrive at {}.", which.name()));
        Ok(ExitCode::Ok)
    } else {
        out.note("Leads will not arrive yet. Mend the step that failed, and validate again.");
        Ok(ExitCode::Failed)
    }
}

fn line(step: &wire::ProofStep) -> String {
    let sign = match step.verdict.as_str() {
        "passed" => style("✔").green(),
        "warned" => style("!").yellow(),
        "failed" => style("✘").red(),
        _ => style("·").dim(),
    };
    let mut text =
        format!("{sign} {}  {}", harmless(&step.title), style(format!("{} ms", step.took_ms)).dim());
    if !step.message.is_empty() {
        text.push_str(&format!("\n    {}", harmless(&step.message)));
    }
    if !step.fix.is_empty() {
        text.push_str(&format!("\n    {} {}", style("Fix:").bold(), harmless(&step.fix)));
    }
    text
}

/// Shows the exact requests for a lead.
pub(super) async fn preview(
    client: &Client,
    out: Output,
    which: &Which,
    subject: Subject,
) -> anyhow::Result<ExitCode> {
    let lead = subject.lead.as_deref().map(read_lead).transpose()?;
    let wish = wire::PreviewWish { touchpoint: subject.touchpoint, lead };
    let preview = client.post(&which.path_to("preview"), &which.query(), &wish).await?;
    out.one(preview, |it: wire::Preview| text(&it))?;
    out.note("Nothing was sent.");
    Ok(ExitCode::Ok)
}

fn text(it: &wire::Preview) -> String {
    let mut text = String::new();
    for request in &it.requests {
        text.push_str(&format!("{} {}\n", harmless(&request.method), harmless(&request.url)));
        for header in &request.headers {
            text.push_str(&format!("{}\n", harmless(header)));
        }
        let pretty = serde_json::from_str::<Value>(&request.body).ok();
        let pretty = pretty.and_then(|it| serde_json::to_string_pretty(&it).ok());
        text.push_str(&format!("\n{}\n\n", pretty.unwrap_or_else(|| request.body.replace('\r', ""))));
    }
    for note in &it.notes {
        text.push_str(&format!("note: {}\n", harmless(note)));
    }
    for unsent in &it.unsent {
        text.push_str(&format!(
            "not sent: {}\n  fix: {}\n  then: {}\n",
            harmless(&unsent.message),
            harmless(&unsent.fix),
            harmless(&unsent.then)
        ));
    }
    text.trim_end().to_owned()
}

fn read_lead(file: &str) -> anyhow::Result<Map<String, Value>> {
    let cannot = |what: String| Failure::new(ExitCode::Usage, what, "give one lead as a JSON object");
    let reader: Box<dyn Read> = if file == "-" {
        Box::new(std::io::stdin())
    } else {
        let opened = std::fs::File::open(file);
        Box::new(opened.map_err(|error| cannot(format!("cannot read {file}: {error}")))?)
    };
    let mut text = String::new();
    let read = reader.take(LEAD_BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| cannot(format!("{file} cannot be read as text: {error}")))?;
    if text.len() as u64 > LEAD_BYTES_MAX {
        return Err(cannot(format!("{file} has more than {LEAD_BYTES_MAX} bytes")).into());
    }
    Ok(serde_json::from_str(&text)
        .map_err(|error| cannot(format!("{file} is not a JSON object: {error}")))?)
}

/// Explains what a destination said.
pub(super) async fn explain(args: Explain, session: &Session) -> anyhow::Result<ExitCode> {
    let text = args.text.unwrap_or_default();
    let query: &[(&str, &str)] = if text.is_empty() { &[] } else { &[("text", &text)] };
    let rows = session.client()?.list(&["v1", "errors"], query).await?;
    let count = rows.len();
    let heads = ["KIND", "CODE", "WHAT IT MEANS", "WHAT TO DO", "WHAT LEADWIRE DOES"];
    session
        .out
        .rows(rows, &heads, |it: wire::KnownError| vec![it.kind, it.code, it.message, it.fix, it.then])?;
    if count == 0 {
        session.out.note("No destination is known to say this. `leadwire delivery show` has its own words.");
        return Ok(ExitCode::NotFound);
    }
    Ok(ExitCode::Ok)
}
