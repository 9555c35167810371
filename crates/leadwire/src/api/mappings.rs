//! Endpoints of mappings: as they are, as they were, and written anew.

use super::answer;
use super::call::Call;
use super::destinations::{check, find, kind_of};
use super::problem::Problem;
use super::setup::done;
use super::wire::{self, List, moment};
use crate::directory::Snapshot;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_connect::descriptor::Settings;
use leadwire_connect::{Connector, ConnectorKind, FieldMap};
use leadwire_core::limits;
use leadwire_core::mapping::{Kind, Length, Rule, trial};
use leadwire_core::refusal::Refusal;
use leadwire_store::setup::{Change, Destination, mappings::MappingVersion};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};

/// `GET /v1/destinations/{destination}/mappings`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let (_, destination) = find(&call)?;
    let found = versions(&call, &destination).await?;
    let newest = found.first().map(|it| it.number);
    let names = match found.iter().any(|it| it.created_by.starts_with("usr_")) {
        true => names(&call).await?,
        false => HashMap::new(),
    };
    let items = found.into_iter().map(|it| wire::MappingVersion {
        number: it.number,
        current: Some(it.number) == newest,
        created_at: moment(it.created_at),
        author: names.get(&it.created_by).cloned(),
        mapping: rows_of(&it),
        created_by: Some(it.created_by).filter(|it| !it.is_empty()),
    });
    Ok(answer::json(StatusCode::OK, &List { items: items.collect() }))
}

/// The names of the publisher's own users.
pub(super) async fn names(call: &Call) -> Result<HashMap<String, String>, Problem> {
    let all = call.app.store.users(Some(call.publisher()), limits::USERS_MAX).await?;
    Ok(all.into_iter().map(|it| (it.id.to_string(), it.name)).filter(|it| !it.1.is_empty()).collect())
}

pub(super) async fn versions(call: &Call, it: &Destination) -> Result<Vec<MappingVersion>, Problem> {
    let limit = limits::MAPPING_VERSIONS_SHOWN_MAX;
    Ok(call.app.store.mapping_versions(it.publisher.clone(), it.number, limit).await?)
}

/// Written by this program; a version that cannot be read has no rows to show.
fn rows_of(it: &MappingVersion) -> BTreeMap<String, Option<String>> {
    serde_json::from_str(&it.mapping).unwrap_or_default()
}

/// `GET /v1/destinations/{destination}/mappings/compare`
pub(super) async fn compare(call: Call) -> Result<Response, Problem> {
    let (_, destination) = find(&call)?;
    let kind = mapping_kind(&destination)?;
    let found = versions(&call, &destination).await?;
    let rows = |name: &str| -> Result<Vec<(String, Option<String>)>, Problem> {
        let asked = call.query_as(name, str::parse::<u32>)?;
        let asked = asked.ok_or_else(|| {
            let fix = "give `from` and `to`: numbers of versions, or 0 for the kind's own rows";
            Refusal::new(format!("?{name}"), "missing", format!("`{name}` is missing"), fix)
        })?;
        if asked == 0 {
            return Ok(Vec::new());
        }
        let version = found.iter().find(|it| it.number == asked).ok_or_else(|| {
            let fix = "use a number of the list of versions, or 0 for the kind's own rows";
            Refusal::new(format!("?{name}"), "unknown_mapping", "there is no such version", fix)
        })?;
        Ok(rows_of(version).into_iter().collect())
    };
    let (before, after) = (rows("from")?, rows("to")?);
    let items = trial::difference(kind.default_mapping, &before, &after);
    let items = items.into_iter().map(|(field, from, to)| wire::RowDifference { field, from, to });
    Ok(answer::json(StatusCode::OK, &List { items: items.collect() }))
}

/// `GET /v1/destinations/{destination}/mapping`
pub(super) async fn show(call: Call) -> Result<Response, Problem> {
    let (setup, destination) = find(&call)?;
    Ok(answer::json(StatusCode::OK, &now(&call, &setup, &destination).await?))
}

async fn now(call: &Call, setup: &Snapshot, it: &Destination) -> Result<wire::MappingNow, Problem> {
    let kind = mapping_kind(it)?;
    let connector = open(kind, &settings(setup, it)?)?;
    let map = map_of(connector.as_ref())?;
    let version = versions(call, it).await?.first().map_or(0, |it| it.number);
    let row_of = |field: &str, row: Option<&str>| {
        let own = kind.default_mapping.iter().find(|it| it.0 == field).map(|it| it.1.to_owned());
        row_shape(kind, map, (field, row.map(str::to_owned), own))
    };
    let present: Vec<(&str, &str)> = map.rows().collect();
    let row = |field: &str| present.iter().find(|it| it.0 == field).map(|it| it.1);
    let own = kind.default_mapping.iter().map(|(field, _)| row_of(field, row(field)));
    let is_own = |field: &str| kind.default_mapping.iter().any(|it| it.0 == field);
    let added = present.iter().filter(|it| !is_own(it.0)).map(|(field, text)| row_of(field, Some(text)));
    let rows: Vec<wire::MappingRow> = own.chain(added).collect();
    let known = kind.targets.iter().map(|it| it.name);
    let others = known.filter(|name| !rows.iter().any(|it| it.field == **name)).map(|it| row_of(it, None));
    Ok(wire::MappingNow { version, others: others.collect(), rows })
}

/// `PUT /v1/destinations/{destination}/mapping`
pub(super) async fn put(call: Call) -> Result<Response, Problem> {
    let (setup, destination) = find(&call)?;
    let new: wire::NewMapping = call.json()?;
    let kind = mapping_kind(&destination)?;
    let all = with_mapping(settings(&setup, &destination)?, &new.mapping);
    check(&call, kind, &all).map_err(about_mapping)?;
    // What is sealed stays as it is: only what anybody may read is written.
    let plain: Settings = serde_json::from_str(&destination.settings).unwrap_or_default();
    let plain = Value::Object(with_mapping(plain, &new.mapping)).to_string();
    let made = call.app.store.change_mapping(destination, plain, new.based_on).await?;
    if made == Change::Taken {
        return Err(changed_meanwhile());
    }
    done(&call, made, "").await?;
    let (setup, destination) = find(&call)?;
    Ok(answer::json(StatusCode::OK, &now(&call, &setup, &destination).await?))
}

fn changed_meanwhile() -> Problem {
    let (what, fix) = (
        "somebody changed this destination meanwhile",
        "look at the newest version, and make your change there",
    );
    Problem::new(StatusCode::CONFLICT, "changed_meanwhile", what, fix)
}

/// Refusals of settings, with pointers into the body of a mapping.
pub(super) fn about_mapping(problem: Problem) -> Problem {
    let errors: Vec<Refusal> = problem.errors().to_vec();
    if errors.is_empty() {
        return problem;
    }
    let own = |mut it: Refusal| {
        it.pointer = it.pointer.strip_prefix("/settings").unwrap_or(&it.pointer).to_owned();
        it
    };
    Problem::refused(errors.into_iter().map(own).collect())
}

/// The kind of a destination whose fields are mapped.
pub(super) fn mapping_kind(it: &Destination) -> Result<&'static ConnectorKind, Problem> {
    let kind = kind_of(&it.kind)?;
    if kind.default_mapping.is_empty() {
        return Err(no_mapping());
    }
    Ok(kind)
}

fn no_mapping() -> Problem {
    let (what, fix) = (
        "leads go to this kind of destination in a fixed form, so there is no mapping",
        "choose the form of the body in its settings",
    );
    Problem::new(StatusCode::CONFLICT, "no_mapping", what, fix)
}

/// All settings of a destination, what is sealed too.
pub(super) fn settings(setup: &Snapshot, it: &Destination) -> Result<Settings, Problem> {
    setup.open_settings(it).map_err(|_| {
        let (what, fix) = (
            "the secrets of this destination do not open with the keys at hand",
            "enter them anew in its settings",
        );
        Problem::new(StatusCode::CONFLICT, "secrets_sealed", what, fix)
    })
}

/// Settings with another mapping.
pub(super) fn with_mapping(mut settings: Settings, mapping: &Map<String, Value>) -> Settings {
    match mapping.is_empty() {
        true => drop(settings.remove("mapping")),
        false => drop(settings.insert("mapping".to_owned(), Value::Object(mapping.clone()))),
    }
    settings
}

/// A connector of these settings, which makes no request.
pub(super) fn open(kind: &ConnectorKind, settings: &Settings) -> Result<Box<dyn Connector>, Problem> {
    kind.open(settings).map_err(Problem::refused)
}

pub(super) fn map_of(connector: &dyn Connector) -> Result<&FieldMap, Problem> {
    connector.field_map().ok_or_else(no_mapping)
}

/// What a field is called; its own name where nobody has given it another.
pub(super) fn label_of(kind: &ConnectorKind, field: &str) -> String {
    let known = kind.targets.iter().find(|it| it.name == field);
    known.map_or(field, |it| it.label).to_owned()
}

fn row_shape(
    kind: &ConnectorKind,
    map: &FieldMap,
    (field, row, own): (&str, Option<String>, Option<String>),
) -> wire::MappingRow {
    let rule: Option<&Rule> = map.rule(field);
    let longest = rule.and_then(|it| it.longest);
    wire::MappingRow {
        label: label_of(kind, field),
        field: field.to_owned(),
        row,
        own,
        kind: rule.map(|it| kind_name(it.kind).to_owned()),
        characters_max: longest.and_then(|it| match it {
            Length::Utf16(max) => Some(max),
            Length::Bytes(_) => None,
        }),
        bytes_max: longest.and_then(|it| match it {
            Length::Bytes(max) => Some(max),
            Length::Utf16(_) => None,
        }),
        choices: rule.map(|it| it.choices.clone()).unwrap_or_default(),
        required: rule.is_some_and(|it| it.required),
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Email => "email",
        Kind::Number => "number",
        Kind::Bool => "bool",
        Kind::Moment => "moment",
    }
}
