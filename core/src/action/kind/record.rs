//! `record`: what is there, as the baseline of a migration.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass, on_cluster, values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Records the state of units, packages, files and the node, as the baseline of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The systemd units.
    #[serde(default)]
    pub units: Vec<String>,
    /// The packages, by name.
    #[serde(default)]
    pub packages: Vec<String>,
    /// The files and directories, absolute; a directory with all that is in it.
    #[serde(default)]
    pub files: Vec<String>,
    /// Whether the Node object and the pods on it are recorded too.
    #[serde(default)]
    pub node: bool,
}

impl Described for Record {
    const EXAMPLES: &'static [&'static str] = &["\
- baseline:
    record:
      node: true
      units: [docker, crio]
      packages: [docker]
      files: [/etc/origin]
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for Record {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { units: dice.words(), packages: dice.words(), files: dice.words(), node: dice.flag() }
    }
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

    fn check(&self) -> Result<(), CheckError> {
        values::words("unit", &self.units, values::UNIT).within("units")?;
        values::words("package", &self.packages, values::PACKAGE).within("packages")?;
        self.files.iter().try_for_each(|text| values::path(text)).within("files")
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
