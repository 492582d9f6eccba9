//! The sides where actions are done, and which action is done at which.

use super::Real;
use super::on_cluster::ClusterSide;
use super::on_control::{FileSide, PlaybookSide};
use super::on_host::HostSide;
use crate::kind::{DoneBy, done_by};
use crate::real::side::{Answer, Side};
use palinode_core::action::{Action, Target};
use palinode_core::id::EntryId;
use palinode_core::port::{Bodies, Ended, Job, JobStatus, LookError, Report, Survey};

impl Real {
    /// The side where an action is done.
    pub(super) fn side<'a>(&'a self, action: &'a Action, target: &'a Target) -> Box<dyn Side + 'a> {
        match (done_by(action), &target.host) {
            (DoneBy::Host(kind), Some(host)) => Box::new(HostSide { real: self, host, kind }),
            (DoneBy::Host(_), None) => Box::new(Nowhere),
            (DoneBy::Cluster(kind), _) => Box::new(ClusterSide { real: self, kind }),
            (DoneBy::Files(_), _) => Box::new(FileSide { real: self }),
            (DoneBy::Playbook(playbook), _) => Box::new(PlaybookSide { real: self, playbook }),
        }
    }
}

/// The side of a step that has to have a host, and has none: nothing is done there.
struct Nowhere;

const NO_HOST: &str = "the step has no host";

impl Side for Nowhere {
    fn survey<'a>(&'a self, _: &'a Action, _: &'a Target, _: &'a dyn Bodies) -> Answer<'a, Result<Survey, LookError>> {
        Box::pin(async { Ok(Survey::default()) })
    }

    fn execute<'a>(&'a self, _: &'a Job, _: &'a dyn Bodies) -> Answer<'a, Ended> {
        Box::pin(async { Ended::NotStarted(NO_HOST.to_owned()) })
    }

    fn told(&self, _: &Job, _: &dyn Bodies) -> Result<Vec<Report>, LookError> {
        Ok(Vec::new())
    }

    fn status<'a>(&'a self, _: &'a Job, _: &'a dyn Bodies) -> Answer<'a, Result<JobStatus, LookError>> {
        Box::pin(async { Ok(JobStatus::Unknown) })
    }

    fn attach<'a>(&'a self, _: &'a Job, _: &'a dyn Bodies) -> Answer<'a, Ended> {
        Box::pin(async { Ended::Unknown(NO_HOST.to_owned()) })
    }

    fn revoke<'a>(&'a self, _: &'a Job) -> Answer<'a, Result<bool, LookError>> {
        Box::pin(async { Ok(true) })
    }

    fn recorded(&self, _: EntryId) {}
}
