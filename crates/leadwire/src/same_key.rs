//! That the nodes of one database have one master key: a node with another one, or with none, does not start among them.

use crate::config::Config;
use crate::nodes::Nodes;
use crate::vault::Vault;
use anyhow::Context;
use leadwire_store::Store;
use leadwire_store::master_key::Agreement;
use std::path::Path;

/// Takes the master keys, and makes one where nothing is guarded by any yet.
///
/// # Errors
/// As [`Vault::open`]; and on a server when the nodes that are alive use another master key, or when this one has none and
/// what is stored needs one. Nothing was made then, and the text says what to do.
pub async fn open_vault(config: &Config, store: &Store, nodes: &Nodes) -> anyhow::Result<Vault> {
    let (setting, file) = (config.master_key.as_ref(), config.master_key_file.as_deref());
    if !nodes.is_shared() {
        return Vault::open(&config.data, setting, file);
    }
    // A store in a file makes its folder; a server knows of none.
    std::fs::create_dir_all(&config.data)
        .with_context(|| format!("cannot make the data folder {}", config.data.display()))?;
    let opened = match Vault::look(&config.data, setting, file)? {
        Some(vault) => Ok(vault),
        // Before one is made: a new key opens nothing of what the others sealed.
        None => match agreement(store, nodes, Vec::new()).await? {
            None => Vault::open(&config.data, setting, file),
            Some(reason) => Err(reason.told(&config.data)),
        },
    };
    let vault = opened?;
    match agreement(store, nodes, vault.master_keys()).await? {
        None => Ok(vault),
        Some(reason) => Err(reason.told(&config.data)),
    }
}

/// Why there is no agreement, and with whom; none: there is one.
async fn agreement(store: &Store, nodes: &Nodes, own: Vec<String>) -> anyhow::Result<Option<Reason>> {
    let mine = own.first().cloned();
    Ok(match store.agree_on_master_key(nodes.id(), nodes.now(), own).await? {
        Agreement::Agreed => None,
        Agreement::Others { use_key } => Some(Reason::Another { mine: mine.unwrap_or_default(), use_key }),
        Agreement::Missing { keys } => Some(Reason::None { keys: keys.into_iter().collect() }),
    })
}

enum Reason {
    Another { mine: String, use_key: String },
    None { keys: Vec<String> },
}

impl Reason {
    fn told(self, data: &Path) -> anyhow::Error {
        let own = data.join("secret.key");
        let own = own.display();
        match self {
            Self::Another { mine, use_key } => anyhow::anyhow!(
                "the master key of this node is {mine}, and the nodes that run on the database use {use_key}: what one seals the \
                 others could not open. Give every node the same one, by `master_key_file` or LEADWIRE_MASTER_KEY, or as {own}"
            ),
            Self::None { keys } => anyhow::anyhow!(
                "what is in the database is guarded by the master key {}, and there is none here. Copy `secret.key` of the node \
                 that made it to {own}, or name it with `master_key_file`. No new one was made. Only when it is lost for good, \
                 and no other node runs, make one with `openssl rand -hex 32 > {own}` and enter the credentials of destinations \
                 anew",
                keys.join(", ")
            ),
        }
    }
}
