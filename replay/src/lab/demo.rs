//! The default lab: the eleven nodes of the CRI-O migration, as they were before it; and larger clusters of that shape.

use super::world::attention::{Attention, Vantage};
use super::world::files::{Entry, Files};
use super::world::gluster::Storage;
use super::world::model::{
    Budget, ConfigMap, Host, Kubelet, MD5_ANNOTATION, NODE_CONFIG, NODE_NAMESPACE, NODE_SYSCONFIG, NODE_UNIT,
    NodeRecord, Owner, OwnerKind, PodRecord, Unit, World,
};
use super::world::node_files::{DOCKER_STORAGE, node_files, own_resolver, sysconfig};
use super::world::pods::Pods;
use super::world::spec;
use palinode_core::id::Micros;
use palinode_core::resource::Active;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// When the default lab begins: 2020-03-02 08:00 UTC.
const BEGIN: Micros = Micros::seconds(1_583_136_000);

/// How many storage nodes the default lab has.
pub const DEFAULT_NODES: usize = 3;

/// How many a lab may have: replicas need three, and beyond two thousand a lab only takes time.
pub const NODES: std::ops::RangeInclusive<usize> = DEFAULT_NODES..=2000;

/// Volumes of one group of storage nodes: name, entries written and healed in a period.
const VOLUMES: [(&str, u64, u64); 4] =
    [("app-data", 3, 9), ("git-data", 1, 6), ("heketidbstorage", 1, 12), ("registry", 2, 8)];

const ZONES: [&str; 3] = ["a", "b", "c"];

/// The shape of a lab: masters and ingress nodes are three each, the rest grows with the storage nodes.
#[derive(Debug, Clone, Copy)]
struct Shape {
    storage: usize,
}

impl Shape {
    /// Storage nodes that replicate among themselves stand in groups of three; what is left over joins the last group.
    fn groups(self) -> usize {
        self.storage / 3
    }

    fn compute(self) -> usize {
        2.max(self.storage / 10)
    }

    /// Pods of an owner, from those of the default lab: where its nodes grow in number, so does it.
    fn replicas(self, replicas: usize, selector: &[(&str, &str)]) -> usize {
        if selector == MONITORING {
            replicas * self.groups()
        } else if selector == COMPUTE {
            replicas * self.compute() / 2
        } else {
            replicas
        }
    }

    fn machines(self) -> Vec<Machine> {
        let mut machines = Vec::new();
        let mut add = |role: &'static str, count: usize, group, custom: fn(&'static str) -> Labels| {
            for number in 1..=count {
                let name = format!("{role}{number}.demo");
                machines.push(Machine { name, ip: address(role, number), group, custom: custom(zone(number)) });
            }
        };
        add("master", 3, "node-config-master", plain);
        add("gluster", self.storage, "node-config-infra-crio", custom_storage);
        add("ingress", 3, "node-config-infra", |zone| [vec![("ingress", "true")], plain(zone)].concat());
        add("compute", self.compute(), "node-config-compute", plain);
        machines
    }

    /// The volumes of every group, three bricks each in three zones. In a group of more than three nodes the volumes
    /// share the nodes of a zone among them.
    fn storage(self, now: Micros) -> Storage {
        let mut storage = Storage::new(&[], &[], now);
        for group in 0..self.groups() {
            let first = 3 * group + 1;
            let last = if group + 1 == self.groups() { self.storage } else { first + 2 };
            for (at, (name, written, healed)) in VOLUMES.iter().enumerate() {
                let hosts = [0, 1, 2].map(|zone| {
                    let nodes: Vec<usize> = (first + zone..=last).step_by(3).collect();
                    format!("gluster{}.demo", nodes[(at >> zone) % nodes.len()])
                });
                let name = if group == 0 { (*name).to_owned() } else { format!("{name}-{}", group + 1) };
                storage.add(&name, &hosts.each_ref().map(String::as_str), *written, *healed);
            }
        }
        storage
    }
}

/// The zone of the first, second, ... machine of a role.
fn zone(number: usize) -> &'static str {
    ZONES[(number - 1) % ZONES.len()]
}

/// Few machines of each role share a network with all; the others have one of their own.
fn address(role: &str, number: usize) -> String {
    let (tens, network) = match role {
        "master" => (10, 43),
        "gluster" => (20, 44),
        "ingress" => (30, 45),
        _ => (40, 46),
    };
    match number {
        1..10 => format!("10.42.0.{}", tens + number),
        _ => format!("10.{network}.{}.{}", number / 250, number % 250 + 1),
    }
}

/// Labels that a node group does not give.
type Labels = Vec<(&'static str, &'static str)>;

/// One machine of a lab.
struct Machine {
    name: String,
    ip: String,
    group: &'static str,
    custom: Labels,
}

fn plain(zone: &'static str) -> Labels {
    vec![("region", "demo"), ("zone", zone)]
}

/// Labels of a storage node that its node group does not give, and that vanish with its Node object (T13).
fn custom_storage(zone: &'static str) -> Labels {
    [vec![("glusterfs", "storage-host"), ("logging", "true"), ("monitoring", "true")], plain(zone)].concat()
}

/// Namespace, kind, name, replicas, selector, hostport, emptyDir, seconds to Ready.
type Workload =
    (&'static str, OwnerKind, &'static str, usize, &'static [(&'static str, &'static str)], bool, bool, i64);

const GLUSTER: &[(&str, &str)] = &[("glusterfs", "storage-host")];
const MONITORING: &[(&str, &str)] = &[("monitoring", "true")];
const INGRESS: &[(&str, &str)] = &[("ingress", "true")];
const COMPUTE: &[(&str, &str)] = &[("node-role.kubernetes.io/compute", "true")];

const WORKLOADS: [Workload; 15] = [
    (NODE_NAMESPACE, OwnerKind::DaemonSet, "sync", 0, &[], false, false, 10),
    ("openshift-sdn", OwnerKind::DaemonSet, "ovs", 0, &[], false, false, 10),
    ("openshift-sdn", OwnerKind::DaemonSet, "sdn", 0, &[], false, false, 15),
    ("glusterfs", OwnerKind::DaemonSet, "glusterfs-storage", 0, GLUSTER, false, false, 40),
    ("glusterfs", OwnerKind::ReplicationController, "heketi-storage-1", 1, GLUSTER, false, false, 30),
    ("openshift-monitoring", OwnerKind::StatefulSet, "prometheus-k8s", 2, MONITORING, false, true, 30),
    ("openshift-monitoring", OwnerKind::StatefulSet, "alertmanager-main", 3, MONITORING, false, true, 30),
    ("openshift-infra", OwnerKind::ReplicationController, "hawkular-cassandra-1", 1, MONITORING, false, false, 45),
    ("openshift-infra", OwnerKind::ReplicationController, "hawkular-metrics", 1, MONITORING, false, false, 45),
    ("openshift-infra", OwnerKind::ReplicationController, "heapster", 1, MONITORING, false, false, 30),
    ("default", OwnerKind::ReplicationController, "docker-registry-1", 2, INGRESS, false, false, 20),
    ("default", OwnerKind::ReplicationController, "router-1", 3, INGRESS, true, false, 20),
    ("sources", OwnerKind::ReplicationController, "git-server-1", 1, COMPUTE, false, false, 20),
    ("sources", OwnerKind::ReplicationController, "writer-1", 4, COMPUTE, false, false, 10),
    ("sources", OwnerKind::ReplicationController, "web-1", 2, COMPUTE, false, false, 10),
];

impl World {
    /// The default lab, settled: every node Ready, every pod running, every volume healed.
    pub fn demo() -> Self {
        Self::of(DEFAULT_NODES)
    }

    /// A lab of that shape with so many storage nodes, at least three: groups of three that replicate among themselves,
    /// each with volumes and monitoring of its own.
    pub fn of(storage_nodes: usize) -> Self {
        let shape = Shape { storage: storage_nodes.max(DEFAULT_NODES) };
        let start = Micros(BEGIN.0 - Micros::seconds(600).0);
        let packages = spec::NODE_PACKAGES.iter().chain(spec::BASE_PACKAGES).chain(&["cockpit-docker"]);
        let mut world = Self {
            clock: start,
            next_tick: Some(start),
            serial: 0,
            hosts: BTreeMap::new(),
            nodes: BTreeMap::new(),
            pods: Pods::default(),
            owners: Arc::new(WORKLOADS.iter().map(|workload| owner(workload, shape)).collect()),
            budgets: Arc::new(vec![Budget {
                namespace: "openshift-monitoring".to_owned(),
                owner: "alertmanager-main".to_owned(),
                min_available: 3 * shape.groups() - 1,
            }]),
            config_maps: BTreeMap::new(),
            storage: shape.storage(start),
            repository: Arc::new(packages.map(|name| spec::nevra(name)).collect()),
            jobs: BTreeMap::new(),
            running: BTreeSet::new(),
            attention: Attention::default(),
            vantage: Vantage::default(),
        };
        for group in ["master", "infra", "infra-crio", "compute", "compute-crio"] {
            let group = format!("node-config-{group}");
            let uid = world.fresh("configmap");
            let content = spec::default_group(&group).unwrap_or_default().into();
            world.config_maps.insert(format!("{NODE_NAMESPACE}/{group}"), ConfigMap { uid, content });
        }
        for machine in shape.machines() {
            world.add_machine(machine, start);
        }
        world.advance_to(BEGIN);
        // The pods' first start is no history of the storage.
        world.storage = shape.storage(BEGIN);
        world.attention = Attention::default();
        world.pods.change_all(|pod| pod.data = pod.emptydir);
        world
    }

    fn add_machine(&mut self, Machine { name, ip, group, custom }: Machine, start: Micros) {
        let crio = group.ends_with("-crio");
        let config = spec::default_group(group).unwrap_or_default();
        let mut packages: Vec<&str> = spec::BASE_PACKAGES.to_vec();
        packages.extend(
            spec::NODE_PACKAGES.iter().filter(|name| crio || !matches!(**name, "cri-o" | "cri-tools" | "criu")),
        );
        let boot = self.fresh("boot");
        let mut host = Host {
            files: machine_files(&name, &ip, group, &config),
            packages: packages.iter().map(|name| ((*name).to_owned(), vec![spec::nevra(name)])).collect(),
            ip,
            boot,
            up_at: None,
            units: BTreeMap::new(),
            kubelet: Some(Kubelet { since: start, runtime: spec::runtime_of(&config).to_owned() }),
            stopped: start,
            bricks: custom.contains(&("glusterfs", "storage-host")),
        };
        for package in &packages {
            for (path, content) in spec::configs(package) {
                if !host.files.exists(path) {
                    host.files.put(path, Entry::text(*content));
                }
            }
        }
        for unit in spec::BASE_UNITS {
            host.units.insert((*unit).to_owned(), Unit { active: Active::Active, enabled: "enabled".to_owned() });
        }
        host.sync_units();
        for unit in [NODE_UNIT, "crio", "docker", "dnsmasq"] {
            if let Some(unit) = host.units.get_mut(unit) {
                *unit = Unit { active: Active::Active, enabled: "enabled".to_owned() };
            }
        }
        let mut labels = super::world::controllers::node_labels(&name, &config);
        labels.extend(custom.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let annotations = [
            (MD5_ANNOTATION, spec::md5(&config)),
            ("volumes.kubernetes.io/controller-managed-attach-detach", "true".to_owned()),
        ];
        let node = NodeRecord {
            uid: self.fresh("node"),
            unschedulable: false,
            labels,
            annotations: annotations.map(|(key, value)| (key.to_owned(), value)).into(),
            taints: BTreeSet::new(),
            ready: true,
            runtime: host.runtime_version(spec::runtime_of(&config)),
            kubelet: spec::KUBELET.to_owned(),
        };
        self.hosts.insert(name.clone(), Arc::new(host));
        self.nodes.insert(name.clone(), node);
        if name.starts_with("master") {
            for component in ["master-api", "master-controllers", "master-etcd"] {
                let pod = PodRecord {
                    namespace: "kube-system".to_owned(),
                    name: format!("{component}-{name}"),
                    owner: None,
                    mirror: true,
                    node: name.clone(),
                    emptydir: false,
                    data: false,
                    runtime: None,
                    ready_at: start,
                    ready: false,
                };
                let uid = self.fresh("pod");
                self.add_pod(uid, pod);
            }
        }
    }
}

fn owner((namespace, kind, name, replicas, selector, hostport, emptydir, start): &Workload, shape: Shape) -> Owner {
    Owner {
        namespace: (*namespace).to_owned(),
        kind: *kind,
        name: (*name).to_owned(),
        replicas: shape.replicas(*replicas, selector),
        selector: selector.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        hostport: *hostport,
        emptydir: *emptydir,
        start: *start,
    }
}

fn machine_files(name: &str, ip: &str, group: &str, config: &str) -> Files {
    let mut files = Files::default();
    for (path, entry) in node_files() {
        files.put(path, entry);
    }
    for (path, content) in spec::credentials(name) {
        files.put(path, Entry::private(content));
    }
    files.put(NODE_CONFIG, Entry::private(config));
    files.put(NODE_SYSCONFIG, Entry::text(sysconfig(group)));
    files.put("/etc/resolv.conf", own_resolver(ip));
    files.put("/etc/hostname", Entry::text(format!("{name}\n")));
    files.put("/etc/localtime", Entry::Link { target: "../usr/share/zoneinfo/UTC".to_owned() });
    let plain = "[main]\ncachedir=/var/cache/yum/$basearch/$releasever\nkeepcache=0\ninstallonly_limit=5\n";
    let yum = spec::excluded(plain, "atomic-openshift-excluder", true);
    let yum = spec::excluded(&yum, "atomic-openshift-docker-excluder", true);
    files.put("/etc/yum.conf", Entry::text(yum));
    if spec::runtime_of(config) == "cri-o" {
        // Changed since it was installed: removing the package leaves a .rpmsave (T47).
        let tuned = "[crio]\nstorage_driver = \"overlay\"\n\n[crio.runtime]\npids_limit = 4096\n";
        files.put("/etc/crio/crio.conf", Entry::text(tuned));
        files.put("/etc/crictl.yaml", Entry::text("runtime-endpoint: /var/run/crio/crio.sock\n"));
    }
    files.put("/etc/sysconfig/docker-storage", Entry::text(DOCKER_STORAGE));
    files
}

/// The inventory of the default lab.
pub fn inventory_text() -> String {
    inventory_of(DEFAULT_NODES)
}

/// The inventory of a lab with so many storage nodes, see [`World::of`].
pub fn inventory_of(storage_nodes: usize) -> String {
    let machines = Shape { storage: storage_nodes.max(DEFAULT_NODES) }.machines();
    let mut text = String::from(
        "# Inventory of the demo cluster.\n\
         # Storage nodes run CRI-O, all others Docker.\n\
         \n\
         [OSEv3:children]\nmasters\nnodes\netcd\nglusterfs\n\
         \n\
         [OSEv3:vars]\n\
         ansible_user=root\n\
         openshift_deployment_type=openshift-enterprise\n\
         openshift_release=3.11\n\
         # CRI-O unless a host says otherwise.\n\
         openshift_use_crio=True\n\
         openshift_master_default_subdomain=apps.demo\n\
         openshift_storage_glusterfs_namespace=glusterfs\n\
         openshift_storage_glusterfs_name=storage\n",
    );
    for section in ["masters", "etcd"] {
        text.push_str(&format!("\n[{section}]\nmaster1.demo\nmaster2.demo\nmaster3.demo\n"));
    }
    text.push_str("\n[nodes]\n");
    for Machine { name, group, .. } in &machines {
        let docker = if group.ends_with("-crio") { "" } else { " openshift_use_crio=False" };
        if *name == "gluster1.demo" {
            text.push_str("# Storage nodes: one zone each, never two at once.\n");
        }
        text.push_str(&format!("{name} openshift_node_group_name='{group}'{docker}\n"));
    }
    text.push_str("\n[glusterfs]\n");
    for Machine { name, .. } in machines.iter().filter(|machine| machine.group.ends_with("-crio")) {
        text.push_str(&format!("{name} glusterfs_devices='[ \"/dev/vdb\" ]'\n"));
    }
    text
}
