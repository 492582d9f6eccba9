//! For unit tests: a history that is fed events one by one, without journal or driver.

use crate::action::{Action, Recovery, Service, ServiceState, Target, Undo, Verdict};
use crate::gate::Gate;
use crate::id::{EntryId, Epoch, HostName, Label, Micros, ResourceKey, RunId, Seq, StepPath};
use crate::port::Stored;
use crate::record::{
    Actor, Answer, Decision, Ending, Entry, Event, ImageRef, Intent, JobWord, Outcome, Owner, PauseWhy, Probed, Rule,
    RunClosed, RunEnd, RunOpened, Scope, SkipWhy, Why, World, blob_id,
};
use crate::resource::{Active, Fields, Footprint, Image, State};
use crate::run::decide::Standing;
use crate::run::history::{History, LoadError};
use crate::run::life::Stage;
use crate::run::next::Next;
use crate::run::plan::{Lane, LaneKind, Plan, Step, StepIx, Work};
use crate::run::rules::version::RULES;
use crate::run::rules::version::Rules;
use crate::run::state::{RunState, StepState};
use crate::span::Span;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const RUN: RunId = RunId([1; 8]);
pub(crate) const BACK: RunId = RunId([2; 8]);

pub(crate) fn path(text: &str) -> StepPath {
    StepPath::new(text).expect("a step's path")
}

pub(crate) fn host(text: &str) -> HostName {
    HostName::new(text).expect("a host name")
}

/// A unit as a state: running or not.
pub(crate) fn unit(runs: bool) -> State {
    State::Unit { active: if runs { Active::Active } else { Active::Inactive }, enabled: "enabled".to_owned() }
}

/// A step that stops the unit called like its label.
pub(crate) fn stop(place: &str, label: &str) -> Step {
    let service =
        Service { unit: label.to_owned(), units: Vec::new(), state: Some(ServiceState::Stopped), enabled: None };
    let on = HostName::new(place).ok().filter(|_| !["before", "after"].contains(&place));
    let action = Action::Service(service);
    Step {
        path: path(&format!("{place}/{label}")),
        label: Label::new(label).expect("a label"),
        target: Target { host: on.or(Some(host("control-plane"))), node: None },
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
    }
}

/// A gate.
pub(crate) fn gate(place: &str, label: &str) -> Step {
    let gate = Gate::gluster_healed(2);
    let work = Work::Gate { gate, samples: 1, every: Span::seconds(15), timeout: Some(Span::seconds(60)) };
    Step { work, class: crate::action::UndoClass::Read, recovery: Recovery::Repeat, ..stop(place, label) }
}

/// A plan of lanes: `before`, hosts, `after`, each with its steps.
pub(crate) fn plan(serial: u32, max_fail: u32, lanes: Vec<(&str, Vec<Step>)>) -> Plan {
    let mut plan = Plan {
        runbook: "test".to_owned(),
        about: String::new(),
        rules: RULES,
        parameters: BTreeMap::new(),
        inventory: None,
        serial,
        max_fail,
        lanes: Vec::new(),
        steps: Vec::new(),
        compensates: None,
    };
    for (name, steps) in lanes {
        let at = |plan: &Plan| StepIx::try_from(plan.steps.len()).expect("few steps");
        let start = at(&plan);
        plan.steps.extend(steps);
        let kind = match name {
            "before" => LaneKind::First,
            "after" => LaneKind::Last,
            name => LaneKind::Host(host(name)),
        };
        plan.lanes.push(Lane { kind, start, end: at(&plan) });
    }
    plan
}

/// Hosts `a`, `b`, ... with the same two steps each, and empty first and last lanes.
pub(crate) fn hosts(count: usize, serial: u32, max_fail: u32) -> Plan {
    const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let mut lanes = vec![("before", Vec::new())];
    lanes.extend(NAMES.iter().take(count).map(|name| (*name, vec![stop(name, "one"), stop(name, "two")])));
    lanes.push(("after", Vec::new()));
    plan(serial, max_fail, lanes)
}

/// See the module.
#[derive(Default)]
pub(crate) struct Bench {
    pub(crate) history: History,
    pub(crate) blobs: Vec<Vec<u8>>,
}

impl Bench {
    pub(crate) fn open(plan: &Plan) -> Self {
        let mut bench = Self::default();
        bench.begin(RUN, plan);
        bench
    }

    pub(crate) fn begin(&mut self, run: RunId, plan: &Plan) {
        let opened = self.opening(plan);
        self.feed(run, Event::RunOpened(Box::new(opened)));
    }

    /// How a run of this plan is opened; the plan is kept.
    pub(crate) fn opening(&mut self, plan: &Plan) -> RunOpened {
        let (bytes, digest) = plan.encode().expect("a plan encodes");
        let plan_blob = blob_id(&bytes);
        self.blobs.push(bytes);
        RunOpened {
            runbook: plan.runbook.clone(),
            plan: digest,
            plan_blob,
            rules: plan.rules,
            world: World::Real,
            actor: Actor::default(),
            owner: owner(),
            reason: None,
            change: None,
            compensates: plan.compensates.clone(),
            force: false,
            keys: RUN,
            host_keys: None,
            cluster: None,
            found: None,
        }
    }

    pub(crate) fn try_feed(&mut self, run: RunId, event: Event) -> Result<(), LoadError> {
        let seq = Seq(self.history.seq.0 + 1);
        let mut id = [0; 32];
        id[..8].copy_from_slice(&seq.0.to_be_bytes());
        let time = Micros::seconds(i64::try_from(seq.0).expect("few entries"));
        let bodies = BTreeMap::new();
        let prev = EntryId([0; 32]);
        let entry = Entry { seq, run, epoch: Epoch(1), time, wall: None, prev, event, bodies };
        let blobs = &self.blobs;
        self.history.apply(&Stored { id: EntryId(id), entry }, &mut |blob| {
            Ok(blobs.iter().find(|bytes| blob_id(bytes) == blob).expect("the blob was given").clone())
        })
    }

    pub(crate) fn feed(&mut self, run: RunId, event: Event) {
        self.try_feed(run, event).expect("the event fits");
    }

    pub(crate) fn run(&self, run: RunId) -> &RunState {
        &self.history.runs[&run]
    }

    pub(crate) fn state(&self) -> &RunState {
        self.run(RUN)
    }

    pub(crate) fn step(&self, run: RunId, step: &str) -> (&Step, &StepState) {
        let state = self.run(run);
        state.find(&path(step)).and_then(|ix| state.step(ix)).expect("the step is in the plan")
    }

    pub(crate) fn stage(&self, step: &str) -> Stage {
        self.step(RUN, step).1.stage
    }

    /// What may be done next, by path.
    pub(crate) fn ready(&self) -> Vec<String> {
        let state = self.state();
        let name = |next: Next| {
            let (step, _) = state.step(next.step()).expect("what is ready is in the plan");
            let verb = match next {
                Next::Skip(_) => "skip ",
                Next::Act(_) => "",
                Next::Probe(_) => "probe ",
                Next::Sample(_) => "sample ",
            };
            format!("{verb}{}", step.path)
        };
        let mut all: Vec<String> = state.ready().map(name).collect();
        all.sort();
        all
    }

    pub(crate) fn standing(&self) -> Standing {
        self.state().standing()
    }

    /// The before-image and footprint of a step of these tests: its unit, running.
    pub(crate) fn around(&self, run: RunId, name: &str) -> (Step, Image, Vec<Footprint>) {
        let step = self.step(run, name).0.clone();
        let Work::Act(action) = &step.work else { return (step, Image::new(), Vec::new()) };
        let footprint: Vec<Footprint> =
            action.footprint(&step.target).into_iter().filter(|place| place.fields != Fields::Evidence).collect();
        let image = footprint.iter().map(|place| (place.key.clone(), unit(true))).collect();
        (step, image, footprint)
    }

    pub(crate) fn intent_of(&self, run: RunId, name: &str) -> Intent {
        let (step, image, footprint) = self.around(run, name);
        let Work::Act(action) = &step.work else { unreachable!("gates have no intents") };
        Intent {
            attempt: self.step(run, name).1.attempt + 1,
            inverse: action.inverse(&step.target, &image),
            action: action.clone(),
            target: step.target.clone(),
            boot: None,
            footprint,
            before: ImageRef::here(image),
            class: step.class,
            recovery: step.recovery,
            losses: Vec::new(),
            undoes: step.undoes.clone(),
            step: step.path,
        }
    }

    pub(crate) fn intend(&mut self, run: RunId, name: &str) {
        let intent = self.intent_of(run, name);
        self.feed(run, Event::Intent(Arc::new(intent)));
    }

    pub(crate) fn end(&mut self, run: RunId, name: &str, ending: Ending) {
        self.ended(run, name, ending, BTreeMap::new());
    }

    /// An end that captured something under the name `word`.
    pub(crate) fn end_with(&mut self, run: RunId, name: &str, ending: Ending, word: &str) {
        let captures = BTreeMap::from([(Label::new("word").expect("a label"), word.to_owned())]);
        self.ended(run, name, ending, captures);
    }

    fn ended(&mut self, run: RunId, name: &str, ending: Ending, captures: BTreeMap<Label, String>) {
        let (step, image, _) = self.around(run, name);
        let after: BTreeMap<ResourceKey, State> = image.into_keys().map(|key| (key, unit(false))).collect();
        let outcome = Outcome {
            attempt: self.step(run, name).1.attempt,
            step: step.path,
            ending,
            why: (ending != Ending::Succeeded).then_some(Why::ExitCode),
            code: None,
            message: None,
            output: None,
            after: ImageRef::here(after),
            captures,
            losses: Vec::new(),
        };
        self.feed(run, Event::Outcome(Box::new(outcome)));
    }

    pub(crate) fn does(&mut self, run: RunId, name: &str) {
        self.intend(run, name);
        self.end(run, name, Ending::Succeeded);
    }

    pub(crate) fn succeed(&mut self, name: &str) {
        self.does(RUN, name);
    }

    pub(crate) fn fail(&mut self, name: &str) {
        self.intend(RUN, name);
        self.end(RUN, name, Ending::Failed);
    }

    pub(crate) fn probe(&mut self, name: &str, decision: Decision) {
        let (step, _, _) = self.around(RUN, name);
        let probed = Probed {
            attempt: self.step(RUN, name).1.attempt,
            step: step.path,
            verdict: Verdict::CannotTell,
            rule: Rule::Probe,
            decision,
            job: JobWord::Unknown,
            observed: ImageRef::here(Image::new()),
            evidence: None,
            output: None,
            captures: BTreeMap::new(),
            code: None,
        };
        self.feed(RUN, Event::Probed(Box::new(probed)));
    }

    pub(crate) fn answer(&mut self, name: &str, answer: Answer) {
        let by = Actor::default();
        self.feed(RUN, Event::Resolved { step: path(name), answer, by, reason: None, overruled: false });
    }

    pub(crate) fn skip_in(&mut self, run: RunId, name: &str, why: SkipWhy) {
        let undoes = self.step(run, name).0.undoes.clone();
        self.feed(run, Event::Skipped { step: path(name), why, by: None, reason: None, undoes });
    }

    pub(crate) fn skip(&mut self, name: &str) {
        self.skip_in(RUN, name, SkipWhy::Operator);
    }

    pub(crate) fn sample_in(&mut self, run: RunId, name: &str, pass: bool) {
        let (facts, evidence) = (BTreeMap::new(), None);
        self.feed(run, Event::GateSampled { step: path(name), pass, hopeless: false, facts, evidence, waited: None });
    }

    pub(crate) fn sample(&mut self, name: &str, pass: bool) {
        self.sample_in(RUN, name, pass);
    }

    /// A gate sampled well and opened.
    pub(crate) fn pass_in(&mut self, run: RunId, name: &str) {
        self.sample_in(run, name, true);
        self.feed(run, Event::GateDecided { step: path(name), passed: true });
    }

    pub(crate) fn pass(&mut self, name: &str) {
        self.pass_in(RUN, name);
    }

    pub(crate) fn pause(&mut self) {
        self.feed(RUN, Event::Paused { why: PauseWhy::Asked, by: None, reason: None });
    }

    pub(crate) fn take_over(&mut self) {
        self.feed(
            RUN,
            Event::OwnerChanged {
                owner: owner(),
                gap: None,
                actor: Actor::default(),
                force: false,
                host_keys: None,
                found: None,
            },
        );
    }

    pub(crate) fn close(&mut self, run: RunId) {
        let closed = RunClosed {
            end: RunEnd::Done,
            steps: BTreeMap::new(),
            residues: Vec::new(),
            differences: Vec::new(),
            passed: Vec::new(),
            lists: None,
            by: None,
            reason: None,
        };
        self.feed(run, Event::RunClosed(Box::new(closed)));
    }

    pub(crate) fn way_back(
        &self,
        run: RunId,
        scope: &Scope,
    ) -> Result<crate::run::compensate::Compensation, crate::run::compensate::CompensateError> {
        crate::run::compensate::compensate(&self.history, (run, scope), Rules::NOW, false, &|image| match image {
            ImageRef::Here(image) => Some((**image).clone()),
            ImageRef::Sealed { .. } => None,
        })
    }

    /// Adds inverses that these tests make up to what is recorded of a step's intent.
    pub(crate) fn intend_with(&mut self, name: &str, inverse: Vec<Undo>) {
        let intent = Intent { inverse, ..self.intent_of(RUN, name) };
        self.feed(RUN, Event::Intent(Arc::new(intent)));
    }
}

fn owner() -> Owner {
    Owner { host: "bastion".to_owned(), boot: "boot".to_owned(), pid: 1, started: 1 }
}
