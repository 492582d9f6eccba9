//! One executor of two: the lab or the operator's hosts, whichever a run acts in.

use palinode_core::action::{Action, Target};
use palinode_core::cluster::ClusterId;
use palinode_core::gate::Gate;
use palinode_core::id::{EntryId, HostName, Micros, ResourceKey};
use palinode_core::port::{Bodies, Ended, Executor, Halted, Job, JobStatus, LookError, Report, Sample, Survey};
use palinode_core::resource::Image;
use palinode_core::span::Span;
use palinode_executors::Real;
use palinode_replay::lab::Lab;
use std::collections::BTreeMap;

/// Either world.
pub(crate) enum Either {
    /// A simulated cluster.
    Lab(Box<Lab>),
    /// Real hosts.
    Real(Box<Real>),
}

macro_rules! either {
    ($self:ident, $world:ident => $call:expr) => {
        match $self {
            Either::Lab($world) => $call,
            Either::Real($world) => $call,
        }
    };
}

impl Executor for Either {
    async fn survey(&self, target: &Target, action: &Action, bodies: &dyn Bodies) -> Result<Survey, LookError> {
        either!(self, world => world.survey(target, action, bodies).await)
    }

    async fn node_of(&self, target: &Target) -> Result<Option<String>, LookError> {
        either!(self, world => world.node_of(target).await)
    }

    async fn observe(&self, keys: &[ResourceKey], bodies: &dyn Bodies) -> Result<Image, LookError> {
        either!(self, world => world.observe(keys, bodies).await)
    }

    async fn execute(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        either!(self, world => world.execute(job, bodies).await)
    }

    async fn told(&self, job: &Job, bodies: &dyn Bodies) -> Result<Vec<Report>, LookError> {
        either!(self, world => world.told(job, bodies).await)
    }

    async fn status(&self, job: &Job, bodies: &dyn Bodies) -> Result<JobStatus, LookError> {
        either!(self, world => world.status(job, bodies).await)
    }

    async fn attach(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        either!(self, world => world.attach(job, bodies).await)
    }

    async fn revoke(&self, job: &Job) -> Result<bool, LookError> {
        either!(self, world => world.revoke(job).await)
    }

    fn recorded(&self, job: EntryId, action: &Action, target: &Target) {
        either!(self, world => world.recorded(job, action, target));
    }

    async fn settle(&self) {
        either!(self, world => world.settle().await);
    }

    async fn sample(&self, target: &Target, gate: &Gate, bodies: &dyn Bodies) -> Result<Sample, LookError> {
        either!(self, world => world.sample(target, gate, bodies).await)
    }

    fn cluster(&self) -> Option<ClusterId> {
        either!(self, world => world.cluster())
    }

    fn host_keys(&self) -> BTreeMap<HostName, String> {
        either!(self, world => world.host_keys())
    }

    fn machines(&self) -> BTreeMap<HostName, String> {
        either!(self, world => world.machines())
    }

    fn now(&self) -> Micros {
        either!(self, world => world.now())
    }

    fn is_virtual(&self) -> bool {
        either!(self, world => world.is_virtual())
    }

    fn unanswered(&self, why: &LookError, again: Span, left: Span) {
        either!(self, world => world.unanswered(why, again, left));
    }

    async fn sleep(&self, until: Micros) {
        either!(self, world => world.sleep(until).await);
    }

    async fn idle(&self) -> Result<(), Halted> {
        either!(self, world => world.idle().await)
    }
}
