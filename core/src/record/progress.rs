//! What a job tells while it runs: a playbook's plays, tasks and host results, each as evidence of its own.
//!
//! Nothing is decided by it. It is posted, so a crash may lose what was told last; whoever goes on with the job asks for
//! what came after the last number that is recorded.

use crate::id::{Attempt, BodyId, ResourceKey, StepPath};
use serde::{Deserialize, Serialize};

/// One thing that a job told. See [`crate::record::Event::Progress`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// By its path in the plan, such as `gluster1.demo/stop`.
    pub step: StepPath,
    /// Counted from 1 for each step; a retry is the next one.
    pub attempt: Attempt,
    /// Its number among all that this attempt told, from 1, growing.
    pub number: u64,
    /// What it was, as far as that is public.
    pub what: ProgressKind,
    /// Its words: names, arguments, output.
    pub evidence: Option<BodyId>,
}

/// What a job tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProgressKind {
    /// The program runs; versions and files are in the evidence.
    Began,
    /// A play begins.
    Play,
    /// A task begins, on all hosts of the play.
    Task,
    /// A task ended on a host.
    Host {
        /// The host, as the inventory names it.
        host: String,
        /// How.
        ended: HostEnd,
    },
    /// Something else, told in the evidence alone.
    Note,
    /// A request that changes something was sent to the cluster's API.
    Request {
        /// What was asked: `evict`, `delete`, `patch`, `create`, `replace`, `claim`.
        verb: String,
        /// Of what.
        key: ResourceKey,
        /// The status code of the answer; none if there was no answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u16>,
        /// What the server's audit log calls the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audit: Option<String>,
    },
    /// The program is through: it told how every host fared.
    Stats {
        /// How many hosts it dealt with.
        hosts: u64,
        /// On how many of them something failed.
        failed: u64,
        /// How many of them could not be reached.
        unreachable: u64,
    },
}

/// How a task ended on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostEnd {
    /// Well, and it changed nothing.
    Ok,
    /// Well, and it changed something.
    Changed,
    /// It was passed over.
    Skipped,
    /// It failed.
    Failed,
    /// It failed, and the playbook goes on regardless.
    Ignored,
    /// The host could not be reached.
    Unreachable,
}

impl HostEnd {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Ok, Self::Changed, Self::Skipped, Self::Failed, Self::Ignored, Self::Unreachable];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Changed => "changed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Ignored => "ignored",
            Self::Unreachable => "unreachable",
        }
    }
}

/// What is known of what an attempt told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// The number of the last thing told; 0 if nothing was.
    pub number: u64,
    /// The words of the task that began last.
    pub task: Option<BodyId>,
    /// Tasks that began.
    pub tasks: u64,
    /// Requests to the cluster's API that change something.
    pub requests: u64,
    /// Host results, by how they ended: in the order of [`HostEnd::ALL`].
    pub ends: [u64; 6],
}

impl Heard {
    /// Takes one thing in.
    pub fn take(&mut self, progress: &Progress) {
        self.number = progress.number;
        match &progress.what {
            ProgressKind::Task => {
                self.tasks += 1;
                self.task = progress.evidence;
            }
            ProgressKind::Host { ended, .. } => {
                if let Some(count) = self.ends.get_mut(*ended as usize) {
                    *count += 1;
                }
            }
            ProgressKind::Request { .. } => self.requests += 1,
            ProgressKind::Began | ProgressKind::Play | ProgressKind::Note | ProgressKind::Stats { .. } => {}
        }
    }

    /// The host results in one line; nothing if there are none.
    pub fn words(&self) -> Option<String> {
        let parts: Vec<String> = HostEnd::ALL
            .iter()
            .zip(self.ends)
            .filter(|(_, count)| *count > 0)
            .map(|(end, count)| format!("{count} {}", end.word()))
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_adds_up() {
        let mut heard = Heard::default();
        assert_eq!(heard.words(), None);
        let tell = |number, what, evidence| {
            let step = StepPath::new("run/play").expect("a path");
            Progress { step, attempt: 1, number, what, evidence }
        };
        let host = |ended| ProgressKind::Host { host: "h".to_owned(), ended };
        heard.take(&tell(1, ProgressKind::Began, None));
        heard.take(&tell(2, ProgressKind::Task, Some(BodyId([1; 32]))));
        for (number, ended) in HostEnd::ALL.into_iter().chain([HostEnd::Ok]).enumerate() {
            heard.take(&tell(number as u64 + 3, host(ended), None));
        }
        assert_eq!((heard.number, heard.tasks, heard.task), (9, 1, Some(BodyId([1; 32]))));
        let words = "2 ok, 1 changed, 1 skipped, 1 failed, 1 ignored, 1 unreachable";
        assert_eq!(heard.words().as_deref(), Some(words));
    }
}
