//! Making reports: touchpoints of a stretch of time are read page by page and added up, while other reads come between.

mod figures;

use crate::bodies;
use crate::clock::Clock;
use figures::Figures;
pub use figures::Lately;
use leadwire_core::id::{LeadId, PublisherId, TouchpointId};
use leadwire_core::json::Json;
use leadwire_core::limits;
use leadwire_core::report::{By, NewLead, Place, Report, Seen};
use leadwire_core::time::Timestamp;
use leadwire_store::leads::StoredTouchpoint;
use leadwire_store::reports::{Bodies, ReportPage, ReportRange};
use leadwire_store::rows::Channel;
use leadwire_store::{Store, StoreError};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Parameters that name a campaign, the first that is there counts.
const CAMPAIGN: [&str; 2] = ["utm_campaign", "campaign"];

/// What a report is asked for.
#[derive(Clone, Debug)]
pub struct ReportWish {
    /// Whose.
    pub publisher: PublisherId,
    /// The key of the rows.
    pub by: By,
    /// From this moment.
    pub from: Timestamp,
    /// Up to, not including, this one.
    pub to: Timestamp,
}

/// What a report is asked for that ends now unless an end is said, and begins some days before that unless a beginning is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Whose.
    pub publisher: PublisherId,
    /// The key of the rows.
    pub by: By,
    /// From this moment; none: [`limits::REPORT_WINDOW`] before the end.
    pub from: Option<Timestamp>,
    /// Up to, not including, this one; none: now.
    pub to: Option<Timestamp>,
}

impl Stretch {
    /// The same, asked for at a moment.
    pub fn at(&self, now: Timestamp) -> ReportWish {
        let to = self.to.unwrap_or(now);
        let from = self.from.unwrap_or_else(|| to.minus(limits::REPORT_WINDOW));
        ReportWish { publisher: self.publisher.clone(), by: self.by, from, to }
    }
}

/// Makes reports, few at a time.
pub struct Reports {
    store: Store,
    clock: Arc<dyn Clock>,
    turns: Semaphore,
    figures: Figures,
}

impl Reports {
    /// Puts the parts together.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        let turns = Semaphore::new(limits::REPORTS_AT_ONCE);
        Self { store, clock, turns, figures: Figures::new(limits::FIGURES_AT_ONCE_MAX) }
    }

    /// Makes a report. Each page is of one moment, and later pages of later ones: what moves meanwhile counts as it is when
    /// its page is read. Costs grow with the touchpoints in the stretch of time, not with those outside.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn make(&self, wish: &ReportWish) -> Result<Report, StoreError> {
        let _turn = self.turns.acquire().await.map_err(|_| StoreError::Closed)?;
        Ok(self.add_up(wish, u64::MAX).await?.unwrap_or_default())
    }

    /// The same; none when there are more touchpoints than this.
    async fn add_up(&self, wish: &ReportWish, touchpoints_max: u64) -> Result<Option<Report>, StoreError> {
        let mut report = Report::default();
        let mut after = TouchpointId::first_at(wish.from).before();
        loop {
            let page = self.store.report_page(ReportRange {
                publisher: wish.publisher.clone(),
                after,
                last: TouchpointId::first_at(wish.to).before(),
                bodies: if wish.by == By::Campaign { Bodies::Read } else { Bodies::Left },
                limit: limits::REPORT_STEP,
            });
            let page = page.await?;
            for it in page.touchpoints.iter().filter(|it| counts(it)) {
                add(&mut report, wish, &page, it);
            }
            if report.total().touchpoints > touchpoints_max {
                return Ok(None);
            }
            match page.touchpoints.last() {
                Some(it) if page.touchpoints.len() == limits::REPORT_STEP => after = it.id,
                Some(_) | None => return Ok(Some(report)),
            }
        }
    }
}

/// Behind tests and previews stands no customer, and what a person decides is no action of one.
fn counts(it: &StoredTouchpoint) -> bool {
    !it.test && it.channel != Channel::Person
}

fn add(report: &mut Report, wish: &ReportWish, page: &ReportPage, it: &StoredTouchpoint) {
    let places = page.places.get(&it.id).map_or(&[][..], Vec::as_slice);
    let lead = LeadId::new(it.id.bits());
    let fate = page.fates.get(&lead).copied().unwrap_or_default();
    let new_lead = |is_delivered| (it.lead == lead).then_some(NewLead { is_delivered, fate });
    let arrived = page.delivered.get(&lead).map_or(&[][..], Vec::as_slice);
    let all: Vec<Place> = places.iter().map(|it| it.1).collect();
    let seen = Seen { received_at: it.received_at, places: &all, lead: new_lead(!arrived.is_empty()) };
    report.add_to_total(&seen);
    match wish.by {
        By::Offer => {
            let offer = it.offer.as_ref().map(|offer| format!("{}.{offer}", wish.publisher));
            report.add(&offer.unwrap_or_default(), &seen);
        }
        By::Source => report.add(&it.source, &seen),
        By::Action => report.add(&it.action, &seen),
        By::Campaign => report.add(&campaign(&wish.publisher, it), &seen),
        By::Destination => {
            for (destination, place) in places {
                let is_delivered = arrived.contains(destination);
                let places = &[*place];
                report.add(
                    &destination.to_string(),
                    &Seen { received_at: it.received_at, places, lead: new_lead(is_delivered) },
                );
            }
        }
    }
}

fn campaign(publisher: &PublisherId, it: &StoredTouchpoint) -> String {
    let Ok(touchpoint) = bodies::read_back(publisher, it) else { return String::new() };
    let of = |name: &str| touchpoint.campaign.iter().find(|it| it.0.eq_ignore_ascii_case(name));
    match CAMPAIGN.iter().find_map(|it| of(it)) {
        Some((_, Json::Text(text))) => text.trim().to_owned(),
        Some(_) | None => String::new(),
    }
}
