//! The last stage: the driver rests, and what it did is in the journal.

use crate::args::Output;
use crate::error::{Exit, Failure, exit_of};
use crate::journal::{Journal, Store};
use crate::render::words::Driven;
use crate::render::{json, summary, to_stdout};
use palinode_core::id::RunId;
use palinode_core::port::Store as _;
use palinode_core::run::history::History;
use palinode_replay::driver::{self, BodyReader, DriveError};
use std::time::Instant;

/// A run that stopped.
pub(crate) struct Stopped {
    /// Where the journal is.
    pub(super) store: Store,
    /// The journal, still owned.
    pub(crate) journal: Journal,
    /// What it tells now.
    pub(crate) history: History,
    /// The run.
    pub(crate) run: RunId,
    /// How it stopped.
    pub(crate) stopped: driver::Stopped,
}

impl Stopped {
    /// The exit code that tells how it stopped.
    pub(crate) fn exit(&self) -> Exit {
        exit_of(&self.stopped)
    }

    /// Prints where the run stands now, and returns the exit code. `began` is when the command began.
    pub(crate) fn report(&self, output: Output, began: Instant) -> Result<Exit, Failure> {
        let Self { store, journal, history, run, .. } = self;
        let state = history.runs.get(run).ok_or(DriveError::NoRun(*run))?;
        let shelf = BodyReader::of(journal, history, *run).ok();
        match output {
            Output::Json => json(&summary::as_json(state, Driven::No, &store.describe(), shelf.as_ref())),
            Output::Text => {
                to_stdout(&summary::text(history, state, &store.describe(), shelf.as_ref(), began.elapsed()));
            }
        }
        Ok(self.exit())
    }
}
