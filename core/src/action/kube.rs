//! Actions through the cluster's API.

use super::{Accepted, Action, Target, Undo};
use crate::cluster;
use crate::id::{BodyId, Label, ResourceKey};
use crate::resource::{Fields, Footprint, Image, Kind, Loss, Node, Residue, State};
use crate::shown::Shown as _;
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

/// Sets fields of a Node: a value sets a label, no value removes it; labels and taints that are not named stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchNode {
    /// Whether it shall be cordoned.
    #[serde(default)]
    pub unschedulable: Option<bool>,
    /// Labels to set or remove.
    #[serde(default)]
    pub labels: BTreeMap<String, Option<String>>,
    /// Taints as `key=value:Effect`, and whether it shall have them. One that is set takes the place of another of that
    /// key and effect.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taints: BTreeMap<String, bool>,
}

/// Key and effect of a taint, by which the API tells taints apart.
fn key_and_effect(taint: &str) -> Option<(&str, &str)> {
    let (rest, effect) = taint.rsplit_once(':')?;
    Some((rest.split_once('=')?.0, effect))
}

impl PatchNode {
    pub(super) fn met(&self, now: &State) -> bool {
        matches!(now, State::Node(node)
            if self.unschedulable.is_none_or(|want| want == node.unschedulable)
            && self.labels.iter().all(|(key, want)| node.labels.get(key) == want.as_ref())
            && self.taints.iter().all(|(taint, want)| node.taints.contains(taint) == *want))
    }

    /// The taints that a node has after it, from those that it has.
    pub fn tainted(&self, now: &BTreeSet<String>) -> BTreeSet<String> {
        let set = || self.taints.iter().filter(|(_, want)| **want).map(|(taint, _)| taint);
        let stays = |taint: &&String| {
            self.taints.get(*taint).copied().unwrap_or_else(|| {
                set().all(|other| key_and_effect(other).is_none() || key_and_effect(other) != key_and_effect(taint))
            })
        };
        now.iter().filter(stays).chain(set()).cloned().collect()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let mut set = BTreeSet::new();
        for (taint, want) in &self.taints {
            let shown = taint.shown();
            let parts = key_and_effect(taint).filter(|(key, effect)| {
                let plain = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
                let value = &taint[key.len() + 1..taint.len() - effect.len() - 1];
                !key.is_empty()
                    && key.chars().all(plain)
                    && value.chars().all(|c| plain(c) && c != '/')
                    && ["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(effect)
            });
            let parts = parts.ok_or_else(|| {
                format!("`{shown}` is no taint: write `key=value:Effect`, or `key=:Effect` for one without a value")
            })?;
            if cluster::is_own_taint(parts.0) {
                return Err(format!("the taint `{shown}` comes and goes by the cluster's own hand"));
            }
            if *want && !set.insert(parts) {
                return Err(format!("a node has one taint `{}` with {}, and two are set", parts.0, parts.1));
            }
        }
        Ok(())
    }

    pub(super) fn inverse(&self, before: &Image) -> Vec<Undo> {
        nodes(before)
            .filter_map(|(_, node)| node)
            .map(|node| {
                let old = |key: &String| (key.clone(), node.labels.get(key).cloned());
                // What it found as it was to be stays.
                let after = self.tainted(&node.taints);
                let gone = node.taints.difference(&after).map(|taint| (taint.clone(), true));
                let new = after.difference(&node.taints).map(|taint| (taint.clone(), false));
                Undo::new(Action::PatchNode(Self {
                    unschedulable: self.unschedulable.map(|_| node.unschedulable),
                    labels: self.labels.keys().map(old).collect(),
                    taints: gone.chain(new).collect(),
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
            taints: BTreeMap::new(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(taints: &[(&str, bool)]) -> PatchNode {
        let taints = taints.iter().map(|(taint, want)| ((*taint).to_owned(), *want)).collect();
        PatchNode { unschedulable: None, labels: BTreeMap::new(), taints }
    }

    fn node(taints: &[&str]) -> Node {
        Node {
            uid: "u".to_owned(),
            unschedulable: false,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            taints: taints.iter().map(|taint| (*taint).to_owned()).collect(),
            ready: true,
            runtime: String::new(),
            kubelet: String::new(),
        }
    }

    #[test]
    fn taints_are_set_and_only_what_changed_is_put_back() {
        let (a, b, c) = ("a=1:NoSchedule", "a=2:NoSchedule", "c=:NoExecute");
        for (before, wanted, after, back) in [
            (vec![], vec![(a, true)], vec![a], vec![(a, false)]),
            (vec![a, c], vec![(a, true)], vec![a, c], vec![]),
            (vec![a, c], vec![(a, false)], vec![c], vec![(a, true)]),
            (vec![c], vec![(a, false)], vec![c], vec![]),
            // A node has one taint of a key and an effect.
            (vec![a], vec![(b, true)], vec![b], vec![(a, true), (b, false)]),
            (vec![a], vec![(b, true), (a, true)], vec![a, b], vec![(b, false)]),
        ] {
            let wanted = patch(&wanted);
            let (before, after) = (node(&before), node(&after));
            assert_eq!(wanted.tainted(&before.taints), after.taints, "{wanted:?}");
            assert!(wanted.met(&State::Node(Box::new(after.clone()))), "{wanted:?}");
            let image = Image::from([(ResourceKey::node("n"), State::Node(Box::new(before.clone())))]);
            let back = patch(&back);
            assert_eq!(wanted.inverse(&image), [Undo::new(Action::PatchNode(back.clone()))]);
            assert_eq!(back.tainted(&after.taints), before.taints, "it is as before");
        }
        assert!(!patch(&[(c, false)]).met(&State::Node(Box::new(node(&[c])))));
    }

    #[test]
    fn taints_that_are_none_or_not_ours_are_refused() {
        for (taints, words) in [
            (vec![("a=b:NoSchedule", true), ("a=c:NoSchedule", false), ("x/y=:NoExecute", true)], None),
            (vec![("a:NoSchedule", true)], Some("key=:Effect")),
            (vec![("a=b:Never", true)], Some("no taint")),
            (vec![("a=b", true)], Some("no taint")),
            (vec![("=b:NoExecute", true)], Some("no taint")),
            (vec![("{{ x }}=b:NoExecute", true)], Some("no taint")),
            (vec![("a=b:c:NoExecute", true)], Some("no taint")),
            (vec![("node.kubernetes.io/unreachable=:NoExecute", false)], Some("own hand")),
            (vec![("a=b:NoSchedule", true), ("a=c:NoSchedule", true)], Some("two are set")),
        ] {
            let found = Action::PatchNode(patch(&taints)).check();
            match words {
                None => assert_eq!(found, Ok(()), "{taints:?}"),
                Some(words) => assert!(found.as_ref().is_err_and(|why| why.contains(words)), "{taints:?}: {found:?}"),
            }
        }
    }
}
