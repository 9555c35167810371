//! The touchpoints a replay may take up, a page at a time, and how many there are.

use super::{Only, Replay};
use crate::StoreError;
use crate::engine::{Param, Tx};
use crate::leads::{StoredTouchpoint, read_touchpoint};
use leadwire_core::limits;

/// The next ones, oldest first.
pub(super) fn next(tx: &Tx<'_>, replay: &Replay, limit: usize) -> Result<Vec<StoredTouchpoint>, StoreError> {
    let limit = Param::Int(i64::try_from(limit).unwrap_or(i64::MAX));
    let (publisher, from, to) =
        (replay.publisher.as_str(), replay.done_to.to_string(), replay.range.1.to_string());
    let span = [Param::Text(publisher), Param::Text(&from), Param::Text(&to), limit];
    match (replay.destination, replay.selection.only) {
        (Some(destination), Some(Only::Parked)) => {
            let cause = Param::Text(&replay.selection.cause);
            let number = Param::Int(destination.get().into());
            let params = [span[0], number, span[1], span[2], cause, span[3]];
            tx.query(PARKED_BEHIND, &params, read_touchpoint)
        }
        (Some(_), _) => tx.query(ALL_BEHIND, &span, read_touchpoint),
        (None, _) => tx.query(UNROUTED_BEHIND, &span, read_touchpoint),
    }
}

/// How many there are, counted up to one more than [`limits::REPLAY_COUNTED_MAX`].
pub(super) fn count(tx: &Tx<'_>, replay: &Replay) -> Result<u64, StoreError> {
    let (publisher, from, to) =
        (replay.publisher.as_str(), replay.done_to.to_string(), replay.range.1.to_string());
    let most = Param::Int(i64::try_from(limits::REPLAY_COUNTED_MAX + 1).unwrap_or(i64::MAX));
    let span = [Param::Text(publisher), Param::Text(&from), Param::Text(&to), most];
    let counted = match (replay.destination, replay.selection.only) {
        (Some(destination), Some(Only::Parked)) => {
            let cause = Param::Text(&replay.selection.cause);
            let number = Param::Int(destination.get().into());
            let params = [span[0], number, span[1], span[2], cause, span[3]];
            tx.find(COUNT_PARKED, &params, |row| row.count(0))?
        }
        (Some(_), _) => tx.find(COUNT_ALL, &span, |row| row.count(0))?,
        (None, _) => tx.find(COUNT_UNROUTED, &span, |row| row.count(0))?,
    };
    Ok(counted.unwrap_or(0))
}

const ALL_BEHIND: &str =
    "SELECT touchpoint_id, lead_id, received_at, channel, offer_id, source, action, test, routed, body, interest,
         interest_rule, routing_trouble
     FROM touchpoint
     WHERE publisher_id = $1 AND touchpoint_id > $2 AND touchpoint_id <= $3 AND erased_at = 0
     ORDER BY touchpoint_id
     LIMIT $4";
const UNROUTED_BEHIND: &str =
    "SELECT touchpoint_id, lead_id, received_at, channel, offer_id, source, action, test, routed, body, interest,
         interest_rule, routing_trouble
     FROM touchpoint
     WHERE publisher_id = $1 AND routed = 0 AND touchpoint_id > $2 AND touchpoint_id <= $3 AND erased_at = 0
     ORDER BY touchpoint_id
     LIMIT $4";
const PARKED_BEHIND: &str =
    "SELECT t.touchpoint_id, t.lead_id, t.received_at, t.channel, t.offer_id, t.source, t.action, t.test, t.routed,
         t.body, t.interest, t.interest_rule, t.routing_trouble
     FROM delivery d
     CROSS JOIN touchpoint t
     WHERE d.state = 'parked' AND d.publisher_id = $1 AND d.destination_no = $2 AND d.touchpoint_id > $3
         AND d.touchpoint_id <= $4 AND ($5 = '' OR d.cause = $5)
         AND t.publisher_id = d.publisher_id AND t.touchpoint_id = d.touchpoint_id
     ORDER BY d.touchpoint_id
     LIMIT $6";
const COUNT_ALL: &str = "SELECT COUNT(*) FROM (
         SELECT touchpoint_id FROM touchpoint
         WHERE publisher_id = $1 AND touchpoint_id > $2 AND touchpoint_id <= $3 AND erased_at = 0
         ORDER BY touchpoint_id LIMIT $4) counted";
const COUNT_UNROUTED: &str =
    "SELECT COUNT(*) FROM (
         SELECT touchpoint_id FROM touchpoint
         WHERE publisher_id = $1 AND routed = 0 AND touchpoint_id > $2 AND touchpoint_id <= $3 AND erased_at = 0
         ORDER BY touchpoint_id LIMIT $4) counted";
const COUNT_PARKED: &str = "SELECT COUNT(*) FROM (
         SELECT touchpoint_id FROM delivery
         WHERE state = 'parked' AND publisher_id = $1 AND destination_no = $2 AND touchpoint_id > $3
             AND touchpoint_id <= $4 AND ($5 = '' OR cause = $5)
         ORDER BY touchpoint_id LIMIT $6) counted";
