//! Settings of a destination as they are typed: `name=value`, `name=@file`, `name=-` for standard input.

use super::exit_code::ExitCode;
use super::failure::Failure;
use leadwire_connect::ConnectorKind;
use leadwire_connect::descriptor::{self, Settings};
use serde_json::Value;
use std::io::Read;

/// Most bytes read for one setting: certificates and keys are far below.
const VALUE_BYTES_MAX: u64 = 64 * 1024;

/// One `--set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    name: String,
    from: From,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    Text(String),
    File(String),
    Stdin,
}

/// Reads one `--set`.
pub(super) fn setting(text: &str) -> Result<Setting, String> {
    let (name, value) = text.split_once('=').ok_or("expected name=value, name=@file or name=-")?;
    let from = match value {
        "-" => From::Stdin,
        _ => value
            .strip_prefix('@')
            .map_or_else(|| From::Text(value.to_owned()), |it| From::File(it.to_owned())),
    };
    Ok(Setting { name: name.trim().to_owned(), from })
}

/// Makes settings of what was typed, as the connector's descriptors want them.
///
/// A connector that this program does not know is left to the service to check; its values are texts.
///
/// # Errors
/// A file that cannot be read, an unknown setting, or a value that is not of its shape.
pub(super) fn collect(kind: &str, typed: &[Setting]) -> anyhow::Result<Settings> {
    let connector = leadwire_connect::kind(kind);
    if typed.iter().filter(|it| it.from == From::Stdin).count() > 1 {
        let fix = "give the others as name=@file";
        return Err(Failure::new(ExitCode::Usage, "standard input can be one setting only", fix).into());
    }
    let mut settings = Settings::new();
    for setting in typed {
        let text = read(setting)?;
        let value =
            connector.map_or_else(|| Ok(Value::from(text.trim())), |it| value(it, &setting.name, &text))?;
        settings.insert(setting.name.clone(), value);
    }
    Ok(settings)
}

fn value(connector: &ConnectorKind, name: &str, text: &str) -> anyhow::Result<Value> {
    let Some(field) = connector.fields().find(|it| it.name == name) else {
        let names: Vec<&str> = connector.fields().map(|it| it.name).collect();
        let what = format!("a destination of kind {} has no setting `{name}`", connector.name);
        return Err(Failure::new(ExitCode::Usage, what, format!("use one of: {}", names.join(", "))).into());
    };
    Ok(descriptor::from_text(field, text).map_err(|it| Failure::new(ExitCode::Usage, it.message, it.fix))?)
}

fn read(setting: &Setting) -> anyhow::Result<String> {
    let cannot = |what: String| Failure::new(ExitCode::Usage, format!("--set {}: {what}", setting.name), "");
    let reader: Box<dyn Read> = match &setting.from {
        From::Text(text) => return Ok(text.clone()),
        From::File(path) => Box::new(
            std::fs::File::open(path).map_err(|error| cannot(format!("cannot read {path}: {error}")))?,
        ),
        From::Stdin => Box::new(std::io::stdin()),
    };
    let mut text = String::new();
    let read = reader.take(VALUE_BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| cannot(format!("cannot be read as text: {error}")))?;
    if text.len() as u64 > VALUE_BYTES_MAX {
        return Err(cannot(format!("has more than {VALUE_BYTES_MAX} bytes")).into());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn https(typed: &[&str]) -> anyhow::Result<Settings> {
        let typed: Vec<Setting> = typed.iter().map(|it| setting(it).expect("name=value")).collect();
        collect("https", &typed)
    }

    #[test]
    fn values_take_the_shape_of_their_setting() {
        let settings = https(&["url=https://x.example/a?b=c", "in_flight=4"]).expect("good settings");
        assert_eq!(Value::Object(settings), json!({ "url": "https://x.example/a?b=c", "in_flight": 4 }));
    }

    #[test]
    fn an_unknown_setting_is_told_with_those_there_are() {
        let error = https(&["urll=https://x.example"]).expect_err("misspelt");
        let failure = error.downcast_ref::<Failure>().expect("a failure");
        assert_eq!(failure.exit(), ExitCode::Usage);
        assert!(failure.to_text().contains("urll") && failure.to_text().contains("signing_secret"));
    }

    #[test]
    fn a_value_of_the_wrong_shape_is_refused_without_repeating_it() {
        let error = https(&["in_flight=hunter2"]).expect_err("no number").to_string();
        assert!(error.contains("in_flight") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_secret_can_come_from_a_file_or_from_standard_input() {
        assert_eq!(setting("a=@/run/b").expect("a file").from, From::File("/run/b".to_owned()));
        assert_eq!(setting("a=-").expect("standard input").from, From::Stdin);
        assert!(setting("a").is_err());
        assert!(https(&["url=-", "signing_secret=-"]).is_err());
    }
}
