//! Pairs of leads that may be one customer: found step by step behind intake, and decided by a person.

mod search;

pub use search::{Mint, NearStep};

use crate::engine::{Param, Row, Tx};
use crate::leads::Act;
use crate::{Store, StoreError};
use leadwire_core::id::{LeadId, PublisherId, SuggestionId};
use leadwire_core::near::NearRule;
use leadwire_core::time::Timestamp;

/// Two leads that have something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Its id.
    pub id: SuggestionId,
    /// The leads, the older first.
    pub leads: [LeadId; 2],
    /// What they have in common.
    pub rules: Vec<NearRule>,
    /// When it was found.
    pub at: Timestamp,
    /// What became of it.
    pub state: SuggestionState,
    /// When that was decided.
    pub decided_at: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// By whom.
    pub who: String,
}

/// What became of a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuggestionState {
    /// Nobody decided yet.
    Open,
    /// They are two; it is never suggested again.
    Dismissed,
    /// They were merged.
    Merged,
}

impl SuggestionState {
    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            SuggestionState::Open => "open",
            SuggestionState::Dismissed => "dismissed",
            SuggestionState::Merged => "merged",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        [SuggestionState::Open, SuggestionState::Dismissed, SuggestionState::Merged]
            .into_iter()
            .find(|it| it.as_str() == text)
    }
}

/// Found apart from being read, or SQLite walks past all that were decided.
const OPEN: &str = "WITH undecided AS MATERIALIZED (
        SELECT suggestion_id
        FROM suggestion
        WHERE state = 'open' AND publisher_id = $1 AND suggestion_id < $2
        ORDER BY suggestion_id DESC
        LIMIT $3)
    SELECT s.suggestion_id, s.one_id, s.other_id, s.rules, s.at, s.state, s.decided_at, s.reason, s.who
    FROM undecided
    CROSS JOIN suggestion s
    WHERE s.publisher_id = $1 AND s.suggestion_id = undecided.suggestion_id
    ORDER BY s.suggestion_id DESC";
/// Walks from the newest, past those that are open.
const DECIDED: &str = "SELECT suggestion_id, one_id, other_id, rules, at, state, decided_at, reason, who
    FROM suggestion
    WHERE publisher_id = $1 AND suggestion_id < $2 AND state = $3
    ORDER BY suggestion_id DESC
    LIMIT $4";

impl Store {
    /// Lists suggestions in a state, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn suggestions(
        &self,
        publisher: PublisherId,
        state: SuggestionState,
        before: Option<SuggestionId>,
        limit: usize,
    ) -> Result<Vec<Suggestion>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let before = before.map_or("sug_~".to_owned(), |it| it.to_string());
            let limit = Param::Int(i64::try_from(limit).unwrap_or(i64::MAX));
            let (whose, before) = (Param::Text(publisher.as_str()), Param::Text(&before));
            match state {
                SuggestionState::Open => tx.query(OPEN, &[whose, before, limit], read_suggestion),
                SuggestionState::Dismissed | SuggestionState::Merged => {
                    tx.query(DECIDED, &[whose, before, Param::Text(state.as_str()), limit], read_suggestion)
                }
            }
        })
        .await
    }

    /// Writes down that the leads of a suggestion are two, and gives it as it is then. None: there is no such suggestion.
    /// One that was decided already stays as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dismiss_suggestion(
        &self,
        publisher: PublisherId,
        id: SuggestionId,
        act: Act,
    ) -> Result<Option<Suggestion>, StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            decide(tx, &publisher, id, (SuggestionState::Open, SuggestionState::Dismissed), &act)?;
            tx.find(
                "SELECT suggestion_id, one_id, other_id, rules, at, state, decided_at, reason, who
                 FROM suggestion
                 WHERE publisher_id = $1 AND suggestion_id = $2",
                &[Param::Text(publisher.as_str()), Param::Text(&id.to_string())],
                read_suggestion,
            )
        })
        .await
    }
}

fn read_suggestion(row: &Row<'_>) -> Result<Suggestion, StoreError> {
    let wrong = |it: leadwire_core::id::BadId| StoreError::Wrong(it.to_string());
    Ok(Suggestion {
        id: SuggestionId::parse(row.text(0)?).map_err(wrong)?,
        leads: [row.lead(1)?, row.lead(2)?],
        rules: row.text(3)?.split(',').filter_map(NearRule::parse).collect(),
        at: row.time(4)?,
        state: SuggestionState::parse(row.text(5)?)
            .ok_or_else(|| StoreError::Wrong("no state of a suggestion is called so".to_owned()))?,
        decided_at: row.time_or_none(6)?,
        reason: row.text(7)?.to_owned(),
        who: row.text(8)?.to_owned(),
    })
}

fn decide(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    id: SuggestionId,
    (from, to): (SuggestionState, SuggestionState),
    act: &Act,
) -> Result<usize, StoreError> {
    tx.execute(
        "UPDATE suggestion SET state = $1, decided_at = $2, reason = $3, who = $4
         WHERE publisher_id = $5 AND suggestion_id = $6 AND state = $7",
        &[
            Param::Text(to.as_str()),
            Param::Int(act.at.millis()),
            Param::Text(&act.reason),
            Param::Text(&act.who),
            Param::Text(publisher.as_str()),
            Param::Text(&id.to_string()),
            Param::Text(from.as_str()),
        ],
    )
}

/// Brings suggestions between two sides from one state to another; gives the rules of the first that was changed.
fn between(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    (one, other): (&[LeadId], &[LeadId]),
    states: (SuggestionState, SuggestionState),
    act: &Act,
) -> Result<Option<String>, StoreError> {
    let mut rule = None;
    for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (a, b))) {
        let found = tx.find(
            "SELECT suggestion_id, rules FROM suggestion
             WHERE publisher_id = $1 AND one_id = $2 AND other_id = $3",
            &[
                Param::Text(publisher.as_str()),
                Param::Text(&a.min(b).to_string()),
                Param::Text(&a.max(b).to_string()),
            ],
            |row| Ok((SuggestionId::parse(row.text(0)?), row.text(1)?.to_owned())),
        )?;
        let Some((id, rules)) = found else { continue };
        let id = id.map_err(|it| StoreError::Wrong(it.to_string()))?;
        if decide(tx, publisher, id, states, act)? > 0 {
            rule.get_or_insert(rules);
        }
    }
    Ok(rule)
}

/// Two sides become one: what was suggested of them is merged, and speaks for it.
pub(crate) fn settle(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    sides: (&[LeadId], &[LeadId]),
    act: &Act,
) -> Result<Option<String>, StoreError> {
    between(tx, publisher, sides, (SuggestionState::Open, SuggestionState::Merged), act)
}

/// One becomes two sides: a person says that they are not the same.
pub(crate) fn part(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    sides: (&[LeadId], &[LeadId]),
    act: &Act,
) -> Result<(), StoreError> {
    between(tx, publisher, sides, (SuggestionState::Merged, SuggestionState::Dismissed), act)?;
    Ok(())
}

fn forget_keys(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM near_key WHERE publisher_id = $1 AND lead_id = $2",
        &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
    )?;
    Ok(())
}

/// Forgets what a lead has in common with others and by which words it is found, as if it had never been looked at.
pub(crate) fn forget(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId) -> Result<(), StoreError> {
    forget_keys(tx, publisher, lead)?;
    crate::search::forget(tx, publisher, lead)?;
    let (whose, lead) = (Param::Text(publisher.as_str()), lead.to_string());
    tx.execute(
        "DELETE FROM suggestion
         WHERE publisher_id = $1 AND suggestion_id IN (
             SELECT suggestion_id FROM suggestion WHERE publisher_id = $1 AND one_id = $2)",
        &[whose, Param::Text(&lead)],
    )?;
    tx.execute(
        "DELETE FROM suggestion
         WHERE publisher_id = $1 AND suggestion_id IN (
             SELECT suggestion_id FROM suggestion WHERE publisher_id = $1 AND other_id = $2)",
        &[whose, Param::Text(&lead)],
    )?;
    Ok(())
}
