//! What was decided, by the rules or by a person, and why.

use crate::id::{ResourceKey, RunId, StepPath};
use crate::resource::State;
use serde::{Deserialize, Serialize};

/// What a rollback takes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The whole run.
    Run,
    /// The steps of one host.
    Host(crate::id::HostName),
    /// One step.
    Step(StepPath),
}

/// Which run a rollback takes back, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compensates {
    /// By its id, sixteen hexadecimal digits.
    pub run: RunId,
    /// How much of it.
    pub scope: Scope,
}

/// Marks a rollback's step as (part of) the undo of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undoes {
    /// The run whose step is taken back.
    pub run: RunId,
    /// By its path in the plan of that run.
    pub step: StepPath,
    /// Whether this is the last action of that step's undo.
    pub last: bool,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Done, and what it promises was seen.
    Succeeded,
    /// Ended, but not well.
    Failed,
    /// It may have happened or not: the link or the process was lost.
    Unknown,
}

/// Why an attempt did not succeed, in public terms; the words of the host are in the message body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The program said so by its exit code.
    ExitCode,
    /// A precondition did not hold. Before rules 4 also that it did not start.
    Precondition,
    /// It took longer than allowed.
    Timeout,
    /// It ended well but the promised state is not there.
    Unmet,
    /// Someone else changed the same thing.
    Conflict,
    /// The link to the target was lost.
    LinkLost,
    /// The job was revoked by a later owner.
    Revoked,
    /// Taken as partly applied: by the operator's word, or because a partial effect is not safe to repeat.
    Partial,
    /// It certainly did not start, and never will: nothing was changed.
    NotStarted,
}

impl Why {
    /// Whether the attempt was refused: what is there now is what others made of it.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Precondition | Self::Conflict | Self::Revoked | Self::NotStarted)
    }
}

/// By which rule an in-doubt step was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The job's own status on the target.
    Job,
    /// The action's declared probe.
    Probe,
    /// Declared safe to repeat.
    Repeat,
    /// None of them: the operator is asked.
    Ask,
}

/// What follows from a look at an in-doubt step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It happened and is as promised.
    Succeeded,
    /// It ended, and not well.
    Failed,
    /// It goes on: attach and look again.
    Wait,
    /// It did not happen, or is safe to repeat: a new attempt.
    Again,
    /// A part of it happened and it is not safe to repeat.
    FailedPartial,
    /// Ask the operator.
    Ask,
}

/// An operator's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It happened.
    Applied,
    /// It did not: a new attempt.
    NotApplied,
    /// A part of it happened.
    Partial,
    /// Try the failed step again.
    Retry,
}

/// Why a step was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipWhy {
    /// Its `when` was false.
    When,
    /// An operator said so, with a reason.
    Operator,
    /// A rollback found the resources already as they were.
    AlreadyThere,
}

/// Why a run stopped although it is not closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PauseWhy {
    /// Steps failed.
    Failed,
    /// Steps are in doubt and nothing decides them but the operator.
    InDoubt,
    /// An operator asked for it.
    Asked,
    /// A resource is not as last recorded, and the step would overwrite someone's change.
    Drift(ResourceKey),
    /// A step could not even be prepared: its target cannot be reached, or refuses to be looked at.
    Blocked(StepPath),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunEnd {
    /// Every step done or skipped.
    Done,
    /// Ended with failed steps that the runbook tolerates.
    Failed,
    /// Everything is as before.
    RolledBack,
    /// Taken back but for the residues.
    PartlyRolledBack,
}

/// A resource that is not what it was before the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// By its key: the host or cluster, and what it is there.
    pub key: ResourceKey,
    /// What it was.
    pub was: State,
    /// What it is.
    pub is: State,
}
