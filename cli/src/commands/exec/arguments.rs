//! The arguments of `palinode exec`, with their help.

use crate::run::RunMetadata;
use palinode_core::span::Span;
use std::path::PathBuf;

/// Carry out one action, recorded as a run is.
///
/// `exec HOST -- COMMAND` runs a command on a host; nothing but the words after `--` reaches it, and no shell reads
/// them. Typed actions are known and can be taken back with `undo @`.
///
/// On a host: `service UNIT... started|stopped|enabled|disabled...`, `package NAME... present|absent`,
/// `file PATH... absent`, `file PATH content TEXT [mode OCTAL] [owner USER:GROUP]` (the text as it is, and public in the
/// journal), `repository ID... enabled|disabled`, `release VERSION|unset`, `wait port|path|unit|for VALUE`,
/// `fetch PATH > FILE`, `read PATH KEY`, `reboot`.
///
/// On a node of the cluster: `cordon`, `uncordon`, `drain [emptydir=delete] [bare=delete] [timeout=15m] [grace=30s]
/// [terminating=ask:5m|force:5m]` (cordons first), `delete-node`, `taint KEY=VALUE:EFFECT...`, `label KEY=VALUE...` (with
/// `-` behind a key, or behind key and effect, it is removed), `approve-csr`. No inventory is needed; with -i the node of
/// a host of the inventory is meant. `node/NAME` is the node of that name, whatever hosts are called.
///
/// In a pod: `exec NAMESPACE/POD -- COMMAND`. On any other object: `exec KIND/NAME -n NAMESPACE patch FIELDS` merges
/// fields, as JSON or YAML, and `exec KIND/NAME -n NAMESPACE delete` deletes it. KIND is as kubectl takes it: `deployment`,
/// `deploy`, `deployment.apps`, `deployment.v1.apps`.
#[derive(Debug, clap::Args)]
#[command(override_usage = "palinode exec [OPTIONS] HOST ACTION...\n       \
                            palinode exec [OPTIONS] HOST -- COMMAND...\n       \
                            palinode exec [OPTIONS] NODE ACTION...\n       \
                            palinode exec [OPTIONS] NAMESPACE/POD -- COMMAND...\n       \
                            palinode exec [OPTIONS] KIND/NAME [-n NAMESPACE] patch FIELDS|delete")]
pub(crate) struct Exec {
    /// What it is done on: a host as ssh knows it, a node, NAMESPACE/POD, or KIND/NAME.
    #[arg(value_name = "HOST")]
    pub(super) on: String,
    /// A typed action.
    #[arg(value_name = "ACTION", required_unless_present = "command")]
    pub(super) typed: Vec<String>,
    /// A command and its arguments.
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "typed")]
    pub(super) command: Vec<String>,
    /// A file that the command changes: it is recorded before and after, and put back by `undo`.
    #[arg(long, value_name = "PATH", requires = "command")]
    pub(super) changes: Vec<String>,
    /// The command may be repeated when it is not known whether it ran.
    #[arg(long, requires = "command")]
    pub(super) repeatable: bool,
    /// The command in a pod only looks: there is nothing to take back.
    #[arg(long, requires = "command")]
    pub(super) reads: bool,
    /// The container of the pod; by default its only or first one.
    #[arg(short, long, value_name = "NAME", requires = "command")]
    pub(super) container: Option<String>,
    /// How long a command in a pod may take; by default 5m.
    #[arg(long, value_name = "SPAN", requires = "command")]
    pub(super) timeout: Option<Span>,
    /// The namespace of the object that is patched or deleted.
    #[arg(short, long, value_name = "NAME")]
    pub(super) namespace: Option<String>,
    /// The inventory that says how the host is reached, and which node it is.
    #[arg(short, long, value_name = "FILE", conflicts_with = "lab_state")]
    pub(super) inventory: Option<PathBuf>,
    /// Act in the simulated cluster of this folder; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub(super) lab_state: Option<PathBuf>,
    /// Do it without asking, where it may lock you out or could not be taken back.
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Take the host or node over although another journal claims it.
    #[arg(long, conflicts_with = "lab_state")]
    pub(super) take_over: bool,
    #[command(flatten)]
    pub(super) metadata: RunMetadata,
}
