//! `palinode resolve`, `retry`, `skip`, `pause`: what a person decides about a step.
//!
//! A living driver gets the decision through the inbox; without one this process takes the lock and records it.

use crate::args::{Args, Output, Pause, Resolve, Retry, Skip};
use crate::exit::{Exit, Failure};
use crate::render::{escape, hints, json, suggest, to_stdout};
use crate::{actor, place, session};
use palinode_core::event::Answer;
use palinode_core::history::History;
use palinode_core::id::StepPath;
use palinode_core::port::{Handout, Verb};
use palinode_journal::{JournalReader, OpenError, OwnerState, hand_in};
use palinode_replay::driver::{DriveError, Driver, Stop, Surroundings, may_decide};
use std::cell::Cell;
use std::rc::Rc;

pub(crate) fn resolve(args: &Args, resolve: &Resolve) -> Result<Exit, Failure> {
    let answer = match (resolve.applied, resolve.not_applied) {
        (true, _) => Answer::Applied,
        (_, true) => Answer::NotApplied,
        _ => Answer::Partial,
    };
    answer_with(args, &resolve.step, answer, resolve.reason.as_deref(), resolve.run.as_deref())
}

pub(crate) fn retry(args: &Args, retry: &Retry) -> Result<Exit, Failure> {
    answer_with(args, &retry.step, Answer::Retry, retry.reason.as_deref(), retry.run.as_deref())
}

fn path(text: &str) -> Result<StepPath, Failure> {
    StepPath::new(text).map_err(|bad| {
        Failure::usage(
            format!("cannot use `{text}` as a step's path: {bad}"),
            format!("type `{}` to see the steps that wait", hints::of_run("status")),
        )
    })
}

fn answer_with(
    args: &Args,
    step: &str,
    answer: Answer,
    reason: Option<&str>,
    run: Option<&str>,
) -> Result<Exit, Failure> {
    decide(args, Verb::Answer { step: path(step)?, answer }, reason, run)
}

pub(crate) fn skip(args: &Args, skip: &Skip) -> Result<Exit, Failure> {
    if skip.reason.trim().is_empty() {
        return Err(Failure::usage("passing over a step needs a reason", "say why after --reason"));
    }
    decide(args, Verb::Skip { step: path(&skip.step)? }, Some(&skip.reason), skip.run.as_deref())
}

pub(crate) fn pause(args: &Args, pause: &Pause) -> Result<Exit, Failure> {
    decide(args, Verb::Pause, pause.reason.as_deref(), pause.named())
}

fn decide(args: &Args, verb: Verb, reason: Option<&str>, named: Option<&str>) -> Result<Exit, Failure> {
    let root = place::find(args.journal.as_deref())?;
    let reader = JournalReader::open(&root)?;
    let history = History::load(&reader)?;
    let run = place::run(&history, named, place::Default::Open)?;
    if let Verb::Answer { step, .. } | Verb::Skip { step } = &verb {
        suggest::step(run, &place::short(&history, run.run), step.as_str())?;
    }
    may_decide(run, &verb).map_err(DriveError::from)?;
    let decision = Handout { run: run.run, verb, by: actor::actor(), reason: reason.map(str::to_owned) };
    let alive = matches!(reader.owner()?, OwnerState::Alive { .. });
    let handed = if alive { true } else { !record(&root, &decision)? };
    if handed {
        hand_in(&root, &decision)?;
    }
    let id = place::short(&history, decision.run);
    let words = match (&decision.verb, handed) {
        (Verb::Pause, true) => format!("handed to the driver: it finishes what runs, then pauses run {id}\n"),
        (Verb::Pause, false) => format!("nobody drives run {id}, so there is nothing to pause\n"),
        (_, true) => format!("handed to the driver, which records it for run {id} and acts on it\n"),
        (_, false) => {
            let resume = escape(&hints::command(&format!("resume {id}")));
            format!("recorded for run {id}; type `{resume}` to go on\n")
        }
    };
    match args.output {
        Output::Json => json(&serde_json::json!({ "run": decision.run.to_string(), "handed_to_driver": handed })),
        Output::Text => to_stdout(&words),
    }
    Ok(Exit::Done)
}

/// Records the decision as the journal's owner. False if another process became the owner meanwhile.
fn record(root: &std::path::Path, decision: &Handout) -> Result<bool, Failure> {
    if decision.verb == Verb::Pause {
        return Ok(true);
    }
    let opened = palinode_journal::DiskJournal::open(root, actor::owner(), palinode_journal::Options::default());
    let mut journal = match opened {
        Ok(opened) => opened.journal,
        Err(OpenError::Owned { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let history = History::load(&journal)?;
    let state = history.runs.get(&decision.run).ok_or(DriveError::NoRun(decision.run))?;
    let acting = crate::acting::Acting::unreached(state, root)?;
    let mut watch = |_: &History, _: &palinode_core::port::Stored| {};
    let around =
        Surroundings { wall: &session::wall, watch: &mut watch, stop: Rc::new(Cell::new(Stop::No)), tick: None };
    let mut driver = Driver::attach(&mut journal, &acting.world, around, history, decision.run)?;
    driver.decide(decision)?;
    Ok(true)
}
