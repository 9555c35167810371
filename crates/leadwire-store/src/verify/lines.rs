//! The order of a lead's pending deliveries: at each destination exactly one of them is the next, or some are tried together, and
//! no other is in their way.

use super::{Check, Cursor, Findings};
use crate::StoreError;
use crate::engine::{Param, Tx};
use leadwire_core::limits;

/// Looks at the next leads of a destination, then at the next destination. True: there is more.
pub(super) fn page(tx: &Tx<'_>, cursor: &mut Cursor, findings: &mut Findings) -> Result<bool, StoreError> {
    let publisher = Param::Text(&cursor.publisher);
    let found = tx.query(
        "SELECT lead_id, CAST(SUM(CASE WHEN claim = 0 THEN 1 ELSE 0 END) AS BIGINT),
             CAST(SUM(CASE WHEN claim > 0 THEN 1 ELSE 0 END) AS BIGINT)
         FROM delivery
         WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND lead_id > $3
         GROUP BY lead_id
         ORDER BY lead_id
         LIMIT $4",
        &[
            publisher,
            Param::Int(cursor.destination),
            Param::Text(&cursor.from),
            Param::Int(i64::try_from(limits::VERIFY_STEP).unwrap_or(i64::MAX)),
        ],
        |row| Ok((row.text(0)?.to_owned(), row.int(1)?, row.int(2)?)),
    )?;
    for (lead, ..) in found.iter().filter(|(_, free, claimed)| *free != i64::from(*claimed == 0)) {
        let of = format!("{lead} at {}", cursor.destination);
        findings.tell(Check::OrderBroken, &cursor.publisher, &of);
    }
    if found.len() == limits::VERIFY_STEP
        && let Some((last, ..)) = found.last()
    {
        cursor.from.clone_from(last);
        return Ok(true);
    }
    let next = tx.find(
        "SELECT destination_no FROM destination
         WHERE publisher_id = $1 AND destination_no > $2
         ORDER BY destination_no
         LIMIT 1",
        &[publisher, Param::Int(cursor.destination)],
        |row| row.int(0),
    )?;
    cursor.from.clear();
    cursor.destination = next.unwrap_or(cursor.destination);
    Ok(next.is_some())
}
