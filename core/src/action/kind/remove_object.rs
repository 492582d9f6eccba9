//! `kube.remove`: an object of any kind, deleted.

use crate::action::{on_cluster, ActionKind, Place, Recovery, Target, Undo, UndoClass};
use crate::resource::{ObjectRef};
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, Loss, Residue, State};
use serde::{Deserialize, Serialize};

/// Deletes an object, bound to the UID found before. What it owns is deleted by the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveObject {
    /// The object.
    pub object: ObjectRef,
}

impl ActionKind for RemoveObject {
    fn place(&self) -> Place {
        Place::Cluster
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn needs_host(&self) -> bool {
        false
    }

    fn words(&self) -> String {
        format!("delete {}", self.object)
    }

    fn subject(&self) -> String {
        self.object.name.clone()
    }

    fn check(&self) -> Result<(), String> {
        self.object.check()?;
        if let Some(what) = on_cluster::goes_along(&self.object.kind) {
            return Err(format!("with a {} goes {what}, and nothing would put that back", self.object.kind));
        }
        match self.object.kind.as_str() {
            "Job" => Err("a Job is not deleted: put back, it would run once more".to_owned()),
            "Pod" => Err("a Pod is not deleted: put back, it would be another one beside its successor".to_owned()),
            "Secret" => Err("a Secret is not deleted: to put it back, what it holds would have to be kept".to_owned()),
            "Node" => Err("use kube.delete-node: Nodes are claimed and fenced".to_owned()),
            _ => Ok(()),
        }
    }

    fn footprint(&self, _: &Target) -> Vec<Footprint> {
        on_cluster::object(&self.object)
    }

    fn met(&self, _: &ResourceKey, before: Option<&State>, now: &State) -> Option<bool> {
        Some(on_cluster::is_removed(before, now))
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_cluster::object_back(&self.object, before)
    }

    fn losses(&self, before: &Image) -> Vec<Residue> {
        let key = ResourceKey::object(&self.object);
        let was_there = matches!(before.get(&key), Some(State::Object { .. }));
        was_there.then_some(Residue { key, loss: Loss::NewUid }).into_iter().collect()
    }
}
