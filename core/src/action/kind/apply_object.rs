//! `kube.apply`: a recorded ConfigMap, put back.

use crate::action::{on_cluster, values, ActionKind, Place, Recovery, Target, Undo, UndoClass};
use crate::id::{BodyId, ResourceKey};
use crate::resource::{Footprint, Image, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

impl ActionKind for ApplyObject {
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
        format!("put ConfigMap {}/{} back", self.namespace, self.name)
    }

    fn check(&self) -> Result<(), String> {
        values::word("namespace", &self.namespace, values::OBJECT)
            .and_then(|()| values::word("name", &self.name, values::OBJECT))
    }

    fn footprint(&self, _: &Target) -> Vec<Footprint> {
        on_cluster::config_map(&self.namespace, &self.name)
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        Some(on_cluster::is_put_back(&self.body, now))
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_cluster::config_map_back(before)
    }
}
