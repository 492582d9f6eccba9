//! A disk whose power can be cut: a file system in a file, mounted, cut off, and mounted again.

use crate::{helper, skip};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A kind of file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// ext4.
    Ext4,
    /// XFS.
    Xfs,
}

impl System {
    fn tool(self) -> &'static str {
        match self {
            Self::Ext4 => "mkfs.ext4",
            Self::Xfs => "mkfs.xfs",
        }
    }

    fn make(self, image: &Path) -> Result<(), String> {
        let options: &[&str] = match self {
            Self::Ext4 => &["-q", "-F"],
            Self::Xfs => &["-q", "-f"],
        };
        told(Command::new(self.tool()).args(options).arg(image))
    }
}

/// A mounted file system of its own. Unmounted and removed when dropped.
#[derive(Debug)]
pub struct Disk {
    // The folder is removed after the unmounting that `drop` does.
    folder: TempDir,
    mounted: bool,
}

impl Disk {
    /// A new one of this size. None where this user or machine cannot have it: that is noted as a skipped test.
    pub fn new(test: &str, system: System, mebibytes: u64) -> Option<Self> {
        // XFS wants 300 MiB; the file is sparse.
        let mebibytes = if system == System::Xfs { mebibytes.max(304) } else { mebibytes };
        let folder = tempfile::Builder::new().prefix("palinode-disk-").tempdir().expect("a folder can be made");
        let mut disk = Self { folder, mounted: false };
        std::fs::create_dir(disk.path()).expect("a folder can be made");
        let image = std::fs::File::create(disk.image()).expect("a file can be made");
        image.set_len(mebibytes << 20).expect("a file can be made longer");
        match system.make(&disk.image()).and_then(|()| disk.mount()) {
            Ok(()) => Some(disk),
            Err(why) => {
                skip::skip(test, &why);
                None
            }
        }
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("mount")
    }

    /// The name of the loop device behind it.
    fn device(&self) -> String {
        let mounts = std::fs::read_to_string("/proc/self/mounts").expect("the mounts can be read");
        let path = self.path().to_string_lossy().into_owned();
        let mount = mounts.lines().find(|line| line.split(' ').nth(1) == Some(&path)).expect("it is mounted");
        mount.split(' ').next().and_then(|source| source.strip_prefix("/dev/")).expect("a device").to_owned()
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn mount(&mut self) -> Result<(), String> {
        // The loop device belongs to the mount and goes with it, and with it whatever it had not written.
        told(Command::new("mount").args(["-o", "loop"]).args([self.image(), self.path()]))?;
        self.mounted = true;
        Ok(())
    }

    /// Cuts it off: whatever is not on the device by now never will be.
    #[track_caller]
    pub fn cut(&self) {
        let done = told(Command::new(helper::cut()).arg(self.path()));
        assert_eq!(done, Ok(()), "the power can be cut");
    }

    /// The power is back: unmounts what was cut off and mounts what the device holds.
    #[track_caller]
    pub fn restart(&mut self) {
        let device = self.device();
        assert_eq!(told(Command::new("umount").arg(self.path())), Ok(()), "nobody works there any more");
        self.mounted = false;
        // Another mount namespace that was made meanwhile has it too, and until it lets go, whoever mounts the device gets
        // what was cut off.
        let alive = ["ext4", "xfs"].map(|system| Path::new("/sys/fs").join(system).join(&device));
        let late = Instant::now() + Duration::from_secs(30);
        while alive.iter().any(|place| place.exists()) {
            assert!(Instant::now() < late, "{device} is still mounted in another mount namespace");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(self.mount(), Ok(()), "the file system can be mounted again");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted && told(Command::new("umount").arg(self.path())).is_err() {
            // Somebody still works there: the mount goes when they do.
            let _ = told(Command::new("umount").arg("-l").arg(self.path()));
        }
    }
}

/// Runs a tool; what it says if it fails.
fn told(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(out) if out.status.success() => Ok(()),
        Ok(out) => Err(format!("{name}: {}", String::from_utf8_lossy(&out.stderr).trim())),
        Err(error) => Err(format!("{name} cannot be started: {error}")),
    }
}
