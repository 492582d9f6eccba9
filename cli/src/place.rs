//! Where the journal is, which run is meant, and how ids are found by their beginning.

use crate::exit::Failure;
use palinode_core::history::History;
use palinode_core::id::{RunId, Seq};
use palinode_core::state::RunState;
use palinode_journal::{JournalReader, ROOT_NAME, find_root};
use palinode_replay::driver::DriveError;
use std::path::{Path, PathBuf};

/// The journal that is there.
pub(crate) fn find(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(dir) = given {
        return Ok(std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()));
    }
    let here = here()?;
    find_root(&here).ok_or_else(|| {
        Failure::usage(
            format!("there is no journal here or in any folder above ({})", here.display()),
            "go to the folder where the run was started, or name its journal with --journal DIR",
        )
    })
}

/// The journal that is there, or the place for a new one.
pub(crate) fn find_or_new(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(dir) = given {
        return Ok(dir.to_owned());
    }
    let here = here()?;
    Ok(find_root(&here).unwrap_or_else(|| here.join(ROOT_NAME)))
}

fn here() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        Failure::usage(format!("cannot tell the working folder: {error}"), "go to a folder that exists")
    })
}

/// Opens the journal for reading and folds it.
pub(crate) fn read(given: Option<&Path>) -> Result<(JournalReader, History), Failure> {
    let reader = JournalReader::open(&find(given)?)?;
    let history = History::load(&reader)?;
    Ok((reader, history))
}

/// Opens the journal for reading and folds it from the latest run on, which is all that shows where that run stands:
/// however long the history is, nobody waits for it at three in the morning. A run that is named by its beginning can
/// only be told from all the others, so then everything is folded.
pub(crate) fn read_latest(given: Option<&Path>, named: Option<&str>) -> Result<(JournalReader, History), Failure> {
    if named.is_some_and(|named| named != "@") {
        return read(given);
    }
    let reader = JournalReader::open(&find(given)?)?;
    // What was opened after the youngest open run comes along with it.
    let from = match reader.open_runs()?.last() {
        Some((_, first)) => Some(*first),
        None => reader.last_opened()?.map(|(_, first)| first),
    };
    let history = History::load_since(&reader, from.unwrap_or(Seq(1)))?;
    Ok((reader, history))
}

/// Which run is meant when none is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Default {
    /// The latest.
    Latest,
    /// The latest that is not closed.
    Open,
    /// The latest that is not a rollback.
    Forward,
}

/// The run that is meant.
pub(crate) fn run<'a>(history: &'a History, named: Option<&str>, default: Default) -> Result<&'a RunState, Failure> {
    let all = || history.order.iter().rev().filter_map(|run| history.runs.get(run));
    match named {
        Some("@") => all().next().ok_or_else(no_runs),
        Some(prefix) => by_prefix(history, prefix),
        None => match default {
            Default::Latest => all().next().ok_or_else(no_runs),
            Default::Forward => all().find(|run| run.opened.compensates.is_none()).ok_or_else(no_runs),
            Default::Open => all().find(|run| run.closed.is_none()).ok_or_else(|| match all().next() {
                Some(_) => {
                    Failure::usage("no run is open: all of them are closed", "type `palinode status` to see the latest")
                }
                None => no_runs(),
            }),
        },
    }
}

fn no_runs() -> Failure {
    Failure::usage("the journal has no runs yet", "begin one with `palinode run crio-to-docker --lab`")
}

/// The id of a run, also of one under other rules.
pub(crate) fn any(history: &History, named: &str) -> Result<RunId, Failure> {
    match foreign(history, named) {
        Some(run) => Ok(run),
        None => run(history, Some(named), Default::Latest).map(|run| run.run),
    }
}

/// The one run under other rules that is meant, if it is one.
fn foreign(history: &History, prefix: &str) -> Option<RunId> {
    let mut found = history.foreign.keys().filter(|run| !prefix.is_empty() && run.to_string().starts_with(prefix));
    found.next().filter(|_| found.next().is_none()).copied()
}

fn by_prefix<'a>(history: &'a History, prefix: &str) -> Result<&'a RunState, Failure> {
    let found: Vec<&RunState> =
        history.runs.values().filter(|run| !prefix.is_empty() && run.run.to_string().starts_with(prefix)).collect();
    match found.as_slice() {
        [run] => Ok(run),
        [] if foreign(history, prefix).is_some() => {
            let run = foreign(history, prefix).unwrap_or(RunId([0; 8]));
            let theirs = history.foreign.get(&run).map_or(0, |foreign| foreign.opened.rules);
            Err(DriveError::OtherRules { run, theirs }.into())
        }
        [] => Err(Failure::usage(
            format!("the journal has no run whose id begins with `{}`", prefix.escape_debug()),
            "type `palinode log` to see the runs, or use @ for the latest",
        )),
        many => {
            let ids: Vec<String> = many.iter().map(|run| run.run.to_string()).collect();
            Err(Failure::usage(format!("`{prefix}` is the beginning of {}", ids.join(" and ")), "give more digits"))
        }
    }
}

/// The shortest beginning of a run's id, of at least four digits, that no other run has. Where not all runs were read,
/// eight digits: that two of a thousand runs share them happens once in ten thousand journals, and is refused then.
pub(crate) fn short(history: &History, run: RunId) -> String {
    let full = run.to_string();
    let others: Vec<String> = history.order.iter().filter(|other| **other != run).map(RunId::to_string).collect();
    let least = if history.is_whole() { 4 } else { 8 };
    let length = (least..=full.len()).find(|length| others.iter().all(|other| other[..*length] != full[..*length]));
    full[..length.unwrap_or(full.len())].to_owned()
}
