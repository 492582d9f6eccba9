//! `palinode show`: one entry, step or run in full.

use crate::args::{Args, Output};
use crate::entries::{Found, describe};
use crate::error::{Exit, Failure};
use crate::journal::{self, Reader};
use crate::render::{
    bytes_to_stdout, clock, escape, hints, lines, moment, print_json, suggest, summary, to_stdout, words,
};
use palinode_core::id::{BodyId, RunId, Seq, StepPath};
use palinode_core::port::{JournalRead, ReadError, StoreRead as _, Stored};
use palinode_core::record::Event;
use palinode_core::record::ImageRef;
use palinode_core::record::{HostEnd, ProgressKind};
use palinode_core::resource::Loss;
use palinode_core::run::history::History;
use palinode_core::run::leftover;
use palinode_core::run::plan::Work;
use palinode_core::run::state::RunState;
use palinode_journal::index::{Catalog, Query, Run};
use palinode_replay::driver::BodyReader;
use std::fmt::Write as _;

/// Show one entry, step or run in full.
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// A sequence number, the beginning of an entry's or run's id, `@`, or the path of a step.
    what: String,
    /// The run whose step is meant; by default the latest.
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Of a step, write what its last attempt printed and nothing else: a fetched file as it is. A terminal gets it
    /// escaped.
    #[arg(long)]
    body: bool,
}

pub(crate) fn show(args: &Args, show: &Show) -> Result<Exit, Failure> {
    let reader = journal::reader(args.journal.as_deref())?;
    let what = show.what.as_str();
    if show.body && !what.contains('/') {
        return Err(Failure::usage(
            "only a step has a body",
            format!("give the path of a step, as `{}` lists them", hints::command("show @")),
        ));
    }
    if let Ok(number) = what.parse::<u64>()
        && let Some(stored) = reader.entries_at(&[Seq(number)])?.pop()
    {
        let found = Found::new(&mut Catalog::open(&reader)?, vec![stored])?;
        return entry(args, &reader, &found);
    }
    let mut catalog = Catalog::open(&reader)?;
    if what.contains('/') {
        let run = journal::row(catalog.runs(), show.run.as_deref())?.run;
        let family = Family::fold(&mut catalog, &reader, run)?.at(what);
        drop(catalog);
        return if show.body { printed(&reader, &family, what) } else { step(args, &reader, &family, what) };
    }
    let hex = what.len() >= 4 && what.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if what == "@" || (hex && catalog.runs().iter().any(|run| run.run.to_string().starts_with(what))) {
        let run = journal::row(catalog.runs(), Some(what))?.run;
        let family = Family::fold(&mut catalog, &reader, run)?;
        drop(catalog);
        return whole_run(args, &reader, &family.history, family.run()?);
    }
    if hex {
        let found = catalog.by_id(what)?;
        match found.len() {
            0 => {}
            1 => {
                let found = Found::new(&mut catalog, found)?;
                drop(catalog);
                return entry(args, &reader, &found);
            }
            many => {
                return Err(Failure::usage(
                    format!("{many} entries have ids that begin with `{what}`"),
                    "give more digits",
                ));
            }
        }
    }
    Err(Failure::usage(
        format!("the journal has no entry, run or step `{what}`"),
        format!("give a sequence number from `{}`, a run's id, @, or a step's path", hints::command("log")),
    ))
}

/// A run with everything that bears on it: a rollback has the keys of the run that it takes back, and is the only
/// thing that changes what is known of another run.
struct Family {
    run: RunId,
    history: History,
    entries: Vec<Stored>,
    runs: Vec<Run>,
}

impl Family {
    fn fold(catalog: &mut Catalog<'_>, reader: &Reader, run: RunId) -> Result<Self, Failure> {
        let runs = catalog.runs().to_vec();
        let keys = runs.iter().find(|known| known.run == run).map_or(run, |known| known.keys);
        let members = runs.iter().filter(|known| known.keys == keys).map(|known| known.run).collect();
        let entries = catalog.select(&Query { runs: members, ..Query::default() }, None)?;
        let mut history = History::default();
        for stored in &entries {
            history.apply(stored, &mut |blob| reader.public(blob))?;
        }
        Ok(Self { run, history, entries, runs })
    }

    /// The same about the run that has this step: a rollback has its own, and those of the run that it takes back are looked
    /// for there.
    fn at(self, step: &str) -> Self {
        let Ok(path) = StepPath::new(step) else { return self };
        let mut at = self.run;
        // A chain of rollbacks is no longer than the number of runs.
        for _ in 0..self.history.runs.len() {
            let Some(state) = self.history.runs.get(&at) else { break };
            match &state.opened.compensates {
                _ if state.find(&path).is_some() => return Self { run: at, ..self },
                Some(back) => at = back.run,
                None => break,
            }
        }
        self
    }

    fn run(&self) -> Result<&RunState, Failure> {
        self.history.runs.get(&self.run).ok_or_else(|| ReadError::Missing(format!("run {}", self.run)).into())
    }

    fn short(&self, run: RunId) -> String {
        journal::short_among(self.runs.iter().map(|known| known.run), run)
    }
}

/// A body in a few lines.
fn body(out: &mut String, bodies: Option<&BodyReader>, id: BodyId, indent: &str, most: usize) {
    match bodies.map(|bodies| bodies.open(id)) {
        Some(Ok(bytes)) => out.push_str(&lines(&String::from_utf8_lossy(&bytes), indent, most)),
        Some(Err(error)) => {
            let _ = writeln!(out, "{indent}({})", escape(&error.to_string()));
        }
        None => {
            let _ = writeln!(out, "{indent}(its keys cannot be opened)");
        }
    }
}

fn entry(args: &Args, reader: &Reader, found: &Found) -> Result<Exit, Failure> {
    let Some(stored) = found.entries.first() else { return Ok(Exit::Done) };
    let bodies = found.bodies(reader, stored.entry.run);
    if args.output == Output::Json {
        print_json(&serde_json::json!({ "id": stored.id.to_string(), "entry": stored.entry }));
        return Ok(Exit::Done);
    }
    let entry = &stored.entry;
    let mut out = String::new();
    let _ = writeln!(out, "entry {} {}", entry.seq, entry.event.kind());
    let _ = writeln!(out, "  id     {}", stored.id);
    let _ = writeln!(out, "  after  {}", entry.prev);
    let _ = writeln!(out, "  run    {}, epoch {}", entry.run, entry.epoch);
    let _ = writeln!(out, "  time   {}", moment(entry.time));
    if let Some(wall) = entry.wall {
        let _ = writeln!(out, "  wall   {}", moment(wall));
    }
    let _ = writeln!(out, "  says   {}\n", escape(&describe(&entry.event, bodies.as_ref(), &|run| found.short(run))));
    let event = serde_json::to_string_pretty(&entry.event).unwrap_or_default();
    out.push_str(&lines(&event, "  ", usize::MAX));
    for (id, sealed) in &entry.bodies {
        let _ = writeln!(out, "\n  body {} ({:?}, {} bytes)", id.short(), sealed.class, sealed.len);
        body(&mut out, bodies.as_ref(), *id, "    ", 40);
    }
    to_stdout(&out);
    Ok(Exit::Done)
}

fn image(out: &mut String, bodies: Option<&BodyReader>, title: &str, image: &ImageRef) {
    let states = match image {
        ImageRef::Here(image) => Some((**image).clone()),
        sealed => bodies.and_then(|bodies| bodies.image(sealed).ok()),
    };
    let _ = writeln!(out, "\n{title}");
    match states {
        Some(states) if states.is_empty() => out.push_str("  nothing was looked at\n"),
        Some(states) => {
            for (key, state) in states {
                let _ = writeln!(out, "  {}: {}", escape(key.as_str()), escape(&state.to_string()));
            }
        }
        None => out.push_str("  (its key was erased)\n"),
    }
}

/// What the last attempt of a step printed, as it is.
fn printed(reader: &Reader, family: &Family, path: &str) -> Result<Exit, Failure> {
    let run = family.run()?;
    let mine = |stored: &&Stored| stored.entry.run == run.run;
    let output = family.entries.iter().rev().filter(mine).find_map(|stored| match &stored.entry.event {
        Event::Outcome(outcome) if outcome.step.as_str() == path => Some(outcome.output),
        Event::Probed(probed) if probed.step.as_str() == path && probed.output.is_some() => Some(probed.output),
        _ => None,
    });
    let Some(Some(output)) = output else {
        return Err(Failure::usage(
            format!("the step `{}` of run {} printed nothing", path, family.short(run.run)),
            format!("type `{}` to see its steps", hints::command(&format!("show {}", family.short(run.run)))),
        ));
    };
    bytes_to_stdout(&BodyReader::of(reader, &family.history, run.run)?.open(output)?);
    Ok(Exit::Done)
}

fn step(args: &Args, reader: &Reader, family: &Family, path: &str) -> Result<Exit, Failure> {
    let run = family.run()?;
    let found = StepPath::new(path).ok().and_then(|path| run.find(&path)).and_then(|ix| run.step(ix));
    let Some((step, known)) = found else {
        let all = run.plan.steps.iter().map(|step| step.path.as_str()).collect();
        return Err(Failure::usage(
            format!("run {} has no step `{path}`", family.short(run.run)),
            format!(
                "{}; `{}` lists its steps",
                suggest::meant(path, &all),
                hints::command(&format!("show {}", family.short(run.run)))
            ),
        ));
    };
    let about = |stored: &&Stored| stored.entry.run == run.run && stored.entry.event.step() == Some(&step.path);
    let entries: Vec<&Stored> = family.entries.iter().filter(about).collect();
    if args.output == Output::Json {
        print_json(&serde_json::json!({
            "run": run.run.to_string(),
            "step": step,
            "stage": words::stage(step, known),
            "attempts": known.attempt,
            "entries": entries.iter().map(|stored| serde_json::json!({ "id": stored.id.to_string(), "entry": stored.entry })).collect::<Vec<_>>(),
        }));
        return Ok(Exit::Done);
    }
    let bodies = BodyReader::of(reader, &family.history, run.run).ok();
    let driven = journal::driven(reader, run)?;
    let mut out = String::new();
    let _ = writeln!(out, "{}: {}", escape(step.path.as_str()), words::stands(step, known, driven));
    let does = match (&step.work, &known.intent) {
        (_, Some(intent)) => intent.action.words(),
        (Work::Act(action), None) => action.words(),
        (Work::Gate { gate, .. }, None) => format!("wait for {}", gate.name()),
    };
    if family.runs.last().is_some_and(|latest| latest.run != run.run) {
        let _ = writeln!(out, "  run       {}", family.short(run.run));
    }
    let _ = writeln!(out, "  does      {}", escape(&does));
    let _ = writeln!(out, "  attempts  {}", known.attempt);
    if let Some(by) = known.compensated_by {
        let what = if words::not_taken_back(step, known).is_some() { "passed by" } else { "undone by" };
        let _ = writeln!(out, "  {what} {}", family.short(by));
    }
    if let Some(heard) = known.heard.words() {
        let step = hints::quoted(step.path.as_str());
        let log = hints::command(&format!("log {} --kind progress --step {step}", family.short(run.run)));
        let _ = writeln!(out, "  told      {} tasks: {heard}; `{}` lists all", known.heard.tasks, escape(&log));
    }
    // What went well in a playbook is counted above.
    let asked = |id: BodyId| {
        let bytes = bodies.as_ref().and_then(|bodies| bodies.open(id).ok());
        bytes.is_some_and(|bytes| words::is_of_a_question(&String::from_utf8_lossy(&bytes)))
    };
    let notable = |event: &Event| match event {
        Event::Progress(told) => match told.what {
            ProgressKind::Host { ended: HostEnd::Failed | HostEnd::Unreachable, .. } | ProgressKind::Stats { .. } => {
                true
            }
            ProgressKind::Note => told.evidence.is_some_and(asked),
            ProgressKind::Began
            | ProgressKind::Play
            | ProgressKind::Task
            | ProgressKind::Host { .. }
            | ProgressKind::Request { .. } => false,
        },
        _ => true,
    };
    for stored in entries.iter().filter(|stored| notable(&stored.entry.event)) {
        let what = describe(&stored.entry.event, bodies.as_ref(), &|run| family.short(run));
        let _ = writeln!(
            out,
            "  {:>5}  {}  {:<12}  {}",
            stored.entry.seq.0,
            clock(stored.entry.time),
            stored.entry.event.kind(),
            escape(&what)
        );
    }
    if let Some(intent) = &known.intent {
        image(&mut out, bodies.as_ref(), "before", &intent.before);
        if let Some(after) = &known.after {
            image(&mut out, bodies.as_ref(), "after", after);
        }
        out.push_str("\nundo\n");
        if let Some(reason) = &step.undo_reason {
            let _ = writeln!(out, "  nothing takes it back: {}", escape(reason));
        } else if leftover::left_unknown(step, known) {
            let _ = writeln!(out, "  {}, so nothing takes it back", Loss::UnknownEffect.words());
        } else if intent.inverse.is_empty() {
            out.push_str("  nothing to undo\n");
        }
        for undo in &intent.inverse {
            let _ = writeln!(out, "  {}", escape(&undo.action.words()));
        }
        for loss in leftover::announced(known, run.rules, &|image| summary::opened(image, bodies.as_ref())) {
            let _ = writeln!(out, "  cannot restore {}", escape(&loss.to_string()));
        }
    }
    let outputs = entries.iter().filter_map(|stored| match &stored.entry.event {
        Event::Outcome(outcome) => Some([outcome.message, outcome.output]),
        Event::Probed(probed) => Some([probed.evidence, probed.output]),
        Event::GateSampled { evidence, .. } => Some([*evidence, None]),
        _ => None,
    });
    for id in outputs.flatten().flatten().collect::<Vec<_>>().into_iter().rev().take(2) {
        out.push_str("\nsaid\n");
        body(&mut out, bodies.as_ref(), id, "  ", 40);
    }
    to_stdout(&out);
    Ok(Exit::Done)
}

fn whole_run(args: &Args, reader: &Reader, history: &History, run: &RunState) -> Result<Exit, Failure> {
    let bodies = BodyReader::of(reader, history, run.run).ok();
    let words_of = |id: BodyId| match bodies.as_ref().map(|bodies| bodies.open(id)) {
        Some(Ok(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        _ => "(cannot be opened)".to_owned(),
    };
    let driven = journal::driven(reader, run)?;
    if args.output == Output::Json {
        let mut value = summary::as_json(run, driven, &reader.describe(), bodies.as_ref());
        value["parameters"] = serde_json::to_value(&run.plan.parameters).unwrap_or_default();
        value["host_keys"] = serde_json::to_value(&run.host_keys).unwrap_or_default();
        value["machines"] = serde_json::to_value(&run.machines).unwrap_or_default();
        let taken = run.taken.iter().map(|(what, id)| (what.clone(), serde_json::Value::String(words_of(*id))));
        value["taken"] = taken.collect::<serde_json::Map<_, _>>().into();
        value["host_changed"] = serde_json::to_value(&run.host_changed).unwrap_or_default();
        value["closed"] = serde_json::to_value(run.closed.as_deref()).unwrap_or_default();
        value["plan_steps"] = run
            .steps()
            .map(|(_, step, known)| serde_json::json!({ "step": step.path, "stage": words::stage(step, known), "attempts": known.attempt }))
            .collect();
        print_json(&value);
        return Ok(Exit::Done);
    }
    let mut out = String::new();
    let _ = writeln!(out, "{} {}", escape(&run.opened.runbook), run.run);
    let _ = writeln!(out, "  about     {}", escape(&run.plan.about));
    let _ = writeln!(out, "  plan      {}", run.opened.plan);
    let _ = writeln!(out, "  opened    {} by {}", moment(run.began), escape(&words::actor(&run.opened.actor)));
    if let Some(inventory) = &run.plan.inventory {
        let _ = writeln!(out, "  inventory {}", escape(inventory));
    }
    for (name, value) in &run.plan.parameters {
        let _ = writeln!(out, "  {name:<18} {}", escape(value));
    }
    for (host, key) in &run.host_keys {
        let _ = writeln!(out, "  host key  {host} {}", escape(key));
    }
    for (host, machine) in &run.machines {
        let other = if run.host_changed.contains(host) { ", another than recorded before" } else { "" };
        let _ = writeln!(out, "  machine   {host} {}{other}", escape(machine));
    }
    for (what, id) in &run.taken {
        let _ = writeln!(out, "  taken     {} from: {}", escape(what), escape(&words_of(*id)));
    }
    out.push_str("\nsteps\n");
    for (_, step, known) in run.steps() {
        let _ = writeln!(out, "  {:<52} {}", escape(step.path.as_str()), words::stands(step, known, driven));
    }
    let lost = summary::residues(run, bodies.as_ref());
    if !lost.is_empty() {
        out.push_str("\ncannot be restored\n");
        out.push_str(&summary::residue_lines(&lost, "  ", usize::MAX, ""));
    }
    if let Some(closed) = &run.closed {
        if !closed.passed.is_empty() {
            out.push_str("\nchanged by steps that have no undo\n");
            for key in &closed.passed {
                let _ = writeln!(out, "  {}", escape(key.as_str()));
            }
        }
        if !closed.differences.is_empty() {
            out.push_str("\nnot as it was\n");
            for difference in &closed.differences {
                let what = words::differs(&difference.was, &difference.is);
                let _ = writeln!(out, "  {}: {}", escape(difference.key.as_str()), escape(&what));
            }
        }
    }
    to_stdout(&out);
    Ok(Exit::Done)
}
