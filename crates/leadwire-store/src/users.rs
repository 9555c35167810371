//! People who sign in to the portal: of passwords and links only hashes are kept.

use crate::bonds;
use crate::engine::{Param, Row, Tx};
use crate::factors;
use crate::postgres::scope::Scope;
use crate::sessions::{NewSession, end_all, start};
use crate::{Store, StoreError};
use leadwire_core::id::{PublisherId, UserId};
use leadwire_core::time::Timestamp;

/// Somebody who signs in to the portal.
#[derive(Clone, Debug)]
pub struct PortalUser {
    /// Whose; none: the operator's.
    pub publisher: Option<PublisherId>,
    /// The id.
    pub id: UserId,
    /// The e-mail address by which they sign in, in small letters; empty until the first of all says theirs.
    pub email: String,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: String,
    /// What Argon2id made of the password; empty until one was chosen.
    pub password: String,
    /// When the link ends by which a password is chosen; none when there is no such link.
    pub link_ends_at: Option<Timestamp>,
    /// When they were added.
    pub created_at: Timestamp,
    /// When they last signed in.
    pub signed_in_at: Option<Timestamp>,
    /// The language they chose for their pages; empty: what their browser asks for.
    pub language: String,
}

/// A link by which a password is chosen, once.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// The hash of its token.
    pub hash: [u8; 32],
    /// When it ends.
    pub ends_at: Timestamp,
}

/// What is set when a link is used.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// What Argon2id made of the password.
    pub password: String,
    /// The e-mail address.
    pub email: String,
    /// The name.
    pub name: String,
}

impl Store {
    /// Users by e-mail address, of one publisher or, with none, of all and the operator's, up to `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn users(
        &self,
        publisher: Option<PublisherId>,
        limit: usize,
    ) -> Result<Vec<PortalUser>, StoreError> {
        self.read(move |tx| {
            let most = i64::try_from(limit).unwrap_or(i64::MAX);
            match &publisher {
                Some(publisher) => tx.query(
                    "SELECT publisher_id, user_id, email, name, role, password, link_ends_at, created_at,
                         signed_in_at, language
                     FROM portal_user
                     WHERE publisher_id = $1
                     ORDER BY email, user_id
                     LIMIT $2",
                    &[Param::Text(publisher.as_str()), Param::Int(most)],
                    read_user,
                ),
                None => tx.query(
                    "SELECT publisher_id, user_id, email, name, role, password, link_ends_at, created_at,
                         signed_in_at, language
                     FROM portal_user
                     ORDER BY email, user_id
                     LIMIT $1",
                    &[Param::Int(most)],
                    read_user,
                ),
            }
        })
        .await
    }

    /// Adds a user with a link. False: somebody has this e-mail address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_user(&self, it: PortalUser, link: Link) -> Result<bool, StoreError> {
        // Addresses are one for all publishers, and no index of one publisher's could hold that.
        self.write(move |tx| {
            if by_email(tx, &it.email)?.is_some() {
                return Ok(false);
            }
            tx.execute(
                "INSERT INTO portal_user (publisher_id, user_id, email, name, role, link_hash, link_ends_at,
                     created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                &[
                    Param::Text(whose(it.publisher.as_ref())),
                    Param::Text(&it.id.to_string()),
                    Param::Text(&it.email),
                    Param::Text(&it.name),
                    Param::Text(&it.role),
                    Param::Bytes(&link.hash),
                    Param::Int(link.ends_at.millis()),
                    Param::Int(it.created_at.millis()),
                ],
            )?;
            Ok(true)
        })
        .await
    }

    /// Gives a user a new link; the one before works no more, the password goes on. False: there is no such user.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renew_link(
        &self,
        publisher: Option<PublisherId>,
        id: UserId,
        link: Link,
    ) -> Result<bool, StoreError> {
        self.write_in(Scope::of_whom(publisher.as_ref()), move |tx| {
            let renewed = tx.execute(
                "UPDATE portal_user SET link_hash = $1, link_ends_at = $2
                 WHERE publisher_id = $3 AND user_id = $4",
                &[
                    Param::Bytes(&link.hash),
                    Param::Int(link.ends_at.millis()),
                    Param::Text(whose(publisher.as_ref())),
                    Param::Text(&id.to_string()),
                ],
            )?;
            Ok(renewed > 0)
        })
        .await
    }

    /// Removes a user and ends their sessions. False: there is no such user.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_user(&self, publisher: Option<PublisherId>, id: UserId) -> Result<bool, StoreError> {
        // What they saved of pages is among the rows of whoever the pages are of: for one of the operator's, everybody.
        let scope = publisher.as_ref().map_or(Scope::Everything, |it| Scope::of(it.as_str()));
        self.write_in(scope, move |tx| {
            end_all(tx, whose(publisher.as_ref()), id)?;
            factors::forget(tx, whose(publisher.as_ref()), id)?;
            bonds::forget(tx, whose(publisher.as_ref()), id)?;
            crate::views::forget(tx, &id.to_string())?;
            crate::letters::forget(tx, whose(publisher.as_ref()), id)?;
            let removed = tx.execute(
                "DELETE FROM portal_user WHERE publisher_id = $1 AND user_id = $2",
                &[Param::Text(whose(publisher.as_ref())), Param::Text(&id.to_string())],
            )?;
            Ok(removed > 0)
        })
        .await
    }

    /// Changes what a user says of themselves. False: there is no such user.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn describe_user(
        &self,
        (publisher, id): (Option<PublisherId>, UserId),
        (name, language): (String, String),
    ) -> Result<bool, StoreError> {
        self.write_in(Scope::of_whom(publisher.as_ref()), move |tx| {
            let changed = tx.execute(
                "UPDATE portal_user SET name = $1, language = $2 WHERE publisher_id = $3 AND user_id = $4",
                &[
                    Param::Text(&name),
                    Param::Text(&language),
                    Param::Text(whose(publisher.as_ref())),
                    Param::Text(&id.to_string()),
                ],
            )?;
            Ok(changed > 0)
        })
        .await
    }

    /// Puts a new password in the place of the one that was looked at, and ends every session and every link but the session
    /// that is begun here. False: another one was set meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_password(
        &self,
        (publisher, id): (Option<PublisherId>, UserId),
        (was, password): (String, String),
        (session, now): (impl Into<NewSession>, Timestamp),
    ) -> Result<bool, StoreError> {
        let session = session.into();
        self.write_in(Scope::of_whom(publisher.as_ref()), move |tx| {
            let whose = whose(publisher.as_ref());
            let changed = tx.execute(
                "UPDATE portal_user SET password = $1, link_ends_at = 0
                 WHERE publisher_id = $2 AND user_id = $3 AND password = $4",
                &[
                    Param::Text(&password),
                    Param::Text(whose),
                    Param::Text(&id.to_string()),
                    Param::Text(&was),
                ],
            )?;
            if changed == 0 {
                return Ok(false);
            }
            end_all(tx, whose, id)?;
            start(tx, (whose, id), &session, now)?;
            Ok(true)
        })
        .await
    }

    /// The user with an e-mail address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn user_by_email(&self, email: String) -> Result<Option<PortalUser>, StoreError> {
        self.read(move |tx| by_email(tx, &email)).await
    }

    /// Whose link this is, while it works.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn user_by_link(
        &self,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<PortalUser>, StoreError> {
        self.read(move |tx| by_link(tx, &hash, now)).await
    }

    /// Uses a link: sets what was chosen, ends the link and every session of its user. None: the link does not work (any
    /// more), or another user has the e-mail address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn use_link(
        &self,
        hash: [u8; 32],
        chosen: Chosen,
        now: Timestamp,
    ) -> Result<Option<PortalUser>, StoreError> {
        // As in `add_user`.
        self.write(move |tx| {
            let Some(user) = by_link(tx, &hash, now)? else { return Ok(None) };
            if by_email(tx, &chosen.email)?.is_some_and(|it| it.id != user.id) {
                return Ok(None);
            }
            let used = tx.execute(
                "UPDATE portal_user SET password = $1, email = $2, name = $3, link_ends_at = 0
                 WHERE publisher_id = $4 AND user_id = $5 AND link_hash = $6 AND link_ends_at <> 0",
                &[
                    Param::Text(&chosen.password),
                    Param::Text(&chosen.email),
                    Param::Text(&chosen.name),
                    Param::Text(whose(user.publisher.as_ref())),
                    Param::Text(&user.id.to_string()),
                    Param::Bytes(&hash),
                ],
            )?;
            // Of two that use one link at once, one does.
            if used == 0 {
                return Ok(None);
            }
            end_all(tx, whose(user.publisher.as_ref()), user.id)?;
            Ok(Some(user))
        })
        .await
    }
}

pub(crate) fn whose(publisher: Option<&PublisherId>) -> &str {
    publisher.map_or("", PublisherId::as_str)
}

pub(crate) fn by_email(tx: &Tx<'_>, email: &str) -> Result<Option<PortalUser>, StoreError> {
    tx.find(
        "SELECT publisher_id, user_id, email, name, role, password, link_ends_at, created_at, signed_in_at,
             language
         FROM portal_user WHERE email = $1",
        &[Param::Text(email)],
        read_user,
    )
}

/// The user with an id.
pub(crate) fn by_id(tx: &Tx<'_>, publisher: &str, id: &str) -> Result<Option<PortalUser>, StoreError> {
    tx.find(
        "SELECT publisher_id, user_id, email, name, role, password, link_ends_at, created_at, signed_in_at,
             language
         FROM portal_user WHERE publisher_id = $1 AND user_id = $2",
        &[Param::Text(publisher), Param::Text(id)],
        read_user,
    )
}

fn by_link(tx: &Tx<'_>, hash: &[u8], now: Timestamp) -> Result<Option<PortalUser>, StoreError> {
    tx.find(
        "SELECT publisher_id, user_id, email, name, role, password, link_ends_at, created_at, signed_in_at,
             language
         FROM portal_user WHERE link_hash = $1 AND link_ends_at <> 0 AND link_ends_at > $2",
        &[Param::Bytes(hash), Param::Int(now.millis())],
        read_user,
    )
}

pub(crate) fn read_user(row: &Row<'_>) -> Result<PortalUser, StoreError> {
    let wrong = |it: leadwire_core::id::BadId| StoreError::Wrong(it.to_string());
    let publisher = match row.text(0)? {
        "" => None,
        text => Some(PublisherId::parse(text).map_err(wrong)?),
    };
    let time = |at: Timestamp| Some(at).filter(|it| it.millis() != 0);
    Ok(PortalUser {
        publisher,
        id: UserId::parse(row.text(1)?).map_err(wrong)?,
        email: row.text(2)?.to_owned(),
        name: row.text(3)?.to_owned(),
        role: row.text(4)?.to_owned(),
        password: row.text(5)?.to_owned(),
        link_ends_at: time(row.time(6)?),
        created_at: row.time(7)?,
        signed_in_at: time(row.time(8)?),
        language: row.text(9)?.to_owned(),
    })
}
