//! Signs people in with their account at a provider: OpenID Connect Core 1.0, the code flow with PKCE (RFC 7636, S256) and no other.
//!
//! What a provider says is judged by pure functions: its document in `document.rs`, its keys and signatures in `keys.rs`, what a
//! token claims in `claims.rs`. Here it is asked, by the one client and within bounds, and what it said is kept for a while.

mod claims;
#[cfg(test)]
mod claims_tests;
mod document;
mod keys;
#[cfg(test)]
mod keys_tests;
mod provider;
#[cfg(test)]
mod provider_tests;

pub use claims::Person;
pub use provider::{Back, Provider, Question};

use leadwire_core::secret::Secret;

/// A provider, as the operator set it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSettings {
    /// What it is called in settings and addresses.
    pub name: String,
    /// What it is called on pages.
    pub title: String,
    /// Its issuer, spelt as its tokens spell it.
    pub issuer: String,
    /// What it knows us by.
    pub client_id: String,
    /// What we show it; none: PKCE alone.
    pub client_secret: Option<Secret<String>>,
    /// The only domains of e-mail addresses that people may come with; empty: any.
    pub domains: Vec<String>,
    /// Its administrators set addresses of these domains, so that they count although it does not say that they were verified.
    pub trust_email: bool,
    /// Whether people sign in by providers alone.
    pub only: bool,
}

/// What to do about a sign-in that came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// The provider cannot be asked now: come again, or sign in otherwise.
    Unreachable,
    /// What is set up here or there does not fit together: the operator mends it.
    Setup,
    /// What came is not to be believed.
    Refused,
}

/// A sign-in that came to nothing. Holds no token, no name and no address of a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({cause})")]
pub struct Trouble {
    /// What to do about it.
    pub kind: TroubleKind,
    /// Stable name, such as `wrong_audience`.
    pub cause: &'static str,
    /// What happened, in one sentence without a full stop.
    pub message: String,
    /// What to do about it; empty when nothing needs doing here.
    pub fix: &'static str,
}

impl Trouble {
    fn refused(cause: &'static str, message: &str) -> Self {
        Self { kind: TroubleKind::Refused, cause, message: message.to_owned(), fix: "" }
    }

    fn setup(cause: &'static str, message: impl Into<String>, fix: &'static str) -> Self {
        Self { kind: TroubleKind::Setup, cause, message: message.into(), fix }
    }

    fn unreachable(cause: &'static str, message: impl Into<String>, fix: &'static str) -> Self {
        Self { kind: TroubleKind::Unreachable, cause, message: message.into(), fix }
    }
}
