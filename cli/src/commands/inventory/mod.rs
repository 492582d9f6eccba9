//! `palinode inventory`: inventories as Ansible reads them. One file for each verb.

mod graph;
mod host;
mod show;

use crate::args::{Args, Inventory};
use crate::exit::{Exit, Failure};

/// Carries out one of the verbs.
pub(crate) fn inventory(args: &Args, command: &Inventory) -> Result<Exit, Failure> {
    match command {
        Inventory::Show { source } => show::show(args, source),
        Inventory::Graph { source, group } => graph::graph(args, source, group),
        Inventory::Host { source, host } => host::host(args, source, host),
    }
}
