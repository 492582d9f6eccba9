//! `palinode inventory show`: groups, hosts and variables, and where each is said.

use super::source::{Source, layer, place, read, shown};
use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::render::{count, escape, some, to_stdout};
use std::fmt::Write as _;

pub(crate) fn show(args: &Args, source: &Source) -> Result<Exit, Failure> {
    let reading = read(source)?;
    if args.output == Output::Json {
        to_stdout(&reading.list());
        return Ok(Exit::Done);
    }
    let mut out = String::new();
    let hosts = reading.hosts("all");
    let groups: Vec<_> = reading.groups().filter(|group| !matches!(group.name, "all")).collect();
    let _ = writeln!(out, "{} in {}", count(hosts.len(), "host"), count(groups.len(), "group"));
    for group in groups.iter().filter(|group| !group.hosts.is_empty() || !group.children.is_empty()) {
        let _ = writeln!(out, "\n[{}]", escape(group.name));
        for (what, names) in [("children", &group.children), ("hosts", &group.hosts)] {
            if !names.is_empty() {
                let _ = writeln!(out, "  {what:<9} {}", escape(&some(names, 12)));
            }
        }
    }
    for host in hosts {
        let _ = writeln!(out, "\n{}", escape(host));
        let settings = reading.settings(host);
        let width = settings.iter().map(|setting| setting.name.chars().count()).max().unwrap_or(0).min(40);
        for setting in settings {
            let said = &setting.said;
            let _ = writeln!(
                out,
                "  {:<width$}  {}  ({}, {})",
                escape(setting.name),
                shown(said.value, 60),
                layer(said.layer),
                place(said)
            );
        }
    }
    to_stdout(&out);
    Ok(Exit::Done)
}
