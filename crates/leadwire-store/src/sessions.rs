//! Where people are signed in: of a session's token only the hash is kept.

use crate::engine::{Param, Tx};
use crate::postgres::scope::Scope;
use crate::users::{PortalUser, read_user, whose};
use crate::{Store, StoreError};
use leadwire_core::id::{PublisherId, UserId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who.
    pub user: PortalUser,
    /// Since when.
    pub begun_at: Timestamp,
    /// When they were last seen, give or take what the program does not write down.
    pub seen_at: Timestamp,
    /// Whether they have a second factor.
    pub has_factor: bool,
    /// When they last showed who they are.
    pub proved_at: Timestamp,
    /// On what the session runs, as it was told at its beginning.
    pub device: String,
    /// Whether a provider said that a second factor was shown.
    pub is_vouched: bool,
}

/// A session that begins.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The hash of its token.
    pub hash: [u8; 32],
    /// On what it runs; empty: nobody knows.
    pub device: String,
    /// Whether a provider said that a second factor was shown.
    pub is_vouched: bool,
}

impl From<[u8; 32]> for NewSession {
    /// A session of which nothing but its token is known.
    fn from(hash: [u8; 32]) -> Self {
        Self { hash, device: String::new(), is_vouched: false }
    }
}

/// One of the places where a user is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The hash of its token.
    pub hash: [u8; 32],
    /// Since when.
    pub begun_at: Timestamp,
    /// When they were last seen there.
    pub seen_at: Timestamp,
    /// On what; empty: nobody knows.
    pub device: String,
}

impl Store {
    /// Signs a user in. Of sessions beyond [`limits::SESSIONS_PER_USER_MAX`], the ones that were longest not seen end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_session(
        &self,
        (publisher, user): (Option<PublisherId>, UserId),
        session: impl Into<NewSession>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let session = session.into();
        let scope = Scope::of_whom(publisher.as_ref());
        self.write_in(scope, move |tx| start(tx, (whose(publisher.as_ref()), user), &session, now)).await
    }

    /// The session of a token, by its hash. Whether it has ended by itself is for the caller to say.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn session(&self, hash: [u8; 32]) -> Result<Option<Session>, StoreError> {
        self.read(move |tx| {
            tx.find(
                "SELECT u.publisher_id, u.user_id, u.email, u.name, u.role, u.password, u.link_ends_at,
                     u.created_at, u.signed_in_at, u.language, s.begun_at, s.seen_at,
                     COALESCE(f.confirmed_at, 0), s.proved_at, s.device, s.is_vouched
                 FROM portal_session s
                 JOIN portal_user u ON u.publisher_id = s.publisher_id AND u.user_id = s.user_id
                 LEFT JOIN portal_factor f ON f.publisher_id = s.publisher_id AND f.user_id = s.user_id
                 WHERE s.hash = $1",
                &[Param::Bytes(&hash)],
                |row| {
                    Ok(Session {
                        user: read_user(row)?,
                        begun_at: row.time(10)?,
                        seen_at: row.time(11)?,
                        has_factor: row.int(12)? != 0,
                        proved_at: row.time(13)?,
                        device: row.text(14)?.to_owned(),
                        is_vouched: row.int(15)? != 0,
                    })
                },
            )
        })
        .await
    }

    /// Where a user is signed in, the place they were last seen at first. Sessions that have ended by themselves are among them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn places(
        &self,
        (publisher, user): (Option<PublisherId>, UserId),
    ) -> Result<Vec<Place>, StoreError> {
        self.read(move |tx| places(tx, (whose(publisher.as_ref()), user))).await
    }

    /// Writes down that a session is in use.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn see_session(&self, hash: [u8; 32], now: Timestamp) -> Result<(), StoreError> {
        let Some(scope) = self.scope_of_session(hash).await? else { return Ok(()) };
        self.write_in(scope, move |tx| {
            tx.execute(
                "UPDATE portal_session SET seen_at = $1 WHERE hash = $2",
                &[Param::Int(now.millis()), Param::Bytes(&hash)],
            )?;
            Ok(())
        })
        .await
    }

    /// Writes down that the user of a session has shown again who they are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn prove_session(&self, hash: [u8; 32], now: Timestamp) -> Result<(), StoreError> {
        let Some(scope) = self.scope_of_session(hash).await? else { return Ok(()) };
        self.write_in(scope, move |tx| prove(tx, &hash, now)).await
    }

    /// Signs out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_session(&self, hash: [u8; 32]) -> Result<(), StoreError> {
        let Some(scope) = self.scope_of_session(hash).await? else { return Ok(()) };
        self.write_in(scope, move |tx| {
            tx.execute("DELETE FROM portal_session WHERE hash = $1", &[Param::Bytes(&hash)])?;
            Ok(())
        })
        .await
    }

    /// Signs a user out at one of their places. False: they are not signed in there (any more).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_place(
        &self,
        (publisher, user): (Option<PublisherId>, UserId),
        hash: [u8; 32],
    ) -> Result<bool, StoreError> {
        self.write_in(Scope::of_whom(publisher.as_ref()), move |tx| {
            let ended = tx.execute(
                "DELETE FROM portal_session WHERE publisher_id = $1 AND user_id = $2 AND hash = $3",
                &[
                    Param::Text(whose(publisher.as_ref())),
                    Param::Text(&user.to_string()),
                    Param::Bytes(&hash),
                ],
            )?;
            Ok(ended > 0)
        })
        .await
    }

    /// Signs a user out everywhere but at one place, halves of sign-ins included. Says how many sessions ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_other_sessions(
        &self,
        (publisher, user): (Option<PublisherId>, UserId),
        but: [u8; 32],
    ) -> Result<usize, StoreError> {
        self.write_in(Scope::of_whom(publisher.as_ref()), move |tx| {
            let whose = whose(publisher.as_ref());
            end_halves(tx, whose, user)?;
            end_others(tx, (whose, user), &but)
        })
        .await
    }

    /// Whose rows a session is among; none: there is no such session. It never becomes another's.
    async fn scope_of_session(&self, hash: [u8; 32]) -> Result<Option<Scope>, StoreError> {
        self.read(move |tx| {
            let sql = "SELECT publisher_id FROM portal_session WHERE hash = $1";
            tx.find(sql, &[Param::Bytes(&hash)], |row| Ok(Scope::of(row.text(0)?)))
        })
        .await
    }
}

/// Writes down that the user of a session has shown who they are.
pub(crate) fn prove(tx: &Tx<'_>, hash: &[u8], now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE portal_session SET proved_at = $1 WHERE hash = $2",
        &[Param::Int(now.millis()), Param::Bytes(hash)],
    )?;
    Ok(())
}

/// Begins a session.
pub(crate) fn start(
    tx: &Tx<'_>,
    (publisher, user): (&str, UserId),
    session: &NewSession,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = user.to_string();
    tx.execute(
        "INSERT INTO portal_session (publisher_id, user_id, hash, begun_at, seen_at, proved_at, device, is_vouched)
         VALUES ($1, $2, $3, $4, $4, $4, $5, $6)",
        &[
            Param::Text(publisher),
            Param::Text(&id),
            Param::Bytes(&session.hash),
            Param::Int(now.millis()),
            Param::Text(&session.device),
            Param::Int(i64::from(session.is_vouched)),
        ],
    )?;
    tx.execute(
        "UPDATE portal_user SET signed_in_at = $1 WHERE publisher_id = $2 AND user_id = $3",
        &[Param::Int(now.millis()), Param::Text(publisher), Param::Text(&id)],
    )?;
    for old in places(tx, (publisher, user))?.iter().skip(limits::SESSIONS_PER_USER_MAX) {
        tx.execute(
            "DELETE FROM portal_session WHERE publisher_id = $1 AND user_id = $2 AND hash = $3",
            &[Param::Text(publisher), Param::Text(&id), Param::Bytes(&old.hash)],
        )?;
    }
    Ok(())
}

fn places(tx: &Tx<'_>, (publisher, user): (&str, UserId)) -> Result<Vec<Place>, StoreError> {
    tx.query(
        "SELECT hash, begun_at, seen_at, device FROM portal_session
         WHERE publisher_id = $1 AND user_id = $2
         ORDER BY seen_at DESC, hash",
        &[Param::Text(publisher), Param::Text(&user.to_string())],
        |row| {
            let hash = row.bytes(0)?.try_into();
            let hash =
                hash.map_err(|_| StoreError::Wrong("a session's hash has a wrong length".to_owned()))?;
            let device = row.text(3)?.to_owned();
            Ok(Place { hash, begun_at: row.time(1)?, seen_at: row.time(2)?, device })
        },
    )
}

/// Ends every session of a user, and every half of a sign-in.
pub(crate) fn end_all(tx: &Tx<'_>, publisher: &str, user: UserId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM portal_session WHERE publisher_id = $1 AND user_id = $2",
        &[Param::Text(publisher), Param::Text(&user.to_string())],
    )?;
    end_halves(tx, publisher, user)
}

fn end_halves(tx: &Tx<'_>, publisher: &str, user: UserId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM portal_half WHERE publisher_id = $1 AND user_id = $2",
        &[Param::Text(publisher), Param::Text(&user.to_string())],
    )?;
    Ok(())
}

pub(crate) fn end_others(
    tx: &Tx<'_>,
    (publisher, user): (&str, UserId),
    but: &[u8],
) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM portal_session WHERE publisher_id = $1 AND user_id = $2 AND hash <> $3",
        &[Param::Text(publisher), Param::Text(&user.to_string()), Param::Bytes(but)],
    )
}
