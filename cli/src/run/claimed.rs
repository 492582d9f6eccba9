//! The third stage: a person agreed, and the journal is there. What follows is recorded before it is done.

use super::session::{Session, Start};
use super::stopped::Stopped;
use super::taking::Taking;
use crate::error::Failure;

/// See the module.
pub(crate) struct Claimed {
    pub(super) session: Session,
    pub(super) start: Start,
    pub(super) taking: Taking,
}

impl Claimed {
    /// Drives the run until it ends, pauses, or is left.
    pub(crate) fn drive(self) -> Result<Stopped, Failure> {
        let Self { session, start, taking } = self;
        let options = session.settings.lab.clone();
        let (session, stopped) = session.drive(start, &taking, &options)?;
        let Session { store, journal, history, run, .. } = session;
        let journal = journal.ok_or_else(super::session::not_owned)?;
        Ok(Stopped { store, journal, history, run, stopped })
    }
}
