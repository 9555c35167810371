//! What is being done on somebody's behalf: known to the task that does it, and told in the first transaction that changes
//! something.

use super::append;
use crate::StoreError;
use crate::engine::Tx;
use leadwire_core::audit::Entry;
use leadwire_core::time::Timestamp;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

tokio::task_local! {
    static CURRENT: Arc<Deed>;
}

/// What somebody does.
#[derive(Debug)]
pub struct Deed {
    entry: Mutex<Entry>,
    is_told: AtomicBool,
}

impl Deed {
    /// What is to be told, without a number.
    pub fn new(entry: Entry) -> Arc<Self> {
        Arc::new(Self { entry: Mutex::new(entry), is_told: AtomicBool::new(false) })
    }

    /// Names what else this task is doing something to: the id of what is being made.
    pub fn about(name: &str) {
        let add = |it: &Arc<Deed>| {
            let subject = &mut it.entry.lock().expect("an entry is only copied").subject;
            if !subject.is_empty() {
                subject.push(' ');
            }
            subject.push_str(name);
        };
        // Where nobody is told of anything, there is nothing to name.
        CURRENT.try_with(add).ok();
    }

    /// Who does what this task does, and when they asked; none where nobody is told of anything.
    pub(crate) fn author() -> Option<(String, Timestamp)> {
        let read = |it: &Arc<Deed>| {
            let entry = it.entry.lock().expect("an entry is only copied");
            (entry.who.clone(), entry.at)
        };
        CURRENT.try_with(read).ok()
    }

    /// Whether it was told.
    pub fn is_told(&self) -> bool {
        self.is_told.load(Ordering::Acquire)
    }
}

/// Runs work on somebody's behalf: the first transaction of it that changes a row tells of it, in itself. Work that the task
/// gives to another one is not told of.
pub async fn telling<F: Future>(deed: Arc<Deed>, work: F) -> F::Output {
    CURRENT.scope(deed, work).await
}

/// What this task does on somebody's behalf, unless that is told already.
pub(crate) fn current() -> Option<Telling> {
    let deed = CURRENT.try_with(Arc::clone).ok()?;
    (!deed.is_told()).then_some(Telling(deed))
}

/// A deed on its way into a transaction.
#[derive(Clone)]
pub(crate) struct Telling(Arc<Deed>);

impl Telling {
    /// Whose chain the deed is told in.
    pub(crate) fn chain(&self) -> String {
        self.0.entry.lock().expect("an entry is only copied").publisher.clone()
    }

    /// Runs a body, and tells of the deed in its transaction when it changed a row. True: it did.
    pub(crate) fn run<T>(
        &self,
        tx: &Tx<'_>,
        body: &mut impl FnMut(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<(T, bool), StoreError> {
        let before = tx.changes();
        let result = body(tx)?;
        let has_changed = tx.changes() > before;
        if has_changed {
            append(tx, self.0.entry.lock().expect("an entry is only copied").clone())?;
        }
        Ok((result, has_changed))
    }

    /// It is on disk.
    pub(crate) fn is_told(&self) {
        self.0.is_told.store(true, Ordering::Release);
    }
}
