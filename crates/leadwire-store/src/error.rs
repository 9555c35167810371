//! What can go wrong with the store, as what the caller can do about it.

use std::path::PathBuf;

/// What can go wrong, told by what the caller can do about it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full. Nothing was stored; try again when there is space.
    #[error("the disk of the data folder is full")]
    Full,
    /// Another program holds the database, or a read went on for so long that it was cut off. Nothing was stored;
    /// try again.
    #[error("the database is busy")]
    Busy,
    /// The database server cannot be reached, or does not serve now. Nothing was stored; try again.
    #[error("the database cannot be reached: {0}")]
    Away(String),
    /// The connection ended while the work was being committed, and the server could not be asked what became of it.
    /// Do it again in a way that is harmless when it was done.
    #[error("the connection to the database ended during a commit; whether the work was stored is not known")]
    InDoubt,
    /// The disk or the file failed. Whether the last work was stored is unknown; the program must end, and
    /// recover by opening the store again.
    #[error("the store failed: {0}")]
    Failed(String),
    /// The store is closing or has failed before. Nothing was stored.
    #[error("the store is closed")]
    Closed,
    /// A statement or a row is not as this program writes it: a mistake in the program or a foreign file.
    #[error("the store and the program disagree: {0}")]
    Wrong(String),
    /// The store was written by a newer Leadwire.
    #[error(
        "the store was written by a newer Leadwire (schema {found}, this one knows {known}); install that version"
    )]
    Newer {
        /// Schema number in the file.
        found: i64,
        /// The newest one this program knows.
        known: i64,
    },
    /// The store came over from elsewhere by half.
    #[error(
        "the store is half of the one in {from}: `leadwire migrate` was not ended; run it again, and it goes on"
    )]
    HalfMoved {
        /// Where the other half is.
        from: String,
    },
    /// Another Leadwire runs on the same data folder.
    #[error("another Leadwire runs on {0}; stop it, or use another data folder")]
    Held(PathBuf),
    /// The data folder cannot be used.
    #[error("cannot use the data folder {0}: {1}")]
    Folder(PathBuf, String),
}

impl StoreError {
    /// Whether nothing was stored, through no fault of the work: the same again may be done in a moment.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Full | Self::Busy | Self::Away(_))
    }
}
