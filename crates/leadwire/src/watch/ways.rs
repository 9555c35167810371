//! The ways to tell somebody: through which destinations, never through one in trouble, and how it went.

use super::Watch;
use crate::directory::Outlet;
use futures_util::FutureExt;
use leadwire_connect::Moment;
use leadwire_connect::notice::{Item, Notice};
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use leadwire_core::outcome::Outcome;
use leadwire_store::StoreError;
use leadwire_store::lanes::LaneKey;
use leadwire_store::notices::Way;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// The ways to tell a publisher, or the operator, in their order: the one that is named first, then their receivers.
pub(super) async fn all(
    watch: &Watch,
    publisher: Option<&PublisherId>,
    tell: &str,
) -> Result<Vec<(LaneKey, Arc<Outlet>)>, StoreError> {
    let setup = watch.directory.now();
    let named = publisher.filter(|_| !tell.is_empty()).and_then(|it| {
        let found = setup.destination(it, tell)?;
        Some(LaneKey { publisher: it.clone(), destination: found.number })
    });
    let mut ways: Vec<(LaneKey, Arc<Outlet>)> = Vec::new();
    for lane in named.into_iter().chain(watch.store.notice_receivers(publisher.cloned()).await?) {
        let Some(outlet) = setup.outlet(&lane).map(Arc::clone) else { continue };
        let can_tell = leadwire_connect::kind(outlet.kind).is_some_and(|it| it.carries_notices);
        if can_tell && !ways.iter().any(|it| it.0 == lane) {
            ways.push((lane, outlet));
        }
    }
    Ok(ways)
}

/// What came of telling somebody through one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It took the message.
    Yes,
    /// It did not, or nobody knows whether it did.
    No {
        /// Stable name of why.
        cause: String,
        /// Why.
        message: String,
        /// What to do about it.
        fix: String,
    },
}

impl Told {
    fn no(cause: &str, message: &str, fix: &str) -> Self {
        Self::No { cause: cause.to_owned(), message: message.to_owned(), fix: fix.to_owned() }
    }
}

/// Tells somebody through one destination, and writes down how that went.
pub(super) async fn through(
    watch: &Watch,
    (lane, outlet): (&LaneKey, &Outlet),
    notice: &Notice,
) -> Result<Told, StoreError> {
    let told = try_once(watch, outlet, notice).await;
    let now = Some(watch.clock.steady());
    let went = match &told {
        Told::Yes => {
            watch.metrics.count_notice(outlet.kind);
            Way { told_at: now, ..Way::default() }
        }
        Told::No { cause, message, .. } => {
            watch.metrics.count_notice_failure(outlet.kind);
            let (publisher, channel) = (&lane.publisher, &outlet.name);
            tracing::warn!(%publisher, channel, cause, "Nobody could be told of trouble this way. It is tried again.");
            Way { failed_at: now, cause: cause.clone(), message: message.clone(), ..Way::default() }
        }
    };
    outlet.count_aside(&watch.store, &lane.publisher, &*watch.clock).await;
    watch.store.note_way(lane.clone(), went).await?;
    Ok(told)
}

async fn try_once(watch: &Watch, outlet: &Outlet, notice: &Notice) -> Told {
    let Ok(connector) = &outlet.connector else {
        return Told::no(
            "unusable",
            "its settings cannot be used",
            "correct them with `leadwire destination update`",
        );
    };
    let moment = Moment { now: watch.clock.wall() };
    let telling = AssertUnwindSafe(connector.tell(notice, moment, &outlet.egress)).catch_unwind();
    match tokio::time::timeout(limits::ATTEMPT_WAIT, telling).await {
        Ok(Ok(Some(tried))) => match tried.outcome {
            Outcome::Done(_) => Told::Yes,
            Outcome::NotDone(_) | Outcome::Unknown => {
                Told::no(&tried.evidence.cause, &tried.evidence.message, &tried.evidence.fix)
            }
        },
        Ok(Ok(None)) => {
            Told::no("no_notices", "this kind of destination carries no notices", "name another one")
        }
        Ok(Err(_)) => Told::no("panicked", "the connector failed in an unexpected way", "report it"),
        Err(_) => Told::no("timed_out", "it did not answer in time", "see whether it is up"),
    }
}

impl Watch {
    /// Sends a test through a destination. What comes of it says whether notices would arrive; if not: the cause, what
    /// happened, and what to do.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn test(
        &self,
        whom: Option<&PublisherId>,
        lane: &LaneKey,
    ) -> Result<Result<(), [String; 3]>, StoreError> {
        let setup = self.directory.now();
        let outlet = setup.outlet(lane).map(Arc::clone);
        let (publisher, at) = (whom.map_or_else(String::new, ToString::to_string), self.clock.steady());
        let item = Item {
            event: "notice.test".to_owned(),
            name: outlet.as_ref().map_or_else(String::new, |it| it.name.clone()),
            at,
            message: "somebody asked for this test; nothing is wrong".to_owned(),
            ..Item::default()
        };
        // Each test is a message of its own: a receiver must not take the second one for a repetition.
        let id = format!("ntc_test_{:032x}", crate::clock::random_bits());
        let notice = Notice { id, publisher, at, items: vec![item] };
        let told = match &outlet {
            Some(outlet) => through(self, (lane, outlet), &notice).await?,
            None => Told::no("missing", "there is no such destination any more", "name another one"),
        };
        Ok(match told {
            Told::Yes => Ok(()),
            Told::No { cause, message, fix } => Err([cause, message, fix]),
        })
    }
}
