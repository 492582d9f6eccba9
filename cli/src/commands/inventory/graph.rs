//! `palinode inventory graph`: the groups with their hosts, drawn as Ansible draws them.

use super::source::{Source, read, unknown};
use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::render::{escape, print_json, to_stdout};
use palinode_core::inventory::model::Reading;
use serde_json::{Value, json};

/// Deeper than any inventory, and than what a reader of JSON takes.
const DEEPEST: usize = 60;

pub(crate) fn graph(args: &Args, source: &Source, group: &str) -> Result<Exit, Failure> {
    let reading = read(source)?;
    let drawing = reading.graph(group).ok_or_else(|| unknown("group", group, source))?;
    if args.output == Output::Json {
        print_json(&tree(&reading, group, 0));
    } else {
        drawing.lines().for_each(|line| to_stdout(&format!("{}\n", escape(line))));
    }
    Ok(Exit::Done)
}

fn tree(reading: &Reading, group: &str, depth: usize) -> Value {
    let Some(view) = reading.group(group).filter(|_| depth < DEEPEST) else { return json!({ "group": group }) };
    let children: Vec<Value> = view.children.iter().map(|child| tree(reading, child, depth + 1)).collect();
    json!({ "group": group, "hosts": view.hosts, "children": children })
}
