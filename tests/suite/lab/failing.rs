//! Steps that fail: the run pauses; tried again it ends like one that never failed; taken back it leaves nothing but
//! residues.

use crate::lab::crash::{report, unbroken};
use palinode_core::action::Recovery;
use palinode_core::id::StepPath;
use palinode_core::port::{HandedDecision, Verb};
use palinode_core::record::{Answer, Event, ImageRef, PauseWhy, RunEnd, Scope};
use palinode_core::run::history::History;
use palinode_core::run::plan::{Plan, Work};
use palinode_replay::driver::{Driver, Stopped, Surroundings};
use palinode_replay::lab::Failing;
use palinode_tests::crash::{GAP, Unbroken, rested, resume, side_by_side};
use palinode_tests::invariants::{effects, misjudged, twice, unexplained};
use palinode_tests::memory::{BACK, CRIO_TO_DOCKER, Moment, RUN, Stage};
use palinode_tests::owner::{actor, owner};
use std::time::Instant;

/// A run that stands at a failed step.
fn failed(plan: &Plan, step: &StepPath, failing: Failing) -> (Stage, Result<(), String>) {
    let mut stage = Stage::new();
    stage.lab.make_fail(step.clone(), 1, "no such luck", failing);
    let stopped = stage.run(RUN, plan, &mut |_, _, _| {});
    let as_said = matches!(stopped, Ok(Stopped::Paused(PauseWhy::Failed)));
    (stage, if as_said { Ok(()) } else { Err(format!("ended {stopped:?} and not paused at a failed step")) })
}

fn answer(moment: &mut Moment, step: &StepPath, answer: Answer) {
    let stage = Stage::at(moment);
    let history = stage.history();
    let around = Surroundings {
        wall: &|| palinode_core::id::Micros(0),
        watch: &mut |_, _| {},
        stop: stage.stop.clone(),
        tick: None,
    };
    let verb = Verb::Answer { step: step.clone(), answer };
    let decision =
        HandedDecision { run: RUN, verb, by: actor(), reason: Some("it was the disk".to_owned()), seen: None };
    let mut driver = Driver::attach(&mut moment.journal, &stage.lab, around, history, RUN).expect("the run is there");
    driver.decide(&decision).expect("a failed step may be tried again");
}

/// The before-images of a step's attempts.
fn befores(stage: &Stage, step: &StepPath) -> Vec<ImageRef> {
    let intents = stage.journal.entries().filter_map(|stored| match &stored.entry.event {
        Event::Intent(intent) if intent.step == *step => Some(intent.before.clone()),
        _ => None,
    });
    intents.collect()
}

fn tried_again(plan: &Plan, step: &StepPath, failing: Failing, whole: &Unbroken) -> Vec<String> {
    let (stage, as_said) = failed(plan, step, failing);
    let mut wrong: Vec<String> = as_said.err().into_iter().collect();
    let (mut moment, lines) = (stage.moment(), stage.lab.lines());
    moment.journal = moment.journal.taken_over(owner(2));
    let failed_at = moment.journal.len();
    answer(&mut moment, step, Answer::Retry);
    let life = resume(moment, RUN, 3, GAP);
    if !matches!(life.stopped, Ok(Stopped::Closed(RunEnd::Done))) {
        wrong.push(format!("tried again, it ended {:?}", life.stopped));
    }
    for (key, was, is) in whole.last.diff(&rested(&life.stage)) {
        wrong.push(format!("{key}: {was:?} in the unbroken run, here {is:?}"));
    }
    let found = befores(&life.stage, step);
    if found.len() != 2 || found[0] != found[1] {
        wrong.push(format!("{} attempts, not two with one before-image", found.len()));
    }
    let history = life.stage.history();
    let all = effects(&[&lines, &life.stage.lab.lines()]);
    // What is not safe to repeat (a reboot) is not done again either, if the failed attempt did it: it is keyed by the
    // boot that the first attempt found.
    let known = plan.steps.iter().find(|known| known.path == *step);
    if known.is_some_and(|known| known.recovery == Recovery::Ask)
        && all.iter().filter(|one| one.step == *step).count() != 1
    {
        wrong.push("it was not done exactly once".to_owned());
    }
    wrong.extend(twice(&history, &all));
    wrong.extend(misjudged(&history.runs[&RUN], life.stage.journal.entries().skip(failed_at), &all, None));
    wrong
}

fn taken_back(plan: &Plan, step: &StepPath, failing: Failing, whole: &Unbroken) -> Vec<String> {
    let (mut stage, as_said) = failed(plan, step, failing);
    let mut wrong: Vec<String> = as_said.err().into_iter().collect();
    let stopped = stage.roll_back(RUN, &Scope::Run, BACK);
    if !matches!(stopped, Ok(Stopped::Closed(RunEnd::RolledBack | RunEnd::PartlyRolledBack))) {
        wrong.push(format!("taken back, it ended {stopped:?}"));
    }
    let history: History = stage.history();
    let all = effects(&[&stage.lab.lines()]);
    wrong.extend(twice(&history, &all));
    wrong.extend(unexplained(&history, &all, &whole.first, &rested(&stage)));
    wrong
}

#[test]
fn every_step_may_fail() {
    let began = Instant::now();
    let (_, whole) = unbroken();
    let plan = Stage::new().plan(CRIO_TO_DOCKER, &[]);
    let done = whole.history();
    let begun = |step: &StepPath| {
        let state = &done.runs[&RUN];
        state.find(step).and_then(|ix| state.step(ix)).is_some_and(|(_, known)| known.intent.is_some())
    };
    let acts = plan.steps.iter().filter(|step| matches!(step.work, Work::Act(_)) && begun(&step.path));
    let all: Vec<(&StepPath, Failing)> =
        acts.flat_map(|step| [Failing::Before, Failing::Half].map(|failing| (&step.path, failing))).collect();
    let wrong = side_by_side(&all, |(step, failing)| {
        let mut wrong = tried_again(&plan, step, *failing, &whole);
        wrong.extend(taken_back(&plan, step, *failing, &whole));
        if wrong.is_empty() { wrong } else { vec![format!("{step} fails {failing:?}:\n    {}", wrong.join("\n    "))] }
    });
    println!("{} failures, each tried again and taken back, {:.1?}", all.len(), began.elapsed());
    report(&wrong);
}
