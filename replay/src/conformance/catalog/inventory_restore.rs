//! `inventory.restore`: what takes an edit back, beside edits of others.

use super::steps::{NODE, edit, migrate};
use crate::conformance::{Case, Change, Prep, Rule};
use palinode_core::action::Action;
use palinode_core::id::BadId;
use palinode_core::inventory::Edit;
use palinode_core::record::Why;

fn others(from: &str, to: &str) -> Prep {
    Prep::Change(Change::EditInventory { from: from.to_owned(), to: to.to_owned() })
}

pub(super) fn cases(inventory: &str) -> Result<Vec<Case>, BadId> {
    let restores = |action: &Action| matches!(action, Action::InventoryRestore(_));
    let pin = |value: &str| {
        let (group, name) = ("OSEv3".to_owned(), "openshift_release".to_owned());
        edit(inventory, vec![Edit::SetGroupVar { group, name, value: value.to_owned() }])
    };
    Ok(vec![
        Case::new("inventory.restore", NODE, pin("3.12"))?.after([Prep::Keep(migrate(inventory))]).inverse(restores),
        Case::new("inventory.restore, edited elsewhere", NODE, pin("3.12"))?
            .after([Prep::Keep(migrate(inventory)), others("# Storage nodes run CRI-O", "# Most nodes run CRI-O")])
            .inverse(restores)
            .except(Rule::Judged, "what a merge comes to is not known beforehand; it is safe to repeat instead"),
        Case::new("inventory.restore, edited in the same line", NODE, pin("3.12"))?
            .after([Prep::Keep(pin("3.12")), others("openshift_release=3.12", "openshift_release=3.13")])
            .inverse(restores)
            .ends(Why::Conflict, "openshift_release"),
    ])
}
