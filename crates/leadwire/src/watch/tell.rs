//! Telling somebody: each notice goes through the channel its destination names, until it got through.

use super::Watch;
use crate::clock::jitter;
use crate::directory::Snapshot;
use futures_util::FutureExt;
use leadwire_connect::Moment;
use leadwire_connect::notice::Notice;
use leadwire_core::limits;
use leadwire_core::outcome::Outcome;
use leadwire_core::retry::{self, RetryPolicy};
use leadwire_store::StoreError;
use leadwire_store::lanes::LaneKey;
use leadwire_store::notices::{Notice as Kept, Told};
use leadwire_store::rows::DeliveryState;
use std::panic::AssertUnwindSafe;

pub(super) async fn all_due(watch: &Watch) -> Result<(), StoreError> {
    loop {
        let now = watch.clock.steady();
        let due = watch.store.due_notices(now, limits::NOTICES_PER_ROUND).await?;
        if due.is_empty() {
            return Ok(());
        }
        for kept in due {
            let told = tell(watch, &kept).await?;
            watch.store.settle_notice(kept.lane.clone(), kept.number, told).await?;
        }
    }
}

async fn tell(watch: &Watch, kept: &Kept) -> Result<Told, StoreError> {
    let setup = watch.directory.now();
    let Some((channel, notice)) = address(watch, &setup, kept).await? else { return Ok(Told::Nobody) };
    let Some(outlet) = setup.outlet(&channel) else { return Ok(Told::Nobody) };
    let Ok(connector) = &outlet.connector else { return Ok(later(watch, kept)) };
    let moment = Moment { now: watch.clock.wall() };
    let telling = AssertUnwindSafe(connector.tell(&notice, moment, &outlet.egress)).catch_unwind();
    let told = tokio::time::timeout(limits::ATTEMPT_WAIT, telling).await;
    outlet.count_aside(&watch.store, &channel.publisher, &*watch.clock).await;
    let tried = match told {
        Ok(Ok(None)) => return Ok(Told::Nobody),
        Ok(Ok(Some(tried))) => tried,
        Ok(Err(_)) | Err(_) => return Ok(later(watch, kept)),
    };
    Ok(match tried.outcome {
        Outcome::Done(_) => Told::At(watch.clock.steady()),
        Outcome::NotDone(_) | Outcome::Unknown => {
            let (publisher, channel) = (&channel.publisher, &outlet.name);
            tracing::warn!(%publisher, channel, cause = %tried.evidence.cause,
                "Nobody could be told of a destination in trouble. It is tried again.");
            later(watch, kept)
        }
    })
}

fn later(watch: &Watch, kept: &Kept) -> Told {
    let delay = retry::delay(&RetryPolicy::default(), kept.attempts.saturating_add(1), None, jitter());
    Told::DueAt(watch.clock.steady().plus(delay))
}

/// Through which destination a notice goes, and what it says. None: nobody is to be told.
async fn address(
    watch: &Watch,
    setup: &Snapshot,
    kept: &Kept,
) -> Result<Option<(LaneKey, Notice)>, StoreError> {
    let (Some(outlet), publisher) = (setup.outlet(&kept.lane), &kept.lane.publisher) else { return Ok(None) };
    let Some(channel) = outlet.tell.as_deref().and_then(|it| setup.destination(publisher, it)) else {
        return Ok(None);
    };
    let channel = LaneKey { publisher: publisher.clone(), destination: channel.number };
    if channel == kept.lane {
        return Ok(None);
    }
    let ledger = watch.store.ledger(publisher.clone()).await?;
    let account = ledger.accounts.iter().find(|it| it.destination == kept.lane.destination);
    let notice = Notice {
        id: format!("ntc_{}_{}_{}", publisher.as_str(), kept.lane.destination.get(), kept.number),
        event: format!("destination.{}", kept.kind.as_str()),
        publisher: publisher.clone(),
        destination: outlet.name.clone(),
        system: leadwire_connect::kind(outlet.kind).map_or(outlet.kind, |it| it.title).to_owned(),
        at: kept.at,
        cause: kept.cause.clone(),
        message: kept.message.clone(),
        fix: kept.fix.clone(),
        waiting: account.map_or(0, |it| it.count(DeliveryState::Pending)),
    };
    Ok(Some((channel, notice)))
}
