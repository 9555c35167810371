//! Claiming several deliveries of one lead together, for a destination where one write of a record says them all.

use super::{Claim, LaneKey, LaneToken, doubt};
use crate::StoreError;
use crate::engine::{Param, Tx};
use leadwire_core::id::TouchpointId;
use leadwire_core::lane::Turn;
use std::collections::HashMap;

/// A delivery behind one that was claimed.
struct Behind {
    /// The place of that one.
    first: usize,
    touchpoint: TouchpointId,
}

/// What decides whether it goes with that one.
struct Seen {
    claim: i64,
    due_at: i64,
    /// It says something else, or under another lead.
    is_apart: bool,
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
    let may = |(claim, is_known_as): &(&Claim, &bool)| {
        !**is_known_as && !claim.standing.erases && claim.follow_up.is_none()
    };
    let firsts: Vec<Claim> = claims.iter().zip(known_as).filter(may).map(|it| *it.0).collect();
    let (behind, mut is_over) = behind(tx, lane, turn, &firsts)?;
    if behind.is_empty() {
        return Ok(claims);
    }
    let mut room = turn.room;
    let mut chosen: Vec<&Behind> = Vec::new();
    for (at, it) in look(tx, lane, &behind)? {
        let behind = &behind[at];
        let goes = it.claim == -1 && it.due_at <= turn.now.millis() && !it.is_apart && room > 0;
        if is_over[behind.first] || !goes {
            is_over[behind.first] = true;
            continue;
        }
        room -= 1;
        chosen.push(behind);
    }
    let mut riders = claim(tx, lane, token, (&firsts, &chosen))?;
    let mut all = Vec::with_capacity(claims.len() + chosen.len());
    for claim in claims {
        all.push(claim);
        all.append(&mut riders.remove(&claim.touchpoint).unwrap_or_default());
    }
    Ok(all)
}

/// What is pending behind each of these, oldest first; and of which of them a request may still arrive.
fn behind(
    tx: &Tx<'_>,
    lane: &LaneKey,
    turn: &Turn,
    firsts: &[Claim],
) -> Result<(Vec<Behind>, Vec<bool>), StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let most = Param::Int(i64::try_from(turn.fold).unwrap_or(i64::MAX));
    let leads: Vec<String> = firsts.iter().map(|it| it.lead.to_string()).collect();
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
    let mut behind: Vec<Behind> = found
        .into_iter()
        .filter(|(first, touchpoint)| *touchpoint > firsts[*first].touchpoint)
        .map(|(first, touchpoint)| Behind { first, touchpoint })
        .collect();
    behind.sort_by_key(|it| (it.first, it.touchpoint));
    let mut are_in_doubt = vec![false; firsts.len()];
    if !behind.is_empty() {
        let rows: Vec<Vec<Param<'_>>> = rows.iter().map(|it| it[..3].to_vec()).collect();
        let doubts = doubt::until_each(tx, &rows)?.into_iter().filter(|it| it.1 > turn.now);
        doubts.for_each(|it| are_in_doubt[it.0] = true);
    }
    Ok((behind, are_in_doubt))
}

fn look(tx: &Tx<'_>, lane: &LaneKey, behind: &[Behind]) -> Result<Vec<(usize, Seen)>, StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let ids: Vec<String> = behind.iter().map(|it| it.touchpoint.to_string()).collect();
    let rows: Vec<Vec<Param<'_>>> =
        ids.iter().map(|it| vec![publisher, Param::Text(it), destination]).collect();
    let mut seen = tx.query_each(
        "SELECT claim, due_at, CASE WHEN follow_up_id = '' AND known_as = '' THEN 0 ELSE 1 END
         FROM delivery
         WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3",
        &rows,
        |row| Ok(Seen { claim: row.int(0)?, due_at: row.int(1)?, is_apart: row.int(2)? == 1 }),
    )?;
    // Without a gap: in the order in which they were asked for.
    seen.sort_by_key(|it| it.0);
    Ok(seen)
}

/// Claims what was chosen: by the first of its lead, oldest first.
fn claim(
    tx: &Tx<'_>,
    lane: &LaneKey,
    token: LaneToken,
    (firsts, chosen): (&[Claim], &[&Behind]),
) -> Result<HashMap<TouchpointId, Vec<Claim>>, StoreError> {
    let (token, publisher) = (Param::Int(token.number()), Param::Text(lane.publisher.as_str()));
    let destination = Param::Int(lane.destination.get().into());
    let ids: Vec<String> = chosen.iter().map(|it| it.touchpoint.to_string()).collect();
    let rows: Vec<Vec<Param<'_>>> =
        ids.iter().map(|it| vec![token, publisher, Param::Text(it), destination]).collect();
    let mut tried = tx.query_each(
        "UPDATE delivery SET claim = $1, attempts = attempts + 1
         WHERE publisher_id = $2 AND touchpoint_id = $3 AND destination_no = $4
         RETURNING attempts",
        &rows,
        |row| row.count(0),
    )?;
    tried.sort_by_key(|it| it.0);
    let mut riders: HashMap<TouchpointId, Vec<Claim>> = HashMap::new();
    for (at, number) in tried {
        let Behind { first, touchpoint } = *chosen[at];
        let first = firsts[first];
        riders.entry(first.touchpoint).or_default().push(Claim { touchpoint, number, rides: true, ..first });
    }
    Ok(riders)
}
