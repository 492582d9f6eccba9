//! The default lab: the eleven nodes of the CRI-O migration, as they were before it.

use super::files::{Entry, Files};
use super::gluster::Storage;
use super::playbook::{DOCKER_STORAGE, node_files, own_resolver, sysconfig};
use super::spec;
use super::world::{
    Budget, ConfigMap, Host, Kubelet, MD5_ANNOTATION, NODE_CONFIG, NODE_NAMESPACE, NODE_SYSCONFIG, NODE_UNIT,
    NodeRecord, Owner, OwnerKind, PodRecord, Unit, World,
};
use palinode_core::id::Micros;
use palinode_core::resource::Active;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// When the default lab begins: 2020-03-02 08:00 UTC.
const BEGIN: Micros = Micros::seconds(1_583_136_000);

/// Name, last byte of the address, node group, custom labels.
type Machine = (&'static str, u8, &'static str, &'static [(&'static str, &'static str)]);

const STORAGE: [&str; 3] = ["gluster1.demo", "gluster2.demo", "gluster3.demo"];

const MACHINES: [Machine; 11] = [
    ("master1.demo", 11, "node-config-master", &[("region", "demo"), ("zone", "a")]),
    ("master2.demo", 12, "node-config-master", &[("region", "demo"), ("zone", "b")]),
    ("master3.demo", 13, "node-config-master", &[("region", "demo"), ("zone", "c")]),
    ("gluster1.demo", 21, "node-config-infra-crio", &custom_storage("a")),
    ("gluster2.demo", 22, "node-config-infra-crio", &custom_storage("b")),
    ("gluster3.demo", 23, "node-config-infra-crio", &custom_storage("c")),
    ("ingress1.demo", 31, "node-config-infra", &[("ingress", "true"), ("region", "demo"), ("zone", "a")]),
    ("ingress2.demo", 32, "node-config-infra", &[("ingress", "true"), ("region", "demo"), ("zone", "b")]),
    ("ingress3.demo", 33, "node-config-infra", &[("ingress", "true"), ("region", "demo"), ("zone", "c")]),
    ("compute1.demo", 41, "node-config-compute", &[("region", "demo"), ("zone", "a")]),
    ("compute2.demo", 42, "node-config-compute", &[("region", "demo"), ("zone", "b")]),
];

/// Labels of a storage node that its node group does not give, and that vanish with its Node object (T13).
const fn custom_storage(zone: &'static str) -> [(&'static str, &'static str); 5] {
    [("glusterfs", "storage-host"), ("logging", "true"), ("monitoring", "true"), ("region", "demo"), ("zone", zone)]
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
        let start = Micros(BEGIN.0 - Micros::seconds(600).0);
        let volumes = [("app-data", 3, 9), ("git-data", 1, 6), ("heketidbstorage", 1, 12), ("registry", 2, 8)];
        let packages = spec::NODE_PACKAGES.iter().chain(spec::BASE_PACKAGES).chain(&["cockpit-docker"]);
        let mut world = Self {
            clock: start,
            next_tick: Some(start),
            serial: 0,
            hosts: BTreeMap::new(),
            nodes: BTreeMap::new(),
            pods: BTreeMap::new(),
            owners: Arc::new(WORKLOADS.iter().map(owner).collect()),
            budgets: Arc::new(vec![Budget {
                namespace: "openshift-monitoring".to_owned(),
                owner: "alertmanager-main".to_owned(),
                min_available: 2,
            }]),
            config_maps: BTreeMap::new(),
            storage: Storage::new(&STORAGE, &volumes, start),
            repository: Arc::new(packages.map(|name| spec::nevra(name)).collect()),
            jobs: BTreeMap::new(),
            running: BTreeSet::new(),
        };
        for group in ["master", "infra", "infra-crio", "compute", "compute-crio"] {
            let group = format!("node-config-{group}");
            let uid = world.fresh("configmap");
            let content = spec::default_group(&group).unwrap_or_default().into();
            world.config_maps.insert(format!("{NODE_NAMESPACE}/{group}"), ConfigMap { uid, content });
        }
        for machine in &MACHINES {
            world.add_machine(machine, start);
        }
        world.advance_to(BEGIN);
        // The pods' first start is no history of the storage.
        world.storage = Storage::new(&STORAGE, &volumes, BEGIN);
        for pod in world.pods.values_mut() {
            pod.data = pod.emptydir;
        }
        world
    }

    fn add_machine(&mut self, (name, byte, group, custom): &Machine, start: Micros) {
        let crio = group.ends_with("-crio");
        let config = spec::default_group(group).unwrap_or_default();
        let ip = format!("10.42.0.{byte}");
        let mut packages: Vec<&str> = spec::BASE_PACKAGES.to_vec();
        packages.extend(
            spec::NODE_PACKAGES.iter().filter(|name| crio || !matches!(**name, "cri-o" | "cri-tools" | "criu")),
        );
        let boot = self.fresh("boot");
        let mut host = Host {
            files: machine_files(name, &ip, group, &config),
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
        let mut labels = super::controllers::node_labels(name, &config);
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
        self.hosts.insert((*name).to_owned(), Arc::new(host));
        self.nodes.insert((*name).to_owned(), node);
        if name.starts_with("master") {
            for component in ["master-api", "master-controllers", "master-etcd"] {
                let pod = PodRecord {
                    namespace: "kube-system".to_owned(),
                    name: format!("{component}-{name}"),
                    owner: None,
                    mirror: true,
                    node: (*name).to_owned(),
                    emptydir: false,
                    data: false,
                    runtime: None,
                    ready_at: start,
                    ready: false,
                };
                let uid = self.fresh("pod");
                self.pods.insert(uid, pod);
            }
        }
    }
}

fn owner((namespace, kind, name, replicas, selector, hostport, emptydir, start): &Workload) -> Owner {
    Owner {
        namespace: (*namespace).to_owned(),
        kind: *kind,
        name: (*name).to_owned(),
        replicas: *replicas,
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
    for (name, _, group, _) in &MACHINES {
        let docker = if group.ends_with("-crio") { "" } else { " openshift_use_crio=False" };
        if *name == "gluster1.demo" {
            text.push_str("# Storage nodes: one zone each, never two at once.\n");
        }
        text.push_str(&format!("{name} openshift_node_group_name='{group}'{docker}\n"));
    }
    text.push_str("\n[glusterfs]\n");
    for name in STORAGE {
        text.push_str(&format!("{name} glusterfs_devices='[ \"/dev/vdb\" ]'\n"));
    }
    text
}
