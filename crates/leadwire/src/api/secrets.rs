//! Endpoints of the keys that guard destinations' secrets. None gives a key or a secret out.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::setup::bad_name;
use super::wire::{self, RotatedKey};
use crate::vault::{Origin, Rotated};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::PublisherId;
use leadwire_core::refusal::Refusal;

/// `GET /v1/secrets`
pub(super) async fn show(call: Call) -> Result<Response, Problem> {
    let directory = &call.app.directory;
    let standing = directory.vault().standing(&directory.now().setup);
    Ok(answer::json(StatusCode::OK, &wire::Secrets::of(standing, directory.vault().origin())))
}

/// `POST /v1/secrets/rotate`
pub(super) async fn rotate(call: Call) -> Result<Response, Problem> {
    let wish: wire::SecretsRotation = call.json()?;
    let rotated = match (wish.key, wish.publisher) {
        (RotatedKey::Master, None) => rotate_master(&call).await?,
        (RotatedKey::Master, Some(_)) => {
            let what = "the master key is nobody's in particular";
            let fix = "leave `publisher` out, or set `key` to `publisher`";
            return Err(Refusal::new("/publisher", "master_and_publisher", what, fix).into());
        }
        (RotatedKey::Publisher, whose) => rotate_publishers(&call, whose.as_deref()).await?,
    };
    tracing::info!(
        request = %call.request,
        key = ?wish.key,
        publisher_keys = rotated.keys,
        destinations = rotated.destinations,
        unopened = rotated.unopened.len(),
        "Keys that guard secrets were rotated."
    );
    let shape = wire::SecretsRotated {
        publisher_keys: rotated.keys,
        destinations: rotated.destinations,
        unopened_count: rotated.unopened.len(),
        unopened: wire::UnopenedSecrets::first_of(rotated.unopened),
    };
    Ok(answer::json(StatusCode::OK, &shape))
}

async fn rotate_master(call: &Call) -> Result<Rotated, Problem> {
    let directory = &call.app.directory;
    if *directory.vault().origin() == Origin::Setting {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "master_key_is_a_setting",
            "the master key stands in a setting, which the service cannot change",
            "put a new key in front of it in LEADWIRE_MASTER_KEY, with a comma between them, start the service \
             again, and take the former one away when `leadwire secret status` shows it as former",
        ));
    }
    let nodes = call.app.nodes.count();
    if nodes > 1 {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "several_nodes",
            format!("{nodes} nodes run, and the others would not learn of the new master key"),
            "stop the others while it is changed, and give them the same file; or change it by LEADWIRE_MASTER_KEY, node by \
             node: the new key behind the one in use, then in front of it",
        ));
    }
    let rotated = directory.rotate_master(call.app.clock.wall()).await;
    rotated.map_err(|error| match error.downcast::<leadwire_store::StoreError>() {
        Ok(error) => error.into(),
        // Whatever was done stands, and everything opens.
        Err(error) => Problem::internal(format!("{error:#}")),
    })
}

async fn rotate_publishers(call: &Call, whose: Option<&str>) -> Result<Rotated, Problem> {
    let directory = &call.app.directory;
    let whose = match whose {
        None => None,
        Some(text) => {
            let publisher = PublisherId::parse(text).map_err(|it| bad_name("/publisher", &it))?;
            if !directory.now().has_publisher(&publisher) {
                let what = "there is no such publisher";
                let fix = "name one that exists, or leave it out for all";
                return Err(Refusal::new("/publisher", "unknown_publisher", what, fix).into());
            }
            Some(publisher)
        }
    };
    Ok(directory.rotate_publishers(whose, call.app.clock.wall()).await?)
}
