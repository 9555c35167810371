//! What the program opens towards the world: where it listens, how it is reached, the way in, the way out, and letters to its users.

use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::deliver::Lanes;
use crate::directory::Directory;
use crate::intake::Intake;
use crate::letters::Letters;
use crate::telemetry::Metrics;
use anyhow::Context;
use leadwire_connect::egress::Egress;
use leadwire_store::Store;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// How the world reaches the API.
pub(super) fn reached_at(config: &Config, address: SocketAddr) -> String {
    config.public_url.clone().unwrap_or_else(|| format!("http://{address}"))
}

/// The way to destinations, as the operator allows it.
pub(crate) fn way_out(config: &Config) -> anyhow::Result<Egress> {
    let extra_ca = config.extra_ca.as_ref().map(|file| {
        std::fs::read(file).with_context(|| format!("cannot read the certificates in {}", file.display()))
    });
    Ok(Egress::new(config.egress_policy(), extra_ca.transpose()?.as_deref())?)
}

pub(super) async fn bind(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}; free it, or set `{setting}` to another address (port 0 takes any)"
        )
    })
}

/// The way in.
pub(super) fn way_in(
    (store, directory): (&Store, &Arc<Directory>),
    (ids, clock): (&Arc<Ids>, &Arc<dyn Clock>),
    (lanes, metrics): (&Arc<Lanes>, &Arc<Metrics>),
) -> Intake {
    Intake {
        store: store.clone(),
        directory: Arc::clone(directory),
        ids: Arc::clone(ids),
        clock: Arc::clone(clock),
        lanes: Arc::clone(lanes),
        metrics: Arc::clone(metrics),
    }
}

/// Letters to users, with links that lead here.
pub(super) fn letters(
    (config, listener): (&Config, &TcpListener),
    (store, directory, clock): (&Store, &Arc<Directory>, &Arc<dyn Clock>),
) -> anyhow::Result<Letters> {
    let here = reached_at(config, listener.local_addr()?);
    Ok(Letters::new(store.clone(), Arc::clone(directory), Arc::clone(clock), here))
}
