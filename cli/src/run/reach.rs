//! How hosts and their cluster are reached, and which of a plan's steps need which of them.

use crate::args::Args;
use crate::error::{Exit, Failure};
use crate::journal::place_of;
use crate::render::{escape, to_stderr};
use palinode_core::action::{Action, Place, Playbook};
use palinode_core::chain::chain;
use palinode_core::id::HostName;
use palinode_core::inventory::model::Reading;
use palinode_core::run::plan::{Plan, Work};
use palinode_executors::{Claim, Cluster, Fence, Fleet, Given, NoCluster, PlaybookDirs, Real, SshSettings};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

/// Whether a plan has to do with the cluster's API.
pub(super) fn needs_cluster(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| match &step.work {
        Work::Act(action) => Real::needs_cluster(action),
        Work::Gate { gate, .. } => Real::gate_needs_cluster(gate),
    })
}

/// The hosts of a plan that something is done on, and not only in the cluster.
pub(super) fn by_ssh(plan: &Plan) -> Vec<HostName> {
    let there = plan.steps.iter().filter(|step| match &step.work {
        Work::Act(action) => action.place() != Place::Cluster,
        Work::Gate { gate, .. } => !Real::gate_needs_cluster(gate),
    });
    let needed: BTreeSet<&HostName> = there.filter_map(|step| step.target.host.as_ref()).collect();
    plan.hosts().filter(|host| needed.contains(host)).cloned().collect()
}

/// The hosts of a plan whose Node has a part in it.
pub(super) fn by_node(plan: &Plan) -> Vec<HostName> {
    let there = plan.steps.iter().filter(|step| match &step.work {
        Work::Act(action) => Real::needs_cluster(action),
        Work::Gate { .. } => false,
    });
    let needed: BTreeSet<&HostName> = there.filter_map(|step| step.target.host.as_ref()).collect();
    needed.into_iter().cloned().collect()
}

/// The cluster, as the command line or the environment names it.
pub(super) fn cluster(
    args: &Args,
    runtime: &Runtime,
    claim: Claim,
    names: BTreeMap<HostName, Given>,
) -> Result<Cluster, Failure> {
    let open = Cluster::open(args.kubeconfig.as_deref(), args.context.as_deref(), claim, names);
    runtime.block_on(open).map_err(|error| {
        let exit =
            if matches!(error, NoCluster::Config(_) | NoCluster::NotPlain { .. }) { Exit::Usage } else { Exit::Failed };
        Failure::new(
            exit,
            format!("the plan has to do with the cluster: {}; nothing was touched", escape(&chain(&error))),
            "see that `kubectl version` works from here; name the file with --kubeconfig, the context with --context",
        )
    })
}

/// The same, to look before there is a plan: in nobody's name, so that nothing can be changed by it.
pub(crate) fn cluster_to_ask(args: &Args, runtime: &Runtime, names: NodeNames) -> Result<Cluster, Failure> {
    cluster(args, runtime, Claim { journal: String::new(), words: String::new(), fence: Fence::default() }, names)
}

/// The same, where it matters why there is none.
pub(crate) async fn open_to_ask(args: &Args) -> Result<Cluster, NoCluster> {
    let nobody = Claim { journal: String::new(), words: String::new(), fence: Fence::default() };
    Cluster::open(args.kubeconfig.as_deref(), args.context.as_deref(), nobody, NodeNames::new()).await
}

/// What waits for hosts.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(Exit::Failed, format!("cannot start: {error}"), "see that the machine has file handles left")
    })
}

/// What the nodes of hosts may be known by.
pub(crate) type NodeNames = BTreeMap<HostName, Given>;

/// How hosts are reached, and what their nodes may be known by.
type Reached = (BTreeMap<HostName, SshSettings>, NodeNames);

/// What an inventory says of how hosts are reached.
pub(crate) fn ways<'a>(
    path: &Path,
    reading: &Reading,
    hosts: impl Iterator<Item = &'a HostName>,
) -> Result<Reached, Failure> {
    for file in reading.encrypted() {
        to_stderr(&format!("note: {} is encrypted; what it says of reaching hosts is not known\n", escape(file)));
    }
    let (mut ways, mut names) = (BTreeMap::new(), BTreeMap::new());
    for host in hosts {
        let text = |name: &str| reading.setting(host.as_str(), name).and_then(|said| said.value.printed());
        let given = Given { name: text("openshift_kubelet_name_override"), address: text("ansible_host") };
        if given != Given::default() {
            names.insert(host.clone(), given);
        }
        let way = SshSettings::read(reading, host).map_err(|bad| {
            Failure::usage(
                format!("the inventory {} does not say how a host is reached: {bad}", path.display()),
                "write a plain value there, or leave it away and say it in the configuration of ssh",
            )
        })?;
        ways.extend(way.map(|way| (host.clone(), way)));
    }
    Ok((ways, names))
}

/// The operator's hosts.
pub(crate) fn fleet(ssh_config: Option<&Path>, ways: BTreeMap<HostName, SshSettings>) -> Result<Fleet, Failure> {
    Fleet::new(ssh_config, ways).map_err(|error| {
        let what = ssh_config.map_or_else(String::new, |path| format!(" with {}", path.display()));
        Failure::usage(
            format!("cannot set ssh up{what}: {error}"),
            "name a file that can be read with --ssh-config, and see that /tmp can be written",
        )
    })
}

/// What playbooks need of this machine: their jobs are the journal's, who runs them is known to all journals of a user.
pub(super) fn playbook_dirs(journal: &Path, ssh: Option<&Path>) -> PlaybookDirs {
    let jobs = place_of(journal).join("jobs");
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")));
    let claims = state.filter(|path| path.is_absolute()).map(|path| path.join("palinode/inventories"));
    let ssh = ssh.and_then(|path| std::path::absolute(path).ok());
    PlaybookDirs { claims: claims.unwrap_or_else(|| jobs.join(".claims")), jobs, ssh }
}

/// The playbooks of a plan.
pub(super) fn playbooks(plan: &Plan) -> Vec<&Playbook> {
    let all = plan.steps.iter().filter_map(|step| match &step.work {
        Work::Act(Action::Playbook(playbook)) => Some(&**playbook),
        _ => None,
    });
    let mut seen = BTreeSet::new();
    all.filter(|playbook| seen.insert(playbook.inventory.as_str())).collect()
}
