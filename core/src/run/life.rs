//! A step's life: one table of legal moves; anything else is an error.
//!
//! ```text
//! pending ──intent──> intended ──outcome──> succeeded | failed | unknown
//!    │ └──sample──> waiting ──decided/timer──> succeeded | failed        (gates)
//!    └──skip──> skipped
//! intended ──owner changed──> unknown ──probe──> succeeded | failed | again | asking
//! failed | asking ──answer──> again | succeeded | failed;  again ──intent──> intended (attempt + 1)
//! succeeded | failed | skipped | again, after an intent ──undone by another run──> compensated ──retry──> again
//! ```

use crate::record::{Answer, Decision, Ending};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Not begun.
    Pending,
    /// A gate that was sampled and is not open yet.
    Waiting,
    /// Its intent is recorded; it may be running.
    Intended,
    /// In doubt: maybe applied, maybe not.
    Unknown,
    /// In doubt, and only the operator can say.
    Asking,
    /// Decided to be tried (again).
    Again,
    /// Done.
    Succeeded,
    /// Ended, and not well.
    Failed,
    /// Passed over.
    Skipped,
    /// Taken back by another run.
    Compensated,
}

impl Stage {
    /// Whether the lane may go on behind it.
    pub fn is_behind(self) -> bool {
        matches!(self, Self::Succeeded | Self::Skipped | Self::Compensated)
    }

    /// Whether nobody knows yet what becomes of it: it may be at work on its target.
    pub fn is_doubtful(self) -> bool {
        matches!(self, Self::Intended | Self::Unknown | Self::Asking)
    }

    /// The word for people and machine output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Waiting => "waiting",
            Self::Intended => "running",
            Self::Unknown | Self::Asking => "in-doubt",
            Self::Again => "to-retry",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Compensated => "compensated",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What happens to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Its intent is recorded.
    Intent,
    /// Its outcome is recorded.
    Outcome(Ending),
    /// It was looked at while in doubt.
    Probed(Decision),
    /// An operator answered.
    Answered(Answer),
    /// It is passed over.
    Skip,
    /// A gate was sampled.
    Sampled,
    /// A gate was decided.
    Decided(bool),
    /// A gate's time was up.
    Timer,
    /// Another process drives from here.
    OwnerChanged,
    /// A gate's answer is too old to count.
    Stale,
    /// Another run took it back.
    Compensated,
}

/// A move that the table does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a step that is {from} cannot take the move {what:?}")]
pub struct Illegal {
    /// Where the step stood.
    pub from: Stage,
    /// What was to happen to it.
    pub what: Move,
}

/// The stage that a step has after a move. This is the one table of legal moves; anything else is an error.
pub fn next(from: Stage, what: Move) -> Result<Stage, Illegal> {
    use Move::*;
    use Stage::*;
    Ok(match (from, what) {
        (Pending | Again, Intent) => Intended,
        (Pending | Again | Waiting, Sampled) => Waiting,
        (Pending | Again | Waiting | Failed | Asking, Skip) => Skipped,

        (Waiting, Decided(true)) => Succeeded,
        (Waiting, Decided(false) | Timer) => Failed,
        (Succeeded | Waiting, Stale) => Pending,

        (Intended | Unknown, Outcome(Ending::Succeeded)) => Succeeded,
        (Intended | Unknown, Outcome(Ending::Failed)) => Failed,
        (Intended | Unknown, Outcome(Ending::Unknown)) => Unknown,
        (Intended, OwnerChanged) => Unknown,

        (Unknown, Probed(Decision::Succeeded)) => Succeeded,
        (Unknown, Probed(Decision::Failed | Decision::FailedPartial)) => Failed,
        (Unknown, Probed(Decision::Wait)) => Unknown,
        (Unknown, Probed(Decision::Again)) => Again,
        (Unknown, Probed(Decision::Ask)) => Asking,

        (Unknown | Asking | Failed, Answered(Answer::Applied)) => Succeeded,
        (Unknown | Asking, Answered(Answer::NotApplied)) => Again,
        (Unknown | Asking, Answered(Answer::Partial)) => Failed,
        (Failed | Asking | Stage::Compensated, Answered(Answer::Retry)) => Again,

        (Succeeded | Failed | Skipped | Again, Move::Compensated) => Stage::Compensated,

        (stays, OwnerChanged) => stays,
        _ => return Err(Illegal { from, what }),
    })
}

#[cfg(test)]
#[path = "life_tests.rs"]
pub(crate) mod tests;
