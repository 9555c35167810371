//! Second factors: how somebody sets one up, and how a sign-in that is half done is finished with a code.

use super::{Accounts, SignedIn, deed, new_session};
use crate::clock::fill_random;
use crate::secrets::{self, CredentialKind};
use leadwire_core::device::Device;
use leadwire_core::limits;
use leadwire_core::secret::Secret;
use leadwire_core::totp;
use leadwire_store::StoreError;
use leadwire_store::audit::telling;
use leadwire_store::factors::Factor;
use leadwire_store::halves::{Passed, Proof};
use leadwire_store::users::PortalUser;
use zeroize::Zeroizing;

/// A secret that waits to be confirmed, as its owner brings it into an app.
pub struct Proposal {
    /// What the picture says.
    pub address: Secret<String>,
    /// What is typed where no picture can be taken.
    pub key: Secret<String>,
}

/// What came of a code for a sign-in.
pub enum Finished {
    /// The session's token, and who signed in.
    In(Secret<String>, Box<PortalUser>),
    /// Wrong, or used before.
    Wrong,
    /// It took too long, or too many codes: the password is asked for again.
    Over,
}

/// What came of a first code.
pub enum Confirmed {
    /// It is set up; the recovery codes, which are shown once.
    Yes(Vec<Secret<String>>),
    /// The code is not that of the secret that was shown.
    Wrong,
    /// Nothing waits to be confirmed.
    Nothing,
}

impl Accounts {
    /// Whose sign-in waits for a code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting(&self, half: &str) -> Result<Option<PortalUser>, StoreError> {
        if !secrets::is_well_formed(CredentialKind::HalfSession, half) {
            return Ok(None);
        }
        self.store.half(secrets::sha256(half.as_bytes()), self.clock.wall()).await
    }

    /// Keeps that the password was right; the token is shown when the code comes.
    pub(super) async fn begin_half(&self, user: &PortalUser) -> Result<Secret<String>, StoreError> {
        let token = secrets::make_credential(CredentialKind::HalfSession);
        let now = self.clock.wall();
        let half = (secrets::sha256(token.expose().as_bytes()), now.plus(limits::HALF_SESSION_KEPT));
        self.store.begin_half((user.publisher.clone(), user.id), half, now).await?;
        Ok(token)
    }

    /// Finishes a sign-in with a code of the phone or a recovery code. Each counts once, however many come with it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish(&self, half: &str, typed: &str, device: Device) -> Result<Finished, StoreError> {
        let Some(user) = self.waiting(half).await? else { return Ok(Finished::Over) };
        let proof = self.proof_of(&user, typed).await?;
        let (token, session) = new_session(device);
        let half = secrets::sha256(half.as_bytes());
        match self.store.pass_half(half, proof, (session, self.clock.wall())).await? {
            Passed::In(user) => Ok(Finished::In(token, Box::new(user))),
            Passed::Over => Ok(Finished::Over),
            Passed::Wrong => {
                // Whoever gets here knows the password: its owner slipped, or should choose another one.
                tracing::warn!(user = %user.id, "A wrong code came after the right password.");
                Ok(Finished::Wrong)
            }
        }
    }

    /// What somebody shows with a code of their phone or a recovery code.
    pub(super) async fn proof_of(&self, user: &PortalUser, typed: &str) -> Result<Proof, StoreError> {
        match totp::read_code(typed) {
            Some(code) => Ok(Proof::Steps(self.steps_with(user, &code).await?)),
            None => Ok(Proof::Recovery(recovery_hash(typed))),
        }
    }

    async fn steps_with(&self, user: &PortalUser, code: &str) -> Result<Vec<i64>, StoreError> {
        let kept = self.store.factor((user.publisher.clone(), user.id)).await?;
        let Some(factor) = kept.filter(|it| it.is_confirmed) else { return Ok(Vec::new()) };
        Ok(self.open(&factor).map_or_else(Vec::new, |it| totp::steps_with(&it, code, self.clock.wall())))
    }

    fn open(&self, factor: &Factor) -> Option<Zeroizing<Vec<u8>>> {
        let opened = self.vault.open_factor(factor);
        if opened.is_none() {
            tracing::warn!(
                user = %factor.user, master_key = factor.master_key,
                "A second factor does not open. Put its master key back, or take the factor off its user, who sets up another."
            );
        }
        opened
    }

    /// Makes a secret that its owner is to confirm. None: they have a second factor already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn propose_factor(&self, it: &SignedIn) -> Result<Option<Proposal>, StoreError> {
        let mut secret = Zeroizing::new([0; totp::SECRET_BYTES]);
        fill_random(&mut *secret);
        let factor = self.vault.seal_factor(it.user.publisher.as_ref(), it.user.id, &*secret);
        let is_kept = self.store.propose_factor(factor, self.clock.wall()).await?;
        Ok(is_kept.then(|| proposal(&it.user, &*secret)))
    }

    /// The secret that waits to be confirmed, for showing it again after a wrong code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn proposal(&self, it: &SignedIn) -> Result<Option<Proposal>, StoreError> {
        let kept = self.store.factor(it.whose()).await?.filter(|it| !it.is_confirmed);
        Ok(kept.and_then(|factor| self.open(&factor)).map(|secret| proposal(&it.user, &secret)))
    }

    /// Confirms the secret that waits with a code of it. Whoever was signed in elsewhere is not any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn confirm_factor(&self, it: &SignedIn, typed: &str) -> Result<Confirmed, StoreError> {
        let Some(factor) = self.store.factor(it.whose()).await?.filter(|it| !it.is_confirmed) else {
            return Ok(Confirmed::Nothing);
        };
        let Some(secret) = self.open(&factor) else { return Ok(Confirmed::Nothing) };
        let now = self.clock.wall();
        let steps = totp::read_code(typed).map_or_else(Vec::new, |it| totp::steps_with(&secret, &it, now));
        // The code that confirms is used up by that.
        let Some(step) = steps.last() else { return Ok(Confirmed::Wrong) };
        let (codes, hashes) = new_recovery_codes();
        let done = self.store.confirm_factor(factor, *step, hashes, (it.session, now));
        let is_done = telling(deed(it, "account.second_factor", self.clock.steady()), done).await?;
        Ok(if is_done { Confirmed::Yes(codes) } else { Confirmed::Nothing })
    }

    /// New recovery codes in the place of the former. None: there is no second factor.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renew_recovery(&self, it: &SignedIn) -> Result<Option<Vec<Secret<String>>>, StoreError> {
        let (codes, hashes) = new_recovery_codes();
        let done = self.store.renew_recovery(it.whose(), hashes);
        let is_done = telling(deed(it, "account.recovery_codes", self.clock.steady()), done).await?;
        Ok(is_done.then_some(codes))
    }

    /// How many recovery codes somebody has left.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recovery_left(&self, it: &SignedIn) -> Result<usize, StoreError> {
        self.store.recovery_left(it.whose()).await
    }

    /// Takes somebody's own second factor away.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_factor(&self, it: &SignedIn) -> Result<bool, StoreError> {
        let done = self.store.remove_factor(it.whose());
        telling(deed(it, "account.second_factor.remove", self.clock.steady()), done).await
    }
}

fn proposal(user: &PortalUser, secret: &[u8]) -> Proposal {
    let key = totp::base32(secret);
    let groups: Vec<&str> = (0..key.len()).step_by(4).map(|it| &key[it..key.len().min(it + 4)]).collect();
    Proposal {
        address: Secret::new(totp::address("Leadwire", &user.email, secret)),
        key: Secret::new(groups.join(" ")),
    }
}

/// Codes to keep on paper, and what is kept of them.
fn new_recovery_codes() -> (Vec<Secret<String>>, Vec<[u8; 32]>) {
    let code = |_| {
        let mut random = Zeroizing::new([0u8; limits::RECOVERY_CODE_BYTES]);
        fill_random(&mut *random);
        let text = totp::base32(&*random).to_lowercase();
        let groups: Vec<&str> = (0..text.len()).step_by(4).map(|it| &text[it..it + 4]).collect();
        Secret::new(groups.join("-"))
    };
    let codes: Vec<Secret<String>> = (0..limits::RECOVERY_CODES).map(code).collect();
    let hashes = codes.iter().map(|it| recovery_hash(it.expose())).collect();
    (codes, hashes)
}

/// What is kept of a recovery code: the hash of its letters and digits, however they were typed.
fn recovery_hash(typed: &str) -> [u8; 32] {
    let plain = typed.chars().filter(char::is_ascii_alphanumeric).take(limits::PASSWORD_BYTES_MAX);
    let plain: String = plain.map(|it| it.to_ascii_lowercase()).collect();
    secrets::sha256(format!("recovery {plain}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed_and_each_is_another() {
        let (codes, hashes) = new_recovery_codes();
        assert_eq!((codes.len(), codes[0].expose().len()), (limits::RECOVERY_CODES, 29));
        let typed = format!(" {} ", codes[0].expose().replace('-', " ").to_uppercase());
        assert_eq!(recovery_hash(&typed), hashes[0]);
        let different: std::collections::BTreeSet<_> = hashes.iter().collect();
        assert_eq!(different.len(), limits::RECOVERY_CODES);
        assert_ne!(recovery_hash(""), hashes[0]);
    }
}
