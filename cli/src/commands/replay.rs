//! `palinode replay --strict`: whether every recorded decision follows from the rules.

use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::journal;
use crate::render::{count, escape, hints, print_json, to_stdout};
use palinode_core::run::history::History;
use palinode_core::run::rules::version::Rules;
use palinode_replay::strict::{Divergence, Replayed, StrictError, strict};
use std::fmt::Write as _;

/// Check that every recorded decision follows from the rules; nothing is done.
#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// Hold each entry against what rules, plan and the entries before it determine.
    #[arg(long, required = true)]
    strict: bool,
    /// The run, by the beginning of its id; by default the whole journal.
    run: Option<String>,
}

pub(crate) fn replay(args: &Args, replay: &Replay) -> Result<Exit, Failure> {
    let reader = journal::reader(args.journal.as_deref())?;
    let only = match replay.run.as_deref() {
        // A history that does not fold is what is looked for, so it is folded only to find a run's id.
        Some(named) => {
            let history = History::load(&reader)?;
            Some(journal::any(&history, named)?)
        }
        None => None,
    };
    let found = match strict(&reader, only) {
        Ok(found) => found,
        Err(StrictError::Diverged(divergence)) => return Ok(diverged(args.output, &divergence)),
        Err(StrictError::Load(error)) => return Err(error.into()),
    };
    match args.output {
        Output::Json => print_json(&serde_json::json!({
            "strict": true,
            "runs": found.runs,
            "entries": found.entries,
            "unchecked": found.unchecked.iter().map(|(what, count)| serde_json::json!({
                "what": what.words(), "count": count,
            })).collect::<Vec<_>>(),
            "other_rules": found.foreign.iter().map(|(run, rules)| serde_json::json!({
                "run": run.to_string(), "rules": rules,
            })).collect::<Vec<_>>(),
        })),
        Output::Text => to_stdout(&text(&found)),
    }
    Ok(Exit::Done)
}

fn text(found: &Replayed) -> String {
    let plural = |number: u64, one: &str| count(usize::try_from(number).unwrap_or(usize::MAX), one);
    let mut out = format!(
        "replays: {}, {}; every decision follows from the rules\n",
        plural(found.runs, "run"),
        plural(found.entries, "entry").replace("entrys", "entries")
    );
    let unchecked: u64 = found.unchecked.values().sum();
    if unchecked > 0 {
        let _ = writeln!(out, "unchecked: {unchecked}, as their keys are not there");
        for (what, number) in &found.unchecked {
            let _ = writeln!(out, "  {number:>6}  {}", what.words());
        }
    }
    for (run, rules) in &found.foreign {
        let _ = writeln!(
            out,
            "not replayed: run {run} follows rules {rules}, this binary has rules {}; use the release that has them",
            Rules::known()
        );
    }
    out
}

fn diverged(output: Output, divergence: &Divergence) -> Exit {
    let Divergence { seq, run, step, expected, got } = divergence;
    let next = hints::command(&format!("show {seq}"));
    match output {
        Output::Json => print_json(&serde_json::json!({
            "strict": false,
            "sequence": seq,
            "run": run.to_string(),
            "step": step,
            "expected": expected,
            "got": got,
            "next": next,
        })),
        Output::Text => {
            let mut out = format!("diverges: entry {seq} of run {run} does not follow from the entries before it\n");
            let about = step.as_ref().map(|step| ("step", step.to_string()));
            for (label, words) in
                about.into_iter().chain([("expected", expected.clone()), ("got", got.clone()), ("next", next)])
            {
                let _ = writeln!(out, "  {label:<9} {}", escape(&words));
            }
            out.push_str("keep a copy of the journal as it is, and do not resume on it\n");
            to_stdout(&out);
        }
    }
    Exit::Damaged
}
