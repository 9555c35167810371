//! The operator's rows of the table of interest.

use super::{Change, made_or};
use crate::engine::{Param, Tx};
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::interest::{Interest, Pattern};
use leadwire_core::limits;

/// Whose rows: the operator's, which hold for every publisher.
const OPERATOR: Param<'static> = Param::Text("");

impl Store {
    /// Adds a row, or gives it another interest. It counts for touchpoints accepted from now on. [`Change::Owed`] with
    /// the number of rows: there are [`limits::INTEREST_RULES_MAX`] already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_interest_rule(
        &self,
        pattern: Pattern,
        interest: Interest,
    ) -> Result<Change, StoreError> {
        self.change(Scope::Everything, move |tx| {
            let (source, action) = (Param::Text(pattern.source_text()), Param::Text(pattern.action_text()));
            let known = all(tx)?;
            if known.len() >= limits::INTEREST_RULES_MAX && !known.iter().any(|it| it.0 == pattern) {
                return Ok(Change::Owed(i64::try_from(known.len()).unwrap_or(i64::MAX)));
            }
            tx.execute(
                "INSERT INTO interest_rule (publisher_id, source, action, interest) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (publisher_id, source, action) DO UPDATE SET interest = excluded.interest",
                &[OPERATOR, source, action, Param::Int(Interest::number(Some(interest)))],
            )?;
            Ok(Change::Made)
        })
        .await
    }

    /// Takes the operator's row for these touchpoints away, or all of them: the delivered rows hold again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reset_interest_rules(&self, pattern: Option<Pattern>) -> Result<Change, StoreError> {
        self.change(Scope::Everything, move |tx| {
            let Some(pattern) = &pattern else {
                tx.execute("DELETE FROM interest_rule WHERE publisher_id = $1", &[OPERATOR])?;
                return Ok(Change::Made);
            };
            let removed = tx.execute(
                "DELETE FROM interest_rule WHERE publisher_id = $1 AND source = $2 AND action = $3",
                &[OPERATOR, Param::Text(pattern.source_text()), Param::Text(pattern.action_text())],
            )?;
            Ok(made_or(removed, Change::Missing))
        })
        .await
    }
}

pub(super) fn all(tx: &Tx<'_>) -> Result<Vec<(Pattern, Interest)>, StoreError> {
    let rows = tx.query(
        "SELECT source, action, interest FROM interest_rule WHERE publisher_id = $1 ORDER BY source, action",
        &[OPERATOR],
        |row| Ok((Pattern::parse(row.text(0)?, row.text(1)?), row.int(2)?)),
    )?;
    Ok(rows.into_iter().filter_map(|(it, number)| Some((it, Interest::from_number(number)?))).collect())
}
