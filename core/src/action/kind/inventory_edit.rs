//! `inventory.edit`: the inventory text, edited in place.

use super::inventory_restore;
use crate::action::{
    ActionKind, CheckError, Described, InField as _, JudgedBy, Place, Recovery, Target, Undo, UndoClass, values,
};
use crate::form::Form;
use crate::id::{Label, ResourceKey};
use crate::inventory::{Edit, at_home};
use crate::resource::{Footprint, Image, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Edits the inventory text in place, by the smallest splices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InventoryEdit {
    /// The inventory file, on the machine that Palinode runs on; without it the inventory of the run.
    #[schemars(with = "Option<String>")]
    pub file: String,
    /// What to change, in this order.
    pub edits: Vec<Edit>,
    /// An earlier step, by its name: the moved hosts return to the places where they stood before it.
    #[serde(default)]
    pub home_of: Option<Label>,
}

impl InventoryEdit {
    /// Gives every move of a host the place that the host had in an earlier text.
    pub fn resolve(&self, earlier: &str) -> Self {
        Self { file: self.file.clone(), edits: at_home(&self.edits, earlier), home_of: None }
    }
}

impl Described for InventoryEdit {
    const EXAMPLES: &'static [&'static str] = &[
        "\
- new-nodes-group:
    inventory.edit:
      edits: [ { ensure_child: { parent: OSEv3, child: new_nodes } } ]
",
        "\
- inventory:
    inventory.edit:
      edits:
        - set_host_var: { host: \"{{ host }}\", name: use_crio, value: \"False\" }
        - move_host: { host: \"{{ host }}\", from: nodes, to: new_nodes }
",
    ];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for InventoryEdit {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { file: dice.word(), edits: dice.list(Dice::edit), home_of: dice.maybe(Dice::label) }
    }
}

impl ActionKind for InventoryEdit {
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
        JudgedBy::Change
    }

    fn words(&self) -> String {
        match self.edits.len() {
            1 => "edit the inventory in one place".to_owned(),
            number => format!("edit the inventory in {number} places"),
        }
    }

    fn check(&self) -> Result<(), CheckError> {
        values::not_empty("edits", self.edits.len()).within("edits")
    }

    fn footprint(&self, _: &Target) -> Vec<Footprint> {
        inventory_restore::on_control(&self.file)
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, _: &State) -> Option<bool> {
        None
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        inventory_restore::back(&self.file, before)
    }
}
