//! `kube.delete`: a ConfigMap, deleted.

use crate::action::{on_cluster, values, ActionKind, Place, Recovery, Target, Undo, UndoClass};
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, State};
use serde::{Deserialize, Serialize};

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

impl ActionKind for DeleteObject {
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
        format!("delete ConfigMap {}/{}", self.namespace, self.name)
    }

    fn check(&self) -> Result<(), String> {
        values::word("namespace", &self.namespace, values::OBJECT)
            .and_then(|()| values::word("name", &self.name, values::OBJECT))
    }

    fn footprint(&self, _: &Target) -> Vec<Footprint> {
        on_cluster::config_map(&self.namespace, &self.name)
    }

    fn met(&self, _: &ResourceKey, before: Option<&State>, now: &State) -> Option<bool> {
        Some(on_cluster::is_removed(before, now))
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_cluster::config_map_back(before)
    }
}
