//! Letters to users with the link by which they choose a password: sent behind the request that wished for them, until a mail
//! server took them or nothing more can be done.
//!
//! They go through the e-mail destinations that somebody named for telling them of trouble: the publisher's, else the operator's.

mod words;

pub(crate) use words::Why;

use crate::accounts;
use crate::clock::{Clock, jitter};
use crate::directory::{Directory, Outlet};
use crate::secrets::{self, CredentialKind};
use futures_util::{FutureExt, StreamExt};
use leadwire_connect::Moment;
use leadwire_connect::letter::Letter as Sheet;
use leadwire_core::id::{PublisherId, UserId};
use leadwire_core::language::Language;
use leadwire_core::limits;
use leadwire_core::outcome::{Fault, Outcome, Tried};
use leadwire_core::retry::{self, RetryPolicy};
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use leadwire_store::letters::{Letter, LetterEnd, LetterWish};
use leadwire_store::users::PortalUser;
use leadwire_store::{Store, StoreError};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::{Mutex, Notify, mpsc, watch};

/// Writes to users.
pub struct Letters {
    store: Store,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    public_url: String,
    bell: Notify,
    forgotten: mpsc::Sender<Forgotten>,
    heard: Mutex<mpsc::Receiver<Forgotten>>,
    rounds: watch::Sender<u64>,
}

/// Somebody typed an address and says that they forgot their password. Whether there is such a user nobody has looked.
struct Forgotten {
    email: Secret<String>,
    language: Language,
}

impl Letters {
    /// Puts the parts together; [`Letters::run`] and [`Letters::hear`] start the work. `public_url` is how the world reaches the
    /// portal.
    pub fn new(store: Store, directory: Arc<Directory>, clock: Arc<dyn Clock>, public_url: String) -> Self {
        let (forgotten, heard) = mpsc::channel(limits::FORGOTTEN_WAITING);
        let (bell, rounds) = (Notify::new(), watch::Sender::new(0));
        Self { store, directory, clock, public_url, bell, forgotten, heard: Mutex::new(heard), rounds }
    }

    /// Counts the rounds that were made; for whoever waits for one.
    pub fn rounds(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    /// Asks for a round at once.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Whether anybody's mail server would take a letter to a user of this publisher, or of the operator.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn can_send(&self, publisher: Option<&PublisherId>) -> Result<bool, StoreError> {
        Ok(!self.ways(publisher).await?.is_empty())
    }

    /// Wishes for a letter to a user, in their language, or in the one that is given while they have chosen none. False: there is
    /// no such user.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn wish(&self, user: &PortalUser, language: Language) -> Result<bool, StoreError> {
        let why = if user.password.is_empty() { Why::Invitation } else { Why::Password };
        let wish = LetterWish {
            publisher: user.publisher.clone(),
            user: user.id,
            kind: why.as_str().to_owned(),
            language: Language::parse(&user.language).unwrap_or(language).code().to_owned(),
            now: self.clock.steady(),
        };
        let is_made = self.store.ask_letter(wish).await?;
        self.ring();
        Ok(is_made)
    }

    /// Somebody forgot their password. What comes of it is not known here, and takes no time: the answer is the same for an
    /// address that nobody has. With too many such wishes under way this one is forgotten.
    pub(crate) fn forgot(&self, email: String, language: Language) {
        let forgotten = Forgotten { email: Secret::new(email), language };
        if self.forgotten.try_send(forgotten).is_err() {
            tracing::warn!("Too many people forgot their passwords at once; one was not written to.");
        }
    }

    /// Looks who it was that forgot their password, again and again, until dropped. Whoever was not looked for by then asks again.
    pub async fn hear(&self) {
        let mut heard = self.heard.lock().await;
        while let Some(it) = heard.recv().await {
            if let Err(error) = self.look_up(&it).await {
                tracing::warn!(%error, "Somebody who forgot their password could not be written to. They may ask again.");
            }
        }
        // The sender is kept beside it: there is no end.
        std::future::pending().await
    }

    async fn look_up(&self, it: &Forgotten) -> Result<(), StoreError> {
        let Some(email) = accounts::email(it.email.expose()) else { return Ok(()) };
        match self.store.user_by_email(email).await? {
            Some(user) => self.wish(&user, it.language).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Sends what is due, again and again, until dropped. Dropping it in the middle loses nothing: the letter is sent anew, with
    /// another link.
    pub async fn run(&self) {
        loop {
            let latest = self.clock.steady().plus(limits::WATCH_EVERY);
            let next = match self.round().await {
                Ok(due) => due.map_or(latest, |it| it.min(latest)),
                Err(error) => {
                    tracing::warn!(%error, "Letters to users could not be sent. It is tried again at the next round.");
                    latest
                }
            };
            self.rounds.send_modify(|it| *it += 1);
            tokio::select! {
                // Cancel-safe: both only wait.
                () = self.clock.wait_until(next) => {}
                () = self.bell.notified() => {}
            }
        }
    }

    /// Tries every letter that is due, and says when the next one is.
    async fn round(&self) -> Result<Option<Timestamp>, StoreError> {
        let now = self.clock.steady();
        let waiting = self.store.waiting_letters(limits::LETTERS_PER_ROUND).await?;
        let soonest = waiting.iter().map(|it| it.due_at).filter(|it| *it > now).min();
        let due = waiting.into_iter().filter(|it| it.due_at <= now).map(|it| self.send(it));
        let mut sending = futures_util::stream::iter(due).buffer_unordered(limits::NOTICES_AT_ONCE);
        let mut next = soonest;
        while let Some(again) = sending.next().await {
            next = next.into_iter().chain(again?).min();
        }
        Ok(next)
    }

    /// Tries one letter; says when it is due again, if it is.
    async fn send(&self, letter: Letter) -> Result<Option<Timestamp>, StoreError> {
        let until = self.clock.steady().plus(limits::LETTER_TAKEN);
        let why = if letter.kind == Why::Password.as_str() { Why::Password } else { Why::Invitation };
        let token = secrets::make_credential(CredentialKind::UserLink);
        let hash = secrets::sha256(token.expose().as_bytes());
        let link_ends_at = self.clock.wall().plus(kept(why));
        let taken = self.store.take_letter(letter.clone(), until, (hash, link_ends_at)).await?;
        let Some(user) = taken else { return Ok(None) };
        let link = format!("{}/first/{}", self.public_url, token.expose());
        let sheet = self.sheet((&letter, &user), (why, &link, link_ends_at));
        let end = self.through_any(&letter, &sheet).await?;
        let again = match &end {
            LetterEnd::Again(at, _) => Some(*at),
            LetterEnd::Sent | LetterEnd::Failed(_) => None,
        };
        if let LetterEnd::Again(_, [cause, ..]) | LetterEnd::Failed([cause, ..]) = &end {
            tracing::warn!(user = %letter.user, cause, "A letter to a user could not be sent.");
        }
        self.store.end_letter(letter, until, (end, self.clock.steady())).await?;
        Ok(again)
    }

    fn sheet(
        &self,
        (letter, user): (&Letter, &PortalUser),
        (why, link, link_ends_at): (Why, &str, Timestamp),
    ) -> Sheet {
        let language = Language::parse(&letter.language).unwrap_or_default();
        let setup = self.directory.now();
        let whose = user.publisher.as_ref();
        let title = setup.setup.publishers.iter().find(|it| Some(&it.id) == whose);
        let name = if user.name.is_empty() { &user.email } else { &user.name };
        let publisher = title.map_or("", |it| &it.title);
        let about = words::About { why, name, publisher, link, link_ends_at };
        let (subject, text) = words::of(language, &about);
        // The words differ with each try, and so does the link: no receiver may drop one for a repetition of the other.
        let id = letter_id(letter.user, letter.asked_at, letter.attempts);
        Sheet { id, at: letter.asked_at, to: user.email.clone(), subject, text, language }
    }

    /// Tries one way after the other.
    async fn through_any(&self, letter: &Letter, sheet: &Sheet) -> Result<LetterEnd, StoreError> {
        let mut end = LetterEnd::Failed(
            [
                "no_mail",
                "nobody is named whose mail server could send it",
                "name an e-mail destination under alerts, and send it again",
            ]
            .map(str::to_owned),
        );
        for (publisher, outlet) in self.ways(letter.publisher.as_ref()).await? {
            let tried = self.through(&outlet, sheet).await;
            outlet.count_aside(&self.store, &publisher, &*self.clock).await;
            let why = [tried.evidence.cause, tried.evidence.message, tried.evidence.fix];
            end = match tried.outcome {
                Outcome::Done(_) => return Ok(LetterEnd::Sent),
                Outcome::NotDone(Fault::Park | Fault::Withhold) => LetterEnd::Failed(why),
                Outcome::NotDone(_) | Outcome::Unknown => {
                    let tries = letter.attempts.saturating_add(1);
                    if tries >= limits::LETTER_TRIES_MAX {
                        LetterEnd::Failed(why)
                    } else {
                        let delay = retry::delay(&RetryPolicy::default(), tries, None, jitter());
                        LetterEnd::Again(self.clock.steady().plus(delay), why)
                    }
                }
            };
        }
        Ok(end)
    }

    async fn through(&self, outlet: &Outlet, sheet: &Sheet) -> Tried {
        let Ok(connector) = &outlet.connector else {
            return failed("unusable", "its settings cannot be used");
        };
        let moment = Moment { now: self.clock.wall() };
        let writing = AssertUnwindSafe(connector.write_to(sheet, moment, &outlet.egress)).catch_unwind();
        match tokio::time::timeout(limits::ATTEMPT_WAIT, writing).await {
            Ok(Ok(Some(tried))) => tried,
            Ok(Ok(None)) => failed("no_letters", "this kind of destination writes to nobody by name"),
            Ok(Err(_)) => failed("panicked", "the connector failed in an unexpected way"),
            Err(_) => failed("timed_out", "the mail server did not answer in time"),
        }
    }

    /// The ways to write to a user of a publisher, or of the operator: what is named for their alerts and can, in its order.
    async fn ways(
        &self,
        publisher: Option<&PublisherId>,
    ) -> Result<Vec<(PublisherId, Arc<Outlet>)>, StoreError> {
        let mut lanes = match publisher {
            Some(publisher) => self.store.notice_receivers(Some(publisher.clone())).await?,
            None => Vec::new(),
        };
        lanes.extend(self.store.notice_receivers(None).await?);
        let setup = self.directory.now();
        let mut ways: Vec<(PublisherId, Arc<Outlet>)> = Vec::new();
        for lane in lanes {
            let Some(outlet) = setup.outlet(&lane) else { continue };
            if outlet.connector.as_ref().is_ok_and(|it| it.writes_letters()) {
                ways.push((lane.publisher, Arc::clone(outlet)));
            }
        }
        Ok(ways)
    }
}

/// How long the link of a letter works: who forgot a password sits before the page and waits.
fn kept(why: Why) -> std::time::Duration {
    match why {
        Why::Invitation => limits::USER_LINK_KEPT,
        Why::Password => limits::FORGOTTEN_LINK_KEPT,
    }
}

fn letter_id(user: UserId, asked_at: Timestamp, attempts: u32) -> String {
    format!("ltr_{user}_{}_{attempts}", asked_at.millis())
}

fn failed(cause: &str, message: &str) -> Tried {
    let evidence = leadwire_core::outcome::Evidence {
        cause: cause.to_owned(),
        message: message.to_owned(),
        fix: "look at the e-mail destination that is named under alerts".to_owned(),
        ..Default::default()
    };
    Tried { outcome: Outcome::Unknown, evidence }
}
