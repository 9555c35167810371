//! Messages: many notices for one receiver, told as one, under one id, until it got through.

use super::{Notice, Told, Whose, count, notice, publisher_or_none, whom};
use crate::engine::{Param, Tx};
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use leadwire_core::notice::{again_after, next_message_at};
use leadwire_core::time::Timestamp;
use std::collections::BTreeSet;

/// A message that did not get through yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The publisher it is for; none: the operator.
    pub publisher: Option<PublisherId>,
    /// Its number among theirs, from 1.
    pub number: u32,
    /// The way that its destinations name; empty for the receivers of the publisher.
    pub tell: String,
    /// Tries so far.
    pub attempts: u32,
}

/// What came of gathering notices into a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gathered {
    /// They are in the message of this number.
    Into(u32),
    /// One is on its way still, or as many were sent as may be: they wait for the next one.
    Later,
}

/// What came of telling a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Somebody has it.
    Told,
    /// There is nobody to tell.
    Nobody,
    /// It is tried again at this moment.
    Again(Timestamp),
}

impl Store {
    /// Publishers, the operator as none, of whom something is to be told at `now`, and when the next thing after that is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_notices(
        &self,
        now: Timestamp,
    ) -> Result<(Vec<Option<PublisherId>>, Option<Timestamp>), StoreError> {
        self.read(move |tx| {
            let due = tx.query(
                "SELECT publisher_id FROM notice WHERE due_at <> 0 AND due_at <= $1 ORDER BY due_at LIMIT $2",
                &[Param::Int(now.millis()), count(limits::NOTICES_DUE_MAX)],
                |row| publisher_or_none(row, 0),
            )?;
            let due = due.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
            let next = tx.find(
                "SELECT due_at FROM notice WHERE due_at <> 0 AND due_at > $1 ORDER BY due_at LIMIT 1",
                &[Param::Int(now.millis())],
                |row| row.time(0),
            )?;
            Ok((due, next))
        })
        .await
    }

    /// What is to be told a publisher, or the operator, until a moment; the longest due first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn untold_notices(
        &self,
        publisher: Option<PublisherId>,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError> {
        self.read(move |tx| {
            tx.query(
                "SELECT publisher_id, destination_no, number, kind, about, at, cause, message, fix, told, told_at, lasts,
                     ended_at
                 FROM notice
                 WHERE due_at <> 0 AND publisher_id = $1 AND due_at <= $2
                 ORDER BY due_at, destination_no, number
                 LIMIT $3",
                &[whom(publisher.as_ref()), Param::Int(until.millis()), count(limit)],
                notice,
            )
        })
        .await
    }

    /// Puts notices into one message, unless one is on its way to the same receiver or it got as many as it may.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn gather_notices(
        &self,
        (publisher, tell): (Option<PublisherId>, String),
        notices: Vec<(Whose, u32)>,
        now: Timestamp,
    ) -> Result<Gathered, StoreError> {
        let scope = scope_of(&notices, Scope::of_whom(publisher.as_ref()));
        self.write_in(scope, move |tx| gather(tx, (publisher.as_ref(), &tell), &notices, now)).await
    }

    /// Holds notices back: a trouble that lasts until a moment, anything else for ever.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mute_notices(&self, notices: Vec<(Whose, u32)>, until: Timestamp) -> Result<(), StoreError> {
        let Some(first) = notices.first() else { return Ok(()) };
        let scope = scope_of(&notices, first.0.scope());
        self.write_in(scope, move |tx| {
            for (whose, number) in &notices {
                let (publisher, destination) = whose.params();
                tx.execute(
                    "UPDATE notice SET due_at = CASE WHEN lasts = 1 THEN $1 ELSE 0 END,
                         told_at = CASE WHEN lasts = 1 THEN told_at ELSE -3 END
                     WHERE publisher_id = $2 AND destination_no = $3 AND number = $4 AND due_at <> 0",
                    &[Param::Int(until.millis()), publisher, destination, Param::Int((*number).into())],
                )?;
            }
            Ok(())
        })
        .await
    }

    /// Nobody is there to be told of these.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tell_nobody(&self, notices: Vec<(Whose, u32)>) -> Result<(), StoreError> {
        let Some(first) = notices.first() else { return Ok(()) };
        let scope = scope_of(&notices, first.0.scope());
        self.write_in(scope, move |tx| {
            for (whose, number) in &notices {
                let (publisher, destination) = whose.params();
                tx.execute(
                    "UPDATE notice SET due_at = 0, told_at = CASE WHEN told = 0 THEN -1 ELSE told_at END
                     WHERE publisher_id = $1 AND destination_no = $2 AND number = $3 AND due_at <> 0",
                    &[publisher, destination, Param::Int((*number).into())],
                )?;
            }
            Ok(())
        })
        .await
    }

    /// Messages that are due at `now`, the longest due first; and how many are tried again later, the first of them when.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_messages(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Message>, (usize, Option<Timestamp>)), StoreError> {
        self.read(move |tx| {
            let due = tx.query(
                "SELECT publisher_id, number, tell, attempts
                 FROM notice_message
                 WHERE told_at = 0 AND due_at <= $1
                 ORDER BY due_at, publisher_id, number
                 LIMIT $2",
                &[Param::Int(now.millis()), count(limit)],
                |row| {
                    Ok(Message {
                        publisher: publisher_or_none(row, 0)?,
                        number: row.count(1)?,
                        tell: row.text(2)?.to_owned(),
                        attempts: row.count(3)?,
                    })
                },
            )?;
            let later = tx.find(
                "SELECT COUNT(*), COALESCE(MIN(due_at), 0) FROM notice_message WHERE told_at = 0 AND due_at > $1",
                &[Param::Int(now.millis())],
                |row| Ok((row.count(0)?, row.time_or_none(1)?)),
            )?;
            Ok((due, later.unwrap_or_default()))
        })
        .await
    }

    /// What a message stands for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn message_notices(
        &self,
        publisher: Option<PublisherId>,
        number: u32,
    ) -> Result<Vec<Notice>, StoreError> {
        self.read(move |tx| {
            tx.query(
                "SELECT publisher_id, destination_no, number, kind, about, at, cause, message, fix, told, told_at, lasts,
                     ended_at
                 FROM notice
                 WHERE publisher_id = $1 AND message_no = $2 AND message_no <> 0
                 ORDER BY destination_no, number
                 LIMIT $3",
                &[whom(publisher.as_ref()), Param::Int(number.into()), count(limits::NOTICES_PER_MESSAGE)],
                notice,
            )
        })
        .await
    }

    /// Writes down what came of telling a message. Of what it told, a trouble that lasts is due again after a while, which
    /// grows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settle_message(
        &self,
        message: Message,
        sent: Sent,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let scope = Scope::of_whom(message.publisher.as_ref());
        self.write_in(scope, move |tx| settle(tx, &message, sent, now)).await
    }
}

/// Whose rows these notices are among, beside others.
fn scope_of(notices: &[(Whose, u32)], others: Scope) -> Scope {
    notices
        .iter()
        .fold(others, |scope, it| scope.and(it.0.publisher.as_ref().map_or("", PublisherId::as_str)))
}

fn gather(
    tx: &Tx<'_>,
    (publisher, tell): (Option<&PublisherId>, &str),
    notices: &[(Whose, u32)],
    now: Timestamp,
) -> Result<Gathered, StoreError> {
    let (whom, tell) = (whom(publisher), Param::Text(tell));
    let open = tx.find(
        "SELECT 1 FROM notice_message WHERE publisher_id = $1 AND tell = $2 AND told_at = 0 LIMIT 1",
        &[whom, tell],
        |row| row.int(0),
    )?;
    let sent = tx.query(
        "SELECT made_at FROM notice_message WHERE publisher_id = $1 AND tell = $2 ORDER BY made_at DESC LIMIT $3",
        &[whom, tell, count(limits::NOTICE_MESSAGES_PER_HOUR)],
        |row| row.time(0),
    )?;
    if open.is_some() || next_message_at(&sent, now) > now {
        return Ok(Gathered::Later);
    }
    let number = tx.find(
        "SELECT COALESCE(MAX(number), 0) + 1 FROM notice_message WHERE publisher_id = $1",
        &[whom],
        |row| row.count::<u32>(0),
    )?;
    let number = number.unwrap_or(1);
    let mut gathered = 0;
    for (whose, notice) in notices {
        let (publisher, destination) = whose.params();
        // One that ended meanwhile is left out.
        gathered += tx.execute(
            "UPDATE notice SET message_no = $1, due_at = 0
             WHERE publisher_id = $2 AND destination_no = $3 AND number = $4 AND due_at <> 0",
            &[Param::Int(number.into()), publisher, destination, Param::Int((*notice).into())],
        )?;
    }
    if gathered == 0 {
        return Ok(Gathered::Later);
    }
    tx.execute(
        "INSERT INTO notice_message (publisher_id, number, tell, made_at, due_at) VALUES ($1, $2, $3, $4, $5)",
        &[whom, Param::Int(number.into()), tell, Param::Int(now.millis()), Param::Int(now.millis())],
    )?;
    Ok(Gathered::Into(number))
}

fn settle(tx: &Tx<'_>, message: &Message, sent: Sent, now: Timestamp) -> Result<(), StoreError> {
    let whom = whom(message.publisher.as_ref());
    let number = Param::Int(message.number.into());
    let (told, due_at) = match sent {
        Sent::Told => (Told::At(now), 0),
        Sent::Nobody => (Told::Nobody, 0),
        Sent::Again(at) => (Told::NotYet, at.millis()),
    };
    tx.execute(
        "UPDATE notice_message SET told_at = $1, due_at = $2, attempts = attempts + 1
         WHERE publisher_id = $3 AND number = $4 AND told_at = 0",
        &[Param::Int(told.number()), Param::Int(due_at), whom, number],
    )?;
    match sent {
        Sent::Again(_) => return Ok(()),
        Sent::Nobody => {
            tx.execute(
                "UPDATE notice SET told_at = -1
                 WHERE publisher_id = $1 AND message_no = $2 AND message_no <> 0 AND told = 0",
                &[whom, number],
            )?;
            return Ok(());
        }
        Sent::Told => {}
    }
    let told_now = tx.query(
        "SELECT destination_no, number, lasts, told
         FROM notice
         WHERE publisher_id = $1 AND message_no = $2 AND message_no <> 0",
        &[whom, number],
        |row| Ok((row.int(0)?, row.int(1)?, row.int(2)? != 0, row.count::<u32>(3)?)),
    )?;
    for (destination, notice, lasts, times) in told_now {
        let times = times.saturating_add(1);
        let again = if lasts { now.plus(again_after(times)).millis() } else { 0 };
        tx.execute(
            "UPDATE notice SET told = $1, told_at = $2, due_at = $3
             WHERE publisher_id = $4 AND destination_no = $5 AND number = $6",
            &[
                Param::Int(times.into()),
                Param::Int(now.millis()),
                Param::Int(again),
                whom,
                Param::Int(destination),
                Param::Int(notice),
            ],
        )?;
    }
    Ok(())
}
