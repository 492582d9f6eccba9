//! The index's folder: who may use it, and how it is emptied.

use rustix::fs::{FlockOperation, flock};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Its name in the journal.
const INDEX: &str = "index";

/// The file that sled locks.
const DB: &str = "db";

/// Others use the index for a few milliseconds; whoever builds it takes longer, and is not waited for.
const TRIES: u32 = 20;

/// The folder, for as long as this process alone uses it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Locked: the folder itself is never replaced, so its lock is everybody's.
    _lock: File,
}

impl Folder {
    /// Where a journal's index is.
    pub(crate) fn of(root: &Path) -> PathBuf {
        root.join(INDEX)
    }

    /// Takes the folder, made if it is not there; none if another process has it.
    pub(crate) fn take(root: &Path) -> io::Result<Option<Self>> {
        let path = Self::of(root);
        // A link is no folder of ours, wherever it leads: what is there would be thrown away.
        if path.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
            fs::remove_file(&path)?;
        }
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let lock = File::open(&path)?;
        if !locks(&lock, TRIES)? {
            return Ok(None);
        }
        // sled itself would fail in the same way for this as for damage.
        let db = path.join(DB);
        if is_file(&db) && !locks(&File::open(db)?, TRIES)? {
            return Ok(None);
        }
        Ok(Some(Self { path, _lock: lock }))
    }

    /// The folder's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until the store has let its file go: its threads write on for a moment after it was dropped.
    pub(crate) fn settle(&self) -> io::Result<()> {
        let db = self.path.join(DB);
        if !is_file(&db) || locks(&File::open(db)?, 50 * TRIES)? {
            return Ok(());
        }
        Err(io::Error::other("the store does not let its file go"))
    }

    /// Removes everything in it but what is to be kept.
    pub(crate) fn clear(&self, keep: impl Fn(&str) -> bool) -> io::Result<()> {
        for item in fs::read_dir(&self.path)? {
            let item = item?;
            if keep(&item.file_name().to_string_lossy()) {
                continue;
            }
            if item.file_type()?.is_dir() { fs::remove_dir_all(item.path())? } else { fs::remove_file(item.path())? }
        }
        Ok(())
    }
}

/// Whether it is a file and nothing else: a pipe would be waited for.
pub(crate) fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file())
}

/// Locks a file until it is closed; false if another process has it locked.
fn locks(file: &File, tries: u32) -> io::Result<bool> {
    for _ in 0..tries {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}
