//! People who come to the portal by a link that an operator's own site made for them: one publisher, one role, no account.

use super::{Accounts, Appearance, SignedIn, form_token};
use crate::access::{Actor, Role, Who};
use crate::clock;
use crate::secrets::{self, CredentialKind};
use leadwire_core::device::Device;
use leadwire_core::id::{PortalLinkId, PublisherId, UserId};
use leadwire_core::language::Language;
use leadwire_core::limits;
use leadwire_core::secret::Secret;
use leadwire_store::StoreError;
use leadwire_store::portal_links::{Guest, PortalLink};
use leadwire_store::users::PortalUser;
use std::time::Duration;

/// What a link is to open.
pub struct Opening {
    /// Whose things are shown.
    pub publisher: PublisherId,
    /// What whoever comes may do.
    pub role: Role,
    /// How long the link works.
    pub kept: Duration,
    /// The colour of the pages; empty: the portal's own.
    pub accent: String,
    /// Their language; none: what the browser asks for.
    pub language: Option<Language>,
}

impl Accounts {
    /// A new link: its token, shown once, and what is kept.
    pub fn new_portal_link(&self, it: Opening) -> (Secret<String>, PortalLink) {
        let token = secrets::make_credential(CredentialKind::PortalLink);
        let made_at = self.clock.wall();
        let link = PortalLink {
            publisher: it.publisher,
            id: PortalLinkId::new(clock::random_bits()),
            hash: secrets::sha256(token.expose().as_bytes()),
            role: it.role.as_str().to_owned(),
            accent: it.accent,
            language: it.language.map_or("", Language::code).to_owned(),
            made_at,
            ends_at: made_at.plus(it.kept),
        };
        (token, link)
    }

    /// Uses a link up: the token of the session that it opens, and who came. None: it was used, has ended, or is not whole.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enter_by_link(&self, token: &str) -> Result<Option<(Secret<String>, Guest)>, StoreError> {
        if !secrets::is_well_formed(CredentialKind::PortalLink, token) {
            return Ok(None);
        }
        let session = secrets::make_credential(CredentialKind::Guest);
        let hash = secrets::sha256(session.expose().as_bytes());
        let used =
            self.store.use_portal_link(secrets::sha256(token.as_bytes()), hash, self.clock.wall()).await?;
        let guest = if used { self.store.guest(hash).await? } else { None };
        Ok(guest.map(|it| (session, it)))
    }

    /// Who shows this token of a guest, unless their session has ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn guest(&self, token: &str) -> Result<Option<SignedIn>, StoreError> {
        if !secrets::is_well_formed(CredentialKind::Guest, token) {
            return Ok(None);
        }
        let session = secrets::sha256(token.as_bytes());
        let Some(guest) = self.store.guest(session).await? else { return Ok(None) };
        let now = self.clock.wall();
        let is_over = now.since(guest.used_at) >= limits::SESSION_MAX
            || now.since(guest.seen_at) >= limits::SESSION_IDLE_MAX;
        let role = Role::parse(&guest.role).filter(|it| matches!(it, Role::Reader | Role::Member));
        let Some(role) = role.filter(|_| !is_over) else { return Ok(None) };
        if now.since(guest.seen_at) >= limits::SESSION_SEEN_EVERY {
            self.store.see_guest(session, now).await?;
        }
        let actor = Actor { who: Who::Guest(guest.link), role, publisher: Some(guest.publisher.clone()) };
        Ok(Some(SignedIn {
            user: nobody(&guest),
            actor,
            form_token: form_token(token),
            session,
            has_factor: false,
            is_vouched: false,
            proved_at: guest.used_at,
            device: Device::parse(""),
            guest: Some(Appearance { accent: guest.accent }),
        }))
    }

    /// Ends a guest's session.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn guest_leaves(&self, token: &str) -> Result<(), StoreError> {
        self.store.end_guest(secrets::sha256(token.as_bytes())).await
    }
}

/// A guest in the place of a user: pages say whose things they see, and nothing leads to an account.
fn nobody(it: &Guest) -> PortalUser {
    PortalUser {
        publisher: Some(it.publisher.clone()),
        id: UserId::new(it.link.bits()),
        email: String::new(),
        name: it.publisher.to_string(),
        role: it.role.clone(),
        password: String::new(),
        link_ends_at: None,
        created_at: it.used_at,
        signed_in_at: None,
        language: it.language.clone(),
    }
}
