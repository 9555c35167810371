//! The calls that accounts allow and that were made: a row for each window, changed in the transaction that claims.

use crate::engine::{Param, Row, Tx};
use crate::lanes::LaneKey;
use crate::{Store, StoreError, notices};
use leadwire_core::budget::{Book, Budget, Count, Others, Spent, Told};
use leadwire_core::id::PublisherId;
#[cfg(doc)]
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use std::sync::Arc;

impl Store {
    /// Counts calls that were made outside a lane, and what the service said meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn spend_calls(
        &self,
        publisher: PublisherId,
        budget: Arc<Budget>,
        (calls, told): (u32, Vec<Told>),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            let counts = lock(tx, &publisher, &budget)?;
            let mut book = Book::open(&budget, counts.clone(), now);
            book.spend(calls, now);
            book.hear(&told, now);
            keep(tx, &publisher, &budget, (&counts, book.counts()))
        })
        .await
    }

    /// The counts of a budget, window by window, and how many deliveries wait for the destination, counted up to
    /// [`limits::WAITING_COUNTED_MAX`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn budget_counts(
        &self,
        lane: LaneKey,
        budget: Arc<Budget>,
    ) -> Result<(Vec<Count>, u64), StoreError> {
        self.read_of(&lane.publisher.clone(), move |tx| {
            Ok((counts(tx, &lane.publisher, &budget)?, notices::waiting(tx, &lane)?))
        })
        .await
    }
}

/// The counts of a budget, window by window.
pub(crate) fn counts(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    budget: &Budget,
) -> Result<Vec<Count>, StoreError> {
    let sql = "SELECT spent, told_at, told_limit, told_used, looked_at
         FROM budget
         WHERE publisher_id = $1 AND account = $2 AND window_ms = $3";
    of_each_window(tx, publisher, budget, sql)
}

/// Reads the counts of a budget, and keeps others from them until the transaction ends: a write is what locks a row in every
/// engine.
pub(crate) fn lock(tx: &Tx<'_>, publisher: &PublisherId, budget: &Budget) -> Result<Vec<Count>, StoreError> {
    let sql = "INSERT INTO budget (publisher_id, account, window_ms)
         VALUES ($1, $2, $3)
         ON CONFLICT (publisher_id, account, window_ms) DO UPDATE SET told_at = budget.told_at
         RETURNING spent, told_at, told_limit, told_used, looked_at";
    of_each_window(tx, publisher, budget, sql)
}

fn of_each_window(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    budget: &Budget,
    sql: &'static str,
) -> Result<Vec<Count>, StoreError> {
    let (publisher, account) = (Param::Text(publisher.as_str()), Param::Text(&budget.account));
    let of = |length| tx.find(sql, &[publisher, account, Param::Int(window_ms(length))], read);
    budget.windows.iter().map(|it| Ok(of(it.length)?.unwrap_or_default())).collect()
}

/// Writes the counts that have changed.
pub(crate) fn keep(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    budget: &Budget,
    (before, after): (&[Count], &[Count]),
) -> Result<(), StoreError> {
    for ((window, before), after) in budget.windows.iter().zip(before).zip(after) {
        if before == after {
            continue;
        }
        let (at, limit, used, looked_at) = after.others.map_or((0, 0, 0, 0), |it| {
            (it.at.millis(), i64::from(it.limit), i64::from(it.used), it.looked_at.millis())
        });
        tx.execute(
            "UPDATE budget SET spent = $1, told_at = $2, told_limit = $3, told_used = $4, looked_at = $5
             WHERE publisher_id = $6 AND account = $7 AND window_ms = $8",
            &[
                Param::Text(&spent_text(&after.spent)),
                Param::Int(at),
                Param::Int(limit),
                Param::Int(used),
                Param::Int(looked_at),
                Param::Text(publisher.as_str()),
                Param::Text(&budget.account),
                Param::Int(window_ms(window.length)),
            ],
        )?;
    }
    Ok(())
}

fn window_ms(length: std::time::Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

fn read(row: &Row<'_>) -> Result<Count, StoreError> {
    let limit = row.count(2)?;
    let others = (limit > 0).then_some(Others {
        at: row.time(1)?,
        limit,
        used: row.count(3)?,
        looked_at: row.time(4)?,
    });
    Ok(Count { spent: read_spent(row.text(0)?)?, others })
}

/// A list of moment, calls made, calls reserved.
fn spent_text(spent: &[Spent]) -> String {
    let all: Vec<(i64, u32, u32)> = spent.iter().map(|it| (it.until.millis(), it.sent, it.held)).collect();
    serde_json::to_string(&all).expect("numbers are JSON")
}

fn read_spent(text: &str) -> Result<Vec<Spent>, StoreError> {
    let all: Vec<(i64, u32, u32)> = serde_json::from_str(text)
        .map_err(|_| StoreError::Failed("the counts of a budget cannot be read".to_owned()))?;
    let spent = |(until, sent, held)| Spent { until: Timestamp::from_millis(until), sent, held };
    Ok(all.into_iter().map(spent).collect())
}
