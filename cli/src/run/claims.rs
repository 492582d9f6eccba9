//! Whose targets are, and whether they are the machines that were recorded: what is seen to before a run acts.

use super::executor::Either;
use super::mandate::Mandate;
use super::taking::Taking;
use super::world::World;
use crate::args::Args;
use crate::error::{Exit, Failure};
use crate::journal::{self, Journal, Store};
use crate::render::{escape, to_stderr};
use palinode_core::chain::chain;
use palinode_core::id::{HostName, RunId};
use palinode_core::port::{ClaimNotes as _, Executor as _};
use palinode_core::record;
use palinode_core::run::history::History;
use palinode_core::run::state::RunState;
use palinode_replay::driver::Targets;
use std::collections::{BTreeMap, BTreeSet};

/// The machines that a run recorded; what a rollback did not record itself is what the run recorded that it takes back.
pub(crate) fn machines(history: &History, run: &RunState) -> BTreeMap<HostName, String> {
    let original = run.opened.compensates.as_ref().and_then(|back| history.runs.get(&back.run));
    let mut known = original.map(|original| original.machines.clone()).unwrap_or_default();
    known.extend(run.machines.clone());
    known
}

/// The hosts after `--host-changed`, which must be some of these.
pub(crate) fn changed<'a>(
    given: &[String],
    hosts: impl Iterator<Item = &'a HostName>,
) -> Result<BTreeSet<HostName>, Failure> {
    let hosts: BTreeSet<&HostName> = hosts.collect();
    let known = |name: &String| {
        hosts.iter().find(|host| host.as_str() == name).map(|host| (*host).clone()).ok_or_else(|| {
            Failure::usage(
                format!("--host-changed names `{}`, which the run does not act on", escape(name)),
                "type `palinode status` to see its hosts",
            )
        })
    };
    given.iter().map(known).collect()
}

/// Says which hosts are known by another key than was recorded, though they are the same machines as far as that is known.
pub(crate) fn tell_of_keys(run: &RunState, world: &World) {
    let machines = world.executor.machines();
    for (host, key) in world.executor.host_keys() {
        let Some(was) = run.host_keys.get(&host).filter(|was| **was != key) else { continue };
        let machine = match (run.machines.get(&host), machines.get(&host)) {
            (Some(was), Some(now)) if was == now => "it is the same machine by its machine id",
            (Some(_), Some(_)) => "and it is another machine",
            _ => "whether it is the same machine is not known",
        };
        to_stderr(&format!("notice: {host} is now known by {}, and was by {}; {machine}\n", escape(&key), escape(was)));
    }
}

/// What a run records of its targets: what is taken, and the hosts that are other machines indeed.
pub(crate) fn decided(
    taking: &Taking,
    changed: BTreeSet<HostName>,
    known: &BTreeMap<HostName, String>,
    world: &World,
) -> Targets {
    let now = world.executor.machines();
    let is_other = |host: &HostName| now.get(host).is_none_or(|now| known.get(host) != Some(now));
    Targets {
        taken: taking.words.clone(),
        host_changed: changed.into_iter().filter(is_other).collect(),
        shown: BTreeMap::new(),
    }
}

/// Refuses to begin on hosts where a step of another open run is in doubt: its job may be at work there.
pub(crate) fn undisturbed<'a>(
    history: &History,
    world: &record::World,
    hosts: impl Iterator<Item = &'a HostName>,
    but: Option<RunId>,
) -> Result<(), Failure> {
    let hosts: BTreeSet<&HostName> = hosts.collect();
    let others = history.runs.values().filter(|run| run.closed.is_none() && Some(run.run) != but);
    for run in others.filter(|run| run.opened.world == *world) {
        let doubtful = run.steps().find(|(_, step, known)| {
            known.stage.is_doubtful() && step.target.host.as_ref().is_some_and(|host| hosts.contains(host))
        });
        if let Some((_, step, _)) = doubtful {
            let id = journal::short(history, run.run);
            return Err(Failure::new(
                Exit::InDoubt,
                format!(
                    "{} of run {id} is in doubt, and what it began may still be at work on its host; nothing was touched",
                    step.path
                ),
                format!("type `palinode resume {id}` first: it looks what became of it"),
            ));
        }
    }
    Ok(())
}

/// Gives up what runs claimed that are closed: the process that closed them died before it did. Tried once; what cannot
/// be reached then stays claimed by this journal, and is told of.
pub(super) fn give_up_left(args: &Args, store: &Store, journal: &Journal, history: &History) {
    for run in journal.noted_claims().unwrap_or_default() {
        let state = history.runs.get(&run);
        if state.is_some_and(|state| state.closed.is_none()) || history.foreign.contains_key(&run) {
            continue;
        }
        if let Some(state) = state.filter(|state| state.opened.world == record::World::Real) {
            let id = journal::short(history, run);
            to_stderr(&format!("notice: run {id} was closed and its claims were not given up; they are now\n"));
            match World::reopen(state, args, &Mandate::of(store, journal)) {
                Ok(world) => {
                    world.release(history, run);
                }
                Err(failure) => to_stderr(&format!(
                    "notice: what run {id} claimed cannot be given up, and stays claimed by this journal: {}\n",
                    failure.what()
                )),
            }
        }
        let _ = journal.forget_claims(run);
    }
}

/// Notes that a run on real hosts is about to claim them.
pub(crate) fn note(journal: &Journal, world: &World, run: RunId) -> Result<(), Failure> {
    if matches!(world.executor, Either::Lab(_)) {
        return Ok(());
    }
    journal.note_claims(run).map_err(|error| {
        Failure::new(
            Exit::CannotRecord,
            format!("cannot note in the journal whose claims are made: {}", chain(&*error)),
            "make room or mend the disk, then type the same again",
        )
    })
}
