//! Where the journal is, which run is meant, and how ids are found by their beginning.

use crate::acting::chain;
use crate::actor;
use crate::exit::Failure;
use crate::render::hints;
use crate::render::words::Driven;
use palinode_core::id::{BodyId, RunId, Seq};
use palinode_core::port::JournalRead;
use palinode_core::run::history::History;
use palinode_core::run::state::RunState;
use palinode_journal::index::Run;
use palinode_journal::{JournalReader, OwnerState, ROOT_NAME, find_root, trust};
use palinode_replay::driver::DriveError;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The journal that is there.
pub(crate) fn find(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(dir) = given {
        let root = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        hints::about_journal(&root);
        readable(&root)?;
        return named(root);
    }
    let here = here()?;
    let root = find_root(&here);
    if let Some(root) = &root {
        hints::about_journal(root);
    }
    if let Some(root) =
        root.clone().or_else(|| here.ancestors().map(|dir| dir.join(ROOT_NAME)).find(|dir| is_kept(dir)))
    {
        readable(&root)?;
    }
    let root = root.ok_or_else(|| {
        Failure::usage(
            format!("there is no journal here or in any folder above ({})", here.display()),
            "go to the folder where the run was started, or name its journal with --journal DIR",
        )
    })?;
    found(root)
}

/// A journal that was found by looking upwards: used only if nobody else can have written it.
fn found(root: PathBuf) -> Result<PathBuf, Failure> {
    trust::found(&root).map_err(|why| {
        Failure::usage(
            format!(
                "the journal {}, found by looking upwards from here, is not used: {}; nothing was read",
                root.display(),
                chain(&why)
            ),
            format!(
                "if you trust whoever may write it, name it: --journal {}; else name your own with --journal DIR",
                shlex::try_quote(&root.to_string_lossy()).unwrap_or_default()
            ),
        )
    })?;
    Ok(root)
}

/// A journal that a person named. It may be of another user; its keys, jobs and index may not be of a third one.
fn named(root: PathBuf) -> Result<PathBuf, Failure> {
    trust::named(&root).map_err(|why| {
        Failure::usage(
            format!("the journal {} is not used: {}; nothing was read", root.display(), chain(&why)),
            "see who put that there; what belongs to the journal belongs to its owner, and nobody else may write it",
        )
    })?;
    Ok(root)
}

/// The journal that is there, or the place for a new one.
pub(crate) fn find_or_new(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(dir) = given {
        hints::about_journal(dir);
        readable(dir)?;
        return named(dir.to_owned());
    }
    let here = here()?;
    let there = find_root(&here);
    let root = there.clone().unwrap_or_else(|| here.join(ROOT_NAME));
    hints::about_journal(&root);
    readable(&root)?;
    there.map_or(Ok(root), found)
}

/// Whether something is at a place that this user may not look into. Nothing is opened: it may be a pipe.
fn is_kept(dir: &Path) -> bool {
    use rustix::fs::{Access, access};
    let denied = |path: &Path| access(path, Access::READ_OK) == Err(rustix::io::Errno::ACCESS);
    denied(dir) || ["format", "head", "segments"].iter().any(|name| denied(&dir.join(name)))
}

/// A journal that may not be read is there all the same: whose it is, and who is asking.
fn readable(root: &Path) -> Result<(), Failure> {
    if !is_kept(root) {
        return Ok(());
    }
    // It, or the first folder above that can be looked at from outside.
    let seen = root.ancestors().find_map(|dir| Some((dir, std::fs::symlink_metadata(dir).ok()?)));
    let what = match seen {
        Some((dir, found)) if dir == root => format!(
            "the journal {} cannot be read: it belongs to {} (mode {:04o}), and you are {}",
            root.display(),
            actor::name_of(found.uid()),
            found.mode() & 0o7777,
            actor::name_of(rustix::process::geteuid().as_raw())
        ),
        Some((dir, found)) => format!(
            "it cannot be told whether there is a journal at {}: {} belongs to {} (mode {:04o}), and you are {}",
            root.display(),
            dir.display(),
            actor::name_of(found.uid()),
            found.mode() & 0o7777,
            actor::name_of(rustix::process::geteuid().as_raw())
        ),
        None => format!("the journal {} cannot be read: permission denied", root.display()),
    };
    Err(Failure::usage(what, "type the same as that user or as root, or name another journal with --journal DIR"))
}

fn here() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        Failure::usage(format!("cannot tell the working folder: {error}"), "go to a folder that exists")
    })
}

/// Opens the journal for reading.
pub(crate) fn reader(given: Option<&Path>) -> Result<JournalReader, Failure> {
    Ok(JournalReader::open(&find(given)?)?)
}

/// Opens the journal for reading and folds it.
pub(crate) fn read(given: Option<&Path>) -> Result<(JournalReader, History), Failure> {
    let reader = reader(given)?;
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

/// Whether a living process drives a run: the journal has one driver, and it drives the run that carries its epoch.
pub(crate) fn driven(reader: &JournalReader, run: &RunState) -> Result<Driven, Failure> {
    let owner = reader.owner()?;
    let alive = matches!(owner, OwnerState::Alive { epoch, .. } if epoch == run.epoch && run.closed.is_none());
    Ok(if alive { Driven::Alive } else { Driven::No })
}

/// Finds the words that are shown of a run and stand before it: equal words of a run and of the rollbacks that take it
/// back are recorded once, with the first of them. What such a history has already is not looked for.
pub(crate) fn find_words(reader: &JournalReader, history: &mut History, run: RunId) -> Result<(), Failure> {
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

/// The run that is meant. Hints are about it from here on.
pub(crate) fn run<'a>(history: &'a History, named: Option<&str>, default: Default) -> Result<&'a RunState, Failure> {
    let found = find_run(history, named, default)?;
    hints::about_run(short(history, found.run));
    Ok(found)
}

fn find_run<'a>(history: &'a History, named: Option<&str>, default: Default) -> Result<&'a RunState, Failure> {
    let all = || history.order.iter().rev().filter_map(|run| history.runs.get(run));
    // A journal whose runs all follow other rules, or the end of one, from which `status` reads.
    let none = || match history.order.iter().rev().find_map(|run| Some((*run, history.foreign.get(run)?))) {
        Some((run, foreign)) => DriveError::OtherRules { run, theirs: foreign.opened.rules }.into(),
        None => no_runs(),
    };
    match named {
        Some("@") => all().next().ok_or_else(none),
        Some(prefix) => {
            let run = by_prefix(history.order.iter().copied(), prefix)?;
            history.runs.get(&run).ok_or_else(|| match history.foreign.get(&run) {
                Some(foreign) => DriveError::OtherRules { run, theirs: foreign.opened.rules }.into(),
                None => none(),
            })
        }
        None => match default {
            Default::Latest => all().next().ok_or_else(none),
            Default::Forward => all().find(|run| run.opened.compensates.is_none()).ok_or_else(none),
            Default::Open => all().find(|run| run.closed.is_none()).ok_or_else(|| match all().next() {
                Some(_) => Failure::usage(
                    "no run is open: all of them are closed",
                    format!("type `{}` to see the latest", hints::command("status")),
                ),
                None => none(),
            }),
        },
    }
}

fn no_runs() -> Failure {
    Failure::usage("the journal has no runs yet", "begin one with `palinode run crio-to-docker --lab`")
}

/// The id of a run, also of one under other rules.
pub(crate) fn any(history: &History, named: &str) -> Result<RunId, Failure> {
    match named {
        "@" => run(history, Some(named), Default::Latest).map(|run| run.run),
        prefix => by_prefix(history.order.iter().copied(), prefix),
    }
}

fn by_prefix(all: impl Iterator<Item = RunId>, prefix: &str) -> Result<RunId, Failure> {
    let mut found: Vec<RunId> = all.filter(|run| !prefix.is_empty() && run.to_string().starts_with(prefix)).collect();
    found.sort_unstable();
    match found.as_slice() {
        [run] => Ok(*run),
        [] => Err(Failure::usage(
            format!("the journal has no run whose id begins with `{prefix}`"),
            format!("type `{}` to see the runs, or use @ for the latest", hints::command("runs")),
        )),
        many => {
            let ids: Vec<String> = many.iter().map(RunId::to_string).collect();
            Err(Failure::usage(format!("`{prefix}` is the beginning of {}", ids.join(" and ")), "give more digits"))
        }
    }
}

/// The run that is meant, in a list of the runs that there are; the latest, when none is named.
pub(crate) fn row<'a>(runs: &'a [Run], named: Option<&str>) -> Result<&'a Run, Failure> {
    let run = match named {
        Some("@") | None => return runs.last().ok_or_else(no_runs),
        Some(prefix) => by_prefix(runs.iter().map(|run| run.run), prefix)?,
    };
    runs.iter().find(|found| found.run == run).ok_or_else(no_runs)
}

/// The shortest beginning of a run's id, of at least four digits, that no other run has. Where not all runs were read,
/// eight digits: that two of a thousand runs share them happens once in ten thousand journals, and is refused then.
pub(crate) fn short(history: &History, run: RunId) -> String {
    let least = if history.is_whole() { 4 } else { 8 };
    shortest(history.order.iter().copied(), run, least)
}

/// The same among all runs that there are.
pub(crate) fn short_among(all: impl Iterator<Item = RunId>, run: RunId) -> String {
    shortest(all, run, 4)
}

fn shortest(all: impl Iterator<Item = RunId>, run: RunId, least: usize) -> String {
    let full = run.to_string();
    let others: Vec<String> = all.filter(|other| *other != run).map(|other| other.to_string()).collect();
    let length = (least..=full.len()).find(|length| others.iter().all(|other| other[..*length] != full[..*length]));
    full[..length.unwrap_or(full.len())].to_owned()
}
