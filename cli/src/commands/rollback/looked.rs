//! What a preview found of hosts and API, as it is told.

use crate::render::{count, escape, some, words};
use crate::run::Outlook;
use palinode_core::run::rules::prepare::Drift;
use palinode_replay::driver::Foresight;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Whether something is not as it was last recorded, so that the rollback would stop.
pub(super) fn has_drift(outlook: &Outlook) -> bool {
    outlook.steps.iter().any(|step| matches!(step.what, Foresight::Drifted(_)))
}

/// For people.
pub(super) fn text(looked: &Result<Outlook, String>) -> String {
    let outlook = match looked {
        Ok(outlook) => outlook,
        Err(why) => {
            return format!(
                "\nnot looked at, so whether someone changed something since is not known: {}\n",
                escape(why)
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
            Foresight::Drifted(all) => {
                for drift in all {
                    drifted(&mut out, step.step.as_str(), drift);
                }
            }
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

fn drifted(out: &mut String, step: &str, drift: &Drift) {
    let key = escape(drift.key.as_str());
    let _ = writeln!(
        out,
        "  {key} is not as it was last recorded, so the rollback would stop at {} (exit 3)",
        escape(step)
    );
    let _ = writeln!(out, "    {}", escape(&words::differs(&drift.expected, &drift.found)));
}

/// As data.
pub(super) fn as_json(looked: &Result<Outlook, String>) -> Value {
    let outlook = match looked {
        Ok(outlook) => outlook,
        Err(why) => return json!({ "failed": why, "obstacles": [], "steps": [] }),
    };
    let steps = outlook.steps.iter().map(|step| {
        let (found, why, drift) = match &step.what {
            Foresight::AsRecorded => ("as-recorded", None, Vec::new()),
            Foresight::AlreadyThere => ("already-there", None, Vec::new()),
            Foresight::Later => ("later", None, Vec::new()),
            Foresight::Unseen(why) => ("unseen", Some(why), Vec::new()),
            Foresight::Drifted(all) => ("drift", None, all.iter().map(one).collect()),
        };
        json!({ "step": step.step, "found": found, "why": why, "drift": drift })
    });
    json!({ "failed": null, "obstacles": outlook.obstacles, "steps": steps.collect::<Vec<_>>() })
}

fn one(drift: &Drift) -> Value {
    json!({
        "resource": drift.key,
        "expected": drift.expected,
        "found": drift.found,
        "differs": words::differs(&drift.expected, &drift.found),
    })
}
