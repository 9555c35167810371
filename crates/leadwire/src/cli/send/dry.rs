//! `--dry-run` of `leadwire send` and `leadwire import`: what would be sent, as this program reads it, before anything leaves.

use super::Input;
use super::items::{self, Format, Item};
use super::tally::Tally;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{self, Output};
use leadwire_core::id::OfferRef;
use leadwire_core::json;
use leadwire_core::refusal::Refusal;
use leadwire_core::touchpoint::Touchpoint;
use serde_json::{Map, Value, json};

/// Leads that are shown of each file.
const SHOWN_MAX: usize = 3;
/// Names of further fields that are kept of each file.
const FURTHER_MAX: usize = 50;

/// Whether a touchpoint says something of a field.
type Says = fn(&Touchpoint) -> bool;

/// What people look for first when columns were guessed.
const FIELDS: &[(&str, Says)] = &[
    ("e-mail", |it| it.customer.email.is_some()),
    ("first name", |it| it.customer.first_name.is_some()),
    ("last name", |it| it.customer.last_name.is_some()),
    ("phone", |it| it.customer.phone.is_some()),
    ("company", |it| it.customer.company.is_some()),
    ("country", |it| it.customer.country.is_some()),
    ("offer", |it| it.offer.is_some()),
    ("when", |it| it.occurred_at.is_some()),
];

/// What was found in a file.
#[derive(Default)]
struct Found {
    tally: Tally,
    counts: [u64; FIELDS.len()],
    /// Names of fields that are none of a lead's own, in the order in which they came.
    further: Vec<String>,
    /// The first leads, as they would be stored.
    first: Vec<String>,
}

/// Reads every file and tells what would be sent.
///
/// # Errors
/// When a file cannot be read, or is not what it should be.
pub(in crate::cli) fn run(
    (format, to): (Format, Option<&OfferRef>),
    inputs: Vec<Input>,
    out: Output,
) -> anyhow::Result<ExitCode> {
    let (mut shapes, mut refused) = (Vec::new(), 0);
    for input in inputs {
        let mut found = Found::default();
        for item in items::read(input.reader, &input.name, format, to.cloned())? {
            found.take(&input.name, item?);
        }
        refused += found.tally.refused;
        if out.json {
            shapes.push(found.shape(&input.name));
        } else {
            out.line(&found.text(&input.name))?;
        }
    }
    if out.json {
        out.value(&json!({ "dry_run": true, "files": shapes }))?;
    } else {
        out.note("Nothing was sent. Without --dry-run, it is.");
    }
    Ok(if refused == 0 { ExitCode::Ok } else { ExitCode::Failed })
}

impl Found {
    fn take(&mut self, name: &str, item: Item) {
        let body = match item.body {
            Ok(body) => body,
            Err(details) => return self.tally.refuse(name, item.line, details),
        };
        let read = json::parse(&body)
            .map_err(|it| vec![Refusal::new("", "not_json", it.to_string(), "mend the JSON")])
            .and_then(|it| Touchpoint::parse(&it));
        let touchpoint = match read {
            Ok(touchpoint) => touchpoint,
            Err(refusals) => {
                let details = refusals.iter().map(items::detail).collect();
                return self.tally.refuse(name, item.line, details);
            }
        };
        self.tally.accepted += 1;
        for (count, (_, says)) in self.counts.iter_mut().zip(FIELDS) {
            *count += u64::from(says(&touchpoint));
        }
        for (field, _) in &touchpoint.custom {
            if self.further.len() < FURTHER_MAX && !self.further.contains(field) {
                self.further.push(field.clone());
            }
        }
        if self.first.len() < SHOWN_MAX {
            self.first.push(touchpoint.canonical_json().to_string());
        }
    }

    fn text(&self, name: &str) -> String {
        let (good, refused) = (self.tally.accepted, self.tally.refused);
        let mut text = format!("{name}: {good} would be sent, {refused} refused");
        let counts: Vec<String> =
            self.counts.iter().zip(FIELDS).map(|(count, (field, _))| format!("{field} {count}")).collect();
        text.push_str(&format!("\n  found    {}", counts.join(", ")));
        if !self.further.is_empty() {
            let further: Vec<String> = self.further.iter().map(|it| output::harmless(it)).collect();
            text.push_str(&format!("\n  further  {}", further.join(", ")));
        }
        for lead in &self.first {
            text.push_str(&format!("\n  lead     {}", output::harmless(lead)));
        }
        if refused > 0 {
            text.push('\n');
            text.push_str(self.tally.refusals().trim_end());
        }
        text
    }

    fn shape(&self, name: &str) -> Value {
        let counts = self.counts.iter().zip(FIELDS);
        let found: Map<String, Value> =
            counts.map(|(count, (field, _))| ((*field).to_owned(), json!(count))).collect();
        let first: Vec<Value> = self.first.iter().filter_map(|it| serde_json::from_str(it).ok()).collect();
        json!({
            "file": name, "would_send": self.tally.accepted, "refused": self.tally.to_json()["refused"],
            "refusals": self.tally.to_json()["refusals"], "found": found, "further": self.further, "first": first,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(csv: &str) -> Found {
        let mut found = Found::default();
        let reader = std::io::Cursor::new(csv.to_owned().into_bytes());
        for item in items::read(reader, "leads.csv", Format::Auto, None).expect("a table") {
            found.take("leads.csv", item.expect("a row"));
        }
        found
    }

    #[test]
    fn columns_that_were_recognised_are_counted_and_the_others_named() {
        let found =
            found("E-mail;Vorname;Firma;Region\nada@example.com;Ada;Analytical;North\n;Grace;;South\n");
        let count = |field: &str| {
            let at = FIELDS.iter().position(|it| it.0 == field).expect("a field");
            found.counts[at]
        };
        assert_eq!((found.tally.accepted, count("e-mail"), count("offer")), (2, 1, 0));
        assert!(found.further.contains(&"Region".to_owned()), "{:?}", found.further);
        assert_eq!(found.first.len(), 2);
    }

    #[test]
    fn what_cannot_be_sent_is_told_with_its_line() {
        let found = found("email,occurred_at\nada@example.com,yesterday\n");
        assert_eq!((found.tally.accepted, found.tally.refused), (0, 1));
        assert!(found.text("leads.csv").contains("leads.csv:2"), "{}", found.text("leads.csv"));
    }
}
