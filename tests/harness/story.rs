//! Stories told to a journal on disk: runs that are driven, broken and taken back by one process after another.

use crate::memory::{INVENTORY, given};
use crate::owner::{actor, owner};
use palinode_core::id::{Micros, RunId, StepPath};
use palinode_core::port::{HandedDecision, Stored, Verb};
use palinode_core::record::{Answer, Class, Scope, World as Where};
use palinode_core::run::history::History;
use palinode_core::run::plan::Plan;
use palinode_core::run::rules::version::RULES;
use palinode_core::run::rules::version::Rules;
use palinode_core::runbook::{Given, Runbook};
use palinode_executors::{Files, InventoryFiles, MemFiles};
use palinode_journal::{DiskJournal, Options};
use palinode_replay::driver::{DriveError, Driver, Opening, Stop, Stopped, Surroundings, TakeOver, Targets};
use palinode_replay::lab::{self, Effect, Failing, Fault, Lab, Phase, World};
use palinode_replay::rollback;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Virtual time between two processes.
const GAP: Micros = Micros::seconds(300);

/// Small segments and files that grow in small pieces: a journal that a repository can keep.
pub const SMALL: Options = Options { segment_bytes: 24 << 10, grow_bytes: 512, inline_bytes: 4 << 10 };

/// One lab of a story.
struct Place {
    lab: Lab,
    files: MemFiles,
}

/// A journal on disk and the labs that its runs act in.
pub struct Story {
    dir: PathBuf,
    places: BTreeMap<&'static str, Place>,
    pid: u32,
    dead: u32,
    rules: u32,
    back_rules: Rules,
}

fn path(text: &str) -> StepPath {
    StepPath::new(text).expect("a path")
}

impl Story {
    /// An empty journal in a new folder.
    pub fn new(dir: &Path) -> Self {
        Self::under(RULES, dir)
    }

    /// The same; its runs are made under these rules. What takes them back is made under today's.
    pub fn under(rules: u32, dir: &Path) -> Self {
        palinode_journal::create(dir).expect("a journal can be made");
        Self { dir: dir.to_owned(), places: BTreeMap::new(), pid: 0, dead: 0, rules, back_rules: Rules::NOW }
    }

    /// The story goes on in another journal, which tells of the same labs.
    pub fn goes_on_in(&mut self, dir: &Path) {
        self.dir = dir.to_owned();
    }

    fn place(&mut self, name: &'static str) -> &Place {
        self.places.entry(name).or_insert_with(|| {
            let files = MemFiles::default();
            let text = lab::inventory_text();
            files.replace(INVENTORY, text.as_bytes(), 0o644).expect("memory takes a file");
            let reader = files.clone();
            let around = lab::Surroundings {
                read_inventory: Box::new(move || {
                    Ok(reader.read(INVENTORY)?.map(|file| file.bytes).unwrap_or_default())
                }),
                inventory_path: INVENTORY.to_owned(),
                control: Box::new(InventoryFiles::new(files.clone())),
            };
            Place { lab: Lab::in_memory(World::demo(), around), files }
        })
    }

    /// The folder of the journal.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The one lab of most stories.
    pub fn lab(&mut self) -> &Lab {
        &self.place("lab").lab
    }

    /// A plan for a lab as it is now; only these hosts, or all.
    fn plan(&mut self, place: &'static str, runbook: &str, only: &[&str]) -> Plan {
        let files = self.place(place).files.clone();
        let file = files.read(INVENTORY).expect("memory can be read").expect("a lab has an inventory");
        let text = String::from_utf8(file.bytes).expect("the inventory is text");
        let given = Given {
            inventory: Some(given(&text)),
            parameters: BTreeMap::new(),
            only: only.iter().map(|host| (*host).to_owned()).collect(),
        };
        let plan = Runbook::parse(runbook).and_then(|runbook| runbook.expand(&given)).expect("the runbook is good");
        Plan { rules: self.rules, ..plan }
    }

    /// Opens the journal as another process, lets it work, and lets go; or, when the lab let it die, leaves the journal
    /// as a killed process does.
    fn owned<T>(
        &mut self,
        place: &'static str,
        work: impl FnOnce(&mut DiskJournal, &Lab) -> Result<T, DriveError>,
    ) -> Result<T, DriveError> {
        self.place(place);
        self.pid += 1;
        let opened = DiskJournal::open(&self.dir, owner(self.pid), SMALL).expect("the journal can be opened");
        let mut journal = opened.journal;
        let lab = &self.places[place].lab;
        let done = work(&mut journal, lab);
        if matches!(done, Err(DriveError::Halted(_))) {
            lab.revive();
            self.dead += 1;
            let copy = self.dir.with_extension(format!("dead-{}", self.dead));
            copy_all(&self.dir, &copy);
            drop(journal);
            std::fs::remove_dir_all(&self.dir).expect("the folder can be removed");
            std::fs::rename(&copy, &self.dir).expect("the copy can be put in its place");
        } else {
            journal.close().expect("the journal can be closed");
        }
        done
    }

    /// Opens a run and drives it; `watch` sees every entry.
    pub fn run_in(
        &mut self,
        place: &'static str,
        run: RunId,
        (runbook, only): (&str, &[&str]),
        watch: &mut dyn FnMut(&Lab, &Stored),
    ) -> Result<Stopped, DriveError> {
        let plan = self.plan(place, runbook, only);
        self.owned(place, |journal, lab| {
            let history = History::load(journal)?;
            let mut seen = |_: &History, stored: &Stored| watch(lab, stored);
            let opening = opening(place, Some("the night of the change"), false);
            let mut driver = Driver::begin(journal, lab, around(&mut seen), history, run, &plan, opening)?;
            flatten(lab::block_on(lab, driver.drive()))
        })
    }

    /// Opens a run in the one lab and drives it.
    pub fn run(&mut self, run: RunId, runbook: &str, only: &[&str]) -> Result<Stopped, DriveError> {
        self.run_in("lab", run, (runbook, only), &mut |_, _| {})
    }

    /// Another process goes on with a run.
    pub fn resume(&mut self, run: RunId, force: bool) -> Result<Stopped, DriveError> {
        self.owned("lab", |journal, lab| {
            lab.advance(GAP);
            let history = History::load(journal)?;
            let by = TakeOver { actor: actor(), gap: Some(GAP), force, targets: Targets::default() };
            let mut quiet = |_: &History, _: &Stored| {};
            let mut driver = Driver::take_over(journal, lab, around(&mut quiet), history, run, by)?;
            flatten(lab::block_on(lab, driver.drive()))
        })
    }

    /// A person decides.
    pub fn decide(&mut self, run: RunId, verb: Verb) {
        let decided = self.owned("lab", |journal, lab| {
            let history = History::load(journal)?;
            let mut quiet = |_: &History, _: &Stored| {};
            let mut driver = Driver::attach(journal, lab, around(&mut quiet), history, run)?;
            driver.decide(&HandedDecision {
                run,
                verb,
                by: actor(),
                reason: Some("seen on the console".to_owned()),
                seen: None,
            })
        });
        decided.expect("the decision fits");
    }

    /// A person answers about a step.
    pub fn answer(&mut self, run: RunId, step: &str, answer: Answer) {
        self.decide(run, Verb::Answer { step: path(step), answer });
    }

    /// Rollbacks are made under these rules from here on, as a release that had them made them.
    pub fn go_back_under(&mut self, rules: u32) {
        self.back_rules = Rules::of(rules).expect("rules that this binary has");
    }

    /// Looks at what is in doubt, then takes a scope back as a run of its own.
    pub fn back(&mut self, run: RunId, scope: &Scope, as_run: RunId) -> Result<Stopped, DriveError> {
        self.back_in("lab", run, scope, as_run, false)
    }

    /// As [`Self::back`], in one of several labs, perhaps over someone's change.
    pub fn back_in(
        &mut self,
        place: &'static str,
        run: RunId,
        scope: &Scope,
        as_run: RunId,
        force: bool,
    ) -> Result<Stopped, DriveError> {
        let rules = self.back_rules;
        self.owned(place, |journal, lab| {
            let mut history = History::load(journal)?;
            let doubts = rollback::doubts(&history, run, scope)?;
            let mut quiet = |_: &History, _: &Stored| {};
            if !doubts.is_empty() {
                lab.advance(GAP);
                let by = TakeOver { actor: actor(), gap: Some(GAP), force: false, targets: Targets::default() };
                let mut driver = Driver::take_over(journal, lab, around(&mut quiet), history, run, by)?;
                flatten(lab::block_on(lab, driver.look_at(&doubts)))?;
                history = driver.into_history();
            }
            let plan = rollback::plan_under(rules, journal, &history, (run, scope), false)?.plan;
            let opening = opening(place, None, force);
            let mut driver = Driver::begin(journal, lab, around(&mut quiet), history, as_run, &plan, opening)?;
            flatten(lab::block_on(lab, driver.drive()))
        })
    }

    /// The lab lets the process die, or drops the link, at a step's first attempt.
    pub fn fault(&mut self, step: &str, phase: Phase) {
        self.lab().fault(Fault { step: path(step), attempt: 1, phase });
    }

    /// A step fails once.
    pub fn fail(&mut self, step: &str, failing: Failing) {
        self.lab().make_fail(path(step), 1, "no such luck", failing);
    }

    /// Someone else changes the lab.
    pub fn change(&mut self, effect: Effect) {
        self.lab().change(effect);
    }

    /// Destroys a key.
    pub fn erase(&mut self, run: RunId, class: Class) {
        let erased = self.owned("lab", |journal, _| Ok(journal.erase(run, class)));
        assert!(matches!(erased, Ok(Ok(true))), "there was a key: {erased:?}");
    }
}

fn opening(place: &str, reason: Option<&str>, force: bool) -> Opening {
    let change = reason.map(|_| "CHG0042".to_owned());
    let world = Where::Lab { folder: place.to_owned() };
    Opening { world, actor: actor(), reason: reason.map(str::to_owned), change, force, targets: Targets::default() }
}

fn around<'a>(watch: &'a mut dyn FnMut(&History, &Stored)) -> Surroundings<'a> {
    Surroundings { wall: &|| Micros(0), watch, stop: Rc::new(Cell::new(Stop::No)), tick: None }
}

fn flatten<T>(result: Result<Result<T, DriveError>, palinode_core::port::Halted>) -> Result<T, DriveError> {
    result.map_err(DriveError::from).and_then(|inner| inner)
}

/// Copies a folder with everything in it. Folders of a journal that are empty are made: a repository does not keep them.
pub fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for item in std::fs::read_dir(from).expect("the folder can be read") {
        let item = item.expect("the folder can be read");
        let place = to.join(item.file_name());
        if item.file_type().expect("a file has a type").is_dir() {
            copy_all(&item.path(), &place);
        } else {
            std::fs::copy(item.path(), &place).expect("the file can be copied");
        }
    }
}
