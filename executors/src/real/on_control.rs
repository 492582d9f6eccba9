//! Actions that are done on this machine: files at once, and playbooks as jobs of the operator's Ansible.

use super::Real;
use super::side::{Answer, Side};
use crate::host;
use crate::ssh::JobError;
use palinode_core::action::{Action, Playbook, Target};
use palinode_core::chain::chain;
use palinode_core::id::{EntryId, HostName, ResourceKey};
use palinode_core::port::{Bodies, Control as _, Ended, Executor as _, Job, JobStatus, LookError, Report, Survey};
use std::collections::BTreeSet;

/// Where the kernel tells which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// What went wrong on this machine.
fn here(error: &JobError) -> LookError {
    LookError::Refused { target: "this machine".to_owned(), why: chain(error) }
}

/// Files of this machine. What is done at once leaves no word of its own: what is there tells.
pub(super) struct FileSide<'a> {
    pub(super) real: &'a Real,
}

impl Side for FileSide<'_> {
    fn survey<'a>(&'a self, _: &'a Action, _: &'a Target, _: &'a dyn Bodies) -> Answer<'a, Result<Survey, LookError>> {
        Box::pin(async { Ok(Survey::default()) })
    }

    fn execute<'a>(&'a self, job: &'a Job, bodies: &'a dyn Bodies) -> Answer<'a, Ended> {
        Box::pin(async move {
            let control = &self.real.control;
            if let Some(why) = control.moved(job, bodies) {
                return Ended::Moved(why);
            }
            match control.run(&job.action, bodies) {
                Ok(finished) => Ended::Finished(finished),
                Err(error) => Ended::Unknown(chain(&error)),
            }
        })
    }

    fn told(&self, _: &Job, _: &dyn Bodies) -> Result<Vec<Report>, LookError> {
        Ok(Vec::new())
    }

    fn status<'a>(&'a self, _: &'a Job, _: &'a dyn Bodies) -> Answer<'a, Result<JobStatus, LookError>> {
        Box::pin(async { Ok(JobStatus::Unknown) })
    }

    fn attach<'a>(&'a self, _: &'a Job, _: &'a dyn Bodies) -> Answer<'a, Ended> {
        Box::pin(async { Ended::Unknown("files are written at once, and there is no end to wait for".to_owned()) })
    }

    fn revoke<'a>(&'a self, _: &'a Job) -> Answer<'a, Result<bool, LookError>> {
        Box::pin(async { Ok(true) })
    }

    fn recorded(&self, _: EntryId) {}
}

/// A playbook. Its host is claimed first, as for any other step.
pub(super) struct PlaybookSide<'a> {
    pub(super) real: &'a Real,
    pub(super) playbook: &'a Playbook,
}

impl PlaybookSide<'_> {
    async fn listen_to(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        let tell = |bytes: &[u8]| {
            if let Some(listener) = &self.real.listener {
                listener(job, bytes);
            }
        };
        self.real.playbooks.watch(self.playbook, job, bodies, &tell).await
    }
}

impl Side for PlaybookSide<'_> {
    fn survey<'a>(
        &'a self,
        action: &'a Action,
        target: &'a Target,
        _: &'a dyn Bodies,
    ) -> Answer<'a, Result<Survey, LookError>> {
        Box::pin(async move {
            let node = if Real::needs_cluster(action) { self.real.node_of(target).await? } else { None };
            if let Some(why) = self.real.playbooks.unready(self.playbook) {
                return Err(LookError::Refused { target: "what the playbook needs".to_owned(), why });
            }
            let touched: Vec<ResourceKey> = action.footprint(target).into_iter().map(|found| found.key).collect();
            let hosts: BTreeSet<&str> = touched.iter().filter_map(ResourceKey::host).collect();
            for host in hosts.into_iter().filter_map(|host| HostName::new(host).ok()) {
                self.real.may_change(&host, &touched).await?;
            }
            let boot = std::fs::read_to_string(BOOT_ID).unwrap_or_default().trim().to_owned();
            Ok(Survey { node, boot: Some(boot).filter(|boot| host::is_boot(boot)), ..Survey::default() })
        })
    }

    fn execute<'a>(&'a self, job: &'a Job, bodies: &'a dyn Bodies) -> Answer<'a, Ended> {
        Box::pin(async move {
            if let Some(host) = &job.target.host
                && let Err(ended) = self.real.claimed(host, job).await
            {
                return ended;
            }
            match self.real.playbooks.start(self.playbook, job, &self.real.claim).await {
                Ok(_) => self.listen_to(job, bodies).await,
                Err(JobError::NotStarted(why)) => Ended::NotStarted(why),
                Err(JobError::Link(error)) if !error.was_asked() => Ended::NotStarted(chain(&error)),
                Err(error) => Ended::Unknown(chain(&error)),
            }
        })
    }

    fn told(&self, job: &Job, bodies: &dyn Bodies) -> Result<Vec<Report>, LookError> {
        Ok(self.real.playbooks.told(job, bodies)?)
    }

    fn status<'a>(&'a self, job: &'a Job, bodies: &'a dyn Bodies) -> Answer<'a, Result<JobStatus, LookError>> {
        Box::pin(
            async move { self.real.playbooks.status(self.playbook, job, bodies).await.map_err(|error| here(&error)) },
        )
    }

    fn attach<'a>(&'a self, job: &'a Job, bodies: &'a dyn Bodies) -> Answer<'a, Ended> {
        Box::pin(self.listen_to(job, bodies))
    }

    fn revoke<'a>(&'a self, job: &'a Job) -> Answer<'a, Result<bool, LookError>> {
        Box::pin(async move { self.real.playbooks.revoke(self.playbook, job).await.map_err(|error| here(&error)) })
    }

    fn recorded(&self, job: EntryId) {
        self.real.playbooks.recorded(self.playbook, job);
    }
}
