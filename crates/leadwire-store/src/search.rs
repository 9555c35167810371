//! Finding leads by what people type: words of names, companies and addresses, or the id of a record at a destination.

use crate::engine::{Param, Tx};
use crate::leads::{Lead, read_lead};
use crate::{Store, StoreError, members};
use leadwire_core::id::{LeadId, PublisherId};
use leadwire_core::limits;
use leadwire_core::search;
use std::collections::BTreeSet;

/// What somebody looks for.
#[derive(Clone, Debug)]
pub struct Sought {
    /// Whose leads.
    pub publisher: PublisherId,
    /// Words, each of which begins some word of the lead; see [`search::asked`].
    pub words: Vec<String>,
    /// Or the whole id of a record at a destination.
    pub record: String,
    /// At most so many leads.
    pub limit: usize,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The leads, newest first.
    pub leads: Vec<Lead>,
    /// Whether there may be more: those that are shown were not all, or more had to be looked at than a search may.
    pub is_cut: bool,
}

/// Leads that may be meant, and whether some were not looked at.
#[derive(Default)]
struct Candidates {
    leads: BTreeSet<LeadId>,
    is_cut: bool,
}

/// A text behind every text that begins with something.
const LAST: char = '\u{10ffff}';

const NEWEST: &str =
    "SELECT lead_id, test, first_name, last_name, email, phone, country, company, title, touchpoints,
         created_at, updated_at, interest, interest_by, interest_rule, interest_set, refused_at, refused_by,
         permitted_at, permitted_by, consent_at, consent_by, members
     FROM lead
     WHERE publisher_id = $1 AND lead_id < $2 AND merged_into = '' AND erased_at = 0
     ORDER BY lead_id DESC
     LIMIT $3";

impl Store {
    /// Leads that somebody may mean, newest first. Of a lead that is part of another one it is that one. A new lead is found
    /// among the newest, and by its words from about a minute after it came.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_leads(&self, sought: Sought) -> Result<Found, StoreError> {
        self.read_of(&sought.publisher.clone(), move |tx| {
            let (of_record, of_words) = (by_record(tx, &sought)?, by_words(tx, &sought)?);
            let mut roots = BTreeSet::new();
            for lead in of_record.leads.into_iter().chain(of_words.leads) {
                roots.extend(members::root(tx, &sought.publisher, lead)?);
            }
            let mut leads = among_newest(tx, &sought)?;
            roots.retain(|root| leads.iter().all(|it| it.id != *root));
            // One more than is shown tells whether there are more; those behind it need not be read.
            let mut read = 0;
            for root in roots.into_iter().rev() {
                if read > sought.limit {
                    break;
                }
                if let Some(lead) = one(tx, &sought.publisher, root)? {
                    leads.push(lead);
                    read += 1;
                }
            }
            leads.sort_unstable_by_key(|it| std::cmp::Reverse(it.id));
            let is_cut = of_record.is_cut || of_words.is_cut || leads.len() > sought.limit;
            leads.truncate(sought.limit);
            Ok(Found { leads, is_cut })
        })
        .await
    }
}

fn by_record(tx: &Tx<'_>, sought: &Sought) -> Result<Candidates, StoreError> {
    if sought.record.is_empty() {
        return Ok(Candidates::default());
    }
    // From it to it: of a plain comparison SQLite makes `$2 <> ''`, and does not see any more that the index has the row.
    // Of each lead once: every touchpoint of a lead may have been brought to the same record.
    let leads = tx.query(
        "SELECT DISTINCT lead_id FROM delivery
         WHERE publisher_id = $1 AND record >= $2 AND record <= $3 AND record <> ''
         ORDER BY lead_id DESC
         LIMIT $4",
        &[
            Param::Text(sought.publisher.as_str()),
            Param::Text(&sought.record),
            Param::Text(&sought.record),
            Param::Int(i64::try_from(sought.limit + 1).unwrap_or(i64::MAX)),
        ],
        |row| row.lead(0),
    )?;
    Ok(Candidates { is_cut: leads.len() > sought.limit, leads: leads.into_iter().collect() })
}

fn by_words(tx: &Tx<'_>, sought: &Sought) -> Result<Candidates, StoreError> {
    // The longest says most of whom is meant.
    let Some(longest) = sought.words.iter().max_by_key(|it| it.chars().count()) else {
        return Ok(Candidates::default());
    };
    let mut rows = tx.query(
        "SELECT lead_id FROM lead_word
         WHERE publisher_id = $1 AND word >= $2 AND word < $3
         ORDER BY word, lead_id
         LIMIT $4",
        &[
            Param::Text(sought.publisher.as_str()),
            Param::Text(longest),
            Param::Text(&format!("{longest}{LAST}")),
            Param::Int(i64::try_from(limits::SEARCH_LOOKED_AT_MAX + 1).unwrap_or(i64::MAX)),
        ],
        |row| row.lead(0),
    )?;
    let is_cut = rows.len() > limits::SEARCH_LOOKED_AT_MAX;
    rows.truncate(limits::SEARCH_LOOKED_AT_MAX);
    // They come by word: all of them are looked at before any is left out, or the newest might be.
    let mut leads: BTreeSet<LeadId> = rows.into_iter().collect();
    if sought.words.len() > 1 {
        let mut meant = BTreeSet::new();
        for lead in leads {
            if search::is_found(&words(tx, &sought.publisher, lead)?, &sought.words) {
                meant.insert(lead);
            }
        }
        leads = meant;
    }
    Ok(Candidates { leads, is_cut })
}

/// The words of a lead as they were written down, sorted.
pub(crate) fn words(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId) -> Result<Vec<String>, StoreError> {
    tx.query(
        "SELECT word FROM lead_word WHERE publisher_id = $1 AND lead_id = $2 ORDER BY word",
        &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
        |row| Ok(row.text(0)?.to_owned()),
    )
}

/// Writes the words of a lead in place of those it had.
pub(crate) fn put(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    lead: LeadId,
    words: &[String],
) -> Result<(), StoreError> {
    forget(tx, publisher, lead)?;
    let (publisher, lead) = (Param::Text(publisher.as_str()), lead.to_string());
    let rows: Vec<Vec<Param<'_>>> =
        words.iter().map(|it| vec![publisher, Param::Text(it), Param::Text(&lead)]).collect();
    tx.execute_each("INSERT INTO lead_word (publisher_id, word, lead_id) VALUES ($1, $2, $3)", &rows)?;
    Ok(())
}

/// Forgets the words of a lead.
pub(crate) fn forget(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM lead_word WHERE publisher_id = $1 AND lead_id = $2",
        &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
    )?;
    Ok(())
}

/// Those of the newest leads that are meant: their words are not written down yet.
fn among_newest(tx: &Tx<'_>, sought: &Sought) -> Result<Vec<Lead>, StoreError> {
    if sought.words.is_empty() {
        return Ok(Vec::new());
    }
    let newest = tx.query(
        NEWEST,
        &[
            Param::Text(sought.publisher.as_str()),
            Param::Text("lead_~"),
            Param::Int(i64::try_from(limits::SEARCH_NEWEST).unwrap_or(i64::MAX)),
        ],
        read_lead,
    )?;
    let is_meant = |it: &Lead| {
        let values =
            [&it.first_name, &it.last_name, &it.email, &it.phone, &it.country, &it.company, &it.title];
        search::is_found(&search::words(&values.map(String::clone)), &sought.words)
    };
    Ok(newest.into_iter().filter(is_meant).collect())
}

fn one(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId) -> Result<Option<Lead>, StoreError> {
    tx.find(
        "SELECT lead_id, test, first_name, last_name, email, phone, country, company, title, touchpoints,
             created_at, updated_at, interest, interest_by, interest_rule, interest_set, refused_at,
             refused_by, permitted_at, permitted_by, consent_at, consent_by, members
         FROM lead
         WHERE publisher_id = $1 AND lead_id = $2 AND erased_at = 0",
        &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
        read_lead,
    )
}
