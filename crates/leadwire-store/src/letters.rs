//! Letters to users with the link by which they choose a password: asked for, tried until they are sent, and told about.

use crate::engine::{Param, Row, Tx};
use crate::postgres::scope::Scope;
use crate::users::{self, PortalUser, whose};
use crate::{Store, StoreError};
use leadwire_core::id::{PublisherId, UserId};
use leadwire_core::time::Timestamp;

/// A letter that is wished for.
#[derive(Clone, Debug)]
pub struct LetterWish {
    /// Whose user.
    pub publisher: Option<PublisherId>,
    /// To whom.
    pub user: UserId,
    /// `invitation`, or `password` when they forgot theirs.
    pub kind: String,
    /// In which language.
    pub language: String,
    /// When it was asked for.
    pub now: Timestamp,
}

/// The newest letter to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Whose user.
    pub publisher: Option<PublisherId>,
    /// To whom.
    pub user: UserId,
    /// `invitation` or `password`.
    pub kind: String,
    /// In which language.
    pub language: String,
    /// `waiting`, `sent` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// While it waits, when it is tried next.
    pub due_at: Timestamp,
    /// When it was sent, or given up.
    pub ended_at: Option<Timestamp>,
    /// Stable name of why it was not sent at the last try.
    pub cause: String,
    /// Why.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetterEnd {
    /// The mail server took it.
    Sent,
    /// It is tried again at this moment.
    Again(Timestamp, [String; 3]),
    /// It is not tried again: the cause, what happened, and what to do.
    Failed([String; 3]),
}

impl Store {
    /// Wishes for a letter, in the place of any that was before. False: there is no such user.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ask_letter(&self, it: LetterWish) -> Result<bool, StoreError> {
        self.write_in(Scope::of_whom(it.publisher.as_ref()), move |tx| {
            let asked = tx.execute(
                "INSERT INTO user_letter (publisher_id, user_id, kind, language, state, asked_at, due_at)
                 SELECT publisher_id, user_id, $1, $2, 'waiting', $3, $3 FROM portal_user
                 WHERE publisher_id = $4 AND user_id = $5
                 ON CONFLICT (publisher_id, user_id) DO UPDATE SET kind = excluded.kind,
                     language = excluded.language, state = excluded.state, attempts = 0,
                     asked_at = excluded.asked_at, due_at = excluded.due_at, ended_at = 0, cause = '',
                     message = '', fix = ''",
                &[
                    Param::Text(&it.kind),
                    Param::Text(&it.language),
                    Param::Int(it.now.millis()),
                    Param::Text(whose(it.publisher.as_ref())),
                    Param::Text(&it.user.to_string()),
                ],
            )?;
            Ok(asked > 0)
        })
        .await
    }

    /// The newest letters to users of one publisher or, with none, of all and the operator's, up to `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn letters(
        &self,
        publisher: Option<PublisherId>,
        limit: usize,
    ) -> Result<Vec<Letter>, StoreError> {
        self.read(move |tx| {
            let most = Param::Int(i64::try_from(limit).unwrap_or(i64::MAX));
            match &publisher {
                Some(publisher) => tx.query(
                    "SELECT publisher_id, user_id, kind, language, state, attempts, asked_at, due_at, ended_at,
                         cause, message, fix
                     FROM user_letter
                     WHERE publisher_id = $1
                     ORDER BY user_id
                     LIMIT $2",
                    &[Param::Text(publisher.as_str()), most],
                    read_letter,
                ),
                None => tx.query(
                    "SELECT publisher_id, user_id, kind, language, state, attempts, asked_at, due_at, ended_at,
                         cause, message, fix
                     FROM user_letter
                     ORDER BY publisher_id, user_id
                     LIMIT $1",
                    &[most],
                    read_letter,
                ),
            }
        })
        .await
    }

    /// Letters that wait, of every publisher, those that wait longest first, up to `limit`; they may be due yet or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting_letters(&self, limit: usize) -> Result<Vec<Letter>, StoreError> {
        self.read(move |tx| {
            tx.query(
                "SELECT publisher_id, user_id, kind, language, state, attempts, asked_at, due_at, ended_at, cause,
                     message, fix
                 FROM user_letter
                 WHERE state = 'waiting'
                 ORDER BY due_at
                 LIMIT $1",
                &[Param::Int(i64::try_from(limit).unwrap_or(i64::MAX))],
                read_letter,
            )
        })
        .await
    }

    /// Takes a letter up until a moment, and gives its user the link that will be in it, in one transaction: whoever else takes it
    /// up meanwhile gets nothing. None: it is another's, or is not wished for any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_letter(
        &self,
        it: Letter,
        until: Timestamp,
        (hash, link_ends_at): ([u8; 32], Timestamp),
    ) -> Result<Option<PortalUser>, StoreError> {
        self.write_in(Scope::of_whom(it.publisher.as_ref()), move |tx| {
            let (publisher, user) = (whose(it.publisher.as_ref()), it.user.to_string());
            let taken = tx.execute(
                "UPDATE user_letter SET due_at = $1, attempts = attempts + 1
                 WHERE publisher_id = $2 AND user_id = $3 AND state = 'waiting' AND due_at = $4",
                &[
                    Param::Int(until.millis()),
                    Param::Text(publisher),
                    Param::Text(&user),
                    Param::Int(it.due_at.millis()),
                ],
            )?;
            if taken == 0 {
                return Ok(None);
            }
            tx.execute(
                "UPDATE portal_user SET link_hash = $1, link_ends_at = $2
                 WHERE publisher_id = $3 AND user_id = $4",
                &[
                    Param::Bytes(&hash),
                    Param::Int(link_ends_at.millis()),
                    Param::Text(publisher),
                    Param::Text(&user),
                ],
            )?;
            users::by_id(tx, publisher, &user)
        })
        .await
    }

    /// Writes down what came of a try, if the letter is still the one that was taken up until this moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_letter(
        &self,
        it: Letter,
        until: Timestamp,
        (end, now): (LetterEnd, Timestamp),
    ) -> Result<(), StoreError> {
        self.write_in(Scope::of_whom(it.publisher.as_ref()), move |tx| {
            let empty = || [const { String::new() }; 3];
            let (state, due, ended, why) = match end.clone() {
                LetterEnd::Sent => ("sent", until, now.millis(), empty()),
                LetterEnd::Again(at, why) => ("waiting", at, 0, why),
                LetterEnd::Failed(why) => ("failed", until, now.millis(), why),
            };
            tx.execute(
                "UPDATE user_letter SET state = $1, due_at = $2, ended_at = $3, cause = $4, message = $5, fix = $6
                 WHERE publisher_id = $7 AND user_id = $8 AND state = 'waiting' AND due_at = $9",
                &[
                    Param::Text(state),
                    Param::Int(due.millis()),
                    Param::Int(ended),
                    Param::Text(&why[0]),
                    Param::Text(&why[1]),
                    Param::Text(&why[2]),
                    Param::Text(whose(it.publisher.as_ref())),
                    Param::Text(&it.user.to_string()),
                    Param::Int(until.millis()),
                ],
            )?;
            Ok(())
        })
        .await
    }
}

/// Forgets the letter to a user who goes.
pub(crate) fn forget(tx: &Tx<'_>, publisher: &str, user: UserId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM user_letter WHERE publisher_id = $1 AND user_id = $2",
        &[Param::Text(publisher), Param::Text(&user.to_string())],
    )?;
    Ok(())
}

fn read_letter(row: &Row<'_>) -> Result<Letter, StoreError> {
    let wrong = |it: leadwire_core::id::BadId| StoreError::Wrong(it.to_string());
    let publisher = match row.text(0)? {
        "" => None,
        text => Some(PublisherId::parse(text).map_err(wrong)?),
    };
    Ok(Letter {
        publisher,
        user: UserId::parse(row.text(1)?).map_err(wrong)?,
        kind: row.text(2)?.to_owned(),
        language: row.text(3)?.to_owned(),
        state: row.text(4)?.to_owned(),
        attempts: row.count(5)?,
        asked_at: row.time(6)?,
        due_at: row.time(7)?,
        ended_at: Some(row.time(8)?).filter(|it| it.millis() != 0),
        cause: row.text(9)?.to_owned(),
        message: row.text(10)?.to_owned(),
        fix: row.text(11)?.to_owned(),
    })
}
