//! The cases that every subject goes through: each action of the CRI-O migration, as its runbook uses it and as its
//! rollback does, with what must be refused.
//!
//! They expect the world of the lab: host names, node groups and files are those of [`crate::lab::World::demo`].

mod apply_object;
mod command;
mod cordon;
mod delete_node;
mod delete_object;
mod dns_check;
mod drain;
mod fetch;
mod file_absent;
mod file_copy;
mod file_permissions;
mod file_read;
mod file_restore;
mod file_write;
mod gluster_heal;
mod inventory_edit;
mod inventory_restore;
mod package;
mod patch_node;
mod playbook;
mod reboot;
mod record;
mod repository;
mod restore_node;
mod service;
mod steps;
mod uncordon;
mod wait;

use super::Case;
use palinode_core::id::BadId;

/// The cases of a kind on the host of that name.
type Cases = fn(&str) -> Result<Vec<Case>, BadId>;

/// The cases of each kind.
const KINDS: &[Cases] = &[
    apply_object::cases,
    command::cases,
    cordon::cases,
    delete_node::cases,
    delete_object::cases,
    dns_check::cases,
    drain::cases,
    fetch::cases,
    file_absent::cases,
    file_copy::cases,
    file_permissions::cases,
    file_read::cases,
    file_restore::cases,
    file_write::cases,
    gluster_heal::cases,
    inventory_edit::cases,
    inventory_restore::cases,
    package::cases,
    patch_node::cases,
    playbook::cases,
    reboot::cases,
    record::cases,
    repository::cases,
    restore_node::cases,
    service::cases,
    uncordon::cases,
    wait::cases,
];

/// Every case. `inventory` is the path of the inventory on the control side.
///
/// # Errors
/// Never with the names in here; a name that is none would be told.
pub fn all(inventory: &str) -> Result<Vec<Case>, BadId> {
    let kinds: Vec<Vec<Case>> = KINDS.iter().map(|cases| cases(inventory)).collect::<Result<_, _>>()?;
    Ok(kinds.into_iter().flatten().collect())
}
