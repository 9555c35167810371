//! Accounts at providers by which users sign in: which belongs to whom, and how one comes to a user.

use crate::engine::{Param, Row, Tx};
use crate::postgres::scope::Scope;
use crate::sessions::end_all;
use crate::users::{PortalUser, by_email, read_user, whose};
use crate::{Store, StoreError};
use leadwire_core::id::{PublisherId, UserId};
use leadwire_core::time::Timestamp;

/// An account at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bond {
    /// Which provider, as its tokens say.
    pub issuer: String,
    /// Who it is there; the same for ever, whatever their e-mail address becomes.
    pub subject: String,
    /// When it was bound to its user.
    pub bound_at: Timestamp,
}

impl Store {
    /// Whose account this is. None: nobody's, or of more than one, of whom nobody can say which.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn user_of_account(
        &self,
        (issuer, subject): (String, String),
    ) -> Result<Option<PortalUser>, StoreError> {
        self.read(move |tx| {
            let mut owners = by_account(tx, &issuer, &subject)?;
            let first = owners.pop();
            Ok(first.filter(|_| owners.is_empty()))
        })
        .await
    }

    /// Makes an account that of the user who has this e-mail address, and ends a link by which they would choose a password.
    /// False: it is somebody's, they have another, or the address is not theirs (any more). An account that is somebody's is
    /// never anybody else's, whatever its address says.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bind(
        &self,
        (publisher, user): (Option<PublisherId>, UserId),
        email: String,
        it: Bond,
    ) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let is_somebodys = !by_account(tx, &it.issuer, &it.subject)?.is_empty();
            let is_theirs = by_email(tx, &email)?.is_some_and(|it| it.id == user && !it.email.is_empty());
            if is_somebodys || !is_theirs {
                return Ok(false);
            }
            let (publisher, id) = (whose(publisher.as_ref()), user.to_string());
            let bound = tx.execute(
                "INSERT INTO portal_bond (publisher_id, user_id, issuer, subject, bound_at)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (publisher_id, user_id) DO NOTHING",
                &[
                    Param::Text(publisher),
                    Param::Text(&id),
                    Param::Text(&it.issuer),
                    Param::Text(&it.subject),
                    Param::Int(it.bound_at.millis()),
                ],
            )?;
            if bound == 0 {
                return Ok(false);
            }
            tx.execute(
                "UPDATE portal_user SET link_ends_at = 0 WHERE publisher_id = $1 AND user_id = $2",
                &[Param::Text(publisher), Param::Text(&id)],
            )?;
            Ok(true)
        })
        .await
    }

    /// The account by which a user signs in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bond(
        &self,
        (publisher, user): (Option<PublisherId>, UserId),
    ) -> Result<Option<Bond>, StoreError> {
        self.read(move |tx| {
            tx.find(
                "SELECT issuer, subject, bound_at FROM portal_bond WHERE publisher_id = $1 AND user_id = $2",
                &[Param::Text(whose(publisher.as_ref())), Param::Text(&user.to_string())],
                |row| read_bond(row, 0),
            )
        })
        .await
    }

    /// The users of one publisher or, with none, of all and the operator's, who sign in by such an account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bonds(&self, publisher: Option<PublisherId>) -> Result<Vec<(UserId, Bond)>, StoreError> {
        let read = |row: &Row<'_>| {
            let user = UserId::parse(row.text(0)?).map_err(|it| StoreError::Wrong(it.to_string()))?;
            Ok((user, read_bond(row, 1)?))
        };
        self.read(move |tx| match &publisher {
            Some(publisher) => tx.query(
                "SELECT user_id, issuer, subject, bound_at FROM portal_bond WHERE publisher_id = $1
                 ORDER BY user_id",
                &[Param::Text(publisher.as_str())],
                read,
            ),
            None => tx.query(
                "SELECT user_id, issuer, subject, bound_at FROM portal_bond ORDER BY publisher_id, user_id",
                &[],
                read,
            ),
        })
        .await
    }

    /// Takes an account off its user and signs them out everywhere. False: they have none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_bond(
        &self,
        (publisher, user): (Option<PublisherId>, UserId),
    ) -> Result<bool, StoreError> {
        self.write_in(Scope::of_whom(publisher.as_ref()), move |tx| {
            let removed = forget(tx, whose(publisher.as_ref()), user)?;
            if removed {
                end_all(tx, whose(publisher.as_ref()), user)?;
            }
            Ok(removed)
        })
        .await
    }
}

/// Takes an account off its user. True: they had one.
pub(crate) fn forget(tx: &Tx<'_>, publisher: &str, user: UserId) -> Result<bool, StoreError> {
    let removed = tx.execute(
        "DELETE FROM portal_bond WHERE publisher_id = $1 AND user_id = $2",
        &[Param::Text(publisher), Param::Text(&user.to_string())],
    )?;
    Ok(removed > 0)
}

fn by_account(tx: &Tx<'_>, issuer: &str, subject: &str) -> Result<Vec<PortalUser>, StoreError> {
    tx.query(
        "SELECT u.publisher_id, u.user_id, u.email, u.name, u.role, u.password, u.link_ends_at, u.created_at,
             u.signed_in_at, u.language
         FROM portal_bond b
         JOIN portal_user u ON u.publisher_id = b.publisher_id AND u.user_id = b.user_id
         WHERE b.subject = $1 AND b.issuer = $2
         LIMIT 2",
        &[Param::Text(subject), Param::Text(issuer)],
        read_user,
    )
}

fn read_bond(row: &Row<'_>, at: usize) -> Result<Bond, StoreError> {
    Ok(Bond {
        issuer: row.text(at)?.to_owned(),
        subject: row.text(at + 1)?.to_owned(),
        bound_at: row.time(at + 2)?,
    })
}
