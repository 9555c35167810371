//! How far a file was imported, kept beside it, so that an interrupted import need not send everything again.
//!
//! It saves time and nothing else: without it the whole file is sent, and the service recognises each lead.

use crate::cli::send::items::Item;
use crate::secrets;
use leadwire_core::hex;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What stands in the file.
#[derive(Serialize, Deserialize)]
pub(super) struct Bookmark {
    /// Leads that were brought in, from the start of the file.
    pub(super) leads: u64,
    /// Hash of these leads as they were sent, so that a changed file is told from the same one.
    hash: String,
    /// The service they were brought to, and a mark of the key by which: another key is another publisher, or may be.
    service: String,
}

impl Bookmark {
    /// The bookmark of a file, when there is one for this service.
    pub(super) fn read(file: &Path, service: &str) -> Option<Self> {
        let text = std::fs::read_to_string(beside(file)).ok()?;
        let bookmark: Self = serde_json::from_str(&text).ok()?;
        (bookmark.service == service && bookmark.leads > 0).then_some(bookmark)
    }
}

/// A place in a file that is being imported.
pub(super) struct Place {
    /// None: standard input, which has no place to come back to.
    file: Option<PathBuf>,
    service: String,
    leads: u64,
    hash: [u8; 16],
    before_last: [u8; 16],
}

impl Place {
    /// The start of a file.
    pub(super) fn at_start(file: &Path, service: &str) -> Self {
        Self { file: Some(file.to_owned()), service: service.to_owned(), ..Self::nowhere() }
    }

    /// A place that is not kept.
    pub(super) fn nowhere() -> Self {
        Self { file: None, service: String::new(), leads: 0, hash: [0; 16], before_last: [0; 16] }
    }

    /// Leads that were passed.
    pub(super) fn leads(&self) -> u64 {
        self.leads
    }

    /// Passes a lead.
    pub(super) fn pass(&mut self, item: &Item) {
        let content = item.body.as_ref().map_or(&b"refused"[..], Vec::as_slice);
        self.leads += 1;
        self.before_last = self.hash;
        self.hash = secrets::short_hash(&[&self.hash, content]);
    }

    /// Whether the bookmark was left here, in this very file.
    pub(super) fn is_at(&self, bookmark: &Bookmark) -> bool {
        self.leads == bookmark.leads && hex::encode(&self.hash) == bookmark.hash
    }

    /// Leaves a bookmark before the last lead that was passed. One that cannot be kept only costs time.
    pub(super) fn keep_without_last(&self) {
        let Some(file) = &self.file else { return };
        let bookmark = Bookmark {
            leads: self.leads.saturating_sub(1),
            hash: hex::encode(&self.before_last),
            service: self.service.clone(),
        };
        let text = serde_json::to_string(&bookmark).expect("texts and numbers can be written as JSON");
        let (path, fresh) = (beside(file), beside(file).with_extension("new"));
        // A read-only folder has no bookmark, and an interrupted import there begins anew.
        std::fs::write(&fresh, text).and_then(|()| std::fs::rename(&fresh, path)).ok();
    }

    /// Takes the bookmark away: the file was imported to its end.
    pub(super) fn remove(&self) {
        if let Some(file) = &self.file {
            // None may be there.
            std::fs::remove_file(beside(file)).ok();
        }
    }
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".leadwire-bookmark");
    file.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> Item {
        Item { line: 1, body: Ok(text.as_bytes().to_vec()) }
    }

    fn passed(file: &Path, leads: &[&str]) -> Place {
        let mut place = Place::at_start(file, "http://one");
        leads.iter().for_each(|it| place.pass(&item(it)));
        place
    }

    #[test]
    fn a_bookmark_is_found_again_in_the_same_file_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("leads.csv");
        assert!(Bookmark::read(&file, "http://one").is_none());
        passed(&file, &["a", "b", "c"]).keep_without_last();
        let bookmark = Bookmark::read(&file, "http://one").expect("it was kept");
        assert!(passed(&file, &["a", "b"]).is_at(&bookmark));
        assert!(!passed(&file, &["a", "x"]).is_at(&bookmark), "the file was changed");
        assert!(!passed(&file, &["a"]).is_at(&bookmark));
        assert!(Bookmark::read(&file, "http://other").is_none(), "it was for another service");
        passed(&file, &[]).remove();
        assert!(Bookmark::read(&file, "http://one").is_none());
    }
}
