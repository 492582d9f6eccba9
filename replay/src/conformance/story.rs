//! A case as a run of its own: planned, driven and taken back by the real driver, while others have a hand in the world.

use super::bench::Bench;
use super::{Meddling, Subject};
use crate::driver::{DriveError, Driver, Opening, Stopped, Surroundings, TakeOver, Targets};
use crate::{rollback, strict};
use palinode_core::action::{Action, Target};
use palinode_core::chain::chain;
use palinode_core::cluster::ClusterId;
use palinode_core::gate::Gate;
use palinode_core::id::{HostName, Label, Micros, ResourceKey, RunId, StepPath};
use palinode_core::port::Sample;
use palinode_core::port::{
    Bodies, Ended, Executor, Halted, HandedDecision, Job, JobStatus, LookError, Report, Stored, Survey, Verb,
};
use palinode_core::record::{Actor, RunClosed, Scope, World};
use palinode_core::resource::{Image, State};
use palinode_core::run::compensate::CompensateError;
use palinode_core::run::history::History;
use palinode_core::run::life::Stage;
use palinode_core::run::plan::{Lane, LaneKind, Plan, Step, StepIx, Work};
use palinode_core::run::rules::version::RULES;
use palinode_core::run::state::StepState;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// The run of a story.
pub(super) const RUN: RunId = RunId([7; 8]);

/// What happens around a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Around {
    /// Nothing.
    Nothing,
    /// Someone else acts between its look and its effect.
    Before(Meddling),
    /// It is kept from beginning; someone else acts, if so, while it is.
    Kept(Option<Meddling>),
    /// Someone else acts after it ended, before what it left is looked at.
    After(Meddling),
}

/// Decides what happens around a job.
pub(super) type Hand<'h> = &'h dyn Fn(&Job) -> Around;

/// Nobody interferes.
pub(super) fn alone(_: &Job) -> Around {
    Around::Nothing
}

/// The executor under test in a world where others act too.
struct Meddled<'s, S: Subject> {
    subject: &'s S,
    hand: Hand<'s>,
    /// The resources that others may act on: the first that they can is.
    keys: &'s [ResourceKey],
    /// What they acted on last, and what they left there.
    theirs: RefCell<Option<(ResourceKey, State)>>,
    trouble: RefCell<Option<String>>,
}

impl<S: Subject> Meddled<'_, S> {
    async fn meddle(&self, how: Meddling) {
        for key in self.keys {
            let left = match self.subject.meddle(key, how) {
                Ok(false) => continue,
                Ok(true) => {
                    let look = self.subject.executor().observe(std::slice::from_ref(key), self.subject.bodies()).await;
                    look.map_err(|error| chain(&error)).map(|mut image| image.remove(key))
                }
                Err(trouble) => Err(trouble.to_string()),
            };
            match left {
                Ok(left) => *self.theirs.borrow_mut() = left.map(|left| (key.clone(), left)),
                Err(found) => *self.trouble.borrow_mut() = Some(found),
            }
            return;
        }
    }
}

impl<S: Subject> Executor for Meddled<'_, S> {
    async fn survey(&self, target: &Target, action: &Action, bodies: &dyn Bodies) -> Result<Survey, LookError> {
        self.subject.executor().survey(target, action, bodies).await
    }

    async fn node_of(&self, target: &Target) -> Result<Option<String>, LookError> {
        self.subject.executor().node_of(target).await
    }

    async fn observe(&self, keys: &[ResourceKey], bodies: &dyn Bodies) -> Result<Image, LookError> {
        self.subject.executor().observe(keys, bodies).await
    }

    async fn execute(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        let around = (self.hand)(job);
        if let Around::Before(how) | Around::Kept(Some(how)) = around {
            self.meddle(how).await;
        }
        if let Around::Kept(_) = around {
            // Where no job is kept none can be revoked: there it is the link that fails before the first request.
            if !self.subject.remembers_jobs() {
                return Ended::NotStarted("the job could not be handed over".to_owned());
            }
            if let Err(error) = self.subject.executor().revoke(job).await {
                *self.trouble.borrow_mut() = Some(chain(&error));
            }
        }
        let mut ended = self.subject.executor().execute(job, bodies).await;
        if let Around::After(how) = around {
            self.meddle(how).await;
            if let Ended::Finished(finished) = &mut ended {
                finished.seen.clear();
            }
        }
        ended
    }

    async fn status(&self, job: &Job, bodies: &dyn Bodies) -> Result<JobStatus, LookError> {
        self.subject.executor().status(job, bodies).await
    }

    async fn told(&self, job: &Job, bodies: &dyn Bodies) -> Result<Vec<Report>, LookError> {
        self.subject.executor().told(job, bodies).await
    }

    async fn attach(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        self.subject.executor().attach(job, bodies).await
    }

    async fn revoke(&self, job: &Job) -> Result<bool, LookError> {
        self.subject.executor().revoke(job).await
    }

    async fn sample(&self, target: &Target, gate: &Gate, bodies: &dyn Bodies) -> Result<Sample, LookError> {
        self.subject.executor().sample(target, gate, bodies).await
    }

    fn machines(&self) -> BTreeMap<HostName, String> {
        self.subject.executor().machines()
    }

    fn cluster(&self) -> Option<ClusterId> {
        self.subject.executor().cluster()
    }

    fn now(&self) -> Micros {
        self.subject.executor().now()
    }

    fn is_virtual(&self) -> bool {
        self.subject.executor().is_virtual()
    }

    async fn sleep(&self, until: Micros) {
        self.subject.executor().sleep(until).await;
    }

    async fn idle(&self) -> Result<(), Halted> {
        self.subject.executor().idle().await
    }
}

/// How a run is gone on with.
enum Go<'p> {
    Begin(&'p Plan),
    TakeOver,
}

pub(super) struct Story<'b, 'a, S: Subject> {
    pub(super) bench: &'b mut Bench<'a, S>,
    /// See [`Meddled`].
    keys: Vec<ResourceKey>,
    journal: S::Journal,
    pub(super) history: History,
    backs: u8,
}

/// Where a story's step stands, for messages.
pub(super) fn stands(known: &StepState) -> String {
    format!("{} for {:?}", known.stage, known.why)
}

fn nobody() -> Actor {
    Actor { user: "conformance".to_owned(), ..Actor::default() }
}

impl<'b, 'a, S: Subject> Story<'b, 'a, S> {
    /// Nothing is recorded yet; `keys`: what others may act on.
    pub(super) fn new(bench: &'b mut Bench<'a, S>, keys: Vec<ResourceKey>) -> Self {
        let journal = bench.subject.journal();
        Self { bench, keys, journal, history: History::default(), backs: 0 }
    }

    /// The action under test as the one step of each of these hosts. The first one is its target's; others are played by
    /// the same target.
    pub(super) fn plan(&self, hosts: &[HostName]) -> Result<Plan, String> {
        let action = &self.bench.action;
        let label = Label::new("act").map_err(|error| error.to_string())?;
        let (mut lanes, mut steps) = (Vec::new(), Vec::new());
        let edge = |kind, at| Lane { kind, start: at, end: at };
        lanes.push(edge(LaneKind::First, 0));
        for (at, host) in (0..).zip(hosts) {
            lanes.push(Lane { kind: LaneKind::Host(host.clone()), start: at, end: at + 1 });
            steps.push(Step {
                path: StepPath::new(format!("{host}/{label}")).map_err(|error| error.to_string())?,
                label: label.clone(),
                target: self.bench.case.target.clone(),
                work: Work::Act(action.clone()),
                when: None,
                capture: None,
                class: action.class(),
                recovery: self.bench.recovery(),
                undo_after: Vec::new(),
                touches: Vec::new(),
                undoes: None,
                accepts: Vec::new(),
                undo_reason: None,
            });
        }
        lanes.push(edge(LaneKind::Last, StepIx::try_from(steps.len()).unwrap_or(StepIx::MAX)));
        Ok(Plan {
            runbook: self.bench.case.name.to_owned(),
            about: "a case of the conformance suite".to_owned(),
            rules: RULES,
            parameters: BTreeMap::new(),
            inventory: None,
            serial: 1,
            max_fail: 0,
            lanes,
            steps,
            compensates: None,
        })
    }

    /// The host of the case.
    pub(super) fn host(&self) -> Result<HostName, String> {
        self.bench.case.target.host.clone().ok_or_else(|| "the case has no host".to_owned())
    }

    fn drive(&mut self, run: RunId, go: &Go<'_>, hand: Hand<'_>) -> Result<Came, String> {
        let subject = &*self.bench.subject;
        let world =
            Meddled { subject, hand, keys: &self.keys, theirs: RefCell::default(), trouble: RefCell::default() };
        let mut quiet = |_: &History, _: &Stored| {};
        let around = Surroundings { wall: &|| Micros(0), watch: &mut quiet, stop: Rc::default(), tick: None };
        let history = self.history.clone();
        let failed = |error: DriveError| chain(&error);
        let mut driver = match go {
            Go::Begin(plan) => {
                let opening = Opening {
                    world: World::Lab { folder: "conformance".to_owned() },
                    actor: nobody(),
                    reason: None,
                    change: None,
                    force: false,
                    targets: Targets::default(),
                };
                Driver::begin(&mut self.journal, &world, around, history, run, plan, opening)
            }
            Go::TakeOver => {
                let by = TakeOver { actor: nobody(), ..TakeOver::default() };
                Driver::take_over(&mut self.journal, &world, around, history, run, by)
            }
        }
        .map_err(failed)?;
        let stopped = subject.drive(driver.drive()).map_err(|Halted| "the process died where no cut was set")?;
        let stopped = stopped.map_err(failed)?;
        self.history = driver.into_history();
        let Meddled { theirs, trouble, .. } = world;
        if let Some(trouble) = trouble.into_inner() {
            return Err(trouble);
        }
        strict::strict(&self.journal, None).map_err(|error| format!("what was recorded does not replay: {error}"))?;
        Ok(Came { stopped, theirs: theirs.into_inner() })
    }

    /// Drives the run to its end or a pause.
    pub(super) fn run(&mut self, plan: &Plan, hand: Hand<'_>) -> Result<Came, String> {
        self.drive(RUN, &Go::Begin(plan), hand)
    }

    /// The run from its look to a good end, with nobody else about.
    pub(super) fn whole(&mut self) -> Result<(), String> {
        let plan = self.plan(&[self.host()?])?;
        match self.run(&plan, &alone)?.stopped {
            Stopped::Closed(_) if self.known(0).is_some_and(|known| known.stage == Stage::Succeeded) => Ok(()),
            other => Err(format!("the run ended with {other:?}: {}", self.words(RUN))),
        }
    }

    /// How a rollback of that scope would be planned.
    pub(super) fn planned(&self, scope: &Scope) -> Result<Result<Plan, CompensateError>, String> {
        match rollback::plan(&self.journal, &self.history, RUN, scope, false) {
            Ok(planned) => Ok(Ok(planned.plan)),
            Err(DriveError::Compensate(why)) => Ok(Err(why)),
            Err(error) => Err(chain(&error)),
        }
    }

    /// Opens a rollback and drives it to its end or a pause. Gives its run.
    pub(super) fn back(&mut self, scope: &Scope, hand: Hand<'_>) -> Result<(RunId, Came), String> {
        let plan = self.planned(scope)?.map_err(|error| chain(&error))?;
        self.backs += 1;
        let run = RunId([100 + self.backs; 8]);
        self.drive(run, &Go::Begin(&plan), hand).map(|came| (run, came))
    }

    /// Another process goes on with a run.
    pub(super) fn resume(&mut self, run: RunId, hand: Hand<'_>) -> Result<Came, String> {
        self.drive(run, &Go::TakeOver, hand)
    }

    /// A person passes over the failed steps of a run.
    pub(super) fn skip_failed(&mut self, run: RunId) -> Result<(), String> {
        let state = self.history.runs.get(&run).ok_or("there is no such run")?;
        let failed = state.steps().filter(|(_, _, known)| known.stage == Stage::Failed);
        let paths: Vec<StepPath> = failed.map(|(_, step, _)| step.path.clone()).collect();
        for step in paths {
            let verb = Verb::Skip { step };
            let decision = HandedDecision { run, verb, by: nobody(), reason: Some("left so".to_owned()), seen: None };
            let mut quiet = |_: &History, _: &Stored| {};
            let around = Surroundings { wall: &|| Micros(0), watch: &mut quiet, stop: Rc::default(), tick: None };
            let (executor, history) = (self.bench.subject.executor(), self.history.clone());
            let mut driver =
                Driver::attach(&mut self.journal, executor, around, history, run).map_err(|error| chain(&error))?;
            driver.decide(&decision).map_err(|error| chain(&error))?;
            self.history = driver.into_history();
        }
        Ok(())
    }

    /// What is known of a step of the run.
    pub(super) fn known(&self, ix: StepIx) -> Option<&StepState> {
        self.history.runs.get(&RUN)?.step(ix).map(|(_, known)| known)
    }

    /// How a run ended, if it did.
    pub(super) fn closed(&self, run: RunId) -> Option<Arc<RunClosed>> {
        self.history.runs.get(&run)?.closed.clone()
    }

    /// Where the steps of a run stand, in words.
    pub(super) fn words(&self, run: RunId) -> String {
        let Some(state) = self.history.runs.get(&run) else { return String::new() };
        let steps = state.steps().map(|(_, step, known)| format!("{} {}", step.path, stands(known)));
        steps.collect::<Vec<_>>().join(", ")
    }
}

/// What came of driving.
pub(super) struct Came {
    pub(super) stopped: Stopped,
    /// What others acted on last, and what they left there.
    pub(super) theirs: Option<(ResourceKey, State)>,
}
