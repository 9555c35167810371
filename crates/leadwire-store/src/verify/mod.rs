//! Looking whether a store is as it must be, from its rows alone: page by page, each of one moment, and never a counter
//! believed that rows can tell.

mod chain;
mod finding;
mod leads;
mod lines;
mod touchpoints;

pub use finding::{Account, Check, Counted, Findings, Violation};

use crate::audit::Checkpoint;
use crate::engine::{Param, Tx};
use crate::statements::Statement;
use crate::{Database, Store, StoreError};
use leadwire_core::audit::{BEFORE_ALL, Hash};
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Something that carries the installation's mark.
#[derive(Clone, Copy, Debug)]
pub enum Marked<'a> {
    /// How far a chain was signed.
    Checkpoint(&'a Checkpoint),
    /// What came on a day.
    Statement(&'a Statement),
}

/// Says whether a mark was made by this installation.
pub type IsSigned = Arc<dyn Fn(Marked<'_>) -> bool + Send + Sync>;

/// What is looked at.
#[derive(Clone)]
pub struct Scope {
    /// By which nothing is from the future.
    pub now: Timestamp,
    /// Whether kept bytes are hashed again, which reads all of them.
    pub bodies: Bodies,
    /// Destinations that want to hear nothing of customers who must not be contacted.
    pub holding: Arc<BTreeSet<(PublisherId, DestinationNo)>>,
    /// Checkpoints that were kept elsewhere: whose chain, which entry, and its hash.
    pub known: Arc<Vec<(String, u64, Hash)>>,
    /// Who knows the marks of checkpoints; none: the master key is not at hand, and they are only counted.
    pub is_signed: Option<IsSigned>,
}

/// Whether bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// They are, and hashed.
    Hashed,
    /// They are not.
    Left,
}

/// How far the look is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    publisher: String,
    part: Part,
    /// The first id of the next page.
    from: String,
    destination: i64,
    number: i64,
    hash: Option<Hash>,
}

/// What is looked at of a publisher, in order. The operator, whose publisher is the empty text, has a chain only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Chain,
    Statements,
    Touchpoints,
    Lines,
    Leads,
    Members,
}

impl Store {
    /// Looks at the next page. None: it was the last one. The service's own, bounded way: each page is a read like any other.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn verify_page(
        &self,
        scope: Scope,
        cursor: Cursor,
        mut findings: Findings,
    ) -> Result<(Findings, Option<Cursor>), StoreError> {
        self.read(move |tx| {
            let next = step(tx, &scope, cursor, &mut findings)?;
            Ok((findings, next))
        })
        .await
    }

    /// Looks at all of a store, on which a service may run; `after_page` hears how far it is. None: there is no store, or
    /// an older Leadwire wrote it last.
    ///
    /// Blocks. Each page is of one moment, so that no log or row of the service is held.
    ///
    /// # Errors
    /// An error of the database.
    pub fn verify(
        database: &Database,
        scope: &Scope,
        mut after_page: impl FnMut(&Findings) + Send,
    ) -> Result<Option<Findings>, StoreError> {
        database.look(|looking| {
            let (mut findings, mut cursor) = (Findings::default(), Some(Cursor::default()));
            while let Some(at) = cursor {
                cursor = looking.at(|tx| step(tx, scope, at, &mut findings))?;
                after_page(&findings);
            }
            Ok(findings)
        })
    }
}

/// Looks at the next page, and says where the one behind it begins.
pub(crate) fn step(
    tx: &Tx<'_>,
    scope: &Scope,
    mut cursor: Cursor,
    findings: &mut Findings,
) -> Result<Option<Cursor>, StoreError> {
    let has_more = match cursor.part {
        Part::Chain => chain::page(tx, scope, &mut cursor, findings)?,
        Part::Statements => chain::statements_page(tx, scope, &mut cursor, findings)?,
        Part::Touchpoints => touchpoints::page(tx, scope, &mut cursor, findings)?,
        Part::Lines => lines::page(tx, &mut cursor, findings)?,
        Part::Leads => leads::page(tx, &mut cursor, findings)?,
        Part::Members => leads::members_page(tx, &mut cursor, findings)?,
    };
    if has_more {
        return Ok(Some(cursor));
    }
    let at = |part| Cursor { publisher: cursor.publisher.clone(), part, ..Cursor::default() };
    let is_operator = cursor.publisher.is_empty();
    Ok(match cursor.part {
        Part::Chain if !is_operator => Some(at(Part::Statements)),
        Part::Statements => Some(at(Part::Touchpoints)),
        Part::Touchpoints => Some(at(Part::Lines)),
        Part::Lines => Some(at(Part::Leads)),
        Part::Leads => Some(at(Part::Members)),
        Part::Chain | Part::Members => next_publisher(tx, &cursor.publisher, findings)?,
    })
}

/// The next publisher that has rows of any kind, known or not.
fn next_publisher(tx: &Tx<'_>, after: &str, findings: &mut Findings) -> Result<Option<Cursor>, StoreError> {
    let after = [Param::Text(after)];
    let mut next: Option<String> = None;
    for sql in NEXT_PUBLISHER {
        let found = tx.find(sql, &after, |row| Ok(row.text(0)?.to_owned()))?;
        next = match (next, found) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    let Some(publisher) = next else { return Ok(None) };
    let known =
        tx.find("SELECT 1 FROM publisher WHERE publisher_id = $1", &[Param::Text(&publisher)], |_| Ok(()))?;
    if known.is_none() {
        findings.tell(Check::PublisherMissing, &publisher, "");
    }
    let negative = tx.query(
        "SELECT name FROM counter WHERE publisher_id = $1 AND value < 0",
        &[Param::Text(&publisher)],
        |row| Ok(row.text(0)?.to_owned()),
    )?;
    for name in negative {
        findings.tell(Check::CounterNegative, &publisher, &name);
    }
    findings.counted.publishers += 1;
    Ok(Some(Cursor { publisher, ..Cursor::default() }))
}

const NEXT_PUBLISHER: [&str; 5] = [
    "SELECT publisher_id FROM publisher WHERE publisher_id > $1 ORDER BY publisher_id LIMIT 1",
    "SELECT publisher_id FROM touchpoint WHERE publisher_id > $1 ORDER BY publisher_id LIMIT 1",
    "SELECT publisher_id FROM delivery WHERE publisher_id > $1 ORDER BY publisher_id LIMIT 1",
    "SELECT publisher_id FROM lead WHERE publisher_id > $1 ORDER BY publisher_id LIMIT 1",
    "SELECT publisher_id FROM attempt WHERE publisher_id > $1 ORDER BY publisher_id LIMIT 1",
];

impl Cursor {
    fn hash(&self) -> Hash {
        self.hash.unwrap_or(BEFORE_ALL)
    }
}
