//! Telling the operator that the disk fills up, that leads are turned away for it, and that there is space again.

use super::Watch;
use leadwire_core::notice::{DiskLevel, NoticeKind, disk_level};
use leadwire_core::time::Timestamp;
use leadwire_store::StoreError;
use leadwire_store::notices::{Said, Whose};

const MIB: u64 = 1024 * 1024;

pub(super) async fn look(watch: &Watch, now: Timestamp) -> Result<(), StoreError> {
    let (free, reserve) = (watch.disk.free_bytes(), watch.disk.reserve_bytes());
    // What was told is what was found: it survives a restart with the notice.
    let mut before = DiskLevel::Fine;
    for (kind, level) in [(NoticeKind::DiskLow, DiskLevel::Low), (NoticeKind::DiskFull, DiskLevel::Full)] {
        if !watch.store.standing_notices(Whose::OPERATOR, kind).await?.is_empty() {
            before = level;
        }
    }
    let level = disk_level(before, free, reserve);
    if level == before {
        return Ok(());
    }
    watch.store.say(Whose::OPERATOR, said(level, free, reserve), now).await
}

fn said(level: DiskLevel, free: u64, reserve: u64) -> Said {
    let (free, reserve) = (free / MIB, reserve / MIB);
    let (kind, cause, message, fix) = match level {
        DiskLevel::Fine => {
            (NoticeKind::DiskFine, "", format!("{free} MiB are free on the disk of the data folder"), "")
        }
        DiskLevel::Low => (
            NoticeKind::DiskLow,
            "disk_low",
            format!(
                "{free} MiB are free on the disk of the data folder; below {reserve} MiB leads are turned away"
            ),
            "free some space, or move the data folder to a larger disk; leads go on meanwhile",
        ),
        DiskLevel::Full => (
            NoticeKind::DiskFull,
            "disk_full",
            format!("{free} MiB are free on the disk of the data folder, and new leads are answered 503"),
            "free some space now: senders that do not come again lose their leads; what was accepted is safe",
        ),
    };
    let (cause, fix) = (cause.to_owned(), fix.to_owned());
    Said { kind, about: "disk".to_owned(), cause, message, fix }
}
