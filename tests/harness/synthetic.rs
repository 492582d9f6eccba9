//! Journals of any size, written as a driver would have written them, without a driver.

use crate::owner::{actor, owner};
use palinode_core::action::{Action, Service, ServiceState, Target};
use palinode_core::gate::Gate;
use palinode_core::id::{HostName, Label, Micros, RunId, StepPath};
use palinode_core::port::{Journal, Vault};
use palinode_core::record::{
    Class, Draft, Ending, Event, ImageRef, Intent, Outcome, RunClosed, RunEnd, RunOpened, World,
};
use palinode_core::resource::{Active, Image, State};
use palinode_core::run::plan::{Lane, LaneKind, Plan, Step, StepIx, Work};
use palinode_core::run::rules::version::RULES;
use palinode_core::span::Span;
use palinode_journal::{DiskJournal, Options, create};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// So many entries are written with one sync.
const BATCH: usize = 1024;

/// An entry is written so long after the one before.
const STEP: Micros = Micros::seconds(2);

/// When the first run begins: 2026-11-01 at midnight.
pub const BEGAN: Micros = Micros(1_793_491_200_000_000);

/// The folder of the lab that the runs act in.
pub const FOLDER: &str = "synthetic";

/// The id of a run, counted from 0.
pub fn run(number: usize) -> RunId {
    let number = u64::try_from(number).expect("a number of runs");
    // Spread, so that the beginnings of ids differ as those of random ids do.
    RunId(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
}

/// The name of a host, counted from 0.
pub fn host(number: usize) -> HostName {
    HostName::new(format!("node{number:04}.synthetic")).expect("a host name")
}

/// How a run of so many entries is made up.
struct Shape {
    hosts: usize,
    /// Actions on each host, two entries each.
    actions: usize,
    /// Entries of the hosts: two for each action, then a gate's samples and its end.
    shares: Vec<usize>,
}

impl Shape {
    fn of(entries: usize) -> Self {
        // A run opens, works, and closes.
        let work = entries.checked_sub(2).filter(|work| *work >= 4).expect("a run has at least six entries");
        let hosts = (work / 64).clamp(1, 1000);
        let share = work / hosts;
        let actions = (share / 4).clamp(1, 100).min((share - 2) / 2);
        let shares = (0..hosts).map(|number| share + usize::from(number < work % hosts)).collect();
        Self { hosts, actions, shares }
    }
}

fn step(number: usize, label: &str, work: Work) -> Step {
    let (class, recovery) = match &work {
        Work::Act(action) => (action.class(), action.recovery()),
        Work::Gate { .. } => (palinode_core::action::UndoClass::Read, palinode_core::action::Recovery::Repeat),
    };
    Step {
        path: StepPath::new(format!("{}/{label}", host(number))).expect("a path"),
        label: Label::new(label).expect("a label"),
        target: Target { host: Some(host(number)), node: None },
        work,
        when: None,
        capture: None,
        class,
        recovery,
        undo_after: Vec::new(),
        touches: Vec::new(),
        undoes: None,
        accepts: Vec::new(),
        undo_reason: None,
    }
}

fn plan(shape: &Shape) -> Plan {
    let (mut lanes, mut steps) = (Vec::new(), Vec::new());
    let at = |steps: &Vec<Step>| StepIx::try_from(steps.len()).expect("few steps");
    for number in 0..shape.hosts {
        let start = at(&steps);
        for index in 0..shape.actions {
            let unit = format!("unit{index:02}");
            let service =
                Service { unit: unit.clone(), units: Vec::new(), state: Some(ServiceState::Stopped), enabled: None };
            steps.push(step(number, &format!("stop-{unit}"), Work::Act(Action::Service(service))));
        }
        let gate = Gate::gluster_healed(2);
        let work = Work::Gate { gate, samples: 1, every: Span::seconds(15), timeout: None };
        steps.push(step(number, "healed", work));
        lanes.push(Lane { kind: LaneKind::Host(host(number)), start, end: at(&steps) });
    }
    Plan {
        runbook: "synthetic".to_owned(),
        about: "Stop units on many hosts, with storage healed in between".to_owned(),
        rules: RULES,
        parameters: BTreeMap::new(),
        inventory: None,
        serial: 1,
        max_fail: 0,
        lanes,
        steps,
        compensates: None,
    }
}

/// Collects drafts and writes them in batches.
struct Writer {
    journal: DiskJournal,
    drafts: Vec<Draft>,
    run: RunId,
    vault: Arc<dyn Vault>,
    now: Micros,
}

impl Writer {
    fn put(&mut self, event: Event, said: Option<&str>) {
        let body = said.map(|text| self.vault.seal(Class::Output, text.as_bytes()).expect("a body can be sealed"));
        let event = match (event, &body) {
            (Event::Outcome(outcome), Some((id, _))) => {
                Event::Outcome(Box::new(Outcome { output: Some(*id), ..*outcome }))
            }
            (event, _) => event,
        };
        let (time, wall) = (self.now, Some(self.now));
        self.drafts.push(Draft { run: self.run, time, wall, event, bodies: body.into_iter().collect() });
        self.now = self.now.plus(STEP);
        if self.drafts.len() == BATCH {
            self.write();
        }
    }

    fn write(&mut self) {
        self.journal.append(std::mem::take(&mut self.drafts)).expect("the journal can be written");
    }

    fn open(&mut self, plan: &Plan, run: RunId) {
        self.write();
        let (bytes, digest) = plan.encode().expect("a plan encodes");
        let plan_blob = self.journal.put_public(&bytes).expect("a blob can be written");
        self.vault = self.journal.create_keys(run).expect("keys can be made");
        self.run = run;
        let opened = RunOpened {
            runbook: plan.runbook.clone(),
            plan: digest,
            plan_blob,
            rules: RULES,
            world: World::Lab { folder: FOLDER.to_owned() },
            actor: actor(),
            owner: owner(1),
            reason: None,
            change: None,
            compensates: None,
            force: false,
            keys: run,
            host_keys: None,
            cluster: None,
            found: None,
        };
        self.put(Event::RunOpened(Box::new(opened)), None);
    }

    /// A step's intent and outcome.
    fn act(&mut self, step: &Step, action: &Action) {
        let state = |active| State::Unit { active, enabled: "enabled".to_owned() };
        let footprint = action.footprint(&step.target);
        let before: Image = footprint.iter().map(|place| (place.key.clone(), state(Active::Active))).collect();
        let after = before.keys().map(|key| (key.clone(), state(Active::Inactive))).collect();
        let intent = Intent {
            step: step.path.clone(),
            attempt: 1,
            action: action.clone(),
            target: step.target.clone(),
            boot: Some("5b0f6a0c-3c1e-4e56-9b93-0d5a9f6c2a11".to_owned()),
            footprint,
            inverse: action.inverse(&step.target, &before),
            before: ImageRef::here(before),
            class: step.class,
            recovery: step.recovery,
            losses: Vec::new(),
            undoes: None,
        };
        self.put(Event::Intent(Arc::new(intent)), None);
        let outcome = Outcome {
            step: step.path.clone(),
            attempt: 1,
            ending: Ending::Succeeded,
            why: None,
            code: Some(0),
            message: None,
            output: None,
            after: ImageRef::here(after),
            captures: BTreeMap::new(),
            losses: Vec::new(),
        };
        self.put(Event::Outcome(Box::new(outcome)), Some(&format!("{}: stopped\n", step.path)));
    }

    fn sample(&mut self, step: &Step, pass: bool) {
        let facts = [("bricks", "9/9"), ("peers", "3"), ("to-heal", if pass { "0" } else { "17" })];
        let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        self.put(
            Event::GateSampled { step: step.path.clone(), pass, hopeless: false, facts, evidence: None, waited: None },
            None,
        );
    }

    fn close(&mut self, plan: &Plan) {
        let closed = RunClosed {
            end: RunEnd::Done,
            steps: BTreeMap::from([("succeeded".to_owned(), plan.steps.len() as u64)]),
            residues: Vec::new(),
            differences: Vec::new(),
            passed: Vec::new(),
            lists: None,
            by: None,
            reason: None,
        };
        self.put(Event::RunClosed(Box::new(closed)), None);
    }
}

/// Creates a journal in `dir`, which must not exist, with so many runs of exactly so many entries (at least six) each.
///
/// Every run stops units on up to a thousand hosts, one host after the other, each behind a gate that is sampled many
/// times. All runs are closed but the last, which stands at the gate of its last host. The history folds and verifies;
/// every run has keys, and each outcome brings a sealed body.
pub fn journal(dir: &Path, runs: usize, entries_per_run: usize) {
    create(dir).expect("the journal can be created");
    let mut journal = DiskJournal::open(dir, owner(1), Options::default()).expect("the journal opens").journal;
    let (shape, first) = (Shape::of(entries_per_run), run(0));
    let plan = plan(&shape);
    let vault = journal.create_keys(first).expect("keys can be made");
    let mut writer = Writer { journal, drafts: Vec::new(), run: first, vault, now: BEGAN };
    for number in 0..runs {
        writer.open(&plan, run(number));
        for (lane, share) in plan.lanes.iter().zip(&shape.shares) {
            let steps = &plan.steps[lane.start as usize..lane.end as usize];
            let last = number + 1 == runs && lane.end as usize == plan.steps.len();
            for step in steps {
                let Work::Act(action) = &step.work else {
                    let samples = share - 2 * shape.actions - 1;
                    (1..=samples).for_each(|sample| writer.sample(step, sample == samples && !last));
                    if last {
                        // Instead of the gate's end and the run's.
                        (0..2).for_each(|_| writer.sample(step, false));
                    } else {
                        writer.put(Event::GateDecided { step: step.path.clone(), passed: true }, None);
                    }
                    continue;
                };
                writer.act(step, action);
            }
        }
        if number + 1 < runs {
            writer.close(&plan);
        }
    }
    writer.write();
    writer.journal.close().expect("the journal closes");
}

#[cfg(test)]
mod tests {
    use super::*;
    use palinode_core::run::history::History;
    use palinode_journal::{JournalReader, verify};

    #[test]
    fn the_history_folds_and_has_the_size_that_was_asked_for() {
        for (runs, each) in [(1, 6), (3, 7), (4, 250), (2, 1500)] {
            let folder = tempfile::tempdir().expect("a folder");
            let dir = folder.path().join("journal");
            journal(&dir, runs, each);
            assert_eq!(verify(&dir).expect("verifies").entries, (runs * each) as u64);
            let reader = JournalReader::open(&dir).expect("opens");
            let history = History::load(&reader).expect("folds");
            assert_eq!(history.order, (0..runs).map(run).collect::<Vec<_>>());
            let (last, before) = history.order.split_last().expect("there are runs");
            assert!(before.iter().all(|run| history.runs[run].closed.is_some()));
            assert!(history.runs[last].closed.is_none());
            assert!(history.runs.values().all(|run| (run.last.0 + 1 - run.first.0) == each as u64));
            assert_eq!(reader.open_runs().expect("reads"), [(*last, history.runs[last].first)]);
        }
    }
}
