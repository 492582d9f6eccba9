//! From an action to the parts of its job: what is still to do in this world, or why it must not begin.

use crate::lab::world::controllers::is_of;
use crate::lab::world::effect::Effect;
use crate::lab::world::job::{Finish, Part};
use crate::lab::world::model::{Host, PodRecord, World};
use crate::lab::world::repos::repository_draft;
use palinode_core::action::{Action, Bare, Emptydir, Target};
use palinode_core::event::Why;
use palinode_core::id::{Micros, ResourceKey};
use palinode_core::port::{Bodies, Job};
use palinode_core::resource::{Fields, Image, Kind, State};
use std::io;

/// What a job needs that is not in the world.
pub struct Outside<'a> {
    /// The text of the inventory.
    pub inventory: &'a dyn Fn() -> io::Result<Vec<u8>>,
    /// Recorded bodies.
    pub bodies: &'a dyn Bodies,
}

/// What a job will do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::lab) struct Draft {
    pub(in crate::lab) parts: Vec<Part>,
    pub(in crate::lab) tail: Micros,
    pub(in crate::lab) patience: Option<Micros>,
    pub(in crate::lab) finish: Finish,
}

impl Draft {
    /// A part that is due some seconds after the one before.
    pub(in crate::lab) fn then(&mut self, seconds: i64, effect: Effect) {
        self.part(seconds, 0, effect);
    }

    /// A part that waits.
    pub(in crate::lab) fn wait(&mut self, seconds: i64, patience: i64, effect: Effect) {
        self.part(seconds, patience, effect);
    }

    fn part(&mut self, after: i64, patience: i64, effect: Effect) {
        self.parts.push(Part { after: Micros::seconds(after), patience: Micros::seconds(patience), effect });
    }

    /// Ends that many seconds after its last part, with an exit code of zero.
    pub(in crate::lab) fn ends(mut self, seconds: i64) -> Self {
        self.tail = Micros::seconds(seconds);
        self.finish.code.get_or_insert(0);
        self
    }
}

/// A job that must not begin: nothing was changed.
pub(in crate::lab) fn refuse(message: impl Into<String>) -> Finish {
    Finish { why: Some(Why::Precondition), message: Some(message.into()), ..Finish::default() }
}

impl World {
    /// The parts of a job that are still to do.
    pub(in crate::lab) fn draft(&self, job: &Job, outside: &Outside<'_>) -> Result<Draft, Finish> {
        let target = &job.target;
        self.as_found(job, outside.bodies)?;
        match &job.action {
            Action::Record(_) => Ok(Draft::default().ends(1)),
            Action::Restore(_) => Err(refuse("restore has not been resolved to what it restores")),
            Action::Cordon {} => self.schedulable(target, false),
            Action::Uncordon {} => self.schedulable(target, true),
            Action::Drain(drain) => self.drain(target, drain),
            Action::DeleteNode {} => self.delete_node(target, &job.before),
            Action::RestoreNode(restore) => {
                let node = node_of(target)?.to_owned();
                let mut draft = Draft::default();
                if !self.nodes.contains_key(&node) {
                    let patience = restore.timeout.micros().0 / 1_000_000;
                    draft.wait(1, patience, Effect::AwaitNode { node: node.clone(), ready: false });
                }
                draft.then(
                    1,
                    Effect::RestoreNode {
                        node,
                        unschedulable: restore.unschedulable,
                        labels: restore.labels.clone(),
                        annotations: restore.annotations.clone(),
                        taints: restore.taints.clone(),
                    },
                );
                Ok(draft.ends(1))
            }
            Action::PatchNode(patch) => {
                let node = node_of(target)?.to_owned();
                let Some(now) = self.nodes.get(&node) else {
                    return Err(refuse(format!("nodes \"{node}\" not found")));
                };
                let mut draft = Draft::default();
                let differs = patch.labels.iter().any(|(key, want)| now.labels.get(key) != want.as_ref());
                if differs {
                    draft.then(1, Effect::Label { node: node.clone(), labels: patch.labels.clone() });
                }
                let taints = patch.tainted(&now.taints);
                if taints != now.taints {
                    draft.then(1, Effect::Taint { node: node.clone(), taints });
                }
                if let Some(unschedulable) = patch.unschedulable.filter(|want| *want != now.unschedulable) {
                    draft.then(1, Effect::Schedulable { node, on: !unschedulable });
                }
                Ok(draft.ends(1))
            }
            Action::DeleteObject(delete) => self.delete_object(target, delete, &job.before),
            Action::ApplyObject(apply) => {
                let content = config_of(&text_of(outside.bodies, apply.body)?)?;
                let name = format!("{}/{}", apply.namespace, apply.name);
                let mut draft = Draft::default();
                if self.config_maps.get(&name).is_none_or(|map| *map.content != *content) {
                    draft.then(1, Effect::PutConfigMap { name, content: content.into() });
                }
                Ok(draft.ends(1))
            }
            Action::Service(service) => service_draft(self.reach(target)?, service),
            Action::Package(package) => self.package(self.reach(target)?, package),
            Action::Wait(wait) => wait_draft(self.reach(target)?, wait),
            Action::Fetch(fetch) => fetch_draft(self.reach(target)?, fetch),
            Action::Repository(repository) => repository_draft(self.reach(target)?, repository),
            Action::FileAbsent(absent) => Ok(absent_draft(self.reach(target)?, absent)),
            Action::FileCopy(copy) => copy_draft(self.reach(target)?, copy),
            Action::FileWrite(write) => write_draft(self.reach(target)?, write),
            Action::FileRead(read) => read_draft(self.reach(target)?, read),
            Action::FileRestore(restore) => restore_draft(self.reach(target)?, restore, outside),
            Action::Command(command) => command_draft(self.reach(target)?, command),
            Action::GlusterHeal(heal) => self.heal_draft(self.reach(target)?.0, heal),
            Action::DnsCheck(check) => Ok(names_draft(self.reach(target)?, check)),
            Action::Reboot {} => {
                let (name, host) = self.reach(target)?;
                let mut draft = Draft::default();
                // Keyed by the boot before the first attempt: another boot means that it happened.
                let first = match target.host.as_ref().and_then(|name| job.before.get(&ResourceKey::boot(name))) {
                    Some(State::Boot { id }) => Some(id),
                    _ => job.boot.as_ref(),
                };
                if first.is_none_or(|boot| *boot == host.boot) {
                    draft.then(3, Effect::Reboot { host: name.to_owned() });
                }
                draft.wait(5, 1200, Effect::AwaitBoot { host: name.to_owned() });
                Ok(draft.ends(20))
            }
            Action::PatchObject(_)
            | Action::RemoveObject(_)
            | Action::PutObject(_)
            | Action::KubeWait(_)
            | Action::KubeExec(_) => Err(refuse("the lab has no objects and pods of that kind")),
            Action::ApproveCsr(approve) => {
                let node = node_of(target)?.to_owned();
                let mut draft = Draft::default();
                let patience = approve.timeout.micros().0 / 1_000_000;
                draft.wait(1, patience, Effect::AwaitNode { node, ready: false });
                Ok(draft.ends(1))
            }
            Action::InventoryEdit(edit) => Ok(control_draft(&edit.file)),
            Action::InventoryRestore(restore) => Ok(control_draft(&restore.file)),
            Action::Playbook(playbook) => self.playbook(target, playbook, outside),
        }
    }

    /// Why a job must not begin that replaces files: the first of them that is not as its attempt found it.
    pub(in crate::lab) fn moved(&self, job: &Job, bodies: &dyn Bodies) -> Option<String> {
        let seen = job.seen.as_ref().filter(|_| job.action.replaces_files())?;
        let owned = job.action.footprint(&job.target).into_iter().filter(|item| item.fields != Fields::Evidence);
        owned.map(|item| item.key).find_map(|key| {
            let (Some(Kind::File(_, path)), Some(was)) = (key.kind(), seen.get(&key)) else { return None };
            let changed = self.observe(&key, bodies).is_ok_and(|now| !was.same(&now, Fields::All));
            changed.then(|| format!("{path} was changed since the step looked at it; nothing was changed here"))
        })
    }

    /// Refuses to change an object that is not as this attempt found it, as the API does: what goes back one day is what
    /// was found, and what someone changed since would be lost with it.
    fn as_found(&self, job: &Job, bodies: &dyn Bodies) -> Result<(), Finish> {
        let changed = |what: String| {
            let message = format!("{what} since it was looked at; nothing was changed here");
            Err(Finish { why: Some(Why::Conflict), message: Some(message), ..Finish::default() })
        };
        for (key, was) in job.seen.iter().flat_map(|seen| seen.iter()) {
            match (key.kind(), was) {
                (Some(Kind::Node(name)), State::Node(was)) => {
                    let Some(now) = self.nodes.get(name) else { continue };
                    let label = |label: &String| now.labels.get(label) != was.labels.get(label);
                    let (scheduling, labels) = match &job.action {
                        Action::Cordon {} | Action::Uncordon {} => (true, false),
                        Action::PatchNode(patch) => (patch.unschedulable.is_some(), patch.labels.keys().any(label)),
                        Action::DeleteNode {} => (true, now.labels != was.labels),
                        _ => continue,
                    };
                    if now.uid != was.uid {
                        return changed(format!("node {name} registered again under UID {}", now.uid));
                    }
                    if scheduling && now.unschedulable != was.unschedulable {
                        return changed(format!("someone else cordoned or uncordoned node {name}"));
                    }
                    if labels {
                        return changed(format!("someone else changed the labels of node {name}"));
                    }
                }
                (Some(Kind::ConfigMap(namespace, name)), was) => {
                    let of = self.config_map(namespace, name);
                    let goes = match &job.action {
                        Action::DeleteObject(_) => of.is_some(),
                        Action::ApplyObject(apply) => {
                            let wanted = config_of(&text_of(bodies, apply.body)?)?;
                            of.is_some_and(|map| *map.content != *wanted)
                        }
                        _ => false,
                    };
                    if goes && self.observe(key, bodies).is_ok_and(|now| now != *was) {
                        return changed(format!("someone else wrote configmap {namespace}/{name}"));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The target's host, which must be up.
    fn reach(&self, target: &Target) -> Result<(&str, &Host), Finish> {
        let Some(name) = &target.host else {
            return Err(refuse("the action needs a host"));
        };
        let found = self.hosts.get_key_value(name.as_str());
        let (name, host) = found.ok_or_else(|| refuse(format!("there is no host {name}")))?;
        Ok((name, host))
    }

    fn schedulable(&self, target: &Target, on: bool) -> Result<Draft, Finish> {
        let node = node_of(target)?;
        let Some(now) = self.nodes.get(node) else {
            return Err(refuse(format!("nodes \"{node}\" not found")));
        };
        let mut draft = Draft::default();
        if now.unschedulable == on {
            draft.then(1, Effect::Schedulable { node: node.to_owned(), on });
        }
        Ok(draft.ends(1))
    }

    /// Filters as `oc adm drain` does: any pod in the way, and nothing is evicted. Evicts in the order in which the
    /// controllers make successors, so that it does not matter how many go between two of their rounds: the successors
    /// are placed one after the other either way, on the same nodes.
    fn drain(&self, target: &Target, drain: &palinode_core::action::Drain) -> Result<Draft, Finish> {
        let node = node_of(target)?;
        if self.nodes.get(node).is_some_and(|node| !node.unschedulable) {
            return Err(refuse(format!(
                "node {node} is not cordoned: what is evicted could come back at once; nothing was evicted"
            )));
        }
        let mut pods: Vec<_> = self.pods.on(node).filter(|(_, pod)| Self::evictable(pod)).collect();
        let place = |pod: &PodRecord| self.owners.iter().position(|owner| is_of(pod, owner)).unwrap_or(usize::MAX);
        pods.sort_by_key(|(_, pod)| (place(pod), &pod.namespace, &pod.name));
        for (_, pod) in &pods {
            let name = format!("{}/{}", pod.namespace, pod.name);
            if pod.emptydir && drain.emptydir == Emptydir::Refuse {
                return Err(refuse(format!("pod {name} has an emptyDir volume, and emptydir is refuse")));
            }
            if pod.owner.is_none() && drain.bare == Bare::Refuse {
                return Err(refuse(format!("pod {name} has no controller, and bare is refuse")));
            }
        }
        let mut draft = Draft { patience: Some(drain.timeout.micros()), ..Draft::default() };
        let patience = drain.timeout.micros().0 / 1_000_000;
        for (uid, pod) in pods {
            let pod = format!("{}/{}", pod.namespace, pod.name);
            draft.wait(3, patience, Effect::Evict { uid: uid.to_owned(), pod });
        }
        Ok(draft.ends(10))
    }

    fn delete_node(&self, target: &Target, before: &Image) -> Result<Draft, Finish> {
        let node = node_of(target)?;
        let Some(now) = self.nodes.get(node) else {
            return Ok(Draft::default().ends(1));
        };
        match before.get(&ResourceKey::node(node)) {
            Some(State::Node(was)) if was.uid != now.uid => {
                return Err(refuse(format!(
                    "node {node} registered again under UID {}; the one to delete had {}",
                    now.uid, was.uid
                )));
            }
            Some(State::Absent) => {
                return Err(refuse(format!("node {node} registered after it was looked at")));
            }
            _ => {}
        }
        if self.hosts.get(node).is_some_and(|host| host.kubelet.is_some()) {
            return Err(refuse(format!("the kubelet of {node} still runs and would register it again at once")));
        }
        let mut draft = Draft::default();
        draft.then(1, Effect::DeleteNode { node: node.to_owned(), uid: now.uid.clone() });
        Ok(draft.ends(2))
    }

    fn delete_object(
        &self,
        target: &Target,
        delete: &palinode_core::action::DeleteObject,
        before: &Image,
    ) -> Result<Draft, Finish> {
        let name = format!("{}/{}", delete.namespace, delete.name);
        let Some(map) = self.config_maps.get(&name) else {
            return Ok(Draft::default().ends(1));
        };
        let key = ResourceKey::config_map(&delete.namespace, &delete.name);
        if let Some(State::Object { uid, .. }) = before.get(&key)
            && *uid != map.uid
        {
            return Err(refuse(format!("configmap {name} was made anew since it was looked at")));
        }
        if delete.unless_used {
            let own = target.host.as_ref().map(|host| host.as_str());
            let user = self.hosts.iter().find(|(host, found)| {
                Some(host.as_str()) != own
                    && self.nodes.contains_key(*host)
                    && self.group_of(found).as_deref() == Some(&delete.name)
            });
            if let Some((user, _)) = user {
                return Err(refuse(format!("configmap {name} is in use: {user} takes its configuration from it")));
            }
        }
        let mut draft = Draft::default();
        draft.then(1, Effect::DeleteConfigMap { name });
        Ok(draft.ends(1))
    }
}

use super::host_jobs::{
    absent_draft, command_draft, copy_draft, fetch_draft, names_draft, read_draft, restore_draft, service_draft,
    text_of, wait_draft, write_draft,
};

fn node_of(target: &Target) -> Result<&str, Finish> {
    target.node.as_deref().ok_or_else(|| refuse("the action needs a node, and the target has none"))
}

/// The one text that the lab keeps of a ConfigMap, out of its manifest.
fn config_of(manifest: &str) -> Result<String, Finish> {
    let map: serde_json::Value =
        serde_json::from_str(manifest).map_err(|error| refuse(format!("what was recorded is no manifest: {error}")))?;
    let config = palinode_core::cluster::node_config(&map).map(str::to_owned);
    config.ok_or_else(|| refuse("the lab has no ConfigMaps but those of node groups"))
}

fn control_draft(file: &str) -> Draft {
    let mut draft = Draft::default();
    draft.then(0, Effect::Control { file: file.to_owned() });
    draft.ends(1)
}
