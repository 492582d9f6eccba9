//! Events and values in words, for those who read a divergence.

use crate::record::{Event, Probed, RunClosed};
use serde::Serialize;

/// So much of a value is shown.
const LONG: usize = 300;

/// A value as people write it; long ones are cut.
pub(super) fn value(value: &impl Serialize) -> String {
    let text = match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(value) => value.to_string(),
        Err(_) => "a value that has no words".to_owned(),
    };
    match text.char_indices().nth(LONG) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

/// A decision and what it came from.
pub(super) fn probed(probed: &Probed) -> String {
    let Probed { job, verdict, rule, decision, .. } = probed;
    format!("job {}, verdict {}: {} by {}", value(job), value(verdict), value(decision), value(rule))
}

/// How a run ended.
pub(super) fn closed(closed: &RunClosed) -> String {
    let steps: Vec<String> = closed.steps.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let residues: Vec<String> = closed.residues.iter().map(ToString::to_string).collect();
    let differences: Vec<String> =
        closed.differences.iter().map(|found| format!("{}: {} is now {}", found.key, found.was, found.is)).collect();
    let passed: Vec<&str> = closed.passed.iter().map(crate::id::ResourceKey::as_str).collect();
    let lists = [("lost", residues.join("; ")), ("different", differences.join("; ")), ("passed", passed.join("; "))];
    let mut text = format!("{}, {}", value(&closed.end), steps.join(", "));
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        text.push_str(&format!(", {name}: {list}"));
    }
    text
}

/// An event in a few words.
pub(super) fn event(event: &Event) -> String {
    let about = event.step().map(|step| format!(" of {step}")).unwrap_or_default();
    let more = match event {
        Event::Intent(intent) => format!(", attempt {}", intent.attempt),
        Event::Progress(told) => format!(", attempt {}: number {}", told.attempt, told.number),
        Event::Outcome(outcome) => {
            let why = outcome.why.map(|why| format!(" ({})", value(&why))).unwrap_or_default();
            format!(", attempt {}: {}{why}", outcome.attempt, value(&outcome.ending))
        }
        Event::Probed(found) => format!(", attempt {}: {}", found.attempt, probed(found)),
        Event::Resolved { answer, .. } => format!(": {}", value(answer)),
        Event::Skipped { why, .. } => format!(": {}", value(why)),
        Event::GateSampled { pass, .. } => format!(": {}", if *pass { "holds" } else { "does not hold" }),
        Event::GateDecided { passed, .. } => format!(": {}", if *passed { "opens" } else { "fails" }),
        Event::Paused { why, .. } => format!(": {}", value(why)),
        Event::DriftFound { key, .. } => format!(": {key}"),
        Event::RunClosed(found) => format!(": {}", value(&found.end)),
        Event::RunOpened(_) | Event::OwnerChanged { .. } | Event::TimerFired { .. } => String::new(),
    };
    format!("{}{about}{more}", event.kind())
}
