//! Whether a file system does what the journal relies on: locks, renames, synced folders, private files.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// What was tried, each with what went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Habits {
    /// A second owner is kept out by the first one's lock.
    pub lock: Option<String>,
    /// A file replaces another under its name, whole.
    pub rename: Option<String>,
    /// A folder can be synced, so that a new name stays.
    pub folder_sync: Option<String>,
    /// Files can be kept from others: keys are among them.
    pub private: Option<String>,
}

impl Habits {
    /// Tries them in an empty folder.
    pub fn of(folder: &Path) -> Self {
        let tried = |result: io::Result<()>| result.err().map(|error| error.to_string());
        Self {
            lock: tried(lock(folder)),
            rename: tried(rename(folder)),
            folder_sync: tried(File::open(folder).and_then(|folder| folder.sync_all())),
            private: tried(private(folder)),
        }
    }

    /// Each with its name.
    pub fn all(&self) -> [(&'static str, Option<&str>); 4] {
        let Self { lock, rename, folder_sync, private } = self;
        [("lock", lock), ("rename", rename), ("folder sync", folder_sync), ("private files", private)]
            .map(|(name, wrong)| (name, wrong.as_deref()))
    }
}

fn make(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

fn lock(folder: &Path) -> io::Result<()> {
    let path = folder.join("lock");
    let first = make(&path, b"")?;
    first.try_lock().map_err(io::Error::from)?;
    match File::open(&path)?.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
        Ok(()) => Err(io::Error::other("two owners hold the same lock at once")),
    }
}

fn rename(folder: &Path) -> io::Result<()> {
    let (old, new) = (folder.join("old"), folder.join("new"));
    make(&old, b"old")?;
    make(&new, b"new")?;
    fs::rename(&new, &old)?;
    if fs::read(&old)? != b"new" || new.symlink_metadata().is_ok() {
        return Err(io::Error::other("the old file is still there after it was replaced"));
    }
    Ok(())
}

fn private(folder: &Path) -> io::Result<()> {
    let file = make(&folder.join("key"), b"")?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode == 0o600 { Ok(()) } else { Err(io::Error::other(format!("a file of mode 600 has mode {mode:o}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_folder_has_them_all_and_a_missing_one_has_none() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Habits::of(folder.path()), Habits::default());
        let none = Habits::of(&folder.path().join("none"));
        assert!(none.all().iter().all(|(_, wrong)| wrong.is_some()), "{none:?}");
    }
}
