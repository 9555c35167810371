//! Signing in with an account at a provider: sending somebody there, and what becomes of them when they come back.
//!
//! A browser keeps one token for the way; state, nonce and verifier are hashes of it, so that nothing more is kept anywhere, and
//! the store's row of it, which ends with the way back, makes it count once.

use super::{AccountError, Accounts, Entered, SignedIn, email};
use crate::access::{Role, Who};
use crate::secrets::{self, CredentialKind};
use leadwire_connect::egress::Egress;
use leadwire_connect::oidc::{Back, Person, Provider, ProviderSettings, Question, Trouble};
use leadwire_core::audit::Entry;
use leadwire_core::device::Device;
use leadwire_core::hex;
use leadwire_core::id::PublisherId;
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use leadwire_store::StoreError;
use leadwire_store::audit::{Deed, telling};
use leadwire_store::bonds::Bond;
use leadwire_store::errands::Errand;
use leadwire_store::users::PortalUser;
use std::sync::Arc;
use url::Url;

/// By what people sign in.
#[derive(Default)]
pub(super) struct Ways {
    providers: Vec<Provider>,
    /// Operators who keep a password where providers alone sign everybody else in, by their e-mail addresses.
    password_operators: Vec<String>,
}

/// Why nobody was sent, or nobody came in.
#[derive(Debug, thiserror::Error)]
pub enum WayError {
    /// The provider cannot be asked, or is not to be believed.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// The store failed.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl From<StoreError> for WayError {
    fn from(error: StoreError) -> Self {
        Self::Account(AccountError::Store(error))
    }
}

/// Somebody who is sent to a provider.
pub struct Sent {
    /// Where to.
    pub to: Url,
    /// What their browser shows when they come back.
    pub token: Secret<String>,
}

/// What somebody's browser brings back from a provider.
pub struct Returned<'a> {
    /// The provider whose way back it is.
    pub provider: &'a str,
    /// The token of the way.
    pub token: &'a str,
    /// What the provider gave back of what it was given.
    pub state: &'a str,
    /// What a token is given for.
    pub code: &'a str,
    /// Why the provider sent them back without one; empty: it did not.
    pub error: &'a str,
    /// Who says so.
    pub issuer: Option<&'a str>,
    /// Where the provider was told to send them.
    pub redirect: &'a str,
    /// On what they come.
    pub device: Device,
    /// Who is signed in there already.
    pub here: Option<&'a SignedIn>,
}

/// What became of somebody who came back.
pub enum Came {
    /// They are signed in, or half; then on to this page.
    In(Entered, String),
    /// They have shown again who they are.
    Known,
    /// It took too long, or is not the way that was begun here.
    Over,
    /// The provider let them go without signing them in.
    Cancelled,
    /// No user has their e-mail address.
    Nobody,
    /// The provider does not say that the address is theirs.
    Unverified,
    /// The address is of a domain that is not taken.
    Elsewhere,
    /// The user with their address signs in by another account, or somebody else is to be known again.
    Another,
}

impl Accounts {
    /// The same, with these providers, whom this client asks, and these operators who keep a password where providers alone sign
    /// people in.
    #[must_use]
    pub fn with_ways(self, all: (&[ProviderSettings], &[String]), egress: &Egress) -> Self {
        let providers = all.0.iter().map(|it| Provider::new(it.clone(), egress)).collect();
        Self { ways: Ways { providers, password_operators: all.1.to_vec() }, ..self }
    }

    /// The providers that people sign in by.
    pub fn providers(&self) -> impl Iterator<Item = &ProviderSettings> {
        self.ways.providers.iter().map(Provider::settings)
    }

    /// Whether providers alone sign people in, but for some operators.
    pub fn is_by_providers_alone(&self) -> bool {
        self.providers().any(|it| it.only)
    }

    /// Whether somebody may have a password. The first of all has no address yet, and nobody else could let them in.
    pub fn may_have_password(&self, user: &PortalUser) -> bool {
        let is_kept = user.email.is_empty() || self.ways.password_operators.contains(&user.email);
        !self.is_by_providers_alone() || user.role == Role::Operator.as_str() && is_kept
    }

    /// Whether somebody signs in with a password.
    pub fn has_password(&self, user: &PortalUser) -> bool {
        !user.password.is_empty() && self.may_have_password(user)
    }

    /// The account by which somebody signs in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bond(&self, it: &SignedIn) -> Result<Option<Bond>, StoreError> {
        self.store.bond(it.whose()).await
    }

    fn provider(&self, name: &str) -> Option<&Provider> {
        self.ways.providers.iter().find(|it| it.settings().name == name)
    }

    /// Sends somebody to a provider, who wants to go on to `next`; with a session, to show again who they are. None: there is no
    /// such provider.
    ///
    /// # Errors
    /// [`WayError`].
    pub async fn send(
        &self,
        name: &str,
        redirect: &str,
        (next, session): (String, Option<[u8; 32]>),
    ) -> Result<Option<Sent>, WayError> {
        let Some(provider) = self.provider(name) else { return Ok(None) };
        let now = self.clock.wall();
        let token = secrets::make_credential(CredentialKind::Errand);
        let secrets = Derived::of(token.expose());
        let question = secrets.question(redirect, now, session.is_some());
        // Asked first: of a provider that cannot be asked nothing is kept.
        let to = provider.address(&question, now).await?;
        let (hash, provider) = (crate::secrets::sha256(token.expose().as_bytes()), name.to_owned());
        self.store.begin_errand(Errand { hash, provider, next, session, begun_at: now }).await?;
        Ok(Some(Sent { to, token }))
    }

    /// Takes somebody who comes back from a provider in. `asks_factor` says of whom a second factor is asked wherever they sign in.
    ///
    /// # Errors
    /// [`WayError`].
    pub async fn come_back(
        &self,
        it: &Returned<'_>,
        asks_factor: impl Fn(&PortalUser) -> bool,
    ) -> Result<Came, WayError> {
        let Some(provider) = self.provider(it.provider) else { return Ok(Came::Over) };
        if !secrets::is_well_formed(CredentialKind::Errand, it.token) {
            return Ok(Came::Over);
        }
        let secrets = Derived::of(it.token);
        // What another site sends here does not end the way that was begun.
        if !crate::secrets::is_same_hash(it.state.as_bytes(), secrets.state.as_bytes()) {
            return Ok(Came::Over);
        }
        let now = self.clock.wall();
        let hash = crate::secrets::sha256(it.token.as_bytes());
        let errand = self.store.end_errand(hash, now).await?.filter(|errand| errand.provider == it.provider);
        let Some(errand) = errand else { return Ok(Came::Over) };
        if !it.error.is_empty() || it.code.is_empty() {
            return Ok(Came::Cancelled);
        }
        let question = secrets.question(it.redirect, errand.begun_at, errand.session.is_some());
        let back = Back { code: it.code, issuer: it.issuer };
        let person = provider.person(&back, &question, now).await?;
        match (errand.session, it.here) {
            (None, _) => {
                self.take_in(provider.settings(), person, (errand.next, it.device), asks_factor).await
            }
            (Some(session), Some(here)) if here.session == session => {
                Ok(self.know_again(here, &person, now).await?)
            }
            (Some(_), _) => Ok(Came::Over),
        }
    }

    async fn know_again(&self, here: &SignedIn, person: &Person, now: Timestamp) -> Result<Came, StoreError> {
        let bond = self.store.bond(here.whose()).await?;
        if !bond.is_some_and(|it| it.issuer == person.issuer && it.subject == person.subject) {
            return Ok(Came::Another);
        }
        self.store.prove_session(here.session, now).await?;
        Ok(Came::Known)
    }

    async fn take_in(
        &self,
        settings: &ProviderSettings,
        person: Person,
        (next, device): (String, Device),
        asks_factor: impl Fn(&PortalUser) -> bool,
    ) -> Result<Came, WayError> {
        let address = email(&person.email);
        let domain = address.as_ref().and_then(|it| it.rsplit_once('@')).map(|it| it.1.to_owned());
        let is_elsewhere =
            domain.is_some_and(|it| !settings.domains.is_empty() && !settings.domains.contains(&it));
        if is_elsewhere {
            return Ok(Came::Elsewhere);
        }
        let account = (person.issuer.clone(), person.subject.clone());
        let user = match self.store.user_of_account(account).await? {
            Some(user) => user,
            None => match self.find(settings, &person, address).await? {
                Ok(user) => user,
                Err(came) => return Ok(came),
            },
        };
        // What is asked of everybody, and the provider did not ask, is asked here.
        let asks = !person.has_factor && asks_factor(&user);
        Ok(Came::In(self.enter_vouched(user, device, (asks, person.has_factor)).await?, next))
    }

    /// The user whose address somebody has who was never here, and whose account it becomes.
    async fn find(
        &self,
        settings: &ProviderSettings,
        person: &Person,
        address: Option<String>,
    ) -> Result<Result<PortalUser, Came>, StoreError> {
        let Some(address) = address else { return Ok(Err(Came::Nobody)) };
        if !person.is_email_verified && !settings.trust_email {
            return Ok(Err(Came::Unverified));
        }
        let Some(user) = self.store.user_by_email(address.clone()).await? else {
            return Ok(Err(Came::Nobody));
        };
        let bound_at = self.clock.wall();
        let bond = Bond { issuer: person.issuer.clone(), subject: person.subject.clone(), bound_at };
        let deed = Deed::new(Entry {
            publisher: user.publisher.as_ref().map_or_else(String::new, PublisherId::to_string),
            number: 0,
            at: self.clock.steady(),
            who: Who::User(user.id).to_string(),
            role: user.role.clone(),
            action: "account.bind".to_owned(),
            subject: user.id.to_string(),
            detail: settings.name.clone(),
        });
        let done = self.store.bind((user.publisher.clone(), user.id), address, bond);
        match telling(Arc::clone(&deed), done).await? {
            true => Ok(Ok(user)),
            false => Ok(Err(Came::Another)),
        }
    }
}

/// What is made of the token of a way.
struct Derived {
    state: String,
    nonce: String,
    verifier: String,
}

impl Derived {
    fn of(token: &str) -> Self {
        let one = |name: &str| hex::encode(&secrets::sha256(format!("{name} {token}").as_bytes()));
        Self { state: one("state"), nonce: one("nonce"), verifier: one("verifier") }
    }

    fn question<'a>(&'a self, redirect: &'a str, asked_at: Timestamp, again: bool) -> Question<'a> {
        let (state, nonce, verifier) = (&self.state, &self.nonce, &self.verifier);
        Question { redirect, state, nonce, verifier, asked_at, again }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_to_the_provider_tells_nothing_of_the_rest() {
        let (one, other) = (Derived::of("lw_way_a"), Derived::of("lw_way_b"));
        let all = [&one.state, &one.nonce, &one.verifier, &other.state, &other.nonce, &other.verifier];
        let different: std::collections::BTreeSet<_> = all.into_iter().collect();
        assert_eq!(different.len(), 6);
        // RFC 7636, 4.1: 43 to 128 characters.
        assert!((43..=128).contains(&one.verifier.len()));
    }
}
