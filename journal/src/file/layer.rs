//! The one way to the disk: what the journal asks of a file system, and the real one.

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, StatxFlags, flock, makedev, statx};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// A link, a pipe, a device.
    Other,
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The name.
    pub name: OsString,
    /// What it stands for; a link is not followed.
    pub kind: FileKind,
}

/// A file system, as far as the journal needs one. Every path to the disk leads through it, so that tests can put a
/// disk of their own below: one whose power is cut, that is full, or that fails.
///
/// Names are durable only after [`Self::sync_dir`] of their folder, contents only after a sync of their file.
pub trait FileLayer: Debug + Send + Sync {
    /// The bytes of a file from an offset to its end.
    fn read_from(&self, path: &Path, offset: u64) -> io::Result<Vec<u8>>;
    /// The first bytes of a plain file, at most `limit`; none if it is something else. For what strangers put there:
    /// neither a link that leads elsewhere nor a pipe that never ends is followed.
    fn read_plain(&self, path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>>;
    /// What is in a folder, in any order.
    fn list(&self, dir: &Path) -> io::Result<Vec<Item>>;
    /// What stands under a name, links followed; none if there is nothing. A link that leads nowhere is something.
    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>>;
    /// A new private folder.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// A new private file, open for writing; refuses what is there.
    fn make_file(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// A file that is there, open for writing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Gives a file or folder another name, replacing a file of that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder with everything in it.
    fn remove_all(&self, dir: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Opens a file for writing with its exclusive lock, which goes with the handle; none if another has the lock.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Handle>>>;
    /// Whether someone has the exclusive lock of a file.
    fn is_locked(&self, path: &Path) -> io::Result<bool>;

    /// All bytes of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.read_from(path, 0)
    }

    /// Which file stands under a name now: device and number. None where the layer has no such thing.
    fn identity(&self, path: &Path) -> io::Result<Option<Identity>> {
        let _ = path;
        Ok(None)
    }
}

/// A file, whatever its name: device and number.
pub type Identity = (u64, u64);

/// A file open for writing.
pub trait Handle: Debug + Send + Sync {
    /// Writes all of these bytes at an offset.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts the file, or lengthens it with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// How long it is.
    fn len(&self) -> io::Result<u64>;
    /// Makes the content durable, and the length if reading needs it.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes content and attributes durable.
    fn sync_all(&self) -> io::Result<()>;

    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Which file it is, whatever its name is now. None where the layer has no such thing.
    fn identity(&self) -> io::Result<Option<Identity>> {
        Ok(None)
    }
}

/// The operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Os;

impl Os {
    /// As a layer to be shared.
    pub fn shared() -> Arc<dyn FileLayer> {
        Arc::new(Self)
    }
}

impl From<fs::FileType> for FileKind {
    fn from(of: fs::FileType) -> Self {
        match of {
            of if of.is_file() => Self::File,
            of if of.is_dir() => Self::Folder,
            _ => Self::Other,
        }
    }
}

/// No file of a journal is longer. One that says so is read no further.
const LONGEST: u64 = 1 << 30;

/// A file of a journal, which may be another user's whom a person trusts with what it says, not with what is elsewhere:
/// no link is followed, and nothing that waits or has no end is opened.
fn open(path: &Path, writes: bool) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = match File::options().read(true).write(writes).custom_flags(flags).open(path) {
        Err(_) if path.is_symlink() => {
            return Err(io::Error::other("it is a symbolic link, and no part of a journal is one"));
        }
        opened => opened?,
    };
    match file.metadata()?.file_type() {
        kind if kind.is_file() => Ok(file),
        kind if kind.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(io::Error::other("it is no file, but a pipe or a device")),
    }
}

/// Whether the lock was taken.
fn took(locked: Result<(), Errno>) -> io::Result<bool> {
    match locked {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl FileLayer for Os {
    fn read_from(&self, path: &Path, offset: u64) -> io::Result<Vec<u8>> {
        let mut file = open(path, false)?;
        let length = file.metadata()?.len();
        if length > LONGEST {
            return Err(io::Error::other("it is longer than 1 GiB, and no file of a journal is"));
        }
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX))?;
        file.take(LONGEST).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read_plain(&self, path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Item>> {
        let items = fs::read_dir(dir)?.map(|item| {
            let item = item?;
            Ok(Item { name: item.file_name(), kind: item.file_type()?.into() })
        });
        // A name that went away while its kind was asked for is no name.
        items.filter(|item: &io::Result<_>| !matches!(item, Err(error) if gone(error))).collect()
    }

    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>> {
        match fs::metadata(path) {
            Ok(about) => Ok(Some(about.file_type().into())),
            Err(error) if gone(&error) || error.kind() == io::ErrorKind::NotADirectory => {
                Ok(path.symlink_metadata().ok().map(|_| FileKind::Other))
            }
            Err(error) => Err(error),
        }
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    fn make_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Ok(Box::new(open(path, true)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_all(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // A journal may be reached through a link of its owner's.
        let flags = i32::try_from(OFlags::DIRECTORY.bits()).unwrap_or_default();
        File::options().read(true).custom_flags(flags).open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Handle>>> {
        let file = open(path, true)?;
        Ok(took(flock(&file, FlockOperation::NonBlockingLockExclusive))?.then(|| Box::new(file) as Box<dyn Handle>))
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        // Closing the file lets the shared lock go at once.
        let file = open(path, false)?;
        Ok(!took(flock(&file, FlockOperation::NonBlockingLockShared))?)
    }

    fn identity(&self, path: &Path) -> io::Result<Option<Identity>> {
        // Only the number is asked for. Linux 6.13 notes that somebody has read a file's times, and the next write then
        // changes them on the disk: that cost an append half as much again.
        match statx(CWD, path, AtFlags::empty(), StatxFlags::INO) {
            Ok(found) => Ok(Some((makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino))),
            // A kernel before 4.11, or a container that does not let it through.
            Err(Errno::NOSYS | Errno::PERM) => {
                let about = fs::metadata(path)?;
                Ok(Some((about.dev(), about.ino())))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

impl Handle for File {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        Self::sync_all(self)
    }

    fn identity(&self) -> io::Result<Option<Identity>> {
        let about = self.metadata()?;
        Ok(Some((about.dev(), about.ino())))
    }
}

/// A journal's directory on some layer.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) files: Arc<dyn FileLayer>,
    pub(crate) path: PathBuf,
}

impl Root {
    pub(crate) fn new(files: Arc<dyn FileLayer>, path: &Path) -> Self {
        Self { files, path: path.to_owned() }
    }

    /// Where a file of the journal is.
    pub(crate) fn at(&self, file: impl AsRef<Path>) -> PathBuf {
        self.path.join(file)
    }

    /// All bytes of a file of the journal.
    pub(crate) fn read(&self, file: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        self.files.read(&self.at(file))
    }

    /// A file of the journal, open for writing.
    pub(crate) fn open(&self, file: impl AsRef<Path>) -> io::Result<Box<dyn Handle>> {
        self.files.open(&self.at(file))
    }

    /// Makes the names in a folder of the journal durable.
    pub(crate) fn sync_dir(&self, dir: impl AsRef<Path>) -> io::Result<()> {
        self.files.sync_dir(&self.at(dir))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_no_file_is_neither_waited_for_nor_followed() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("good"), "12345678").expect("it can be written");
        File::create(at("long")).and_then(|file| file.set_len(900 << 30)).expect("it can be made");
        for (name, to) in [("zero", "/dev/zero"), ("link", "good"), ("loop", "loop")] {
            std::os::unix::fs::symlink(to, at(name)).expect("a link can be made");
        }
        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status();
        assert!(made.is_ok_and(|made| made.success()));
        assert_eq!(Os.read_from(&at("good"), 3).expect("it is a file"), b"45678");
        for (name, why) in [
            ("long", "longer than 1 GiB"),
            ("zero", "it is a symbolic link"),
            ("link", "it is a symbolic link"),
            ("loop", "it is a symbolic link"),
            ("pipe", "it is no file"),
        ] {
            let told = |error: io::Error| assert!(error.to_string().contains(why), "{name}: {error}");
            told(Os.read_from(&at(name), 0).expect_err(name));
            if name != "long" {
                told(Os.open(&at(name)).expect_err(name));
                told(Os.lock(&at(name)).expect_err(name));
                told(Os.is_locked(&at(name)).expect_err(name));
            }
        }
        Os.sync_dir(folder.path()).expect("it is a folder");
        assert!(Os.sync_dir(&at("pipe")).is_err());
    }
}
