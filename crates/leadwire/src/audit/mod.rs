//! The audit log in the program: marks under what is signed, the service's own look at its store, and daily statements.

pub mod name;
mod shape;
mod statement;

pub use shape::{PlacesOfDay, StatementOfDay};
pub use statement::read_day;

use crate::clock::Clock;
use crate::directory::{self, Directory};
use crate::telemetry::Metrics;
use crate::vault::Vault;
use leadwire_core::audit::Entry;
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::limits;
use leadwire_core::notice::NoticeKind;
use leadwire_core::time::Timestamp;
use leadwire_store::audit::{Checkpoint, Deed};
use leadwire_store::notices::Said;
use leadwire_store::setup::Setup;
use leadwire_store::statements::Statement;
use leadwire_store::verify::{Bodies, Cursor, Findings, IsSigned, Marked, Scope};
use leadwire_store::{Store, StoreError};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::{Mutex, watch};

/// Looks at the store while the service runs, signs its audit log and makes statements.
pub struct Auditor {
    store: Store,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    looking: Mutex<Looking>,
    rounds: watch::Sender<u64>,
}

/// How far the look is.
#[derive(Default)]
struct Looking {
    cursor: Cursor,
    findings: Findings,
    told: u64,
}

impl Auditor {
    /// Puts the parts together.
    pub fn new(
        store: Store,
        directory: Arc<Directory>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (looking, rounds) = (Mutex::default(), watch::channel(0).0);
        Self { store, directory, clock, metrics, looking, rounds }
    }

    /// Counts the rounds that were made; for whoever waits for one.
    pub fn rounds(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    /// Works again and again, until dropped. Dropping it in the middle leaves the rest for the next round.
    pub async fn run(&self) {
        loop {
            self.clock.wait_until(self.clock.steady().plus(limits::VERIFY_EVERY)).await;
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "The audit could not go on. It is tried again at the next round.");
            }
            self.rounds.send_modify(|it| *it += 1);
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        let now = self.clock.steady();
        // A store that cannot be looked at is signed all the same: that shows later what it was.
        let looked = self.look(now).await;
        self.sign_all(now).await?;
        self.make_statements(now).await?;
        looked
    }

    /// Looks at some pages, and goes on behind them the next time. What is wrong is told when it is found, and counts until
    /// a whole look has found less.
    async fn look(&self, now: Timestamp) -> Result<(), StoreError> {
        let vault = Some(Arc::clone(self.directory.vault()));
        let scope = scope(&self.directory.now().setup, vault, Bodies::Left, now);
        let mut looking = self.looking.lock().await;
        for _ in 0..limits::VERIFY_PAGES_PER_ROUND {
            let page =
                self.store.verify_page(scope.clone(), looking.cursor.clone(), looking.findings.clone());
            let (findings, next) = page.await?;
            looking.findings = findings;
            let is_news = looking.findings.violations() > looking.told;
            self.tell(&mut looking);
            if is_news {
                self.store.note_job(went(NoticeKind::JobFailed, looking.told), now).await?;
            }
            if let Some(next) = next {
                looking.cursor = next;
                continue;
            }
            self.metrics.note_audit(looking.findings.violations(), self.clock.wall());
            if looking.findings.violations() == 0 {
                self.store.note_job(went(NoticeKind::JobPassed, 0), now).await?;
            }
            *looking = Looking::default();
            break;
        }
        Ok(())
    }

    fn tell(&self, looking: &mut Looking) {
        let violations = looking.findings.violations();
        if violations > looking.told {
            let first = looking.findings.shown.iter().rev().find(|it| !it.check.is_warning());
            let (check, of) = first
                .map_or(("", String::new()), |it| (it.check.as_str(), format!("{} {}", it.publisher, it.of)));
            tracing::error!(
                violations,
                check,
                of,
                "The store is not as it must be. Run `leadwire audit verify`, keep the data folder as it is, and report it."
            );
            self.metrics.raise_audit_violations(violations);
            looking.told = violations;
        }
    }

    /// Signs the chains of which nothing was signed on this day yet.
    async fn sign_all(&self, now: Timestamp) -> Result<(), StoreError> {
        let setup = self.directory.now();
        let own = std::iter::once(String::new());
        for publisher in own.chain(setup.setup.publishers.iter().map(|it| it.id.to_string())) {
            let last = self.store.last_checkpoint(publisher.clone()).await?;
            let is_due = last.is_none_or(|it| statement::beginning(it.at) < statement::beginning(now));
            if is_due {
                self.sign(publisher).await?;
            }
        }
        Ok(())
    }

    /// Signs a chain up to its newest entry; the empty text is the operator's. None: it is empty.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sign(&self, publisher: String) -> Result<Option<Checkpoint>, StoreError> {
        let vault = Arc::clone(self.directory.vault());
        self.store.sign_audit(publisher, self.clock.steady(), move |it| stamp(&vault, it)).await
    }
}

/// How the look at the store went, for the operator.
fn went(kind: NoticeKind, violations: u64) -> Said {
    let is_failed = kind == NoticeKind::JobFailed;
    let (message, fix) = match is_failed {
        true => (
            format!("the store is not as it must be: {violations} violations were found"),
            "run `leadwire audit verify`, keep the data folder as it is, and report it",
        ),
        false => ("a whole look at the store found nothing wrong any more".to_owned(), ""),
    };
    let cause = if is_failed { "violations" } else { "" }.to_owned();
    Said { kind, about: "the look at the store".to_owned(), cause, message, fix: fix.to_owned() }
}

/// What the mark of a checkpoint is for.
const CHECKPOINT: &str = "audit checkpoint";

/// The mark under a checkpoint.
pub fn stamp(vault: &Vault, it: &Checkpoint) -> Vec<u8> {
    vault.stamp(CHECKPOINT, &parts(it).each_ref().map(Vec::as_slice)).to_vec()
}

/// Whether this installation made a checkpoint's mark.
pub fn is_signed(vault: &Vault, it: &Checkpoint) -> bool {
    vault.is_stamp(CHECKPOINT, &parts(it).each_ref().map(Vec::as_slice), &it.mark)
}

fn parts(it: &Checkpoint) -> [Vec<u8>; 4] {
    let at = it.at.millis().to_le_bytes().to_vec();
    [it.publisher.clone().into_bytes(), it.number.to_le_bytes().to_vec(), at, it.hash.to_vec()]
}

/// What the mark of a statement is for.
const STATEMENT: &str = "statement";

fn stamp_statement(vault: &Vault, it: &Statement) -> Vec<u8> {
    vault.stamp(STATEMENT, &statement_parts(it)).to_vec()
}

/// Whether this installation made a statement's mark.
pub fn is_own_statement(vault: &Vault, it: &Statement) -> bool {
    vault.is_stamp(STATEMENT, &statement_parts(it), &it.mark)
}

fn statement_parts(it: &Statement) -> [&[u8]; 3] {
    [it.publisher.as_bytes(), it.day.as_bytes(), it.body.as_bytes()]
}

/// What a look at the store must know beside it.
pub fn scope(setup: &Setup, vault: Option<Arc<Vault>>, bodies: Bodies, now: Timestamp) -> Scope {
    let is_signed = vault.map(|vault| {
        let is_signed: IsSigned = Arc::new(move |it| match it {
            Marked::Checkpoint(it) => is_signed(&vault, it),
            Marked::Statement(it) => is_own_statement(&vault, it),
        });
        is_signed
    });
    Scope { now, bodies, holding: Arc::new(holding(setup)), known: Arc::default(), is_signed }
}

/// Destinations that want to hear nothing of customers who must not be contacted.
fn holding(setup: &Setup) -> BTreeSet<(PublisherId, DestinationNo)> {
    let all = setup.destinations.iter().filter(|it| directory::holds_refused(&it.settings));
    all.map(|it| (it.publisher.clone(), it.number)).collect()
}

/// What the service does without being asked.
pub fn by_service(publisher: &str, action: &str, subject: &str, at: Timestamp) -> Arc<Deed> {
    Deed::new(Entry {
        publisher: publisher.to_owned(),
        number: 0,
        at,
        who: "service".to_owned(),
        role: String::new(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: String::new(),
    })
}
