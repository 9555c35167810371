//! Posting bodies to an intake address as they are, as a marketplace does.

use super::items::{Format, tell};
use super::post::{Post, Poster};
use super::progress::Progress;
use super::tally::Tally;
use crate::api::wire::AddressReceipt;
use crate::cli::exit_code::ExitCode;
use crate::cli::failure::Failure;
use anyhow::Context;
use bytes::Bytes;
use leadwire_core::limits::TOUCHPOINT_BYTES_MAX;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use url::Url;

/// Bytes looked at to tell what an input is.
const LOOK_BYTES: usize = 64 * 1024;

/// Posts an input: whole, or line by line when it is NDJSON.
pub(super) async fn send(
    address: &Url,
    (reader, name, format): (impl Read, &str, Format),
    poster: &mut Poster<'_>,
    progress: &Progress,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let mut reader = BufReader::with_capacity(LOOK_BYTES, reader);
    let start = reader.fill_buf().with_context(|| format!("cannot read {name}"))?;
    let by_line = match (format, is_form(name)) {
        (Format::Csv, _) => return Err(not_a_table(name).into()),
        (_, true) => false,
        // Standard input is one body, unless it is said to be more.
        (Format::Auto, false) => tell(format, name, start) == Format::Ndjson && name.contains('.'),
        (Format::Json | Format::Ndjson, false) => format == Format::Ndjson,
    };
    let mut line = 0;
    loop {
        let mut body = Vec::new();
        let mut bounded = reader.by_ref().take(TOUCHPOINT_BYTES_MAX as u64 + 2);
        let read =
            if by_line { bounded.read_until(b'\n', &mut body) } else { bounded.read_to_end(&mut body) };
        if read.with_context(|| format!("cannot read {name}"))? == 0 && (by_line || line > 0) {
            return Ok(());
        }
        line += 1;
        if body.len() > TOUCHPOINT_BYTES_MAX && !body.ends_with(b"\n") {
            let what =
                format!("{name}:{line} is larger than {TOUCHPOINT_BYTES_MAX} bytes, which no address takes");
            return Err(Failure::new(ExitCode::Refused, what, "").into());
        }
        let body = if by_line { body.trim_ascii_end().to_vec() } else { body };
        if by_line && body.is_empty() {
            continue;
        }
        send_body(address, (name, line), Bytes::from(body), poster, tally).await?;
        progress.tell(tally.line());
        if !by_line {
            return Ok(());
        }
    }
}

async fn send_body(
    address: &Url,
    (name, line): (&str, u64),
    body: Bytes,
    poster: &mut Poster<'_>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let content_type = if is_form(name) { "application/x-www-form-urlencoded" } else { "application/json" };
    let answer = poster.post(address, &Post { body, content_type, key: None }).await?;
    let receipt = serde_json::from_slice::<AddressReceipt>(&answer.body).ok();
    match receipt {
        Some(receipt) if receipt.quarantined => tally.quarantined += 1,
        Some(receipt) if receipt.duplicate => tally.duplicates += 1,
        Some(_) => tally.accepted += 1,
        // Another receiver than Leadwire takes a lead with any good status.
        None if answer.status.is_success() => tally.accepted += 1,
        None if answer.status.as_u16() == 404 => {
            let fix =
                "check the address; it is shown once by `leadwire address add`, and may have been revoked";
            return Err(Failure::new(
                ExitCode::NotFound,
                "the intake address is not known to the service",
                fix,
            )
            .into());
        }
        None => {
            let problem = serde_json::from_slice::<Value>(&answer.body).unwrap_or(Value::Null);
            let fallback = serde_json::json!({ "code": "refused", "detail": format!("answered with {}", answer.status) });
            tally.refuse_problem(
                name,
                line,
                if problem.get("detail").is_some() { &problem } else { &fallback },
            );
        }
    }
    Ok(())
}

fn is_form(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("form"))
}

fn not_a_table(name: &str) -> Failure {
    let what = format!("{name} is a table, and no marketplace posts one");
    Failure::new(ExitCode::Usage, what, "send it without --address, with --to PUBLISHER.OFFER")
}
