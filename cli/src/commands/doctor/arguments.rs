//! The arguments of `palinode doctor`, with their help.

use std::path::PathBuf;

/// Look at hosts or the cluster before a run, or measure what the disk under the journal really promises.
///
/// `doctor HOST...` looks whether hosts can be reached, with which key and as whom, and at systemd, the package
/// manager and its lock, space, clock, claims and jobs. `doctor --cluster` looks whether the cluster's API can be
/// reached, at its version, the rights of these credentials, its clock, its nodes and their claims, and at what this
/// server cannot do. Nothing is changed there.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "palinode doctor [OPTIONS] HOST...\n       palinode doctor [OPTIONS] --inventory FILE [HOST|GROUP]...\n       palinode doctor [OPTIONS] --cluster\n       palinode doctor [OPTIONS] --disk [DIR] [--power-cut]\n       palinode doctor [OPTIONS] --report [FILE]",
    after_help = "Exit codes: 0 all well, 1 something would keep a run from working, or the disk breaks a promise, 2 a host \
                        or the cluster could not be looked at, or the disk not be measured.\n\
                        --disk works in a folder of its own beside the journal, whose files are not touched."
)]
pub(crate) struct Doctor {
    /// The hosts, as ssh knows them; with -i, hosts or groups of the inventory.
    #[arg(value_name = "HOST", required_unless_present_any = ["cluster", "disk", "inventory", "report"])]
    pub(crate) hosts: Vec<String>,
    /// All hosts of this inventory, or those that are named.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) inventory: Option<PathBuf>,
    /// The cluster that KUBECONFIG, or --kubeconfig and --context, name.
    #[arg(long, conflicts_with_all = ["hosts", "inventory", "disk", "power_cut", "report"])]
    pub(crate) cluster: bool,
    /// The disk under the journal, or under DIR.
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with_all = ["hosts", "inventory"])]
    pub(crate) disk: Option<Option<PathBuf>>,
    /// As root: make a throw-away file system on that disk, cut its power under a writer, and see what is lost.
    #[arg(long, requires = "disk", conflicts_with_all = ["hosts", "inventory"])]
    pub(crate) power_cut: bool,
    /// Write one file for a bug report, to be read before it is sent: versions, the disk, the journal, the runs, and the
    /// last events of runs that ended badly. Names and addresses are replaced; no output, content or secret is in it.
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["hosts", "inventory", "disk", "power_cut"])]
    pub(crate) report: Option<Option<PathBuf>>,
}
