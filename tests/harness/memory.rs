//! A run in memory: journal, lab and inventory, each of which can be copied at any moment.

use crate::owner::{actor, owner};
use palinode_core::id::{Micros, ResourceKey, RunId, StepPath};
use palinode_core::inventory::model::Reading;
use palinode_core::port::{HandedDecision, Stored, Verb};
use palinode_core::record::{Answer, Scope, ShownState, World as Where};
use palinode_core::run::history::History;
use palinode_core::run::plan::Plan;
use palinode_core::runbook::{Given, Runbook};
use palinode_executors::{FileContent, Files, InventoryFiles, MemFiles};
use palinode_journal::MemJournal;
use palinode_replay::driver::{
    Ahead, DriveError, Driver, Foresight, Opening, Stop, Stopped, Surroundings, TakeOver, Targets, foresee,
};
use palinode_replay::lab::{self, Lab, World};
use palinode_replay::rollback;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Where the inventory of a lab in memory is.
pub const INVENTORY: &str = "/lab/hosts";

/// An inventory of a lab in memory, as runbooks are expanded with it.
pub fn given(text: &str) -> (String, Arc<Reading>) {
    let reading = Reading::of_text(INVENTORY, text.as_bytes()).expect("the inventory of a lab is good");
    (INVENTORY.to_owned(), Arc::new(reading))
}

/// The shipped runbook.
pub const CRIO_TO_DOCKER: &str = include_str!("../../cli/runbooks/crio-to-docker.yml");

/// The run of most tests.
pub const RUN: RunId = RunId([1, 0, 0, 0, 0, 0, 0, 1]);
/// Its rollback.
pub const BACK: RunId = RunId([2, 0, 0, 0, 0, 0, 0, 2]);

/// Everything a run changes, at one moment.
#[derive(Clone)]
pub struct Moment {
    /// The journal.
    pub journal: MemJournal,
    /// The world.
    pub world: World,
    /// The inventory.
    pub inventory: String,
}

/// A journal and a lab in memory.
pub struct Stage {
    /// The journal.
    pub journal: MemJournal,
    /// The lab.
    pub lab: Lab,
    /// The inventory.
    pub files: MemFiles,
    /// What a person asked for.
    pub stop: Rc<Cell<Stop>>,
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage {
    /// The default lab, untouched, and an empty journal.
    pub fn new() -> Self {
        Self::at(&Moment {
            journal: MemJournal::with_fixed_keys(owner(1)),
            world: World::demo(),
            inventory: lab::inventory_text(),
        })
    }

    /// A stage set up as it was at a moment.
    pub fn at(moment: &Moment) -> Self {
        let files = MemFiles::default();
        files.replace(INVENTORY, moment.inventory.as_bytes(), 0o644).expect("memory takes a file");
        let reader = files.clone();
        let around = lab::Surroundings {
            read_inventory: Box::new(move || Ok(reader.read(INVENTORY)?.map(|file| file.bytes).unwrap_or_default())),
            inventory_path: INVENTORY.to_owned(),
            control: Box::new(InventoryFiles::new(files.clone())),
        };
        let lab = Lab::in_memory(moment.world.clone(), around);
        Self { journal: moment.journal.clone(), lab, files, stop: Rc::default() }
    }

    /// The inventory's text.
    pub fn inventory(&self) -> String {
        let file: Option<FileContent> = self.files.read(INVENTORY).expect("memory can be read");
        String::from_utf8(file.map(|file| file.bytes).unwrap_or_default()).expect("the inventory is text")
    }

    /// Everything as it is now.
    pub fn moment(&self) -> Moment {
        Moment { journal: self.journal.clone(), world: self.lab.snapshot(), inventory: self.inventory() }
    }

    /// The history so far.
    pub fn history(&self) -> History {
        History::load(&self.journal).expect("the journal folds")
    }

    /// A plan for the default lab.
    pub fn plan(&self, runbook: &str, set: &[(&str, &str)]) -> Plan {
        let given = Given {
            inventory: Some(given(&self.inventory())),
            parameters: set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            only: Vec::new(),
        };
        Runbook::parse(runbook).and_then(|runbook| runbook.expand(&given)).expect("the runbook is good")
    }

    fn around<'a>(&self, watch: &'a mut dyn FnMut(&History, &Stored)) -> Surroundings<'a> {
        Surroundings { wall: &|| Micros(0), watch, stop: self.stop.clone(), tick: None }
    }

    /// Opens and drives a run.
    pub fn run(
        &mut self,
        run: RunId,
        plan: &Plan,
        watch: &mut dyn FnMut(&Lab, &MemFiles, &Stored),
    ) -> Result<Stopped, DriveError> {
        let opening = Opening {
            world: Where::Lab { folder: "lab".to_owned() },
            actor: actor(),
            reason: None,
            change: None,
            force: false,
            targets: Targets::default(),
        };
        let history = self.history();
        let (lab, files) = (&self.lab, self.files.clone());
        let mut seen = |_: &History, stored: &Stored| watch(lab, &files, stored);
        let around = Surroundings { wall: &|| Micros(0), watch: &mut seen, stop: self.stop.clone(), tick: None };
        let mut driver = Driver::begin(&mut self.journal, lab, around, history, run, plan, opening)?;
        let stopped = flatten(lab::block_on(lab, driver.drive()));
        replays(&self.journal);
        stopped
    }

    /// Takes the run over as another process, after five virtual minutes.
    pub fn resume(&mut self, run: RunId) -> Result<Stopped, DriveError> {
        self.resume_with(run, false)
    }

    /// As [`Self::resume`], perhaps allowed to overwrite drift.
    pub fn resume_with(&mut self, run: RunId, force: bool) -> Result<Stopped, DriveError> {
        self.resume_by(run, force, Targets::default())
    }

    /// As [`Self::resume`], allowed to overwrite these states.
    pub fn resume_over(&mut self, run: RunId, shown: BTreeMap<ResourceKey, ShownState>) -> Result<Stopped, DriveError> {
        self.resume_by(run, false, Targets { shown, ..Targets::default() })
    }

    /// What someone changed of what an open rollback changes back, as a person is shown it.
    pub fn changed(&self, run: RunId) -> BTreeMap<ResourceKey, ShownState> {
        let (history, silent) = (self.history(), BTreeMap::new());
        let foreseen = foresee(&self.lab, &self.journal, &history, Ahead::Open(run), &silent);
        let all = flatten(lab::block_on(&self.lab, foreseen)).expect("it can be looked at");
        let changed = all.into_iter().filter_map(|step| match step.what {
            Foresight::Drifted(all) => Some(all),
            _ => None,
        });
        changed
            .flatten()
            .map(|change| (change.key, ShownState { state: change.found, fields: change.fields }))
            .collect()
    }

    fn resume_by(&mut self, run: RunId, force: bool, targets: Targets) -> Result<Stopped, DriveError> {
        let gap = Micros::seconds(300);
        self.lab.advance(gap);
        let history = self.history();
        let mut quiet = |_: &History, _: &Stored| {};
        let around = self.around(&mut quiet);
        let by = TakeOver { actor: actor(), gap: Some(gap), force, targets };
        let mut driver = Driver::take_over(&mut self.journal, &self.lab, around, history, run, by)?;
        let stopped = flatten(lab::block_on(&self.lab, driver.drive()));
        replays(&self.journal);
        stopped
    }

    /// Records an operator's decision, as a process of its own.
    fn decide(&mut self, run: RunId, verb: Verb, reason: &str) {
        let decision = HandedDecision { run, verb, by: actor(), reason: Some(reason.to_owned()), seen: None };
        let history = self.history();
        let mut quiet = |_: &History, _: &Stored| {};
        let around = Surroundings { wall: &|| Micros(0), watch: &mut quiet, stop: self.stop.clone(), tick: None };
        let mut driver = Driver::attach(&mut self.journal, &self.lab, around, history, run).expect("the run is there");
        driver.decide(&decision).expect("the decision fits");
    }

    /// Has a failed step tried again.
    pub fn retry(&mut self, run: RunId, step: &StepPath) {
        self.decide(run, Verb::Answer { step: step.clone(), answer: Answer::Retry }, "mended");
    }

    /// Passes over a step.
    pub fn skip(&mut self, run: RunId, step: &StepPath, reason: &str) {
        self.decide(run, Verb::Skip { step: step.clone() }, reason);
    }

    /// Rolls a scope of a run back: looks first, then plans, then drives.
    pub fn roll_back(&mut self, run: RunId, scope: &Scope, as_run: RunId) -> Result<Stopped, DriveError> {
        self.roll_back_watched(run, scope, as_run, &mut |_, _, _| {})
    }

    /// As [`Self::roll_back`]; the rollback itself is watched, looking first is not.
    pub fn roll_back_watched(
        &mut self,
        run: RunId,
        scope: &Scope,
        as_run: RunId,
        watch: &mut dyn FnMut(&Lab, &MemFiles, &Stored),
    ) -> Result<Stopped, DriveError> {
        let history = self.history();
        let doubts = rollback::doubts(&history, run, scope)?;
        let mut quiet = |_: &History, _: &Stored| {};
        if !doubts.is_empty() {
            let gap = Micros::seconds(300);
            self.lab.advance(gap);
            let around = self.around(&mut quiet);
            let by = TakeOver { actor: actor(), gap: Some(gap), force: false, targets: Targets::default() };
            let mut driver = Driver::take_over(&mut self.journal, &self.lab, around, history, run, by)?;
            flatten(lab::block_on(&self.lab, driver.look_at(&doubts)))?;
        }
        let history = self.history();
        let plan = rollback::plan(&self.journal, &history, run, scope, false)?.plan;
        let opening = Opening {
            world: Where::Lab { folder: "lab".to_owned() },
            actor: actor(),
            reason: None,
            change: None,
            force: false,
            targets: Targets::default(),
        };
        let (lab, files) = (&self.lab, self.files.clone());
        let mut seen = |_: &History, stored: &Stored| watch(lab, &files, stored);
        let around = Surroundings { wall: &|| Micros(0), watch: &mut seen, stop: self.stop.clone(), tick: None };
        let mut driver = Driver::begin(&mut self.journal, lab, around, history, as_run, &plan, opening)?;
        let stopped = flatten(lab::block_on(lab, driver.drive()));
        replays(&self.journal);
        stopped
    }
}

/// Whatever a run came to, what it recorded follows from the rules.
#[track_caller]
pub fn replays(journal: &MemJournal) {
    let found = palinode_replay::strict::strict(journal, None);
    assert!(found.is_ok(), "{}", found.err().map(|error| error.to_string()).unwrap_or_default());
}

fn flatten<T>(result: Result<Result<T, DriveError>, palinode_core::port::Halted>) -> Result<T, DriveError> {
    result.map_err(DriveError::from).and_then(|inner| inner)
}
