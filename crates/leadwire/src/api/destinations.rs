//! Endpoints of destinations: what they are, whether they may send, and what is parked at them.

use super::call::Call;
use super::problem::Problem;
use super::setup::done;
use super::wire::{self, List, moment};
use super::{answer, budgets, tries};
use crate::clock::fill_random;
use crate::directory::Snapshot;
use crate::vault::Opened;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_connect::ConnectorKind;
use leadwire_connect::descriptor::{Field, FieldShape, Settings};
use leadwire_connect::signing::{SECRET_BYTES, SigningSecret};
use leadwire_core::id::DestinationNo;
use leadwire_core::lane::{Gate, paused_by_person};
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_store::audit::Deed;
use leadwire_store::lanes::LaneKey;
use leadwire_store::setup::proofs::ProvedBefore;
use leadwire_store::setup::{Change, Destination, PublisherKey, Sealing};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use url::{Origin, Url};

/// `GET /v1/connectors`
pub(super) async fn connectors(_call: Call) -> Result<Response, Problem> {
    let items = leadwire_connect::CONNECTORS.iter().map(connector_shape).collect();
    Ok(answer::json(StatusCode::OK, &List { items }))
}

/// A connector, as data.
pub fn connector_shape(kind: &ConnectorKind) -> wire::Connector {
    wire::Connector {
        name: kind.name.to_owned(),
        title: kind.title.to_owned(),
        summary: kind.summary.to_owned(),
        fields: kind.fields().map(field_shape).collect(),
        mapping: kind.default_mapping.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect(),
        steps: kind.steps.iter().map(|it| (*it).to_owned()).collect(),
        example: serde_json::from_str(kind.example).unwrap_or(Value::Null),
    }
}

fn field_shape(field: &Field) -> Value {
    let mut shape = json!({
        "name": field.name,
        "label": field.label,
        "help": field.help,
        "required": field.required,
        "secret": field.secret,
    });
    let (name, details) = match field.shape {
        FieldShape::Text => ("text", Value::Null),
        FieldShape::Secret => ("secret", Value::Null),
        FieldShape::Url => ("url", Value::Null),
        FieldShape::Choice(choices) => {
            let choices: Vec<Value> =
                choices.iter().map(|(value, label)| json!({ "value": value, "label": label })).collect();
            ("choice", json!({ "choices": choices }))
        }
        FieldShape::Number { min, max } => ("number", json!({ "min": min, "max": max })),
        FieldShape::StatusMap => ("status_map", Value::Null),
        FieldShape::Lines => ("lines", Value::Null),
        FieldShape::Mapping => ("mapping", Value::Null),
        FieldShape::FieldRules => ("field_rules", Value::Null),
    };
    shape["shape"] = json!(name);
    if let Value::Object(details) = details {
        shape.as_object_mut().expect("made as an object above").extend(details);
    }
    if let Some(default) = field.default {
        shape["default"] = json!(default);
    }
    if let Some((other, value)) = field.only_when {
        shape["only_when"] = json!({ other: value });
    }
    shape
}

/// `GET /v1/destinations`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let (publisher, setup) = (call.publisher(), call.app.directory.now());
    let own = setup.setup.destinations.iter().filter(|it| it.publisher == publisher);
    let proofs = call.app.store.proofs(publisher.clone()).await?;
    let mut items = Vec::new();
    for destination in own {
        items.push(shape_with(&call, &setup, (destination, &proofs)).await?);
    }
    Ok(answer::json(StatusCode::OK, &List { items }))
}

/// `GET /v1/destinations/{destination}`
pub(super) async fn show(call: Call) -> Result<Response, Problem> {
    let (setup, destination) = find(&call)?;
    Ok(answer::json(StatusCode::OK, &shape(&call, &setup, &destination).await?))
}

/// `POST /v1/destinations`
pub(super) async fn add(call: Call) -> Result<Response, Problem> {
    let new: wire::NewDestination = call.json()?;
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.len() > limits::DESTINATION_NAME_BYTES_MAX || name.parse::<u32>().is_ok() {
        return Err(Refusal::new(
            "/name",
            "bad_name",
            "this cannot be a destination's name",
            format!(
                "use 1 to {} bytes, and not a number: destinations are known by their number too",
                limits::DESTINATION_NAME_BYTES_MAX
            ),
        )
        .into());
    }
    let kind = kind_of(&new.kind)?;
    let mut settings = new.settings;
    let made_secret = make_signing_secret(kind, &mut settings);
    check(&call, kind, &settings)?;
    check_channel(&call, &name, &settings)?;
    let (plain, secret) = split(kind, &settings);
    let destination = Destination {
        publisher: call.publisher(),
        number: DestinationNo::new(0),
        name,
        kind: kind.name.to_owned(),
        settings: plain,
        secrets: Vec::new(),
        settings_no: 1,
        pins_mappings: false,
        created_at: call.app.clock.wall(),
        gate: Gate::Open,
    };
    let seal = sealer(&call, secret);
    Deed::about(&destination.name);
    let added = match call.app.store.add_sealed_destination(destination, seal).await? {
        Ok(number) => {
            done(&call, Change::Made, "").await?;
            number
        }
        Err(change) => {
            return Err(done(&call, change, "/name").await.err().unwrap_or_else(Problem::not_found));
        }
    };
    let mut shape = shape_now(&call, added).await?;
    shape.signing_secret = made_secret;
    Ok(answer::json(StatusCode::CREATED, &shape))
}

/// A destination that can sign gets a signing secret unless it brings one: signing is the default.
fn make_signing_secret(kind: &ConnectorKind, settings: &mut Settings) -> Option<String> {
    let can_sign = kind.fields().any(|it| it.name == "signing_secret");
    if !can_sign || settings.contains_key("signing_secret") {
        return None;
    }
    let mut random = [0; SECRET_BYTES];
    fill_random(&mut random);
    let secret = SigningSecret::generate(&random).expose().clone();
    settings.insert("signing_secret".to_owned(), json!(secret));
    Some(secret)
}

/// `PATCH /v1/destinations/{destination}`
pub(super) async fn update(call: Call) -> Result<Response, Problem> {
    let change: wire::DestinationChange = call.json()?;
    let (setup, mut destination) = find(&call)?;
    let kind = kind_of(&destination.kind)?;
    let opened = setup.open_settings(&destination);
    // Without the key file what is sealed is lost. It is entered anew here, where leads may be waiting.
    let is_lost = opened.is_err();
    let mut settings =
        opened.unwrap_or_else(|_| serde_json::from_str(&destination.settings).unwrap_or_default());
    for (name, value) in change.settings {
        if value.is_null() {
            settings.remove(&name);
        } else {
            settings.insert(name, value);
        }
    }
    // It may have signed before, and must not fall silent because nobody entered that secret.
    let made_secret = if is_lost { make_signing_secret(kind, &mut settings) } else { None };
    check(&call, kind, &settings)?;
    check_channel(&call, &destination.name, &settings)?;
    let (plain, secret) = split(kind, &settings);
    destination.settings = plain;
    let number = destination.number;
    let made = call.app.store.update_destination(destination, sealer(&call, secret)).await?;
    done(&call, made, "").await?;
    let mut shape = shape_now(&call, number).await?;
    shape.signing_secret = made_secret;
    Ok(answer::json(StatusCode::OK, &shape))
}

/// `DELETE /v1/destinations/{destination}`
pub(super) async fn remove(call: Call) -> Result<Response, Problem> {
    let (_, destination) = find(&call)?;
    let now = call.app.clock.wall();
    let removed = call.app.store.remove_destination(destination.publisher, destination.number, now).await?;
    done(&call, removed, "").await?;
    Ok(answer::empty())
}

/// `GET /v1/destinations/{destination}/notices`
pub(super) async fn notices(call: Call) -> Result<Response, Problem> {
    let (_, destination) = find(&call)?;
    let found = call.app.store.notices(destination.publisher, destination.number, call.limit()?).await?;
    let setup = call.app.directory.now();
    let items = found.into_iter().map(|it| super::notices::shape(&setup, it)).collect();
    Ok(answer::json(StatusCode::OK, &List { items }))
}

/// `POST /v1/destinations/{destination}/pause`
pub(super) async fn pause(call: Call) -> Result<Response, Problem> {
    let gate = paused_by_person(call.app.clock.steady());
    set_gate(&call, gate).await
}

/// `POST /v1/destinations/{destination}/resume`
pub(super) async fn resume(call: Call) -> Result<Response, Problem> {
    set_gate(&call, Gate::Open).await
}

async fn set_gate(call: &Call, gate: Gate) -> Result<Response, Problem> {
    let (_, destination) = find(call)?;
    change_gate(call, lane(&destination), gate).await?;
    done(call, Change::Made, "").await?;
    Ok(answer::json(StatusCode::OK, &shape_now(call, destination.number).await?))
}

/// Sets whether a lane may send, and has it look, also when the caller hangs up meanwhile.
pub(super) async fn change_gate(call: &Call, lane: LaneKey, gate: Gate) -> Result<(), Problem> {
    let (lanes, key) = (Arc::clone(&call.app.lanes), lane.clone());
    Ok(call.app.store.set_gate_then(lane, gate, move |()| lanes.look(&key)).await?)
}

pub(super) fn lane(it: &Destination) -> LaneKey {
    LaneKey { publisher: it.publisher.clone(), destination: it.number }
}

/// The destination a call is about, with the set-up it stands in.
pub(super) fn find(call: &Call) -> Result<(Arc<Snapshot>, Destination), Problem> {
    let setup = call.app.directory.now();
    let found = setup.destination(&call.publisher(), call.path("destination")).cloned();
    Ok((setup, found.ok_or_else(Problem::not_found)?))
}

pub(super) fn kind_of(name: &str) -> Result<&'static ConnectorKind, Problem> {
    leadwire_connect::kind(name).ok_or_else(|| {
        let names: Vec<&str> = leadwire_connect::CONNECTORS.iter().map(|it| it.name).collect();
        let fix = format!("use one of: {}", names.join(", "));
        Refusal::new("/kind", "unknown_connector", "there is no such connector", fix).into()
    })
}

/// Somebody can be told of trouble only through a destination that is there and carries notices.
fn check_channel(call: &Call, name: &str, settings: &Settings) -> Result<(), Problem> {
    let Some(tell) = settings.get("tell").and_then(Value::as_str).map(str::trim) else { return Ok(()) };
    let setup = call.app.directory.now();
    let refuse =
        |message: &str, fix: &str| Err(Refusal::new("/settings/tell", "bad_channel", message, fix).into());
    match setup.destination(&call.publisher(), tell) {
        Some(channel) if channel.name == name => {
            refuse("a destination in trouble cannot tell of it itself", "name another destination")
        }
        Some(channel) if leadwire_connect::kind(&channel.kind).is_some_and(|it| it.carries_notices) => Ok(()),
        Some(_) => refuse("this kind of destination carries no notices", "name one of kind https or email"),
        None => refuse("there is no such destination", "add it first; it needs no route"),
    }
}

pub(super) fn check(call: &Call, kind: &ConnectorKind, settings: &Settings) -> Result<(), Problem> {
    let mut refusals = kind.open(settings).err().unwrap_or_default();
    refusals.extend(kind.check_egress(settings, &call.app.config.egress_policy()));
    if refusals.is_empty() {
        return Ok(());
    }
    for refusal in &mut refusals {
        refusal.pointer = format!("/settings{}", refusal.pointer);
    }
    Err(Problem::refused(refusals))
}

/// Splits settings that passed the check, which bounds each of them, into what may be read and what is sealed.
fn split(kind: &ConnectorKind, settings: &Settings) -> (String, Option<Opened>) {
    let is_secret = |name: &str| kind.fields().any(|it| it.name == name && it.secret);
    let (secret, plain): (Settings, Settings) =
        settings.clone().into_iter().partition(|(name, _)| is_secret(name));
    let plain = serde_json::to_string(&plain).expect("settings are JSON");
    if secret.is_empty() {
        return (plain, None);
    }
    let secret = serde_json::to_string(&secret).expect("settings are JSON");
    (plain, Some(Opened::new(secret.into())))
}

/// Seals in the transaction that stores, where the destination's number and its publisher's keys are certain.
fn sealer(
    call: &Call,
    secret: Option<Opened>,
) -> impl FnMut(DestinationNo, &[PublisherKey]) -> Sealing + Send + 'static {
    let (vault, publisher) = (Arc::clone(call.app.directory.vault()), call.publisher());
    let now = call.app.clock.wall();
    move |number, keys| match &secret {
        None => Sealing::nothing(),
        Some(secret) => vault.seal(&publisher, number, keys, secret, now),
    }
}

/// What a destination is like after a change.
async fn shape_now(call: &Call, number: DestinationNo) -> Result<wire::Destination, Problem> {
    let setup = call.app.directory.now();
    let found = setup.destination(&call.publisher(), &number.to_string());
    shape(call, &setup, found.ok_or_else(Problem::not_found)?).await
}

async fn shape(call: &Call, setup: &Snapshot, it: &Destination) -> Result<wire::Destination, Problem> {
    let proofs = call.app.store.proofs(it.publisher.clone()).await?;
    shape_with(call, setup, (it, &proofs)).await
}

async fn shape_with(
    call: &Call,
    setup: &Snapshot,
    (it, proofs): (&Destination, &[ProvedBefore]),
) -> Result<wire::Destination, Problem> {
    let gate = call.app.store.gate(lane(it)).await?;
    let way = call.app.store.notice_way(lane(it)).await?;
    let telling = way.failed_at.map(|since| wire::TellingTrouble {
        since: moment(since),
        cause: way.cause,
        message: way.message,
    });
    let mut settings: Map<String, Value> = serde_json::from_str(&it.settings).unwrap_or_default();
    if let Ok(all) = setup.open_settings(it) {
        let kind = leadwire_connect::kind(&it.kind);
        for (name, value) in all {
            let field = kind.and_then(|kind| kind.fields().find(|it| it.name == name));
            settings.entry(name).or_insert_with(|| json!(without_secret(field, &value)));
        }
    }
    let state = match gate {
        Gate::Open => "open",
        Gate::Paused(_) => "paused",
        Gate::Tripped(_) => "tripped",
    };
    let pause = gate.pause().cloned().map(|it| wire::Pause {
        cause: it.cause,
        message: it.message,
        fix: it.fix,
        since: moment(it.since),
        probe_at: it.probe_at.map(moment),
    });
    Ok(wire::Destination {
        number: it.number.get(),
        name: it.name.clone(),
        kind: it.kind.clone(),
        settings,
        state: state.to_owned(),
        pause,
        telling,
        budget: budgets::shape(call, setup, it, state == "open").await?,
        bulk_job: budgets::job(call, it).await?,
        validated: tries::proved(proofs, it, |it| it.validated),
        test_lead: tries::proved(proofs, it, |it| it.test_lead),
        credential_ends_at: tries::credential_ends_at(setup, it).map(moment),
        created_at: moment(it.created_at),
        signing_secret: None,
    })
}

/// What is shown of a secret setting: of a URL where it leads, since people must see that, else nothing.
fn without_secret(field: Option<&Field>, value: &Value) -> String {
    let is_url = field.is_some_and(|it| it.shape == FieldShape::Url);
    let url = value.as_str().filter(|_| is_url).and_then(|it| Url::parse(it).ok());
    match url.map(|it| it.origin()) {
        Some(origin @ Origin::Tuple(..)) => format!("{}/…", origin.ascii_serialization()),
        Some(Origin::Opaque(_)) | None => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_shown(name: &str, value: &str, expected: &str) {
        let kind = leadwire_connect::kind("https").expect("a connector");
        assert_eq!(without_secret(kind.fields().find(|it| it.name == name), &json!(value)), expected);
    }

    #[test]
    fn a_secret_shows_nothing_and_a_secret_url_shows_where_it_leads() {
        check_shown("url", "https://prod-1.example.com/flows/a?sig=hunter2", "https://prod-1.example.com/…");
        check_shown("url", "https://crm.example.com:8443/hunter2", "https://crm.example.com:8443/…");
        check_shown("url", "hunter2", "***");
        check_shown("password", "https://hunter2.example.com/", "***");
        check_shown("no_such_setting", "hunter2", "***");
    }
}
