//! Why driving stopped, and why a decision is refused.

use palinode_core::id::{RunId, StepPath};
use palinode_core::port::{BodyError, Halted, ReadError, RecordError};
use palinode_core::run::compensate::CompensateError;
use palinode_core::run::history::LoadError;
use palinode_core::run::inadmissible::Inadmissible;
use palinode_core::run::life::Stage;
use palinode_core::run::rules::version::Rules;

/// Why driving stopped with an error. Nothing was done that is not recorded.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The journal cannot record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The history does not fit together.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A body cannot be sealed or opened.
    #[error("cannot keep or open what was recorded")]
    Body(#[from] BodyError),
    /// The world stopped the process here.
    #[error(transparent)]
    Halted(#[from] Halted),
    /// There is no such run.
    #[error("the journal has no run {0}")]
    NoRun(RunId),
    /// The run was made under other rules.
    #[error(
        "run {run} follows rules {theirs}, this binary has rules {}; use the release that has them",
        Rules::known()
    )]
    OtherRules {
        /// By its id, sixteen hexadecimal digits.
        run: RunId,
        /// The version that it was made under.
        theirs: u32,
    },
    /// The rollback cannot be planned.
    #[error("cannot roll back")]
    Compensate(#[from] CompensateError),
    /// A person's decision does not fit.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What was to be recorded has no place in the history; nothing was recorded.
    #[error("cannot record what does not follow from what is recorded; this is a fault of palinode")]
    Inadmissible(#[from] Inadmissible),
}

/// Why a person's decision about a step is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The run has no such step.
    #[error("the run has no step {0}")]
    NoStep(StepPath),
    /// The step does not stand where that decision is possible.
    #[error("{step} is {stage}, which that decision does not fit")]
    Stage {
        /// By its path in the plan, such as `gluster1.demo/stop`.
        step: StepPath,
        /// Where it stands.
        stage: Stage,
    },
    /// The run is closed.
    #[error("the run is closed")]
    Closed,
    /// An open rollback takes the run back: two drivers' plans would work against each other.
    #[error("run {0} is taking it back, and must come to its end first")]
    TakenBack(RunId),
    /// No reason was given.
    #[error("passing over a step needs a reason")]
    NoReason,
    /// It sets aside what is recorded of a step that is not in doubt, and no reason was given.
    #[error("{0} is not in doubt: it failed, and that is recorded; to overrule it needs a reason")]
    Overrules(StepPath),
    /// More happened to the step than the person knew.
    #[error("{step} has moved on since that was decided: it is {stage} now")]
    Outdated {
        /// By its path in the plan, such as `gluster1.demo/stop`.
        step: StepPath,
        /// Where it stands.
        stage: Stage,
    },
    /// A pause that was asked of an earlier driver.
    #[error("the run was taken over since that was asked")]
    TakenOver,
    /// A later decision about the same step was handed in too.
    #[error("a later decision about {0} takes its place")]
    Replaced(StepPath),
    /// Under its rules nobody but its driver ends the run.
    #[error("run {0} follows rules under which only its driver ends it; resume it, or roll it back")]
    OwnEnd(RunId),
}
