//! Looking at destinations that no lead went to for a while, and at credentials that end: before a lead finds out.

use super::Watch;
use crate::directory::Outlet;
use futures_util::{FutureExt, StreamExt};
use leadwire_connect::Moment;
use leadwire_connect::validation::{Checked, Verdict};
use leadwire_core::limits;
use leadwire_core::notice::NoticeKind;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use leadwire_store::StoreError;
use leadwire_store::notices::{Said, Watched};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// Days before a credential's end at which somebody is told, once each.
const WARN_DAYS: [u32; 5] = [30, 14, 7, 3, 1];
/// Destinations looked at side by side.
const LOOKS_AT_ONCE: usize = 8;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Looks at every destination that is due for it. One whose look cannot be noted holds up no other.
pub(super) async fn at_all(watch: &Watch) -> Result<(), StoreError> {
    let all = watch.store.watched().await?;
    let setup = watch.directory.now();
    let (now, wall) = (watch.clock.steady(), watch.clock.wall());
    let mut looks = Vec::new();
    for known in all {
        let Some(outlet) = setup.outlet(&known.lane).map(Arc::clone) else { continue };
        let warning = warning(&outlet, &known, wall);
        let is_due = is_due(&known, now);
        if !is_due && warning.is_none() {
            continue;
        }
        // A paused lane probes by itself, and a person who paused it knows why.
        let is_open = known.is_open;
        looks.push(look(watch, outlet, known, (is_due && is_open, warning), (now, wall)));
    }
    let mut looks = futures_util::stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE);
    let mut first = Ok(());
    while let Some(looked) = looks.next().await {
        first = first.and(looked);
    }
    first
}

/// Whether nothing was heard of a destination for long enough.
fn is_due(known: &Watched, now: Timestamp) -> bool {
    let heard = known.delivered_at.max(known.checked_at);
    let patience = if known.is_failing { limits::LOOK_AGAIN } else { limits::SILENT_FOR };
    now.since(heard) >= patience
}

/// The warning that is to be given now, of an end that is near: the end, and the days that are left.
fn warning(outlet: &Outlet, known: &Watched, wall: Timestamp) -> Option<(Timestamp, u32)> {
    let ends_at = outlet.connector.as_ref().ok()?.ends_at()?;
    let left = ends_at.since(wall);
    let days = WARN_DAYS.into_iter().rev().find(|it| left <= DAY * *it)?;
    // The same end is warned of again only when a smaller number of days is reached.
    match known.warned {
        Some((of, told)) if of == ends_at && told <= days => None,
        Some(_) | None => Some((ends_at, days)),
    }
}

async fn look(
    watch: &Watch,
    outlet: Arc<Outlet>,
    known: Watched,
    (shall_check, warning): (bool, Option<(Timestamp, u32)>),
    (now, wall): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let mut found = Watched { warned: warning.or(known.warned), ..known.clone() };
    let mut said = Vec::new();
    if let Some((ends_at, _)) = warning {
        said.push(ending(ends_at, wall));
    }
    if shall_check && let Ok(connector) = &outlet.connector {
        let checking = AssertUnwindSafe(connector.check(Moment { now: wall }, &outlet.egress)).catch_unwind();
        // What takes too long, or panics, says nothing about the destination.
        if let Ok(Ok(checked)) = tokio::time::timeout(limits::ATTEMPT_WAIT, checking).await {
            found.is_failing = !checked.is_passed();
            said.extend(change(&checked, known.is_failing));
        }
    }
    if shall_check {
        outlet.count_aside(&watch.store, &known.lane.publisher, &*watch.clock).await;
        found.checked_at = now;
    }
    let is_news = !said.is_empty();
    watch.store.note_watch(found, said, now).await?;
    if is_news {
        watch.wake();
    }
    Ok(())
}

fn ending(ends_at: Timestamp, wall: Timestamp) -> Said {
    let days = ends_at.since(wall).as_secs() / DAY.as_secs();
    let when = match days {
        0 if ends_at <= wall => "has ended".to_owned(),
        0 => "ends within a day".to_owned(),
        1 => "ends in a day".to_owned(),
        days => format!("ends in {days} days"),
    };
    Said {
        kind: NoticeKind::EndsSoon,
        about: String::new(),
        cause: "credential_ends".to_owned(),
        message: format!("a credential of it {when}, at {}", rfc3339::format(ends_at)),
        fix: "make a new one there, and enter it with `leadwire destination update`; leads go on meanwhile"
            .to_owned(),
    }
}

/// What is to be said when a look comes to something else than the one before.
fn change(checked: &Checked, was_failing: bool) -> Option<Said> {
    let failed = checked.steps.iter().find(|it| it.verdict == Verdict::Failed);
    match (failed, was_failing) {
        (Some(step), false) => Some(Said {
            kind: NoticeKind::CheckFailed,
            about: String::new(),
            cause: step.cause.clone(),
            message: format!("{}: {}", step.title, step.message),
            fix: step.fix.clone(),
        }),
        (None, true) => Some(Said {
            kind: NoticeKind::CheckPassed,
            about: String::new(),
            cause: String::new(),
            message: "a look at it found nothing wrong any more".to_owned(),
            fix: String::new(),
        }),
        (Some(_), true) | (None, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadwire_connect::validation::Step;
    use leadwire_core::id::{DestinationNo, PublisherId};
    use leadwire_core::notice::ParkedTold;
    use leadwire_store::lanes::LaneKey;

    fn known() -> Watched {
        let publisher = PublisherId::parse("contoso").expect("a name");
        Watched {
            lane: LaneKey { publisher, destination: DestinationNo::new(1) },
            delivered_at: Timestamp::from_millis(0),
            checked_at: Timestamp::from_millis(0),
            is_open: true,
            is_failing: false,
            warned: None,
            parked: ParkedTold::default(),
        }
    }

    #[test]
    fn a_destination_is_looked_at_when_nothing_was_heard_of_it_and_sooner_when_it_fails() {
        let start = Timestamp::from_millis(1_000_000_000_000);
        let at = |patience: Duration| start.plus(patience);
        let busy = Watched { delivered_at: start, ..known() };
        assert!(!is_due(&busy, at(limits::SILENT_FOR - Duration::from_secs(1))));
        assert!(is_due(&busy, at(limits::SILENT_FOR)));
        let failing = Watched { checked_at: start, is_failing: true, ..known() };
        assert!(is_due(&failing, at(limits::LOOK_AGAIN)));
        assert!(is_due(&known(), start));
    }

    #[test]
    fn only_a_change_is_news() {
        let good = Checked { steps: vec![Step::passed("token", "Sign in", "fine")], field_rules: None };
        let step = Step::passed("token", "Sign in", "refused").but(
            Verdict::Failed,
            "token_refused",
            "enter it again",
        );
        let bad = Checked { steps: vec![step], field_rules: None };
        assert_eq!(change(&good, false), None);
        assert_eq!(change(&bad, true), None);
        assert_eq!(
            change(&bad, false).map(|it| (it.kind, it.cause)),
            Some((NoticeKind::CheckFailed, "token_refused".to_owned()))
        );
        assert_eq!(change(&good, true).map(|it| it.kind), Some(NoticeKind::CheckPassed));
    }

    #[test]
    fn an_end_is_told_in_days() {
        let wall = Timestamp::from_millis(0);
        assert!(ending(wall.plus(DAY * 7), wall).message.contains("ends in 7 days"));
        assert!(ending(wall.plus(DAY / 2), wall).message.contains("within a day"));
        assert!(ending(wall, wall.plus(DAY)).message.contains("has ended"));
    }
}
