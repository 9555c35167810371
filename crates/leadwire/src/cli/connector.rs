//! `leadwire connector`: the systems leads can be brought to, and what each wants to know.

use super::exit_code::ExitCode;
use super::failure::Failure;
use super::{Session, client, output};
use crate::api::wire;
use serde_json::Value;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire connector list
  leadwire connector show https
  leadwire connector show https --json";

/// What can be done with connectors.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// List the connectors of the service
    List,
    /// Show a connector's settings, with an example
    Show {
        /// Its name
        kind: String,
    },
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let out = session.out;
    let rows = session.client()?.list(&["v1", "connectors"], &[]).await?;
    match command {
        Command::List => {
            out.rows(rows, &["KIND", "TITLE", "WHAT FOR"], |it: wire::Connector| {
                vec![it.name, it.title, it.summary]
            })?;
        }
        Command::Show { kind } => {
            let found = rows.into_iter().find(|it| it.get("name").and_then(Value::as_str) == Some(&kind));
            let missing = || {
                let what = format!("there is no connector called {}", output::harmless(&kind));
                Failure::new(ExitCode::NotFound, what, "see `leadwire connector list`")
            };
            let found = found.ok_or_else(missing)?;
            if out.json {
                out.value(&found)?;
            } else {
                out.line(&text(&client::shape(found)?))?;
            }
        }
    }
    Ok(ExitCode::Ok)
}

fn text(it: &wire::Connector) -> String {
    let rows = it.fields.iter().map(|field| {
        let word = |name: &str| field.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        vec![word("name"), needed(field), values(field), word("help")]
    });
    let table = output::table(&["SETTING", "NEEDED", "VALUES", "WHAT FOR"], rows.collect());
    let example = it.example.as_object().into_iter().flatten().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!(" \\\n    --set {name}={value}")
    });
    let example: String = example.collect();
    let steps: String = (1..).zip(&it.steps).map(|(number, it)| format!("  {number}. {it}.\n")).collect();
    let steps = if steps.is_empty() { steps } else { format!("\n\nFirst:\n{}", steps.trim_end()) };
    let rows: String = it.mapping.iter().map(|(target, row)| format!("  {target} = {row}\n")).collect();
    let rows = if rows.is_empty() { rows } else { format!("\n\nFields (`mapping`):\n{}", rows.trim_end()) };
    format!(
        "{}: {}{steps}\n\n{table}{rows}\n\nExample:\n  leadwire destination add PUBLISHER NAME --kind {}{example}",
        it.title, it.summary, it.name
    )
}

fn needed(field: &Value) -> String {
    let only_when = field.get("only_when").and_then(Value::as_object);
    let when = only_when
        .and_then(|it| it.iter().next())
        .map(|(name, value)| format!("with {name}={}", value.as_str().unwrap_or_default()));
    match (field.get("required").and_then(Value::as_bool).unwrap_or(false), when) {
        (true, None) => "yes".to_owned(),
        (true, Some(when)) => when,
        (false, None) => "no".to_owned(),
        (false, Some(when)) => format!("no, only {when}"),
    }
}

fn values(field: &Value) -> String {
    let shape = field.get("shape").and_then(Value::as_str).unwrap_or_default();
    let default = field.get("default").and_then(Value::as_str);
    let choices = field.get("choices").and_then(Value::as_array);
    let mut text = match choices {
        Some(choices) => {
            let values: Vec<&str> = choices.iter().filter_map(|it| it.get("value")?.as_str()).collect();
            values.join(" | ")
        }
        None if shape == "number" => format!("{} to {}", field["min"], field["max"]),
        None if shape == "status_map" => "404=retry,410=park".to_owned(),
        None => shape.to_owned(),
    };
    if let Some(default) = default {
        text.push_str(&format!(" [{default}]"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_setting_shows_its_values_and_when_it_is_needed() {
        let choice =
            json!({ "shape": "choice", "choices": [{ "value": "a" }, { "value": "b" }], "default": "a" });
        assert_eq!((values(&choice), needed(&choice)), ("a | b [a]".to_owned(), "no".to_owned()));
        let number = json!({ "shape": "number", "min": 1, "max": 9, "required": true, "only_when": { "auth": "basic" } });
        assert_eq!((values(&number), needed(&number)), ("1 to 9".to_owned(), "with auth=basic".to_owned()));
    }
}
