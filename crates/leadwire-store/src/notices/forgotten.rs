//! Forgetting notices and messages that nobody asks for any more, a bounded step at a time.

use super::{count, whom};
use crate::engine::{Param, Tx};
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::id::PublisherId;
use leadwire_core::time::Timestamp;

/// What one step would forget: notices by their destination and number, and numbers of messages.
#[derive(Debug, Default)]
struct Old {
    notices: Vec<(i64, i64)>,
    messages: Vec<i64>,
}

impl Store {
    /// Who can have notices: every publisher, and the operator as none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notice_owners(&self) -> Result<Vec<Option<PublisherId>>, StoreError> {
        self.read(|tx| {
            let sql = "SELECT publisher_id FROM publisher ORDER BY publisher_id";
            let mut all = tx.query(sql, &[], |row| row.publisher(0).map(Some))?;
            all.push(None);
            Ok(all)
        })
        .await
    }

    /// Forgets up to `limit` notices that are from before a moment, and as many messages, and says how many. What lasts or is
    /// still to be told stays, and the newest of each, whose number the next one goes on from. Without any there is no commit.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_notices(
        &self,
        publisher: Option<PublisherId>,
        before: Timestamp,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let (scope, whose) = (Scope::of_whom(publisher.as_ref()), publisher.clone());
        let old = self.read_in(scope.clone(), move |tx| look(tx, whose.as_ref(), before, limit)).await?;
        if old.notices.is_empty() && old.messages.is_empty() {
            return Ok(0);
        }
        self.write_in(scope, move |tx| forget(tx, publisher.as_ref(), &old)).await
    }
}

fn look(
    tx: &Tx<'_>,
    publisher: Option<&PublisherId>,
    before: Timestamp,
    limit: usize,
) -> Result<Old, StoreError> {
    let notices = tx.query(
        "SELECT destination_no, number
         FROM notice
         WHERE publisher_id = $1 AND at < $2 AND lasts = 0 AND due_at = 0 AND EXISTS (
             SELECT 1
             FROM notice later
             WHERE later.publisher_id = notice.publisher_id AND later.destination_no = notice.destination_no
                 AND later.number > notice.number)
         ORDER BY at, destination_no, number
         LIMIT $3",
        &[whom(publisher), Param::Int(before.millis()), count(limit)],
        |row| Ok((row.int(0)?, row.int(1)?)),
    )?;
    // Numbers grow with time: the oldest come first, and the newest of all is behind the last of them.
    let messages = tx.query(
        "SELECT number, made_at, told_at FROM notice_message WHERE publisher_id = $1 ORDER BY number LIMIT $2",
        &[whom(publisher), count(limit.saturating_add(1))],
        |row| Ok((row.int(0)?, row.time(1)? < before && row.int(2)? != 0)),
    )?;
    let all_but_newest = messages.len().saturating_sub(1);
    let messages = messages.into_iter().take(all_but_newest).filter(|it| it.1).map(|it| it.0).collect();
    Ok(Old { notices, messages })
}

fn forget(tx: &Tx<'_>, publisher: Option<&PublisherId>, old: &Old) -> Result<usize, StoreError> {
    let mut forgotten = 0;
    for (destination, number) in &old.notices {
        // One that was said to last meanwhile stays.
        forgotten += tx.execute(
            "DELETE FROM notice
             WHERE publisher_id = $1 AND destination_no = $2 AND number = $3 AND lasts = 0 AND due_at = 0",
            &[whom(publisher), Param::Int(*destination), Param::Int(*number)],
        )?;
    }
    for number in &old.messages {
        forgotten += tx.execute(
            "DELETE FROM notice_message WHERE publisher_id = $1 AND number = $2 AND told_at <> 0",
            &[whom(publisher), Param::Int(*number)],
        )?;
    }
    Ok(forgotten)
}
