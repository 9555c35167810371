//! The audit log in the program: what of the set-up a look at the store must know, and the marks under what is signed.

use crate::directory;
use crate::vault::Vault;
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::time::Timestamp;
use leadwire_store::audit::Checkpoint;
use leadwire_store::setup::Setup;
use leadwire_store::verify::{Bodies, Scope};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the mark of a checkpoint is for.
const CHECKPOINT: &str = "audit checkpoint";

/// The mark under a checkpoint.
pub fn stamp(vault: &Vault, it: &Checkpoint) -> Vec<u8> {
    vault.stamp(CHECKPOINT, &parts(it).each_ref().map(Vec::as_slice)).to_vec()
}

/// Whether this installation made a checkpoint's mark.
pub fn is_signed(vault: &Vault, it: &Checkpoint) -> bool {
    vault.is_stamp(CHECKPOINT, &parts(it).each_ref().map(Vec::as_slice), &it.mark)
}

fn parts(it: &Checkpoint) -> [Vec<u8>; 4] {
    let at = it.at.millis().to_le_bytes().to_vec();
    [it.publisher.clone().into_bytes(), it.number.to_le_bytes().to_vec(), at, it.hash.to_vec()]
}

/// What a look at the store must know beside it.
pub fn scope(setup: &Setup, vault: Option<Arc<Vault>>, bodies: Bodies, now: Timestamp) -> Scope {
    let is_signed = vault.map(|vault| {
        let it: leadwire_store::verify::IsSigned = Arc::new(move |it| is_signed(&vault, it));
        it
    });
    Scope { now, bodies, holding: Arc::new(holding(setup)), is_signed }
}

/// Destinations that want to hear nothing of customers who must not be contacted.
fn holding(setup: &Setup) -> BTreeSet<(PublisherId, DestinationNo)> {
    let all = setup.destinations.iter().filter(|it| directory::holds_refused(&it.settings));
    all.map(|it| (it.publisher.clone(), it.number)).collect()
}
