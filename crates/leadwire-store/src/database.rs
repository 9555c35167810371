//! Where the rows are: in a folder of this machine, or on a server.

use crate::engine::Tx;
use crate::postgres::scope::Scope;
use crate::postgres::session::Session;
use crate::postgres::{self, Address};
use crate::sqlite::reader;
use crate::{StoreError, backup, migrations, moving};
use std::path::PathBuf;

/// Where the rows are.
#[derive(Clone)]
pub enum Database {
    /// In a file in this folder, for one node.
    Folder(PathBuf),
    /// In a database of this server, for any number of nodes.
    Server(Address),
}

impl Database {
    /// Opens it to be looked at, with the schema as it is; a service may run on it. None: there is no store, or an older
    /// Leadwire wrote it last.
    ///
    /// Blocks.
    pub(crate) fn look<T: Send>(
        &self,
        body: impl FnOnce(&Looking<'_>) -> Result<T, StoreError> + Send,
    ) -> Result<Option<T>, StoreError> {
        match self {
            Database::Folder(folder) => {
                let file = folder.join(backup::FILE);
                if !file.exists() {
                    return Ok(None);
                }
                let looking = Looking::File(reader::Looking::open(&file)?);
                let schema = looking.at(|tx| tx.find("PRAGMA user_version", &[], |row| row.int(0)))?;
                if is_known(schema.unwrap_or(0))? { whole(&looking, body).map(Some) } else { Ok(None) }
            }
            Database::Server(address) => postgres::beside(|| {
                let session = Session::open(address)?;
                let looking = Looking::Server(&session);
                if is_known(postgres::migrate::found(&session)?)? {
                    whole(&looking, body).map(Some)
                } else {
                    Ok(None)
                }
            }),
        }
    }
}

/// Looks at a store that is all there.
fn whole<T>(
    looking: &Looking<'_>,
    body: impl FnOnce(&Looking<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    looking.at(moving::refuse_half)?;
    body(looking)
}

/// Whether a schema is this program's. A newer one cannot be read.
fn is_known(found: i64) -> Result<bool, StoreError> {
    if found > migrations::known() {
        return Err(StoreError::Newer { found, known: migrations::known() });
    }
    Ok(found == migrations::known())
}

/// Rows that are looked at, and not changed, while others may write them.
pub(crate) enum Looking<'a> {
    File(reader::Looking),
    Server(&'a Session),
}

impl Looking<'_> {
    /// Runs a body on a snapshot of this moment.
    pub(crate) fn at<T>(&self, body: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self {
            Looking::File(looking) => looking.at(body),
            Looking::Server(session) => postgres::readers::in_snapshot(session, &Scope::Everything, body),
        }
    }
}
