//! `palinode rollback`.

use crate::acting::Acting;
use crate::args::{Args, Output, Rollback};
use crate::commands::run::new_id;
use crate::exit::{Exit, Failure};
use crate::render::live::Live;
use crate::render::{count, escape, hints, json, suggest, summary, to_stderr, to_stdout, words};
use crate::session::{self, Start};
use crate::targets::{self, Against, Mandate};
use crate::{actor, consent, place};
use palinode_core::id::{HostName, RunId, StepPath};
use palinode_core::port::JournalRead;
use palinode_core::record::{Scope, World};
use palinode_core::run::compensate::Compensation;
use palinode_core::run::history::History;
use palinode_core::run::plan::{LaneKind, Plan, Work};
use palinode_core::run::state::RunState;
use palinode_journal::DiskJournal;
use palinode_replay::driver::{Opening, Stopped, TakeOver};
use palinode_replay::rollback as way_back;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Instant;

fn scope(rollback: &Rollback) -> Result<Scope, Failure> {
    let wrong = |what: &str, text: &str, bad: palinode_core::id::BadId| {
        Failure::usage(
            format!("cannot use `{text}` as a {what}: {bad}"),
            format!("type `{}` to see hosts and steps", hints::of_run("status")),
        )
    };
    match (&rollback.host, &rollback.step) {
        (Some(host), _) => HostName::new(host).map(Scope::Host).map_err(|bad| wrong("host", host, bad)),
        (None, Some(step)) => StepPath::new(step).map(Scope::Step).map_err(|bad| wrong("step", step, bad)),
        (None, None) => Ok(Scope::Run),
    }
}

/// Takes back what the scope did, as a run of its own.
pub(crate) fn rollback(args: &Args, rollback: &Rollback) -> Result<Exit, Failure> {
    let began = Instant::now();
    let scope = scope(rollback)?;
    let errand = &rollback.way.errand;
    if rollback.way.dry_run {
        let (reader, history) = place::read(args.journal.as_deref())?;
        let state = place::run(&history, rollback.named(), place::Default::Forward)?;
        suggest::scope(state, &place::short(&history, state.run), &scope)?;
        return preview(args, &reader, &history, state, &scope);
    }
    let root = place::find(args.journal.as_deref())?;
    let mut journal = session::own(&root)?;
    let mut history = History::load(&journal)?;
    targets::give_up_left(args, &journal, &history);
    let state = place::run(&history, rollback.named(), place::Default::Forward)?;
    let original = state.run;
    suggest::scope(state, &place::short(&history, original), &scope)?;
    if let Some(open) = history.runs.values().find(|other| {
        other.closed.is_none() && other.opened.compensates.as_ref().is_some_and(|back| back.run == original)
    }) {
        let id = place::short(&history, open.run);
        return Err(Failure::usage(
            format!("run {} is being taken back already, by run {id}", place::short(&history, original)),
            format!("type `{}` to go on with that", hints::command(&format!("resume {id}"))),
        ));
    }
    let changed = targets::changed(&rollback.way.host_changed, state.plan.reached().into_iter())?;
    let recorded = targets::machines(&history, state);
    let mut machines = recorded.clone();
    machines.retain(|host, _| !changed.contains(host));
    let mut acting = Acting::reopen(state, args, &Mandate::of(&journal))?;
    acting.expect(&machines);
    acting.listen(Live::beside(rollback.way.live));
    let (place_of_world, plan) = (state.opened.world.clone(), state.plan.clone());
    let gap = acting.gap(rollback.gap);
    acting.disturb(&crate::args::Lab::default(), &plan, gap)?;
    let reached = reached(&journal, &history, state, &scope)?;
    targets::undisturbed(&history, &state.opened.world, reached.hosts(), Some(original))?;
    let take = rollback.way.take_over;
    let taking = acting.ready(&reached, Some(take), true, Against::new(Some(&journal), &history))?;
    targets::tell_of_keys(state, &acting);
    let decided = targets::decided(&taking, changed, &recorded, &acting);

    // What is in doubt is looked at first: what is found then counts as its last recorded state.
    let doubts = way_back::doubts(&history, original, &scope)?;
    if !doubts.is_empty() {
        to_stderr(&format!("{} in doubt; looking first\n", count(doubts.len(), "step")));
        let by = TakeOver { actor: actor::actor(), gap, force: false, targets: decided.clone() };
        let start = Start::Look(by, doubts);
        let options = crate::args::Lab { die: Vec::new(), ..rollback.lab_options.clone() };
        let (stopped, after) =
            session::drive(&mut journal, &acting, history, original, (start, &taking), &options, errand.on_hangup)?;
        history = after;
        let left = way_back::doubts(&history, original, &scope)?;
        if let Some(step) = left.first() {
            let path = step.to_string();
            let exit = if stopped == Stopped::Left { Exit::Paused } else { Exit::InDoubt };
            return Err(Failure::new(
                exit,
                format!("{path} is still in doubt, and only you can say what became of it; nothing was taken back"),
                format!(
                    "type `{}`, or with `--not-applied` or `--partial`, then `{}`",
                    hints::of_step("resolve", &path, "--applied --reason TEXT", &place::short(&history, original)),
                    command(&scope, &place::short(&history, original))
                ),
            ));
        }
    }
    let way = way_back::plan(&journal, &history, original, &scope, false)?;
    // Steps that it passes are steps that it takes back nothing of: that is recorded, and said.
    if way.plan.steps.is_empty() && way.unknown.is_empty() {
        to_stderr("nothing to take back: no step of that scope changed anything that is not taken back already\n");
        if !way.passed.is_empty() {
            let state = history.runs.get(&original).ok_or(palinode_replay::driver::DriveError::NoRun(original))?;
            to_stderr(&format!("but for these, which nothing takes back\n{}", passed_lines(state, &way.passed)));
        }
        if args.output == Output::Json {
            let state = history.runs.get(&original).ok_or(palinode_replay::driver::DriveError::NoRun(original))?;
            json(&summary::as_json(state, words::Driven::No, journal.root()));
        }
        return Ok(Exit::Done);
    }
    acting.disturb(&rollback.lab_options, &joined(&plan, &way.plan), None)?;
    if place_of_world == World::Real && !rollback.way.yes {
        let state = history.runs.get(&original).ok_or(palinode_replay::driver::DriveError::NoRun(original))?;
        to_stderr(&format!("{}\n{}\n", title(&history, original, &scope, &way), way_text(state, &way)));
        let command = command(&scope, &place::short(&history, original));
        consent::ask(
            "This is taken back on real hosts.",
            &format!("look at the plan above, then type `{command} --yes`"),
        )?;
    }
    let run = new_id()?;
    to_stderr(&format!(
        "taking back {}, in {}\nrun {run}\n",
        words::taken_back(&scope, &place::short(&history, original)),
        count(way.plan.steps.len(), "step")
    ));
    let opening = Opening {
        world: place_of_world,
        actor: actor::actor(),
        reason: errand.reason.clone(),
        change: errand.change.clone(),
        force: rollback.way.force,
        targets: decided,
    };
    let start = Start::Begin(Box::new(way.plan), opening);
    let (stopped, history) =
        session::drive(&mut journal, &acting, history, run, (start, &taking), &rollback.lab_options, errand.on_hangup)?;
    session::report(&journal, &history, run, &stopped, args.output, began)
}

/// What a rollback of this scope reaches: its own steps, and those that are in doubt and are looked at first. Whoever has
/// the other hosts of the run does not matter.
fn reached(journal: &DiskJournal, history: &History, state: &RunState, scope: &Scope) -> Result<Plan, Failure> {
    let doubts = way_back::doubts(history, state.run, scope)?;
    let mut plan = (*state.plan).clone();
    // What becomes of what is in doubt may change the way back, not its hosts.
    let way = way_back::plan(journal, history, state.run, scope, true).ok();
    plan.steps.retain(|step| match scope {
        Scope::Run => true,
        Scope::Host(host) => step.target.host.as_ref() == Some(host),
        Scope::Step(path) => step.path == *path || doubts.contains(&step.path),
    });
    plan.steps.extend(way.into_iter().flat_map(|way| way.plan.steps));
    let hosts: BTreeSet<HostName> = plan.steps.iter().filter_map(|step| step.target.host.clone()).collect();
    plan.lanes.retain(|lane| matches!(&lane.kind, LaneKind::Host(host) if hosts.contains(host)));
    Ok(plan)
}

/// Both plans' steps, for options that name one.
fn joined(
    original: &palinode_core::run::plan::Plan,
    back: &palinode_core::run::plan::Plan,
) -> palinode_core::run::plan::Plan {
    let mut both = back.clone();
    both.steps.extend(original.steps.iter().cloned());
    both
}

fn preview(
    args: &Args,
    journal: &impl JournalRead,
    history: &History,
    state: &RunState,
    scope: &Scope,
) -> Result<Exit, Failure> {
    let doubts = way_back::doubts(history, state.run, scope)?;
    let way = way_back::plan(journal, history, state.run, scope, true)?;
    let digest = way.plan.encode().map(|(_, digest)| digest.to_string()).unwrap_or_default();
    match args.output {
        Output::Json => json(&serde_json::json!({
            "run": state.run.to_string(),
            "plan": digest,
            "scope": scope,
            "in_doubt": doubts,
            "steps": way.plan.steps.iter().map(|step| serde_json::json!({
                "step": step.path,
                "does": work(&step.work),
                "undoes": step.undoes.as_ref().map(|undoes| &undoes.step),
            })).collect::<Vec<_>>(),
            "passed": way.passed,
            "unknown": way.unknown,
            "residues": way.residues,
        })),
        Output::Text => to_stdout(&preview_text(history, state, scope, &way, &doubts, &digest)),
    }
    Ok(Exit::Done)
}

fn work(work: &Work) -> String {
    match work {
        Work::Act(action) => escape(&action.words()),
        Work::Gate { gate, .. } => format!("gate {}", gate.name()),
    }
}

/// What a way back is called.
fn title(history: &History, run: RunId, scope: &Scope, way: &Compensation) -> String {
    format!(
        "Taking back {}: {}.",
        words::taken_back(scope, &place::short(history, run)),
        count(way.plan.steps.len(), "step")
    )
}

/// The command that takes a way back.
fn command(scope: &Scope, run: &str) -> String {
    hints::command(&match scope {
        Scope::Run => format!("rollback {run}"),
        Scope::Host(host) => format!("rollback {run} --host {}", hints::quoted(host.as_str())),
        Scope::Step(step) => format!("rollback {run} --step {}", hints::quoted(step.as_str())),
    })
}

fn preview_text(
    history: &History,
    state: &RunState,
    scope: &Scope,
    way: &Compensation,
    doubts: &[StepPath],
    digest: &str,
) -> String {
    let run = state.run;
    let mut out = String::new();
    let _ = writeln!(out, "{} This is a preview; nothing is changed.", title(history, run, scope, way));
    let _ = writeln!(out, "plan {}", &digest[..digest.len().min(16)]);
    for step in doubts {
        let _ = writeln!(out, "  {step} is in doubt: it is looked at first, and the plan may get shorter");
    }
    out.push_str(&way_text(state, way));
    let _ = writeln!(out, "\nnext\n  {}", escape(&command(scope, &place::short(history, run))));
    out
}

/// Steps that a way back passes, with the reasons that the runbook gives.
fn passed_lines(original: &RunState, passed: &[StepPath]) -> String {
    let mut out = String::new();
    for path in passed {
        let step = original.find(path).and_then(|ix| original.step(ix)).map(|(step, _)| step);
        let reason = step.and_then(|step| step.undo_reason.as_deref()).map(escape);
        let _ = writeln!(out, "  {path}{}", reason.map_or_else(String::new, |reason| format!(": {reason}")));
    }
    out
}

/// The steps of a way back, and what it cannot restore.
fn way_text(original: &RunState, way: &Compensation) -> String {
    let mut out = String::new();
    for lane in &way.plan.lanes {
        let name = match &lane.kind {
            LaneKind::Host(host) => host.to_string(),
            LaneKind::First => "after".to_owned(),
            LaneKind::Last => "before".to_owned(),
        };
        let steps: Vec<_> = (lane.start..lane.end).filter_map(|ix| way.plan.step(ix)).collect();
        if steps.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{name}");
        for step in steps {
            let of = step.undoes.as_ref().map(|undoes| crate::render::progress::split(&undoes.step).1);
            let _ = writeln!(
                out,
                "  {:<50} {}",
                work(&step.work),
                of.map_or_else(String::new, |of| format!("undoes {of}"))
            );
        }
    }
    if !way.passed.is_empty() {
        out.push_str("\npassed, since there is nothing to restore\n");
        out.push_str(&passed_lines(original, &way.passed));
    }
    if !way.unknown.is_empty() {
        out.push_str("\npassed, though it is not known what they changed\n");
        for step in &way.unknown {
            let _ = writeln!(out, "  {step}");
        }
    }
    if way.residues.is_empty() {
        out.push_str("\nEverything can be restored.\n");
    } else {
        let _ = writeln!(
            out,
            "\n{} cannot be restored; the rollback will end partly rolled back (exit 6)",
            count(way.residues.len(), "thing")
        );
        out.push_str(&summary::residue_lines(&way.residues, "  ", usize::MAX, ""));
    }
    out
}
