//! `palinode inventory diff`: what two inventories mean differently.

use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::render::{count, escape, print_json, to_stdout};
use palinode_core::inventory::ansible::{Kind, Sources as _};
use palinode_core::inventory::difference_at;
use palinode_executors::DiskSources;
use std::fmt::Write as _;

pub(crate) fn diff(args: &Args, before: &str, after: &str) -> Result<Exit, Failure> {
    let sources = DiskSources::default();
    for path in [before, after] {
        if sources.kind(path) == Kind::Missing && !path.contains(',') {
            let what = format!("cannot read {path}: there is no such file or folder, or it may not be read");
            return Err(Failure::usage(what, "correct its name"));
        }
    }
    let changes = difference_at(&sources, before, after).map_err(|error| {
        let place = error.line.map_or_else(String::new, |line| format!(":{line}"));
        Failure::usage(format!("cannot read {}{place}: {}", error.file, error.why), error.mend)
    })?;
    if args.output == Output::Json {
        print_json(&serde_json::json!({ "before": before, "after": after, "changes": changes }));
        return Ok(Exit::Done);
    }
    let mut out = String::new();
    for change in &changes {
        let _ = writeln!(out, "{}", escape(&change.to_string()));
    }
    if changes.is_empty() {
        out.push_str("they mean the same\n");
    } else {
        let _ = writeln!(out, "{} in meaning", count(changes.len(), "difference"));
    }
    to_stdout(&out);
    Ok(Exit::Done)
}
