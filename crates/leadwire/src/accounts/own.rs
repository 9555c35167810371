//! What people change about their own account: their name, their password, and where they are signed in.

use super::{AccountError, Accounts, SignedIn, deed, new_session};
use leadwire_core::limits;
use leadwire_core::secret::Secret;
use leadwire_store::StoreError;
use leadwire_store::audit::telling;
use leadwire_store::sessions::Place;

impl Accounts {
    /// Whether this is somebody's password: asked again before what would help a thief of their session.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn knows_password(
        &self,
        it: &SignedIn,
        password: Secret<String>,
    ) -> Result<bool, AccountError> {
        self.is_right(it.user.password.clone(), password).await
    }

    /// Changes a name and a language.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn describe(&self, it: &SignedIn, name: String, language: String) -> Result<bool, StoreError> {
        let done = self.store.describe_user(it.whose(), (name, language));
        telling(deed(it, "account.update", self.clock.steady()), done).await
    }

    /// Puts a new password in the place of the one that was just asked for. Every session ends, and one begins under a new
    /// token. None: the password was changed by somebody else meanwhile.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn change_password(
        &self,
        it: &SignedIn,
        password: Secret<String>,
    ) -> Result<Option<Secret<String>>, AccountError> {
        let password = self.hash(password).await?;
        let (token, session) = new_session(it.device);
        let session = (session, self.clock.wall());
        let done = self.store.change_password(it.whose(), (it.user.password.clone(), password), session);
        let is_done = telling(deed(it, "account.password", self.clock.steady()), done).await?;
        Ok(is_done.then_some(token))
    }

    /// Where somebody is signed in and has not been forgotten, the place they were last seen at first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn places(&self, it: &SignedIn) -> Result<Vec<Place>, StoreError> {
        let now = self.clock.wall();
        let mut all = self.store.places(it.whose()).await?;
        all.retain(|it| {
            now.since(it.begun_at) < limits::SESSION_MAX && now.since(it.seen_at) < limits::SESSION_IDLE_MAX
        });
        Ok(all)
    }

    /// Signs somebody out at one of the places where they are signed in. False: they are not (any more).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sign_out_there(&self, it: &SignedIn, place: [u8; 32]) -> Result<bool, StoreError> {
        let done = self.store.end_place(it.whose(), place);
        telling(deed(it, "account.sign_out_there", self.clock.steady()), done).await
    }

    /// Signs somebody out everywhere but here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sign_out_others(&self, it: &SignedIn) -> Result<usize, StoreError> {
        let done = self.store.end_other_sessions(it.whose(), it.session);
        telling(deed(it, "account.sign_out_others", self.clock.steady()), done).await
    }
}
