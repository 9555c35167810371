//! Touchpoints with their deliveries and attempts, side by side in the order of their ids: what one has and the other lacks.

use super::{Bodies, Check, Cursor, Findings, Scope};
use crate::engine::{Param, Tx};
use crate::rows::DeliveryState;
use crate::{StoreError, bulk};
use leadwire_core::audit::sha256;
use leadwire_core::id::{DestinationNo, PublisherId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use std::collections::{BTreeMap, HashMap};

struct Touchpoint {
    id: String,
    has_lead: bool,
    routed: bool,
    is_erased: bool,
    body_bytes: i64,
    received_at: i64,
}

struct Delivery {
    touchpoint: String,
    destination: i64,
    state: String,
    claim: i64,
    attempts: i64,
    ended_at: i64,
    is_follow_up: bool,
    has_lead: bool,
    is_refused: bool,
    is_of_erasure: bool,
}

#[derive(Default)]
struct Tries {
    count: i64,
    last: i64,
    ended_at: i64,
    done: i64,
}

/// A stretch of one publisher's rows: the three tables from one id up to another, which is where the next stretch begins.
struct Stretch {
    touchpoints: Vec<Touchpoint>,
    deliveries: Vec<Delivery>,
    attempts: BTreeMap<(String, i64), Tries>,
    until: Option<String>,
}

/// Looks at the next stretch. True: there is another one.
pub(super) fn page(
    tx: &Tx<'_>,
    scope: &Scope,
    cursor: &mut Cursor,
    findings: &mut Findings,
) -> Result<bool, StoreError> {
    let stretch = read(tx, cursor)?;
    let lanes = lanes(tx, &cursor.publisher)?;
    let of = &stretch.touchpoints;
    let known: HashMap<&str, &Touchpoint> = of.iter().map(|it| (it.id.as_str(), it)).collect();
    let mut carried: HashMap<&str, (bool, bool)> = HashMap::new();
    let look = Look { scope, publisher: &cursor.publisher, lanes: &lanes };
    for delivery in &stretch.deliveries {
        let key = (delivery.touchpoint.clone(), delivery.destination);
        let touchpoint = known.get(delivery.touchpoint.as_str()).copied();
        look.delivery(delivery, touchpoint, stretch.attempts.get(&key), findings);
        let carried = carried.entry(&delivery.touchpoint).or_default();
        if delivery.is_follow_up { carried.1 = true } else { carried.0 = true }
    }
    let owed: std::collections::HashSet<(&str, i64)> =
        stretch.deliveries.iter().map(|it| (it.touchpoint.as_str(), it.destination)).collect();
    for ((touchpoint, destination), tries) in &stretch.attempts {
        findings.counted.attempts += u64::try_from(tries.count).unwrap_or(0);
        if !owed.contains(&(touchpoint.as_str(), *destination)) {
            let of = format!("{touchpoint} to {destination}");
            findings.tell(Check::AttemptWithoutDelivery, look.publisher, &of);
        }
    }
    for touchpoint in of {
        look.touchpoint(touchpoint, carried.get(touchpoint.id.as_str()).is_some_and(|it| it.0), findings);
        if scope.bodies == Bodies::Hashed && touchpoint.body_bytes > 0 {
            look.body(tx, &touchpoint.id, findings)?;
        }
    }
    if let Some(until) = stretch.until {
        cursor.from = until;
        return Ok(true);
    }
    let accounts = findings.accounts.range((cursor.publisher.clone(), i64::MIN)..);
    let wrong: Vec<i64> = accounts
        .take_while(|it| it.0.0 == cursor.publisher)
        .filter(|it| !it.1.adds_up())
        .map(|it| it.0.1)
        .collect();
    for destination in wrong {
        findings.tell(Check::DoesNotAddUp, &cursor.publisher, &format!("destination {destination}"));
    }
    Ok(false)
}

/// What is the same for a whole page.
struct Look<'a> {
    scope: &'a Scope,
    publisher: &'a str,
    lanes: &'a HashMap<i64, i64>,
}

impl Look<'_> {
    fn touchpoint(&self, it: &Touchpoint, is_brought: bool, findings: &mut Findings) {
        let counted = &mut findings.counted;
        counted.touchpoints += 1;
        counted.routed += u64::from(it.routed);
        counted.erased += u64::from(it.is_erased);
        let minted = TouchpointId::parse(&it.id).map_or(i64::MAX, |it| it.minted_at().millis());
        let wrong = [
            (Check::TouchpointWithoutLead, !it.has_lead),
            (Check::RoutedNowhere, it.routed && !is_brought),
            (Check::UnroutedDelivered, !it.routed && is_brought),
            (Check::ErasedKept, it.is_erased && it.body_bytes > 0),
            (Check::FromTheFuture, self.is_future(it.received_at) || self.is_future(minted)),
        ];
        for (check, _) in wrong.into_iter().filter(|it| it.1) {
            findings.tell(check, self.publisher, &it.id);
        }
    }

    fn body(&self, tx: &Tx<'_>, id: &str, findings: &mut Findings) -> Result<(), StoreError> {
        // One at a time: together they may be larger than the memory.
        let same = tx.find(
            "SELECT body, body_sha256 FROM touchpoint WHERE publisher_id = $1 AND touchpoint_id = $2",
            &[Param::Text(self.publisher), Param::Text(id)],
            |row| Ok(sha256(row.bytes(0)?) == row.bytes(1)?),
        )?;
        findings.counted.bodies += 1;
        if same == Some(false) {
            findings.tell(Check::BodyChanged, self.publisher, id);
        }
        Ok(())
    }

    fn delivery(
        &self,
        it: &Delivery,
        touchpoint: Option<&Touchpoint>,
        tries: Option<&Tries>,
        findings: &mut Findings,
    ) {
        findings.counted.deliveries += 1;
        let account = findings.accounts.entry((self.publisher.to_owned(), it.destination)).or_default();
        let state = DeliveryState::parse(&it.state);
        // By the word of the touchpoint, or of the follow-up; and by the row itself.
        account.accepted += u64::from(touchpoint.is_some_and(|t| t.routed || it.is_follow_up));
        if let Some(state) = state {
            account.add(state);
        }
        let nothing = Tries::default();
        let tries = tries.unwrap_or(&nothing);
        let is_pending = state == Some(DeliveryState::Pending);
        let has_claim = it.claim != 0;
        let token = self.lanes.get(&it.destination).copied();
        let is_at_rest = !matches!(state, Some(DeliveryState::Pending | DeliveryState::Erased));
        let claim_is_wrong = match state {
            // One lane's token, or in its bulk job.
            _ if it.claim == bulk::CLAIM => is_at_rest,
            Some(DeliveryState::Pending) => it.claim < -1 || it.claim > 0 && token != Some(it.claim),
            // What was erased on the wire keeps its claim until its end is known.
            Some(DeliveryState::Erased) => it.claim < 0 || it.claim > token.unwrap_or(0),
            Some(_) => has_claim,
            None => false,
        };
        let is_delivered = state == Some(DeliveryState::Delivered);
        let holds = it.is_refused && is_pending && !it.is_of_erasure && self.is_holding(it.destination);
        let wrong = [
            (Check::DeliveryWithoutTouchpoint, touchpoint.is_none()),
            (Check::DeliveryWithoutDestination, token.is_none()),
            (Check::DeliveryWithoutLead, !it.has_lead),
            (Check::DeliveryStateUnknown, state.is_none()),
            (Check::DeliveryEnd, state.is_some() && is_pending != (it.ended_at == 0)),
            (Check::ClaimWrong, claim_is_wrong),
            // Of an erasure's news the receipt says what came of it, also when there was nothing to delete.
            (Check::DeliveredWithoutAttempt, is_delivered && tries.done == 0 && !it.is_of_erasure),
            (Check::AttemptsMiscounted, it.attempts < tries.last || it.attempts < 0),
            (Check::FromTheFuture, self.is_future(it.ended_at) || self.is_future(tries.ended_at)),
            // Told only where nobody tries it: what is on its way was begun before the wish came.
            (Check::RefusedPending, holds && it.claim <= 0),
        ];
        for (check, _) in wrong.into_iter().filter(|it| it.1) {
            findings.tell(check, self.publisher, &format!("{} to {}", it.touchpoint, it.destination));
        }
    }

    fn is_future(&self, millis: i64) -> bool {
        Timestamp::from_millis(millis) > self.scope.now.plus(limits::CLOCK_DOUBT)
    }

    fn is_holding(&self, destination: i64) -> bool {
        let Ok(number) = u32::try_from(destination) else { return false };
        let Ok(publisher) = PublisherId::parse(self.publisher) else { return false };
        self.scope.holding.contains(&(publisher, DestinationNo::new(number)))
    }
}

/// The token of each destination's lane, removed ones included.
fn lanes(tx: &Tx<'_>, publisher: &str) -> Result<HashMap<i64, i64>, StoreError> {
    let found = tx.query(
        "SELECT d.destination_no, l.token
         FROM destination d
         JOIN lane l ON l.publisher_id = d.publisher_id AND l.destination_no = d.destination_no
         WHERE d.publisher_id = $1",
        &[Param::Text(publisher)],
        |row| Ok((row.int(0)?, row.int(1)?)),
    )?;
    Ok(found.into_iter().collect())
}

fn read(tx: &Tx<'_>, cursor: &Cursor) -> Result<Stretch, StoreError> {
    let rows = limits::VERIFY_STEP;
    let asked = |limit: usize| {
        let limit = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
        [Param::Text(&cursor.publisher), Param::Text(&cursor.from), Param::Int(limit)]
    };
    let mut touchpoints = tx.query(TOUCHPOINTS, &asked(rows), |row| {
        Ok(Touchpoint {
            id: row.text(0)?.to_owned(),
            has_lead: row.int(1)? != 0,
            routed: row.int(2)? != 0,
            is_erased: row.int(3)? != 0,
            body_bytes: row.int(4)?,
            received_at: row.int(5)?,
        })
    })?;
    let mut deliveries = tx.query(DELIVERIES, &asked(rows * 4), |row| {
        Ok(Delivery {
            touchpoint: row.text(0)?.to_owned(),
            destination: row.int(1)?,
            state: row.text(2)?.to_owned(),
            claim: row.int(3)?,
            attempts: row.int(4)?,
            ended_at: row.int(5)?,
            is_follow_up: !row.text(6)?.is_empty(),
            has_lead: row.int(7)? != 0,
            is_refused: row.int(8)? != 0,
            is_of_erasure: row.int(9)? != 0,
        })
    })?;
    let attempts = tx.query(ATTEMPTS, &asked(rows * 4), |row| {
        let tries = Tries { count: row.int(2)?, last: row.int(3)?, ended_at: row.int(4)?, done: row.int(5)? };
        Ok(((row.text(0)?.to_owned(), row.int(1)?), tries))
    })?;
    // A list that is cut says nothing of its last touchpoint, which is where the next stretch begins.
    let cuts = [
        touchpoints.get(rows).map(|it| &it.id),
        deliveries.get(rows * 4).map(|it| &it.touchpoint),
        attempts.get(rows * 4).map(|it| &it.0.0),
    ];
    let until = cuts.into_iter().flatten().min().cloned();
    let mut attempts: BTreeMap<_, _> = attempts.into_iter().collect();
    if let Some(until) = &until {
        if *until <= cursor.from {
            return Err(StoreError::Wrong(format!("{until} has more deliveries than destinations can be")));
        }
        touchpoints.retain(|it| it.id < *until);
        deliveries.retain(|it| it.touchpoint < *until);
        attempts.retain(|it, _| it.0 < *until);
    }
    Ok(Stretch { touchpoints, deliveries, attempts, until })
}

const TOUCHPOINTS: &str =
    "SELECT t.touchpoint_id, CASE WHEN l.lead_id IS NULL THEN 0 ELSE 1 END, t.routed, t.erased_at,
         LENGTH(t.body), t.received_at
     FROM touchpoint t
     LEFT JOIN lead l ON l.publisher_id = t.publisher_id AND l.lead_id = t.lead_id
     WHERE t.publisher_id = $1 AND t.touchpoint_id >= $2
     ORDER BY t.touchpoint_id
     LIMIT $3";
const DELIVERIES: &str =
    "SELECT d.touchpoint_id, d.destination_no, d.state, d.claim, d.attempts, d.ended_at, d.follow_up_id,
         CASE WHEN l.lead_id IS NULL THEN 0 ELSE 1 END, COALESCE(l.do_not_contact, 0), CASE WHEN EXISTS (
             SELECT 1 FROM erased_lead e
             WHERE e.publisher_id = d.publisher_id AND e.touchpoint_id = d.touchpoint_id)
         THEN 1 ELSE 0 END
     FROM delivery d
     LEFT JOIN lead l ON l.publisher_id = d.publisher_id AND l.lead_id = d.lead_id
     WHERE d.publisher_id = $1 AND d.touchpoint_id >= $2
     ORDER BY d.touchpoint_id, d.destination_no
     LIMIT $3";
const ATTEMPTS: &str = "SELECT touchpoint_id, destination_no, COUNT(*), MAX(number), MAX(ended_at),
         CAST(SUM(CASE WHEN outcome = 'done' THEN 1 ELSE 0 END) AS BIGINT)
     FROM attempt
     WHERE publisher_id = $1 AND touchpoint_id >= $2
     GROUP BY touchpoint_id, destination_no
     ORDER BY touchpoint_id, destination_no
     LIMIT $3";
