//! `palinode rollback`, and `undo`, which is the same of a whole run.

mod looked;

use crate::args::{Args, Output, named};
use crate::asking::Terminal;
use crate::error::{Exit, Failure};
use crate::journal::{self, Reader};
use crate::lab::LabOptions;
use crate::render::live::Live;
use crate::render::{count, escape, hints, print_json, suggest, summary, to_stderr, to_stdout, words};
use crate::run::{self, Consent, Intended, Outlook, Owned, Ready, RunMetadata, Settings, What, World};
use palinode_core::id::{HostName, RunId, StepPath};
use palinode_core::record::{self, Scope};
use palinode_core::run::compensate::Compensation;
use palinode_core::run::history::History;
use palinode_core::run::plan::{LaneKind, Work};
use palinode_core::run::state::RunState;
use palinode_core::span::Span;
use palinode_replay::driver::{Ahead, BodyReader, DriveError, Stopped};
use palinode_replay::rollback as way_back;
use std::fmt::Write as _;
use std::time::Instant;

/// Take a run, a host or a step back.
#[derive(Debug, clap::Args)]
pub(crate) struct Rollback {
    /// The run, by the beginning of its id; by default the latest that is not a rollback.
    run: Option<String>,
    /// The same.
    #[arg(long = "run", value_name = "RUN", conflicts_with = "run")]
    of: Option<String>,
    /// Only what was done for this host.
    #[arg(long, value_name = "HOST", conflicts_with = "step")]
    host: Option<String>,
    /// Only this step.
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    #[command(flatten)]
    way: WayBack,
    /// In the lab: how much time passed since the run stopped.
    #[arg(long, value_name = "SPAN", default_value = "5m")]
    gap: Span,
    #[command(flatten)]
    lab_options: LabOptions,
}

named!(Rollback);

/// Take back what a run did: `undo @` the latest one.
#[derive(Debug, clap::Args)]
pub(crate) struct Undo {
    /// The run, by the beginning of its id, or @ for the latest.
    run: String,
    #[command(flatten)]
    way: WayBack,
}

/// How something is taken back.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct WayBack {
    /// Show the plan, what cannot be restored, and what someone changed since; change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Change back what someone has changed since: all that is found and shown before it begins, and nothing that changes
    /// later.
    #[arg(long)]
    force: bool,
    /// Change this resource back although someone has changed it since, from the state that is found and shown before it begins.
    /// May be given several times.
    #[arg(long, value_name = "KEY")]
    force_resource: Vec<String>,
    /// Change real hosts without asking.
    #[arg(short, long)]
    yes: bool,
    /// Take hosts over that another journal claims. Only if you know that nobody works on them any more.
    #[arg(long)]
    take_over: bool,
    /// Act on this host although it is another machine than the one recorded; recorded with the rollback.
    #[arg(long, value_name = "HOST")]
    host_changed: Vec<String>,
    /// Show what steps print on real hosts, while they run.
    #[arg(long)]
    live: bool,
    /// Hand questions of playbooks to this terminal: variables, passwords, pauses. Without it a playbook that asks is
    /// refused, or ended.
    #[arg(long)]
    ask: bool,
    #[command(flatten)]
    metadata: RunMetadata,
}

impl Undo {
    /// The same in the words of `rollback`.
    fn as_rollback(&self) -> Rollback {
        Rollback {
            run: Some(self.run.clone()),
            of: None,
            host: None,
            step: None,
            way: self.way.clone(),
            gap: Span::seconds(300),
            lab_options: LabOptions::default(),
        }
    }
}

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

/// Takes back what a run did.
pub(crate) fn undo(args: &Args, undo: &Undo) -> Result<Exit, Failure> {
    rollback(args, &undo.as_rollback())
}

/// Takes back what the scope did, as a run of its own.
pub(crate) fn rollback(args: &Args, rollback: &Rollback) -> Result<Exit, Failure> {
    let began = Instant::now();
    let scope = scope(rollback)?;
    if rollback.way.dry_run {
        let (reader, history) = journal::read(args.journal.as_deref())?;
        let state = journal::run(&history, rollback.named(), journal::Default::Forward)?;
        suggest::scope(state, &journal::short(&history, state.run), &scope)?;
        let intended = Intended {
            gap: rollback.gap.micros(),
            take_over: rollback.way.take_over,
            host_changed: &rollback.way.host_changed,
        };
        return preview(args, (&reader, &history), state, &scope, &intended);
    }
    let owned = Owned::open(args)?;
    let run = chosen(&owned.history, rollback, &scope)?;
    let settings = Settings {
        take_over: rollback.way.take_over,
        host_changed: rollback.way.host_changed.clone(),
        gap: rollback.gap,
        live: Live::beside(rollback.way.live),
        asks: Terminal::if_asked(rollback.way.ask)?,
        lab: rollback.lab_options.clone(),
        ..Settings::new(rollback.way.metadata.clone())
    };
    let what = What::TakeBack { owned, run, scope: scope.clone() };
    let ready = without_doubts(World::open(args, what, settings)?.check()?, run, &scope)?;
    let way = way_back::plan(ready.journal()?, ready.history(), run, &scope, false)?;
    let state = ready.history().runs.get(&run).ok_or(DriveError::NoRun(run))?;
    // Steps that it passes are steps that it takes back nothing of: that is recorded, and said.
    if way.plan.steps.is_empty() && way.unknown.is_empty() {
        to_stderr("nothing to take back: no step of that scope changed anything that is not taken back already\n");
        if !way.passed.is_empty() {
            to_stderr(&format!("but for these, which nothing takes back\n{}", passed_lines(state, &way.passed)));
        }
        if args.output == Output::Json {
            let bodies = BodyReader::of(ready.journal()?, ready.history(), run).ok();
            print_json(&summary::as_json(state, words::Driven::No, &ready.describe(), bodies.as_ref()));
        }
        return Ok(Exit::Done);
    }
    let ready = ready.consenting(Ahead::New(run, &way, &[]), rollback.way.force, &rollback.way.force_resource)?;
    let state = ready.history().runs.get(&run).ok_or(DriveError::NoRun(run))?;
    let place = state.opened.world.clone();
    let consent = match place == record::World::Real && !rollback.way.yes {
        true => {
            let command = command(&scope, &journal::short(ready.history(), run));
            let again = format!("look at the plan above, then type `{command} --yes`");
            Consent {
                shown: format!("{}\n{}\n", title(ready.history(), run, &scope, &way), way_text(state, &way)),
                question: Some(("This is taken back on real hosts.", again)),
            }
        }
        false => Consent::given(),
    };
    let told = format!(
        "taking back {}, in {}",
        words::taken_back(&scope, &journal::short(ready.history(), run)),
        count(way.plan.steps.len(), "step")
    );
    ready.taken_back_by(way.plan, place, &told)?.claim(consent)?.drive()?.report(args.output, began)
}

/// The open rollback of a run.
fn taking_back(history: &History, run: RunId) -> Option<&RunState> {
    history
        .runs
        .values()
        .find(|other| other.closed.is_none() && other.opened.compensates.as_ref().is_some_and(|back| back.run == run))
}

/// The run that is taken back; none that is being taken back already.
fn chosen(history: &History, rollback: &Rollback, scope: &Scope) -> Result<RunId, Failure> {
    let state = journal::run(history, rollback.named(), journal::Default::Forward)?;
    let id = journal::short(history, state.run);
    suggest::scope(state, &id, scope)?;
    match taking_back(history, state.run) {
        None => Ok(state.run),
        Some(open) => {
            let back = journal::short(history, open.run);
            Err(Failure::usage(
                format!("run {id} is being taken back already, by run {back}"),
                format!("type `{}` to go on with that", hints::command(&format!("resume {back}"))),
            ))
        }
    }
}

/// Looks first at what is in doubt: what is found then counts as its last recorded state.
fn without_doubts(ready: Ready, run: RunId, scope: &Scope) -> Result<Ready, Failure> {
    let doubts = way_back::doubts(ready.history(), run, scope)?;
    if doubts.is_empty() {
        return Ok(ready);
    }
    to_stderr(&format!("{} in doubt; looking first\n", count(doubts.len(), "step")));
    let (ready, stopped) = ready.look(doubts)?;
    let left = way_back::doubts(ready.history(), run, scope)?;
    let Some(step) = left.first() else { return Ok(ready) };
    let (path, id) = (step.to_string(), journal::short(ready.history(), run));
    let exit = if stopped == Stopped::Left { Exit::Paused } else { Exit::InDoubt };
    Err(Failure::new(
        exit,
        format!("{path} is still in doubt, and only you can say what became of it; nothing was taken back"),
        format!(
            "type `{}`, or with `--not-applied` or `--partial`, then `{}`",
            hints::of_step("resolve", &path, "--applied --reason TEXT", &id),
            command(scope, &id)
        ),
    ))
}

fn preview(
    args: &Args,
    (reader, history): (&Reader, &History),
    state: &RunState,
    scope: &Scope,
    intended: &Intended<'_>,
) -> Result<Exit, Failure> {
    let doubts = way_back::doubts(history, state.run, scope)?;
    let way = way_back::plan(reader, history, state.run, scope, true)?;
    let digest = way.plan.encode().map(|(_, digest)| digest.to_string()).unwrap_or_default();
    // The plan stands in the journal: it is shown whatever becomes of the look.
    let store = journal::store(args.journal.as_deref())?;
    let looked = match way.plan.steps.is_empty() {
        true => Ok(Outlook { obstacles: Vec::new(), steps: Vec::new() }),
        false => run::foresee(args, (&store, reader, history), state, &way, &doubts, intended),
    };
    match args.output {
        Output::Json => print_json(&serde_json::json!({
            "run": state.run.to_string(),
            "taken_back_by": taking_back(history, state.run).map(|back| back.run.to_string()),
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
            "looked": looked::as_json(&looked),
        })),
        Output::Text => {
            let mut out = preview_text(history, state, scope, &way, &doubts, &digest);
            out.push_str(&looked::text(&looked));
            out.push_str(&preview_next(history, state, scope, &looked));
            to_stdout(&out);
        }
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
        words::taken_back(scope, &journal::short(history, run)),
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
    out
}

/// What to type after a preview.
fn preview_next(history: &History, state: &RunState, scope: &Scope, looked: &Result<Outlook, Failure>) -> String {
    let mut lines = Vec::new();
    match taking_back(history, state.run) {
        // What a second rollback would be refused for is not advised.
        Some(back) => {
            let back = journal::short(history, back.run);
            let resume = hints::command(&format!("resume {back}"));
            lines.push(format!("{resume}  go on with run {back}, which takes it back already"));
        }
        None => {
            let next = command(scope, &journal::short(history, state.run));
            let drifted = looked.as_ref().map(looked::drifted).unwrap_or_default();
            lines.push(next.clone());
            lines.extend(summary::overwriting(&next, &drifted).map(|(line, what)| format!("{line}  {what}")));
        }
    }
    let lines: String = lines.iter().map(|line| format!("  {}\n", escape(line))).collect();
    format!("\nnext\n{lines}")
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
