//! What an operator wants to know when a run stops: where it stands, what was lost, and what to type.

use super::lanes::{LaneRow, lanes};
use super::{count, escape, hints, lines, moment, one_line, some, span, words};
use crate::journal;
use palinode_core::record::{Difference, ImageRef, PauseWhy, Scope, World};
use palinode_core::resource::{Image, Loss, Residue};
use palinode_core::run::history::History;
use palinode_core::run::life::Stage;
use palinode_core::run::plan::{Plan, Work};
use palinode_core::run::rules::ending::lost_so_far;
use palinode_core::run::state::{RunState, StepState};
use palinode_replay::driver::BodyReader;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// A step that waits for a person, and what to type about it.
pub(crate) struct Open {
    /// Its path.
    pub(crate) step: String,
    /// What is the matter.
    pub(crate) what: String,
    /// What a host or person said about it.
    pub(crate) message: Option<String>,
    /// What to type.
    pub(crate) next: Vec<String>,
}

/// The steps that wait for a person; `id`: the run, as hints name it.
pub(crate) fn open_steps(run: &RunState, id: &str, bodies: Option<&BodyReader>) -> Vec<Open> {
    let flag = |stage: Stage| run.in_stage(stage);
    let message = |known: &StepState| {
        let bytes = known.message.and_then(|id| bodies.map(|bodies| bodies.open(id)))?;
        Some(match bytes {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("({error})"),
        })
    };
    let mut all = Vec::new();
    for (step, known) in flag(Stage::Failed) {
        let path = step.path.to_string();
        let next = vec![hints::of_step("retry", &path, "", id), hints::of_step("skip", &path, "--reason TEXT", id)];
        let stand = words::step(known, words::Driven::No);
        let gate = matches!(step.work, Work::Gate { .. });
        let what = match gate {
            true => format!("gate {stand}; last seen: {}", words::facts(&known.facts)),
            false => format!("attempt {}: {stand}", known.attempt),
        };
        all.push(Open { step: path, what, message: message(known), next });
    }
    for (step, known) in flag(Stage::Asking) {
        let path = step.path.to_string();
        let next = ["--applied", "--not-applied", "--partial"]
            .map(|answer| hints::of_step("resolve", &path, &format!("{answer} --reason TEXT"), id));
        let what = words::step(known, words::Driven::No);
        all.push(Open { step: path, what, message: message(known), next: next.to_vec() });
    }
    for (step, known) in flag(Stage::Unknown).chain(flag(Stage::Intended)) {
        let since = known.intended.map(|since| format!(", since {}", moment(since))).unwrap_or_default();
        let what = format!("in doubt{since}: its intent is recorded, its outcome is not");
        let next = vec![hints::command(&format!("resume {id}"))];
        all.push(Open { step: step.path.to_string(), what, message: message(known), next });
    }
    // A step that cannot begin is none of these: it has not begun.
    if let Some(PauseWhy::Blocked(path)) = &run.paused
        && all.iter().all(|open| open.step != path.as_str())
    {
        let next = vec![hints::of_step("skip", path.as_str(), "--reason TEXT", id)];
        all.push(Open { step: path.to_string(), what: "cannot begin".to_owned(), message: None, next });
    }
    // Nothing is decided about a run that is over.
    if run.closed.is_some() {
        all.iter_mut().for_each(|open| open.next.clear());
    }
    all
}

/// So many steps that wait for a person are shown in full; the rest are counted.
pub(crate) const MOST: usize = 6;

/// The steps that wait for a person, with what was said about them.
pub(crate) fn open_lines(all: &[Open], id: &str) -> String {
    let mut out = String::new();
    for open in all.iter().take(MOST) {
        let _ = writeln!(out, "\n  {}: {}", escape(&open.step), escape(&open.what));
        if let Some(message) = &open.message {
            out.push_str(&lines(message, "    ", 6));
        }
    }
    if all.len() > MOST {
        let all_of_them = hints::command(&format!("status {id} -o json"));
        let _ = writeln!(out, "\n  and {} more (`{}`)", all.len() - MOST, escape(&all_of_them));
    }
    out
}

/// What was lost for good so far.
pub(crate) fn residues(run: &RunState, bodies: Option<&BodyReader>) -> Vec<Residue> {
    match &run.closed {
        Some(closed) => closed.residues.clone(),
        None => lost_so_far(run, &|image| opened(image, bodies)).into_iter().collect(),
    }
}

/// An image, if it can be opened.
pub(crate) fn opened(image: &ImageRef, bodies: Option<&BodyReader>) -> Option<Image> {
    match image {
        ImageRef::Here(image) => Some((**image).clone()),
        sealed @ ImageRef::Sealed { .. } => bodies?.image(sealed).ok(),
    }
}

/// Residues as an indented list, long kinds cut.
pub(crate) fn residue_lines(all: &[Residue], indent: &str, most: usize, id: &str) -> String {
    let mut out = String::new();
    for (what, keys) in words::residues(all) {
        let _ = writeln!(out, "{indent}{what}:");
        for key in keys.iter().take(most) {
            let _ = writeln!(out, "{indent}  {}", escape(key));
        }
        if keys.len() > most {
            let show = hints::command(&format!("show {id}"));
            let _ = writeln!(out, "{indent}  and {} more (`{}`)", keys.len() - most, escape(&show));
        }
    }
    out
}

/// How many steps stand where. What was under way is in doubt where nobody drives.
fn counts(run: &RunState, driven: words::Driven) -> BTreeMap<String, u64> {
    let mut counts = run.counts();
    if driven == words::Driven::No
        && let Some(running) = counts.remove(Stage::Intended.word())
    {
        *counts.entry(Stage::Unknown.word().to_owned()).or_default() += running;
    }
    counts
}

/// The object that `run -o json` and its kin print.
pub(crate) fn as_json(
    run: &RunState,
    driven: words::Driven,
    journal: &str,
    bodies: Option<&BodyReader>,
) -> serde_json::Value {
    json!({
        "run": run.run.to_string(),
        "plan": run.opened.plan.to_string(),
        "state": words::state(run, driven),
        "steps": counts(run, driven),
        "residues": residues(run, bodies),
        "journal": journal,
    })
}

fn gates(plan: &Plan, run: &RunState) -> (usize, usize) {
    let gates = plan.steps.iter().zip(run.steps()).filter(|(step, _)| matches!(step.work, Work::Gate { .. }));
    gates.fold((0, 0), |(open, all), (_, (_, _, known))| (open + usize::from(known.stage == Stage::Succeeded), all + 1))
}

/// The summary at the end of `run`, `resume` and `rollback`.
pub(crate) fn text(
    history: &History,
    run: &RunState,
    journal: &str,
    bodies: Option<&BodyReader>,
    took: Duration,
) -> String {
    let mut out = String::new();
    let id = journal::short(history, run.run);
    let state = words::state(run, words::Driven::No);
    let name = escape(&run.opened.runbook);
    let _ = writeln!(out, "\n{name}: {state}");
    let mut row = |label: &str, value: String| {
        let _ = writeln!(out, "  {label:<9} {value}");
    };
    row(
        "run",
        match &run.opened.change {
            Some(change) => format!("{id}, change {}", escape(change)),
            None => id.clone(),
        },
    );
    if let Some(why) = &run.paused {
        row("because", escape(&words::pause(why)));
    }
    if let Some(words) = paused_words(run, bodies) {
        row("", words);
    }
    let lanes = lanes(run, words::Driven::No);
    let hosts: Vec<&LaneRow> = lanes.iter().filter(|row| row.is_host).collect();
    let done: Vec<&str> = hosts.iter().filter(|row| row.done == row.all).map(|row| row.name.as_str()).collect();
    row(
        "nodes",
        format!(
            "{} of {} done{}",
            done.len(),
            hosts.len(),
            if done.is_empty() { String::new() } else { format!(": {}", some(&done, 6)) }
        ),
    );
    let counts = counts(run, words::Driven::No);
    // In the order of a step's life, so that what needs a person stands at the end.
    let words =
        ["succeeded", "skipped", "compensated", "pending", "running", "waiting", "to-retry", "in-doubt", "failed"];
    let counts: Vec<String> =
        words.iter().filter_map(|word| counts.get(*word).map(|number| format!("{number} {word}"))).collect();
    row("steps", counts.join(", "));
    let (open, all) = gates(&run.plan, run);
    if all > 0 {
        row("gates", format!("{open} of {all} opened"));
    }
    let real = Micros(i64::try_from(took.as_micros()).unwrap_or(i64::MAX));
    let time = run.changed.since(run.began);
    match run.opened.world {
        World::Lab { .. } => row("time", format!("{} in the lab, {} here", span(time), span(real))),
        World::Real => row("time", span(time)),
    }
    let lost = residues(run, bodies);
    if lost.is_empty() {
        row("residues", "none".to_owned());
    } else {
        row("residues", format!("{} cannot be restored:", count(lost.len(), "thing")));
        out.push_str(&residue_lines(&lost, "            ", 6, &id));
    }
    let mut row = |label: &str, value: String| {
        let _ = writeln!(out, "  {label:<9} {value}");
    };
    for (step, reason) in passed_with_reason(history, run) {
        row("passed", format!("{}: {}", escape(&step), escape(&reason)));
    }
    for difference in told_differences(run) {
        let (was, is) = (difference.was.to_string(), difference.is.to_string());
        row("but", format!("{} was {}, and is {}", escape(difference.key.as_str()), escape(&was), escape(&is)));
    }
    row("journal", journal.to_owned());
    if let World::Lab { folder } = &run.opened.world {
        row("lab", escape(folder));
    }
    out.push_str(&open_lines(&open_steps(run, &id, bodies), &id));
    out.push_str(&next_lines(&next(run, &id)));
    out
}

use palinode_core::id::{Micros, ResourceKey};

/// The steps that a closed rollback passed because the runbook says why nothing takes them back, with those reasons.
fn passed_with_reason(history: &History, run: &RunState) -> Vec<(String, String)> {
    let (Some(closed), Some(back)) = (&run.closed, &run.opened.compensates) else { return Vec::new() };
    let original = history.runs.get(&back.run).into_iter().flat_map(RunState::steps);
    let reasoned = original.filter_map(|(_, step, _)| Some((step, step.undo_reason.clone()?)));
    let passed = reasoned.filter(|(step, _)| closed.passed.contains(&ResourceKey::step(&step.path)));
    passed.map(|(step, reason)| (step.path.to_string(), reason)).collect()
}

/// What is not as it was at the end of a rollback, and is no residue: nothing makes a unit fail again.
fn told_differences(run: &RunState) -> impl Iterator<Item = &Difference> {
    run.closed.iter().flat_map(|closed| {
        let differs = |key: &ResourceKey| Residue { key: key.clone(), loss: Loss::Differs };
        closed.differences.iter().filter(move |found| !closed.residues.contains(&differs(&found.key)))
    })
}

/// A command line, and what it is for; nothing, where it says so itself.
pub(crate) type Next = (String, String);

/// What to type next, as the end of a screen. What a line is for stands behind it, two blanks away at least.
pub(crate) fn next_lines(all: &[Next]) -> String {
    /// Longer ones do not push the words of the others to the right.
    const WIDEST: usize = 64;
    let widths = all.iter().filter(|(_, words)| !words.is_empty()).map(|(line, _)| line.chars().count());
    let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0).max(31);
    let mut out = "\nnext\n".to_owned();
    for (line, words) in all {
        let text = format!("  {:<width$}  {}", escape(line), escape(words));
        let _ = writeln!(out, "{}", text.trim_end());
    }
    out
}

/// At most this many resources that someone changed are named in what to type.
const NAMED: usize = 3;

/// What to type to go on over what someone changed of these resources: nothing, if that is none. `command`: what would stop
/// at them.
pub(crate) fn overwriting(command: &str, changed: &[&ResourceKey]) -> impl Iterator<Item = Next> {
    let one = changed.iter().take(NAMED).map(|key| {
        let key = hints::quoted(key.as_str());
        (format!("{command} --force-resource {key}"), "overwrite what was changed since of this one".to_owned())
    });
    let all = (!changed.is_empty()).then(|| (format!("{command} --force"), "of all, once it is shown".to_owned()));
    one.chain(all).collect::<Vec<_>>().into_iter()
}

/// What to type next.
pub(crate) fn next(run: &RunState, id: &str) -> Vec<Next> {
    let line = |words: String, what: &str| (hints::command(&words), what.to_owned());
    let preview = || line(format!("rollback --dry-run {id}"), "what taking it back would do, and lose");
    let back = match run.opened.compensates.as_ref().map(|back| &back.scope) {
        None | Some(Scope::Run) => String::new(),
        Some(scope) => format!(" ({})", words::scope(scope)),
    };
    if run.closed.is_some() {
        let mut all = vec![
            line(format!("show {id}"), &format!("everything about this run{back}")),
            line(format!("log {id}"), "entry by entry"),
        ];
        if run.opened.compensates.is_none() {
            all.push(preview());
        }
        return all;
    }
    let resume = hints::command(&format!("resume {id}"));
    let decisions = open_steps(run, id, None).into_iter().take(MOST).flat_map(|step| step.next);
    let mut all: Vec<Next> = decisions.filter(|line| *line != resume).map(|line| (line, String::new())).collect();
    all.dedup();
    if let Some(PauseWhy::Drift(key)) = &run.paused {
        all.extend(overwriting(&resume, &[key]));
    } else if run.goes_on() {
        let words = match &run.paused {
            Some(PauseWhy::Blocked(_)) => "try again, once what keeps it is mended",
            _ => "go on",
        };
        all.push((resume, words.to_owned()));
    }
    if matches!(run.paused, Some(PauseWhy::Failed | PauseWhy::Blocked(_))) && run.steps_in_doubt().next().is_none() {
        all.push(line(format!("close {id} --reason TEXT"), "nobody goes on with it: it ends as failed"));
    }
    if run.opened.compensates.is_none() {
        all.push(preview());
    }
    all
}

/// What was said of a pause, in one line.
pub(crate) fn paused_words(run: &RunState, bodies: Option<&BodyReader>) -> Option<String> {
    let bytes = bodies?.open(run.paused_words?).ok()?;
    Some(one_line(&String::from_utf8_lossy(&bytes)))
}
