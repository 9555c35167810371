//! Saved views: names for what somebody looks for on a page, kept for them alone.

use crate::engine::{Param, Tx};
use crate::setup::Change;
use crate::{Store, StoreError};
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use leadwire_core::time::Timestamp;

/// A view somebody saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    /// Whose things the page shows.
    pub publisher: PublisherId,
    /// Whose view it is: the id of a user or a key.
    pub who: String,
    /// The page, by its name.
    pub page: String,
    /// What it is called.
    pub name: String,
    /// What is looked for, as it stands in the page's address.
    pub query: String,
    /// When it was saved.
    pub created_at: Timestamp,
}

impl Store {
    /// What somebody saved of a publisher's pages, by page and name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn views(&self, publisher: PublisherId, who: String) -> Result<Vec<SavedView>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            tx.query(
                "SELECT page, name, query, created_at
                 FROM saved_view
                 WHERE publisher_id = $1 AND who = $2
                 ORDER BY page, name
                 LIMIT $3",
                &[
                    Param::Text(publisher.as_str()),
                    Param::Text(&who),
                    Param::Int(i64::try_from(limits::VIEWS_MAX).unwrap_or(i64::MAX)),
                ],
                |row| {
                    Ok(SavedView {
                        publisher: publisher.clone(),
                        who: who.clone(),
                        page: row.text(0)?.to_owned(),
                        name: row.text(1)?.to_owned(),
                        query: row.text(2)?.to_owned(),
                        created_at: row.time(3)?,
                    })
                },
            )
        })
        .await
    }

    /// Saves a view in place of the one of this name. [`Change::Full`]: as many are there as may be.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn save_view(&self, it: SavedView) -> Result<Change, StoreError> {
        self.write_of(&it.publisher.clone(), move |tx| {
            remove(tx, &it.publisher, [&it.who, &it.page, &it.name])?;
            let (publisher, who) = (Param::Text(it.publisher.as_str()), Param::Text(&it.who));
            let count = tx.find(
                "SELECT COUNT(*) FROM saved_view WHERE publisher_id = $1 AND who = $2",
                &[publisher, who],
                |row| row.int(0),
            )?;
            if count.unwrap_or(0) >= i64::try_from(limits::VIEWS_MAX).unwrap_or(i64::MAX) {
                return Ok(Change::Full);
            }
            tx.execute(
                "INSERT INTO saved_view (publisher_id, who, page, name, query, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6)",
                &[
                    publisher,
                    who,
                    Param::Text(&it.page),
                    Param::Text(&it.name),
                    Param::Text(&it.query),
                    Param::Int(it.created_at.millis()),
                ],
            )?;
            Ok(Change::Made)
        })
        .await
    }

    /// Removes a view by whose it is, its page and its name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_view(
        &self,
        publisher: PublisherId,
        place: [String; 3],
    ) -> Result<Change, StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            let removed = remove(tx, &publisher, place.each_ref().map(String::as_str))?;
            Ok(if removed > 0 { Change::Made } else { Change::Missing })
        })
        .await
    }
}

fn remove(tx: &Tx<'_>, publisher: &PublisherId, [who, page, name]: [&str; 3]) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM saved_view WHERE publisher_id = $1 AND who = $2 AND page = $3 AND name = $4",
        &[Param::Text(publisher.as_str()), Param::Text(who), Param::Text(page), Param::Text(name)],
    )
}

/// Removes everything that somebody saved, of every publisher's pages: they are no user any more.
pub(crate) fn forget(tx: &Tx<'_>, who: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM saved_view WHERE who = $1", &[Param::Text(who)])?;
    Ok(())
}
