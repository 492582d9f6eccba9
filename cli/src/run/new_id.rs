//! The ids of runs.

use crate::error::{Exit, Failure};
use palinode_core::id::RunId;

/// Chooses a run's id.
pub(crate) fn new_id() -> Result<RunId, Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::new(
            Exit::Failed,
            format!("the system gives no random numbers: {error}"),
            "see that /dev/urandom can be read",
        )
    })?;
    Ok(RunId(bytes))
}
