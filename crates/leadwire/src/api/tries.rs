//! How a destination has fared: its newest tries by hour, when it proved itself, and when its credentials end.

use super::answer;
use super::call::Call;
use super::destinations::{find, lane};
use super::problem::Problem;
use super::wire::{self, moment};
use crate::directory::Snapshot;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_store::deliveries::Try;
use leadwire_store::setup::Destination;
use leadwire_store::setup::proofs::ProvedBefore;

const HOUR_MS: i64 = 3_600_000;

/// `GET /v1/destinations/{destination}/tries`
pub(super) async fn show(call: Call) -> Result<Response, Problem> {
    let (_, destination) = find(&call)?;
    let all = call.app.store.newest_tries(call.publisher(), limits::TRIES_LOOKED_AT_MAX).await?;
    let first = first_hour(call.app.clock.wall());
    // They come by touchpoint, and not by when they ended: behind the bound there may be tries of any hour, such as one of a
    // minute ago for a lead of last year.
    let complete = all.len() < limits::TRIES_LOOKED_AT_MAX;
    let own = all.iter().filter(|it| it.destination == destination.number);
    Ok(answer::json(StatusCode::OK, &wire::Tries { hours: by_hour(own, first), complete }))
}

/// When the first of the hours begins that end with the one that runs now.
fn first_hour(now: Timestamp) -> Timestamp {
    let hour = now.millis().div_euclid(HOUR_MS) - i64::from(limits::TRIES_HOURS - 1);
    Timestamp::from_millis(hour * HOUR_MS)
}

fn by_hour<'a>(all: impl Iterator<Item = &'a Try>, first: Timestamp) -> Vec<wire::TriesOfHour> {
    let begins = |at: u32| moment(Timestamp::from_millis(first.millis() + i64::from(at) * HOUR_MS));
    let mut hours: Vec<wire::TriesOfHour> = (0..limits::TRIES_HOURS)
        .map(|it| wire::TriesOfHour { at: begins(it), delivered: 0, again: 0, failed: 0 })
        .collect();
    for it in all {
        let place = (it.ended_at.millis() - first.millis()).div_euclid(HOUR_MS);
        let Some(hour) = usize::try_from(place).ok().and_then(|it| hours.get_mut(it)) else { continue };
        match it.outcome.as_str() {
            "done" => hour.delivered += 1,
            "unknown" | "retry" => hour.again += 1,
            _ => hour.failed += 1,
        }
    }
    hours
}

/// When a destination proved itself in one respect.
pub(super) fn proved(
    proofs: &[ProvedBefore],
    destination: &Destination,
    respect: impl Fn(&ProvedBefore) -> Option<(u32, Timestamp)>,
) -> Option<wire::ProvedAt> {
    let proof = proofs.iter().find(|it| it.destination == destination.number)?;
    let (settings_no, at) = respect(proof)?;
    Some(wire::ProvedAt { at: moment(at), current: settings_no == destination.settings_no })
}

/// When the first of a destination's credentials ends.
pub(super) fn credential_ends_at(setup: &Snapshot, destination: &Destination) -> Option<Timestamp> {
    setup.outlet(&lane(destination))?.connector.as_ref().ok()?.ends_at()
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadwire_core::id::DestinationNo;

    #[test]
    fn each_try_is_counted_in_its_hour_and_those_of_before_in_none() {
        let now = Timestamp::from_millis(1_000 * HOUR_MS + 17);
        let first = first_hour(now);
        assert_eq!(first.millis(), (1_000 - 47) * HOUR_MS);
        let all = [(0, "done"), (1, "retry"), (1, "unknown"), (47, "operator"), (48, "done"), (-1, "done")];
        let all: Vec<Try> = all
            .into_iter()
            .map(|(hour, outcome)| Try {
                destination: DestinationNo::new(1),
                ended_at: Timestamp::from_millis(first.millis() + hour * HOUR_MS + 9),
                outcome: outcome.to_owned(),
            })
            .collect();
        let hours = by_hour(all.iter(), first);
        assert_eq!(hours.len(), 48);
        let counts = |at: usize| (hours[at].delivered, hours[at].again, hours[at].failed);
        assert_eq!([counts(0), counts(1), counts(47)], [(1, 0, 0), (0, 2, 0), (0, 0, 1)]);
        assert_eq!(hours.iter().map(|it| it.delivered + it.again + it.failed).sum::<u64>(), 4);
    }
}
