//! `palinode runbook check`: everything that is wrong in a runbook, without a host.

use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::render::{count, escape, finding, print_json, to_stdout};
use crate::sources::{load_runbook, parameters, read_inventory};
use palinode_core::runbook::{Checked, Given, Runbook};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The runbooks: files, or names of those that come with Palinode.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// The inventory that the runbook is for.
    #[arg(short, long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// Set a parameter of the runbook.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

/// A runbook that was looked at.
struct Looked {
    name: String,
    text: String,
    checked: Checked,
    /// What could not be told.
    unchecked: Vec<String>,
}

pub(crate) fn check(args: &Args, wanted: &Check) -> Result<Exit, Failure> {
    let inventory = match &wanted.inventory {
        Some(path) => Some((path.display().to_string(), Arc::new(read_inventory(path)?))),
        None => None,
    };
    let given = Given { parameters: parameters(&wanted.set)?, inventory, only: Vec::new() };
    let (mut all, mut unread) = (Vec::new(), Vec::new());
    for name in &wanted.files {
        let (name, text) = match load_runbook(name) {
            Ok(loaded) => loaded,
            // The others are looked at all the same.
            Err(failure) => {
                unread.push(failure);
                continue;
            }
        };
        let checked = Runbook::check(&text, &given);
        let unchecked = unchecked(&checked, &given);
        all.push(Looked { name, text, checked, unchecked });
    }
    if args.output == Output::Json {
        print_json(&all.iter().map(data).collect::<Value>());
    } else {
        to_stdout(&all.iter().map(told).collect::<Vec<_>>().join("\n"));
    }
    if let Some(last) = unread.pop() {
        for failure in &unread {
            failure.report(args.output == Output::Json);
        }
        return Err(last);
    }
    let good = all.iter().all(|looked| looked.checked.findings.is_empty());
    Ok(if good { Exit::Done } else { Exit::Usage })
}

/// What was not known, so that nothing could be said of it.
fn unchecked(checked: &Checked, given: &Given) -> Vec<String> {
    let mut all = Vec::new();
    if given.inventory.is_none() {
        all.push("the hosts, without an inventory; name one with -i FILE".to_owned());
    }
    if !checked.unknown.is_empty() {
        let names = checked.unknown.join(", ");
        all.push(format!("what depends on {names}, which have no known value; give them with --set NAME=VALUE"));
    }
    all.push(
        "what only the hosts and the cluster can tell; `palinode run` looks before it changes anything".to_owned(),
    );
    all
}

fn data(looked: &Looked) -> Value {
    let Looked { name, checked, unchecked, .. } = looked;
    let findings: Value = checked
        .findings
        .iter()
        .map(|finding| {
            let (line, column) = (finding.at.line, finding.at.column);
            json!({ "line": line, "column": column, "what": finding.what, "next": finding.next })
        })
        .collect();
    json!({
        "file": name,
        "runbook": checked.name,
        "good": checked.findings.is_empty(),
        "steps": checked.steps,
        "hosts": checked.hosts,
        "findings": findings,
        "unchecked": unchecked,
    })
}

fn told(looked: &Looked) -> String {
    let Looked { name, text, checked, unchecked } = looked;
    let mut out = String::new();
    for found in &checked.findings {
        let _ = writeln!(out, "{}", finding(name, text, found).trim_start());
    }
    let shown = escape(name);
    if !checked.findings.is_empty() {
        let _ = writeln!(out, "{shown}: {}", count(checked.findings.len(), "finding"));
        return out;
    }
    let hosts = checked.hosts.map_or_else(String::new, |hosts| format!(" for {}", count(hosts, "host")));
    let _ = writeln!(out, "{shown}: good, {}{hosts}", count(checked.steps, "step"));
    for what in unchecked {
        let _ = writeln!(out, "  not checked: {what}");
    }
    out
}
