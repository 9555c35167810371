//! Writing to a server: a few threads, each of which commits whatever is queued for it as one group.
//!
//! A group in which a body fails is rolled back and its bodies are run again one by one, as with a file. A connection
//! that ends is made anew; when it ended during a commit, the server is asked what became of that transaction.

use super::address::Address;
use super::client::is_silence;
use super::scope::{self, EVERYTHING, Locks, Scope};
use super::session::Session;
use crate::StoreError;
use crate::engine::Tx;
use crate::job::{Body, Foresight, Job, STAGES};
use crate::news;
use leadwire_core::limits;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};

/// A job and whose rows it is about.
struct Ask {
    scope: Scope,
    job: Box<dyn Job>,
}

pub(crate) struct Writers {
    queues: Vec<mpsc::Sender<Ask>>,
    commits: Arc<AtomicU64>,
    trips: Arc<AtomicU64>,
    doubts: Arc<watch::Sender<u64>>,
    threads: Vec<JoinHandle<()>>,
}

impl Writers {
    pub(crate) fn start(address: &Address) -> Result<Self, StoreError> {
        let doubts = Arc::new(watch::Sender::new(0));
        let (commits, trips) = (Arc::default(), Arc::default());
        let mut writers = Self { queues: Vec::new(), commits, trips, doubts, threads: Vec::new() };
        for number in 0..address.pool().writers {
            let (asks, queue) = mpsc::channel(limits::STORE_QUEUE_MAX);
            let writer = Writer {
                address: address.clone(),
                session: None,
                committed: 0,
                commits: Arc::clone(&writers.commits),
                trips: Arc::clone(&writers.trips),
                doubts: Arc::clone(&writers.doubts),
            };
            let thread = std::thread::Builder::new()
                .name(format!("store-write-{number}"))
                .spawn(move || writer.work(queue))
                .map_err(|error| StoreError::Failed(error.to_string()))?;
            writers.queues.push(asks);
            writers.threads.push(thread);
        }
        Ok(writers)
    }

    /// Runs a body, and `after` on the writer's thread once it is on disk, whether or not the caller still waits.
    pub(crate) async fn run<T, F, A>(
        &self,
        (scope, foresight): (Scope, Option<Foresight>),
        body: F,
        after: A,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let writer = scope.writer(self.queues.len());
        let ask = Ask { scope, job: Box::new(Body::new(body, after, answer).foreseeing(foresight)) };
        let queue = self.queues.get(writer).ok_or(StoreError::Closed)?;
        queue.send(ask).await.map_err(|_| StoreError::Closed)?;
        wait.await.map_err(|_| StoreError::Closed)?
    }

    /// Counts groups of which nobody knows what became of them.
    pub(crate) fn doubts(&self) -> watch::Receiver<u64> {
        self.doubts.subscribe()
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(crate) fn trips(&self) -> u64 {
        self.trips.load(Ordering::Relaxed)
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.queues.clear();
        for thread in self.threads.drain(..) {
            // A writer that panicked has already reported it; what it had not committed was not acknowledged.
            thread.join().ok();
        }
    }
}

/// One thread's connection.
struct Writer {
    address: Address,
    session: Option<Session>,
    /// What this connection has committed.
    committed: u64,
    commits: Arc<AtomicU64>,
    trips: Arc<AtomicU64>,
    doubts: Arc<watch::Sender<u64>>,
}

/// Why a group is not known to be stored, and how many of its jobs had run.
enum Ended {
    /// Nothing was stored.
    RolledBack { error: StoreError, ran: usize },
    /// The connection ended while this transaction was committing.
    InDoubt { transaction: Transaction, ran: usize },
}

/// What the server knows a transaction by.
struct Transaction {
    id: String,
    /// A server that took the place of another begins a new one, in which the same id may be another transaction.
    timeline: String,
}

impl Writer {
    fn work(mut self, mut queue: mpsc::Receiver<Ask>) {
        let mut group = Vec::with_capacity(limits::COMMIT_JOBS_MAX);
        while queue.blocking_recv_many(&mut group, limits::COMMIT_JOBS_MAX) > 0 {
            // They are alike, and what they ask and write goes together while nobody else writes between them.
            group.sort_by_key(|it| !it.job.foresees());
            self.commit_all(&mut group);
        }
    }

    /// Commits a group and answers every job in it.
    fn commit_all(&mut self, group: &mut Vec<Ask>) {
        let (mut one_by_one, mut tries) = (0_usize, 0);
        while !group.is_empty() {
            let together = if one_by_one > 0 { 1 } else { group.len() };
            one_by_one = one_by_one.saturating_sub(1);
            let before = self.session.as_ref().map_or(0, Session::trips);
            let ended = self.in_transaction(&mut group[..together]);
            let trips = self.session.as_ref().map_or(0, Session::trips);
            self.trips.fetch_add(trips.saturating_sub(before), Ordering::Relaxed);
            let error = match ended {
                Ok(committed) => {
                    tries = 0;
                    self.commits.fetch_add(1, Ordering::Relaxed);
                    group.drain(..committed).for_each(|it| it.job.answer(Ok(())));
                    continue;
                }
                Err(Ended::InDoubt { transaction, ran }) => match self.became_of(&transaction) {
                    Some(true) => {
                        group.drain(..ran).for_each(|it| it.job.answer(Ok(())));
                        continue;
                    }
                    Some(false) => StoreError::Away("the connection ended".to_owned()),
                    None => {
                        // What was to be done after it is not done, and it may stand: whoever holds something of it looks anew.
                        self.doubts.send_modify(|it| *it += 1);
                        group.drain(..ran).for_each(|it| it.job.answer(Err(StoreError::InDoubt)));
                        continue;
                    }
                },
                Err(Ended::RolledBack {
                    error: error @ (StoreError::Away(_) | StoreError::Busy | StoreError::Full),
                    ..
                }) => error,
                Err(Ended::RolledBack { error, ran: 0 | 1 }) => {
                    group.remove(0).job.answer(Err(error));
                    continue;
                }
                Err(Ended::RolledBack { ran, .. }) => {
                    one_by_one = ran;
                    continue;
                }
            };
            // No body's fault, and no body would fare better alone.
            tries += 1;
            if tries > limits::SERVER_TRIES || matches!(error, StoreError::Full) {
                group.drain(..).for_each(|it| it.job.answer(Err(error.clone())));
            }
        }
    }

    /// Runs jobs in one transaction, and says how many from the front it holds.
    fn in_transaction(&mut self, jobs: &mut [Ask]) -> Result<usize, Ended> {
        let not_begun = |error| Ended::RolledBack { error, ran: 0 };
        let session = match self.session.take() {
            Some(session) if !session.is_closed() => session,
            _ => {
                self.committed = 0;
                open(&self.address).map_err(not_begun)?
            }
        };
        let session = self.session.insert(session);
        let begun = begin(session, &Scope::of_all(jobs.iter().map(|it| &it.scope)));
        let transaction = begun.map_err(|error| {
            roll_back(session);
            not_begun(error)
        })?;
        // A panic in it must not end this thread, which nobody would start anew. Whose it is shows when each runs alone.
        let looked = catch_unwind(AssertUnwindSafe(|| look_ahead(session, jobs)))
            .unwrap_or_else(|_| Err(StoreError::Wrong("looking ahead panicked in the writer".to_owned())));
        if let Err(error) = looked {
            roll_back(session);
            return Err(Ended::RolledBack { error, ran: jobs.len() });
        }
        let changes_before = session.changes();
        let mut ran = 0;
        for ask in jobs {
            ran += 1;
            // A panic is this body's fault alone: it is rolled back, and the others of its group are run again.
            let mut result = catch_unwind(AssertUnwindSafe(|| ask.job.run(&Tx::of_server(session))))
                .unwrap_or_else(|_| Err(StoreError::Wrong("a body panicked in the writer".to_owned())));
            if session.take_failed() && result.is_ok() {
                result = Err(StoreError::Wrong("a body went on after a statement failed".to_owned()));
            }
            if let Err(error) = result {
                roll_back(session);
                return Err(Ended::RolledBack { error, ran });
            }
            if session.changes() - changes_before >= limits::COMMIT_ROWS_MAX {
                break;
            }
        }
        if let Err(error) = session.catch_up() {
            roll_back(session);
            return Err(Ended::RolledBack { error, ran });
        }
        match commit(session, is_plan_old(self.committed)) {
            Ok(()) => {
                self.committed += 1;
                Ok(ran)
            }
            Err(StoreError::Away(_)) => Err(Ended::InDoubt { transaction, ran }),
            Err(error) => Err(Ended::RolledBack { error, ran }),
        }
    }

    /// What became of a transaction whose commit was not answered. None: the server cannot be asked, or does not know.
    fn became_of(&mut self, transaction: &Transaction) -> Option<bool> {
        self.session = None;
        let mut left = limits::SERVER_DOUBT_WAIT;
        while !left.is_zero() {
            left = left.saturating_sub(limits::SERVER_DOUBT_STEP);
            let asked = open(&self.address).and_then(|session| {
                let row = session.row(
                    "SELECT COALESCE(pg_xact_status($1::text::xid8), ''),
                         LEFT(pg_walfile_name(pg_current_wal_insert_lsn()), 8)",
                    &[&transaction.id],
                )?;
                self.session = Some(session);
                Ok(row)
            });
            if asked.as_ref().is_ok_and(|row| row.get::<_, &str>(1) != transaction.timeline) {
                return None;
            }
            match asked.as_ref().map(|row| row.get(0)) {
                Ok("committed") => return Some(true),
                Ok("aborted") => return Some(false),
                // Too long ago, or of another server: that will not change.
                Ok("") | Err(StoreError::Wrong(_)) => return None,
                // One that hangs was waited for in the asking.
                Err(error) if is_silence(error) => left = left.saturating_sub(limits::SERVER_CONNECT_WAIT),
                Ok(_) | Err(_) => std::thread::park_timeout(limits::SERVER_DOUBT_STEP),
            }
        }
        None
    }
}

/// Where nodes tell each other of commits.
pub(super) const CHANNEL: &str = "leadwire";

/// Whether a connection that has committed so often makes its plans anew: seldom, and in time for tables that have grown by
/// what was committed since they were made. The server does that by itself about once a minute, which a new database would
/// spend going through its tables row by row.
fn is_plan_old(committed: u64) -> bool {
    committed.is_power_of_two() && committed.trailing_zeros().is_multiple_of(2)
}

/// Commits, and tells all nodes what is told of it: both or neither, in one round trip.
fn commit(session: &Session, is_plan_old: bool) -> Result<(), StoreError> {
    let mut text = String::new();
    if is_plan_old {
        text.push_str("DISCARD PLANS; ");
    }
    for message in news::messages(session.told().iter().map(String::as_str), limits::NEWS_BYTES_MAX) {
        // Only ids are told, and no id has a quote in it.
        text.push_str(&format!("SELECT pg_notify('{CHANNEL}', '{}'); ", message.replace('\'', "")));
    }
    text.push_str("COMMIT");
    session.run(&text)
}

/// Connects, and has the server go the ways that the statements were written for: each names the rows it is about, and an
/// index leads there. A plan that was made while a table was small would else go on reading all of it.
fn open(address: &Address) -> Result<Session, StoreError> {
    let session = Session::open(address)?;
    session.run("SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;")?;
    Ok(session)
}

/// Asks at once what the bodies of a group will ask, as far as that can be foreseen.
fn look_ahead(session: &Session, jobs: &[Ask]) -> Result<(), StoreError> {
    let items_max = usize::try_from(limits::COMMIT_ROWS_MAX).unwrap_or(usize::MAX);
    for stage in 0..STAGES {
        let mut items = 0;
        for ask in jobs.iter().take_while(|it| it.job.foresees()) {
            items += ask.job.foresee(&Tx::of_server(session), stage)?;
            if items >= items_max {
                // Those behind hardly come into this commit.
                break;
            }
        }
        session.look_ahead()?;
    }
    Ok(())
}

/// Begins a transaction, takes its locks, and says what it is known by.
fn begin(session: &Session, scope: &Scope) -> Result<Transaction, StoreError> {
    session.take_failed();
    session.ahead.clear();
    let locks = Locks::of(scope);
    // Each statement sees what was committed before it, and so before the locks were given, whatever the server's default.
    session.run(&scope::begin("READ COMMITTED", scope))?;
    let row = match locks.everything {
        true => session.row(
            "SELECT pg_current_xact_id()::text, LEFT(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
                 pg_advisory_xact_lock($1)::text",
            &[&EVERYTHING],
        )?,
        false => session.row(
            "SELECT pg_current_xact_id()::text, LEFT(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
                 pg_advisory_xact_lock_shared($1)::text,
                 (SELECT COUNT(pg_advisory_xact_lock(key)) FROM unnest($2::bigint[]) AS key)",
            &[&EVERYTHING, &locks.publishers],
        )?,
    };
    Ok(Transaction { id: row.get(0), timeline: row.get(1) })
}

/// Leaves the connection as it was before the transaction; one that cannot be is made anew with the next group.
fn roll_back(session: &Session) {
    session.ahead.clear();
    session.run("ROLLBACK").ok();
    session.take_failed();
}
