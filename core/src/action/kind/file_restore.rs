//! `file.restore`: a file, link or tree, put back as it was recorded.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass, on_host, values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use serde::{Deserialize, Serialize};

/// Puts a recorded state back at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRestore {
    /// The path.
    pub path: String,
    /// What shall be there.
    pub state: State,
}

impl Described for FileRestore {
    const EXAMPLES: &'static [&'static str] = &[];

    fn forms() -> Vec<Form> {
        Vec::new()
    }
}

#[cfg(test)]
impl Arbitrary for FileRestore {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { path: dice.word(), state: dice.state() }
    }
}

impl ActionKind for FileRestore {
    fn place(&self) -> Place {
        Place::Host
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn replaces_files(&self) -> bool {
        true
    }

    fn words(&self) -> String {
        match self.state {
            State::Absent => format!("remove {}", self.path),
            _ => format!("put {} back", self.path),
        }
    }

    fn subject(&self) -> String {
        self.path.clone()
    }

    fn check(&self) -> Result<(), CheckError> {
        values::path(&self.path).within("path")
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_host::files(target, [self.path.as_str()])
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        Some(self.state.same(now, Fields::All))
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_host::put_back(before)
    }
}
