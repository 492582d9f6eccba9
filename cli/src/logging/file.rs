//! The log file: opened before anything is done, and only where nobody else can have laid something in its place. The
//! file of a report is made under the same conditions.

use super::layers::Sink;
use crate::actor::name_of;
use crate::exit::Failure;
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// So many links are followed, each of which is our own.
const LINKS: usize = 8;

const GROUP_OR_OTHERS: u32 = 0o022;

/// Why a file is not logged into.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotOurs {
    /// A link on the way, and whose it is.
    #[error("{} is a symbolic link of {}", .0.display(), name_of(*.1))]
    Link(PathBuf, u32),
    /// Links that lead in a circle.
    #[error("the links from there do not end")]
    Links,
    /// Somebody else has it, or a folder on the way.
    #[error("{} belongs to {}", .0.display(), name_of(*.1))]
    Owner(PathBuf, u32),
    /// Others may write it, or put another in its place.
    #[error("other users may write {} (mode {:04o})", .0.display(), .1)]
    Writable(PathBuf, u32),
    /// A folder, a pipe, a device.
    #[error("it is no plain file")]
    Kind,
    /// A hard link.
    #[error("it has another name too, which others may have given it")]
    Names,
    /// What is written there would damage a journal.
    #[error("it is a part of the journal {}", .0.display())]
    Journal(PathBuf),
    /// It cannot be opened or made.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Opens the file that events are written behind the end of; made with mode 0600 if it is not there.
pub(super) fn open(path: &Path) -> Result<Sink, Failure> {
    opened(path).map(|file| Sink::File(Mutex::new(file))).map_err(|why| {
        Failure::usage(
            format!("the log file {} cannot be used: {why}; nothing was done", path.display()),
            "name a file in a folder of your own with --log-file FILE",
        )
    })
}

/// Where a file of ours may be made or opened by its name: only the effective user or root may change what the name
/// stands for, and it is no part of a journal.
pub(crate) fn place(path: &Path) -> Result<PathBuf, NotOurs> {
    let (folder, name) = resolved(path)?;
    let whole = folder.join(&name);
    for above in folder.ancestors() {
        if above.join("format").is_file() && above.join("segments").is_dir() {
            return Err(NotOurs::Journal(above.to_owned()));
        }
        let found = above.metadata()?;
        ours(above, found.uid())?;
        // In a sticky folder nobody replaces what is another's; what a name stands for is checked once it is open.
        if found.mode() & 0o1000 == 0 && found.mode() & 0o002 != 0 {
            return Err(NotOurs::Writable(above.to_owned(), found.mode() & 0o7777));
        }
    }
    Ok(whole)
}

fn opened(path: &Path) -> Result<File, NotOurs> {
    let whole = place(path)?;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    let file = options.open(&whole)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(NotOurs::Kind);
    }
    ours(&whole, found.uid())?;
    if found.nlink() != 1 {
        return Err(NotOurs::Names);
    }
    if found.mode() & GROUP_OR_OTHERS != 0 {
        return Err(NotOurs::Writable(whole, found.mode() & 0o7777));
    }
    Ok(file)
}

/// The folder and the name that a path leads to. Links are followed if they are our own.
fn resolved(path: &Path) -> Result<(PathBuf, PathBuf), NotOurs> {
    let mut path = std::path::absolute(path)?;
    for _ in 0..LINKS {
        let name = path.file_name().map(PathBuf::from).ok_or(NotOurs::Kind)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        // The folders on the way as they were written: a link of somebody else could lead anywhere tomorrow.
        for above in folder.ancestors() {
            let found = above.symlink_metadata()?;
            if found.is_symlink() && ours(above, found.uid()).is_err() {
                return Err(NotOurs::Link(above.to_owned(), found.uid()));
            }
        }
        let folder = folder.canonicalize()?;
        let whole = folder.join(&name);
        match whole.symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                if ours(&whole, found.uid()).is_err() {
                    return Err(NotOurs::Link(whole, found.uid()));
                }
                path = folder.join(whole.read_link()?);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => return Ok((folder, name)),
        }
    }
    Err(NotOurs::Links)
}

/// Whether it is the effective user's or root's.
fn ours(path: &Path, uid: u32) -> Result<(), NotOurs> {
    // In a namespace of users, root's files may have another number.
    let root = Path::new("/").metadata().map_or(0, |found| found.uid());
    let trusted = [0, root, rustix::process::geteuid().as_raw()];
    if trusted.contains(&uid) { Ok(()) } else { Err(NotOurs::Owner(path.to_owned(), uid)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().canonicalize().expect("a path");
        (dir, path)
    }

    #[test]
    fn a_file_is_private_and_goes_on_where_it_ended() {
        let (_dir, path) = folder();
        let log = path.join("log");
        for word in ["one\n", "two\n"] {
            opened(&log).expect("it is ours").write_all(word.as_bytes()).expect("it is written");
        }
        // A link of our own leads where it says.
        symlink("log", path.join("link")).expect("a link");
        opened(&path.join("link")).expect("it is ours").write_all(b"three\n").expect("it is written");
        let mut text = String::new();
        File::open(&log).and_then(|mut file| file.read_to_string(&mut text)).expect("it is read");
        assert_eq!(text, "one\ntwo\nthree\n");
        assert_eq!(log.metadata().expect("it is there").permissions().mode() & 0o7777, 0o600);
    }

    #[test]
    fn what_others_reach_and_what_is_no_file_is_refused() {
        let (_dir, path) = folder();
        let at = |name: &str| path.join(name);
        let mode = |name: &str, mode| {
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).expect("a mode");
        };
        std::fs::create_dir(at("open")).expect("a folder");
        mode("open", 0o777);
        std::fs::write(at("loose"), "").expect("a file");
        mode("loose", 0o666);
        std::fs::write(at("two"), "").expect("a file");
        std::fs::hard_link(at("two"), at("names")).expect("a second name");
        symlink("loop", at("loop")).expect("a link");
        std::fs::create_dir_all(at("journal/segments")).expect("a folder");
        std::fs::write(at("journal/format"), "").expect("a file");
        std::fs::write(at("journal/head"), "as it was").expect("a file");
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().is_ok_and(|made| made.success()));
        for (name, why) in [
            ("open/log", "other users may write"),
            ("loose", "other users may write"),
            ("names", "another name"),
            ("loop", "do not end"),
            ("journal/head", "part of the journal"),
            ("journal/segments/log", "part of the journal"),
            ("pipe", ""),
            ("open", ""),
            ("nowhere/log", "No such file"),
        ] {
            let error = opened(&at(name)).expect_err(name).to_string();
            assert!(error.contains(why), "{name}: {error}");
        }
        assert!(opened(Path::new("/dev/null")).is_err());
        assert_eq!(std::fs::read(at("journal/head")).expect("it is there"), b"as it was");
    }
}
