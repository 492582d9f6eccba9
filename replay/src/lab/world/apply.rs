//! What an effect does to the world, or what it waits for.

use super::attention::Names;
use super::effect::{Effect, UnitVerb};
use super::files::Entry;
use super::model::{ConfigMap, Host, MD5_ANNOTATION, NODE_UNIT, NodeRecord, World};
use super::spec;
use palinode_core::id::{EntryId, Micros};
use palinode_core::resource::{Active, Nevra};
use std::sync::Arc;

/// How long a host is away when it reboots.
const BOOT: Micros = Micros::seconds(75);

/// What came of an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab) enum Came {
    /// It happened.
    Done,
    /// Not yet: ask again.
    Wait(String),
    /// It cannot.
    Failed(String),
}

impl World {
    /// Applies an effect at the present time. `by` is the job that does it: a reboot kills the others of its host.
    pub(in crate::lab) fn apply(&mut self, effect: &Effect, by: Option<EntryId>) -> Came {
        self.settle_storage();
        let came = self.change(effect, by);
        if !matches!(came, Came::Wait(_)) && effect.mutates() {
            self.wake();
            self.settle_storage();
        }
        came
    }

    fn change(&mut self, effect: &Effect, by: Option<EntryId>) -> Came {
        match effect {
            Effect::Schedulable { node, on } => self.on_node(node, |node| node.unschedulable = !on),
            Effect::Evict { uid, .. } => self.evict(uid),
            Effect::DeleteNode { node, uid } => {
                match self.nodes.get(node) {
                    Some(found) if found.uid != *uid => {
                        return Came::Failed(format!("node {node} has another UID: it registered again"));
                    }
                    _ => self.nodes.remove(node),
                };
                self.attention.touch(node);
                Came::Done
            }
            Effect::Label { node, labels } => self.on_node(node, |node| {
                for (key, value) in labels {
                    match value {
                        Some(value) => node.labels.insert(key.clone(), value.clone()),
                        None => node.labels.remove(key),
                    };
                }
            }),
            Effect::Taint { node, taints } => self.on_node(node, |node| node.taints.clone_from(taints)),
            Effect::RestoreNode { node, unschedulable, labels, annotations, taints } => self.on_node(node, |node| {
                node.unschedulable = *unschedulable;
                node.labels.clone_from(labels);
                node.annotations.clone_from(annotations);
                node.taints.clone_from(taints);
            }),
            Effect::DeleteConfigMap { name } => {
                self.attention.round = Names::All;
                self.config_maps.remove(name);
                Came::Done
            }
            Effect::PutConfigMap { name, content } => {
                self.attention.round = Names::All;
                match self.config_maps.get_mut(name) {
                    Some(map) => map.content = Arc::clone(content),
                    None => {
                        let uid = self.fresh("configmap");
                        self.config_maps.insert(name.clone(), ConfigMap { uid, content: Arc::clone(content) });
                    }
                }
                Came::Done
            }
            Effect::Control { .. } => Came::Done,
            Effect::Unit { host, unit, verb } => self.unit(host, unit, *verb),
            Effect::Erase { host, package } => self.erase(host, package),
            Effect::Install { host, package } => self.install(host, package),
            Effect::Put { host, path, entry } => self.on_host(host, |host| {
                host.files.put(path, entry.clone());
                host.sync_units();
            }),
            Effect::Remove { host, path } => self.on_host(host, |host| {
                host.files.remove(path);
                host.sync_units();
            }),
            Effect::Reboot { host } => self.reboot(host, by),
            Effect::AwaitBoot { host } => match self.hosts.get(host) {
                Some(found) if found.is_up() => Came::Done,
                _ => Came::Wait(format!("{host} did not come back")),
            },
            Effect::AwaitPath { host, path } => self.until(host, |host| match host.files.exists(path) {
                true => Ok(()),
                false => Err(format!("{path}: No such file or directory")),
            }),
            Effect::AwaitUnit { host, unit } => self.until(host, |host| match host.unit(unit) {
                Some(found) if found.active == Active::Active => Ok(()),
                Some(found) if found.active == Active::Failed => Err(format!("{unit} is failed")),
                Some(_) => Err(format!("{unit} is inactive")),
                None => Err(format!("there is no unit {unit}")),
            }),
            Effect::AwaitPort { host, port } => {
                self.until(host, |host| match spec::listeners(*port).iter().any(|unit| host.active(unit)) {
                    true => Ok(()),
                    false => Err(format!("nothing listens on port {port}")),
                })
            }
            Effect::Pass {} => Came::Done,
            Effect::AwaitNode { node, ready } => match self.nodes.get(node) {
                Some(found) if found.ready || !ready => Came::Done,
                Some(_) => Came::Wait(format!("node {node} did not become Ready")),
                None => Came::Wait(format!("node {node} did not register")),
            },
            Effect::AwaitAnnotations {} => {
                let lacks = self.nodes.iter().find(|(_, node)| !node.annotations.contains_key(MD5_ANNOTATION));
                lacks.map_or(Came::Done, |(name, _)| Came::Wait(format!("node {name} lacks {MD5_ANNOTATION}")))
            }
            Effect::AwaitGluster { node } => {
                let ready = self.pods.on(node).any(|(_, pod)| pod.ready && Self::is_gluster(pod));
                if ready { Came::Done } else { Came::Wait(format!("no gluster pod became Ready on {node}")) }
            }
            Effect::NeedNames { host } => match self.hosts.get(host) {
                Some(found) if found.resolves() => Came::Done,
                _ => Came::Failed(format!("fatal: [{host}]: FAILED! => Could not resolve host: repo.demo")),
            },
        }
    }

    fn until(&self, name: &str, holds: impl FnOnce(&Host) -> Result<(), String>) -> Came {
        match self.hosts.get(name) {
            Some(host) if host.is_up() => holds(host).map_or_else(Came::Wait, |()| Came::Done),
            _ => Came::Wait(format!("{name} is down")),
        }
    }

    fn on_host(&mut self, host: &str, change: impl FnOnce(&mut Host)) -> Came {
        self.attention.touch(host);
        match self.hosts.get_mut(host) {
            Some(found) if found.is_up() => change(Arc::make_mut(found)),
            Some(_) => return Came::Wait(format!("{host} cannot be reached")),
            None => return Came::Failed(format!("there is no host {host}")),
        }
        Came::Done
    }

    fn on_node(&mut self, node: &str, change: impl FnOnce(&mut NodeRecord)) -> Came {
        self.attention.touch(node);
        match self.nodes.get_mut(node) {
            Some(found) => change(found),
            None => return Came::Failed(format!("nodes \"{node}\" not found")),
        }
        Came::Done
    }

    fn evict(&mut self, uid: &str) -> Came {
        let Some(pod) = self.pods.get(uid) else {
            return Came::Done;
        };
        let budget = self.budgets.iter().find(|budget| {
            budget.namespace == pod.namespace && pod.owner.as_ref().is_some_and(|(_, owner)| *owner == budget.owner)
        });
        if let Some(budget) = budget {
            let owner = pod.owner.iter().flat_map(|(kind, name)| self.pods.of(&pod.namespace, kind, name));
            let healthy = owner
                .filter(|(_, other)| other.ready && self.nodes.get(&other.node).is_some_and(|node| node.ready))
                .count();
            if healthy <= budget.min_available {
                return Came::Wait(format!(
                    "cannot evict pod {}/{} as it would violate the pod's disruption budget",
                    pod.namespace, pod.name
                ));
            }
        }
        self.remove_pod(uid);
        Came::Done
    }

    fn unit(&mut self, host: &str, unit: &str, verb: UnitVerb) -> Came {
        let unit = spec::unit_name(unit);
        let now = self.clock;
        let mut failed = None;
        let came = self.on_host(host, |found| match verb {
            UnitVerb::Start => failed = found.start(unit, now).err(),
            UnitVerb::Stop => {
                if let Some(state) = found.units.get_mut(unit) {
                    state.active = Active::Inactive;
                }
                if unit == NODE_UNIT && found.kubelet.take().is_some() {
                    found.stopped = now;
                }
            }
            UnitVerb::Enable | UnitVerb::Disable => match found.units.get_mut(unit) {
                Some(state) if state.enabled != "static" => {
                    state.enabled = if verb == UnitVerb::Enable { "enabled" } else { "disabled" }.to_owned();
                }
                Some(_) => {}
                None if verb == UnitVerb::Enable => {
                    failed = Some(format!("Failed to execute operation: No such file or directory: {unit}.service"));
                }
                None => {}
            },
        });
        if came == Came::Done && verb == UnitVerb::Stop && unit == "docker" {
            self.docker_stopped(host);
        }
        failed.map_or(came, Came::Failed)
    }

    /// Docker takes its containers with it; CRI-O leaves them running until the host reboots (T11).
    fn docker_stopped(&mut self, name: &str) {
        let mut bricks = false;
        self.pods.change_on(name, |pod| {
            if pod.runtime.as_deref() == Some("docker") {
                bricks |= Self::is_gluster(pod);
                pod.runtime = None;
                pod.ready = false;
            }
        });
        if let Some(host) = self.hosts.get_mut(name).filter(|_| bricks) {
            Arc::make_mut(host).bricks = false;
        }
    }

    fn erase(&mut self, host: &str, package: &Nevra) -> Came {
        for unit in spec::units(&package.name) {
            self.unit(host, unit, UnitVerb::Stop);
            self.unit(host, unit, UnitVerb::Disable);
        }
        self.on_host(host, |found| {
            found.packages.remove(&package.name);
            for (path, default) in spec::configs(&package.name) {
                let Some(entry) = found.files.get(path).cloned() else {
                    continue;
                };
                found.files.remove(path);
                if entry != Entry::text(*default) {
                    found.files.put(&format!("{path}.rpmsave"), entry);
                }
            }
            exclude(found, &package.name, false);
            found.sync_units();
        })
    }

    fn install(&mut self, host: &str, package: &Nevra) -> Came {
        self.on_host(host, |found| {
            found.packages.insert(package.name.clone(), vec![package.clone()]);
            for (path, default) in spec::configs(&package.name) {
                if !found.files.exists(path) {
                    found.files.put(path, Entry::text(*default));
                }
            }
            exclude(found, &package.name, true);
            found.sync_units();
        })
    }

    fn reboot(&mut self, name: &str, by: Option<EntryId>) -> Came {
        let boot = self.fresh("boot");
        let now = self.clock;
        let Some(host) = self.hosts.get_mut(name).map(Arc::make_mut) else {
            return Came::Failed(format!("there is no host {name}"));
        };
        host.boot = boot;
        host.up_at = Some(now.plus(BOOT));
        host.bricks = false;
        if host.kubelet.take().is_some() {
            host.stopped = now;
        }
        for unit in host.units.values_mut() {
            unit.active = Active::Inactive;
        }
        self.attention.touch(name);
        self.pods.change_on(name, |pod| {
            pod.runtime = None;
            pod.ready = false;
        });
        self.kill_jobs(name, by);
        Came::Done
    }
}

/// An excluder edits `/etc/yum.conf` when it comes and when it goes.
fn exclude(host: &mut Host, package: &str, on: bool) {
    if !spec::is_excluder(package) {
        return;
    }
    if let Some(text) = host.files.text("/etc/yum.conf") {
        let changed = spec::excluded(text, package, on);
        if changed != text {
            host.files.put("/etc/yum.conf", Entry::text(changed));
        }
    }
}
