//! `kube.delete-node`: the Node object, deleted.

use crate::action::{
    Accepted, Action, ActionKind, CheckError, Described, Place, Recovery, Target, Undo, UndoClass, on_cluster,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, Kind, Loss, Residue, State};
use schemars::JsonSchema;

/// Deletes the Node object, bound to the UID found before.
#[derive(Debug, JsonSchema)]
pub(crate) struct DeleteNode;

impl Described for DeleteNode {
    const EXAMPLES: &'static [&'static str] = &["\
- leave: { kube.delete-node: {} }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

impl ActionKind for DeleteNode {
    fn place(&self) -> Place {
        Place::Cluster
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn words(&self) -> String {
        "delete the Node object".to_owned()
    }

    fn check(&self) -> Result<(), CheckError> {
        Ok(())
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_cluster::node(target, Fields::Membership)
    }

    fn met(&self, key: &ResourceKey, before: Option<&State>, now: &State) -> Option<bool> {
        // What goes along with a node is evidence.
        if !matches!(key.kind(), Some(Kind::Node(_))) {
            return None;
        }
        match (before, now) {
            (_, State::Absent) => Some(true),
            (Some(State::Node(old)), State::Node(new)) => Some(old.uid != new.uid),
            _ => Some(false),
        }
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_cluster::nodes(before)
            .filter_map(|(key, node)| node.map(|node| (key, node)))
            .map(|(key, node)| {
                Undo::new(Action::RestoreNode(on_cluster::membership(node)))
                    .or(key, Accepted::Absent)
                    .or(key, Accepted::NewNode)
            })
            .collect()
    }

    fn losses(&self, before: &Image) -> Vec<Residue> {
        let there = on_cluster::nodes(before).filter(|(_, node)| node.is_some());
        there.map(|(key, _)| Residue { key: key.clone(), loss: Loss::NewUid }).collect()
    }
}
