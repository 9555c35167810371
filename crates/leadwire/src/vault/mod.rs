//! Envelope encryption of destinations' secrets: a master key from outside the store wraps a key for each publisher,
//! which seals that publisher's secrets. Whoever has the store alone, or a copy of it, has none of them.
//!
//! A rotation goes on while the service runs, and can be cut off after any step: what is in the store opens with the
//! keys that are outside it at every instant, and the next start finishes what was begun.

mod envelope;
mod factor;
mod key;
mod key_file;
mod ring;
mod rotation;
mod stamp;

pub use envelope::{Opened, Unopened};
pub use ring::{MasterKeyId, MasterKeys};
pub use rotation::{Rotated, UnopenedSecrets};

use anyhow::Context;
use envelope::{Book, Place};
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use leadwire_store::setup::{Destination, PublisherKey, Sealing, Setup};
use leadwire_store::{Store, StoreError};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use tokio::sync::Mutex;

/// Where the master keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file, which a rotation writes.
    File(PathBuf),
    /// The setting `master_key`, which only the operator can change.
    Setting,
}

/// Holds the master keys, and rotates them and the publishers' keys.
pub struct Vault {
    origin: Origin,
    ring: RwLock<Arc<MasterKeys>>,
    /// Keys of the data folder's own file, when the master keys come from elsewhere: from before that was set.
    beside: Option<MasterKeys>,
    /// Held by a rotation: of two at once the one could drop the key that the other just made current.
    rotating: Mutex<()>,
}

/// What opens the secrets of one set-up: the publishers' keys in it, and the master keys of that time.
#[derive(Clone)]
pub struct Opener {
    ring: Arc<MasterKeys>,
    keys: Arc<[PublisherKey]>,
}

impl Opener {
    /// A destination's secrets; none when it has none.
    ///
    /// # Errors
    /// [`Unopened`], which says what to do.
    pub fn open(&self, it: &Destination) -> Result<Option<Opened>, Unopened> {
        if it.secrets.is_empty() {
            return Ok(None);
        }
        let place = Place { publisher: &it.publisher, destination: it.number, name: &it.name };
        Book { ring: &self.ring, keys: &self.keys }.open(place, &it.secrets).map(Some)
    }
}

/// How the keys stand.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Master keys that are at hand, the current one first, and how many publishers' keys each wraps.
    pub here: Vec<(MasterKeyId, usize)>,
    /// Master keys that publishers' keys need and that are not at hand, and how many need each.
    pub missing: Vec<(String, usize)>,
    /// Publishers' keys.
    pub publisher_keys: usize,
    /// When the oldest publisher's current key was made.
    pub oldest: Option<Timestamp>,
    /// Destinations with secrets.
    pub sealed: usize,
    /// Those of them that an earlier Leadwire sealed directly with a master key.
    pub former_format: usize,
    /// Those of them whose secrets do not open.
    pub unopened: Vec<UnopenedSecrets>,
}

impl Vault {
    /// Takes the master keys from the setting, or from the file that is named, or from the data folder's own, which
    /// is made when there is none.
    ///
    /// # Errors
    /// As [`Vault::look`], and when the file cannot be made.
    pub fn open(
        folder: &Path,
        setting: Option<&Secret<String>>,
        file: Option<&Path>,
    ) -> anyhow::Result<Self> {
        if let Some(vault) = Self::look(folder, setting, file)? {
            return Ok(vault);
        }
        let (own, keys) = (key_file::in_folder(folder), MasterKeys::random());
        key_file::replace(&own, &keys)?;
        Ok(Self::of(Origin::File(own), keys, None))
    }

    /// As [`Vault::open`], but makes nothing: none when there is no master key yet.
    ///
    /// # Errors
    /// When both are set, or a file cannot be read, or holds something else than keys.
    pub fn look(
        folder: &Path,
        setting: Option<&Secret<String>>,
        file: Option<&Path>,
    ) -> anyhow::Result<Option<Self>> {
        let own = key_file::in_folder(folder);
        let (origin, ring) = match (setting, file) {
            (Some(_), Some(_)) => {
                anyhow::bail!("`master_key` and `master_key_file` are both set: take one away")
            }
            (Some(text), None) => {
                let keys = MasterKeys::parse(text.expose()).context("`master_key` is not usable")?;
                (Origin::Setting, keys)
            }
            (None, Some(file)) => {
                // A file that is named is never made: a misspelt name would seal with a key nobody meant.
                let keys = key_file::read(file)?.with_context(|| {
                    let file = file.display();
                    format!("the key file {file} does not exist; make it, or correct `master_key_file`")
                })?;
                (Origin::File(file.to_owned()), keys)
            }
            (None, None) => {
                let keys = key_file::read(&own)?;
                return Ok(keys.map(|keys| Self::of(Origin::File(own), keys, None)));
            }
        };
        Ok(Some(Self::of(origin, ring, key_file::read(&own)?)))
    }

    fn of(origin: Origin, ring: MasterKeys, beside: Option<MasterKeys>) -> Self {
        let ring = match &beside {
            Some(beside) => ring.followed_by(beside),
            None => ring,
        };
        Self { origin, ring: RwLock::new(Arc::new(ring)), beside, rotating: Mutex::new(()) }
    }

    /// The ids of the master keys at hand, the current one first.
    pub fn master_keys(&self) -> Vec<String> {
        self.ring().ids().map(|it| it.as_str().to_owned()).collect()
    }

    /// Where the master keys come from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    fn ring(&self) -> Arc<MasterKeys> {
        Arc::clone(&self.ring.read().expect("swapping a pointer cannot panic"))
    }

    fn take(&self, keys: MasterKeys) {
        *self.ring.write().expect("swapping a pointer cannot panic") = Arc::new(keys);
    }

    /// What opens the secrets of a set-up.
    pub fn opener(&self, setup: &Setup) -> Opener {
        Opener { ring: self.ring(), keys: setup.publisher_keys.as_slice().into() }
    }

    /// Seals a destination's secrets with its publisher's current key, or with a new one when there is none to use.
    ///
    /// To be called in the transaction that stores them, with the keys of that transaction.
    pub fn seal(
        &self,
        publisher: &PublisherId,
        destination: DestinationNo,
        keys: &[PublisherKey],
        text: &Opened,
        now: Timestamp,
    ) -> Sealing {
        let place = Place { publisher, destination, name: "" };
        envelope::seal(Book { ring: &self.ring(), keys }, place, text.expose(), now)
    }

    /// Finishes a rotation of the master key that was cut off, or that the operator began by putting a new key in
    /// front of the one in use.
    ///
    /// # Errors
    /// [`StoreError`]. A key file that cannot be written is logged: its former keys do no harm.
    pub async fn finish_rotation(self: &Arc<Self>, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        if !self.ring().has_former() {
            return Ok(());
        }
        let _one_at_a_time = self.rotating.lock().await;
        let rotated = self.rewrap(store, now).await?;
        if rotated.keys > 0 || rotated.destinations > 0 {
            tracing::info!(
                keys = rotated.keys,
                destinations = rotated.destinations,
                "What former master keys guarded is now guarded by the current one."
            );
        }
        if let Err(error) = self.drop_former(&store.setup().await?, &store.factor_keys().await?) {
            tracing::warn!(error = format!("{error:#}"), "The former master keys stay in the key file.");
        }
        Ok(())
    }

    /// Gives a publisher, or everybody, a new key, and seals all secrets with it: one transaction, so that a crash
    /// leaves everything as it was or as it shall be.
    ///
    /// # Errors
    /// [`StoreError`]; everything is as before then.
    pub async fn rotate_publishers(
        self: &Arc<Self>,
        store: &Store,
        whose: Option<PublisherId>,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        let _one_at_a_time = self.rotating.lock().await;
        let vault = Arc::clone(self);
        store
            .rekey(whose, move |keys, secrets| {
                rotation::renew(Book { ring: &vault.ring(), keys }, secrets, now)
            })
            .await
    }

    /// Makes a new master key and wraps all publishers' keys with it. `refresh` brings the changed set-up into force.
    ///
    /// In steps, each of which leaves everything openable: the new key goes into the file in front of the former,
    /// the publishers' keys are wrapped with it in one transaction, and only then does the former leave the file.
    ///
    /// # Errors
    /// When the keys stand in a setting, which is the operator's to change, when the file cannot be written, or the
    /// store fails. Whatever was done stands, and the next start finishes it.
    pub async fn rotate_master(
        self: &Arc<Self>,
        store: &Store,
        now: Timestamp,
        refresh: impl Future<Output = Result<(), StoreError>> + Send,
    ) -> anyhow::Result<Rotated> {
        let _one_at_a_time = self.rotating.lock().await;
        self.add_master_key()?;
        let rotated = self.rewrap(store, now).await?;
        // Before the former key goes: whoever reads the older set-up from now on is behind the newer one.
        refresh.await?;
        self.drop_former(&store.setup().await?, &store.factor_keys().await?)?;
        Ok(rotated)
    }

    /// The first step: a new key in the file, in front of those in use.
    fn add_master_key(&self) -> anyhow::Result<()> {
        let Origin::File(file) = &self.origin else {
            anyhow::bail!("the master key stands in a setting");
        };
        let mut keys = MasterKeys::clone(&self.ring());
        if let Some(in_file) = key_file::read(file)? {
            // Somebody may have put a former key back since the start: it must not be written over.
            keys = keys.followed_by(&in_file);
        }
        let keys = keys.with_new()?;
        key_file::replace(file, &keys)?;
        self.take(keys);
        Ok(())
    }

    /// The second step: all that former keys guard is guarded by the current one.
    async fn rewrap(self: &Arc<Self>, store: &Store, now: Timestamp) -> Result<Rotated, StoreError> {
        let vault = Arc::clone(self);
        let rotated = store
            .rekey(None, move |keys, secrets| {
                rotation::rewrap(Book { ring: &vault.ring(), keys }, secrets, now)
            })
            .await?;
        self.reseal_factors(store).await?;
        Ok(rotated)
    }

    /// The third step: former keys that nothing in the store needs leave the file.
    fn drop_former(&self, setup: &Setup, of_factors: &[String]) -> anyhow::Result<()> {
        let Origin::File(file) = &self.origin else { return Ok(()) };
        let of_publishers = setup.publisher_keys.iter().map(|it| &it.master_key);
        let needed: BTreeSet<&str> = of_publishers.chain(of_factors).map(String::as_str).collect();
        let ring = self.ring();
        let kept = ring.without_former(|id| needed.contains(id.as_str()));
        if kept.ids().count() < ring.ids().count() {
            key_file::replace(file, &kept)?;
            // The data folder's own file stays as it is, and is at hand again at the next start.
            self.take(match &self.beside {
                Some(beside) => kept.followed_by(beside),
                None => kept,
            });
        }
        Ok(())
    }

    /// How the keys stand in a set-up.
    pub fn standing(&self, setup: &Setup) -> Standing {
        let (ring, opener) = (self.ring(), self.opener(setup));
        let wraps = |id: &str| setup.publisher_keys.iter().filter(|it| it.master_key == id).count();
        let needed: BTreeSet<&str> = setup.publisher_keys.iter().map(|it| it.master_key.as_str()).collect();
        let missing = needed.into_iter().filter(|it| ring.find(it).is_none());
        let is_current = |at: usize, it: &PublisherKey| {
            setup.publisher_keys.get(at + 1).is_none_or(|next| next.publisher != it.publisher)
        };
        let current = setup.publisher_keys.iter().enumerate().filter(|(at, it)| is_current(*at, it));
        let sealed = || setup.destinations.iter().filter(|it| !it.secrets.is_empty());
        let unopened = sealed().filter_map(|it| {
            Some(UnopenedSecrets {
                publisher: it.publisher.clone(),
                destination: it.number,
                name: it.name.clone(),
                reason: opener.open(it).err()?,
            })
        });
        Standing {
            here: ring.ids().map(|it| (it.clone(), wraps(it.as_str()))).collect(),
            missing: missing.map(|it| (it.to_owned(), wraps(it))).collect(),
            publisher_keys: setup.publisher_keys.len(),
            oldest: current.map(|(_, it)| it.created_at).min(),
            sealed: sealed().count(),
            former_format: sealed().filter(|it| envelope::key_number(&it.secrets).is_none()).count(),
            unopened: unopened.collect(),
        }
    }
}

#[cfg(test)]
mod tests;
