//! Notices: what somebody should be told of a destination, and what is known of it without a lead.

use crate::engine::{Param, Row, Tx};
use crate::lanes::LaneKey;
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::lane::Gate;
use leadwire_core::time::Timestamp;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// The destination was paused by a fault; its leads wait.
    Paused,
    /// It works again.
    Resumed,
    /// A look at it without a lead found it would not take one.
    CheckFailed,
    /// Such a look found that it would again.
    CheckPassed,
    /// A credential ends soon.
    EndsSoon,
}

impl NoticeKind {
    const ALL: [Self; 5] =
        [Self::Paused, Self::Resumed, Self::CheckFailed, Self::CheckPassed, Self::EndsSoon];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::CheckFailed => "check_failed",
            Self::CheckPassed => "check_passed",
            Self::EndsSoon => "ends_soon",
        }
    }
}

/// A notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// About which destination.
    pub lane: LaneKey,
    /// Its number among those about the destination, from 1.
    pub number: u32,
    /// What it is about.
    pub kind: NoticeKind,
    /// When it happened.
    pub at: Timestamp,
    /// Stable name of the cause; empty for good news.
    pub cause: String,
    /// What happened, for people.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// Attempts to tell somebody.
    pub attempts: u32,
    /// Whether somebody was told.
    pub told: Told,
}

/// Whether somebody was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Not yet; the next attempt is due at this moment.
    DueAt(Timestamp),
    /// At this moment.
    At(Timestamp),
    /// There is nobody to tell: the destination names no channel.
    Nobody,
}

/// What is known of a destination without a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Which destination.
    pub lane: LaneKey,
    /// When a lead last arrived there; 1970 when none ever did.
    pub delivered_at: Timestamp,
    /// When it was last looked at; when it was added, if it never was.
    pub checked_at: Timestamp,
    /// Whether that look failed.
    pub is_failing: bool,
    /// The end of a credential that was warned of, and with how many days left.
    pub warned: Option<(Timestamp, u32)>,
}

/// What is said of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What it is about.
    pub kind: NoticeKind,
    /// Stable name of the cause.
    pub cause: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

impl Store {
    /// Notices that are due at `now`, the longest due first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_notices(&self, now: Timestamp, limit: usize) -> Result<Vec<Notice>, StoreError> {
        self.read(move |tx| {
            tx.query(
                "SELECT publisher_id, destination_no, number, kind, at, cause, message, fix, attempts, told_at, due_at
                 FROM notice
                 WHERE told_at = 0 AND due_at <= $1
                 ORDER BY due_at, publisher_id, destination_no, number
                 LIMIT $2",
                &[Param::Int(now.millis()), limit_param(limit)],
                notice,
            )
        })
        .await
    }

    /// Notices about a publisher's destinations: each destination's newest, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notices(
        &self,
        publisher: PublisherId,
        destination: DestinationNo,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError> {
        self.read(move |tx| {
            tx.query(
                "SELECT publisher_id, destination_no, number, kind, at, cause, message, fix, attempts, told_at, due_at
                 FROM notice
                 WHERE publisher_id = $1 AND destination_no = $2
                 ORDER BY number DESC
                 LIMIT $3",
                &[Param::Text(publisher.as_str()), Param::Int(destination.get().into()), limit_param(limit)],
                notice,
            )
        })
        .await
    }

    /// Writes down what came of telling somebody.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settle_notice(&self, lane: LaneKey, number: u32, told: Told) -> Result<(), StoreError> {
        let (told_at, due_at) = match told {
            Told::At(at) => (at.millis(), 0),
            Told::Nobody => (-1, 0),
            Told::DueAt(at) => (0, at.millis()),
        };
        self.write(move |tx| {
            tx.execute(
                "UPDATE notice SET told_at = $1, due_at = $2, attempts = attempts + 1
                 WHERE publisher_id = $3 AND destination_no = $4 AND number = $5",
                &[
                    Param::Int(told_at),
                    Param::Int(due_at),
                    Param::Text(lane.publisher.as_str()),
                    Param::Int(lane.destination.get().into()),
                    Param::Int(number.into()),
                ],
            )
            .map(|_| ())
        })
        .await
    }

    /// What is known of every destination that was not removed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn watched(&self) -> Result<Vec<Watched>, StoreError> {
        self.read(|tx| {
            tx.query(
                "SELECT d.publisher_id, d.destination_no, l.delivered_at, COALESCE(w.checked_at, d.created_at),
                     COALESCE(w.is_failing, 0), COALESCE(w.warned_of, 0), COALESCE(w.warned_days, -1)
                 FROM destination d
                 JOIN lane l ON l.publisher_id = d.publisher_id AND l.destination_no = d.destination_no
                 LEFT JOIN watch w ON w.publisher_id = d.publisher_id AND w.destination_no = d.destination_no
                 WHERE d.removed_at = 0
                 ORDER BY d.publisher_id, d.destination_no",
                &[],
                |row| {
                    let warned_of = row.time_or_none(5)?;
                    let days = u32::try_from(row.int(6)?).ok();
                    Ok(Watched {
                        lane: LaneKey { publisher: row.publisher(0)?, destination: row.destination(1)? },
                        delivered_at: row.time(2)?,
                        checked_at: row.time(3)?,
                        is_failing: row.int(4)? != 0,
                        warned: warned_of.zip(days),
                    })
                },
            )
        })
        .await
    }

    /// Writes down what was found of a destination, and what is to be said of it, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_watch(
        &self,
        found: Watched,
        said: Vec<Said>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            let (warned_of, warned_days) = found.warned.map_or((0, -1), |it| (it.0.millis(), i64::from(it.1)));
            tx.execute(
                "INSERT INTO watch (publisher_id, destination_no, checked_at, is_failing, warned_of, warned_days)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (publisher_id, destination_no) DO UPDATE SET checked_at = excluded.checked_at,
                     is_failing = excluded.is_failing, warned_of = excluded.warned_of,
                     warned_days = excluded.warned_days",
                &[
                    Param::Text(found.lane.publisher.as_str()),
                    Param::Int(found.lane.destination.get().into()),
                    Param::Int(found.checked_at.millis()),
                    Param::Int(found.is_failing.into()),
                    Param::Int(warned_of),
                    Param::Int(warned_days),
                ],
            )?;
            said.iter().try_for_each(|it| say(tx, &found.lane, it, now))
        })
        .await
    }
}

/// Says that a fault paused a lane, or that it works again; what a person did is no news to anybody.
pub(crate) fn say_of_gate(
    tx: &Tx<'_>,
    lane: &LaneKey,
    (before, after): (&Gate, &Gate),
    now: Timestamp,
) -> Result<(), StoreError> {
    let said = match (before, after) {
        (Gate::Open | Gate::Tripped(_), Gate::Paused(pause)) => Said {
            kind: NoticeKind::Paused,
            cause: pause.cause.clone(),
            message: pause.message.clone(),
            fix: pause.fix.clone(),
        },
        (Gate::Paused(_), Gate::Open) => Said {
            kind: NoticeKind::Resumed,
            cause: String::new(),
            message: "it works again, and the leads that waited are on their way".to_owned(),
            fix: String::new(),
        },
        // What trips mends itself within moments, mostly.
        (_, Gate::Tripped(_))
        | (Gate::Open | Gate::Tripped(_), Gate::Open)
        | (Gate::Paused(_), Gate::Paused(_)) => {
            return Ok(());
        }
    };
    say(tx, lane, &said, now)
}

/// Makes a notice about a destination.
pub(crate) fn say(tx: &Tx<'_>, lane: &LaneKey, said: &Said, now: Timestamp) -> Result<(), StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let number = tx
        .find(
            "SELECT COALESCE(MAX(number), 0) + 1 FROM notice WHERE publisher_id = $1 AND destination_no = $2",
            &[publisher, destination],
            |row| row.int(0),
        )?
        .unwrap_or(1);
    tx.execute(
        "INSERT INTO notice (publisher_id, destination_no, number, kind, at, cause, message, fix, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            publisher,
            destination,
            Param::Int(number),
            Param::Text(said.kind.as_str()),
            Param::Int(now.millis()),
            Param::Text(&said.cause),
            Param::Text(&said.message),
            Param::Text(&said.fix),
            Param::Int(now.millis()),
        ],
    )?;
    Ok(())
}

fn notice(row: &Row<'_>) -> Result<Notice, StoreError> {
    let kind = row.text(3)?;
    let kind = NoticeKind::ALL.into_iter().find(|it| it.as_str() == kind);
    let told = match row.int(9)? {
        0 => Told::DueAt(row.time(10)?),
        -1 => Told::Nobody,
        at => Told::At(Timestamp::from_millis(at)),
    };
    Ok(Notice {
        lane: LaneKey { publisher: row.publisher(0)?, destination: row.destination(1)? },
        number: row.count(2)?,
        kind: kind.ok_or_else(|| StoreError::Wrong("a notice of an unknown kind".into()))?,
        at: row.time(4)?,
        cause: row.text(5)?.to_owned(),
        message: row.text(6)?.to_owned(),
        fix: row.text(7)?.to_owned(),
        attempts: row.count(8)?,
        told,
    })
}

fn limit_param(limit: usize) -> Param<'static> {
    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX))
}
