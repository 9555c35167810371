//! How destinations are doing with the leads they have: whether anything arrives, and how many wait for a person.

use super::Watch;
use leadwire_core::limits;
use leadwire_core::notice::{NoticeKind, ParkedNews, is_failing, parked};
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use leadwire_store::StoreError;
use leadwire_store::notices::{Pulse, Said, Watched, Whose};

/// Takes the pulse of every destination, some at a time.
pub(super) async fn take(watch: &Watch, all: &[Watched], now: Timestamp) -> Result<(), StoreError> {
    for some in all.chunks(limits::WATCHED_AT_ONCE) {
        let pulses = watch.store.pulses(some.to_vec(), now).await?;
        for (known, pulse) in some.iter().zip(pulses) {
            arriving(watch, known, &pulse, now).await?;
            waiting_for_a_person(watch, known, &pulse, now).await?;
        }
    }
    Ok(())
}

/// Whether leads arrive. A pause has a notice of its own.
async fn arriving(watch: &Watch, known: &Watched, pulse: &Pulse, now: Timestamp) -> Result<(), StoreError> {
    let whose = Whose::from(&pulse.lane);
    match pulse.failing_since {
        Some(since) if pulse.delivered_at > since => {
            let message = "leads arrive there again, and those that waited are on their way".to_owned();
            let (about, cause, fix) = (String::new(), String::new(), String::new());
            let said = Said { kind: NoticeKind::Delivering, about, cause, message, fix };
            watch.store.say(whose, said, now).await
        }
        // What was tried in vain was parked, erased or taken away: nothing is there to arrive.
        Some(_) if !pulse.has_pending => {
            watch.store.end_silently(whose, String::new(), NoticeKind::Failing, now).await
        }
        None if known.is_open && is_failing(pulse.failures, now) => {
            let since = pulse.failures.since.unwrap_or(now);
            let [cause, why, fix] = pulse.why.clone();
            let message = format!("no lead arrived there since {}: {why}", rfc3339::format(since));
            let fix = match fix.is_empty() {
                true => {
                    "nothing, if it comes back by itself: the leads are tried until they arrive".to_owned()
                }
                false => fix,
            };
            let said = Said { kind: NoticeKind::Failing, about: String::new(), cause, message, fix };
            watch.store.say(whose, said, now).await
        }
        Some(_) | None => Ok(()),
    }
}

async fn waiting_for_a_person(
    watch: &Watch,
    known: &Watched,
    pulse: &Pulse,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (told, news) = parked(known.parked, pulse.parked, now);
    // An hour in which nothing was parked or told needs no write.
    let is_quiet = news.is_none() && told.mark == known.parked.mark && told.seen == known.parked.seen;
    if is_quiet && (pulse.parked == 0 || told == known.parked) {
        return Ok(());
    }
    let count = pulse.parked;
    let said = news.map(|news| {
        let message = match news {
            ParkedNews::Passed(_) if count == 1 => "1 lead is parked: the destination refused it".to_owned(),
            ParkedNews::Passed(_) => format!("{count} leads are parked: the destination refused them"),
            ParkedNews::Rose(rise) => {
                format!("{rise} more leads were parked within an hour; {count} are in all")
            }
        };
        Said {
            kind: NoticeKind::Parked,
            about: String::new(),
            cause: "parked".to_owned(),
            message,
            fix:
                "see the causes with `leadwire failure list`, mend them, and put the leads back to work there"
                    .to_owned(),
        }
    });
    watch.store.note_parked(Watched { parked: told, ..known.clone() }, said, now).await
}
