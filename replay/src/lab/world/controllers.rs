//! What the cluster does by itself: boots end, kubelets register nodes, pods are made, placed and started, node
//! configurations are pulled. A function of the world and its clock; it looks at whole five seconds only.

use super::attention::Names;
use super::files::Entry;
use super::model::{
    ConfigMap, Kubelet, MD5_ANNOTATION, NODE_CONFIG, NODE_NAMESPACE, NODE_UNIT, NodeRecord, Owner, OwnerKind,
    PodRecord, World,
};
use super::spec;
use palinode_core::id::Micros;
use palinode_core::resource::Active;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

const STEP: i64 = 5_000_000;
const REGISTERS: Micros = Micros::seconds(20);
const MISSED: Micros = Micros::seconds(40);
const SYNC: i64 = 180;

/// The next whole five seconds after a time.
pub(in crate::lab) fn boundary_after(time: Micros) -> Micros {
    Micros((time.0.div_euclid(STEP) + 1).saturating_mul(STEP))
}

fn boundary_at(time: Micros) -> Micros {
    Micros(time.0.saturating_add(STEP - 1).div_euclid(STEP).saturating_mul(STEP))
}

/// What one round of the controllers came to.
struct Round {
    now: Micros,
    /// The hosts and nodes that it looks at: one that changed, or waits for a time, is looked at again.
    names: BTreeSet<String>,
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
    pub(in crate::lab) fn tick_to(&mut self, to: Micros) {
        while let Some(at) = self.next_tick.filter(|at| *at <= to) {
            self.clock = self.clock.max(at);
            self.tick();
        }
        self.clock = self.clock.max(to);
        self.settle_storage();
    }

    fn tick(&mut self) {
        let names = match self.attention.round.take() {
            Names::Only(names) => names,
            Names::All => {
                let bound = self.pods.nodes().map(str::to_owned);
                self.hosts.keys().chain(self.nodes.keys()).cloned().chain(bound).collect()
            }
        };
        let mut round = Round { now: self.clock, names, changed: false, next: None };
        self.boots(&mut round);
        self.kubelets(&mut round);
        self.collect(&mut round);
        self.daemon_sets(&mut round);
        self.replicas(&mut round);
        // Pods were placed on nodes that nothing else happened to.
        if let Names::Only(names) = &self.attention.round {
            round.names.extend(names.iter().cloned());
        }
        self.containers(&mut round);
        self.sync(&mut round);
        if round.changed {
            round.at(round.now);
        }
        self.next_tick = round.next;
        self.settle_storage();
    }

    /// This one is to be looked at again, no later than at a time.
    fn wait(&mut self, round: &mut Round, name: &str, time: Micros) {
        round.at(time);
        self.attention.round.add(name);
    }

    /// This one changed.
    fn changed(&mut self, round: &mut Round, name: &str) {
        round.changed = true;
        self.attention.touch(name);
    }

    fn boots(&mut self, round: &mut Round) {
        for name in &round.names.clone() {
            let Some(host) = self.hosts.get_mut(name) else {
                continue;
            };
            let Some(up_at) = host.up_at else {
                continue;
            };
            if up_at > round.now {
                self.wait(round, name, up_at);
                continue;
            }
            let host = Arc::make_mut(host);
            host.up_at = None;
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
            self.changed(round, name);
        }
    }

    fn kubelets(&mut self, round: &mut Round) {
        for name in &round.names.clone() {
            let Some(host) = self.hosts.get(name).cloned() else {
                continue;
            };
            let Some(kubelet) = &host.kubelet else {
                if let Some(node) = self.nodes.get_mut(name).filter(|node| node.ready) {
                    let missed = host.stopped.plus(MISSED);
                    if missed <= round.now {
                        node.ready = false;
                        self.changed(round, name);
                    } else {
                        self.wait(round, name, missed);
                    }
                }
                continue;
            };
            let serves = host.active(if kubelet.runtime == "docker" { "docker" } else { "crio" });
            let registers = kubelet.since.plus(REGISTERS);
            if let Some(node) = self.nodes.get_mut(name) {
                let before = node.ready;
                if node.ready && !serves {
                    node.ready = false;
                }
                if !node.ready && serves && registers <= round.now {
                    node.ready = true;
                    node.runtime = host.runtime_version(&kubelet.runtime);
                }
                let ready = node.ready;
                if ready != before {
                    self.changed(round, name);
                }
                if !ready && serves && registers > round.now {
                    self.wait(round, name, registers);
                }
                continue;
            }
            if registers > round.now {
                self.wait(round, name, registers);
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
            drop(host);
            if let Some(host) = self.hosts.get_mut(name).map(Arc::make_mut) {
                for (path, content) in spec::credentials(name) {
                    if !host.files.exists(path) {
                        host.files.put(path, Entry::private(content));
                    }
                }
            }
            self.nodes.insert(name.clone(), node);
            self.changed(round, name);
        }
    }

    /// Removes pods whose node is gone.
    fn collect(&mut self, round: &mut Round) {
        for name in &round.names.clone() {
            if !self.nodes.contains_key(name) && self.pods.clear(name) {
                self.changed(round, name);
            }
            // A kubelet that runs kills the containers of pods that no longer exist.
            if let Some(host) = self.hosts.get_mut(name).filter(|host| host.bricks && host.kubelet.is_some())
                && !self.pods.on(name).any(|(_, pod)| Self::is_gluster(pod))
            {
                Arc::make_mut(host).bricks = false;
                self.changed(round, name);
            }
        }
    }

    fn daemon_sets(&mut self, round: &mut Round) {
        let owners = Arc::clone(&self.owners);
        for owner in owners.iter().filter(|owner| owner.kind == OwnerKind::DaemonSet) {
            for name in &round.names.clone() {
                let Some(node) = self.nodes.get(name).filter(|node| node.ready) else {
                    continue;
                };
                let wanted = matches(&node.labels, &owner.selector);
                let have =
                    self.pods.on(name).filter(|(_, pod)| is_of(pod, owner)).last().map(|(uid, _)| uid.to_owned());
                match (wanted, have) {
                    (true, None) => {
                        self.make_pod(owner, None, name);
                        round.changed = true;
                    }
                    (false, Some(uid)) => {
                        self.remove_pod(&uid);
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
            let (namespace, kind, name) = (&owner.namespace, owner.kind.as_str(), &owner.name);
            let there = self.pods.count_of(namespace, kind, name);
            if there >= owner.replicas {
                continue;
            }
            let names: BTreeSet<String> =
                self.pods.of(namespace, kind, name).map(|(_, pod)| pod.name.clone()).collect();
            let mut free = (0..owner.replicas).filter(|ordinal| !names.contains(&format!("{name}-{ordinal}")));
            for _ in there..owner.replicas {
                let ordinal = (owner.kind == OwnerKind::StatefulSet).then(|| free.next().unwrap_or(0));
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
        let mut own: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, pod) in self.pods.of(&owner.namespace, owner.kind.as_str(), &owner.name) {
            *own.entry(&pod.node).or_default() += 1;
        }
        let own = |name: &str| own.get(name).copied().unwrap_or_default();
        let eligible = self
            .nodes
            .iter()
            .filter(|(_, node)| node.ready && !node.unschedulable && matches(&node.labels, &owner.selector));
        let loads = eligible.map(|(name, _)| (own(name), self.pods.count_on(name), name));
        loads.filter(|(own, ..)| !owner.hostport || *own == 0).min().map(|(.., name)| name.clone())
    }

    pub(in crate::lab) fn make_pod(&mut self, owner: &Owner, ordinal: Option<usize>, node: &str) {
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
        self.add_pod(uid, pod);
    }

    /// Starts containers and marks pods Ready.
    fn containers(&mut self, round: &mut Round) {
        let owners = Arc::clone(&self.owners);
        for name in &round.names.clone() {
            let Some(kubelet) = self.hosts.get(name).and_then(|host| host.kubelet.clone()) else {
                continue;
            };
            if !self.nodes.get(name).is_some_and(|node| node.ready) {
                continue;
            }
            let (mut changed, mut bricks) = (false, false);
            let mut next: Option<Micros> = None;
            self.pods.change_on(name, |pod| {
                if pod.ready {
                    return;
                }
                if pod.runtime.is_none() {
                    pod.runtime = Some(kubelet.runtime.clone());
                    let start = owners.iter().find(|owner| is_of(pod, owner)).map_or(30, |owner| owner.start);
                    pod.ready_at = round.now.plus(Micros::seconds(start));
                    changed = true;
                }
                if pod.ready_at <= round.now {
                    pod.ready = true;
                    changed = true;
                    bricks |= Self::is_gluster(pod);
                } else {
                    next = Some(next.map_or(pod.ready_at, |next| next.min(pod.ready_at)));
                }
            });
            if let Some(host) = self.hosts.get_mut(name).filter(|_| bricks) {
                Arc::make_mut(host).bricks = true;
            }
            if changed {
                self.changed(round, name);
            }
            if let Some(next) = next {
                self.wait(round, name, next);
            }
        }
    }

    /// The sync pods: every three minutes a node takes over what its group's ConfigMap says, and restarts its
    /// kubelet if that changed (T1). Labels are added, never removed (T14).
    fn sync(&mut self, round: &mut Round) {
        for name in &round.names.clone() {
            let Some(text) = self.outdated(name) else {
                continue;
            };
            let index = self.hosts.range::<str, _>((Unbounded, Excluded(name.as_str()))).count();
            let offset = i64::try_from(index).unwrap_or(0) * 10;
            let second = round.now.0.div_euclid(1_000_000) - offset;
            let slot = round.now.plus(Micros::seconds((SYNC - second.rem_euclid(SYNC)) % SYNC));
            let slot = Micros(slot.0 - slot.0.rem_euclid(1_000_000));
            if slot > round.now {
                self.wait(round, name, slot);
                continue;
            }
            self.changed(round, name);
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
        if !self.pods.on(name).any(|(_, pod)| pod.ready && pod.namespace == NODE_NAMESPACE) {
            return None;
        }
        let group = self.group_of(host)?;
        let map: &ConfigMap = self.config_map(NODE_NAMESPACE, &group)?;
        let same = host.files.text(NODE_CONFIG) == Some(&*map.content)
            && node.annotations.get(MD5_ANNOTATION) == Some(&spec::md5(&map.content));
        (!same).then(|| Arc::clone(&map.content))
    }
}

pub(in crate::lab) fn is_of(pod: &PodRecord, owner: &Owner) -> bool {
    pod.namespace == owner.namespace
        && pod.owner.as_ref().is_some_and(|(kind, name)| kind == owner.kind.as_str() && *name == owner.name)
}

pub(in crate::lab) fn matches(labels: &BTreeMap<String, String>, selector: &BTreeMap<String, String>) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// The labels of a node that registers: what the kubelet knows, and its group's.
pub(in crate::lab) fn node_labels(name: &str, config: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from(
        [("beta.kubernetes.io/arch", "amd64"), ("beta.kubernetes.io/os", "linux"), ("kubernetes.io/hostname", name)]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    labels.extend(spec::labels_of(config));
    labels
}

impl super::model::Host {
    /// `containerRuntimeVersion` under a runtime.
    pub(in crate::lab) fn runtime_version(&self, runtime: &str) -> String {
        let package = if runtime == "docker" { "docker" } else { "cri-o" };
        let version = self.packages.get(package).and_then(|installed| installed.first());
        format!("{runtime}://{}", version.map_or("unknown", |nevra| nevra.version.as_str()))
    }

    /// Starts a unit. An error says why it cannot run; the unit is then failed.
    pub(in crate::lab) fn start(&mut self, unit: &str, now: Micros) -> Result<(), String> {
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
