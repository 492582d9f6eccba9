//! What a preview found of hosts and API, as it is told.

use crate::error::Failure;
use crate::render::{count, escape, some, words};
use crate::run::Outlook;
use palinode_core::id::ResourceKey;
use palinode_replay::driver::{Changed, Foreseen, Foresight};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What is not as it was last recorded, so that the rollback would stop.
pub(super) fn drifted(outlook: &Outlook) -> Vec<&ResourceKey> {
    let mut all = Vec::new();
    for step in &outlook.steps {
        match &step.what {
            Foresight::Drifted(changed) => all.extend(changed.iter().map(|change| &change.key)),
            Foresight::AsRecorded | Foresight::AlreadyThere | Foresight::Later | Foresight::Unseen(_) => {}
        }
    }
    all
}

/// What a step would do beyond the units that it names, as a run says it.
fn along(step: &Foreseen) -> Vec<String> {
    step.does.as_ref().map(|does| words::along(&does.action, &does.footprint, &does.losses)).unwrap_or_default()
}

/// For people.
pub(super) fn text(looked: &Result<Outlook, Failure>) -> String {
    let outlook = match looked {
        Ok(outlook) => outlook,
        Err(why) => {
            return format!(
                "\nnot looked at, so whether someone changed something since is not known: {}\n",
                escape(&why.what())
            );
        }
    };
    let mut out = "\nlooked at just now\n".to_owned();
    for obstacle in &outlook.obstacles {
        let _ = writeln!(out, "  it would not begin: {}", escape(obstacle));
    }
    let (mut well, mut later, mut there, mut unseen) = (0, 0, Vec::new(), Vec::new());
    for step in &outlook.steps {
        match &step.what {
            Foresight::AsRecorded => well += 1,
            Foresight::Later => later += 1,
            Foresight::AlreadyThere => there.push(step.step.as_str()),
            Foresight::Unseen(why) => unseen.push((step.step.as_str(), why)),
            Foresight::Drifted(all) => all.iter().for_each(|change| stops(&mut out, step.step.as_str(), change)),
        }
        for what in along(step) {
            let _ = writeln!(out, "  {}: {}", escape(step.step.as_str()), escape(&what));
        }
    }
    for (step, why) in &unseen {
        let _ = writeln!(out, "  {} cannot be looked at: {}", escape(step), escape(why));
    }
    if !there.is_empty() {
        let _ = writeln!(
            out,
            "  nothing to do in {}, it is so already: {}",
            count(there.len(), "step"),
            escape(&some(&there, 6))
        );
    }
    if well > 0 {
        let _ = writeln!(out, "  as it was last recorded, in {}", count(well, "step"));
    }
    if later > 0 {
        let _ =
            writeln!(out, "  about what steps before it put back, and not to be seen yet, in {}", count(later, "step"));
    }
    if outlook.steps.is_empty() {
        out.push_str("  there is nothing to look at\n");
    }
    out
}

fn stops(out: &mut String, step: &str, change: &Changed) {
    let key = escape(change.key.as_str());
    let what = match change.expected {
        Some(_) => "is not as it was last recorded",
        None => "cannot be held against what was last recorded",
    };
    let _ = writeln!(out, "  {key} {what}, so the rollback would stop at {} (exit 3)", escape(step));
    let _ = writeln!(out, "    {}", escape(&change.what));
}

/// As data.
pub(super) fn as_json(looked: &Result<Outlook, Failure>) -> Value {
    let outlook = match looked {
        Ok(outlook) => outlook,
        Err(why) => return json!({ "failed": why.what(), "obstacles": [], "steps": [] }),
    };
    let steps = outlook.steps.iter().map(|step| {
        let (found, why, drift) = match &step.what {
            Foresight::AsRecorded => ("as-recorded", None, Vec::new()),
            Foresight::AlreadyThere => ("already-there", None, Vec::new()),
            Foresight::Later => ("later", None, Vec::new()),
            Foresight::Unseen(why) => ("unseen", Some(why), Vec::new()),
            Foresight::Drifted(all) => ("drift", None, all.iter().map(one).collect()),
        };
        json!({ "step": step.step, "found": found, "why": why, "drift": drift, "along": along(step) })
    });
    json!({ "failed": null, "obstacles": outlook.obstacles, "steps": steps.collect::<Vec<_>>() })
}

fn one(change: &Changed) -> Value {
    json!({
        "resource": change.key,
        "expected": change.expected,
        "found": change.found,
        "differs": change.what,
    })
}
