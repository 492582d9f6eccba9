//! `file.read`: one `KEY=value` line of a file.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass, on_host, values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reads one `KEY=value` line of a file. The value is public; with `capture` later steps can use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileRead {
    /// The file, absolute.
    pub path: String,
    /// The key whose value is read.
    pub key: String,
}

impl Described for FileRead {
    const EXAMPLES: &'static [&'static str] = &["\
- group-name:
    file.read:
      path: /etc/sysconfig/atomic-openshift-node
      key: BOOTSTRAP_CONFIG_NAME
    capture: bootstrap_config
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for FileRead {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { path: dice.word(), key: dice.word() }
    }
}

impl ActionKind for FileRead {
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
        format!("read {} from {}", self.key, self.path)
    }

    fn check(&self) -> Result<(), CheckError> {
        values::path(&self.path).within("path")?;
        values::word("key", &self.key, "_-.").within("key")
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_host::evidence(target, &self.path)
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, _: &State) -> Option<bool> {
        None
    }

    fn inverse(&self, _: &Target, _: &Image) -> Vec<Undo> {
        Vec::new()
    }
}
