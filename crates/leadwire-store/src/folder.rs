//! A data folder: it is one process's at a time, and its entries must survive a power cut.

use crate::StoreError;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// Takes a folder for this process.
pub(crate) fn lock_folder(folder: &Path) -> Result<FolderLock, StoreError> {
    let unusable = |error: std::io::Error| StoreError::Folder(folder.to_owned(), error.to_string());
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("leadwire.lock"))
        .map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(FolderLock(lock)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Held(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The folder is this process's as long as it lives.
pub(crate) struct FolderLock(File);

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a program that is being started holds a copy of it until it runs. An
        // error means that the lock goes with that copy, a moment later.
        self.0.unlock().ok();
    }
}
