//! `fetch`: a file or a directory, brought from the host.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass, values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Brings a file, or a directory as an archive, into the journal as the output of the step, sealed. At most 8 MiB are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// The file or directory, absolute.
    pub path: String,
}

impl Fetch {
    /// So many bytes are brought at most: what a job prints beyond that is not kept.
    pub const LIMIT: u64 = 8 << 20;
}

impl Described for Fetch {
    const EXAMPLES: &'static [&'static str] = &["\
- keep: { fetch: { path: /etc/origin/node/node-config.yaml } }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for Fetch {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { path: dice.word() }
    }
}

impl ActionKind for Fetch {
    fn place(&self) -> Place {
        Place::Host
    }

    fn class(&self) -> UndoClass {
        UndoClass::Read
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn says_unmet(&self) -> bool {
        true
    }

    fn words(&self) -> String {
        format!("fetch {}", self.path)
    }

    fn subject(&self) -> String {
        self.path.clone()
    }

    fn check(&self) -> Result<(), CheckError> {
        values::path(&self.path).within("path")
    }

    fn footprint(&self, _: &Target) -> Vec<Footprint> {
        Vec::new()
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, _: &State) -> Option<bool> {
        None
    }

    fn inverse(&self, _: &Target, _: &Image) -> Vec<Undo> {
        Vec::new()
    }
}
