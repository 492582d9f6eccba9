//! Actions that are done through the cluster's API: a job is worked at for as long as this process lives, and of one that
//! another process was at, nothing is known but what is there.

use super::Real;
use super::executor::NO_CLUSTER;
use super::side::{Answer, Side};
use crate::cluster::OnCluster;
use palinode_core::action::{Action, Target};
use palinode_core::id::EntryId;
use palinode_core::port::{Bodies, Ended, Executor as _, Job, JobStatus, LookError, Report, Survey};

/// The cluster, and what is done there.
pub(super) struct ClusterSide<'a> {
    pub(super) real: &'a Real,
    pub(super) kind: &'a dyn OnCluster,
}

impl Side for ClusterSide<'_> {
    fn survey<'a>(
        &'a self,
        _: &'a Action,
        target: &'a Target,
        _: &'a dyn Bodies,
    ) -> Answer<'a, Result<Survey, LookError>> {
        Box::pin(async move {
            let node = self.real.node_of(target).await?;
            let more = match node.as_deref().and_then(|node| self.kind.goes_along(node)) {
                Some(object) => self.real.api()?.goes_along(&object).await.into_iter().collect(),
                None => Vec::new(),
            };
            Ok(Survey { node, more, ..Survey::default() })
        })
    }

    fn execute<'a>(&'a self, job: &'a Job, bodies: &'a dyn Bodies) -> Answer<'a, Ended> {
        Box::pin(async move {
            match &self.real.cluster {
                Some(cluster) => cluster.work(job, bodies).await,
                None => Ended::NotStarted(NO_CLUSTER.to_owned()),
            }
        })
    }

    fn told(&self, _: &Job, _: &dyn Bodies) -> Result<Vec<Report>, LookError> {
        Ok(Vec::new())
    }

    fn status<'a>(&'a self, job: &'a Job, _: &'a dyn Bodies) -> Answer<'a, Result<JobStatus, LookError>> {
        Box::pin(
            async move { Ok(self.real.cluster.as_ref().map_or(JobStatus::Unknown, |cluster| cluster.status(job))) },
        )
    }

    fn attach<'a>(&'a self, job: &'a Job, bodies: &'a dyn Bodies) -> Answer<'a, Ended> {
        Box::pin(async move {
            match &self.real.cluster {
                Some(cluster) => cluster.work(job, bodies).await,
                None => Ended::Unknown(NO_CLUSTER.to_owned()),
            }
        })
    }

    fn revoke<'a>(&'a self, _: &'a Job) -> Answer<'a, Result<bool, LookError>> {
        Box::pin(async { Ok(true) })
    }

    fn recorded(&self, _: EntryId) {}
}
