//! The calls of a job's steps: reserved as a batch's are, and given back where they were not made.

use crate::{Store, StoreError, budgets};
use leadwire_core::budget::{Allotment, Back, Book, Budget, Told};
use leadwire_core::id::PublisherId;
use leadwire_core::time::Timestamp;
use std::sync::Arc;

impl Store {
    /// Reserves calls of an account; or says when there may be so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reserve_calls(
        &self,
        publisher: PublisherId,
        budget: Arc<Budget>,
        calls: u32,
        now: Timestamp,
    ) -> Result<Result<Allotment, Timestamp>, StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            let counts = budgets::lock(tx, &publisher, &budget)?;
            let mut book = Book::open(&budget, counts.clone(), now);
            if book.free_for(calls, now) < calls {
                return Ok(Err(book.free_at(calls, now)));
            }
            let until = book.reserve(calls, now);
            budgets::keep(tx, &publisher, &budget, (&counts, book.counts()))?;
            Ok(Ok(Allotment { budget: Arc::clone(&budget), calls, until }))
        })
        .await
    }

    /// Notes how many of the calls that were reserved were made, and what the service said meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settle_calls(
        &self,
        publisher: PublisherId,
        allotment: Allotment,
        (sent, told): (u32, Vec<Told>),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            let Allotment { budget, calls, until } = &allotment;
            let counts = budgets::lock(tx, &publisher, budget)?;
            let mut book = Book::open(budget, counts.clone(), now);
            book.settle(&[Back { until: *until, sent, unused: calls.saturating_sub(sent) }], now);
            book.hear(&told, now);
            budgets::keep(tx, &publisher, budget, (&counts, book.counts()))
        })
        .await
    }
}
