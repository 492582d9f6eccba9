//! Every crash point of the shipped procedure: each prefix of the journal, times what the last open intent had come to.

use palinode_core::id::{Micros, RunId};
use palinode_core::port::Stored;
use palinode_core::record::{RunEnd, Scope};
use palinode_core::resource::Residue;
use palinode_core::run::history::History;
use palinode_journal::MemJournal;
use palinode_replay::driver::Stopped;
use palinode_replay::lab::Line;
use palinode_tests::crash::{Cut, Death, GAP, Life, Open, Unbroken, dead, rested, resume, side_by_side};
use palinode_tests::invariants::{effects, misjudged, twice, unexplained};
use palinode_tests::memory::{BACK, CRIO_TO_DOCKER, Moment, RUN, Stage};
use palinode_tests::owner::owner;
use palinode_tests::skip::long;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// The shipped procedure on three nodes, undisturbed.
pub(crate) fn unbroken() -> (Stage, Unbroken) {
    let mut stage = Stage::new();
    let plan = stage.plan(CRIO_TO_DOCKER, &[]);
    let unbroken = Unbroken::of(&mut stage, &plan).expect("it drives");
    assert_eq!(unbroken.stopped, Stopped::Closed(RunEnd::Done));
    (stage, unbroken)
}

/// One way to die.
struct Point<'a> {
    journal: MemJournal,
    cut: &'a Cut,
    death: Death,
    /// The ledger.
    lines: Arc<[Line]>,
    /// How many lines of it there were by then.
    count: usize,
}

impl<'a> Point<'a> {
    /// All ways to die after one of these entries of a run; `before` is what the ledger had when they were begun.
    fn all(journal: &MemJournal, cuts: &'a [Cut], before: &[Line], lines: &[Line], run: RunId) -> Vec<Self> {
        let mut points = Vec::new();
        let all: Arc<[Line]> = [before, lines].concat().into();
        for cut in cuts {
            let prefix = journal.truncated(cut.count);
            let history = History::load(&prefix).expect("every prefix loads");
            let deaths = Open::find(&prefix, &history, run).map_or(vec![Death::Between], |open| open.deaths());
            let (journal, count) = (&prefix, before.len() + cut.lines);
            let point = |death| Self { journal: journal.clone(), cut, death, lines: all.clone(), count };
            points.extend(deaths.into_iter().map(point));
        }
        points
    }

    fn of(whole: &'a Unbroken, run: RunId) -> Vec<Self> {
        Self::all(&whole.journal, &whole.cuts, &[], &whole.lines, run)
    }

    /// What it leaves: everything, the lines of the ledger, and the step that was under way.
    fn leaves(&self, run: RunId) -> (Moment, Vec<Line>, Option<Open>) {
        let history = History::load(&self.journal).expect("every prefix loads");
        let open = Open::find(&self.journal, &history, run);
        let (moment, dying) = dead(self.journal.clone(), self.cut, open.as_ref(), self.death);
        let lines = [&self.lines[..self.count], dying.as_slice()].concat();
        (moment, lines, open)
    }

    fn gap(&self) -> Micros {
        // So short that the job is still at it.
        if self.death == Death::Running { Micros(0) } else { GAP }
    }

    /// Whether a step was under way, on the host of this path.
    fn is_on(&self, host: &str) -> bool {
        let last = self.journal.entries().last().and_then(|stored| stored.entry.event.step());
        self.death != Death::Between && last.is_some_and(|step| step.as_str().starts_with(host))
    }

    fn name(&self, what: &str) -> String {
        let last = self.journal.entries().last().map(|stored| &stored.entry);
        let step = last.and_then(|entry| entry.event.step()).map_or_else(String::new, |step| format!(" ({step})"));
        format!("{what} from entry {}{step}, {:?}", self.cut.count, self.death)
    }
}

/// Goes on from a point; what is wrong then.
fn goes_on(point: &Point<'_>, run: RunId, whole: &Unbroken) -> Vec<String> {
    let (moment, lines, open) = point.leaves(run);
    let life = resume(moment, run, 2, point.gap());
    let wrong = ends_well(point, run, whole, &life, &lines, open.as_ref());
    named(point, "resume", wrong)
}

/// Goes on from a point, dies again soon after, and goes on from there: how many second deaths there were, and what is
/// wrong then.
fn goes_on_twice(point: &Point<'_>, run: RunId, whole: &Unbroken) -> (usize, Vec<String>) {
    let (moment, lines, _) = point.leaves(run);
    let life = resume(moment, run, 2, point.gap());
    let since = life.stage.lab.lines();
    let seconds = Point::all(&life.stage.journal, &life.cuts, &lines, &since, run);
    let wrong = seconds.iter().flat_map(|second| goes_on(second, run, whole)).collect();
    (seconds.len(), named(point, "second death", wrong))
}

fn ends_well(
    point: &Point<'_>,
    run: RunId,
    whole: &Unbroken,
    life: &Life,
    lines: &[Line],
    open: Option<&Open>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    match &life.stopped {
        Ok(stopped) if *stopped == whole.stopped => {}
        other => wrong.push(format!("ended {other:?}")),
    }
    for (key, was, is) in whole.last.diff(&rested(&life.stage)) {
        wrong.push(format!("{key}: {was:?} in the unbroken run, here {is:?}"));
    }
    let history = life.stage.history();
    if residues(&history, run) != residues(&whole.history(), run) {
        wrong.push(format!("other residues: {:?}", residues(&history, run)));
    }
    let all = effects(&[lines, &life.stage.lab.lines()]);
    wrong.extend(twice(&history, &all));
    let since: Vec<&Stored> = life.stage.journal.entries().skip(point.cut.count).collect();
    let died = open.map(|open| (&open.job.step, point.death));
    wrong.extend(misjudged(&history.runs[&run], since.into_iter(), &all, died));
    wrong
}

fn residues(history: &History, run: RunId) -> Option<Vec<Residue>> {
    history.runs[&run].closed.as_ref().map(|closed| closed.residues.clone())
}

/// Takes the whole run back from a point; what is wrong then.
fn goes_back(point: &Point<'_>, whole: &Unbroken) -> Vec<String> {
    let (mut moment, lines, _) = point.leaves(RUN);
    moment.journal = moment.journal.taken_over(owner(2));
    let mut stage = Stage::at(&moment);
    let stopped = stage.roll_back(RUN, &Scope::Run, BACK);
    let mut wrong = Vec::new();
    if !matches!(stopped, Ok(Stopped::Closed(RunEnd::RolledBack | RunEnd::PartlyRolledBack))) {
        wrong.push(format!("ended {stopped:?}"));
    }
    let history = stage.history();
    let all = effects(&[&lines, &stage.lab.lines()]);
    wrong.extend(twice(&history, &all));
    wrong.extend(unexplained(&history, &all, &whole.first, &rested(&stage)));
    for run in history.runs.values() {
        wrong.extend(misjudged(run, stage.journal.entries().skip(point.cut.count), &all, None));
    }
    named(point, "rollback", wrong)
}

/// Takes the whole run back from a point, dies at every point of that, and goes on with the rollback from there: how
/// many deaths in it there were, and what is wrong then.
fn goes_back_twice(point: &Point<'_>, whole: &Unbroken) -> (usize, Vec<String>) {
    let (mut moment, lines, _) = point.leaves(RUN);
    moment.journal = moment.journal.taken_over(owner(2));
    let mut back = match Unbroken::back(&mut Stage::at(&moment)) {
        Ok(back) => back,
        Err(error) => return (0, named(point, "rollback", vec![format!("{error:?}")])),
    };
    // The last two are its end and that of the run it takes back, in one batch.
    back.cuts.truncate(back.cuts.len().saturating_sub(2));
    let seconds = Point::all(&back.journal, &back.cuts, &lines, &back.lines, BACK);
    let wrong = seconds.iter().flat_map(|second| goes_on_back(second, &back, whole)).collect();
    (seconds.len(), named(point, "twice-cut rollback", wrong))
}

/// Goes on with a rollback from a point of it; what is wrong then.
fn goes_on_back(second: &Point<'_>, back: &Unbroken, whole: &Unbroken) -> Vec<String> {
    let (moment, lines, open) = second.leaves(BACK);
    let life = resume(moment, BACK, 3, second.gap());
    let mut wrong = ends_well(second, BACK, back, &life, &lines, open.as_ref());
    let all = effects(&[&lines, &life.stage.lab.lines()]);
    wrong.extend(unexplained(&life.stage.history(), &all, &whole.first, &rested(&life.stage)));
    named(second, "resume", wrong)
}

fn named(point: &Point<'_>, what: &str, wrong: Vec<String>) -> Vec<String> {
    if wrong.is_empty() { wrong } else { vec![format!("{}:\n    {}", point.name(what), wrong.join("\n    "))] }
}

/// Fails with everything that went wrong.
pub(crate) fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} of them went wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_prefix_resumes_to_the_same_end() {
    let began = Instant::now();
    let (_, mut whole) = unbroken();
    // The last prefix is the whole run: closed, with nothing to go on with.
    whole.cuts.pop();
    let points = Point::of(&whole, RUN);
    let wrong = side_by_side(&points, |point| goes_on(point, RUN, &whole));
    println!("{} prefixes, {} resumes, {:.1?}", whole.cuts.len(), points.len(), began.elapsed());
    report(&wrong);
}

#[test]
fn every_prefix_rolls_back_to_the_first_state() {
    let began = Instant::now();
    let (_, whole) = unbroken();
    let points = Point::of(&whole, RUN);
    let wrong = side_by_side(&points, |point| goes_back(point, &whole));
    println!("{} prefixes, {} rollbacks, {:.1?}", whole.cuts.len(), points.len(), began.elapsed());
    report(&wrong);
}

#[test]
fn every_prefix_of_a_rollback_resumes_to_the_same_end() {
    let began = Instant::now();
    let (mut stage, _) = unbroken();
    let mut back = Unbroken::back(&mut stage).expect("it drives");
    assert_eq!(back.stopped, Stopped::Closed(RunEnd::PartlyRolledBack));
    // The last two are its end and that of the run it takes back, in one batch.
    back.cuts.truncate(back.cuts.len() - 2);
    let points = Point::of(&back, BACK);
    let wrong = side_by_side(&points, |point| goes_on(point, BACK, &back));
    println!("{} prefixes of a rollback, {} resumes, {:.1?}", back.cuts.len(), points.len(), began.elapsed());
    report(&wrong);
}

#[test]
fn who_dies_twice_ends_the_same() {
    let began = Instant::now();
    let (_, whole) = unbroken();
    let mut points = Point::of(&whole, RUN);
    points.retain(|point| point.is_on("gluster2.demo/"));
    let seconds = AtomicUsize::new(0);
    let wrong = side_by_side(&points, |point| {
        let (count, wrong) = goes_on_twice(point, RUN, &whole);
        seconds.fetch_add(count, Ordering::Relaxed);
        wrong
    });
    println!("{} deaths on one host, {} second deaths, {:.1?}", points.len(), seconds.into_inner(), began.elapsed());
    report(&wrong);
}

#[test]
fn a_twice_cut_rollback_ends_as_if_nobody_had_cut_it() {
    let began = Instant::now();
    let (_, mut whole) = unbroken();
    whole.cuts.pop();
    let mut points = Point::of(&whole, RUN);
    if !long() {
        points.retain(|point| point.is_on("gluster1.demo/"));
    }
    let seconds = AtomicUsize::new(0);
    let wrong = side_by_side(&points, |point| {
        let (count, wrong) = goes_back_twice(point, &whole);
        seconds.fetch_add(count, Ordering::Relaxed);
        wrong
    });
    let seconds = seconds.into_inner();
    println!("{} cuts in a run, {seconds} in their rollbacks, {:.1?}", points.len(), began.elapsed());
    report(&wrong);
    assert!(seconds > points.len(), "rollbacks were cut");
}
