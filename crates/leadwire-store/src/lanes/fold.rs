//! Claiming several deliveries of one lead together, for a destination where one write of a record says them all.

use super::{Claim, LaneKey, LaneToken, doubt};
use crate::StoreError;
use crate::engine::{Param, Tx};
use leadwire_core::lane::Turn;
use std::collections::HashMap;

/// A delivery behind the one that was claimed.
struct Behind {
    claim: i64,
    due_at: i64,
    is_of_its_own: bool,
}

/// Claims behind each of these claims what follows it of its lead without a gap: due, and with nothing of its own to say. Nothing
/// behind a deletion or a follow-up, nothing of a lead of which a request may still arrive, and in all no more than there is
/// room for.
pub(super) fn fold(
    tx: &Tx<'_>,
    lane: &LaneKey,
    token: LaneToken,
    turn: &Turn,
    (claims, known_as): (Vec<Claim>, &[bool]),
) -> Result<Vec<Claim>, StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let may = |(claim, is_known_as): &(&Claim, &bool)| {
        !**is_known_as && !claim.standing.erases && claim.follow_up.is_none()
    };
    let firsts: Vec<Claim> = claims.iter().zip(known_as).filter(may).map(|it| *it.0).collect();
    let leads: Vec<String> = firsts.iter().map(|it| it.lead.to_string()).collect();
    let most = Param::Int(i64::try_from(turn.fold).unwrap_or(i64::MAX));
    let rows: Vec<Vec<Param<'_>>> =
        leads.iter().map(|it| vec![publisher, destination, Param::Text(it), most]).collect();
    let found = tx.query_each(
        "SELECT touchpoint_id
         FROM delivery
         WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND lead_id = $3
         ORDER BY touchpoint_id
         LIMIT $4",
        &rows,
        |row| row.touchpoint(0),
    )?;
    let behind: Vec<_> = found.into_iter().filter(|it| it.1 > firsts[it.0].touchpoint).collect();
    if behind.is_empty() {
        return Ok(claims);
    }
    let in_doubt: Vec<usize> = {
        let rows: Vec<Vec<Param<'_>>> = rows.iter().map(|it| it[..3].to_vec()).collect();
        let doubts = doubt::until_each(tx, &rows)?;
        doubts.into_iter().filter(|it| it.1 > turn.now).map(|it| it.0).collect()
    };
    let keys: Vec<String> = behind.iter().map(|it| it.1.to_string()).collect();
    let keys: Vec<Vec<Param<'_>>> =
        keys.iter().map(|it| vec![publisher, Param::Text(it), destination]).collect();
    let seen = tx.query_each(
        "SELECT claim, due_at, CASE WHEN follow_up_id = '' AND known_as = '' THEN 0 ELSE 1 END
         FROM delivery
         WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3",
        &keys,
        |row| Ok(Behind { claim: row.int(0)?, due_at: row.int(1)?, is_of_its_own: row.int(2)? == 1 }),
    )?;
    let mut room = turn.room;
    let mut chosen: Vec<usize> = Vec::new();
    let mut ended: Vec<bool> = (0..firsts.len()).map(|it| in_doubt.contains(&it)).collect();
    for (at, it) in &seen {
        let first = behind[*at].0;
        let goes = it.claim == -1 && it.due_at <= turn.now.millis() && !it.is_of_its_own && room > 0;
        if ended[first] || !goes {
            ended[first] = true;
            continue;
        }
        room -= 1;
        chosen.push(*at);
    }
    claim(tx, token, (&firsts, &behind, &keys), &chosen).map(|riders| behind_firsts(claims, riders))
}

type Riders = HashMap<leadwire_core::id::TouchpointId, Vec<Claim>>;

/// Claims what was chosen: by the first of its lead.
fn claim(
    tx: &Tx<'_>,
    token: LaneToken,
    (firsts, behind, keys): (&[Claim], &[(usize, leadwire_core::id::TouchpointId)], &[Vec<Param<'_>>]),
    chosen: &[usize],
) -> Result<Riders, StoreError> {
    let rows: Vec<Vec<Param<'_>>> = chosen
        .iter()
        .map(|at| {
            let mut row = vec![Param::Int(token.number())];
            row.extend_from_slice(&keys[*at]);
            row
        })
        .collect();
    let tried = tx.query_each(
        "UPDATE delivery SET claim = $1, attempts = attempts + 1
         WHERE publisher_id = $2 AND touchpoint_id = $3 AND destination_no = $4
         
         RETURNING attempts",
        &rows,
        |row| row.count(0),
    )?;
    let mut riders: Riders = HashMap::new();
    for (at, number) in tried {
        let (first, touchpoint) = behind[chosen[at]];
        let first = &firsts[first];
        riders.entry(first.touchpoint).or_default().push(Claim { touchpoint, number, rides: true, ..*first });
    }
    Ok(riders)
}

/// Each claim, and behind it what rides with it, oldest first.
fn behind_firsts(claims: Vec<Claim>, mut riders: Riders) -> Vec<Claim> {
    let mut all = Vec::with_capacity(claims.len());
    for claim in claims {
        let mut with = riders.remove(&claim.touchpoint).unwrap_or_default();
        with.sort_by_key(|it| it.touchpoint);
        all.push(claim);
        all.append(&mut with);
    }
    all
}
