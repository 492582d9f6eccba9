//! Actions through the cluster's API.

use super::{Accepted, Action, Target, Undo};
use crate::id::{BodyId, Label, ResourceKey};
use crate::resource::{Fields, Footprint, Image, Kind, Loss, Node, Residue, State};
use crate::span::Span;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn node(target: &Target, fields: Fields) -> Vec<Footprint> {
    let node = target.node.as_deref().map(ResourceKey::node);
    node.map(|key| Footprint::new(key, fields)).into_iter().collect()
}

pub(super) fn pods(target: &Target) -> Vec<Footprint> {
    let pods = target.node.as_deref().map(ResourceKey::pods);
    pods.map(|key| Footprint::new(key, Fields::Evidence)).into_iter().collect()
}

pub(super) fn object(namespace: &str, name: &str) -> Vec<Footprint> {
    vec![Footprint::new(ResourceKey::config_map(namespace, name), Fields::Content)]
}

pub(super) fn scheduling(now: &State, cordoned: bool) -> Option<bool> {
    match now {
        State::Node(node) => Some(node.unschedulable == cordoned),
        State::Absent => Some(false),
        _ => None,
    }
}

fn nodes(image: &Image) -> impl Iterator<Item = (&ResourceKey, Option<&Node>)> {
    image.iter().filter(|(key, _)| matches!(key.kind(), Some(Kind::Node(_)))).map(|(key, state)| match state {
        State::Node(node) => (key, Some(&**node)),
        _ => (key, None),
    })
}

/// A node that was already cordoned stays cordoned.
pub(super) fn scheduling_back(before: &Image) -> Vec<Undo> {
    nodes(before)
        .filter_map(|(_, node)| node)
        .map(|node| Undo::new(if node.unschedulable { Action::Cordon {} } else { Action::Uncordon {} }))
        .collect()
}

pub(super) fn membership(node: &Node) -> RestoreNode {
    RestoreNode {
        unschedulable: node.unschedulable,
        labels: node.labels.clone(),
        annotations: node.annotations.clone(),
        taints: node.taints.clone(),
        timeout: Span::seconds(900),
    }
}

pub(super) fn node_back(before: &Image) -> Vec<Undo> {
    nodes(before)
        .filter_map(|(key, node)| node.map(|node| (key, node)))
        .map(|(key, node)| {
            Undo::new(Action::RestoreNode(membership(node))).or(key, Accepted::Absent).or(key, Accepted::NewNode)
        })
        .collect()
}

pub(super) fn node_losses(before: &Image) -> Vec<Residue> {
    let there = nodes(before).filter(|(_, node)| node.is_some());
    there.map(|(key, _)| Residue { key: key.clone(), loss: Loss::NewUid }).collect()
}

pub(super) fn drain_losses(before: &Image) -> Vec<Residue> {
    let mut losses = Vec::new();
    for state in before.values() {
        let State::Pods { pods } = state else {
            continue;
        };
        for pod in pods {
            // A generated name dies with the pod; what people know is the owner.
            let name = pod.owner.as_ref().map_or(pod.name.as_str(), |(kind, name)| {
                if kind == "StatefulSet" { pod.name.as_str() } else { name.as_str() }
            });
            let key = ResourceKey::pod(&pod.namespace, name);
            let loss = if pod.owner.is_none() { Loss::BarePod } else { Loss::Moved };
            losses.push(Residue { key: key.clone(), loss });
            if pod.emptydir {
                losses.push(Residue { key, loss: Loss::EmptyDir });
            }
        }
    }
    losses
}

pub(super) fn object_back(before: &Image) -> Vec<Undo> {
    let mut undos = Vec::new();
    for (key, state) in before {
        let Some(Kind::ConfigMap(namespace, name)) = key.kind() else {
            continue;
        };
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        let action = match state {
            State::Object { body, marks, .. } => {
                Action::ApplyObject(ApplyObject { namespace, name, body: *body, marks: marks.clone() })
            }
            _ => Action::DeleteObject(DeleteObject { namespace, name, unless_used: true }),
        };
        undos.push(Undo::new(action).or(key, Accepted::Absent));
    }
    undos
}

/// What a drain does with pods that have emptyDir volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Emptydir {
    /// Evict them; their data is lost and listed as residue.
    Delete,
    /// Refuse to drain.
    Refuse,
}

/// What a drain does with pods that no controller would make anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bare {
    /// Delete them for good.
    Delete,
    /// Refuse to drain.
    Refuse,
}

fn refuse_emptydir() -> Emptydir {
    Emptydir::Refuse
}

fn refuse_bare() -> Bare {
    Bare::Refuse
}

fn a_quarter() -> Span {
    Span::seconds(900)
}

/// Evicts every pod that is not static and not of a DaemonSet. PodDisruptionBudgets are respected until the timeout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    /// Pods with emptyDir volumes.
    #[serde(default = "refuse_emptydir")]
    pub emptydir: Emptydir,
    /// Pods without a controller.
    #[serde(default = "refuse_bare")]
    pub bare: Bare,
    /// How long to go on asking; then the step fails.
    #[serde(default = "a_quarter")]
    pub timeout: Span,
    /// What is done with pods that stay Terminating, as those do whose runtime no longer answers. Without it they are
    /// waited for, until the timeout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminating: Option<Terminating>,
    /// How long a pod gets to end, instead of what it says itself. `0s`: at once, without a word to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<Span>,
}

/// What a drain does with a pod that is still Terminating so long after its time to end was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Terminating {
    /// The step fails and says which pods they are: a person looks.
    Ask {
        /// So long after.
        after: Span,
    },
    /// The pod's object is deleted by its UID without waiting for the node. Its containers may go on running: only where
    /// the node is about to be stopped or rebooted anyway.
    Force {
        /// So long after.
        after: Span,
    },
}

/// Gives a node that registered again what it had: labels, annotations, taints, schedulability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoreNode {
    /// Whether it was cordoned.
    pub unschedulable: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Taints.
    pub taints: BTreeSet<String>,
    /// How long to wait for it to register.
    pub timeout: Span,
}

impl RestoreNode {
    pub(super) fn met(&self, now: &State) -> bool {
        matches!(now, State::Node(node) if node.unschedulable == self.unschedulable
            && node.labels == self.labels && node.annotations == self.annotations && node.taints == self.taints)
    }
}

/// Sets fields of a Node: a value sets a label, no value removes it; labels that are not named stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchNode {
    /// Whether it shall be cordoned.
    #[serde(default)]
    pub unschedulable: Option<bool>,
    /// Labels to set or remove.
    #[serde(default)]
    pub labels: BTreeMap<String, Option<String>>,
}

impl PatchNode {
    pub(super) fn met(&self, now: &State) -> bool {
        matches!(now, State::Node(node)
            if self.unschedulable.is_none_or(|want| want == node.unschedulable)
            && self.labels.iter().all(|(key, want)| node.labels.get(key) == want.as_ref()))
    }

    pub(super) fn inverse(&self, before: &Image) -> Vec<Undo> {
        nodes(before)
            .filter_map(|(_, node)| node)
            .map(|node| {
                let old = |key: &String| (key.clone(), node.labels.get(key).cloned());
                Undo::new(Action::PatchNode(Self {
                    unschedulable: self.unschedulable.map(|_| node.unschedulable),
                    labels: self.labels.keys().map(old).collect(),
                }))
            })
            .collect()
    }
}

/// A field that `restore` can put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestoreField {
    /// Whether the node is cordoned.
    Unschedulable,
    /// The node's labels.
    Labels,
}

/// Puts fields of the node back to the before-image of an earlier step of the same host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// The earlier step, by its name in the runbook.
    pub step: Label,
    /// The fields.
    pub fields: Vec<RestoreField>,
    /// Labels that are left as they are now.
    #[serde(default)]
    pub except: BTreeSet<String>,
}

impl Restore {
    /// The concrete action, from that step's before-image. Labels that the node has gained since stay.
    pub fn resolve(&self, before: &Image) -> Option<Action> {
        let (_, node) = nodes(before).find(|(_, node)| node.is_some())?;
        let node = node?;
        let labels = self.fields.contains(&RestoreField::Labels).then(|| {
            let kept = node.labels.iter().filter(|(key, _)| !self.except.contains(*key));
            kept.map(|(key, value)| (key.clone(), Some(value.clone()))).collect()
        });
        Some(Action::PatchNode(PatchNode {
            unschedulable: self.fields.contains(&RestoreField::Unschedulable).then_some(node.unschedulable),
            labels: labels.unwrap_or_default(),
        }))
    }
}

/// Deletes a ConfigMap, bound to the UID found before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteObject {
    /// Namespace.
    pub namespace: String,
    /// Name of the ConfigMap.
    pub name: String,
    /// Refuse while another live node takes its configuration from it (T1).
    #[serde(default = "yes")]
    pub unless_used: bool,
}

fn yes() -> bool {
    true
}

/// Puts a recorded ConfigMap back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyObject {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// The recorded manifest.
    pub body: BodyId,
    /// Public marks of that content.
    pub marks: BTreeMap<String, String>,
}
