//! What may be done next about one step.

use crate::run::plan::StepIx;

/// Something that may be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Next {
    /// Pass over a step whose `when` does not hold.
    Skip(StepIx),
    /// Look at the target and record the intent of the next attempt.
    Act(StepIx),
    /// Look at an in-doubt step.
    Probe(StepIx),
    /// Sample a gate.
    Sample(StepIx),
}

impl Next {
    /// The step it is about.
    pub fn step(self) -> StepIx {
        match self {
            Self::Skip(ix) | Self::Act(ix) | Self::Probe(ix) | Self::Sample(ix) => ix,
        }
    }
}
