//! Rolling back: look at what is in doubt, plan the way back, and open it as a run of its own.

use palinode_core::id::{RunId, StepPath};
use palinode_core::port::JournalRead;
use palinode_core::record::Scope;
use palinode_core::run::compensate::{Compensation, compensate, in_doubt};
use palinode_core::run::history::History;
use palinode_core::run::rules::version::Rules;

use crate::driver::{BodyReader, DriveError};

/// The steps that must be looked at before the scope can be taken back.
pub fn doubts(history: &History, run: RunId, scope: &Scope) -> Result<Vec<StepPath>, DriveError> {
    let state = history.runs.get(&run).ok_or(DriveError::NoRun(run))?;
    Ok(in_doubt(state, scope)?)
}

/// The way back, from the journal alone. As a preview, steps in doubt are taken as applied.
pub fn plan(
    journal: &impl JournalRead,
    history: &History,
    run: RunId,
    scope: &Scope,
    preview: bool,
) -> Result<Compensation, DriveError> {
    plan_under(Rules::NOW, journal, history, (run, scope), preview)
}

/// [`plan`] as a release with these rules makes it.
pub fn plan_under(
    rules: Rules,
    journal: &impl JournalRead,
    history: &History,
    (run, scope): (RunId, &Scope),
    preview: bool,
) -> Result<Compensation, DriveError> {
    if let Some((run, foreign)) = history.foreign_to(run) {
        return Err(DriveError::OtherRules { run, theirs: foreign.opened.rules });
    }
    let bodies = BodyReader::of(journal, history, run)?;
    Ok(compensate(history, (run, scope), rules, preview, &|image| bodies.image(image).ok())?)
}
