//! Files that an operator names, which may lie where others write: a pipe or a device in their place is not waited for,
//! and nothing is read without an end.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum NotPlain {
    /// Something else is there.
    #[error("it is {0} and no file")]
    Kind(&'static str),
    /// It is too long.
    #[error("it is longer than {} MiB", .0 >> 20)]
    Long(u64),
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// All bytes of a file of a limited length. What the caller's shell handed over (`<(...)`, `/dev/stdin`) may be a pipe.
///
/// # Errors
/// If it is missing or cannot be read, if it is something else than a file, or if it is longer.
pub fn read_plain(path: &Path, most: u64) -> Result<Vec<u8>, NotPlain> {
    let mut options = OpenOptions::new();
    options.read(true);
    if !is_handed(path) {
        check_plain(path, most)?;
        // Something else may have come into its place since.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    }
    let file = options.open(path)?;
    if !is_handed(path) {
        plain(file.metadata()?.file_type())?;
    }
    bounded(file, most)
}

/// Says why a file should not be handed to what reads all of it, whatever it is and however long.
///
/// # Errors
/// As [`read_plain`].
pub(crate) fn check_plain(path: &Path, most: u64) -> Result<(), NotPlain> {
    if is_handed(path) {
        return Ok(());
    }
    let found = std::fs::metadata(path)?;
    plain(found.file_type())?;
    if found.size() > most { Err(NotPlain::Long(most)) } else { Ok(()) }
}

/// Why others could put something else in the place of what is made at a path: somebody else has one of the folders on
/// the way, or all may write in it. Folders that are not there yet are made by us. The one that has `/` counts as root.
pub(crate) fn in_others_reach(path: &Path) -> Option<String> {
    let me = rustix::process::geteuid().as_raw();
    let root = std::fs::metadata("/").map_or(0, |found| found.uid());
    let there = path.ancestors().find_map(|folder| folder.canonicalize().ok());
    let real = there.iter().flat_map(|there| there.ancestors());
    path.ancestors().chain(real).find_map(|folder| {
        let found = std::fs::symlink_metadata(folder).ok()?;
        let (uid, mode) = (found.uid(), found.mode() & 0o7777);
        if ![me, 0, root].contains(&uid) {
            return Some(format!("{} belongs to the user with uid {uid}", folder.display()));
        }
        let open = found.is_dir() && mode & 0o002 != 0 && mode & 0o1000 == 0;
        open.then(|| format!("all users may write in {} (mode {mode:04o})", folder.display()))
    })
}

/// No more than a limit, whatever length the file says it has.
fn bounded(file: File, most: u64) -> Result<Vec<u8>, NotPlain> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length > most { Err(NotPlain::Long(most)) } else { Ok(bytes) }
}

/// What this process was started with, by its number.
fn is_handed(path: &Path) -> bool {
    let path = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
    ["/dev/fd", "/dev/stdin", "/proc/self/fd"].iter().any(|known| path.starts_with(known))
}

fn plain(kind: FileType) -> Result<(), NotPlain> {
    let other = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(NotPlain::Kind(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_waited_for_and_nothing_without_an_end_is_read() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("good"), "12345678").expect("it can be written");
        File::create(at("long")).and_then(|file| file.set_len(1 << 40)).expect("it can be made");
        std::os::unix::fs::symlink("/dev/zero", at("zero")).expect("a link can be made");
        std::os::unix::fs::symlink("good", at("link")).expect("a link can be made");
        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status();
        assert!(made.is_ok_and(|made| made.success()));
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket can be made");
        for name in ["good", "link"] {
            assert_eq!(read_plain(&at(name), 8).expect("it is plain"), b"12345678");
            assert_eq!(read_plain(&at(name), 7).expect_err("too long").to_string(), "it is longer than 0 MiB");
        }
        for (name, why) in [
            ("long", "it is longer than 1 MiB"),
            ("zero", "it is a device and no file"),
            ("pipe", "it is a pipe and no file"),
            ("socket", "it is a socket and no file"),
            ("", "it is a directory and no file"),
        ] {
            assert_eq!(read_plain(&at(name), 1 << 20).expect_err(name).to_string(), why);
            assert_eq!(check_plain(&at(name), 1 << 20).expect_err(name).to_string(), why);
        }
        assert!(matches!(read_plain(&at("gone"), 1), Err(NotPlain::Io(_))));
    }
}
