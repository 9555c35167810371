//! Checks that need no service: the clock, the data folder, and the disk below it.

use super::{Check, output};
use crate::clock::{Clock, Stopwatch};
use crate::server_clock;
use leadwire_core::clocks;
use leadwire_core::limits::DISK_RESERVE_BYTES;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use leadwire_store::{Database, Store};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// 2024-01-01: no clock that is right shows less.
const EARLIEST: Timestamp = Timestamp::from_millis(1_704_067_200_000);
/// How often the disk is asked to write.
const PROBES: usize = 20;
/// A disk that keeps what it was given takes longer than this; RAM does not.
const SUSPICIOUSLY_FAST: Duration = Duration::from_micros(50);
/// Past this a lead waits noticeably for its receipt.
const SLOW: Duration = Duration::from_millis(50);

pub(super) fn clock(now: Timestamp) -> Check {
    let found = rfc3339::format(now);
    if now < EARLIEST {
        return Check::fail(
            "clock",
            found,
            "set the machine's clock; signatures and token lifetimes depend on it",
        );
    }
    Check::ok("clock", found)
}

/// Whether the machine's clock is near that of the database server, where there is one. One that cannot be asked is told of by
/// whoever looks at the store.
pub(super) fn server_clock(place: &Database, clock: &dyn Clock) -> Option<Check> {
    let before = clock.wall();
    let server = Store::time_of(place).ok().flatten()?;
    Some(judged_clock(clocks::ahead_by(before, server, clock.wall())))
}

fn judged_clock(ahead_ms: i64) -> Check {
    const NAME: &str = "server clock";
    match clocks::is_far(ahead_ms) {
        true => Check::warn(
            NAME,
            format!("this machine's is {}", server_clock::shown(ahead_ms)),
            server_clock::FIX,
        ),
        false => Check::ok(NAME, "this machine's and the database server's go together"),
    }
}

/// Whether a process has taken the data folder.
pub(super) fn is_held(folder: &Path) -> bool {
    // Read only, and let go at once: a service that starts meanwhile must find it free.
    File::open(folder.join("leadwire.lock"))
        .is_ok_and(|it| matches!(it.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

pub(super) fn folder(folder: &Path) -> Vec<Check> {
    let shown = output::harmless(&folder.display().to_string());
    match std::fs::metadata(folder) {
        Ok(it) if it.is_dir() => {}
        Ok(_) => {
            return vec![Check::fail(
                "data folder",
                format!("{shown} is not a folder"),
                "name another with --data",
            )];
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let fix = "start `leadwire serve`, which makes it, or name it with --data or LEADWIRE_DATA";
            return vec![Check::fail("data folder", format!("{shown} does not exist"), fix)];
        }
        Err(error) => {
            let found = format!("{shown} cannot be read: {error}");
            return vec![Check::fail("data folder", found, "run this as the user that runs the service")];
        }
    }
    let mut checks = vec![disk(folder, &shown)];
    checks.push(if is_held(folder) {
        Check::ok("lock", "a service holds the data folder")
    } else {
        Check::ok("lock", "the data folder is free")
    });
    checks.push(free_space(folder));
    checks.extend(network(folder));
    checks
}

/// Writes and syncs a small file a few times: proves that the folder can be written, and shows what a commit costs.
fn disk(folder: &Path, shown: &str) -> Check {
    match probe(folder) {
        Ok(median) => judged(shown, median),
        Err(error) => {
            let found = format!("{shown} cannot be written: {error}");
            Check::fail(
                "data folder",
                found,
                "give it to the user that runs the service, and free space on its disk",
            )
        }
    }
}

fn judged(shown: &str, median: Duration) -> Check {
    let found =
        format!("{shown} can be written; a write is on disk after {:.2} ms", median.as_secs_f64() * 1000.0);
    if median <= SUSPICIOUSLY_FAST {
        let fix = "the disk acknowledges suspiciously fast: check that it is no RAM disk, and that its write cache \
                   outlasts a power cut";
        return Check::warn("data folder", found, fix);
    }
    if median > SLOW {
        return Check::warn(
            "data folder",
            found,
            "every receipt waits for this: use a faster disk, best an SSD",
        );
    }
    Check::ok("data folder", found)
}

fn probe(folder: &Path) -> io::Result<Duration> {
    let path = folder.join(format!("doctor-{}.tmp", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    let mut times = Vec::with_capacity(PROBES);
    let probed = (0..PROBES).try_for_each(|_| {
        let watch = Stopwatch::start();
        // The file grows, as the store's log does: writing over what is there costs the disk less.
        file.write_all(&[0x5a; 4096])?;
        file.sync_all()?;
        times.push(watch.elapsed());
        Ok(())
    });
    let removed = std::fs::remove_file(&path);
    probed.and(removed)?;
    times.sort();
    Ok(times[PROBES / 2])
}

fn free_space(folder: &Path) -> Check {
    match rustix::fs::statvfs(folder) {
        Ok(it) => judged_space(it.f_bavail.saturating_mul(it.f_frsize)),
        Err(error) => {
            Check::warn("free space", format!("the disk does not say: {error}"), "watch it yourself")
        }
    }
}

fn judged_space(free: u64) -> Check {
    let found = format!("{} MiB", free / 1024 / 1024);
    if free < DISK_RESERVE_BYTES {
        let fix =
            format!("free some: below {} MiB new leads are answered 503", DISK_RESERVE_BYTES / 1024 / 1024);
        return Check::fail("free space", found, fix);
    }
    if free < 16 * DISK_RESERVE_BYTES {
        return Check::warn("free space", found, "free some soon");
    }
    Check::ok("free space", found)
}

/// A network file system breaks the promises SQLite builds on. Magic numbers: statfs(2).
#[cfg(target_os = "linux")]
fn network(folder: &Path) -> Option<Check> {
    let name = match rustix::fs::statfs(folder).ok()?.f_type.cast_unsigned() & 0xFFFF_FFFF {
        0x6969 => "NFS",
        0xFF53_4D42 => "CIFS",
        0xFE53_4D42 => "SMB",
        _ => return None,
    };
    let fix = "use a disk of this machine: locks and syncs over a network do not keep what SQLite needs";
    Some(Check::warn("file system", format!("the data folder is on {name}"), fix))
}

#[cfg(not(target_os = "linux"))]
fn network(_folder: &Path) -> Option<Check> {
    None
}

#[cfg(test)]
mod tests {
    use super::super::Mark;
    use super::*;

    #[test]
    fn a_clock_before_its_own_program_is_noticed() {
        assert_eq!(clock(Timestamp::from_millis(0)).mark, Mark::Fail);
        assert_eq!(clock(EARLIEST.plus(Duration::from_secs(1))).mark, Mark::Ok);
    }

    #[test]
    fn a_clock_far_from_the_database_servers_is_told_with_what_to_do() {
        assert_eq!(judged_clock(-2000).mark, Mark::Ok);
        let far = judged_clock(90_000);
        assert_eq!(far.mark, Mark::Warn);
        assert!(far.found.contains("90 s ahead of") && far.fix.contains("set-ntp"), "{far:?}");
    }

    #[test]
    fn a_disk_that_is_too_fast_or_too_slow_is_noticed() {
        let mark = |micros: u64| judged("x", Duration::from_micros(micros)).mark;
        assert_eq!(
            [mark(50), mark(51), mark(50_000), mark(50_001)],
            [Mark::Warn, Mark::Ok, Mark::Ok, Mark::Warn]
        );
    }

    #[test]
    fn a_disk_that_is_nearly_full_fails() {
        let mark = |bytes: u64| judged_space(bytes).mark;
        let marks = [mark(DISK_RESERVE_BYTES - 1), mark(DISK_RESERVE_BYTES), mark(16 * DISK_RESERVE_BYTES)];
        assert_eq!(marks, [Mark::Fail, Mark::Warn, Mark::Ok]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_and_nothing_else_is_looked_at() {
        let checks = folder(Path::new("/no/such/folder"));
        assert_eq!((checks.len(), checks[0].mark), (1, Mark::Fail));
    }
}
