//! Whose a journal is. One that was found, not named, may be a trap: whoever laid it into a folder above would have
//! their plan carried out in the name of whoever types `resume`.

use crate::format::id::ID_FILE;
use crate::format::layout::{BLOBS, CLAIMS, DIAGNOSTICS, FORMAT_FILE, INBOX, JOBS, KEYS, SEGMENTS, TORN};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Why a journal is not used.
#[derive(Debug, thiserror::Error)]
pub enum Distrust {
    /// It belongs to another user.
    #[error("{} belongs to the user with uid {uid}, and this is uid {me}", .path.display())]
    Owner {
        /// What belongs to them.
        path: PathBuf,
        /// Whose it is.
        uid: u32,
        /// The effective user.
        me: u32,
    },
    /// Others may write it.
    #[error("other users may write {} (mode {mode:04o})", .path.display())]
    Writable {
        /// What they may write.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A part of it is a link, which leads out of it.
    #[error("{} is a symbolic link", .0.display())]
    Link(PathBuf),
    /// It cannot be looked at.
    #[error("{} cannot be looked at", .path.display())]
    Unseen {
        /// What cannot.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// What decides, or is decided by, what a journal says.
const PARTS: [&str; 14] = [
    FORMAT_FILE,
    "lock",
    "head",
    ID_FILE,
    SEGMENTS,
    BLOBS,
    KEYS,
    INBOX,
    TORN,
    JOBS,
    CLAIMS,
    DIAGNOSTICS,
    "index",
    "checkpoints",
];

/// What a process uses without asking the chain whether it is as it was written.
const USED: [&str; 4] = [KEYS, JOBS, DIAGNOSTICS, "index"];

const GROUP_OR_OTHERS: u32 = 0o022;
const OTHERS: u32 = 0o002;
const STICKY: u32 = 0o1000;
/// Without these nobody else gets at what is in a folder, whatever modes that has.
const ENTER: u32 = 0o011;

/// Says why a journal that was found by looking upwards is not used: it must be the effective user's or root's, as a
/// whole, and nobody else may write it, nor put another one into its place.
pub fn found(root: &Path) -> Result<(), Distrust> {
    let me = rustix::process::geteuid().as_raw();
    let trusted = [me, 0];
    // A link to another journal is as good as whoever laid it.
    let itself = look(root)?;
    owned(root, &itself, &trusted, me)?;
    let there = if itself.is_symlink() { follow(root)? } else { itself };
    owned(root, &there, &trusted, me)?;
    unwritable(root, &there, GROUP_OR_OTHERS)?;
    if let Some(parent) = root.parent() {
        let folder = follow(parent)?;
        if folder.mode() & STICKY == 0 {
            unwritable(parent, &folder, OTHERS)?;
        }
    }
    for part in PARTS {
        let path = root.join(part);
        let about = match look(&path) {
            Ok(about) => about,
            Err(Distrust::Unseen { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        owned(&path, &about, &trusted, me)?;
        if about.is_symlink() {
            return Err(Distrust::Link(path));
        }
        if there.mode() & ENTER != 0 {
            unwritable(&path, &about, GROUP_OR_OTHERS)?;
        }
    }
    Ok(())
}

/// Says why a journal that a person named is not used: its keys, its jobs and its index must be of whoever has the
/// journal, or the effective user's or root's, and not every user's to write.
pub fn named(root: &Path) -> Result<(), Distrust> {
    let me = rustix::process::geteuid().as_raw();
    let Ok(journal) = fs::metadata(root) else { return Ok(()) };
    let trusted = [me, 0, journal.uid()];
    for part in USED {
        let path = root.join(part);
        // What is not there, or may not be seen, is not used.
        let Ok(about) = look(&path) else { continue };
        owned(&path, &about, &trusted, me)?;
        let leads_out = about.is_symlink();
        let there = if leads_out { follow(&path)? } else { about };
        owned(&path, &there, &trusted, me)?;
        if leads_out || journal.mode() & ENTER != 0 {
            unwritable(&path, &there, OTHERS)?;
        }
    }
    Ok(())
}

fn look(path: &Path) -> Result<Metadata, Distrust> {
    fs::symlink_metadata(path).map_err(|cause| Distrust::Unseen { path: path.to_owned(), cause })
}

fn follow(path: &Path) -> Result<Metadata, Distrust> {
    fs::metadata(path).map_err(|cause| Distrust::Unseen { path: path.to_owned(), cause })
}

fn owned(path: &Path, about: &Metadata, trusted: &[u32], me: u32) -> Result<(), Distrust> {
    let uid = about.uid();
    if trusted.contains(&uid) { Ok(()) } else { Err(Distrust::Owner { path: path.to_owned(), uid, me }) }
}

fn unwritable(path: &Path, about: &Metadata, whose: u32) -> Result<(), Distrust> {
    let mode = about.mode() & 0o7777;
    if mode & whose == 0 || about.is_symlink() {
        return Ok(());
    }
    Err(Distrust::Writable { path: path.to_owned(), mode })
}
