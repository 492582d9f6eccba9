//! A power cut for a throw-away file system: what a sync acknowledged must be there afterwards.
//!
//! The file system lies in a file on the disk in question, so that its image goes where a journal would. It is cut off
//! its loop device by the SHUTDOWN ioctl, which ext4 and XFS have for such tests; `xfs_io` calls it, because this
//! program has no unsafe code. What the disk itself does when its power goes is beyond this trial.

use super::scratch::Scratch;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes of a record: its number, over and over.
const RECORD: usize = 512;
/// After so many records a file is placed by rename.
const EVERY: u64 = 16;

/// So long may others hold what was cut off.
const LATE: Duration = Duration::from_secs(30);

/// A kind of file system that can be cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// ext4.
    Ext4,
    /// XFS.
    Xfs,
}

impl System {
    /// As `mkfs` and `mount` name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        }
    }

    fn mebibytes(self) -> u64 {
        match self {
            Self::Ext4 => 64,
            // The smallest that mkfs.xfs makes.
            Self::Xfs => 304,
        }
    }

    fn make(self, image: &Path) -> Command {
        let (tool, options): (_, &[&str]) = match self {
            Self::Ext4 => ("mkfs.ext4", &["-q", "-F"]),
            Self::Xfs => ("mkfs.xfs", &["-q", "-f"]),
        };
        let mut command = tool_command(tool);
        command.args(options).arg(image);
        command
    }
}

/// Why there was no trial.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// A program is not installed.
    #[error("cannot cut the power: `{tool}` is not installed")]
    Missing {
        /// Its name.
        tool: &'static str,
        /// The Debian and Red Hat package that brings it.
        package: &'static str,
    },
    /// A program failed.
    #[error("cannot cut the power: `{tool}` says: {said}")]
    Tool {
        /// Its name.
        tool: String,
        /// Its words.
        said: String,
    },
    /// An I/O error outside the file system that is cut.
    #[error("cannot cut the power: the trial's own files cannot be written")]
    Io(#[from] io::Error),
    /// Something else holds the file system that was cut off.
    #[error("cannot cut the power: another mount namespace, such as a container's, holds the trial's file system")]
    Held,
    /// Somebody wished it to end.
    #[error("the trial was stopped; what it made is removed")]
    Stopped,
}

/// What came of the cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cuts {
    /// How many cuts.
    pub cuts: u32,
    /// Records, each acknowledged by a sync of its file.
    pub records: Tally,
    /// Files that were put in place by rename, each acknowledged by a sync of its folder.
    pub names: Tally,
    /// In how many cuts a write that nobody synced was lost: where there are none, the trial shows nothing.
    pub telling: u32,
}

/// How many were acknowledged, and how many of those were gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many were told to be on the disk before the cut.
    pub acknowledged: u64,
    /// How many of these were not there after it.
    pub lost: u64,
}

impl Tally {
    fn add(&mut self, acknowledged: u64, kept: u64) {
        self.acknowledged += acknowledged;
        self.lost += acknowledged.saturating_sub(kept);
    }
}

/// Cuts the power so many times, each under a writer at work, and counts what is lost.
pub fn cuts(scratch: &Scratch, system: System, number: u32, stop: &dyn Fn() -> bool) -> Result<Cuts, CutError> {
    let maker = match system {
        System::Ext4 => ("mkfs.ext4", "e2fsprogs"),
        System::Xfs => ("mkfs.xfs", "xfsprogs"),
    };
    for (tool, package) in [("mount", "util-linux"), maker, ("xfs_io", "xfsprogs")] {
        present(tool, package)?;
    }
    let (image, point) = (scratch.path().join("image"), scratch.path().join("mount"));
    fs::create_dir(&point)?;
    File::create(&image)?.set_len(system.mebibytes() << 20)?;
    run(system.make(&image))?;
    let mut found = Cuts::default();
    for cut in 0..number {
        if stop() {
            return Err(CutError::Stopped);
        }
        let mut mount = Mounted::new(&image, &point)?;
        let folder = point.join(format!("cut{cut}"));
        fs::create_dir(&folder)?;
        File::open(&point)?.sync_all()?;
        // Not at the same moment each time.
        let span = Duration::from_millis(150 + u64::from(cut * 37 % 100));
        let promised = under_a_writer(&folder, span, stop, || mount.cut())?;
        mount.off()?;
        let _again = Mounted::new(&image, &point)?;
        let kept = Kept::of(&folder, promised);
        found.cuts += 1;
        found.records.add(promised.records, kept.records);
        found.names.add(promised.names, kept.names);
        found.telling += u32::from(!kept.loose);
    }
    Ok(found)
}

/// What a writer was promised.
#[derive(Debug, Clone, Copy, Default)]
struct Promised {
    records: u64,
    names: u64,
}

/// What of it was there.
struct Kept {
    records: u64,
    names: u64,
    /// Whether the write that nobody synced is there too.
    loose: bool,
}

fn record(number: u64) -> Vec<u8> {
    number.to_le_bytes().repeat(RECORD / 8)
}

/// Writes until the cut makes it fail; counts what was acknowledged before it.
fn under_a_writer(
    folder: &Path,
    span: Duration,
    stop: &dyn Fn() -> bool,
    cut: impl FnOnce() -> Result<(), CutError>,
) -> Result<Promised, CutError> {
    let (records, names, over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let write = || -> io::Result<()> {
        let log = File::create(folder.join("log"))?;
        File::open(folder)?.sync_all()?;
        // No sync covers this one: it shows that the cut really cuts.
        let mut loose = None;
        while !over.load(Ordering::SeqCst) {
            let number = records.load(Ordering::SeqCst);
            log.write_all_at(&record(number + 1), number * RECORD as u64)?;
            log.sync_data()?;
            records.store(number + 1, Ordering::SeqCst);
            if (number + 1).is_multiple_of(EVERY) {
                let name = names.load(Ordering::SeqCst) + 1;
                let temp = folder.join("temp");
                let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&temp)?;
                file.write_all(&record(name))?;
                file.sync_all()?;
                fs::rename(&temp, folder.join(name.to_string()))?;
                File::open(folder)?.sync_all()?;
                names.store(name, Ordering::SeqCst);
            }
            if loose.is_none() {
                loose = Some(File::create(folder.join("loose"))?);
            }
            if let Some(loose) = &loose {
                loose.write_all_at(&record(number + 1), number * RECORD as u64)?;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        scope.spawn(write);
        let began = Instant::now();
        // A slow disk gets the time to acknowledge something.
        while began.elapsed() < span || (records.load(Ordering::SeqCst) < EVERY && began.elapsed() < 20 * span) {
            if stop() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // What is acknowledged once the power is gone reaches nobody in a real cut, and counts for nothing here: a sync
        // that the cut overtakes may say that it worked.
        let promised = Promised { records: records.load(Ordering::SeqCst), names: names.load(Ordering::SeqCst) };
        let done = if stop() { Err(CutError::Stopped) } else { cut() };
        over.store(true, Ordering::SeqCst);
        done.map(|()| promised)
    })
}

impl Kept {
    fn of(folder: &Path, promised: Promised) -> Self {
        let records = |name: &str| {
            let bytes = fs::read(folder.join(name)).unwrap_or_default();
            let whole = bytes.chunks_exact(RECORD).zip(1..).take_while(|(bytes, number)| *bytes == record(*number));
            whole.count() as u64
        };
        let there = |name: &u64| fs::read(folder.join(name.to_string())).is_ok_and(|bytes| bytes == record(*name));
        Self {
            records: records("log"),
            names: (1..=promised.names).filter(there).count() as u64,
            loose: records("loose") >= promised.records.saturating_sub(1),
        }
    }
}

/// A mount that is gone when dropped.
struct Mounted {
    point: PathBuf,
    there: bool,
    /// Where the kernel tells what is behind the loop device, while it is in use.
    loops: PathBuf,
    behind: String,
}

impl Mounted {
    fn new(image: &Path, point: &Path) -> Result<Self, CutError> {
        let mut command = tool_command("mount");
        // The loop device goes with its mount.
        command.args(["-o", "loop"]).arg(image).arg(point);
        run(command)?;
        let mut mounted = Self { point: point.to_owned(), there: true, loops: PathBuf::new(), behind: String::new() };
        let device = fs::metadata(point)?.dev();
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        mounted.loops = PathBuf::from(format!("/sys/dev/block/{major}:{minor}/loop/backing_file"));
        mounted.behind = fs::read_to_string(&mounted.loops)?;
        Ok(mounted)
    }

    fn cut(&mut self) -> Result<(), CutError> {
        let mut command = tool_command("xfs_io");
        command.args(["-x", "-c", "shutdown"]).arg(&self.point);
        run(command)
    }

    fn off(&mut self) -> Result<(), CutError> {
        let mut command = tool_command("umount");
        command.arg(&self.point);
        run(command)?;
        self.there = false;
        // A mount namespace that was made meanwhile, as containers have, holds it too. Until it lets go, whoever mounts
        // the image again gets what was cut off.
        let late = Instant::now() + LATE;
        while fs::read_to_string(&self.loops).is_ok_and(|behind| behind == self.behind) {
            if Instant::now() > late {
                return Err(CutError::Held);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.there && self.off().is_err() {
            let mut command = tool_command("umount");
            command.arg("-l").arg(&self.point);
            let _ = run(command);
        }
    }
}

/// Where tools of the system are, also for people whose own path has no `sbin`.
fn path() -> std::ffi::OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin:/usr/bin:/bin");
    path
}

fn present(tool: &'static str, package: &'static str) -> Result<(), CutError> {
    let path = path();
    let there = std::env::split_paths(&path).any(|folder| folder.join(tool).is_file());
    if there { Ok(()) } else { Err(CutError::Missing { tool, package }) }
}

/// A tool out of the reach of the terminal's Ctrl-C: what was begun is also ended.
fn tool_command(tool: &str) -> Command {
    let mut command = Command::new(tool);
    command.env("PATH", path()).env("LC_ALL", "C").stdin(Stdio::null()).process_group(0);
    command
}

fn run(mut command: Command) -> Result<(), CutError> {
    let tool = command.get_program().to_string_lossy().into_owned();
    let failed = |said: String| CutError::Tool { tool: tool.clone(), said };
    let out = command.output().map_err(|error| failed(error.to_string()))?;
    let said = || [&out.stderr[..], &out.stdout[..]].map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned());
    // xfs_io tells what went wrong, and ends well.
    if out.status.success() && (tool != "xfs_io" || out.stderr.is_empty()) {
        return Ok(());
    }
    Err(failed(said().join(" ").trim().to_owned()))
}
