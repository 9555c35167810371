//! Reports: what came, what it became and how long that took, added up touchpoint by touchpoint in rows by a key.

use crate::feedback::{Fate, FeedbackKind};
use crate::limits::{REPORT_KEY_BYTES_MAX, REPORT_ROWS_MAX};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;

/// Which question a report answers: the key of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Which offer.
    Offer,
    /// Where the customer acted.
    Source,
    /// What the customer did.
    Action,
    /// Which campaign brought the customer.
    Campaign,
    /// Where it was brought.
    Destination,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Offer, Self::Source, Self::Action, Self::Campaign, Self::Destination];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Source => "source",
            Self::Action => "action",
            Self::Campaign => "campaign",
            Self::Destination => "destination",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the destination since this moment.
    Delivered(Timestamp),
    /// Owed.
    Waiting,
    /// Waits for a person.
    Parked,
    /// Must not be sent, since the customer must not be contacted.
    HeldBack,
    /// Must not be sent for another reason.
    Suppressed,
    /// Its person was erased.
    Erased,
}

/// What is known of one touchpoint.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// When it came.
    pub received_at: Timestamp,
    /// Where its deliveries are.
    pub places: &'a [Place],
    /// The lead that began with it; none when it joined one that was there.
    pub lead: Option<NewLead>,
}

/// A lead, told of with its first touchpoint.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewLead {
    /// Whether any of its touchpoints arrived.
    pub is_delivered: bool,
    /// What became of it.
    pub fate: Fate,
}

/// A row's numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Touchpoints that came.
    pub touchpoints: u64,
    /// Leads that began with one of them.
    pub leads: u64,
    /// Touchpoints that joined a lead that was there.
    pub folded: u64,
    /// Of the leads, those of which some touchpoint arrived.
    pub leads_delivered: u64,
    /// Of the leads, those that sales took up; converted ones count here too, and ones lost after that.
    pub qualified: u64,
    /// Of the leads, those that became business.
    pub converted: u64,
    /// Of the leads, those that sales does not take up.
    pub disqualified: u64,
    /// Of the leads, those that did not become business.
    pub lost: u64,
    /// Deliveries that arrived.
    pub delivered: u64,
    /// Deliveries that are owed.
    pub waiting: u64,
    /// Deliveries that wait for a person.
    pub parked: u64,
    /// Deliveries that must not be sent.
    pub suppressed: u64,
    /// Of these, those held back since the customer must not be contacted.
    pub held_back: u64,
    /// Deliveries whose person was erased.
    pub erased: u64,
    /// How long touchpoints took to the first destination that has them.
    pub took: Times,
}

impl Counts {
    fn add(&mut self, seen: &Seen<'_>) {
        self.touchpoints += 1;
        match seen.lead {
            None => self.folded += 1,
            Some(lead) => {
                self.leads += 1;
                self.leads_delivered += u64::from(lead.is_delivered);
                self.qualified += u64::from(lead.fate.is_qualified());
                self.converted += u64::from(lead.fate.is(FeedbackKind::Converted));
                self.disqualified += u64::from(lead.fate.is(FeedbackKind::Disqualified));
                self.lost += u64::from(lead.fate.is(FeedbackKind::Lost));
            }
        }
        let mut first = None;
        for place in seen.places {
            match place {
                Place::Delivered(at) => {
                    self.delivered += 1;
                    first = Some(first.map_or(*at, |it: Timestamp| it.min(*at)));
                }
                Place::Waiting => self.waiting += 1,
                Place::Parked => self.parked += 1,
                Place::HeldBack => {
                    (self.suppressed, self.held_back) = (self.suppressed + 1, self.held_back + 1)
                }
                Place::Suppressed => self.suppressed += 1,
                Place::Erased => self.erased += 1,
            }
        }
        if let Some(at) = first {
            self.took.add(at.since(seen.received_at));
        }
    }
}

/// A report under way.
#[derive(Clone, Debug, Default)]
pub struct Report {
    rows: BTreeMap<Box<str>, Counts>,
    other: Counts,
    total: Counts,
}

impl Report {
    /// Counts a touchpoint in the row of a key. The first keys that come get rows, the rest are one.
    pub fn add(&mut self, key: &str, seen: &Seen<'_>) {
        let key = &key[..key.floor_char_boundary(REPORT_KEY_BYTES_MAX)];
        if let Some(row) = self.rows.get_mut(key) {
            row.add(seen);
        } else if self.rows.len() < REPORT_ROWS_MAX {
            self.rows.entry(key.into()).or_default().add(seen);
        } else {
            self.other.add(seen);
        }
    }

    /// Counts a touchpoint in the sum of all.
    pub fn add_to_total(&mut self, seen: &Seen<'_>) {
        self.total.add(seen);
    }

    /// The rows, most touchpoints first.
    pub fn rows(&self) -> Vec<(&str, &Counts)> {
        let mut rows: Vec<_> = self.rows.iter().map(|(key, counts)| (&**key, counts)).collect();
        rows.sort_by_key(|it| std::cmp::Reverse(it.1.touchpoints));
        rows
    }

    /// What was in no row of its own; none when everything was.
    pub fn other(&self) -> Option<&Counts> {
        Some(&self.other).filter(|it| it.touchpoints > 0)
    }

    /// The sum of all.
    pub fn total(&self) -> &Counts {
        &self.total
    }
}

/// How long things took, as counts by length: no list of them is kept, however many there are.
///
/// Lengths below 64 ms are exact; longer ones count as the longest of their class, whose width is a 32nd of its length
/// at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    classes: BTreeMap<u16, u64>,
    count: u64,
}

/// Classes for each doubling, as a power of two.
const CLASS_BITS: u32 = 5;

impl Times {
    /// Counts one.
    pub fn add(&mut self, took: Duration) {
        *self.classes.entry(class_of(took)).or_default() += 1;
        self.count += 1;
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The time within which so many percent of them were done; none when there are none.
    pub fn percentile(&self, percent: u32) -> Option<Duration> {
        let rank = (u128::from(self.count) * u128::from(percent)).div_ceil(100).max(1);
        let mut passed = 0u128;
        let class = self.classes.iter().find(|(_, count)| {
            passed += u128::from(**count);
            passed >= rank
        });
        class.map(|(class, _)| longest_of(*class))
    }
}

fn class_of(took: Duration) -> u16 {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).min(u64::MAX >> 1);
    let doublings = (u64::BITS - millis.leading_zeros()).saturating_sub(CLASS_BITS + 1);
    let within = millis >> doublings;
    u16::try_from((u64::from(doublings) << CLASS_BITS) + within).expect("a few thousand classes")
}

fn longest_of(class: u16) -> Duration {
    let class = u64::from(class);
    let doublings = (class >> CLASS_BITS).saturating_sub(1);
    let within = class - (doublings << CLASS_BITS);
    Duration::from_millis(((within + 1) << doublings) - 1)
}
