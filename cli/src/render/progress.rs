//! Progress: one plain line on standard error for each thing that was settled.

use super::{clock, escape, span, to_stderr, words};
use palinode_core::id::StepPath;
use palinode_core::port::Stored;
use palinode_core::record::{Decision, Ending, Event, HostKeys, Rule, SkipWhy, Why};
use palinode_core::record::{HostEnd, ProgressKind};
use palinode_core::run::history::History;
use palinode_core::run::plan::Work;
use std::collections::BTreeSet;

/// Writes progress lines.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    waiting: BTreeSet<StepPath>,
    /// Requests that were refused, and told once: a budget may refuse the same eviction for a quarter of an hour.
    refused: BTreeSet<(StepPath, String)>,
}

/// Host or section, and the rest of a step's path; an undo keeps its mark with the step.
pub(crate) fn split(path: &StepPath) -> (String, String) {
    let (undo, rest) = match path.as_str().strip_prefix("undo/") {
        Some(rest) => ("undo ", rest),
        None => ("", path.as_str()),
    };
    match rest.split_once('/') {
        Some((place, step)) => (place.to_owned(), format!("{undo}{step}")),
        None => (String::new(), format!("{undo}{rest}")),
    }
}

impl Progress {
    /// Tells what an entry means, if it settles something.
    pub(crate) fn tell(&mut self, history: &History, stored: &Stored) {
        let entry = &stored.entry;
        let Some(run) = history.runs.get(&entry.run) else { return };
        let line = |path: &StepPath, what: String| {
            let (place, step) = split(path);
            to_stderr(&format!("{}  {place:<14}  {step:<34}  {what}\n", clock(entry.time)));
        };
        let known = |path: &StepPath| run.find(path).and_then(|ix| run.step(ix));
        match &entry.event {
            Event::RunOpened(_) | Event::Resolved { .. } | Event::RunClosed(_) => {}
            Event::Intent(intent) => {
                for what in words::along(&intent.action, &intent.footprint, &intent.losses) {
                    line(&intent.step, escape(&what));
                }
            }
            Event::OwnerChanged { gap, host_keys, .. } => {
                if let Some(HostKeys::Here(keys)) = host_keys.as_deref() {
                    to_stderr(&format!("notice: now known by other keys: {}\n", escape(&words::host_keys(keys))));
                }
                let gap = gap.map(|gap| format!(" after {}", span(gap))).unwrap_or_default();
                to_stderr(&format!("{}  taken over{gap}; what was under way is looked at first\n", clock(entry.time)));
            }
            // What goes well is told by its step's end.
            Event::Progress(told) => {
                if let ProgressKind::Host { host, ended: ended @ (HostEnd::Failed | HostEnd::Unreachable) } = &told.what
                {
                    line(&told.step, format!("{} on {}, in the playbook", ended.word(), escape(host)));
                }
                if let ProgressKind::Request { verb, key, code, .. } = &told.what
                    && !code.is_some_and(|code| (200..300).contains(&code))
                {
                    let code = code.map_or_else(|| "no answer".to_owned(), |code| code.to_string());
                    let what = format!("{verb} {}: {code}", escape(key.as_str()));
                    if self.refused.insert((told.step.clone(), what.clone())) {
                        line(&told.step, what);
                    }
                }
            }
            Event::Outcome(outcome) => {
                let took =
                    known(&outcome.step).and_then(|(_, known)| known.began).map(|began| span(entry.time.since(began)));
                let what = match (outcome.ending, outcome.why) {
                    (Ending::Succeeded, _) => format!("done in {}", took.unwrap_or_default()),
                    (Ending::Failed, Some(why)) => format!("FAILED: {}", words::failed(why, outcome.code)),
                    (Ending::Failed, None) => "FAILED".to_owned(),
                    (Ending::Unknown, Some(Why::Conflict)) => {
                        "not begun: what it is about was changed since it looked".to_owned()
                    }
                    (Ending::Unknown, _) => "IN DOUBT: nobody heard what became of it".to_owned(),
                };
                line(&outcome.step, what);
            }
            Event::Probed(probed) => {
                let rule = match probed.rule {
                    Rule::Job => "by the job's own word",
                    Rule::Probe => "by a look at the target",
                    Rule::Repeat => "declared safe to repeat",
                    Rule::Ask => "nothing decides it",
                };
                let what = match probed.decision {
                    Decision::Succeeded => format!("was done ({rule})"),
                    Decision::Failed => match words::code(Some(Why::ExitCode), probed.code) {
                        Some(code) => format!("FAILED ({rule}): {code}"),
                        None => format!("FAILED ({rule})"),
                    },
                    Decision::Wait => "still running; waiting for it".to_owned(),
                    Decision::Again => format!("again ({rule})"),
                    Decision::FailedPartial => "FAILED: a part of it is done, and it is not safe to repeat".to_owned(),
                    Decision::Ask => "IN DOUBT: only you can say".to_owned(),
                };
                line(&probed.step, what);
            }
            Event::Skipped { step, why: SkipWhy::AlreadyThere, .. } => line(step, "as it was already".to_owned()),
            Event::Skipped { step, why, .. } => line(step, words::skip(why).to_owned()),
            Event::GateSampled { step, pass, facts, .. } => {
                let held_up = !pass && self.waiting.insert(step.clone());
                if held_up {
                    let gate = known(step).and_then(|(step, _)| match &step.work {
                        Work::Gate { gate, .. } => Some(gate.name()),
                        Work::Act(_) => None,
                    });
                    let facts = escape(&words::facts(facts));
                    line(step, format!("waiting for {}: {facts}", gate.unwrap_or("its condition")));
                }
            }
            Event::GateDecided { step, passed } => {
                let began = known(step).and_then(|(_, known)| known.began).unwrap_or(entry.time);
                let what = if *passed { "gate open after" } else { "gate FAILED after" };
                line(step, format!("{what} {}", span(entry.time.since(began))));
            }
            Event::TimerFired { step } => line(step, "gate FAILED: its time was up".to_owned()),
            Event::Paused { why, .. } => {
                to_stderr(&format!("{}  paused: {}\n", clock(entry.time), escape(&words::pause(why))));
            }
            // What differs inside a directory is told beside this: it is not public.
            Event::DriftFound { step, key, expected, found, forced, what: _ } => {
                let what = if *forced { "changed since" } else { "DRIFT" };
                line(step, format!("{what}: {}", escape(&words::changed(key, expected, found))));
            }
        }
    }
}
