//! The inbox: decisions that other processes hand to the live driver.

use crate::durable::{TEMP, hex, make_file, place, random, sync_dir, unread};
use crate::layout::{INBOX, TORN};
use crate::record;
use palinode_core::canon::EncodeError;
use palinode_core::port::{Handed, Handout, ReadError};
use rustix::fs::{Mode, OFlags};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

/// A decision may not be longer.
const FILE_LIMIT: usize = 64 * 1024;

/// So many are read at once; the rest waits for the next look.
const COUNT_LIMIT: usize = 256;

const CONTEXT: &str = "palinode 2026-11 handout v1";
const SUFFIX: &str = ".handout";

/// Why a decision could not be handed in.
#[derive(Debug, thiserror::Error)]
pub enum HandInError {
    /// It is too long.
    #[error("cannot hand in a decision of {0} bytes: at most {FILE_LIMIT} are read; shorten the reason")]
    TooLong(usize),
    /// It has no stored form.
    #[error("cannot hand in the decision: it has no stored form")]
    Encode(#[from] EncodeError),
    /// An I/O error.
    #[error("cannot write into {INBOX}/ of the journal; make sure that this user may write there")]
    Io(#[from] io::Error),
}

/// Hands a decision to the driver; durable on return. Gives the name it has in the inbox.
pub fn hand_in(root: &Path, decision: &Handout) -> Result<String, HandInError> {
    let bytes = record::seal(CONTEXT, decision)?;
    if bytes.len() > FILE_LIMIT {
        return Err(HandInError::TooLong(bytes.len()));
    }
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let name = format!("{:020}-{}{SUFFIX}", since.as_micros(), hex(&random::<8>()?));
    let inbox = root.join(INBOX);
    place(&inbox, &inbox, &name, &bytes)?;
    Ok(name)
}

/// The oldest decisions, in order. What is no decision is moved to `torn/`, with a note that says why.
pub(crate) fn read(root: &Path) -> Result<Vec<Handed>, ReadError> {
    let inbox = root.join(INBOX);
    let items = fs::read_dir(&inbox).map_err(unread(INBOX))?;
    let names = items.map(|item| item.map(|item| item.file_name())).collect::<io::Result<BTreeSet<_>>>();
    let names = names.map_err(unread(INBOX))?.into_iter();
    let mut found = Vec::new();
    for name in names.filter(|name| !name.to_string_lossy().starts_with(TEMP)).take(COUNT_LIMIT) {
        match (open(&inbox.join(&name)), name.to_str().filter(|name| is_name(name))) {
            (Ok(decision), Some(name)) => found.push(Handed { name: name.to_owned(), decision }),
            (Ok(_), None) => set_aside(root, &name, "its name is not one that a decision gets")?,
            (Err(why), _) => set_aside(root, &name, &why)?,
        }
    }
    Ok(found)
}

/// Removes a decision; one that is gone already is fine.
pub(crate) fn take(root: &Path, name: &str) -> io::Result<()> {
    if !is_name(name) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is not the name of a decision"));
    }
    match fs::remove_file(root.join(INBOX).join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_dir(&root.join(INBOX)),
    }
}

/// Whether a name is time, dash, random digits and suffix: nothing that leads out of the folder.
pub(crate) fn is_name(name: &str) -> bool {
    let parts = name.strip_suffix(SUFFIX).and_then(|stem| stem.split_once('-'));
    parts.is_some_and(|(time, chance)| {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        time.len() == 20
            && time.bytes().all(|byte| byte.is_ascii_digit())
            && chance.len() == 16
            && chance.bytes().all(hex)
    })
}

fn open(path: &Path) -> Result<Handout, String> {
    // Neither a link that leads elsewhere nor a pipe that never ends is followed.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| format!("it cannot be opened: {error}"))?;
    let file = File::from(file);
    if !file.metadata().is_ok_and(|about| about.is_file()) {
        return Err("it is not a plain file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(|error| format!("it cannot be read: {error}"))?;
    if bytes.len() > FILE_LIMIT {
        return Err(format!("it is longer than {FILE_LIMIT} bytes"));
    }
    record::open_exact(CONTEXT, &bytes).map_err(|wrong| format!("byte {}: {}", wrong.offset, wrong.what))
}

fn set_aside(root: &Path, name: &OsStr, why: &str) -> Result<(), ReadError> {
    let put = || {
        let to = format!("inbox-{}", hex(&random::<8>()?));
        let torn = root.join(TORN);
        fs::rename(root.join(INBOX).join(name), torn.join(&to))?;
        let mut note = make_file(&torn.join(format!("{to}.note")))?;
        writeln!(note, "{INBOX}/{} was no decision: {why}", name.to_string_lossy().escape_debug())
    };
    match put() {
        // Whoever put it there took it back.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(unread(INBOX)),
    }
}
