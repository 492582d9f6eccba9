//! `palinode inventory`: inventories as Ansible reads them. One file for each verb.

mod check;
mod diff;
mod graph;
mod host;
mod show;

use crate::args::Args;
use crate::error::{Exit, Failure};
use crate::render::escape;
use clap::Subcommand;
use palinode_core::inventory::reading::{Layer, Reading, Said, Value};
use palinode_executors::{DiskFiles, DiskSources, Files};

/// Look at an inventory as Ansible reads it.
#[derive(Debug, Subcommand)]
pub(crate) enum Inventory {
    /// Show groups, hosts and variables, and where each is said.
    ///
    /// With `-o json` it is what `ansible-inventory --list` prints.
    Show {
        #[command(flatten)]
        source: Source,
    },
    /// Draw the groups with their hosts, as `ansible-inventory --graph` does.
    Graph {
        #[command(flatten)]
        source: Source,
        /// Only this group and what is below it.
        #[arg(default_value = "all")]
        group: String,
    },
    /// Show each variable of a host: its value, the file and line that say so, and what it overrides.
    Host {
        #[command(flatten)]
        source: Source,
        /// The host.
        host: String,
    },
    /// Tell what two inventories, or two files of variables, mean differently. Comments, order of sections and quotes do
    /// not count.
    Diff {
        /// The one, as it was.
        before: String,
        /// The other, as it is.
        after: String,
    },
    /// Look for what does not do what it seems to: hosts left in new_nodes, hosts without a runtime, numbers that were
    /// meant as versions. Files in group_vars and host_vars beside the inventory count.
    ///
    /// Exit 1 if anything is found.
    Check {
        /// The inventory, a file. May be given several times.
        #[arg(short, long, value_name = "FILE", required = true)]
        inventory: Vec<String>,
    },
}

/// An inventory to look at.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Source {
    /// The inventory: a file, a folder of files, an executable, or names of hosts with a comma behind each. May be given
    /// several times; of what several say the last counts.
    #[arg(short, long, value_name = "FILE", required = true)]
    inventory: Vec<String>,
}

/// Carries out one of the verbs.
pub(crate) fn inventory(args: &Args, command: &Inventory) -> Result<Exit, Failure> {
    match command {
        Inventory::Show { source } => show::show(args, source),
        Inventory::Graph { source, group } => graph::graph(args, source, group),
        Inventory::Host { source, host } => host::host(args, source, host),
        Inventory::Diff { before, after } => diff::diff(args, before, after),
        Inventory::Check { inventory } => check::check(args, inventory),
    }
}

/// Reads the inventories that were named.
fn read(source: &Source) -> Result<Reading, Failure> {
    let paths: Vec<&str> = source.inventory.iter().map(String::as_str).collect();
    Reading::of(&DiskSources::default(), &paths).map_err(|error| {
        let place = error.line.map_or_else(String::new, |line| format!(":{line}"));
        Failure::usage(format!("{}{place}: {}", error.file, error.why), error.mend)
    })
}

/// The text of one file.
fn text_of(file: &str) -> Result<String, Failure> {
    let next = "name a file of text that you may read";
    let cannot = |error: &dyn std::fmt::Display| Failure::usage(format!("cannot read {file}: {error}"), next);
    let found = DiskFiles.read(file).map_err(|error| cannot(&error))?;
    let found = found.ok_or_else(|| cannot(&"there is no such file"))?;
    String::from_utf8(found.bytes).map_err(|_| cannot(&"it is not UTF-8 text"))
}

/// A value on one line, short enough to be looked at.
fn shown(value: &Value, most: usize) -> String {
    let text = match value {
        // What else it could be taken for has quotes.
        Value::Text(text) | Value::Unsafe(text) => {
            let number = text.bytes().all(|byte| byte.is_ascii_digit());
            let other = number || serde_json::from_str::<serde_json::Value>(text).is_ok();
            let word = ["True", "False", "None", "yes", "no"].contains(&text.as_str());
            if other || word { format!("'{text}'") } else { text.clone() }
        }
        Value::Time(text) => text.clone(),
        Value::Vault(_) => "(encrypted)".to_owned(),
        other => {
            let mut out = String::new();
            other.print(None, &mut out);
            out
        }
    };
    let short: String = text.chars().take(most).collect();
    if short.len() < text.len() { format!("{}...", escape(&short)) } else { escape(&short) }
}

/// The file and line that say something.
fn place(said: &Said<'_>) -> String {
    match said.line {
        0 => format!("{} (a script)", escape(said.file)),
        line => format!("{}:{line}", escape(said.file)),
    }
}

/// Who says it.
fn layer(layer: Layer<'_>) -> String {
    match layer {
        Layer::Group(group) => format!("group {}", escape(group)),
        Layer::GroupFile(group) => format!("group_vars of {}", escape(group)),
        Layer::Host => "the host".to_owned(),
        Layer::HostFile => "host_vars".to_owned(),
    }
}

/// A failure for a name that an inventory has not.
fn unknown(what: &str, name: &str, source: &Source) -> Failure {
    Failure::usage(
        format!("{} has no {what} `{}`", source.inventory.join(", "), name),
        "type `palinode inventory graph -i FILE` to see what there is",
    )
}
