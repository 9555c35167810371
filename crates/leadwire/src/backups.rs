//! Scheduled backups: made while the service runs, each read back whole before an older one goes.

use crate::audit;
use crate::clock::Clock;
use crate::config::Config;
use crate::telemetry::Metrics;
use leadwire_core::backup;
use leadwire_core::limits;
use leadwire_core::notice::NoticeKind;
use leadwire_core::time::Timestamp;
use leadwire_store::audit::telling;
use leadwire_store::notices::Said;
use leadwire_store::{Store, StoreError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Makes backups when they are due. One task does it, so there is never more than one under way.
pub struct Backups {
    schedule: Option<Schedule>,
    data: PathBuf,
    store: Store,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    rounds: watch::Sender<u64>,
}

/// What an operator set.
#[derive(Clone)]
struct Schedule {
    folder: PathBuf,
    every: Duration,
    keep: usize,
    reserve_bytes: u64,
}

/// Why a backup was not made.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the backup folder {0} cannot be read: {1}")]
    Folder(PathBuf, std::io::Error),
    #[error("the disk of the backup folder has {free} bytes free, and a backup may take {needed}")]
    Full { free: u64, needed: u64 },
    #[error("it did not end")]
    Panicked,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Backups {
    /// Puts the parts together.
    pub fn new(config: &Config, store: Store, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        let schedule = config.backup_folder.clone().map(|folder| Schedule {
            folder,
            every: Duration::from_secs(u64::from(config.backup_every_hours) * 3600),
            keep: config.backup_keep,
            reserve_bytes: config.disk_reserve_bytes.unwrap_or(limits::DISK_RESERVE_BYTES),
        });
        Self { schedule, data: config.data.clone(), store, clock, metrics, rounds: watch::channel(0).0 }
    }

    /// Counts the backups that were made or failed; for whoever waits for one.
    pub fn rounds(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    /// Works again and again, until dropped. A copy that is being written then goes on by itself; one that a crash cut off
    /// is removed by the next one. What is due is told by the folder, so a restart makes none too soon.
    pub async fn run(&self) {
        let Some(schedule) = &self.schedule else { return std::future::pending().await };
        loop {
            let wait = match made(&schedule.folder) {
                Ok(made) => {
                    let newest = made.iter().max().copied();
                    self.metrics.note_backup(newest.unwrap_or(Timestamp::from_millis(0)));
                    backup::wait(&made, schedule.every, self.clock.wall())
                }
                // The try itself says what is wrong.
                Err(_) => Duration::ZERO,
            };
            if !wait.is_zero() {
                self.clock.wait_until(self.clock.steady().plus(wait)).await;
            }
            if let Err(error) = self.make(schedule).await {
                self.metrics.count_backup_failure();
                self.say(NoticeKind::JobFailed, &error.to_string()).await;
                tracing::error!(
                    %error,
                    "A scheduled backup could not be made. Look at `backup_folder` and the space of its disk; it is \
                     tried again in a quarter of an hour."
                );
                self.rounds.send_modify(|it| *it += 1);
                self.clock.wait_until(self.clock.steady().plus(limits::BACKUP_AGAIN)).await;
            } else {
                self.say(NoticeKind::JobPassed, "").await;
                self.rounds.send_modify(|it| *it += 1);
            }
        }
    }

    /// Has somebody told, or told that it is over. What cannot be noted is in the log and the metrics all the same.
    async fn say(&self, kind: NoticeKind, message: &str) {
        let went = Said {
            kind,
            about: "backup".to_owned(),
            cause: if message.is_empty() { String::new() } else { "backup_failed".to_owned() },
            message: message.to_owned(),
            fix: if message.is_empty() {
                String::new()
            } else {
                "look at `backup_folder` and the space of its disk".to_owned()
            },
        };
        if let Err(error) = self.store.note_job(went, self.clock.steady()).await {
            tracing::warn!(%error, "A notice about backups could not be made.");
        }
    }

    /// Makes one, and removes those that are too many then.
    async fn make(&self, schedule: &Schedule) -> Result<(), Trouble> {
        let wall = self.clock.wall();
        let name = backup::file_name(wall);
        let at = backup::made_at(&name).unwrap_or(wall);
        let (work, data, file) = (schedule.clone(), self.data.clone(), schedule.folder.join(&name));
        let copied = tokio::task::spawn_blocking(move || {
            make_room(&work, &data)?;
            Ok::<_, Trouble>(Store::back_up(&data, &file)?)
        });
        let contents = copied.await.map_err(|_| Trouble::Panicked)??;
        self.metrics.note_backup(at);
        let deed = audit::by_service("", "backup.make", &name, self.clock.steady());
        telling(deed, self.store.note_backup(at)).await?;
        tracing::info!(
            bytes = contents.bytes,
            touchpoints = contents.touchpoints,
            "A scheduled backup was made and read back whole: {name}."
        );
        // Only now: the new one is good.
        for old in backup::surplus(&made(&schedule.folder)?, at, schedule.keep) {
            let old = schedule.folder.join(backup::file_name(old));
            if let Err(error) = std::fs::remove_file(&old) {
                tracing::warn!(%error, "An old backup could not be removed: {}.", old.display());
            }
        }
        Ok(())
    }
}

/// When the backups in a folder were made. What else is in it is left alone.
fn made(folder: &Path) -> Result<Vec<Timestamp>, Trouble> {
    Ok(names(folder)?.iter().filter_map(|it| backup::made_at(it)).collect())
}

fn names(folder: &Path) -> Result<Vec<String>, Trouble> {
    let unreadable = |error| Trouble::Folder(folder.to_owned(), error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)?.take(limits::BACKUP_FILES_MAX) {
        names.extend(entry.map_err(unreadable)?.file_name().into_string().ok());
    }
    Ok(names)
}

/// Removes what a crash left behind, and looks whether there is room: a backup must not be what fills the disk.
fn make_room(schedule: &Schedule, data: &Path) -> Result<(), Trouble> {
    let folder = &schedule.folder;
    let unusable = |error: std::io::Error| Trouble::Folder(folder.clone(), error);
    for name in names(folder)?.iter().filter(|it| backup::is_left_over(it)) {
        std::fs::remove_file(folder.join(name)).map_err(unusable)?;
    }
    let size = |name: &str| std::fs::metadata(data.join(name)).map_or(0, |it| it.len());
    let needed =
        size("leadwire.db").saturating_add(size("leadwire.db-wal")).saturating_add(schedule.reserve_bytes);
    let space = rustix::fs::statvfs(folder).map_err(|it| unusable(it.into()))?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    if free < needed { Err(Trouble::Full { free, needed }) } else { Ok(()) }
}

/// When the newest backup of a folder was made.
///
/// # Errors
/// When the folder cannot be read, in words.
pub fn newest(folder: &Path) -> Result<Option<Timestamp>, String> {
    Ok(made(folder).map_err(|it| it.to_string())?.into_iter().max())
}
