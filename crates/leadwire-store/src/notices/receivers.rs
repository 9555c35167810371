//! Who is told, through which destinations, and what they do not want to hear for a while.

use super::whom;
use crate::engine::Param;
use crate::lanes::LaneKey;
use crate::postgres::scope::Scope;
use crate::setup::Change;
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::limits;
use leadwire_core::notice::NoticeKind;
use leadwire_core::time::Timestamp;

/// What is not to be told for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mute {
    /// Of this destination; none: of anything.
    pub destination: Option<DestinationNo>,
    /// Of this kind; none: of any.
    pub kind: Option<NoticeKind>,
    /// Until this moment.
    pub until: Timestamp,
}

impl Mute {
    /// Whether it holds for a notice.
    pub fn holds(&self, destination: Option<DestinationNo>, kind: NoticeKind, now: Timestamp) -> bool {
        self.until > now
            && (self.destination.is_none() || self.destination == destination)
            && self.kind.is_none_or(|it| it == kind)
    }
}

/// How telling somebody through a destination went last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// When a message last got through.
    pub told_at: Option<Timestamp>,
    /// Since when none gets through; none: the last one did.
    pub failed_at: Option<Timestamp>,
    /// Stable name of why.
    pub cause: String,
    /// Why.
    pub message: String,
}

impl Store {
    /// Through which destinations a publisher, or the operator, is told, in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notice_receivers(&self, publisher: Option<PublisherId>) -> Result<Vec<LaneKey>, StoreError> {
        self.read(move |tx| {
            tx.query(
                "SELECT via_publisher_id, via_destination_no
                 FROM notice_receiver
                 WHERE publisher_id = $1
                 ORDER BY place",
                &[whom(publisher.as_ref())],
                |row| Ok(LaneKey { publisher: row.publisher(0)?, destination: row.destination(1)? }),
            )
        })
        .await
    }

    /// Puts other receivers in the place of those there were. They are told of troubles that last and of which there was
    /// nobody to tell when it was time to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_notice_receivers(
        &self,
        publisher: Option<PublisherId>,
        receivers: Vec<LaneKey>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_in(Scope::of_whom(publisher.as_ref()), move |tx| {
            let whom = whom(publisher.as_ref());
            tx.execute("DELETE FROM notice_receiver WHERE publisher_id = $1", &[whom])?;
            for (place, via) in (1..).zip(&receivers) {
                tx.execute(
                    "INSERT INTO notice_receiver (publisher_id, place, via_publisher_id, via_destination_no)
                     VALUES ($1, $2, $3, $4)",
                    &[
                        whom,
                        Param::Int(place),
                        Param::Text(via.publisher.as_str()),
                        Param::Int(via.destination.get().into()),
                    ],
                )?;
            }
            // A trouble that somebody was told of once is due to nobody either, when there was nobody the next time. What
            // is in a message on its way gets to the new ones by that.
            tx.execute(
                "UPDATE notice SET due_at = $1, message_no = 0, told_at = CASE WHEN told_at = -1 THEN 0 ELSE told_at END
                 WHERE publisher_id = $2 AND lasts = 1 AND due_at = 0 AND told_at <> 0
                     AND NOT EXISTS (
                         SELECT 1 FROM notice_message m
                         WHERE m.publisher_id = notice.publisher_id AND m.number = notice.message_no AND m.told_at = 0)",
                &[Param::Int(now.millis()), whom],
            )?;
            Ok(())
        })
        .await
    }

    /// What a publisher, or the operator, does not want to hear, those that are over left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mutes(
        &self,
        publisher: Option<PublisherId>,
        now: Timestamp,
    ) -> Result<Vec<Mute>, StoreError> {
        self.read(move |tx| {
            tx.query(
                "SELECT destination_no, kind, until
                 FROM notice_mute
                 WHERE publisher_id = $1 AND until > $2
                 ORDER BY destination_no, kind",
                &[whom(publisher.as_ref()), Param::Int(now.millis())],
                |row| {
                    Ok(Mute {
                        destination: Some(row.destination(0)?).filter(|it| it.get() != 0),
                        kind: NoticeKind::parse(row.text(1)?),
                        until: row.time(2)?,
                    })
                },
            )
        })
        .await
    }

    /// Mutes, or changes until when, or with a moment that is not after `now` takes a mute away.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mute(
        &self,
        publisher: Option<PublisherId>,
        mute: Mute,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.write_in(Scope::of_whom(publisher.as_ref()), move |tx| {
            let whom = whom(publisher.as_ref());
            let destination = Param::Int(mute.destination.map_or(0, |it| it.get().into()));
            let kind = Param::Text(mute.kind.map_or("", NoticeKind::as_str));
            tx.execute(
                "DELETE FROM notice_mute WHERE publisher_id = $1 AND until <= $2",
                &[whom, Param::Int(now.millis())],
            )?;
            let was_there = tx.execute(
                "DELETE FROM notice_mute WHERE publisher_id = $1 AND destination_no = $2 AND kind = $3",
                &[whom, destination, kind],
            )?;
            if mute.until <= now {
                // What was held back and told to nobody yet is told now.
                tx.execute(
                    "UPDATE notice SET due_at = $1
                     WHERE due_at <> 0 AND publisher_id = $2 AND due_at > $1 AND told = 0",
                    &[Param::Int(now.millis()), whom],
                )?;
                return Ok(if was_there > 0 { Change::Made } else { Change::Missing });
            }
            let others = tx
                .find("SELECT COUNT(*) FROM notice_mute WHERE publisher_id = $1", &[whom], |row| {
                    row.count::<usize>(0)
                })?
                .unwrap_or(0);
            if others >= limits::NOTICE_MUTES_MAX {
                return Ok(Change::Full);
            }
            tx.execute(
                "INSERT INTO notice_mute (publisher_id, destination_no, kind, until) VALUES ($1, $2, $3, $4)",
                &[whom, destination, kind, Param::Int(mute.until.millis())],
            )?;
            Ok(Change::Made)
        })
        .await
    }

    /// How telling through a destination went last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notice_way(&self, lane: LaneKey) -> Result<Way, StoreError> {
        self.read_of(&lane.publisher.clone(), move |tx| {
            let found = tx.find(
                "SELECT told_at, failed_at, cause, message
                 FROM notice_way
                 WHERE publisher_id = $1 AND destination_no = $2",
                &[Param::Text(lane.publisher.as_str()), Param::Int(lane.destination.get().into())],
                |row| {
                    Ok(Way {
                        told_at: row.time_or_none(0)?,
                        failed_at: row.time_or_none(1)?,
                        cause: row.text(2)?.to_owned(),
                        message: row.text(3)?.to_owned(),
                    })
                },
            )?;
            Ok(found.unwrap_or_default())
        })
        .await
    }

    /// Writes down how telling through a destination went.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_way(&self, lane: LaneKey, went: Way) -> Result<(), StoreError> {
        self.write_of(&lane.publisher.clone(), move |tx| {
            let millis = |it: Option<Timestamp>| Param::Int(it.map_or(0, Timestamp::millis));
            tx.execute(
                "INSERT INTO notice_way (publisher_id, destination_no, told_at, failed_at, cause, message)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (publisher_id, destination_no) DO UPDATE SET
                     told_at = CASE WHEN excluded.told_at = 0 THEN notice_way.told_at ELSE excluded.told_at END,
                     failed_at = CASE WHEN excluded.failed_at = 0 OR notice_way.failed_at = 0 THEN excluded.failed_at
                         ELSE notice_way.failed_at END,
                     cause = excluded.cause, message = excluded.message",
                &[
                    Param::Text(lane.publisher.as_str()),
                    Param::Int(lane.destination.get().into()),
                    millis(went.told_at),
                    millis(went.failed_at),
                    Param::Text(&went.cause),
                    Param::Text(&went.message),
                ],
            )
            .map(|_| ())
        })
        .await
    }
}
