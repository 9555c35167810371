//! Listening for offers from which nothing comes any more: counts when touchpoints come, and tells of unusual silence.

use super::Watch;
use leadwire_core::id::{OfferId, PublisherId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::notice::NoticeKind;
use leadwire_core::rfc3339;
use leadwire_core::silence::{Silence, Usual, beginning, hour_of};
use leadwire_core::time::Timestamp;
use leadwire_store::StoreError;
use leadwire_store::notices::{Said, Standing, Whose};
use std::time::Duration;

/// Counts what came, and looks who is silent.
pub(super) async fn listen(watch: &Watch, now: Timestamp) -> Result<(), StoreError> {
    let setup = watch.directory.now();
    for publisher in &setup.setup.publishers {
        // What came must all be counted, or an offer would seem silent whose touchpoints are only not counted yet.
        if !count(watch, &publisher.id, now).await? {
            continue;
        }
        let whose = Whose::of_publisher(publisher.id.clone());
        let standing = watch.store.standing_notices(whose.clone(), NoticeKind::Silent).await?;
        let mut known = Vec::new();
        for offer in setup.setup.offers.iter().filter(|it| it.publisher == publisher.id) {
            known.extend(listen_to(watch, (&publisher.id, &offer.id), &standing, now).await?);
        }
        // The offer was removed, or its past is so long ago that nothing is usual any more.
        for it in standing.into_iter().filter(|it| !known.contains(&it.about)) {
            watch.store.end_silently(whose.clone(), it.about, NoticeKind::Silent, now).await?;
        }
    }
    Ok(())
}

/// Counts in steps; says whether all was counted.
async fn count(watch: &Watch, publisher: &PublisherId, now: Timestamp) -> Result<bool, StoreError> {
    let first = TouchpointId::first_at(earlier(now, limits::ARRIVALS_KEPT));
    let until = TouchpointId::first_at(earlier(now, limits::ARRIVALS_AFTER));
    for _ in 0..limits::ARRIVALS_STEPS {
        let step = watch.store.arrivals_page(publisher.clone(), (first, until)).await?;
        let Some(step) = step else {
            let before = hour_of(earlier(now, limits::ARRIVALS_KEPT));
            watch.store.forget_arrivals(publisher.clone(), before).await?;
            return Ok(true);
        };
        watch.store.note_arrivals(step).await?;
    }
    Ok(false)
}

fn earlier(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_millis(now.millis().saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

/// Listens to every way in of an offer, and gives those of which something is usual.
async fn listen_to(
    watch: &Watch,
    (publisher, offer): (&PublisherId, &OfferId),
    standing: &[Standing],
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let whose = Whose::of_publisher(publisher.clone());
    let mut known = Vec::new();
    for (channel, hours) in watch.store.arrivals(publisher.clone(), offer.clone()).await? {
        let about = format!("{offer} by {channel}");
        let told = standing.iter().find(|it| it.about == about);
        let came_after = |at: Timestamp| hours.last().is_some_and(|it| beginning(it + 1) > at);
        let Some(usual) = Usual::learn(&hours) else { continue };
        known.push(about.clone());
        let said = match (usual.silence(now), told) {
            (Some(silence), None) => silent(about, silence),
            (_, Some(told)) if came_after(told.at) => heard(about),
            (Some(_), Some(_)) | (None, Some(_) | None) => continue,
        };
        watch.store.say(whose.clone(), said, now).await?;
    }
    Ok(known)
}

fn silent(about: String, silence: Silence) -> Said {
    let since = rfc3339::format(beginning(silence.last_hour));
    Said {
        kind: NoticeKind::Silent,
        message: format!(
            "nothing came for {} hours, which is longer than is usual at this time; the last came in the hour of {since}",
            silence.hours
        ),
        about,
        cause: "silent".to_owned(),
        fix: "see whether the marketplace still has the right address and token, whether the page is up, and what the \
              sender's log says; if it is meant to be so, mute it"
            .to_owned(),
    }
}

fn heard(about: String) -> Said {
    let message = "touchpoints come again".to_owned();
    Said { kind: NoticeKind::Heard, about, cause: String::new(), message, fix: String::new() }
}
