//! `palinode inventory check`: the traps that an inventory holds, before a playbook falls into them.

use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::render::{count, escape, print_json, to_stdout};
use palinode_core::inventory::{self, Checked, Finding};
use palinode_executors::DiskSources;
use std::fmt::Write as _;

pub(crate) fn check(args: &Args, inventories: &[String]) -> Result<Exit, Failure> {
    let paths: Vec<&str> = inventories.iter().map(String::as_str).collect();
    let checked = inventory::check(&DiskSources::default(), &paths)
        .map_err(|error| Failure::usage(format!("cannot read {}: {}", error.file, error.why), error.mend))?;
    if args.output == Output::Json {
        let Checked { looked_at, findings, unknown, .. } = &checked;
        print_json(&serde_json::json!({ "looked_at": looked_at, "findings": findings, "unknown": unknown }));
    } else {
        let mut out = String::new();
        for finding in &checked.findings {
            let _ = writeln!(out, "{}: {}", place(finding), escape(&finding.what));
            let _ = writeln!(out, "  mend: {} ({})", escape(&finding.next), finding.kind);
        }
        for unknown in &checked.unknown {
            let _ = writeln!(out, "{}: {}", place(unknown), escape(&unknown.what));
            let _ = writeln!(out, "  neither good nor bad: {} ({})", escape(&unknown.next), unknown.kind);
        }
        let files = count(checked.looked_at.len(), "file");
        let _ = match checked.findings.len() {
            0 => writeln!(out, "nothing found in {files}"),
            many => writeln!(out, "{} in {files}", count(many, "finding")),
        };
        to_stdout(&out);
    }
    Ok(if checked.findings.is_empty() { Exit::Done } else { Exit::Failed })
}

fn place(finding: &Finding) -> String {
    match finding.line {
        0 => format!("{} (a script)", escape(&finding.file)),
        line => format!("{}:{line}", escape(&finding.file)),
    }
}
