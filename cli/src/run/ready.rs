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
use palinode_core::record::{self, ShownState};
use palinode_core::run::history::History;
use palinode_core::run::plan::Plan;
use palinode_replay::driver::{self, Ahead, Changed, Foresight, Opening, TakeOver, Targets};
use std::collections::{BTreeMap, BTreeSet};

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

    /// The units that systemd stops along with those that a new run changes, of these units.
    pub(crate) fn stopped_along(&self, of: fn(&str) -> bool) -> Result<Vec<String>, Failure> {
        match &self.task {
            Task::Begin { plan, .. } => self.session.world.stopped_along(plan, of),
            Task::GoOn | Task::Look => Ok(Vec::new()),
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

    /// Shows what someone changed of all that a rollback is about to change back, and notes that these states may be
    /// overwritten: of the resources that a person names, and with `force` of all. What is not shown here, or changes after it,
    /// stops the rollback.
    pub(crate) fn consenting(mut self, ahead: Ahead<'_>, force: bool, named: &[String]) -> Result<Self, Failure> {
        let named = self.recorded(named)?;
        if !force && named.is_empty() {
            return Ok(self);
        }
        let Session { history, world, journal, .. } = &self.session;
        let journal = journal.as_ref().ok_or_else(not_owned)?;
        // All that has to answer was asked when it was made sure that the rollback can begin.
        let silent = BTreeMap::new();
        let foreseen = driver::foresee(&world.executor, journal, history, ahead, &silent);
        let mut unseen = BTreeSet::new();
        for step in world.runtime.block_on(foreseen)? {
            match step.what {
                Foresight::AsRecorded | Foresight::AlreadyThere | Foresight::Later => {}
                Foresight::Unseen(why) => {
                    unseen.insert(why);
                }
                Foresight::Drifted(all) => {
                    for change in all.into_iter().filter(|change| force || named.contains(&change.key)) {
                        let Changed { key, found, fields, what, expected: _ } = change;
                        let (name, what) = (escape(key.as_str()), escape(&what));
                        to_stderr(&format!("changed since, and to be overwritten: {name}: {what}\n"));
                        self.targets.shown.insert(key, ShownState { state: found, fields });
                    }
                }
            }
        }
        for why in unseen {
            to_stderr(&format!("notice: what could not be looked at is not overwritten: {}\n", escape(&why)));
        }
        for key in named.iter().filter(|key| !self.targets.shown.contains_key(key)) {
            let key = escape(key.as_str());
            to_stderr(&format!("notice: {key} was not found changed, so there is nothing to overwrite\n"));
        }
        if force && self.targets.shown.is_empty() {
            to_stderr("notice: nothing was changed since, so there is nothing to overwrite\n");
        }
        Ok(self)
    }

    /// The resources that a person names, which must have been recorded.
    fn recorded(&self, named: &[String]) -> Result<BTreeSet<ResourceKey>, Failure> {
        let Session { history, run, .. } = &self.session;
        let known = |name: &String| {
            ResourceKey::new(name).ok().filter(|key| history.last(*run, key).is_some()).ok_or_else(|| {
                Failure::usage(
                    format!("--force-resource names `{}`, which is no resource that was ever recorded", escape(name)),
                    format!("type `{}` to see the resources of the run", hints::of_run("show")),
                )
            })
        };
        named.iter().map(known).collect()
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
