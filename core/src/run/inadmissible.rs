//! Why an entry has no place in a history.

use crate::id::{Attempt, RunId, StepPath};
use crate::run::life::Illegal;

/// Why an entry has no place in a run's history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Inadmissible {
    /// The journal has no such run.
    #[error("the journal has no run {0}")]
    NoRun(RunId),
    /// The run is open already.
    #[error("run {0} was opened before")]
    Twice(RunId),
    /// The run follows rules that this binary does not have.
    #[error("run {run} follows rules {theirs}, which this binary does not have")]
    OtherRules {
        /// By its id, sixteen hexadecimal digits.
        run: RunId,
        /// The version that it was made under.
        theirs: u32,
    },
    /// The run is closed.
    #[error("the run is closed")]
    Closed,
    /// The plan has no such step.
    #[error("the plan has no step {0}")]
    NoStep(StepPath),
    /// The life table has no such move.
    #[error("{step}")]
    Illegal {
        /// By its path in the plan, such as `gluster1.demo/stop`.
        step: StepPath,
        /// The move.
        #[source]
        illegal: Illegal,
    },
    /// It is about an attempt that is not due.
    #[error("{step} is at attempt {at}, not {attempt}")]
    Attempt {
        /// By its path in the plan, such as `gluster1.demo/stop`.
        step: StepPath,
        /// The attempt in the entry.
        attempt: Attempt,
        /// The attempt of the step.
        at: Attempt,
    },
    /// Something was intended or sampled that was not due.
    #[error("{0} was not due")]
    NotDue(StepPath),
}
