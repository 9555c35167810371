//! The ledger: what was accepted, and where all of it is now. Read from one snapshot, so it must add up.

use crate::engine::{Param, Row, Tx};
use crate::rows::DeliveryState;
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, PublisherId, QuarantineId};
use leadwire_core::time::Timestamp;
use std::collections::BTreeMap;

/// One publisher's ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Touchpoints stored.
    pub touchpoints: u64,
    /// Of these, the ones no route took.
    pub unrouted: u64,
    /// Of these, the ones that some route took.
    pub routed: u64,
    /// Of these, the tests and previews, behind which no customer stands.
    pub tests: u64,
    /// Of these, the ones whose person was erased: nothing but their count is left.
    pub erased: u64,
    /// Repetitions that were recognised and stored nothing.
    pub duplicates: u64,
    /// Bodies that could not be read and are kept apart.
    pub quarantined: u64,
    /// Each destination's account, removed ones included.
    pub accounts: Vec<Account>,
}

/// One destination's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Which destination.
    pub destination: DestinationNo,
    /// Its name.
    pub name: String,
    /// Its connector.
    pub kind: String,
    /// Touchpoints routed to it.
    pub accepted: u64,
    /// Where they are now, by state.
    pub by_state: BTreeMap<DeliveryState, u64>,
    /// Tries made, including those under way.
    pub attempts: u64,
}

impl Account {
    /// How many are in a state.
    pub fn count(&self, state: DeliveryState) -> u64 {
        self.by_state.get(&state).copied().unwrap_or(0)
    }

    /// Whether what was accepted is all somewhere.
    pub fn adds_up(&self) -> bool {
        self.accepted == DeliveryState::ALL.iter().map(|it| self.count(*it)).sum::<u64>()
    }
}

impl Ledger {
    /// Whether every touchpoint is routed or unrouted, and every account adds up.
    pub fn adds_up(&self) -> bool {
        self.touchpoints == self.routed + self.unrouted && self.accounts.iter().all(Account::adds_up)
    }
}

/// A body that could not be read, without its bytes.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// Its id.
    pub id: QuarantineId,
    /// When it came.
    pub received_at: Timestamp,
    /// The offer of its token.
    pub offer: String,
    /// The content type it claimed.
    pub content_type: String,
    /// Why it cannot be read: stable name.
    pub code: String,
    /// Where in it.
    pub pointer: String,
    /// In words.
    pub message: String,
    /// Its length in bytes.
    pub body_bytes: u64,
    /// The touchpoint it became, once it could be read.
    pub touchpoint: Option<String>,
}

impl Store {
    /// A publisher's ledger, counted from the rows themselves.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledger(&self, publisher: PublisherId) -> Result<Ledger, StoreError> {
        self.read_of(&publisher.clone(), move |tx| ledger(tx, &publisher)).await
    }

    /// Whether a publisher has more touchpoints than so many: costs no more than counting so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_more_touchpoints(&self, publisher: PublisherId, than: u64) -> Result<bool, StoreError> {
        let most = i64::try_from(than).unwrap_or(i64::MAX).saturating_add(1);
        self.read_of(&publisher.clone(), move |tx| {
            let found = tx.find(
                "SELECT COUNT(*) FROM (SELECT 1 FROM touchpoint WHERE publisher_id = $1 LIMIT $2) AS found",
                &[Param::Text(publisher.as_str()), Param::Int(most)],
                |row| row.int(0),
            )?;
            Ok(found.unwrap_or(0) == most)
        })
        .await
    }

    /// What could not be read, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn quarantined(
        &self,
        publisher: PublisherId,
        before: Option<QuarantineId>,
        limit: usize,
    ) -> Result<Vec<Quarantined>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let before = before.map_or("qrt_~".to_owned(), |it| it.to_string());
            tx.query(
                "SELECT quarantine_id, received_at, offer_id, content_type, code, pointer, message, LENGTH(body),
                     touchpoint_id
                 FROM quarantine
                 WHERE publisher_id = $1 AND quarantine_id < $2
                 ORDER BY quarantine_id DESC
                 LIMIT $3",
                &[
                    Param::Text(publisher.as_str()),
                    Param::Text(&before),
                    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
                ],
                read_quarantined,
            )
        })
        .await
    }

    /// The bytes of a body that could not be read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn quarantined_body(
        &self,
        publisher: PublisherId,
        id: QuarantineId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            tx.find(
                "SELECT body FROM quarantine WHERE publisher_id = $1 AND quarantine_id = $2",
                &[Param::Text(publisher.as_str()), Param::Text(&id.to_string())],
                |row| Ok(row.bytes(0)?.to_owned()),
            )
        })
        .await
    }
}

/// Reads a body in quarantine without its bytes.
pub(crate) fn read_quarantined(row: &Row<'_>) -> Result<Quarantined, StoreError> {
    Ok(Quarantined {
        id: QuarantineId::parse(row.text(0)?).map_err(|it| StoreError::Wrong(it.to_string()))?,
        received_at: row.time(1)?,
        offer: row.text(2)?.to_owned(),
        content_type: row.text(3)?.to_owned(),
        code: row.text(4)?.to_owned(),
        pointer: row.text(5)?.to_owned(),
        message: row.text(6)?.to_owned(),
        body_bytes: row.count(7)?,
        touchpoint: row.text_or_none(8)?,
    })
}

fn ledger(tx: &Tx<'_>, publisher: &PublisherId) -> Result<Ledger, StoreError> {
    let publisher = Param::Text(publisher.as_str());
    let one = |sql: &'static str| -> Result<u64, StoreError> {
        Ok(tx.find(sql, &[publisher], |row| row.count(0))?.unwrap_or(0))
    };
    let mut accounts: Vec<Account> = tx.query(
        "SELECT destination_no, name, kind FROM destination WHERE publisher_id = $1 ORDER BY destination_no",
        &[publisher],
        |row| {
            Ok(Account {
                destination: row.destination(0)?,
                name: row.text(1)?.to_owned(),
                kind: row.text(2)?.to_owned(),
                accepted: 0,
                by_state: BTreeMap::new(),
                attempts: 0,
            })
        },
    )?;
    let states = tx.query(
        "SELECT destination_no, state, COUNT(*), CAST(SUM(attempts) AS BIGINT)
         FROM delivery
         WHERE publisher_id = $1
         GROUP BY destination_no, state",
        &[publisher],
        |row| Ok((row.destination(0)?, row.delivery_state(1)?, row.count::<u64>(2)?, row.count::<u64>(3)?)),
    )?;
    for account in &mut accounts {
        for (_, state, count, attempts) in states.iter().filter(|it| it.0 == account.destination) {
            account.by_state.insert(*state, *count);
            account.attempts += attempts;
        }
        // Counted apart from the states, from the touchpoints' side, so that a row in no state would show.
        account.accepted = tx
            .find(
                "SELECT COUNT(*)
                 FROM touchpoint t
                 JOIN delivery d ON d.publisher_id = t.publisher_id AND d.touchpoint_id = t.touchpoint_id
                 WHERE t.publisher_id = $1 AND (t.routed = 1 OR d.follow_up_id <> '') AND d.destination_no = $2",
                &[publisher, Param::Int(account.destination.get().into())],
                |row| row.count(0),
            )?
            .unwrap_or(0);
    }
    Ok(Ledger {
        touchpoints: one("SELECT COUNT(*) FROM touchpoint WHERE publisher_id = $1")?,
        unrouted: one("SELECT COUNT(*) FROM touchpoint WHERE publisher_id = $1 AND routed = 0")?,
        routed: one(
            // A follow-up is no route: it may follow a touchpoint that no route took.
            "SELECT COUNT(*) FROM (
                 SELECT DISTINCT touchpoint_id FROM delivery WHERE publisher_id = $1 AND follow_up_id = '') AS routed",
        )?,
        tests: one("SELECT COUNT(*) FROM touchpoint WHERE publisher_id = $1 AND test = 1")?,
        erased: one("SELECT COUNT(*) FROM touchpoint WHERE publisher_id = $1 AND erased_at <> 0")?,
        duplicates: one("SELECT value FROM counter WHERE publisher_id = $1 AND name = 'duplicates'")?,
        quarantined: one("SELECT COUNT(*) FROM quarantine WHERE publisher_id = $1 AND touchpoint_id = ''")?,
        accounts,
    })
}
