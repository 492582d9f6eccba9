//! A world that costs next to nothing, so that what is measured is the driver: units that run until they are stopped.

use palinode_core::action::{Action, Service, ServiceState, Target};
use palinode_core::gate::Gate;
use palinode_core::id::{HostName, Label, Micros, ResourceKey, StepPath};
use palinode_core::port::{Bodies, Ended, Executor, Finished, Halted, Job, JobStatus, LookError, Sample, Survey};
use palinode_core::resource::{Active, Image, State};
use palinode_core::run::plan::{Lane, LaneKind, Plan, Step, StepIx, Work};
use palinode_core::run::rules::version::RULES;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};

/// See the module. Every call is answered at once.
#[derive(Default)]
pub(crate) struct Still {
    stopped: RefCell<HashSet<String>>,
    clock: Cell<i64>,
}

fn unit(active: Active) -> State {
    State::Unit { active, enabled: "enabled".to_owned() }
}

impl Executor for Still {
    async fn survey(&self, _: &Target, _: &Action, _: &dyn Bodies) -> Result<Survey, LookError> {
        Ok(Survey::default())
    }

    async fn node_of(&self, target: &Target) -> Result<Option<String>, LookError> {
        Ok(target.node.clone())
    }

    async fn observe(&self, keys: &[ResourceKey], _: &dyn Bodies) -> Result<Image, LookError> {
        let stopped = self.stopped.borrow();
        let state =
            |key: &ResourceKey| unit(if stopped.contains(key.as_str()) { Active::Inactive } else { Active::Active });
        Ok(keys.iter().map(|key| (key.clone(), state(key))).collect())
    }

    async fn execute(&self, job: &Job, _: &dyn Bodies) -> Ended {
        self.stopped.borrow_mut().extend(job.before.keys().map(|key| key.as_str().to_owned()));
        Ended::Finished(Finished { code: Some(0), ..Finished::default() })
    }

    async fn status(&self, _: &Job, _: &dyn Bodies) -> Result<JobStatus, LookError> {
        Ok(JobStatus::Unknown)
    }

    async fn attach(&self, _: &Job, _: &dyn Bodies) -> Ended {
        Ended::Unknown("nothing runs here".to_owned())
    }

    async fn revoke(&self, _: &Job) -> Result<bool, LookError> {
        Ok(true)
    }

    async fn sample(&self, _: &Target, _: &Gate, _: &dyn Bodies) -> Result<Sample, LookError> {
        Ok(Sample { pass: true, ..Sample::default() })
    }

    fn now(&self) -> Micros {
        self.clock.set(self.clock.get() + 1);
        Micros(1_700_000_000_000_000 + self.clock.get())
    }

    fn is_virtual(&self) -> bool {
        false
    }

    async fn sleep(&self, _: Micros) {}

    async fn idle(&self) -> Result<(), Halted> {
        std::future::pending().await
    }
}

/// A plan of so many steps, at most a hundred on a host, each of which stops a unit.
pub(crate) fn plan(steps: usize, serial: u32) -> Plan {
    let mut plan = Plan {
        runbook: "bench".to_owned(),
        about: "stop many units".to_owned(),
        rules: RULES,
        parameters: BTreeMap::new(),
        inventory: None,
        serial,
        max_fail: 0,
        lanes: Vec::new(),
        steps: Vec::new(),
        compensates: None,
    };
    let at = |plan: &Plan| StepIx::try_from(plan.steps.len()).expect("a plan of few steps");
    let lane = |plan: &mut Plan, kind: LaneKind, start: StepIx| {
        let end = at(plan);
        plan.lanes.push(Lane { kind, start, end });
    };
    lane(&mut plan, LaneKind::First, 0);
    for number in 0..steps.div_ceil(100) {
        let host = HostName::new(format!("node{number}.demo")).expect("a host name");
        let start = at(&plan);
        for unit in 0..(steps - number * 100).min(100) {
            let label = format!("unit-{unit}");
            let service =
                Service { unit: label.clone(), units: Vec::new(), state: Some(ServiceState::Stopped), enabled: None };
            let action = Action::Service(service);
            plan.steps.push(Step {
                path: StepPath::new(format!("{host}/{label}")).expect("a path"),
                label: Label::new(label).expect("a label"),
                target: Target { host: Some(host.clone()), node: None },
                when: None,
                capture: None,
                class: action.class(),
                recovery: action.recovery(),
                undo_after: Vec::new(),
                touches: Vec::new(),
                undoes: None,
                accepts: Vec::new(),
                undo_reason: None,
                work: Work::Act(action),
            });
        }
        lane(&mut plan, LaneKind::Host(host), start);
    }
    let end = at(&plan);
    lane(&mut plan, LaneKind::Last, end);
    plan
}
