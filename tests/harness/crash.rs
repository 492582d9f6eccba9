//! Crash points: where a process may die in a run, the worlds it may leave behind, and the process that comes after it.

use crate::memory::{BACK, INVENTORY, Moment, RUN, Stage, replays};
use crate::owner::{actor, owner};
use palinode_core::action::Action;
use palinode_core::id::{BodyId, Micros, RunId};
use palinode_core::port::{Bodies, BodyError, Control, Executor, Halted, Job, JournalRead, Stored, Vault};
use palinode_core::record::{Class, Event};
use palinode_core::run::history::History;
use palinode_core::run::plan::Plan;
use palinode_executors::{Files, InventoryFiles, MemFiles};
use palinode_journal::MemJournal;
use palinode_replay::driver::{BodyReader, DriveError, Driver, Stop, Stopped, Surroundings, TakeOver, Targets};
use palinode_replay::lab::{Digest, Fault, Lab, Line, Phase, World, block_on};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};

/// How long a world rests before it is looked at: pods are placed, storage heals.
const REST: Micros = Micros::seconds(1800);

/// The virtual time between a death and the next process.
pub const GAP: Micros = Micros::seconds(300);

/// A second death strikes within so many entries: the take-over, the look, the next attempt, its outcome.
const SOON: usize = 4;

/// What the last open intent had come to when the process died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Death {
    /// No intent was open.
    Between,
    /// The job was never claimed.
    NotBegun,
    /// The job died with the process, about half of its parts done.
    Half,
    /// On the control side: the file was written, and the job died before it could say so.
    Written,
    /// The job goes on without the process, and is still at it when the next one comes.
    Running,
    /// The job ended; nobody heard of it.
    Done,
}

/// What is there after one entry of a run was recorded.
#[derive(Clone)]
pub struct Cut {
    /// How many entries the journal has.
    pub count: usize,
    /// The world then.
    pub world: World,
    /// The inventory then.
    pub inventory: String,
    /// How many lines the ledger had.
    pub lines: usize,
}

/// A run that was not broken, with everything needed to break it anywhere.
pub struct Unbroken {
    /// Its journal at the end.
    pub journal: MemJournal,
    /// What was there after each entry.
    pub cuts: Vec<Cut>,
    /// The whole ledger.
    pub lines: Vec<Line>,
    /// The world that it found, at rest.
    pub first: Digest,
    /// The world that it left, at rest.
    pub last: Digest,
    /// How it ended.
    pub stopped: Stopped,
}

/// Notes what is there whenever an entry is recorded, so many times.
struct Notes(Vec<Cut>, usize);

impl Notes {
    fn take(&mut self, lab: &Lab, files: &MemFiles, stored: &Stored) {
        if self.0.len() == self.1 {
            return;
        }
        let count = usize::try_from(stored.entry.seq.0).expect("a journal in memory is short");
        let (world, inventory) = (lab.snapshot(), text(files));
        self.0.push(Cut { count, world, inventory, lines: lab.line_count() });
    }
}

fn text(files: &MemFiles) -> String {
    let file = files.read(INVENTORY).expect("memory can be read");
    String::from_utf8(file.map(|file| file.bytes).unwrap_or_default()).expect("the inventory is text")
}

impl Unbroken {
    /// Drives a plan on an untouched stage.
    pub fn of(stage: &mut Stage, plan: &Plan) -> Result<Self, DriveError> {
        let first = rested(stage);
        let mut notes = Notes(Vec::new(), usize::MAX);
        let stopped = stage.run(RUN, plan, &mut |lab, files, stored| notes.take(lab, files, stored))?;
        Ok(Self::noted(stage, notes, first, stopped))
    }

    /// Rolls the whole run of a stage back; the lines are those of the rollback alone.
    pub fn back(stage: &mut Stage) -> Result<Self, DriveError> {
        let first = rested(stage);
        let mut notes = Notes(Vec::new(), usize::MAX);
        let mut watch = |lab: &Lab, files: &MemFiles, stored: &Stored| notes.take(lab, files, stored);
        let stopped = stage.roll_back_watched(RUN, &palinode_core::record::Scope::Run, BACK, &mut watch)?;
        Ok(Self::noted(stage, notes, first, stopped))
    }

    /// The history at its end.
    pub fn history(&self) -> History {
        History::load(&self.journal).expect("the journal folds")
    }

    fn noted(stage: &Stage, notes: Notes, first: Digest, stopped: Stopped) -> Self {
        let lines = stage.lab.lines();
        Self { journal: stage.journal.clone(), cuts: notes.0, lines, first, last: rested(stage), stopped }
    }
}

/// The digest of a stage's world once it has come to rest; the stage itself stays where it is.
pub fn rested(stage: &Stage) -> Digest {
    let copy = Stage::at(&stage.moment());
    copy.lab.advance(REST);
    copy.lab.digest()
}

/// The last intent of a prefix that has no outcome, as the job it stands for.
pub struct Open {
    /// The job.
    pub job: Job,
    shelf: BodyReader,
    vault: Arc<dyn Vault>,
}

impl Open {
    /// Looks for it.
    pub fn find(journal: &MemJournal, history: &History, run: RunId) -> Option<Self> {
        let last = journal.entries().last()?;
        let Event::Intent(intent) = &last.entry.event else { return None };
        let shelf = BodyReader::of(journal, history, run).expect("the journal has the keys");
        let before = shelf.image(&intent.before).expect("the before-image can be opened");
        let job = Job {
            heard: 0,
            seq: last.entry.seq,
            name: last.id,
            run,
            step: intent.step.clone(),
            attempt: intent.attempt,
            action: intent.action.clone(),
            target: intent.target.clone(),
            boot: intent.boot.clone(),
            before: Arc::new(before),
            seen: None,
            look: intent.footprint.iter().map(|footprint| footprint.key.clone()).collect(),
        };
        let keys = history.runs[&run].opened.keys;
        let vault = journal.vault(keys).expect("the journal has the keys");
        Some(Self { job, shelf, vault })
    }

    /// Whether it acts on the control side.
    pub fn is_control(&self) -> bool {
        matches!(self.job.action, Action::InventoryEdit(_) | Action::InventoryRestore(_))
    }

    /// The ways to die with it.
    pub fn deaths(&self) -> Vec<Death> {
        let third = if self.is_control() { Death::Written } else { Death::Running };
        vec![Death::NotBegun, Death::Half, third, Death::Done]
    }
}

/// Bodies of a job that nobody listens to any more.
struct Desk<'a> {
    open: &'a Open,
    fresh: RefCell<HashMap<BodyId, Vec<u8>>>,
}

impl Bodies for Desk<'_> {
    fn put(&self, _: Class, bytes: &[u8]) -> Result<BodyId, BodyError> {
        let id = self.open.vault.digest(bytes)?;
        self.fresh.borrow_mut().insert(id, bytes.to_vec());
        Ok(id)
    }

    fn get(&self, id: BodyId) -> Result<Vec<u8>, BodyError> {
        let fresh = self.fresh.borrow().get(&id).cloned();
        fresh.map_or_else(|| self.open.shelf.open(id), Ok)
    }
}

/// What a death leaves, with the lines that the ledger got in dying.
pub fn dead(journal: MemJournal, cut: &Cut, open: Option<&Open>, death: Death) -> (Moment, Vec<Line>) {
    let moment = Moment { journal, world: cut.world.clone(), inventory: cut.inventory.clone() };
    let (Some(open), true) = (open, !matches!(death, Death::Between | Death::NotBegun)) else {
        return (moment, Vec::new());
    };
    let stage = Stage::at(&moment);
    let desk = Desk { open, fresh: RefCell::default() };
    let job = &open.job;
    if death == Death::Running {
        let mut context = Context::from_waker(Waker::noop());
        let started = pin!(stage.lab.execute(job, &desk)).poll(&mut context);
        assert!(started.is_pending() || stage.lab.snapshot().job(job.name).is_some(), "{}: it was claimed", job.step);
    } else {
        let phase = if death == Death::Done { Phase::Done } else { Phase::Half };
        stage.lab.fault(Fault { step: job.step.clone(), attempt: job.attempt, phase });
        let dies = block_on(&stage.lab, stage.lab.execute(job, &desk));
        assert!(matches!(dies, Err(Halted)), "{}: nobody hears how it ended", job.step);
        if death == Death::Written {
            let done = InventoryFiles::new(stage.files.clone()).run(&job.action, &desk).expect("memory takes a file");
            assert_eq!(done.why, None, "{}: the file can be written", job.step);
        }
    }
    (stage.moment(), stage.lab.lines())
}

/// What comes after a death.
pub struct Life {
    /// The stage, as it is at the end.
    pub stage: Stage,
    /// How it ended.
    pub stopped: Result<Stopped, DriveError>,
    /// What was there after each of the first entries since.
    pub cuts: Vec<Cut>,
}

/// Another process finds what a death left, after some time, and goes on with the run.
pub fn resume(mut moment: Moment, run: RunId, pid: u32, gap: Micros) -> Life {
    moment.journal = moment.journal.taken_over(owner(pid));
    let mut stage = Stage::at(&moment);
    stage.lab.advance(gap);
    let mut notes = Notes(Vec::new(), SOON);
    let stopped = drive(&mut stage, run, gap, &mut notes);
    Life { stage, stopped, cuts: notes.0 }
}

fn drive(stage: &mut Stage, run: RunId, gap: Micros, notes: &mut Notes) -> Result<Stopped, DriveError> {
    let history = History::load(&stage.journal)?;
    let (lab, files) = (&stage.lab, stage.files.clone());
    let mut watch = |_: &History, stored: &Stored| notes.take(lab, &files, stored);
    let stop = Rc::new(Cell::new(Stop::No));
    let around = Surroundings { wall: &|| Micros(0), watch: &mut watch, stop, tick: None };
    let by = TakeOver { actor: actor(), gap: Some(gap), force: false, targets: Targets::default() };
    let mut driver = Driver::take_over(&mut stage.journal, lab, around, history, run, by)?;
    let stopped = block_on(lab, driver.drive()).unwrap_or_else(|halted| Err(halted.into()));
    replays(&stage.journal);
    stopped
}

/// Checks one after the other, on as many threads as there are processors; all that is wrong.
pub fn side_by_side<T: Sync>(all: &[T], check: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || {
            let mut wrong = Vec::new();
            while let Some(one) = all.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                wrong.extend(check(one));
            }
            wrong
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a check does not panic")).collect()
    })
}
