//! A disk that can be taken away: an image with ext4 on a loop device, and the power cut of its file system.

use anyhow::{Context, bail, ensure};
use leadwire::clock::{Clock, MachineClock};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Space of an image that shall not be full: far more than a run writes.
pub(crate) const ROOMY: &str = "256M";
/// How often an unmount is tried again while the kernel still holds what the dead program had open, and how often.
const UNMOUNT_AGAIN: Duration = Duration::from_millis(20);
const UNMOUNT_TRIES: u32 = 250;
/// Shuts an ext4 down without writing its journal, as if the power went: `EXT4_IOC_SHUTDOWN` with
/// `EXT4_GOING_FLAGS_NOLOGFLUSH` (Linux, fs/ext4/ext4.h). Perl, because an ioctl is unsafe in Rust, which this
/// project forbids, and Perl is a part of every Debian.
const CUT: &str = r#"open(my $f, "<", $ARGV[0]) or die "open: $!"; $| = 1; print "ready\n"; <STDIN> // exit 1;
    my $flags = pack("L", 2); ioctl($f, 0x8004587d, $flags) or die "ioctl: $!"; print "cut\n";"#;

/// The mounted image. Dropping it unmounts it.
pub(crate) struct Disk {
    image: PathBuf,
    folder: PathBuf,
}

/// Why this machine cannot do it, if it cannot.
pub(crate) fn lacks(folder: &Path) -> Option<String> {
    let disk = match Disk::make(folder, ROOMY) {
        Ok(disk) => disk,
        Err(error) => {
            return Some(format!(
                "no ext4 on a loop device ({error:#}): run it as root, where loop devices are"
            ));
        }
    };
    let tried = std::fs::write(disk.folder().join("here"), "")
        .map_err(anyhow::Error::from)
        .and_then(|()| PowerCut::prepare(&disk.folder().join("here")))
        .and_then(|cut| {
            cut.strike();
            cut.finish()
        });
    let is_cut = std::fs::write(disk.folder().join("there"), "").is_err();
    match tried {
        Ok(()) if is_cut => None,
        Ok(()) => Some("this kernel's ext4 ignores the shutdown ioctl".to_owned()),
        Err(error) => Some(format!("no power cut ({error:#}): it needs Perl and Linux with ext4")),
    }
}

impl Disk {
    /// Makes the image anew and mounts it.
    pub(crate) fn make(beside: &Path, space: &str) -> anyhow::Result<Self> {
        let disk = Self { image: beside.join("disk.img"), folder: beside.join("disk") };
        std::fs::create_dir_all(&disk.folder)?;
        if disk.image.exists() {
            std::fs::remove_file(&disk.image)?;
        }
        let image = disk.image.display().to_string();
        call("truncate", &["-s", space, &image])?;
        call("mkfs.ext4", &["-q", "-F", &image])?;
        disk.mount()?;
        Ok(disk)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Mounts it; the kernel replays the journal if there was a cut.
    pub(crate) fn mount(&self) -> anyhow::Result<()> {
        call("mount", &["-o", "loop", &self.image.display().to_string(), &self.folder.display().to_string()])
    }

    /// Mounts it so that nothing can be written.
    pub(crate) fn mount_read_only(&self) -> anyhow::Result<()> {
        call(
            "mount",
            &["-o", "loop,ro", &self.image.display().to_string(), &self.folder.display().to_string()],
        )
    }

    /// Unmounts it, once nobody uses it any more.
    pub(crate) async fn unmount(&self) -> anyhow::Result<()> {
        let clock = MachineClock::start();
        let mut tried = 0;
        loop {
            let Err(error) = call("umount", &[&self.folder.display().to_string()]) else { return Ok(()) };
            tried += 1;
            if tried == UNMOUNT_TRIES {
                return Err(error);
            }
            clock.wait_until(clock.steady().plus(UNMOUNT_AGAIN)).await;
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It may be unmounted already; else it goes when the last one lets go of it.
        Command::new("umount").arg("-l").arg(&self.folder).stderr(Stdio::null()).status().ok();
    }
}

/// A power cut that only waits for its moment.
pub(crate) struct PowerCut {
    child: Mutex<Child>,
    wire: Arc<Mutex<ChildStdin>>,
}

impl PowerCut {
    /// Opens a file on the disk, which must exist, and waits.
    pub(crate) fn prepare(file: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new("perl")
            .args(["-e", CUT])
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("perl is missing")?;
        let wire = child.stdin.take().context("it was asked for")?;
        let mut line = String::new();
        let output = child.stdout.take().context("it was asked for")?;
        let mut output = BufReader::new(output);
        output.read_line(&mut line)?;
        child.stdout = Some(output.into_inner());
        ensure!(line == "ready\n", "the power cut cannot be prepared");
        Ok(Self { child: Mutex::new(child), wire: Arc::new(Mutex::new(wire)) })
    }

    /// What cuts the power when it is called.
    pub(crate) fn wire(&self) -> impl Fn() + Clone + Send + 'static {
        let wire = Arc::clone(&self.wire);
        move || {
            // An error shows when it is asked whether it is done.
            wire.lock().expect("writing a line cannot panic").write_all(b"now\n").ok();
        }
    }

    /// Cuts the power.
    pub(crate) fn strike(&self) {
        self.wire()();
    }

    /// Waits until the power is cut.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let status = self.child.lock().expect("waiting cannot panic").wait()?;
        ensure!(status.success(), "the power was not cut: {status}");
        Ok(())
    }
}

fn call(program: &str, args: &[&str]) -> anyhow::Result<()> {
    let output =
        Command::new(program).args(args).output().with_context(|| format!("{program} is missing"))?;
    if !output.status.success() {
        bail!("{program} {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
