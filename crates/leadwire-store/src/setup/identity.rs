//! Publishers' own rules of identity.

use super::{Change, made_or};
use crate::engine::{Param, Tx};
use crate::postgres::scope;
use crate::{Store, StoreError};
use leadwire_core::id::PublisherId;
use leadwire_core::identity::{IdentityRules, Rule, Scope, SharedMailbox};

impl Store {
    /// Gives a publisher rules of its own, for touchpoints accepted from now on. [`Change::Missing`]: there is no such
    /// publisher.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_identity_rules(
        &self,
        publisher: PublisherId,
        rules: IdentityRules,
    ) -> Result<Change, StoreError> {
        self.change(scope::Scope::of(publisher.as_str()), move |tx| {
            let names = rules.rules.iter().map(|it| it.as_str()).collect::<Vec<_>>().join("\n");
            let shared = rules.shared.iter().map(SharedMailbox::as_str).collect::<Vec<_>>().join("\n");
            let made = tx.execute(
                "INSERT INTO identity_rules (publisher_id, rules, scope, shared)
                 SELECT publisher_id, $1, $2, $3 FROM publisher WHERE publisher_id = $4
                 ON CONFLICT (publisher_id)
                 DO UPDATE SET rules = excluded.rules, scope = excluded.scope, shared = excluded.shared",
                &[
                    Param::Text(&names),
                    Param::Text(rules.scope.as_str()),
                    Param::Text(&shared),
                    Param::Text(publisher.as_str()),
                ],
            )?;
            Ok(made_or(made, Change::Missing))
        })
        .await
    }

    /// Brings the delivered rules back for a publisher.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reset_identity_rules(&self, publisher: PublisherId) -> Result<Change, StoreError> {
        self.change(scope::Scope::of(publisher.as_str()), move |tx| {
            tx.execute(
                "DELETE FROM identity_rules WHERE publisher_id = $1",
                &[Param::Text(publisher.as_str())],
            )?;
            Ok(Change::Made)
        })
        .await
    }
}

pub(super) fn all(tx: &Tx<'_>) -> Result<Vec<(PublisherId, IdentityRules)>, StoreError> {
    let wrong = || StoreError::Wrong("a rule of identity is called so by no one".to_owned());
    tx.query(
        "SELECT publisher_id, rules, scope, shared FROM identity_rules ORDER BY publisher_id",
        &[],
        |row| {
            let rules = row.text(1)?.lines().map(Rule::parse).collect::<Option<Vec<_>>>();
            let shared = row.text(3)?.lines().map(SharedMailbox::parse).collect::<Option<Vec<_>>>();
            let rules = IdentityRules {
                rules: rules.ok_or_else(wrong)?,
                scope: Scope::parse(row.text(2)?).ok_or_else(wrong)?,
                shared: shared.ok_or_else(wrong)?,
            };
            Ok((row.publisher(0)?, rules))
        },
    )
}
