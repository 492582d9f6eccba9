//! What an operator wants to know when a run stops: where it stands, what was lost, and what to type.

use super::lanes::{LaneRow, lanes};
use super::{count, escape, lines, some, span, words};
use crate::place;
use palinode_core::event::{PauseWhy, Scope, World};
use palinode_core::history::History;
use palinode_core::life::Stage;
use palinode_core::plan::{Plan, Work};
use palinode_core::resource::Residue;
use palinode_core::state::{RunState, StepState};
use palinode_replay::driver::ShelfView;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
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

/// The steps that wait for a person.
pub(crate) fn open_steps(run: &RunState, shelf: Option<&ShelfView>) -> Vec<Open> {
    let flag = |stage: Stage| run.in_stage(stage);
    let message = |known: &StepState| {
        let bytes = known.message.and_then(|id| shelf.map(|shelf| shelf.open(id)))?;
        Some(match bytes {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("({error})"),
        })
    };
    let mut all = Vec::new();
    for (step, known) in flag(Stage::Failed) {
        let path = step.path.to_string();
        let next = vec![format!("palinode retry {path}"), format!("palinode skip {path} --reason TEXT")];
        let what = format!("attempt {}: {}", known.attempt, words::step(known));
        let gate = matches!(step.work, Work::Gate { .. });
        let what =
            if gate { format!("gate {}; last seen: {}", words::step(known), words::facts(&known.facts)) } else { what };
        all.push(Open { step: path, what, message: message(known), next });
    }
    for (step, known) in flag(Stage::Asking) {
        let path = step.path.to_string();
        let next = ["--applied", "--not-applied", "--partial"]
            .map(|answer| format!("palinode resolve {path} {answer} --reason TEXT"));
        all.push(Open { step: path, what: words::step(known), message: message(known), next: next.to_vec() });
    }
    for (step, known) in flag(Stage::Unknown).chain(flag(Stage::Intended)) {
        let what = "its intent is recorded, its outcome is not".to_owned();
        all.push(Open {
            step: step.path.to_string(),
            what,
            message: message(known),
            next: vec!["palinode resume".to_owned()],
        });
    }
    all
}

/// So many steps that wait for a person are shown in full; the rest are counted.
pub(crate) const MOST: usize = 6;

/// The steps that wait for a person, with what was said about them.
pub(crate) fn open_lines(all: &[Open]) -> String {
    let mut out = String::new();
    for open in all.iter().take(MOST) {
        let _ = writeln!(out, "\n  {}: {}", escape(&open.step), escape(&open.what));
        if let Some(message) = &open.message {
            out.push_str(&lines(message, "    ", 6));
        }
    }
    if all.len() > MOST {
        let _ = writeln!(out, "\n  and {} more (palinode status -o json)", all.len() - MOST);
    }
    out
}

/// What was lost for good so far.
pub(crate) fn residues(run: &RunState) -> Vec<Residue> {
    match &run.closed {
        Some(closed) => closed.residues.clone(),
        None => {
            let touched =
                run.steps().filter(|(_, _, known)| known.touched).filter_map(|(_, _, known)| known.intent.clone());
            let all: std::collections::BTreeSet<Residue> = touched.flat_map(|intent| intent.losses.clone()).collect();
            all.into_iter().collect()
        }
    }
}

/// Residues as an indented list, long kinds cut.
pub(crate) fn residue_lines(all: &[Residue], indent: &str, most: usize) -> String {
    let mut out = String::new();
    for (what, keys) in words::residues(all) {
        let _ = writeln!(out, "{indent}{what}:");
        for key in keys.iter().take(most) {
            let _ = writeln!(out, "{indent}  {}", escape(key));
        }
        if keys.len() > most {
            let _ = writeln!(out, "{indent}  and {} more (palinode show @)", keys.len() - most);
        }
    }
    out
}

/// The object that `run -o json` and its kin print.
pub(crate) fn as_json(run: &RunState, journal: &Path) -> serde_json::Value {
    json!({
        "run": run.run.to_string(),
        "plan": run.opened.plan.to_string(),
        "state": words::state(run, words::Driven::No),
        "steps": run.counts(),
        "residues": residues(run),
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
    journal: &Path,
    shelf: Option<&ShelfView>,
    took: Duration,
) -> String {
    let mut out = String::new();
    let id = place::short(history, run.run);
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
    if let Some(words) = paused_words(run, shelf) {
        row("", words);
    }
    let lanes = lanes(run);
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
    let counts = run.counts();
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
    let lost = residues(run);
    if lost.is_empty() {
        row("residues", "none".to_owned());
    } else {
        row("residues", format!("{} cannot be restored:", count(lost.len(), "thing")));
        out.push_str(&residue_lines(&lost, "            ", 6));
    }
    let mut row = |label: &str, value: String| {
        let _ = writeln!(out, "  {label:<9} {value}");
    };
    for (step, reason) in passed_with_reason(history, run) {
        row("passed", format!("{}: {}", escape(&step), escape(&reason)));
    }
    row("journal", journal.display().to_string());
    if let World::Lab { folder } = &run.opened.world {
        row("lab", escape(folder));
    }
    out.push_str(&open_lines(&open_steps(run, shelf)));
    out.push_str("\nnext\n");
    for line in next(run, &id) {
        let _ = writeln!(out, "  {}", escape(&line));
    }
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

/// What to type next.
pub(crate) fn next(run: &RunState, id: &str) -> Vec<String> {
    let mut all = Vec::new();
    let back = match run.opened.compensates.as_ref().map(|back| &back.scope) {
        None | Some(Scope::Run) => String::new(),
        Some(scope) => format!(" ({})", words::scope(scope)),
    };
    if run.closed.is_some() {
        all.push(format!("{:<32} everything about this run{back}", format!("palinode show {id}")));
        all.push("palinode log                     entry by entry".to_owned());
        if run.opened.compensates.is_none() {
            all.push("palinode rollback --dry-run      what taking it back would do, and lose".to_owned());
        }
        return all;
    }
    for step in open_steps(run, None).into_iter().take(MOST) {
        all.extend(step.next);
    }
    all.dedup();
    let resume = match &run.paused {
        Some(PauseWhy::Drift(_)) => "palinode resume --force          overwrite what someone changed since",
        _ => "palinode resume                  go on",
    };
    all.retain(|line| line != "palinode resume");
    all.push(resume.to_owned());
    if run.opened.compensates.is_none() {
        all.push("palinode rollback --dry-run      what taking it back would do, and lose".to_owned());
    }
    all
}

/// What was said of a pause, in one line.
pub(crate) fn paused_words(run: &RunState, shelf: Option<&ShelfView>) -> Option<String> {
    let bytes = shelf?.open(run.paused_words?).ok()?;
    Some(escape(String::from_utf8_lossy(&bytes).trim()))
}
