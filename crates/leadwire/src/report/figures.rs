//! Figures that take long to count: shown at once as they were a while ago, with the moment, and counted anew behind the page.
//!
//! What is counted quickly is never kept, so that whoever looks sees what is. Kept in memory only: after a restart the first who
//! looks waits.

use super::{Reports, Stretch};
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use leadwire_core::report::{By, Report};
use leadwire_core::time::Timestamp;
use leadwire_store::StoreError;
use leadwire_store::ledger::Ledger;
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
    at_once_max: u64,
}

/// A figure, and when it was counted if that was not now.
pub type Lately<T> = (Arc<T>, Option<Timestamp>);

impl Figures {
    pub(super) fn new(at_once_max: u64) -> Self {
        Self { kept: Mutex::default(), asked: Mutex::default(), bell: Notify::new(), at_once_max }
    }

    fn find(&self, figure: &Figure) -> Option<Kept> {
        self.kept.lock().expect("figures are only copied").iter().find(|it| it.figure == *figure).cloned()
    }

    fn keep(&self, kept: Kept) {
        let mut all = self.kept.lock().expect("figures are only copied");
        all.retain(|it| it.figure != kept.figure);
        if kept.counted.rows() > self.at_once_max {
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
    /// A publisher's ledger, as it is or as it was a while ago.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledger_lately(&self, publisher: PublisherId) -> Result<Lately<Ledger>, StoreError> {
        match self.lately(Figure::Ledger(publisher)).await? {
            (Counted::Ledger(it), at) => Ok((it, at)),
            (Counted::Report(_), _) => Err(StoreError::Wrong("a ledger was counted as a report".to_owned())),
        }
    }

    /// A report of the last days, as it is or as it was a while ago.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn made_lately(&self, publisher: PublisherId, by: By) -> Result<Lately<Report>, StoreError> {
        let stretch = Stretch { publisher, by, from: None, to: None };
        match self.lately(Figure::Report(stretch)).await? {
            (Counted::Report(it), at) => Ok((it, at)),
            (Counted::Ledger(_), _) => Err(StoreError::Wrong("a report was counted as a ledger".to_owned())),
        }
    }

    /// A report as it is, where few rows are in it, or as it was a while ago. None: it is being counted, and is there for whoever
    /// looks again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn made_soon(&self, stretch: Stretch) -> Result<Option<Lately<Report>>, StoreError> {
        let figure = Figure::Report(stretch.clone());
        if let Some(Kept { counted: Counted::Report(report), at, .. }) = self.figures.find(&figure) {
            if !Counted::Report(Arc::clone(&report)).is_fresh(at, self.clock.steady()) {
                self.figures.ask(figure);
            }
            return Ok(Some((report, Some(at))));
        }
        if self.figures.is_asked(&figure) {
            return Ok(None);
        }
        let small = self.add_up(&stretch.at(self.clock.steady()), self.figures.at_once_max).await?;
        if small.is_none() {
            self.figures.ask(figure);
        }
        Ok(small.map(|it| (Arc::new(it), None)))
    }

    async fn lately(&self, figure: Figure) -> Result<(Counted, Option<Timestamp>), StoreError> {
        if let Some(kept) = self.figures.find(&figure) {
            if !kept.counted.is_fresh(kept.at, self.clock.steady()) {
                self.figures.ask(figure);
            }
            return Ok((kept.counted, Some(kept.at)));
        }
        Ok((self.count(figure).await?, None))
    }

    async fn count(&self, figure: Figure) -> Result<Counted, StoreError> {
        let at = self.clock.steady();
        let counted = match &figure {
            Figure::Ledger(publisher) => {
                Counted::Ledger(Arc::new(self.store.ledger(publisher.clone()).await?))
            }
            Figure::Report(stretch) => Counted::Report(Arc::new(self.make(&stretch.at(at)).await?)),
        };
        self.figures.keep(Kept { figure, counted: counted.clone(), at });
        Ok(counted)
    }

    /// Counts anew what is asked for and was counted a while ago, one after the other, until it is dropped.
    pub async fn run(&self) {
        loop {
            self.figures.bell.notified().await;
            loop {
                let next = self.figures.asked.lock().expect("figures are only copied").first().cloned();
                let Some(figure) = next else { break };
                if let Err(error) = self.count(figure.clone()).await {
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
