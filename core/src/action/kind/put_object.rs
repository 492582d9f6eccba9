//! `kube.put-back`: an object of any kind, put back as it was recorded.

use crate::action::{on_cluster, ActionKind, Place, Recovery, Target, Undo, UndoClass};
use crate::resource::{ObjectRef};
use crate::id::{BodyId, ResourceKey};
use crate::resource::{Footprint, Image, State};
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

    fn check(&self) -> Result<(), String> {
        self.object.check()
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
