//! Whole files, read and replaced at once, on disk or in memory.

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest file that is read or written, in bytes.
pub const FILE_LIMIT: u64 = 16 * 1024 * 1024;

/// A regular file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContent {
    /// Permission bits.
    pub mode: u32,
    /// Numeric owner and group, such as `0:0`.
    pub owner: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// Files that are read and replaced as a whole. Nobody ever sees a half-written one, not even after a crash.
pub trait Files {
    /// The file, or nothing if there is none.
    ///
    /// # Errors
    /// If something else than a regular file is there, if it is longer than [`FILE_LIMIT`], or if reading fails.
    fn read(&self, path: &str) -> io::Result<Option<FileContent>>;

    /// Puts new content in the file's place, durably; the file is created if it is missing. The owner stays.
    ///
    /// # Errors
    /// If something else than a regular file is there, or if it cannot be replaced under the same owner. The old
    /// content is in place then, unless the words of the error say otherwise.
    fn replace(&self, path: &str, bytes: &[u8], mode: u32) -> io::Result<()>;

    /// The same of a file that still has the bytes that were read; `false`, and nothing is done, if it has not.
    ///
    /// # Errors
    /// As [`Files::replace`].
    fn swap(&self, path: &str, was: &[u8], bytes: &[u8], mode: u32) -> io::Result<bool> {
        if self.read(path)?.is_none_or(|now| now.bytes != was) {
            return Ok(false);
        }
        self.replace(path, bytes, mode).map(|()| true)
    }

    /// Removes the file, durably. A missing one is no error.
    ///
    /// # Errors
    /// If something else than a regular file is there, or if it cannot be removed.
    fn remove(&self, path: &str) -> io::Result<()>;
}

/// Files on disk. A symbolic link is followed: the file it leads to is replaced, and the link stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiskFiles;

impl Files for DiskFiles {
    fn read(&self, path: &str) -> io::Result<Option<FileContent>> {
        // Looked at before it is opened: opening a device may do something, and opening a pipe may wait.
        match std::fs::metadata(path) {
            Ok(found) => check_kind(FileType::from_raw_mode(mode_of(&found)))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return no_link(path).map(|()| None),
            Err(error) => return Err(error),
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return no_link(path).map(|()| None),
            Err(error) => return Err(error.into()),
        };
        let stat = rustix::fs::fstat(&file)?;
        check_kind(FileType::from_raw_mode(stat.st_mode))?;
        let mut bytes = Vec::new();
        file.take(FILE_LIMIT + 1).read_to_end(&mut bytes)?;
        check_len(&bytes)?;
        let owner = format!("{}:{}", stat.st_uid, stat.st_gid);
        Ok(Some(FileContent { mode: bits(stat.st_mode), owner, bytes }))
    }

    fn replace(&self, path: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
        put(path, None, bytes, mode).map(|_| ())
    }

    fn swap(&self, path: &str, was: &[u8], bytes: &[u8], mode: u32) -> io::Result<bool> {
        put(path, Some(was), bytes, mode)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_symlink() => {
                return Err(io::Error::other("it is a symbolic link, and what it leads to is not removed"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        let spot = Spot::of(path)?;
        if spot.look()?.is_none() {
            return Ok(());
        }
        rustix::fs::unlinkat(&spot.dir, &spot.name, AtFlags::empty())?;
        spot.sync("the file is removed")
    }
}

/// Replaces a file, if it still has the bytes that it is said to have.
fn put(path: &str, was: Option<&[u8]>, bytes: &[u8], mode: u32) -> io::Result<bool> {
    check_len(bytes)?;
    let spot = Spot::of(path)?;
    let old = spot.look()?;
    let mut temp = Temp::create(&spot.dir)?;
    temp.file.write_all(bytes)?;
    if let Some(old) = &old {
        only_name(old)?;
        keep_owner(&temp.file, old)?;
    }
    // After the change of owner, which may clear bits; until here nobody else can read it.
    rustix::fs::fchmod(&temp.file, Mode::from_raw_mode(bits(mode)))?;
    rustix::fs::fsync(&temp.file)?;
    // As late as can be: an editor that saves between here and the rename is what is left of the race.
    if let Some(was) = was
        && DiskFiles.read(path)?.is_none_or(|now| now.bytes != was)
    {
        return Ok(false);
    }
    // A rename would silently take the place of a link that someone put there meanwhile.
    spot.look()?;
    rustix::fs::renameat(&spot.dir, &temp.name, &spot.dir, &spot.name)?;
    temp.armed = false;
    spot.sync("the new content is in place").map(|()| true)
}

/// A file of several names would be parted from the others by a rename.
fn only_name(old: &Stat) -> io::Result<()> {
    if old.st_nlink > 1 {
        let words = "it has several names (hard links), and only this one would get the new content; make it a file \
                     of its own, or use symbolic links";
        return Err(io::Error::other(words));
    }
    Ok(())
}

/// Where a file is once links are followed: an open directory and a name in it.
struct Spot {
    dir: OwnedFd,
    name: OsString,
}

impl Spot {
    fn of(path: &str) -> io::Result<Self> {
        let real = match std::fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                no_link(path)?;
                Path::new(path).to_owned()
            }
            Err(error) => return Err(error),
        };
        let Some(name) = real.file_name().filter(|_| !path.ends_with('/')) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path does not name a file"));
        };
        let parent = real.parent().filter(|parent| *parent != OsStr::new("")).unwrap_or(Path::new("."));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(parent, flags, Mode::empty()).map_err(|error| {
            let error = io::Error::from(error);
            io::Error::new(error.kind(), format!("its directory {}: {error}", parent.display()))
        })?;
        Ok(Self { dir, name: name.to_owned() })
    }

    /// What is there: nothing or a regular file.
    fn look(&self) -> io::Result<Option<Stat>> {
        match rustix::fs::statat(&self.dir, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => check_kind(FileType::from_raw_mode(stat.st_mode)).map(|()| Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn sync(&self, done: &str) -> io::Result<()> {
        rustix::fs::fsync(&self.dir).map_err(|error| {
            let error = io::Error::from(error);
            io::Error::new(error.kind(), format!("{done}, but its directory could not be synced: {error}"))
        })
    }
}

/// A new file beside the one it will replace; gone again unless it did. Its name is hidden and short: ansible skips
/// hidden files of an inventory directory, and any directory can hold it.
struct Temp<'a> {
    dir: &'a OwnedFd,
    name: String,
    file: File,
    armed: bool,
}

impl<'a> Temp<'a> {
    fn create(dir: &'a OwnedFd) -> io::Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for number in 0..1000 {
            let name = format!(".palinode-{}-{number}", std::process::id());
            match rustix::fs::openat(dir, &name, flags, Mode::RUSR | Mode::WUSR) {
                Ok(file) => return Ok(Self { dir, name, file: File::from(file), armed: true }),
                Err(Errno::EXIST) => {}
                Err(error) => {
                    let error = io::Error::from(error);
                    let words = format!("no file can be created in its directory: {error}");
                    return Err(io::Error::new(error.kind(), words));
                }
            }
        }
        Err(io::Error::other("its directory is full of files named .palinode-*; remove them"))
    }
}

impl Drop for Temp<'_> {
    fn drop(&mut self) {
        if self.armed {
            // Whatever made the replacement fail is what is reported; a file left behind is only untidy.
            let _ = rustix::fs::unlinkat(self.dir, &self.name, AtFlags::empty());
        }
    }
}

fn keep_owner(file: &File, old: &Stat) -> io::Result<()> {
    let new = rustix::fs::fstat(file)?;
    if (new.st_uid, new.st_gid) == (old.st_uid, old.st_gid) {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(old.st_uid), Gid::from_raw(old.st_gid));
    rustix::fs::fchown(file, Some(uid), Some(gid)).map_err(|error| {
        let error = io::Error::from(error);
        let words = format!("its owner {}:{} cannot be kept: {error}", old.st_uid, old.st_gid);
        io::Error::new(error.kind(), words)
    })
}

/// Tells a missing file from a link that leads nowhere.
fn no_link(path: &str) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(io::Error::other("it is a symbolic link that leads to no file")),
        _ => Ok(()),
    }
}

fn check_kind(kind: FileType) -> io::Result<()> {
    Err(io::Error::other(match kind {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => "it is a directory, not a regular file",
        FileType::Symlink => "a symbolic link took its place just now",
        FileType::Fifo => "it is a named pipe, not a regular file",
        FileType::Socket => "it is a socket, not a regular file",
        FileType::CharacterDevice | FileType::BlockDevice => "it is a device, not a regular file",
        _ => "it is not a regular file",
    }))
}

fn check_len(bytes: &[u8]) -> io::Result<()> {
    if bytes.len() as u64 > FILE_LIMIT {
        let words = format!("it is longer than {} MiB", FILE_LIMIT / (1024 * 1024));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
    }
    Ok(())
}

fn mode_of(found: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(found)
}

fn bits(mode: u32) -> u32 {
    mode & 0o7777
}

/// Files in memory, for rehearsals and tests. Clones share the same files.
#[derive(Debug, Clone, Default)]
pub struct MemFiles(Arc<Mutex<BTreeMap<String, FileContent>>>);

impl MemFiles {
    /// Puts a file there, whatever was there before.
    pub fn insert(&self, path: &str, content: FileContent) {
        self.files().insert(path.to_owned(), content);
    }

    /// All files, as a crash at this moment would leave them.
    pub fn snapshot(&self) -> BTreeMap<String, FileContent> {
        self.files().clone()
    }

    /// Brings all files back to a snapshot.
    pub fn restore(&self, snapshot: BTreeMap<String, FileContent>) {
        *self.files() = snapshot;
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, FileContent>> {
        // Every change is one move, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files for MemFiles {
    fn read(&self, path: &str) -> io::Result<Option<FileContent>> {
        let found = self.files().get(path).cloned();
        found.map_or(Ok(None), |found| check_len(&found.bytes).map(|()| Some(found)))
    }

    fn replace(&self, path: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
        check_len(bytes)?;
        let mut files = self.files();
        let owner = files.get(path).map_or_else(|| "0:0".to_owned(), |old| old.owner.clone());
        files.insert(path.to_owned(), FileContent { mode: bits(mode), owner, bytes: bytes.to_vec() });
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.files().remove(path);
        Ok(())
    }
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
