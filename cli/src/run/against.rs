//! What the word of a host is held against: the journal, and the run that acts again.

use super::mandate::former_name;
use crate::journal::{self, Journal};
use crate::render::{escape, to_stderr};
use palinode_core::action::UndoClass;
use palinode_core::id::{EntryId, HostName, RunId, Seq};
use palinode_core::port::JournalRead as _;
use palinode_core::run::history::History;
use palinode_core::run::plan::Work;
use palinode_core::run::state::RunState;
use palinode_executors::{Seen, Whose};

/// The journal, and the run that goes on or is taken back in it: what a host's word is held against.
#[derive(Clone, Copy)]
pub(crate) struct Against<'a> {
    journal: Option<&'a Journal>,
    history: &'a History,
    /// Goes on: it had its hosts.
    resumed: Option<&'a RunState>,
}

impl<'a> Against<'a> {
    /// A new run. None: of a journal that is not made yet.
    pub(crate) fn new(journal: Option<&'a Journal>, history: &'a History) -> Self {
        Self { journal, history, resumed: None }
    }

    /// A run that goes on.
    pub(crate) fn resumed(journal: &'a Journal, history: &'a History, run: &'a RunState) -> Self {
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
            journal::short(self.history, run.run)
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

fn entry_at(journal: &Journal, seq: Seq) -> Option<EntryId> {
    let entry = journal.read(seq).ok()?.next()?.ok()?;
    (entry.entry.seq == seq).then_some(entry.id)
}
