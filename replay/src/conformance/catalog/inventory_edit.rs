//! `inventory.edit`.

use super::steps::{NODE, edit, migrate};
use crate::conformance::Case;
use palinode_core::id::BadId;
use palinode_core::inventory::Edit;

pub(super) fn cases(inventory: &str) -> Result<Vec<Case>, BadId> {
    let pin = |value: &str| {
        let (group, name) = ("OSEv3".to_owned(), "openshift_release".to_owned());
        edit(inventory, vec![Edit::SetGroupVar { group, name, value: value.to_owned() }])
    };
    Ok(vec![
        Case::new("inventory.edit", NODE, migrate(inventory))?,
        Case::new("inventory.edit, already so", NODE, pin("3.11"))?.nothing(),
        Case::new("inventory.edit, unknown host", NODE, {
            let (host, name) = ("nothing.demo".to_owned(), "a".to_owned());
            edit(inventory, vec![Edit::SetHostVar { host, name, value: "b".to_owned() }])
        })?
        .refused("nothing.demo"),
    ])
}
