//! What is stored: entries, the events in them, and the facts that events hold.

mod actor;
mod attempt;
mod body;
mod closed;
mod decision;
mod entry;
mod event;
mod limits;
mod opened;
mod progress;
mod shown;

pub use actor::{Actor, Owner, World};
pub use attempt::{Intent, JobWord, Outcome, Probed};
pub use body::{Class, ImageRef, Place, Sealed};
pub use closed::RunClosed;
pub use decision::{
    Answer, Compensates, Decision, Difference, Ending, PauseWhy, Rule, RunEnd, Scope, SkipWhy, Undoes, Why,
};
pub use entry::{Draft, Entry, blob_id, entry_id, plan_digest};
pub use event::{Event, KINDS};
pub use limits::{ENTRY_LIMIT, FORMAT, INLINE_LIMIT};
pub use opened::{FoundThere, HostKeys, HostKeysError, RunOpened};
pub use progress::{Heard, HostEnd, Progress, ProgressKind};
pub use shown::{ShownState, ShownStates, ShownStatesError};
