//! Secrets of second factors. Users of the operator belong to no publisher, so a master key seals them directly; which one, the
//! store says beside them, and a rotation seals them anew.

use super::Vault;
use super::envelope::place;
use super::ring::MasterKeys;
use leadwire_core::id::{PublisherId, UserId};
use leadwire_store::factors::Factor;
use leadwire_store::{Store, StoreError};
use std::sync::Arc;
use zeroize::Zeroizing;

/// How a sealed secret begins: the version.
const HEAD: &[u8] = b"\x01";

impl Vault {
    /// Seals the secret of a user's second factor with the current master key.
    pub fn seal_factor(&self, publisher: Option<&PublisherId>, user: UserId, secret: &[u8]) -> Factor {
        seal(&self.ring(), publisher, user, secret)
    }

    /// Opens the secret of a second factor. None: its master key is not at hand, or it was changed or moved.
    pub fn open_factor(&self, it: &Factor) -> Option<Zeroizing<Vec<u8>>> {
        open(&self.ring(), it)
    }

    /// Seals with the current master key what a former one sealed. What does not open stays as it is, and so does the key it
    /// names.
    pub(super) async fn reseal_factors(self: &Arc<Self>, store: &Store) -> Result<usize, StoreError> {
        let vault = Arc::clone(self);
        store.reseal_factors(move |it| anew(&vault.ring(), it)).await
    }
}

fn seal(ring: &MasterKeys, publisher: Option<&PublisherId>, user: UserId, secret: &[u8]) -> Factor {
    let master = ring.current();
    let mut sealed = HEAD.to_vec();
    sealed.extend(master.key.seal(&place_of(publisher, user, master.id.as_str()), secret));
    let master_key = master.id.to_string();
    Factor { publisher: publisher.cloned(), user, master_key, sealed, is_confirmed: false }
}

fn open(ring: &MasterKeys, it: &Factor) -> Option<Zeroizing<Vec<u8>>> {
    let master = ring.find(&it.master_key)?;
    let sealed = it.sealed.strip_prefix(HEAD)?;
    master.key.open(&place_of(it.publisher.as_ref(), it.user, &it.master_key), sealed)
}

fn anew(ring: &MasterKeys, it: &Factor) -> Option<Factor> {
    if it.master_key == ring.current().id.as_str() {
        return None;
    }
    let secret = open(ring, it)?;
    let sealed = seal(ring, it.publisher.as_ref(), it.user, &secret);
    Some(Factor { is_confirmed: it.is_confirmed, ..sealed })
}

/// What is sealed for one user opens for no other.
fn place_of(publisher: Option<&PublisherId>, user: UserId, master: &str) -> Vec<u8> {
    let publisher = publisher.map_or("", PublisherId::as_str).as_bytes();
    let user = user.to_string();
    place(&[HEAD, publisher, b"portal_factor", b"sealed", user.as_bytes(), master.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_for_a_user_opens_for_them_alone() {
        let ring = MasterKeys::random();
        let contoso = PublisherId::parse("contoso").expect("a name");
        let it = seal(&ring, Some(&contoso), UserId::new(1), b"a secret of twenty..");
        assert_eq!(open(&ring, &it).expect("opens").as_slice(), b"a secret of twenty..");
        for other in [
            Factor { user: UserId::new(2), ..it.clone() },
            Factor { publisher: None, ..it.clone() },
            Factor { sealed: it.sealed[1..].to_vec(), ..it.clone() },
        ] {
            assert!(open(&ring, &other).is_none());
        }
        assert!(open(&MasterKeys::random(), &it).is_none(), "without its key it stays shut");
    }

    #[test]
    fn a_rotation_seals_anew_what_a_former_key_sealed() {
        let former = MasterKeys::random();
        let it = Factor { is_confirmed: true, ..seal(&former, None, UserId::new(1), b"secret") };
        assert!(anew(&former, &it).is_none(), "the current key is good enough");
        let ring = former.with_new().expect("room");
        let new = anew(&ring, &it).expect("it opens");
        assert_eq!((new.master_key.as_str(), new.is_confirmed), (ring.current().id.as_str(), true));
        assert_eq!(open(&ring, &new).expect("opens").as_slice(), b"secret");
        assert!(anew(&MasterKeys::random(), &it).is_none(), "what does not open stays");
    }
}
