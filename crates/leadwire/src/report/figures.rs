//! Figures that take long to count: shown at once as they were a while ago, with the moment, and counted anew behind the page.
//!
//! What is counted quickly is never kept, so that whoever looks sees what is. Kept in memory only: after a restart the first who
//! looks is told that it is being counted.

use super::{Reports, Stretch};
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use leadwire_core::report::Report;
use leadwire_core::time::Timestamp;
use leadwire_store::StoreError;
use leadwire_store::ledger::Ledger;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// What is counted.
#[derive(Clone, PartialEq, Eq)]
enum Figure {
    Ledger(PublisherId),
    Report(Stretch),
}

impl Figure {
    /// Whether somebody chose its days: of such there may be any number.
    fn is_chosen(&self) -> bool {
        matches!(self, Self::Report(it) if it.from.is_some() || it.to.is_some())
    }
}

#[derive(Clone)]
enum Counted {
    Ledger(Arc<Ledger>),
    Report(Arc<Report>),
}

#[derive(Clone)]
struct Kept {
    figure: Figure,
    counted: Counted,
    at: Timestamp,
}

/// Figures that were counted, and those that are to be counted anew.
pub(super) struct Figures {
    kept: Mutex<Vec<Kept>>,
    asked: Mutex<Vec<Figure>>,
    bell: Notify,
    /// Most rows that are counted for each who looks.
    at_once_max: AtomicU64,
}

/// A figure, and when it was counted if that was not now.
pub type Lately<T> = (Arc<T>, Option<Timestamp>);

impl Figures {
    pub(super) fn new(at_once_max: u64) -> Self {
        Self {
            kept: Mutex::default(),
            asked: Mutex::default(),
            bell: Notify::new(),
            at_once_max: at_once_max.into(),
        }
    }

    fn find(&self, figure: &Figure) -> Option<Kept> {
        self.kept.lock().expect("figures are only copied").iter().find(|it| it.figure == *figure).cloned()
    }

    fn keep(&self, kept: Kept) {
        let mut all = self.kept.lock().expect("figures are only copied");
        all.retain(|it| it.figure != kept.figure);
        if kept.counted.rows() > self.at_once_max.load(Ordering::Relaxed) {
            let is_chosen = kept.figure.is_chosen();
            let most = if is_chosen { limits::CHOSEN_REPORTS_KEPT_MAX } else { limits::FIGURES_KEPT_MAX };
            let alike = |it: &Kept| it.figure.is_chosen() == is_chosen;
            if all.iter().filter(|it| alike(it)).count() >= most {
                // The one that was counted longest ago.
                let oldest = all.iter().position(alike);
                oldest.map(|at| all.remove(at));
            }
            all.push(kept);
        }
    }

    fn is_asked(&self, figure: &Figure) -> bool {
        self.asked.lock().expect("figures are only copied").contains(figure)
    }

    /// Has it counted. Where too much is asked for already it is not, and whoever looks again asks again.
    fn ask(&self, figure: Figure) {
        let mut asked = self.asked.lock().expect("figures are only copied");
        let most =
            if figure.is_chosen() { limits::CHOSEN_REPORTS_KEPT_MAX } else { limits::FIGURES_KEPT_MAX };
        if !asked.contains(&figure) && asked.len() < most {
            asked.push(figure);
            self.bell.notify_one();
        }
    }
}

impl Counted {
    /// How many rows were counted, roughly.
    fn rows(&self) -> u64 {
        match self {
            Self::Ledger(it) => it.touchpoints + it.accounts.iter().map(|it| it.accepted).sum::<u64>(),
            Self::Report(it) => it.total().touchpoints,
        }
    }

    /// How long it is shown before it is counted anew: some hundred times as long as counting takes a processor.
    fn is_fresh(&self, at: Timestamp, now: Timestamp) -> bool {
        now.since(at)
            <= Duration::from_micros(self.rows().saturating_mul(limits::FIGURE_FRESH_MICROS_PER_ROW))
    }
}

impl Reports {
    /// A publisher's ledger, as it is where few rows are in it, or as it was a while ago. None: it is being counted, and is there
    /// for whoever looks again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledger_lately(&self, publisher: PublisherId) -> Result<Option<Lately<Ledger>>, StoreError> {
        match self.lately(Figure::Ledger(publisher)).await? {
            Some((Counted::Ledger(it), at)) => Ok(Some((it, at))),
            None => Ok(None),
            Some((Counted::Report(_), _)) => {
                Err(StoreError::Wrong("a ledger was counted as a report".to_owned()))
            }
        }
    }

    /// A report in the same way.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn made_lately(&self, stretch: Stretch) -> Result<Option<Lately<Report>>, StoreError> {
        match self.lately(Figure::Report(stretch)).await? {
            Some((Counted::Report(it), at)) => Ok(Some((it, at))),
            None => Ok(None),
            Some((Counted::Ledger(_), _)) => {
                Err(StoreError::Wrong("a report was counted as a ledger".to_owned()))
            }
        }
    }

    /// From now on every figure is counted behind whoever looks, as if each row took long.
    pub fn count_behind(&self) {
        self.figures.at_once_max.store(0, Ordering::Relaxed);
    }

    async fn lately(&self, figure: Figure) -> Result<Option<(Counted, Option<Timestamp>)>, StoreError> {
        let now = self.clock.steady();
        if let Some(kept) = self.figures.find(&figure) {
            if !kept.counted.is_fresh(kept.at, now) {
                self.figures.ask(figure);
            }
            return Ok(Some((kept.counted, Some(kept.at))));
        }
        if self.figures.is_asked(&figure) {
            return Ok(None);
        }
        let few = self.count(&figure, now, Some(self.figures.at_once_max.load(Ordering::Relaxed))).await?;
        match &few {
            Some(counted) => self.figures.keep(Kept { figure, counted: counted.clone(), at: now }),
            None => self.figures.ask(figure),
        }
        Ok(few.map(|it| (it, None)))
    }

    /// Counts a figure as it is at a moment. None: there are more touchpoints in it than `most`.
    async fn count(
        &self,
        figure: &Figure,
        now: Timestamp,
        most: Option<u64>,
    ) -> Result<Option<Counted>, StoreError> {
        match figure {
            Figure::Ledger(publisher) => {
                let is_large = match most {
                    Some(most) => self.store.has_more_touchpoints(publisher.clone(), most).await?,
                    None => false,
                };
                if is_large {
                    return Ok(None);
                }
                let ledger = self.store.ledger(publisher.clone()).await?;
                Ok(Some(Counted::Ledger(Arc::new(ledger))))
            }
            Figure::Report(stretch) => {
                let report = self.add_up(&stretch.at(now), most.unwrap_or(u64::MAX)).await?;
                Ok(report.map(|it| Counted::Report(Arc::new(it))))
            }
        }
    }

    /// Counts a figure that is asked for, in its turn among reports, and keeps it.
    async fn count_behind_the_page(&self, figure: &Figure) -> Result<(), StoreError> {
        let _turn = self.turns.acquire().await.map_err(|_| StoreError::Closed)?;
        let at = self.clock.steady();
        if let Some(counted) = self.count(figure, at, None).await? {
            self.figures.keep(Kept { figure: figure.clone(), counted, at });
        }
        Ok(())
    }

    /// Counts anew what is asked for and was counted a while ago, one after the other, until it is dropped.
    pub async fn run(&self) {
        loop {
            self.figures.bell.notified().await;
            loop {
                let next = self.figures.asked.lock().expect("figures are only copied").first().cloned();
                let Some(figure) = next else { break };
                if let Err(error) = self.count_behind_the_page(&figure).await {
                    tracing::warn!(%error, "A figure could not be counted. It is counted when somebody looks again.");
                }
                self.figures.asked.lock().expect("figures are only copied").retain(|it| *it != figure);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadwire_core::report::By;
    use leadwire_store::ledger::Account;
    use std::collections::BTreeMap;

    fn ledger(accepted: u64) -> Counted {
        let account = Account {
            destination: leadwire_core::id::DestinationNo::new(1),
            name: "crm".to_owned(),
            kind: "https".to_owned(),
            accepted,
            by_state: BTreeMap::new(),
            attempts: 0,
        };
        Counted::Ledger(Arc::new(Ledger { accounts: vec![account], ..Ledger::default() }))
    }

    fn kept(name: &str, rows: u64) -> Kept {
        let publisher = PublisherId::parse(name).expect("a name");
        Kept { figure: Figure::Ledger(publisher), counted: ledger(rows), at: Timestamp::from_millis(0) }
    }

    #[test]
    fn only_what_takes_long_is_kept_and_never_more_than_fits() {
        let figures = Figures::new(100);
        figures.keep(kept("small", 100));
        figures.keep(kept("large", 101));
        assert!(figures.find(&kept("small", 0).figure).is_none());
        assert!(figures.find(&kept("large", 0).figure).is_some());
        figures.keep(kept("large", 7));
        assert!(figures.find(&kept("large", 0).figure).is_none(), "it became small");
        for number in 0..=limits::FIGURES_KEPT_MAX {
            figures.keep(kept(&format!("p{number}"), 1000));
        }
        assert_eq!(figures.kept.lock().unwrap().len(), limits::FIGURES_KEPT_MAX);
        assert!(figures.find(&kept("p0", 0).figure).is_none(), "the oldest went");
    }

    #[test]
    fn reports_of_chosen_days_push_out_no_others() {
        let figures = Figures::new(0);
        figures.keep(kept("contoso", 1));
        for day in 0..=limits::CHOSEN_REPORTS_KEPT_MAX {
            let from = Some(Timestamp::from_millis(i64::try_from(day).expect("few")));
            let publisher = PublisherId::parse("contoso").expect("a name");
            let figure = Figure::Report(Stretch { publisher, by: By::Offer, from, to: None });
            figures.ask(figure.clone());
            figures.keep(Kept { figure, counted: ledger(1), at: Timestamp::from_millis(0) });
        }
        assert_eq!(figures.kept.lock().unwrap().len(), 1 + limits::CHOSEN_REPORTS_KEPT_MAX);
        assert_eq!(figures.asked.lock().unwrap().len(), limits::CHOSEN_REPORTS_KEPT_MAX);
        assert!(figures.find(&kept("contoso", 0).figure).is_some());
    }

    #[test]
    fn what_took_longer_to_count_is_fresh_for_longer() {
        let (at, later) = (Timestamp::from_millis(0), Timestamp::from_millis(2000));
        assert!(!ledger(10_000).is_fresh(at, later));
        assert!(ledger(5_000_000).is_fresh(at, later));
    }

    #[test]
    fn what_is_asked_for_twice_is_counted_once() {
        let figures = Figures::new(0);
        figures.ask(kept("contoso", 1).figure);
        figures.ask(kept("contoso", 1).figure);
        assert_eq!(figures.asked.lock().unwrap().len(), 1);
    }
}
