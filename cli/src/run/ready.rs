//! The second stage: the targets were looked at, and nothing keeps the run from acting on them.

use super::claimed::Claimed;
use super::new_id::new_id;
use super::session::{Session, Start, not_owned};
use super::settings::Consent;
use super::taking::Taking;
use super::task::Task;
use crate::actor;
use crate::error::Failure;
use crate::journal::{self, Journal};
use crate::lab::LabOptions;
use crate::render::{escape, hints, to_stderr};
use palinode_core::id::{ResourceKey, RunId, StepPath};
use palinode_core::port::Store as _;
use palinode_core::record;
use palinode_core::run::history::History;
use palinode_core::run::plan::{Plan, Step};
use palinode_replay::driver::{self, Drifted, Driver, Opening, Surroundings, TakeOver, Targets};

/// See the module.
pub(crate) struct Ready {
    pub(super) session: Session,
    pub(super) task: Task,
    /// What is taken from other journals.
    pub(super) taking: Taking,
    /// What is recorded of the targets.
    pub(super) targets: Targets,
}

impl Ready {
    /// The journal, which is there for every run but a first one.
    pub(crate) fn journal(&self) -> Result<&Journal, Failure> {
        self.session.journal()
    }

    /// Where the journal is, in words.
    pub(crate) fn describe(&self) -> String {
        self.session.store.describe()
    }

    /// What the journal tells.
    pub(crate) fn history(&self) -> &History {
        &self.session.history
    }

    /// Why packages that a new run removes could not be installed again, a line for each host and step.
    pub(crate) fn lost_packages(&self) -> Vec<String> {
        match &self.task {
            Task::Begin { plan, .. } => self.session.world.lost_packages(plan),
            Task::GoOn | Task::Look => Vec::new(),
        }
    }

    /// Looks at steps in doubt, and records what became of them. Gives how that stopped.
    pub(crate) fn look(self, steps: Vec<StepPath>) -> Result<(Self, driver::Stopped), Failure> {
        let Self { session, task, taking, targets } = self;
        let by = TakeOver {
            actor: actor::actor(),
            gap: session.world.gap(session.settings.gap),
            force: false,
            targets: targets.clone(),
        };
        let options = LabOptions { die: Vec::new(), ..session.settings.lab.clone() };
        let (session, stopped) = session.drive(Start::Look(by, steps), &taking, &options)?;
        Ok((Self { session, task, taking, targets }, stopped))
    }

    /// Notes what may be changed back although someone changed it since: the resources that a person names, and with `force`
    /// all that is found and shown here.
    pub(crate) fn consenting(mut self, steps: &[&Step], force: bool, named: &[String]) -> Result<Self, Failure> {
        for name in named {
            let key =
                ResourceKey::new(name).ok().filter(|key| self.session.history.last(self.session.run, key).is_some());
            let Some(key) = key else {
                return Err(Failure::usage(
                    format!("--force-resource names `{}`, which is no resource that was ever recorded", escape(name)),
                    format!("type `{}` to see the resources of the run", hints::of_run("show")),
                ));
            };
            self.targets.forced.insert(key);
        }
        if !force {
            return Ok(self);
        }
        let Session { history, world, run, journal, .. } = &mut self.session;
        let (history, run) = (history.clone(), *run);
        let journal = journal.as_mut().ok_or_else(not_owned)?;
        let driver = Driver::attach(journal, &world.executor, Surroundings::unwatched(), history, run)?;
        let Drifted { found, unseen } = world.runtime.block_on(driver.drifted(steps))?;
        for (key, words) in found {
            to_stderr(&format!("changed since, and to be overwritten: {}: {}\n", escape(key.as_str()), escape(&words)));
            self.targets.forced.insert(key);
        }
        for why in unseen {
            to_stderr(&format!("notice: --force does not cover what could not be looked at: {}\n", escape(&why)));
        }
        if self.targets.forced.is_empty() {
            to_stderr("notice: nothing was changed since, so there is nothing to overwrite\n");
        }
        Ok(self)
    }

    /// Makes a new run of the session, that takes its run back by this plan. Options that disturb a lab may name a step of
    /// either. `told` is told with the id of the new run once nothing stands in the way.
    pub(crate) fn taken_back_by(mut self, plan: Plan, place: record::World, told: &str) -> Result<Self, Failure> {
        let original = self.session.state()?;
        let mut both = plan.clone();
        both.steps.extend(original.plan.steps.iter().cloned());
        self.session.world.disturb(&self.session.settings.lab, &both, None)?;
        let run: RunId = new_id()?;
        self.session.run = run;
        self.task = Task::Begin { plan: Box::new(plan), place, announced: format!("{told}\nrun {run}\n") };
        Ok(self)
    }

    /// Has a person agree, and makes the journal where there is none. What is claimed by other journals is taken when the
    /// driver has recorded whose it was.
    pub(crate) fn claim(self, consent: Consent) -> Result<Claimed, Failure> {
        let Self { mut session, task, taking, targets } = self;
        consent.obtain()?;
        if session.journal.is_none() {
            session.store.create(&session.mandate.id)?;
            session.journal = Some(journal::own(&session.store)?);
        }
        let settings = &session.settings;
        let start = match task {
            Task::Begin { plan, place, announced } => {
                to_stderr(&announced);
                let opening = Opening {
                    world: place,
                    actor: actor::actor(),
                    reason: settings.metadata.reason.clone(),
                    change: settings.metadata.change.clone(),
                    force: false,
                    targets,
                };
                Start::Begin(plan, opening)
            }
            Task::GoOn | Task::Look => {
                let gap = session.world.gap(settings.gap);
                Start::TakeOver(TakeOver { actor: actor::actor(), gap, force: false, targets })
            }
        };
        Ok(Claimed { session, start, taking })
    }
}
