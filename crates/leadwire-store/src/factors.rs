//! Second factors of people who sign in: secrets that are sealed and that this crate cannot open, and recovery codes.

use crate::engine::{Param, Row, Tx};
use crate::postgres::scope::Scope;
use crate::sessions::end_others;
use crate::users::whose;
use crate::{Store, StoreError};
use leadwire_core::id::{PublisherId, UserId};
use leadwire_core::time::Timestamp;

/// A user's second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// Whose; none: the operator's.
    pub publisher: Option<PublisherId>,
    /// Of which user.
    pub user: UserId,
    /// Which master key sealed the secret.
    pub master_key: String,
    /// The secret, sealed by the program.
    pub sealed: Vec<u8>,
    /// Whether its owner has typed a first code.
    pub is_confirmed: bool,
}

impl Store {
    /// A user's second factor, confirmed or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn factor(
        &self,
        (publisher, user): (Option<PublisherId>, UserId),
    ) -> Result<Option<Factor>, StoreError> {
        self.read(move |tx| {
            tx.find(
                "SELECT publisher_id, user_id, master_key_id, sealed, confirmed_at FROM portal_factor
                 WHERE publisher_id = $1 AND user_id = $2",
                &[Param::Text(whose(publisher.as_ref())), Param::Text(&user.to_string())],
                read_factor,
            )
        })
        .await
    }

    /// Who has a confirmed second factor, of one publisher or, with none, of all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn factor_owners(&self, publisher: Option<PublisherId>) -> Result<Vec<UserId>, StoreError> {
        let read =
            |row: &Row<'_>| UserId::parse(row.text(0)?).map_err(|it| StoreError::Wrong(it.to_string()));
        self.read(move |tx| match &publisher {
            Some(publisher) => tx.query(
                "SELECT user_id FROM portal_factor WHERE publisher_id = $1 AND confirmed_at <> 0",
                &[Param::Text(publisher.as_str())],
                read,
            ),
            None => tx.query("SELECT user_id FROM portal_factor WHERE confirmed_at <> 0", &[], read),
        })
        .await
    }

    /// Keeps a new secret for a user until they confirm it; one that was not confirmed gives way. False: a confirmed one is
    /// there, or no such user.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn propose_factor(&self, it: Factor, now: Timestamp) -> Result<bool, StoreError> {
        self.write_in(Scope::of_whom(it.publisher.as_ref()), move |tx| {
            let made = tx.execute(
                "INSERT INTO portal_factor (publisher_id, user_id, master_key_id, sealed, made_at)
                 SELECT publisher_id, user_id, $1, $2, $3 FROM portal_user
                 WHERE publisher_id = $4 AND user_id = $5
                 ON CONFLICT (publisher_id, user_id) DO UPDATE
                 SET master_key_id = excluded.master_key_id, sealed = excluded.sealed,
                     made_at = excluded.made_at
                 WHERE portal_factor.confirmed_at = 0",
                &[
                    Param::Text(&it.master_key),
                    Param::Bytes(&it.sealed),
                    Param::Int(now.millis()),
                    Param::Text(whose(it.publisher.as_ref())),
                    Param::Text(&it.user.to_string()),
                ],
            )?;
            Ok(made > 0)
        })
        .await
    }

    /// Confirms a proposed secret with the step whose code was typed, keeps the recovery codes, and ends the user's other
    /// sessions. False: nothing waits to be confirmed, or it is another secret than the one that was looked at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn confirm_factor(
        &self,
        it: Factor,
        step: i64,
        codes: Vec<[u8; 32]>,
        (session, now): ([u8; 32], Timestamp),
    ) -> Result<bool, StoreError> {
        self.write_in(Scope::of_whom(it.publisher.as_ref()), move |tx| {
            let (publisher, user) = (whose(it.publisher.as_ref()), it.user.to_string());
            let confirmed = tx.execute(
                "UPDATE portal_factor SET confirmed_at = $1, last_step = $2
                 WHERE publisher_id = $3 AND user_id = $4 AND confirmed_at = 0 AND sealed = $5",
                &[
                    Param::Int(now.millis()),
                    Param::Int(step),
                    Param::Text(publisher),
                    Param::Text(&user),
                    Param::Bytes(&it.sealed),
                ],
            )?;
            if confirmed == 0 {
                return Ok(false);
            }
            put_codes(tx, (publisher, &user), &codes)?;
            end_others(tx, (publisher, it.user), &session)?;
            Ok(true)
        })
        .await
    }

    /// Puts new recovery codes in the place of those there were. False: the user has no confirmed second factor.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renew_recovery(
        &self,
        (publisher, user): (Option<PublisherId>, UserId),
        codes: Vec<[u8; 32]>,
    ) -> Result<bool, StoreError> {
        self.write_in(Scope::of_whom(publisher.as_ref()), move |tx| {
            let (publisher, user) = (whose(publisher.as_ref()), user.to_string());
            let known = tx.find(
                "SELECT confirmed_at FROM portal_factor WHERE publisher_id = $1 AND user_id = $2",
                &[Param::Text(publisher), Param::Text(&user)],
                |row| row.int(0),
            )?;
            if known.is_none_or(|it| it == 0) {
                return Ok(false);
            }
            put_codes(tx, (publisher, &user), &codes)?;
            Ok(true)
        })
        .await
    }

    /// How many recovery codes a user has left.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recovery_left(
        &self,
        (publisher, user): (Option<PublisherId>, UserId),
    ) -> Result<usize, StoreError> {
        self.read(move |tx| {
            let found = tx.find(
                "SELECT COUNT(*) FROM portal_recovery WHERE publisher_id = $1 AND user_id = $2",
                &[Param::Text(whose(publisher.as_ref())), Param::Text(&user.to_string())],
                |row| row.count(0),
            )?;
            Ok(found.unwrap_or(0))
        })
        .await
    }

    /// Takes a user's second factor away with its recovery codes. False: they had none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_factor(
        &self,
        (publisher, user): (Option<PublisherId>, UserId),
    ) -> Result<bool, StoreError> {
        let scope = Scope::of_whom(publisher.as_ref());
        self.write_in(scope, move |tx| forget(tx, whose(publisher.as_ref()), user)).await
    }

    /// The master keys that second factors are sealed with.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn factor_keys(&self) -> Result<Vec<String>, StoreError> {
        self.read(|tx| {
            tx.query("SELECT DISTINCT master_key_id FROM portal_factor ORDER BY master_key_id", &[], |row| {
                Ok(row.text(0)?.to_owned())
            })
        })
        .await
    }

    /// Shows every second factor to `plan`, and puts in place those that it sealed anew: one transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reseal_factors<F>(&self, mut plan: F) -> Result<usize, StoreError>
    where
        F: FnMut(&Factor) -> Option<Factor> + Send + 'static,
    {
        self.write(move |tx| {
            let all = tx.query(
                "SELECT publisher_id, user_id, master_key_id, sealed, confirmed_at FROM portal_factor
                 ORDER BY publisher_id, user_id",
                &[],
                read_factor,
            )?;
            let mut resealed = 0;
            for it in all.iter().filter_map(&mut plan) {
                resealed += tx.execute(
                    "UPDATE portal_factor SET master_key_id = $1, sealed = $2
                     WHERE publisher_id = $3 AND user_id = $4",
                    &[
                        Param::Text(&it.master_key),
                        Param::Bytes(&it.sealed),
                        Param::Text(whose(it.publisher.as_ref())),
                        Param::Text(&it.user.to_string()),
                    ],
                )?;
            }
            Ok(resealed)
        })
        .await
    }
}

/// Takes away all that makes a second factor. True: there was one.
pub(crate) fn forget(tx: &Tx<'_>, publisher: &str, user: UserId) -> Result<bool, StoreError> {
    let user = user.to_string();
    let whose = [Param::Text(publisher), Param::Text(&user)];
    tx.execute("DELETE FROM portal_recovery WHERE publisher_id = $1 AND user_id = $2", &whose)?;
    let removed = tx.execute("DELETE FROM portal_factor WHERE publisher_id = $1 AND user_id = $2", &whose)?;
    Ok(removed > 0)
}

fn put_codes(tx: &Tx<'_>, (publisher, user): (&str, &str), codes: &[[u8; 32]]) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM portal_recovery WHERE publisher_id = $1 AND user_id = $2",
        &[Param::Text(publisher), Param::Text(user)],
    )?;
    for code in codes {
        tx.execute(
            "INSERT INTO portal_recovery (publisher_id, user_id, hash) VALUES ($1, $2, $3)",
            &[Param::Text(publisher), Param::Text(user), Param::Bytes(code)],
        )?;
    }
    Ok(())
}

fn read_factor(row: &Row<'_>) -> Result<Factor, StoreError> {
    let publisher = match row.text(0)? {
        "" => None,
        _ => Some(row.publisher(0)?),
    };
    Ok(Factor {
        publisher,
        user: UserId::parse(row.text(1)?).map_err(|it| StoreError::Wrong(it.to_string()))?,
        master_key: row.text(2)?.to_owned(),
        sealed: row.bytes(3)?.to_vec(),
        is_confirmed: row.int(4)? != 0,
    })
}
