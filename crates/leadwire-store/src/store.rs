//! Opening the store, and the two ways into it: write bodies, which share commits, and read bodies.

use crate::engine::Tx;
use crate::failure::Failure;
use crate::folder::{FolderLock, lock_folder, sync_folder};
use crate::job::Foresight;
use crate::news::News;
use crate::patience::{in_time, no_answer};
use crate::postgres::listener::Listener;
use crate::postgres::scope::Scope;
use crate::postgres::{self, Address};
use crate::setup::{self, Setup};
use crate::sqlite::checkpoint::{CutOff, LogBounds};
use crate::sqlite::migrate;
use crate::sqlite::reader::{self, Readers};
use crate::sqlite::writer::Writer;
use crate::{Database, StoreError, audit, moving};
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, watch};

/// The open store. Clones share it; it closes when the last one is dropped.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    failure: Failure,
}

/// Where the rows are.
enum Place {
    Folder(Folder),
    Server(Server),
}

struct Folder {
    // Fields drop in this order: work ends before the lock on the folder goes.
    writer: Writer,
    readers: Readers,
    path: PathBuf,
    _lock: FolderLock,
}

struct Server {
    _listener: Listener,
    news: Mutex<Option<mpsc::Receiver<News>>>,
    writers: postgres::writers::Writers,
    readers: postgres::readers::Readers,
}

impl Store {
    /// Opens the store wherever it is, as [`Store::open`] and [`Store::connect`] do.
    ///
    /// # Errors
    /// As those.
    pub fn open_at(database: &Database) -> Result<Self, StoreError> {
        match database {
            Database::Folder(folder) => Self::open(folder),
            Database::Server(address) => Self::connect(address),
        }
    }

    /// Opens the store in a folder, making folder and file if needed, and brings its schema up to date.
    ///
    /// Blocks; call it before serving. A crash in the middle leaves the old schema or the new one, never a mix.
    ///
    /// # Errors
    /// [`StoreError::Held`] when another process has it open, [`StoreError::Newer`], [`StoreError::Folder`], or
    /// an error of the file.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let unusable = |error: std::io::Error| StoreError::Folder(folder.to_owned(), error.to_string());
        if !folder.exists() {
            std::fs::create_dir_all(folder).map_err(unusable)?;
            sync_folder(folder.join("..").as_path()).map_err(unusable)?;
        }
        let lock = lock_folder(folder)?;
        let file = folder.join("leadwire.db");
        migrate::run(&file).map_err(|error| unreadable(&file, error))?;
        reader::look(&file, moving::refuse_half)?;
        // The directory entries of new files must survive a power cut before the first 202.
        sync_folder(folder).map_err(unusable)?;
        let failure = Failure::none();
        let cut_off = CutOff::default();
        let writer = Writer::start(&file, LogBounds::USUAL, &failure, cut_off.clone())?;
        let readers = Readers::start(&file, failure.clone(), &cut_off)?;
        let folder = Folder { writer, readers, path: folder.to_owned(), _lock: lock };
        Ok(Self { inner: Arc::new(Inner { place: Place::Folder(folder), failure }) })
    }

    /// Connects to a database on a server, and brings its schema up to date; other nodes may be connected to it.
    ///
    /// Blocks; call it before serving. A crash in the middle leaves the schema at one of its steps.
    ///
    /// # Errors
    /// [`StoreError::Away`] when it cannot be reached, [`StoreError::Newer`], or an error of a step.
    pub fn connect(address: &Address) -> Result<Self, StoreError> {
        postgres::beside(|| postgres::prepare(address))?;
        let (heard, news) = mpsc::channel(limits::NEWS_WAITING_MAX);
        let server = Server {
            _listener: Listener::start(address, heard)?,
            news: Mutex::new(Some(news)),
            writers: postgres::writers::Writers::start(address)?,
            readers: postgres::readers::Readers::start(address)?,
        };
        Ok(Self { inner: Arc::new(Inner { place: Place::Server(server), failure: Failure::none() }) })
    }

    /// Reads the set-up without opening the store: nothing is made, locked or brought up to date, and a service may run on
    /// it. None when there is no store, or an older Leadwire wrote it last.
    ///
    /// Blocks; it is for examinations.
    ///
    /// # Errors
    /// An error of the database, also when a newer Leadwire wrote it in a way that this one cannot read.
    pub fn look(database: &Database) -> Result<Option<Setup>, StoreError> {
        database.look(|looking| looking.at(setup::load))
    }

    /// Runs a body about everybody's rows in a write transaction and answers after its commit is on disk.
    ///
    /// The body shares its commit with others and may be run again after a roll-back, so it must have no other
    /// effect than on the transaction and its result. A crash before the answer leaves it done or not done.
    ///
    /// # Errors
    /// [`StoreError`]; but for [`StoreError::Failed`] and [`StoreError::InDoubt`] nothing was stored.
    pub async fn write<T, F>(&self, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.write_then(Scope::Everything, body, |_| {}).await
    }

    /// As [`Store::write`], for a body that reads and writes rows of one publisher and nobody else's, reads what is set up,
    /// and may raise its version. Bodies of different publishers need not wait for each other.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub(crate) async fn write_of<T, F>(&self, publisher: &PublisherId, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.write_in(Scope::of(publisher.as_str()), body).await
    }

    /// As [`Store::write_of`], for a body about the rows of several publishers, of the operator, or of one of both.
    pub(crate) async fn write_in<T, F>(&self, scope: Scope, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.write_then(scope, body, |_| {}).await
    }

    /// As [`Store::write`], for a body about the operator's own rows.
    pub(crate) async fn write_of_operator<T, F>(&self, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.write_in(Scope::of(""), body).await
    }

    /// As [`Store::write`], with something to be done on the writer's thread once the body is on disk, whether or
    /// not the caller still waits for the answer. It must be short: every commit waits for it.
    pub(crate) async fn write_then<T, F, A>(&self, scope: Scope, body: F, after: A) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
    {
        self.write_foreseen(scope, None, body, after).await
    }

    /// As [`Store::write_then`], for a body of which is known what it will ask: on a server that is asked for all bodies of
    /// a commit at once.
    pub(crate) async fn write_foreseen<T, F, A>(
        &self,
        scope: Scope,
        foresight: Option<Foresight>,
        mut body: F,
        after: A,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
    {
        let Some(telling) = audit::current() else { return self.run((scope, foresight), body, after).await };
        let told = telling.clone();
        // The chain that it is told in may be another's.
        let scope = scope.and(&telling.chain());
        let body = move |tx: &Tx<'_>| telling.run(tx, &mut body);
        let after = move |(result, is_told): &(T, bool)| {
            if *is_told {
                told.is_told();
            }
            after(result);
        };
        Ok(self.run((scope, foresight), body, after).await?.0)
    }

    async fn run<T, F, A>(
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
        match &self.inner.place {
            // A file has one writer: its bodies come one after another in any case.
            Place::Folder(folder) => {
                #[cfg(test)]
                let body = crate::lock_tests::noting(scope.clone(), body);
                folder.writer.run(body, after).await
            }
            Place::Server(server) => {
                in_time(StoreError::InDoubt, server.writers.run((scope, foresight), body, after)).await
            }
        }
    }

    /// Runs a body about everybody's rows on a snapshot, on a connection that cannot write.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read<T, F>(&self, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.read_in(Scope::Everything, body).await
    }

    /// As [`Store::read`], for a body that reads rows of one publisher: on a server it sees no others.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn read_of<T, F>(&self, publisher: &PublisherId, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.read_in(Scope::of(publisher.as_str()), body).await
    }

    pub(crate) async fn read_in<T, F>(&self, scope: Scope, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        match &self.inner.place {
            Place::Folder(folder) => folder.readers.run(body).await,
            Place::Server(server) => in_time(no_answer(), server.readers.run(scope, body)).await,
        }
    }

    /// Has the write-ahead log emptied after the next commit: until then it holds what that or an earlier one deleted.
    /// A server sees to its own.
    pub(crate) fn empty_log_soon(&self) {
        if let Place::Folder(folder) = &self.inner.place {
            folder.writer.empty_log_soon();
        }
    }

    /// Waits until the store has failed and says why. Whoever owns the program ends it then.
    pub async fn failure(&self) -> String {
        self.inner.failure.wait().await
    }

    /// Whether the store has failed.
    pub fn has_failed(&self) -> bool {
        self.inner.failure.has_happened()
    }

    /// Commits made so far, each with one flush to disk.
    pub fn commits(&self) -> u64 {
        match &self.inner.place {
            Place::Folder(folder) => folder.writer.commits(),
            Place::Server(server) => server.writers.commits(),
        }
    }

    /// How often writers waited for the server so far; none: a file is not waited for.
    pub fn round_trips(&self) -> Option<u64> {
        match &self.inner.place {
            Place::Folder(_) => None,
            Place::Server(server) => Some(server.writers.trips()),
        }
    }

    /// What other nodes tell of their commits, and this one of its own; for whoever asks first. None: there are no others.
    pub fn news(&self) -> Option<mpsc::Receiver<News>> {
        match &self.inner.place {
            Place::Folder(_) => None,
            Place::Server(server) => server.news.lock().expect("taking the news cannot panic").take(),
        }
    }

    /// Changes when work ended as [`StoreError::InDoubt`]: what was to be done after it was not, and it may stand. None: a
    /// file ends the program then.
    pub fn doubts(&self) -> Option<watch::Receiver<u64>> {
        match &self.inner.place {
            Place::Folder(_) => None,
            Place::Server(server) => Some(server.writers.doubts()),
        }
    }

    /// The time of the server that holds the rows; none: a file does not tell it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn server_time(&self) -> Result<Option<Timestamp>, StoreError> {
        match &self.inner.place {
            Place::Folder(_) => Ok(None),
            Place::Server(server) => server.readers.run(Scope::Everything, postgres::time).await.map(Some),
        }
    }

    /// Free space of the disk that holds the store, in bytes. A server's disk is not ours to look at: as much as there
    /// can be.
    ///
    /// # Errors
    /// When the file system does not say.
    pub fn free_bytes(&self) -> std::io::Result<u64> {
        let Place::Folder(folder) = &self.inner.place else { return Ok(u64::MAX) };
        let stat = rustix::fs::statvfs(&folder.path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// The folder of a store in a file.
    pub fn folder(&self) -> Option<&Path> {
        match &self.inner.place {
            Place::Folder(folder) => Some(&folder.path),
            Place::Server(_) => None,
        }
    }
}

/// Names the file that cannot be opened, and what to do: the text is all that an administrator has.
fn unreadable(file: &Path, error: StoreError) -> StoreError {
    let explained = |reason: &str| {
        format!(
            "cannot open {}: {reason}; if the file is damaged, restore the whole folder from a backup",
            file.display()
        )
    };
    match error {
        StoreError::Failed(reason) => StoreError::Failed(explained(&reason)),
        StoreError::Wrong(reason) => StoreError::Failed(explained(&reason)),
        other => other,
    }
}
