//! A mapping comes out of its form as it went in.

use super::*;
use serde_json::json;

fn now(kind: &leadwire_connect::ConnectorKind, changes: &[(&str, Option<&str>)]) -> wire::MappingNow {
    let row = |field: &str, own: Option<&str>| {
        let change = changes.iter().find(|it| it.0 == field).map(|it| it.1);
        wire::MappingRow {
            field: field.to_owned(),
            label: field.to_owned(),
            row: change.unwrap_or(own).map(str::to_owned),
            own: own.map(str::to_owned),
            kind: None,
            characters_max: None,
            bytes_max: None,
            choices: Vec::new(),
            required: false,
        }
    };
    let own = kind.default_mapping.iter().map(|it| row(it.0, Some(it.1)));
    let is_own = |name: &str| kind.default_mapping.iter().any(|it| it.0 == name);
    let added = changes.iter().filter(|it| !is_own(it.0)).map(|it| row(it.0, None));
    wire::MappingNow { version: 1, rows: own.chain(added).collect(), others: Vec::new() }
}

/// The form as a browser sends it when nobody changed anything.
fn untouched(now: &wire::MappingNow) -> HashMap<String, String> {
    let mut form = HashMap::new();
    for (at, row) in now.rows.iter().enumerate() {
        let parts = Parts::of(row.row.as_deref().unwrap_or_default());
        form.insert(format!("field_{at}"), row.field.clone());
        form.insert(format!("from_{at}"), parts.from);
        form.insert(format!("steps_{at}"), parts.steps);
        form.insert(format!("otherwise_{at}"), parts.otherwise);
        form.insert(
            format!("write_{at}"),
            if parts.write == Write::Always { "always" } else { "once" }.to_owned(),
        );
    }
    form
}

#[test]
fn a_form_that_nobody_touched_changes_nothing_of_any_kind() {
    for kind in leadwire_connect::CONNECTORS.iter().filter(|it| !it.default_mapping.is_empty()) {
        let (first, _) = kind.default_mapping[0];
        let changes = [(first, None), ("own_field", Some("custom.seats | number"))];
        let now = now(kind, &changes);
        let expected = json!({ first: null, "own_field": "custom.seats | number" });
        assert_eq!(read(&untouched(&now), &now).map(Value::Object), Ok(expected), "{}", kind.name);
        assert_eq!(
            read(&untouched(&self::now(kind, &[])), &self::now(kind, &[])),
            Ok(Map::new()),
            "{}",
            kind.name
        );
    }
}

#[test]
fn a_row_without_a_field_and_a_field_in_two_rows_are_refused() {
    let kind = leadwire_connect::kind("hubspot").expect("a connector");
    let now = now(kind, &[]);
    let mut form = untouched(&now);
    let next = now.rows.len();
    for (at, field) in [(next, ""), (next + 1, "email")] {
        form.insert(format!("field_{at}"), field.to_owned());
        form.insert(format!("from_{at}"), "notes".to_owned());
    }
    let codes: Vec<&str> = read(&form, &now).unwrap_err().iter().map(|it| it.code).collect();
    assert_eq!(codes, ["no_field", "twice"]);
    form.insert(format!("from_{next}"), " ".to_owned());
    form.insert(format!("field_{}", next + 1), "seats".to_owned());
    assert_eq!(read(&form, &now).map(Value::Object), Ok(json!({ "seats": "notes" })));
}
