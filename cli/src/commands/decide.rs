//! `palinode resolve`, `retry`, `skip`, `pause`: what a person decides about a step.
//!
//! A living driver gets the decision through the inbox; without one this process takes the lock and records it.

use crate::args::{Args, Output, named};
use crate::error::{Exit, Failure};
use crate::journal::{self, Reader, Store};
use crate::render::{escape, hints, lines, print_json, suggest, to_stderr, to_stdout, words};
use crate::{actor, confirm, run};
use palinode_core::id::StepPath;
use palinode_core::port::{HandedDecision, OwnerState, Store as _, Verb};
use palinode_core::record::Answer;
use palinode_core::run::history::History;
use palinode_core::run::life::Stage;
use palinode_core::run::state::RunState;
use palinode_replay::driver::{BodyReader, DriveError, Refused, may_decide};

/// Say what became of a step that is in doubt.
///
/// One of three answers: `--applied`, it happened, and the run goes on behind it; `--not-applied`, it did not happen,
/// and it is tried again; `--partial`, a part of it happened, and it counts as failed. With `--applied` and a reason
/// the recorded failure of a step can be overruled too.
#[derive(Debug, clap::Args)]
pub(crate) struct Resolve {
    /// The path of the step.
    step: String,
    /// It happened: the run goes on behind it.
    #[arg(long, group = "answer")]
    applied: bool,
    /// It did not happen: it is tried again.
    #[arg(long, group = "answer")]
    not_applied: bool,
    /// A part of it happened: it counts as failed.
    #[arg(long, group = "answer")]
    partial: bool,
    /// How you know, for the record; needed to overrule a failure.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Overrule a recorded failure without being asked.
    #[arg(long)]
    yes: bool,
    /// The run; by default the latest open one.
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
}

/// Have a failed step tried again.
#[derive(Debug, clap::Args)]
pub(crate) struct Retry {
    /// The path of the step.
    step: String,
    /// What was mended, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The run; by default the latest open one.
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
}

/// Have a step passed over.
#[derive(Debug, clap::Args)]
pub(crate) struct Skip {
    /// The path of the step.
    step: String,
    /// Why it may be passed over, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The run; by default the latest open one.
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
}

/// Finish what runs, then pause.
#[derive(Debug, clap::Args)]
pub(crate) struct Pause {
    /// The run; by default the latest open one.
    run: Option<String>,
    /// The same.
    #[arg(long = "run", value_name = "RUN", conflicts_with = "run")]
    of: Option<String>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

named!(Pause);

/// What each answer means, for those who gave none.
const ANSWERS: &str = "say --applied: it happened, and the run goes on behind it; --not-applied: it did not happen, and it is \
                       tried again; or --partial: a part of it happened, and it counts as failed until it is retried, \
                       skipped or taken back";

pub(crate) fn resolve(args: &Args, resolve: &Resolve) -> Result<Exit, Failure> {
    let answer = match (resolve.applied, resolve.not_applied, resolve.partial) {
        (true, _, _) => Answer::Applied,
        (_, true, _) => Answer::NotApplied,
        (_, _, true) => Answer::Partial,
        _ => return Err(Failure::usage("`resolve` does not know what became of the step", ANSWERS)),
    };
    let verb = Verb::Answer { step: path(&resolve.step)?, answer };
    decide(args, verb, resolve.reason.as_deref(), resolve.run.as_deref(), resolve.yes)
}

pub(crate) fn retry(args: &Args, retry: &Retry) -> Result<Exit, Failure> {
    let verb = Verb::Answer { step: path(&retry.step)?, answer: Answer::Retry };
    decide(args, verb, retry.reason.as_deref(), retry.run.as_deref(), false)
}

fn path(text: &str) -> Result<StepPath, Failure> {
    StepPath::new(text).map_err(|bad| {
        Failure::usage(
            format!("cannot use `{text}` as a step's path: {bad}"),
            format!("type `{}` to see the steps that wait", hints::of_run("status")),
        )
    })
}

pub(crate) fn skip(args: &Args, skip: &Skip) -> Result<Exit, Failure> {
    if skip.reason.trim().is_empty() {
        return Err(Failure::usage("passing over a step needs a reason", "say why after --reason"));
    }
    decide(args, Verb::Skip { step: path(&skip.step)? }, Some(&skip.reason), skip.run.as_deref(), false)
}

pub(crate) fn pause(args: &Args, pause: &Pause) -> Result<Exit, Failure> {
    decide(args, Verb::Pause, pause.reason.as_deref(), pause.named(), false)
}

/// What became of a decision.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// This process recorded it.
    Recorded,
    /// The run's driver has it.
    Handed,
    /// It lies in the inbox until someone resumes the run: who has the journal now drives another one, or none.
    Waits(String),
    /// Nobody drives the run, so there was nothing to pause.
    Nothing,
}

fn decide(args: &Args, verb: Verb, reason: Option<&str>, named: Option<&str>, yes: bool) -> Result<Exit, Failure> {
    let store = journal::store(args.journal.as_deref())?;
    let reader = store.reader()?;
    let history = History::load(&reader)?;
    let owner = reader.owner()?;
    let run = match driven(&history, &owner) {
        // Whoever says no more than `pause` means what is at work.
        Some(driven) if verb == Verb::Pause && named.is_none() => driven,
        _ => journal::run(&history, named, journal::Default::Open)?,
    };
    let id = journal::short(&history, run.run);
    if let Verb::Answer { step, .. } | Verb::Skip { step } = &verb {
        suggest::step(run, &id, step.as_str())?;
    }
    check(&history, run, &verb)?;
    if let Verb::Answer { step, answer } = &verb
        && let Some((_, known)) = run.find(step).and_then(|ix| run.step(ix))
        && known.overrules(*answer)
    {
        if reason.is_none_or(|reason| reason.trim().is_empty()) {
            let next = format!(
                "type `{}` to have it tried again; or, if you know that it happened all the same, `{}`",
                hints::of_step("retry", step.as_str(), "", &id),
                hints::of_step("resolve", step.as_str(), "--applied --reason TEXT", &id),
            );
            return Err(Failure::usage(Refused::Overrules(step.clone()).to_string(), next));
        }
        overrule(run, (&reader, &history), step, yes)?;
    }
    let seen = Some(history.seq);
    let decision = HandedDecision { run: run.run, verb, by: actor::actor(), reason: reason.map(str::to_owned), seen };
    let came = pass_on(&store, &history, &owner, &decision)?;
    let resume = escape(&hints::command(&format!("resume {id}")));
    let words = match (&decision.verb, &came) {
        (Verb::Pause, Came::Handed) => {
            format!("handed to the driver: it finishes what runs, then pauses run {id}\n")
        }
        (_, Came::Handed) => format!("handed to the driver, which records it for run {id} and acts on it\n"),
        (_, Came::Recorded) => format!("recorded for run {id}; type `{resume}` to go on\n"),
        (_, Came::Nothing) => format!("nobody drives run {id}, so there is nothing to pause\n"),
        (_, Came::Waits(who)) => format!(
            "{}; the decision waits in the journal's inbox until run {id} is resumed: type `{resume}`\n",
            escape(who)
        ),
    };
    match args.output {
        Output::Json => print_json(&serde_json::json!({
            "run": decision.run.to_string(),
            "handed_to_driver": came == Came::Handed,
            "recorded": came == Came::Recorded,
            "waits_for_resume": matches!(came, Came::Waits(_)),
        })),
        Output::Text => to_stdout(&words),
    }
    Ok(Exit::Done)
}

/// Whether the decision fits where the run stands; for those that cannot, what does.
fn check(history: &History, run: &RunState, verb: &Verb) -> Result<(), Failure> {
    let Err(refused) = may_decide(run, verb) else { return Ok(()) };
    let (Verb::Answer { step, answer }, Refused::Stage { stage: Stage::Failed, .. }) = (verb, &refused) else {
        return Err(DriveError::from(refused).into());
    };
    let id = journal::short(history, run.run);
    let of = |verb: &str, more: &str| hints::of_step(verb, step.as_str(), more, &id);
    let next = match answer {
        Answer::NotApplied => {
            format!("it is tried again after `{}`, which keeps what it found first", of("retry", ""))
        }
        _ => format!(
            "it counts as failed already: type `{}` or `{}`, or roll back",
            of("retry", ""),
            of("skip", "--reason TEXT")
        ),
    };
    Err(Failure::usage(format!("{step} is not in doubt: it failed, and that is recorded"), next))
}

/// Shows the recorded failure, and asks whether it is to be overruled.
fn overrule(run: &RunState, (reader, history): (&Reader, &History), step: &StepPath, yes: bool) -> Result<(), Failure> {
    let Some((_, known)) = run.find(step).and_then(|ix| run.step(ix)) else { return Ok(()) };
    let stands = words::step(known, words::Driven::No);
    let text = format!("{step} is not in doubt: attempt {} {stands}", known.attempt);
    let mut text = format!("{}\n", escape(&text));
    let bodies = BodyReader::of(reader, history, run.run).ok();
    if let Some(message) = known.message {
        let bytes = bodies.and_then(|bodies| bodies.open(message).ok());
        let words = bytes
            .map_or("(its message cannot be opened)".to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned());
        text.push_str(&lines(&words, "  ", 6));
    }
    text.push_str("With --applied it counts as done by your word, and the run goes on behind it.\n");
    to_stderr(&text);
    match yes {
        true => Ok(()),
        false => confirm::ask("A recorded failure is overruled.", "if it happened all the same, type it with --yes"),
    }
}

/// The run that the journal's living owner drives, if it drives one: the run that carries its epoch.
fn driven<'a>(history: &'a History, owner: &OwnerState) -> Option<&'a RunState> {
    let OwnerState::Alive { epoch, .. } = owner else { return None };
    history.runs.values().find(|run| run.epoch == *epoch && run.closed.is_none())
}

/// Hands the decision to whoever it is for, or records it.
fn pass_on(store: &Store, history: &History, owner: &OwnerState, decision: &HandedDecision) -> Result<Came, Failure> {
    let alive = matches!(owner, OwnerState::Alive { .. });
    match driven(history, owner) {
        Some(run) if run.run == decision.run => {
            store.hand_in(decision)?;
            return Ok(Came::Handed);
        }
        // It would stop a later driver that somebody wants to go on.
        _ if decision.verb == Verb::Pause => return Ok(Came::Nothing),
        _ if !alive && run::record(store, decision)? => return Ok(Came::Recorded),
        _ => {}
    }
    let reader = store.reader()?;
    let (history, owner) = (History::load(&reader)?, reader.owner()?);
    let who = match &owner {
        OwnerState::Alive { owner: Some(owner), .. } => format!("process {} on {}", owner.pid, owner.host),
        _ => "another process".to_owned(),
    };
    store.hand_in(decision)?;
    Ok(match driven(&history, &owner) {
        Some(run) if run.run == decision.run => Came::Handed,
        Some(run) => Came::Waits(format!(
            "the journal's driver ({who}) drives run {}, {}",
            journal::short(&history, run.run),
            run.opened.runbook
        )),
        None => Came::Waits(format!("{who} has the journal and drives no run")),
    })
}
