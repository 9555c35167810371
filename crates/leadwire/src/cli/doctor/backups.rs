//! Whether scheduled backups are made, by what stands in their folder.

use super::Check;
use crate::backups;
use crate::config::Config;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use std::time::Duration;

const NAME: &str = "backups";

/// Looks at the folder that the settings name.
pub(super) fn check(config: &Config, now: Timestamp) -> Check {
    let Some(folder) = &config.backup_folder else {
        return Check::ok(NAME, "none are scheduled; `backup_folder` schedules them");
    };
    let every = Duration::from_secs(u64::from(config.backup_every_hours) * 3600);
    match backups::newest(folder) {
        Err(error) => Check::fail(
            NAME,
            error,
            "make the folder, and give it to the user of the service, or name another",
        ),
        Ok(newest) => judged(newest, every, now),
    }
}

fn judged(newest: Option<Timestamp>, every: Duration, now: Timestamp) -> Check {
    let fix = "look at the log of the service, and at the space of the disk of `backup_folder`";
    match newest {
        None => Check::warn(NAME, "none was made yet", "start the service, which makes one at once"),
        // The next one is due, and the time of one round over.
        Some(at) if at.plus(every * 2) < now => {
            Check::fail(NAME, format!("the newest is of {}", rfc3339::format(at)), fix)
        }
        Some(at) => Check::ok(NAME, format!("the newest is of {}", rfc3339::format(at))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mark;
    use super::*;

    #[test]
    fn a_backup_that_is_overdue_fails_and_a_folder_that_is_missing_does() {
        let hour = Duration::from_secs(3600);
        let mark = |newest: Option<i64>| {
            judged(newest.map(Timestamp::from_millis), hour, Timestamp::from_millis(3 * 3_600_000)).mark
        };
        assert_eq!(
            [mark(None), mark(Some(3_600_000)), mark(Some(3_599_999))],
            [Mark::Warn, Mark::Ok, Mark::Fail]
        );
        let config = Config { backup_folder: Some("/no/such/folder".into()), ..Config::default() };
        assert_eq!(check(&config, Timestamp::from_millis(0)).mark, Mark::Fail);
        assert_eq!(check(&Config::default(), Timestamp::from_millis(0)).mark, Mark::Ok);
    }
}
