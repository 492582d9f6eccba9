//! `record`: what is there, as the baseline of a migration.

use crate::action::{on_cluster, values, ActionKind, Place, Recovery, Target, Undo, UndoClass};
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, State};
use serde::{Deserialize, Serialize};

/// Records what is there, as the baseline of a migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Units.
    #[serde(default)]
    pub units: Vec<String>,
    /// Packages by name.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Files and trees.
    #[serde(default)]
    pub files: Vec<String>,
    /// Whether the Node object and the pods on it are recorded too.
    #[serde(default)]
    pub node: bool,
}

impl ActionKind for Record {
    fn place(&self) -> Place {
        Place::Host
    }

    fn class(&self) -> UndoClass {
        UndoClass::Read
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn words(&self) -> String {
        "record what is there".to_owned()
    }

    fn check(&self) -> Result<(), String> {
        values::words("unit", &self.units, values::UNIT)?;
        values::words("package", &self.packages, values::PACKAGE)?;
        self.files.iter().try_for_each(|text| values::path(text))
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        let Some(host) = &target.host else {
            return Vec::new();
        };
        let mut keys: Vec<ResourceKey> = self.units.iter().map(|unit| ResourceKey::unit(host, unit)).collect();
        keys.extend(self.packages.iter().map(|name| ResourceKey::package(host, name)));
        keys.extend(self.files.iter().map(|path| ResourceKey::file(host, path)));
        keys.push(ResourceKey::boot(host));
        let mut all: Vec<Footprint> = keys.into_iter().map(|key| Footprint::new(key, Fields::Evidence)).collect();
        if self.node {
            all.extend(on_cluster::node(target, Fields::Evidence));
            all.extend(on_cluster::pods(target));
        }
        all
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, _: &State) -> Option<bool> {
        None
    }

    fn inverse(&self, _: &Target, _: &Image) -> Vec<Undo> {
        Vec::new()
    }
}
