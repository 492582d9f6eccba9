//! The world that a run acts in, whichever it is.

use crate::exit::{Exit, Failure};
use crate::{args, world};
use palinode_core::action::{Action, Target};
use palinode_core::event::World;
use palinode_core::id::{Micros, ResourceKey};
use palinode_core::plan::{Plan, Work};
use palinode_core::port::{Bodies, Ended, Executor, Gate, Halted, Job, JobStatus, LookError, Sample, Survey};
use palinode_core::resource::Image;
use palinode_core::state::RunState;
use palinode_executors::{Fleet, Real};
use palinode_replay::lab::Lab;
use std::path::Path;

/// Where a run acts.
pub(crate) enum Acting {
    /// In a simulated cluster.
    Lab(Box<Lab>),
    /// On real hosts.
    Real(Box<Real>),
}

impl Acting {
    /// The operator's hosts.
    pub(crate) fn real(ssh_config: Option<&Path>) -> Result<Self, Failure> {
        let fleet = Fleet::new(ssh_config).map_err(|error| {
            let what = ssh_config.map_or_else(String::new, |path| format!(" with {}", path.display()));
            Failure::usage(
                format!("cannot set ssh up{what}: {error}"),
                "name a file that can be read with --ssh-config, and see that /tmp can be written",
            )
        })?;
        Ok(Self::Real(Box::new(Real::new(fleet))))
    }

    /// Opens the world that a run was opened in: it acts there and nowhere else.
    pub(crate) fn reopen(run: &RunState, ssh_config: Option<&Path>) -> Result<Self, Failure> {
        match &run.opened.world {
            World::Lab { folder } => Ok(Self::Lab(Box::new(world::open(Path::new(folder))?))),
            World::Real => Self::real(ssh_config),
        }
    }

    /// Disturbs a lab as the command line says, and lets time pass in it. Real hosts are not disturbed.
    pub(crate) fn disturb(&self, options: &args::Lab, plan: &Plan, gap: Option<Micros>) -> Result<(), Failure> {
        match self {
            Self::Lab(lab) => {
                world::disturbance(options, plan)?.apply(lab);
                if let Some(gap) = gap {
                    lab.advance(gap);
                }
                Ok(())
            }
            Self::Real(_) if options.disturbs() => Err(Failure::usage(
                "--pace, --drop, --fail and --die are for the simulated lab",
                "leave them away on real hosts",
            )),
            Self::Real(_) => Ok(()),
        }
    }

    /// Why nothing is done any more, if the world itself is broken.
    pub(crate) fn broken(&self) -> Option<Failure> {
        match self {
            Self::Lab(lab) => lab.broken().map(|why| {
                Failure::new(
                    Exit::CannotRecord,
                    format!("the lab's ledger cannot be written: {why}"),
                    "make room, then type `palinode resume`",
                )
            }),
            Self::Real(_) => None,
        }
    }
}

/// Refuses a plan that this version cannot carry out on real hosts, before anything is touched.
pub(crate) fn fits(plan: &Plan) -> Result<(), Failure> {
    for step in &plan.steps {
        let why = match &step.work {
            Work::Act(action) => Real::cannot(action),
            Work::Gate { gate, .. } => Real::cannot_sample(gate),
        };
        if let Some(why) = why {
            return Err(Failure::usage(
                format!("the step {} cannot be carried out: {why}", step.path),
                "try the runbook in the lab with --lab, or write one for the host's part alone",
            ));
        }
    }
    Ok(())
}

macro_rules! either {
    ($self:ident, $world:ident => $call:expr) => {
        match $self {
            Acting::Lab($world) => $call,
            Acting::Real($world) => $call,
        }
    };
}

impl Executor for Acting {
    async fn survey(&self, target: &Target, action: &Action) -> Result<Survey, LookError> {
        either!(self, world => world.survey(target, action).await)
    }

    async fn observe(&self, keys: &[ResourceKey], bodies: &dyn Bodies) -> Result<Image, LookError> {
        either!(self, world => world.observe(keys, bodies).await)
    }

    async fn execute(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        either!(self, world => world.execute(job, bodies).await)
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

    async fn sample(&self, target: &Target, gate: &Gate, bodies: &dyn Bodies) -> Result<Sample, LookError> {
        either!(self, world => world.sample(target, gate, bodies).await)
    }

    fn now(&self) -> Micros {
        either!(self, world => world.now())
    }

    fn is_virtual(&self) -> bool {
        either!(self, world => world.is_virtual())
    }

    async fn sleep(&self, until: Micros) {
        either!(self, world => world.sleep(until).await);
    }

    async fn idle(&self) -> Result<(), Halted> {
        either!(self, world => world.idle().await)
    }
}
