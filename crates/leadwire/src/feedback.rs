//! Reading back what became of leads: asks destinations that can tell, page by page, and writes down what is new.
//!
//! It runs beside the lanes and never in their place: a destination that cannot be read takes its leads as before.

use crate::clock::{Clock, Ids, jitter};
use crate::directory::{Directory, Outlet};
use crate::telemetry::Metrics;
use futures_util::{FutureExt, StreamExt};
use leadwire_connect::feedback::{Asked, Change, Changes, Position, Whose as Told};
use leadwire_connect::{Connector, Moment};
use leadwire_core::id::FeedbackId;
use leadwire_core::lane::Gate;
use leadwire_core::notice::NoticeKind;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::retry::{self, RetryPolicy};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Touchpoint;
use leadwire_core::{identity, limits};
use leadwire_store::feedback_readings::{FeedbackReading, ReadFailure, ReadStep, ReadWord, Whose};
use leadwire_store::lanes::LaneKey;
use leadwire_store::notices::Said;
use leadwire_store::{Store, StoreError};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// What reading needs.
pub struct FeedbackReader {
    store: Store,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    ids: Arc<Ids>,
    metrics: Arc<Metrics>,
    /// Rings when a notice was made.
    news: Arc<Notify>,
    rounds: watch::Sender<u64>,
}

/// A destination that is to be read now.
struct Task<'a> {
    lane: LaneKey,
    outlet: Arc<Outlet>,
    every: Duration,
    reader: &'a FeedbackReader,
}

impl FeedbackReader {
    /// Puts the parts together; [`FeedbackReader::run`] starts the work.
    pub fn new(
        store: Store,
        directory: Arc<Directory>,
        (clock, ids): (Arc<dyn Clock>, Arc<Ids>),
        (metrics, news): (Arc<Metrics>, Arc<Notify>),
    ) -> Self {
        Self { store, directory, clock, ids, metrics, news, rounds: watch::Sender::new(0) }
    }

    /// Counts the rounds that were made; for whoever waits for one.
    pub fn rounds(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    /// Reads again and again, until dropped. Dropping it in the middle loses nothing: what was not written down is asked
    /// for again.
    pub async fn run(&self) {
        loop {
            let next = self.clock.steady().plus(limits::FEEDBACK_LOOK_EVERY);
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "What became of leads could not be read. It is tried again at the next round.");
            }
            self.rounds.send_modify(|it| *it += 1);
            self.clock.wait_until(next).await;
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        let setup = self.directory.now();
        let tasks = setup.lanes().filter_map(|lane| {
            let outlet = Arc::clone(setup.outlet(lane)?);
            let every = outlet.connector.as_ref().ok()?.feedback_every()?;
            Some(Task { lane: lane.clone(), outlet, every, reader: self })
        });
        // One that is slow or broken holds up no other.
        let works = tasks.map(Task::work).collect::<Vec<_>>();
        let mut works = futures_util::stream::iter(works).buffer_unordered(limits::FEEDBACK_AT_ONCE);
        let mut first = Ok(());
        while let Some(worked) = works.next().await {
            first = first.and(worked);
        }
        first
    }

    fn word(&self, it: Change, now: Timestamp) -> ReadWord {
        let whose = match it.whose {
            Told::Lead(lead) => Whose::Lead(lead),
            Told::Customer(customer) => {
                // By the rule by which touchpoints fold into leads, from what Leadwire wrote there.
                let touchpoint = Touchpoint { customer: *customer, ..Touchpoint::default() };
                identity::of(&touchpoint).key().map_or(Whose::Nobody, Whose::Customer)
            }
        };
        let id = FeedbackId::new(self.ids.next(now));
        ReadWord { id, whose, record: it.record, at: it.at, kind: it.kind, reason: it.reason }
    }
}

impl Task<'_> {
    async fn work(self) -> Result<(), StoreError> {
        let Ok(connector) = &self.outlet.connector else { return Ok(()) };
        let (store, now) = (&self.reader.store, self.reader.clock.steady());
        let kept = match store.feedback_reading(self.lane.clone()).await? {
            Some(kept) => Some(kept),
            None => {
                let from = i64::try_from(limits::FEEDBACK_FROM.as_millis()).expect("days");
                let from = Timestamp::from_millis(self.reader.clock.wall().millis().saturating_sub(from));
                let position = Position::at(from).to_text();
                store.begin_feedback_reading(self.lane.clone(), position, now).await?;
                store.feedback_reading(self.lane.clone()).await?
            }
        };
        let Some(mut kept) = kept.filter(|it| is_due(it, self.every, now)) else { return Ok(()) };
        // What is wrong with a paused lane is known, and somebody is told.
        if store.gate(self.lane.clone()).await? != Gate::Open {
            return Ok(());
        }
        for page in 1..=limits::FEEDBACK_PAGES {
            let Some(position) = Position::parse(&kept.position) else {
                let message = "how far it was read cannot be made out from the store";
                return self.fail(&kept, *trouble("position_unreadable", message)).await;
            };
            let changes = match self.ask(&**connector, &position).await {
                Ok(changes) => changes,
                Err(tried) => return self.fail(&kept, *tried).await,
            };
            let (is_end, to) = (changes.is_end, changes.position.to_text());
            let is_last = is_end || page == limits::FEEDBACK_PAGES;
            if !self.note(&kept, changes).await? || is_last {
                return Ok(());
            }
            kept = FeedbackReading { position: to, failures: 0, ..kept };
        }
        Ok(())
    }

    /// Asks for a page; once more when the token was refused.
    async fn ask(&self, connector: &dyn Connector, position: &Position) -> Asked {
        let mut asked = self.ask_once(connector, position).await;
        if matches!(&asked, Err(tried) if tried.outcome == Outcome::NotDone(Fault::RetryNow)) {
            asked = self.ask_once(connector, position).await;
        }
        let (store, clock) = (&self.reader.store, &*self.reader.clock);
        self.outlet.count_aside(store, &self.lane.publisher, clock).await;
        asked
    }

    async fn ask_once(&self, connector: &dyn Connector, position: &Position) -> Asked {
        let moment = Moment { now: self.reader.clock.wall() };
        let asking =
            AssertUnwindSafe(connector.changes(position, moment, &self.outlet.egress)).catch_unwind();
        match tokio::time::timeout(limits::ATTEMPT_WAIT, asking).await {
            Ok(Ok(Some(Ok(changes)))) if changes.items.len() > limits::FEEDBACK_PAGE_MAX => {
                Err(trouble("page_too_large", "it answered with more than it was asked for"))
            }
            Ok(Ok(Some(asked))) => asked,
            Ok(Ok(None)) => Err(trouble("cannot_tell", "this system does not tell what became of leads")),
            Ok(Err(_)) => Err(trouble("panic", "the connector failed; this is a mistake in Leadwire")),
            Err(_) => Err(trouble("timeout", "it did not answer in time")),
        }
    }

    async fn note(&self, kept: &FeedbackReading, changes: Changes) -> Result<bool, StoreError> {
        let now = self.reader.clock.steady();
        let after = if changes.is_end { self.every } else { limits::FEEDBACK_MORE };
        let was_told = kept.failures >= limits::FEEDBACK_FAILURES_TOLD;
        let step = ReadStep {
            lane: self.lane.clone(),
            before: kept.position.clone(),
            position: changes.position.to_text(),
            words: changes.items.into_iter().map(|it| self.reader.word(it, now)).collect(),
            seen: changes.seen,
            unknown: changes.unknown,
            is_end: changes.is_end,
            due_at: now.plus(after),
            said: was_told.then(|| Said {
                kind: NoticeKind::CheckPassed,
                about: "feedback".to_owned(),
                cause: String::new(),
                message: "what became of leads can be read from it again".to_owned(),
                fix: String::new(),
            }),
            now,
        };
        let noted = self.reader.store.note_feedback_page(step).await?;
        if let Some(counts) = noted {
            self.reader.metrics.count_feedback(self.outlet.kind, counts.noted);
        }
        if was_told {
            self.reader.news.notify_one();
        }
        Ok(noted.is_some())
    }

    async fn fail(&self, kept: &FeedbackReading, tried: Tried) -> Result<(), StoreError> {
        let now = self.reader.clock.steady();
        self.reader.metrics.count_feedback_failure(self.outlet.kind);
        let hint = match tried.outcome {
            Outcome::NotDone(Fault::RetryAfter(hint) | Fault::HoldLane(hint)) => hint,
            Outcome::NotDone(_) | Outcome::Done(_) | Outcome::Unknown => None,
        };
        let failures = kept.failures.saturating_add(1);
        let delay = retry::delay(&RetryPolicy::default(), failures, hint, jitter());
        let Evidence { cause, message, fix, .. } = tried.evidence;
        let (publisher, destination) = (&self.lane.publisher, &self.outlet.name);
        tracing::warn!(%publisher, destination, cause, "What became of leads could not be read. It is tried again.");
        let is_told = failures == limits::FEEDBACK_FAILURES_TOLD;
        let failure = ReadFailure {
            lane: self.lane.clone(),
            said: is_told.then(|| Said {
                kind: NoticeKind::CheckFailed,
                about: "feedback".to_owned(),
                cause: format!("feedback_{cause}"),
                message: format!("what became of leads cannot be read: {message}"),
                fix: format!("{fix}; leads go on meanwhile").trim_start_matches("; ").to_owned(),
            }),
            why: [cause, message, fix],
            due_at: now.plus(delay.max(limits::FEEDBACK_LOOK_EVERY)),
            now,
        };
        self.reader.store.note_feedback_failure(failure).await?;
        if is_told {
            self.reader.news.notify_one();
        }
        Ok(())
    }
}

/// Somebody may have shortened the interval since the next reading was put down.
fn is_due(kept: &FeedbackReading, every: Duration, now: Timestamp) -> bool {
    let is_over = kept.failures == 0 && kept.read_at.is_some_and(|it| now.since(it) >= every);
    kept.due_at <= now || is_over
}

fn trouble(cause: &str, message: &str) -> Box<Tried> {
    let evidence = Evidence { cause: cause.to_owned(), message: message.to_owned(), ..Evidence::default() };
    Box::new(Tried { outcome: Outcome::NotDone(Fault::RetryAfter(None)), evidence })
}
