//! How requests are signed in: by an account key, a shared access signature, or a token of Entra ID.

use super::account::Credential;
use super::request::Pass;
use crate::egress::Egress;
use crate::token::Age;
use leadwire_core::outcome::Tried;
use leadwire_core::time::Timestamp;
use std::sync::atomic::AtomicU32;

pub(super) enum SignIn {
    Account(Credential),
}

/// What the requests of one attempt show.
pub(super) struct Signed<'a> {
    pub(super) pass: Pass<'a>,
    pub(super) age: Option<Age>,
}

impl SignIn {
    #[expect(clippy::unused_async, reason = "tokens of Entra ID are fetched here")]
    pub(super) async fn signed(
        &self,
        _now: Timestamp,
        _egress: &Egress,
        _calls: &AtomicU32,
    ) -> Result<Signed<'_>, Box<Tried>> {
        match self {
            Self::Account(Credential::Key(key)) => Ok(Signed { pass: Pass::Key(key), age: None }),
            Self::Account(Credential::Sas(sas)) => Ok(Signed { pass: Pass::Sas(sas), age: None }),
        }
    }

    #[expect(clippy::unused_async, reason = "tokens of Entra ID are forgotten here")]
    pub(super) async fn forget(&self, _age: Age) {}

    /// What is shown without asking anybody, for a preview.
    pub(super) fn pass(&self) -> Pass<'_> {
        match self {
            Self::Account(Credential::Key(key)) => Pass::Key(key),
            Self::Account(Credential::Sas(sas)) => Pass::Sas(sas),
        }
    }

    /// The signature, if that is what signs in.
    pub(super) fn sas(&self) -> Option<&super::sas::Sas> {
        match self {
            Self::Account(Credential::Sas(sas)) => Some(sas),
            Self::Account(Credential::Key(_)) => None,
        }
    }

    pub(super) fn may_read(&self) -> bool {
        self.sas().is_none_or(|it| it.may('r'))
    }

    pub(super) fn may_update(&self) -> bool {
        self.sas().is_none_or(|it| it.may('u'))
    }
}
