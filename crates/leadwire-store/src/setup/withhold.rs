//! The operator's rules about leads that are kept from publishers.

use super::{Change, made_or};
use crate::engine::{Param, Tx};
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::limits;
use leadwire_core::withhold::WithholdRule;

/// Whose rows: the operator's, which hold for every publisher.
const OPERATOR: Param<'static> = Param::Text("");

impl Store {
    /// Adds a rule, for touchpoints accepted from now on. [`Change::Full`] when there are
    /// [`limits::WITHHOLD_RULES_MAX`] already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_withhold_rule(&self, rule: WithholdRule) -> Result<Change, StoreError> {
        self.change(Scope::Everything, move |tx| {
            let known = all(tx)?;
            if known.contains(&rule) {
                return Ok(Change::Taken);
            }
            if known.len() >= limits::WITHHOLD_RULES_MAX {
                return Ok(Change::Full);
            }
            tx.execute(
                "INSERT INTO withhold_rule (publisher_id, source, domain) VALUES ($1, $2, $3)",
                &[OPERATOR, Param::Text(rule.source_text()), Param::Text(&rule.domain_text())],
            )?;
            Ok(Change::Made)
        })
        .await
    }

    /// Removes a rule. What it withheld stays withheld until the operator releases it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_withhold_rule(&self, rule: WithholdRule) -> Result<Change, StoreError> {
        self.change(Scope::Everything, move |tx| {
            let removed = tx.execute(
                "DELETE FROM withhold_rule WHERE publisher_id = $1 AND source = $2 AND domain = $3",
                &[OPERATOR, Param::Text(rule.source_text()), Param::Text(&rule.domain_text())],
            )?;
            Ok(made_or(removed, Change::Missing))
        })
        .await
    }
}

pub(super) fn all(tx: &Tx<'_>) -> Result<Vec<WithholdRule>, StoreError> {
    let rows = tx.query(
        "SELECT source, domain FROM withhold_rule WHERE publisher_id = $1 ORDER BY source, domain",
        &[OPERATOR],
        |row| Ok(WithholdRule::parse(row.text(0)?, row.text(1)?)),
    )?;
    rows.into_iter()
        .map(|it| it.ok_or_else(|| StoreError::Wrong("a rule about withheld leads has no domain".to_owned())))
        .collect()
}
