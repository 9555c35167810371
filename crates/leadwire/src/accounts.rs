//! Who signs in to the portal: passwords by Argon2id, links by which they are chosen, and sessions.
//!
//! Of every secret only a hash is kept. How often somebody may try is held by `flood`; how much memory hashing takes, here.

mod chosen;
mod guest;
mod own;
mod proof;
mod providers;
mod second_factor;

pub use chosen::{Mistake, email, is_name, mistake, password_mistake};
pub use guest::Opening;
pub use proof::Shown;
use providers::Ways;
pub use providers::{Came, Returned, Sent, WayError};
pub use second_factor::{Confirmed, Finished, Proposal};

use crate::access::{Actor, Role, Who};
use crate::clock::{self, Clock, fill_random};
use crate::secrets::{self, CredentialKind};
use crate::vault::Vault;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use leadwire_core::audit::Entry;
use leadwire_core::device::Device;
use leadwire_core::hex;
use leadwire_core::id::{PublisherId, UserId};
use leadwire_core::limits;
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use leadwire_store::audit::Deed;
use leadwire_store::sessions::NewSession;
use leadwire_store::users::{Chosen, Link, PortalUser};
use leadwire_store::{Store, StoreError};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What is compared when there is no such user, so that it takes as long: no password gives this hash but by accident.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why nobody was let in, apart from a wrong password.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Too many passwords are being hashed; come again.
    #[error("too many people sign in at once")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: PortalUser,
    /// What they may do, and for whom.
    pub actor: Actor,
    /// Stands in each of their forms; nobody who does not see their pages knows it.
    pub form_token: String,
    /// The hash of their session's token.
    pub session: [u8; 32],
    /// Whether they have a second factor.
    pub has_factor: bool,
    /// Whether the provider that signed them in asked for one.
    pub is_vouched: bool,
    /// When they last showed who they are.
    pub proved_at: Timestamp,
    /// On what they came.
    pub device: Device,
    /// How pages look for somebody who came by a link, and is no user; none for users.
    pub guest: Option<Appearance>,
}

/// How pages look for somebody who came by a link.
#[derive(Clone, Debug)]
pub struct Appearance {
    /// The colour; empty: the portal's own.
    pub accent: String,
}

impl SignedIn {
    /// Whose user, and which.
    fn whose(&self) -> (Option<PublisherId>, UserId) {
        (self.user.publisher.clone(), self.user.id)
    }
}

/// How far somebody came with a right password.
pub enum Entered {
    /// They are signed in: the session's token, and who they are.
    In(Secret<String>, Box<PortalUser>),
    /// A code is awaited: what the browser shows when it comes.
    Half(Secret<String>),
}

impl Entered {
    /// The session's token of whoever is signed in.
    pub fn session(self) -> Option<Secret<String>> {
        match self {
            Self::In(token, _) => Some(token),
            Self::Half(_) => None,
        }
    }
}

/// The people who sign in.
pub struct Accounts {
    store: Store,
    clock: Arc<dyn Clock>,
    vault: Arc<Vault>,
    ways: Ways,
    hashing: Arc<Semaphore>,
}

impl Accounts {
    /// Puts them together.
    pub fn new(store: Store, clock: Arc<dyn Clock>, vault: Arc<Vault>) -> Self {
        let hashing = Arc::new(Semaphore::new(limits::PASSWORD_HASHES_MAX));
        Self { store, clock, vault, ways: Ways::default(), hashing }
    }

    /// A new link: its token, shown once, and what is kept.
    pub fn new_link(&self) -> (Secret<String>, Link) {
        let token = secrets::make_credential(CredentialKind::UserLink);
        let ends_at = self.clock.wall().plus(limits::USER_LINK_KEPT);
        let link = Link { hash: secrets::sha256(token.expose().as_bytes()), ends_at };
        (token, link)
    }

    /// The link of the first user, an operator, while nobody has chosen a password yet. A link made before works no more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn first_link(&self) -> Result<Option<Secret<String>>, StoreError> {
        let users = self.store.users(None, limits::USERS_MAX).await?;
        if users.iter().any(|it| !it.password.is_empty()) {
            return Ok(None);
        }
        let (token, link) = self.new_link();
        if let Some(first) = users.iter().find(|it| it.email.is_empty()) {
            self.store.renew_link(None, first.id, link).await?;
            return Ok(Some(token));
        }
        let user = PortalUser {
            publisher: None,
            id: UserId::new(clock::random_bits()),
            email: String::new(),
            name: String::new(),
            role: Role::Operator.as_str().to_owned(),
            password: String::new(),
            link_ends_at: Some(link.ends_at),
            created_at: self.clock.wall(),
            signed_in_at: None,
            language: String::new(),
        };
        self.store.add_user(user, link).await?;
        Ok(Some(token))
    }

    /// Whose link this is, while it works.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn link(&self, token: &str) -> Result<Option<PortalUser>, StoreError> {
        if !secrets::is_well_formed(CredentialKind::UserLink, token) {
            return Ok(None);
        }
        self.store.user_by_link(secrets::sha256(token.as_bytes()), self.clock.wall()).await
    }

    /// Uses a link: sets the password, ends every session of its user, and signs them in as [`Accounts::sign_in`] does. None: the link does not work any
    /// more, or another user has the e-mail address.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn choose(
        &self,
        token: &str,
        (email, name): (String, String),
        password: Secret<String>,
        device: Device,
    ) -> Result<Option<Entered>, AccountError> {
        let password = self.hash(password).await?;
        let (hash, now) = (secrets::sha256(token.as_bytes()), self.clock.wall());
        let chosen = Chosen { password, email, name };
        match self.store.use_link(hash, chosen, now).await? {
            Some(user) => Ok(Some(self.enter(user, device).await?)),
            None => Ok(None),
        }
    }

    /// Signs in; none when the e-mail address or the password is wrong, which take the same time.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn sign_in(
        &self,
        email: &str,
        password: Secret<String>,
        device: Device,
    ) -> Result<Option<Entered>, AccountError> {
        let user = match self::email(email) {
            Some(email) => self.store.user_by_email(email).await?,
            None => None,
        };
        let user = user.filter(|it| self.has_password(it));
        let kept = user.as_ref().map_or_else(|| NOBODY.to_owned(), |it| it.password.clone());
        let is_right = self.is_right(kept, password).await?;
        match user.filter(|_| is_right) {
            Some(user) => Ok(Some(self.enter(user, device).await?)),
            None => Ok(None),
        }
    }

    async fn enter(&self, user: PortalUser, device: Device) -> Result<Entered, StoreError> {
        self.enter_vouched(user, device, (true, false)).await
    }

    /// Begins a session under a token that nobody had before, so that none can be fixed by somebody else; whoever has a second
    /// factor shows it first, where it is asked for.
    async fn enter_vouched(
        &self,
        user: PortalUser,
        device: Device,
        (asks_factor, is_vouched): (bool, bool),
    ) -> Result<Entered, StoreError> {
        let whose = (user.publisher.clone(), user.id);
        if asks_factor && self.store.factor(whose.clone()).await?.is_some_and(|it| it.is_confirmed) {
            return Ok(Entered::Half(self.begin_half(&user).await?));
        }
        let (token, session) = new_session(device);
        self.store.begin_session(whose, NewSession { is_vouched, ..session }, self.clock.wall()).await?;
        Ok(Entered::In(token, Box::new(user)))
    }

    /// Who shows this token, unless their session has ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn signed_in(&self, token: &str) -> Result<Option<SignedIn>, StoreError> {
        if !secrets::is_well_formed(CredentialKind::Session, token) {
            return Ok(None);
        }
        let hash = secrets::sha256(token.as_bytes());
        let Some(session) = self.store.session(hash).await? else { return Ok(None) };
        let now = self.clock.wall();
        let is_over = now.since(session.begun_at) >= limits::SESSION_MAX
            || now.since(session.seen_at) >= limits::SESSION_IDLE_MAX;
        let Some(role) = Role::parse(&session.user.role).filter(|_| !is_over) else { return Ok(None) };
        if now.since(session.seen_at) >= limits::SESSION_SEEN_EVERY {
            self.store.see_session(hash, now).await?;
        }
        let user = session.user;
        let actor = Actor { who: Who::User(user.id), role, publisher: user.publisher.clone() };
        let form_token = form_token(token);
        Ok(Some(SignedIn {
            user,
            actor,
            form_token,
            session: hash,
            has_factor: session.has_factor,
            is_vouched: session.is_vouched,
            proved_at: session.proved_at,
            device: Device::parse(&session.device),
            guest: None,
        }))
    }

    /// Signs out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sign_out(&self, token: &str) -> Result<(), StoreError> {
        self.store.end_session(secrets::sha256(token.as_bytes())).await
    }

    async fn hash(&self, password: Secret<String>) -> Result<String, AccountError> {
        self.in_turn(move || {
            let mut random = [0u8; 16];
            fill_random(&mut random);
            let salt = SaltString::encode_b64(&random).expect("16 bytes are a salt");
            let hash = hasher().hash_password(password.expose().as_bytes(), &salt);
            hash.expect("a password within its bound can be hashed").to_string()
        })
        .await
    }

    async fn is_right(&self, kept: String, password: Secret<String>) -> Result<bool, AccountError> {
        self.in_turn(move || {
            let Ok(kept) = PasswordHash::new(&kept) else { return false };
            let bytes = password.expose().as_bytes();
            bytes.len() <= limits::PASSWORD_BYTES_MAX && hasher().verify_password(bytes, &kept).is_ok()
        })
        .await
    }

    /// Runs what takes memory and a processor, a few at a time.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let turn = Arc::clone(&self.hashing).acquire_owned();
        let turn = tokio::time::timeout(limits::PASSWORD_HASH_WAIT, turn).await;
        let turn = turn.map_err(|_| AccountError::Busy)?.expect("the semaphore is never closed");
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        Ok(done.await.expect("hashing does not panic"))
    }
}

/// The token of a session that begins, and what is kept of it.
fn new_session(device: Device) -> (Secret<String>, NewSession) {
    let token = secrets::make_credential(CredentialKind::Session);
    let hash = secrets::sha256(token.expose().as_bytes());
    (token, NewSession { hash, device: device.kept(), is_vouched: false })
}

/// What stands in the forms of whoever has this token.
fn form_token(token: &str) -> String {
    hex::encode(&secrets::short_hash(&[b"form", token.as_bytes()]))
}

/// What somebody does to their own account, as it is told.
fn deed(it: &SignedIn, action: &str, now: Timestamp) -> Arc<Deed> {
    Deed::new(Entry {
        publisher: it.user.publisher.as_ref().map_or_else(String::new, PublisherId::to_string),
        number: 0,
        at: now,
        who: it.actor.who.to_string(),
        role: it.actor.role.as_str().to_owned(),
        action: action.to_owned(),
        subject: it.user.id.to_string(),
        detail: String::new(),
    })
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(limits::PASSWORD_HASH_KIB, limits::PASSWORD_HASH_PASSES, 1, None);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.expect("our own figures are allowed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_is_a_hash_of_the_same_cost() {
        let kept = PasswordHash::new(NOBODY).unwrap();
        let params = Params::try_from(&kept).unwrap();
        assert_eq!(
            (params.m_cost(), params.t_cost()),
            (limits::PASSWORD_HASH_KIB, limits::PASSWORD_HASH_PASSES)
        );
        assert!(hasher().verify_password(b"", &kept).is_err());
    }
}
