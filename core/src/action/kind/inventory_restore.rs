//! `inventory.restore`: an inventory edit, taken back by the recorded bytes or a three-way merge.

use crate::action::{
    Accepted, Action, ActionKind, CheckError, Described, JudgedBy, Place, Recovery, Target, Undo, UndoClass,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use serde::{Deserialize, Serialize};

/// Takes an inventory edit back. If the file is as the edit left it, the recorded bytes return; if someone edited it
/// since, a three-way merge takes out this edit and keeps theirs, or refuses with both texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryRestore {
    /// The inventory file on the control side.
    pub file: String,
    /// What it was before the edit.
    pub to: State,
    /// What the edit left: the base of the merge. Filled in when the rollback is planned.
    #[serde(default)]
    pub base: Option<Box<State>>,
}

impl Described for InventoryRestore {
    const EXAMPLES: &'static [&'static str] = &[];

    fn forms() -> Vec<Form> {
        Vec::new()
    }
}

#[cfg(test)]
impl Arbitrary for InventoryRestore {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { file: dice.word(), to: dice.state(), base: dice.maybe(|dice| Box::new(dice.state())) }
    }
}

impl ActionKind for InventoryRestore {
    fn place(&self) -> Place {
        Place::Control
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn judged_by(&self) -> JudgedBy {
        JudgedBy::Stillness
    }

    fn words(&self) -> String {
        "take the inventory edit back".to_owned()
    }

    fn check(&self) -> Result<(), CheckError> {
        Ok(())
    }

    fn footprint(&self, _: &Target) -> Vec<Footprint> {
        on_control(&self.file)
    }

    // Of a merge nobody knows the result beforehand; the recorded bytes themselves are a good end.
    fn met(&self, _: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        (*now == self.to).then_some(true)
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        back(&self.file, before)
    }
}

/// The file on the machine that Palinode runs on, as a whole.
pub(super) fn on_control(path: &str) -> Vec<Footprint> {
    vec![Footprint::new(ResourceKey::control_file(path), Fields::All)]
}

/// Puts the recorded text of a file back, whatever became of it since.
pub(super) fn back(file: &str, before: &Image) -> Vec<Undo> {
    let all = before.iter().map(|(key, state)| {
        let restore = InventoryRestore { file: file.to_owned(), to: state.clone(), base: None };
        Undo::new(Action::InventoryRestore(restore)).or(key, Accepted::Any)
    });
    all.collect()
}
