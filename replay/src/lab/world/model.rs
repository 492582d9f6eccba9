//! The world: what exists in the simulated cluster, and the questions that are asked of it most often.

use super::attention::{Attention, Names, Vantage};
use super::files::{Entry, Files};
use super::gluster::Storage;
use super::job::JobRecord;
use super::pods::Pods;
use super::spec;
use palinode_core::id::{EntryId, Micros};
use palinode_core::resource::{Active, Nevra};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The namespace of the node groups' ConfigMaps.
pub(in crate::lab) const NODE_NAMESPACE: &str = "openshift-node";

/// The annotation with the digest of the configuration that a node runs with.
pub(in crate::lab) const MD5_ANNOTATION: &str = "node.openshift.io/md5sum";

/// The file that names a node's group.
pub(in crate::lab) const NODE_SYSCONFIG: &str = "/etc/sysconfig/atomic-openshift-node";

/// The kubelet's configuration on its host.
pub(in crate::lab) const NODE_CONFIG: &str = "/etc/origin/node/node-config.yaml";

/// The unit of the kubelet.
pub(in crate::lab) const NODE_UNIT: &str = "atomic-openshift-node";

/// Everything there is in a simulated cluster. A value: cloning it takes a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    pub(in crate::lab) clock: Micros,
    /// When the controllers next have something to do; none while nothing changes.
    pub(in crate::lab) next_tick: Option<Micros>,
    /// Source of UIDs, boot ids and generated names.
    pub(in crate::lab) serial: u64,
    pub(in crate::lab) hosts: BTreeMap<String, Arc<Host>>,
    pub(in crate::lab) nodes: BTreeMap<String, NodeRecord>,
    /// Pods by UID.
    pub(in crate::lab) pods: Pods,
    pub(in crate::lab) owners: Arc<Vec<Owner>>,
    pub(in crate::lab) budgets: Arc<Vec<Budget>>,
    /// ConfigMaps by `NAMESPACE/NAME`.
    pub(in crate::lab) config_maps: BTreeMap<String, ConfigMap>,
    pub(in crate::lab) storage: Storage,
    pub(in crate::lab) repository: Arc<BTreeSet<Nevra>>,
    pub(in crate::lab) jobs: BTreeMap<EntryId, JobRecord>,
    pub(in crate::lab) running: BTreeSet<EntryId>,
    #[serde(skip)]
    pub(in crate::lab) attention: Attention,
    /// Hosts with bricks whose gluster pod and node are Ready, but for those whose storage is still to look at.
    #[serde(skip)]
    pub(in crate::lab) vantage: Vantage,
}

/// A systemd unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Whether it runs.
    pub active: Active,
    /// `enabled`, `disabled` or `static`.
    pub enabled: String,
}

/// A kubelet that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kubelet {
    /// Since when.
    pub since: Micros,
    /// The container runtime that its configuration names: `cri-o` or `docker`.
    pub runtime: String,
}

/// A machine of the lab: its units, packages and files, and whether it is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its address.
    pub ip: String,
    /// The boot id.
    pub boot: String,
    /// While it boots: when it will be up.
    pub up_at: Option<Micros>,
    /// Units by name, without `.service`.
    pub units: BTreeMap<String, Unit>,
    /// Installed packages by name.
    pub packages: BTreeMap<String, Vec<Nevra>>,
    /// Files below `/etc`.
    pub files: Files,
    /// The kubelet, while it runs.
    pub kubelet: Option<Kubelet>,
    /// When the kubelet last stopped.
    pub stopped: Micros,
    /// Whether the gluster container's processes run, whatever the API or systemd say (T11).
    pub bricks: bool,
}

/// A Node object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// UID.
    pub uid: String,
    /// Whether it is cordoned.
    pub unschedulable: bool,
    /// As the Node has them, by key.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Taints as `key=value:Effect`.
    pub taints: BTreeSet<String>,
    /// The Ready condition.
    pub ready: bool,
    /// `containerRuntimeVersion`.
    pub runtime: String,
    /// `kubeletVersion`.
    pub kubelet: String,
}

/// A pod as the cluster has it: where it runs, who made it, and what its eviction would lose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodRecord {
    /// Where it is in the cluster.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Kind and name of the controller.
    pub owner: Option<(String, String)>,
    /// Whether it is a static pod's mirror.
    pub mirror: bool,
    /// The node it is bound to.
    pub node: String,
    /// Whether it has an emptyDir volume.
    pub emptydir: bool,
    /// Whether its emptyDir still holds everything since the cluster was made.
    pub data: bool,
    /// The runtime that runs its containers, while they run.
    pub runtime: Option<String>,
    /// When its containers will be ready, or were.
    pub ready_at: Micros,
    /// Whether it is Ready.
    pub ready: bool,
}

/// The kinds of controllers that own pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnerKind {
    /// One pod on each node that matches, cordoned or not.
    DaemonSet,
    /// Numbered pods that keep their names.
    StatefulSet,
    /// Pods with generated names.
    ReplicationController,
}

impl OwnerKind {
    /// The kind as the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DaemonSet => "DaemonSet",
            Self::StatefulSet => "StatefulSet",
            Self::ReplicationController => "ReplicationController",
        }
    }
}

/// A controller of pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Where it is in the cluster.
    pub namespace: String,
    /// Kind.
    pub kind: OwnerKind,
    /// Name.
    pub name: String,
    /// Desired pods; a DaemonSet ignores it.
    pub replicas: usize,
    /// Labels that a node must have.
    pub selector: BTreeMap<String, String>,
    /// Whether the pods take a port of the host, so that one node carries one of them.
    pub hostport: bool,
    /// Whether the pods have an emptyDir volume.
    pub emptydir: bool,
    /// Seconds from start to Ready.
    pub start: i64,
}

/// A PodDisruptionBudget over the pods of one owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Where it is in the cluster.
    pub namespace: String,
    /// The owner's name.
    pub owner: String,
    /// How many pods must stay Ready.
    pub min_available: usize,
}

/// A ConfigMap with one text in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigMap {
    /// UID.
    pub uid: String,
    /// The text.
    pub content: Arc<str>,
}

impl ConfigMap {
    /// Public marks: what its content says about the container runtime.
    pub fn marks(&self) -> BTreeMap<String, String> {
        let runtime = spec::runtime_of(&self.content);
        BTreeMap::from([("runtime".to_owned(), runtime.to_owned())])
    }
}

impl World {
    /// The virtual time.
    pub fn clock(&self) -> Micros {
        self.clock
    }

    /// The names of the hosts.
    pub fn host_names(&self) -> impl Iterator<Item = &str> {
        self.hosts.keys().map(String::as_str)
    }

    /// A host, if there is one of that name.
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.get(name).map(|host| &**host)
    }

    /// A host to change, for tests that prepare a world.
    pub fn host_mut(&mut self, name: &str) -> Option<&mut Host> {
        self.wake();
        self.attention.touch(name);
        self.hosts.get_mut(name).map(Arc::make_mut)
    }

    /// A Node object.
    pub fn node(&self, name: &str) -> Option<&NodeRecord> {
        self.nodes.get(name)
    }

    /// A Node object to change, for tests that prepare a world.
    pub fn node_mut(&mut self, name: &str) -> Option<&mut NodeRecord> {
        self.wake();
        self.attention.touch(name);
        self.nodes.get_mut(name)
    }

    /// All pods with their UIDs.
    pub fn pods(&self) -> impl Iterator<Item = (&str, &PodRecord)> {
        self.pods.iter()
    }

    /// A ConfigMap.
    pub fn config_map(&self, namespace: &str, name: &str) -> Option<&ConfigMap> {
        self.config_maps.get(&format!("{namespace}/{name}"))
    }

    /// The gluster storage.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The gluster storage to change, for tests that prepare a world.
    pub fn storage_mut(&mut self) -> &mut Storage {
        self.storage.forget();
        &mut self.storage
    }

    /// Makes the repositories lack every version of a package.
    pub fn drop_from_repository(&mut self, name: &str) {
        Arc::make_mut(&mut self.repository).retain(|nevra| nevra.name != name);
    }

    /// Adds a pod that no controller owns.
    pub(crate) fn add_bare_pod(&mut self, namespace: &str, name: &str, node: &str) {
        let uid = self.fresh("pod");
        let pod = PodRecord {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            owner: None,
            mirror: false,
            node: node.to_owned(),
            emptydir: false,
            data: false,
            runtime: None,
            ready_at: self.clock,
            ready: false,
        };
        self.add_pod(uid, pod);
        self.wake();
    }

    /// Adds a pod, for the controllers to see.
    pub(in crate::lab) fn add_pod(&mut self, uid: String, pod: PodRecord) {
        self.attention.touch(&pod.node);
        self.pods.insert(uid, pod);
    }

    /// Removes a pod, for the controllers to see.
    pub(in crate::lab) fn remove_pod(&mut self, uid: &str) {
        if let Some(pod) = self.pods.remove(uid) {
            self.attention.touch(&pod.node);
        }
    }

    /// Whether the gluster commands can be asked on a host: its pod and node are Ready.
    fn is_vantage(&self, host: &str) -> bool {
        self.nodes.get(host).is_some_and(|node| node.ready)
            && self.pods.on(host).any(|(_, pod)| pod.ready && Self::is_gluster(pod))
    }

    /// Whether a host is of the storage cluster and its gluster commands can be asked.
    pub(in crate::lab) fn is_vantage_point(&self, host: &str) -> bool {
        self.storage.is_peer(host) && self.is_vantage(host)
    }

    /// On how many hosts the gluster commands can be asked.
    pub(in crate::lab) fn vantage_points(&self) -> usize {
        let stale = &self.attention.storage;
        let fresh = match stale {
            Names::All => self.storage.peers().filter(|host| self.is_vantage(host)).count(),
            Names::Only(names) => names.iter().filter(|host| self.is_vantage_point(host)).count(),
        };
        fresh + self.vantage.0.iter().filter(|host| !stale.has(host)).count()
    }

    /// Works the storage out until now, and takes over which bricks are there.
    pub(in crate::lab) fn settle_storage(&mut self) {
        let names: Vec<String> = match self.attention.storage.take() {
            Names::All => self.storage.peers().map(str::to_owned).collect(),
            Names::Only(names) => names.into_iter().filter(|name| self.storage.is_peer(name)).collect(),
        };
        let hosts = &self.hosts;
        let is_online = |name: &str| hosts.get(name).is_some_and(|host| host.is_up() && host.bricks);
        self.storage.settle(self.clock, names.iter().map(String::as_str), is_online);
        for name in names {
            if self.is_vantage(&name) {
                self.vantage.0.insert(name);
            } else {
                self.vantage.0.remove(&name);
            }
        }
    }

    /// A new identifier in the form of a UUID; the same world makes the same ones.
    pub(in crate::lab) fn fresh(&mut self, kind: &str) -> String {
        self.serial = self.serial.wrapping_add(1);
        let hash = blake3::hash(format!("{kind} {}", self.serial).as_bytes()).to_hex();
        let text = hash.as_str();
        format!("{}-{}-4{}-a{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..32])
    }

    /// Something changed: the controllers look at the next whole five seconds.
    pub(in crate::lab) fn wake(&mut self) {
        let next = super::controllers::boundary_after(self.clock);
        self.next_tick = Some(self.next_tick.map_or(next, |tick| tick.min(next)));
    }

    /// The node group that a host's configuration names.
    pub(in crate::lab) fn group_of(&self, host: &Host) -> Option<String> {
        host.files.value(NODE_SYSCONFIG, "BOOTSTRAP_CONFIG_NAME")
    }

    /// Whether a drain would evict the pod.
    pub(in crate::lab) fn evictable(pod: &PodRecord) -> bool {
        !pod.mirror && pod.owner.as_ref().is_none_or(|(kind, _)| kind != "DaemonSet")
    }

    /// Whether the pod is the gluster pod of its node.
    pub(in crate::lab) fn is_gluster(pod: &PodRecord) -> bool {
        pod.owner.as_ref().is_some_and(|(kind, name)| kind == "DaemonSet" && name == "glusterfs-storage")
    }
}

impl Host {
    /// Whether it answers.
    pub(crate) fn is_up(&self) -> bool {
        self.up_at.is_none()
    }

    /// Whether a unit runs.
    pub fn active(&self, unit: &str) -> bool {
        self.unit(unit).is_some_and(|unit| unit.active == Active::Active)
    }

    /// A unit; `cri-o` is an alias of `crio`.
    pub fn unit(&self, unit: &str) -> Option<&Unit> {
        self.units.get(spec::unit_name(unit))
    }

    /// Whether names resolve: a foreign name server always answers, the host's own only while dnsmasq runs and knows
    /// where to ask.
    pub fn resolves(&self) -> bool {
        let Some(Entry::File { content, .. }) = self.files.get("/etc/resolv.conf") else {
            return false;
        };
        spec::nameservers(content).any(|server| match server == self.ip || server.starts_with("127.") {
            true => self.active("dnsmasq") && self.files.get("/etc/dnsmasq.d/origin-upstream-dns.conf").is_some(),
            false => true,
        })
    }

    /// Makes the units match what packages and local unit files provide. A unit that appears is disabled.
    pub(in crate::lab) fn sync_units(&mut self) {
        let mut there: BTreeSet<String> = spec::BASE_UNITS.iter().map(|unit| (*unit).to_owned()).collect();
        there.extend(self.packages.keys().flat_map(|name| spec::units(name)).map(|unit| (*unit).to_owned()));
        let local = self.files.below("/etc/systemd/system").filter_map(|(path, _)| {
            let name = path.strip_prefix("/etc/systemd/system/")?.strip_suffix(".service")?;
            (!name.contains('/')).then(|| name.to_owned())
        });
        there.extend(local);
        self.units.retain(|name, _| there.contains(name));
        for name in there {
            let fresh = || Unit { active: Active::Inactive, enabled: "disabled".to_owned() };
            self.units.entry(name).or_insert_with(fresh);
        }
    }
}
