//! Which run is meant, and how ids are found by their beginning.

use crate::error::Failure;
use crate::render::hints;
use palinode_core::id::RunId;
use palinode_core::run::history::History;
use palinode_core::run::state::RunState;
use palinode_journal::index::Run;
use palinode_replay::driver::DriveError;

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
