//! Whether an offer has been silent for longer than usual, learned from when its touchpoints came before.
//!
//! Silence is measured in hours that mattered: an hour of the week weighs as much as the share of past weeks in which
//! something came in it. Nights and weekends that were always silent weigh nothing, so they never count as silence.

use crate::limits;
use crate::time::Timestamp;

const HOUR_MILLIS: i64 = 3_600_000;
const WEEK_HOURS: i64 = 7 * 24;

/// The hour a moment lies in, counted from 1970.
pub fn hour_of(at: Timestamp) -> i64 {
    at.millis().div_euclid(HOUR_MILLIS)
}

/// The beginning of an hour.
pub fn beginning(hour: i64) -> Timestamp {
    Timestamp::from_millis(hour.saturating_mul(HOUR_MILLIS))
}

/// What was learned from the past of one way in.
#[derive(Clone, Debug, PartialEq)]
pub struct Usual {
    last: i64,
    weights: Vec<f64>,
    most: f64,
}

/// A silence that is longer than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The last hour in which something came.
    pub last_hour: i64,
    /// For how many hours nothing came, by the clock.
    pub hours: i64,
}

impl Usual {
    /// Learns from the hours in which something came, in order and each once. None: too little is known to say anything.
    pub fn learn(hours: &[i64]) -> Option<Self> {
        let (first, last) = (*hours.first()?, *hours.last()?);
        if hours.len() < limits::SILENCE_HOURS_MIN || last - first < limits::SILENCE_SPAN_HOURS_MIN {
            return None;
        }
        let weights = weights(hours, first, last);
        let mut gaps: Vec<f64> = hours.windows(2).map(|it| weigh(&weights, it[0] + 1, it[1])).collect();
        gaps.sort_by(f64::total_cmp);
        // The longest few are left out: a feed that broke down once must not make the next break-down usual.
        let place = (gaps.len() - 1) * limits::SILENCE_QUANTILE_PERCENT / 100;
        let most = (gaps[place] * limits::SILENCE_FACTOR).max(limits::SILENCE_WEIGHT_MIN);
        Some(Self { last, weights, most })
    }

    /// Whether it is silent for longer than usual. The hour that is under way does not count.
    pub fn silence(&self, now: Timestamp) -> Option<Silence> {
        let hour = hour_of(now);
        let hours = hour - self.last - 1;
        // Past so many hours any way in that mattered in a tenth of the weeks has said enough; the sum has a bound.
        let until = hour.min(self.last.saturating_add(limits::SILENCE_LOOK_HOURS));
        (weigh(&self.weights, self.last + 1, until) > self.most)
            .then_some(Silence { last_hour: self.last, hours })
    }
}

/// For each hour of the week the share of weeks in which something came in it.
fn weights(hours: &[i64], first: i64, last: i64) -> Vec<f64> {
    let mut came = vec![0.0_f64; usize::try_from(WEEK_HOURS).unwrap_or(0)];
    for hour in hours {
        came[place(*hour)] += 1.0;
    }
    let mut weeks = vec![0.0_f64; came.len()];
    (first..=last).for_each(|it| weeks[place(it)] += 1.0);
    came.iter().zip(&weeks).map(|(came, weeks)| if *weeks > 0.0 { came / weeks } else { 0.0 }).collect()
}

/// How much the hours from one up to another weigh.
fn weigh(weights: &[f64], from: i64, until: i64) -> f64 {
    (from..until).map(|it| weights[place(it)]).sum()
}

fn place(hour: i64) -> usize {
    usize::try_from(hour.rem_euclid(WEEK_HOURS)).unwrap_or(0)
}

#[cfg(test)]
#[path = "silence_tests.rs"]
mod tests;
