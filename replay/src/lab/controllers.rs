//! What the cluster does by itself: boots end, kubelets register nodes, pods are made, placed and started, node
//! configurations are pulled. A function of the world and its clock; it looks at whole five seconds only.

use super::files::Entry;
use super::spec;
use super::world::{
    ConfigMap, Kubelet, MD5_ANNOTATION, NODE_CONFIG, NODE_NAMESPACE, NODE_UNIT, NodeRecord, Owner, OwnerKind,
    PodRecord, World,
};
use palinode_core::id::Micros;
use palinode_core::resource::Active;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const STEP: i64 = 5_000_000;
const REGISTERS: Micros = Micros::seconds(20);
const MISSED: Micros = Micros::seconds(40);
const SYNC: i64 = 180;

/// The next whole five seconds after a time.
pub(super) fn boundary_after(time: Micros) -> Micros {
    Micros((time.0.div_euclid(STEP) + 1).saturating_mul(STEP))
}

fn boundary_at(time: Micros) -> Micros {
    Micros(time.0.saturating_add(STEP - 1).div_euclid(STEP).saturating_mul(STEP))
}

/// What one round of the controllers came to.
struct Round {
    now: Micros,
    changed: bool,
    next: Option<Micros>,
}

impl Round {
    fn at(&mut self, time: Micros) {
        let time = boundary_at(time).max(boundary_after(self.now));
        self.next = Some(self.next.map_or(time, |next| next.min(time)));
    }
}

impl World {
    /// Lets the controllers work until a time, jobs aside, and moves the clock there.
    pub(super) fn tick_to(&mut self, to: Micros) {
        while let Some(at) = self.next_tick.filter(|at| *at <= to) {
            self.clock = self.clock.max(at);
            self.tick();
        }
        self.clock = self.clock.max(to);
        self.settle_storage();
    }

    pub(super) fn settle_storage(&mut self) {
        let hosts = &self.hosts;
        self.storage.settle(self.clock, |name| hosts.get(name).is_some_and(|host| host.is_up() && host.bricks));
    }

    fn tick(&mut self) {
        let mut round = Round { now: self.clock, changed: false, next: None };
        self.boots(&mut round);
        self.kubelets(&mut round);
        self.collect(&mut round);
        self.daemon_sets(&mut round);
        self.replicas(&mut round);
        self.containers(&mut round);
        self.sync(&mut round);
        if round.changed {
            round.at(round.now);
        }
        self.next_tick = round.next;
        self.settle_storage();
    }

    fn boots(&mut self, round: &mut Round) {
        for host in self.hosts.values_mut() {
            let Some(up_at) = host.up_at else {
                continue;
            };
            if up_at > round.now {
                round.at(up_at);
                continue;
            }
            let host = Arc::make_mut(host);
            host.up_at = None;
            round.changed = true;
            let enabled: Vec<String> = host
                .units
                .iter()
                .filter(|(_, unit)| matches!(unit.enabled.as_str(), "enabled" | "static"))
                .map(|(name, _)| name.clone())
                .collect();
            for name in enabled {
                // A unit that cannot start is left failed, as at any boot.
                let _ = host.start(&name, round.now);
            }
        }
    }

    fn kubelets(&mut self, round: &mut Round) {
        for (name, host) in &mut self.hosts {
            let Some(kubelet) = &host.kubelet else {
                if let Some(node) = self.nodes.get_mut(name).filter(|node| node.ready) {
                    let missed = host.stopped.plus(MISSED);
                    if missed <= round.now {
                        node.ready = false;
                        round.changed = true;
                    } else {
                        round.at(missed);
                    }
                }
                continue;
            };
            let serves = host.active(if kubelet.runtime == "docker" { "docker" } else { "crio" });
            let registers = kubelet.since.plus(REGISTERS);
            if let Some(node) = self.nodes.get_mut(name) {
                if node.ready && !serves {
                    node.ready = false;
                    round.changed = true;
                }
                if !node.ready && serves && registers <= round.now {
                    node.ready = true;
                    node.runtime = host.runtime_version(&kubelet.runtime);
                    round.changed = true;
                }
                if !node.ready && serves && registers > round.now {
                    round.at(registers);
                }
                continue;
            }
            if registers > round.now {
                round.at(registers);
                continue;
            }
            self.serial = self.serial.wrapping_add(1);
            let uid = blake3::hash(format!("node {}", self.serial).as_bytes()).to_hex();
            let config = host.files.text(NODE_CONFIG).unwrap_or_default();
            let node = NodeRecord {
                uid: format!("{}-{}-4{}-b{}-{}", &uid[..8], &uid[8..12], &uid[13..16], &uid[17..20], &uid[20..32]),
                unschedulable: false,
                labels: node_labels(name, config),
                annotations: BTreeMap::from([(
                    "volumes.kubernetes.io/controller-managed-attach-detach".to_owned(),
                    "true".to_owned(),
                )]),
                taints: BTreeSet::new(),
                ready: serves,
                runtime: host.runtime_version(&kubelet.runtime),
                kubelet: spec::KUBELET.to_owned(),
            };
            let files = &mut Arc::make_mut(host).files;
            for (path, content) in spec::credentials(name) {
                if !files.exists(path) {
                    files.put(path, Entry::private(content));
                }
            }
            self.nodes.insert(name.clone(), node);
            round.changed = true;
        }
    }

    /// Removes pods whose node is gone.
    fn collect(&mut self, round: &mut Round) {
        let nodes = &self.nodes;
        let before = self.pods.len();
        self.pods.retain(|_, pod| nodes.contains_key(&pod.node));
        round.changed |= self.pods.len() != before;
        // A kubelet that runs kills the containers of pods that no longer exist.
        let pods = &self.pods;
        for (name, host) in &mut self.hosts {
            if host.bricks && host.kubelet.is_some() {
                let there = pods.values().any(|pod| pod.node == *name && Self::is_gluster(pod));
                if !there {
                    Arc::make_mut(host).bricks = false;
                    round.changed = true;
                }
            }
        }
    }

    fn daemon_sets(&mut self, round: &mut Round) {
        let owners = Arc::clone(&self.owners);
        for owner in owners.iter().filter(|owner| owner.kind == OwnerKind::DaemonSet) {
            let of = |pod: &PodRecord| is_of(pod, owner);
            let have: BTreeMap<String, String> =
                self.pods.iter().filter(|(_, pod)| of(pod)).map(|(uid, pod)| (pod.node.clone(), uid.clone())).collect();
            let names: Vec<String> = self.nodes.keys().cloned().collect();
            for name in names {
                let node = &self.nodes[&name];
                let wanted = matches(&node.labels, &owner.selector);
                match (wanted, have.get(&name), node.ready) {
                    (true, None, true) => {
                        self.make_pod(owner, None, &name);
                        round.changed = true;
                    }
                    (false, Some(uid), true) => {
                        self.pods.remove(uid);
                        round.changed = true;
                    }
                    _ => {}
                }
            }
        }
    }

    fn replicas(&mut self, round: &mut Round) {
        let owners = Arc::clone(&self.owners);
        for owner in owners.iter().filter(|owner| owner.kind != OwnerKind::DaemonSet) {
            let names: BTreeSet<String> =
                self.pods.values().filter(|pod| is_of(pod, owner)).map(|pod| pod.name.clone()).collect();
            for missing in 0..owner.replicas.saturating_sub(names.len()) {
                let ordinal = (owner.kind == OwnerKind::StatefulSet).then(|| {
                    let free =
                        (0..owner.replicas).filter(|ordinal| !names.contains(&format!("{}-{ordinal}", owner.name)));
                    free.clone().nth(missing).unwrap_or(0)
                });
                let Some(node) = self.place(owner) else {
                    break;
                };
                self.make_pod(owner, ordinal, &node);
                round.changed = true;
            }
        }
    }

    /// Where the scheduler puts a pod: an eligible node with the fewest pods, the first by name among equals.
    fn place(&self, owner: &Owner) -> Option<String> {
        let eligible = self.nodes.iter().filter(|(name, node)| {
            node.ready
                && !node.unschedulable
                && matches(&node.labels, &owner.selector)
                && !(owner.hostport && self.pods.values().any(|pod| is_of(pod, owner) && pod.node == **name))
        });
        let load = |name: &str| {
            let own = self.pods.values().filter(|pod| pod.node == name && is_of(pod, owner)).count();
            let all = self.pods.values().filter(|pod| pod.node == name).count();
            (own, all)
        };
        eligible.map(|(name, _)| name).min_by_key(|name| (load(name), *name)).cloned()
    }

    pub(super) fn make_pod(&mut self, owner: &Owner, ordinal: Option<usize>, node: &str) {
        let uid = self.fresh("pod");
        let name = match ordinal {
            Some(ordinal) => format!("{}-{ordinal}", owner.name),
            None => format!("{}-{}", owner.name, &uid[..5]),
        };
        let pod = PodRecord {
            namespace: owner.namespace.clone(),
            name,
            owner: Some((owner.kind.as_str().to_owned(), owner.name.clone())),
            mirror: false,
            node: node.to_owned(),
            emptydir: owner.emptydir,
            data: false,
            runtime: None,
            ready_at: self.clock,
            ready: false,
        };
        self.pods.insert(uid, pod);
    }

    /// Starts containers and marks pods Ready.
    fn containers(&mut self, round: &mut Round) {
        let mut bricks = Vec::new();
        let owners = Arc::clone(&self.owners);
        for pod in self.pods.values_mut() {
            if pod.ready {
                continue;
            }
            let host = self.hosts.get(&pod.node);
            let Some(kubelet) = host.and_then(|host| host.kubelet.as_ref()) else {
                continue;
            };
            if !self.nodes.get(&pod.node).is_some_and(|node| node.ready) {
                continue;
            }
            if pod.runtime.is_none() {
                pod.runtime = Some(kubelet.runtime.clone());
                let start = owners.iter().find(|owner| is_of(pod, owner)).map_or(30, |owner| owner.start);
                pod.ready_at = round.now.plus(Micros::seconds(start));
                round.changed = true;
            }
            if pod.ready_at <= round.now {
                pod.ready = true;
                round.changed = true;
                if Self::is_gluster(pod) {
                    bricks.push(pod.node.clone());
                }
            } else {
                round.at(pod.ready_at);
            }
        }
        for host in bricks {
            if let Some(host) = self.hosts.get_mut(&host) {
                Arc::make_mut(host).bricks = true;
            }
        }
    }

    /// The sync pods: every three minutes a node takes over what its group's ConfigMap says, and restarts its
    /// kubelet if that changed (T1). Labels are added, never removed (T14).
    fn sync(&mut self, round: &mut Round) {
        let names: Vec<String> = self.hosts.keys().cloned().collect();
        for (index, name) in names.iter().enumerate() {
            let Some(text) = self.outdated(name) else {
                continue;
            };
            let offset = i64::try_from(index).unwrap_or(0) * 10;
            let second = round.now.0.div_euclid(1_000_000) - offset;
            let slot = round.now.plus(Micros::seconds((SYNC - second.rem_euclid(SYNC)) % SYNC));
            let slot = Micros(slot.0 - slot.0.rem_euclid(1_000_000));
            if slot > round.now {
                round.at(slot);
                continue;
            }
            round.changed = true;
            if let Some(node) = self.nodes.get_mut(name) {
                node.labels.extend(spec::labels_of(&text));
                node.annotations.insert(MD5_ANNOTATION.to_owned(), spec::md5(&text));
            }
            if let Some(host) = self.hosts.get_mut(name).map(Arc::make_mut)
                && host.files.text(NODE_CONFIG) != Some(&*text)
            {
                host.files.put(NODE_CONFIG, Entry::private(Arc::clone(&text)));
                let runtime = spec::runtime_of(&text).to_owned();
                host.kubelet = Some(Kubelet { since: round.now, runtime });
            }
        }
    }

    /// The text that a node's configuration should be and is not, while a sync pod is there to see it.
    fn outdated(&self, name: &str) -> Option<Arc<str>> {
        let host = self.hosts.get(name).filter(|host| host.kubelet.is_some())?;
        let node = self.nodes.get(name).filter(|node| node.ready)?;
        let synced = |pod: &PodRecord| pod.ready && pod.node == name && pod.namespace == NODE_NAMESPACE;
        if !self.pods.values().any(synced) {
            return None;
        }
        let group = self.group_of(host)?;
        let map: &ConfigMap = self.config_map(NODE_NAMESPACE, &group)?;
        let same = host.files.text(NODE_CONFIG) == Some(&*map.content)
            && node.annotations.get(MD5_ANNOTATION) == Some(&spec::md5(&map.content));
        (!same).then(|| Arc::clone(&map.content))
    }
}

pub(super) fn is_of(pod: &PodRecord, owner: &Owner) -> bool {
    pod.namespace == owner.namespace
        && pod.owner.as_ref().is_some_and(|(kind, name)| kind == owner.kind.as_str() && *name == owner.name)
}

pub(super) fn matches(labels: &BTreeMap<String, String>, selector: &BTreeMap<String, String>) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// The labels of a node that registers: what the kubelet knows, and its group's.
pub(super) fn node_labels(name: &str, config: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from(
        [("beta.kubernetes.io/arch", "amd64"), ("beta.kubernetes.io/os", "linux"), ("kubernetes.io/hostname", name)]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    labels.extend(spec::labels_of(config));
    labels
}

impl super::world::Host {
    /// `containerRuntimeVersion` under a runtime.
    pub(super) fn runtime_version(&self, runtime: &str) -> String {
        let package = if runtime == "docker" { "docker" } else { "cri-o" };
        let version = self.packages.get(package).and_then(|installed| installed.first());
        format!("{runtime}://{}", version.map_or("unknown", |nevra| nevra.version.as_str()))
    }

    /// Starts a unit. An error says why it cannot run; the unit is then failed.
    pub(super) fn start(&mut self, unit: &str, now: Micros) -> Result<(), String> {
        let unit = spec::unit_name(unit);
        if self.active(unit) {
            return Ok(());
        }
        let lacks = match unit {
            _ if !self.units.contains_key(unit) => {
                return Err(format!("Failed to start {unit}.service: Unit not found."));
            }
            NODE_UNIT => [
                (!self.packages.contains_key("atomic-openshift-node"), "/usr/local/bin/openshift-node"),
                (!self.packages.contains_key("atomic-openshift-hyperkube"), "/usr/bin/hyperkube"),
                (!self.files.exists(NODE_CONFIG), NODE_CONFIG),
                (
                    !self.files.exists("/etc/origin/node/node.kubeconfig")
                        && !self.files.exists("/etc/origin/node/bootstrap.kubeconfig"),
                    "/etc/origin/node/bootstrap.kubeconfig",
                ),
            ]
            .into_iter()
            .find_map(|(lacks, what)| lacks.then_some(what)),
            "crio" => (!self.packages.contains_key("cri-o")).then_some("/usr/bin/crio"),
            "docker" => (!self.packages.contains_key("docker")).then_some("/usr/bin/dockerd-current"),
            "dnsmasq" => (!self.packages.contains_key("dnsmasq")).then_some("/usr/sbin/dnsmasq"),
            _ => None,
        };
        if let Some(state) = self.units.get_mut(unit) {
            state.active = if lacks.is_some() { Active::Failed } else { Active::Active };
        }
        if let Some(what) = lacks {
            return Err(format!("Job for {unit}.service failed: {what}: No such file or directory"));
        }
        if unit == NODE_UNIT {
            let runtime = spec::runtime_of(self.files.text(NODE_CONFIG).unwrap_or_default()).to_owned();
            self.kubelet = Some(Kubelet { since: now, runtime });
        }
        Ok(())
    }
}
