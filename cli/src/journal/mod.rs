//! The journal that a command is about: where it is, which run is meant, and how it is opened.
//!
//! This is the one place that says what keeps journals: commands name [`Store`], [`Reader`] and [`Journal`], and know
//! them by the port.

mod find;
mod select;

use crate::error::Failure;
use crate::render::to_stderr;
use crate::render::words::Driven;
use palinode_core::id::{BodyId, RunId, Seq};
use palinode_core::port::{self, JournalRead, OwnError, OwnerState, Store as _};
use palinode_core::run::history::History;
use palinode_core::run::state::RunState;
use palinode_journal::DiskStore;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

pub(crate) use find::{find, find_or_new, place_of};
pub(crate) use select::{Default, any, row, run, short, short_among};

/// What keeps the journals of the command line: folders.
pub(crate) type Store = DiskStore;
/// A journal that is read.
pub(crate) type Reader = <Store as port::Store>::Reader;
/// A journal that this process owns.
pub(crate) type Journal = <Store as port::Store>::Journal;
/// What targets know a journal by.
pub(crate) type Id = <Store as port::Store>::Id;

/// The place of the journal that is there.
pub(crate) fn store(given: Option<&Path>) -> Result<Store, Failure> {
    Ok(Store::at(find(given)?))
}

/// The place of the journal that is there, or of a new one.
pub(crate) fn store_or_new(given: Option<&Path>) -> Result<Store, Failure> {
    Ok(Store::at(find_or_new(given)?))
}

/// The same by its absolute path, beside which a lab is made.
pub(crate) fn absolute_store_or_new(given: Option<&Path>) -> Result<Store, Failure> {
    let root = find_or_new(given)?;
    Ok(Store::at(std::path::absolute(&root).unwrap_or(root)))
}

/// Opens the journal as its owner, and says what was found.
pub(crate) fn own(store: &Store) -> Result<Journal, Failure> {
    let port::Opened { journal, previous, torn } = store.own(crate::actor::owner())?;
    if let Some(previous) = previous.filter(|previous| !previous.released) {
        to_stderr(&format!("notice: process {} owned the journal and died; taken over\n", previous.owner.pid));
    }
    if let Some(torn) = torn {
        to_stderr(&format!(
            "notice: {} bytes of an unfinished write were cut from the end and kept in {}\n",
            torn.bytes, torn.file
        ));
    }
    Ok(journal)
}

/// Opens the journal as its owner without a word; none if another process has it.
pub(crate) fn own_if_free(store: &Store) -> Result<Option<Journal>, Failure> {
    match store.own(crate::actor::owner()) {
        Ok(opened) => Ok(Some(opened.journal)),
        Err(OwnError::Owned(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Opens the journal for reading.
pub(crate) fn reader(given: Option<&Path>) -> Result<Reader, Failure> {
    Ok(store(given)?.reader()?)
}

/// Opens the journal for reading and folds it.
pub(crate) fn read(given: Option<&Path>) -> Result<(Reader, History), Failure> {
    let reader = reader(given)?;
    let history = History::load(&reader)?;
    Ok((reader, history))
}

/// Opens the journal for reading and folds it from the latest run on, which is all that shows where that run stands:
/// however long the history is, nobody waits for it at three in the morning. A run that is named by its beginning can
/// only be told from all the others, so then everything is folded.
pub(crate) fn read_latest(given: Option<&Path>, named: Option<&str>) -> Result<(Reader, History), Failure> {
    if named.is_some_and(|named| named != "@") {
        return read(given);
    }
    let reader = reader(given)?;
    // What was opened after the youngest open run comes along with it.
    let from = match reader.open_runs()?.last() {
        Some((_, first)) => Some(*first),
        None => reader.last_opened()?.map(|(_, first)| first),
    };
    let history = History::load_since(&reader, from.unwrap_or(Seq(1)))?;
    Ok((reader, history))
}

/// Whether a living process drives a run: the journal has one driver, and it drives the run that carries its epoch.
pub(crate) fn driven(reader: &Reader, run: &RunState) -> Result<Driven, Failure> {
    let owner = reader.owner()?;
    let alive = matches!(owner, OwnerState::Alive { epoch, .. } if epoch == run.epoch && run.closed.is_none());
    Ok(if alive { Driven::Alive } else { Driven::No })
}

/// Finds the words that are shown of a run and stand before it: equal words of a run and of the rollbacks that take it
/// back are recorded once, with the first of them. What such a history has already is not looked for.
pub(crate) fn find_words(reader: &Reader, history: &mut History, run: RunId) -> Result<(), Failure> {
    let Some(state) = history.runs.get(&run) else { return Ok(()) };
    let waiting = state.steps().filter(|(_, _, known)| !known.stage.is_behind());
    let named = state
        .opened
        .reason
        .into_iter()
        .chain(state.paused_words)
        .chain(waiting.filter_map(|(_, _, known)| known.message));
    let mut missing: BTreeSet<BodyId> = named.filter(|id| !history.bodies.contains_key(id)).collect();
    if history.is_whole() || missing.is_empty() {
        return Ok(());
    }
    let first = state.first;
    let bodies = Arc::make_mut(&mut history.bodies);
    for stored in reader.read(Seq(1))? {
        let entry = stored?.entry;
        for (id, sealed) in entry.bodies {
            if missing.remove(&id) {
                bodies.insert(id, Arc::new(sealed));
            }
        }
        if missing.is_empty() || entry.seq >= first {
            break;
        }
    }
    Ok(())
}
