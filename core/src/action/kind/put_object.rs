//! `kube.put-back`: an object of any kind, put back as it was recorded.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass, on_cluster,
};
use crate::form::Form;
use crate::id::{BodyId, ResourceKey};
use crate::resource::{Footprint, Image, ObjectRef, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use serde::{Deserialize, Serialize};

/// Puts an object back as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutObject {
    /// The object.
    pub object: ObjectRef,
    /// The recorded manifest.
    pub body: BodyId,
}

impl Described for PutObject {
    const EXAMPLES: &'static [&'static str] = &[];

    fn forms() -> Vec<Form> {
        Vec::new()
    }
}

#[cfg(test)]
impl Arbitrary for PutObject {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { object: dice.object(), body: dice.body() }
    }
}

impl ActionKind for PutObject {
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
        format!("put {} back", self.object)
    }

    fn subject(&self) -> String {
        self.object.name.clone()
    }

    fn check(&self) -> Result<(), CheckError> {
        self.object.check().within("object")
    }

    fn footprint(&self, _: &Target) -> Vec<Footprint> {
        on_cluster::object(&self.object)
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        Some(on_cluster::is_put_back(&self.body, now))
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_cluster::object_back(&self.object, before)
    }
}
