//! What a look at the world shows: states of resources, surveys, gates. Read-only.

use super::files::{Archive, Entry};
use super::model::{Host, OwnerKind, World};
use super::repos;
use palinode_core::action::Target;
use palinode_core::cluster::node_config_map;
use palinode_core::gate::Gate;
use palinode_core::id::{HostName, ResourceKey};
use palinode_core::port::Sample;
use palinode_core::port::{Bodies, BodyError, LookError};
use palinode_core::record::Class;
use palinode_core::resource::{Kind, Node, Pod, State};
use std::collections::BTreeMap;

pub(in crate::lab) fn refused(target: &str, why: impl Into<String>) -> LookError {
    LookError::Refused { target: target.to_owned(), why: why.into() }
}

impl World {
    /// A host that answers.
    pub(in crate::lab) fn reachable(&self, name: &str) -> Result<&Host, LookError> {
        match self.hosts.get(name) {
            Some(host) if host.is_up() => Ok(host),
            Some(_) => Err(LookError::Unreachable { target: name.to_owned(), cause: None }),
            None => Err(refused(name, "the lab has no such host")),
        }
    }

    /// The state of a resource; contents become bodies.
    pub fn observe(&self, key: &ResourceKey, bodies: &dyn Bodies) -> Result<State, LookError> {
        let Some(kind) = key.kind() else {
            return Err(refused(key.as_str(), "not a resource"));
        };
        Ok(match kind {
            Kind::Unit(host, unit) => match self.reachable(host)?.unit(unit) {
                Some(unit) => State::Unit { active: unit.active, enabled: unit.enabled.clone() },
                None => State::Absent,
            },
            Kind::Package(host, name) => match self.reachable(host)?.packages.get(name) {
                Some(installed) => State::Package { installed: installed.clone() },
                None => State::Absent,
            },
            Kind::Repository(host, id) => match repos::is_enabled(&self.reachable(host)?.files, id) {
                Some(enabled) => State::Repository { enabled },
                None => State::Absent,
            },
            Kind::Release(host) => match repos::release(&self.reachable(host)?.files) {
                Some(version) => State::Release { version: version.to_owned() },
                None => State::Absent,
            },
            Kind::File(host, path) => file_state(self.reachable(host)?, path, bodies)?,
            Kind::Boot(host) => State::Boot { id: self.reachable(host)?.boot.clone() },
            Kind::Node(name) => match self.nodes.get(name) {
                None => State::Absent,
                Some(node) => State::Node(Box::new(Node {
                    uid: node.uid.clone(),
                    unschedulable: node.unschedulable,
                    labels: node.labels.clone(),
                    annotations: node.annotations.clone(),
                    taints: node.taints.clone(),
                    ready: node.ready,
                    runtime: node.runtime.clone(),
                    kubelet: node.kubelet.clone(),
                })),
            },
            Kind::Pods(node) => {
                let mut pods: Vec<Pod> = self
                    .pods
                    .on(node)
                    .filter(|(_, pod)| Self::evictable(pod))
                    .map(|(uid, pod)| Pod {
                        namespace: pod.namespace.clone(),
                        name: pod.name.clone(),
                        uid: uid.to_owned(),
                        owner: pod.owner.clone(),
                        emptydir: pod.emptydir,
                    })
                    .collect();
                pods.sort();
                State::Pods { pods }
            }
            Kind::ConfigMap(namespace, name) => match self.config_map(namespace, name) {
                None => State::Absent,
                Some(map) => State::Object {
                    uid: map.uid.clone(),
                    body: bodies
                        .put(Class::Content, node_config_map(namespace, name, &map.content).to_string().as_bytes())?,
                    marks: map.marks(),
                },
            },
            Kind::Object { .. } => return Err(refused(key.as_str(), "the lab has no objects of that kind")),
            Kind::Pod(..) | Kind::Csr(_) | Kind::Step(_) => {
                return Err(refused(key.as_str(), "it is not looked at by itself"));
            }
        })
    }

    /// The name of a host's node, which the API knows also while the host is down.
    pub(in crate::lab) fn node_of(&self, host: &HostName) -> Result<String, LookError> {
        match self.hosts.contains_key(host.as_str()) {
            true => Ok(host.as_str().to_lowercase()),
            false => Err(refused(host.as_str(), "the lab has no such host")),
        }
    }

    /// The boot id of a host that answers.
    pub(in crate::lab) fn boot_of(&self, host: &HostName) -> Result<String, LookError> {
        Ok(self.reachable(host.as_str())?.boot.clone())
    }

    /// One look at a gate's condition.
    pub fn sample(&self, target: &Target, gate: &Gate, bodies: &dyn Bodies) -> Result<Sample, LookError> {
        let mut facts = BTreeMap::new();
        let mut fact = |name: &str, value: String| facts.insert(name.to_owned(), value);
        match gate {
            Gate::GlusterHealed { volumes, except, without, .. } => {
                // A lab's copies are never emptied.
                let rest = self.storage.volumes.keys().filter(|name| !except.contains(name)).cloned();
                let wanted = if except.is_empty() { volumes.clone() } else { rest.collect() };
                self.sample_healing(target, gate, (&wanted, without), bodies)
            }
            Gate::PackageRestorable { names } => {
                let Some(name) = &target.host else {
                    return Err(refused("the run", "package.restorable needs a host"));
                };
                let host = self.reachable(name.as_str())?;
                let installed: Vec<_> = names.iter().filter_map(|name| host.packages.get(name)).flatten().collect();
                let missing: Vec<String> = installed
                    .iter()
                    .filter(|nevra| !self.repository.contains(**nevra))
                    .map(|nevra| nevra.to_string())
                    .collect();
                fact("installed", installed.len().to_string());
                fact("missing", missing.join(" "));
                Ok(Sample { pass: missing.is_empty(), hopeless: !missing.is_empty(), facts, evidence: None })
            }
            Gate::NodeReady {} => {
                let Some(name) = target.node.as_deref() else {
                    return Err(refused("the run", "node.ready needs a node"));
                };
                let node = self.nodes.get(name);
                let ready = node.is_some_and(|node| node.ready);
                let wanted = self.owners.iter().filter(|owner| {
                    owner.kind == OwnerKind::DaemonSet
                        && node.is_some_and(|node| super::controllers::matches(&node.labels, &owner.selector))
                });
                let (mut all, mut there) = (0, 0);
                for owner in wanted {
                    all += 1;
                    let up = |pod: &super::model::PodRecord| pod.ready && super::controllers::is_of(pod, owner);
                    there += usize::from(self.pods.on(name).any(|(_, pod)| up(pod)));
                }
                fact("ready", ready.to_string());
                fact("daemonset-pods", format!("{there}/{all}"));
                Ok(Sample { pass: ready && there == all, hopeless: false, facts, evidence: None })
            }
        }
    }
}

fn file_state(host: &Host, path: &str, bodies: &dyn Bodies) -> Result<State, BodyError> {
    let path = path.trim_end_matches('/');
    Ok(match host.files.get(path) {
        Some(Entry::File { mode, owner, content }) => {
            let body = bodies.put(Class::Content, content.as_bytes())?;
            State::file(*mode, owner.clone(), content.len() as u64, body)
        }
        Some(Entry::Link { target }) => State::link(target.clone()),
        _ if host.files.is_dir(path) => {
            let (archive, entries) = host.files.archive(path);
            let text = serde_json::to_vec(&archive).unwrap_or_default();
            let body = bodies.put(Class::Content, &text)?;
            let list = bodies.put(Class::Content, list(&archive).as_bytes())?;
            State::Tree { entries, body, list: Some(list), apart: None, above: None }
        }
        _ => State::Absent,
    })
}

/// What is in a tree, in the form that the executors of real hosts give it.
fn list(Archive(archive): &Archive) -> String {
    let mut list = String::new();
    for (path, entry) in archive {
        let words = match entry {
            Entry::File { mode, owner, content } => format!(
                "type=file mode={mode:04o} owner={owner} size={} content={}",
                content.len(),
                blake3::hash(content.as_bytes()).to_hex()
            ),
            Entry::Link { target } => format!("type=link target={}", target.replace(' ', "\\x20")),
            Entry::Dir => "type=directory".to_owned(),
        };
        list.push_str(&format!("{path}\t{words}\n"));
    }
    list
}
