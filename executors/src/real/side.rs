//! A side where actions are done, and what it is asked.

use futures_util::future::LocalBoxFuture;
use palinode_core::action::{Action, Target};
use palinode_core::id::EntryId;
use palinode_core::port::{Bodies, Ended, Job, JobStatus, LookError, Report, Survey};

/// What a side answers.
pub(super) type Answer<'a, T> = LocalBoxFuture<'a, T>;

/// A side where actions are done: the questions of the executor's port that are about one action.
pub(super) trait Side {
    /// Looks at what only the target knows.
    fn survey<'a>(
        &'a self,
        action: &'a Action,
        target: &'a Target,
        bodies: &'a dyn Bodies,
    ) -> Answer<'a, Result<Survey, LookError>>;

    /// Starts the job and waits for its end.
    fn execute<'a>(&'a self, job: &'a Job, bodies: &'a dyn Bodies) -> Answer<'a, Ended>;

    /// What the job reported beyond what is recorded.
    fn told(&self, job: &Job, bodies: &dyn Bodies) -> Result<Vec<Report>, LookError>;

    /// What is known of the job.
    fn status<'a>(&'a self, job: &'a Job, bodies: &'a dyn Bodies) -> Answer<'a, Result<JobStatus, LookError>>;

    /// Waits for the end of a job that runs.
    fn attach<'a>(&'a self, job: &'a Job, bodies: &'a dyn Bodies) -> Answer<'a, Ended>;

    /// Makes sure that a job that did not start never does; false if it did start meanwhile.
    fn revoke<'a>(&'a self, job: &'a Job) -> Answer<'a, Result<bool, LookError>>;

    /// Told of a job whose end is recorded.
    fn recorded(&self, job: EntryId);
}
