//! Gathering what is due into few messages: one for each receiver, and not more than so many in an hour.

use super::{Watch, ways};
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_store::StoreError;
use leadwire_store::notices::{Gathered, Notice, Whose};
use std::collections::BTreeMap;

/// Puts everything that is due into messages, and says when something is due next.
pub(super) async fn all_due(watch: &Watch, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let (whom, next) = watch.store.due_notices(now).await?;
    for publisher in whom {
        of(watch, publisher, now).await?;
    }
    Ok(next)
}

type Key = (Whose, u32);

async fn of(watch: &Watch, publisher: Option<PublisherId>, now: Timestamp) -> Result<(), StoreError> {
    // What was made a moment after the first belongs to it.
    let until = now.plus(limits::NOTICE_GATHER);
    let untold = watch.store.untold_notices(publisher.clone(), until, limits::NOTICES_PER_MESSAGE).await?;
    let mutes = watch.store.mutes(publisher.clone(), now).await?;
    let setup = watch.directory.now();
    let mut muted: BTreeMap<Timestamp, Vec<Key>> = BTreeMap::new();
    let mut groups: BTreeMap<String, Vec<Key>> = BTreeMap::new();
    for notice in &untold {
        let key = (notice.whose.clone(), notice.number);
        let holding = mutes.iter().filter(|it| it.holds(notice.whose.destination, notice.kind, now));
        match holding.map(|it| it.until).max() {
            Some(until) => muted.entry(until).or_default().push(key),
            None => groups.entry(tell_of(&setup, notice)).or_default().push(key),
        }
    }
    for (until, keys) in muted {
        watch.store.mute_notices(keys, until).await?;
    }
    for (tell, keys) in groups {
        if ways::all(watch, publisher.as_ref(), &tell).await?.is_empty() {
            watch.store.tell_nobody(keys).await?;
            continue;
        }
        match watch.store.gather_notices((publisher.clone(), tell), keys, now).await? {
            Gathered::Into(_) | Gathered::Later => {}
        }
    }
    Ok(())
}

/// The way that a notice's destination names; empty for the receivers of the publisher.
fn tell_of(setup: &crate::directory::Snapshot, notice: &Notice) -> String {
    let outlet = notice.whose.lane().and_then(|it| setup.outlet(&it).cloned());
    outlet.and_then(|it| it.tell.clone()).unwrap_or_default()
}
