//! The search for near matches: a step works out what the leads of some touchpoints have in common with others, and the words
//! by which people find them.

use super::forget_keys;
use crate::engine::{Param, Tx};
use crate::{Store, StoreError, members, search};
use leadwire_core::id::{LeadId, PublisherId, SuggestionId, TouchpointId};
use leadwire_core::lead::FIELDS;
use leadwire_core::limits;
use leadwire_core::near::{self, NearRule};
use leadwire_core::search as words;
use leadwire_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a lead has that others may have too, hashed, and by which rule.
type NearKey = (NearRule, [u8; 16]);

/// What one step of the search has to write.
#[derive(Clone, Debug)]
pub struct NearStep {
    /// Whose leads.
    pub publisher: PublisherId,
    /// Where the search was.
    from: TouchpointId,
    /// Where it is afterwards.
    to: TouchpointId,
    /// Whether there may be more behind it.
    pub has_more: bool,
    /// Leads that have something else than before, and what.
    leads: Vec<Looked>,
}

/// A lead that was looked at: what it has in common with others, and the words by which a search finds it.
#[derive(Clone, Debug)]
struct Looked {
    lead: LeadId,
    keys: Vec<NearKey>,
    words: Vec<String>,
}

/// Makes ids.
pub type Mint = Arc<dyn Fn() -> u128 + Send + Sync>;

impl Store {
    /// Looks at the next touchpoints up to `until`, and works out what their leads have that others may have too. None:
    /// there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn near_page(
        &self,
        publisher: PublisherId,
        until: TouchpointId,
    ) -> Result<Option<NearStep>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| page(tx, &publisher, until)).await
    }

    /// Writes down a step, with the pairs that come of it, and says how many of these are new. A crash leaves all of it
    /// done or none, and a step that somebody else made changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn near_step(&self, step: NearStep, now: Timestamp, mint: Mint) -> Result<usize, StoreError> {
        self.write_of(&step.publisher.clone(), move |tx| make(tx, &step, now, &*mint)).await
    }
}

fn cursor(tx: &Tx<'_>, publisher: &PublisherId) -> Result<TouchpointId, StoreError> {
    let found = tx.find(
        "SELECT done_to FROM suggesting WHERE publisher_id = $1",
        &[Param::Text(publisher.as_str())],
        |row| row.touchpoint(0),
    )?;
    Ok(found.unwrap_or(TouchpointId::new(0)))
}

fn page(tx: &Tx<'_>, publisher: &PublisherId, until: TouchpointId) -> Result<Option<NearStep>, StoreError> {
    let from = cursor(tx, publisher)?;
    let page = tx.query(
        "SELECT touchpoint_id, lead_id, test
         FROM touchpoint
         WHERE publisher_id = $1 AND touchpoint_id > $2 AND touchpoint_id <= $3
         ORDER BY touchpoint_id
         LIMIT $4",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&from.to_string()),
            Param::Text(&until.to_string()),
            Param::Int(i64::try_from(limits::SUGGEST_STEP).unwrap_or(i64::MAX)),
        ],
        |row| Ok((row.touchpoint(0)?, row.lead(1)?, row.int(2)? != 0)),
    )?;
    let Some(last) = page.last() else { return Ok(None) };
    // A trial is nobody, and nobody's double.
    let leads: BTreeSet<LeadId> = page.iter().filter(|it| !it.2).map(|it| it.1).collect();
    let mut changed = Vec::new();
    for lead in leads {
        let Some(values) = own_values(tx, publisher, lead)? else { continue };
        let mut keys = near::keys(&values);
        keys.sort_unstable();
        let words = words::words(&values);
        if keys != known_keys(tx, publisher, lead)? || words != search::words(tx, publisher, lead)? {
            changed.push(Looked { lead, keys, words });
        }
    }
    let has_more = page.len() == limits::SUGGEST_STEP;
    Ok(Some(NearStep { publisher: publisher.clone(), from, to: last.0, has_more, leads: changed }))
}

/// The fields of a lead as its own touchpoints say them, whether or not it is one with others.
fn own_values(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    lead: LeadId,
) -> Result<Option<[String; FIELDS]>, StoreError> {
    let Some(root) = members::root(tx, publisher, lead)? else { return Ok(None) };
    let own = members::parts(tx, publisher, root)?.into_iter().find(|it| it.id == lead);
    match own {
        Some(member) => Ok(Some(member.own.values)),
        None => Ok(members::whole(tx, publisher, lead)?.map(|it| it.values)),
    }
}

fn known_keys(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId) -> Result<Vec<NearKey>, StoreError> {
    let rows = tx.query(
        "SELECT rule, near_key FROM near_key WHERE publisher_id = $1 AND lead_id = $2",
        &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
        |row| Ok((NearRule::parse(row.text(0)?), <[u8; 16]>::try_from(row.bytes(1)?).ok())),
    )?;
    let mut known: Vec<_> = rows.into_iter().filter_map(|it| Some((it.0?, it.1?))).collect();
    known.sort_unstable();
    Ok(known)
}

fn make(tx: &Tx<'_>, step: &NearStep, now: Timestamp, mint: &dyn Fn() -> u128) -> Result<usize, StoreError> {
    let publisher = &step.publisher;
    if cursor(tx, publisher)? != step.from {
        return Ok(0);
    }
    let mut made = 0;
    for Looked { lead, keys, words } in &step.leads {
        // It may have been erased since it was looked at: nothing is written down about it then.
        if !members::is_there(tx, publisher, *lead)? {
            continue;
        }
        let Some(root) = members::root(tx, publisher, *lead)? else { continue };
        search::put(tx, publisher, *lead, words)?;
        forget_keys(tx, publisher, *lead)?;
        for (rule, key) in keys {
            tx.execute(
                "INSERT INTO near_key (publisher_id, near_key, lead_id, rule) VALUES ($1, $2, $3, $4)",
                &[
                    Param::Text(publisher.as_str()),
                    Param::Bytes(key),
                    Param::Text(&lead.to_string()),
                    Param::Text(rule.as_str()),
                ],
            )?;
        }
        for (other, rules) in in_common(tx, publisher, *lead, keys)? {
            if members::root(tx, publisher, other)?.is_some_and(|it| it != root) {
                made += suggest(tx, publisher, [*lead, other], &rules, (now, mint()))?;
            }
        }
    }
    tx.execute(
        "INSERT INTO suggesting (publisher_id, done_to) VALUES ($1, $2)
         ON CONFLICT (publisher_id) DO UPDATE SET done_to = excluded.done_to",
        &[Param::Text(publisher.as_str()), Param::Text(&step.to.to_string())],
    )?;
    Ok(made)
}

/// Other leads that have some of these too, and by which rules. What too many have says nothing.
fn in_common(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    lead: LeadId,
    keys: &[NearKey],
) -> Result<BTreeMap<LeadId, Vec<NearRule>>, StoreError> {
    let mut found: BTreeMap<LeadId, Vec<NearRule>> = BTreeMap::new();
    for (rule, key) in keys {
        let leads = tx.query(
            "SELECT lead_id FROM near_key WHERE publisher_id = $1 AND near_key = $2 ORDER BY lead_id LIMIT $3",
            &[
                Param::Text(publisher.as_str()),
                Param::Bytes(key),
                Param::Int(i64::try_from(limits::NEAR_LEADS_MAX + 1).unwrap_or(i64::MAX)),
            ],
            |row| row.lead(0),
        )?;
        if leads.len() <= limits::NEAR_LEADS_MAX {
            for other in leads.into_iter().filter(|it| *it != lead) {
                found.entry(other).or_default().push(*rule);
            }
        }
    }
    Ok(found)
}

/// Writes down a pair, once for ever: what was decided of it stays.
fn suggest(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    mut pair: [LeadId; 2],
    rules: &[NearRule],
    (now, bits): (Timestamp, u128),
) -> Result<usize, StoreError> {
    pair.sort_unstable();
    let rules = rules.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(",");
    tx.execute(
        "INSERT INTO suggestion (publisher_id, suggestion_id, one_id, other_id, rules, at, state)
         VALUES ($1, $2, $3, $4, $5, $6, 'open')
         ON CONFLICT DO NOTHING",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&SuggestionId::new(bits).to_string()),
            Param::Text(&pair[0].to_string()),
            Param::Text(&pair[1].to_string()),
            Param::Text(&rules),
            Param::Int(now.millis()),
        ],
    )
}
