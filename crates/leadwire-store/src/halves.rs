//! Halves of sign-ins: the password was right, and a code is awaited, which counts once.

use crate::engine::{Param, Tx};
use crate::postgres::scope::Scope;
use crate::sessions::{NewSession, prove, start};
use crate::users::{PortalUser, read_user, whose};
use crate::{Store, StoreError};
use leadwire_core::id::{PublisherId, UserId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;

/// What somebody shows beside the password.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A code of the phone: the steps whose code it is, the earliest first.
    Steps(Vec<i64>),
    /// A recovery code, by its hash.
    Recovery([u8; 32]),
}

/// What came of a code.
#[derive(Clone, Debug)]
pub enum Passed {
    /// It counted; the session has begun.
    In(PortalUser),
    /// It is wrong, or was used before.
    Wrong,
    /// There is no half of a sign-in that could be finished (any more).
    Over,
}

impl Store {
    /// Keeps the half of a sign-in: the password was right, a code is awaited. What has ended goes, and of more than
    /// [`limits::HALF_SESSIONS_PER_USER_MAX`] the oldest.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_half(
        &self,
        (publisher, user): (Option<PublisherId>, UserId),
        (hash, ends_at): ([u8; 32], Timestamp),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_in(Scope::of_whom(publisher.as_ref()), move |tx| {
            let (publisher, user) = (whose(publisher.as_ref()), user.to_string());
            tx.execute(
                "INSERT INTO portal_half (publisher_id, user_id, hash, ends_at) VALUES ($1, $2, $3, $4)",
                &[
                    Param::Text(publisher),
                    Param::Text(&user),
                    Param::Bytes(&hash),
                    Param::Int(ends_at.millis()),
                ],
            )?;
            let all = tx.query(
                "SELECT hash, ends_at FROM portal_half WHERE publisher_id = $1 AND user_id = $2
                 ORDER BY ends_at DESC, hash",
                &[Param::Text(publisher), Param::Text(&user)],
                |row| Ok((row.bytes(0)?.to_vec(), row.time(1)?)),
            )?;
            for (at, (old, ends_at)) in all.iter().enumerate() {
                if at < limits::HALF_SESSIONS_PER_USER_MAX && *ends_at > now {
                    continue;
                }
                end_half(tx, (publisher, &user), old)?;
            }
            Ok(())
        })
        .await
    }

    /// Whose half of a sign-in this is, while a code can finish it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn half(&self, hash: [u8; 32], now: Timestamp) -> Result<Option<PortalUser>, StoreError> {
        self.read(move |tx| waiting(tx, &hash, now)).await
    }

    /// Finishes a sign-in: one transaction looks at the half, uses the code up, ends the half and begins the session. A wrong
    /// code counts against the half.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pass_half(
        &self,
        half: [u8; 32],
        proof: Proof,
        (session, now): (impl Into<NewSession>, Timestamp),
    ) -> Result<Passed, StoreError> {
        let session = session.into();
        let Some(owner) = self.half(half, now).await? else { return Ok(Passed::Over) };
        self.write_in(Scope::of_whom(owner.publisher.as_ref()), move |tx| {
            let Some(user) = waiting(tx, &half, now)? else { return Ok(Passed::Over) };
            let (publisher, id) = (whose(user.publisher.as_ref()), user.id.to_string());
            if !use_up(tx, (publisher, &id), &proof)? {
                tx.execute(
                    "UPDATE portal_half SET tries = tries + 1
                     WHERE publisher_id = $1 AND user_id = $2 AND hash = $3",
                    &[Param::Text(publisher), Param::Text(&id), Param::Bytes(&half)],
                )?;
                return Ok(Passed::Wrong);
            }
            end_half(tx, (publisher, &id), &half)?;
            start(tx, (publisher, user.id), &session, now)?;
            Ok(Passed::In(user))
        })
        .await
    }

    /// Takes a code for who somebody is that is signed in already: one transaction uses it up and writes that down with their
    /// session. False: it is wrong, or was used before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn prove_by_code(
        &self,
        (publisher, user): (Option<PublisherId>, UserId),
        proof: Proof,
        (session, now): ([u8; 32], Timestamp),
    ) -> Result<bool, StoreError> {
        self.write_in(Scope::of_whom(publisher.as_ref()), move |tx| {
            let is_right = use_up(tx, (whose(publisher.as_ref()), &user.to_string()), &proof)?;
            if is_right {
                prove(tx, &session, now)?;
            }
            Ok(is_right)
        })
        .await
    }
}

/// Uses a proof up. False: it is none, or was used before.
fn use_up(tx: &Tx<'_>, (publisher, user): (&str, &str), proof: &Proof) -> Result<bool, StoreError> {
    match proof {
        Proof::Steps(steps) => {
            for step in steps {
                let used = tx.execute(
                    "UPDATE portal_factor SET last_step = $1
                     WHERE publisher_id = $2 AND user_id = $3 AND confirmed_at <> 0 AND last_step < $4",
                    &[Param::Int(*step), Param::Text(publisher), Param::Text(user), Param::Int(*step)],
                )?;
                if used > 0 {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Proof::Recovery(hash) => {
            let used = tx.execute(
                "DELETE FROM portal_recovery WHERE publisher_id = $1 AND user_id = $2 AND hash = $3",
                &[Param::Text(publisher), Param::Text(user), Param::Bytes(hash)],
            )?;
            Ok(used > 0)
        }
    }
}

fn end_half(tx: &Tx<'_>, (publisher, user): (&str, &str), hash: &[u8]) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM portal_half WHERE publisher_id = $1 AND user_id = $2 AND hash = $3",
        &[Param::Text(publisher), Param::Text(user), Param::Bytes(hash)],
    )?;
    Ok(())
}

fn waiting(tx: &Tx<'_>, hash: &[u8], now: Timestamp) -> Result<Option<PortalUser>, StoreError> {
    tx.find(
        "SELECT u.publisher_id, u.user_id, u.email, u.name, u.role, u.password, u.link_ends_at, u.created_at,
             u.signed_in_at, u.language
         FROM portal_half h
         JOIN portal_user u ON u.publisher_id = h.publisher_id AND u.user_id = h.user_id
         WHERE h.hash = $1 AND h.ends_at > $2 AND h.tries < $3",
        &[Param::Bytes(hash), Param::Int(now.millis()), Param::Int(i64::from(limits::CODES_PER_HALF))],
        read_user,
    )
}
