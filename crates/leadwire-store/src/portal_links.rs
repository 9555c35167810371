//! Links that open the portal of one publisher once, and the sessions that they have opened: of both tokens only hashes are kept.

use crate::engine::Param;
use crate::{Store, StoreError};
use leadwire_core::id::{PortalLinkId, PublisherId};
use leadwire_core::time::Timestamp;

/// A link that opens the portal of a publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalLink {
    /// Whose things it shows.
    pub publisher: PublisherId,
    /// The id.
    pub id: PortalLinkId,
    /// The hash of its token.
    pub hash: [u8; 32],
    /// What whoever comes by it may do.
    pub role: String,
    /// The colour of its pages; empty: the portal's own.
    pub accent: String,
    /// The language of its pages; empty: what the browser asks for.
    pub language: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends, unless it was used.
    pub ends_at: Timestamp,
}

/// Somebody who came by a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Whose things they see.
    pub publisher: PublisherId,
    /// By which link.
    pub link: PortalLinkId,
    /// What they may do.
    pub role: String,
    /// The colour of their pages; empty: the portal's own.
    pub accent: String,
    /// The language of their pages; empty: what the browser asks for.
    pub language: String,
    /// When they came.
    pub used_at: Timestamp,
    /// When they were last seen, give or take what the program does not write down.
    pub seen_at: Timestamp,
}

impl Store {
    /// Adds a link, and takes away those of its publisher that were made before `forgotten`. False: no such publisher.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_portal_link(&self, it: PortalLink, forgotten: Timestamp) -> Result<bool, StoreError> {
        self.write_of(&it.publisher.clone(), move |tx| {
            tx.execute(
                "DELETE FROM portal_link WHERE publisher_id = $1 AND made_at < $2",
                &[Param::Text(it.publisher.as_str()), Param::Int(forgotten.millis())],
            )?;
            let made = tx.execute(
                "INSERT INTO portal_link (publisher_id, link_id, hash, role, accent, language, made_at, ends_at)
                 SELECT publisher_id, $1, $2, $3, $4, $5, $6, $7 FROM publisher WHERE publisher_id = $8",
                &[
                    Param::Text(&it.id.to_string()),
                    Param::Bytes(&it.hash),
                    Param::Text(&it.role),
                    Param::Text(&it.accent),
                    Param::Text(&it.language),
                    Param::Int(it.made_at.millis()),
                    Param::Int(it.ends_at.millis()),
                    Param::Text(it.publisher.as_str()),
                ],
            )?;
            Ok(made > 0)
        })
        .await
    }

    /// Uses a link up, and begins the session that it opens: one statement, so that of two who come with it one comes in.
    /// False: it was used, has ended, or never was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn use_portal_link(
        &self,
        hash: [u8; 32],
        session: [u8; 32],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT publisher_id FROM portal_link WHERE hash = $1 AND used_at = 0";
        let found = self.read(move |tx| tx.find(sql, &[Param::Bytes(&hash)], |row| row.publisher(0))).await?;
        let Some(publisher) = found else { return Ok(false) };
        self.write_of(&publisher, move |tx| {
            let used = tx.execute(
                "UPDATE portal_link SET used_at = $1, seen_at = $1, session = $2
                 WHERE hash = $3 AND used_at = 0 AND ends_at > $1",
                &[Param::Int(now.millis()), Param::Bytes(&session), Param::Bytes(&hash)],
            )?;
            Ok(used > 0)
        })
        .await
    }

    /// Who came by a link, by the hash of their session. Whether it has ended by itself is for the caller to say.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn guest(&self, session: [u8; 32]) -> Result<Option<Guest>, StoreError> {
        self.read(move |tx| {
            tx.find(
                "SELECT publisher_id, link_id, role, accent, language, used_at, seen_at FROM portal_link
                 WHERE session = $1 AND used_at <> 0",
                &[Param::Bytes(&session)],
                |row| {
                    let id = PortalLinkId::parse(row.text(1)?);
                    Ok(Guest {
                        publisher: row.publisher(0)?,
                        link: id.map_err(|it| StoreError::Wrong(it.to_string()))?,
                        role: row.text(2)?.to_owned(),
                        accent: row.text(3)?.to_owned(),
                        language: row.text(4)?.to_owned(),
                        used_at: row.time(5)?,
                        seen_at: row.time(6)?,
                    })
                },
            )
        })
        .await
    }

    /// Writes down that a guest's session is in use.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn see_guest(&self, session: [u8; 32], now: Timestamp) -> Result<(), StoreError> {
        let Some(guest) = self.guest(session).await? else { return Ok(()) };
        self.write_of(&guest.publisher, move |tx| {
            tx.execute(
                "UPDATE portal_link SET seen_at = $1 WHERE session = $2 AND used_at <> 0",
                &[Param::Int(now.millis()), Param::Bytes(&session)],
            )?;
            Ok(())
        })
        .await
    }

    /// Ends a guest's session.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_guest(&self, session: [u8; 32]) -> Result<(), StoreError> {
        let Some(guest) = self.guest(session).await? else { return Ok(()) };
        self.write_of(&guest.publisher, move |tx| {
            tx.execute(
                "DELETE FROM portal_link WHERE session = $1 AND used_at <> 0",
                &[Param::Bytes(&session)],
            )?;
            Ok(())
        })
        .await
    }

    /// Ends every link of a publisher, used or not, and every session that one has opened. Says how many there were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_portal_links(&self, publisher: PublisherId) -> Result<usize, StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            tx.execute("DELETE FROM portal_link WHERE publisher_id = $1", &[Param::Text(publisher.as_str())])
        })
        .await
    }
}
