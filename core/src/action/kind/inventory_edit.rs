//! `inventory.edit`: the inventory text, edited in place.

use super::inventory_restore;
use crate::action::{values, ActionKind, JudgedBy, Place, Recovery, Target, Undo, UndoClass};
use crate::id::{Label, ResourceKey};
use crate::inventory::{Edit, Inventory};
use crate::resource::{Footprint, Image, State};
use serde::{Deserialize, Serialize};

/// Edits the inventory text in place, by the smallest splices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryEdit {
    /// The inventory file on the control side.
    pub file: String,
    /// What to change.
    pub edits: Vec<Edit>,
    /// A step before which the moved hosts stood where they are to return to: the places are taken from its
    /// before-image when this step's turn comes.
    #[serde(default)]
    pub home_of: Option<Label>,
}

impl InventoryEdit {
    /// Gives every move of a host the place that the host had in an earlier text.
    pub fn resolve(&self, earlier: &str) -> Self {
        let inventory = Inventory::parse(earlier);
        let edits = self.edits.iter().cloned().map(|edit| match edit {
            Edit::MoveHost { host, from, to, place } => {
                let place = inventory.place_of(&host, &to).unwrap_or(place);
                Edit::MoveHost { host, from, to, place }
            }
            other => other,
        });
        Self { file: self.file.clone(), edits: edits.collect(), home_of: None }
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

    fn check(&self) -> Result<(), String> {
        values::not_empty("edits", self.edits.len())
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
