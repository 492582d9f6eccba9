//! The inbox: decisions that other processes hand to the live driver.

use crate::file::atomic_file::{TEMP, hex, place, random, unread};
use crate::file::layer::{FileLayer, Os, Root};
use crate::format::layout::{INBOX, LOG, TORN};
use crate::format::record::{self, Wrong};
use palinode_core::canon::EncodeError;
use palinode_core::port::{Handed, HandedDecision, ReadError};
use palinode_core::shown::Shown as _;
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use tracing::{debug, warn};

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
pub fn hand_in(root: &Path, decision: &HandedDecision) -> Result<String, HandInError> {
    hand_in_on(Os::shared(), root, decision)
}

/// [`hand_in`] on a layer.
pub fn hand_in_on(files: Arc<dyn FileLayer>, root: &Path, decision: &HandedDecision) -> Result<String, HandInError> {
    let bytes = record::seal(CONTEXT, decision)?;
    if bytes.len() > FILE_LIMIT {
        return Err(HandInError::TooLong(bytes.len()));
    }
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let name = format!("{:020}-{}{SUFFIX}", since.as_micros(), hex(&random::<8>()?));
    place(&Root::new(files, root), INBOX, INBOX, &name, &bytes)?;
    Ok(name)
}

/// The oldest decisions, in order. What is no decision is moved to `torn/`, with a note that says why.
pub(crate) fn read(root: &Root) -> Result<Vec<Handed>, ReadError> {
    let items = root.files.list(&root.at(INBOX)).map_err(unread(INBOX))?;
    let names: BTreeSet<_> = items.into_iter().map(|item| item.name).collect();
    let mut found = Vec::new();
    for name in names.into_iter().filter(|name| !name.to_string_lossy().starts_with(TEMP)).take(COUNT_LIMIT) {
        let opened = open(root, &name).map_err(unread(INBOX))?;
        match (opened, name.to_str().filter(|name| is_name(name))) {
            (Ok(decision), Some(name)) => found.push(Handed { name: name.to_owned(), decision }),
            (Ok(_), None) => set_aside(root, &name, &NoDecision::Name)?,
            (Err(why), _) => set_aside(root, &name, &why)?,
        }
    }
    if !found.is_empty() {
        debug!(target: LOG, count = found.len(), "inbox read");
    }
    Ok(found)
}

/// Removes a decision; one that is gone already is fine.
pub(crate) fn take(root: &Root, name: &str) -> io::Result<()> {
    if !is_name(name) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is not the name of a decision"));
    }
    match root.files.remove(&root.at(INBOX).join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => root.sync_dir(INBOX),
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

/// Why something in the inbox is no decision.
#[derive(Debug, thiserror::Error)]
enum NoDecision {
    #[error("its name is not one that a decision gets")]
    Name,
    #[error("it cannot be read: {0}")]
    Unread(io::Error),
    #[error("it is not a plain file")]
    NotPlain,
    #[error("it is longer than {FILE_LIMIT} bytes")]
    Long,
    #[error("byte {}: {}", .0.offset, .0.what)]
    Bytes(Wrong),
}

/// Opens a decision, or says why it is none. That the disk cannot be read is no fault of the decision.
fn open(root: &Root, name: &OsStr) -> io::Result<Result<HandedDecision, NoDecision>> {
    let read = root.files.read_plain(&root.at(INBOX).join(name), FILE_LIMIT as u64 + 1);
    let bytes = match read {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::IO) => return Err(error),
        Err(error) => return Ok(Err(NoDecision::Unread(error))),
        Ok(None) => return Ok(Err(NoDecision::NotPlain)),
        Ok(Some(bytes)) if bytes.len() > FILE_LIMIT => return Ok(Err(NoDecision::Long)),
        Ok(Some(bytes)) => bytes,
    };
    Ok(record::open_exact(CONTEXT, &bytes).map_err(NoDecision::Bytes))
}

fn set_aside(root: &Root, name: &OsStr, why: &NoDecision) -> Result<(), ReadError> {
    warn!(target: LOG, "inbox held no decision, set aside");
    let put = || {
        let to = format!("inbox-{}", hex(&random::<8>()?));
        let torn = root.at(TORN);
        root.files.rename(&root.at(INBOX).join(name), &torn.join(&to))?;
        let note = root.files.make_file(&torn.join(format!("{to}.note")))?;
        let words = format!("{INBOX}/{} was no decision: {why}\n", name.to_string_lossy().shown());
        note.write_all_at(words.as_bytes(), 0)?;
        note.sync_all()?;
        // Its new name first: a cut in between must not leave it without any.
        root.sync_dir(TORN).and_then(|()| root.sync_dir(INBOX))
    };
    match put() {
        // Whoever put it there took it back.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(unread(INBOX)),
    }
}
