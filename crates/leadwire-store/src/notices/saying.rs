//! Saying something: a notice begins and ends troubles, in the transaction of what it is about.

use super::{Said, Told, Whose};
use crate::StoreError;
use crate::engine::{Param, Tx};
use crate::lanes::LaneKey;
use leadwire_core::lane::Gate;
use leadwire_core::limits;
use leadwire_core::notice::NoticeKind;
use leadwire_core::time::Timestamp;

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
            about: String::new(),
            cause: pause.cause.clone(),
            message: pause.message.clone(),
            fix: pause.fix.clone(),
        },
        (Gate::Paused(_), Gate::Open) => Said {
            kind: NoticeKind::Resumed,
            about: String::new(),
            cause: String::new(),
            message: "it works again, and the leads that waited are on their way".to_owned(),
            fix: String::new(),
        },
        // What trips mends itself within moments, mostly; if not, it is found failing.
        (_, Gate::Tripped(_))
        | (Gate::Open | Gate::Tripped(_), Gate::Open)
        | (Gate::Paused(_), Gate::Paused(_)) => {
            return Ok(());
        }
    };
    say(tx, &lane.into(), &said, now)
}

/// A person took a destination in hand: they know of the stop and of what fails, which are told no more.
pub(crate) fn in_hand(tx: &Tx<'_>, lane: &LaneKey) -> Result<(), StoreError> {
    let (publisher, destination) = Whose::params_of(lane);
    tx.execute(
        "UPDATE notice SET lasts = 0, due_at = 0, told_at = CASE WHEN told_at = 0 AND message_no = 0 THEN -2 ELSE told_at END
         WHERE publisher_id = $1 AND destination_no = $2 AND about = '' AND kind IN ('paused', 'failing') AND lasts = 1",
        &[publisher, destination],
    )
    .map(|_| ())
}

/// A destination is taken away: its troubles are over.
pub(crate) fn gone(tx: &Tx<'_>, lane: &LaneKey) -> Result<(), StoreError> {
    let (publisher, destination) = Whose::params_of(lane);
    tx.execute(
        "UPDATE notice SET lasts = 0, due_at = 0, told_at = CASE WHEN told_at = 0 AND message_no = 0 THEN -2 ELSE told_at END
         WHERE publisher_id = $1 AND destination_no = $2 AND lasts = 1",
        &[publisher, destination],
    )
    .map(|_| ())
}

/// Makes a notice. What it ends is over; a trouble that lasts already is not begun again, and what was over before anybody
/// was told of it is told to nobody.
pub(crate) fn say(tx: &Tx<'_>, whose: &Whose, said: &Said, now: Timestamp) -> Result<(), StoreError> {
    if said.kind.lasts() && standing(tx, whose, &said.about, said.kind)? {
        return Ok(());
    }
    let mut ended = Ended::default();
    for kind in said.kind.ends() {
        let it = end(tx, whose, &said.about, *kind, now)?;
        ended = Ended { told: ended.told + it.told, untold: ended.untold + it.untold };
    }
    let is_over = said.kind.is_good() && ended.told == 0 && ended.untold > 0;
    let (publisher, destination) = whose.params();
    let number = tx
        .find(
            "SELECT COALESCE(MAX(number), 0) + 1 FROM notice WHERE publisher_id = $1 AND destination_no = $2",
            &[publisher, destination],
            |row| row.int(0),
        )?
        .unwrap_or(1);
    let due_at = if is_over { 0 } else { now.plus(limits::NOTICE_GATHER).millis() };
    tx.execute(
        "INSERT INTO notice (publisher_id, destination_no, number, kind, about, at, cause, message, fix, due_at, told_at,
             lasts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &[
            publisher,
            destination,
            Param::Int(number),
            Param::Text(said.kind.as_str()),
            Param::Text(&said.about),
            Param::Int(now.millis()),
            Param::Text(&said.cause),
            Param::Text(&said.message),
            Param::Text(&said.fix),
            Param::Int(due_at),
            Param::Int(if is_over { Told::Over.number() } else { Told::NotYet.number() }),
            Param::Int(said.kind.lasts().into()),
        ],
    )?;
    Ok(())
}

/// How many troubles ended, of which somebody was told or is being told, and of which nobody was.
#[derive(Clone, Copy, Default)]
pub(super) struct Ended {
    told: usize,
    untold: usize,
}

pub(super) fn end(
    tx: &Tx<'_>,
    whose: &Whose,
    about: &str,
    kind: NoticeKind,
    now: Timestamp,
) -> Result<Ended, StoreError> {
    let (publisher, destination) = whose.params();
    let which =
        [Param::Int(now.millis()), publisher, destination, Param::Text(about), Param::Text(kind.as_str())];
    let untold = tx.execute(
        "UPDATE notice SET lasts = 0, ended_at = $1, due_at = 0, told_at = -2
         WHERE publisher_id = $2 AND destination_no = $3 AND about = $4 AND kind = $5 AND lasts = 1 AND told_at = 0
             AND message_no = 0",
        &which,
    )?;
    let told = tx.execute(
        "UPDATE notice SET lasts = 0, ended_at = $1, due_at = 0
         WHERE publisher_id = $2 AND destination_no = $3 AND about = $4 AND kind = $5 AND lasts = 1",
        &which,
    )?;
    Ok(Ended { told, untold })
}

pub(super) fn standing(
    tx: &Tx<'_>,
    whose: &Whose,
    about: &str,
    kind: NoticeKind,
) -> Result<bool, StoreError> {
    let (publisher, destination) = whose.params();
    let found = tx.find(
        "SELECT 1
         FROM notice
         WHERE publisher_id = $1 AND destination_no = $2 AND about = $3 AND kind = $4 AND lasts = 1
         LIMIT 1",
        &[publisher, destination, Param::Text(about), Param::Text(kind.as_str())],
        |row| row.int(0),
    )?;
    Ok(found.is_some())
}
