//! Whose targets are, and whether they are the machines that were recorded: what is seen to before a run acts.

use crate::acting::{Acting, Either, chain};
use crate::args::Args;
use crate::exit::{Exit, Failure};
use crate::render::{escape, to_stderr};
use crate::{actor, place, session};
use palinode_core::action::UndoClass;
use palinode_core::id::{EntryId, HostName, RunId, Seq};
use palinode_core::port::{Executor as _, JournalRead};
use palinode_core::record::World;
use palinode_core::run::history::History;
use palinode_core::run::plan::Work;
use palinode_core::run::state::RunState;
use palinode_executors::{Claim, Fence, Seen, Whose};
use palinode_journal::{DiskJournal, JournalId};
use palinode_replay::driver::Targets;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A journal as targets know it: in its name they are claimed.
#[derive(Debug, Clone)]
pub(crate) struct Mandate {
    pub(crate) root: PathBuf,
    pub(crate) id: JournalId,
    epoch: u64,
}

impl Mandate {
    /// That of a journal which this process owns.
    pub(crate) fn of(journal: &DiskJournal) -> Self {
        let palinode_core::id::Epoch(epoch) = palinode_core::port::Journal::epoch(journal);
        Self { root: journal.root().to_owned(), id: journal.id().clone(), epoch }
    }

    /// That of one that is made once a person agreed.
    pub(crate) fn fresh(root: &Path) -> Result<Self, Failure> {
        Ok(Self { root: root.to_owned(), id: JournalId::random().map_err(|error| no_chance(&error))?, epoch: 1 })
    }

    /// In whose name a run changes hosts.
    pub(crate) fn claim(&self, run: RunId) -> Result<Claim, Failure> {
        let actor = actor::actor();
        let since = crate::render::moment(session::wall());
        let words = format!(
            "run {run} of {} on {}, since {since}, journal {}",
            actor.user,
            actor.host,
            place_of(&self.root).display()
        );
        Ok(Claim {
            journal: self.id.to_string(),
            words: words.chars().filter(|c| !c.is_control()).take(1000).collect(),
            fence: Fence { epoch: self.epoch, owner: process()? },
        })
    }
}

fn no_chance(error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("the system gives no random numbers: {error}"),
        "see that /dev/urandom can be read",
    )
}

/// A word of chance that no other process has, nor one in another container.
fn process() -> Result<String, Failure> {
    static WORD: OnceLock<String> = OnceLock::new();
    if let Some(word) = WORD.get() {
        return Ok(word.clone());
    }
    let word = JournalId::random().map_err(|error| no_chance(&error))?.to_string();
    Ok(WORD.get_or_init(|| word[..16].to_owned()).clone())
}

/// Where a journal is, whatever way it was named.
pub(crate) fn place_of(journal: &Path) -> PathBuf {
    // It may not be made yet, its folder is there.
    let place = std::path::absolute(journal).unwrap_or_else(|_| journal.to_owned());
    match (place.parent().map(Path::canonicalize), place.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => place,
    }
}

/// How targets knew a journal before it had an id of its own: by the id of this machine and its place.
pub(crate) fn former_name(journal: &Path) -> String {
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let named = blake3::derive_key(
        "palinode journal as hosts know it, 2026",
        [machine.trim().as_bytes(), place_of(journal).as_os_str().as_bytes()].join(&0).as_slice(),
    );
    named.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The journal, and the run that goes on or is taken back in it: what a host's word is held against.
#[derive(Clone, Copy)]
pub(crate) struct Against<'a> {
    journal: Option<&'a DiskJournal>,
    history: &'a History,
    /// Goes on: it had its hosts.
    resumed: Option<&'a RunState>,
}

impl<'a> Against<'a> {
    /// A new run. None: of a journal that is not made yet.
    pub(crate) fn new(journal: Option<&'a DiskJournal>, history: &'a History) -> Self {
        Self { journal, history, resumed: None }
    }

    /// A run that goes on.
    pub(crate) fn resumed(journal: &'a DiskJournal, history: &'a History, run: &'a RunState) -> Self {
        Self { journal: Some(journal), history, resumed: Some(run) }
    }

    /// Whether what a host saw of this journal is not in it: it is an older copy, or one that went another way.
    pub(crate) fn lacks(&self, seen: &Seen) -> bool {
        let Some(journal) = self.journal else { return false };
        entry_at(journal, seen.seq) != Some(seen.entry)
    }

    /// Whether a claim under another name is this journal's all the same: made before it had an id.
    pub(crate) fn formerly(&self, words: &str, by: &str) -> bool {
        let Some(journal) = self.journal else { return false };
        let run = words.strip_prefix("run ").and_then(|rest| rest.split(' ').next()?.parse::<RunId>().ok());
        run.is_some_and(|run| self.history.order.contains(&run)) && by == former_name(journal.root())
    }

    /// Says of a host that this run had claimed and has no more, what became of that.
    pub(crate) fn tell_of_lost(&self, host: &HostName, whose: &Whose) {
        let Some(run) = self.resumed else { return };
        if whose.ours || whose.claimant.is_some() || !had(run, host) {
            return;
        }
        let by = match &whose.taken {
            Some(words) => format!("taken over by {}, which gave it up since", escape(words)),
            None => "the host does not tell by whom; its claim may have gone with the power".to_owned(),
        };
        to_stderr(&format!(
            "notice: {host} was claimed by run {}, and is no more: {by}; what changed there since is looked at step by step\n",
            place::short(self.history, run.run)
        ));
    }
}

/// Whether a run did something on a host that takes a claim.
fn had(run: &RunState, host: &HostName) -> bool {
    run.steps().any(|(_, step, known)| {
        let acts = matches!(&step.work, Work::Act(action) if action.class() != UndoClass::Read);
        acts && known.job.is_some() && step.target.host.as_ref() == Some(host)
    })
}

fn entry_at(journal: &DiskJournal, seq: Seq) -> Option<EntryId> {
    let entry = journal.read(seq).ok()?.next()?.ok()?;
    (entry.entry.seq == seq).then_some(entry.id)
}

/// What is taken from other journals once that is recorded.
#[derive(Debug, Default)]
pub(crate) struct Taking {
    /// The hosts, and whether their nodes and the inventories of the plan are taken too.
    pub(crate) hosts: Vec<HostName>,
    pub(crate) plan: Option<palinode_core::run::plan::Plan>,
    /// Whose each of them is, in words: what is recorded.
    pub(crate) words: BTreeMap<String, String>,
}

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
pub(crate) fn tell_of_keys(run: &RunState, acting: &Acting) {
    let machines = acting.world.machines();
    for (host, key) in acting.world.host_keys() {
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
    acting: &Acting,
) -> Targets {
    let now = acting.world.machines();
    let is_other = |host: &HostName| now.get(host).is_none_or(|now| known.get(host) != Some(now));
    Targets { taken: taking.words.clone(), host_changed: changed.into_iter().filter(is_other).collect() }
}

/// Refuses to begin on hosts where a step of another open run is in doubt: its job may be at work there.
pub(crate) fn undisturbed<'a>(
    history: &History,
    world: &World,
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
            let id = place::short(history, run.run);
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
pub(crate) fn give_up_left(args: &Args, journal: &DiskJournal, history: &History) {
    for run in journal.noted_claims().unwrap_or_default() {
        let state = history.runs.get(&run);
        if state.is_some_and(|state| state.closed.is_none()) || history.foreign.contains_key(&run) {
            continue;
        }
        if let Some(state) = state.filter(|state| state.opened.world == World::Real) {
            let id = place::short(history, run);
            to_stderr(&format!("notice: run {id} was closed and its claims were not given up; they are now\n"));
            match Acting::reopen(state, args, &Mandate::of(journal)) {
                Ok(acting) => {
                    acting.release(history, run);
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
pub(crate) fn note(journal: &DiskJournal, acting: &Acting, run: RunId) -> Result<(), Failure> {
    if matches!(acting.world, Either::Lab(_)) {
        return Ok(());
    }
    journal.note_claims(run).map_err(|error| {
        Failure::new(
            Exit::CannotRecord,
            format!("cannot note in the journal whose claims are made: {}", chain(&error)),
            "make room or mend the disk, then type the same again",
        )
    })
}
