//! Resources of the cluster that several kinds of actions share: their footprint, and how they are put back.

use crate::action::{Accepted, Action, ApplyObject, DeleteObject, PutObject, RemoveObject, RestoreNode, Target, Undo};
use crate::cluster;
use crate::id::{BodyId, ResourceKey};
use crate::resource::ObjectRef;
use crate::resource::{Fields, Footprint, Image, Kind, Node, State};
use crate::span::Span;

/// The target's Node object.
pub(super) fn node(target: &Target, fields: Fields) -> Vec<Footprint> {
    let node = target.node.as_deref().map(ResourceKey::node);
    node.map(|key| Footprint::new(key, fields)).into_iter().collect()
}

/// The pods on the target's node, as evidence.
pub(super) fn pods(target: &Target) -> Vec<Footprint> {
    let pods = target.node.as_deref().map(ResourceKey::pods);
    pods.map(|key| Footprint::new(key, Fields::Evidence)).into_iter().collect()
}

/// A ConfigMap.
pub(super) fn config_map(namespace: &str, name: &str) -> Vec<Footprint> {
    vec![Footprint::new(ResourceKey::config_map(namespace, name), Fields::Content)]
}

/// An object of any kind.
pub(super) fn object(object: &ObjectRef) -> Vec<Footprint> {
    vec![Footprint::new(ResourceKey::object(object), Fields::Content)]
}

/// Whether a node is cordoned, or not, as wanted.
pub(super) fn scheduling(now: &State, cordoned: bool) -> Option<bool> {
    match now {
        State::Node(node) => Some(node.unschedulable == cordoned),
        State::Absent => Some(false),
        _ => None,
    }
}

/// The Node objects of an image; none in it for one that is not there.
pub(super) fn nodes(image: &Image) -> impl Iterator<Item = (&ResourceKey, Option<&Node>)> {
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

/// What gives a node back what it had, once it registered again.
pub(super) fn membership(node: &Node) -> RestoreNode {
    RestoreNode {
        unschedulable: node.unschedulable,
        labels: node.labels.clone(),
        annotations: node.annotations.clone(),
        taints: node.taints.clone(),
        timeout: Span::seconds(900),
    }
}

/// Puts ConfigMaps back that were there, and removes those that were not.
pub(super) fn config_map_back(before: &Image) -> Vec<Undo> {
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

/// An object that was there is put back, one that was not is removed.
pub(super) fn put_or_remove(object: ObjectRef, was: &State) -> Action {
    match was {
        State::Object { body, .. } => Action::PutObject(PutObject { object, body: *body }),
        _ => Action::RemoveObject(RemoveObject { object }),
    }
}

/// The way back of one object.
pub(super) fn object_back(object: &ObjectRef, before: &Image) -> Vec<Undo> {
    let key = ResourceKey::object(object);
    let undo = before.get(&key).map(|state| Undo::new(put_or_remove(object.clone(), state)).or(&key, Accepted::Absent));
    undo.into_iter().collect()
}

/// Whether an object that was to be removed is: gone, or another one by now.
pub(super) fn is_removed(before: Option<&State>, now: &State) -> bool {
    match (before, now) {
        (_, State::Absent) => true,
        (Some(State::Object { uid: old, .. }), State::Object { uid, .. }) => old != uid,
        _ => false,
    }
}

/// Whether an object has the recorded content again. One that is about to go is not back.
pub(super) fn is_put_back(wanted: &BodyId, now: &State) -> bool {
    matches!(now, State::Object { body, marks, .. } if body == wanted && !marks.contains_key(cluster::DELETING))
}

/// What goes with an object of this kind that nothing would put back.
pub(super) fn goes_along(kind: &str) -> Option<&'static str> {
    match kind {
        "Namespace" | "Project" | "CustomResourceDefinition" => Some("all that is in it"),
        "PersistentVolumeClaim" | "PersistentVolume" => Some("what is stored there"),
        _ => None,
    }
}
