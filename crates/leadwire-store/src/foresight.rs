//! What accepting will ask, noted for all touchpoints of a commit before the first of them is accepted, so that a server is
//! asked once for all of them.
//!
//! It calls what accepting calls, which finds nothing while questions are noted. What it leaves out is asked when its turn
//! comes, and what it notes in vain costs a row of an answer.

use crate::StoreError;
use crate::accept::Accept;
use crate::engine::{Lasts, Tx};
use crate::erasures::tombstones;
use crate::{fold, idempotency, lanes, setup};

/// Notes what accepting these touchpoints will ask, and says how many they are.
pub(crate) fn foresee(tx: &Tx<'_>, stage: usize, items: &[Accept]) -> Result<usize, StoreError> {
    if stage == 0 {
        // Nothing is set up while nothing is foreseen.
        tx.foresee(Lasts::Long, |tx| setup::version(tx).ok());
        items.iter().try_for_each(|it| first(tx, it))?;
    } else {
        items.iter().try_for_each(|it| second(tx, it))?;
    }
    Ok(items.len())
}

/// Whether it was there before, whether it is of somebody who was erased, which lead it is of, and whether lanes that have
/// room for it are still held.
fn first(tx: &Tx<'_>, item: &Accept) -> Result<(), StoreError> {
    tx.foresee(Lasts::Once, |tx| {
        if let Some(once) = &item.once {
            idempotency::is_known(tx, item, once)?;
        }
        if item.of_lead.is_none() {
            fold::known_lead(tx, item)?;
        }
        Ok::<(), StoreError>(())
    })
    .unwrap_or(Ok(()))?;
    tx.foresee(Lasts::Long, |tx| {
        tombstones::ask(tx, item)?;
        for (destination, token) in &item.offered {
            lanes::claim_at_once(tx, &item.publisher, *destination, *token)?;
        }
        Ok::<(), StoreError>(())
    })
    .unwrap_or(Ok(()))
}

/// What its lead waits for at the destinations it goes to, when that is there already.
fn second(tx: &Tx<'_>, item: &Accept) -> Result<(), StoreError> {
    if item.of_lead.is_some() {
        return Ok(());
    }
    let Some((_, lead)) = tx.peek(|tx| fold::known_lead(tx, item)).transpose()?.flatten() else {
        return Ok(());
    };
    tx.foresee(Lasts::Once, |tx| {
        for routed in item.routed.iter().filter(|it| it.suppressed.is_none()) {
            lanes::place(tx, &item.publisher, routed.destination, lead, item.touchpoint)?;
            lanes::in_doubt_until(tx, &item.publisher, routed.destination, lead)?;
        }
        Ok::<(), StoreError>(())
    })
    .unwrap_or(Ok(()))
}
