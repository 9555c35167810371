//! Notices: what somebody should be told of a destination, of an offer or of the service itself, and whether they were.

mod arrivals;
mod forgotten;
mod messages;
mod receivers;
mod saying;
mod watched;

pub use arrivals::{ArrivalsStep, Came};
pub use messages::{Gathered, Message, Sent};
pub use receivers::{Mute, Way};
use saying::{end, standing};
pub(crate) use saying::{gone, in_hand, say, say_of_gate};
pub(crate) use watched::waiting;
pub use watched::{Pulse, Watched};

use crate::engine::{Param, Row};
use crate::lanes::LaneKey;
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::notice::NoticeKind;
use leadwire_core::time::Timestamp;

/// Whom a notice is for, and about which destination it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Whose {
    /// The publisher; none: the operator.
    pub publisher: Option<PublisherId>,
    /// The destination; none: it is about something else.
    pub destination: Option<DestinationNo>,
}

impl Whose {
    /// What is the operator's: the service itself.
    pub const OPERATOR: Self = Self { publisher: None, destination: None };

    /// What is a publisher's, and about no destination.
    pub fn of_publisher(publisher: PublisherId) -> Self {
        Self { publisher: Some(publisher), destination: None }
    }

    /// Whose rows it is among.
    fn scope(&self) -> Scope {
        Scope::of_whom(self.publisher.as_ref())
    }

    /// The lane it is about.
    pub fn lane(&self) -> Option<LaneKey> {
        Some(LaneKey { publisher: self.publisher.clone()?, destination: self.destination? })
    }

    fn params_of(lane: &LaneKey) -> (Param<'_>, Param<'_>) {
        (Param::Text(lane.publisher.as_str()), Param::Int(lane.destination.get().into()))
    }

    fn params(&self) -> (Param<'_>, Param<'_>) {
        (whom(self.publisher.as_ref()), Param::Int(self.destination.map_or(0, |it| it.get().into())))
    }
}

impl From<&LaneKey> for Whose {
    fn from(lane: &LaneKey) -> Self {
        Self { publisher: Some(lane.publisher.clone()), destination: Some(lane.destination) }
    }
}

/// A notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whose it is.
    pub whose: Whose,
    /// Its number among those about the same destination, from 1.
    pub number: u32,
    /// What it is about.
    pub kind: NoticeKind,
    /// Which offer, job or part it is about; empty for a destination as a whole.
    pub about: String,
    /// When it happened.
    pub at: Timestamp,
    /// Stable name of the cause; empty for good news.
    pub cause: String,
    /// What happened, for people.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// How often somebody was told.
    pub times_told: u32,
    /// Whether somebody was told.
    pub told: Told,
    /// Whether the trouble still lasts.
    pub lasts: bool,
    /// When the trouble ended.
    pub ended_at: Option<Timestamp>,
}

/// Whether somebody was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Not yet.
    NotYet,
    /// At this moment, last.
    At(Timestamp),
    /// There is nobody to tell.
    Nobody,
    /// It was over before anybody was told.
    Over,
    /// It was muted.
    Muted,
}

impl Told {
    fn number(self) -> i64 {
        match self {
            Self::NotYet => 0,
            Self::At(at) => at.millis(),
            Self::Nobody => -1,
            Self::Over => -2,
            Self::Muted => -3,
        }
    }

    fn from_number(number: i64) -> Self {
        match number {
            0 => Self::NotYet,
            -1 => Self::Nobody,
            -2 => Self::Over,
            -3 => Self::Muted,
            at => Self::At(Timestamp::from_millis(at)),
        }
    }
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What it is about.
    pub kind: NoticeKind,
    /// Which offer, job or part it is about; empty for a destination as a whole.
    pub about: String,
    /// Stable name of the cause.
    pub cause: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// A trouble that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What it is about.
    pub about: String,
    /// Since when.
    pub at: Timestamp,
}

impl Store {
    /// Notices about one destination, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notices(
        &self,
        publisher: PublisherId,
        destination: DestinationNo,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            tx.query(
                "SELECT publisher_id, destination_no, number, kind, about, at, cause, message, fix, told, told_at, lasts,
                     ended_at
                 FROM notice
                 WHERE publisher_id = $1 AND destination_no = $2
                 ORDER BY number DESC
                 LIMIT $3",
                &[whom(Some(&publisher)), Param::Int(destination.get().into()), count(limit)],
                notice,
            )
        })
        .await
    }

    /// All notices of a publisher, or of the operator, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all_notices(
        &self,
        publisher: Option<PublisherId>,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError> {
        self.read(move |tx| {
            tx.query(
                "SELECT publisher_id, destination_no, number, kind, about, at, cause, message, fix, told, told_at, lasts,
                     ended_at
                 FROM notice
                 WHERE publisher_id = $1
                 ORDER BY at DESC, destination_no DESC, number DESC
                 LIMIT $2",
                &[whom(publisher.as_ref()), count(limit)],
                notice,
            )
        })
        .await
    }

    /// The troubles of a publisher, or of the operator, that last; those of the lowest destinations first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lasting_notices(
        &self,
        publisher: Option<PublisherId>,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError> {
        self.read(move |tx| {
            tx.query(
                "SELECT publisher_id, destination_no, number, kind, about, at, cause, message, fix, told, told_at, lasts,
                     ended_at
                 FROM notice
                 WHERE publisher_id = $1 AND lasts = 1
                 ORDER BY destination_no, about, kind
                 LIMIT $2",
                &[whom(publisher.as_ref()), count(limit)],
                notice,
            )
        })
        .await
    }

    /// Troubles of a kind that last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn standing_notices(
        &self,
        whose: Whose,
        kind: NoticeKind,
    ) -> Result<Vec<Standing>, StoreError> {
        self.read(move |tx| {
            let (publisher, destination) = whose.params();
            tx.query(
                "SELECT about, at
                 FROM notice
                 WHERE publisher_id = $1 AND destination_no = $2 AND lasts = 1 AND kind = $3",
                &[publisher, destination, Param::Text(kind.as_str())],
                |row| Ok(Standing { about: row.text(0)?.to_owned(), at: row.time(1)? }),
            )
        })
        .await
    }

    /// Says something.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn say(&self, whose: Whose, said: Said, now: Timestamp) -> Result<(), StoreError> {
        self.write_in(whose.scope(), move |tx| say(tx, &whose, &said, now)).await
    }

    /// A trouble is over, and that is no news: what it was about is gone, or a person ended it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_silently(
        &self,
        whose: Whose,
        about: String,
        kind: NoticeKind,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_in(whose.scope(), move |tx| end(tx, &whose, &about, kind, now).map(|_| ())).await
    }

    /// Says how something went that the service does by itself, such as a backup or the look at its store: a failure is told
    /// the operator, and again while it lasts; going well is news after a failure only. Repeating either changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_job(&self, went: Said, now: Timestamp) -> Result<(), StoreError> {
        self.write_of_operator(move |tx| {
            let is_known = standing(tx, &Whose::OPERATOR, &went.about, NoticeKind::JobFailed)?;
            if went.kind == NoticeKind::JobPassed && !is_known {
                Ok(())
            } else {
                say(tx, &Whose::OPERATOR, &went, now)
            }
        })
        .await
    }
}

fn notice(row: &Row<'_>) -> Result<Notice, StoreError> {
    let kind = NoticeKind::parse(row.text(3)?);
    Ok(Notice {
        whose: whose(row)?,
        number: row.count(2)?,
        kind: kind.ok_or_else(|| StoreError::Wrong("a notice of an unknown kind".into()))?,
        about: row.text(4)?.to_owned(),
        at: row.time(5)?,
        cause: row.text(6)?.to_owned(),
        message: row.text(7)?.to_owned(),
        fix: row.text(8)?.to_owned(),
        times_told: row.count(9)?,
        told: Told::from_number(row.int(10)?),
        lasts: row.int(11)? != 0,
        ended_at: row.time_or_none(12)?,
    })
}

/// The first two columns.
fn whose(row: &Row<'_>) -> Result<Whose, StoreError> {
    Ok(Whose {
        publisher: publisher_or_none(row, 0)?,
        destination: Some(row.destination(1)?).filter(|it| it.get() != 0),
    })
}

fn publisher_or_none(row: &Row<'_>, column: usize) -> Result<Option<PublisherId>, StoreError> {
    if row.text(column)?.is_empty() { Ok(None) } else { row.publisher(column).map(Some) }
}

fn whom(publisher: Option<&PublisherId>) -> Param<'_> {
    Param::Text(publisher.map_or("", PublisherId::as_str))
}

fn count(limit: usize) -> Param<'static> {
    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX))
}
