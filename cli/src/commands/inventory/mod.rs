//! `palinode inventory`: inventories as Ansible reads them. One file for each verb.

mod check;
mod diff;
mod graph;
mod host;
mod show;
mod source;

use crate::args::Args;
use crate::error::{Exit, Failure};
use clap::Subcommand;
use source::Source;

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
