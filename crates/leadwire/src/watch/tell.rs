//! Telling somebody: each message goes the first way that works, until it got through.

use super::Watch;
use super::ways::{self, Told};
use crate::clock::jitter;
use futures_util::StreamExt;
use leadwire_connect::notice::{Item, Notice};
use leadwire_core::limits;
use leadwire_core::retry::{self, RetryPolicy};
use leadwire_core::time::Timestamp;
use leadwire_store::StoreError;
use leadwire_store::lanes::LaneKey;
use leadwire_store::notices::{Message, Notice as Kept, Sent, Whose};

/// Tells every message that is due, and says when the next one is.
pub(super) async fn all_due(watch: &Watch, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let (due, (mut stuck, mut soonest)) = watch.store.due_messages(now, limits::NOTICES_PER_ROUND).await?;
    let telling = due.into_iter().map(|message| async move {
        let sent = tell(watch, &message).await?;
        watch.store.settle_message(message, sent, watch.clock.steady()).await?;
        Ok::<Sent, StoreError>(sent)
    });
    let mut telling = futures_util::stream::iter(telling).buffer_unordered(limits::NOTICES_AT_ONCE);
    while let Some(sent) = telling.next().await {
        if let Sent::Again(at) = sent? {
            stuck += 1;
            soonest = Some(soonest.map_or(at, |it| it.min(at)));
        }
    }
    watch.metrics.note_stuck_notices(stuck);
    Ok(soonest)
}

async fn tell(watch: &Watch, message: &Message) -> Result<Sent, StoreError> {
    let kept = watch.store.message_notices(message.publisher.clone(), message.number).await?;
    let ways = ways::all(watch, message.publisher.as_ref(), &message.tell).await?;
    if ways.is_empty() || kept.is_empty() {
        return Ok(Sent::Nobody);
    }
    let notice = compose(watch, message, &kept).await?;
    for (lane, outlet) in &ways {
        if is_in_trouble(watch, lane, &kept).await? {
            continue;
        }
        if ways::through(watch, (lane, outlet), &notice).await? == Told::Yes {
            return Ok(Sent::Told);
        }
    }
    let delay = retry::delay(&RetryPolicy::default(), message.attempts.saturating_add(1), None, jitter());
    Ok(Sent::Again(watch.clock.steady().plus(delay)))
}

/// A destination in trouble tells of no trouble: not of its own, and not of that of others.
async fn is_in_trouble(watch: &Watch, lane: &LaneKey, kept: &[Kept]) -> Result<bool, StoreError> {
    let whose = Whose::from(lane);
    let is_meant = kept.iter().any(|it| it.lasts && it.whose == whose);
    Ok(is_meant || watch.store.gate(lane.clone()).await? != leadwire_core::lane::Gate::Open)
}

async fn compose(watch: &Watch, message: &Message, kept: &[Kept]) -> Result<Notice, StoreError> {
    let publisher = message.publisher.as_ref().map_or_else(String::new, ToString::to_string);
    let whose = if publisher.is_empty() { "service" } else { &publisher };
    let mut items = Vec::with_capacity(kept.len());
    for it in kept {
        items.push(item(watch, it).await?);
    }
    let id = format!("ntc_{whose}_m{}", message.number);
    let at = kept.iter().map(|it| it.at).max().unwrap_or(watch.clock.steady());
    Ok(Notice { id, publisher, at, items })
}

async fn item(watch: &Watch, kept: &Kept) -> Result<Item, StoreError> {
    let setup = watch.directory.now();
    let mut item = Item {
        event: kept.kind.event(),
        name: kept.about.clone(),
        at: kept.at,
        cause: kept.cause.clone(),
        message: kept.message.clone(),
        fix: kept.fix.clone(),
        times_told: kept.times_told,
        ..Item::default()
    };
    let Some(lane) = kept.whose.lane() else { return Ok(item) };
    item.name = format!("destination {}", lane.destination.get());
    if let Some(outlet) = setup.outlet(&lane) {
        item.name.clone_from(&outlet.name);
        item.system = leadwire_connect::kind(outlet.kind).map_or(outlet.kind, |it| it.title).to_owned();
    }
    if let Some(url) = &watch.public_url {
        item.link = format!("{url}/v1/destinations/{}?publisher={}", lane.destination.get(), lane.publisher);
    }
    item.waiting = watch.store.waiting(lane).await?;
    Ok(item)
}
