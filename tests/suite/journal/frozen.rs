//! The shipped procedure with its journal on a simulated disk: the power is cut at its syncs, and every write, sync and
//! rename fails once. What is left opens and goes on to the same end, and the lab's ledger shows nothing twice and
//! nothing that could not be recorded.

use crate::lab::crash::{report, unbroken};
use palinode_core::id::{EntryId, Micros, Seq};
use palinode_core::port::{BodyError, Journal, JournalRead, RecordError, Stored};
use palinode_core::record::{RunEnd, World as Where};
use palinode_core::run::history::History;
use palinode_core::run::plan::Plan;
use palinode_journal::sim::{Bound, Operation, SimDisk};
use palinode_journal::{DiskJournal, Options, create_on, verify_on};
use palinode_replay::driver::{DriveError, Driver, Opening, Stop, Stopped, Surroundings, TakeOver, Targets};
use palinode_replay::lab::{Line, What, block_on};
use palinode_tests::crash::{GAP, Unbroken, rested, side_by_side};
use palinode_tests::invariants::{effects, misjudged, twice};
use palinode_tests::memory::{CRIO_TO_DOCKER, Moment, RUN, Stage};
use palinode_tests::owner::{actor, owner};
use palinode_tests::skip;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Small, so that the journal of one run rotates and grows many times.
const OPTIONS: Options = Options { segment_bytes: 24 << 10, grow_bytes: 4096, inline_bytes: 4096 };

fn root() -> &'static Path {
    Path::new("/.palinode")
}

fn open(disk: &SimDisk, pid: u32) -> DiskJournal {
    DiskJournal::open_on(disk.layer(), root(), owner(pid), OPTIONS).expect("the journal opens").journal
}

fn stage(moment: Option<&Moment>) -> Stage {
    // Only its lab and its inventory are used: the journal is on the disk.
    moment.map_or_else(Stage::new, Stage::at)
}

/// Begins the run, or goes on with it if it is there.
fn drive(
    journal: &mut DiskJournal,
    stage: &Stage,
    plan: &Plan,
    recorded: &mut Vec<Stored>,
) -> Result<Stopped, DriveError> {
    let history = History::load(journal)?;
    let mut watch = |_: &History, stored: &Stored| recorded.push(stored.clone());
    let stop = Rc::new(Cell::new(Stop::No));
    let around = Surroundings { wall: &|| Micros(0), watch: &mut watch, stop, tick: None };
    let closed = history.runs.get(&RUN).map(|state| state.closed.as_ref().map(|closed| closed.end));
    let mut driver = match closed {
        Some(Some(end)) => return Ok(Stopped::Closed(end)),
        Some(None) => {
            let by = TakeOver { actor: actor(), gap: Some(GAP), force: false, targets: Targets::default() };
            Driver::take_over(journal, &stage.lab, around, history, RUN, by)?
        }
        None => {
            let world = Where::Lab { folder: "lab".to_owned() };
            let opening = Opening {
                world,
                actor: actor(),
                reason: None,
                change: None,
                force: false,
                targets: Targets::default(),
            };
            Driver::begin(journal, &stage.lab, around, history, RUN, plan, opening)?
        }
    };
    block_on(&stage.lab, driver.drive()).unwrap_or_else(|halted| Err(halted.into()))
}

/// A run on a disk with trouble.
struct Attempt {
    disk: SimDisk,
    /// Not let go before everything was looked at: letting go writes, too.
    _journal: DiskJournal,
    moment: Moment,
    lines: Vec<Line>,
    recorded: Vec<Stored>,
    stopped: Result<Stopped, DriveError>,
}

/// Runs on a fresh disk that is prepared once the journal is open.
fn attempt(plan: &Plan, prepare: impl FnOnce(&SimDisk)) -> Attempt {
    let disk = SimDisk::new();
    create_on(disk.layer(), root()).expect("creates");
    let mut journal = open(&disk, 1);
    prepare(&disk);
    let stage = stage(None);
    let mut recorded = Vec::new();
    let stopped = drive(&mut journal, &stage, plan, &mut recorded);
    if stopped.is_err() {
        assert!(matches!(journal.append(Vec::new()), Err(RecordError::Poisoned)), "the handle is poisoned");
    }
    Attempt { disk, _journal: journal, moment: stage.moment(), lines: stage.lab.lines(), recorded, stopped }
}

/// Whether entries of this kind are waited for before anything goes on.
fn is_waited_for(stored: &Stored) -> bool {
    stored.entry.event.waited()
}

/// Whether a run ended because something could not be recorded: an entry, or a body for one.
fn cannot_record(stopped: &Result<Stopped, DriveError>) -> bool {
    matches!(stopped, Err(DriveError::Record(_) | DriveError::Body(BodyError::Record(_))))
}

fn claimed(lines: &[Line]) -> BTreeSet<EntryId> {
    let jobs = lines.iter().filter_map(|line| match &line.what {
        What::Claimed { job, .. } => Some(*job),
        _ => None,
    });
    jobs.collect()
}

/// What is wrong with what an attempt left on a disk, and with the run once another process went on with it.
fn goes_on(attempt: &Attempt, disk: &SimDisk, plan: &Plan, whole: &Unbroken) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Err(error) = verify_on(disk.layer(), root()) {
        wrong.push(format!("it does not verify: {error:?}"));
    }
    let mut journal = open(disk, 2);
    let found: Vec<Stored> = journal.read(Seq(1)).and_then(Iterator::collect).expect("what is there is sound");
    let ids: BTreeSet<EntryId> = found.iter().map(|stored| stored.id).collect();
    let lost = attempt.recorded.iter().find(|stored| is_waited_for(stored) && !ids.contains(&stored.id));
    wrong.extend(lost.map(|stored| format!("entry {} was recorded and is lost", stored.entry.seq)));
    if let Some(job) = claimed(&attempt.lines).difference(&ids).next() {
        wrong.push(format!("job {job} began, and its intent is not there"));
    }
    let stage = stage(Some(&attempt.moment));
    stage.lab.advance(GAP);
    let stopped = drive(&mut journal, &stage, plan, &mut Vec::new());
    if stopped.as_ref().ok() != Some(&whole.stopped) {
        wrong.push(format!("ended {stopped:?}"));
        return wrong;
    }
    for (key, was, is) in whole.last.diff(&rested(&stage)) {
        wrong.push(format!("{key}: {was:?} in the unbroken run, here {is:?}"));
    }
    let history = History::load(&journal).expect("the journal folds");
    let residues = |history: &History| history.runs[&RUN].closed.as_ref().map(|closed| closed.residues.clone());
    if residues(&history) != residues(&whole.history()) {
        wrong.push(format!("other residues: {:?}", residues(&history)));
    }
    let all = effects(&[&attempt.lines, &stage.lab.lines()]);
    wrong.extend(twice(&history, &all));
    let entries: Vec<Stored> = journal.read(Seq(1)).and_then(Iterator::collect).expect("the journal reads");
    wrong.extend(misjudged(&history.runs[&RUN], entries[found.len()..].iter(), &all, None));
    journal.close().expect("it closes");
    if let Err(error) = verify_on(disk.layer(), root()) {
        wrong.push(format!("in the end it does not verify: {error:?}"));
    }
    wrong
}

fn named(what: &str, wrong: Vec<String>) -> Vec<String> {
    if wrong.is_empty() { wrong } else { vec![format!("{what}:\n    {}", wrong.join("\n    "))] }
}

/// Where the run begins and ends, counted on the disk.
fn counted(plan: &Plan, count: impl Fn(&SimDisk) -> u64) -> std::ops::RangeInclusive<u64> {
    let before = Cell::new(0);
    let undisturbed = attempt(plan, |disk| before.set(count(disk)));
    assert_eq!(undisturbed.stopped.ok(), Some(Stopped::Closed(RunEnd::Done)));
    before.get() + 1..=count(&undisturbed.disk)
}

#[test]
fn a_power_cut_at_every_sync_of_a_run_resumes_to_the_same_end() {
    let began = Instant::now();
    let (stage, whole) = unbroken();
    let plan = Stage::new().plan(CRIO_TO_DOCKER, &[]);
    drop(stage);
    let syncs: Vec<u64> = counted(&plan, SimDisk::syncs).collect();
    let images = AtomicUsize::new(0);
    let wrong = side_by_side(&syncs, |sync| {
        let attempt = attempt(&plan, |disk| disk.freeze_at_sync(*sync));
        // Blobs have names by chance, and so not every run makes as many folders.
        let ended = attempt.stopped.as_ref().ok() == Some(&whole.stopped);
        if !ended && !cannot_record(&attempt.stopped) {
            return vec![format!("cut at sync {sync}: the run ended {:?}", attempt.stopped)];
        }
        attempt.disk.freeze();
        let left = attempt.disk.images(Bound { seed: *sync, ..Bound::default() });
        // By default two mixtures at each sync: nothing or everything of what was not synced, and one by chance.
        let chosen: BTreeSet<usize> = if skip::long() {
            (0..left.len()).collect()
        } else {
            let extreme = if sync % 2 == 0 { 0 } else { left.len() - 1 };
            [extreme, (*sync as usize).wrapping_mul(2_654_435_761) % left.len()].into()
        };
        images.fetch_add(chosen.len(), Ordering::Relaxed);
        let each = chosen.into_iter().flat_map(|index| {
            let image = left.get(index).expect("an image");
            named(&format!("cut at sync {sync}, image {index}"), goes_on(&attempt, &image, &plan, &whole))
        });
        each.collect()
    });
    println!("{} syncs, {} images, {:.1?}", syncs.len(), images.into_inner(), began.elapsed());
    report(&wrong);
}

/// The run stops at a failure before the next effect; then the disk is well again, and another process goes on.
fn stops_and_goes_on(what: &str, attempt: &Attempt, plan: &Plan, whole: &Unbroken) -> Vec<String> {
    if !cannot_record(&attempt.stopped) {
        return vec![format!("{what}: the run ended {:?}", attempt.stopped)];
    }
    let recorded = attempt.recorded.iter().map(|stored| stored.id).collect();
    if let Some(job) = claimed(&attempt.lines).difference(&recorded).next() {
        return vec![format!("{what}: job {job} began although its intent could not be recorded")];
    }
    attempt.disk.set_capacity(None);
    named(what, goes_on(attempt, &attempt.disk.killed(), plan, whole))
}

#[test]
fn any_failure_to_record_stops_the_run_before_the_next_effect() {
    let began = Instant::now();
    let (_, whole) = unbroken();
    let plan = Stage::new().plan(CRIO_TO_DOCKER, &[]);
    let kinds = [Operation::Write, Operation::Sync, Operation::SyncDir, Operation::Rename];
    let mut points = Vec::new();
    for operation in kinds.into_iter().chain([Operation::MakeFile, Operation::MakeDir]) {
        let all = counted(&plan, |disk| disk.count(operation));
        // By default some of each kind; the syncs are those of the power cuts, too.
        let step = if skip::long() { 1 } else { 6 };
        points.extend(all.step_by(step).map(|number| (operation, number)));
    }
    let stopped = AtomicUsize::new(0);
    let wrong = side_by_side(&points, |(operation, number)| {
        let attempt = attempt(&plan, |disk| disk.fail(*operation, *number));
        // Blobs have names by chance, and so not every run makes the same folders.
        if attempt.stopped.is_ok() && attempt.disk.count(*operation) < *number {
            return Vec::new();
        }
        stopped.fetch_add(1, Ordering::Relaxed);
        stops_and_goes_on(&format!("{operation:?} {number} fails"), &attempt, &plan, &whole)
    });
    println!("{} failing operations, {:.1?}", stopped.into_inner(), began.elapsed());
    report(&wrong);
}

#[test]
fn a_full_disk_stops_the_run_before_the_next_effect() {
    let began = Instant::now();
    let (_, whole) = unbroken();
    let plan = Stage::new().plan(CRIO_TO_DOCKER, &[]);
    let sizes = counted(&plan, SimDisk::used);
    let step = if skip::long() { 512 } else { 8191 };
    let enough = *sizes.end();
    let sizes: Vec<u64> = sizes.step_by(step).filter(|size| *size < enough).collect();
    assert!(sizes.len() > 5);
    let wrong = side_by_side(&sizes, |size| {
        let attempt = attempt(&plan, |disk| disk.set_capacity(Some(*size)));
        stops_and_goes_on(&format!("room for {size} bytes"), &attempt, &plan, &whole)
    });
    println!("full at {} sizes, {:.1?}", sizes.len(), began.elapsed());
    report(&wrong);
}
