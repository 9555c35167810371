//! The reference of destinations, written from the descriptors of the connectors, so that it cannot drift from them.

use leadwire_connect::descriptor::{Field, FieldShape};
use leadwire_connect::{CONNECTORS, ConnectorKind, feedback};
use leadwire_core::mapping::{SOURCES, TRANSFORMS};
use leadwire_core::outcome::Fault;
use std::fmt::Write as _;

/// The whole document.
pub fn destinations() -> String {
    let mut out = String::from(
        "# Destinations\n\nEverything on this page is made from the program's own descriptors; `leadwire destination kinds --json` prints the same\nas data. Each kind is set up with `leadwire destination add PUBLISHER NAME --kind KIND --set NAME=VALUE …`, proved with\n`leadwire destination validate PUBLISHER NAME`, and tried without the real system with `leadwire sandbox KIND`.\n\n",
    );
    for kind in CONNECTORS {
        line(&mut out, &format!("- [{}](#{}): {}", kind.title, anchor(kind.title), kind.summary));
    }
    let common = ConnectorKind { own_fields: &[], ..CONNECTORS[0] };
    line(&mut out, "\n## Settings of every destination\n");
    settings(&mut out, common.fields());
    mapping_language(&mut out);
    for kind in CONNECTORS {
        section(&mut out, kind);
    }
    out
}

fn section(out: &mut String, kind: &ConnectorKind) {
    line(out, &format!("\n## {}\n\nKind `{}`. {}.\n", kind.title, kind.name, kind.summary));
    for (number, step) in (1..).zip(kind.steps) {
        line(out, &format!("{number}. {}.", cell(step)));
    }
    line(out, &format!("\nSettings that work, as an example:\n\n```json\n{}\n```\n", kind.example));
    settings(out, kind.own_fields.iter());
    if !kind.default_mapping.is_empty() {
        line(
            out,
            "\nFields unless the setting `mapping` says otherwise:\n\n| field there | made from |\n|---|---|",
        );
        for (target, row) in kind.default_mapping {
            line(out, &format!("| `{target}` | `{}` |", cell(row)));
        }
    }
    let states = feedback::states(kind.name);
    if !states.is_empty() {
        line(
            out,
            "\nWhat statuses mean when feedback is read, unless the setting `feedback_states` says otherwise:\n\n| status there | became of the lead |\n|---|---|",
        );
        for (status, kind) in states {
            line(out, &format!("| `{status}` | {} |", kind.map_or("nothing yet", |it| it.as_str())));
        }
    }
    if !kind.errors.is_empty() {
        line(
            out,
            "\nWhat it may say:\n\n| code | what it means | what to do | what Leadwire does |\n|---|---|---|---|",
        );
        for known in kind.errors {
            let row = [known.code, known.message, known.fix, does(known.fault)].map(cell);
            line(out, &format!("| `{}` | {} | {} | {} |", row[0], row[1], row[2], row[3]));
        }
    }
}

fn settings<'a>(out: &mut String, fields: impl Iterator<Item = &'a Field>) {
    line(out, "| setting | needed | what it is |\n|---|---|---|");
    for field in fields.filter(|it| it.shape != FieldShape::FieldRules) {
        let needed = match (field.required, field.only_when) {
            (true, None) => "yes".to_owned(),
            (true, Some((other, value))) => format!("with `{other}` = `{value}`"),
            (false, None) => "no".to_owned(),
            (false, Some((other, value))) => format!("no; only with `{other}` = `{value}`"),
        };
        let mut what = format!("{}. {}", field.label, field.help);
        match field.shape {
            FieldShape::Choice(choices) => {
                let choices: Vec<String> =
                    choices.iter().map(|(value, label)| format!("`{value}` ({label})")).collect();
                what.push_str(&format!(" One of {}.", choices.join(", ")));
            }
            FieldShape::Number { min, max } => what.push_str(&format!(" From {min} to {max}.")),
            FieldShape::Text
            | FieldShape::Secret
            | FieldShape::Url
            | FieldShape::StatusMap
            | FieldShape::Lines
            | FieldShape::Mapping
            | FieldShape::FieldRules => {}
        }
        if let Some(default) = field.default {
            what.push_str(&format!(" Unless given: `{default}`."));
        }
        if field.secret {
            what.push_str(" Kept sealed, and never shown again.");
        }
        line(out, &format!("| `{}` | {needed} | {} |", field.name, cell(&what)));
    }
}

fn mapping_language(out: &mut String) {
    line(
        out,
        "\n## Fields\n\nKinds with fields of their own have a mapping: a row for each field of the destination, written as a source and transforms\nwith `|` between, such as `customer.company | default('-') | truncate(40)`. The setting `mapping` holds the rows that differ\nfrom the kind's own; an empty row leaves a field out:\n\n```sh\nleadwire destination update contoso crm --set mapping='Title = customer.title | default(\"-\")'\n```\n\n`first(a, b)` takes the first source that has a value, `join(' ', a, b)` puts them together, a text in quotes is itself.\nA field is written when the record is made and then belongs to the people who work there, unless its row ends in `always`.\n`leadwire destination preview` shows what comes of it.\n\n| source | what it is |\n|---|---|",
    );
    for source in SOURCES {
        line(out, &format!("| `{}` | {} |", source.name, cell(source.summary)));
    }
    line(
        out,
        "| `custom.NAME` | a further field that the sender gave |\n| `campaign.NAME` | a campaign parameter |",
    );
    line(out, "\n| transform | what it does |\n|---|---|");
    for (usage, summary) in TRANSFORMS {
        line(out, &format!("| `{}` | {} |", cell(usage), cell(summary)));
    }
}

fn does(fault: Fault) -> &'static str {
    match fault {
        Fault::RetryNow => "sends again at once",
        Fault::RetryAfter(_) => "sends again later",
        Fault::HoldLane(_) => "leaves it in peace for a while",
        Fault::SmallerBatch => "sends smaller batches",
        Fault::RetryThenPause { .. } => "sends again, then pauses",
        Fault::Pause => "pauses and probes",
        Fault::Stop => "pauses until resumed",
        Fault::Park => "parks this lead alone",
        Fault::Withhold => "does not send it",
    }
}

fn anchor(title: &str) -> String {
    let kept = title.to_lowercase();
    kept.chars()
        .filter(|it| it.is_alphanumeric() || " -_".contains(*it))
        .collect::<String>()
        .replace(' ', "-")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a String takes everything");
}
