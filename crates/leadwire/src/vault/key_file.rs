//! The file of master keys: read, made at the first start, and replaced as a whole, so that no crash leaves half of it.

use super::ring::MasterKeys;
use crate::secrets::write_private;
use anyhow::Context;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The key file of a data folder.
pub(super) fn in_folder(folder: &Path) -> PathBuf {
    folder.join("secret.key")
}

/// Reads a key file; none when there is none.
///
/// # Errors
/// When it cannot be read, or holds something else than keys.
pub(super) fn read(file: &Path) -> anyhow::Result<Option<MasterKeys>> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read the key file {}", file.display()));
        }
    };
    let keys = MasterKeys::parse(&text);
    keys.map(Some).with_context(|| format!("the key file {} is not usable", file.display()))
}

/// Puts keys in the place of what the file held, readable by its owner only.
///
/// A crash in the middle leaves the old file or the new one, never a mix, and after success the new one is on disk.
///
/// # Errors
/// When it cannot be written. The old file or the new one is there then.
pub(super) fn replace(file: &Path, keys: &MasterKeys) -> anyhow::Result<()> {
    // A link stays a link, and what it leads to is replaced.
    let file = &file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let beside = beside(file);
    // What an earlier crash left there may have any mode.
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot write {}", beside.display()));
        }
        Ok(()) | Err(_) => {}
    }
    write_private(&beside, &keys.to_text())?;
    std::fs::rename(&beside, file)
        .and_then(|()| File::open(file.parent().unwrap_or(Path::new(".")))?.sync_all())
        .with_context(|| format!("cannot replace the key file {}", file.display()))
}

/// Where the next content of a key file is written first.
pub(super) fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}
