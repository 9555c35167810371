//! Showing again who one is, before what would help a thief of a session: the last time counts for a while.

use super::{AccountError, Accounts, SignedIn};
use leadwire_core::limits;
use leadwire_core::secret::Secret;

/// What somebody shows again of themselves.
pub enum Shown {
    /// Their password.
    Password(Secret<String>),
    /// A code of their phone, or a recovery code.
    Code(Secret<String>),
}

impl Accounts {
    /// Whether somebody showed who they are a short while ago.
    pub fn is_known(&self, it: &SignedIn) -> bool {
        self.clock.wall().since(it.proved_at) < limits::PROOF_KEPT
    }

    /// Takes what somebody shows again of themselves. False: it is wrong, or was used before.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn show_again(&self, it: &SignedIn, shown: Shown) -> Result<bool, AccountError> {
        let now = self.clock.wall();
        match shown {
            Shown::Password(password) => {
                if !self.has_password(&it.user) || !self.knows_password(it, password).await? {
                    return Ok(false);
                }
                self.store.prove_session(it.session, now).await?;
                Ok(true)
            }
            Shown::Code(code) => {
                let proof = self.proof_of(&it.user, code.expose()).await?;
                Ok(self.store.prove_by_code(it.whose(), proof, (it.session, now)).await?)
            }
        }
    }
}
