//! `kube.remove`: an object of any kind, deleted.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass, on_cluster,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, Loss, ObjectRef, Residue, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Deletes an object of another kind, bound to the UID that was found before. The cluster deletes what it owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveObject {
    /// The object that is deleted.
    pub object: ObjectRef,
}

impl Described for RemoveObject {
    const EXAMPLES: &'static [&'static str] = &[];

    fn forms() -> Vec<Form> {
        Vec::new()
    }
}

#[cfg(test)]
impl Arbitrary for RemoveObject {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { object: dice.object() }
    }
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

    fn check(&self) -> Result<(), CheckError> {
        self.object.check().within("object")?;
        let wrong = |why: &str| Err(CheckError::of("object", why));
        if let Some(what) = on_cluster::goes_along(&self.object.kind) {
            return wrong(&format!("with a {} goes {what}, and nothing would put that back", self.object.kind));
        }
        match self.object.kind.as_str() {
            "Job" => wrong("a Job is not deleted: put back, it would run once more"),
            "Pod" => wrong("a Pod is not deleted: put back, it would be another one beside its successor"),
            "Secret" => wrong("a Secret is not deleted: to put it back, what it holds would have to be kept"),
            "Node" => wrong("use kube.delete-node: Nodes are claimed and fenced"),
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
