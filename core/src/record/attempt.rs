//! One attempt at a step: the intent before it, the outcome after it, and the look that decides between them.

use super::body::ImageRef;
use super::decision::{Decision, Ending, Rule, Undoes, Why};
use crate::action::{Action, Recovery, Target, Undo, UndoClass, Verdict};
use crate::id::{Attempt, BodyId, Label, StepPath};
use crate::resource::{Footprint, Residue};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an attempt is about to do: on stable storage before the target is touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// By its path in the plan, such as `gluster1.demo/stop`.
    pub step: StepPath,
    /// Counted from 1 for each step; a retry is the next one.
    pub attempt: Attempt,
    /// The action, with every capture filled in.
    pub action: Action,
    /// Whom it acts for.
    pub target: Target,
    /// Boot id of the host when it was looked at; a job without claim never started only under the same boot.
    pub boot: Option<String>,
    /// The resources, with the fields that count.
    pub footprint: Vec<Footprint>,
    /// What was there: of the first attempt, whatever attempt this is.
    pub before: ImageRef,
    /// How to take it back, from that.
    pub inverse: Vec<Undo>,
    /// Its undo class.
    pub class: UndoClass,
    /// Its recovery rule.
    pub recovery: Recovery,
    /// What will be lost for good.
    pub losses: Vec<Residue>,
    /// In a rollback: what it undoes.
    pub undoes: Option<Undoes>,
}

/// How an attempt ended, as far as its executor was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// By its path in the plan, such as `gluster1.demo/stop`.
    pub step: StepPath,
    /// Counted from 1 for each step; a retry is the next one.
    pub attempt: Attempt,
    /// How it ended.
    pub ending: Ending,
    /// Why not well.
    pub why: Option<Why>,
    /// Exit code, where there is one.
    pub code: Option<i32>,
    /// A message for people.
    pub message: Option<BodyId>,
    /// What was printed.
    pub output: Option<BodyId>,
    /// What is there now; empty if nobody could look.
    pub after: ImageRef,
    /// Captured public values.
    pub captures: BTreeMap<Label, String>,
    /// What of its effects may be lost again: it is not known to be on a disk. Left out where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Residue>,
}

/// What a look at an in-doubt step found, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// By its path in the plan, such as `gluster1.demo/stop`.
    pub step: StepPath,
    /// The attempt in doubt.
    pub attempt: Attempt,
    /// What the look says.
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: Rule,
    /// What the rules make of it: go on, wait, again, ask or fail.
    pub decision: Decision,
    /// What the job on the target said of itself.
    pub job: JobWord,
    /// What is there now; counts as the last recorded state.
    pub observed: ImageRef,
    /// Evidence for people.
    pub evidence: Option<BodyId>,
    /// What the job printed, if its own word was heard only now, or if it was cut short. Left out if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<BodyId>,
    /// Captured public values, when it turned out to have succeeded.
    pub captures: BTreeMap<Label, String>,
    /// The job's exit code, where its own word was heard only now and it did not end well. Left out if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
}

/// What a job on the target says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobWord {
    /// It finished well.
    FinishedWell,
    /// It finished, not well.
    FinishedBadly,
    /// It runs.
    Running,
    /// It started and died.
    Interrupted,
    /// It never started, and cannot any more.
    NotStarted,
    /// It was revoked.
    Revoked,
    /// The target cannot say.
    Unknown,
}
