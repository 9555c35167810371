//! When somebody is told of trouble, when again, and when not: pure decisions about notices.

use crate::limits;
use crate::time::Timestamp;
use std::time::Duration;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// The destination was paused by a fault; its leads wait.
    Paused,
    /// It works again.
    Resumed,
    /// A look at it without a lead found it would not take one.
    CheckFailed,
    /// Such a look found that it would again.
    CheckPassed,
    /// A credential ends soon.
    EndsSoon,
    /// Nothing arrives at the destination, which is not paused: its leads are tried again and again.
    Failing,
    /// Leads arrive there again.
    Delivering,
    /// More leads wait for a person.
    Parked,
    /// No touchpoint came for longer than usual.
    Silent,
    /// One came again.
    Heard,
    /// The disk fills up.
    DiskLow,
    /// The disk is so full that leads are turned away.
    DiskFull,
    /// The disk has space again.
    DiskFine,
    /// Something the service does by itself failed.
    JobFailed,
    /// It went well again.
    JobPassed,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Paused,
        Self::Resumed,
        Self::CheckFailed,
        Self::CheckPassed,
        Self::EndsSoon,
        Self::Failing,
        Self::Delivering,
        Self::Parked,
        Self::Silent,
        Self::Heard,
        Self::DiskLow,
        Self::DiskFull,
        Self::DiskFine,
        Self::JobFailed,
        Self::JobPassed,
    ];

    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::CheckFailed => "check_failed",
            Self::CheckPassed => "check_passed",
            Self::EndsSoon => "ends_soon",
            Self::Failing => "failing",
            Self::Delivering => "delivering",
            Self::Parked => "parked",
            Self::Silent => "silent",
            Self::Heard => "heard",
            Self::DiskLow => "disk_low",
            Self::DiskFull => "disk_full",
            Self::DiskFine => "disk_fine",
            Self::JobFailed => "job_failed",
            Self::JobPassed => "job_passed",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// The name of what happened, as receivers get it.
    pub fn event(self) -> String {
        let noun = match self {
            Self::Silent | Self::Heard => "offer",
            Self::DiskLow | Self::DiskFull | Self::DiskFine | Self::JobFailed | Self::JobPassed => "service",
            Self::Paused
            | Self::Resumed
            | Self::CheckFailed
            | Self::CheckPassed
            | Self::EndsSoon
            | Self::Failing
            | Self::Delivering
            | Self::Parked => "destination",
        };
        format!("{noun}.{}", self.as_str())
    }

    /// The troubles that are over once this is said: good news ends what it answers, and worse news what it contains.
    pub fn ends(self) -> &'static [Self] {
        match self {
            Self::Paused => &[Self::Failing],
            Self::Resumed => &[Self::Paused, Self::Failing],
            Self::CheckPassed => &[Self::CheckFailed],
            Self::Delivering => &[Self::Failing],
            Self::Heard => &[Self::Silent],
            Self::DiskLow => &[Self::DiskFull],
            Self::DiskFull => &[Self::DiskLow],
            Self::DiskFine => &[Self::DiskLow, Self::DiskFull],
            Self::JobPassed => &[Self::JobFailed],
            Self::CheckFailed
            | Self::EndsSoon
            | Self::Failing
            | Self::Parked
            | Self::Silent
            | Self::JobFailed => &[],
        }
    }

    /// Whether it is good news: it ends a trouble and begins none.
    pub fn is_good(self) -> bool {
        matches!(
            self,
            Self::Resumed
                | Self::CheckPassed
                | Self::Delivering
                | Self::Heard
                | Self::DiskFine
                | Self::JobPassed
        )
    }

    /// Whether it is a trouble that lasts until something ends it.
    pub fn lasts(self) -> bool {
        Self::ALL.into_iter().any(|it| it.ends().contains(&self))
    }
}

/// How long after it was told for the `told`th time (from 1) a trouble that lasts is told again.
pub fn again_after(told: u32) -> Duration {
    match told {
        0 | 1 => limits::NOTICE_AGAIN[0],
        2 => limits::NOTICE_AGAIN[1],
        _ => limits::NOTICE_AGAIN[2],
    }
}

/// When the next message may be made for somebody who was sent `sent`, the newest first: so many in any hour, and no more.
pub fn next_message_at(sent: &[Timestamp], now: Timestamp) -> Timestamp {
    match sent.get(limits::NOTICE_MESSAGES_PER_HOUR - 1) {
        Some(oldest) => now.max(oldest.plus(limits::NOTICE_HOUR)),
        None => now,
    }
}

/// What is known of the tries of a destination since a lead last arrived there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// Tries that failed, of the deliveries that were looked at.
    pub tries: u64,
    /// When the first of these ended.
    pub since: Option<Timestamp>,
}

/// Whether a destination that is not paused is told to be failing: nothing arrives, and not just for a moment.
pub fn is_failing(failures: Failures, now: Timestamp) -> bool {
    let Some(since) = failures.since else { return false };
    let lasted = now.since(since);
    let many = failures.tries >= limits::FAILING_TRIES && lasted >= limits::FAILING_SHORTEST;
    many || (failures.tries > 1 && lasted >= limits::FAILING_FOR)
}

/// What was told of the parked deliveries of a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParkedTold {
    /// The highest mark that was told; 0: none.
    pub mark: u64,
    /// How many there were at the beginning of the hour that is looked at.
    pub seen: u64,
    /// When that hour began.
    pub seen_at: Timestamp,
}

/// What is to be told of the parked deliveries of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkedNews {
    /// They passed a mark: the first one, ten, a hundred, a thousand and so on.
    Passed(u64),
    /// They became so many more within an hour.
    Rose(u64),
}

/// Looks at the number of parked deliveries: what is known from now on, and what is news. A mark is told once, until half of
/// what it stands for is gone; a rise once in an hour.
pub fn parked(told: ParkedTold, count: u64, now: Timestamp) -> (ParkedTold, Option<ParkedNews>) {
    let reached = mark(count);
    let is_new_hour = now.since(told.seen_at) >= limits::NOTICE_HOUR || count < told.seen;
    let mut known = if is_new_hour { ParkedTold { seen: count, seen_at: now, ..told } } else { told };
    if reached > told.mark {
        // What passed a mark has been told; only what comes on top is a rise.
        return (ParkedTold { mark: reached, seen: count, seen_at: now }, Some(ParkedNews::Passed(reached)));
    }
    if count.saturating_mul(2) < told.mark || count == 0 {
        known.mark = reached;
    }
    let rise = count.saturating_sub(told.seen);
    if rise >= limits::PARKED_RISE && now.since(told.seen_at) <= limits::NOTICE_HOUR {
        return (ParkedTold { seen: count, seen_at: now, ..known }, Some(ParkedNews::Rose(rise)));
    }
    (known, None)
}

/// The highest power of ten that is not above a count; 0 for none.
fn mark(count: u64) -> u64 {
    count.checked_ilog10().map_or(0, |it| 10u64.pow(it))
}

/// How a disk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskLevel {
    /// Enough space.
    Fine,
    /// Below the warning mark.
    Low,
    /// Below the reserve: leads are turned away.
    Full,
}

/// How a disk stands, by how it stood: it must have clearly more space than the mark before it is said to be better.
pub fn disk_level(before: DiskLevel, free_bytes: u64, reserve_bytes: u64) -> DiskLevel {
    let warning = reserve_bytes.saturating_mul(limits::DISK_WARNING_RESERVES);
    let clearly_above = |mark: u64| free_bytes >= mark.saturating_add(mark / 4);
    let level = match free_bytes {
        free if free < reserve_bytes => DiskLevel::Full,
        free if free < warning => DiskLevel::Low,
        _ => DiskLevel::Fine,
    };
    match (before, level) {
        (DiskLevel::Full, DiskLevel::Low | DiskLevel::Fine) if !clearly_above(reserve_bytes) => {
            DiskLevel::Full
        }
        (DiskLevel::Full | DiskLevel::Low, DiskLevel::Fine) if !clearly_above(warning) => DiskLevel::Low,
        (DiskLevel::Fine | DiskLevel::Low | DiskLevel::Full, level) => level,
    }
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
